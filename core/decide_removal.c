/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DELETE of a sale. Before anything is recorded every shard is asked what keeps the sale. When
 * nothing does, shard 0 records that it is closing; from the moment that is durable its SKUs are
 * unknown to all. Then every shard drops its part, and shard 0 records that the sale is removed.
 * What was removed rests until every shard has been elsewhere.
 *
 *     count (every shard) -> close -> parts (every shard) -> remove -> look away (every shard)
 *
 * The call makes all steps, but from closing on each shard also goes on by itself in its ticks,
 * and after a crash: then nobody waits for it.
 */
#include "core/check.h"
#include "core/removal.h"
#include "core/restate.h"

enum { STEP_BEGIN, STEP_COUNT, STEP_CLOSE, STEP_PARTS, STEP_REMOVE, STEP_AWAY, STEP_RELEASE };
enum { DAY_MS = 86400 * 1000, AGAIN_MS = 1000, SOON_MS = 10, STEPS_OF_A_TICK = 8 };

/* What the command takes along. */
struct luggage {
    struct removal_counts counts;
    uint32_t sale_number; /* 0: it only looks away, and begins again */
    uint32_t changes;     /* of sales, when the counting began */
    uint32_t at;
};

static void unpack(const struct decision *decision, struct luggage *luggage)
{
    CHECK(decision->command->carry != NULL);
    CHECK(decision->command->carry_size_max >= sizeof(*luggage));
    memcpy(luggage, decision->command->carry, sizeof(*luggage));
}

static enum outcome go_on(
    struct decision *decision, const struct luggage *luggage, uint32_t shard, uint32_t step)
{
    CHECK(decision->command->carry != NULL);
    CHECK(decision->command->carry_size_max >= sizeof(*luggage));
    memcpy(decision->command->carry, luggage, sizeof(*luggage));
    decision->answer->goes_on = true;
    decision->answer->next_shard = shard;
    decision->answer->next_step = step;
    return OUTCOME_OK;
}

/* To the next shard with the same step; after the last, to shard 0 with the next one. */
static enum outcome go_round(struct decision *decision, struct luggage *luggage)
{
    const struct engine *engine = decision->engine;
    luggage->at = 0;
    if (engine->shard + 1 < engine->shard_count)
        return go_on(decision, luggage, engine->shard + 1, decision->command->step);
    return go_on(decision, luggage, 0, decision->command->step + 1);
}

static void removal_event(struct decision *decision, enum event_kind kind, uint32_t number)
{
    const struct catalog *catalog = &decision->engine->shelf->catalog;
    decision->event->kind = kind;
    decision->event->fact.removal =
        (struct fact_removal){.now_wall_ms = decision->now->wall_ms, .sale_number = number};
    decision->event->text[TEXT_SALE] = catalog_name(catalog, number);
    if (decision->command != NULL)
        decision->event->text[TEXT_ACTOR] = decision->command->actor;
}

static enum outcome step_begin(struct decision *decision)
{
    const struct catalog *catalog = &decision->engine->shelf->catalog;
    struct luggage luggage = {0};
    struct sale sale;
    uint32_t number = catalog_name_find(catalog, decision->command->sale);
    CHECK(decision->engine->shard == 0);
    catalog_sale(catalog, number, &sale);
    if (sale.version == 0)
        return OUTCOME_NOT_FOUND;
    if (catalog->is_removed && catalog->leaving == 0)
        return go_on(decision, &luggage, 0, STEP_AWAY); /* what was removed before rests still */
    luggage.sale_number = number;
    luggage.changes = catalog->sale_changes;
    if (catalog->leaving == number)
        return go_on(decision, &luggage, 0, STEP_PARTS);
    /* One sale leaves at a time, and none while an import may bring more of it. */
    if (catalog->leaving != 0 || catalog->importing)
        return OUTCOME_VERSION_CONFLICT;
    return go_on(decision, &luggage, 0, STEP_COUNT);
}

static enum outcome step_count(struct decision *decision, struct luggage *luggage)
{
    if (removal_count(decision, luggage->sale_number, &luggage->at, &luggage->counts))
        return go_round(decision, luggage);
    return go_on(decision, luggage, decision->engine->shard, STEP_COUNT);
}

/* When the last of it ends: a product's own end stands over its sale's (L9). False: a change of
 * the sale or of a product that is or will be of it waits for the disk. */
static bool find_end(const struct catalog *catalog, const struct sale *sale, int64_t *ends_wall_ms)
{
    uint32_t end = catalog_walk_end(catalog);
    *ends_wall_ms = sale->ends_wall_ms;
    if (catalog_sale_reserved(catalog, sale->number) != sale->version)
        return false;
    for (uint32_t index = 0; index < end; index++) {
        const struct catalog_record *record = &catalog->records[index]; /* shard 0 wrote it */
        bool is_of = record->terms.sale_number == sale->number;
        if (!is_of && record->reserved_sale != sale->number)
            continue;
        if (catalog_is_changing(catalog, index))
            return false;
        if (record->terms.ends_wall_ms > *ends_wall_ms)
            *ends_wall_ms = record->terms.ends_wall_ms;
    }
    return true;
}

/* Judges by what is known now: nothing of it changes after this, and no kill concerns it. */
static enum outcome step_close(struct decision *decision, struct luggage *luggage)
{
    const struct engine *engine = decision->engine;
    const struct catalog *catalog = &engine->shelf->catalog;
    struct answer *answer = decision->answer;
    struct sale sale;
    int64_t ends_wall_ms;
    catalog_sale(catalog, luggage->sale_number, &sale);
    if (sale.version == 0 || catalog->leaving != 0 || catalog->is_removed || catalog->importing)
        return go_on(decision, luggage, 0, STEP_BEGIN);
    if (!find_end(catalog, &sale, &ends_wall_ms) ||
        switches_kills_under_way(&engine->shelf->switches, engine->shard_count) > 0)
        return go_on(decision, luggage, 0, STEP_CLOSE);
    if (luggage->changes != catalog->sale_changes)
        return go_on(decision, luggage, 0, STEP_BEGIN); /* what was counted may be another now */
    answer->version = sale.version;
    if (command_is_stale(decision->command, sale.version))
        return OUTCOME_STALE_VERSION;
    answer->removal = luggage->counts;
    answer->removable_wall_ms = sale.ends_wall_ms != 0 ? ends_wall_ms + DAY_MS : INT64_MAX;
    if (decision->now->wall_ms < answer->removable_wall_ms || removal_is_blocked(&luggage->counts))
        return OUTCOME_VERSION_CONFLICT;
    if (decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
    removal_event(decision, EVENT_SALE_CLOSING, luggage->sale_number);
    return go_on(decision, luggage, 0, STEP_PARTS);
}

/* Whether the removal is over, or has come to what shard 0 does last. */
static bool parts_are_gone(const struct engine *engine)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    for (uint32_t shard = 0; shard < engine->shard_count; shard++) {
        if (catalog_has_part(catalog, shard))
            return false;
    }
    return true;
}

static enum outcome step_parts(struct decision *decision, struct luggage *luggage)
{
    struct engine *engine = decision->engine;
    const struct catalog *catalog = &engine->shelf->catalog;
    bool gone = catalog_closing(catalog) != luggage->sale_number ||
                !catalog_has_part(catalog, engine->shard);
    if (gone)
        return go_round(decision, luggage);
    if (decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL; /* it goes on by itself when there is room */
    switch (removal_step(decision, luggage->sale_number)) {
    case REMOVAL_EVENT:
    case REMOVAL_GOES_ON:
    case REMOVAL_DONE: /* and not yet durable */
        return go_on(decision, luggage, engine->shard, STEP_PARTS);
    case REMOVAL_BLOCKED:
        decision->answer->removal = engine->removal.told;
        decision->answer->removable_wall_ms = decision->now->wall_ms;
        return OUTCOME_VERSION_CONFLICT;
    }
    CHECK(!"every step has an answer");
    return OUTCOME_INVALID;
}

static bool removed_event(struct decision *decision)
{
    const struct engine *engine = decision->engine;
    const struct catalog *catalog = &engine->shelf->catalog;
    uint32_t number = catalog_closing(catalog);
    CHECK(engine->shard == 0);
    if (number == 0 || catalog->is_removed || !parts_are_gone(engine) ||
        restate_is_under_way(engine)) /* it would change too much at once */
        return false;
    removal_event(decision, EVENT_SALE_REMOVED, number);
    return true;
}

/* Someone who began later may have been faster: then it is removed already. */
static enum outcome step_remove(struct decision *decision, struct luggage *luggage)
{
    const struct catalog *catalog = &decision->engine->shelf->catalog;
    bool is_removed = catalog_closing(catalog) != luggage->sale_number || catalog->is_removed;
    if (!is_removed && decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
    if (is_removed || removed_event(decision))
        return go_on(decision, luggage, 0, STEP_AWAY);
    return go_on(decision, luggage, 0, STEP_REMOVE);
}

/* Its number may be that of a later sale: a seller of the same name keeps it in use. */
static void look_away(struct engine *engine)
{
    struct catalog *catalog = &engine->shelf->catalog;
    if (engine->removal.sale_number != catalog_closing(catalog))
        engine->removal = (struct removal){.done = false};
    catalog_look_away(catalog, engine->shard);
}

static enum outcome step_away(struct decision *decision, struct luggage *luggage)
{
    look_away(decision->engine);
    return go_round(decision, luggage);
}

static void release(struct engine *engine)
{
    struct catalog *catalog = &engine->shelf->catalog;
    if (catalog->is_removed && catalog->leaving == 0 &&
        catalog_is_unseen(catalog, engine->shard_count))
        catalog_release(catalog);
}

enum outcome decide_sale_remove(struct decision *decision)
{
    struct luggage luggage;
    if (decision->command->step == STEP_BEGIN)
        return step_begin(decision);
    unpack(decision, &luggage);
    switch (decision->command->step) {
    case STEP_COUNT:
        return step_count(decision, &luggage);
    case STEP_CLOSE:
        return step_close(decision, &luggage);
    case STEP_PARTS:
        return step_parts(decision, &luggage);
    case STEP_REMOVE:
        return step_remove(decision, &luggage);
    case STEP_AWAY:
        return step_away(decision, &luggage);
    case STEP_RELEASE:
        release(decision->engine);
        return luggage.sale_number != 0 ? OUTCOME_OK : go_on(decision, &luggage, 0, STEP_BEGIN);
    }
    CHECK(!"every step is listed");
    return OUTCOME_INVALID;
}

static bool part_due(struct decision *decision, uint32_t number)
{
    struct removal *removal = &decision->engine->removal;
    uint64_t now = decision->now->shelf_ms;
    removal->retry_shelf_ms = now;
    if (restate_is_under_way(decision->engine)) {
        removal->retry_shelf_ms = now + AGAIN_MS;
        return false;
    }
    for (uint32_t i = 0; i < STEPS_OF_A_TICK; i++) {
        enum removal_step step = removal_step(decision, number);
        if (step == REMOVAL_EVENT)
            return true;
        if (step == REMOVAL_BLOCKED)
            removal->retry_shelf_ms = now + AGAIN_MS;
        if (step == REMOVAL_DONE)
            removal->retry_shelf_ms = now + SOON_MS;
        if (step != REMOVAL_GOES_ON)
            return false;
    }
    return false;
}

bool decide_removal_due(struct decision *decision)
{
    struct engine *engine = decision->engine;
    struct catalog *catalog = &engine->shelf->catalog;
    uint32_t number = catalog_closing(catalog);
    look_away(engine);
    if (engine->shard == 0)
        release(engine);
    if (number == 0 || decision->now->shelf_ms < engine->removal.retry_shelf_ms)
        return false;
    if (decision->now->journal_full) {
        engine->removal.retry_shelf_ms = decision->now->shelf_ms + AGAIN_MS;
        return false;
    }
    if (catalog_has_part(catalog, engine->shard))
        return part_due(decision, number);
    engine->removal.retry_shelf_ms = decision->now->shelf_ms + SOON_MS;
    return engine->shard == 0 && removed_event(decision);
}

uint64_t removal_next_due(const struct engine *engine)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    if (catalog_closing(catalog) == 0)
        return UINT64_MAX;
    bool has_more = engine->shard == 0 || catalog_has_part(catalog, engine->shard);
    return has_more ? engine->removal.retry_shelf_ms : UINT64_MAX;
}
