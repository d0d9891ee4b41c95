/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream beside a journal that goes round: it gets everything, segments wait for it, and what
 * is no longer kept is told.
 */
#include "tests/persist/stream_world.h"

enum { SLOTS = 4, ORDERS_IN_A_BATCH = 8, BATCHES_IN_A_WALK = 5 };

/* A small ring in the place of the large journal. */
static void make_ring(struct world *world, bool waits)
{
    ledger_destroy(world->ledger);
    world->ledger = ledger_create(SHARDS, SLOTS, true);
    world->ledger->streamed = waits;
    if (ledger_start(world->ledger) != 0)
        fail_msg("%s", world->ledger->error);
}

static uint32_t segment_of(const struct world *world)
{
    return world->ledger->journals[0].chain.segment;
}

/* Some orders, and a walk behind them. */
static void go_on(struct world *world)
{
    for (uint32_t i = 0; i < BATCHES_IN_A_WALK; i++)
        place(world, 0, ORDERS_IN_A_BATCH);
    ledger_begin_walk(world->ledger, 0);
    ledger_end_walk(world->ledger, 0);
    ledger_write(world->ledger, 0);
}

static uint64_t oldest_kept(const struct world *world)
{
    const struct segment_map *map = &world->ledger->journals[0].ring.map;
    return map->slots[segment_map_find(map, segment_map_oldest(map)) - 1].first_seq;
}

/* S1, S2 */
static void a_journal_that_goes_round_arrives_whole(void **state)
{
    struct world *world = *state;
    make_ring(world, true);
    assert_int_equal(start_stream(world), 0);
    while (segment_of(world) < 4 * SLOTS) {
        go_on(world);
        wait_streamed(world);
    }
    place(world, 1, 1);
    assert_true(oldest_kept(world) > 1);
    stop_stream(world);
    ledger_restart(world->ledger);
    assert_int_equal(start_stream(world), 0);
    go_on(world);
    wait_streamed(world);
    assert_whole(world);
}

/* S5: walks or not, nothing is overwritten that PostgreSQL does not have. */
static void what_postgresql_lacks_is_kept_until_it_has_it(void **state)
{
    struct world *world = *state;
    make_ring(world, true);
    while (segment_of(world) < SLOTS)
        go_on(world);
    while (journal_bytes_left(&world->ledger->journals[0]) > 0)
        place(world, 0, 1);
    assert_int_equal(segment_map_oldest(&world->ledger->journals[0].ring.map), 1);
    assert_int_equal(start_stream(world), 0);
    wait_streamed(world);
    assert_whole(world);
    for (uint32_t lap = segment_of(world) + SLOTS; segment_of(world) < lap;) {
        place(world, 0, 1);
        wait_streamed(world);
        go_on(world);
        wait_streamed(world);
    }
}

/* As a failover to a server that was far behind. */
static void lose_rows_after(struct world *world, uint32_t seq)
{
    private_postgres_do(world->postgres,
        "DELETE FROM hotshelf.outbox WHERE shard = 0 AND seq > %u; "
        "DELETE FROM hotshelf.order_lines WHERE order_id IN "
        "(SELECT order_id FROM hotshelf.orders WHERE shard = 0 AND seq > %u); "
        "DELETE FROM hotshelf.orders WHERE shard = 0 AND seq > %u; "
        "UPDATE hotshelf.stream_position SET seq = %u, epoch = 1 WHERE shard = 0",
        seq, seq, seq, seq);
}

static void a_new_database_starts_with_the_oldest_event_kept(void **state)
{
    struct world *world = *state;
    char oldest[24], count[24];
    make_ring(world, false);
    while (segment_of(world) < 3 * SLOTS)
        go_on(world);
    uint64_t kept = oldest_kept(world);
    assert_true(kept > 1);
    assert_int_equal(start_stream(world), 0);
    wait_streamed(world);
    (void)snprintf(oldest, sizeof(oldest), "%llu", (unsigned long long)kept);
    (void)snprintf(
        count, sizeof(count), "%llu", (unsigned long long)(durable(world, 0) - kept + 1));
    assert_sql(world->postgres, oldest, "SELECT min(seq) FROM hotshelf.outbox WHERE shard = 0");
    assert_sql(world->postgres, count, "SELECT count(*) FROM hotshelf.outbox WHERE shard = 0");
}

/* S1, S2: PostgreSQL goes back further than the journal goes. Nobody can send that again: it is
 * named, the stream goes on behind it, and what is live is asked for. */
static void what_is_lost_on_both_sides_is_named_and_the_stream_goes_on(void **state)
{
    struct world *world = *state;
    char text[64];
    make_ring(world, true);
    assert_int_equal(start_stream(world), 0);
    while (segment_of(world) < 3 * SLOTS) {
        go_on(world);
        wait_streamed(world);
    }
    stop_stream(world);
    lose_rows_after(world, 2);
    ledger_restart(world->ledger);
    uint64_t kept = oldest_kept(world);
    assert_int_equal(start_stream(world), 0);
    assert_true(stream_adopting(world->stream));
    go_on(world);
    wait_streamed(world);
    assert_false(stream_halted(world->stream));
    (void)snprintf(text, sizeof(text), "%llu %llu", (unsigned long long)kept,
        (unsigned long long)(durable(world, 0) - kept + 1));
    assert_sql(world->postgres, text,
        "SELECT concat_ws(' ', min(seq), count(*)) FROM hotshelf.outbox "
        "WHERE shard = 0 AND seq > 2");
    assert_sql(
        world->postgres, "t", "SELECT adopting FROM hotshelf.stream_position WHERE shard = 0");
    (void)snprintf(text, sizeof(text), "3 events 3 to %llu:", (unsigned long long)(kept - 1));
    assert_sql(world->postgres, text,
        "SELECT concat_ws(' ', seq, split_part(detail, ':', 1) || ':') FROM hotshelf.dead_letters");
}

/* The same while the stream runs: the position is read back, and the epoch with it. */
static void what_is_lost_while_the_stream_runs_does_not_stop_it(void **state)
{
    struct world *world = *state;
    make_ring(world, true);
    assert_int_equal(start_stream(world), 0);
    while (segment_of(world) < 3 * SLOTS) {
        go_on(world);
        wait_streamed(world);
    }
    lose_rows_after(world, 2);
    private_postgres_do(world->postgres,
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()");
    for (uint32_t waited = 0; !stream_adopting(world->stream) && waited < PATIENCE_MS; waited += 2)
        nap();
    go_on(world);
    wait_streamed(world);
    assert_false(stream_halted(world->stream));
    assert_sql(world->postgres, "1", "SELECT count(*) FROM hotshelf.dead_letters");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(a_journal_that_goes_round_arrives_whole),
        STREAM_TEST(what_postgresql_lacks_is_kept_until_it_has_it),
        STREAM_TEST(a_new_database_starts_with_the_oldest_event_kept),
        STREAM_TEST(what_is_lost_on_both_sides_is_named_and_the_stream_goes_on),
        STREAM_TEST(what_is_lost_while_the_stream_runs_does_not_stop_it),
    };
    return cmocka_run_group_tests(tests, open_postgres, close_postgres);
}
