/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream_world - a real PostgreSQL, real journals of two shards, and the stream between them.
 *
 * Ownership  The group owns the server, each test a database and a data directory of its own.
 * Threads    The stream has its own; the rest is one.
 * Units      Milliseconds of patience.
 * Errors     cmocka's assertions.
 * Cost       Some 50 ms a test, initdb once a program.
 */
#ifndef HOTSHELF_TESTS_PERSIST_STREAM_WORLD_H
#define HOTSHELF_TESTS_PERSIST_STREAM_WORLD_H

#include "tests/persist/ledger.h"
#include "tests/persist/private_postgres.h"
#include "tests/persist/sample_orders.h"

#include <signal.h>
#include <time.h>

#include "persist/stream.h"

enum { SHARDS = 2, SEGMENTS = 48, PATIENCE_MS = 20000 };

struct world {
    struct private_postgres *postgres;
    struct ledger *ledger;
    struct stream *stream;
    uint32_t orders[SHARDS]; /* placed so far; numbers of shard 1 start at a million */
    uint64_t settles_ms;     /* for start_stream() */
    uint32_t copy_events;    /* the same */
    const uint64_t *seqs;
};

static inline void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static inline uint32_t order_number(const struct world *world, uint32_t shard)
{
    return shard * 1000000 + world->orders[shard];
}

static inline void append(struct world *world, uint32_t shard, struct event *event)
{
    struct journal *journal = &world->ledger->journals[shard];
    event->stream_seq = journal->filling_seq + 1;
    journal_append(journal, event);
}

static inline void place(struct world *world, uint32_t shard, uint32_t count)
{
    struct sample_order order;
    for (uint32_t i = 0; i < count; i++) {
        world->orders[shard]++;
        append(world, shard, sample_order_placed(&order, order_number(world, shard), 0));
        if (i % 8 == 7 || i + 1 == count)
            ledger_write(world->ledger, shard);
    }
}

static inline uint64_t streamed(const struct world *world, uint32_t shard)
{
    return atomic_load(&world->ledger->shared.marks[shard].streamed_seq);
}

static inline uint64_t durable(const struct world *world, uint32_t shard)
{
    return atomic_load(&world->ledger->shared.marks[shard].durable_seq);
}

static inline void wait_streamed(const struct world *world)
{
    for (uint32_t waited = 0; waited < PATIENCE_MS; waited += 2) {
        bool done = true;
        for (uint32_t i = 0; i < SHARDS; i++)
            done = done && streamed(world, i) == durable(world, i);
        if (done)
            return;
        nap();
    }
    char problem[STREAM_PROBLEM_SIZE];
    stream_problem(world->stream, problem);
    fail_msg("the stream does not catch up: %s", problem);
}

static inline int start_stream(struct world *world)
{
    const struct stream_options options = {.directory = &world->ledger->directory,
        .shared = &world->ledger->shared,
        .dsn = world->postgres->dsn,
        .gather_ms = 1,
        .copy_events = world->copy_events,
        .settles_ms = world->settles_ms,
        .seqs = world->seqs};
    assert_int_equal(stream_start(&world->stream, &options), 0);
    return stream_first_contact(world->stream, PATIENCE_MS);
}

static inline void stop_stream(struct world *world)
{
    stream_stop(world->stream, PATIENCE_MS);
    world->stream = NULL;
}

/* S1, S2: numbers contiguous from 1, the position is the last one, every order there as it is. */
static inline void assert_whole(struct world *world)
{
    struct private_postgres *postgres = world->postgres;
    for (uint32_t i = 0; i < SHARDS; i++) {
        char last[24];
        (void)snprintf(last, sizeof(last), "%llu", (unsigned long long)durable(world, i));
        assert_sql(postgres, last, "SELECT count(*) FROM hotshelf.outbox WHERE shard = %u", i);
        assert_sql(postgres, last,
            "SELECT coalesce(max(seq), 0) FROM hotshelf.outbox WHERE shard = %u", i);
        assert_sql(postgres, last, "SELECT seq FROM hotshelf.stream_position WHERE shard = %u", i);
        (void)snprintf(last, sizeof(last), "%u", world->orders[i]);
        assert_sql(postgres, last, "SELECT count(*) FROM hotshelf.orders WHERE shard = %u", i);
    }
    assert_sql(postgres, "0",
        "SELECT count(*) FROM (SELECT o.order_id FROM hotshelf.orders o LEFT JOIN "
        "hotshelf.order_lines l USING (order_id) GROUP BY 1 "
        "HAVING sum(l.line_total) IS DISTINCT FROM max(o.total)) wrong");
    assert_sql(postgres, "0", "SELECT count(*) FROM hotshelf.dead_letters");
}

static inline void world_open(struct world *world)
{
    world->ledger = ledger_create(SHARDS, SEGMENTS, true);
    memset(world->orders, 0, sizeof(world->orders));
    world->settles_ms = 0;
    world->seqs = NULL;
    world->copy_events = 0;
    if (ledger_start(world->ledger) != 0)
        fail_msg("%s", world->ledger->error);
}

static inline void wait_connected(const struct world *world)
{
    for (uint32_t waited = 0; !stream_connected(world->stream) && waited < PATIENCE_MS; waited += 2)
        nap();
    assert_true(stream_connected(world->stream));
}

static inline int setup(void **state)
{
    struct world *world = *state;
    private_postgres_start(world->postgres);
    private_postgres_database(world->postgres);
    world_open(world);
    return 0;
}

static inline int teardown(void **state)
{
    struct world *world = *state;
    if (world->stream != NULL)
        stream_stop(world->stream, 0);
    world->stream = NULL;
    ledger_destroy(world->ledger);
    private_postgres_disconnect(world->postgres);
    return 0;
}

static inline int open_postgres(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct private_postgres *postgres = calloc(1, sizeof(*postgres));
    assert_non_null(world);
    assert_non_null(postgres);
    sigset_t ready; /* a child's sign that it has made contact */
    sigemptyset(&ready);
    sigaddset(&ready, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &ready, NULL);
    private_postgres_create(postgres);
    world->postgres = postgres;
    *state = world;
    return 0;
}

static inline int close_postgres(void **state)
{
    struct world *world = *state;
    private_postgres_destroy(world->postgres);
    free(world->postgres);
    free(world);
    return 0;
}

/* Each batch that there is goes by COPY. */
static inline int setup_copy(void **state)
{
    struct world *world = *state;
    int result = setup(state);
    world->copy_events = 1;
    return result;
}

#define STREAM_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define STREAM_COPY_TEST(function)                                                                 \
    {                                                                                              \
        .name = #function "_by_copy", .test_func = (function), .setup_func = setup_copy,           \
        .teardown_func = teardown                                                                  \
    }

#endif
