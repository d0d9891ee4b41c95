/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gather - when the batch that fills is written. A write costs the same for one record and for a
 * hundred, so a busy loop waits a little for more:
 *
 * While each tick adds some to a small batch, the next tick is awaited; one that adds none ends it.
 * Behind a write whose replies leave, the few who get them are awaited for a moment: where clients
 * come back at once, all of them stand in one batch, and not by halves in two that take turns.
 * Where they do not come back they are awaited less and less often, and never behind a write that
 * took less time than they are given. A large crowd is not awaited: half of it fills a batch, and
 * the disk would stand still meanwhile.
 *
 * Ownership  A value.
 * Threads    One.
 * Units      Bytes of records, microseconds of the monotonic clock.
 * Errors     None.
 * Cost       Some instructions.
 */
#ifndef HOTSHELF_NET_LOOP_GATHER_H
#define HOTSHELF_NET_LOOP_GATHER_H

#include <stdbool.h>
#include <stdint.h>

enum {
    GATHER_US = 200,             /* that a batch may wait for more at most .. */
    GATHER_BYTES = 32768,        /* .. and one of some seventy orders does not */
    GATHER_RETURN_US = 100,      /* of it, for those who were answered to come back .. */
    GATHER_RETURN_BYTES = 12288, /* .. if they and those who wait fill no more than this */
    GATHER_PAUSE_MAX = 64,       /* writes between two such waits that were for nothing */
};

struct gather {
    uint64_t begun_us;      /* the write that is under way, or was last */
    uint64_t since_us;      /* the batch has waited since; 0: it does not */
    uint32_t filled;        /* its size in the tick before */
    uint32_t answered;      /* size of the batch whose replies leave in this tick; 0: none do */
    uint32_t pause, pauses; /* writes that nobody is awaited behind, and how many the last time */
    bool awaits_return;     /* until the next tick */
};

/* A write is handed out; later that batch, of `size`, is durable, and its replies leave in the tick
 * that says so. */
void gather_note_begun(struct gather *gather, uint64_t now_us);
void gather_note_settled(struct gather *gather, uint32_t size, uint64_t now_us);

/* Nobody was answered in this tick after all: what it wrote was nobody's request. */
void gather_note_nobody(struct gather *gather);

/* Whether the batch, of `size` now, waits for another tick. Once per tick, when no write is under
 * way. `cut`: the tick has left work to the next one. With gather->awaits_return the tick ends with
 * a wait for those who are answered in it, else without one. */
bool gather_waits(struct gather *gather, uint32_t size, bool cut, uint64_t now_us);

#endif
