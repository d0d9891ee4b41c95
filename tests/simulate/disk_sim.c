/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One image of each file is what reads see; of each sector in it that is not durable yet the
 * durable content is kept beside. So a sync forgets, and a power cut restores.
 */
#include "tests/simulate/disk_sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "tests/simulate/disk_sim_parts.h"

enum { BLOCK_SIZE = 4096 };

struct disk_sim *disk_sim_create(uint64_t seed)
{
    struct disk_sim *disk = calloc(1, sizeof(*disk));
    CHECK(disk != NULL);
    disk->dice = dice_of(seed);
    return disk;
}

static void inode_free(struct inode *inode)
{
    free(inode->data);
    free(inode->old);
    free(inode->dirty);
    *inode = (struct inode){.locked_by = -1};
}

static void flight_free(struct flight *flight)
{
    free(flight->data);
    *flight = (struct flight){.used = false};
}

void disk_sim_destroy(struct disk_sim *disk)
{
    disk_sim_use(NULL);
    for (uint32_t i = 0; i < DISK_INODES_MAX; i++)
        inode_free(&disk->inodes[i]);
    for (uint32_t i = 0; i < DISK_FLIGHTS_MAX; i++)
        flight_free(&disk->flights[i]);
    free(disk);
}

/* Room for `size` bytes, whole sectors, zero behind what was there. */
void disk_inode_reserve(struct inode *inode, uint32_t size)
{
    uint32_t wanted = (size + SECTOR_SIZE - 1) / SECTOR_SIZE * SECTOR_SIZE;
    if (wanted <= inode->capacity)
        return;
    inode->data = realloc(inode->data, wanted);
    inode->old = realloc(inode->old, wanted);
    inode->dirty = realloc(inode->dirty, wanted / SECTOR_SIZE);
    CHECK(inode->data != NULL && inode->old != NULL && inode->dirty != NULL);
    memset(inode->data + inode->capacity, 0, wanted - inode->capacity);
    memset(inode->old + inode->capacity, 0, wanted - inode->capacity);
    memset(
        inode->dirty + inode->capacity / SECTOR_SIZE, 0, (wanted - inode->capacity) / SECTOR_SIZE);
    inode->capacity = wanted;
}

/* A new inode; -1 when there are too many. */
int disk_inode_make(struct disk_sim *disk)
{
    for (int i = 0; i < DISK_INODES_MAX; i++) {
        if (disk->inodes[i].used)
            continue;
        disk->inodes[i] = (struct inode){.used = true, .locked_by = -1};
        return i;
    }
    CHECK(false);
}

static void inode_copy(struct inode *to, const struct inode *from)
{
    if (!from->used) {
        inode_free(to);
        return;
    }
    disk_inode_reserve(to, from->capacity);
    CHECK(to->capacity >= from->capacity);
    if (to->capacity > 0) {
        memset(to->data + from->size, 0, to->capacity - from->size);
        memset(to->dirty, 0, to->capacity / SECTOR_SIZE);
    }
    if (from->size > 0)
        memcpy(to->data, from->data, from->size);
    if (from->dirty_count > 0) {
        memcpy(to->old, from->old, from->capacity);
        memcpy(to->dirty, from->dirty, from->capacity / SECTOR_SIZE);
    }
    to->size = from->size;
    to->size_durable = from->size_durable;
    to->dirty_count = from->dirty_count;
    to->locked_by = -1;
    to->used = true;
}

void disk_sim_copy(struct disk_sim *to, const struct disk_sim *from)
{
    for (uint32_t i = 0; i < DISK_INODES_MAX; i++)
        inode_copy(&to->inodes[i], &from->inodes[i]);
    memcpy(to->names, from->names, sizeof(to->names));
    memcpy(to->durable_names, from->durable_names, sizeof(to->durable_names));
    memcpy(to->changes, from->changes, sizeof(to->changes));
    memset(to->handles, 0, sizeof(to->handles));
    for (uint32_t i = 0; i < DISK_FLIGHTS_MAX; i++) {
        flight_free(&to->flights[i]);
        if (!from->flights[i].used)
            continue;
        to->flights[i] = from->flights[i];
        to->flights[i].data = malloc(from->flights[i].size);
        CHECK(to->flights[i].data != NULL);
        memcpy(to->flights[i].data, from->flights[i].data, from->flights[i].size);
    }
    to->change_count = from->change_count;
    to->operations = from->operations;
    to->refuses_direct = from->refuses_direct;
    to->off = false;
    to->power_off_at = to->fails_at = 0;
}

struct disk_name *disk_name_find(struct disk_name *names, const char *path)
{
    for (uint32_t i = 0; i < DISK_NAMES_MAX; i++)
        if (names[i].used && strcmp(names[i].path, path) == 0)
            return &names[i];
    return NULL;
}

static void disk_name_set(struct disk_name *names, const char *path, int inode)
{
    struct disk_name *name = disk_name_find(names, path);
    for (uint32_t i = 0; name == NULL && i < DISK_NAMES_MAX; i++)
        if (!names[i].used)
            name = &names[i];
    CHECK(name != NULL);
    CHECK(strlen(path) < sizeof(name->path));
    *name = (struct disk_name){.inode = inode, .used = true};
    memcpy(name->path, path, strlen(path) + 1);
}

void disk_change_do(struct disk_name *names, const struct change *change)
{
    if (change->inode == DISK_REMOVED) {
        struct disk_name *name = disk_name_find(names, change->path);
        if (name != NULL)
            name->used = false;
        return;
    }
    if (change->from[0] != 0) {
        struct disk_name *from = disk_name_find(names, change->from);
        if (from == NULL)
            return;
        from->used = false;
    }
    disk_name_set(names, change->path, change->inode);
}

void disk_change_note(struct disk_sim *disk, const char *from, const char *path, int inode)
{
    CHECK(disk->change_count < DISK_NAMES_MAX);
    struct change *change = &disk->changes[disk->change_count++];
    *change = (struct change){.inode = inode};
    CHECK(strlen(path) < sizeof(change->path));
    memcpy(change->path, path, strlen(path) + 1);
    memcpy(change->from, from, strlen(from) + 1);
    disk_change_do(disk->names, change);
}

/* Nothing can be made in a directory that is not there; "/sim" always is. */
bool disk_has_parent(struct disk_name *names, const char *path)
{
    char parent[DISK_NAME_SIZE_MAX];
    const char *slash = strrchr(path, '/');
    CHECK(slash != NULL);
    memcpy(parent, path, (size_t)(slash - path));
    parent[slash - path] = 0;
    return strcmp(parent, "/sim") == 0 || disk_name_find(names, parent) != NULL;
}

/* New content that is not durable. */
void disk_inode_write(struct inode *inode, const uint8_t *data, uint32_t size, uint32_t offset)
{
    disk_inode_reserve(inode, offset + size);
    for (uint32_t i = offset / SECTOR_SIZE; i <= (offset + size - 1) / SECTOR_SIZE; i++) {
        if (inode->dirty[i])
            continue;
        inode->dirty[i] = 1;
        inode->dirty_count++;
        memcpy(inode->old + i * SECTOR_SIZE, inode->data + i * SECTOR_SIZE, SECTOR_SIZE);
    }
    memcpy(inode->data + offset, data, size);
    if (offset + size > inode->size)
        inode->size = offset + size;
}

/* A lock is held as long as a write of its opening is in flight. */
bool disk_in_flight(const struct disk_sim *disk, int file)
{
    for (uint32_t i = 0; i < DISK_FLIGHTS_MAX; i++)
        if (disk->flights[i].used && disk->flights[i].handle == file)
            return true;
    return false;
}

int disk_sim_submit(
    struct disk_sim *disk, int file, const void *data, uint32_t size, uint64_t offset)
{
    const struct handle *handle = &disk->handles[file - DISK_HANDLE_FIRST];
    const struct inode *inode = &disk->inodes[handle->inode];
    CHECK(handle->used);
    CHECK(handle->writes);
    CHECK(inode->locked_by == file);
    CHECK(!disk_in_flight(disk, file));
    CHECK(offset + size <= inode->size);
    CHECK(size % BLOCK_SIZE == 0 && offset % BLOCK_SIZE == 0);
    CHECK((uintptr_t)data % BLOCK_SIZE == 0);
    for (int i = 0; i < DISK_FLIGHTS_MAX; i++) {
        if (disk->flights[i].used)
            continue;
        disk->flights[i] = (struct flight){.used = true,
            .handle = file,
            .inode = handle->inode,
            .size = size,
            .offset = (uint32_t)offset,
            .source = data,
            .data = malloc(size)};
        CHECK(disk->flights[i].data != NULL);
        memcpy(disk->flights[i].data, data, size);
        return i;
    }
    CHECK(false);
}

/* Durable at once: what was dirty there is gone. */
static void write_durable(struct inode *inode, const uint8_t *data, uint32_t size, uint32_t offset)
{
    memcpy(inode->data + offset, data, size);
    for (uint32_t i = offset / SECTOR_SIZE; i < (offset + size) / SECTOR_SIZE; i++) {
        inode->dirty_count -= inode->dirty[i];
        inode->dirty[i] = 0;
    }
}

int32_t disk_sim_land(struct disk_sim *disk, int flight_index, enum landing landing)
{
    struct flight *flight = &disk->flights[flight_index];
    CHECK(flight->used);
    struct inode *inode = &disk->inodes[flight->inode];
    const struct handle *handle = &disk->handles[flight->handle - DISK_HANDLE_FIRST];
    int32_t result = (int32_t)flight->size;
    bool alive = handle->used && handle->inode == flight->inode;
    if (alive)
        CHECK(memcmp(flight->data, flight->source, flight->size) == 0);
    switch (landing) {
    case LANDS_WHOLE:
        write_durable(inode, flight->data, flight->size, flight->offset);
        break;
    case LANDS_SHORT:
        write_durable(inode, flight->data, SECTOR_SIZE, flight->offset);
        result = SECTOR_SIZE;
        break;
    case LANDS_FAILED:
        disk_inode_write(inode, flight->data, flight->size, flight->offset);
        result = -EIO;
        break;
    case LANDS_FULL:
        result = -ENOSPC;
        break;
    case LANDS_LIED:
        disk_inode_write(inode, flight->data, flight->size, flight->offset);
        break;
    }
    if (!alive && inode->locked_by == flight->handle)
        inode->locked_by = -1;
    flight_free(flight);
    return result;
}

uint32_t disk_sim_undecided(const struct disk_sim *disk)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < DISK_FLIGHTS_MAX; i++)
        count += disk->flights[i].used ? disk->flights[i].size / SECTOR_SIZE : 0;
    for (uint32_t i = 0; i < DISK_INODES_MAX; i++)
        count += disk->inodes[i].used ? disk->inodes[i].dirty_count : 0;
    return count;
}

enum left disk_sim_any(void *disk, uint32_t sector)
{
    (void)sector;
    return (enum left)dice_below(&((struct disk_sim *)disk)->dice, 4);
}

static void leave(struct disk_sim *disk, uint8_t *now, const uint8_t *old, enum left left)
{
    switch (left) {
    case LEFT_OLD:
        memcpy(now, old, SECTOR_SIZE);
        return;
    case LEFT_NEW:
        return;
    case LEFT_ZEROS:
        memset(now, 0, SECTOR_SIZE);
        return;
    case LEFT_NOISE:
        for (uint32_t i = 0; i < SECTOR_SIZE; i += sizeof(uint64_t)) {
            uint64_t noise = dice_next(&disk->dice);
            memcpy(now + i, &noise, sizeof(noise));
        }
        return;
    }
}

static void cut_flights(
    struct disk_sim *disk, disk_sim_choose *choose, void *context, uint32_t *sector)
{
    for (uint32_t i = 0; i < DISK_FLIGHTS_MAX; i++) {
        struct flight *flight = &disk->flights[i];
        if (!flight->used)
            continue;
        /* In one go with what is dirty already there, after a lie. */
        uint8_t *data = disk->inodes[flight->inode].data + flight->offset;
        for (uint32_t j = 0; j < flight->size; j += SECTOR_SIZE, (*sector)++) {
            leave(disk, flight->data + j, data + j, choose(context, *sector));
            write_durable(
                &disk->inodes[flight->inode], flight->data + j, SECTOR_SIZE, flight->offset + j);
        }
        flight_free(flight);
    }
}

/* What is left of a sector that was written and not synced. Where the file had no durable sector, a
 * file system shows zeros rather than what others had there. */
static void cut_sector(struct disk_sim *disk, struct inode *inode, uint32_t sector, enum left left)
{
    uint32_t offset = sector * SECTOR_SIZE;
    if (left == LEFT_NOISE && offset >= inode->size_durable)
        left = LEFT_ZEROS;
    leave(disk, inode->data + offset, inode->old + offset, left);
    inode->dirty[sector] = 0;
    inode->dirty_count--;
}

static void cut_inode(struct disk_sim *disk, struct inode *inode, disk_sim_choose *choose,
    void *context, uint32_t *sector)
{
    for (uint32_t i = 0; inode->dirty_count > 0 && i < inode->capacity / SECTOR_SIZE; i++) {
        if (inode->dirty[i])
            cut_sector(disk, inode, i, choose(context, (*sector)++));
    }
    if (inode->size != inode->size_durable && dice_below(&disk->dice, 2) == 0) {
        if (inode->size > inode->size_durable)
            memset(inode->data + inode->size_durable, 0, inode->capacity - inode->size_durable);
        inode->size = inode->size_durable;
    }
    inode->size_durable = inode->size;
}

static bool is_named(const struct disk_name *names, int inode)
{
    for (uint32_t i = 0; i < DISK_NAMES_MAX; i++)
        if (names[i].used && names[i].inode == inode)
            return true;
    return false;
}

/* Names: what was synced, and the first few of the changes since. What is in no directory is gone,
 * and so is an inode without a name. */
static void cut_names(struct disk_sim *disk)
{
    uint32_t kept = disk->change_count == 0 ? 0 : dice_below(&disk->dice, disk->change_count + 1);
    for (uint32_t i = 0; i < kept; i++)
        disk_change_do(disk->durable_names, &disk->changes[i]);
    disk->change_count = 0;
    for (bool again = true; again;) {
        again = false;
        for (uint32_t i = 0; i < DISK_NAMES_MAX; i++) {
            struct disk_name *name = &disk->durable_names[i];
            if (!name->used || disk_has_parent(disk->durable_names, name->path))
                continue;
            name->used = false;
            again = true;
        }
    }
    memcpy(disk->names, disk->durable_names, sizeof(disk->names));
    for (int i = 0; i < DISK_INODES_MAX; i++)
        if (disk->inodes[i].used && !is_named(disk->names, i))
            inode_free(&disk->inodes[i]);
}

static void close_all(struct disk_sim *disk)
{
    memset(disk->handles, 0, sizeof(disk->handles));
    for (uint32_t i = 0; i < DISK_INODES_MAX; i++)
        disk->inodes[i].locked_by = -1;
    disk->off = false;
    disk->power_off_at = disk->fails_at = 0;
}

void disk_sim_cut(struct disk_sim *disk, disk_sim_choose *choose, void *context)
{
    uint32_t sector = 0;
    cut_flights(disk, choose, context, &sector);
    for (uint32_t i = 0; i < DISK_INODES_MAX; i++)
        if (disk->inodes[i].used)
            cut_inode(disk, &disk->inodes[i], choose, context, &sector);
    cut_names(disk);
    close_all(disk);
}

void disk_sim_kill(struct disk_sim *disk)
{
    for (int i = 0; i < DISK_HANDLES_MAX; i++)
        disk->handles[i].used = false;
    for (uint32_t i = 0; i < DISK_INODES_MAX; i++)
        if (!disk_in_flight(disk, disk->inodes[i].locked_by))
            disk->inodes[i].locked_by = -1;
    disk->off = false;
    disk->power_off_at = disk->fails_at = 0;
}

uint8_t *disk_sim_bytes(struct disk_sim *disk, const char *path, uint32_t *size)
{
    struct disk_name *name = disk_name_find(disk->names, path);
    if (name == NULL || name->inode < 0)
        return NULL;
    *size = disk->inodes[name->inode].size;
    return disk->inodes[name->inode].data;
}
