/* SPDX-License-Identifier: Apache-2.0 */
/*
 * walker - one shard's restating walks on its way through the journal: when one begins, and how
 * fast it goes. core/restate.h says what a walk is, segment_ring.h what it frees.
 *
 *     a walk begins   when the segments that it would free, which the stream has already, hold
 *                     several times what it writes; with little room left, when they hold more
 *     it goes on      by a few images per tick and batch, or a multiple of what the events of the
 *                     batch take: a reply waits for some microseconds of it
 *     it ends         and the journal names it; what a stop or a crash has cut off the next start
 *                     goes on with, so that nothing is written twice and the room for one walk is
 *                     enough, however often that happens
 *     with names      it begins when the stream asks for it, whether it pays or not (stream.h: a
 *                     PostgreSQL that is added later); until the stream has it no other begins,
 *                     which could free its segments. When it finds no room it `waits`: then orders
 *                     are forgotten in their time, so that it needs less and less
 *
 * So all walks together write at most a quarter of what is written, more only where room is short,
 * and a recovery reads a small multiple of what the shard keeps, however long it has run.
 *
 * Ownership  Borrows the engine and the journal, which live longer.
 * Threads    Its shard's.
 * Units      Bytes of records.
 * Errors     None.
 * Cost       A step without a walk: some comparisons.
 */
#ifndef HOTSHELF_PERSIST_WALKER_H
#define HOTSHELF_PERSIST_WALKER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/event.h"
#include "core/moment.h"
#include "persist/journal.h"
#include "persist/recover.h"

struct engine;

enum {
    WALKER_STEP_IMAGES = 1024,           /* in one step: a batch's share comes first, mostly */
    WALKER_BATCH_SIZE = 16 << 10,        /* of images in a batch, whatever else is in it .. */
    WALKER_BATCH_FACTOR = 4,             /* .. or so many times the bytes of its events */
    WALKER_BATCH_SIZE_SHORT = 128 << 10, /* of images when room is short: batches are rare then */
    WALKER_SPARE = 256 << 10,            /* above what is needed: something may be forgotten */
    WALKER_GAIN = 4,                     /* what is freed is so many times what is written */
    WALKER_NAMES_WAIT_MS = 60000,        /* for more room than a walk with names must have */
    WALKER_NAMES_LOOK_MS = 1000,         /* between looks at what it must have */
};

struct walker {
    struct engine *engine;
    struct journal *journal;
    uint32_t step_images;        /* WALKER_STEP_IMAGES; a test walks more slowly */
    uint64_t batch;              /* the filling batch, when images were last put into it */
    uint32_t images;             /* bytes of them in it */
    uint64_t ended;              /* walks, since the start */
    uint64_t named;              /* journal_mark.adopting, as the last walk with names found it */
    uint64_t asked, asked_ms;    /* the same, seen and not begun; when there was room to wait for */
    uint64_t names, names_at_ms; /* bytes that names add to that walk; when that was looked at */
    bool waits;                  /* for that room, and PostgreSQL is not what it waits for */
    uint64_t bytes;              /* of images, since the start */
    uint64_t written;  /* of images, of the last walk that began, also before this start .. */
    uint64_t estimate; /* .. which was to be no more than this */
    uint64_t done;     /* of them, what was not forgotten since: it pays for the walk */
    uint64_t needs;    /* room that promises and a whole walk take, with all that goes with them */
    uint64_t least;    /* .. and without: what lives, and the walk */
    bool promises;     /* something lives */
    bool sets_aside;   /* room for promises, from the first step on; a small test has none */
};

void walker_open(struct walker *walker, struct engine *engine, struct journal *journal);

/* Goes on with the walk that recovery has found cut off; false when there is none, or when what
 * stands behind its beginning was recorded without it. Before anything is recorded. */
bool walker_resume(struct walker *walker, const struct walk_cut *cut);

/* An event has happened: what must be said before it, then itself, into the tables and into the
 * journal. There was journal_room(). */
void walker_record(struct walker *walker, const struct event *event);

/* Begins a walk, whatever it will free: restate_may_begin(), and there is journal_room(). */
void walker_begin(struct walker *walker, const struct moment *now, uint64_t system_id);

/* Tells the journal what the engine's promises and the next walk need: done by each record. */
void walker_set_aside(struct walker *walker);

/* Whether more is left than promises and a walk need, although new promises are refused. */
bool walker_spares(const struct walker *walker);

/* Begins a walk or goes on with one, as far as this tick should. `system_id`: the PostgreSQL that
 * the journal has met, or 0. True: there is more to do at once. */
bool walker_step(struct walker *walker, const struct moment *now, uint64_t system_id);

#endif
