/* SPDX-License-Identifier: Apache-2.0 */
/* The crowd's own book. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "loadtest/ledger.h"

static struct basket two[] = {
    {.customer = 0, .first_line = 0, .line_count = 2, .next = BASKETS_NONE},
    {.customer = 0, .first_line = 2, .line_count = 1, .next = BASKETS_NONE},
};
static struct basket_line three[] = {{0, 5}, {1, 2}, {0, 1}};

static struct baskets make_baskets(void)
{
    struct baskets baskets = {.basket = two, .count = 2, .line = three, .line_count = 3};
    assert_int_equal(names_open(&baskets.customers, 2, 16), 0);
    assert_int_equal(names_open(&baskets.skus, 2, 16), 0);
    names_add(&baskets.customers, "ann", 3);
    names_add(&baskets.skus, "A", 1);
    names_add(&baskets.skus, "B\"", 2);
    return baskets;
}

static void order(struct ledger *ledger, uint32_t basket, const char *id, const char *status)
{
    struct purchase *purchase = &ledger->purchase[basket];
    snprintf(purchase->order_id, sizeof purchase->order_id, "%s", id);
    snprintf(purchase->status, sizeof purchase->status, "%s", status);
    snprintf(purchase->currency, sizeof purchase->currency, "GBP");
}

static void a_key_changes_with_the_try_and_not_with_the_retry(void **state)
{
    (void)state;
    struct baskets baskets = make_baskets();
    struct ledger ledger;
    char first[LEDGER_KEY_SIZE];
    char second[LEDGER_KEY_SIZE];
    assert_int_equal(ledger_open(&ledger, &baskets, "run", NULL), 0);
    ledger.purchase[1].tries = 1;
    ledger_key(&ledger, 1, first);
    ledger_key(&ledger, 1, second);
    assert_string_equal(first, second);
    assert_string_equal(first, "run:1:1");
    ledger.purchase[1].tries = 2;
    ledger_key(&ledger, 1, second);
    assert_string_equal(second, "run:1:2");
    ledger_close(&ledger);
    names_close(&baskets.customers);
    names_close(&baskets.skus);
}

static void one_order_id_for_two_baskets_is_noticed(void **state)
{
    (void)state;
    struct baskets baskets = make_baskets();
    struct ledger ledger;
    assert_int_equal(ledger_open(&ledger, &baskets, "run", NULL), 0);
    order(&ledger, 0, "order-1", "confirmed");
    order(&ledger, 1, "order-1", "confirmed");
    assert_true(ledger_acknowledge(&ledger, 0));
    assert_false(ledger_acknowledge(&ledger, 1));
    assert_int_equal(ledger_find(&ledger, "order-1"), 0);
    assert_int_equal(ledger_find(&ledger, "order-2"), BASKETS_NONE);
    ledger_close(&ledger);
    names_close(&baskets.customers);
    names_close(&baskets.skus);
}

static void only_confirmed_units_stay_sold(void **state)
{
    (void)state;
    struct baskets baskets = make_baskets();
    struct ledger ledger;
    assert_int_equal(ledger_open(&ledger, &baskets, "run", NULL), 0);
    ledger.wanted[0] = 5;
    order(&ledger, 0, "order-1", "pending_payment");
    assert_int_equal(ledger_units_sold(&ledger, 0, 0), 0);
    assert_true(ledger_acknowledge(&ledger, 0));
    assert_int_equal(ledger_units_sold(&ledger, 0, 0), 0);
    order(&ledger, 0, "order-1", "confirmed");
    assert_int_equal(ledger_units_sold(&ledger, 0, 0), 5);
    order(&ledger, 0, "order-1", "refunded");
    assert_int_equal(ledger_units_sold(&ledger, 0, 0), 0);
    ledger_close(&ledger);
    names_close(&baskets.customers);
    names_close(&baskets.skus);
}

static void an_acknowledged_order_is_one_line_of_the_log(void **state)
{
    (void)state;
    char path[] = "/tmp/hotshelf-ledger-XXXXXX";
    close(mkstemp(path));
    struct baskets baskets = make_baskets();
    struct ledger ledger;
    assert_int_equal(ledger_open(&ledger, &baskets, "run", path), 0);
    ledger.purchase[0].tries = 1;
    ledger.wanted[1] = 2;
    ledger.line[1].unit_price = 150;
    ledger.purchase[0].total = 300;
    order(&ledger, 0, "order-1", "confirmed");
    ledger_acknowledge(&ledger, 0);
    ledger_close(&ledger);
    char text[512] = "";
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    unlink(path);
    assert_string_equal(text,
        "{\"event\":\"acknowledged\",\"order_id\":\"order-1\",\"customer\":\"ann\",\"key\":\"run:0:"
        "1\","
        "\"status\":\"confirmed\",\"version\":0,\"currency\":\"GBP\",\"total\":300,"
        "\"lines\":[{\"sku\":\"B\\\"\",\"quantity\":2,\"unit_price\":150}]}\n");
    names_close(&baskets.customers);
    names_close(&baskets.skus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_changes_with_the_try_and_not_with_the_retry),
        cmocka_unit_test(one_order_id_for_two_baskets_is_noticed),
        cmocka_unit_test(only_confirmed_units_stay_sold),
        cmocka_unit_test(an_acknowledged_order_is_one_line_of_the_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
