/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is set aside for what lives, when every text is as long as it may be: shop_happen() holds
 * each record of a full journal to it. The walks of tests/simulate do so with everything else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/set_aside.h"
#include "tests/core/sales.h"

enum { LINES = 3 };

/* Letters that differ by the last one: a text of this size. */
struct long_text {
    char data[ADJUSTMENTS_SIZE_MAX + 1];
};

static struct long_text skus[LINES], sale, who, guest, key, token, references, adjustments, changed,
    provider, payment, reason;
static struct hash128 identities[IDENTITIES_MAX] = {{1, 1}, {2, 2}, {3, 3}, {4, 4}};

static void fill(struct long_text *text, uint32_t size, char last)
{
    memset(text->data, 'x', size);
    text->data[size - 1] = last;
    text->data[size] = 0;
}

static int setup(void **state)
{
    (void)state;
    static const struct capacity capacity = {.skus = 16,
        .customers = 8,
        .orders = 8,
        .holds = 32,
        .lines = 32,
        .text_bytes = 1 << 16,
        .idempotency_keys = 32,
        .claims = 32,
        .identities = 64,
        .allowances = 32,
        .names = 16};
    struct product_image image = {.stock = 1000, .max_per_customer = 100};
    struct sale_image terms = {.reserve_on = RESERVE_CART, .payment_seconds = 5000};
    shop_open(&shop, 1, &capacity);
    fill(&sale, NAME_SIZE_MAX, 's');
    fill(&who, CUSTOMER_SIZE_MAX, 'a');
    fill(&guest, CUSTOMER_SIZE_MAX, 'g');
    fill(&key, KEY_SIZE_MAX, 'k');
    fill(&token, TOKEN_SIZE_MAX, 't');
    fill(&references, REFERENCES_SIZE_MAX, 'r');
    fill(&adjustments, ADJUSTMENTS_SIZE_MAX, 'a');
    fill(&changed, ADJUSTMENTS_SIZE_MAX, 'b');
    fill(&provider, PAYMENT_TEXT_SIZE_MAX, 'p');
    fill(&payment, PAYMENT_TEXT_SIZE_MAX, 'p');
    fill(&reason, REASON_SIZE_MAX, 'r');
    assert_int_equal(put(sale.data, &terms), OUTCOME_OK);
    for (uint32_t i = 0; i < LINES; i++) {
        fill(&skus[i], SKU_SIZE_MAX, (char)('0' + (int)i));
        product_of(skus[i].data, sale.data, &image);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    shop_check(&shop);
    shop_close(&shop);
    return 0;
}

/* Holds of all SKUs, and from then on the journal is full. */
static void hold_all(const struct long_text *customer)
{
    shop.now.journal_full = 0;
    for (uint32_t i = 0; i < LINES; i++)
        assert_int_equal(shop_cart(&shop, customer->data, skus[i].data, 2), OUTCOME_OK);
    shop.now.journal_full = 1;
    assert_int_equal(shop_cart(&shop, customer->data, skus[0].data, 3), OUTCOME_JOURNAL_FULL);
}

static enum outcome check_out(uint8_t risk)
{
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_SERVICE,
        .customer = bytes_of_string(who.data),
        .key = bytes_of_string(key.data),
        .token = bytes_of_string(token.data),
        .references = bytes_of_string(references.data),
        .adjustments = bytes_of_string(adjustments.data),
        .adjustments_set = true,
        .identities = identities,
        .identity_count = IDENTITIES_MAX,
        .risk_decision = risk,
    };
    return shop_run(&shop, &command);
}

static enum outcome report(const uint8_t id[16], uint8_t result, bool adjusts)
{
    struct command command = {
        .kind = COMMAND_PAYMENT,
        .role = ROLE_SERVICE,
        .provider = bytes_of_string(provider.data),
        .payment_id = bytes_of_string(payment.data),
        .result = result,
        .amount = LINES * 2 * 100,
        .currency = "GBP",
        .adjustments_set = adjusts,
        .adjustments = bytes_of_string(changed.data),
    };
    memcpy(command.order_id, id, 16);
    return shop_run(&shop, &command);
}

static enum outcome decide(const uint8_t id[16], uint8_t decision)
{
    struct command command = {
        .kind = COMMAND_REVIEW,
        .role = ROLE_OPERATOR,
        .review_decision = decision,
        .actor = bytes_of_string(who.data),
        .reason = bytes_of_string(reason.data),
    };
    memcpy(command.order_id, id, 16);
    return shop_run(&shop, &command);
}

static enum outcome cancel(const uint8_t id[16])
{
    struct command command = {
        .kind = COMMAND_CANCEL,
        .role = ROLE_SERVICE,
        .key = bytes_of_string(key.data),
        .actor = bytes_of_string(who.data),
        .reason = bytes_of_string(reason.data),
    };
    memcpy(command.order_id, id, 16);
    return shop_run(&shop, &command);
}

/* An order of everything, while the journal is full. */
static const uint8_t *order_of_all(uint8_t risk)
{
    hold_all(&who);
    assert_int_equal(check_out(risk), OUTCOME_OK);
    return shop_order_id(&shop);
}

/* Nothing is left of it but what switches have. */
static void nothing_is_left(void)
{
    struct set_aside aside = engine_set_aside(shop.engines[0]);
    uint64_t lines = shop.engines[0]->holds.used * sizeof(struct event_line);
    assert_int_equal(aside.bytes, aside.switch_bytes + lines);
    assert_int_equal(aside.records, aside.switch_records);
    assert_int_equal(aside.live_until_ms, 0);
    assert_int_equal(aside.review_until_ms, 0);
}

/* S5 */
static void a_hold_becomes_an_order_that_is_paid(void **state)
{
    (void)state;
    const uint8_t *id = order_of_all(RISK_NONE);
    assert_int_equal(report(id, RESULT_CAPTURED, true), OUTCOME_OK);
    assert_int_equal(shop_order_status(&shop), ORDER_CONFIRMED);
    nothing_is_left();
    assert_true(shop.in_full_journals >= 2);
}

/* S5: with the longest texts of a report before, which the next one replaces. */
static void an_order_with_attempts_is_cancelled(void **state)
{
    (void)state;
    const uint8_t *id = order_of_all(RISK_NONE);
    assert_int_equal(report(id, RESULT_DECLINED, false), OUTCOME_JOURNAL_FULL);
    shop.now.journal_full = 0;
    assert_int_equal(report(id, RESULT_DECLINED, false), OUTCOME_OK);
    shop.now.journal_full = 1;
    assert_int_equal(cancel(id), OUTCOME_OK);
    nothing_is_left();
    assert_int_equal(report(id, RESULT_CAPTURED, false), OUTCOME_JOURNAL_FULL);
}

/* S5, P11 */
static void an_order_in_review_is_approved_and_paid(void **state)
{
    (void)state;
    const uint8_t *id = order_of_all(RISK_REVIEW);
    assert_int_equal(report(id, RESULT_AUTHORIZED, false), OUTCOME_JOURNAL_FULL);
    assert_int_equal(decide(id, RISK_APPROVE), OUTCOME_OK);
    assert_int_equal(report(id, RESULT_CAPTURED, true), OUTCOME_OK);
    nothing_is_left();
}

/* S5, L3 */
static void what_is_left_alone_ends_by_itself(void **state)
{
    (void)state;
    (void)order_of_all(RISK_NONE);
    hold_all(&guest);
    assert_int_equal(shop_cart(&shop, guest.data, skus[0].data, 1), OUTCOME_JOURNAL_FULL);
    assert_int_equal(shop_cart(&shop, guest.data, skus[0].data, 0), OUTCOME_OK);
    uint64_t until_ms = engine_set_aside(shop.engines[0]).live_until_ms;
    assert_true(until_ms >= shop.now.shelf_ms + 5000 * 1000);
    shop_pass(&shop, until_ms - shop.now.shelf_ms);
    nothing_is_left();
    assert_int_equal(shop_cart(&shop, guest.data, skus[1].data, 0), OUTCOME_JOURNAL_FULL);
    /* What is forgotten waits for room. */
    uint32_t customers = shop.engines[0]->customers.used, orders = shop.engines[0]->orders.used;
    shop_pass(&shop, UINT64_C(30) * 86400 * 1000);
    assert_int_equal(shop.engines[0]->customers.used, customers);
    assert_int_equal(shop.engines[0]->orders.used, orders);
    shop.now.journal_full = 0;
    shop_pass(&shop, 3600 * 1000);
    shop_pass(&shop, 3600 * 1000);
    assert_int_equal(shop.engines[0]->orders.used, 0);
}

/* S5, C4: what a full journal finds on its way is the guest's again, and then ends. */
static void a_merge_under_way_gives_back(void **state)
{
    (void)state;
    struct command command = {.kind = COMMAND_CART_MERGE,
        .role = ROLE_CUSTOMER,
        .customer = bytes_of_string(who.data),
        .guest_id = bytes_of_string(guest.data),
        .carry = shop.carry,
        .carry_size_max = sizeof(shop.carry)};
    hold_all(&guest);
    shop.now.journal_full = 0;
    do {
        shop_visit(&shop, &command, 0);
        shop_settle(&shop);
        command.step = shop.answer.next_step;
    } while (shop.last_event != EVENT_CART_MOVED_OUT);
    shop.now.journal_full = 1;
    do {
        shop_visit(&shop, &command, 0);
        shop_settle(&shop);
        command.step = shop.answer.next_step;
    } while (shop.answer.goes_on);
    assert_int_equal(shop.answer.outcome, OUTCOME_JOURNAL_FULL);
    assert_int_equal(shop.engines[0]->live_holds, LINES);
    shop_pass(&shop, 3600 * 1000);
    nothing_is_left();
}

/* S5: one checkout of each hold, and none that leaves it alive. */
static void a_hold_is_not_bought_unit_by_unit(void **state)
{
    (void)state;
    hold_all(&who);
    assert_int_equal(shop_checkout(&shop, who.data, "k", skus[0].data, 1), OUTCOME_JOURNAL_FULL);
    assert_int_equal(shop_checkout(&shop, who.data, "k", skus[0].data, 2), OUTCOME_OK);
}

/* W3: switches have room of their own; when that is spent, what is stopped can still go on. */
static void switches_spend_their_own_room(void **state)
{
    (void)state;
    shop.now.journal_full = JOURNAL_FULL;
    assert_int_equal(shop_switch(&shop, SWITCH_PAUSE, SCOPE_ALL, NULL), OUTCOME_OK);
    shop.now.journal_full = JOURNAL_SPENT;
    assert_int_equal(shop_switch(&shop, SWITCH_FREEZE, SCOPE_ALL, NULL), OUTCOME_JOURNAL_FULL);
    assert_int_equal(shop_switch(&shop, SWITCH_RESUME, SCOPE_ALL, NULL), OUTCOME_OK);
    assert_int_equal(shop_switch(&shop, SWITCH_PAUSE, SCOPE_ALL, NULL), OUTCOME_JOURNAL_FULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_hold_becomes_an_order_that_is_paid),
        TEST(an_order_with_attempts_is_cancelled),
        TEST(an_order_in_review_is_approved_and_paid),
        TEST(what_is_left_alone_ends_by_itself),
        TEST(a_merge_under_way_gives_back),
        TEST(a_hold_is_not_bought_unit_by_unit),
        TEST(switches_spend_their_own_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
