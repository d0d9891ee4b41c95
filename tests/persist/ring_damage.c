/* SPDX-License-Identifier: Apache-2.0 */
/* A journal that has gone round: what is damaged in it, what is left of an earlier lap, and what is
 * no longer kept. */
#include "tests/persist/ledger.h"

#include "persist/journal_visit.h"
#include "persist/orders_print.h"

enum { SLOTS = 5, WALK_EVERY = 7 };

struct fixture {
    struct ledger *ledger;
    struct reader reader;
    void *buffer;
    uint32_t batches;
};

/* A batch of four blocks; with every seventh a walk begins and ends. */
static void write_one(struct fixture *fixture)
{
    struct ledger *ledger = fixture->ledger;
    ledger_append(ledger, 0, 4000);
    if (++fixture->batches % WALK_EVERY == 0) {
        ledger_begin_walk(ledger, 0);
        ledger_end_walk(ledger, 0);
    }
    ledger_append(ledger, 0, 4000);
    ledger_append(ledger, 0, 4000);
    ledger_write(ledger, 0);
}

static uint32_t segment_of(const struct fixture *fixture)
{
    return fixture->ledger->journals[0].chain.segment;
}

static void go_to_segment(struct fixture *fixture, uint32_t segment)
{
    while (segment_of(fixture) < segment)
        write_one(fixture);
}

/* Three laps and a half: the next segment is prepared, and some are free and some not. */
static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    fixture->ledger = ledger_create(1, SLOTS, true);
    if (ledger_start(fixture->ledger) != 0)
        fail_msg("%s", fixture->ledger->error);
    const struct datadir *directory = &fixture->ledger->directory;
    fixture->buffer = aligned_alloc(BATCH_BLOCK_SIZE, reader_buffer_size(directory));
    assert_int_equal(reader_open(&fixture->reader, directory, 0, fixture->buffer), 0);
    go_to_segment(fixture, 3 * SLOTS + 3);
    write_one(fixture); /* a second batch in it, and the walk began in the segment before */
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

static void assert_recovers(struct fixture *fixture)
{
    if (ledger_recover(fixture->ledger) != 0)
        fail_msg("%s", fixture->ledger->error);
    ledger_assert_replayed_to(fixture->ledger, 0, fixture->ledger->appended[0]);
    datadir_close(&fixture->ledger->directory);
}

static uint32_t number_in(const struct fixture *fixture, uint32_t slot)
{
    uint8_t block[SEGMENT_HEADER_SIZE];
    struct segment_header header;
    ledger_get(fixture->ledger, 0, slot, 0, block, sizeof(block));
    memcpy(&header, block, sizeof(header));
    return header.number;
}

static void a_damaged_header_is_free_or_missed(void **state)
{
    struct fixture *fixture = *state;
    uint32_t current = segment_of(fixture), missed = 0, is_free = 0;
    assert_int_equal(fixture->ledger->journals[0].ring.named.segment, current - 1);
    ledger_crash(fixture->ledger);
    for (uint32_t slot = 1; slot <= SLOTS; slot++) {
        uint32_t number = number_in(fixture, slot);
        bool needed = number <= current && number > current + 2 - SLOTS;
        assert_in_range(number, current + 2 - SLOTS, current + 1);
        ledger_flip(fixture->ledger, 0, slot, 40);
        if (needed) {
            char words[96];
            (void)snprintf(words, sizeof(words),
                "segment-%06u has a damaged header, and segment %u is missing", slot, number);
            ledger_assert_refused(fixture->ledger, words);
            ledger_flip(fixture->ledger, 0, slot, SEGMENT_HEADER_SIZE + 40);
            ledger_assert_refused(fixture->ledger, words); /* more of its beginning is lost */
            ledger_flip(fixture->ledger, 0, slot, SEGMENT_HEADER_SIZE + 40);
        } else {
            assert_recovers(fixture);
        }
        needed ? missed++ : is_free++;
        ledger_flip(fixture->ledger, 0, slot, 40);
    }
    assert_int_equal(is_free, 2); /* the oldest, and the next that is empty */
    assert_int_equal(missed, SLOTS - 2);
    assert_recovers(fixture);
}

static void count_batch(void *context, uint32_t shard, struct reader *reader)
{
    struct event event;
    uint64_t *batches = context;
    (void)shard;
    while (reader_next(reader, &event, NULL))
        continue;
    *batches += 1;
}

/* As `journal verify` does: from the oldest batch kept to the end, beside the server. */
static uint64_t visit(struct fixture *fixture, int expected)
{
    uint64_t batches = 0;
    char problem[512];
    struct visit_end ends[SHARDS_MAX];
    const struct visit_options options = {.directory = &fixture->ledger->directory,
        .shard = VISIT_EVERY_SHARD,
        .batch = count_batch,
        .context = &batches};
    assert_int_equal(journal_visit(&options, ends, problem, sizeof(problem)), expected);
    if (expected == 0)
        assert_int_equal(ends[0].number, fixture->ledger->journals[0].chain.number);
    return batches;
}

static void all_that_is_kept_can_be_verified(void **state)
{
    struct fixture *fixture = *state;
    const struct segment_ring *ring = &fixture->ledger->journals[0].ring;
    uint64_t batches = visit(fixture, 0);
    assert_true(batches >= (SLOTS - 2) * 3 && batches < fixture->ledger->journals[0].chain.number);
    ledger_flip(fixture->ledger, 0, ring->next_slot, 40); /* a torn header of an empty segment */
    assert_int_equal(visit(fixture, 0), batches);
    uint32_t oldest = segment_map_find(&ring->map, segment_map_oldest(&ring->map));
    ledger_flip(fixture->ledger, 0, oldest, SEGMENT_HEADER_SIZE + BATCH_BLOCK_SIZE + 40);
    (void)visit(fixture, -EBADMSG);
}

/* Lines that `hotshelf orders` prints of it, from the oldest kept or from a position. */
static uint32_t lines_printed(
    struct fixture *fixture, const struct orders_position *from, int expected)
{
    char *text = NULL;
    size_t size = 0;
    uint32_t lines = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    assert_int_equal(
        orders_print(fixture->ledger->path, false, from, from == NULL ? 0 : 1, out), expected);
    assert_int_equal(fclose(out), 0);
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    free(text);
    return lines;
}

static void orders_are_printed_from_the_oldest_kept(void **state)
{
    struct fixture *fixture = *state;
    const struct segment_map *map = &fixture->ledger->journals[0].ring.map;
    uint32_t slot = segment_map_find(map, segment_map_oldest(map));
    struct orders_position from = {.node = 7, .seq = map->slots[slot - 1].first_seq};
    uint32_t lines = lines_printed(fixture, NULL, 0);
    assert_true(lines > 0);
    assert_int_equal(lines_printed(fixture, &from, 0), lines);
    from.seq--;
    assert_int_equal(lines_printed(fixture, &from, 1), 0);
}

static void put_header(
    struct fixture *fixture, uint32_t slot, uint32_t number, const struct walk_place *walk)
{
    uint8_t block[SEGMENT_HEADER_SIZE];
    const struct journal_origin origin = datadir_origin(&fixture->ledger->directory, 0);
    segment_header_put(block, &origin, slot, number, walk, 0);
    ledger_patch(fixture->ledger, 0, slot, 0, block, sizeof(block));
}

/* A header names a walk only when all of it is durable. */
static void a_walk_that_is_named_and_not_there_is_damage(void **state)
{
    struct fixture *fixture = *state;
    struct journal *journal = &fixture->ledger->journals[0];
    struct walk_place walk = journal->ring.walk;
    uint32_t next = journal->ring.next_slot, number = journal->ring.number + 1;
    uint32_t slot = segment_map_find(&journal->ring.map, walk.segment);
    ledger_begin_walk(fixture->ledger, 0);
    write_one(fixture);
    const struct walk_place begun = journal->begun;
    ledger_crash(fixture->ledger);
    assert_recovers(fixture);
    put_header(fixture, next, number, &begun);
    ledger_assert_refused(fixture->ledger, "does not end before the journal does");
    walk.number += 100;
    put_header(fixture, next, number, &walk);
    ledger_assert_refused(fixture->ledger, "from which the journal is read, does not begin there");
    walk = journal->ring.walk;
    put_header(fixture, next, number, &walk);
    assert_recovers(fixture);
    ledger_flip(fixture->ledger, 0, slot, walk.offset + 5000);
    ledger_assert_refused(fixture->ledger, "is damaged: its hash does not match");
}

/* Damage is found in what recovery reads; what stands before the walk is not needed any more. */
static void every_damaged_block_is_refused_or_not_needed(void **state)
{
    struct fixture *fixture = *state;
    const struct journal *journal = &fixture->ledger->journals[0];
    const struct walk_place walk = journal->ring.named;
    const struct chain end = journal->chain;
    uint32_t refused = 0, unneeded = 0;
    ledger_crash(fixture->ledger);
    for (uint32_t slot = 1; slot <= SLOTS; slot++)
        for (uint32_t block = 1; block < LEDGER_SEGMENT_SIZE / BATCH_BLOCK_SIZE; block++) {
            uint32_t number = number_in(fixture, slot), offset = block * BATCH_BLOCK_SIZE;
            uint64_t place = journal_place(number, offset);
            /* the last batch may rot unseen, and what is left over of a segment is not used */
            bool needed = place >= journal_place(walk.segment, walk.offset) &&
                          place < journal_place(end.segment, end.offset - 4 * BATCH_BLOCK_SIZE) &&
                          block < 13;
            bool last = place < journal_place(end.segment, end.offset) &&
                        place >= journal_place(end.segment, end.offset - 4 * BATCH_BLOCK_SIZE);
            ledger_flip(fixture->ledger, 0, slot, offset + 60);
            if (needed)
                ledger_assert_refused(fixture->ledger, "damaged");
            else if (!last)
                assert_recovers(fixture);
            needed ? refused++ : unneeded++;
            ledger_flip(fixture->ledger, 0, slot, offset + 60);
        }
    assert_true(refused >= 4 && unneeded > 12);
}

static void a_batch_of_an_earlier_lap_elsewhere_is_not_taken_for_its_remains(void **state)
{
    struct fixture *fixture = *state;
    const struct journal *journal = &fixture->ledger->journals[0];
    uint8_t block[BATCH_BLOCK_SIZE];
    uint32_t oldest = segment_map_oldest(&journal->ring.map);
    ledger_get(fixture->ledger, 0, segment_map_find(&journal->ring.map, oldest),
        SEGMENT_HEADER_SIZE, block, sizeof(block));
    assert_true(journal->chain.offset != SEGMENT_HEADER_SIZE);
    ledger_patch(
        fixture->ledger, 0, journal->ring.slot, journal->chain.offset, block, sizeof(block));
    ledger_assert_refused(fixture->ledger, "was written for another place, but it is whole");
}

static void slots_that_are_added_are_used_first(void **state)
{
    struct fixture *fixture = *state;
    struct ledger *ledger = fixture->ledger;
    ledger->options.journal_bytes += 3 * LEDGER_SEGMENT_SIZE;
    ledger_restart(ledger);
    ledger_assert_replayed_to(ledger, 0, ledger->appended[0]);
    assert_int_equal(ledger->directory.geometry.segments, SLOTS + 3);
    uint32_t oldest = segment_map_oldest(&ledger->journals[0].ring.map);
    go_to_segment(fixture, 3 * SLOTS + 2 + 3);
    assert_int_equal(segment_map_oldest(&ledger->journals[0].ring.map), oldest);
    go_to_segment(fixture, 8 * SLOTS);
    assert_true(segment_map_oldest(&ledger->journals[0].ring.map) > oldest);
    ledger_restart(ledger);
    ledger_assert_replayed_to(ledger, 0, ledger->appended[0]);
}

/* A reader that is slow is told so, and not that the journal has ended. */
static void a_reader_that_was_overtaken_is_told(void **state)
{
    struct fixture *fixture = *state;
    for (uint32_t round = 0; round < 6; round++) {
        int result = reader_oldest(&fixture->reader);
        assert_int_equal(result, 0);
        for (uint32_t i = 0; result == 0 && (i == 0 || round % 2 == 1); i++)
            result = reader_next_batch(&fixture->reader, READER_NO_LIMIT) == 1 ? 0 : 1;
        go_to_segment(fixture, segment_of(fixture) + (1 + round) * SLOTS);
        do /* what it had read ahead is still true */
            result = reader_next_batch(&fixture->reader, READER_NO_LIMIT);
        while (result == 1);
        assert_int_equal(result, -ERANGE);
        assert_non_null(strstr(reader_problem(&fixture->reader), "is no longer kept"));
    }
}

/* The segment that it has read a part of is overwritten, and the one after is still there. */
static void a_reader_of_the_oldest_segment_is_told_when_it_goes(void **state)
{
    struct fixture *fixture = *state;
    struct segment_ring *ring = &fixture->ledger->journals[0].ring;
    uint32_t segment = ring->number, slot = ring->slot;
    assert_int_equal(reader_oldest(&fixture->reader), 0);
    while (fixture->reader.chain.segment != segment)
        assert_int_equal(reader_next_batch(&fixture->reader, READER_NO_LIMIT), 1);
    fixture->reader.window_size = 0; /* as in a segment of more than one window */
    go_to_segment(fixture, segment + 1);
    fixture->ledger->journals[0].streamed = true; /* just to its end */
    atomic_store(&fixture->ledger->shared.marks[0].streamed_seq,
        ring->map.slots[ring->slot - 1].first_seq - 1);
    while (ring->slot != slot)
        write_one(fixture);
    write_one(fixture);
    assert_int_equal(segment_map_find(&ring->map, segment), 0);
    assert_true(segment_map_find(&ring->map, segment + 1) != 0);
    assert_int_equal(reader_next_batch(&fixture->reader, READER_NO_LIMIT), -ERANGE);
    assert_non_null(strstr(reader_problem(&fixture->reader), "its file is used again"));
}

/* Its header in the next segment says a stream number that the journal has given out again. */
static void a_batch_torn_in_the_next_segment_is_no_place_to_start(void **state)
{
    struct fixture *fixture = *state;
    struct ledger *ledger = fixture->ledger;
    struct journal_write write;
    uint64_t oldest;
    go_to_segment(fixture, segment_of(fixture) + 1);
    while (ledger->journals[0].chain.offset + 4 * BATCH_BLOCK_SIZE <= LEDGER_SEGMENT_SIZE)
        write_one(fixture);
    uint64_t before = ledger->journals[0].chain.seq;
    for (uint32_t i = 0; i < 3; i++)
        ledger_append(ledger, 0, 4000);
    assert_true(ledger_commit(ledger, 0, &write));
    while (ledger_is_header(&write)) {
        ledger_put(&write);
        journal_written(&ledger->journals[0], (int32_t)write.size);
        assert_true(ledger_commit(ledger, 0, &write));
    }
    assert_int_equal(write.offset, SEGMENT_HEADER_SIZE);
    ledger_patch(ledger, 0, ledger->journals[0].ring.slot, SEGMENT_HEADER_SIZE, write.data, 512);
    ledger_restart(ledger);
    ledger_write_batches(ledger, 0, 3);
    for (uint64_t after = before - 2; after <= ledger->journals[0].chain.seq; after++) {
        struct event event;
        assert_int_equal(reader_seek(&fixture->reader, after, &oldest), 0);
        int result = reader_next_batch(&fixture->reader, READER_NO_LIMIT);
        assert_int_equal(result, after < ledger->journals[0].chain.seq);
        if (result == 1)
            assert_true(
                reader_next(&fixture->reader, &event, NULL) && event.stream_seq <= after + 1);
    }
}

/* Nothing is free as long as no header names the walk, and there is no header to name it in. */
static void a_walk_that_ends_in_the_last_free_slot_frees_nothing(void **state)
{
    struct ledger *ledger = ledger_create(1, SLOTS, true);
    struct journal_write write;
    (void)state;
    assert_int_equal(ledger_start(ledger), 0);
    struct journal *journal = &ledger->journals[0];
    while (journal->chain.segment < SLOTS)
        ledger_write_batches(ledger, 0, 1);
    assert_int_equal(journal_bytes_left(journal), 0); /* and so nobody lets it come to this */
    ledger_begin_walk(ledger, 0);
    ledger_end_walk(ledger, 0);
    while (!journal_exhausted(journal)) {
        assert_true(ledger_commit(ledger, 0, &write));
        assert_false(ledger_is_header(&write));
        ledger_put(&write);
        journal_written(journal, (int32_t)write.size);
        ledger_settle(ledger, 0);
        if (!journal_exhausted(journal))
            ledger_append(ledger, 0, 4000);
        ledger->now.shelf_ms++;
    }
    ledger_destroy(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_damaged_header_is_free_or_missed, setup, teardown),
        cmocka_unit_test_setup_teardown(all_that_is_kept_can_be_verified, setup, teardown),
        cmocka_unit_test_setup_teardown(orders_are_printed_from_the_oldest_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_walk_that_is_named_and_not_there_is_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(
            every_damaged_block_is_refused_or_not_needed, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_batch_of_an_earlier_lap_elsewhere_is_not_taken_for_its_remains, setup, teardown),
        cmocka_unit_test_setup_teardown(slots_that_are_added_are_used_first, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reader_that_was_overtaken_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_reader_of_the_oldest_segment_is_told_when_it_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(
            a_batch_torn_in_the_next_segment_is_no_place_to_start, setup, teardown),
        cmocka_unit_test(a_walk_that_ends_in_the_last_free_slot_frees_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
