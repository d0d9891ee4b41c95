/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment_map - which slot of a shard's journal holds which segment. Slots are the files, made once
 * and never renamed; segments are numbered for ever, and a slot that is used again gets a header
 * with a new number.
 *
 *     slot     1   2   3   4             numbers that are kept have no gap; a slot whose header is
 *     number   9   6   7   8             damaged is free, unless a number that is needed is missing
 *
 * A journal keeps its own map up to date; a reader beside it reads the headers again when it does
 * not find a number.
 *
 * Ownership  The caller's memory for the slots, segment_map_size() bytes, as long as the map.
 * Threads    Each has its own.
 * Units      Slots and numbers count from 1; 0 is none.
 * Errors     -EBADMSG, -ENOENT, -errno of reading; `error` is then a sentence. A damaged header is
 *            no error here.
 * Cost       segment_map_read() opens every slot and reads two blocks; the others walk the slots.
 */
#ifndef HOTSHELF_PERSIST_SEGMENT_MAP_H
#define HOTSHELF_PERSIST_SEGMENT_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "persist/datadir.h"
#include "persist/segment.h"

enum { SEGMENT_MAP_BUFFER_SIZE = 2 * BATCH_BLOCK_SIZE };

struct segment_slot {
    uint32_t number;    /* 0: none, free to be used */
    bool damaged;       /* its header is */
    uint64_t first_seq; /* of the segment's first batch; 0: there is none */
};

struct segment_map {
    struct segment_slot *slots; /* [slot - 1] */
    uint32_t count;
    struct walk_place named; /* the latest walk that any header names as complete */
    uint32_t freed;          /* numbers below it were free when some header was written */
};

enum segment_map_care {
    SEGMENT_MAP_LOOK,   /* as it is now, beside a server perhaps */
    SEGMENT_MAP_SETTLE, /* at a start: waits for late writes of the process before, and syncs */
};

uint64_t segment_map_size(const struct datadir_geometry *geometry);

/* Fills the map; map->slots is set. `buffer`: SEGMENT_MAP_BUFFER_SIZE bytes, aligned to 4 KiB. */
int segment_map_read(struct segment_map *map, const struct datadir *directory, uint32_t shard,
    enum segment_map_care care, uint8_t *buffer, char *error, size_t error_size);

/* The slot of a number. */
uint32_t segment_map_find(const struct segment_map *map, uint32_t number);
/* The lowest number in any slot. */
uint32_t segment_map_oldest(const struct segment_map *map);
/* A slot whose header is damaged. */
uint32_t segment_map_damaged(const struct segment_map *map);
/* The slot to use for a new segment when numbers below `oldest` are not needed any more: one that
 * holds none, or the oldest of all. */
uint32_t segment_map_reusable(const struct segment_map *map, uint32_t oldest);

/* The sentence for a number that is in no file and should be; -EBADMSG. */
int segment_map_missing(const struct segment_map *map, const struct datadir *directory,
    uint32_t shard, uint32_t number, char *error, size_t error_size);

#endif
