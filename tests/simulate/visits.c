/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that visit several shards. Each visit waits until what the one before recorded is durable;
 * between two of them everybody else goes on. A crash ends them all: nobody waits any more.
 */
#include "tests/simulate/visits.h"

#include "core/check.h"
#include "core/engine_steps.h"
#include "tests/simulate/judge.h"

struct visit *visit_room(struct world *world)
{
    for (uint32_t i = 0; i < VISITS_AT_MOST; i++) {
        if (!world->visits[i].used)
            return &world->visits[i];
    }
    return NULL;
}

void visit_carry(struct visit *visit, struct command *command)
{
    command->carry = visit->carry;
    command->carry_size_max = sizeof(visit->carry);
}

/* The next visit, as the answer says; durable is what the shard has recorded by now. */
static void wait_for(struct world *world, struct visit *visit, uint32_t shard)
{
    visit->shard = world->shop.answer.next_shard;
    visit->step = world->shop.answer.next_step;
    visit->after_shard = shard;
    visit->after = world->made[shard];
}

void visit_begin(struct world *world, struct visit *visit, uint32_t shard, const struct ask *ask,
    const struct expect *expect)
{
    const struct model *model = &world->model;
    visit->used = true;
    visit->ask = *ask;
    visit->expect = *expect;
    visit->kill = 0;
    if (ask->kind == COMMAND_SWITCH && ask->switch_action == SWITCH_KILL) {
        int target = ask->switch_scope == SCOPE_SALE ? ask->sale : ask->sku;
        visit->kill = model_scope((struct model *)model, ask->switch_scope, target)->kill;
    }
    visit->merging.line_count = 0;
    if (ask->kind == COMMAND_CART_MERGE)
        merge_begin(model, ask, &visit->merging);
    wait_for(world, visit, shard);
}

/* What of the guest's cart was dropped, and why (C4). */
static void judge_dropped(const struct world *world, const struct merging_of *merging)
{
    const struct answer *answer = &world->shop.answer;
    if (merging->refusals != 0) {
        if (!(merging->refusals & UINT64_C(1) << answer->outcome))
            world_fail(world, "a merge was refused for another reason");
        return;
    }
    if (answer->outcome != OUTCOME_OK)
        world_fail(world, "a merge was refused");
    bool same = true;
    uint32_t told = 0;
    for (uint32_t i = 0; same && i < merging->dropped_count; i++) {
        const struct dropped *dropped = &merging->dropped[i];
        const struct answer_line *line = &answer->lines[told];
        if (dropped->life != world->model.life[dropped->sku])
            continue;
        same = told++ < answer->line_count && number_of(line->sku) == dropped->sku &&
               line->quantity == dropped->quantity &&
               dropped->reasons & UINT64_C(1) << line->outcome;
    }
    if (!same || told != answer->line_count)
        world_fail(world, "a merge dropped something else");
}

/* One visit of a merge, after what is due of whose shard it is. */
static void merge_run(
    struct world *world, struct visit *visit, const struct command *command, uint32_t shard)
{
    struct shop *shop = &world->shop;
    struct merging_of *merging = &visit->merging;
    struct event event;
    while (engine_due_of(shop->engines[shard], command, &shop->now, &event))
        world_observe(world, shard, &event);
    struct visit_want want = merge_visit(&world->model, &visit->ask, merging, visit->step);
    shop->last_event = EVENT_NONE;
    engine_decide(shop->engines[shard], command, &shop->now, &event, &shop->answer);
    if (event.kind != want.event || shop->answer.goes_on != want.goes_on ||
        (want.goes_on && shop->answer.next_step != want.step))
        world_fail(world, "a visit of a merge did something else");
    if (event.kind != EVENT_NONE) {
        struct seen seen = seen_of(&event, &shop->shelf->catalog);
        world_happened(world, shard, &event);
        merge_happen(&world->model, shard, &visit->ask, merging, visit->step, &seen);
    }
    if (!want.goes_on)
        judge_dropped(world, merging);
    judge_touched(world, &visit->ask, NO_SLOT);
}

/* Whether it may stay is judged when the walk has ended: what keeps a sale changes all the time. */
static void judge_removed(const struct world *world, const struct ask *ask)
{
    const struct answer *answer = &world->shop.answer;
    const struct model *model = &world->model;
    bool is_gone = model->shown_sales[ask->sale].version == 0;
    if (answer->outcome == OUTCOME_OK || answer->outcome == OUTCOME_NOT_FOUND) {
        if (!is_gone && answer->outcome == OUTCOME_NOT_FOUND)
            world_fail(world, "a sale that is there was not found");
        return;
    }
    if (answer->outcome != OUTCOME_VERSION_CONFLICT && answer->outcome != OUTCOME_JOURNAL_FULL)
        world_fail(world, "a removal was refused for another reason");
}

/* What the call answers in the end. A kill's numbers are known until it is resumed (W5). */
static void judge_end(const struct world *world, const struct visit *visit)
{
    const struct answer *answer = &world->shop.answer;
    const struct model *model = &world->model;
    const struct ask *ask = &visit->ask;
    if (ask->kind == COMMAND_SALE_REMOVE) {
        judge_removed(world, ask);
        return;
    }
    if (answer->outcome != OUTCOME_OK)
        world_fail(world, "a call that had begun was refused");
    if (ask->kind == COMMAND_SALE_SET || ask->kind == COMMAND_PRODUCT_SET) {
        if (answer->version != visit->expect.version)
            world_fail(world, "a change tells another version than its own");
        return;
    }
    if (answer->switched != visit->expect.switched)
        world_fail(world, "a switch tells another state than its own (W6)");
    if (visit->kill == 0)
        return;
    const struct kill_of *kill = &model->kills[visit->kill % KILLS_REMEMBERED];
    int target = ask->switch_scope == SCOPE_SALE ? ask->sale : ask->sku;
    if (kill->shards_ended != (1u << model->shards) - 1)
        world_fail(world, "a kill returned before all units were back (W5)");
    if (model_scope((struct model *)model, ask->switch_scope, target)->kill != visit->kill)
        return;
    if (answer->released != kill->released || answer->cancelled != kill->cancelled)
        world_fail(world, "a kill returned other numbers than it gave back (W5)");
}

static void visit_run(struct world *world, struct visit *visit)
{
    struct shop *shop = &world->shop;
    struct spelling spelling;
    struct event event;
    world->ask = visit->ask;
    spell(&visit->ask, &spelling);
    visit_carry(visit, &spelling.command);
    spelling.command.step = visit->step;
    world_make_room(world, visit->shard);
    world_begin(world);
    uint32_t shard = shop->last_shard = visit->shard;
    if (visit->ask.kind == COMMAND_CART_MERGE) {
        merge_run(world, visit, &spelling.command, shard);
        visit->used = shop->answer.goes_on;
        if (visit->used)
            wait_for(world, visit, shard);
        return;
    }
    engine_decide(shop->engines[shard], &spelling.command, &shop->now, &event, &shop->answer);
    if (event.kind != EVENT_NONE)
        world_observe(world, shard, &event);
    visit->used = shop->answer.goes_on;
    if (visit->used)
        wait_for(world, visit, shard);
    else
        judge_end(world, visit);
}

void visits_go_on(struct world *world)
{
    struct visit *visit = &world->visits[dice_below(&world->dice, VISITS_AT_MOST)];
    if (visit->used && world->settled[visit->after_shard] >= visit->after)
        visit_run(world, visit);
}

void visits_finish(struct world *world)
{
    for (uint32_t i = 0; i < VISITS_AT_MOST; i++) {
        if (world->visits[i].used)
            visit_run(world, &world->visits[i]);
    }
}

void visits_end(struct world *world)
{
    for (uint32_t i = 0; i < VISITS_AT_MOST; i++)
        world->visits[i].used = false;
}
