/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment - the file is written once from end to end, because a block that was only allocated must
 * be converted by the file system when it is first written, and a durable write waits for that.
 *
 * Direct I/O is used wherever the file system has it. What can go wrong is the world: no space, no
 * permission, a file that is shorter than its header says; each is a negative errno.
 */
#include "persist/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "core/bugs.h"
#include "core/check.h"
#include "persist/disk.h"

#define SEGMENT_MAGIC UINT64_C(0x0131746d676573fe) /* fe "segmt1" 01 */

enum {
    HASHED_FROM = 16, /* the header block is hashed from `directory` on */
    ZEROS_SIZE = 1 << 20,
};
_Static_assert(offsetof(struct segment_header, directory) == HASHED_FROM, "the hash comes before");
_Static_assert(offsetof(struct segment_header, version) == 40, "layout on disk");
_Static_assert(offsetof(struct segment_header, walk.segment) == 56, "layout on disk");
_Static_assert(offsetof(struct segment_header, walk.batch) == 64, "layout on disk");

static int write_all(int file, const uint8_t *data, uint32_t size, uint32_t offset)
{
    while (size > 0) {
        int64_t written = disk_write(file, data, size, offset);
        if (written <= 0)
            return written < 0 ? (int)written : -EIO;
        data += written;
        size -= (uint32_t)written;
        offset += (uint32_t)written;
    }
    return 0;
}

static int write_zeros(
    int file, uint32_t size, uint8_t *zeros, segment_progress *progress, void *context)
{
    for (uint32_t offset = 0; offset < size;) {
        uint32_t piece = size - offset < ZEROS_SIZE ? size - offset : ZEROS_SIZE;
        int result = write_all(file, zeros, piece, offset);
        if (result != 0)
            return result;
        offset += piece;
        if (progress != NULL)
            progress(context, piece);
    }
    return 0;
}

void segment_header_put(uint8_t *block, const struct journal_origin *origin, uint32_t slot,
    uint32_t number, const struct walk_place *walk, uint32_t freed)
{
    struct segment_header header = {
        .magic = SEGMENT_MAGIC,
        .directory = origin->directory,
        .generation = origin->generation,
        .number = number,
        .segment_size = origin->segment_size,
        .batch_size = origin->batch_size,
        .version = SEGMENT_VERSION,
        .node = origin->node,
        .shard = origin->shard,
        .shard_count = origin->shard_count,
        .walk = *walk,
        .slot = slot,
        .freed = freed,
    };
    memset(block, 0, SEGMENT_HEADER_SIZE);
    memcpy(block, &header, sizeof(header));
    header.hash = XXH3_64bits(block + HASHED_FROM, SEGMENT_HEADER_SIZE - HASHED_FROM);
    memcpy(block, &header, sizeof(header));
}

/* Zeros, sync, header, sync: a file with a valid header is a file that is all there. */
static int fill(int file, const struct journal_origin *origin, uint32_t slot, uint32_t number,
    uint8_t *zeros, segment_progress *progress, void *context)
{
    int result = disk_allocate(file, origin->segment_size);
    if (result == 0)
        result = write_zeros(file, origin->segment_size, zeros, progress, context);
    if (result == 0)
        result = disk_sync(file);
    if (result != 0)
        return result;
    segment_header_put(zeros, origin, slot, number, &(struct walk_place){.number = 0}, 0);
    result = write_all(file, zeros, SEGMENT_HEADER_SIZE, 0);
    if (result == 0)
        result = disk_sync(file);
    if (result == 0)
        disk_forget(file);
    return result;
}

int segment_create(const char *path, const struct journal_origin *origin, uint32_t slot,
    uint32_t number, segment_progress *progress, void *context)
{
    CHECK(origin->segment_size % BATCH_BLOCK_SIZE == 0);
    CHECK(origin->segment_size > SEGMENT_HEADER_SIZE);
    uint8_t *zeros = calloc(1, ZEROS_SIZE);
    if (zeros == NULL)
        return -ENOMEM;
    int file = disk_create(path);
    int result = file < 0 ? file : fill(file, origin, slot, number, zeros, progress, context);
    int closed = file < 0 ? 0 : disk_close(file);
    free(zeros);
    return result != 0 ? result : closed;
}

int segment_open(
    struct segment_file *file, const char *path, enum segment_access access, bool buffered)
{
    enum disk_access how = access == SEGMENT_WRITE ? DISK_WRITE : DISK_READ;
    int opened = buffered ? -EINVAL : disk_open_direct(path, how);
    *file = (struct segment_file){.fd = -1, .direct = opened >= 0};
    if (opened == -EINVAL)
        opened = disk_open(path, how);
    if (opened < 0)
        return opened;
    file->fd = opened;
    int result = access == SEGMENT_WRITE ? disk_lock(file->fd, true) : 0;
    if (result != 0)
        segment_close(file);
    return result;
}

void segment_close(struct segment_file *file)
{
    if (file->fd >= 0)
        (void)disk_close(file->fd);
    file->fd = -1;
}

int segment_read(const struct segment_file *file, void *out, uint32_t size, uint32_t offset)
{
    uint8_t *end = out;
    CHECK(size % BATCH_BLOCK_SIZE == 0);
    CHECK(offset % BATCH_BLOCK_SIZE == 0);
    while (size > 0) {
        int64_t got = disk_read(file->fd, end, size, offset);
        if (got <= 0)
            return got < 0 ? (int)got : -EIO;
        /* A direct read that ends off a block cannot go on: the file is cut short. */
        if (file->direct && got % BATCH_BLOCK_SIZE != 0)
            return -EIO;
        end += got;
        size -= (uint32_t)got;
        offset += (uint32_t)got;
    }
    return 0;
}

static bool all_zero(const uint8_t *block)
{
    uint8_t seen = 0;
    for (uint32_t i = 0; i < BATCH_BLOCK_SIZE; i++)
        seen |= block[i];
    return seen == 0;
}

int segment_write(
    const struct segment_file *file, const void *blocks, uint32_t size, uint32_t offset)
{
    int result = write_all(file->fd, blocks, size, offset);
    return result == 0 ? disk_sync_data(file->fd) : result;
}

int segment_blank(const struct segment_file *file, uint8_t *block, uint32_t offset)
{
    int result = segment_read(file, block, BATCH_BLOCK_SIZE, offset);
    if (result != 0 || all_zero(block))
        return result;
    memset(block, 0, BATCH_BLOCK_SIZE);
    return segment_write(file, block, BATCH_BLOCK_SIZE, offset);
}

/* Makes what the buffer holds zero; answers how many blocks were not. */
static uint32_t clear(uint8_t *buffer, uint32_t size)
{
    uint32_t cleared = 0;
    for (uint32_t i = 0; i < size; i += BATCH_BLOCK_SIZE) {
        if (all_zero(buffer + i))
            continue;
        memset(buffer + i, 0, BATCH_BLOCK_SIZE);
        cleared++;
    }
    return cleared;
}

int64_t segment_wipe(
    const struct segment_file *file, uint8_t *buffer, uint32_t size, uint32_t from, uint32_t to)
{
    int64_t wiped = 0;
    for (int result; from < to; from += size) {
        if (size > to - from)
            size = to - from;
        result = segment_read(file, buffer, size, from);
        if (result != 0)
            return result;
        uint32_t cleared = clear(buffer, size);
        wiped += cleared;
        if (cleared > 0)
            result = write_all(file->fd, buffer, size, from);
        if (result != 0)
            return result;
    }
    if (wiped == 0)
        return 0;
    int result = disk_sync_data(file->fd);
    return result == 0 ? wiped : result;
}

enum segment_verdict segment_check(const uint8_t *block, const struct journal_origin *origin,
    uint32_t slot, struct segment_header *out)
{
    struct segment_header header;
    memcpy(&header, block, sizeof(header));
    if (header.magic != SEGMENT_MAGIC ||
        header.hash != XXH3_64bits(block + HASHED_FROM, SEGMENT_HEADER_SIZE - HASHED_FROM))
        return SEGMENT_DAMAGED;
    *out = header;
    if (header.version != SEGMENT_VERSION)
        return SEGMENT_OTHER_VERSION;
    if (header.node != origin->node)
        return SEGMENT_OTHER_NODE;
    if ((header.shard != origin->shard && !bug(BUG_FOREIGN_SEGMENT)) ||
        header.shard_count != origin->shard_count)
        return SEGMENT_OTHER_SHARD;
    if (header.directory != origin->directory || header.generation != origin->generation)
        return SEGMENT_OTHER_DIRECTORY;
    if (header.slot != slot)
        return SEGMENT_OTHER_SLOT;
    if (header.segment_size != origin->segment_size || header.batch_size != origin->batch_size)
        return SEGMENT_OTHER_GEOMETRY;
    return SEGMENT_VALID;
}

const char *segment_verdict_text(enum segment_verdict verdict)
{
    switch (verdict) {
    case SEGMENT_VALID:
        return "is valid";
    case SEGMENT_DAMAGED:
        return "has a damaged header: its hash does not match";
    case SEGMENT_OTHER_VERSION:
        return "has a format version that this program does not know";
    case SEGMENT_OTHER_DIRECTORY:
        return "belongs to another data directory or generation";
    case SEGMENT_OTHER_NODE:
        return "was written by another node";
    case SEGMENT_OTHER_SHARD:
        return "belongs to another shard";
    case SEGMENT_OTHER_SLOT:
        return "has another number in its header than in its name";
    case SEGMENT_OTHER_GEOMETRY:
        return "has other sizes than CURRENT says";
    }
    return "";
}
