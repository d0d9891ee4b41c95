/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must not go on: a data directory that is behind PostgreSQL, a node that another server has
 * taken over, a value that PostgreSQL refuses, a row that is already there (S1, S3).
 */
#include "tests/persist/stream_world.h"

#include <sys/wait.h>

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

struct child {
    struct world own; /* opened by the parent, who removes its directory */
    pid_t pid;
};

/* A server on a fresh directory: its first contact ends as `expected`; it sells when told. */
static void start_child(
    struct child *child, const struct world *world, int expected, uint32_t wait_ms)
{
    struct world *own = &child->own;
    *own = (struct world){.postgres = world->postgres};
    world_open(own);
    fflush(NULL);
    child->pid = fork();
    if (child->pid != 0)
        return;
    (void)!freopen("/dev/null", "w", stderr);
    const struct stream_options options = {.directory = &own->ledger->directory,
        .shared = &own->ledger->shared,
        .dsn = world->postgres->dsn};
    if (stream_start(&own->stream, &options) != 0)
        _exit(90);
    if (stream_first_contact(own->stream, wait_ms) != expected)
        _exit(91);
    kill(getppid(), SIGUSR1);
    await_signal();
    place(own, 0, 1);
    for (uint32_t waited = 0; streamed(own, 0) == 0 && waited < PATIENCE_MS; waited += 2)
        nap();
    _exit(92);
}

static int status_of(struct child *child)
{
    int status = 0;
    assert_int_equal(waitpid(child->pid, &status, 0), child->pid);
    ledger_destroy(child->own.ledger);
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
    struct child child;
    start_child(&child, world, -EAGAIN, 300);
    await_signal();
    private_postgres_start(world->postgres);
    assert_int_equal(status_of(&child), 1);
}

static void a_server_whose_node_is_taken_over_ends(void **state)
{
    struct world *world = *state;
    struct child child;
    start_child(&child, world, 0, PATIENCE_MS);
    await_signal();
    assert_int_equal(start_stream(world), 0);
    kill(child.pid, SIGUSR1);
    assert_int_equal(status_of(&child), 1);
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

/* Which way rows came is seen by a rule: an INSERT heeds it, COPY does not. What is not new in a
 * large batch is written in the same transaction. */
static void a_large_batch_goes_by_copy_and_a_small_one_by_statements(void **state)
{
    struct world *world = *state;
    struct private_postgres *postgres = world->postgres;
    struct sample_order order;
    assert_int_equal(start_stream(world), 0);
    place(world, 0, 1);
    wait_streamed(world);
    stop_stream(world);
    private_postgres_do(
        postgres, "CREATE RULE nothing AS ON INSERT TO hotshelf.outbox DO INSTEAD NOTHING");
    append(world, 0, sample_order_captured(&order, 1, "pay-1"));
    place(world, 0, STREAM_COPY_EVENTS);
    place(world, 1, STREAM_COPY_EVENTS - 1);
    assert_int_equal(start_stream(world), 0);
    wait_streamed(world);
    assert_sql(postgres, "0 515",
        "SELECT concat_ws(' ', shard, count(*)) FROM hotshelf.outbox GROUP BY shard");
    assert_sql(postgres, "257,255",
        "SELECT string_agg(n::text, ',') FROM (SELECT count(*) AS n FROM hotshelf.orders "
        "GROUP BY shard ORDER BY shard) counts");
    assert_sql(postgres, "3 pay-1",
        "SELECT concat_ws(' ', max(order_version), max(payment_id)) FROM hotshelf.orders");
    assert_sql(postgres, "1", "SELECT count(*) FROM hotshelf.payments");
}

/* Somebody has written it: the version tells which of the two stays. */
static void a_row_of_an_order_that_is_already_there_is_brought_up_to_date(void **state)
{
    struct world *world = *state;
    struct private_postgres *postgres = world->postgres;
    assert_int_equal(start_stream(world), 0);
    place(world, 0, 1);
    wait_streamed(world);
    private_postgres_do(postgres,
        "INSERT INTO hotshelf.orders SELECT (jsonb_populate_record(o, jsonb_build_object("
        "'order_id', regexp_replace(order_id::text, '1$', '5'), 'status', 'review', "
        "'order_version', 1))).* FROM hotshelf.orders o");
    place(world, 0, 9);
    wait_streamed(world);
    assert_whole(world);
    assert_sql(postgres, "2 1",
        "SELECT concat_ws(' ', min(order_version), "
        "count(DISTINCT status)) FROM hotshelf.orders");
}

/* As a database with row-level security does; whoever writes by statements is welcome. */
static void who_takes_no_copy_gets_statements(void **state)
{
    struct world *world = *state;
    assert_int_equal(start_stream(world), 0);
    private_postgres_do(world->postgres,
        "CREATE FUNCTION no_copy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF current_query() LIKE '%%COPY%%' THEN RAISE 'no COPY' USING ERRCODE = '42501'; "
        "END IF; RETURN new; END $$; "
        "CREATE TRIGGER no_copy BEFORE INSERT ON hotshelf.outbox "
        "FOR EACH ROW EXECUTE FUNCTION no_copy()");
    place(world, 0, 20);
    place(world, 1, 20);
    wait_streamed(world);
    assert_whole(world);
    assert_true(stream_connected(world->stream));
    assert_sql(world->postgres, "1", "SELECT max(epoch) FROM hotshelf.stream_position");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(a_data_directory_that_is_behind_is_refused),
        STREAM_TEST(a_directory_found_behind_while_selling_ends_the_process),
        STREAM_TEST(a_server_whose_node_is_taken_over_ends),
        STREAM_TEST(what_postgresql_refuses_becomes_a_dead_letter_and_the_rest_goes_on),
        STREAM_TEST(a_payment_id_of_another_order_is_noted_and_goes_through),
        STREAM_TEST(a_row_that_is_already_there_stops_its_shard_only),
        STREAM_COPY_TEST(what_postgresql_refuses_becomes_a_dead_letter_and_the_rest_goes_on),
        STREAM_COPY_TEST(a_payment_id_of_another_order_is_noted_and_goes_through),
        STREAM_COPY_TEST(a_row_that_is_already_there_stops_its_shard_only),
        STREAM_TEST(a_large_batch_goes_by_copy_and_a_small_one_by_statements),
        STREAM_COPY_TEST(a_row_of_an_order_that_is_already_there_is_brought_up_to_date),
        STREAM_COPY_TEST(who_takes_no_copy_gets_statements),
    };
    return cmocka_run_group_tests(tests, open_postgres, close_postgres);
}
