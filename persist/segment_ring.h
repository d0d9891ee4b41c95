/* SPDX-License-Identifier: Apache-2.0 */
/*
 * segment_ring - the slots of one shard's journal used in turn: which segment is written, which
 * slot comes next, and when an old one may be overwritten.
 *
 *     a walk ends on the disk -> the header of `next`, still empty, names it -> on the disk
 *         -> segments before the walk are free, as soon as the stream has them
 *     `next` begins           -> the slot of the oldest free segment becomes `next`: its header,
 *                                with the new number and the walk, is written before any batch
 *     PostgreSQL goes back    -> what is still there is needed again, but for what gives way:
 *                                room that was free once may have been promised
 *
 * So a header that is torn leaves another on the disk, which names a walk that is still there: the
 * walk before stays whole until the header that names the new one is durable. A walk can be named
 * only while there is a `next`: let one end before the last free slot is begun.
 *
 * Nothing is written here: ring_header() says what to write, ring_header_written() that it is done.
 *
 * Ownership  The caller's memory, ring_memory() bytes aligned to 4 KiB, from open to close.
 * Threads    Its shard's.
 * Units      Segments; stream numbers.
 * Errors     -errno from ring_open(). A file that cannot be opened later ends the process, unless
 *            it is for want of descriptors: then there is no next segment until one is free.
 * Cost       A file opened per segment, some steps over the slots; else a comparison.
 */
#ifndef HOTSHELF_PERSIST_SEGMENT_RING_H
#define HOTSHELF_PERSIST_SEGMENT_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "persist/datadir.h"
#include "persist/segment.h"
#include "persist/segment_map.h"

struct segment_ring {
    const struct datadir *directory;
    struct journal_origin origin;
    struct segment_map map;
    uint8_t *header; /* a block: the header to write */

    uint32_t number; /* of the segment that is written */
    uint32_t slot;
    struct segment_file file;

    uint32_t next_slot; /* chosen for number + 1; 0: no slot is free, or no descriptor */
    bool next_ready;    /* its header is durable */
    struct segment_file next;

    struct walk_place walk;   /* the last one that is complete on the disk */
    struct walk_place named;  /* the last one that a durable header names */
    struct walk_place naming; /* in the header that is being written */
    uint32_t oldest;          /* numbers below it are free */
    uint32_t freed;           /* numbers below it were free once */
    uint32_t noted, noting;   /* the same, as a durable header says it, and as `naming` */
    uint64_t streamed_seq;    /* when `oldest` was found */
    bool exactly;             /* PostgreSQL said so itself */
};

uint64_t ring_memory(const struct datadir_geometry *geometry);

/* Goes on in segment `number`; `walk` is the last complete one. */
int ring_open(struct segment_ring *ring, const struct datadir *directory, uint32_t shard,
    uint32_t number, const struct walk_place *walk, void *memory, char *error, size_t error_size);
void ring_close(struct segment_ring *ring);

/* A walk is complete on the disk. */
void ring_note_walk(struct segment_ring *ring, const struct walk_place *walk);
/* Stream numbers up to this one need not be kept, nor is what is free needed again; or, when the
 * stream says so, all above this one are needed that are still there. */
void ring_follow(struct segment_ring *ring, uint64_t streamed_seq, bool exactly);
/* Frees the oldest segment that is needed again; false when none is. */
bool ring_give_way(struct segment_ring *ring);
/* Chooses the next slot if there is none. */
void ring_look_ahead(struct segment_ring *ring);

/* Begins the next segment, which must be ready; `first_seq` is the next stream number. */
void ring_begin_next(struct segment_ring *ring, uint64_t first_seq);
/* Segments that can still be begun. */
uint32_t ring_left(const struct segment_ring *ring);

/* Whether a complete walk that begins now would free so many segments. */
bool ring_would_free(const struct segment_ring *ring, uint64_t segments);

bool ring_header_due(const struct segment_ring *ring);
/* The block to write at the start of ring->next, durably, with nothing else in flight. */
const uint8_t *ring_header(struct segment_ring *ring);
void ring_header_written(struct segment_ring *ring);

#endif
