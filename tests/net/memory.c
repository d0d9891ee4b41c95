/* SPDX-License-Identifier: Apache-2.0 */
/* Memory is measured for nothing, taken whole, and resident from the start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "net/memory.h"

enum { MIB = 1 << 20, ERROR_SIZE = 256 };

static void measuring_costs_no_memory(void **state)
{
    (void)state;
    struct memory memory;
    char error[ERROR_SIZE];
    uint64_t before = memory_resident();
    assert_int_equal(memory_measure(&memory, error, sizeof error), 0);
    assert_true(memory.size > (uint64_t)64 << 30);
    memory.base[memory.size / 2] = 1;
    assert_int_equal(memory.base[memory.size / 2 + 1], 0);
    assert_true(memory_resident() < before + 4 * (uint64_t)MIB);
    memory_give(&memory);
}

static void what_is_taken_is_resident_at_once_and_zero(void **state)
{
    (void)state;
    struct memory memory;
    char error[ERROR_SIZE];
    uint64_t before = memory_resident();
    assert_int_equal(memory_take(&memory, 50 * MIB + 1, error, sizeof error), 0);
    assert_true(memory.size >= 50 * MIB + 1);
    assert_true(memory_resident() >= before + 50 * MIB);
    uint64_t taken = memory_resident();
    for (uint64_t at = 0; at < memory.size; at += 4096)
        assert_int_equal(memory.base[at], 0);
    for (uint64_t at = 0; at < memory.size; at += 512)
        memory.base[at] = 0xff;
    assert_true(memory_resident() <= taken + MIB);
    memory_give(&memory);
    assert_true(memory_resident() < taken);
}

static void more_than_there_is_is_told_with_the_remedy(void **state)
{
    (void)state;
    struct memory memory;
    char error[ERROR_SIZE] = "";
    assert_int_not_equal(memory_take(&memory, UINT64_C(1) << 50, error, sizeof error), 0);
    assert_non_null(strstr(error, "[capacity]"));
    assert_null(memory.base);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(measuring_costs_no_memory),
        cmocka_unit_test(what_is_taken_is_resident_at_once_and_zero),
        cmocka_unit_test(more_than_there_is_is_told_with_the_remedy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
