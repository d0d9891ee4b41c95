/* SPDX-License-Identifier: Apache-2.0 */
#include "persist/space.h"

#include "core/bugs.h"
#include "persist/batch.h"
#include "persist/journal.h"
#include "persist/record.h"

/* A record's share of its batch when it is alone there: header, and zeros up to a whole block. */
static uint64_t alone(uint64_t records, uint32_t shards)
{
    if (bug(BUG_PADDING_FORGOTTEN))
        return 0;
    return records * (BATCH_BLOCK_SIZE - 1 + batch_header_size(shards));
}

static uint64_t beats(uint64_t until_ms, uint64_t now_ms, uint64_t every_ms)
{
    return until_ms > now_ms ? (until_ms - now_ms) / every_ms + 1 : 0;
}

/* Batches that end orders while they live, if those are fewer than the orders; besides one for the
 * last moment, those that are written since they are full. */
static uint64_t paced(
    const struct set_aside *aside, uint64_t until_ms, uint64_t now_ms, uint64_t frozen)
{
    uint64_t freeze = frozen < SPACE_FREEZE ? SPACE_FREEZE - frozen : 0;
    uint64_t in_time = beats(until_ms, now_ms, JOURNAL_PACE_MS) + 1 +
                       aside->bytes / JOURNAL_FULL_GATHERS + freeze;
    return in_time < aside->paced_records ? in_time : aside->paced_records;
}

/* Batches of a clock that must not be lost; an order that is approved has its whole time to pay. */
static uint64_t heartbeats(const struct set_aside *aside, uint64_t now_ms)
{
    uint64_t live_until_ms = aside->live_until_ms;
    if (aside->approved_ms > 0 && live_until_ms < now_ms + aside->approved_ms)
        live_until_ms = now_ms + aside->approved_ms;
    uint64_t lives = beats(live_until_ms, now_ms, JOURNAL_HEARTBEAT_MS);
    if (lives > JOURNAL_BEATS_MAX + 1)
        lives = JOURNAL_BEATS_MAX + 1;
    return lives + beats(aside->review_until_ms, now_ms, JOURNAL_REVIEW_BEAT_MS);
}

/* The batch that finds no room at the end of a segment leaves less than its own size over: at each
 * end, and all together less than they hold. */
static uint64_t left_over(uint64_t bytes, uint64_t records, const struct datadir_geometry *geometry)
{
    uint64_t ends = bytes / (geometry->segment_size - SEGMENT_HEADER_SIZE) + 1;
    uint64_t largest =
        JOURNAL_FULL_BATCH < geometry->batch_size ? JOURNAL_FULL_BATCH : geometry->batch_size;
    uint64_t all = records + ends * BATCH_BLOCK_SIZE;
    return ends * largest < all ? ends * largest : all;
}

/* So many records, each alone, and what they leave over beside what else is written. */
static uint64_t apart(const struct set_aside *aside, uint64_t records, uint64_t others,
    const struct datadir_geometry *geometry, uint32_t shards)
{
    uint64_t bytes = aside->bytes + alone(records, shards);
    return bytes + left_over(bytes + others, aside->bytes, geometry);
}

struct space space_needed(const struct set_aside *aside, uint64_t walk_bytes, uint64_t now_ms,
    uint64_t frozen, const struct datadir_geometry *geometry, uint32_t shards)
{
    uint64_t lives = heartbeats(aside, now_ms) * BATCH_BLOCK_SIZE;
    uint64_t until_ms = aside->live_until_ms;
    uint64_t in_time = paced(aside, until_ms, now_ms, frozen);
    uint64_t records = aside->records - aside->paced_records + in_time;
    if (until_ms < now_ms + aside->new_ms)
        until_ms = now_ms + aside->new_ms;
    uint64_t later = records + paced(aside, until_ms, now_ms, frozen) - in_time;
    uint64_t switches = aside->switch_bytes + alone(aside->switch_records, shards);
    /* Its images come many in a batch: an eighth more than they are, and the last batch. */
    struct space space = {
        .walk = walk_bytes + walk_bytes / 8 + geometry->batch_size,
        .paces = in_time < aside->paced_records};
    uint64_t starts = (uint64_t)SPACE_STARTS * BATCH_BLOCK_SIZE;
    uint64_t promised = apart(aside, records, starts + space.walk, geometry, shards);
    space.promised = promised - switches;
    space.starts = space.promised + starts;
    space.switches = space.starts + switches;
    space.all = space.switches + lives + SPACE_COMMAND;
    space.longer =
        space.all + apart(aside, later, starts + space.walk, geometry, shards) - promised;
    return space;
}

uint64_t space_of(const struct set_aside *aside, uint32_t shards)
{
    return aside->bytes + alone(aside->records, shards);
}

uint64_t space_least(uint64_t walk_bytes_max, uint64_t live_ms, uint64_t review_ms,
    const struct datadir_geometry *geometry, uint32_t shards)
{
    struct set_aside aside = set_aside_of_holds(1);
    aside.live_until_ms = live_ms;
    aside.review_until_ms = review_ms;
    struct space space = space_needed(&aside, walk_bytes_max, 0, 0, geometry, shards);
    return space.all + space.walk + geometry->batch_size + JOURNAL_CLOSING_SIZE +
           2 * (uint64_t)geometry->segment_size;
}

uint64_t space_unpaid(uint64_t payment_ms, uint64_t new_ms, uint64_t text_bytes,
    const struct datadir_geometry *geometry, uint32_t shards)
{
    uint64_t fits = 0, has = (uint64_t)geometry->segments * geometry->segment_size;
    for (uint64_t step = UINT64_C(1) << 32; step > 0; step /= 2) {
        struct set_aside aside = set_aside_of_orders(fits + step, text_bytes);
        aside.live_until_ms = payment_ms;
        aside.new_ms = new_ms;
        struct space space =
            space_needed(&aside, walk_bytes_of_orders(fits + step), 0, 0, geometry, shards);
        if (space.longer + 2 * space.walk + 2 * (uint64_t)geometry->segment_size <= has)
            fits += step;
    }
    return fits;
}
