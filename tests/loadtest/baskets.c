/* SPDX-License-Identifier: Apache-2.0 */
/* From rows of a file to baskets that a server takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <unistd.h>

#include "loadtest/baskets.h"

#define HEAD "ts,order_id,customer,line,sku,quantity,unit_price\n"

static char path[] = "/tmp/hotshelf-baskets-XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_path(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static void rows_of_one_sku_become_one_line(void **state)
{
    (void)state;
    write_file(HEAD "t1,1,ann,1,A,2,1.00\nt1,1,ann,2,B,1,1.00\nt1,1,ann,3,A,3,1.00\n");
    struct baskets baskets;
    assert_int_equal(baskets_read(&baskets, path, 0), 0);
    assert_int_equal(baskets.count, 1);
    assert_int_equal(baskets.basket[0].line_count, 2);
    assert_int_equal(baskets.line[0].quantity, 5);
    assert_string_equal(names_text(&baskets.skus, baskets.line[1].sku), "B");
    assert_int_equal(baskets.merged_count, 1);
    baskets_free(&baskets);
}

static void orders_stand_in_time_order_and_a_customer_is_chained(void **state)
{
    (void)state;
    write_file(HEAD "t2,1,ann,1,A,1,1\nt3,2,bob,1,A,2,1\nt1,3,ann,1,A,3,1\nt2,1,ann,2,B,4,1\n");
    struct baskets baskets;
    assert_int_equal(baskets_read(&baskets, path, 0), 0);
    assert_int_equal(baskets.count, 3);
    assert_int_equal(baskets.line[baskets.basket[0].first_line].quantity, 3);
    assert_int_equal(baskets.basket[0].next, 1);
    assert_int_equal(baskets.basket[1].line_count, 2);
    assert_int_equal(baskets.basket[1].next, BASKETS_NONE);
    assert_string_equal(names_text(&baskets.customers, baskets.basket[2].customer), "bob");
    baskets_free(&baskets);
}

static void a_basket_above_the_limit_of_lines_is_cut(void **state)
{
    (void)state;
    char *text = calloc(1, 64 * 1100);
    size_t room = 64 * 1100;
    size_t size = (size_t)snprintf(text, room, HEAD);
    for (int line = 0; line < 1025; line++)
        size += (size_t)snprintf(text + size, room - size, "t1,1,ann,%d,S%d,1,1\n", line, line);
    write_file(text);
    free(text);
    struct baskets baskets;
    assert_int_equal(baskets_read(&baskets, path, 0), 0);
    assert_int_equal(baskets.count, 3);
    assert_int_equal(baskets.basket[0].line_count, 512);
    assert_int_equal(baskets.basket[1].line_count, 512);
    assert_int_equal(baskets.basket[2].line_count, 1);
    assert_int_equal(baskets.basket[1].next, 2);
    assert_int_equal(baskets.split_count, 2);
    baskets_free(&baskets);
}

static void a_quantity_is_clamped_to_the_limit(void **state)
{
    (void)state;
    write_file(
        HEAD "t1,1,ann,1,A,999999,1\nt1,1,ann,2,A,2,1\nt1,1,ann,3,B,99999999999999999999,1\n");
    struct baskets baskets;
    assert_int_equal(baskets_read(&baskets, path, 0), 0);
    assert_int_equal(baskets.line[0].quantity, BASKETS_QUANTITY_MAX);
    assert_int_equal(baskets.line[1].quantity, BASKETS_QUANTITY_MAX);
    baskets_free(&baskets);
}

static void a_row_whose_sku_no_catalog_can_hold_is_left_out(void **state)
{
    (void)state;
    write_file(HEAD "t1,1,ann,1,BANK CHARGES,1,1\nt1,1,ann,2,A,2,1\nt2,2,bob,1,A/B,1,1\n");
    struct baskets baskets;
    assert_int_equal(baskets_read(&baskets, path, 0), 0);
    assert_int_equal(baskets.count, 1);
    assert_int_equal(baskets.line_count, 1);
    assert_int_equal(baskets.line[0].quantity, 2);
    baskets_free(&baskets);
}

static void only_the_first_orders_are_read_when_asked(void **state)
{
    (void)state;
    write_file(HEAD "t1,1,ann,1,A,1,1\nt2,2,bob,1,A,1,1\nt2,1,ann,2,B,1,1\n");
    struct baskets baskets;
    assert_int_equal(baskets_read(&baskets, path, 1), 0);
    assert_int_equal(baskets.count, 1);
    assert_int_equal(baskets.basket[0].line_count, 2);
    baskets_free(&baskets);
}

static void a_file_with_an_error_is_refused(void **state)
{
    (void)state;
    const char *const broken[] = {
        "",
        HEAD,
        "ts,order_id,customer,line,sku\nt1,1,ann,1,A\n",
        HEAD "t1,1,ann,1,A,0,1\n",
        HEAD "t1,1,ann,1,A,-2,1\n",
        HEAD "t1,1,ann,1,A,1.5,1\n",
        HEAD "t1,1,ann,1,A,,1\n",
        HEAD "t1,1,,1,A,1,1\n",
        HEAD "t1,1,ann,1,A,1\n",
        HEAD "t1,1,ann,1,\"A,1,1\n",
    };
    struct baskets baskets;
    for (size_t at = 0; at < sizeof broken / sizeof broken[0]; at++) {
        write_file(broken[at]);
        assert_int_equal(baskets_read(&baskets, path, 0), -1);
    }
    assert_int_equal(baskets_read(&baskets, "/nonexistent/orders.csv", 0), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_one_sku_become_one_line),
        cmocka_unit_test(orders_stand_in_time_order_and_a_customer_is_chained),
        cmocka_unit_test(a_basket_above_the_limit_of_lines_is_cut),
        cmocka_unit_test(a_quantity_is_clamped_to_the_limit),
        cmocka_unit_test(a_row_whose_sku_no_catalog_can_hold_is_left_out),
        cmocka_unit_test(only_the_first_orders_are_read_when_asked),
        cmocka_unit_test(a_file_with_an_error_is_refused),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
