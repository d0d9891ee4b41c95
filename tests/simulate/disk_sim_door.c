/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.h on the disk in use, call by call. Random bits of the kernel come from here, too, so that a
 * seed repeats exactly.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "core/check.h"
#include "tests/simulate/disk_sim_parts.h"

enum { BLOCK_SIZE = 4096 };

/* disk.h has no word for which disk: there is one. */
static struct disk_sim *disk_in_use;

void disk_sim_use(struct disk_sim *disk)
{
    disk_in_use = disk;
}

/* Instead of the C library's. Libraries ask before there is a disk: for nothing that matters. */
ssize_t getrandom(void *buffer, size_t size, unsigned int flags)
{
    uint8_t *bytes = buffer;
    (void)flags;
    for (size_t i = 0; i < size; i++)
        bytes[i] = disk_in_use == NULL ? (uint8_t)i : (uint8_t)dice_next(&disk_in_use->dice);
    return (ssize_t)size;
}

/* Every call of disk.h begins here: 0, or how it fails. */
static int operation(void)
{
    struct disk_sim *disk = disk_in_use;
    CHECK(disk != NULL);
    disk->operations++;
    if (disk->operations == disk->power_off_at)
        disk->off = true;
    if (disk->off)
        return -EIO;
    return disk->operations == disk->fails_at ? disk->failure : 0;
}

static bool is_in(const char *path, const char *directory)
{
    size_t size = strlen(directory);
    return strncmp(path, directory, size) == 0 && path[size] == '/' &&
           strchr(path + size + 1, '/') == NULL;
}

static int handle_make(int inode, bool direct, bool writes)
{
    for (int i = 0; i < DISK_HANDLES_MAX; i++) {
        struct handle *handle = &disk_in_use->handles[i];
        if (handle->used || disk_in_flight(disk_in_use, DISK_HANDLE_FIRST + i))
            continue;
        *handle = (struct handle){.inode = inode, .used = true, .direct = direct, .writes = writes};
        return DISK_HANDLE_FIRST + i;
    }
    return -EMFILE;
}

static struct handle *handle_of(int file)
{
    CHECK(file >= DISK_HANDLE_FIRST && file < DISK_HANDLE_FIRST + DISK_HANDLES_MAX);
    struct handle *handle = &disk_in_use->handles[file - DISK_HANDLE_FIRST];
    CHECK(handle->used);
    return handle;
}

static struct inode *inode_of(const struct handle *handle)
{
    CHECK(disk_in_use->inodes[handle->inode].used);
    return &disk_in_use->inodes[handle->inode];
}

static int open_as(const char *path, enum disk_access access, bool direct)
{
    int result = operation();
    struct disk_name *name = disk_name_find(disk_in_use->names, path);
    if (result != 0)
        return result;
    if (name == NULL)
        return -ENOENT;
    if (name->inode < 0)
        return -EISDIR;
    return handle_make(name->inode, direct, access == DISK_WRITE);
}

int disk_open(const char *path, enum disk_access access)
{
    return open_as(path, access, false);
}

int disk_open_direct(const char *path, enum disk_access access)
{
    return disk_in_use->refuses_direct ? -EINVAL : open_as(path, access, true);
}

/* The name gets a new inode, so that a power cut may leave the old one with all it had. */
int disk_create(const char *path)
{
    int result = operation();
    if (result != 0)
        return result;
    if (!disk_has_parent(disk_in_use->names, path))
        return -ENOENT;
    int inode = disk_inode_make(disk_in_use);
    disk_change_note(disk_in_use, "", path, inode);
    return handle_make(inode, false, true);
}

int disk_open_or_create(const char *path)
{
    if (disk_name_find(disk_in_use->names, path) != NULL)
        return open_as(path, DISK_WRITE, false);
    return disk_create(path);
}

int disk_close(int file)
{
    struct handle *handle = handle_of(file);
    struct inode *inode = inode_of(handle);
    if (inode->locked_by == file && !disk_in_flight(disk_in_use, file))
        inode->locked_by = -1;
    handle->used = false;
    return operation();
}

/* What a killed process had in flight lands before its lock is free. */
static void land_all_of(struct disk_sim *disk, int file)
{
    for (int i = 0; i < DISK_FLIGHTS_MAX; i++)
        if (disk->flights[i].used && disk->flights[i].handle == file)
            (void)disk_sim_land(disk, i, LANDS_WHOLE);
}

int disk_lock(int file, bool wait)
{
    struct inode *inode = inode_of(handle_of(file));
    int result = operation();
    if (result != 0)
        return result;
    if (inode->locked_by >= 0 && inode->locked_by != file) {
        struct handle *holder = &disk_in_use->handles[inode->locked_by - DISK_HANDLE_FIRST];
        if (!wait)
            return -EBUSY;
        CHECK(!holder->used); /* it would wait for ever */
        land_all_of(disk_in_use, inode->locked_by);
    }
    inode->locked_by = file;
    return 0;
}

int64_t disk_read(int file, void *out, uint32_t size, uint32_t offset)
{
    struct handle *handle = handle_of(file);
    struct inode *inode = inode_of(handle);
    int result = operation();
    if (result != 0)
        return result;
    if (handle->direct)
        CHECK(
            size % BLOCK_SIZE == 0 && offset % BLOCK_SIZE == 0 && (uintptr_t)out % BLOCK_SIZE == 0);
    if (offset >= inode->size)
        return 0;
    uint32_t got = size < inode->size - offset ? size : inode->size - offset;
    memcpy(out, inode->data + offset, got);
    return got;
}

int64_t disk_write(int file, const void *data, uint32_t size, uint32_t offset)
{
    struct handle *handle = handle_of(file);
    int result = operation();
    CHECK(handle->writes);
    if (result < 0)
        return result;
    uint32_t written = result > 0 && (uint32_t)result < size ? (uint32_t)result : size;
    if (written > 0)
        disk_inode_write(inode_of(handle), data, written, offset);
    return written;
}

int disk_allocate(int file, uint32_t size)
{
    struct inode *inode = inode_of(handle_of(file));
    int result = operation();
    if (result != 0)
        return result;
    disk_inode_reserve(inode, size);
    if (size > inode->size)
        inode->size = size;
    return 0;
}

static void make_durable(struct inode *inode)
{
    memset(inode->dirty, 0, inode->capacity / SECTOR_SIZE);
    inode->dirty_count = 0;
    inode->size_durable = inode->size;
}

int disk_sync(int file)
{
    struct inode *inode = inode_of(handle_of(file));
    int result = operation();
    if (result == 0 && inode->capacity > 0)
        make_durable(inode);
    return result;
}

int disk_sync_data(int file)
{
    return disk_sync(file);
}

void disk_forget(int file)
{
    (void)handle_of(file);
}

int disk_rename(const char *from, const char *to)
{
    int result = operation();
    if (result != 0)
        return result;
    struct disk_name *name = disk_name_find(disk_in_use->names, from);
    if (name == NULL)
        return -ENOENT;
    disk_change_note(disk_in_use, from, to, name->inode);
    return 0;
}

int disk_remove(const char *path)
{
    int result = operation();
    if (result != 0 || disk_name_find(disk_in_use->names, path) == NULL)
        return result;
    for (uint32_t i = 0; i < DISK_NAMES_MAX; i++)
        if (disk_in_use->names[i].used && is_in(disk_in_use->names[i].path, path))
            return -ENOTEMPTY;
    disk_change_note(disk_in_use, "", path, DISK_REMOVED);
    return 0;
}

int disk_list(const char *path, void (*visit)(void *context, const char *name), void *context)
{
    int result = operation();
    if (result != 0)
        return result;
    if (strcmp(path, "/sim") != 0 && disk_name_find(disk_in_use->names, path) == NULL)
        return -ENOENT;
    for (uint32_t i = 0; i < DISK_NAMES_MAX; i++) {
        const struct disk_name *name = &disk_in_use->names[i];
        if (name->used && is_in(name->path, path))
            visit(context, name->path + strlen(path) + 1);
    }
    return 0;
}

int disk_make_directory(const char *path)
{
    int result = operation();
    if (result != 0 || disk_name_find(disk_in_use->names, path) != NULL)
        return result;
    if (!disk_has_parent(disk_in_use->names, path))
        return -ENOENT;
    disk_change_note(disk_in_use, "", path, -1);
    return 0;
}

/* The changes in the directory become durable, in their order; the others wait on. */
int disk_sync_directory(const char *path)
{
    struct disk_sim *disk = disk_in_use;
    char directory[DISK_NAME_SIZE_MAX];
    uint32_t kept = 0;
    int result = operation();
    if (result != 0)
        return result;
    size_t size = strlen(path);
    CHECK(size < sizeof(directory));
    memcpy(directory, path, size + 1);
    if (size > 3 && strcmp(path + size - 3, "/..") == 0) {
        directory[size - 3] = 0;
        *strrchr(directory, '/') = 0;
    }
    for (uint32_t i = 0; i < disk->change_count; i++) {
        if (is_in(disk->changes[i].path, directory))
            disk_change_do(disk->durable_names, &disk->changes[i]);
        else
            disk->changes[kept++] = disk->changes[i];
    }
    disk->change_count = kept;
    return 0;
}
