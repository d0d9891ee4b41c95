/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cross-shard give-back case (the law): a unit comes back on one shard, is
 * wanted on another, and the power fails. Two engines over real journals of two shards.
 *
 *     shard 1   ann has the last unit, durable .. gives it back, not yet durable ..  power cut
 *     shard 0                                     bob wants it; all of his is durable
 *
 * Whichever way units come back, and whatever the cut leaves of the record that frees them: bob has
 * the unit or ann has it, never both (V3), and never nobody (V4). While the record is on its way
 * bob hears that somebody holds it, not that it is sold out (L3).
 */
#include "tests/persist/ledger.h"

#include "core/engine.h"
#include "core/partition.h"
#include "core/shelf.h"
#include "core/tables.h"
#include "tests/lib/dice.h"
#include "tests/lib/memory.h"

enum { SHARDS = 2, SEGMENTS = 4, BOBS = 0, ANNS = 1, PRICE = 500 };
enum { ARENA_SIZE = 8 << 20, HOLD_MS = 1000 * 3600 };

struct scene {
    struct ledger *ledger;
    struct arena arena;
    struct shelf *shelf;
    struct engine *engines[SHARDS];
    struct journal_write write; /* the last batch that was begun */
    struct dice dice;
    struct answer answer;
    uint8_t order[16]; /* ann's */
    char ann[8], bob[8];
};

/* The name of a customer who lives on this shard. */
static void name_on(uint32_t shard, char first, char name[8])
{
    for (uint32_t i = 0; i < 1000; i++) {
        (void)snprintf(name, 8, "%c%u", first, i);
        if (partition_of_customer(bytes_of_string(name)) % SHARDS == shard)
            return;
    }
    fail();
}

static void replay(void *context, uint32_t shard, const struct event *event)
{
    struct scene *scene = context;
    engine_replay(scene->engines[shard], event);
}

/* As the server starts: engines, records, counters, proofs, journals. */
static void start(struct scene *scene)
{
    struct ledger *ledger = scene->ledger;
    struct policy policy = POLICY_DEFAULT;
    const struct recover_options options = {
        .directory = &ledger->directory, .replay = replay, .context = scene};
    struct capacity small = CAPACITY_DEFAULT;
    policy.reserve_on = RESERVE_CART;
    small.customers = small.orders = small.holds = small.idempotency_keys = small.allowances = 64;
    small.skus = small.names = small.identities = small.connections = small.requests = 16;
    small.lines = small.claims = 256;
    small.text_bytes = 65536;
    memory_open(&scene->arena, ARENA_SIZE);
    scene->shelf = arena_take(&scene->arena, "shelf", 1, sizeof(*scene->shelf));
    shelf_init(scene->shelf, &scene->arena, &small);
    for (uint32_t i = 0; i < SHARDS; i++)
        scene->engines[i] =
            engine_create(&scene->arena, scene->shelf, &policy, &small, i, SHARDS, 42);
    if (datadir_open(&ledger->directory, &ledger->options, ledger->error, sizeof(ledger->error)) !=
            0 ||
        recover(&ledger->recovery, &options, ledger->error, sizeof(ledger->error)) != 0)
        fail_msg("%s", ledger->error);
    shelf_derive(scene->shelf, scene->engines, SHARDS);
    for (uint32_t i = 0; i < SHARDS; i++)
        engine_check(scene->engines[i]);
    ledger_open_journals(ledger);
    ledger->started = true;
}

static void open_scene(struct scene *scene)
{
    *scene = (struct scene){.ledger = ledger_create(SHARDS, SEGMENTS, true), .dice = dice_of(1)};
    scene->ledger->now.streamed_seq = UINT64_MAX;
    name_on(ANNS, 'a', scene->ann);
    name_on(BOBS, 'b', scene->bob);
    start(scene);
}

static void close_scene(struct scene *scene)
{
    memory_close(&scene->arena);
    ledger_destroy(scene->ledger);
}

/* Everything in memory is gone; whatever the disks have is read again. */
static void power_cut(struct scene *scene)
{
    ledger_crash(scene->ledger);
    memory_close(&scene->arena);
    start(scene);
    scene->ledger->now.shelf_ms = scene->ledger->recovery.shelf_ms; /* L7 */
}

static void happen(struct scene *scene, uint32_t shard, const struct event *event)
{
    engine_apply(scene->engines[shard], event);
    journal_append(&scene->ledger->journals[shard], event);
}

static enum outcome ask(struct scene *scene, const struct command *command)
{
    struct moment *now = &scene->ledger->now;
    uint32_t shard = command_shard(command, SHARDS);
    struct event event;
    now->random = dice_next(&scene->dice);
    while (engine_due_of(scene->engines[shard], command, now, &event))
        happen(scene, shard, &event);
    engine_decide(scene->engines[shard], command, now, &event, &scene->answer);
    if (event.kind != EVENT_NONE)
        happen(scene, shard, &event);
    if (event.kind == EVENT_ORDER_PLACED && shard == ANNS)
        memcpy(scene->order, event.fact.order.id, 16);
    return scene->answer.outcome;
}

/* A batch begins its way to the disk; false: there was nothing to write. */
static bool begin_batch(struct scene *scene, uint32_t shard)
{
    struct ledger *ledger = scene->ledger;
    ledger->now.shelf_ms++;
    ledger->now.wall_ms++;
    return journal_commit(&ledger->journals[shard], &ledger->now, true, &scene->write);
}

static void end_batch(struct scene *scene, uint32_t shard)
{
    struct event event;
    journal_written(&scene->ledger->journals[shard], (int32_t)scene->write.size);
    while (journal_settle_next(&scene->ledger->journals[shard], &event))
        engine_settle(scene->engines[shard], &event);
}

/* Everything that has happened on the shard is durable and settled. */
static void make_durable(struct scene *scene, uint32_t shard)
{
    while (!journal_idle(&scene->ledger->journals[shard])) {
        assert_true(begin_batch(scene, shard));
        ledger_put(&scene->write);
        end_batch(scene, shard);
    }
}

static enum outcome cart(struct scene *scene, const char *who, const char *sku, uint32_t quantity)
{
    const struct command command = {.kind = COMMAND_CART_SET,
        .role = ROLE_CUSTOMER,
        .customer = bytes_of_string(who),
        .sku = bytes_of_string(sku),
        .quantity = quantity};
    return ask(scene, &command);
}

static enum outcome checkout(struct scene *scene, const char *who)
{
    const struct command_item item = {.sku = BYTES("S"), .quantity = 1};
    const struct command command = {.kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .customer = bytes_of_string(who),
        .key = bytes_of_string(who),
        .items = &item,
        .item_count = 1};
    return ask(scene, &command);
}

static enum outcome clear(struct scene *scene, const char *who)
{
    const struct command command = {
        .kind = COMMAND_CART_CLEAR, .role = ROLE_CUSTOMER, .customer = bytes_of_string(who)};
    return ask(scene, &command);
}

static enum outcome pay(struct scene *scene, uint8_t result)
{
    struct command command = {.kind = COMMAND_PAYMENT,
        .role = ROLE_SERVICE,
        .provider = BYTES("bank"),
        .payment_id = BYTES("p"),
        .result = result,
        .amount = PRICE,
        .currency = "GBP"};
    memcpy(command.order_id, scene->order, 16);
    return ask(scene, &command);
}

static enum outcome cancel(struct scene *scene)
{
    struct command command = {.kind = COMMAND_CANCEL, .role = ROLE_SERVICE, .key = BYTES("c")};
    memcpy(command.order_id, scene->order, 16);
    return ask(scene, &command);
}

/* Time passes on ann's shard: what is due there happens. */
static void pass(struct scene *scene, uint64_t ms)
{
    struct event event;
    scene->ledger->now.shelf_ms += ms;
    scene->ledger->now.wall_ms += (int64_t)ms;
    while (engine_due(scene->engines[ANNS], &scene->ledger->now, &event))
        happen(scene, ANNS, &event);
}

static struct stock_numbers numbers(const struct scene *scene)
{
    return stock_numbers(&scene->shelf->stock, catalog_find(&scene->shelf->catalog, BYTES("S")));
}

/* Ways in which ann has the unit, and gives it back. */
enum way {
    BY_LOWERING,
    BY_CLEARING,
    BY_HOLD_EXPIRY,
    BY_CANCEL,
    BY_ORDER_EXPIRY,
    BY_PAYMENT,
    BY_RESTOCK, /* a confirmed order: its unit is restocked */
    WAY_COUNT,
};

static bool is_cart(enum way way)
{
    return way <= BY_HOLD_EXPIRY;
}

static void ann_takes_the_unit(struct scene *scene, enum way way)
{
    enum outcome outcome =
        is_cart(way) ? cart(scene, scene->ann, "S", 1) : checkout(scene, scene->ann);
    assert_int_equal(outcome, OUTCOME_OK);
    if (way == BY_RESTOCK)
        assert_int_equal(pay(scene, RESULT_CAPTURED), OUTCOME_OK);
    make_durable(scene, ANNS);
    assert_int_equal(numbers(scene).available, 0);
}

static void ann_gives_it_back(struct scene *scene, enum way way)
{
    switch (way) {
    case BY_LOWERING:
        assert_int_equal(cart(scene, scene->ann, "S", 0), OUTCOME_OK);
        break;
    case BY_CLEARING:
        assert_int_equal(clear(scene, scene->ann), OUTCOME_OK);
        break;
    case BY_HOLD_EXPIRY:
    case BY_ORDER_EXPIRY:
        pass(scene, HOLD_MS);
        break;
    case BY_CANCEL:
    case BY_RESTOCK:
        assert_int_equal(cancel(scene), OUTCOME_OK);
        break;
    case BY_PAYMENT:
        assert_int_equal(pay(scene, RESULT_CANCELLED), OUTCOME_OK);
        break;
    case WAY_COUNT:
        fail();
    }
}

/* What the power cut leaves of the batch that frees the unit. */
enum cut { NOT_BEGUN, NOT_WRITTEN, TORN, WRITTEN, CUTS };

static void write_until(struct scene *scene, enum cut cut)
{
    if (cut == NOT_BEGUN)
        return;
    assert_true(begin_batch(scene, ANNS));
    uint32_t filled = batch_header_size(SHARDS) + scene->ledger->journals[ANNS].writing.used;
    uint32_t size = cut == WRITTEN ? scene->write.size : cut == TORN ? filled - 9 : 0;
    ledger_patch(scene->ledger, ANNS, 1, (uint32_t)scene->write.offset, scene->write.data, size);
}

static void put_on_sale(struct scene *scene, const char *sku, uint32_t stock)
{
    const struct product_image image = {.sku = bytes_of_string(sku),
        .title = BYTES("A thing"),
        .category = BYTES("things"),
        .seller = BYTES("seller-1"),
        .stock = stock,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = PRICE}}};
    const struct command command = {
        .kind = COMMAND_PRODUCT_SET, .role = ROLE_OPERATOR, .product = &image};
    assert_int_equal(ask(scene, &command), OUTCOME_OK);
}

static void open_with_one_unit(struct scene *scene)
{
    open_scene(scene);
    put_on_sale(scene, "S", 1);
    put_on_sale(scene, "T", 9);
    make_durable(scene, BOBS);
    make_durable(scene, ANNS);
}

/* V3, V7, L3: ann's unit is on its way back, and bob wants it before that is durable. */
static void one_unit_once(enum way way, enum cut cut)
{
    struct scene scene;
    open_with_one_unit(&scene);
    ann_takes_the_unit(&scene, way);
    ann_gives_it_back(&scene, way);
    write_until(&scene, cut);
    enum outcome outcome = checkout(&scene, scene.bob);
    assert_int_equal(cart(&scene, scene.bob, "T", 1), OUTCOME_OK);
    make_durable(&scene, BOBS);
    power_cut(&scene);
    /* Recovery's own proofs have passed: what is held and sold is no more than there is. */
    struct stock_numbers after = numbers(&scene);
    assert_int_equal(outcome, way == BY_RESTOCK ? OUTCOME_SOLD_OUT : OUTCOME_HELD_BY_OTHERS);
    assert_int_equal(after.available, cut == WRITTEN);
    assert_int_equal(after.held, cut != WRITTEN && way != BY_RESTOCK);
    assert_int_equal(after.sold, cut != WRITTEN && way == BY_RESTOCK);
    /* Whoever has it has it still, and can give it back; then it is bob's. */
    if (cut != WRITTEN) {
        assert_int_equal(checkout(&scene, scene.bob), outcome);
        ann_gives_it_back(&scene, way);
        make_durable(&scene, ANNS);
    }
    assert_int_equal(checkout(&scene, scene.bob), OUTCOME_OK);
    make_durable(&scene, BOBS);
    power_cut(&scene);
    assert_int_equal(numbers(&scene).held, 1);
    close_scene(&scene);
}

static void a_unit_whose_return_is_not_durable_is_not_sold_by_another_shard(void **state)
{
    (void)state;
    for (enum way way = 0; way < WAY_COUNT; way++)
        for (enum cut cut = 0; cut < CUTS; cut++)
            one_unit_once(way, cut);
}

/* V4, V7: ann's return is durable, bob's order is not: the cut takes the order, and the unit is on
 * sale; ann does not get it back. */
static void a_unit_whose_sale_is_not_durable_is_on_sale_again(void **state)
{
    (void)state;
    for (enum way way = 0; way < WAY_COUNT; way++) {
        struct scene scene;
        open_with_one_unit(&scene);
        ann_takes_the_unit(&scene, way);
        ann_gives_it_back(&scene, way);
        make_durable(&scene, ANNS);
        assert_int_equal(numbers(&scene).available, 1);
        assert_int_equal(checkout(&scene, scene.bob), OUTCOME_OK);
        power_cut(&scene);
        assert_int_equal(numbers(&scene).available, 1);
        assert_int_equal(checkout(&scene, scene.bob), OUTCOME_OK);
        make_durable(&scene, BOBS);
        assert_int_equal(numbers(&scene).held, 1);
        close_scene(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_unit_whose_return_is_not_durable_is_not_sold_by_another_shard),
        cmocka_unit_test(a_unit_whose_sale_is_not_durable_is_on_sale_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
