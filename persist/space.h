/* SPDX-License-Identifier: Apache-2.0 */
/*
 * space - what a shard must keep free in its journal, in bytes of the disk (S5).
 *
 *     records set aside + a block for each, since it may be alone in its batch; or, where these are
 *     more than a full journal writes while they live, for each batch that it writes then
 *     + a batch a second for the longest life + starts, closing marks
 *     + what a batch leaves over at the end of a segment
 *     + the walk that frees segments
 *
 * Ownership  Plain values.
 * Threads    Any: pure functions.
 * Units      Bytes of files.
 * Errors     None.
 * Cost       Some multiplications and two divisions.
 */
#ifndef HOTSHELF_PERSIST_SPACE_H
#define HOTSHELF_PERSIST_SPACE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/set_aside.h"
#include "persist/datadir.h"

enum {
    /* What one command may promise, or write, at most; a merge of more lines is told beforehand
     * that room is short (core/merge_in.c). */
    SPACE_COMMAND = 1 << 20,
    SPACE_STARTS = 128, /* batches of starts and closing marks in a full journal */
    /* Batches of a journal that paces while lives stand still: two hours of a freeze, at least. */
    SPACE_FREEZE = 4096,
};

struct space {
    uint64_t walk; /* one whole restating walk */
    /* Besides that, each with what is before it: */
    uint64_t promised; /* what lives until it has ended: a walk leaves it alone */
    uint64_t starts;   /* and the next starts: refuse even switches when less is left */
    uint64_t switches; /* and switches: no heartbeat takes of it */
    uint64_t all;      /* and heartbeats, and the next command: refuse new promises */
    uint64_t longer;   /* the same, if something new lives its longest: ends are paced till then */
    bool paces;        /* that is counted on batches JOURNAL_PACE_MS apart */
};

/* `now_ms`: the shelf clock of the last batch; `frozen`: batches that it has written in a freeze
 * since it is full. */
struct space space_needed(const struct set_aside *aside, uint64_t walk_bytes, uint64_t now_ms,
    uint64_t frozen, const struct datadir_geometry *geometry, uint32_t shards);

/* Of promises alone, to add to that. */
uint64_t space_of(const struct set_aside *aside, uint32_t shards);

/* The least that a shard's journal must be: a walk of full tables, what is set aside for one hold
 * that lives so long, the next command, two segments. */
uint64_t space_least(uint64_t walk_bytes_max, uint64_t live_ms, uint64_t review_ms,
    const struct datadir_geometry *geometry, uint32_t shards);

/* How many orders of a line each can wait for their payment in a shard that keeps nothing else,
 * beside two walks: the one that the ring begins with, and the next. `new_ms`: the longest that
 * what is new can live. */
uint64_t space_unpaid(uint64_t payment_ms, uint64_t new_ms, uint64_t text_bytes,
    const struct datadir_geometry *geometry, uint32_t shards);

#endif
