/* SPDX-License-Identifier: Apache-2.0 */
/* C4: a guest's cart becomes part of a customer's, on one shard and over three. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/handed.h"
#include "core/merge.h"
#include "tests/core/counter.h"

static char guest[8], ann[8];

static void priced(const char *sku, uint32_t stock, uint32_t limit, int64_t pounds)
{
    struct product_image image = {
        .sku = bytes_of_string(sku),
        .title = BYTES("thing"),
        .stock = stock,
        .max_per_customer = limit,
        .reserve_on = RESERVE_CART,
        .price_count = 2,
        .prices = {{.currency = "GBP", .amount = pounds},
            {.currency = "USD", .amount = 2 * pounds}},
    };
    shop_product_as(&shop, &image);
}

/* Names of customers that live on these shards. */
static void name_on(char out[8], const char *prefix, uint32_t shard)
{
    for (uint32_t i = 0;; i++) {
        (void)snprintf(out, 8, "%s%u", prefix, i);
        if (partition_of_customer(bytes_of_string(out)) % shop.shards == shard)
            return;
    }
}

static void open_with_shards(uint32_t shards, const struct capacity *capacity)
{
    shop_open(&shop, shards, capacity);
    name_on(guest, "g", shards - 1);
    name_on(ann, "a", 0);
    priced("A", 10, 0, 100);
    priced("B", 10, 0, 100);
    priced("L", 10, 3, 100);
}

static int open_one(void **state)
{
    (void)state;
    open_with_shards(1, &roomy);
    return 0;
}

static int open_three(void **state)
{
    (void)state;
    open_with_shards(3, &roomy);
    return 0;
}

static struct command merging(void)
{
    return (struct command){
        .kind = COMMAND_CART_MERGE,
        .role = ROLE_CUSTOMER,
        .customer = bytes_of_string(ann),
        .guest_id = bytes_of_string(guest),
        .carry = shop.carry,
        .carry_size_max = sizeof(shop.carry),
    };
}

static enum outcome merge(void)
{
    struct command command = merging();
    return shop_run(&shop, &command);
}

/* The first visits of a merge, up to the one with this step, which has run; all durable. */
static struct command merge_until(enum merge_step last)
{
    struct command command = merging();
    uint32_t shard = command_shard(&command, shop.shards);
    for (;;) {
        enum merge_step step = (enum merge_step)command.step;
        shop_visit(&shop, &command, shard);
        shop_settle(&shop);
        if (step == last)
            return command;
        assert_true(shop.answer.goes_on);
        command.step = shop.answer.next_step;
        shard = shop.answer.next_shard;
    }
}

static struct engine *engine_of(const char *who)
{
    return shop.engines[partition_of_customer(bytes_of_string(who)) % shop.shards];
}

static const struct hold *line_of(const char *who, const char *sku)
{
    struct engine *engine = engine_of(who);
    uint32_t customer = customer_find(engine, bytes_of_string(who));
    if (customer == NONE)
        return NULL;
    uint32_t sku_index = catalog_find(&shop.shelf->catalog, bytes_of_string(sku));
    uint32_t index = hold_find(
        engine, customer_at(engine, customer), catalog_number(&shop.shelf->catalog, sku_index));
    return index == NONE ? NULL : hold_at(engine, index);
}

static uint32_t used_by(const char *who, const char *sku)
{
    struct engine *engine = engine_of(who);
    uint32_t sku_index = catalog_find(&shop.shelf->catalog, bytes_of_string(sku));
    uint32_t customer = customer_find(engine, bytes_of_string(who));
    const struct event_line line = {
        .sku_number = catalog_number(&shop.shelf->catalog, sku_index)};
    return limit_used(engine, customer, bytes_of_string(who), &line);
}

static void assert_held(const char *who, const char *sku, uint32_t quantity)
{
    const struct hold *line = line_of(who, sku);
    assert_non_null(line);
    assert_int_equal(line->state, LINE_HELD);
    assert_int_equal(line->quantity, quantity);
}

static void assert_dropped(uint32_t i, const char *sku, uint32_t quantity, enum outcome why)
{
    assert_true(i < shop.answer.line_count);
    const struct answer_line *line = &shop.answer.lines[i];
    assert_true(bytes_equal(line->sku, bytes_of_string(sku)));
    assert_int_equal(line->quantity, quantity);
    assert_int_equal(line->outcome, why);
}

static void lines_and_units_move_to_the_customer(void **state)
{
    (void)state;
    shop_cart(&shop, guest, "A", 2);
    shop_cart(&shop, guest, "B", 1);
    shop_cart(&shop, ann, "A", 3);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_held(ann, "A", 5);
    assert_held(ann, "B", 1);
    assert_int_equal(shop.answer.line_count, 0);
    assert_null(line_of(guest, "A"));
    assert_null(line_of(guest, "B"));
    assert_stock("A", 5, 5, 0);
    assert_stock("B", 9, 1, 0);
}

/* idempotent: again, with nothing left, and from an empty, unknown or own cart */
static void the_same_again_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(merge(), OUTCOME_OK);
    shop_cart(&shop, guest, "A", 2);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_held(ann, "A", 2);
    struct command own = merging();
    own.guest_id = own.customer;
    assert_int_equal(shop_run(&shop, &own), OUTCOME_OK);
    assert_held(ann, "A", 2);
    assert_stock("A", 8, 2, 0);
    shop_cart(&shop, guest, "A", 1); /* he went on as a guest, and logs in again */
    assert_int_equal(merge(), OUTCOME_OK);
    assert_held(ann, "A", 3);
}

/* per SKU min(limit, sum); what is dropped is listed and released */
static void the_limit_stands_and_the_rest_is_released(void **state)
{
    (void)state;
    shop_cart(&shop, guest, "L", 2);
    shop_cart(&shop, ann, "L", 2);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_held(ann, "L", 3);
    assert_int_equal(shop.answer.line_count, 1);
    assert_dropped(0, "L", 1, OUTCOME_LIMIT_EXCEEDED);
    assert_stock("L", 7, 3, 0);
    assert_int_equal(used_by(ann, "L"), 3);
    assert_int_equal(used_by(guest, "L"), 0);
}

/* both usages add up, also of what is in no cart, and only once */
static void what_the_guest_bought_counts_for_the_customer(void **state)
{
    (void)state;
    bought(guest, "k1", "L", 2);
    struct id mine = bought(ann, "k2", "L", 1);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_int_equal(used_by(ann, "L"), 3);
    assert_int_equal(shop_cart(&shop, ann, "L", 1), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_int_equal(used_by(ann, "L"), 3);
    assert_int_equal(shop_cancel(&shop, ann, mine.bytes, "c"), OUTCOME_OK);
    assert_int_equal(used_by(ann, "L"), 2);
    assert_int_equal(shop_cart(&shop, ann, "L", 1), OUTCOME_OK);
    bought(guest, "k3", "L", 1);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_int_equal(used_by(ann, "L"), 4);
    assert_held(ann, "L", 1);
}

/* the earlier deadline, the customer's price, else the guest's frozen one */
static void deadlines_and_prices(void **state)
{
    (void)state;
    shop_cart(&shop, guest, "A", 1);
    uint64_t earlier = line_of(guest, "A")->deadline_shelf_ms;
    shop_cart(&shop, guest, "B", 1);
    shop_pass(&shop, MINUTE_MS);
    priced("A", 0, 0, 150);
    priced("B", 0, 0, 150);
    shop_cart(&shop, ann, "A", 1);
    assert_int_equal(line_of(ann, "A")->unit_price, 150);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_int_equal(line_of(ann, "A")->deadline_shelf_ms, earlier);
    assert_int_equal(line_of(ann, "A")->unit_price, 150);
    assert_int_equal(line_of(ann, "B")->unit_price, 100);
    assert_int_equal(line_of(ann, "B")->deadline_shelf_ms, earlier);
    shop_pass(&shop, 9 * MINUTE_MS);
    assert_int_equal(line_of(ann, "A")->state, LINE_EXPIRED);
    assert_stock("A", 10, 0, 0);
}

/* C1: the customer's currency, at today's price in it */
static void the_customers_currency_stands(void **state)
{
    (void)state;
    struct command dollars = {
        .kind = COMMAND_CART_SET,
        .role = ROLE_CUSTOMER,
        .customer = bytes_of_string(ann),
        .sku = BYTES("A"),
        .quantity = 1,
        .currency = "USD",
    };
    assert_int_equal(shop_run(&shop, &dollars), OUTCOME_OK);
    shop_cart(&shop, guest, "B", 1);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_int_equal(line_of(ann, "B")->unit_price, 200);
    struct product_image pounds_only = {
        .sku = BYTES("P"),
        .title = BYTES("thing"),
        .stock = 5,
        .reserve_on = RESERVE_CART,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 100}},
    };
    shop_product_as(&shop, &pounds_only);
    shop_cart(&shop, guest, "P", 2);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_dropped(0, "P", 2, OUTCOME_CURRENCY_MISMATCH);
    assert_null(line_of(ann, "P"));
    assert_stock("P", 5, 0, 0);
}

/* C3 */
static void a_full_cart_takes_no_more_lines(void **state)
{
    (void)state;
    for (uint32_t shard = 0; shard < shop.shards; shard++)
        shop.engines[shard]->policy.lines_per_cart = 2;
    shop.policy.lines_per_cart = 2;
    shop_cart(&shop, ann, "A", 1);
    shop_cart(&shop, guest, "B", 1);
    shop_cart(&shop, guest, "L", 1);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_int_equal(shop.answer.line_count, 1);
    assert_dropped(0, "L", 1, OUTCOME_TOO_MANY_LINES);
    assert_stock("L", 10, 0, 0);
}

/* a line whose hold died competes again */
static void a_dead_hold_competes_again(void **state)
{
    (void)state;
    shop_cart(&shop, guest, "A", 4);
    shop_pass(&shop, 11 * MINUTE_MS);
    shop_cart(&shop, "bob", "A", 7);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_dropped(0, "A", 4, OUTCOME_INSUFFICIENT);
    shop_cart(&shop, guest, "A", 3);
    shop_pass(&shop, 11 * MINUTE_MS);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_held(ann, "A", 3);
}

/* V2, K3: a bystander hears that units on the way are held; K6: their cart becomes no order, unless
 * a crash leaves it with the guest */
static void units_on_the_way_are_held(void **state)
{
    (void)state;
    shop.settles_by_itself = false;
    shop_cart(&shop, guest, "A", 10);
    merge_until(MERGE_OUT);
    assert_int_equal(shop_cart(&shop, "bob", "A", 1), OUTCOME_HELD_BY_OTHERS);
    assert_int_equal(line_of(guest, "A")->state, LINE_MOVED);
    assert_int_equal(shop_checkout_cart(&shop, guest, "k"), OUTCOME_VERSION_CONFLICT);
    shop_reopen(&shop);
    assert_int_equal(shop_checkout_cart(&shop, guest, "k"), OUTCOME_OK);
}

/* A crash in the middle frees the units and leaves the lines with the guest: the retry competes */
static void a_crash_before_they_arrive_frees_them(void **state)
{
    (void)state;
    shop_cart(&shop, guest, "A", 6);
    bought(guest, "k", "L", 2);
    merge_until(MERGE_OUT);
    shop_reopen(&shop);
    assert_stock("A", 10, 0, 0);
    assert_int_equal(used_by(guest, "L"), 2);
    assert_int_equal(used_by(ann, "L"), 2);
    assert_int_equal(line_of(guest, "A")->quantity, 6);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_held(ann, "A", 6);
    assert_int_equal(used_by(ann, "L"), 2);
    assert_null(line_of(guest, "A"));
    shop_reopen(&shop);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_held(ann, "A", 6);
    assert_int_equal(used_by(ann, "L"), 2);
}

static void a_retry_after_that_crash_may_lose(void **state)
{
    (void)state;
    shop_cart(&shop, guest, "A", 6);
    merge_until(MERGE_OUT);
    shop_reopen(&shop);
    shop_cart(&shop, "bob", "A", 8);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_dropped(0, "A", 6, OUTCOME_INSUFFICIENT);
    assert_null(line_of(guest, "A"));
    assert_stock("A", 2, 8, 0);
}

/* A crash after they arrived: the retry merges nothing twice, and newer lines once */
static void a_crash_after_they_arrived_merges_nothing_twice(void **state)
{
    (void)state;
    shop_cart(&shop, guest, "A", 2);
    bought(guest, "k", "L", 1);
    merge_until(MERGE_IN);
    shop_reopen(&shop);
    assert_held(ann, "A", 2);
    assert_non_null(line_of(guest, "A"));
    shop_cart(&shop, guest, "B", 1);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_held(ann, "A", 2);
    assert_held(ann, "B", 1);
    assert_int_equal(used_by(ann, "L"), 1);
    assert_null(line_of(guest, "A"));
    assert_null(line_of(guest, "B"));
    assert_stock("A", 8, 2, 0);
}

/* What the guest puts anew while his cart is on the way is his */
static void a_line_put_meanwhile_stays_and_goes_next(void **state)
{
    (void)state;
    shop_cart(&shop, guest, "A", 2);
    struct command command = merge_until(MERGE_IN);
    assert_int_equal(shop_cart(&shop, guest, "A", 1), OUTCOME_OK);
    command.step = MERGE_END;
    shop_visit(&shop, &command, partition_of_customer(command.guest_id) % shop.shards);
    shop_settle(&shop);
    assert_held(guest, "A", 1);
    assert_held(ann, "A", 2);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_held(ann, "A", 3);
}

/* L8, V5: a full table refuses, and everything is as it was */
static void a_refused_merge_returns_everything(void **state)
{
    (void)state;
    shop_cart(&shop, guest, "A", 2);
    shop_cart(&shop, guest, "L", 1);
    uint64_t deadline = line_of(guest, "A")->deadline_shelf_ms;
    struct engine *engine = engine_of(ann);
    uint32_t room = engine->keys.capacity;
    engine->keys.capacity = engine->keys.used;
    assert_int_equal(merge(), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "idempotency_keys");
    engine->keys.capacity = room;
    assert_held(guest, "A", 2);
    assert_int_equal(line_of(guest, "A")->deadline_shelf_ms, deadline);
    assert_held(guest, "L", 1);
    assert_int_equal(used_by(guest, "L"), 1);
    assert_null(line_of(ann, "A"));
    assert_stock("A", 8, 2, 0);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_held(ann, "A", 2);
}

/* Q1, V5: what competes again counts in today's sale, and needs a place there */
static void a_line_that_counts_in_another_sale_needs_a_place_there(void **state)
{
    (void)state;
    priced("M", 10, 3, 100);
    shop_cart(&shop, guest, "M", 1);
    shop_pass(&shop, 11 * MINUTE_MS);
    assert_int_equal(shop_checkout(&shop, ann, "k", "M", 1), OUTCOME_OK);
    struct product_image later = {
        .sku = BYTES("M"),
        .title = BYTES("thing"),
        .sale = BYTES("later"),
        .max_per_customer = 3,
        .reserve_on = RESERVE_CART,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 100}},
    };
    shop_product_as(&shop, &later);
    struct engine *engine = engine_of(ann);
    uint32_t room = engine->allowances.capacity;
    engine->allowances.capacity = engine->allowances.used;
    assert_int_equal(merge(), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "allowances");
    engine->allowances.capacity = room;
    assert_int_equal(merge(), OUTCOME_OK);
    assert_held(ann, "M", 1);
}

/* Near the end of the journal nothing is begun, and what is on the way goes back */
static void a_full_journal_strands_nothing(void **state)
{
    (void)state;
    shop_cart(&shop, guest, "A", 2);
    shop.now.journal_full = 1;
    assert_int_equal(merge(), OUTCOME_JOURNAL_FULL);
    assert_held(guest, "A", 2);
    shop.now.journal_full = 0;
    struct command command = merge_until(MERGE_OUT);
    shop.now.journal_full = JOURNAL_SPENT;
    for (command.step = MERGE_IN; shop.answer.goes_on; command.step = shop.answer.next_step)
        shop_visit(&shop, &command, shop.answer.next_shard);
    shop.now.journal_full = 0;
    assert_int_equal(shop.answer.outcome, OUTCOME_JOURNAL_FULL);
    assert_stock("A", 10, 0, 0);
    assert_int_equal(merge(), OUTCOME_OK);
    assert_held(ann, "A", 2);
}

/* L2: a hold that dies on the way is dead at the customer's, too */
static void a_deadline_that_passes_on_the_way_is_kept(void **state)
{
    (void)state;
    shop_cart(&shop, guest, "A", 10);
    struct command command = merge_until(MERGE_OUT);
    shop.now.shelf_ms += 11 * MINUTE_MS;
    for (command.step = MERGE_IN; shop.answer.goes_on; command.step = shop.answer.next_step) {
        shop_visit(&shop, &command, shop.answer.next_shard);
        shop_settle(&shop);
    }
    assert_int_equal(shop.answer.outcome, OUTCOME_OK);
    assert_dropped(0, "A", 10, OUTCOME_HELD_BY_OTHERS);
    assert_stock("A", 10, 0, 0);
}

#define BOTH(test)                                                                                 \
    {#test, test, open_one, check_and_close, NULL},                                                \
    {                                                                                              \
#test " over three shards", test, open_three, check_and_close, NULL                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(lines_and_units_move_to_the_customer),
        BOTH(the_same_again_changes_nothing),
        BOTH(the_limit_stands_and_the_rest_is_released),
        BOTH(what_the_guest_bought_counts_for_the_customer),
        BOTH(deadlines_and_prices),
        BOTH(the_customers_currency_stands),
        BOTH(a_full_cart_takes_no_more_lines),
        BOTH(a_dead_hold_competes_again),
        BOTH(units_on_the_way_are_held),
        BOTH(a_crash_before_they_arrive_frees_them),
        BOTH(a_retry_after_that_crash_may_lose),
        BOTH(a_crash_after_they_arrived_merges_nothing_twice),
        BOTH(a_line_put_meanwhile_stays_and_goes_next),
        BOTH(a_refused_merge_returns_everything),
        BOTH(a_line_that_counts_in_another_sale_needs_a_place_there),
        BOTH(a_full_journal_strands_nothing),
        BOTH(a_deadline_that_passes_on_the_way_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
