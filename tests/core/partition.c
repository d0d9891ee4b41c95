/* SPDX-License-Identifier: Apache-2.0 */
/* Order ids are UUIDv7 that lead to their partition; what is none is not taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/json_writer.h"
#include "core/limits.h"
#include "core/partition.h"
#include "tests/lib/dice.h"
#include "tests/lib/stops.h"

static const char sample[] = "017f22e2-79b0-7cc3-98c4-dc0c0c07398f";

static bool parses(const char *text)
{
    uint8_t id[16];
    return order_id_parse(bytes_of_string(text), id);
}

/* The example of RFC 9562, appendix A.6: its fields are given there. */
static void the_example_of_the_standard_is_made_bit_by_bit(void **state)
{
    (void)state;
    uint8_t id[16];
    order_id_make(id, 0x017f22e279b0, 0xcc3, UINT64_C(0x18c4dc0c0c07398f));
    char text[36];
    json_format_uuid(text, id);
    assert_memory_equal(text, sample, 36);
    assert_int_equal(partition_of_order(id), 0xcc3);
}

static void random_bits_never_reach_version_variant_or_partition(void **state)
{
    (void)state;
    uint8_t id[16];
    order_id_make(id, 0, 0, UINT64_MAX);
    char text[36];
    json_format_uuid(text, id);
    assert_memory_equal(text, "00000000-0000-7000-bfff-ffffffffffff", 36);
    order_id_make(id, (INT64_C(1) << 48) - 1, PARTITIONS - 1, 0);
    json_format_uuid(text, id);
    assert_memory_equal(text, "ffffffff-ffff-7fff-8000-000000000000", 36);
    STOPS(order_id_make(id, 0, PARTITIONS, 0));
    STOPS(order_id_make(id, INT64_C(1) << 48, 0, 0));
    STOPS(order_id_make(id, -1, 0, 0));
}

static void digits_of_either_case_are_read(void **state)
{
    (void)state;
    uint8_t lower[16], upper[16];
    assert_true(order_id_parse(bytes_of_string(sample), lower));
    assert_true(order_id_parse(BYTES("017F22E2-79B0-7CC3-98C4-DC0C0C07398F"), upper));
    assert_memory_equal(lower, upper, 16);
}

static void what_is_no_order_id_is_refused(void **state)
{
    (void)state;
    assert_false(parses(""));
    assert_false(parses("017f22e2-79b0-7cc3-98c4-dc0c0c07398"));
    assert_false(parses("017f22e2-79b0-7cc3-98c4-dc0c0c07398f0"));
    assert_false(parses("017f22e279b07cc398c4dc0c0c07398f"));
    assert_false(parses("{17f22e2-79b0-7cc3-98c4-dc0c0c07398f"));
    assert_false(parses("017f22e2-79b0-4cc3-98c4-dc0c0c07398f")); /* version 4 */
    assert_false(parses("017f22e2-79b0-7cc3-58c4-dc0c0c07398f")); /* variants 01, 11 */
    assert_false(parses("017f22e2-79b0-7cc3-d8c4-dc0c0c07398f"));
}

/* Every byte value at every place: only digits where digits stand, only dashes where they do. */
static void every_wrong_character_is_refused_and_nothing_is_written(void **state)
{
    (void)state;
    for (uint32_t place = 0; place < 36; place++) {
        for (uint32_t value = 0; value < 256; value++) {
            uint8_t text[36];
            memcpy(text, sample, 36);
            text[place] = (uint8_t)value;
            bool is_dash = sample[place] == '-';
            bool is_digit =
                value < 128 && value != 0 && strchr("0123456789abcdefABCDEF", (int)value) != NULL;
            if (is_dash ? value == '-' : is_digit)
                continue;
            uint8_t id[16] = {42};
            assert_false(order_id_parse(bytes_of(text, 36), id));
            assert_int_equal(id[0], 42);
        }
    }
}

static void text_and_bytes_go_round(void **state)
{
    (void)state;
    struct dice dice = dice_seeded("partition");
    for (uint32_t i = 0; i < 10000; i++) {
        uint8_t id[16], back[16];
        uint32_t partition = dice_below(&dice, PARTITIONS);
        order_id_make(id, (int64_t)(dice_next(&dice) >> 16), partition, dice_next(&dice));
        char text[36];
        json_format_uuid(text, id);
        assert_true(order_id_parse(bytes_of(text, 36), back));
        assert_memory_equal(id, back, 16);
        assert_int_equal(partition_of_order(back), partition);
    }
}

static void ids_sort_by_their_millisecond(void **state)
{
    (void)state;
    uint8_t earlier[16], later[16];
    order_id_make(earlier, 255, PARTITIONS - 1, UINT64_MAX);
    order_id_make(later, 256, 0, 0);
    assert_true(memcmp(earlier, later, 16) < 0);
}

/* A gateway computes the same: these numbers are XXH3_64bits, seed 0, modulo 4096.
 * XXH3_64bits("") is 2d06800538d394c2 in its specification. */
static void the_partition_of_a_customer_is_what_a_gateway_computes(void **state)
{
    (void)state;
    assert_int_equal(partition_of_customer(BYTES("")), 1218);
    assert_int_equal(partition_of_customer(BYTES("ann")), 712);
    assert_int_equal(partition_of_customer(BYTES("018f3a5e-0000-7000-8000-000000000001")), 3281);
}

static void customers_spread_over_the_partitions(void **state)
{
    (void)state;
    uint32_t counts[PARTITIONS] = {0};
    for (uint32_t i = 0; i < PARTITIONS * 16; i++) {
        char name[16];
        int size = snprintf(name, sizeof name, "customer-%u", i);
        counts[partition_of_customer(bytes_of(name, (uint32_t)size))]++;
    }
    for (uint32_t i = 0; i < PARTITIONS; i++)
        assert_in_range(counts[i], 1, 48);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_of_the_standard_is_made_bit_by_bit),
        cmocka_unit_test(random_bits_never_reach_version_variant_or_partition),
        cmocka_unit_test(digits_of_either_case_are_read),
        cmocka_unit_test(what_is_no_order_id_is_refused),
        cmocka_unit_test(every_wrong_character_is_refused_and_nothing_is_written),
        cmocka_unit_test(text_and_bytes_go_round),
        cmocka_unit_test(ids_sort_by_their_millisecond),
        cmocka_unit_test(the_partition_of_a_customer_is_what_a_gateway_computes),
        cmocka_unit_test(customers_spread_over_the_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
