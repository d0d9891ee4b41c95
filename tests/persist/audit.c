/* SPDX-License-Identifier: Apache-2.0 */
/* The audit must be silent about a sound history and name each fault that is put into one. */
#include "tests/persist/audit_history.h"

static int begin(void **state)
{
    struct history *history = history_open();
    for (uint32_t i = 1; i <= SKUS; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "S%u", i);
        struct event product = {.kind = EVENT_PRODUCT_SET, .stream_count = 1};
        product.fact.product =
            (struct fact_product){.sku_number = i, .version = 1, .allotment = STOCK, .created = 1};
        product.fact.product.sale_number = SALE;
        product.text[TEXT_SKU] = bytes_of_string(name);
        happens(history, 0, &product);
    }
    *state = history;
    return 0;
}

static void place(struct history *history, uint32_t shard, uint32_t number)
{
    struct sample_order order;
    happens(history, shard, sample_order_placed(&order, number, 0));
}

/* A cart line of ann on SKU 1 as it is now, with what it took and gave back. */
static void cart(struct history *history, uint32_t quantity, uint32_t taken, uint32_t given)
{
    struct event_line line = {.sku_number = 1, .quantity = quantity, .moved = given};
    struct event event = {.kind = EVENT_CART_LINE_SET, .lines = &line, .line_count = 1};
    event.fact.cart = (struct fact_cart){.state = quantity > 0 ? LINE_HELD : LINE_NONE,
        .taken = taken,
        .move = given > 0 ? MOVE_GIVE : MOVE_NONE};
    event.text[TEXT_CUSTOMER] = BYTES("ann");
    happens(history, 1, &event);
}

static void a_sound_history_is_passed_over_in_silence(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    for (uint32_t i = 0; i < 12; i++)
        place(history, i % 2, i);
    happens(history, 0, sample_order_captured(&order, 4, "pay-4"));
    happens(history, 1, sample_order_cancelled(&order, 7));
    assert_sound(history);
}

static void units_sold_beyond_the_allotment_are_oversold(void **state)
{
    struct history *history = *state;
    for (uint32_t i = 0; i < 6; i++)
        place(history, i % 2, 21 * i); /* two units of SKU 1 each */
    assert_found(history, AUDIT_OVERSOLD, 1, "SKU S1: 0 held and 12 sold of an allotment of 10");
}

static void a_cart_takes_and_gives_back(void **state)
{
    struct history *history = *state;
    cart(history, 3, 3, 0);
    cart(history, 5, 2, 0);
    cart(history, 1, 0, 4);
    cart(history, 0, 0, 1);
    assert_sound(history);
}

static void units_taken_for_nobody_are_stranded(void **state)
{
    struct history *history = *state;
    cart(history, 3, 4, 0);
    assert_found(history, AUDIT_STRANDED, 1, "SKU S1: 4 units went into holds, 3 are in live ones");
}

static void units_of_a_dead_hold_that_do_not_come_back_are_stranded(void **state)
{
    struct history *history = *state;
    cart(history, 3, 3, 0);
    cart(history, 0, 0, 2);
    assert_found(history, AUDIT_STRANDED, 1, "1 units went into holds, 0 are in live ones");
}

static void a_cancel_that_restocks_nothing_is_stranded(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    place(history, 0, 3);
    struct event *event = sample_order_cancelled(&order, 3);
    event->fact.order.move = MOVE_NONE;
    happens(history, 0, event);
    assert_found(history, AUDIT_STRANDED, 1, "SKU S4: 2 units were sold, confirmed orders have 0");
}

static void an_order_placed_twice_is_duplicated(void **state)
{
    struct history *history = *state;
    place(history, 0, 3);
    place(history, 0, 3);
    assert_found(history, AUDIT_DUPLICATED, 1, "placed twice");
}

static void a_key_that_makes_two_orders_is_duplicated(void **state)
{
    struct history *history = *state;
    struct sample_order first, second;
    sample_order_placed(&first, 3, 0)->fact.order.keep_shelf_ms = 1000;
    sample_order_placed(&second, 53, 0)->text[TEXT_KEY] = BYTES("key-3"); /* the same customer */
    happens(history, 0, &first.event);
    happens(history, 0, &second.event);
    assert_found(history, AUDIT_DUPLICATED, 1, "its idempotency key has made an order before");
}

static void a_key_may_be_used_again_when_its_time_is_over(void **state)
{
    struct history *history = *state;
    struct sample_order first, second;
    sample_order_placed(&first, 3, 0)->fact.order.keep_shelf_ms = 1000;
    sample_order_placed(&second, 53, 0)->text[TEXT_KEY] = BYTES("key-3");
    second.event.fact.order.now_shelf_ms = 1000;
    happens(history, 0, &first.event);
    happens(history, 0, &second.event);
    assert_sound(history);
}

static void the_sale_leaves(struct history *history)
{
    struct event closing = {.kind = EVENT_SALE_CLOSING};
    closing.fact.removal.sale_number = SALE;
    happens(history, 0, &closing);
}

/* An order, then its key is forgotten before its time, and makes another. */
static void forget_a_key_early(struct history *history)
{
    struct sample_order first, second;
    struct hash128 hash = {7, 7};
    struct event keys = {.kind = EVENT_KEYS_FORGOTTEN, .fact.forgotten = {.count = 1}};
    keys.text[TEXT_IDS] = bytes_of(&hash, sizeof(hash));
    sample_order_placed(&first, 3, 0)->fact.order.keep_shelf_ms = 1000;
    first.event.fact.order.key_hash = hash;
    sample_order_placed(&second, 53, 0)->text[TEXT_KEY] = BYTES("key-3"); /* the same customer */
    second.event.fact.order.key_hash = hash;
    happens(history, 1, &first.event);
    happens(history, 1, &keys);
    happens(history, 1, &second.event);
}

/* I6: the journal of another shard may be read first */
static void a_key_goes_with_its_sale(void **state)
{
    struct history *history = *state;
    forget_a_key_early(history);
    the_sale_leaves(history);
    assert_sound(history);
}

static void a_key_that_goes_before_its_time_is_lost(void **state)
{
    struct history *history = *state;
    forget_a_key_early(history);
    assert_found(history, AUDIT_LOST, 1, "its idempotency key was forgotten too early");
}

static void units_held_of_a_sale_that_is_gone_are_lost(void **state)
{
    struct history *history = *state;
    cart(history, 3, 3, 0);
    the_sale_leaves(history);
    assert_found(history, AUDIT_LOST, 1, "SKU S1: its sale is removed, and customers hold 3");
}

static void an_order_without_a_beginning_is_lost(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    happens(history, 0, sample_order_captured(&order, 4, "pay-4"));
    assert_found(history, AUDIT_LOST, 1, "has events but was never placed");
}

static void a_version_left_out_is_a_gap(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    place(history, 0, 4);
    struct event *event = sample_order_captured(&order, 4, "pay-4");
    event->fact.order.version = 4;
    happens(history, 0, event);
    assert_found(history, AUDIT_GAPS, 1, "version 4 comes after 2");
}

static void a_stream_number_left_out_is_a_gap(void **state)
{
    struct history *history = *state;
    history->seq[1]++;
    place(history, 1, 4);
    assert_found(history, AUDIT_GAPS, 1, "shard 1: stream number 2 comes after 0");
}

static void a_status_that_changed_unseen_is_lost(void **state)
{
    struct history *history = *state;
    struct sample_order order;
    place(history, 0, 4);
    struct event *event = sample_order_captured(&order, 4, "pay-4");
    event->fact.order.status_before = ORDER_PENDING_PAYMENT;
    happens(history, 0, event);
    assert_found(history, AUDIT_LOST, 1, "changed its status to pending_payment is missing");
}

static void a_stock_change_left_out_is_lost(void **state)
{
    struct history *history = *state;
    struct event stock = {.kind = EVENT_STOCK_ADJUSTED, .stream_count = 1};
    stock.fact.stock = (struct fact_stock){.sku_number = 1, .delta = 5, .allotment = 17};
    happens(history, 0, &stock);
    assert_found(history, AUDIT_LOST, 1, "add up to an allotment of 15, the last one says 17");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sound_history_is_passed_over_in_silence),
        TEST(units_sold_beyond_the_allotment_are_oversold),
        TEST(a_cart_takes_and_gives_back),
        TEST(units_taken_for_nobody_are_stranded),
        TEST(units_of_a_dead_hold_that_do_not_come_back_are_stranded),
        TEST(a_cancel_that_restocks_nothing_is_stranded),
        TEST(an_order_placed_twice_is_duplicated),
        TEST(a_key_that_makes_two_orders_is_duplicated),
        TEST(a_key_may_be_used_again_when_its_time_is_over),
        TEST(a_key_goes_with_its_sale),
        TEST(a_key_that_goes_before_its_time_is_lost),
        TEST(units_held_of_a_sale_that_is_gone_are_lost),
        TEST(an_order_without_a_beginning_is_lost),
        TEST(a_version_left_out_is_a_gap),
        TEST(a_stream_number_left_out_is_a_gap),
        TEST(a_status_that_changed_unseen_is_lost),
        TEST(a_stock_change_left_out_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
