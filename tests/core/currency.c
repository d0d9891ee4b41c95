/* SPDX-License-Identifier: Apache-2.0 */
/* Currencies and exact amounts (M1, M2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "core/currency.h"

static int32_t exponent_of(const char *text)
{
    uint8_t code[4] = {1, 2, 3, 4};
    if (!currency_find(bytes_of_string(text), code))
        return -1;
    assert_memory_equal(code, text, 4);
    return currency_exponent(code);
}

static void currencies_have_their_digits(void **state)
{
    (void)state;
    assert_int_equal(exponent_of("USD"), 2);
    assert_int_equal(exponent_of("GBP"), 2);
    assert_int_equal(exponent_of("JPY"), 0);
    assert_int_equal(exponent_of("KRW"), 0);
    assert_int_equal(exponent_of("KWD"), 3);
    assert_int_equal(exponent_of("CLF"), 4);
    assert_int_equal(exponent_of("AED"), 2); /* the first of the table */
    assert_int_equal(exponent_of("ZWG"), 2); /* the last */
}

static void what_is_no_currency_is_not_found(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", "US", "USDX", "usd", "AAA", "ZZZ", "XAU", "XXX", "DEM", "D2A", "ED2"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(exponent_of(texts[i]), -1);
}

/* Halving the table finds an entry only where all stand in order; so find every one of them. */
static void every_code_of_three_letters_is_found_or_not(void **state)
{
    (void)state;
    uint32_t count = 0;
    char text[4] = "AAA";
    for (text[0] = 'A'; text[0] <= 'Z'; text[0]++)
        for (text[1] = 'A'; text[1] <= 'Z'; text[1]++)
            for (text[2] = 'A'; text[2] <= 'Z'; text[2]++)
                count += exponent_of(text) >= 0;
    assert_int_equal(count, 166);
}

static void assert_amount(
    const char *currency, const char *text, enum currency_amount answer, int64_t wanted)
{
    int64_t amount = -7;
    uint8_t code[4];
    assert_true(currency_find(bytes_of_string(currency), code));
    assert_int_equal(currency_amount_read(bytes_of_string(text), code, &amount), answer);
    assert_true(amount == (answer == CURRENCY_AMOUNT_READ ? wanted : -7));
}

static void decimals_are_read_exactly(void **state)
{
    (void)state;
    assert_amount("USD", "45.00", CURRENCY_AMOUNT_READ, 4500);
    assert_amount("USD", "45", CURRENCY_AMOUNT_READ, 4500);
    assert_amount("USD", "45.5", CURRENCY_AMOUNT_READ, 4550);
    assert_amount("USD", "0.29", CURRENCY_AMOUNT_READ, 29);
    assert_amount("USD", "0", CURRENCY_AMOUNT_READ, 0);
    assert_amount("USD", "007.01", CURRENCY_AMOUNT_READ, 701);
    assert_amount("JPY", "1800", CURRENCY_AMOUNT_READ, 1800);
    assert_amount("KWD", "1.2", CURRENCY_AMOUNT_READ, 1200);
    assert_amount("USD", "92233720368547758.07", CURRENCY_AMOUNT_READ, INT64_MAX);
}

static void other_decimals_are_refused(void **state)
{
    (void)state;
    assert_amount("USD", "45.001", CURRENCY_AMOUNT_TOO_FINE, 0);
    assert_amount("USD", "45.000", CURRENCY_AMOUNT_TOO_FINE, 0);
    assert_amount("JPY", "1800.0", CURRENCY_AMOUNT_TOO_FINE, 0);
    assert_amount("USD", "92233720368547758.08", CURRENCY_AMOUNT_TOO_LARGE, 0);
    assert_amount("USD", "92233720368547759", CURRENCY_AMOUNT_TOO_LARGE, 0);
    assert_amount("USD", "99999999999999999999999", CURRENCY_AMOUNT_TOO_LARGE, 0);
    static const char *const texts[] = {"", ".", ".5", "5.", "-1", "+1", "1,00", "1.000,00", "1e2",
        "0x1", " 1", "1 ", "$1", "1.0.0", "NaN", "\xd9\xa3"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_amount("USD", texts[i], CURRENCY_AMOUNT_MALFORMED, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(currencies_have_their_digits),
        cmocka_unit_test(what_is_no_currency_is_not_found),
        cmocka_unit_test(every_code_of_three_letters_is_found_or_not),
        cmocka_unit_test(decimals_are_read_exactly),
        cmocka_unit_test(other_decimals_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
