/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A journal near its limit: what is left is what was set aside for promises. Then it is full, its
 * batches are few, and it stays so until there is room for more than one order.
 */
#include "persist/journal_aside.h"
#include "core/bugs.h"

bool journal_spends(const struct journal *journal)
{
    const struct journal_aside *aside = &journal->aside;
    uint64_t left = journal_bytes_left(journal);
    return left < aside->bytes || (journal->was_full && left < aside->again);
}

/* When what is filling may be written: a full journal's batches are few. */
uint64_t journal_gathered_at(const struct journal *journal)
{
    bool gathers = journal_spends(journal) && !journal->closing &&
                   journal->filling_used < JOURNAL_FULL_GATHERS;
    uint32_t apart = journal->aside.paces ? JOURNAL_PACE_MS : JOURNAL_GATHER_MS;
    return gathers ? journal->chain.shelf_ms + apart : 0;
}

/* The clock by which a batch is filled stands still in a freeze: then it is written at once, unless
 * its journal has promised more records than it has room for one by one. */
bool journal_is_gathered(const struct journal *journal, const struct moment *now)
{
    uint64_t at_ms = journal_gathered_at(journal);
    if (now->frozen && at_ms > 0 && journal->aside.paces)
        return now->monotonic_ms >= journal->committed_ms + JOURNAL_FREEZE_PACE_MS;
    return now->frozen || now->shelf_ms >= at_ms;
}

/* In a full journal heartbeats are few: with lives of hours a crash may give a hold some seconds
 * more, and a review ten minutes. They end when only what was promised has room: orders that are
 * approved one after another live for longer than anybody could set aside for. */
uint64_t journal_next_beat(const struct journal *journal)
{
    const struct chain *chain = &journal->chain;
    if (!journal_spends(journal))
        return chain->shelf_ms + JOURNAL_HEARTBEAT_MS;
    if (journal_bytes_left(journal) < journal->aside.beats + BATCH_BLOCK_SIZE &&
        !bug(BUG_BEATS_SPEND_PROMISES))
        return UINT64_MAX;
    bool slow = journal->aside.live_until_ms <= chain->shelf_ms;
    return chain->shelf_ms + (slow ? (uint64_t)JOURNAL_REVIEW_BEAT_MS : journal->beat_ms);
}

/* Room for the next freeze comes back as there is some, and fills no journal at once. */
static void let_freeze(struct journal *journal)
{
    uint64_t spare = (journal_bytes_left(journal) - journal->aside.bytes) / BATCH_BLOCK_SIZE;
    journal->frozen -= spare < journal->frozen ? spare : journal->frozen;
}

void journal_set_aside(struct journal *journal, const struct journal_aside *aside)
{
    journal->was_full = journal_spends(journal);
    journal->aside = *aside;
    journal->was_full = journal_spends(journal);
    if (!journal->was_full)
        let_freeze(journal);
    uint64_t now_ms = journal->chain.shelf_ms;
    uint64_t lives_ms = aside->live_until_ms > now_ms ? aside->live_until_ms - now_ms : 0;
    uint64_t beat_ms = lives_ms / JOURNAL_BEATS_MAX;
    if (!journal->was_full || journal->beat_ms < JOURNAL_HEARTBEAT_MS)
        journal->beat_ms = JOURNAL_HEARTBEAT_MS;
    if (journal->was_full && beat_ms > journal->beat_ms)
        journal->beat_ms = beat_ms;
}

bool journal_full(const struct journal *journal)
{
    bool full = journal_bytes_left(journal) == 0 || journal_spends(journal);
    return full && !bug(BUG_SET_ASIDE_SPENT);
}

bool journal_near(const struct journal *journal)
{
    return journal_bytes_left(journal) < journal->aside.near;
}

enum journal_state journal_state(const struct journal *journal)
{
    if (!journal_full(journal))
        return JOURNAL_HAS_ROOM;
    bool spent =
        journal_exhausted(journal) || journal_bytes_left(journal) < journal->aside.promised;
    return spent ? JOURNAL_SPENT : JOURNAL_FULL;
}

bool journal_walk_is_named(const struct journal *journal)
{
    return journal->walk_begins == 0 && journal->begun.number <= journal->ring.named.number;
}
