/* SPDX-License-Identifier: Apache-2.0 */
/* P11: risk, orders in review, and what comes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/core/backend.h"

static const struct ask flagged = {
    .who = "ann", .key = "k", .sku = "S9", .quantity = 2, .risk = RISK_REVIEW};

/* P11, I5, V5 */
static void a_declined_checkout_leaves_nothing(void **state)
{
    (void)state;
    struct ask asked = flagged;
    asked.risk = RISK_DECLINE;
    assert_int_equal(ask(&asked), OUTCOME_RISK_DECLINED);
    assert_stock("S9", 9, 0, 0);
    assert_int_equal(shop.engines[shop.last_shard]->keys.used, 0);
    asked.risk = RISK_APPROVE;
    assert_int_equal(order(placed(&asked))->status, ORDER_PENDING_PAYMENT);
}

static void set_rules(struct policy *policy)
{
    policy->risk_review_score = 500;
    policy->risk_decline_score = 900;
}

/* P11: the stricter of the service's decision and the rules */
static void the_stricter_word_counts(void **state)
{
    (void)state;
    change_policy(set_rules);
    struct ask asked = {.who = "ann", .sku = "S9", .quantity = 1, .key = "k1", .score = 499};
    assert_int_equal(order(placed(&asked))->status, ORDER_PENDING_PAYMENT);
    asked.key = "k2";
    asked.score = 500;
    asked.risk = RISK_APPROVE;
    assert_int_equal(order(placed(&asked))->status, ORDER_REVIEW);
    asked.key = "k3";
    asked.score = 899;
    asked.risk = RISK_DECLINE;
    assert_int_equal(ask(&asked), OUTCOME_RISK_DECLINED);
    asked.score = 900;
    asked.risk = RISK_APPROVE;
    assert_int_equal(ask(&asked), OUTCOME_RISK_DECLINED);
    asked.score = 0;
    asked.risk = RISK_REVIEW;
    assert_int_equal(order(placed(&asked))->status, ORDER_REVIEW);
}

/* P11: only role service says what a risk is */
static void a_customer_tells_no_risk(void **state)
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
        .risk_decision = RISK_APPROVE,
    };
    assert_int_equal(shop_run(&shop, &command), OUTCOME_FORBIDDEN);
}

/* P11, O3, V2, L7 */
static void a_flagged_order_holds_its_units_in_review(void **state)
{
    (void)state;
    struct id id = placed(&flagged);
    assert_int_equal(order(id)->status, ORDER_REVIEW);
    assert_int_equal(order(id)->version, 2); /* placed and review: two events of one record */
    assert_int_equal(order(id)->payment_due_shelf_ms, shop.now.shelf_ms + DAY_MS);
    assert_stock("S9", 7, 2, 0);
    shop_reopen(&shop);
    assert_int_equal(order(id)->status, ORDER_REVIEW);
    assert_stock("S9", 7, 2, 0);
    shop_pass(&shop, DAY_MS - 1);
    assert_int_equal(order(id)->status, ORDER_REVIEW);
}

/* O3: approve; the whole time to pay begins then */
static void an_approved_order_waits_for_its_payment(void **state)
{
    (void)state;
    struct id id = placed(&flagged);
    shop_pass(&shop, 2 * 60 * MINUTE_MS);
    assert_int_equal(decide(id, RISK_APPROVE), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_PENDING_PAYMENT);
    assert_int_equal(order(id)->payment_due_shelf_ms, shop.now.shelf_ms + 10 * MINUTE_MS);
    assert_int_equal(order(id)->version, 3);
    /* the same decision again finds the order as it is, the other comes too late */
    assert_int_equal(decide(id, RISK_APPROVE), OUTCOME_OK);
    assert_int_equal(order(id)->version, 3);
    assert_int_equal(decide(id, RISK_DECLINE), OUTCOME_INVALID_TRANSITION);
    /* I3: a replayed checkout shows the order as born */
    assert_int_equal(ask(&flagged), OUTCOME_OK);
    assert_true(shop.answer.replayed);
    struct event event;
    born(id, &event);
    assert_int_equal(event.fact.order.status, ORDER_REVIEW);
    assert_int_equal(event.fact.order.version, 2);
    assert_int_equal(pay(id, RESULT_CAPTURED, "p1", 200), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_CONFIRMED);
    assert_stock("S9", 7, 0, 2);
    assert_int_equal(decide(id, RISK_APPROVE), OUTCOME_OK);
}

/* P9: pending moves it no further than max_life from the checkout, which is long over */
static void an_approved_order_expires_like_any(void **state)
{
    (void)state;
    struct id id = placed(&flagged);
    shop_pass(&shop, 2 * 60 * MINUTE_MS);
    assert_int_equal(decide(id, RISK_APPROVE), OUTCOME_OK);
    shop_pass(&shop, 5 * MINUTE_MS);
    assert_int_equal(pay(id, RESULT_PENDING, "p1", 200), OUTCOME_OK);
    shop_pass(&shop, 5 * MINUTE_MS - 1);
    assert_int_equal(order(id)->status, ORDER_PENDING_PAYMENT);
    shop_pass(&shop, 1);
    assert_int_equal(order(id)->status, ORDER_EXPIRED);
    assert_stock("S9", 9, 0, 0);
}

/* O3: a deferred order, an authorized and a captured one are confirmed by the approval */
static void an_approval_confirms_what_need_not_be_paid(void **state)
{
    (void)state;
    struct ask asked = flagged;
    asked.mode = PAYMENT_DEFERRED;
    struct id deferred = placed(&asked);
    assert_int_equal(order(deferred)->status, ORDER_REVIEW);
    asked = flagged;
    asked.key = "k2";
    struct id authorized = placed(&asked);
    asked.key = "k3";
    struct id captured = placed(&asked);
    assert_int_equal(pay(authorized, RESULT_AUTHORIZED, "p1", 200), OUTCOME_OK);
    assert_int_equal(pay(captured, RESULT_CAPTURED, "p2", 200), OUTCOME_OK);
    assert_int_equal(order(authorized)->status, ORDER_REVIEW);
    assert_int_equal(order(captured)->status, ORDER_REVIEW);
    assert_int_equal(order(captured)->paid, 200);
    assert_stock("S9", 3, 6, 0);
    shop_reopen(&shop);
    assert_int_equal(decide(deferred, RISK_APPROVE), OUTCOME_OK);
    assert_int_equal(decide(authorized, RISK_APPROVE), OUTCOME_OK);
    assert_int_equal(decide(captured, RISK_APPROVE), OUTCOME_OK);
    assert_int_equal(order(deferred)->status, ORDER_CONFIRMED);
    assert_int_equal(order(authorized)->status, ORDER_CONFIRMED);
    assert_int_equal(order(captured)->status, ORDER_CONFIRMED);
    assert_int_equal(
        order(deferred)->cancel_until_wall_ms, order(deferred)->confirmed_wall_ms + 15 * MINUTE_MS);
    assert_stock("S9", 3, 0, 6);
    assert_int_equal(pay(authorized, RESULT_CAPTURED, "p1", 200), OUTCOME_OK);
    assert_int_equal(order(authorized)->paid, 200);
}

/* O3, P11: declined by a merchant, by the deadline, cancelled by the customer */
static void an_order_in_review_ends_and_frees_its_units(void **state)
{
    (void)state;
    struct ask asked = flagged;
    struct id declined = placed(&asked);
    asked.key = "k2";
    struct id forgotten = placed(&asked);
    asked.key = "k3";
    struct id cancelled = placed(&asked);
    assert_int_equal(decide(declined, RISK_DECLINE), OUTCOME_OK);
    assert_int_equal(decide(declined, RISK_DECLINE), OUTCOME_OK);
    assert_int_equal(decide(declined, RISK_APPROVE), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(shop_cancel(&shop, "ann", cancelled.bytes, "c"), OUTCOME_OK);
    assert_int_equal(decide(cancelled, RISK_DECLINE), OUTCOME_INVALID_TRANSITION);
    shop_pass(&shop, DAY_MS);
    assert_int_equal(order(forgotten)->status, ORDER_CANCELLED);
    assert_int_equal(decide(forgotten, RISK_DECLINE), OUTCOME_OK);
    assert_int_equal(decide(forgotten, RISK_APPROVE), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(order(declined)->status, ORDER_CANCELLED);
    assert_int_equal(order(cancelled)->status, ORDER_CANCELLED);
    assert_stock("S9", 9, 0, 0);
    assert_int_equal(count_events(EVENT_ORDER_REFUND_REQUIRED), 0);
    assert_int_equal(count_events(EVENT_ORDER_CANCELLED), 3);
}

/* L2: at its deadline an order is declined before a decision is heard */
static void a_decision_at_the_deadline_is_late(void **state)
{
    (void)state;
    struct id id = placed(&flagged);
    shop.now.shelf_ms = order(id)->payment_due_shelf_ms;
    assert_int_equal(decide(id, RISK_APPROVE), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(order(id)->status, ORDER_CANCELLED);
}

/* P6, P11: money already taken goes back, once, however the review ends */
static void money_of_a_declined_order_goes_back(void **state)
{
    (void)state;
    struct ask asked = flagged;
    struct id ids[3];
    static const char *const keys[3] = {"k1", "k2", "k3"}, *const payments[3] = {"p1", "p2", "p3"};
    for (uint32_t i = 0; i < 3; i++) {
        asked.key = keys[i];
        ids[i] = placed(&asked);
        assert_int_equal(pay(ids[i], RESULT_CAPTURED, payments[i], 200), OUTCOME_OK);
        assert_int_equal(pay(ids[i], RESULT_CAPTURED, payments[i], 200), OUTCOME_OK);
        assert_true(shop.answer.replayed);
    }
    assert_int_equal(decide(ids[0], RISK_DECLINE), OUTCOME_OK);
    assert_int_equal(shop_cancel(&shop, "ann", ids[1].bytes, "c"), OUTCOME_OK);
    shop_reopen(&shop);
    shop_pass(&shop, DAY_MS);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(order(ids[i])->status, ORDER_REFUND_REQUIRED);
        assert_int_equal(order(ids[i])->refund_due, 200);
        assert_int_equal(order(ids[i])->paid, 200);
    }
    assert_int_equal(count_events(EVENT_ORDER_REFUND_REQUIRED), 3);
    assert_int_equal(count_events(EVENT_ORDER_CANCELLED), 0);
    assert_stock("S9", 9, 0, 0);
    assert_int_equal(pay(ids[0], RESULT_REFUNDED, "p1", 200), OUTCOME_OK);
    assert_int_equal(order(ids[0])->status, ORDER_REFUNDED);
}

/* P7: an authorization is no payment; captured after the decline it is due back */
static void an_authorization_of_a_declined_order_is_void(void **state)
{
    (void)state;
    struct id id = placed(&flagged);
    assert_int_equal(pay(id, RESULT_AUTHORIZED, "p1", 200), OUTCOME_OK);
    assert_int_equal(decide(id, RISK_DECLINE), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_CANCELLED);
    assert_int_equal(order(id)->refund_due, 0);
    assert_int_equal(pay(id, RESULT_CAPTURED, "p1", 200), OUTCOME_REFUND_REQUIRED);
    assert_int_equal(order(id)->refund_due, 200);
    assert_int_equal(count_events(EVENT_ORDER_REFUND_REQUIRED), 1);
}

/* O3: money under another id goes back while the order stays in review */
static void a_second_payment_in_review_goes_back(void **state)
{
    (void)state;
    struct id id = placed(&flagged);
    assert_int_equal(pay(id, RESULT_CAPTURED, "p1", 200), OUTCOME_OK);
    assert_int_equal(pay(id, RESULT_CAPTURED, "p2", 200), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_REVIEW);
    assert_int_equal(order(id)->paid, 400);
    assert_int_equal(order(id)->refund_due, 200);
    assert_int_equal(pay(id, RESULT_REFUNDED, "p2", 200), OUTCOME_OK);
    assert_int_equal(order(id)->refund_due, 0);
    assert_int_equal(decide(id, RISK_DECLINE), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_REFUND_REQUIRED);
    assert_int_equal(order(id)->refund_due, 200);
}

/* O3: all other transitions of an order in review */
static void nothing_else_moves_an_order_in_review(void **state)
{
    (void)state;
    struct id id = placed(&flagged);
    assert_int_equal(pay(id, RESULT_PENDING, "p1", 200), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(pay(id, RESULT_DECLINED, "p1", 200), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(pay(id, RESULT_CANCELLED, "p1", 200), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(pay(id, RESULT_REFUNDED, "p1", 200), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(cancel_line(id, "c", 1, 1), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(order(id)->version, 2);
    struct ask asked = {.who = "bob", .key = "k", .sku = "S9", .quantity = 1};
    struct id never = placed(&asked);
    assert_int_equal(decide(never, RISK_APPROVE), OUTCOME_INVALID_TRANSITION);
    assert_int_equal(decide((struct id){{1}}, RISK_APPROVE), OUTCOME_NOT_FOUND);
    /* named whole, all its lines are the whole order */
    assert_int_equal(cancel_line(id, "c2", 1, 2), OUTCOME_OK);
    assert_int_equal(order(id)->status, ORDER_CANCELLED);
}

static void one_open_order(struct policy *policy)
{
    policy->max_open_orders = 1;
}

/* O5: an order in review is an open one, a deferred one too */
static void orders_in_review_are_bounded(void **state)
{
    (void)state;
    change_policy(one_open_order);
    struct ask asked = flagged;
    asked.mode = PAYMENT_DEFERRED;
    placed(&asked);
    asked.key = "k2";
    assert_int_equal(ask(&asked), OUTCOME_TOO_MANY_OPEN_ORDERS);
    asked.risk = RISK_NONE;
    placed(&asked);
}

/* The law of stock: a unit of a declined order is on sale when that is durable, not before */
static void a_declined_unit_comes_back_after_the_disk(void **state)
{
    (void)state;
    struct ask asked = flagged;
    asked.sku = "S1";
    asked.quantity = 1;
    struct id id = placed(&asked);
    shop.settles_by_itself = false;
    assert_int_equal(decide(id, RISK_DECLINE), OUTCOME_OK);
    asked = (struct ask){.who = "bob", .key = "k", .sku = "S1", .quantity = 1};
    assert_int_equal(ask(&asked), OUTCOME_HELD_BY_OTHERS);
    shop_reopen(&shop); /* the decline is lost with the power: the order is in review as before */
    assert_int_equal(order(id)->status, ORDER_REVIEW);
    assert_stock("S1", 0, 1, 0);
    assert_int_equal(decide(id, RISK_DECLINE), OUTCOME_OK);
    shop_settle(&shop);
    assert_int_equal(ask(&asked), OUTCOME_OK);
}

/* O1: the right to cancel is over at the very millisecond */
static void a_customer_cancels_until_the_millisecond(void **state)
{
    (void)state;
    struct ask asked = flagged;
    asked.mode = PAYMENT_DEFERRED;
    asked.risk = RISK_NONE;
    struct id id = placed(&asked);
    shop.now.wall_ms = order(id)->cancel_until_wall_ms;
    assert_int_equal(shop_cancel(&shop, "ann", id.bytes, "c"), OUTCOME_INVALID_TRANSITION);
    shop.now.wall_ms--;
    assert_int_equal(shop_cancel(&shop, "ann", id.bytes, "c"), OUTCOME_OK);
}

/* P4: a refund of another order's payment is no refund of this one */
static void a_refund_names_a_payment_of_its_order(void **state)
{
    (void)state;
    struct ask asked = flagged;
    struct id mine = placed(&asked);
    asked.who = "bob";
    struct id other = placed(&asked);
    assert_int_equal(pay(mine, RESULT_CAPTURED, "p1", 200), OUTCOME_OK);
    assert_int_equal(pay(other, RESULT_CAPTURED, "p2", 200), OUTCOME_OK);
    assert_int_equal(decide(mine, RISK_DECLINE), OUTCOME_OK);
    assert_int_equal(pay(mine, RESULT_REFUNDED, "p2", 200), OUTCOME_PAYMENT_ID_USED);
    assert_int_equal(order(mine)->refund_due, 200);
    assert_int_equal(pay(mine, RESULT_REFUNDED, "p1", 200), OUTCOME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_EVERY_SIZE(a_declined_checkout_leaves_nothing),
        AT_EVERY_SIZE(the_stricter_word_counts),
        AT_EVERY_SIZE(a_customer_tells_no_risk),
        AT_EVERY_SIZE(a_flagged_order_holds_its_units_in_review),
        AT_EVERY_SIZE(an_approved_order_waits_for_its_payment),
        AT_EVERY_SIZE(an_approved_order_expires_like_any),
        AT_EVERY_SIZE(an_approval_confirms_what_need_not_be_paid),
        AT_EVERY_SIZE(an_order_in_review_ends_and_frees_its_units),
        AT_EVERY_SIZE(a_decision_at_the_deadline_is_late),
        AT_EVERY_SIZE(money_of_a_declined_order_goes_back),
        AT_EVERY_SIZE(an_authorization_of_a_declined_order_is_void),
        AT_EVERY_SIZE(a_second_payment_in_review_goes_back),
        AT_EVERY_SIZE(nothing_else_moves_an_order_in_review),
        AT_EVERY_SIZE(orders_in_review_are_bounded),
        AT_EVERY_SIZE(a_declined_unit_comes_back_after_the_disk),
        AT_EVERY_SIZE(a_customer_cancels_until_the_millisecond),
        AT_EVERY_SIZE(a_refund_names_a_payment_of_its_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
