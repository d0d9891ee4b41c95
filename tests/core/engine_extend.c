/* SPDX-License-Identifier: Apache-2.0 */
/* More time for what is held, and never more than the rules give (L6, L9, L10, W2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/core/counter.h"

static enum outcome extend(const char *who)
{
    struct command command = {
        .kind = COMMAND_CART_EXTEND, .role = ROLE_CUSTOMER, .customer = bytes_of_string(who)};
    return shop_run(&shop, &command);
}

static struct cart_line_view line_of(const char *who, uint32_t number)
{
    struct cart_view cart;
    engine_cart(shop.engines[0], customer_find(shop.engines[0], bytes_of_string(who)), &cart);
    assert_true(number < cart.line_count);
    return cart.lines[number];
}

static void policy(uint32_t max_extensions, uint32_t max_life_seconds)
{
    struct policy *now = &shop.engines[0]->policy;
    shop.policy.max_extensions = now->max_extensions = max_extensions;
    shop.policy.max_life_seconds = now->max_life_seconds = max_life_seconds;
}

/* L6, L10: from now on, once, and the reply counts down */
static void an_extension_gives_hold_seconds_from_now(void **state)
{
    (void)state;
    uint64_t begun = shop.now.shelf_ms;
    assert_int_equal(shop_cart(&shop, "ann", "S1", 1), OUTCOME_OK);
    assert_int_equal(line_of("ann", 0).extensions_left, 1);
    shop_pass(&shop, 4 * MINUTE_MS);
    assert_int_equal(extend("ann"), OUTCOME_OK);
    assert_int_equal(line_of("ann", 0).deadline_shelf_ms, begun + 14 * MINUTE_MS);
    assert_int_equal(line_of("ann", 0).extensions_left, 0);
    assert_int_equal(line_of("ann", 0).unit_price, 500);
    assert_int_equal(extend("ann"), OUTCOME_RESERVATION_EXPIRED);
    assert_string_equal(shop.answer.bound, "max_extensions");
    assert_int_equal(shop.last_event, EVENT_NONE);
    shop_pass(&shop, 10 * MINUTE_MS - 1);
    assert_stock("S1", 0, 1, 0);
    shop_pass(&shop, 1);
    assert_stock("S1", 1, 0, 0);
}

/* L6: never past created_at + max_life, and an extension that gives nothing is not used up */
static void no_extension_goes_past_the_longest_life(void **state)
{
    (void)state;
    policy(5, 15 * 60);
    uint64_t begun = shop.now.shelf_ms;
    shop_cart(&shop, "ann", "S1", 1);
    shop_pass(&shop, 9 * MINUTE_MS);
    assert_int_equal(extend("ann"), OUTCOME_OK);
    assert_int_equal(line_of("ann", 0).deadline_shelf_ms, begun + 15 * MINUTE_MS);
    assert_int_equal(line_of("ann", 0).extensions_left, 4);
    shop_pass(&shop, 2 * MINUTE_MS);
    assert_int_equal(extend("ann"), OUTCOME_RESERVATION_EXPIRED);
    assert_string_equal(shop.answer.bound, "max_life_seconds");
    assert_int_equal(line_of("ann", 0).extensions_left, 4);
    shop_pass(&shop, 4 * MINUTE_MS);
    assert_stock("S1", 1, 0, 0);
}

/* L6: a shorter hold_seconds than when it was taken never shortens a hold */
static void an_extension_never_shortens(void **state)
{
    (void)state;
    uint64_t begun = shop.now.shelf_ms;
    shop_cart(&shop, "ann", "S1", 1);
    shop.engines[0]->policy.hold_seconds = 60;
    shop_pass(&shop, MINUTE_MS);
    assert_int_equal(extend("ann"), OUTCOME_RESERVATION_EXPIRED);
    assert_string_equal(shop.answer.bound, "hold_seconds");
    assert_int_equal(line_of("ann", 0).deadline_shelf_ms, begun + 10 * MINUTE_MS);
    assert_int_equal(line_of("ann", 0).extensions_left, 1);
    shop_pass(&shop, 8 * MINUTE_MS + MINUTE_MS / 2);
    assert_int_equal(extend("ann"), OUTCOME_OK);
    assert_int_equal(line_of("ann", 0).deadline_shelf_ms, begun + 10 * MINUTE_MS + MINUTE_MS / 2);
}

/* L9: each line by the terms of its own SKU */
static void every_line_gets_the_time_of_its_sku(void **state)
{
    (void)state;
    struct product_image image = {
        .sku = BYTES("Q"),
        .title = BYTES("Quick"),
        .seller = BYTES("seller-1"),
        .stock = 1,
        .hold_seconds = 120,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = 100}},
    };
    shop_product_as(&shop, &image);
    uint64_t begun = shop.now.shelf_ms;
    shop_cart(&shop, "ann", "S1", 1);
    shop_cart(&shop, "ann", "Q", 1);
    shop_pass(&shop, MINUTE_MS);
    assert_int_equal(extend("ann"), OUTCOME_OK);
    assert_int_equal(line_of("ann", 0).deadline_shelf_ms, begun + 11 * MINUTE_MS);
    assert_int_equal(line_of("ann", 1).deadline_shelf_ms, begun + 3 * MINUTE_MS);
}

/* C6: nothing alive is 410, and a line that died is left as it is */
static void nothing_alive_is_reservation_expired(void **state)
{
    (void)state;
    assert_int_equal(extend("nobody"), OUTCOME_RESERVATION_EXPIRED);
    shop_cart(&shop, "ann", "S1", 1);
    shop_pass(&shop, MINUTE_MS);
    shop_cart(&shop, "ann", "S3", 2);
    shop_pass(&shop, 9 * MINUTE_MS);
    assert_int_equal(extend("ann"), OUTCOME_OK);
    assert_int_equal(line_of("ann", 0).state, LINE_EXPIRED);
    assert_int_equal(line_of("ann", 1).state, LINE_HELD);
    shop_pass(&shop, 10 * MINUTE_MS);
    assert_int_equal(extend("ann"), OUTCOME_RESERVATION_EXPIRED);
    assert_null(shop.answer.bound);
}

/* L2: at its deadline a hold is dead and cannot be extended any more */
static void a_hold_at_its_deadline_is_not_extended(void **state)
{
    (void)state;
    shop_cart(&shop, "ann", "S1", 1);
    shop.now.shelf_ms += 10 * MINUTE_MS;
    assert_int_equal(extend("ann"), OUTCOME_RESERVATION_EXPIRED);
    assert_stock("S1", 1, 0, 0);
}

/* W2: alive at ends_at may finish, but gets no more time */
static void a_hold_is_not_extended_once_its_sale_is_over(void **state)
{
    (void)state;
    product("E", 2, 0, 0, shop.now.wall_ms + 5 * MINUTE_MS);
    shop_cart(&shop, "ann", "E", 1);
    shop_pass(&shop, 5 * MINUTE_MS - 1);
    shop_cart(&shop, "bob", "E", 1);
    assert_int_equal(extend("bob"), OUTCOME_OK);
    shop_pass(&shop, 1);
    assert_int_equal(extend("ann"), OUTCOME_SALE_ENDED);
    assert_int_equal(line_of("ann", 0).state, LINE_HELD);
    assert_int_equal(shop_checkout_cart(&shop, "ann", "k"), OUTCOME_OK);
}

/* L6: reading never extends, and a PUT does not either (C2) */
static void reading_and_putting_never_extend(void **state)
{
    (void)state;
    struct command read = {
        .kind = COMMAND_CART_READ, .role = ROLE_CUSTOMER, .customer = BYTES("ann")};
    shop_cart(&shop, "ann", "S3", 1);
    uint64_t deadline = line_of("ann", 0).deadline_shelf_ms;
    shop_pass(&shop, MINUTE_MS);
    assert_int_equal(shop_run(&shop, &read), OUTCOME_OK);
    assert_int_equal(shop.last_event, EVENT_NONE);
    shop_cart(&shop, "ann", "S3", 2);
    assert_int_equal(line_of("ann", 0).deadline_shelf_ms, deadline);
    assert_int_equal(line_of("ann", 0).extensions_left, 1);
}

/* L7: an acknowledged extension survives a crash; C2: a change of quantity keeps it */
static void an_extension_survives_a_crash(void **state)
{
    (void)state;
    shop_cart(&shop, "ann", "S3", 1);
    shop_pass(&shop, MINUTE_MS);
    extend("ann");
    uint64_t deadline = line_of("ann", 0).deadline_shelf_ms;
    shop_reopen(&shop);
    assert_int_equal(line_of("ann", 0).deadline_shelf_ms, deadline);
    assert_int_equal(extend("ann"), OUTCOME_RESERVATION_EXPIRED);
    shop_cart(&shop, "ann", "S3", 3);
    assert_int_equal(line_of("ann", 0).deadline_shelf_ms, deadline);
    assert_int_equal(line_of("ann", 0).extensions_left, 0);
    shop_pass(&shop, 10 * MINUTE_MS);
    assert_stock("S3", 3, 0, 0);
}

/* A4: once the old end has passed, a bystander is told of the new one */
static void the_new_end_is_the_hint_of_the_next_release(void **state)
{
    (void)state;
    shop_cart(&shop, "bob", "S3", 1);
    shop_pass(&shop, MINUTE_MS);
    shop_cart(&shop, "ann", "S3", 1);
    shop_pass(&shop, 9 * MINUTE_MS);
    extend("ann");
    assert_int_equal(next_release("S3"), line_of("ann", 0).deadline_shelf_ms);
}

/* S5: near its limit the journal takes no extension */
static void a_full_journal_extends_nothing(void **state)
{
    (void)state;
    shop_cart(&shop, "ann", "S1", 1);
    shop_pass(&shop, MINUTE_MS);
    shop.now.journal_full = 1;
    assert_int_equal(extend("ann"), OUTCOME_JOURNAL_FULL);
    shop.now.journal_full = 0;
    assert_int_equal(extend("ann"), OUTCOME_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RULE(an_extension_gives_hold_seconds_from_now),
        RULE(no_extension_goes_past_the_longest_life),
        RULE(an_extension_never_shortens),
        RULE(every_line_gets_the_time_of_its_sku),
        RULE(nothing_alive_is_reservation_expired),
        RULE(a_hold_at_its_deadline_is_not_extended),
        RULE(a_hold_is_not_extended_once_its_sale_is_over),
        RULE(reading_and_putting_never_extend),
        RULE(an_extension_survives_a_crash),
        RULE(the_new_end_is_the_hint_of_the_next_release),
        RULE(a_full_journal_extends_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
