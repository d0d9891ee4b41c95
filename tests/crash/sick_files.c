/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sick_files SOURCE DIRECTORY [no-direct] - shows SOURCE, a directory, as DIRECTORY, by FUSE, and
 * lets a chosen write, sync or read of it fail, as a disk does that begins to die.
 *
 * DIRECTORY/control takes one command a write, and shows what has happened as one line of counts:
 *
 *     write ERRNO N   the Nth write from now fails with that errno, once: another would succeed
 *     full ERRNO N    the Nth write fails, and every later one, too
 *     short ERRNO N   the Nth write takes half of its bytes, and the next one to the file fails
 *     sync ERRNO N    the Nth sync fails, once; what it was to sync has been written
 *     read ERRNO N    the Nth read fails, and every later one, too
 *
 * `later` counts the writes and syncs of the file that failed, after it has: a server that retries
 * is found by it. With no-direct, files cannot be opened for direct I/O, as on many such systems.
 *
 * One request is served at a time. A durable write arrives as a write and a sync.
 */
#define FUSE_USE_VERSION 31

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { PATH_SIZE = 4096, COMMAND_SIZE = 64, COUNTS_SIZE = 160, BLOCK = 512 };

enum fault_kind { FAULT_NONE, FAULT_WRITE, FAULT_FULL, FAULT_SHORT, FAULT_SYNC, FAULT_READ };

struct files {
    char source[PATH_SIZE];
    bool no_direct;
    enum fault_kind fault;
    int error;
    uint32_t left;          /* requests of its kind until it comes */
    bool half_done;         /* of FAULT_SHORT: the file's next write fails */
    char failed[PATH_SIZE]; /* the file that had it, "" before */
    uint64_t writes, syncs, later;
};

static struct files *files_here(void)
{
    return fuse_get_context()->private_data;
}

static bool is_control(const char *path)
{
    return strcmp(path, "/control") == 0;
}

static const char *real(const char *path, char out[PATH_SIZE])
{
    (void)snprintf(out, PATH_SIZE, "%.2047s%.2047s", files_here()->source, path);
    return out;
}

static int result_of(int status)
{
    return status < 0 ? -errno : 0;
}

/* Whether this request of that kind is the one to fail; of the kinds that stay, one of them. */
static bool comes_now(struct files *files, enum fault_kind kind, const char *path)
{
    bool stays = kind == FAULT_FULL || kind == FAULT_READ;
    if (files->fault != kind || (files->left == 0 && !stays))
        return false;
    if (files->left > 0 && --files->left > 0)
        return false;
    (void)snprintf(files->failed, sizeof(files->failed), "%s", path);
    return true;
}

static void count_later(struct files *files, const char *path)
{
    if (files->failed[0] != 0 && !files->half_done && strcmp(files->failed, path) == 0)
        files->later++;
}

static int command(struct files *files, const char *data, size_t size)
{
    static const char *const names[] = {"none", "write", "full", "short", "sync", "read"};
    char words[COMMAND_SIZE] = {0}, name[16];
    if (size >= sizeof(words))
        return -EINVAL;
    memcpy(words, data, size);
    if (sscanf(words, "%15s %d %" SCNu32, name, &files->error, &files->left) != 3)
        return -EINVAL;
    for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(name, names[i]) == 0)
            files->fault = (enum fault_kind)i;
    return 0;
}

static int tell(const struct files *files, char *data, size_t size, off_t offset)
{
    char counts[COUNTS_SIZE];
    int length = snprintf(counts, sizeof(counts),
        "{\"writes\":%" PRIu64 ",\"syncs\":%" PRIu64 ",\"failed\":%d,\"later\":%" PRIu64 "}\n",
        files->writes, files->syncs, files->failed[0] != 0, files->later);
    if (offset >= length)
        return 0;
    size_t left = (size_t)(length - offset);
    memcpy(data, counts + offset, left < size ? left : size);
    return (int)(left < size ? left : size);
}

static int on_getattr(const char *path, struct stat *status, struct fuse_file_info *file)
{
    char at[PATH_SIZE];
    (void)file;
    *status = (struct stat){.st_mode = S_IFREG | 0666, .st_nlink = 1};
    return is_control(path) ? 0 : result_of(lstat(real(path, at), status));
}

static int on_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
    struct fuse_file_info *file, enum fuse_readdir_flags flags)
{
    char at[PATH_SIZE];
    (void)offset;
    (void)file;
    (void)flags;
    DIR *directory = opendir(real(path, at));
    if (directory == NULL)
        return -errno;
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        if (fill(buffer, entry->d_name, NULL, 0, 0) != 0)
            break;
    return result_of(closedir(directory));
}

/* What is made belongs to who asked for it, also when root serves. */
static int hand_over(const char *at)
{
    const struct fuse_context *context = fuse_get_context();
    return result_of(lchown(at, context->uid, context->gid));
}

static int on_mkdir(const char *path, mode_t mode)
{
    char at[PATH_SIZE];
    return mkdir(real(path, at), mode) == 0 ? hand_over(at) : -errno;
}

static int on_unlink(const char *path)
{
    char at[PATH_SIZE];
    return result_of(unlink(real(path, at)));
}

static int on_rmdir(const char *path)
{
    char at[PATH_SIZE];
    return result_of(rmdir(real(path, at)));
}

static int on_rename(const char *from, const char *to, unsigned flags)
{
    char at[PATH_SIZE], there[PATH_SIZE];
    return flags != 0 ? -EINVAL : result_of(rename(real(from, at), real(to, there)));
}

static int on_truncate(const char *path, off_t size, struct fuse_file_info *file)
{
    char at[PATH_SIZE];
    (void)file;
    return is_control(path) ? 0 : result_of(truncate(real(path, at), size));
}

/* Direct I/O is the kernel's and the caller's: whatever we are asked for is aligned, our own buffer
 * is not. */
static int open_real(const char *path, mode_t mode, struct fuse_file_info *file)
{
    char at[PATH_SIZE];
    if ((file->flags & O_DIRECT) != 0 && files_here()->no_direct)
        return -EINVAL;
    int fd = open(real(path, at), file->flags & ~(O_DIRECT | O_EXCL | O_APPEND), mode);
    if (fd < 0)
        return -errno;
    file->fh = (uint64_t)fd;
    return 0;
}

static int on_open(const char *path, struct fuse_file_info *file)
{
    if (!is_control(path))
        return open_real(path, 0, file);
    file->direct_io = 1;
    return 0;
}

static int on_create(const char *path, mode_t mode, struct fuse_file_info *file)
{
    char at[PATH_SIZE];
    int result = open_real(path, mode, file);
    return result == 0 ? hand_over(real(path, at)) : result;
}

static int on_release(const char *path, struct fuse_file_info *file)
{
    return is_control(path) ? 0 : result_of(close((int)file->fh));
}

static int on_read(
    const char *path, char *data, size_t size, off_t offset, struct fuse_file_info *file)
{
    struct files *files = files_here();
    if (is_control(path))
        return tell(files, data, size, offset);
    if (comes_now(files, FAULT_READ, path))
        return -files->error;
    ssize_t got = pread((int)file->fh, data, size, offset);
    return got < 0 ? -errno : (int)got;
}

/* Bytes of this write that are to be taken, or the error it has. */
static int64_t judge_write(struct files *files, const char *path, size_t size)
{
    files->writes++;
    count_later(files, path);
    if (files->half_done && strcmp(files->failed, path) == 0) {
        files->half_done = false;
        return -files->error;
    }
    if (comes_now(files, FAULT_WRITE, path) || comes_now(files, FAULT_FULL, path))
        return -files->error;
    if (size < 2 * BLOCK || !comes_now(files, FAULT_SHORT, path))
        return (int64_t)size;
    files->half_done = true;
    return (int64_t)(size / 2 / BLOCK * BLOCK);
}

static int on_write(
    const char *path, const char *data, size_t size, off_t offset, struct fuse_file_info *file)
{
    struct files *files = files_here();
    if (is_control(path)) {
        int result = command(files, data, size);
        return result == 0 ? (int)size : result;
    }
    int64_t taken = judge_write(files, path, size);
    if (taken < 0)
        return (int)taken;
    ssize_t written = pwrite((int)file->fh, data, (size_t)taken, offset);
    return written < 0 ? -errno : (int)written;
}

static int on_fsync(const char *path, int data_only, struct fuse_file_info *file)
{
    struct files *files = files_here();
    (void)data_only;
    if (is_control(path))
        return 0;
    files->syncs++;
    count_later(files, path);
    if (comes_now(files, FAULT_SYNC, path))
        return -files->error;
    return result_of(fdatasync((int)file->fh));
}

static int on_fsyncdir(const char *path, int data_only, struct fuse_file_info *file)
{
    (void)path;
    (void)data_only;
    (void)file;
    return 0;
}

static int on_fallocate(
    const char *path, int mode, off_t offset, off_t size, struct fuse_file_info *file)
{
    (void)path;
    return result_of(fallocate((int)file->fh, mode, offset, size));
}

static int on_statfs(const char *path, struct statvfs *status)
{
    char at[PATH_SIZE];
    return result_of(statvfs(real(path, at), status));
}

static const struct fuse_operations operations = {
    .getattr = on_getattr,
    .readdir = on_readdir,
    .mkdir = on_mkdir,
    .unlink = on_unlink,
    .rmdir = on_rmdir,
    .rename = on_rename,
    .truncate = on_truncate,
    .open = on_open,
    .create = on_create,
    .release = on_release,
    .read = on_read,
    .write = on_write,
    .fsync = on_fsync,
    .fsyncdir = on_fsyncdir,
    .fallocate = on_fallocate,
    .statfs = on_statfs,
};

int main(int count, char **words)
{
    static struct files files;
    if (count < 3 || count > 4) {
        fprintf(stderr, "usage: sick_files SOURCE DIRECTORY [no-direct]\n");
        return 2;
    }
    if (realpath(words[1], files.source) == NULL) {
        perror(words[1]);
        return 1;
    }
    files.no_direct = count == 4;
    umask(0); /* who asks has one of his own */
    /* In the foreground, one request at a time; for the user, too, for whom root started us. */
    char *arguments[] = {
        words[0], "-f", "-s", "-o", "allow_other,default_permissions", words[2], NULL};
    return fuse_main(6, arguments, &operations, &files);
}
