/* SPDX-License-Identifier: Apache-2.0 */
/* The merchant's catalog: what a row becomes, and what is said of one that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/http/catalog_csv.h"

#define HEADER "sku,title,category,seller,price,currency,stock"

static struct catalog_csv catalog;
static uint8_t row[CATALOG_ROW_SIZE_MAX];

static void open_text(const char *text)
{
    catalog_csv_open(&catalog, row);
    catalog_csv_feed(&catalog, bytes_of_string(text));
    catalog_csv_finish(&catalog);
}

/* All rows and faults of a text: "line sku" and "line column: reason". */
static const char *read_all(const char *text)
{
    static char said[4096];
    size_t size = 0;
    said[0] = 0;
    open_text(text);
    for (;;) {
        enum catalog_answer answer = catalog_csv_next(&catalog);
        assert_int_not_equal(answer, CATALOG_MORE);
        if (answer == CATALOG_END)
            return said;
        if (answer == CATALOG_ROW) {
            size += (size_t)snprintf(said + size, sizeof said - size, "%u %.*s\n", catalog.line,
                (int)catalog.product.sku.size, catalog.product.sku.data);
            continue;
        }
        assert_int_not_equal(catalog.fault_count, 0);
        for (uint32_t i = 0; i < catalog.fault_count; i++)
            size += (size_t)snprintf(said + size, sizeof said - size, "%u %s: %s\n",
                catalog.faults[i].line, catalog.faults[i].column, catalog.faults[i].reason);
    }
}

static void assert_bytes(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
}

static void a_full_row_becomes_a_product(void **state)
{
    (void)state;
    open_text("\xef\xbb\xbfstock,currency,price,seller,category,title,sku,group,option,image,"
              "max_per_customer,sale,starts_at,ends_at,reserve_on,hold_seconds,prices\r\n"
              "4294967295,USD,45.00,acme,shoes,\"Caf\xc3\xa9 \"\"Runner\"\", 42\",A@1.x,runner,"
              "\"size 42, blue\",https://x/y.png,2,drop-1,2026-11-27T09:00:00+01:00,"
              "2026-11-28T00:00:00Z,cart,120,EUR:41.50;JPY:6800;KWD:13.800\r\n");
    assert_int_equal(catalog_csv_next(&catalog), CATALOG_ROW);
    const struct product_image *product = &catalog.product;
    assert_bytes(product->sku, "A@1.x");
    assert_bytes(product->title, "Caf\xc3\xa9 \"Runner\", 42");
    assert_bytes(product->category, "shoes");
    assert_bytes(product->seller, "acme");
    assert_bytes(product->group, "runner");
    assert_bytes(product->option, "size 42, blue");
    assert_bytes(product->image, "https://x/y.png");
    assert_bytes(product->sale, "drop-1");
    assert_int_equal(product->stock, 4294967295);
    assert_int_equal(product->max_per_customer, 2);
    assert_int_equal(product->hold_seconds, 120);
    assert_int_equal(product->reserve_on, RESERVE_CART);
    assert_true(product->starts_wall_ms == 1795766400000);
    assert_true(product->ends_wall_ms == 1795824000000);
    static const struct {
        const char *currency;
        int64_t amount;
    } prices[] = {{"USD", 4500}, {"EUR", 4150}, {"JPY", 6800}, {"KWD", 13800}};
    assert_int_equal(product->price_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_memory_equal(product->prices[i].currency, prices[i].currency, 4);
        assert_true(product->prices[i].amount == prices[i].amount);
    }
    assert_int_equal(catalog_csv_next(&catalog), CATALOG_END);
    assert_int_equal(catalog_csv_next(&catalog), CATALOG_END);
}

static void optional_values_may_be_left_out(void **state)
{
    (void)state;
    open_text(HEADER ",max_per_customer,prices,starts_at,reserve_on\n"
                     "1,\"Two\nlines\",c,s,1800,JPY,0,,,,\n");
    assert_int_equal(catalog_csv_next(&catalog), CATALOG_ROW);
    assert_int_equal(catalog.product.price_count, 1);
    assert_int_equal(catalog.product.prices[0].amount, 1800);
    assert_int_equal(catalog.product.stock, 0);
    assert_int_equal(catalog.product.max_per_customer, 0);
    assert_int_equal(catalog.product.reserve_on, RESERVE_UNSET);
    assert_int_equal(catalog.product.starts_wall_ms, 0);
    assert_int_equal(catalog.product.group.size, 0);
    assert_true((catalog.columns >> CATALOG_PRICES & 1) != 0);
    assert_true((catalog.columns >> CATALOG_IMAGE & 1) == 0);
}

static void a_wrong_header_ends_the_file(void **state)
{
    (void)state;
    assert_string_equal(read_all("sku,titel,category,seller,price,currency,stok\n1,2,3,4,5,6,7\n"),
        "1 titel: unknown column; did you mean title?\n"
        "1 stok: unknown column; did you mean stock?\n"
        "1 title: the column is required\n1 stock: the column is required\n");
    assert_string_equal(read_all("\n" HEADER ",color,sku\n"),
        "2 color: unknown column\n2 sku: the column stands there twice\n");
    assert_string_equal(
        read_all(""), "1 : the file is empty; its first line must name the columns\n");
    assert_string_equal(read_all(HEADER "\n"), "");
}

static void all_faults_of_a_row_are_named_and_the_next_is_read(void **state)
{
    (void)state;
    assert_string_equal(read_all(HEADER "\n"
                                        "a b,,c,,1.234,USD,-1\n"
                                        "ok,t,c,s,1.23,USD,1\n"
                                        "few,t\n"
                                        "a/b,\xff,c,s,x,EURO,1.5\n"
                                        "ok2,t,c,s,1,USD,1\n"),
        "2 sku: must be 1 to 63 printable ASCII characters without space, quote, comma or slash\n"
        "2 title: must be UTF-8 of 1 to 255 bytes\n"
        "2 seller: must be UTF-8 of 1 to 63 bytes without control characters\n"
        "2 price: has more than the 2 digits behind the point that USD has\n"
        "2 stock: must be a whole number from 0 to 4294967295\n"
        "3 ok\n"
        "4 : the row has 2 fields, the header has 7\n"
        "5 sku: must be 1 to 63 printable ASCII characters without space, quote, comma or slash\n"
        "5 title: must be UTF-8 of 1 to 255 bytes\n"
        "5 currency: is no ISO 4217 currency code\n"
        "5 stock: must be a whole number from 0 to 4294967295\n"
        "6 ok2\n");
}

/* One row with `value` in one optional column: what is said of it. */
static const char *fault_of(const char *column, const char *value)
{
    char text[512];
    snprintf(text, sizeof text, HEADER ",%s\n1,t,c,s,1.00,USD,1,%s\n", column, value);
    const char *said = read_all(text);
    const char *colon = strstr(said, ": ");
    return colon == NULL ? said : colon + 2;
}

static void optional_values_are_judged(void **state)
{
    (void)state;
    assert_string_equal(fault_of("prices", "EUR:1.00;GBP:2"), "2 1\n");
    assert_string_equal(fault_of("prices", "EUR:1.00;"), "2 1\n");
    assert_string_equal(fault_of("prices", "EUR=1"), "must look like USD:12.99;JPY:1800\n");
    assert_string_equal(fault_of("prices", "EUR:1;;GBP:1"), "must look like USD:12.99;JPY:1800\n");
    assert_string_equal(fault_of("prices", "USD:1.00"), "names a currency twice\n");
    assert_string_equal(fault_of("prices", "EUR:1;EUR:1"), "names a currency twice\n");
    assert_string_equal(fault_of("prices", "ABC:1"), "is no ISO 4217 currency code\n");
    assert_string_equal(fault_of("prices", "JPY:1.5"),
        "has more than the 0 digits behind the point that JPY has\n");
    assert_string_equal(
        fault_of("prices", "EUR:-1"), "must be a decimal such as 45.00, without sign or unit\n");
    assert_string_equal(fault_of("prices", "EUR:99999999999999999999"), "is too large\n");
    assert_string_equal(fault_of("prices", "EUR:1;GBP:1;JPY:1;CHF:1;SEK:1;NOK:1;DKK:1;PLN:1"),
        "has too many currencies\n");
    assert_string_equal(fault_of("max_per_customer", "0"),
        "must be a whole number from 1 to 4294967295, or empty\n");
    assert_string_equal(
        fault_of("hold_seconds", "86401"), "must be a whole number from 1 to 86400, or empty\n");
    assert_string_equal(fault_of("reserve_on", "never"), "must be cart, checkout or empty\n");
    assert_string_equal(fault_of("starts_at", "2026-11-27T09:00:00"),
        "must be a time with offset, as 2026-11-27T09:00:00+01:00\n");
    assert_string_equal(fault_of("starts_at,ends_at", "2026-11-27T09:00:00Z,2026-11-27T09:00:00Z"),
        "must be later than starts_at\n");
    assert_string_equal(fault_of("ends_at", "2026-11-27T09:00:00Z"), "2 1\n");
}

static void a_broken_file_ends_with_its_fault(void **state)
{
    (void)state;
    assert_string_equal(
        read_all(HEADER "\n1,t,c,s,1,USD,1\n2,\"t\"x,c,s,1,USD,1\n3,t,c,s,1,USD,1\n"),
        "2 1\n3 : text behind a closing quote (at byte 6 of the line)\n");
}

static void skus_have_their_rule(void **state)
{
    (void)state;
    assert_true(catalog_sku_is_valid(BYTES("A")));
    assert_true(catalog_sku_is_valid(BYTES("~!#$%&'()*+-.:;<=>?@[]^_`{|}\\")));
    static const char *const wrong[] = {
        "", " ", "a b", "a\"", "a,b", "a/b", "a\n", "\x7f", "\xc3\xa9"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(catalog_sku_is_valid(bytes_of_string(wrong[i])));
    char longest[64];
    memset(longest, 'x', sizeof longest);
    assert_true(catalog_sku_is_valid(bytes_of(longest, 63)));
    assert_false(catalog_sku_is_valid(bytes_of(longest, 64)));
}

/* Texts are looked at in blocks, the last of which overlaps what has been seen. */
static void every_byte_of_a_sku_is_looked_at(void **state)
{
    (void)state;
    for (uint32_t size = 1; size <= SKU_SIZE_MAX; size++) {
        uint8_t sku[SKU_SIZE_MAX];
        memset(sku, 'x', sizeof sku);
        for (uint32_t at = 0; at < size; at++) {
            for (uint32_t byte = 0; byte < 256; byte++) {
                bool may_stand =
                    byte > ' ' && byte < 0x7f && byte != '"' && byte != ',' && byte != '/';
                sku[at] = (uint8_t)byte;
                assert_int_equal(catalog_sku_is_valid(bytes_of(sku, size)), may_stand);
            }
            sku[at] = 'x';
        }
    }
}

/* Fed byte by byte, a catalog gives the same rows. */
static void pieces_of_any_size_give_the_same_rows(void **state)
{
    (void)state;
    static const char text[] = HEADER "\n1,\"t, u\",c,s,1.50,USD,1\n2,\"t\",c,s,2,EUR,9\n";
    int64_t amounts = 0;
    uint32_t rows = 0;
    catalog_csv_open(&catalog, row);
    for (uint32_t i = 0; i < sizeof text - 1; i++) {
        catalog_csv_feed(&catalog, bytes_of(text + i, 1));
        enum catalog_answer answer;
        while ((answer = catalog_csv_next(&catalog)) != CATALOG_MORE) {
            assert_int_equal(answer, CATALOG_ROW);
            amounts += catalog.product.prices[0].amount;
            rows++;
        }
    }
    assert_int_equal(rows, 2);
    assert_int_equal(amounts, 350);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_full_row_becomes_a_product),
        cmocka_unit_test(optional_values_may_be_left_out),
        cmocka_unit_test(a_wrong_header_ends_the_file),
        cmocka_unit_test(all_faults_of_a_row_are_named_and_the_next_is_read),
        cmocka_unit_test(optional_values_are_judged),
        cmocka_unit_test(a_broken_file_ends_with_its_fault),
        cmocka_unit_test(skus_have_their_rule),
        cmocka_unit_test(every_byte_of_a_sku_is_looked_at),
        cmocka_unit_test(pieces_of_any_size_give_the_same_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
