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
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "core/check.h"

#define SEGMENT_MAGIC UINT64_C(0x0131746d676573fe) /* fe "segmt1" 01 */

enum {
    HASHED_FROM = 16, /* the header block is hashed from `directory` on */
    ZEROS_SIZE = 1 << 20,
};
_Static_assert(offsetof(struct segment_header, directory) == HASHED_FROM, "the hash comes before");
_Static_assert(offsetof(struct segment_header, version) == 40, "layout on disk");

static int write_all(int fd, const uint8_t *data, uint32_t size, uint32_t offset)
{
    while (size > 0) {
        ssize_t written = pwrite(fd, data, size, offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -EIO;
        data += written;
        size -= (uint32_t)written;
        offset += (uint32_t)written;
    }
    return 0;
}

static int write_zeros(
    int fd, uint32_t size, uint8_t *zeros, segment_progress *progress, void *context)
{
    for (uint32_t offset = 0; offset < size;) {
        uint32_t piece = size - offset < ZEROS_SIZE ? size - offset : ZEROS_SIZE;
        int result = write_all(fd, zeros, piece, offset);
        if (result != 0)
            return result;
        offset += piece;
        if (progress != NULL)
            progress(context, piece);
    }
    return 0;
}

static void header_block(uint8_t *block, const struct journal_origin *origin, uint32_t number)
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
    };
    memset(block, 0, SEGMENT_HEADER_SIZE);
    memcpy(block, &header, sizeof(header));
    header.hash = XXH3_64bits(block + HASHED_FROM, SEGMENT_HEADER_SIZE - HASHED_FROM);
    memcpy(block, &header, sizeof(header));
}

/* Zeros, sync, header, sync: a file with a valid header is a file that is all there. */
static int fill(int fd, const struct journal_origin *origin, uint32_t number, uint8_t *zeros,
    segment_progress *progress, void *context)
{
    if (fallocate(fd, 0, 0, origin->segment_size) != 0 && errno != EOPNOTSUPP)
        return -errno;
    int result = write_zeros(fd, origin->segment_size, zeros, progress, context);
    if (result != 0)
        return result;
    if (fsync(fd) != 0)
        return -errno;
    header_block(zeros, origin, number);
    result = write_all(fd, zeros, SEGMENT_HEADER_SIZE, 0);
    if (result != 0)
        return result;
    if (fsync(fd) != 0)
        return -errno;
    /* A hint only: the pages are not needed again. */
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    return 0;
}

int segment_create(const char *path, const struct journal_origin *origin, uint32_t number,
    segment_progress *progress, void *context)
{
    CHECK(number > 0);
    CHECK(origin->segment_size % BATCH_BLOCK_SIZE == 0);
    CHECK(origin->segment_size > SEGMENT_HEADER_SIZE);
    uint8_t *zeros = calloc(1, ZEROS_SIZE);
    if (zeros == NULL)
        return -ENOMEM;
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    int result = fd < 0 ? -errno : fill(fd, origin, number, zeros, progress, context);
    if (fd >= 0 && close(fd) != 0 && result == 0)
        result = -errno;
    free(zeros);
    return result;
}

/* Whether whole, aligned blocks of 4 KiB are enough for this file's direct I/O. */
static bool direct_in_blocks(int fd)
{
#ifdef STATX_DIOALIGN
    struct statx status;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
        (status.stx_mask & STATX_DIOALIGN) != 0)
        return status.stx_dio_offset_align != 0 &&
               status.stx_dio_offset_align <= BATCH_BLOCK_SIZE &&
               status.stx_dio_mem_align <= BATCH_BLOCK_SIZE;
#endif
    (void)fd;
    return true; /* an older kernel cannot say; opening with O_DIRECT worked */
}

static int open_direct(const char *path, int flags)
{
    int fd = open(path, flags | O_DIRECT);
    if (fd < 0)
        return -errno;
    if (direct_in_blocks(fd))
        return fd;
    close(fd);
    return -EINVAL;
}

static int lock_wait(int fd)
{
    while (flock(fd, LOCK_EX) != 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

int segment_open(
    struct segment_file *file, const char *path, enum segment_access access, bool buffered)
{
    int flags = (access == SEGMENT_WRITE ? O_RDWR : O_RDONLY) | O_CLOEXEC;
    int fd = buffered ? -EINVAL : open_direct(path, flags);
    *file = (struct segment_file){.fd = fd, .direct = fd >= 0};
    if (fd == -EINVAL) {
        file->fd = open(path, flags);
        if (file->fd < 0)
            file->fd = -errno;
    }
    if (file->fd < 0) {
        int result = file->fd;
        file->fd = -1;
        return result;
    }
    int result = access == SEGMENT_WRITE ? lock_wait(file->fd) : 0;
    if (result != 0)
        segment_close(file);
    return result;
}

void segment_close(struct segment_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

int segment_read(const struct segment_file *file, void *out, uint32_t size, uint32_t offset)
{
    uint8_t *end = out;
    CHECK(size % BATCH_BLOCK_SIZE == 0);
    CHECK(offset % BATCH_BLOCK_SIZE == 0);
    while (size > 0) {
        ssize_t got = pread(file->fd, end, size, offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? -errno : -EIO;
        /* A direct read that ends off a block cannot go on: the file is cut short. */
        if (file->direct && got % BATCH_BLOCK_SIZE != 0)
            return -EIO;
        end += got;
        size -= (uint32_t)got;
        offset += (uint32_t)got;
    }
    return 0;
}

enum segment_verdict segment_check(
    const uint8_t *block, const struct journal_origin *origin, uint32_t number)
{
    struct segment_header header;
    memcpy(&header, block, sizeof(header));
    if (header.magic != SEGMENT_MAGIC ||
        header.hash != XXH3_64bits(block + HASHED_FROM, SEGMENT_HEADER_SIZE - HASHED_FROM))
        return SEGMENT_DAMAGED;
    if (header.version != SEGMENT_VERSION)
        return SEGMENT_OTHER_VERSION;
    if (header.node != origin->node)
        return SEGMENT_OTHER_NODE;
    if (header.shard != origin->shard || header.shard_count != origin->shard_count)
        return SEGMENT_OTHER_SHARD;
    if (header.directory != origin->directory || header.generation != origin->generation)
        return SEGMENT_OTHER_DIRECTORY;
    if (header.number != number)
        return SEGMENT_OTHER_NUMBER;
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
    case SEGMENT_OTHER_NUMBER:
        return "has another number in its header than in its name";
    case SEGMENT_OTHER_GEOMETRY:
        return "has other sizes than CURRENT says";
    }
    return "";
}
