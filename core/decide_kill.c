/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A kill on one shard: begun as soon as it is published, then swept, hold by hold and order by
 * order, then ended. The sweep is driven by the clock's due events (engine_due) and by the visit of
 * the call that waits for it, whichever comes; after a crash by the first alone.
 *
 * The kills of a shard are swept one after another. A slot is looked at once: what is taken behind
 * the cursor is not in scope (kills.h).
 */
#include "core/check.h"
#include "core/engine_steps.h"
#include "core/kills.h"

static void kill_event(struct decision *decision, enum event_kind kind, const struct kill *kill)
{
    decision->event->kind = kind;
    decision->event->fact.kill = (struct fact_kill){
        .released = kill->released,
        .cancelled = kill->cancelled,
        .kill = kill->kill,
        .number = kill->number,
        .scope = kill->scope,
    };
}

bool decide_kill_begins(struct decision *decision)
{
    struct engine *engine = decision->engine;
    struct kill_scope next;
    if (!switches_next_kill(&engine->shelf->switches, engine->kill_begun, &next))
        return false;
    CHECK(engine->kill_count < KILLS_MAX);
    const struct kill kill = {.kill = next.kill, .number = next.number, .scope = next.scope};
    kill_event(decision, EVENT_KILL_BEGUN, &kill);
    return true;
}

void decide_order_killed(struct decision *decision, uint32_t order_index)
{
    order_event_close(decision, order_index);
    decision->event->text[TEXT_REASON] = BYTES("killed");
}

static bool kill_covers_order(
    const struct engine *engine, const struct kill *kill, const struct order *order)
{
    uint32_t link = order->lines_first;
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct order_line *line = line_at(engine, link - 1);
        if (kill_covers(kill, line->sku_number, line->sale_number))
            return true;
        link = line->next;
    }
    return false;
}

/* The next hold in scope, or the end of the table, or of what may be looked at now. */
static bool sweep_holds(struct decision *decision, struct kill *kill)
{
    struct engine *engine = decision->engine;
    for (; kill->hold_cursor < engine->holds.fresh; kill->hold_cursor++) {
        if (engine->sweep_looks == 0)
            return false;
        engine->sweep_looks--;
        if (!pool_is_used(&engine->holds, kill->hold_cursor))
            continue;
        const struct hold *hold = hold_at(engine, kill->hold_cursor);
        if (hold->state != LINE_HELD || !kill_covers(kill, hold->sku_number, hold->sale_number))
            continue;
        decide_hold_due(decision, kill->hold_cursor);
        return true;
    }
    return false;
}

static bool sweep_orders(struct decision *decision, struct kill *kill)
{
    struct engine *engine = decision->engine;
    for (; kill->order_cursor < engine->orders.fresh; kill->order_cursor++) {
        if (engine->sweep_looks == 0)
            return false;
        engine->sweep_looks--;
        if (!pool_is_used(&engine->orders, kill->order_cursor))
            continue;
        const struct order *order = order_at(engine, kill->order_cursor);
        if (!order_is_open(order->status))
            continue;
        uint32_t lines = order->line_count;
        engine->sweep_looks -= lines < engine->sweep_looks ? lines : engine->sweep_looks;
        if (!kill_covers_order(engine, kill, order))
            continue;
        decide_order_killed(decision, kill->order_cursor);
        return true;
    }
    return false;
}

/* False also when this tick has looked at enough: then the next one goes on. */
bool decide_kill_sweeps(struct decision *decision)
{
    struct engine *engine = decision->engine;
    if (engine->kill_count == 0)
        return false;
    struct kill *kill = &engine->kills[0];
    if (sweep_holds(decision, kill) || sweep_orders(decision, kill))
        return true;
    if (engine->sweep_looks == 0) {
        engine->sweep_looks = KILL_LOOKS_MAX;
        return false;
    }
    kill_event(decision, EVENT_KILL_ENDED, kill);
    return true;
}
