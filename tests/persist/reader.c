/* SPDX-License-Identifier: Apache-2.0 */
/* The reader beside a running server, behind one, and at any stream number. */
#include "tests/persist/ledger.h"

#include <pthread.h>

#include "persist/reader.h"

struct fixture {
    struct ledger *ledger;
    struct reader reader;
    void *buffer;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->ledger = ledger_create(2, 8, true);
    if (ledger_start(fixture->ledger) != 0)
        fail_msg("%s", fixture->ledger->error);
    const struct datadir *directory = &fixture->ledger->directory;
    fixture->buffer = aligned_alloc(BATCH_BLOCK_SIZE, reader_buffer_size(directory));
    assert_int_equal(reader_open(&fixture->reader, directory, 0, fixture->buffer), 0);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    reader_close(&fixture->reader);
    free(fixture->buffer);
    ledger_destroy(fixture->ledger);
    free(fixture);
    return 0;
}

static void write_batches(struct ledger *ledger, uint32_t count, uint32_t extra)
{
    for (uint32_t i = 0; i < count; i++) {
        ledger_append(ledger, 0, extra);
        ledger_append(ledger, 0, extra);
        ledger_write(ledger, 0);
    }
}

static uint64_t durable_place(struct fixture *fixture)
{
    return atomic_load(&fixture->ledger->shared.marks[0].durable_place);
}

/* Reads on to the limit; each event must be the next one. Answers how many there were. */
static uint64_t read_on(struct fixture *fixture, uint64_t limit, uint64_t next)
{
    struct event event;
    struct reader_place place;
    uint64_t count = 0;
    int result;
    while ((result = reader_next_batch(&fixture->reader, limit)) == 1)
        while (reader_next(&fixture->reader, &event, &place)) {
            assert_int_equal(event.fact.stock.keep_shelf_ms, next + count);
            assert_int_equal(place.record, next + count);
            count++;
        }
    if (result != 0)
        fail_msg("%s", reader_problem(&fixture->reader));
    return count;
}

static void a_live_reader_sees_what_is_durable_and_nothing_more(void **state)
{
    struct fixture *fixture = *state;
    struct ledger *ledger = fixture->ledger;
    struct journal_write write;
    uint64_t seen = 0;
    for (uint32_t i = 0; i < 50; i++) {
        ledger_append(ledger, 0, i * 50);
        assert_true(ledger_commit(ledger, 0, &write));
        ledger_put(&write); /* on the disk, and not yet said to be */
        assert_int_equal(read_on(fixture, durable_place(fixture), seen + 1), 0);
        journal_written(&ledger->journals[0], (int32_t)write.size);
        ledger_settle(ledger, 0);
        assert_int_equal(read_on(fixture, durable_place(fixture), seen + 1), 1);
        seen++;
    }
    assert_true(ledger->journals[0].chain.segment > 2);
}

static void a_place_says_where_and_when(void **state)
{
    struct fixture *fixture = *state;
    struct event event;
    struct reader_place place;
    write_batches(fixture->ledger, 2, 0);
    uint64_t shelf_ms = fixture->ledger->now.shelf_ms;
    assert_int_equal(reader_next_batch(&fixture->reader, READER_NO_LIMIT), 1);
    assert_int_equal(reader_next_batch(&fixture->reader, READER_NO_LIMIT), 1);
    assert_true(reader_next(&fixture->reader, &event, &place));
    assert_true(reader_next(&fixture->reader, &event, &place));
    assert_false(reader_next(&fixture->reader, &event, &place));
    assert_int_equal(place.node, 7);
    assert_int_equal(place.shard, 0);
    assert_int_equal(place.batch, 2);
    assert_int_equal(place.record, 4);
    assert_int_equal(place.shelf_ms, shelf_ms);
    assert_int_equal(place.wall_ms, fixture->ledger->now.wall_ms);
    assert_int_equal(place.incarnation, 1);
    assert_int_equal(place.segment, 1);
    assert_int_equal(place.offset,
        SEGMENT_HEADER_SIZE + BATCH_BLOCK_SIZE + batch_header_size(2) + record_size(&event));
}

static void an_offline_reader_stops_at_the_end_and_may_ask_again(void **state)
{
    struct fixture *fixture = *state;
    uint64_t seen = 0;
    assert_int_equal(read_on(fixture, READER_NO_LIMIT, 1), 0);
    assert_int_equal(fixture->reader.end, BATCH_BLANK);
    for (uint32_t i = 0; i < 30; i++) { /* past the ends of segments, too */
        write_batches(fixture->ledger, 1 + i % 2, 2000);
        seen += read_on(fixture, READER_NO_LIMIT, seen + 1);
        assert_int_equal(seen, fixture->ledger->appended[0]);
    }
    assert_true(fixture->ledger->journals[0].chain.segment >= 6);
}

static void an_offline_reader_stops_before_a_torn_batch(void **state)
{
    struct fixture *fixture = *state;
    struct journal_write write;
    write_batches(fixture->ledger, 3, 0);
    ledger_append(fixture->ledger, 0, 4000);
    assert_true(ledger_commit(fixture->ledger, 0, &write));
    ledger_patch(fixture->ledger, 0, 1, (uint32_t)write.offset, write.data, 2048);
    assert_int_equal(read_on(fixture, READER_NO_LIMIT, 1), 6);
    assert_int_equal(fixture->reader.end, BATCH_DAMAGED);
    assert_int_equal(fixture->reader.end_offset, write.offset);
    ledger_put(&write); /* now all of it is there */
    assert_int_equal(read_on(fixture, READER_NO_LIMIT, 7), 1);
}

static void damage_in_what_is_durable_is_an_error(void **state)
{
    struct fixture *fixture = *state;
    write_batches(fixture->ledger, 3, 0);
    ledger_flip(fixture->ledger, 0, 1, SEGMENT_HEADER_SIZE + BATCH_BLOCK_SIZE + 300);
    uint64_t limit = durable_place(fixture);
    assert_int_equal(reader_next_batch(&fixture->reader, limit), 1);
    assert_int_equal(reader_next_batch(&fixture->reader, limit), -EBADMSG);
    assert_non_null(strstr(reader_problem(&fixture->reader),
        "segment-000001 at offset 8192: the batch after number 1 is damaged"));
}

/* After any number: the first event shown is the one with the next number, whatever batch and
 * segment it is in, and the streamed ones that follow have no gap. */
static void reading_starts_after_any_stream_number(void **state)
{
    struct fixture *fixture = *state;
    struct event event;
    uint64_t oldest;
    write_batches(fixture->ledger, 70, 1200);
    uint64_t last = fixture->ledger->journals[0].chain.seq;
    assert_true(fixture->ledger->journals[0].chain.segment == 5 && last > 60);
    for (uint64_t after = 0; after <= last; after++) {
        assert_int_equal(reader_seek(&fixture->reader, after, &oldest), 0);
        assert_int_equal(oldest, 1);
        uint64_t seq = after;
        bool first = true;
        while (reader_next_batch(&fixture->reader, durable_place(fixture)) == 1)
            while (reader_next(&fixture->reader, &event, NULL)) {
                if (event.stream_count == 0)
                    continue;
                uint64_t end = event.stream_seq + event.stream_count - 1;
                assert_true(
                    first ? event.stream_seq <= seq + 1 && end > seq : event.stream_seq == seq + 1);
                first = false;
                seq = end;
            }
        assert_int_equal(seq, last);
    }
}

static void reading_on_after_a_seek_past_the_end_waits_for_more(void **state)
{
    struct fixture *fixture = *state;
    uint64_t oldest;
    struct event event;
    write_batches(fixture->ledger, 4, 0); /* two streamed events, three numbers */
    assert_int_equal(reader_seek(&fixture->reader, 3, &oldest), 0);
    assert_int_equal(reader_next_batch(&fixture->reader, durable_place(fixture)), 0);
    write_batches(fixture->ledger, 1, 0); /* the ninth event has number 4 */
    assert_int_equal(reader_next_batch(&fixture->reader, durable_place(fixture)), 1);
    assert_true(reader_next(&fixture->reader, &event, NULL));
    assert_int_equal(event.stream_seq, 4);
}

static void the_largest_batch_is_read(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t i = 0; i < 3; i++)
        ledger_append(fixture->ledger, 0, RECORD_ADJUSTMENTS_SIZE_MAX);
    ledger_append(fixture->ledger, 0, 3000);
    ledger_write(fixture->ledger, 0);
    assert_int_equal(fixture->reader.origin.batch_size, LEDGER_BATCH_SIZE);
    assert_int_equal(fixture->ledger->journals[0].writing.size, LEDGER_BATCH_SIZE);
    assert_int_equal(read_on(fixture, durable_place(fixture), 1), 4);
}

static void a_buffered_directory_reads_the_same(void **state)
{
    struct fixture *fixture = *state;
    write_batches(fixture->ledger, 20, 1000);
    fixture->ledger->directory.buffered = true;
    assert_int_equal(read_on(fixture, durable_place(fixture), 1), 40);
}

struct follower {
    struct fixture *fixture;
    uint64_t goal;
    uint64_t seen;
};

static void *follow(void *context)
{
    struct follower *follower = context;
    while (follower->seen < follower->goal)
        follower->seen +=
            read_on(follower->fixture, durable_place(follower->fixture), follower->seen + 1);
    return NULL;
}

/* A thread reads behind the marks while the shard writes. */
static void a_reader_follows_a_writing_shard(void **state)
{
    struct fixture *fixture = *state;
    struct follower follower = {.fixture = fixture, .goal = 90};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, follow, &follower), 0);
    write_batches(fixture->ledger, 45, 1200);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(follower.seen, 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_live_reader_sees_what_is_durable_and_nothing_more, setup, teardown),
        cmocka_unit_test_setup_teardown(a_place_says_where_and_when, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_offline_reader_stops_at_the_end_and_may_ask_again, setup, teardown),
        cmocka_unit_test_setup_teardown(
            an_offline_reader_stops_before_a_torn_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(damage_in_what_is_durable_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(reading_starts_after_any_stream_number, setup, teardown),
        cmocka_unit_test_setup_teardown(
            reading_on_after_a_seek_past_the_end_waits_for_more, setup, teardown),
        cmocka_unit_test_setup_teardown(the_largest_batch_is_read, setup, teardown),
        cmocka_unit_test_setup_teardown(a_buffered_directory_reads_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_follows_a_writing_shard, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
