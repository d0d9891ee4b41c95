/* SPDX-License-Identifier: Apache-2.0 */
/* K7: shipping, tax, discounts and fees beside the lines, at checkout or with the money. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/core/backend.h"

#define SHIPPING "[{\"kind\":\"shipping\",\"amount\":50,\"seller\":null,\"reference\":null}]"
#define DISCOUNT "[{\"kind\":\"discount\",\"amount\":-80,\"seller\":null,\"reference\":\"SPRING\"}]"

static bool reads(struct text text, struct id id, const char *expected)
{
    const struct text_pool *pool = &shop.engines[home_of(id)]->texts;
    return text_equal(pool, text, bytes_of_string(expected));
}

static struct id bought_with(
    const char *who, const char *key, uint32_t units, const char *adjustments, int64_t sum)
{
    return placed(&(struct ask){.who = who,
        .key = key,
        .sku = "S9",
        .quantity = units,
        .adjustments = adjustments,
        .sum = sum});
}

/* K7 */
static void the_total_is_the_lines_and_the_adjustments(void **state)
{
    (void)state;
    struct id id = bought_with("ann", "k", 2, SHIPPING, 50);
    assert_int_equal(order(id)->items_total, 200);
    assert_int_equal(order(id)->total, 250);
    assert_true(reads(order(id)->adjustments, id, SHIPPING));
    assert_int_equal(pay(id, RESULT_CAPTURED, "p1", 200), OUTCOME_PAYMENT_MISMATCH);
    assert_int_equal(pay(id, RESULT_CAPTURED, "p1", 250), OUTCOME_OK);
    assert_int_equal(order(id)->paid, 250);
}

/* K7, V5, I5 */
static void a_total_is_never_negative_nor_beyond_64_bits(void **state)
{
    (void)state;
    struct ask asked = {.who = "ann", .key = "k", .sku = "S9", .quantity = 1, .adjustments = "[0]"};
    asked.sum = -101;
    assert_int_equal(ask(&asked), OUTCOME_INVALID);
    assert_string_equal(shop.answer.bound, "total");
    asked.sum = INT64_MAX - 99;
    assert_int_equal(ask(&asked), OUTCOME_INVALID);
    assert_stock("S9", 9, 0, 0);
    asked.sum = -100;
    struct id id = placed(&asked);
    assert_int_equal(order(id)->total, 0);
}

/* K7, K4: a customer may not; what is expected is the sum of the lines */
static void adjustments_are_the_back_ends(void **state)
{
    (void)state;
    struct command_item item = {.sku = BYTES("S9"), .quantity = 1};
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .key = BYTES("k"),
        .items = &item,
        .item_count = 1,
        .adjustments_set = true,
        .adjustments = BYTES(DISCOUNT),
        .adjustments_sum = -80,
        .expected_total_set = true,
        .expected_total = 20,
    };
    assert_int_equal(shop_run(&shop, &command), OUTCOME_FORBIDDEN);
    command.role = ROLE_SERVICE;
    assert_int_equal(shop_run(&shop, &command), OUTCOME_PRICE_CHANGED);
    command.expected_total = 100;
    assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
}

/* I3, I4: the same adjustments are part of the same request */
static void other_adjustments_are_another_request(void **state)
{
    (void)state;
    bought_with("ann", "k", 1, SHIPPING, 50);
    struct ask again = {.who = "ann", .key = "k", .sku = "S9", .quantity = 1};
    again.adjustments = SHIPPING;
    again.sum = 50;
    assert_int_equal(ask(&again), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    again.adjustments = DISCOUNT;
    again.sum = -80;
    assert_int_equal(ask(&again), OUTCOME_KEY_REUSED);
}

/* K7, I3, V7: what the money brought stands; a replayed checkout shows the order as it was born */
static void money_brings_its_own_adjustments(void **state)
{
    (void)state;
    struct id id = bought_with("ann", "k", 2, SHIPPING, 50);
    assert_int_equal(
        pay_adjusted(id, RESULT_CAPTURED, "p1", 250, DISCOUNT, -80), OUTCOME_PAYMENT_MISMATCH);
    assert_int_equal(order(id)->total, 250);
    assert_false(order(id)->adjusted);
    assert_int_equal(pay_adjusted(id, RESULT_CAPTURED, "p1", 120, DISCOUNT, -80), OUTCOME_OK);
    for (uint32_t crash = 0; crash < 2; crash++) {
        assert_int_equal(order(id)->total, 120);
        assert_int_equal(order(id)->paid, 120);
        assert_true(reads(order(id)->adjustments, id, DISCOUNT));
        struct event event;
        born(id, &event);
        assert_int_equal(event.fact.order.total, 250);
        assert_int_equal(event.fact.order.items_total, 200);
        assert_int_equal(event.fact.order.status, ORDER_PENDING_PAYMENT);
        assert_true(bytes_equal(event.text[TEXT_ADJUSTMENTS], BYTES(SHIPPING)));
        shop_reopen(&shop);
    }
    /* P3: the same report again; with other adjustments it is too late */
    assert_int_equal(pay_adjusted(id, RESULT_CAPTURED, "p1", 120, DISCOUNT, -80), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_int_equal(pay(id, RESULT_CAPTURED, "p1", 120), OUTCOME_OK);
    assert_int_equal(
        pay_adjusted(id, RESULT_CAPTURED, "p1", 250, SHIPPING, 50), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(order(id)->total, 120);
}

/* K7: none in place of some, and some in place of none */
static void adjustments_are_replaced_whole(void **state)
{
    (void)state;
    struct id bare = bought_with("ann", "k", 1, NULL, 0);
    struct id shipped = bought_with("bob", "k", 1, SHIPPING, 50);
    struct event event;
    assert_int_equal(pay_adjusted(bare, RESULT_AUTHORIZED, "p1", 150, SHIPPING, 50), OUTCOME_OK);
    assert_int_equal(pay_adjusted(shipped, RESULT_AUTHORIZED, "p2", 100, "", 0), OUTCOME_OK);
    assert_int_equal(order(bare)->total, 150);
    assert_int_equal(order(shipped)->total, 100);
    born(bare, &event);
    assert_int_equal(event.text[TEXT_ADJUSTMENTS].size, 0);
    assert_int_equal(event.fact.order.total, 100);
    born(shipped, &event);
    assert_true(bytes_equal(event.text[TEXT_ADJUSTMENTS], BYTES(SHIPPING)));
    assert_int_equal(event.fact.order.total, 150);
    /* the capture of what was authorized, which the adjustments belong to */
    assert_int_equal(pay(bare, RESULT_CAPTURED, "p1", 150), OUTCOME_OK);
    assert_int_equal(order(bare)->paid, 150);
}

/* K7, P1: a deferred order is confirmed when the money comes */
static void a_confirmed_order_costs_what_it_costs(void **state)
{
    (void)state;
    struct id id = placed(&(struct ask){
        .who = "ann", .key = "k", .sku = "S9", .quantity = 1, .mode = PAYMENT_DEFERRED});
    assert_int_equal(
        pay_adjusted(id, RESULT_CAPTURED, "p1", 150, SHIPPING, 50), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(order(id)->paid, 0);
    assert_int_equal(pay_adjusted(id, RESULT_CAPTURED, "p1", 100, "", 0), OUTCOME_OK);
    assert_int_equal(order(id)->paid, 100);
}

/* K7, P5, P6: late money may bring adjustments too, whatever comes of the order */
static void late_money_brings_its_adjustments(void **state)
{
    (void)state;
    struct ask one = {.who = "ann", .key = "k", .sku = "S1", .quantity = 1};
    struct id gone = placed(&one), back = bought_with("bob", "k", 1, SHIPPING, 50);
    shop_pass(&shop, 11 * MINUTE_MS);
    one.who = "cid";
    placed(&one);
    assert_int_equal(
        pay_adjusted(gone, RESULT_CAPTURED, "p1", 550, SHIPPING, 50), OUTCOME_REFUND_REQUIRED);
    assert_int_equal(order(gone)->refund_due, 550);
    assert_int_equal(order(gone)->total, 550);
    assert_int_equal(pay_adjusted(gone, RESULT_CAPTURED, "p1", 550, SHIPPING, 50), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_int_equal(count_events(EVENT_ORDER_REFUND_REQUIRED), 1);
    assert_int_equal(pay_adjusted(back, RESULT_CAPTURED, "p2", 20, DISCOUNT, -80), OUTCOME_OK);
    assert_true(order(back)->reclaimed);
    assert_int_equal(order(back)->paid, 20);
}

/* K7, L8: adjustments of money that find no room are sent again; nothing of the report is kept */
static void adjustments_without_room_are_sent_again(void **state)
{
    (void)state;
    struct id id = bought_with("ann", "k", 1, NULL, 0);
    struct engine *engine = shop.engines[home_of(id)];
    uint32_t taken = text_room(&engine->texts);
    uint32_t fresh = engine->texts.capacity;
    engine->texts.capacity -= taken;
    assert_int_equal(
        pay_adjusted(id, RESULT_CAPTURED, "p1", 150, SHIPPING, 50), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "text_bytes");
    assert_int_equal(order(id)->status, ORDER_PENDING_PAYMENT);
    engine->texts.capacity = fresh;
    assert_int_equal(pay_adjusted(id, RESULT_CAPTURED, "p1", 150, SHIPPING, 50), OUTCOME_OK);
}

/* O3, K7: parts give back their price, never more than was paid; the last one all that is left */
static void cancels_give_back_what_was_paid_and_no_more(void **state)
{
    (void)state;
    struct id dear = bought_with("ann", "k", 3, SHIPPING, 50);
    assert_int_equal(pay(dear, RESULT_CAPTURED, "p1", 350), OUTCOME_OK);
    assert_int_equal(cancel_line(dear, "c1", 1, 2), OUTCOME_OK);
    assert_int_equal(order(dear)->refund_due, 200);
    assert_int_equal(cancel(dear, "c2"), OUTCOME_OK);
    assert_int_equal(order(dear)->refund_due, 350);
    assert_int_equal(order(dear)->status, ORDER_REFUND_REQUIRED);

    struct id cheap = bought_with("bob", "k", 2, "[0]", -150);
    assert_int_equal(pay(cheap, RESULT_CAPTURED, "p2", 50), OUTCOME_OK);
    assert_int_equal(cancel_line(cheap, "c1", 1, 1), OUTCOME_OK);
    assert_int_equal(order(cheap)->refund_due, 50);
    assert_int_equal(pay(cheap, RESULT_REFUNDED, "p2", 50), OUTCOME_OK);
    assert_int_equal(order(cheap)->refund_due, 0);
    assert_int_equal(cancel(cheap, "c2"), OUTCOME_OK);
    assert_int_equal(order(cheap)->refund_due, 0);
    assert_int_equal(order(cheap)->status, ORDER_CANCELLED);
}

/* O3: cancelled in part while it was authorized, then captured whole */
static void what_was_cancelled_before_the_capture_is_due_with_it(void **state)
{
    (void)state;
    struct id id = bought_with("ann", "k", 2, DISCOUNT, -80);
    assert_int_equal(pay(id, RESULT_AUTHORIZED, "p1", 120), OUTCOME_OK);
    assert_int_equal(cancel_line(id, "c1", 1, 1), OUTCOME_OK);
    assert_int_equal(order(id)->refund_due, 0);
    assert_int_equal(pay(id, RESULT_CAPTURED, "p1", 120), OUTCOME_OK);
    assert_int_equal(order(id)->refund_due, 100);
    assert_int_equal(cancel(id, "c2"), OUTCOME_OK);
    assert_int_equal(order(id)->refund_due, 120);
}

/* V7: what is not durable is lost, and what is durable is there with its adjustments */
static void what_was_adjusted_is_in_the_journal(void **state)
{
    (void)state;
    shop.settles_by_itself = false;
    struct id id = bought_with("ann", "k", 1, SHIPPING, 50);
    assert_int_equal(pay_adjusted(id, RESULT_CAPTURED, "p1", 20, DISCOUNT, -80), OUTCOME_OK);
    shop_settle(&shop);
    assert_int_equal(cancel(id, "c"), OUTCOME_OK);
    shop_reopen(&shop); /* the cancel was never durable */
    assert_int_equal(order(id)->status, ORDER_CONFIRMED);
    assert_int_equal(order(id)->total, 20);
    assert_stock("S9", 8, 0, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_EVERY_SIZE(the_total_is_the_lines_and_the_adjustments),
        AT_EVERY_SIZE(a_total_is_never_negative_nor_beyond_64_bits),
        AT_EVERY_SIZE(adjustments_are_the_back_ends),
        AT_EVERY_SIZE(other_adjustments_are_another_request),
        AT_EVERY_SIZE(money_brings_its_own_adjustments),
        AT_EVERY_SIZE(adjustments_are_replaced_whole),
        AT_EVERY_SIZE(a_confirmed_order_costs_what_it_costs),
        AT_EVERY_SIZE(late_money_brings_its_adjustments),
        AT_EVERY_SIZE(adjustments_without_room_are_sent_again),
        AT_EVERY_SIZE(cancels_give_back_what_was_paid_and_no_more),
        AT_EVERY_SIZE(what_was_cancelled_before_the_capture_is_due_with_it),
        AT_EVERY_SIZE(what_was_adjusted_is_in_the_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
