/* SPDX-License-Identifier: Apache-2.0 */
/* Payments, refunds, cancels where they are easily half true: what is paid, what is due back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/core/counter.h"

/* L8, P3: what a report says is in its record; without room its texts are not kept besides */
static void no_payment_is_refused_for_want_of_text_room(void **state)
{
    (void)state;
    struct capacity capacity = roomy;
    capacity.text_bytes = 2 * 32;
    reopen_with(&capacity);
    struct id id = bought("ann", "k", "S1", 1);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_DECLINED, "p0", 500), OUTCOME_OK);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p1", 500), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_CONFIRMED);
    assert_int_equal(shop_cart(&shop, "bob", "S3", 1), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "text_bytes");
}

/* V7: a text that found no room finds none at recovery either, when there is more of it */
static void a_text_that_found_no_room_stays_lost(void **state)
{
    (void)state;
    struct capacity capacity = roomy;
    capacity.text_bytes = 2 * 32;
    reopen_with(&capacity);
    struct id id = bought("ann", "k", "S1", 1);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_DECLINED, "p0", 500), OUTCOME_OK);
    assert_int_not_equal(order(id)->provider.size, 0);
    assert_int_equal(order(id)->payment_id.size, 0);
    uint64_t digest = engine_digest(shop.engines[0]);
    shop.capacity.text_bytes = roomy.text_bytes;
    shop_reopen(&shop);
    assert_int_equal(order(id)->payment_id.size, 0);
    assert_true(engine_digest(shop.engines[0]) == digest);
}

/* Q1, P5: two lines of one SKU count together when the units are taken again */
static void a_late_payment_keeps_to_the_limit(void **state)
{
    (void)state;
    product("L", 10, 3, 0, 0);
    assert_int_equal(shop_cart(&shop, "ann", "L", 1), OUTCOME_OK);
    struct id late = bought("ann", "k1", "L", 2);
    assert_int_equal(order(late)->line_count, 2);
    shop_pass(&shop, 11 * MINUTE_MS);
    assert_int_equal(order(late)->status, ORDER_EXPIRED);
    bought("ann", "k2", "L", 2);
    assert_int_equal(
        shop_pay(&shop, late.bytes, RESULT_CAPTURED, "p1", 200), OUTCOME_REFUND_REQUIRED);
    assert_stock("L", 8, 2, 0);
    assert_int_equal(order(late)->refund_due, 200);
}

/* L2, L4: at its deadline an order is expired for its payment too, before any timer has run */
static void a_payment_at_the_deadline_is_late(void **state)
{
    (void)state;
    struct id id = bought("ann", "k", "S1", 1);
    shop.now.shelf_ms = order(id)->payment_due_shelf_ms;
    assert_int_equal(
        shop_pay(&shop, id.bytes, RESULT_DECLINED, "p0", 500), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(order(id)->status, ORDER_EXPIRED);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p1", 500), OUTCOME_OK);
    assert_true(order(id)->reclaimed);
}

/* P4: after a crash the id of a payment is its order's as firmly as before */
static void a_payment_id_is_taken_after_a_crash(void **state)
{
    (void)state;
    struct id first = bought("ann", "k", "S3", 2), second = bought("bob", "k", "S1", 1);
    assert_int_equal(shop_pay(&shop, first.bytes, RESULT_DECLINED, "p", 500), OUTCOME_OK);
    shop_reopen(&shop);
    assert_int_equal(
        shop_pay(&shop, second.bytes, RESULT_CAPTURED, "p", 500), OUTCOME_PAYMENT_ID_USED);
}

/* P5: all lines of a late order or none of them */
static void a_late_payment_takes_all_units_or_none(void **state)
{
    (void)state;
    struct command_item items[2] = {
        {.sku = BYTES("S3"), .quantity = 2},
        {.sku = BYTES("S1"), .quantity = 1},
    };
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .key = BYTES("k"),
        .items = items,
        .item_count = 2,
    };
    assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
    struct id late;
    memcpy(late.bytes, shop_order_id(&shop), 16);
    shop_pass(&shop, 11 * MINUTE_MS);
    assert_stock("S3", 3, 0, 0);
    assert_int_equal(shop_cart(&shop, "bob", "S3", 2), OUTCOME_OK);
    assert_int_equal(
        shop_pay(&shop, late.bytes, RESULT_AUTHORIZED, "p1", 1000), OUTCOME_REFUND_REQUIRED);
    assert_stock("S3", 1, 2, 0);
    assert_stock("S1", 1, 0, 0);
    assert_int_equal(order(late)->reclaimed, 0);
}

/* S5: a late payment takes new units; near the journal's end it is sent again */
static void a_late_payment_waits_for_room_in_the_journal(void **state)
{
    (void)state;
    struct id late = bought("ann", "k", "S1", 1);
    shop_pass(&shop, 11 * MINUTE_MS);
    shop.now.journal_full = 1;
    assert_int_equal(shop_pay(&shop, late.bytes, RESULT_CAPTURED, "p1", 500), OUTCOME_JOURNAL_FULL);
    assert_int_equal(shop_cart(&shop, "bob", "S3", 1), OUTCOME_JOURNAL_FULL);
    assert_int_equal(shop_checkout(&shop, "bob", "k", "S3", 1), OUTCOME_JOURNAL_FULL);
    shop.now.journal_full = 0;
    assert_int_equal(shop_pay(&shop, late.bytes, RESULT_CAPTURED, "p1", 500), OUTCOME_OK);
    assert_true(order(late)->reclaimed);
    assert_int_equal(order(late)->paid, 500);
}

/* P7: an authorization is no payment; captured after the cancel, it is due back whole */
static void money_captured_after_a_cancel_is_due_back(void **state)
{
    (void)state;
    struct id id = bought("ann", "k", "S1", 1);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_AUTHORIZED, "p1", 500), OUTCOME_OK);
    assert_int_equal(shop_cancel(&shop, NULL, id.bytes, "c"), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_CANCELLED);
    assert_int_equal(
        shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p1", 500), OUTCOME_REFUND_REQUIRED);
    assert_int_equal(order(id)->status, ORDER_REFUND_REQUIRED);
    assert_int_equal(order(id)->refund_due, 500);
    assert_int_equal(order(id)->paid, 500);
    assert_int_equal(refund(id, "r1", 500), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_REFUNDED);
}

/* P6: an authorization that is due back is not due a second time when it is captured */
static void money_is_due_back_once(void **state)
{
    (void)state;
    struct id late = bought("ann", "k", "S1", 1);
    shop_pass(&shop, 11 * MINUTE_MS);
    bought("bob", "k", "S1", 1);
    assert_int_equal(
        shop_pay(&shop, late.bytes, RESULT_AUTHORIZED, "p1", 500), OUTCOME_REFUND_REQUIRED);
    assert_int_equal(
        shop_pay(&shop, late.bytes, RESULT_CAPTURED, "p1", 500), OUTCOME_REFUND_REQUIRED);
    assert_int_equal(order(late)->refund_due, 500);
    assert_int_equal(order(late)->paid, 500);
    assert_int_equal(shop_pay(&shop, late.bytes, RESULT_AUTHORIZED, "p1", 500), OUTCOME_OK);
    assert_true(shop.answer.replayed);
}

/* O3: money under another id goes back, and does not become the order's own when captured */
static void a_second_payment_goes_back_and_the_order_stands(void **state)
{
    (void)state;
    struct id id = bought("ann", "k", "S1", 1);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p1", 500), OUTCOME_OK);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_AUTHORIZED, "p2", 500), OUTCOME_OK);
    assert_int_equal(shop.last_event, EVENT_ORDER_REFUND_REQUIRED);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p2", 500), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_CONFIRMED);
    assert_int_equal(order(id)->paid, 1000);
    assert_int_equal(order(id)->refund_due, 500);
}

/* O1, O3: what was paid for what is cancelled is due back, and no more than that */
static void refunds_never_exceed_what_was_paid(void **state)
{
    (void)state;
    struct id id = bought("ann", "k", "S3", 3);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p1", 750), OUTCOME_OK);
    assert_int_equal(cancel_units(id, "c1", 1), OUTCOME_OK);
    assert_int_equal(order(id)->refund_due, 250);
    assert_int_equal(refund(id, "r1", 251), OUTCOME_PAYMENT_MISMATCH);
    assert_int_equal(refund(id, "r1", 250), OUTCOME_OK);
    assert_int_equal(refund(id, "r1", 250), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_int_equal(shop_cancel(&shop, NULL, id.bytes, "c2"), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_REFUND_REQUIRED);
    assert_int_equal(order(id)->refund_due, 500);
    assert_stock("S3", 3, 0, 0);
}

/* O1: an order that lost lines before its money came is paid too much for */
static void a_capture_after_a_partial_cancel_leaves_its_value_due(void **state)
{
    (void)state;
    struct id id = bought("ann", "k", "S3", 3);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_AUTHORIZED, "p1", 750), OUTCOME_OK);
    assert_int_equal(cancel_units(id, "c1", 2), OUTCOME_OK);
    assert_int_equal(order(id)->refund_due, 0);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p1", 750), OUTCOME_OK);
    assert_int_equal(order(id)->refund_due, 500);
    assert_int_equal(cancel_units(id, "c2", 2), OUTCOME_INVALID);
    assert_stock("S3", 2, 0, 1);
}

/* P4, P6: declines cannot crowd out money, and money that cannot be remembered is not counted */
static void an_order_remembers_its_money_and_its_refunds(void **state)
{
    (void)state;
    struct id id = bought("ann", "k", "S3", 3);
    char payment[8];
    for (uint32_t i = 0; i < 5; i++) {
        snprintf(payment, sizeof(payment), "d%u", i);
        assert_int_equal(shop_pay(&shop, id.bytes, RESULT_DECLINED, payment, 750), OUTCOME_OK);
    }
    assert_int_equal(claims_used(&shop.shelf->claims), 2);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p1", 750), OUTCOME_OK);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p2", 750), OUTCOME_ARCHIVED);
    assert_int_equal(shop.last_event, EVENT_PAYMENT_UNMATCHED);
    assert_int_equal(order(id)->paid, 750);
    assert_int_equal(cancel_units(id, "c1", 2), OUTCOME_OK);
    assert_int_equal(refund(id, "r1", 200), OUTCOME_OK);
    assert_int_equal(refund(id, "r2", 200), OUTCOME_OK);
    assert_int_equal(refund(id, "r2", 200), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_int_equal(order(id)->refund_due, 100);
    assert_int_equal(claims_used(&shop.shelf->claims), 3);
}

/* P8: a decline moves no deadline; P9: pending does so once */
static void a_decline_moves_no_deadline_and_pending_moves_it_once(void **state)
{
    (void)state;
    struct id id = bought("ann", "k", "S1", 1);
    uint64_t due = order(id)->payment_due_shelf_ms;
    shop_pass(&shop, 5 * MINUTE_MS);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_DECLINED, "d", 500), OUTCOME_OK);
    assert_int_equal(order(id)->payment_due_shelf_ms, due);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_PENDING, "p", 500), OUTCOME_OK);
    assert_int_equal(order(id)->payment_due_shelf_ms, due + 5 * MINUTE_MS);
    shop_pass(&shop, MINUTE_MS);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_PENDING, "q", 500), OUTCOME_OK);
    assert_int_equal(order(id)->payment_due_shelf_ms, due + 5 * MINUTE_MS);
    struct event event;
    engine_order_image(shop.engines[0], order_find(shop.engines[0], id.bytes), true, &event);
    assert_int_equal(event.fact.order.payment_due_shelf_ms, due);
    assert_int_equal(event.fact.order.version, 1);
}

/* M2: a total that does not fit 64 bits */
static void a_total_that_overflows_is_refused(void **state)
{
    (void)state;
    shop_product(&shop, "X", INT64_MAX / 2, 10);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "X", 3), OUTCOME_INVALID);
    assert_stock("X", 10, 0, 0);
    struct id id = bought("ann", "k", "X", 2);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p1", INT64_MAX - 1), OUTCOME_OK);
    assert_int_equal(
        shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p2", INT64_MAX - 1), OUTCOME_INVALID);
    assert_int_equal(claims_used(&shop.shelf->claims), 1);
}

/* O1: a customer cancels until cancel_until; K2: kinds of refusal by role */
static void a_customer_cancels_in_time_and_with_restock(void **state)
{
    (void)state;
    defer_payment();
    struct id id = bought("ann", "k", "S3", 1);
    struct command command = {
        .kind = COMMAND_CANCEL,
        .role = ROLE_CUSTOMER,
        .customer = BYTES("ann"),
        .key = BYTES("c"),
        .restock_none = true,
    };
    memcpy(command.order_id, id.bytes, 16);
    assert_int_equal(shop_run(&shop, &command), OUTCOME_FORBIDDEN);
    shop_pass(&shop, 15 * MINUTE_MS + 1);
    assert_int_equal(shop_cancel(&shop, "ann", id.bytes, "c"), OUTCOME_INVALID_TRANSITION);
    command.role = ROLE_SERVICE;
    assert_int_equal(shop_run(&shop, &command), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_CANCELLED);
    assert_stock("S3", 2, 0, 1);
}

/* P2, P3, O3: reports that change nothing, and reports out of order */
static void reports_that_do_not_fit_change_nothing(void **state)
{
    (void)state;
    struct id id = bought("ann", "k", "S1", 1);
    assert_int_equal(
        shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p", 501), OUTCOME_PAYMENT_MISMATCH);
    assert_int_equal(refund(id, "r", 1), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(claims_used(&shop.shelf->claims), 0);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CANCELLED, "p", 500), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_CANCELLED);
    assert_stock("S1", 1, 0, 0);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CANCELLED, "p", 500), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    assert_int_equal(
        shop_pay(&shop, id.bytes, RESULT_DECLINED, "q", 500), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(claims_used(&shop.shelf->claims), 1);
    struct id other = bought("bob", "k", "S1", 1);
    assert_int_equal(shop_pay(&shop, other.bytes, RESULT_CAPTURED, "q", 500), OUTCOME_OK);
}

/* O3: a capture that is given up cancels a deferred order and restocks it */
static void a_capture_given_up_restocks_a_deferred_order(void **state)
{
    (void)state;
    defer_payment();
    struct id id = bought("ann", "k", "S3", 3);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_DECLINED, "p", 750), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_CONFIRMED);
    assert_int_equal(cancel_units(id, "c", 1), OUTCOME_OK);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CANCELLED, "p", 750), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_CANCELLED);
    assert_stock("S3", 3, 0, 0);
}

/* P4, design 6: a forgotten order's payment ids are free again */
static void payment_ids_live_as_long_as_their_order(void **state)
{
    (void)state;
    struct id id = bought("ann", "k", "S1", 1);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p", 500), OUTCOME_OK);
    for (uint32_t i = 0; i < 3; i++)
        shop_pass(&shop, DAY_MS);
    assert_int_equal(claims_used(&shop.shelf->claims), 0);
    assert_int_equal(shop.engines[0]->payments.used, 0);
    assert_stock("S1", 0, 0, 1);
    assert_int_equal(shop_stock(&shop, "S1", 1, "s"), OUTCOME_OK);
    struct id other = bought("bob", "k", "S1", 1);
    assert_int_equal(shop_pay(&shop, other.bytes, RESULT_CAPTURED, "p", 500), OUTCOME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(no_payment_is_refused_for_want_of_text_room),
        RULE(a_text_that_found_no_room_stays_lost),
        RULE(a_late_payment_keeps_to_the_limit),
        RULE(a_payment_at_the_deadline_is_late),
        RULE(a_payment_id_is_taken_after_a_crash),
        RULE(a_late_payment_takes_all_units_or_none),
        RULE(a_late_payment_waits_for_room_in_the_journal),
        RULE(money_captured_after_a_cancel_is_due_back),
        RULE(money_is_due_back_once),
        RULE(a_second_payment_goes_back_and_the_order_stands),
        RULE(refunds_never_exceed_what_was_paid),
        RULE(a_capture_after_a_partial_cancel_leaves_its_value_due),
        RULE(an_order_remembers_its_money_and_its_refunds),
        RULE(a_decline_moves_no_deadline_and_pending_moves_it_once),
        RULE(a_total_that_overflows_is_refused),
        RULE(a_customer_cancels_in_time_and_with_restock),
        RULE(reports_that_do_not_fit_change_nothing),
        RULE(a_capture_given_up_restocks_a_deferred_order),
        RULE(payment_ids_live_as_long_as_their_order),
    };
    return cmocka_run_group_tests_name("engine_money", tests, NULL, NULL);
}
