/* SPDX-License-Identifier: Apache-2.0 */
/* C4, Q4, Q6: what a guest has bought counts for the customer, at the bounds of the counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/merge.h"
#include "tests/core/counter.h"

enum { COUNTERS = 2 };

static int open_few_counters(void **state)
{
    (void)state;
    struct capacity few = roomy;
    few.identities = COUNTERS;
    open_with(&few);
    product("A", 9, 2, 0, 0);
    product("B", 9, 2, 0, 0);
    product("C", 9, 2, 0, 0);
    return 0;
}

static enum outcome merge(const char *guest, const char *customer)
{
    struct command command = {
        .kind = COMMAND_CART_MERGE,
        .role = ROLE_CUSTOMER,
        .customer = bytes_of_string(customer),
        .guest_id = bytes_of_string(guest),
        .carry = shop.carry,
        .carry_size_max = sizeof(shop.carry),
    };
    return shop_run(&shop, &command);
}

/* Q6, L8: a full table is no end of the limit: the merge is refused, and nothing has changed */
static void a_merge_that_cannot_be_counted_is_refused(void **state)
{
    (void)state;
    struct id order = bought("gus", "a", "A", 1);
    bought("gus", "b", "B", 1);
    bought("gus", "c", "C", 1);
    shop_cart(&shop, "gus", "C", 1);
    uint32_t claims = claims_used(&shop.shelf->claims);
    assert_int_equal(merge("gus", "ann"), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "identities");
    assert_int_equal(counters_used(), 0);
    assert_int_equal(claims_used(&shop.shelf->claims), claims);
    assert_stock("C", 7, 2, 0);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "A", 2), OUTCOME_OK);
    assert_int_equal(shop_cancel(&shop, "gus", order.bytes, "d"), OUTCOME_OK);
    assert_int_equal(merge("gus", "ann"), OUTCOME_OK);
    assert_int_equal(counters_used(), COUNTERS);
    assert_int_equal(shop_checkout(&shop, "ann", "l", "B", 2), OUTCOME_LIMIT_EXCEEDED);
}

/* V2, Q4: the counter is free when the record that ends the order is durable, and not before */
static void a_counter_is_free_with_the_last_order_it_counts(void **state)
{
    (void)state;
    struct id first = bought("gus", "a", "A", 1), second = bought("gus", "b", "A", 1);
    assert_int_equal(merge("gus", "ann"), OUTCOME_OK);
    assert_int_equal(counters_used(), 1);
    assert_int_equal(shop_cancel(&shop, "gus", first.bytes, "c"), OUTCOME_OK);
    assert_int_equal(counters_used(), 1);
    shop.settles_by_itself = false;
    assert_int_equal(shop_cancel(&shop, "gus", second.bytes, "d"), OUTCOME_OK);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "A", 2), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(shop.answer.lines[0].used, 1);
    shop_settle(&shop);
    shop.settles_by_itself = true;
    assert_int_equal(counters_used(), 0);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "A", 2), OUTCOME_OK);
}

/* V2, Q1: a crash before the end is durable: it still counts, and then no more */
static void a_crash_keeps_what_is_still_bought(void **state)
{
    (void)state;
    struct id order = bought("gus", "a", "A", 2);
    assert_int_equal(merge("gus", "ann"), OUTCOME_OK);
    shop.settles_by_itself = false;
    assert_int_equal(shop_cancel(&shop, "gus", order.bytes, "c"), OUTCOME_OK);
    shop_reopen(&shop);
    shop.settles_by_itself = true;
    assert_int_equal(counters_used(), 1);
    assert_int_equal(shop_checkout(&shop, "ann", "k", "A", 1), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(shop_cancel(&shop, "gus", order.bytes, "c"), OUTCOME_OK);
    assert_int_equal(counters_used(), 0);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, open_few_counters, check_and_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ONE(a_merge_that_cannot_be_counted_is_refused),
        ONE(a_counter_is_free_with_the_last_order_it_counts),
        ONE(a_crash_keeps_what_is_still_bought),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
