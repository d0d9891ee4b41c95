/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream against a real PostgreSQL and real journals: whatever is done to either side, each
 * event arrives exactly once, in order, with its rows (S1-S5).
 */
#include "tests/persist/stream_world.h"

#include "tests/persist/sample_events.h"

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

/* Key and token stand in the first event alone; one batch brings it together with a later one. */
static void what_an_order_was_placed_with_stays(void **state)
{
    struct world *world = *state;
    struct sample_order order;
    world->orders[0]++;
    uint32_t number = order_number(world, 0);
    struct event *placed = sample_order_placed(&order, number, 0);
    placed->text[TEXT_TOKEN] = BYTES("token-of-the-bank");
    append(world, 0, placed);
    append(world, 0, sample_order_captured(&order, number, "pay-1"));
    ledger_write(world->ledger, 0);
    assert_int_equal(start_stream(world), 0);
    wait_streamed(world);
    assert_sql(world->postgres, "token-of-the-bank key-1 pay-1 3",
        "SELECT concat_ws(' ', payment_token, idempotency_key, payment_id, order_version) "
        "FROM hotshelf.orders");
    struct event *cancelled = sample_order_cancelled(&order, number);
    cancelled->fact.order.version = 4;
    append(world, 0, cancelled);
    ledger_write(world->ledger, 0);
    wait_streamed(world);
    assert_sql(world->postgres, "token-of-the-bank key-1 4",
        "SELECT concat_ws(' ', payment_token, idempotency_key, order_version) "
        "FROM hotshelf.orders");
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

/* Every line and every text at its bound; three of them are more than one batch of the stream. */
static void the_largest_orders_arrive(void **state)
{
    struct world *world = *state;
    struct sample *sample = malloc(sizeof(*sample));
    ledger_destroy(world->ledger);
    world->ledger = ledger_create(SHARDS, 1, true);
    world->ledger->options.segment_size = 8 << 20;
    world->ledger->options.batch_size = 1 << 20;
    world->ledger->options.journal_bytes = SHARDS * 2 * (8 << 20);
    if (ledger_start(world->ledger) != 0)
        fail_msg("%s", world->ledger->error);
    assert_int_equal(start_stream(world), 0);
    for (uint8_t i = 0; i < 20; i++) {
        struct event *event = sample_event(sample, EVENT_ORDER_PLACED, SAMPLE_LARGEST, 1);
        event->fact.order.id[15] = i;
        event->fact.order.version = 2;
        event->fact.order.now_wall_ms = event->fact.order.created_wall_ms = sample_wall_ms;
        event->text[TEXT_REFERENCES].size = 0; /* these two are JSON */
        event->text[TEXT_ADJUSTMENTS].size = 0;
        append(world, 0, event);
        if (i % 3 == 0)
            ledger_write(world->ledger, 0);
    }
    ledger_write(world->ledger, 0);
    wait_streamed(world);
    assert_sql(world->postgres, "20", "SELECT count(*) FROM hotshelf.orders");
    assert_sql(world->postgres, "10240", "SELECT count(*) FROM hotshelf.order_lines");
    assert_sql(world->postgres, "40",
        "SELECT count(*) FROM hotshelf.outbox WHERE jsonb_array_length(payload #> "
        "'{data,lines}') = 512");
    free(sample);
}

/* N1, N2: the backend dies while batches are under way, a little later in the exchange each time.
 */
static void a_backend_killed_in_the_middle_loses_and_repeats_nothing(void **state)
{
    struct world *world = *state;
    assert_int_equal(start_stream(world), 0);
    for (uint32_t round = 0; round < 30; round++) {
        wait_streamed(world); /* what has come through ends the back-off */
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

/* S1, K5: until PostgreSQL has committed, a reply must not count on it, nor may an order be
 * forgotten. */
static void nothing_counts_as_streamed_before_its_commit(void **state)
{
    struct world *world = *state;
    char waiting[128] = "0";
    assert_int_equal(start_stream(world), 0);
    private_postgres_do(world->postgres, "BEGIN; LOCK TABLE hotshelf.outbox");
    place(world, 0, 5);
    for (uint32_t waited = 0; strcmp(waiting, "1") != 0 && waited < PATIENCE_MS; waited += 2) {
        nap();
        private_postgres_do(world->postgres, "SELECT pg_stat_clear_snapshot()");
        private_postgres_ask(world->postgres, waiting,
            "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'hotshelf%%' "
            "AND wait_event_type = 'Lock'");
    }
    assert_string_equal(waiting, "1");
    assert_int_equal(streamed(world, 0), 0);
    private_postgres_do(world->postgres, "COMMIT");
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

/* S4: it says that there is something, never what */
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
    assert_string_equal(notice->extra, "");
    PQfreemem(notice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(every_event_arrives_once_with_its_rows),
        STREAM_TEST(what_an_order_was_placed_with_stays),
        STREAM_TEST(products_and_stock_changes_arrive),
        STREAM_TEST(the_largest_orders_arrive),
        STREAM_TEST(a_backend_killed_in_the_middle_loses_and_repeats_nothing),
        STREAM_TEST(nothing_counts_as_streamed_before_its_commit),
        STREAM_TEST(a_server_that_was_away_gets_what_it_missed),
        STREAM_TEST(a_restarted_process_goes_on_where_postgresql_is),
        STREAM_TEST(a_stop_drains_what_is_durable),
        STREAM_TEST(commits_that_postgresql_lost_are_sent_again),
        STREAM_TEST(a_read_only_database_is_tried_again_later),
        STREAM_TEST(consumers_are_woken),
        STREAM_COPY_TEST(every_event_arrives_once_with_its_rows),
        STREAM_COPY_TEST(what_an_order_was_placed_with_stays),
        STREAM_COPY_TEST(products_and_stock_changes_arrive),
        STREAM_COPY_TEST(the_largest_orders_arrive),
        STREAM_COPY_TEST(a_backend_killed_in_the_middle_loses_and_repeats_nothing),
        STREAM_COPY_TEST(nothing_counts_as_streamed_before_its_commit),
        STREAM_COPY_TEST(commits_that_postgresql_lost_are_sent_again),
        STREAM_COPY_TEST(a_read_only_database_is_tried_again_later),
    };
    return cmocka_run_group_tests(tests, open_postgres, close_postgres);
}
