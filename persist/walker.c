/* SPDX-License-Identifier: Apache-2.0 */
#include "persist/walker.h"

#include <stdio.h>

#include "core/check.h"
#include "core/restate.h"
#include "core/restate_images.h"
#include "core/set_aside.h"
#include "persist/space.h"

/* Of a walk under way what is written is not written again; of one that has ended the room comes
 * back as soon as a header names it. */
static uint64_t walk_left(const struct walker *walker)
{
    uint64_t bytes = engine_walk_bytes(walker->engine);
    if (restate_has_names(walker->engine))
        bytes += walker->names;
    if (!restate_is_under_way(walker->engine) && journal_walk_is_named(walker->journal))
        return bytes;
    return bytes > walker->done ? bytes - walker->done : 0;
}

/* What was forgotten is not in the walk any more: what the walk has written of it pays for nothing
 * that it has still to write. */
static void forget(struct walker *walker, uint64_t bytes_before)
{
    uint64_t bytes = engine_walk_bytes(walker->engine);
    uint64_t gone = bytes < bytes_before ? bytes_before - bytes : 0;
    walker->done -= gone < walker->done ? gone : walker->done;
}

static struct space space_of_aside(
    const struct walker *walker, const struct set_aside *aside, uint64_t walk_bytes)
{
    const struct journal *journal = walker->journal;
    struct set_aside since = *aside; /* what is new begins now, not at the last batch */
    since.new_ms += journal->now_ms - journal->chain.shelf_ms;
    return space_needed(&since, walk_bytes, journal->chain.shelf_ms, journal->frozen,
        &journal->directory->geometry, journal->origin.shard_count);
}

void walker_set_aside(struct walker *walker)
{
    struct journal *journal = walker->journal;
    if (!walker->sets_aside)
        return;
    uint32_t shards = journal->origin.shard_count;
    struct set_aside aside = engine_set_aside(walker->engine);
    struct space space = space_of_aside(walker, &aside, walk_left(walker));
    uint64_t all = space.longer + space.walk;
    struct set_aside merge = set_aside_of_holds(LINES_PER_ORDER_MAX);
    walker->needs = space.all - SPACE_COMMAND + space.walk;
    walker->least = space.promised + space.walk;
    walker->promises = aside.records > aside.switch_records;
    journal_set_aside(journal, &(struct journal_aside){
                                   .bytes = all,
                                   .again = all + SPACE_COMMAND,
                                   .near = all + space_of(&merge, shards),
                                   .beats = space.switches + space.walk,
                                   .promised = space.starts + space.walk,
                                   .live_until_ms = aside.live_until_ms,
                                   .paces = space.paces,
                               });
}

void walker_open(struct walker *walker, struct engine *engine, struct journal *journal)
{
    *walker = (struct walker){.engine = engine,
        .journal = journal,
        .step_images = WALKER_STEP_IMAGES,
        .sets_aside = true};
}

/* What promises and a walk with names take. */
static uint64_t needs_with_names(const struct walker *walker)
{
    uint64_t size = engine_walk_bytes(walker->engine) + walker->names;
    struct set_aside aside = engine_set_aside(walker->engine);
    if (!walker->sets_aside)
        return size;
    struct space space = space_of_aside(walker, &aside, size);
    return space.all - SPACE_COMMAND + space.walk;
}

/* For which orders it was asked for is not known any more, and it will be asked for again. */
static void resume_names(struct walker *walker)
{
    if (!restate_has_names(walker->engine))
        return;
    walker->names = engine_names_bytes(walker->engine, UINT64_MAX);
    if (journal_bytes_left(walker->journal) >= needs_with_names(walker))
        return;
    walker->names = 0;
    restate_without_names(walker->engine);
}

bool walker_resume(struct walker *walker, const struct walk_cut *cut)
{
    if (cut->begun.number == 0 || !restate_resume(walker->engine))
        return false;
    CHECK(walker->engine->walk.number == cut->begun.number);
    journal_resume_walk(walker->journal, &cut->begun);
    uint64_t gone = walker->engine->walk.gone; /* as forget() has it */
    walker->written = cut->bytes;
    walker->done = cut->bytes > gone ? cut->bytes - gone : 0;
    walker->estimate = engine_walk_bytes(walker->engine);
    resume_names(walker);
    return true;
}

static void put(struct walker *walker, const struct event *event)
{
    engine_apply(walker->engine, event);
    journal_append(walker->journal, event);
}

/* What is in the filling batch of images. */
static uint32_t images_filling(const struct walker *walker)
{
    return walker->batch == journal_filling(walker->journal) ? walker->images : 0;
}

static void put_image(struct walker *walker, const struct event *image)
{
    uint32_t images = images_filling(walker), before = journal_filling_size(walker->journal);
    put(walker, image);
    uint32_t size = journal_filling_size(walker->journal) - before;
    walker->batch = journal_filling(walker->journal);
    walker->images = images + size;
    walker->bytes += size;
    walker->written += size;
    walker->done += size;
}

void walker_record(struct walker *walker, const struct event *event)
{
    struct event image;
    while (restate_before(walker->engine, event, &image))
        put_image(walker, &image);
    if (walker->done == 0) {
        put(walker, event);
    } else {
        uint64_t before = engine_walk_bytes(walker->engine);
        put(walker, event);
        forget(walker, before);
    }
    walker_set_aside(walker);
}

/* Before room is short a walk is to have ended. */
static bool is_short(const struct walker *walker, uint64_t walk_size)
{
    const struct journal *journal = walker->journal;
    uint64_t need = walker->sets_aside ? journal->aside.bytes : walk_size;
    return journal_bytes_left(journal) < 2 * need;
}

bool walker_spares(const struct walker *walker)
{
    return journal_bytes_left(walker->journal) >= walker->needs + WALKER_SPARE;
}

/* What a walk of `most` bytes will write: most images are smaller, and come many in a record. */
static uint64_t expected(const struct walker *walker, uint64_t most)
{
    if (walker->estimate == 0 || walker->written >= walker->estimate)
        return most;
    return (uint64_t)((double)most * (double)walker->written / (double)walker->estimate);
}

static bool pays(const struct walker *walker)
{
    const struct journal *journal = walker->journal;
    uint64_t size = engine_walk_bytes(walker->engine), room = journal_segment_room(journal);
    /* A segment more than it writes, since its beginning lies within one. */
    if (!journal_walk_is_named(journal)) /* what it frees is not to be freed by another one */
        return false;
    /* One that a crash cut off may have taken its room: promises come before another. Where there
     * are none, only a walk leads out. */
    uint64_t left = journal_bytes_left(journal);
    if (walker->sets_aside && left < walker->least &&
        (walker->promises || left < expected(walker, size) + 2 * (uint64_t)room))
        return false;
    return ring_would_free(&journal->ring, WALKER_GAIN * size / room + 1) ||
           (is_short(walker, size) &&
               ring_would_free(&journal->ring, expected(walker, size) / room + 2));
}

static const struct journal_mark *mark_of(const struct walker *walker)
{
    return &walker->journal->shared->marks[walker->journal->origin.shard];
}

/* All heads at once: so no command has to wait for room for them. */
static void begin(
    struct walker *walker, const struct moment *now, uint64_t system_id, uint8_t flags)
{
    struct event event;
    walker->written = walker->done = 0;
    walker->estimate = engine_walk_bytes(walker->engine);
    restate_begin(walker->engine, now, system_id, flags, &event);
    put_image(walker, &event);
    if (flags & WALK_NAMES)
        restate_name_up_to(walker->engine, atomic_load(&mark_of(walker)->adopting_from));
    while (restate_heads(walker->engine, &event))
        put_image(walker, &event);
}

void walker_begin(struct walker *walker, const struct moment *now, uint64_t system_id)
{
    begin(walker, now, system_id, 0);
}

static uint32_t images_max(const struct walker *walker)
{
    uint64_t events = journal_filling_size(walker->journal) - images_filling(walker);
    uint64_t most = WALKER_BATCH_FACTOR * events;
    if (journal_full(walker->journal))
        return WALKER_BATCH_SIZE_SHORT;
    return most > WALKER_BATCH_SIZE ? (uint32_t)most : WALKER_BATCH_SIZE;
}

/* False, as there is nothing more to do. */
static bool end(struct walker *walker)
{
    struct event event;
    if (restate_is_done(walker->engine)) {
        restate_end(walker->engine, &event);
        put_image(walker, &event);
        walker->ended++;
    }
    return false;
}

static bool go_on(struct walker *walker)
{
    struct event image;
    uint32_t most = images_max(walker);
    for (uint32_t i = 0; i < walker->step_images; i++) {
        if (!journal_room(walker->journal) || images_filling(walker) >= most)
            return false; /* the batch is written first */
        if (!restate_next(walker->engine, &image))
            return end(walker);
        put_image(walker, &image);
    }
    return true;
}

/* Names are for orders that no event will make rows; these become fewer. */
static void look_at_names(struct walker *walker, uint64_t adopting, uint64_t now_ms)
{
    const struct segment_ring *ring = &walker->journal->ring;
    bool is_new = walker->asked != adopting;
    /* While segments wait for PostgreSQL it is that which makes room. */
    if (is_new || ring->oldest < ring->named.segment)
        walker->asked_ms = now_ms;
    if (!is_new && now_ms < walker->names_at_ms + WALKER_NAMES_LOOK_MS)
        return;
    walker->asked = adopting;
    walker->names_at_ms = now_ms;
    walker->names =
        engine_names_bytes(walker->engine, atomic_load(&mark_of(walker)->adopting_from));
}

/* Beside what the walk writes there is room for what happens meanwhile, at the pace of go_on(); in
 * the end it makes do with less, and what is new is refused for its time. */
static bool names_fit(const struct walker *walker, uint64_t now_ms)
{
    const struct journal *journal = walker->journal;
    uint64_t size = engine_walk_bytes(walker->engine), left = journal_bytes_left(journal);
    uint64_t need = walker->sets_aside ? journal->aside.bytes : size;
    if (left >= need + walker->names + (size + walker->names) / WALKER_BATCH_FACTOR)
        return true;
    return now_ms >= walker->asked_ms + WALKER_NAMES_WAIT_MS && left >= needs_with_names(walker);
}

/* PostgreSQL may never ask for what is forgotten now; but to forget nothing would fill the shop. */
static void wait_for_room(struct walker *walker, uint64_t now_ms)
{
    bool waits = now_ms >= walker->asked_ms + WALKER_NAMES_WAIT_MS;
    if (waits && !walker->waits)
        fprintf(stderr,
            "hotshelf: shard %u: PostgreSQL lacks orders that are live; to write them the journal "
            "needs %llu KiB free and has %llu. Until then orders are forgotten in their time; with "
            "more data.journal_bytes it comes sooner\n",
            (unsigned)walker->journal->origin.shard,
            (unsigned long long)(needs_with_names(walker) >> 10),
            (unsigned long long)(journal_bytes_left(walker->journal) >> 10));
    walker->waits = waits;
}

/* What a walk that begins now is for; false when none should. */
static bool should_begin(struct walker *walker, uint64_t now_ms, uint8_t *flags)
{
    uint64_t adopting = atomic_load(&mark_of(walker)->adopting);
    *flags = 0;
    if (adopting == 0 || adopting == walker->named) {
        walker->waits = false;
        return adopting == 0 && pays(walker);
    }
    look_at_names(walker, adopting, now_ms);
    if (!names_fit(walker, now_ms)) {
        wait_for_room(walker, now_ms);
        return pays(walker);
    }
    walker->waits = false;
    walker->named = adopting;
    *flags = WALK_NAMES;
    return true;
}

bool walker_step(struct walker *walker, const struct moment *now, uint64_t system_id)
{
    walker_set_aside(walker); /* time has passed, or a header has named a walk */
    if (!journal_room(walker->journal))
        return false;
    if (restate_is_under_way(walker->engine))
        return go_on(walker);
    uint8_t flags;
    if (!restate_may_begin(walker->engine) || !should_begin(walker, now->shelf_ms, &flags))
        return false;
    begin(walker, now, system_id, flags);
    return true;
}
