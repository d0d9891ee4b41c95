/* SPDX-License-Identifier: Apache-2.0 */
/* The slots of a journal used again and again: ten laps, crashes at every write, damage. */
#include "tests/persist/ledger.h"

#include <sys/resource.h>

#include "persist/reader.h"

enum { SLOTS = 5, WALK_EVERY = 9, WALK_LASTS = 4, LAPS = 10, TEARS = 6 };

struct run {
    struct ledger *ledger;
    struct reader live;    /* behind the marks, as the stream reads */
    struct reader offline; /* as another process reads */
    void *buffers[2];
    uint64_t live_seen; /* numbers of the last event shown */
    uint64_t offline_seen;
    uint32_t steps;
    uint32_t headers;
    uint32_t walk_age; /* batches since it began; 0: none is under way */
    uint32_t walk_due; /* the step at which the next one begins */
    uint32_t seed;
};

static uint32_t draw(struct run *run, uint32_t below)
{
    run->seed = run->seed * 1664525 + 1013904223;
    return (run->seed >> 8) % below;
}

static struct journal *journal_of(struct run *run)
{
    return &run->ledger->journals[0];
}

static void open_readers(struct run *run)
{
    const struct datadir *directory = &run->ledger->directory;
    struct reader *readers[] = {&run->live, &run->offline};
    for (uint32_t i = 0; i < 2; i++) {
        run->buffers[i] = aligned_alloc(BATCH_BLOCK_SIZE, reader_buffer_size(directory));
        assert_int_equal(reader_open(readers[i], directory, 0, run->buffers[i]), 0);
    }
}

static struct run *start_run(uint32_t slots, bool streamed)
{
    struct run *run = calloc(1, sizeof(*run));
    run->ledger = ledger_create(1, slots, true);
    run->ledger->streamed = streamed;
    run->seed = slots + streamed;
    if (ledger_start(run->ledger) != 0)
        fail_msg("%s", run->ledger->error);
    open_readers(run);
    return run;
}

static int setup(void **state)
{
    *state = start_run(SLOTS, false);
    return 0;
}

static int setup_streamed(void **state)
{
    *state = start_run(SLOTS, true);
    return 0;
}

static int teardown(void **state)
{
    struct run *run = *state;
    reader_close(&run->live);
    reader_close(&run->offline);
    free(run->buffers[0]);
    free(run->buffers[1]);
    ledger_destroy(run->ledger);
    free(run);
    return 0;
}

/* A crash, and everything that was durable comes back, with a write in flight whole or without it:
 * twice, since a recovery changes nothing. */
static void restart(struct run *run)
{
    struct ledger *ledger = run->ledger;
    uint64_t durable = ledger->settled[0], handed_out = ledger->appended[0];
    bool in_flight = journal_of(run)->phase == JOURNAL_WRITING;
    ledger_crash(run->ledger);
    if (ledger_recover(run->ledger) != 0)
        fail_msg("step %u: %s", run->steps, run->ledger->error);
    if (in_flight && ledger->restated[0] + ledger->replayed_count[0] == handed_out)
        durable = handed_out;
    ledger_assert_replayed_to(run->ledger, 0, durable);
    datadir_close(&run->ledger->directory);
    if (ledger_start(run->ledger) != 0)
        fail_msg("step %u: %s", run->steps, run->ledger->error);
    ledger_assert_replayed_to(run->ledger, 0, durable);
    run->walk_age = 0;
}

/* The events of a batch, and now and then an end of a walk. */
static void append_some(struct run *run)
{
    struct ledger *ledger = run->ledger;
    run->steps++;
    if (run->walk_age == 0 && run->steps >= run->walk_due) {
        ledger_append(ledger, 0, 0);
        ledger_begin_walk(ledger, 0);
        run->walk_age = 1;
    }
    for (uint32_t i = 1 + draw(run, 2); i > 0; i--)
        ledger_append(ledger, 0, draw(run, RECORD_ADJUSTMENTS_SIZE_MAX));
    if (run->walk_age > 0 && run->walk_age++ == WALK_LASTS) {
        ledger_end_walk(ledger, 0);
        ledger_append(ledger, 0, 0);
        run->walk_age = 0;
        run->walk_due = run->steps + WALK_EVERY;
    }
}

static void commit(struct run *run, struct journal_write *write)
{
    run->ledger->now.shelf_ms++;
    run->ledger->now.wall_ms++;
    assert_true(ledger_commit(run->ledger, 0, write));
    run->headers += ledger_is_header(write);
}

static void finish(struct run *run, const struct journal_write *write)
{
    ledger_put(write);
    journal_written(journal_of(run), (int32_t)write->size);
    ledger_settle(run->ledger, 0);
}

static void step(struct run *run)
{
    struct journal_write write;
    append_some(run);
    do {
        commit(run, &write);
        finish(run, &write);
    } while (ledger_is_header(&write));
    assert_false(journal_exhausted(journal_of(run)));
}

static void go_laps(struct run *run, uint32_t laps)
{
    uint32_t last = laps * SLOTS;
    while (journal_of(run)->chain.segment < last)
        step(run);
}

static uint64_t durable_place(struct run *run)
{
    return atomic_load(&run->ledger->shared.marks[0].durable_place);
}

static uint64_t durable_seq(struct run *run)
{
    return atomic_load(&run->ledger->shared.marks[0].durable_seq);
}

/* Shows what there is; each event is the next one. */
static void read_on(struct reader *reader, uint64_t limit, uint64_t *seen)
{
    struct event event;
    int result;
    while ((result = reader_next_batch(reader, limit)) == 1)
        while (reader_next(reader, &event, NULL))
            if (event.kind == EVENT_STOCK_ADJUSTED)
                assert_int_equal(event.fact.stock.keep_shelf_ms, ++*seen);
    if (result != 0)
        fail_msg("%s", reader_problem(reader));
}

/* Every stream number after `after` to the last, and what is older is refused by its number. */
static void read_from(struct run *run, uint64_t after)
{
    uint64_t oldest = 0, seq = after;
    struct event event;
    if (reader_seek(&run->live, after, &oldest) != 0)
        fail_msg("%s", reader_problem(&run->live));
    while (reader_next_batch(&run->live, durable_place(run)) == 1)
        while (reader_next(&run->live, &event, NULL)) {
            if (event.stream_count == 0)
                continue;
            assert_true(event.stream_seq <= seq + 1);
            seq = event.stream_seq + event.stream_count - 1;
        }
    assert_int_equal(seq, durable_seq(run));
    assert_true(oldest <= after + 1);
}

static void every_stream_number_that_is_kept_is_found(void **state)
{
    struct run *run = *state;
    for (uint32_t lap = 1; lap < 5; lap++) {
        uint64_t oldest = 0;
        go_laps(run, lap);
        int result = reader_seek(&run->live, 0, &oldest);
        assert_int_equal(result, lap == 1 ? 0 : -ERANGE);
        for (uint64_t after = oldest - 1; after <= durable_seq(run); after++)
            read_from(run, after);
        if (lap == 1)
            continue;
        assert_int_equal(reader_seek(&run->live, oldest - 2, &oldest), -ERANGE);
        assert_non_null(strstr(reader_problem(&run->live), "is no longer kept, the oldest is"));
    }
}

static void slots_are_used_again_for_ten_laps_and_read_all_the_way(void **state)
{
    struct run *run = *state;
    while (journal_of(run)->chain.segment < LAPS * SLOTS) {
        step(run);
        if (run->steps % 7 == 0)
            read_on(&run->live, durable_place(run), &run->live_seen);
        if (run->steps % 5 == 0)
            read_on(&run->offline, READER_NO_LIMIT, &run->offline_seen);
    }
    read_on(&run->live, durable_place(run), &run->live_seen);
    assert_int_equal(run->live_seen, run->ledger->appended[0]);
    assert_true(run->headers >= (LAPS - 1) * SLOTS);
    restart(run);
    assert_true(run->ledger->restated[0] > 0);
    assert_true(run->ledger->recovery.shards[0].walk.segment > (LAPS - 2) * SLOTS);
}

static void every_batch_of_ten_laps_is_an_end_that_recovers(void **state)
{
    struct run *run = *state;
    while (journal_of(run)->chain.segment < LAPS * SLOTS) {
        step(run);
        if (run->walk_age == 0 || draw(run, 8) == 0)
            restart(run);
    }
}

/* What is left of a write when the power goes: sectors of it in front of what was there, behind it,
 * every other one, or noise. */
static void tear(struct run *run, const struct journal_write *write, uint32_t how)
{
    static uint8_t there[LEDGER_BATCH_SIZE];
    const uint8_t *data = write->data;
    assert_int_equal(pread(write->fd, there, write->size, (off_t)write->offset), write->size);
    for (uint32_t sector = 0; sector < write->size; sector += 512) {
        bool front = sector < write->size / 2;
        bool taken = how == 0 ? front : how == 1 ? !front : how == 2 ? sector % 1024 == 0 : false;
        bool noise = (how == 3 && sector == 0) || how == 4 || (how == 5 && draw(run, 2) == 0);
        for (uint32_t i = 0; i < 512; i++)
            there[sector + i] = noise   ? (uint8_t)draw(run, 256)
                                : taken ? data[sector + i]
                                        : there[sector + i];
    }
    const struct journal_write torn = {
        .fd = write->fd, .data = there, .size = write->size, .offset = write->offset};
    ledger_put(&torn);
}

static void a_torn_batch_over_an_earlier_lap_is_cut(void **state)
{
    struct run *run = *state;
    struct journal_write write;
    go_laps(run, 2);
    for (uint32_t round = 0; journal_of(run)->chain.segment < 5 * SLOTS; round++) {
        do
            step(run);
        while (run->walk_age != 0 && draw(run, 8) != 0);
        append_some(run);
        commit(run, &write);
        while (ledger_is_header(&write)) {
            finish(run, &write);
            commit(run, &write);
        }
        tear(run, &write, round % TEARS);
        restart(run);
    }
}

/* Old header, torn ones, and the new one of which nobody was told, at every header of four laps. */
static void a_crash_in_the_write_of_a_header_loses_nothing(void **state)
{
    struct run *run = *state;
    struct journal_write write;
    uint32_t crashes[TEARS + 2] = {0};
    for (uint32_t round = 0; journal_of(run)->chain.segment < 8 * SLOTS;) {
        append_some(run);
        commit(run, &write);
        if (!ledger_is_header(&write)) {
            finish(run, &write);
            continue;
        }
        uint32_t how = round++ % (TEARS + 2);
        crashes[how]++;
        if (how < TEARS)
            tear(run, &write, how);
        else if (how == TEARS)
            ledger_put(&write);
        restart(run);
    }
    for (uint32_t i = 0; i < TEARS + 2; i++)
        assert_true(crashes[i] > 0);
}

static void write_to_the_end(struct run *run)
{
    while (!journal_exhausted(journal_of(run))) {
        ledger_append(run->ledger, 0, 0);
        ledger_write(run->ledger, 0);
    }
}

/* The next segment is begun, the one after it cannot be opened: what is acknowledged stays, and the
 * journal goes on when there are descriptors again. */
static void without_descriptors_a_journal_waits_at_the_end_of_its_segment(void **state)
{
    struct run *run = *state;
    struct journal *journal = journal_of(run);
    struct journal_write write;
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3;
    for (uint32_t lap = 1; lap < 4; lap++) {
        go_laps(run, lap);
        uint32_t segment = journal->chain.segment;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
        write_to_the_end(run);
        run->ledger->now.shelf_ms += 10;
        assert_false(ledger_commit(run->ledger, 0, &write));
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(journal->chain.segment, segment + 1);
        run->ledger->now.shelf_ms += 10;
        if (ledger_commit(run->ledger, 0, &write))
            finish(run, &write);
        assert_false(journal_exhausted(journal));
    }
    go_laps(run, 5);
    restart(run);
}

static void set_streamed(struct run *run, uint64_t seq)
{
    atomic_store(&run->ledger->shared.marks[0].streamed_seq, seq);
    atomic_store(&run->ledger->shared.marks[0].known, true);
}

/* S5: with PostgreSQL away a journal fills, walks or not; the stream makes it free again. */
static void segments_wait_for_the_stream(void **state)
{
    struct run *run = *state;
    struct journal *journal = journal_of(run);
    for (uint32_t round = 0; round < 4; round++) {
        uint64_t streamed = durable_seq(run);
        set_streamed(run, streamed);
        step(run);
        uint32_t around = journal->chain.segment + 2 * journal->directory->geometry.segments;
        while (!journal_full(journal)) {
            step(run);
            assert_true(journal->chain.segment < around);
        }
        uint32_t segment = journal->chain.segment;
        restart(run);
        read_from(run, streamed);
        set_streamed(run, durable_seq(run));
        step(run);
        assert_false(journal_full(journal));
        while (journal->chain.segment < segment + 2) {
            step(run);
            set_streamed(run, durable_seq(run));
        }
    }
}

static void a_segment_is_free_with_its_last_stream_number_and_no_sooner(void **state)
{
    struct run *run = *state;
    const struct segment_ring *ring = &journal_of(run)->ring;
    while (ring->named.segment < 3)
        step(run);
    uint64_t second = ring->map.slots[segment_map_find(&ring->map, 2) - 1].first_seq;
    assert_true(second > 2);
    set_streamed(run, second - 2);
    step(run);
    assert_int_equal(ring->oldest, 1);
    set_streamed(run, second - 1);
    step(run);
    assert_int_equal(ring->oldest, 2);
    set_streamed(run, 0); /* PostgreSQL has gone back, and the segment is still there */
    step(run);
    assert_int_equal(ring->oldest, 1);
}

/* Some laps, and PostgreSQL has all of it. */
static void go_streamed_laps(struct run *run)
{
    while (journal_of(run)->chain.segment < 4 * SLOTS) {
        step(run);
        set_streamed(run, durable_seq(run));
    }
    step(run);
}

/* S5: what was promised counts on room that was free: it is not needed again all at once. */
static void what_is_set_aside_stays_when_postgresql_goes_back(void **state)
{
    struct run *run = *state;
    struct journal *journal = journal_of(run);
    const struct segment_ring *ring = &journal->ring;
    go_streamed_laps(run);
    uint64_t streamed = durable_seq(run);
    uint32_t oldest = ring->oldest;
    const struct journal_aside aside = {.bytes = journal_bytes_left(journal) - 1};
    assert_true(oldest > segment_map_oldest(&ring->map));
    assert_true(aside.bytes > journal_segment_room(journal));
    journal_set_aside(journal, &aside);
    set_streamed(run, 0);
    journal_look_ahead(journal);
    assert_true(journal_bytes_left(journal) >= aside.bytes);
    /* .. and what nobody has been promised is PostgreSQL's. */
    set_streamed(run, streamed);
    journal_look_ahead(journal);
    journal_set_aside(journal, &(struct journal_aside){.bytes = 1});
    set_streamed(run, 0);
    journal_look_ahead(journal);
    assert_true(ring->oldest < oldest);
    assert_true(journal_bytes_left(journal) >= 1);
}

/* S5: it is not known what PostgreSQL has, but that it had this. */
static void a_start_without_postgresql_finds_the_room_that_there_was(void **state)
{
    struct run *run = *state;
    go_streamed_laps(run);
    uint32_t oldest = journal_of(run)->ring.oldest;
    assert_true(oldest > segment_map_oldest(&journal_of(run)->ring.map));
    restart(run);
    assert_int_equal(journal_of(run)->ring.oldest, oldest);
    /* .. and what it turns out to lack is needed. */
    set_streamed(run, 0);
    journal_look_ahead(journal_of(run));
    assert_int_equal(journal_of(run)->ring.oldest, segment_map_oldest(&journal_of(run)->ring.map));
}

/* Design, section 8: before the first contact ever, nothing waits. */
static void segments_wait_for_a_postgresql_from_the_first_contact_on(void **state)
{
    struct run *run = *state;
    const struct segment_ring *ring = &journal_of(run)->ring;
    go_laps(run, 3);
    uint32_t oldest = ring->oldest;
    step(run);
    assert_true(ring->oldest >= oldest);
    set_streamed(run, ring->map.slots[segment_map_find(&ring->map, oldest) - 1].first_seq);
    for (uint32_t steps = 0; steps < 2 * WALK_EVERY; steps++)
        step(run);
    assert_int_equal(ring->oldest, oldest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            without_descriptors_a_journal_waits_at_the_end_of_its_segment, setup, teardown),
        cmocka_unit_test_setup_teardown(
            slots_are_used_again_for_ten_laps_and_read_all_the_way, setup, teardown),
        cmocka_unit_test_setup_teardown(
            every_batch_of_ten_laps_is_an_end_that_recovers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_torn_batch_over_an_earlier_lap_is_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_crash_in_the_write_of_a_header_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(every_stream_number_that_is_kept_is_found, setup, teardown),
        cmocka_unit_test_setup_teardown(segments_wait_for_the_stream, setup_streamed, teardown),
        cmocka_unit_test_setup_teardown(
            a_segment_is_free_with_its_last_stream_number_and_no_sooner, setup_streamed, teardown),
        cmocka_unit_test_setup_teardown(
            what_is_set_aside_stays_when_postgresql_goes_back, setup_streamed, teardown),
        cmocka_unit_test_setup_teardown(
            a_start_without_postgresql_finds_the_room_that_there_was, setup_streamed, teardown),
        cmocka_unit_test_setup_teardown(
            segments_wait_for_a_postgresql_from_the_first_contact_on, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
