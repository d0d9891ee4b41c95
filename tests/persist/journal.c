/* SPDX-License-Identifier: Apache-2.0 */
/* The journal as its shard meets it: append, batch, durable, settle; segments; full. */
#include "tests/persist/ledger.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>

#include "tests/persist/sample_events.h"

static int setup(void **state)
{
    struct ledger *ledger = ledger_create(2, 3, false);
    if (ledger_start(ledger) != 0)
        fail_msg("%s", ledger->error);
    *state = ledger;
    return 0;
}

static int setup_in_memory(void **state)
{
    struct ledger *ledger = ledger_create(1, 2, true);
    if (ledger_start(ledger) != 0)
        fail_msg("%s", ledger->error);
    *state = ledger;
    return 0;
}

static int teardown(void **state)
{
    ledger_destroy(*state);
    return 0;
}

static void the_first_batch_goes_out_at_once_and_is_empty(void **state)
{
    struct ledger *ledger = *state;
    struct journal *journal = &ledger->journals[0];
    struct journal_write write;
    assert_int_equal(journal_next_wake(journal, false), 0);
    assert_true(ledger_commit(ledger, 0, &write));
    assert_int_equal(write.size, BATCH_BLOCK_SIZE);
    assert_int_equal(write.offset, SEGMENT_HEADER_SIZE);
    ledger_put(&write);
    journal_written(journal, (int32_t)write.size);
    ledger_settle(ledger, 0);
    assert_false(ledger_commit(ledger, 0, &write));
    assert_true(journal_next_wake(journal, false) == UINT64_MAX);
}

static void a_write_suits_direct_io(void **state)
{
    struct ledger *ledger = *state;
    struct journal_write write;
    for (uint32_t i = 0; i < 20; i++) {
        ledger_append(ledger, 0, 500 * i % RECORD_ADJUSTMENTS_SIZE_MAX);
        assert_true(ledger_commit(ledger, 0, &write));
        assert_int_equal((uintptr_t)write.data % BATCH_BLOCK_SIZE, 0);
        assert_int_equal(write.size % BATCH_BLOCK_SIZE, 0);
        assert_int_equal(write.offset % BATCH_BLOCK_SIZE, 0);
        assert_true(write.direct == ((fcntl(write.fd, F_GETFL) & O_DIRECT) != 0));
        ledger_put(&write);
        journal_written(&ledger->journals[0], (int32_t)write.size);
        ledger_settle(ledger, 0);
    }
}

static void a_reply_waits_for_the_batch_that_fills(void **state)
{
    struct ledger *ledger = *state;
    struct journal *journal = &ledger->journals[0];
    struct journal_write write;
    assert_int_equal(journal_newest(journal), 0);
    ledger_append(ledger, 0, 0);
    assert_int_equal(journal_newest(journal), 1);
    assert_true(ledger_commit(ledger, 0, &write));
    assert_int_equal(journal_newest(journal), 1); /* in flight, nothing fills */
    ledger_append(ledger, 0, 0);
    assert_int_equal(journal_newest(journal), 2);
    assert_int_equal(journal_durable(journal), 0);
    ledger_put(&write);
    journal_written(journal, (int32_t)write.size);
    assert_int_equal(journal_durable(journal), 1);
    assert_int_equal(journal_newest(journal), 2);
}

static void one_write_is_in_flight_and_its_buffer_waits_for_settle(void **state)
{
    struct ledger *ledger = *state;
    struct journal *journal = &ledger->journals[0];
    struct journal_write write;
    struct event event;
    ledger_append(ledger, 0, 0);
    ledger_append(ledger, 0, 10);
    assert_true(ledger_commit(ledger, 0, &write));
    ledger_append(ledger, 0, 20);
    assert_false(ledger_commit(ledger, 0, &write));
    assert_true(
        journal_next_wake(journal, true) == UINT64_MAX); /* a slow disk is no reason to spin */
    assert_false(journal_settle_next(journal, &event));  /* not durable yet */
    ledger_put(&write);
    journal_written(journal, (int32_t)write.size);
    assert_false(ledger_commit(ledger, 0, &write)); /* not settled yet */
    assert_true(journal_settle_next(journal, &event));
    assert_int_equal(event.fact.stock.keep_shelf_ms, 1);
    assert_true(journal_settle_next(journal, &event));
    assert_int_equal(event.fact.stock.keep_shelf_ms, 2);
    assert_int_equal(event.text[TEXT_ADJUSTMENTS].size, 10);
    assert_false(journal_settle_next(journal, &event));
    assert_false(journal_idle(journal));
    assert_true(ledger_commit(ledger, 0, &write)); /* what filled meanwhile */
}

static void an_idle_journal_is_sealed_once(void **state)
{
    struct ledger *ledger = *state;
    struct journal *journal = &ledger->journals[0];
    struct journal_write write;
    ledger_append(ledger, 0, 0);
    ledger_write(ledger, 0);
    uint64_t written_at = ledger->now.shelf_ms;
    assert_int_equal(journal_next_wake(journal, false), written_at + JOURNAL_SEAL_MS);
    ledger->now.shelf_ms = written_at + JOURNAL_SEAL_MS - 1;
    assert_false(ledger_commit(ledger, 0, &write));
    ledger_write(ledger, 0); /* moves the clock by the last millisecond */
    assert_int_equal(journal->writing.record_count, 0);
    ledger->now.shelf_ms += 100000;
    assert_false(ledger_commit(ledger, 0, &write));
}

static void live_holds_make_the_clock_durable_every_second(void **state)
{
    struct ledger *ledger = *state;
    struct journal *journal = &ledger->journals[0];
    struct journal_write write;
    ledger_write(ledger, 0);
    uint64_t written_at = ledger->now.shelf_ms;
    assert_int_equal(journal_next_wake(journal, true), written_at + JOURNAL_HEARTBEAT_MS);
    ledger->now.shelf_ms = written_at + JOURNAL_HEARTBEAT_MS - 1;
    assert_false(journal_commit(journal, &ledger->now, true, &write));
    ledger->now.shelf_ms++;
    assert_false(journal_commit(journal, &ledger->now, false, &write));
    assert_true(journal_commit(journal, &ledger->now, true, &write));
    ledger_put(&write);
    journal_written(journal, (int32_t)write.size);
    ledger_settle(ledger, 0);
    ledger_restart(ledger);
    assert_int_equal(ledger->recovery.shelf_ms, written_at + JOURNAL_HEARTBEAT_MS);
}

static void the_wall_clock_of_batches_does_not_run_back(void **state)
{
    struct ledger *ledger = *state;
    ledger_write_batches(ledger, 0, 1);
    int64_t latest = ledger->now.wall_ms;
    ledger->now.wall_ms -= 3600000; /* somebody sets the clock */
    ledger_write_batches(ledger, 0, 1);
    assert_int_equal(ledger->journals[0].writing.wall_ms, latest);
    ledger_restart(ledger);
    ledger_assert_replayed(ledger, 0, 2);
    assert_int_equal(ledger->recovery.wall_ms, latest);
}

/* Fills the batch so that it is exactly `blocks` blocks long. */
static void append_blocks(struct ledger *ledger, uint32_t shard, uint32_t blocks)
{
    uint32_t goal = blocks * BATCH_BLOCK_SIZE;
    uint32_t filled = batch_header_size(ledger->options.shards);
    while (filled < goal) {
        uint32_t left = goal - filled;
        uint32_t fixed = 24 + sizeof(struct fact_stock) + 4;
        uint32_t most = fixed + RECORD_ADJUSTMENTS_SIZE_MAX;
        uint32_t extra = left <= most      ? left - fixed
                         : left < 2 * most ? left / 2 / 8 * 8 - fixed
                                           : RECORD_ADJUSTMENTS_SIZE_MAX - 4;
        ledger_append(ledger, shard, extra);
        filled = batch_header_size(ledger->options.shards) + ledger->journals[shard].filling_used;
    }
    assert_int_equal(filled, goal);
}

/* A segment of 15 free blocks, walked with batches of 4: 3 fit, the 4th spills; and so that one
 * fits exactly, and one that is a block too long. */
static void batches_fit_fill_exactly_and_spill(void **state)
{
    struct ledger *ledger = *state;
    const uint32_t plans[][5] = {
        {4, 4, 4, 4, 0}, /* spills, three blocks are left over */
        {4, 4, 4, 3, 4}, /* fills exactly, the next is the first of the next segment */
        {4, 4, 4, 2, 2}, /* spills, one block is left over */
        {4, 4, 4, 2, 1}, /* fills exactly with an almost empty one */
    };
    for (uint32_t plan = 0; plan < 4; plan++) {
        struct ledger *own = ledger_create(1, 3, true);
        assert_int_equal(ledger_start(own), 0);
        uint32_t offset = 0, segment = 1;
        for (uint32_t i = 0; i < 5 && plans[plan][i] > 0; i++) {
            if (offset + plans[plan][i] > 15) {
                offset = 0;
                segment++;
            }
            append_blocks(own, 0, plans[plan][i]);
            ledger_write(own, 0);
            assert_int_equal(own->journals[0].writing.segment, segment);
            assert_int_equal(
                own->journals[0].writing.offset, SEGMENT_HEADER_SIZE + offset * BATCH_BLOCK_SIZE);
            assert_int_equal(own->journals[0].writing.size, plans[plan][i] * BATCH_BLOCK_SIZE);
            offset += plans[plan][i];
        }
        uint64_t appended = own->appended[0];
        ledger_restart(own);
        ledger_assert_replayed(own, 0, appended);
        ledger_append(own, 0, 0);
        ledger_write(own, 0);
        ledger_restart(own);
        ledger_assert_replayed(own, 0, appended + 1);
        ledger_destroy(own);
    }
    (void)ledger;
}

static void a_journal_refuses_in_steps_and_keeps_room_for_its_mark(void **state)
{
    struct ledger *ledger = *state;
    struct journal *journal = &ledger->journals[0];
    const struct journal_aside aside = {
        .bytes = 8 * BATCH_BLOCK_SIZE, .promised = 4 * BATCH_BLOCK_SIZE};
    journal_set_aside(journal, &aside);
    assert_int_equal(journal_state(journal), JOURNAL_HAS_ROOM);
    uint64_t left = journal_bytes_left(journal);
    while (!journal_full(journal)) {
        append_blocks(ledger, 0, 2);
        ledger_write(ledger, 0);
        assert_true(journal_bytes_left(journal) < left);
        left = journal_bytes_left(journal);
    }
    assert_int_equal(journal_state(journal), JOURNAL_FULL);
    assert_false(journal_exhausted(journal));
    while (!journal_exhausted(journal)) {
        bool has_promised = journal_bytes_left(journal) >= aside.promised;
        assert_int_equal(journal_state(journal), has_promised ? JOURNAL_FULL : JOURNAL_SPENT);
        append_blocks(ledger, 0, 4); /* the largest that fits */
        ledger->now.shelf_ms += JOURNAL_GATHER_MS;
        ledger_write(ledger, 0);
    }
    assert_int_equal(journal_bytes_left(journal), 0);
    assert_int_equal(journal_state(journal), JOURNAL_SPENT);
    assert_false(journal_room(journal));
    struct journal_write write;
    ledger->now.shelf_ms += 100000;
    assert_false(journal_commit(journal, &ledger->now, true, &write)); /* no heartbeat either */
    uint64_t appended = ledger->appended[0];
    ledger_stop(ledger);
    assert_int_equal(ledger_start(ledger), 0);
    assert_true(ledger->recovery.clean);
    ledger_assert_replayed(ledger, 0, appended);
}

static void batches_of_a_full_journal_are_few(void **state)
{
    struct ledger *ledger = *state;
    struct journal *journal = &ledger->journals[0];
    struct journal_write write;
    ledger_write_batches(ledger, 0, 2);
    struct journal_aside aside = {.bytes = UINT64_MAX, .live_until_ms = 1000000};
    journal_set_aside(journal, &aside);
    uint64_t last = ledger->now.shelf_ms;
    ledger_append(ledger, 0, 0);
    assert_int_equal(journal_next_wake(journal, true), last + JOURNAL_GATHER_MS);
    ledger->now.shelf_ms = last + JOURNAL_GATHER_MS - 1;
    assert_false(journal_commit(journal, &ledger->now, true, &write));
    ledger_write(ledger, 0);
    /* A heartbeat is the seal, while something lives whose clock it carries. */
    last = ledger->now.shelf_ms;
    assert_true(journal->unsealed);
    assert_int_equal(journal_next_wake(journal, true), last + JOURNAL_HEARTBEAT_MS);
    assert_int_equal(journal_next_wake(journal, false), last + JOURNAL_SEAL_MS);
    ledger->now.frozen = true;
    assert_false(journal_commit(journal, &ledger->now, true, &write));
    /* The clock of a batch stands still in a freeze, which does not wait for it. */
    ledger_append(ledger, 0, 0);
    assert_true(journal_commit(journal, &ledger->now, true, &write));
    ledger_put(&write);
    journal_written(journal, (int32_t)write.size);
    ledger_settle(ledger, 0);
    ledger->now.frozen = false;
    /* With nothing but reviews it may be late. */
    aside.live_until_ms = 0;
    journal_set_aside(journal, &aside);
    assert_int_equal(journal_next_wake(journal, true), last + JOURNAL_REVIEW_BEAT_MS);
    aside.bytes = 0;
    journal_set_aside(journal, &aside);
    assert_int_equal(journal_next_wake(journal, true), last + JOURNAL_SEAL_MS);
}

/* Each stop of a full journal takes a block, until none is left: then stops are like crashes. */
static void a_full_journal_can_be_stopped_again_and_again(void **state)
{
    struct ledger *ledger = *state;
    struct journal *journal = &ledger->journals[0];
    while (!journal_exhausted(journal)) {
        append_blocks(ledger, 0, 4);
        ledger_write(ledger, 0);
    }
    uint64_t appended = ledger->appended[0];
    uint32_t stops = 0;
    while (journal_close_mark(journal, ledger->now.wall_ms)) {
        ledger_write(ledger, 0);
        ledger_restart(ledger);
        assert_true(ledger->recovery.clean);
        ledger_assert_replayed(ledger, 0, appended);
        stops++;
    }
    assert_true(stops * BATCH_BLOCK_SIZE >= JOURNAL_CLOSING_SIZE);
    ledger_restart(ledger);
    ledger_assert_replayed(ledger, 0, appended);
}

static void a_command_has_room_until_two_largest_events_do_not_fit(void **state)
{
    struct ledger *ledger = ledger_create(1, 2, true);
    struct sample *sample = malloc(sizeof(*sample));
    (void)state;
    ledger->options.segment_size = 0; /* as real ones are */
    ledger->options.journal_bytes = 2 * SEGMENT_SIZE_MIN;
    assert_int_equal(ledger_start(ledger), 0);
    struct journal *journal = &ledger->journals[0];
    uint32_t commands = 0;
    sample_event(sample, EVENT_ORDER_PLACED, SAMPLE_LARGEST, 0);
    while (journal_room(journal)) {
        for (uint32_t i = 0; i < JOURNAL_EVENTS_PER_COMMAND_MAX; i++)
            journal_append(journal, &sample->event);
        commands++;
    }
    assert_true(commands >= 2);
    ledger_write(ledger, 0);
    assert_true(journal_room(journal));
    free(sample);
    ledger_destroy(ledger);
}

static bool rings(struct ledger *ledger)
{
    struct pollfd poll_fd = {.fd = ledger->shared.wake_fd, .events = POLLIN};
    return poll(&poll_fd, 1, 0) == 1;
}

static void what_is_durable_is_published_and_a_sleeper_is_rung_once(void **state)
{
    struct ledger *ledger = *state;
    const struct journal_mark *mark = &ledger->shared.marks[1];
    struct journal_write write;
    ledger_append(ledger, 1, 0);
    ledger_append(ledger, 1, 0);
    ledger_append(ledger, 1, 0); /* the third is streamed */
    assert_true(ledger_commit(ledger, 1, &write));
    assert_int_equal(atomic_load(&mark->durable_batch), 0);
    assert_int_equal(atomic_load(&mark->durable_seq), 0);
    ledger_put(&write);
    journal_shared_sleep(&ledger->shared);
    journal_written(&ledger->journals[1], (int32_t)write.size);
    ledger_settle(ledger, 1);
    assert_int_equal(atomic_load(&mark->durable_batch), 1);
    assert_int_equal(atomic_load(&mark->durable_seq), 1);
    assert_int_equal(atomic_load(&mark->durable_place),
        journal_place(1, SEGMENT_HEADER_SIZE + BATCH_BLOCK_SIZE));
    assert_true(rings(ledger));
    journal_shared_awake(&ledger->shared);
    assert_false(rings(ledger));
    ledger_append(ledger, 1, 0);
    ledger_write(ledger, 1);
    assert_false(rings(ledger)); /* nobody sleeps */
    journal_shared_wake(&ledger->shared);
    assert_true(rings(ledger));
}

static void a_batch_names_what_every_shard_has_on_disk(void **state)
{
    struct ledger *ledger = *state;
    for (uint32_t i = 0; i < 3; i++) {
        ledger_append(ledger, 0, 0);
        ledger_write(ledger, 0);
    }
    ledger_append(ledger, 1, 0);
    ledger_write(ledger, 1);
    assert_int_equal(batch_durable(ledger->journals[1].written, 0), 3);
    assert_int_equal(batch_durable(ledger->journals[1].written, 1), 0); /* itself: the one before */
    ledger_append(ledger, 0, 0);
    ledger_write(ledger, 0);
    assert_int_equal(batch_durable(ledger->journals[0].written, 1), 1);
}

/* Runs `die` in a child and answers how it ended; what it says goes to `said`. */
static int in_a_child(void (*die)(struct ledger *), struct ledger *ledger, char said[512])
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        signal(SIGABRT, SIG_DFL);
        die(ledger);
        _exit(77);
    }
    close(ends[1]);
    size_t size = 0;
    ssize_t got;
    while ((got = read(ends[0], said + size, 511 - size)) > 0)
        size += (size_t)got;
    said[size] = 0;
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void fail_the_write(struct ledger *ledger)
{
    struct journal_write write;
    ledger_append(ledger, 0, 0);
    if (ledger_commit(ledger, 0, &write))
        journal_written(&ledger->journals[0], -EIO);
}

static void cut_the_write_short(struct ledger *ledger)
{
    struct journal_write write;
    ledger_append(ledger, 0, RECORD_ADJUSTMENTS_SIZE_MAX);
    if (ledger_commit(ledger, 0, &write))
        journal_written(&ledger->journals[0], (int32_t)write.size - 512);
}

static void append_without_room(struct ledger *ledger)
{
    for (uint32_t i = 0; i < 100; i++)
        ledger_append(ledger, 0, RECORD_ADJUSTMENTS_SIZE_MAX);
}

static void skip_a_stream_number(struct ledger *ledger)
{
    struct event event = {.kind = EVENT_STOCK_ADJUSTED, .stream_count = 1, .stream_seq = 2};
    journal_append(&ledger->journals[0], &event);
}

static void a_failed_write_ends_the_process_and_says_where(void **state)
{
    char said[512];
    int status = in_a_child(fail_the_write, *state, said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_non_null(strstr(said, "shard-00/segment-000001"));
    assert_non_null(strstr(said, "Input/output error"));
    status = in_a_child(cut_the_write_short, *state, said);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_non_null(strstr(said, "short write"));
}

static void our_own_bugs_stop_before_the_disk(void **state)
{
    char said[512];
    int status = in_a_child(append_without_room, *state, said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    status = in_a_child(skip_a_stream_number, *state, said);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(said, "stream_seq"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_first_batch_goes_out_at_once_and_is_empty, setup, teardown),
        cmocka_unit_test_setup_teardown(a_write_suits_direct_io, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reply_waits_for_the_batch_that_fills, setup, teardown),
        cmocka_unit_test_setup_teardown(
            one_write_is_in_flight_and_its_buffer_waits_for_settle, setup, teardown),
        cmocka_unit_test_setup_teardown(an_idle_journal_is_sealed_once, setup, teardown),
        cmocka_unit_test_setup_teardown(
            live_holds_make_the_clock_durable_every_second, setup, teardown),
        cmocka_unit_test_setup_teardown(
            the_wall_clock_of_batches_does_not_run_back, setup, teardown),
        cmocka_unit_test_setup_teardown(
            batches_fit_fill_exactly_and_spill, setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(
            a_journal_refuses_in_steps_and_keeps_room_for_its_mark, setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(
            batches_of_a_full_journal_are_few, setup_in_memory, teardown),
        cmocka_unit_test_setup_teardown(
            a_full_journal_can_be_stopped_again_and_again, setup_in_memory, teardown),
        cmocka_unit_test(a_command_has_room_until_two_largest_events_do_not_fit),
        cmocka_unit_test_setup_teardown(
            what_is_durable_is_published_and_a_sleeper_is_rung_once, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_batch_names_what_every_shard_has_on_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_failed_write_ends_the_process_and_says_where, setup, teardown),
        cmocka_unit_test_setup_teardown(our_own_bugs_stop_before_the_disk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
