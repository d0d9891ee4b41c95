/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment - one file of a shard's journal: a header block, then room for batches, all written once
 * with zeros before the first batch, so that a batch never makes the file system allocate.
 *
 *     [header 4 KiB][batch][batch]..[what was left when the next batch did not fit]
 *
 * A file opened for writing is locked (flock) on the descriptor that writes. A write in flight
 * keeps its descriptor alive after the process is killed, so whoever waits for the lock at recovery
 * knows that no late write of the old process can still land.
 *
 * Ownership  The caller closes the descriptor with segment_close().
 * Threads    Any, one at a time per file opened.
 * Units      Bytes; segment numbers count from 1.
 * Errors     Negative errno; segment_check() answers enum segment_verdict.
 * Cost       segment_create() writes the whole file and syncs it: some ms per MiB.
 */
#ifndef HOTSHELF_PERSIST_SEGMENT_H
#define HOTSHELF_PERSIST_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "persist/batch.h"

enum {
    SEGMENT_VERSION = 1,
    SEGMENT_HEADER_SIZE = BATCH_BLOCK_SIZE,
    SEGMENT_SIZE_DEFAULT = 16 << 20,
    SEGMENT_SIZE_MIN =
        2 << 20, /* of real journals: a largest batch and the room kept for closing */
};

/* As on disk; the rest of the block is zero. */
struct segment_header {
    uint64_t magic;
    uint64_t hash; /* XXH3-64 of the block from `directory` on */
    uint64_t directory;
    uint32_t generation;
    uint32_t number;
    uint32_t segment_size;
    uint32_t batch_size;
    uint16_t version;
    uint16_t node;
    uint16_t shard;
    uint16_t shard_count;
};

_Static_assert(sizeof(struct segment_header) == 48, "layout on disk");

enum segment_verdict {
    SEGMENT_VALID,
    SEGMENT_DAMAGED,
    SEGMENT_OTHER_VERSION,
    SEGMENT_OTHER_DIRECTORY,
    SEGMENT_OTHER_NODE,
    SEGMENT_OTHER_SHARD,
    SEGMENT_OTHER_NUMBER,
    SEGMENT_OTHER_GEOMETRY,
};

enum segment_access { SEGMENT_READ, SEGMENT_WRITE };

struct segment_file {
    int fd;
    bool direct; /* reads and writes go past the page cache, in whole 4 KiB blocks */
};

typedef void segment_progress(void *context, uint64_t bytes);

/* Creates the file, or overwrites one that a start cut short had left: zeros, header, sync. */
int segment_create(const char *path, const struct journal_origin *origin, uint32_t number,
    segment_progress *progress, void *context);

/* `buffered`: do not even try direct I/O. For writing it waits for the file's lock. */
int segment_open(
    struct segment_file *file, const char *path, enum segment_access access, bool buffered);
void segment_close(struct segment_file *file);

/* Reads exactly `size` bytes, or answers -errno (-EIO when the file is shorter). */
int segment_read(const struct segment_file *file, void *out, uint32_t size, uint32_t offset);

enum segment_verdict segment_check(
    const uint8_t *block, const struct journal_origin *origin, uint32_t number);
const char *segment_verdict_text(enum segment_verdict verdict);

#endif
