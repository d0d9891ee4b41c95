/* SPDX-License-Identifier: Apache-2.0 */
/* Q5, Q6: limits per card, address or device, over customers and shards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/core/counter.h"

enum { LIMIT = 3 };

static const struct hash128 card = {1, 2}, address = {3, 4}, device = {5, 6}, other_card = {7, 8};

static int open_shards(uint32_t shards, const struct capacity *capacity)
{
    shop_open(&shop, shards, capacity);
    product("L", 20, LIMIT, 0, 0);
    product("M", 20, LIMIT, 0, 0);
    product("FREE", 20, 0, 0, 0);
    return 0;
}

static int open_one(void **state)
{
    (void)state;
    return open_shards(1, &roomy);
}

static int open_three(void **state)
{
    (void)state;
    return open_shards(3, &roomy);
}

/* A checkout of some units each of one or two SKUs, under some identities. */
static enum outcome buy(const char *who, const char *sku, uint32_t quantity, const char *sku2,
    const struct hash128 *identities, uint32_t identity_count)
{
    static uint32_t keys;
    char key[16];
    (void)snprintf(key, sizeof(key), "i%u", keys++);
    struct command_item items[2] = {
        {.sku = bytes_of_string(sku), .quantity = quantity},
        {.sku = sku2 == NULL ? (struct bytes){0} : bytes_of_string(sku2), .quantity = quantity},
    };
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_SERVICE,
        .customer = bytes_of_string(who),
        .key = bytes_of_string(key),
        .items = items,
        .item_count = sku2 == NULL ? 1 : 2,
        .identities = identities,
        .identity_count = identity_count,
    };
    return shop_run(&shop, &command);
}

static enum outcome buy_by_card(const char *who, uint32_t quantity)
{
    return buy(who, "L", quantity, NULL, &card, 1);
}

static struct id last_order(void)
{
    struct id id;
    memcpy(id.bytes, shop_order_id(&shop), 16);
    return id;
}

static void one_card_counts_for_all_its_customers(void **state)
{
    (void)state;
    assert_int_equal(buy_by_card("ann", 2), OUTCOME_OK);
    assert_int_equal(buy_by_card("bob", 2), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(shop.answer.limit, LIMIT);
    assert_int_equal(shop.answer.used, 2);
    assert_stock("L", 18, 2, 0); /* Q3 */
    assert_int_equal(buy_by_card("bob", 1), OUTCOME_OK);
    assert_int_equal(buy_by_card("cid", 1), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(buy("cid", "L", LIMIT, NULL, &other_card, 1), OUTCOME_OK);
    assert_int_equal(buy("dan", "M", LIMIT, NULL, &card, 1), OUTCOME_OK);
    assert_int_equal(buy("eve", "FREE", 10, NULL, &card, 1), OUTCOME_OK);
    assert_int_equal(buy("fay", "L", LIMIT, NULL, NULL, 0), OUTCOME_OK);
}

static void the_largest_usage_counts(void **state)
{
    (void)state;
    const struct hash128 both[2] = {card, address}, all[3] = {card, address, device};
    assert_int_equal(buy("ann", "L", 1, NULL, &card, 1), OUTCOME_OK);
    assert_int_equal(buy("bob", "L", 1, NULL, both, 2), OUTCOME_OK);
    assert_int_equal(buy("cid", "L", 2, NULL, all, 3), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(shop.answer.used, 2);
    assert_int_equal(buy("cid", "L", 1, NULL, all, 3), OUTCOME_OK);
    assert_int_equal(buy("dan", "L", LIMIT, NULL, &device, 1), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(buy("dan", "L", LIMIT - 1, NULL, &device, 1), OUTCOME_OK);
}

/* V5: a checkout that is refused for whatever reason counts nothing */
static void a_refused_checkout_counts_nothing(void **state)
{
    (void)state;
    uint64_t before = claims_digest(&shop.shelf->claims);
    assert_int_equal(buy("ann", "L", 2, "NOBODY", &card, 1), OUTCOME_UNKNOWN_SKU);
    assert_true(claims_digest(&shop.shelf->claims) == before);
    product("FEW", 1, LIMIT, 0, 0);
    assert_int_equal(buy("ann", "L", 2, "FEW", &card, 1), OUTCOME_INSUFFICIENT);
    assert_int_equal(shop.answer.line_count, 1);
    assert_true(claims_digest(&shop.shelf->claims) == before);
    assert_int_equal(buy("ann", "L", LIMIT, NULL, &card, 1), OUTCOME_OK);
}

/* Q4: cancelled, restocked or not; expired; and not before it is durable */
static void what_comes_back_counts_no_more_once_it_is_durable(void **state)
{
    (void)state;
    assert_int_equal(buy_by_card("ann", LIMIT), OUTCOME_OK);
    struct id id = last_order();
    assert_int_equal(buy_by_card("bob", 1), OUTCOME_LIMIT_EXCEEDED);
    shop.settles_by_itself = false;
    assert_int_equal(shop_cancel(&shop, NULL, id.bytes, "c"), OUTCOME_OK);
    assert_int_equal(buy_by_card("bob", 1), OUTCOME_LIMIT_EXCEEDED);
    shop_settle(&shop);
    shop.settles_by_itself = true;
    assert_int_equal(buy_by_card("bob", LIMIT), OUTCOME_OK);
    shop_pass(&shop, 11 * MINUTE_MS);
    assert_int_equal(buy_by_card("cid", LIMIT), OUTCOME_OK);
    id = last_order();
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p", LIMIT * 100), OUTCOME_OK);
    assert_int_equal(cancel_units(id, "one", 1), OUTCOME_OK);
    assert_int_equal(buy_by_card("dan", 2), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(buy_by_card("dan", 1), OUTCOME_OK);
    struct command_item item = {.line = 1, .quantity = 1};
    struct command written_off = {
        .kind = COMMAND_CANCEL,
        .role = ROLE_SERVICE,
        .key = BYTES("none"),
        .items = &item,
        .item_count = 1,
        .restock_none = true,
    };
    memcpy(written_off.order_id, id.bytes, 16);
    assert_int_equal(shop_run(&shop, &written_off), OUTCOME_OK);
    assert_int_equal(buy_by_card("eve", 1), OUTCOME_OK);
    assert_int_equal(buy_by_card("fay", 1), OUTCOME_LIMIT_EXCEEDED);
}

/* P5: a late payment counts again, or the money is due back */
static void a_late_payment_counts_again(void **state)
{
    (void)state;
    assert_int_equal(buy_by_card("ann", 2), OUTCOME_OK);
    struct id first = last_order();
    assert_int_equal(buy("cid", "M", 2, NULL, &card, 1), OUTCOME_OK);
    struct id second = last_order();
    shop_pass(&shop, 11 * MINUTE_MS);
    assert_int_equal(buy_by_card("bob", 2), OUTCOME_OK);
    assert_int_equal(
        shop_pay(&shop, first.bytes, RESULT_CAPTURED, "p1", 200), OUTCOME_REFUND_REQUIRED);
    assert_int_equal(shop_pay(&shop, second.bytes, RESULT_CAPTURED, "p2", 200), OUTCOME_OK);
    assert_int_equal(buy("dan", "M", 2, NULL, &card, 1), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(buy("dan", "M", 1, NULL, &card, 1), OUTCOME_OK);
}

/* Q6: 503 and not unlimited; the slots of payments stay untouched */
static void a_full_table_refuses(void **state)
{
    (void)state;
    struct capacity narrow = roomy;
    narrow.identities = 2;
    shop_close(&shop);
    open_shards(1, &narrow);
    const struct hash128 three[3] = {card, address, device};
    assert_int_equal(buy("ann", "L", 1, NULL, three, 3), OUTCOME_CAPACITY_EXHAUSTED);
    assert_string_equal(shop.answer.bound, "identities");
    assert_int_equal(claims_used(&shop.shelf->claims), 0);
    assert_int_equal(buy("ann", "L", 1, NULL, three, 2), OUTCOME_OK);
    struct id id = last_order();
    assert_int_equal(buy("bob", "M", 1, NULL, &card, 1), OUTCOME_CAPACITY_EXHAUSTED);
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p", 100), OUTCOME_OK);
}

/* Only what has a limit counts, over orders still kept */
static void a_forgotten_order_counts_no_more(void **state)
{
    (void)state;
    assert_int_equal(buy_by_card("ann", LIMIT), OUTCOME_OK);
    struct id id = last_order();
    assert_int_equal(shop_pay(&shop, id.bytes, RESULT_CAPTURED, "p", LIMIT * 100), OUTCOME_OK);
    shop_pass(&shop, DAY_MS - 1000);
    assert_int_equal(buy_by_card("bob", 1), OUTCOME_LIMIT_EXCEEDED);
    shop_pass(&shop, DAY_MS);
    assert_int_equal(shop.engines[0]->orders.used, 0);
    assert_int_equal(claims_used(&shop.shelf->claims), 0);
    assert_int_equal(buy_by_card("bob", LIMIT), OUTCOME_OK);
}

/* After a crash exactly what is durable counts */
static void recovery_counts_what_is_durable(void **state)
{
    (void)state;
    assert_int_equal(buy_by_card("ann", 1), OUTCOME_OK);
    shop.settles_by_itself = false;
    assert_int_equal(buy_by_card("bob", 2), OUTCOME_OK);
    shop_reopen(&shop);
    shop.settles_by_itself = true;
    assert_int_equal(buy_by_card("cid", 3), OUTCOME_LIMIT_EXCEEDED);
    assert_int_equal(buy_by_card("cid", 2), OUTCOME_OK);
}

#define ONE(test) cmocka_unit_test_setup_teardown(test, open_one, check_and_close)
#define BOTH(test)                                                                                 \
    ONE(test),                                                                                     \
    {                                                                                              \
#test " on three shards", test, open_three, check_and_close, NULL                          \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(one_card_counts_for_all_its_customers),
        BOTH(the_largest_usage_counts),
        BOTH(a_refused_checkout_counts_nothing),
        BOTH(what_comes_back_counts_no_more_once_it_is_durable),
        BOTH(a_late_payment_counts_again),
        ONE(a_full_table_refuses),
        ONE(a_forgotten_order_counts_no_more),
        BOTH(recovery_counts_what_is_durable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
