/* SPDX-License-Identifier: Apache-2.0 */
/* A batch is what it says, where it says, after the one it says: or it is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "persist/batch.h"
#include "persist/record.h"

enum { SHARDS = 2, SEGMENT = 3, OFFSET = 2 * BATCH_BLOCK_SIZE };

static const struct journal_origin origin = {.directory = 0x1122334455667788,
    .generation = 1,
    .segment_size = 64 << 10,
    .batch_size = 16 << 10,
    .node = 7,
    .shard = 1,
    .shard_count = SHARDS};

static const uint64_t durable[SHARDS] = {41, 42};

struct fixture {
    _Alignas(64) uint8_t bytes[16 << 10];
    struct batch_header header;
};

static void append(struct fixture *fixture, uint32_t stream_count, uint32_t extra)
{
    static const uint8_t filler[RECORD_ADJUSTMENTS_SIZE_MAX];
    struct batch_header *header = &fixture->header;
    struct event event = {.kind = EVENT_STOCK_ADJUSTED,
        .stream_count = stream_count,
        .stream_seq = stream_count > 0 ? header->last_seq + 1 : 0};
    event.text[TEXT_ADJUSTMENTS] = bytes_of(filler, extra);
    record_encode(&event, fixture->bytes + batch_header_size(SHARDS) + header->used);
    header->used += record_size(&event);
    header->record_count++;
    header->last_seq += stream_count;
}

/* A batch of three records over two blocks, the 43rd of its shard. */
static int setup(void **state)
{
    struct fixture *fixture = aligned_alloc(64, sizeof(struct fixture));
    assert_non_null(fixture);
    memset(fixture, 0xee, sizeof(*fixture)); /* what an earlier batch left in the buffer */
    fixture->header = (struct batch_header){.directory = origin.directory,
        .previous = 99,
        .number = 43,
        .first_record = 100,
        .first_seq = 11,
        .last_seq = 10,
        .shelf_ms = 5000,
        .wall_ms = 6000,
        .incarnation = 2,
        .generation = origin.generation,
        .segment = SEGMENT,
        .offset = OFFSET,
        .node = origin.node,
        .shard = origin.shard,
        .shard_count = SHARDS};
    append(fixture, 0, 0);
    append(fixture, 2, RECORD_ADJUSTMENTS_SIZE_MAX);
    append(fixture, 1, 0);
    assert_int_equal(batch_seal(fixture->bytes, &fixture->header, durable), 2 * BATCH_BLOCK_SIZE);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static enum batch_verdict check_at(struct fixture *fixture, uint32_t segment, uint32_t offset)
{
    struct batch_header header;
    enum batch_verdict verdict =
        batch_check_header(fixture->bytes, &origin, segment, offset, &header);
    if (verdict == BATCH_VALID)
        verdict = batch_check_body(fixture->bytes, &header);
    return verdict == BATCH_VALID ? batch_check_records(fixture->bytes, &header) : verdict;
}

static enum batch_verdict check(struct fixture *fixture)
{
    return check_at(fixture, SEGMENT, OFFSET);
}

static void a_sealed_batch_is_valid(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(check(fixture), BATCH_VALID);
    assert_int_equal(batch_durable(fixture->bytes, 0), 41);
    assert_int_equal(batch_durable(fixture->bytes, 1), 42);
    for (uint32_t i = batch_header_size(SHARDS) + fixture->header.used; i < fixture->header.size;
         i++)
        assert_int_equal(fixture->bytes[i], 0);
}

static void every_flipped_bit_is_seen(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t i = 0; i < fixture->header.size; i++)
        for (uint32_t bit = 0; bit < 8; bit++) {
            fixture->bytes[i] ^= (uint8_t)(1u << bit);
            enum batch_verdict verdict = check(fixture);
            enum batch_verdict expected = i < 8                           ? BATCH_NOT_A_BATCH
                                          : i < 16                        ? BATCH_DAMAGED
                                          : i < batch_header_size(SHARDS) ? BATCH_HEADER_DAMAGED
                                                                          : BATCH_DAMAGED;
            if (verdict != expected)
                fail_msg("byte %u bit %u: a batch that %s", i, bit, batch_verdict_text(verdict));
            fixture->bytes[i] ^= (uint8_t)(1u << bit);
        }
    assert_int_equal(check(fixture), BATCH_VALID);
}

static void a_batch_elsewhere_is_out_of_place(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(check_at(fixture, SEGMENT - 1, OFFSET), BATCH_OUT_OF_PLACE);
    assert_int_equal(check_at(fixture, SEGMENT, OFFSET + BATCH_BLOCK_SIZE), BATCH_OUT_OF_PLACE);
    assert_int_equal(check_at(fixture, SEGMENT + 1, OFFSET + BATCH_BLOCK_SIZE), BATCH_OUT_OF_PLACE);
}

static void a_batch_of_an_earlier_segment_at_the_same_offset_is_stale(void **state)
{
    assert_int_equal(check_at(*state, SEGMENT + 1, OFFSET), BATCH_STALE);
    assert_int_equal(check_at(*state, SEGMENT + 100, OFFSET), BATCH_STALE);
}

static void what_was_never_written_is_blank(void **state)
{
    struct fixture *fixture = *state;
    memset(fixture->bytes, 0, BATCH_BLOCK_SIZE);
    assert_int_equal(check(fixture), BATCH_BLANK);
    fixture->bytes[BATCH_BLOCK_SIZE - 1] = 1;
    assert_int_equal(check(fixture), BATCH_NOT_A_BATCH);
}

/* Each of these was sealed by somebody: the hashes hold, the content is not ours. */
static void a_foreign_batch_is_refused(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t i = 0; i < 4; i++) {
        struct batch_header header = fixture->header;
        header.directory += i == 0;
        header.generation += i == 1;
        header.node = (uint16_t)(header.node + (i == 2));
        header.shard = (uint16_t)(header.shard - (i == 3));
        batch_seal(fixture->bytes, &header, durable);
        assert_int_equal(check(fixture), BATCH_OTHER_JOURNAL);
    }
}

static void sizes_that_cannot_be_are_refused(void **state)
{
    struct fixture *fixture = *state;
    struct journal_origin small = origin;
    struct batch_header header;
    small.batch_size = BATCH_BLOCK_SIZE;
    assert_int_equal(
        batch_check_header(fixture->bytes, &small, SEGMENT, OFFSET, &header), BATCH_BAD_SIZE);
    small = origin;
    small.segment_size = OFFSET + BATCH_BLOCK_SIZE;
    assert_int_equal(
        batch_check_header(fixture->bytes, &small, SEGMENT, OFFSET, &header), BATCH_BAD_SIZE);
    header = fixture->header;
    header.used += 4;
    batch_seal(fixture->bytes, &header, durable);
    assert_int_equal(check(fixture), BATCH_BAD_SIZE);
}

static void records_must_fill_what_the_header_says(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t i = 0; i < 5; i++) {
        struct batch_header header = fixture->header;
        header.record_count += i == 0;
        header.record_count -= i == 1;
        header.used += i == 2 ? 8 : 0;
        header.last_seq += i == 3;
        header.first_seq += i == 4;
        batch_seal(fixture->bytes, &header, durable);
        assert_int_equal(check(fixture), BATCH_BAD_RECORD);
    }
}

static void only_the_next_batch_follows(void **state)
{
    struct fixture *fixture = *state;
    const struct batch_header *header = &fixture->header;
    const struct chain chain = {.hash = 99,
        .number = 42,
        .record = 99,
        .seq = 10,
        .shelf_ms = 5000,
        .wall_ms = 6000,
        .incarnation = 2};
    assert_int_equal(chain_check(&chain, header), BATCH_VALID);
    for (uint32_t i = 0; i < 8; i++) {
        struct chain other = chain;
        other.hash += i == 0;
        other.number += i == 1;
        other.number -= i == 2;
        other.record += i == 3;
        other.seq -= i == 4;
        other.shelf_ms += i == 5; /* the clocks do not run back */
        other.wall_ms += i == 6;
        other.incarnation += i == 7;
        assert_int_equal(chain_check(&other, header), BATCH_NOT_NEXT);
    }
}

static void the_chain_goes_on_after_the_batch(void **state)
{
    struct fixture *fixture = *state;
    struct chain chain = {.hash = 99, .number = 42, .record = 99, .seq = 10};
    chain_advance(&chain, &fixture->header);
    assert_true(chain.hash == fixture->header.hash);
    assert_int_equal(chain.number, 43);
    assert_int_equal(chain.record, 102);
    assert_int_equal(chain.seq, 13);
    assert_int_equal(chain.shelf_ms, 5000);
    assert_int_equal(chain.segment, SEGMENT);
    assert_int_equal(chain.offset, OFFSET + 2 * BATCH_BLOCK_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_sealed_batch_is_valid, setup, teardown),
        cmocka_unit_test_setup_teardown(every_flipped_bit_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(a_batch_elsewhere_is_out_of_place, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_batch_of_an_earlier_segment_at_the_same_offset_is_stale, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_never_written_is_blank, setup, teardown),
        cmocka_unit_test_setup_teardown(a_foreign_batch_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(sizes_that_cannot_be_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(records_must_fill_what_the_header_says, setup, teardown),
        cmocka_unit_test_setup_teardown(only_the_next_batch_follows, setup, teardown),
        cmocka_unit_test_setup_teardown(the_chain_goes_on_after_the_batch, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
