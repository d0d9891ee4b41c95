/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pause, freeze, kill, resume: W3 to W6. A switch is in force once it is durable. A kill is begun
 * by each shard, which from then on has only dead holds and orders in its scope, and ended when
 * none is left.
 */
#include "core/switches.h"
#include "tests/simulate/model_parts.h"

struct stopped *model_scope(struct model *model, uint8_t scope, int target)
{
    switch ((enum switch_scope)scope) {
    case SCOPE_ALL:
        return &model->stopped_all;
    case SCOPE_SALE:
        return &model->stopped_sales[target];
    case SCOPE_SKU:
        return &model->stopped_skus[target];
    }
    CHECK(!"every scope is listed");
    return NULL;
}

uint8_t model_stopped(const struct model *model, int sku, int sale)
{
    return model->stopped_all.in_force | model->stopped_skus[sku].in_force |
           model->stopped_sales[sale].in_force;
}

static int target_of(const struct ask *ask)
{
    return ask->switch_scope == SCOPE_SALE ? ask->sale : ask->sku;
}

static bool is_under_way(const struct model *model, const struct stopped *stopped)
{
    const struct kill_of *kill = &model->kills[stopped->kill % KILLS_REMEMBERED];
    return stopped->kill != 0 && kill->shards_ended != (1u << model->shards) - 1;
}

/* How many scopes besides everything are not open, and how many kills some shard has not ended. */
static uint32_t count_stopped(const struct model *model, uint32_t *under_way)
{
    uint32_t count = 0;
    *under_way = is_under_way(model, &model->stopped_all);
    for (int i = 0; i < SALES_AT_MOST; i++) {
        count += model->stopped_sales[i].newest != 0;
        *under_way += is_under_way(model, &model->stopped_sales[i]);
    }
    for (int i = 0; i < SKUS_AT_MOST; i++) {
        count += model->stopped_skus[i].newest != 0;
        *under_way += is_under_way(model, &model->stopped_skus[i]);
    }
    return count;
}

static uint8_t state_after(uint8_t action, uint8_t state)
{
    switch ((enum switch_action)action) {
    case SWITCH_RESUME:
        return 0;
    case SWITCH_PAUSE:
        return state != 0 ? state : SWITCHED_PAUSED;
    case SWITCH_FREEZE:
        return (uint8_t)((state | SWITCHED_FROZEN) & ~SWITCHED_PAUSED);
    case SWITCH_KILL:
        return (uint8_t)((state | SWITCHED_KILLED) & ~SWITCHED_PAUSED);
    }
    CHECK(!"every action is listed");
    return 0;
}

void expect_switch(const struct model *model, const struct ask *ask, struct expect *expect)
{
    if (ask->switch_scope == SCOPE_SKU && !model->shown[ask->sku].visible)
        expect->refusals |= BIT(OUTCOME_UNKNOWN_SKU);
    if (ask->switch_scope == SCOPE_SALE &&
        (model->shown_sales[ask->sale].version == 0 || model->leaving == ask->sale))
        expect->refusals |= BIT(OUTCOME_INVALID);
    if (expect->refusals != 0)
        return;
    const struct stopped *stopped =
        model_scope((struct model *)model, ask->switch_scope, target_of(ask));
    uint32_t under_way, count = count_stopped(model, &under_way);
    expect->switched = state_after(ask->switch_action, stopped->newest);
    expect->has_effect = expect->switched != stopped->newest;
    if (expect->switched == 0 && is_under_way(model, stopped))
        expect->refusals |= BIT(OUTCOME_VERSION_CONFLICT);
    if (ask->switch_scope != SCOPE_ALL && stopped->newest == 0 && expect->switched != 0 &&
        count >= SWITCHES_MAX - 1)
        expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED);
    if (expect->switched & ~stopped->newest & SWITCHED_KILLED && under_way >= KILLS_MAX)
        expect->refusals |= BIT(OUTCOME_CAPACITY_EXHAUSTED);
    if (expect->has_effect && model->now.journal_full == JOURNAL_SPENT &&
        ask->switch_action != SWITCH_RESUME)
        expect->refusals |= BIT(OUTCOME_JOURNAL_FULL);
}

void happen_switch(
    struct model *model, struct record *record, const struct ask *ask, const struct expect *expect)
{
    struct stopped *stopped = model_scope(model, ask->switch_scope, target_of(ask));
    model->happened = EVENT_SWITCH_SET;
    keep(model, 0, &stopped->newest, sizeof(stopped->newest));
    keep(model, 0, &stopped->kill, sizeof(stopped->kill));
    keep(model, 0, &model->kill_last, sizeof(model->kill_last));
    stopped->newest = expect->switched;
    record->switches = stopped;
    record->state = expect->switched;
    if (expect->switched == 0)
        stopped->kill = 0;
    if (ask->switch_action != SWITCH_KILL)
        return;
    record->kill = stopped->kill = ++model->kill_last;
    model->kills[record->kill % KILLS_REMEMBERED] =
        (struct kill_of){.scope = ask->switch_scope, .target = target_of(ask)};
}

void settle_switch(struct model *model, const struct record *record, uint32_t shard)
{
    struct kill_of *kill = &model->kills[record->kill % KILLS_REMEMBERED];
    if (record->switches != NULL)
        record->switches->in_force = record->state;
    if (record->switches != NULL && record->kill != 0)
        model->kills_published = record->kill;
    if (!record->ends_kill)
        return;
    kill->shards_ended |= 1u << shard;
    kill->released += record->released;
    kill->cancelled += record->cancelled;
}

static bool reaches(const struct killing *killing, int sku, int sale)
{
    if (killing->scope == SCOPE_ALL)
        return true;
    return killing->target == (killing->scope == SCOPE_SALE ? sale : sku);
}

static bool reaches_order(const struct killing *killing, const struct sold_order *order)
{
    for (uint32_t i = 0; i < order->line_count; i++) {
        if (reaches(killing, order->lines[i].sku, order->lines[i].sale))
            return true;
    }
    return false;
}

struct killing *killing_of_line(const struct model *model, uint32_t shard, int sku, int sale)
{
    struct killer *killer = (struct killer *)&model->killers[shard];
    for (uint32_t i = 0; i < killer->count; i++) {
        if (reaches(&killer->killings[i], sku, sale))
            return &killer->killings[i];
    }
    return NULL;
}

struct killing *killing_of_order(
    const struct model *model, uint32_t shard, const struct sold_order *order)
{
    struct killer *killer = (struct killer *)&model->killers[shard];
    for (uint32_t i = 0; i < killer->count; i++) {
        if (reaches_order(&killer->killings[i], order))
            return &killer->killings[i];
    }
    return NULL;
}

void killer_change(struct model *model, uint32_t shard)
{
    if (model->killers[shard].count > 0)
        keep(model, shard, &model->killers[shard], sizeof(model->killers[shard]));
}

/* Something in the scope of a kill is still alive on its shard. */
static bool is_alive(const struct model *model, uint32_t shard, const struct killing *killing)
{
    for (uint32_t i = 0; i < model->customers; i++) {
        const struct buyer *buyer = &model->buyers[i];
        for (uint32_t j = 0; model->home[i] == shard && j < buyer->line_count; j++) {
            const struct cart_line *line = &buyer->lines[j];
            if (line->state == LINE_HELD && reaches(killing, line->sku, line->sale))
                return true;
        }
    }
    for (uint32_t slot = 1; slot <= model->capacity.orders; slot++) {
        const struct sold_order *order = &model->orders[shard][slot];
        if (order->used && sold_is_open(order) && reaches_order(killing, order))
            return true;
    }
    return false;
}

static const char *kill_begins(struct model *model, struct killer *killer, uint32_t number)
{
    const struct kill_of *kill = &model->kills[number % KILLS_REMEMBERED];
    if (number != ++killer->begun || number > model->kills_published)
        return "a kill was begun that nobody published (W6)";
    CHECK(killer->count < KILLS_MAX);
    killer->killings[killer->count++] =
        (struct killing){.kill = number, .scope = kill->scope, .target = kill->target};
    return NULL;
}

static const char *kill_ends(
    const struct model *model, uint32_t shard, struct record *record, const struct killing *ended)
{
    const struct killing *first = &model->killers[shard].killings[0];
    if (model->killers[shard].count == 0 || first->kill != ended->kill)
        return "a kill ended that was not under way";
    if (is_alive(model, shard, first))
        return "a kill ended and somebody in its scope is alive (W5)";
    if (first->released != ended->released || first->cancelled != ended->cancelled)
        return "a kill gave back more or less than it says (W5)";
    record->ends_kill = true;
    record->kill = first->kill;
    record->released = first->released;
    record->cancelled = first->cancelled;
    return NULL;
}

const char *observe_kill(
    struct model *model, uint32_t shard, struct record *record, const struct seen *seen)
{
    struct killer *killer = &model->killers[shard];
    keep(model, shard, killer, sizeof(*killer));
    if (seen->kind == EVENT_KILL_BEGUN)
        return kill_begins(model, killer, seen->killing.kill);
    const char *wrong = kill_ends(model, shard, record, &seen->killing);
    if (wrong != NULL)
        return wrong;
    killer->count--;
    memmove(
        &killer->killings[0], &killer->killings[1], killer->count * sizeof(killer->killings[0]));
    return NULL;
}

const char *model_killed(const struct model *model)
{
    for (uint32_t shard = 0; shard < model->shards; shard++) {
        if (model->killers[shard].begun != model->kills_published)
            return "a kill is published and not begun (W5)";
        if (model->killers[shard].count > 0)
            return "a kill does not end (W5)";
    }
    return NULL;
}

static bool is_dead(const struct model *model, uint32_t shard, const struct sold_order *order)
{
    return sold_is_open(order) && (order->due_shelf_ms <= model->now.shelf_ms ||
                                      killing_of_order(model, shard, order) != NULL);
}

/* Whose holds and orders the ask is about: who asks for another's order is told nothing. */
static int owner_of(const struct model *model, const struct ask *ask)
{
    bool of_order = ask->kind == COMMAND_ORDER_READ || ask->kind == COMMAND_PAYMENT ||
                    ask->kind == COMMAND_CANCEL || ask->kind == COMMAND_REVIEW;
    const struct sold_order *order = model_order(model, ask->order_slot, ask->order_id);
    if (!of_order)
        return ask->customer;
    if (order == NULL || (ask->customer != NOBODY && ask->customer != order->customer))
        return NOBODY;
    return order->customer;
}

const char *model_meets_the_dead(const struct model *model, const struct ask *ask)
{
    int customer = owner_of(model, ask);
    if (customer == NOBODY)
        return NULL;
    const struct buyer *buyer = &model->buyers[customer];
    uint32_t shard = model->home[customer];
    for (uint32_t i = 0; i < buyer->line_count; i++) {
        const struct cart_line *line = &buyer->lines[i];
        if (line->state != LINE_HELD)
            continue;
        if (line->deadline_shelf_ms <= model->now.shelf_ms ||
            killing_of_line(model, shard, line->sku, line->sale) != NULL)
            return "a command met a dead hold of its customer (L2, W5)";
    }
    for (uint32_t slot = buyer->newest_order; slot != NO_SLOT;) {
        const struct sold_order *order = &model->orders[shard][slot];
        if (is_dead(model, shard, order))
            return "a command met a dead order of its customer (L2, W5)";
        slot = order->older;
    }
    return NULL;
}
