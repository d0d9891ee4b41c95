/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk - the kernel's own. What it is asked to do is told in order by its callers: segment.c,
 * current.c and datadir.c.
 */
#include "persist/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { DIRECT_BLOCK_SIZE = 4096 };

static int result_of(int returned)
{
    return returned < 0 ? -errno : returned;
}

static int flags_of(enum disk_access access)
{
    return (access == DISK_WRITE ? O_RDWR : O_RDONLY) | O_CLOEXEC;
}

int disk_open(const char *path, enum disk_access access)
{
    return result_of(open(path, flags_of(access)));
}

/* Whether whole, aligned blocks of 4 KiB are enough for this file's direct I/O. */
static bool direct_in_blocks(int file)
{
#ifdef STATX_DIOALIGN
    struct statx status;
    if (statx(file, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
        (status.stx_mask & STATX_DIOALIGN) != 0)
        return status.stx_dio_offset_align != 0 &&
               status.stx_dio_offset_align <= DIRECT_BLOCK_SIZE &&
               status.stx_dio_mem_align <= DIRECT_BLOCK_SIZE;
#endif
    (void)file;
    return true; /* an older kernel cannot say; opening with O_DIRECT worked */
}

/* Whether a direct write with RWF_DSYNC is durable. On FUSE, of which virtiofs is one, the kernel
 * syncs after it only when the caller waits in the system call, not when a ring makes it: the write
 * completes and nothing is on the disk. Through the page cache it always syncs. */
static bool direct_is_durable(int file)
{
    struct statfs system;
    return fstatfs(file, &system) == 0 && system.f_type != FUSE_SUPER_MAGIC;
}

int disk_open_direct(const char *path, enum disk_access access)
{
    int file = result_of(open(path, flags_of(access) | O_DIRECT));
    if (file < 0 || (direct_in_blocks(file) && direct_is_durable(file)))
        return file;
    close(file);
    return -EINVAL;
}

int disk_create(const char *path)
{
    return result_of(open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640));
}

int disk_open_or_create(const char *path)
{
    return result_of(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640));
}

int disk_close(int file)
{
    return result_of(close(file));
}

int disk_lock(int file, bool wait)
{
    while (flock(file, wait ? LOCK_EX : LOCK_EX | LOCK_NB) != 0)
        if (errno != EINTR)
            return errno == EWOULDBLOCK ? -EBUSY : -errno;
    return 0;
}

int64_t disk_read(int file, void *out, uint32_t size, uint32_t offset)
{
    for (;;) {
        ssize_t got = pread(file, out, size, offset);
        if (got >= 0 || errno != EINTR)
            return got < 0 ? -errno : got;
    }
}

int64_t disk_write(int file, const void *data, uint32_t size, uint32_t offset)
{
    for (;;) {
        ssize_t written = pwrite(file, data, size, offset);
        if (written >= 0 || errno != EINTR)
            return written < 0 ? -errno : written;
    }
}

int disk_allocate(int file, uint32_t size)
{
    return fallocate(file, 0, 0, size) == 0 || errno == EOPNOTSUPP ? 0 : -errno;
}

int disk_sync(int file)
{
    return result_of(fsync(file));
}

int disk_sync_data(int file)
{
    return result_of(fdatasync(file));
}

void disk_forget(int file)
{
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
}

int disk_rename(const char *from, const char *to)
{
    return result_of(rename(from, to));
}

int disk_remove(const char *path)
{
    return remove(path) == 0 || errno == ENOENT ? 0 : -errno;
}

int disk_list(const char *path, void (*visit)(void *context, const char *name), void *context)
{
    DIR *directory = opendir(path);
    if (directory == NULL)
        return -errno;
    errno = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL; errno = 0) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            visit(context, entry->d_name);
    }
    int result = -errno;
    closedir(directory);
    return result;
}

int disk_make_directory(const char *path)
{
    return mkdir(path, 0750) == 0 || errno == EEXIST ? 0 : -errno;
}

int disk_sync_directory(const char *path)
{
    int file = result_of(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (file < 0)
        return file;
    int result = disk_sync(file);
    close(file);
    return result;
}
