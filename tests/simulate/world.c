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

/* NULL: nothing is wrong. */
static void hold(struct world *world, const char *wrong)
{
    if (wrong != NULL)
        world_fail(world, wrong);
}

static void note(struct world *world, uint64_t value)
{
    world->trace = (world->trace ^ value) * UINT64_C(0x100000001b3);
}

void world_happened(struct world *world, uint32_t shard, const struct event *event)
{
    world->made[shard] += shop_happen(&world->shop, shard, event);
    note(world, (uint64_t)event->kind << 8 | shard);
}

void world_observe(struct world *world, uint32_t shard, const struct event *event)
{
    struct seen seen = seen_of(event, &world->shop.shelf->catalog);
    world_happened(world, shard, event);
    hold(world, model_observe(&world->model, shard, &seen));
}

void world_begin(struct world *world)
{
    shop_refresh(&world->shop);
    if (world->shop.now.streamed_seq != UINT64_MAX)
        world->model.streamed_since_shelf_ms = world->shop.now.shelf_ms;
    if (world->shop.now.journal_full) {
        world->model.kept_since_shelf_ms = world->shop.now.shelf_ms;
        world->model.kept_since_wall_ms = world->shop.now.wall_ms;
    }
    model_begin(&world->model, &world->shop.now);
    if (!world->shop.shelf->catalog.is_removed)
        model_rested(&world->model);
    bool frozen = world->model.stopped_all.in_force & SWITCHED_FROZEN;
    if (world->shop.now.frozen != frozen)
        world_fail(world, "the clock of the shelf stands still, or does not (W4)");
}

static uint32_t waiting(const struct world *world, uint32_t shard)
{
    return (uint32_t)(world->made[shard] - world->settled[shard]);
}

static void settle_one(struct world *world, uint32_t shard)
{
    enum event_kind kind = shop_settle_one(&world->shop, shard);
    CHECK(kind != EVENT_NONE);
    world->walks += kind == EVENT_WALK_ENDED;
    if (kind < EVENT_WALK_BEGUN) /* an image changes nothing: the model has none */
        model_settle(&world->model, shard);
    world->settled[shard]++;
}

/* What a shard has recorded becomes durable, all of it. */
static void settle_shard(struct world *world, uint32_t shard)
{
    while (waiting(world, shard) > 0) {
        while (world->node != NULL && !node_has_durable(world->node, shard))
            node_turn(world->node, shard, true);
        settle_one(world, shard);
    }
}

void world_settle(struct world *world)
{
    for (uint32_t shard = 0; shard < world->setting.shards; shard++)
        settle_shard(world, shard);
}

void world_make_room(struct world *world, uint32_t shard)
{
    if (world->node == NULL)
        return;
    if (!node_has_room(world->node, shard))
        settle_shard(world, shard);
    if (!node_is_short(world->node))
        return;
    world_settle(world);
    node_catch_up(world->node);
    if (node_is_short(world->node))
        world_restate_from_now(world);
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
uint64_t world_trace(const struct world *world)
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
    uint32_t shard = shop->last_shard = command_shard(&spelling.command, shop->shards);
    world_make_room(world, shard);
    world_begin(world);
    while (engine_due_of(shop->engines[shard], &spelling.command, &shop->now, &event))
        world_observe(world, shard, &event);
    hold(world, model_meets_the_dead(&world->model, ask));
    model_expect(&world->model, ask, &expect);
    bool traced = dice_below(&world->dice, world->setting.digest_every) == 0;
    uint64_t before = traced ? world_trace(world) : 0;
    shop->last_event = EVENT_NONE;
    engine_decide(shop->engines[shard], &spelling.command, &shop->now, &event, &shop->answer);
    judge_reply(world, ask, &expect, &event);
    world->answers[shop->answer.outcome]++;
    note(world, (uint64_t)shop->answer.outcome << 32 | world->step);
    world->replays += shop->answer.replayed;
    uint32_t slot = expect.refusals == 0 ? expect.order : NO_SLOT;
    if (event.kind != EVENT_NONE) {
        struct seen seen = seen_of(&event, &shop->shelf->catalog);
        world_happened(world, shard, &event);
        slot = effect(world, shard, ask, &expect, &seen);
    } else if (traced && before != world_trace(world)) {
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
            world_make_room(world, shard);
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
    world_clocks_run(world, ms);
    world_begin(world);
    for (uint32_t shard = 0; shard < world->setting.shards; shard++) {
        world_make_room(world, shard);
        run_due(world, shard, most);
    }
    judge_touched(world, &world->ask, NO_SLOT);
}

void world_pass(struct world *world, uint64_t ms)
{
    world_lag(world, ms, UINT32_MAX);
    hold(world, model_windows(&world->model));
    hold(world, model_killed(&world->model));
}

/* A turn of the shard's loop: a stuck disk lets nothing land, unless too much is waiting. */
static void turn_of_node(struct world *world, uint32_t shard)
{
    static const uint32_t once_in[] = {[DISK_FAST] = 1, [DISK_SLOW] = 6, [DISK_STUCK] = UINT32_MAX};
    bool is_ready =
        waiting(world, shard) > 300 || dice_below(&world->dice, once_in[world->disks[shard]]) == 0;
    node_turn(world->node, shard, is_ready);
    while (node_has_durable(world->node, shard))
        settle_one(world, shard);
}

/* The disks go on, each at its own pace, none ever so far behind that memory would not do. */
static void settle_some(struct world *world)
{
    uint32_t shard = dice_below(&world->dice, world->setting.shards);
    uint32_t most = 0;
    if (dice_below(&world->dice, 200) == 0)
        world->disks[shard] = (enum disk)dice_below(&world->dice, 3);
    if (world->node != NULL) {
        turn_of_node(world, shard);
        return;
    }
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

/* What was in flight may have become durable, though nobody was told. The shelf clock goes on from
 * what the journals say: time that no batch has seen costs nobody a hold. */
static void learn_of_node(struct world *world)
{
    for (uint32_t shard = 0; world->node != NULL && shard < world->setting.shards; shard++)
        for (; world->settled[shard] < world->node->replayed[shard]; world->settled[shard]++)
            if (!node_is_image(world->node, shard, world->settled[shard]))
                model_settle(&world->model, shard);
    if (world->node != NULL && !world->node->recovery.empty)
        world->shop.now.shelf_ms = world->node->recovery.shelf_ms;
}

/* The power fails. Now and then everything was durable: then everything must be as before. */
static void crash(struct world *world)
{
    bool clean = dice_below(&world->dice, 2) == 0;
    if (clean)
        world_settle(world);
    uint64_t before = world_trace(world);
    world->shop.forgets_walks = dice_below(&world->dividing, 8) == 0;
    shop_reopen(&world->shop);
    learn_of_node(world);
    world_clocks_start(world);
    model_crash(&world->model);
    if (dice_below(&world->dice, 16) == 0)
        world_audit(world);
    memcpy(world->made, world->settled, sizeof(world->made));
    visits_end(world);
    if (clean && before != world_trace(world))
        world_fail(world, "what was rebuilt from the records is not what was there");
    if (world->node == NULL && dice_below(&world->dividing, 2) == 0)
        (void)world_divide(world);
    world->crashes++;
    note(world, world_trace(world));
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
    world_settle(world);
    world_pass(world, 0);
    world_settle(world);
    open_scope(world, SCOPE_ALL, 0);
    for (int sale = 1; sale < SALES_AT_MOST; sale++)
        open_scope(world, SCOPE_SALE, sale);
    for (int sku = 0; sku < (int)world->setting.skus; sku++)
        open_scope(world, SCOPE_SKU, sku);
    world_settle(world);
}

static void finish_visits(struct world *world)
{
    world_restate_all(world);
    for (uint32_t i = 0; i < 64; i++) {
        world_settle(world);
        visits_finish(world);
        world_pass(world, 20);
    }
    world_settle(world);
}

/* V4: with nothing in flight and no live hold, what is available is the allotment less sold. */
static void nothing_is_stranded(struct world *world)
{
    world->shop.now.journal_full = JOURNAL_HAS_ROOM; /* else nothing is resumed */
    finish_visits(world);
    open_everything(world);
    for (uint32_t i = 0; i < 4; i++)
        world_pass(world, 600 * 1000);
    world_settle(world);
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
        world_settle(world);
        visits_finish(world);
    }
    /* Some shards have their part behind them, and a walk after that. */
    for (uint32_t i = dice_below(&world->dice, 4); i > 0; i--) {
        world_settle(world);
        world_pass(world, 20);
    }
    world_settle(world);
    if (dice_below(&world->dice, 2) == 0)
        world_restate_from_now(world);
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
        for (uint64_t ms = 25 * 3600 * 1000; ms > 0;
             ms = model_leaves_in(&world->model, ask.sale, world->shop.now.wall_ms))
            world_pass(world, ms);
        finish_visits(world); /* one that began before leaves first: one at a time */
        if (sale->version == 0)
            continue;
        world_pass(world, 2 * 1000 * (uint64_t)world->setting.policy.cart_idle_seconds);
        world_settle(world);
        hold(world, model_limits_stay(&world->model, ask.sale));
        world_ask(world, &ask);
        if (dice_below(&world->dice, 2) == 0)
            crash_while_it_leaves(world);
        finish_visits(world);
        /* One that closes and met late money keeps the others waiting. */
        bool waits = world->model.closing != 0 && world->model.closing != ask.sale;
        const char *wrong = model_sale_stays(&world->model, ask.sale);
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
    world_settle(world);
}

static void open_node(struct world *world)
{
    world->node = calloc(1, sizeof(*world->node));
    CHECK(world->node != NULL);
    world->setting.crash_every = NODE_CRASH_EVERY;
    node_open(world->node, &world->shop, world->seed);
}

void world_open(struct world *world, uint64_t seed, uint64_t steps, bool on_disk)
{
    *world = (struct world){.seed = seed, .steps = steps, .setting = setting_of(seed)};
    const struct setting *setting = &world->setting;
    struct shop *shop = &world->shop;
    struct capacity shared = setting->capacity;
    world->dice = dice_of(seed);
    world->dividing = dice_of(seed ^ 0xd1d1de);
    world->customer_in_mind = NOBODY;
    shop_open_as(shop, setting->shards, &shared, &setting->policy);
    shop->dice = dice_of(~seed);
    shop->settles_by_itself = false;
    if (on_disk)
        open_node(world);
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
        world_restate(world);
        if (world->node != NULL && dice_below(&world->dice, 3) == 0)
            node_stream(world->node);
        visits_go_on(world);
        if (world->step % CHECK_EVERY == 0) {
            world_pass(world, 0);
            judge_everything(world);
        }
        if (world->setting.crash_every != 0 &&
            dice_below(&world->dice, world->setting.crash_every) == 0)
            crash(world);
    }
    world_audit(world);
    nothing_is_stranded(world);
    sales_leave(world);
    world_settle(world);
    if (world->node != NULL)
        node_judge_stream(world->node);
    world_audit(world);
}

void world_close(struct world *world)
{
    model_close(&world->model);
    if (world->node != NULL)
        node_close(world->node);
    free(world->node);
    shop_close(&world->shop);
}
