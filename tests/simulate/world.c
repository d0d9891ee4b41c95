/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/simulate/world.h"

#include "core/check.h"
#include "core/engine_steps.h"
#include "tests/simulate/actors.h"
#include "tests/simulate/judge.h"
#include "tests/simulate/visits.h"

void world_fail(const struct world *world, const char *what)
{
    const struct ask *ask = &world->ask;
    printf("FAILED at step %llu of seed %llu (%s): %s\n", (unsigned long long)world->step,
        (unsigned long long)world->seed, world->setting.name, what);
    printf("    ask kind %d role %d customer %d key %u sku %d quantity %u currency %d items %u"
           " result %d payment %u amount %lld order slot %u; outcome %d event %d\n",
        ask->kind, ask->role, ask->customer, ask->key, ask->sku, ask->quantity, ask->currency,
        ask->item_count, ask->result, ask->payment, (long long)ask->amount, ask->order_slot,
        world->shop.answer.outcome, world->shop.last_event);
    for (uint32_t i = 0; i < ask->item_count; i++)
        printf("    item S%d x %u line %u\n", ask->items[i].sku, ask->items[i].quantity,
            ask->items[i].line);
    fflush(stdout);
    abort();
}

void world_happened(struct world *world, uint32_t shard, const struct event *event)
{
    shop_happen(&world->shop, shard, event);
    world->made[shard]++;
}

void world_observe(struct world *world, uint32_t shard, const struct event *event)
{
    struct seen seen = seen_of(event, &world->shop.shelf->catalog);
    world_happened(world, shard, event);
    const char *wrong = model_observe(&world->model, shard, &seen);
    if (wrong != NULL)
        world_fail(world, wrong);
}

void world_begin(struct world *world)
{
    shop_refresh(&world->shop);
    if (world->shop.now.streamed_seq != UINT64_MAX)
        world->model.streamed_since_shelf_ms = world->shop.now.shelf_ms;
    model_begin(&world->model, &world->shop.now);
    if (!world->shop.shelf->catalog.is_removed)
        model_rested(&world->model);
    bool frozen = world->model.stopped_all.in_force & SWITCHED_FROZEN;
    if (world->shop.now.frozen != frozen)
        world_fail(world, "the clock of the shelf stands still, or does not (W4)");
}

/* The effect on the model; answers the slot of the order that the step was about. */
static uint32_t effect(struct world *world, uint32_t shard, const struct ask *ask,
    const struct expect *expect, const struct seen *seen)
{
    struct model *model = &world->model;
    model_happen(model, shard, ask, expect, seen);
    if (model->happened != seen->kind)
        world_fail(world, "another event than the rules say");
    if (ask->kind != COMMAND_CHECKOUT)
        return expect->order;
    uint32_t slot = model->order_last[shard];
    uint64_t at = world->orders_seen_count++ % ORDERS_SEEN_AT_MOST;
    memcpy(world->orders_seen[at].id, seen->order_id, 16);
    world->orders_seen[at].slot = slot;
    return slot;
}

/* V5: what is refused leaves no trace. */
static uint64_t trace(const struct world *world)
{
    uint64_t digest = 0;
    for (uint32_t shard = 0; shard < world->setting.shards; shard++)
        digest = 31 * digest + engine_digest(world->shop.engines[shard]);
    return digest;
}

static void remember_ask(struct world *world, const struct ask *ask)
{
    if (ask->kind == COMMAND_CHECKOUT || ask->kind == COMMAND_CANCEL ||
        ask->kind == COMMAND_STOCK_CHANGE || ask->kind == COMMAND_PAYMENT)
        world->asks_seen[world->asks_seen_count++ % ASKS_SEEN_AT_MOST] = *ask;
}

void world_ask(struct world *world, const struct ask *ask)
{
    struct shop *shop = &world->shop;
    struct spelling spelling;
    struct event event;
    struct expect expect;
    struct visit *visit = visit_room(world), nobody_waits;
    world->ask = *ask;
    remember_ask(world, ask);
    spell(ask, &spelling);
    visit_carry(visit != NULL ? visit : &nobody_waits, &spelling.command);
    world_begin(world);
    uint32_t shard = shop->last_shard = command_shard(&spelling.command, shop->shards);
    while (engine_due_of(shop->engines[shard], &spelling.command, &shop->now, &event))
        world_observe(world, shard, &event);
    const char *wrong = model_meets_the_dead(&world->model, ask);
    if (wrong != NULL)
        world_fail(world, wrong);
    model_expect(&world->model, ask, &expect);
    bool traced = dice_below(&world->dice, world->setting.digest_every) == 0;
    uint64_t before = traced ? trace(world) : 0;
    shop->last_event = EVENT_NONE;
    engine_decide(shop->engines[shard], &spelling.command, &shop->now, &event, &shop->answer);
    judge_reply(world, ask, &expect, &event);
    world->answers[shop->answer.outcome]++;
    world->replays += shop->answer.replayed;
    uint32_t slot = expect.refusals == 0 ? expect.order : NO_SLOT;
    if (event.kind != EVENT_NONE) {
        struct seen seen = seen_of(&event, &shop->shelf->catalog);
        world_happened(world, shard, &event);
        slot = effect(world, shard, ask, &expect, &seen);
    } else if (traced && before != trace(world)) {
        world_fail(world, "a refusal left a trace (V5)");
    }
    if (shop->answer.goes_on && visit != NULL)
        visit_begin(world, visit, shard, ask, &expect);
    judge_touched(world, ask, slot);
    if (ask->kind == COMMAND_CHECKOUT && expect.replayed)
        judge_order(world, shard, slot, true);
}

/* What is due on a shard, in the order of deadlines (L3); at most so many events. */
static void run_due(struct world *world, uint32_t shard, uint32_t most)
{
    struct engine *engine = world->shop.engines[shard];
    struct event event;
    uint64_t last = 0;
    do {
        while (most > 0 && engine_due(engine, &world->shop.now, &event)) {
            world_observe(world, shard, &event);
            uint64_t deadline = world->model.observed_deadline_shelf_ms;
            if (deadline != 0 && deadline < last)
                world_fail(world, "what expired later had the earlier deadline (L3)");
            last = deadline != 0 ? deadline : last;
            most--;
        }
    } while (most > 0 && engine_next_due(engine) <= world->shop.now.shelf_ms);
}

void world_lag(struct world *world, uint64_t ms, uint32_t most)
{
    world->ask = (struct ask){.customer = NOBODY};
    if (!(world->model.stopped_all.in_force & SWITCHED_FROZEN)) /* W4 */
        world->shop.now.shelf_ms += ms;
    world->shop.now.wall_ms += (int64_t)ms;
    world_begin(world);
    for (uint32_t shard = 0; shard < world->setting.shards; shard++)
        run_due(world, shard, most);
    judge_touched(world, &world->ask, NO_SLOT);
}

void world_pass(struct world *world, uint64_t ms)
{
    world_lag(world, ms, UINT32_MAX);
    const char *wrong = model_windows(&world->model);
    if (wrong == NULL)
        wrong = model_killed(&world->model);
    if (wrong != NULL)
        world_fail(world, wrong);
}

static uint32_t waiting(const struct world *world, uint32_t shard)
{
    return (uint32_t)(world->made[shard] - world->settled[shard]);
}

static void settle_one(struct world *world, uint32_t shard)
{
    CHECK(shop_settle_one(&world->shop, shard));
    model_settle(&world->model, shard);
    world->settled[shard]++;
}

static void settle_all(struct world *world)
{
    for (uint32_t shard = 0; shard < world->setting.shards; shard++) {
        while (waiting(world, shard) > 0)
            settle_one(world, shard);
    }
}

/* The disks go on, each at its own pace, none ever so far behind that memory would not do. */
static void settle_some(struct world *world)
{
    uint32_t shard = dice_below(&world->dice, world->setting.shards);
    uint32_t most = 0;
    if (dice_below(&world->dice, 200) == 0)
        world->disks[shard] = (enum disk)dice_below(&world->dice, 3);
    switch (world->disks[shard]) {
    case DISK_FAST:
        most = waiting(world, shard);
        break;
    case DISK_SLOW:
        most = dice_below(&world->dice, 3);
        break;
    case DISK_STUCK:
        most = waiting(world, shard) > 300 ? waiting(world, shard) : 0;
        break;
    }
    for (uint32_t i = 0; i < most && waiting(world, shard) > 0; i++)
        settle_one(world, shard);
}

/* The power fails. Now and then everything was durable: then everything must be as before. */
static void crash(struct world *world)
{
    bool clean = dice_below(&world->dice, 2) == 0;
    if (clean)
        settle_all(world);
    uint64_t before = trace(world);
    shop_reopen(&world->shop);
    model_crash(&world->model);
    memcpy(world->made, world->settled, sizeof(world->made));
    visits_end(world);
    if (clean && before != trace(world))
        world_fail(world, "what was rebuilt from the records is not what was there");
    world->crashes++;
    world_pass(world, 0); /* what was due and is not recorded is due again */
    judge_everything(world);
}

static void open_scope(struct world *world, uint8_t scope, int target)
{
    struct ask ask = {.kind = COMMAND_SWITCH,
        .role = ROLE_OPERATOR,
        .customer = NOBODY,
        .switch_action = SWITCH_RESUME,
        .switch_scope = scope,
        .sku = target,
        .sale = target};
    if (model_scope(&world->model, scope, target)->newest != 0)
        world_ask(world, &ask);
}

/* Kills end, and whatever was stopped goes on. */
static void open_everything(struct world *world)
{
    settle_all(world);
    world_pass(world, 0);
    settle_all(world);
    open_scope(world, SCOPE_ALL, 0);
    for (int sale = 1; sale < SALES_AT_MOST; sale++)
        open_scope(world, SCOPE_SALE, sale);
    for (int sku = 0; sku < (int)world->setting.skus; sku++)
        open_scope(world, SCOPE_SKU, sku);
    settle_all(world);
}

static void finish_visits(struct world *world)
{
    for (uint32_t i = 0; i < 64; i++) {
        settle_all(world);
        visits_finish(world);
        world_pass(world, 20);
    }
    settle_all(world);
}

/* V4: with nothing in flight and no live hold, what is available is the allotment less sold. */
static void nothing_is_stranded(struct world *world)
{
    finish_visits(world);
    open_everything(world);
    for (uint32_t i = 0; i < 4; i++)
        world_pass(world, 600 * 1000);
    settle_all(world);
    judge_everything(world);
    for (int sku = 0; sku < (int)world->setting.skus; sku++) {
        if (model_numbers(&world->model, sku).held != 0)
            world_fail(world, "units are held and nobody holds them (V4)");
    }
}

/* From closing on nobody needs to ask again. */
static void crash_while_it_leaves(struct world *world)
{
    for (uint32_t i = 0; i < 64 && world->model.closing == 0; i++) {
        settle_all(world);
        visits_finish(world);
    }
    crash(world);
}

/* O5: what is over for a day leaves, unless an order is in the way. */
static void sales_leave(struct world *world)
{
    struct ask ask = {.role = ROLE_OPERATOR, .customer = NOBODY};
    world->shop.now.streamed_seq = UINT64_MAX;
    world->shop.now.journal_full = 0;
    if (world->model.importing)
        return;
    for (ask.sale = 1; ask.sale < SALES_AT_MOST; ask.sale++) {
        const struct sale_of *sale = &world->model.shown_sales[ask.sale];
        if (sale->version == 0)
            continue;
        ask.kind = COMMAND_SALE_SET;
        ask.sale_terms = sale->terms;
        ask.sale_terms.ends_wall_ms = 1;
        world_ask(world, &ask);
        finish_visits(world);
        ask.kind = COMMAND_SALE_REMOVE;
        world_pass(world, 25 * 3600 * 1000);
        finish_visits(world); /* one that began before leaves first: one at a time */
        if (sale->version == 0)
            continue;
        world_pass(world, 2 * 1000 * (uint64_t)world->setting.policy.cart_idle_seconds);
        settle_all(world);
        const char *wrong = model_limits_stay(&world->model, ask.sale);
        if (wrong != NULL)
            world_fail(world, wrong);
        world_ask(world, &ask);
        if (dice_below(&world->dice, 2) == 0)
            crash_while_it_leaves(world);
        finish_visits(world);
        /* One that closes and met late money keeps the others waiting. */
        bool waits = world->model.closing != 0 && world->model.closing != ask.sale;
        wrong = model_sale_stays(&world->model, ask.sale);
        if (sale->version != 0 && !waits && wrong != NULL)
            world_fail(world, wrong);
    }
    judge_everything(world);
}

/* Half of the products are there from the start. */
static void set_up(struct world *world)
{
    for (int sku = 0; sku < (int)world->setting.skus; sku += 2) {
        struct ask ask = merchant_product(world, sku, true);
        world_ask(world, &ask);
    }
    settle_all(world);
}

void world_open(struct world *world, uint64_t seed, uint64_t steps)
{
    *world = (struct world){.seed = seed, .steps = steps, .setting = setting_of(seed)};
    const struct setting *setting = &world->setting;
    struct shop *shop = &world->shop;
    struct capacity shared = setting->capacity;
    world->dice = dice_of(seed);
    world->customer_in_mind = NOBODY;
    shop_open_as(shop, setting->shards, &shared, &setting->policy);
    shop->dice = dice_of(~seed);
    shop->settles_by_itself = false;
    uint32_t more = setting->shards - 1;
    world->model = (struct model){
        .shards = setting->shards,
        .customers = setting->customers,
        .skus = setting->skus,
        .policy = setting->policy,
        .capacity = shared,
        .claims_room = shared.claims + shared.identities,
    };
    struct capacity *own = &world->model.capacity;
    own->customers = (shared.customers + more) / setting->shards;
    own->orders = (shared.orders + more) / setting->shards;
    own->holds = (shared.holds + more) / setting->shards;
    own->lines = (shared.lines + more) / setting->shards;
    own->idempotency_keys = (shared.idempotency_keys + more) / setting->shards;
    own->claims = (shared.claims + more) / setting->shards;
    own->allowances = (shared.allowances + more) / setting->shards;
    own->text_bytes = shared.text_bytes / setting->shards;
    model_open(&world->model);
}

void world_walk(struct world *world)
{
    set_up(world);
    for (world->step = 1; world->step <= world->steps; world->step++) {
        actors_step(world);
        settle_some(world);
        visits_go_on(world);
        if (world->step % CHECK_EVERY == 0) {
            world_pass(world, 0);
            judge_everything(world);
        }
        if (world->setting.crash_every != 0 &&
            dice_below(&world->dice, world->setting.crash_every) == 0)
            crash(world);
    }
    nothing_is_stranded(world);
    sales_leave(world);
}

void world_close(struct world *world)
{
    model_close(&world->model);
    shop_close(&world->shop);
}
