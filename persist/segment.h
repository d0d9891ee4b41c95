/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment - one file of a shard's journal: a header block, then room for batches, all written once
 * with zeros before the first batch, so that a batch never makes the file system allocate.
 *
 *     [header 4 KiB][batch][batch]..[what was left when the next batch did not fit]
 *
 * A file is a slot, counted by its name, and is used again and again; the segment that it holds has
 * a number that is never used twice, and the header says which. segment_map.h finds one by the
 * other.
 *
 * A file opened for writing is locked (flock) on the descriptor that writes. A write in flight
 * keeps its descriptor alive after the process is killed, so whoever waits for the lock at recovery
 * knows that no late write of the old process can still land.
 *
 * Ownership  The caller closes the descriptor with segment_close().
 * Threads    Any, one at a time per file opened.
 * Units      Bytes; slots and segment numbers count from 1, number 0 is no segment.
 * Errors     Negative errno; segment_check() answers enum segment_verdict.
 * Cost       segment_create() writes the whole file and syncs it: some ms per MiB.
 */
#ifndef HOTSHELF_PERSIST_SEGMENT_H
#define HOTSHELF_PERSIST_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "persist/batch.h"

enum {
    SEGMENT_VERSION = 2,
    SEGMENT_HEADER_SIZE = BATCH_BLOCK_SIZE,
    SEGMENT_SIZE_DEFAULT = 16 << 20,
    SEGMENT_SIZE_MAX = 1 << 30,
    SEGMENT_SIZE_MIN =
        2 << 20, /* of real journals: a largest batch and the room kept for closing */
};

/* Where a restating walk begins: its WALK_BEGUN is in the batch there. */
struct walk_place {
    uint64_t number; /* 0: no walk, the journal begins with segment 1 */
    uint32_t segment;
    uint32_t offset;
    uint64_t batch;
};

/* As on disk; the rest of the block is zero. */
struct segment_header {
    uint64_t magic;
    uint64_t hash; /* XXH3-64 of the block from `directory` on */
    uint64_t directory;
    uint32_t generation;
    uint32_t number; /* 0: the slot was never used */
    uint32_t segment_size;
    uint32_t batch_size;
    uint16_t version;
    uint16_t node;
    uint16_t shard;
    uint16_t shard_count;
    struct walk_place walk; /* the last complete one when this was written */
    uint32_t slot;          /* as in the file's name */
    uint32_t freed;         /* numbers below it were free when this was written */
};

_Static_assert(sizeof(struct segment_header) == 80, "layout on disk");

enum segment_verdict {
    SEGMENT_VALID,
    SEGMENT_DAMAGED,
    SEGMENT_OTHER_VERSION,
    SEGMENT_OTHER_DIRECTORY,
    SEGMENT_OTHER_NODE,
    SEGMENT_OTHER_SHARD,
    SEGMENT_OTHER_SLOT,
    SEGMENT_OTHER_GEOMETRY,
};

enum segment_access { SEGMENT_READ, SEGMENT_WRITE };

struct segment_file {
    int fd;      /* of disk.h */
    bool direct; /* reads and writes go past the page cache, in whole 4 KiB blocks */
};

typedef void segment_progress(void *context, uint64_t bytes);

/* Creates the file, or overwrites one that a start cut short had left: zeros, header, sync. With
 * number 0 it waits for its first use. */
int segment_create(const char *path, const struct journal_origin *origin, uint32_t slot,
    uint32_t number, segment_progress *progress, void *context);

/* `buffered`: do not even try direct I/O. For writing it waits for the file's lock. */
int segment_open(
    struct segment_file *file, const char *path, enum segment_access access, bool buffered);
void segment_close(struct segment_file *file);

/* Reads exactly `size` bytes, or answers -errno (-EIO when the file is shorter). */
int segment_read(const struct segment_file *file, void *out, uint32_t size, uint32_t offset);

/* Makes a block zero, durably, unless it is; `block` is a buffer for one, aligned to it. */
int segment_blank(const struct segment_file *file, uint8_t *block, uint32_t offset);

/* The same of many blocks; `buffer` holds `size` bytes of them, and one write is as large. Answers
 * the blocks that were not zero, or -errno. */
int64_t segment_wipe(
    const struct segment_file *file, uint8_t *buffer, uint32_t size, uint32_t from, uint32_t to);
/* Writes whole blocks, durably. */
int segment_write(
    const struct segment_file *file, const void *blocks, uint32_t size, uint32_t offset);

/* The header block of a segment that begins. */
void segment_header_put(uint8_t *block, const struct journal_origin *origin, uint32_t slot,
    uint32_t number, const struct walk_place *walk, uint32_t freed);
/* Judges a header block; `out` is filled when its hash holds. */
enum segment_verdict segment_check(const uint8_t *block, const struct journal_origin *origin,
    uint32_t slot, struct segment_header *out);
const char *segment_verdict_text(enum segment_verdict verdict);

#endif
