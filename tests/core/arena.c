/* SPDX-License-Identifier: Apache-2.0 */
/* The arena hands out cache lines, adds up the bill, and stops whoever wants more than was summed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/arena.h"
#include "tests/lib/memory.h"
#include "tests/lib/stops.h"

static void what_is_taken_is_aligned_zero_and_apart(void **state)
{
    (void)state;
    struct arena arena;
    memory_open(&arena, 256);
    uint8_t *first = arena_take(&arena, "first", 3, 7);
    uint8_t *second = arena_take(&arena, "second", 1, 64);
    assert_int_equal((uintptr_t)first % 64, 0);
    assert_ptr_equal(second, first + 64);
    for (uint32_t i = 0; i < 21; i++)
        assert_int_equal(first[i], 0);
    assert_int_equal(arena.used, 128);
    memory_close(&arena);
}

static void the_same_name_again_adds_to_its_line_of_the_bill(void **state)
{
    (void)state;
    struct arena arena;
    memory_open(&arena, 1024);
    arena_take(&arena, "holds", 2, 48);
    arena_take(&arena, "orders", 1, 100);
    arena_take(&arena, "holds", 3, 48);
    assert_int_equal(arena.line_count, 2);
    assert_string_equal(arena.lines[0].name, "holds");
    assert_int_equal(arena.lines[0].count, 5);
    assert_int_equal(arena.lines[0].item_size, 48);
    assert_int_equal(arena.lines[0].bytes, 128 + 192);
    assert_int_equal(arena.lines[1].bytes, 128);
    assert_int_equal(arena.lines[0].bytes + arena.lines[1].bytes, arena.used);
    memory_close(&arena);
}

static void the_last_byte_can_be_taken_and_not_one_more(void **state)
{
    (void)state;
    struct arena arena;
    memory_open(&arena, 128);
    STOPS(arena_take(&arena, "too much", 129, 1));
    STOPS(arena_take(&arena, "overflows", UINT64_MAX / 2, 16));
    STOPS(arena_take(&arena, "nothing", 0, 8));
    assert_non_null(arena_take(&arena, "all", 128, 1));
    STOPS(arena_take(&arena, "one more", 1, 1));
    memory_close(&arena);
}

static void taking_after_the_seal_stops_the_process(void **state)
{
    (void)state;
    struct arena arena;
    memory_open(&arena, 128);
    arena_seal(&arena);
    STOPS(arena_take(&arena, "late", 1, 1));
    STOPS(arena_seal(&arena));
    memory_close(&arena);
}

static void a_base_that_is_not_aligned_stops_the_process(void **state)
{
    (void)state;
    _Alignas(64) uint8_t memory[128] = {0};
    struct arena arena;
    STOPS(arena_init(&arena, memory + 8, 64));
    arena_init(&arena, memory, 64);
    assert_int_equal(arena.size, 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_taken_is_aligned_zero_and_apart),
        cmocka_unit_test(the_same_name_again_adds_to_its_line_of_the_bill),
        cmocka_unit_test(the_last_byte_can_be_taken_and_not_one_more),
        cmocka_unit_test(taking_after_the_seal_stops_the_process),
        cmocka_unit_test(a_base_that_is_not_aligned_stops_the_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
