/* SPDX-License-Identifier: Apache-2.0 */
/* A key has one owner, pending until durable; full is an answer; nothing is ever lost (P4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/claims.h"
#include "tests/lib/dice.h"
#include "tests/lib/memory.h"
#include "tests/lib/stops.h"

enum { CAPACITY = 24, KEYS = 40, COUNTS = 3 };

struct fixture {
    struct arena arena;
    struct claims claims;
    struct claims counters; /* few of them */
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    memory_open(&f->arena, 4096);
    claims_init(&f->claims, &f->arena, CAPACITY, 0);
    claims_init(&f->counters, &f->arena, 1, COUNTS);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    claims_check(&f->claims);
    memory_close(&f->arena);
    free(f);
    return 0;
}

/* Only eight buckets are used, so that chains are long. */
static struct hash128 key_of(uint32_t i)
{
    return (struct hash128){.low = i % 8 + 1000 * (uint64_t)i * 32, .high = i};
}

static void a_key_belongs_to_who_took_it_first(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(claims_take(&f->claims, key_of(1), 11), CLAIM_TAKEN);
    assert_int_equal(claims_take(&f->claims, key_of(1), 11), CLAIM_OWN);
    assert_int_equal(claims_take(&f->claims, key_of(1), 12), CLAIM_OTHER_PENDING);
    claims_settle(&f->claims, key_of(1), 11);
    assert_int_equal(claims_take(&f->claims, key_of(1), 12), CLAIM_OTHER);
    assert_int_equal(claims_take(&f->claims, key_of(1), 11), CLAIM_OWN);
    assert_int_equal(claims_used(&f->claims), 1);
}

static void find_tells_owner_and_durability_and_takes_nothing(void **state)
{
    struct fixture *f = *state;
    uint64_t owner = 0;
    bool is_durable = true;
    assert_false(claims_find(&f->claims, key_of(1), &owner, &is_durable));
    claims_take(&f->claims, key_of(1), 11);
    assert_true(claims_find(&f->claims, key_of(1), &owner, &is_durable));
    assert_int_equal(owner, 11);
    assert_false(is_durable);
    claims_settle(&f->claims, key_of(1), 11);
    assert_true(claims_find(&f->claims, key_of(1), &owner, &is_durable));
    assert_true(is_durable);
    assert_false(claims_find(&f->claims, key_of(9), &owner, &is_durable)); /* the same bucket */
}

static void a_dropped_key_is_free_for_another(void **state)
{
    struct fixture *f = *state;
    claims_take(&f->claims, key_of(1), 11);
    claims_drop(&f->claims, key_of(1), 11);
    assert_int_equal(claims_used(&f->claims), 0);
    assert_int_equal(claims_take(&f->claims, key_of(1), 12), CLAIM_TAKEN);
    claims_settle(&f->claims, key_of(1), 12);
    claims_drop(&f->claims, key_of(1), 12);
    assert_int_equal(claims_take(&f->claims, key_of(1), 11), CLAIM_TAKEN);
    assert_int_equal(claims_take(&f->claims, key_of(1), 12), CLAIM_OTHER_PENDING);
}

static void full_is_exactly_the_capacity_and_known_keys_still_answer(void **state)
{
    struct fixture *f = *state;
    for (uint32_t i = 0; i < CAPACITY; i++)
        assert_int_equal(claims_take(&f->claims, key_of(i), 1 + i), CLAIM_TAKEN);
    assert_int_equal(claims_take(&f->claims, key_of(CAPACITY), 1), CLAIM_FULL);
    assert_int_equal(claims_used(&f->claims), CAPACITY);
    assert_int_equal(claims_take(&f->claims, key_of(5), 6), CLAIM_OWN);
    assert_int_equal(claims_take(&f->claims, key_of(5), 7), CLAIM_OTHER_PENDING);
    claims_drop(&f->claims, key_of(5), 6);
    assert_int_equal(claims_take(&f->claims, key_of(CAPACITY), 1), CLAIM_TAKEN);
}

static void keys_that_share_half_their_bits_are_different_keys(void **state)
{
    struct fixture *f = *state;
    claims_take(&f->claims, (struct hash128){.low = 1, .high = 2}, 11);
    assert_int_equal(
        claims_take(&f->claims, (struct hash128){.low = 1, .high = 3}, 12), CLAIM_TAKEN);
    assert_int_equal(
        claims_take(&f->claims, (struct hash128){.low = 33, .high = 2}, 13), CLAIM_TAKEN);
}

static void the_largest_owner_is_63_bits(void **state)
{
    struct fixture *f = *state;
    uint64_t owner = 0;
    bool is_durable = true;
    assert_int_equal(claims_take(&f->claims, key_of(1), UINT64_MAX >> 1), CLAIM_TAKEN);
    assert_true(claims_find(&f->claims, key_of(1), &owner, &is_durable));
    assert_true(owner == UINT64_MAX >> 1);
    assert_false(is_durable);
    STOPS(claims_take(&f->claims, key_of(2), UINT64_C(1) << 63));
}

static void settling_or_dropping_what_is_anothers_stops_the_process(void **state)
{
    struct fixture *f = *state;
    claims_take(&f->claims, key_of(1), 11);
    STOPS(claims_settle(&f->claims, key_of(1), 12));
    STOPS(claims_drop(&f->claims, key_of(1), 12));
    STOPS(claims_settle(&f->claims, key_of(2), 11));
    STOPS(claims_drop(&f->claims, key_of(2), 11));
}

static void the_check_notices_a_lost_entry(void **state)
{
    struct fixture *f = *state;
    claims_take(&f->claims, key_of(1), 11);
    uint32_t head = f->claims.buckets[1].head;
    assert_int_not_equal(head, 0);
    f->claims.buckets[1].head = 0;
    STOPS(claims_check(&f->claims));
    f->claims.buckets[1].head = head;
}

static void random_claims_agree_with_a_plain_array(void **state)
{
    struct fixture *f = *state;
    struct dice dice = dice_seeded("claims");
    uint64_t owners[KEYS] = {0};
    bool durable[KEYS] = {false};
    uint32_t used = 0;
    for (uint32_t step = 0; step < 50000; step++) {
        uint32_t i = dice_below(&dice, KEYS);
        uint64_t owner = 1 + dice_below(&dice, 3);
        if (owners[i] != 0 && dice_below(&dice, 3) == 0) {
            claims_drop(&f->claims, key_of(i), owners[i]);
            owners[i] = 0, durable[i] = false, used--;
        } else if (owners[i] != 0 && dice_below(&dice, 3) == 0) {
            claims_settle(&f->claims, key_of(i), owners[i]);
            durable[i] = true;
        } else {
            enum claim_answer wanted = owners[i] == owner ? CLAIM_OWN
                                       : durable[i]       ? CLAIM_OTHER
                                       : owners[i] != 0   ? CLAIM_OTHER_PENDING
                                       : used == CAPACITY ? CLAIM_FULL
                                                          : CLAIM_TAKEN;
            assert_int_equal(claims_take(&f->claims, key_of(i), owner), wanted);
            if (wanted == CLAIM_TAKEN)
                owners[i] = owner, used++;
        }
        uint64_t found = 0;
        bool is_durable = false;
        bool is_found = claims_find(&f->claims, key_of(i), &found, &is_durable);
        assert_int_equal(is_found, owners[i] != 0);
        assert_int_equal(found, owners[i]);
        assert_int_equal(is_durable, durable[i]);
        assert_int_equal(claims_used(&f->claims), used);
        if (step % 64 == 0)
            claims_check(&f->claims);
    }
}

/* Q5: within the bound, and what was there is told; Q6: full is an answer */
static void a_counter_counts_within_its_bound(void **state)
{
    struct fixture *f = *state;
    uint64_t used = 99;
    assert_int_equal(claims_count_take(&f->counters, key_of(1), 2, 3, &used), COUNT_TAKEN);
    assert_int_equal(used, 0);
    assert_int_equal(claims_count_take(&f->counters, key_of(1), 2, 3, &used), COUNT_EXCEEDED);
    assert_int_equal(used, 2);
    assert_int_equal(claims_count_take(&f->counters, key_of(1), 1, 3, &used), COUNT_TAKEN);
    assert_int_equal(claims_count_take(&f->counters, key_of(2), 9, 8, &used), COUNT_EXCEEDED);
    assert_int_equal(claims_count(&f->counters, key_of(1)), 3);
    assert_int_equal(claims_count(&f->counters, key_of(2)), 0);
    uint64_t digest = claims_digest(&f->counters);
    for (uint32_t i = 2; i <= COUNTS; i++)
        assert_int_equal(claims_count_take(&f->counters, key_of(i), 1, 1, &used), COUNT_TAKEN);
    assert_int_equal(claims_count_take(&f->counters, key_of(9), 1, 1, &used), COUNT_FULL);
    assert_int_equal(claims_count_take(&f->counters, key_of(1), 1, 4, &used), COUNT_TAKEN);
    assert_int_equal(claims_take(&f->counters, key_of(10), 7), CLAIM_TAKEN);
    claims_drop(&f->counters, key_of(10), 7);
    claims_count_give(&f->counters, key_of(1), 1);
    for (uint32_t i = 2; i <= COUNTS; i++)
        claims_count_give(&f->counters, key_of(i), 1);
    assert_int_equal(claims_digest(&f->counters), digest);
    assert_int_equal(claims_used(&f->counters), 1);
    claims_count_give(&f->counters, key_of(1), 3);
    assert_int_equal(claims_count_take(&f->counters, key_of(9), 1, 1, &used), COUNT_TAKEN);
    claims_check(&f->counters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_key_belongs_to_who_took_it_first, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            find_tells_owner_and_durability_and_takes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_dropped_key_is_free_for_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            full_is_exactly_the_capacity_and_known_keys_still_answer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            keys_that_share_half_their_bits_are_different_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_counter_counts_within_its_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_largest_owner_is_63_bits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            settling_or_dropping_what_is_anothers_stops_the_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_check_notices_a_lost_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(random_claims_agree_with_a_plain_array, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
