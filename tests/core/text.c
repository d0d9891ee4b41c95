/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of every length come back as they were put, and their blocks come back all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/text.h"
#include "tests/lib/dice.h"
#include "tests/lib/memory.h"
#include "tests/lib/stops.h"

enum { BLOCKS = 40, SIZE_MAX_HERE = 200 };

struct fixture {
    struct arena arena;
    struct text_pool pool;
    uint8_t letters[SIZE_MAX_HERE];
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    memory_open(&f->arena, 4096);
    text_pool_init(&f->pool, &f->arena, "texts", BLOCKS * TEXT_BLOCK_SIZE);
    for (uint32_t i = 0; i < SIZE_MAX_HERE; i++)
        f->letters[i] = (uint8_t)('a' + i % 26);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    memory_close(&f->arena);
    free(f);
    return 0;
}

static void blocks_are_counted_at_their_edges(void **state)
{
    (void)state;
    assert_int_equal(text_blocks(0), 0);
    assert_int_equal(text_blocks(1), 1);
    assert_int_equal(text_blocks(28), 1);
    assert_int_equal(text_blocks(29), 2);
    assert_int_equal(text_blocks(56), 2);
    assert_int_equal(text_blocks(57), 3);
    assert_int_equal(text_blocks(UINT32_MAX), UINT32_MAX / 28 + 1);
}

static void a_text_of_any_length_comes_back_as_it_was(void **state)
{
    struct fixture *f = *state;
    for (uint32_t size = 0; size <= SIZE_MAX_HERE; size++) {
        struct text text = text_put(&f->pool, bytes_of(f->letters, size));
        assert_int_equal(text.size, size);
        assert_int_equal(BLOCKS - text_room(&f->pool), text_blocks(size));
        uint8_t out[SIZE_MAX_HERE + 1];
        out[size] = '!';
        assert_int_equal(text_copy(&f->pool, text, out), size);
        assert_memory_equal(out, f->letters, size);
        assert_int_equal(out[size], '!');
        text_give(&f->pool, &text);
        assert_int_equal(text.first, 0);
        assert_int_equal(text.size, 0);
        assert_int_equal(text_room(&f->pool), BLOCKS);
        text_check(&f->pool);
    }
}

static void only_the_same_bytes_are_equal(void **state)
{
    struct fixture *f = *state;
    uint8_t other[60];
    memcpy(other, f->letters, sizeof other);
    struct text text = text_put(&f->pool, bytes_of(f->letters, sizeof other));
    assert_true(text_equal(&f->pool, text, bytes_of(other, sizeof other)));
    assert_false(text_equal(&f->pool, text, bytes_of(other, sizeof other - 1)));
    for (uint32_t i = 0; i < sizeof other; i++) {
        other[i] ^= 1;
        assert_false(text_equal(&f->pool, text, bytes_of(other, sizeof other)));
        other[i] ^= 1;
    }
    assert_true(text_equal(&f->pool, (struct text){0}, BYTES("")));
    assert_false(text_equal(&f->pool, (struct text){0}, BYTES("x")));
}

static void a_full_pool_takes_no_more_and_an_empty_text_needs_no_room(void **state)
{
    struct fixture *f = *state;
    struct text all[BLOCKS];
    for (uint32_t i = 0; i < BLOCKS; i++)
        all[i] = text_put(&f->pool, bytes_of(f->letters + i, 28));
    assert_int_equal(text_room(&f->pool), 0);
    STOPS(text_put(&f->pool, BYTES("x")));
    struct text empty = text_put(&f->pool, BYTES(""));
    text_give(&f->pool, &empty);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        assert_true(text_equal(&f->pool, all[i], bytes_of(f->letters + i, 28)));
        text_give(&f->pool, &all[i]);
    }
    text_check(&f->pool);
}

static void a_text_whose_size_and_chain_disagree_stops_the_process(void **state)
{
    struct fixture *f = *state;
    struct text text = text_put(&f->pool, bytes_of(f->letters, 60));
    struct text shorter = {.first = text.first, .size = 28};
    struct text longer = {.first = text.first, .size = 100};
    STOPS(text_give(&f->pool, &shorter));
    STOPS(text_give(&f->pool, &longer));
    uint8_t out[100];
    STOPS(text_copy(&f->pool, shorter, out));
    text_give(&f->pool, &text);
}

static void random_texts_share_the_pool_without_mixing(void **state)
{
    struct fixture *f = *state;
    struct dice dice = dice_seeded("text");
    struct text texts[16] = {{0}};
    uint32_t from[16] = {0};
    for (uint32_t step = 0; step < 20000; step++) {
        uint32_t i = dice_below(&dice, 16);
        if (texts[i].size != 0) {
            assert_true(
                text_equal(&f->pool, texts[i], bytes_of(f->letters + from[i], texts[i].size)));
            text_give(&f->pool, &texts[i]);
        }
        from[i] = dice_below(&dice, 26);
        uint32_t size = dice_below(&dice, SIZE_MAX_HERE - 26);
        if (text_blocks(size) <= text_room(&f->pool))
            texts[i] = text_put(&f->pool, bytes_of(f->letters + from[i], size));
        if (step % 64 == 0)
            text_check(&f->pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_counted_at_their_edges),
        cmocka_unit_test_setup_teardown(
            a_text_of_any_length_comes_back_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_the_same_bytes_are_equal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_full_pool_takes_no_more_and_an_empty_text_needs_no_room, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_text_whose_size_and_chain_disagree_stops_the_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            random_texts_share_the_pool_without_mixing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
