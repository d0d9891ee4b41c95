/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opened without waiting, and looked at before a byte is read: what is no regular file may block or
 * never end.
 */
#include "net/http/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_regular(struct key_file *file, const char **problem)
{
    struct stat status;
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    int result = fstat(fd, &status) == 0 ? 0 : -errno;
    if (result == 0 && !S_ISREG(status.st_mode)) {
        result = -EINVAL;
        *problem = "is no regular file";
    }
    if (result == 0) {
        file->mode = status.st_mode;
        return fd;
    }
    close(fd);
    return result;
}

static int32_t read_whole(int fd, const struct key_file *file)
{
    uint32_t size = 0;
    while (size < file->size_max) {
        ssize_t got = read(fd, file->data + size, file->size_max - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            return (int32_t)size;
        size += (uint32_t)got;
    }
    return -EFBIG;
}

int32_t key_file_read(struct key_file *file, char *error, size_t error_size)
{
    const char *problem = NULL;
    int fd = open_regular(file, &problem);
    int32_t size = fd < 0 ? fd : read_whole(fd, file);
    if (fd >= 0)
        close(fd);
    if (size < 0)
        snprintf(error, error_size, "%s: %s: %s", file->setting, file->path,
            problem != NULL ? problem : strerror(-size));
    return size;
}
