/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody probably meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/nearest.h"

static const char *nearest_of(const char *word)
{
    struct nearest nearest = nearest_to(bytes_of_string(word));
    static const char *const names[] = {"sku", "title", "price", "prices", "hold_seconds"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        nearest_offer(&nearest, names[i]);
    return nearest_name(&nearest);
}

static void one_slip_is_forgiven(void **state)
{
    (void)state;
    assert_string_equal(nearest_of("hold_second"), "hold_seconds");
    assert_string_equal(nearest_of("holdseconds"), "hold_seconds");
    assert_string_equal(nearest_of("hold_secodns"), "hold_seconds");
    assert_string_equal(nearest_of("tilte"), "title");
    assert_string_equal(nearest_of("SKU"), "sku");
    assert_string_equal(nearest_of("pricess"), "prices");
    assert_string_equal(nearest_of("prise"), "price");
}

static void what_is_far_away_is_not_proposed(void **state)
{
    (void)state;
    assert_null(nearest_of(""));
    assert_null(nearest_of("color"));
    assert_null(nearest_of("hold"));
    assert_null(nearest_of("x"));
    assert_null(nearest_of("a name of more than sixty-three bytes is never near to any of them, "
                           "however long it is"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_slip_is_forgiven),
        cmocka_unit_test(what_is_far_away_is_not_proposed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
