/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pause, freeze, kill, resume on one shard and on three, durable at once and late. The crash of
 * every test is its end: what was durable is rebuilt and must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/tables.h"
#include "tests/core/shop.h"

static const struct capacity small = {
    .skus = 16,
    .customers = 64,
    .orders = 64,
    .holds = 64,
    .lines = 256,
    .text_bytes = 65536,
    .idempotency_keys = 128,
    .claims = 256,
    .allowances = 64,
    .names = 16,
    .connections = 1,
    .requests = 1,
};

enum { MINUTE = 60 * 1000 };

static struct shop shop;

static void product_of_sale(const char *sku, const char *sale, int64_t price, uint32_t stock)
{
    struct product_image image = {
        .sku = bytes_of_string(sku),
        .title = BYTES("A thing"),
        .category = BYTES("things"),
        .seller = BYTES("seller-1"),
        .sale = bytes_of_string(sale),
        .stock = stock,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = price}},
    };
    shop_product_as(&shop, &image);
}

static int open_shop(uint32_t shards)
{
    shop_open(&shop, shards, &small);
    shop.policy.reserve_on = RESERVE_CART;
    for (uint32_t i = 0; i < shards; i++)
        shop.engines[i]->policy.reserve_on = RESERVE_CART;
    product_of_sale("A1", "drop", 500, 10);
    product_of_sale("A2", "drop", 700, 10);
    shop_product(&shop, "B1", 100, 10);
    return 0;
}

static int open_one_shard(void **state)
{
    (void)state;
    return open_shop(1);
}

static int open_three_shards(void **state)
{
    (void)state;
    return open_shop(3);
}

static int check_and_close(void **state)
{
    (void)state;
    shop_check(&shop);
    shop_reopen(&shop);
    shop_check(&shop);
    shop_close(&shop);
    return 0;
}

static void assert_stock(const char *sku, uint32_t available, uint32_t held, uint32_t sold)
{
    struct stock_numbers numbers = shop_numbers(&shop, sku);
    assert_int_equal(numbers.available, available);
    assert_int_equal(numbers.held, held);
    assert_int_equal(numbers.sold, sold);
}

static void set(enum switch_action action, enum switch_scope scope, const char *name)
{
    assert_int_equal(shop_switch(&shop, action, scope, name), OUTCOME_OK);
}

static enum outcome cart(const char *who, const char *sku, uint32_t quantity)
{
    return shop_cart(&shop, who, sku, quantity);
}

static enum outcome checkout(const char *who, const char *key)
{
    return shop_checkout_cart(&shop, who, key);
}

/* The cart line of a customer, by its place. */
static struct cart_line_view line_of(const char *who, uint32_t index)
{
    struct command read = {
        .kind = COMMAND_CART_READ, .role = ROLE_CUSTOMER, .customer = bytes_of_string(who)};
    struct cart_view view;
    assert_int_equal(shop_run(&shop, &read), OUTCOME_OK);
    engine_cart(shop.engines[shop.last_shard], shop.answer.customer_index, &view);
    assert_true(index < view.line_count);
    return view.lines[index];
}

static uint8_t status_of(const uint8_t id[16])
{
    struct command read = {.kind = COMMAND_ORDER_READ, .role = ROLE_SERVICE};
    memcpy(read.order_id, id, 16);
    assert_int_equal(shop_run(&shop, &read), OUTCOME_OK);
    return shop_order_status(&shop);
}

/* W3 */
static void a_pause_refuses_new_units_and_lets_everything_else_go_on(void **state)
{
    (void)state;
    uint8_t id[16];
    assert_int_equal(cart("ann", "A1", 2), OUTCOME_OK);
    assert_int_equal(cart("bob", "A1", 2), OUTCOME_OK);
    assert_int_equal(cart("cid", "A1", 1), OUTCOME_OK);
    set(SWITCH_PAUSE, SCOPE_ALL, NULL);
    assert_int_equal(shop.answer.switched, SWITCHED_PAUSED);
    assert_int_equal(cart("dan", "A1", 1), OUTCOME_PAUSED);
    assert_int_equal(cart("ann", "A1", 3), OUTCOME_PAUSED);
    assert_int_equal(shop_checkout(&shop, "dan", "k", "A1", 1), OUTCOME_PAUSED);
    assert_int_equal(cart("ann", "A1", 2), OUTCOME_OK);
    assert_int_equal(cart("ann", "A1", 1), OUTCOME_OK);
    assert_stock("A1", 6, 4, 0);
    assert_int_equal(checkout("ann", "k"), OUTCOME_OK);
    memcpy(id, shop_order_id(&shop), 16);
    assert_int_equal(shop_pay(&shop, id, RESULT_CAPTURED, "p1", 500), OUTCOME_OK);
    assert_int_equal(cart("bob", "A1", 0), OUTCOME_OK);
    assert_stock("A1", 8, 1, 1);
    shop_pass(&shop, 10 * MINUTE);
    assert_int_equal(line_of("cid", 0).state, LINE_EXPIRED);
    assert_stock("A1", 9, 0, 1);
    set(SWITCH_RESUME, SCOPE_ALL, NULL);
    assert_int_equal(shop.answer.switched, 0);
    assert_int_equal(cart("dan", "A1", 1), OUTCOME_OK);
}

/* W3, C2: a PUT that takes nothing is no new hold */
static void a_pause_leaves_wishes_alone(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < shop.shards; i++)
        shop.engines[i]->policy.reserve_on = RESERVE_CHECKOUT;
    set(SWITCH_PAUSE, SCOPE_ALL, NULL);
    assert_int_equal(cart("ann", "A1", 2), OUTCOME_OK);
    assert_int_equal(checkout("ann", "k"), OUTCOME_PAUSED);
    assert_int_equal(line_of("ann", 0).quantity, 2);
}

/* W6: everything, a sale, one SKU; each is lifted on exactly its own scope */
static void a_resume_lifts_what_was_set_on_exactly_that_scope(void **state)
{
    (void)state;
    set(SWITCH_PAUSE, SCOPE_SKU, "A1");
    assert_int_equal(cart("ann", "A1", 1), OUTCOME_PAUSED);
    assert_int_equal(cart("ann", "A2", 1), OUTCOME_OK);
    set(SWITCH_PAUSE, SCOPE_SALE, "drop");
    assert_int_equal(cart("bob", "A2", 1), OUTCOME_PAUSED);
    assert_int_equal(cart("bob", "B1", 1), OUTCOME_OK);
    set(SWITCH_PAUSE, SCOPE_ALL, NULL);
    assert_int_equal(cart("cid", "B1", 1), OUTCOME_PAUSED);
    set(SWITCH_RESUME, SCOPE_SKU, "A1");
    assert_int_equal(cart("ann", "A1", 1), OUTCOME_PAUSED);
    set(SWITCH_RESUME, SCOPE_ALL, NULL);
    assert_int_equal(cart("cid", "B1", 1), OUTCOME_OK);
    assert_int_equal(cart("ann", "A1", 1), OUTCOME_PAUSED);
    set(SWITCH_RESUME, SCOPE_SALE, "drop");
    assert_int_equal(cart("ann", "A1", 1), OUTCOME_OK);
}

/* K2: of two lines the one in scope is named; of one reason it is the reply's */
static void a_checkout_names_the_lines_that_are_paused(void **state)
{
    (void)state;
    struct command_item items[2] = {
        {.sku = BYTES("A1"), .quantity = 1}, {.sku = BYTES("B1"), .quantity = 11}};
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .key = BYTES("k"),
        .items = items,
        .item_count = 2,
    };
    set(SWITCH_PAUSE, SCOPE_SALE, "drop");
    assert_int_equal(shop_run(&shop, &command), OUTCOME_LINES_REFUSED);
    assert_int_equal(shop.answer.line_count, 2);
    assert_int_equal(shop.answer.lines[0].outcome, OUTCOME_PAUSED);
    assert_int_equal(shop.answer.lines[1].outcome, OUTCOME_INSUFFICIENT);
    command.item_count = 1;
    assert_int_equal(shop_run(&shop, &command), OUTCOME_PAUSED);
    assert_stock("A1", 10, 0, 0);
    assert_stock("B1", 10, 0, 0);
}

static void what_is_not_on_the_shelf_cannot_be_switched(void **state)
{
    (void)state;
    assert_int_equal(shop_switch(&shop, SWITCH_PAUSE, SCOPE_SKU, "A9"), OUTCOME_UNKNOWN_SKU);
    assert_int_equal(shop_switch(&shop, SWITCH_PAUSE, SCOPE_SALE, "no"), OUTCOME_INVALID);
    /* the name of a seller is no sale */
    assert_int_equal(shop_switch(&shop, SWITCH_PAUSE, SCOPE_SALE, "seller-1"), OUTCOME_INVALID);
    assert_int_equal(cart("ann", "A1", 1), OUTCOME_OK);
}

/* W6: not in force before it is durable, and lost with the crash that comes first */
static void a_switch_is_in_force_when_it_is_durable(void **state)
{
    (void)state;
    struct command pause = {.kind = COMMAND_SWITCH,
        .role = ROLE_OPERATOR,
        .actor = BYTES("ops"),
        .switch_action = SWITCH_PAUSE,
        .switch_scope = SCOPE_ALL};
    pause.carry = shop.carry;
    pause.carry_size_max = sizeof(shop.carry);
    shop.settles_by_itself = false;
    shop_visit(&shop, &pause, 0);
    assert_int_equal(shop.answer.goes_on, shop.shards > 1);
    assert_int_equal(cart("ann", "A1", 1), OUTCOME_OK);
    shop_reopen(&shop);
    assert_stock("A1", 10, 0, 0);
    assert_int_equal(cart("ann", "A1", 1), OUTCOME_OK);
    shop_settle(&shop);
    shop_visit(&shop, &pause, 0);
    while (shop_settle_one(&shop, 0) != EVENT_NONE)
        continue;
    assert_int_equal(cart("bob", "A1", 1), OUTCOME_PAUSED);
    shop_reopen(&shop);
    assert_int_equal(cart("bob", "A1", 1), OUTCOME_PAUSED);
    assert_stock("A1", 9, 1, 0);
}

/* What is so already is done without a record */
static void the_same_switch_again_changes_nothing(void **state)
{
    (void)state;
    set(SWITCH_RESUME, SCOPE_ALL, NULL);
    assert_int_equal(shop.last_event, EVENT_NONE);
    set(SWITCH_PAUSE, SCOPE_SKU, "A1");
    uint64_t stream = engine_stream_seq(shop.engines[0]);
    set(SWITCH_PAUSE, SCOPE_SKU, "A1");
    assert_int_equal(engine_stream_seq(shop.engines[0]), stream);
    assert_int_equal(shop.answer.switched, SWITCHED_PAUSED);
}

/* P5: a late payment is a confirmation, and may take its units again */
static void a_late_payment_reclaims_under_a_pause_and_not_under_a_kill(void **state)
{
    (void)state;
    uint8_t first[16], second[16];
    assert_int_equal(shop_checkout(&shop, "ann", "k", "A1", 1), OUTCOME_OK);
    memcpy(first, shop_order_id(&shop), 16);
    assert_int_equal(shop_checkout(&shop, "bob", "k", "A1", 1), OUTCOME_OK);
    memcpy(second, shop_order_id(&shop), 16);
    shop_pass(&shop, 10 * MINUTE);
    assert_int_equal(status_of(first), ORDER_EXPIRED);
    set(SWITCH_PAUSE, SCOPE_ALL, NULL);
    assert_int_equal(shop_pay(&shop, first, RESULT_CAPTURED, "p1", 500), OUTCOME_OK);
    assert_int_equal(shop_order_status(&shop), ORDER_CONFIRMED);
    set(SWITCH_KILL, SCOPE_SALE, "drop");
    assert_int_equal(shop_pay(&shop, second, RESULT_CAPTURED, "p2", 500), OUTCOME_REFUND_REQUIRED);
    assert_int_equal(shop_order_status(&shop), ORDER_REFUND_REQUIRED);
    assert_stock("A1", 9, 0, 1);
}

/* W4 */
static void a_freeze_stops_every_deadline_for_as_long_as_it_lasts(void **state)
{
    (void)state;
    uint8_t id[16];
    assert_int_equal(cart("ann", "A1", 1), OUTCOME_OK);
    assert_int_equal(shop_checkout(&shop, "bob", "k", "A2", 1), OUTCOME_OK);
    memcpy(id, shop_order_id(&shop), 16);
    shop_pass(&shop, 4 * MINUTE);
    set(SWITCH_FREEZE, SCOPE_ALL, NULL);
    assert_int_equal(shop.answer.switched, SWITCHED_FROZEN);
    assert_int_equal(cart("cid", "A1", 1), OUTCOME_PAUSED);
    shop_pass(&shop, 3 * 24 * 60 * MINUTE);
    shop_settle(&shop);
    shop_reopen(&shop);
    assert_int_equal(line_of("ann", 0).state, LINE_HELD);
    assert_int_equal(line_of("ann", 0).deadline_shelf_ms, shop.now.shelf_ms + 6 * MINUTE);
    assert_int_equal(status_of(id), ORDER_PENDING_PAYMENT);
    assert_int_equal(cart("cid", "B1", 1), OUTCOME_PAUSED);
    set(SWITCH_RESUME, SCOPE_ALL, NULL);
    shop_pass(&shop, 6 * MINUTE - 1);
    assert_int_equal(line_of("ann", 0).state, LINE_HELD);
    shop_pass(&shop, 1);
    assert_int_equal(line_of("ann", 0).state, LINE_EXPIRED);
    assert_int_equal(status_of(id), ORDER_EXPIRED);
}

/* W3, W4: a pause does not thaw, a kill does not either; resume lifts all of it */
static void a_freeze_outlasts_a_pause_and_a_kill_of_everything(void **state)
{
    (void)state;
    set(SWITCH_FREEZE, SCOPE_ALL, NULL);
    set(SWITCH_PAUSE, SCOPE_ALL, NULL);
    assert_int_equal(shop.answer.switched, SWITCHED_FROZEN);
    set(SWITCH_KILL, SCOPE_ALL, NULL);
    assert_int_equal(shop.answer.switched, SWITCHED_FROZEN | SWITCHED_KILLED);
    assert_true(switches_frozen(&shop.shelf->switches));
    set(SWITCH_RESUME, SCOPE_ALL, NULL);
    assert_false(switches_frozen(&shop.shelf->switches));
    assert_int_equal(cart("ann", "A1", 1), OUTCOME_OK);
}

/* W5: each shard remembers what it gave back in a kill until that is resumed */
static void an_ended_kill_is_remembered_while_its_switch_is_there(void **state)
{
    (void)state;
    struct switches *switches = &shop.shelf->switches;
    assert_int_equal(cart("ann", "A1", 1), OUTCOME_OK);
    set(SWITCH_KILL, SCOPE_SKU, "A1");
    for (uint32_t i = 0; i < SWITCHES_MAX + 1; i++) {
        set(SWITCH_KILL, SCOPE_ALL, NULL);
        set(SWITCH_RESUME, SCOPE_ALL, NULL);
    }
    uint64_t released = 0, sum, cancelled;
    for (uint32_t i = 0; i < shop.shards; i++) {
        const struct ended_kill *ended = &shop.engines[i]->ended[0];
        assert_int_equal(ended->kill, 1);
        released += ended->released;
        const struct event again = {
            .kind = EVENT_KILL_ENDED, .fact.kill = {.kill = 1, .released = 5, .scope = SCOPE_SKU}};
        switches_kill_ended(switches, i, &again.fact.kill);
    }
    assert_int_equal(released, 1);
    assert_true(switches_kill_totals(switches, 1, &sum, &cancelled));
    assert_int_equal(sum, 1);
}

#define ON_BOTH(test)                                                                              \
    cmocka_unit_test_setup_teardown(test, open_one_shard, check_and_close),                        \
        cmocka_unit_test_setup_teardown(test, open_three_shards, check_and_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(a_pause_refuses_new_units_and_lets_everything_else_go_on),
        ON_BOTH(a_pause_leaves_wishes_alone),
        ON_BOTH(a_resume_lifts_what_was_set_on_exactly_that_scope),
        ON_BOTH(a_checkout_names_the_lines_that_are_paused),
        ON_BOTH(what_is_not_on_the_shelf_cannot_be_switched),
        ON_BOTH(a_switch_is_in_force_when_it_is_durable),
        ON_BOTH(the_same_switch_again_changes_nothing),
        ON_BOTH(a_late_payment_reclaims_under_a_pause_and_not_under_a_kill),
        ON_BOTH(a_freeze_stops_every_deadline_for_as_long_as_it_lasts),
        ON_BOTH(a_freeze_outlasts_a_pause_and_a_kill_of_everything),
        ON_BOTH(an_ended_kill_is_remembered_while_its_switch_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
