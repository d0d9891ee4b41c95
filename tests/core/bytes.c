/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/bytes.h"

/* Words that overlap: nothing behind the text is written, and nothing of it left out. */
static void a_text_of_any_size_is_copied_and_no_more(void **state)
{
    enum { MARGIN = 16, SIZE_MAX_COPIED = 80 };
    (void)state;
    for (uint32_t size = 0; size <= SIZE_MAX_COPIED; size++) {
        uint8_t from[SIZE_MAX_COPIED], to[SIZE_MAX_COPIED + 2 * MARGIN];
        for (uint32_t i = 0; i < sizeof from; i++)
            from[i] = (uint8_t)(i + 1);
        memset(to, 0xff, sizeof to);
        bytes_copy(to + MARGIN, bytes_of(from, size));
        for (uint32_t i = 0; i < sizeof to; i++) {
            bool is_copied = i >= MARGIN && i < MARGIN + size;
            assert_int_equal(to[i], is_copied ? i - MARGIN + 1 : 0xff);
        }
    }
    uint8_t untouched = 0xff;
    bytes_copy(&untouched, (struct bytes){0});
    assert_int_equal(untouched, 0xff);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_of_any_size_is_copied_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
