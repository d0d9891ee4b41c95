/* SPDX-License-Identifier: Apache-2.0 */
/* Sales: their terms, their windows, whom they serve and what they tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/counts.h"
#include "core/engine_steps.h"
#include "persist/record.h"
#include "tests/core/sales.h"

static struct selling selling_of(const char *sku)
{
    struct selling selling;
    uint32_t index = catalog_find(&shop.shelf->catalog, bytes_of_string(sku));
    assert_int_not_equal(index, SKU_NONE);
    selling_terms(shop.engines[0], index, &selling);
    return selling;
}

/* L9, P1, Q1: a SKU's value over its sale's over the configuration's, each by itself */
static void a_skus_value_stands_over_its_sales_over_the_configurations(void **state)
{
    (void)state;
    const struct policy *policy = &shop.engines[0]->policy;
    const struct sale_image terms = {
        .hold_seconds = 60,
        .payment_seconds = 70,
        .review_seconds = 80,
        .max_per_customer = 5,
        .reserve_on = RESERVE_CHECKOUT,
        .payment_mode = PAYMENT_DEFERRED,
        .starts_wall_ms = 1000,
        .ends_wall_ms = shop.now.wall_ms + DAY_MS,
    };
    assert_int_equal(put("full", &terms), OUTCOME_OK);
    assert_int_equal(put("bare", &(struct sale_image){0}), OUTCOME_OK);
    const struct product_image own = {.hold_seconds = 30,
        .max_per_customer = 2,
        .reserve_on = RESERVE_CART,
        .starts_wall_ms = 2000,
        .ends_wall_ms = shop.now.wall_ms + 2 * (int64_t)DAY_MS};
    const struct product_image none = {0};
    product_of("own", "full", &own);
    product_of("sales", "full", &none);
    product_of("bares", "bare", &none);
    product_of("alone", "", &none);
    struct selling s = selling_of("own");
    assert_int_equal(s.hold_seconds, 30);
    assert_int_equal(s.limit, 2);
    assert_int_equal(s.reserve_on, RESERVE_CART);
    assert_int_equal(selling_ends(&s), shop.now.wall_ms + 2 * (int64_t)DAY_MS);
    assert_int_equal(s.payment_seconds, 70);
    s = selling_of("sales");
    assert_int_equal(s.hold_seconds, 60);
    assert_int_equal(s.payment_seconds, 70);
    assert_int_equal(s.review_seconds, 80);
    assert_int_equal(s.limit, 5);
    assert_int_equal(s.reserve_on, RESERVE_CHECKOUT);
    assert_int_equal(s.payment_mode, PAYMENT_DEFERRED);
    assert_int_equal(selling_ends(&s), shop.now.wall_ms + DAY_MS);
    const char *const left[] = {"bares", "alone"};
    for (uint32_t i = 0; i < 2; i++) {
        s = selling_of(left[i]);
        assert_int_equal(s.hold_seconds, policy->hold_seconds);
        assert_int_equal(s.payment_seconds, policy->payment_seconds);
        assert_int_equal(s.review_seconds, policy->review_seconds);
        assert_int_equal(s.reserve_on, policy->reserve_on);
        assert_int_equal(s.payment_mode, policy->payment_mode);
        assert_int_equal(s.limit, 0);
        assert_int_equal(selling_ends(&s), 0);
    }
}

/* Names in one batch: numbers are given when applied, not when durable */
static void two_sales_of_one_batch_are_two(void **state)
{
    (void)state;
    shop.settles_by_itself = false;
    assert_int_equal(put("one", &(struct sale_image){.hold_seconds = 1}), OUTCOME_OK);
    assert_int_equal(put("two", &(struct sale_image){.hold_seconds = 2}), OUTCOME_OK);
    product_of("P", "three", &(struct product_image){0});
    assert_int_equal(put("three", &(struct sale_image){.hold_seconds = 3}),
        OUTCOME_VERSION_CONFLICT); /* it waits for the disk */
    assert_int_equal(put("one", &(struct sale_image){.hold_seconds = 9}), OUTCOME_VERSION_CONFLICT);
    shop_settle(&shop);
    assert_int_equal(put("three", &(struct sale_image){.hold_seconds = 3}), OUTCOME_OK);
    assert_int_equal(shop.answer.version, 2);
    assert_false(shop.answer.created);
    shop_settle(&shop);
    shop_reopen(&shop);
    const char *const names[] = {"one", "two", "three"};
    for (uint32_t i = 0; i < 3; i++) {
        struct sale sale;
        const struct catalog *catalog = &shop.shelf->catalog;
        catalog_sale(catalog, catalog_name_find(catalog, bytes_of_string(names[i])), &sale);
        assert_int_equal(sale.hold_seconds, i + 1);
    }
}

/* Visible when durable, and the command has then visited every shard */
static void new_terms_are_in_force_everywhere_when_the_reply_leaves(void **state)
{
    (void)state;
    shop_close(&shop);
    shop_open(&shop, 3, &roomy);
    const struct sale_image image = {.hold_seconds = 7};
    struct command command = {
        .kind = COMMAND_SALE_SET, .sale = BYTES("drop"), .sale_image = &image};
    shop.settles_by_itself = false;
    shop_visit(&shop, &command, 0);
    assert_true(shop.answer.goes_on);
    struct sale sale;
    catalog_sale(&shop.shelf->catalog, 1, &sale);
    assert_int_equal(sale.version, 0);
    shop_settle(&shop);
    catalog_sale(&shop.shelf->catalog, 1, &sale);
    assert_int_equal(sale.version, 1);
    for (uint32_t shard = 1; shard < 3; shard++) {
        assert_true(shop.answer.goes_on);
        assert_int_equal(shop.answer.next_shard, shard);
        command.step = shop.answer.next_step;
        shop_visit(&shop, &command, shard);
        assert_int_equal(shop.last_event, EVENT_NONE);
    }
    assert_false(shop.answer.goes_on);
    assert_true(shop.answer.created);
    assert_int_equal(shop.answer.version, 1);
    shop.settles_by_itself = true;
    shop_product(&shop, "P", 100, 1);
    assert_int_equal(shop.last_shard, 0); /* nobody sells a new product yet */
    shop_product(&shop, "P", 90, 1);
    assert_int_equal(shop.last_shard, 2); /* a product's terms as well */
    assert_true(shop.answer.stock_ignored);
}

/* Reads what shard 0 has recorded of sales since `at`; the last one's version. */
static uint32_t told(size_t *at, enum event_kind kind)
{
    const struct shop_log *log = &shop.logs[0];
    uint32_t count = 0;
    while (*at < log->size) {
        struct event event;
        uint32_t consumed;
        struct bytes rest = bytes_of(log->data + *at, (uint32_t)(log->size - *at));
        assert_int_equal(record_decode(rest, &event, &consumed), 0);
        count += event.kind == kind && event.stream_count == 1;
        *at += consumed;
    }
    return count;
}

/* Told once each, also across a crash; W1 to the millisecond */
static void a_window_is_told_when_it_opens_and_when_it_closes(void **state)
{
    (void)state;
    int64_t now = shop.now.wall_ms;
    struct sale_image image = {.starts_wall_ms = now + 1000, .ends_wall_ms = now + 3000};
    size_t at = shop.logs[0].size;
    assert_int_equal(put("drop", &image), OUTCOME_OK);
    assert_int_equal(put("open", &(struct sale_image){0}), OUTCOME_OK);
    shop_pass(&shop, 0);
    assert_int_equal(engine_next_due(shop.engines[0]), shop.now.shelf_ms + 1000);
    shop_pass(&shop, 999);
    size_t before = at;
    assert_int_equal(told(&before, EVENT_SALE_OPENED), 0);
    shop_pass(&shop, 1);
    assert_int_equal(told(&at, EVENT_SALE_OPENED), 1);
    assert_int_equal(engine_next_due(shop.engines[0]), shop.now.shelf_ms + 2000);
    shop_reopen(&shop);
    shop_pass(&shop, 1999);
    before = at;
    assert_int_equal(told(&before, EVENT_SALE_CLOSED), 0);
    before = at;
    assert_int_equal(told(&before, EVENT_SALE_OPENED), 0);
    shop_pass(&shop, 1);
    assert_int_equal(told(&at, EVENT_SALE_CLOSED), 1);
    shop_reopen(&shop);
    shop_pass(&shop, DAY_MS);
    before = at;
    assert_int_equal(told(&before, EVENT_SALE_OPENED) + told(&at, EVENT_SALE_CLOSED), 0);
    image.ends_wall_ms = shop.now.wall_ms + 5000; /* a changed window opens it again */
    assert_int_equal(put("drop", &image), OUTCOME_OK);
    shop_pass(&shop, 0);
    assert_int_equal(told(&at, EVENT_SALE_OPENED), 1);
    shop_pass(&shop, 5000);
    assert_int_equal(told(&at, EVENT_SALE_CLOSED), 1);
}

static enum outcome guest_puts(const char *sku, uint32_t quantity)
{
    struct command command = {.kind = COMMAND_CART_SET,
        .role = ROLE_CUSTOMER,
        .guest = true,
        .customer = BYTES("guest-1"),
        .sku = bytes_of_string(sku),
        .quantity = quantity};
    return shop_run(&shop, &command);
}

/* A sale that is not for guests: neither hold nor purchase; lowering always works (C2) */
static void a_guest_may_not_hold_or_buy_where_guests_are_refused(void **state)
{
    (void)state;
    product_of("P", "drop", &(struct product_image){.stock = 5});
    assert_int_equal(guest_puts("P", 2), OUTCOME_OK);
    assert_int_equal(put("drop", &(struct sale_image){.guests = GUESTS_REFUSED}), OUTCOME_OK);
    assert_int_equal(guest_puts("P", 3), OUTCOME_FORBIDDEN);
    assert_stock("P", 3, 2, 0);
    struct command_item items[2] = {
        {.sku = BYTES("P"), .quantity = 1}, {.sku = BYTES("S1"), .quantity = 1}};
    struct command command = {.kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .guest = true,
        .customer = BYTES("guest-1"),
        .key = BYTES("k"),
        .items = items,
        .item_count = 2};
    assert_int_equal(shop_run(&shop, &command), OUTCOME_FORBIDDEN);
    assert_int_equal(shop.answer.line_count, 1);
    assert_int_equal(shop.answer.lines[0].outcome, OUTCOME_FORBIDDEN);
    items[1].sku = BYTES("unheard-of");
    assert_int_equal(shop_run(&shop, &command), OUTCOME_LINES_REFUSED);
    assert_int_equal(guest_puts("P", 1), OUTCOME_OK);
    assert_int_equal(guest_puts("P", 0), OUTCOME_OK);
    assert_int_equal(guest_puts("P", 1), OUTCOME_FORBIDDEN);
    assert_stock("P", 5, 0, 0);
    command.guest = false;
    command.item_count = 1;
    assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
}

/* A5, K2: looking takes nothing and tells no secret; an attempt that takes is answered */
static void a_basket_that_fails_is_no_free_look_at_a_hidden_count(void **state)
{
    (void)state;
    product_of("A", "drop", &(struct product_image){.stock = 10});
    product_of("B", "drop", &(struct product_image){.stock = 0});
    assert_int_equal(put("drop", &(struct sale_image){.counts = COUNTS_BOOLEAN}), OUTCOME_OK);
    struct command_item items[2] = {{.sku = BYTES("A")}, {.sku = BYTES("B"), .quantity = 1}};
    struct command command = {.kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .key = BYTES("k"),
        .items = items,
        .item_count = 2};
    const uint32_t asked[] = {1, 10, 11, 100};
    for (uint32_t i = 0; i < 4; i++) { /* every answer is the same */
        items[0].quantity = asked[i];
        assert_int_equal(shop_run(&shop, &command), OUTCOME_SOLD_OUT);
        assert_int_equal(shop.answer.line_count, 1);
        assert_int_equal(shop.answer.lines[0].available, COUNT_HIDDEN);
    }
    command.item_count = 1;
    items[0].quantity = 11;
    assert_int_equal(shop_run(&shop, &command), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop.answer.available, COUNT_HIDDEN);
    assert_stock("A", 10, 0, 0);
}

/* A5, A6: numbers above N are N, the customer's own units among them */
static void a_capped_count_is_never_above_its_cap(void **state)
{
    (void)state;
    product_of("A", "drop", &(struct product_image){.stock = 10});
    assert_int_equal(
        put("drop", &(struct sale_image){.counts = COUNTS_CAPPED, .counts_cap = 4}), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "ann", "A", 11), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop.answer.available, 4);
    assert_int_equal(shop_cart(&shop, "ann", "A", 7), OUTCOME_OK);
    assert_int_equal(shop_cart(&shop, "ann", "A", 11), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop.answer.available, 4);
    assert_int_equal(shop_cart(&shop, "bob", "A", 9), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop.answer.available, 3);
}

/* Of ann, on A, in a sale. */
static uint32_t used_in(const char *sale)
{
    const struct catalog *catalog = &shop.shelf->catalog;
    const struct engine *engine = shop.engines[0];
    uint32_t sku = catalog_number(catalog, catalog_find(catalog, BYTES("A")));
    uint32_t customer = customer_find(engine, BYTES("ann"));
    return allowance_used(engine, customer, sku, catalog_name_find(catalog, bytes_of_string(sale)));
}

/* Q1: what a customer has bought counts until a day after the sale's end, also when that is moved,
 * and as long as an order of it is kept; without an end it counts for good */
static void a_limit_is_forgotten_a_day_after_its_sale(void **state)
{
    (void)state;
    int64_t end = shop.now.wall_ms + 4 * (int64_t)DAY_MS;
    shop.engines[0]->policy.payment_mode = shop.policy.payment_mode = PAYMENT_DEFERRED;
    struct sale_image terms = {.max_per_customer = 3};
    assert_int_equal(put("drop", &terms), OUTCOME_OK);
    product_of("A", "drop", &(struct product_image){.stock = 9});
    assert_int_equal(shop_checkout(&shop, "ann", "k1", "A", 2), OUTCOME_OK);
    shop_pass(&shop, 3 * (uint64_t)DAY_MS); /* the order is forgotten */
    assert_int_equal(shop.engines[0]->orders.used, 0);
    assert_int_equal(used_in("drop"), 2);
    terms.ends_wall_ms = end;
    assert_int_equal(put("drop", &terms), OUTCOME_OK);
    assert_int_equal(shop_checkout(&shop, "ann", "k2", "A", 2), OUTCOME_LIMIT_EXCEEDED);
    shop_pass(&shop, 2 * (uint64_t)DAY_MS - 31 * MINUTE_MS);
    shop_reopen(&shop);
    assert_int_equal(used_in("drop"), 2);
    shop_pass(&shop, 62 * MINUTE_MS); /* looked at every half hour */
    assert_int_equal(used_in("drop"), 0);
    assert_int_equal(shop.engines[0]->allowances.used, 0);
    shop_reopen(&shop);
    assert_int_equal(shop.engines[0]->allowances.used, 0);
    terms.ends_wall_ms = 0;
    assert_int_equal(put("drop", &terms), OUTCOME_OK);
    assert_int_equal(shop_checkout(&shop, "ann", "k3", "A", 3), OUTCOME_OK);
    terms.ends_wall_ms = 1;
    assert_int_equal(put("drop", &terms), OUTCOME_OK);
    shop_pass(&shop, 62 * MINUTE_MS);
    assert_int_equal(used_in("drop"), 3); /* the order can still be cancelled */
    shop_check(&shop);
    shop_pass(&shop, 2 * (uint64_t)DAY_MS);
    shop_pass(&shop, 31 * MINUTE_MS);
    assert_int_equal(used_in("drop"), 0);
    shop_check(&shop);
}

/* L9: the end of the SKU stands over that of its sale */
static void a_limit_of_a_sku_ends_with_the_sku(void **state)
{
    (void)state;
    shop.engines[0]->policy.payment_mode = PAYMENT_DEFERRED;
    assert_int_equal(put("drop", &(struct sale_image){.ends_wall_ms = shop.now.wall_ms + 60000,
                                     .max_per_customer = 3}),
        OUTCOME_OK);
    struct product_image own = {.stock = 9, .ends_wall_ms = shop.now.wall_ms + 5 * (int64_t)DAY_MS};
    product_of("A", "drop", &own);
    assert_int_equal(shop_checkout(&shop, "ann", "k1", "A", 2), OUTCOME_OK);
    shop_pass(&shop, 4 * (uint64_t)DAY_MS);
    assert_int_equal(used_in("drop"), 2);
    shop_pass(&shop, 2 * (uint64_t)DAY_MS);
    shop_pass(&shop, 31 * MINUTE_MS); /* looked at every half hour */
    assert_int_equal(used_in("drop"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(a_skus_value_stands_over_its_sales_over_the_configurations),
        RULE(two_sales_of_one_batch_are_two),
        RULE(new_terms_are_in_force_everywhere_when_the_reply_leaves),
        RULE(a_window_is_told_when_it_opens_and_when_it_closes),
        RULE(a_guest_may_not_hold_or_buy_where_guests_are_refused),
        RULE(a_basket_that_fails_is_no_free_look_at_a_hidden_count),
        RULE(a_capped_count_is_never_above_its_cap),
        RULE(a_limit_is_forgotten_a_day_after_its_sale),
        RULE(a_limit_of_a_sku_ends_with_the_sku),
    };
    return cmocka_run_group_tests_name("engine_sales", tests, NULL, NULL);
}
