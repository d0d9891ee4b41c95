/* SPDX-License-Identifier: Apache-2.0 */
/*
 * power_disk IMAGE DIRECTORY - a disk whose power can be cut, as a file to make a loop device of.
 *
 * Shows IMAGE (an existing file of whole sectors) as DIRECTORY/disk, by FUSE. What is written there
 * is, as in a disk with a volatile cache, only in memory until the device is flushed, which is how
 * the loop device passes on a flush or a durable write: as fsync of its file. DIRECTORY/control
 * takes one command a write:
 *
 *     cut SEED KEEP N  with the Nth write or flush from now (0: at once) the power goes: of the
 *                      sectors that were written and never flushed, each reaches IMAGE or does
 *                      not, KEEP of a thousand do; from there on everything answers EIO
 *     lie              from now on a flush does nothing and says it did
 *
 * and shows what has happened as one line of counts. Copying the image of a mounted file system
 * while it is written would give a mixture of moments that no disk was ever in. Here requests are
 * served one at a time, so the cut falls between two of them, and since everything unflushed may
 * be missing, by sector and in any order, the image afterwards is at least as bad as one that a
 * real cut leaves. The program is started again on the same IMAGE for the power to come back.
 *
 * A sector is 512 bytes, the unit that a disk writes whole.
 */
#define FUSE_USE_VERSION 31

#include <errno.h>
#include <fcntl.h>
#include <fuse3/fuse.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/lib/dice.h"

enum { SECTOR = 512, COMMAND_SIZE = 64, COUNTS_SIZE = 128 };

struct disk {
    int image;
    uint64_t size;
    uint8_t *content; /* what a reader sees: IMAGE, and over it, private to us, what is unflushed */
    uint8_t *is_unflushed; /* by sector */
    uint32_t *unflushed;   /* those sectors */
    uint32_t unflushed_count;
    bool dead, lies;
    struct dice dice; /* of the cut */
    uint32_t keep;
    uint32_t requests_left; /* until the cut; 0: none is ordered */
    uint64_t writes, flushes, kept, lost;
};

static struct disk *disk_here(void)
{
    return fuse_get_context()->private_data;
}

static bool is_disk(const char *path)
{
    return strcmp(path, "/disk") == 0;
}

static bool is_control(const char *path)
{
    return strcmp(path, "/control") == 0;
}

static void note_unflushed(struct disk *disk, uint32_t sector)
{
    if (disk->is_unflushed[sector] == 0)
        disk->unflushed[disk->unflushed_count++] = sector;
    disk->is_unflushed[sector] = 1;
}

/* The sector reaches the image. */
static int store(struct disk *disk, uint32_t sector)
{
    off_t offset = (off_t)sector * SECTOR;
    return pwrite(disk->image, disk->content + offset, SECTOR, offset) == SECTOR ? 0 : -EIO;
}

static int flush_all(struct disk *disk)
{
    int result = 0;
    for (uint32_t i = 0; i < disk->unflushed_count && result == 0; i++) {
        result = store(disk, disk->unflushed[i]);
        disk->is_unflushed[disk->unflushed[i]] = 0;
    }
    disk->unflushed_count = 0;
    return result;
}

static int cut(struct disk *disk)
{
    int result = 0;
    for (uint32_t i = 0; i < disk->unflushed_count && result == 0; i++) {
        bool kept = dice_below(&disk->dice, 1000) < disk->keep;
        result = kept ? store(disk, disk->unflushed[i]) : 0;
        *(kept ? &disk->kept : &disk->lost) += 1;
    }
    disk->dead = true;
    return result;
}

/* Counts a write that was taken, or a flush that was not yet done: 0, or -EIO without power. */
static int count_down(struct disk *disk)
{
    if (disk->requests_left == 0 || --disk->requests_left > 0)
        return 0;
    (void)cut(disk);
    return -EIO;
}

static int order_cut(struct disk *disk, uint64_t seed, uint32_t keep, uint32_t requests)
{
    if (disk->dead)
        return 0; /* it has fallen */
    disk->dice = dice_of(seed);
    disk->keep = keep;
    disk->requests_left = requests;
    return requests == 0 ? cut(disk) : 0;
}

static int command(struct disk *disk, const char *data, size_t size)
{
    char words[COMMAND_SIZE] = {0};
    uint64_t seed;
    uint32_t keep, requests;
    if (size >= sizeof(words))
        return -EINVAL;
    memcpy(words, data, size);
    if (strcmp(words, "lie\n") == 0)
        disk->lies = true;
    else if (sscanf(words, "cut %" SCNu64 " %" SCNu32 " %" SCNu32, &seed, &keep, &requests) == 3)
        return order_cut(disk, seed, keep, requests);
    else
        return -EINVAL;
    return 0;
}

static int tell(const struct disk *disk, char *data, size_t size, off_t offset)
{
    char counts[COUNTS_SIZE];
    int length = snprintf(counts, sizeof(counts),
        "{\"writes\":%" PRIu64 ",\"flushes\":%" PRIu64 ",\"kept\":%" PRIu64 ",\"lost\":%" PRIu64
        "}\n",
        disk->writes, disk->flushes, disk->kept, disk->lost);
    if (offset >= length)
        return 0;
    size_t left = (size_t)(length - offset);
    memcpy(data, counts + offset, left < size ? left : size);
    return (int)(left < size ? left : size);
}

static int on_getattr(const char *path, struct stat *status, struct fuse_file_info *file)
{
    (void)file;
    *status = (struct stat){.st_mode = S_IFREG | 0666, .st_nlink = 1};
    if (strcmp(path, "/") == 0)
        status->st_mode = S_IFDIR | 0755;
    else if (is_disk(path))
        status->st_size = (off_t)disk_here()->size;
    else if (!is_control(path))
        return -ENOENT;
    return 0;
}

/* Nothing of it may stay in the kernel's page cache: there it would outlive the cut. */
static int on_open(const char *path, struct fuse_file_info *file)
{
    (void)path;
    file->direct_io = 1;
    return 0;
}

static int on_truncate(const char *path, off_t size, struct fuse_file_info *file)
{
    (void)size;
    (void)file;
    return is_control(path) ? 0 : -EPERM;
}

static int on_read(
    const char *path, char *data, size_t size, off_t offset, struct fuse_file_info *file)
{
    struct disk *disk = disk_here();
    (void)file;
    if (is_control(path))
        return tell(disk, data, size, offset);
    if (disk->dead)
        return -EIO;
    if ((uint64_t)offset >= disk->size)
        return 0;
    uint64_t left = disk->size - (uint64_t)offset;
    memcpy(data, disk->content + offset, left < size ? left : size);
    return (int)(left < size ? left : size);
}

static int on_write(
    const char *path, const char *data, size_t size, off_t offset, struct fuse_file_info *file)
{
    struct disk *disk = disk_here();
    (void)file;
    if (is_control(path)) {
        int result = command(disk, data, size);
        return result == 0 ? (int)size : result;
    }
    if (disk->dead || (uint64_t)offset > disk->size || size > disk->size - (uint64_t)offset)
        return -EIO;
    memcpy(disk->content + offset, data, size);
    disk->writes++;
    uint64_t end = ((uint64_t)offset + size + SECTOR - 1) / SECTOR;
    for (uint64_t sector = (uint64_t)offset / SECTOR; sector < end; sector++)
        note_unflushed(disk, (uint32_t)sector);
    return count_down(disk) == 0 ? (int)size : -EIO;
}

static int on_fsync(const char *path, int data_only, struct fuse_file_info *file)
{
    struct disk *disk = disk_here();
    (void)path;
    (void)data_only;
    (void)file;
    if (disk->dead)
        return -EIO;
    disk->flushes++;
    if (count_down(disk) != 0)
        return -EIO;
    return disk->lies ? 0 : flush_all(disk);
}

/* From here on the directory answers. */
static void *on_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
    (void)connection;
    (void)config;
    puts("mounted");
    fflush(stdout);
    return disk_here();
}

static const struct fuse_operations operations = {
    .init = on_init,
    .getattr = on_getattr,
    .open = on_open,
    .truncate = on_truncate,
    .read = on_read,
    .write = on_write,
    .fsync = on_fsync,
};

static bool open_image(struct disk *disk, const char *path)
{
    struct stat status;
    disk->image = open(path, O_RDWR | O_CLOEXEC);
    if (disk->image < 0 || fstat(disk->image, &status) != 0)
        return false;
    disk->size = (uint64_t)status.st_size / SECTOR * SECTOR;
    disk->content =
        mmap(NULL, disk->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, disk->image, 0);
    disk->is_unflushed = calloc(disk->size / SECTOR, sizeof(*disk->is_unflushed));
    disk->unflushed = calloc(disk->size / SECTOR, sizeof(*disk->unflushed));
    return disk->content != MAP_FAILED && disk->is_unflushed != NULL && disk->unflushed != NULL;
}

int main(int count, char **words)
{
    struct disk disk = {.image = -1};
    if (count != 3) {
        fprintf(stderr, "usage: power_disk IMAGE DIRECTORY\n");
        return 2;
    }
    if (!open_image(&disk, words[1])) {
        perror(words[1]);
        return 1;
    }
    /* In the foreground, one request at a time; for the user, too, for whom root started us. */
    char *arguments[] = {words[0], "-f", "-s", "-o", "allow_other", words[2], NULL};
    return fuse_main(6, arguments, &operations, &disk);
}
