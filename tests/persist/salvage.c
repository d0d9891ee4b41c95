/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Salvage (FORMAT.md, 5.1): a journal of two shards is damaged at every block, cut, and started
 * again. What is kept is what was there before the damage, to the record; the second start says
 * nothing; and no unit is sold twice in what is kept.
 */
#include "tests/persist/salvaging.h"

static void each_block(struct fixture *fixture)
{
    struct files *sound = malloc(sizeof(*sound));
    get_files(fixture, sound);
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        for (uint32_t j = 1; j <= SEGMENTS; j++)
            for (uint32_t at = SEGMENT_HEADER_SIZE; at < SEGMENT_SIZE; at += BATCH_BLOCK_SIZE) {
                uint32_t batch = batch_at(fixture, i, j, at);
                if (batch == 0)
                    continue;
                damage_batch(fixture, i, j, at, batch);
                put_files(fixture, sound);
            }
    free(sound);
}

/* J6 */
static void damage_anywhere_is_cut_off_and_what_was_before_it_is_kept(void **state)
{
    struct fixture *fixture = *state;
    till_open_doors(fixture->till);
    while (!till_is_full(fixture->till))
        till_step(fixture->till);
    till_close_books(fixture->till);
    each_block(fixture);
    printf("  %u cut alone, %u together, %u not vouched for\n", fixture->cut_alone,
        fixture->cut_together, fixture->whole);
    assert_true(fixture->cut_alone > 0);
}

/* The last segment that a shard has written. */
static uint32_t last_segment(const struct till *till, uint32_t shard)
{
    return till->places[shard][till->batches[shard]].segment;
}

/* A damaged header loses its segment; without that of the first there is nothing to begin with. */
static void damage_header(struct fixture *fixture, uint32_t shard, uint32_t segment)
{
    ledger_flip(fixture->till->ledger, shard, segment, 100);
    get_files(fixture, &fixture->before);
    int answer = salvage(fixture);
    assert_memory_equal(&fixture->was, &fixture->before, sizeof(fixture->was));
    if (segment == 1) {
        assert_int_equal(answer, -EBADMSG);
        return;
    }
    assert_int_equal(answer, segment <= last_segment(fixture->till, shard));
    if (answer == 1) {
        assert_int_equal(fixture->salvage.shards[shard].lost_to, fixture->till->batches[shard]);
        assert_true(fixture->salvage.recovery.shards[shard].chain.segment < segment);
    }
    must_start(fixture);
    assert_kept(fixture);
    assert_int_equal(salvage(fixture), 0);
    go_on(fixture);
    must_start(fixture);
}

static void a_damaged_header_costs_what_is_behind_it(void **state)
{
    struct fixture *fixture = *state;
    struct files *sound = malloc(sizeof(*sound));
    till_open_doors(fixture->till);
    while (!till_is_full(fixture->till))
        till_step(fixture->till);
    till_close_books(fixture->till);
    get_files(fixture, sound);
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        for (uint32_t j = 1; j <= SEGMENTS; j++) {
            damage_header(fixture, i, j);
            put_files(fixture, sound);
        }
    free(sound);
}

/* What a shard says after the salvage counts again. */
static void a_batch_lost_after_a_salvage_is_missed(void **state)
{
    struct fixture *fixture = *state;
    struct till *till = fixture->till;
    struct ledger *ledger = till->ledger;
    till_open_doors(till);
    for (uint32_t i = 0; i < 12; i++)
        till_step(till);
    till_close_books(till);
    uint32_t middle = till->batches[1] / 2;
    damage_batch(
        fixture, 1, till->places[1][middle].segment, till->places[1][middle].offset, middle);
    assert_int_equal(fixture->cut_alone, 1);
    struct chain last = fixture->house.till->ledger->recovery.shards[1].chain;
    ledger_flip(ledger, 1, last.segment, last.offset - BATCH_BLOCK_SIZE + 100);
    assert_int_equal(start(fixture), -EBADMSG);
    assert_non_null(strstr(fixture->error, "was durable"));
    assert_int_equal(salvage(fixture), 1);
    assert_int_equal(fixture->salvage.shards[1].lost_to, last.number);
    must_start(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            damage_anywhere_is_cut_off_and_what_was_before_it_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(a_damaged_header_costs_what_is_behind_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_batch_lost_after_a_salvage_is_missed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
