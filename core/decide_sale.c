/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shard 0's decisions about sales. PUT replaces a sale whole; what it leaves out is the
 * configuration's, or none. The record is durable and published first, then every other shard is
 * visited once: a decision that began with the old terms has ended when the reply leaves.
 */
#include "core/check.h"
#include "core/engine_steps.h"

enum { AGAIN_MS = 1000 };

void decision_visit_others(struct decision *decision, uint32_t note)
{
    const struct engine *engine = decision->engine;
    if (engine->shard + 1 == engine->shard_count)
        return;
    CHECK(note > 0);
    decision->answer->goes_on = true;
    decision->answer->next_shard = engine->shard + 1;
    decision->answer->next_step = note;
}

static void sale_event(struct decision *decision, enum event_kind kind, const struct sale *sale)
{
    decision->event->kind = kind;
    decision->event->fact.sale = (struct fact_sale){
        .sale_number = sale->number,
        .version = sale->version,
        .hold_seconds = sale->hold_seconds,
        .payment_seconds = sale->payment_seconds,
        .review_seconds = sale->review_seconds,
        .max_per_customer = sale->max_per_customer,
        .reserve_on = sale->reserve_on,
        .payment_mode = sale->payment_mode,
        .counts = sale->counts,
        .counts_cap = sale->counts_cap,
        .guests = sale->guests,
        .starts_wall_ms = sale->starts_wall_ms,
        .ends_wall_ms = sale->ends_wall_ms,
        .now_wall_ms = decision->now->wall_ms,
    };
    decision_stream(decision, 1);
}

/* What a visit after the first says in its step: the version, and whether the sale is new. */
static uint32_t note_of(const struct answer *answer)
{
    return answer->version << 1 | answer->created;
}

static enum outcome sale_visited(struct decision *decision)
{
    decision->answer->version = decision->command->step >> 1;
    decision->answer->created = decision->command->step & 1;
    decision_visit_others(decision, decision->command->step);
    return OUTCOME_OK;
}

enum outcome decide_sale_set(struct decision *decision)
{
    const struct command *command = decision->command;
    const struct sale_image *image = command->sale_image;
    const struct catalog *catalog = &decision->engine->shelf->catalog;
    if (command->step > 0)
        return sale_visited(decision);
    CHECK(decision->engine->shard == 0);
    CHECK(command->sale.size > 0);
    struct sale sale = {0};
    uint32_t number = catalog_name_find(catalog, command->sale);
    if (number != 0)
        catalog_sale(catalog, number, &sale);
    uint32_t version = number == 0 ? 0 : catalog_sale_reserved(catalog, number);
    if (version != sale.version)
        return OUTCOME_VERSION_CONFLICT; /* a change of it still waits for the disk */
    if (catalog_sale_is_leaving(catalog, number))
        return OUTCOME_VERSION_CONFLICT;
    if (image->expected_version != 0 && image->expected_version != version)
        return OUTCOME_STALE_VERSION;
    if (number == 0 && !catalog_room(catalog, 0, 1))
        return decision_full(decision, "names");
    if (decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
    decision->answer->created = version == 0;
    decision->answer->version = version;
    struct sale wanted = sale_of_image(image, number, version);
    if (version != 0 && memcmp(&sale, &wanted, sizeof(sale)) == 0) {
        decision->answer->unchanged = true;
        return OUTCOME_OK;
    }
    wanted.number = number != 0 ? number : catalog_name_next(catalog, 0);
    wanted.version = decision->answer->version = version + 1;
    sale_event(decision, EVENT_SALE_SET, &wanted);
    decision->event->text[TEXT_SALE] = command->sale;
    decision->event->text[TEXT_ACTOR] = command->actor;
    decision_visit_others(decision, note_of(decision->answer));
    return OUTCOME_OK;
}

/* What is to be told of a sale now; EVENT_NONE: nothing. A sale without a window neither opens nor
 * closes, unless it was told closed before. */
static enum event_kind sale_to_tell(const struct sale *sale, uint8_t told, int64_t now_wall_ms)
{
    bool bounded = sale->starts_wall_ms != 0 || sale->ends_wall_ms != 0;
    bool started = now_wall_ms >= sale->starts_wall_ms;
    bool open = started && (sale->ends_wall_ms == 0 || now_wall_ms < sale->ends_wall_ms);
    if (open && told != SALE_TOLD_OPEN && (bounded || told == SALE_TOLD_CLOSED))
        return EVENT_SALE_OPENED;
    return !open && told == SALE_TOLD_OPEN ? EVENT_SALE_CLOSED : EVENT_NONE;
}

static void note_next(struct engine *engine, int64_t then_wall_ms, int64_t now_wall_ms)
{
    if (then_wall_ms > now_wall_ms && then_wall_ms < engine->sales_next_wall_ms)
        engine->sales_next_wall_ms = then_wall_ms;
}

/* One that is told is looked at again after it: then its next turn is noted. */
bool decide_sale_due(struct decision *decision)
{
    struct engine *engine = decision->engine;
    struct catalog *catalog = &engine->shelf->catalog;
    int64_t now = decision->now->wall_ms;
    engine->wall_offset_ms = now - (int64_t)decision->now->shelf_ms;
    if (now < engine->sales_due_wall_ms)
        return false;
    if (decision->now->journal_full) {
        engine->sales_due_wall_ms = now + AGAIN_MS;
        return false;
    }
    if (engine->sales_at == 0)
        engine->sales_next_wall_ms = INT64_MAX;
    uint32_t count = catalog_name_slots(catalog);
    for (; engine->sales_at < count; engine->sales_at++) {
        const struct catalog_sale *slot = &catalog->sales[engine->sales_at];
        const struct sale *sale = &slot->sale; /* shard 0 wrote it */
        if (sale->version == 0 || slot->reserved_version != sale->version ||
            catalog_sale_is_leaving(catalog, sale->number))
            continue; /* no sale, or a change waits for the disk: settle calls again */
        enum event_kind kind = sale_to_tell(sale, slot->told, now);
        if (kind != EVENT_NONE) {
            sale_event(decision, kind, sale);
            decision->event->text[TEXT_SALE] = catalog_name(catalog, sale->number);
            return true;
        }
        note_next(engine, sale->starts_wall_ms, now);
        note_next(engine, sale->ends_wall_ms, now);
    }
    engine->sales_due_wall_ms = engine->sales_next_wall_ms;
    engine->sales_at = 0;
    return false;
}
