/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restate - a walk over all that a shard keeps, so that its journal needs nothing older.
 *
 *     restate_begin, then a few at a time: restate_next .. restate_next, then restate_end
 *                    and before any other event that is recorded meanwhile: restate_before
 *     restate_read   of each record that is read back, before it is applied; when all are:
 *     restate_resume goes on with the walk that has not ended, as if nothing had been
 *
 * The walk writes the present image of every entity; what changes one that it has not come to is
 * preceded by its image. So from the record of its beginning on, an image or the record that made
 * an entity stands before whatever changes it, and at its end the journal from there on says all.
 * An order is restated behind its customer, a key behind its order, an allowance behind its
 * customer: whoever reads finds what an image hangs on.
 *
 * What a call answers must be recorded at once: applied and appended, like any event. Where the
 * walk has been is noted when it is applied, so an engine that has read its records knows as much
 * as the one that made them. Heads (restate_catalog.h) must not be cut from the beginning: they are
 * recorded with it in one batch, and are not restated again.
 *
 * Ownership  The image borrows the engine's second room (image.h) until the next call of these.
 * Threads    The engine's own shard.
 * Units      Bytes of records.
 * Errors     None.
 * Cost       An image: one copy of its entity. restate_next() looks at 64 slots with one word, so
 *            that a walk over empty tables is short.
 */
#ifndef HOTSHELF_CORE_RESTATE_H
#define HOTSHELF_CORE_RESTATE_H

#include "core/moment.h"
#include "core/tables.h"

static inline bool restate_is_under_way(const struct engine *engine)
{
    return engine->walk.under_way;
}

/* Whether the one under way is with names. */
static inline bool restate_has_names(const struct engine *engine)
{
    return engine->walk.under_way && engine->walk.names;
}

/* Whether a walk may begin: none is under way, and no change of the catalog waits for the disk. One
 * that was only read back is then given up. */
bool restate_may_begin(const struct engine *engine);
/* It may. The PostgreSQL that the journal has met, or 0; flags: enum walk_flag. */
void restate_begin(struct engine *engine, const struct moment *now, uint64_t system_id,
    uint8_t flags, struct event *begun);
/* With names only for orders that have no event above this stream number; or with none from here
 * on. */
static inline void restate_name_up_to(struct engine *engine, uint64_t stream_seq)
{
    engine->walk.names_to = stream_seq;
}

static inline void restate_without_names(struct engine *engine)
{
    engine->walk.names = false;
}

/* The next image; false when there is none: what is left waits for the disk, or nothing is. */
bool restate_next(struct engine *engine, struct event *image);
/* The next image that must be recorded before this event, which is decided and not applied yet;
 * false when there is none, as always without a walk. */
bool restate_before(struct engine *engine, const struct event *about, struct event *image);
/* An event that is read back, and not applied yet. */
void restate_read(struct engine *engine, const struct event *event);
/* Goes on with the walk that was read back; false when there is none, or it cannot be gone on with:
 * whoever wrote behind it did not know of it. Nothing was recorded since, all is settled. */
bool restate_resume(struct engine *engine);
/* Whether everything is restated. */
bool restate_is_done(const struct engine *engine);
/* It is. */
void restate_end(struct engine *engine, struct event *ended);

#endif
