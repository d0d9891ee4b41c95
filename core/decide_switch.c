/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pause, freeze, kill, resume. Shard 0 decides and records; when that is durable the switch is in
 * force (switches.h), and the call visits the other shards, each of which is past what it ran
 * before. A kill stays on each shard until the shard has ended it. So the reply means: durable, in
 * force everywhere, and of a kill that all units are back.
 *
 *     step 0        shard 0: the event, or nothing when it is so already
 *     step 1 + n    shard n: has run; of a kill, again and again until it has ended
 *
 * A call that finds its kill under way joins it. A kill that is not ended cannot be resumed: new
 * holds would be in the scope of the sweep.
 */
#include "core/check.h"
#include "core/engine_steps.h"
#include "core/kills.h"

/* What the call takes along. */
struct visit {
    uint64_t released, cancelled;
    uint32_t kill; /* 0: none to wait for */
    uint8_t state;
};

struct target {
    uint32_t number;
    uint32_t entry; /* UINT32_MAX: the scope is open */
    uint8_t state;
};

static enum outcome find_target(struct decision *decision, struct target *target)
{
    const struct command *command = decision->command;
    const struct shelf *shelf = decision->engine->shelf;
    *target = (struct target){0};
    if (command->switch_scope == SCOPE_SKU) {
        uint32_t sku_index = catalog_find(&shelf->catalog, command->sku);
        if (sku_index == SKU_NONE)
            return OUTCOME_UNKNOWN_SKU;
        target->number = catalog_number(&shelf->catalog, sku_index);
    }
    if (command->switch_scope == SCOPE_SALE) {
        struct sale sale;
        target->number = catalog_name_find(&shelf->catalog, command->sale);
        catalog_sale(&shelf->catalog, target->number, &sale);
        if (sale.number == 0 || catalog_sale_is_leaving(&shelf->catalog, sale.number))
            return decision_bound(decision, OUTCOME_INVALID, "scope", 0);
    }
    target->entry = switches_find(&shelf->switches, command->switch_scope, target->number);
    if (target->entry != UINT32_MAX)
        target->state = shelf->switches.entries[target->entry].state;
    return OUTCOME_OK;
}

/* A kill and a freeze stand beside one another; a pause is part of both. */
static uint8_t state_after(uint8_t action, uint8_t before)
{
    switch ((enum switch_action)action) {
    case SWITCH_RESUME:
        return 0;
    case SWITCH_PAUSE:
        return before == 0 ? SWITCHED_PAUSED : before;
    case SWITCH_FREEZE:
        return (uint8_t)((before & SWITCHED_KILLED) | SWITCHED_FROZEN);
    case SWITCH_KILL:
        return (uint8_t)((before & SWITCHED_FROZEN) | SWITCHED_KILLED);
    }
    CHECK(!"every action is listed");
    return 0;
}

static void switch_event(struct decision *decision, const struct target *target, uint8_t after)
{
    const struct command *command = decision->command;
    struct event *event = decision->event;
    bool killing = command->switch_action == SWITCH_KILL;
    event->kind = EVENT_SWITCH_SET;
    event->fact.switched = (struct fact_switch){
        .now_wall_ms = decision->now->wall_ms,
        .number = target->number,
        .kill = killing ? decision->engine->shelf->switches.kill_last + 1 : 0,
        .action = command->switch_action,
        .scope = command->switch_scope,
        .state = after,
    };
    event->text[TEXT_ACTOR] = command->actor;
    if (command->switch_scope == SCOPE_SKU)
        event->text[TEXT_SKU] = command->sku;
    if (command->switch_scope == SCOPE_SALE)
        event->text[TEXT_SALE] = command->sale;
    decision_stream(decision, 1);
}

static enum outcome switch_judge(
    struct decision *decision, const struct target *target, uint8_t after)
{
    const struct engine *engine = decision->engine;
    const struct switches *switches = &engine->shelf->switches;
    bool killing = after & SWITCHED_KILLED && !(target->state & SWITCHED_KILLED);
    if (after == 0 && target->entry != UINT32_MAX &&
        switches_kill_is_under_way(switches, target->entry, engine->shard_count))
        return OUTCOME_VERSION_CONFLICT;
    if (after != 0 && target->entry == UINT32_MAX &&
        !switches_room(switches, decision->command->switch_scope))
        return decision_full(decision, "switches");
    if (killing && switches_kills_under_way(switches, engine->shard_count) >= KILLS_MAX)
        return decision_full(decision, "kills");
    return OUTCOME_OK;
}

/* To shard `next` once what was recorded here is durable, or to the end behind the last one. */
static enum outcome switch_goes_on(
    struct decision *decision, const struct visit *visit, uint32_t next)
{
    struct answer *answer = decision->answer;
    answer->switched = visit->state;
    answer->released = visit->released;
    answer->cancelled = visit->cancelled;
    if (next >= decision->engine->shard_count)
        return OUTCOME_OK;
    CHECK(sizeof(*visit) <= decision->command->carry_size_max);
    memcpy(decision->command->carry, visit, sizeof(*visit));
    answer->goes_on = true;
    answer->next_shard = next;
    answer->next_step = 1 + next;
    return OUTCOME_OK;
}

static enum outcome switch_begin(struct decision *decision)
{
    const struct command *command = decision->command;
    const struct switches *switches = &decision->engine->shelf->switches;
    struct target target;
    CHECK(decision->engine->shard == 0);
    CHECK(command->switch_action != SWITCH_FREEZE || command->switch_scope == SCOPE_ALL);
    enum outcome outcome = find_target(decision, &target);
    if (outcome != OUTCOME_OK)
        return outcome;
    struct visit visit = {.state = state_after(command->switch_action, target.state)};
    outcome = switch_judge(decision, &target, visit.state);
    if (outcome != OUTCOME_OK)
        return outcome;
    /* What was stopped can always go on: a shop that stands still ends nothing. */
    bool resumes = command->switch_action == SWITCH_RESUME;
    if (visit.state != target.state && decision->now->journal_full == JOURNAL_SPENT && !resumes)
        return OUTCOME_JOURNAL_FULL;
    if (visit.state != target.state)
        switch_event(decision, &target, visit.state);
    if (command->switch_action != SWITCH_KILL)
        return switch_goes_on(decision, &visit, 1);
    visit.kill = visit.state != target.state ? decision->event->fact.switched.kill
                                             : atomic_load(&switches->entries[target.entry].kill);
    return switch_goes_on(decision, &visit, 0);
}

enum outcome decide_switch(struct decision *decision)
{
    const struct command *command = decision->command;
    struct engine *engine = decision->engine;
    const struct switches *switches = &engine->shelf->switches;
    struct visit visit;
    if (command->step == 0)
        return switch_begin(decision);
    CHECK(command->step == 1 + engine->shard);
    memcpy(&visit, command->carry, sizeof(visit));
    if (visit.kill == 0 || switches_kill_has_ended(switches, visit.kill, engine->shard)) {
        (void)switches_kill_totals(switches, visit.kill, &visit.released, &visit.cancelled);
        return switch_goes_on(decision, &visit, engine->shard + 1);
    }
    if (!decide_kill_begins(decision))
        (void)decide_kill_sweeps(decision);
    return switch_goes_on(decision, &visit, engine->shard);
}
