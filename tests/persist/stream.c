/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream against a real PostgreSQL and real journals: whatever is done to either side, each
 * event arrives exactly once, in order, with its rows (S1-S5), and a data directory that is behind
 * does not sell.
 */
#include "tests/persist/ledger.h"
#include "tests/persist/private_postgres.h"
#include "tests/persist/sample_orders.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "persist/stream.h"

enum { SHARDS = 2, SEGMENTS = 48, PATIENCE_MS = 20000 };

struct world {
    struct private_postgres *postgres;
    struct ledger *ledger;
    struct stream *stream;
    uint32_t orders[SHARDS]; /* placed so far; numbers of shard 1 start at a million */
};

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static uint32_t order_number(const struct world *world, uint32_t shard)
{
    return shard * 1000000 + world->orders[shard];
}

static void append(struct world *world, uint32_t shard, struct event *event)
{
    struct journal *journal = &world->ledger->journals[shard];
    event->stream_seq = journal->filling_seq + 1;
    journal_append(journal, event);
}

static void place(struct world *world, uint32_t shard, uint32_t count)
{
    struct sample_order order;
    for (uint32_t i = 0; i < count; i++) {
        world->orders[shard]++;
        append(world, shard, sample_order_placed(&order, order_number(world, shard), 0));
        if (i % 8 == 7 || i + 1 == count)
            ledger_write(world->ledger, shard);
    }
}

static uint64_t streamed(const struct world *world, uint32_t shard)
{
    return atomic_load(&world->ledger->shared.marks[shard].streamed_seq);
}

static uint64_t durable(const struct world *world, uint32_t shard)
{
    return atomic_load(&world->ledger->shared.marks[shard].durable_seq);
}

static void wait_streamed(const struct world *world)
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

static int start_stream(struct world *world)
{
    const struct stream_options options = {.directory = &world->ledger->directory,
        .shared = &world->ledger->shared,
        .dsn = world->postgres->dsn,
        .gather_ms = 1};
    assert_int_equal(stream_start(&world->stream, &options), 0);
    return stream_first_contact(world->stream, PATIENCE_MS);
}

static void stop_stream(struct world *world)
{
    stream_stop(world->stream, PATIENCE_MS);
    world->stream = NULL;
}

/* S1, S2: numbers contiguous from 1, the position is the last one, every order there as it is. */
static void assert_whole(struct world *world)
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

static void world_open(struct world *world)
{
    world->ledger = ledger_create(SHARDS, SEGMENTS, true);
    memset(world->orders, 0, sizeof(world->orders));
    if (ledger_start(world->ledger) != 0)
        fail_msg("%s", world->ledger->error);
}

static int setup(void **state)
{
    struct world *world = *state;
    private_postgres_start(world->postgres);
    private_postgres_database(world->postgres);
    world_open(world);
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    if (world->stream != NULL)
        stream_stop(world->stream, 0);
    world->stream = NULL;
    ledger_destroy(world->ledger);
    private_postgres_disconnect(world->postgres);
    return 0;
}

static void every_event_arrives_once_with_its_rows(void **state)
{
    struct world *world = *state;
    struct private_postgres *postgres = world->postgres;
    struct sample_order order;
    place(world, 0, 3);
    assert_int_equal(start_stream(world), 0);
    assert_true(stream_has_contact(world->stream));
    place(world, 1, 40);
    append(world, 0, sample_order_captured(&order, 1, "pay-1"));
    append(world, 0, sample_order_cancelled(&order, 2));
    ledger_write(world->ledger, 0);
    wait_streamed(world);
    assert_whole(world);
    assert_sql(postgres, "confirmed 5000 key-1 acme pay-1 3",
        "SELECT concat_ws(' ', status, paid, idempotency_key, provider, payment_id, order_version) "
        "FROM hotshelf.orders WHERE order_id::text LIKE '%%0001' AND shard = 0");
    assert_sql(postgres, "cancelled 2 2",
        "SELECT concat_ws(' ', status, cancelled, restocked) FROM hotshelf.orders JOIN "
        "hotshelf.order_lines USING (order_id) WHERE order_id::text LIKE '%%0002' AND line = 2 "
        "AND shard = 0");
    assert_sql(postgres, "acme pay-1 captured 5000 GBP",
        "SELECT concat_ws(' ', provider, payment_id, result, amount, currency) "
        "FROM hotshelf.payments");
    assert_sql(postgres, "order.placed.v1,order.confirmed.v1,order.confirmed.v1",
        "SELECT string_agg(type, ',' ORDER BY seq) FROM hotshelf.outbox WHERE aggregateid LIKE "
        "'%%0001' AND shard = 0");
    assert_sql(postgres, "1,2,3",
        "SELECT string_agg(payload #>> '{data,order_version}', ',' ORDER BY seq) "
        "FROM hotshelf.outbox WHERE aggregateid LIKE '%%0001' AND shard = 0");
    assert_sql(postgres, "t",
        "SELECT bool_and(id::text = payload ->> 'id' AND type = payload ->> 'type' AND "
        "seq = (payload #>> '{data,seq}')::bigint) FROM hotshelf.outbox");
    assert_sql(postgres, "2026-11-23 08:00:00.124+00",
        "SELECT created_at AT TIME ZONE 'UTC' || '+00' FROM hotshelf.orders ORDER BY created_at "
        "LIMIT 1");
}

static void products_and_stock_changes_arrive(void **state)
{
    struct world *world = *state;
    struct private_postgres *postgres = world->postgres;
    struct event product = {.kind = EVENT_PRODUCT_SET,
        .stream_count = 1,
        .fact.product = {.sku_number = 1,
            .version = 1,
            .allotment = 40,
            .created = 1,
            .reserve_on = RESERVE_CART,
            .price_count = 2,
            .now_wall_ms = sample_wall_ms,
            .prices = {{.currency = "GBP", .amount = 1250}, {.currency = "JPY", .amount = 1800}}}};
    product.text[TEXT_SKU] = BYTES("S1");
    product.text[TEXT_TITLE] = BYTES("Caf\xc3\xa9 \"mug\", large");
    struct event stock = {.kind = EVENT_STOCK_ADJUSTED,
        .stream_count = 1,
        .fact.stock = {.keep_shelf_ms = 1,
            .sku_number = 1,
            .delta = -5,
            .allotment = 35,
            .now_wall_ms = sample_wall_ms}};
    stock.text[TEXT_SKU] = BYTES("S1");
    stock.text[TEXT_ACTOR] = BYTES("eve");
    append(world, 0, &product);
    product.fact.product.version = 2;
    product.fact.product.allotment = 0;
    product.fact.product.prices[0].amount = 990;
    append(world, 0, &product); /* twice in one batch: written once */
    append(world, 0, &stock);
    ledger_write(world->ledger, 0);
    assert_int_equal(start_stream(world), 0);
    wait_streamed(world);
    assert_whole(world);
    assert_sql(postgres,
        "S1|Caf\xc3\xa9 \"mug\", large|GBP|990|{\"GBP\": 990, \"JPY\": 1800}|cart|2",
        "SELECT concat_ws('|', sku, title, currency, price, prices, reserve_on, version) "
        "FROM hotshelf.products");
    assert_sql(postgres, "35", "SELECT sum(delta) FROM hotshelf.stock_movements WHERE sku = 'S1'");
    assert_sql(postgres, "eve", "SELECT actor FROM hotshelf.stock_movements WHERE delta < 0");
}

static void wait_connected(const struct world *world)
{
    for (uint32_t waited = 0; !stream_connected(world->stream) && waited < PATIENCE_MS; waited += 2)
        nap();
    assert_true(stream_connected(world->stream));
}

/* N1, N2: the backend dies while batches are under way, a little later in the exchange each time.
 */
static void a_backend_killed_in_the_middle_loses_and_repeats_nothing(void **state)
{
    struct world *world = *state;
    assert_int_equal(start_stream(world), 0);
    for (uint32_t round = 0; round < 30; round++) {
        wait_connected(world);
        place(world, round % SHARDS, 40);
        nanosleep(&(struct timespec){.tv_nsec = round % 10 * 300000}, NULL);
        private_postgres_do(world->postgres,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name LIKE 'hotshelf%%'");
    }
    wait_streamed(world);
    assert_whole(world);
}

static void a_server_that_was_away_gets_what_it_missed(void **state)
{
    struct world *world = *state;
    assert_int_equal(start_stream(world), 0);
    place(world, 0, 100);
    private_postgres_disconnect(world->postgres);
    private_postgres_stop(world->postgres, "immediate");
    place(world, 0, 300);
    place(world, 1, 300);
    assert_true(streamed(world, 1) == 0);
    private_postgres_start(world->postgres);
    wait_streamed(world);
    private_postgres_connect(world->postgres);
    assert_whole(world);
}

static void a_restarted_process_goes_on_where_postgresql_is(void **state)
{
    struct world *world = *state;
    assert_int_equal(start_stream(world), 0);
    place(world, 0, 50);
    wait_streamed(world);
    stop_stream(world);
    place(world, 0, 30);
    ledger_restart(world->ledger);
    place(world, 1, 30);
    assert_int_equal(start_stream(world), 0);
    wait_streamed(world);
    assert_whole(world);
    assert_sql(world->postgres, "2", "SELECT max(epoch) FROM hotshelf.stream_position");
}

/* A stop sends what is durable before it ends. */
static void a_stop_drains_what_is_durable(void **state)
{
    struct world *world = *state;
    assert_int_equal(start_stream(world), 0);
    place(world, 0, 400);
    place(world, 1, 400);
    stop_stream(world);
    assert_whole(world);
}

/* N3: a failover to a replica that did not have the last commits. */
static void commits_that_postgresql_lost_are_sent_again(void **state)
{
    struct world *world = *state;
    struct private_postgres *postgres = world->postgres;
    assert_int_equal(start_stream(world), 0);
    place(world, 0, 60);
    wait_streamed(world);
    private_postgres_do(postgres,
        "BEGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name "
        "LIKE 'hotshelf%%'; UPDATE hotshelf.stream_position SET seq = 40 WHERE shard = 0; "
        "DELETE FROM hotshelf.outbox WHERE seq > 40; DELETE FROM hotshelf.order_lines "
        "WHERE order_id IN (SELECT order_id FROM hotshelf.orders WHERE seq > 40); "
        "DELETE FROM hotshelf.orders WHERE seq > 40; COMMIT");
    place(world, 0, 10);
    wait_streamed(world);
    assert_whole(world);
}

/* S1: a lost or old data directory must not sell. */
static void a_data_directory_that_is_behind_is_refused(void **state)
{
    struct world *world = *state;
    char problem[STREAM_PROBLEM_SIZE];
    assert_int_equal(start_stream(world), 0);
    place(world, 1, 20);
    wait_streamed(world);
    stop_stream(world);
    ledger_destroy(world->ledger);
    world_open(world);
    place(world, 1, 10);
    assert_int_equal(start_stream(world), -ESTALE);
    stream_problem(world->stream, problem);
    assert_non_null(strstr(problem, "ends at stream number 20, PostgreSQL has 40"));
    assert_false(stream_has_contact(world->stream));
}

/* Parent and child wait for each other by SIGUSR1, blocked in both. */
static void await_signal(void)
{
    int signal = 0;
    sigset_t ready;
    sigemptyset(&ready);
    sigaddset(&ready, SIGUSR1);
    assert_int_equal(sigwait(&ready, &signal), 0);
}

/* A server on a fresh directory: its first contact ends as `expected`, then it sells on our sign.
 */
static pid_t start_child(struct world *world, int expected, uint32_t wait_ms)
{
    fflush(NULL);
    pid_t child = fork();
    if (child != 0)
        return child;
    (void)!freopen("/dev/null", "w", stderr);
    struct world own = {.postgres = world->postgres};
    world_open(&own);
    const struct stream_options options = {.directory = &own.ledger->directory,
        .shared = &own.ledger->shared,
        .dsn = world->postgres->dsn};
    if (stream_start(&own.stream, &options) != 0)
        _exit(90);
    if (stream_first_contact(own.stream, wait_ms) != expected)
        _exit(91);
    kill(getppid(), SIGUSR1);
    await_signal();
    place(&own, 0, 1);
    for (uint32_t waited = 0; waited < PATIENCE_MS; waited += 2)
        nap();
    _exit(92);
}

static int status_of(pid_t child)
{
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void a_directory_found_behind_while_selling_ends_the_process(void **state)
{
    struct world *world = *state;
    assert_int_equal(start_stream(world), 0);
    place(world, 0, 20);
    wait_streamed(world);
    stop_stream(world);
    private_postgres_disconnect(world->postgres);
    private_postgres_stop(world->postgres, "fast");
    pid_t child = start_child(world, -EAGAIN, 300);
    await_signal();
    private_postgres_start(world->postgres);
    assert_int_equal(status_of(child), 1);
}

static void a_server_whose_node_is_taken_over_ends(void **state)
{
    struct world *world = *state;
    pid_t child = start_child(world, 0, PATIENCE_MS);
    await_signal();
    assert_int_equal(start_stream(world), 0);
    kill(child, SIGUSR1);
    assert_int_equal(status_of(child), 1);
    place(world, 0, 3);
    wait_streamed(world);
    assert_whole(world);
}

static void what_postgresql_refuses_becomes_a_dead_letter_and_the_rest_goes_on(void **state)
{
    struct world *world = *state;
    struct private_postgres *postgres = world->postgres;
    assert_int_equal(start_stream(world), 0);
    private_postgres_do(
        postgres, "ALTER TABLE hotshelf.orders ADD CHECK (idempotency_key <> 'key-70')");
    place(world, 0, 100);
    wait_streamed(world);
    assert_sql(postgres, "99", "SELECT count(*) FROM hotshelf.orders");
    assert_sql(postgres, "200", "SELECT count(*) FROM hotshelf.outbox");
    assert_sql(postgres, "139 refused 23514",
        "SELECT concat_ws(' ', seq, reason, sqlstate) FROM hotshelf.dead_letters");
    assert_sql(postgres, "key-70",
        "SELECT convert_from(raw, 'UTF8')::jsonb #>> '{data,idempotency_key}' "
        "FROM hotshelf.dead_letters");
    assert_sql(postgres, "139,140",
        "SELECT string_agg(seq::text, ',' ORDER BY seq) FROM hotshelf.outbox "
        "WHERE payload -> 'data' = 'null'");
    assert_false(stream_halted(world->stream));
}

static void a_payment_id_of_another_order_is_noted_and_goes_through(void **state)
{
    struct world *world = *state;
    struct sample_order order;
    place(world, 0, 2);
    append(world, 0, sample_order_captured(&order, 1, "pay-1"));
    append(world, 0, sample_order_captured(&order, 2, "pay-1"));
    ledger_write(world->ledger, 0);
    assert_int_equal(start_stream(world), 0);
    wait_streamed(world);
    assert_sql(world->postgres, "6 payment_id_used",
        "SELECT concat_ws(' ', seq, reason) FROM hotshelf.dead_letters");
    assert_sql(world->postgres, "6", "SELECT count(*) FROM hotshelf.outbox");
    assert_sql(world->postgres, "1", "SELECT count(*) FROM hotshelf.payment_owner");
}

/* Exactly-once is broken from outside: that shard stops and says so, the other goes on. */
static void a_row_that_is_already_there_stops_its_shard_only(void **state)
{
    struct world *world = *state;
    char problem[STREAM_PROBLEM_SIZE];
    assert_int_equal(start_stream(world), 0);
    private_postgres_do(world->postgres,
        "INSERT INTO hotshelf.outbox (id, aggregatetype, aggregateid, type, payload, node, shard, "
        "seq, occurred_at) VALUES (gen_random_uuid(), 'x', 'x', 'x', '{}', 7, 0, 1, now())");
    place(world, 0, 1);
    for (uint32_t waited = 0; !stream_halted(world->stream) && waited < PATIENCE_MS; waited += 2)
        nap();
    assert_true(stream_halted(world->stream));
    stream_problem(world->stream, problem);
    assert_non_null(strstr(problem, "shard 0 has STOPPED"));
    place(world, 1, 5);
    for (uint32_t waited = 0; streamed(world, 1) < 10 && waited < PATIENCE_MS; waited += 2)
        nap();
    assert_int_equal(streamed(world, 1), 10);
    assert_int_equal(streamed(world, 0), 0);
}

/* N4: a database that has become read-only is left alone until it is writable again. */
static void a_read_only_database_is_tried_again_later(void **state)
{
    struct world *world = *state;
    char database[128];
    assert_int_equal(start_stream(world), 0);
    private_postgres_ask(world->postgres, database, "SELECT current_database()");
    private_postgres_do(
        world->postgres, "ALTER DATABASE %s SET default_transaction_read_only = on", database);
    private_postgres_do(world->postgres, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                         "WHERE application_name LIKE 'hotshelf%%'");
    place(world, 0, 5);
    for (uint32_t waited = 0; stream_connected(world->stream) && waited < PATIENCE_MS; waited += 2)
        nap();
    assert_false(stream_connected(world->stream));
    private_postgres_do(world->postgres,
        "BEGIN READ WRITE; ALTER DATABASE %s RESET default_transaction_read_only; COMMIT",
        database);
    wait_streamed(world);
    assert_whole(world);
}

static void consumers_are_woken(void **state)
{
    struct world *world = *state;
    PGconn *connection = world->postgres->connection;
    assert_int_equal(start_stream(world), 0);
    private_postgres_do(world->postgres, "LISTEN hotshelf_stream");
    place(world, 0, 1);
    PGnotify *notice = NULL;
    for (uint32_t waited = 0; notice == NULL && waited < PATIENCE_MS; waited += 2) {
        nap();
        assert_true(PQconsumeInput(connection));
        notice = PQnotifies(connection);
    }
    assert_non_null(notice);
    assert_string_equal(notice->relname, "hotshelf_stream");
    PQfreemem(notice);
}

static int open_postgres(void **state)
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

static int close_postgres(void **state)
{
    struct world *world = *state;
    private_postgres_destroy(world->postgres);
    free(world->postgres);
    free(world);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_event_arrives_once_with_its_rows),
        TEST(products_and_stock_changes_arrive),
        TEST(a_backend_killed_in_the_middle_loses_and_repeats_nothing),
        TEST(a_server_that_was_away_gets_what_it_missed),
        TEST(a_restarted_process_goes_on_where_postgresql_is),
        TEST(a_stop_drains_what_is_durable),
        TEST(commits_that_postgresql_lost_are_sent_again),
        TEST(a_data_directory_that_is_behind_is_refused),
        TEST(a_directory_found_behind_while_selling_ends_the_process),
        TEST(a_server_whose_node_is_taken_over_ends),
        TEST(what_postgresql_refuses_becomes_a_dead_letter_and_the_rest_goes_on),
        TEST(a_payment_id_of_another_order_is_noted_and_goes_through),
        TEST(a_row_that_is_already_there_stops_its_shard_only),
        TEST(a_read_only_database_is_tried_again_later),
        TEST(consumers_are_woken),
    };
    return cmocka_run_group_tests(tests, open_postgres, close_postgres);
}
