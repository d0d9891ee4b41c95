/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A PostgreSQL that is added to a journal which has overwritten its first events: what is live then
 * becomes rows, whatever happens on the way, and no row is turned back (S1, S2, S3).
 *
 * The tests are the shard: they see that a walk with names is asked for, and write it.
 */
#include "tests/persist/stream_world.h"

#include "core/tables.h"
#include "persist/postgres.h"

enum { SLOTS = 12, IMAGES_IN_A_BATCH = 8, BATCHES_IN_A_WALK = 5, PRODUCT_NUMBER = 5 };

static struct journal *journal(const struct world *world)
{
    return &world->ledger->journals[0];
}

/* Some laps without PostgreSQL. */
static void lap(struct world *world)
{
    ledger_destroy(world->ledger);
    world->ledger = ledger_create(SHARDS, SLOTS, true);
    if (ledger_start(world->ledger) != 0)
        fail_msg("%s", world->ledger->error);
    while (journal(world)->chain.segment < 3 * SLOTS) {
        for (uint32_t i = 0; i < BATCHES_IN_A_WALK; i++)
            place(world, 0, 1);
        ledger_begin_walk(world->ledger, 0);
        ledger_end_walk(world->ledger, 0);
        ledger_write(world->ledger, 0);
    }
    journal(world)->streamed = true;
}

static uint64_t oldest_kept(const struct world *world)
{
    const struct segment_map *map = &journal(world)->ring.map;
    return map->slots[segment_map_find(map, segment_map_oldest(map)) - 1].first_seq;
}

static uint64_t adopting(const struct world *world)
{
    return atomic_load(&world->ledger->shared.marks[0].adopting);
}

static void wait_adopting(const struct world *world, bool wanted)
{
    for (uint32_t waited = 0; (adopting(world) != 0) != wanted; waited += 2) {
        assert_true(waited < PATIENCE_MS);
        nap();
    }
}

/* What is streamed by then gives the room for it. */
static void begin_walk(struct world *world)
{
    wait_streamed(world);
    const struct event event = {.kind = EVENT_WALK_BEGUN,
        .fact.walk = {.number = ++world->ledger->walk[0],
            .stream_seq = world->ledger->appended[0],
            .flags = WALK_NAMES}};
    journal_append(journal(world), &event);
    ledger_write(world->ledger, 0);
}

static void end_walk(struct world *world)
{
    ledger_end_walk(world->ledger, 0);
    ledger_write(world->ledger, 0);
}

/* The order as it is after an event, as a walk says it. */
static void append_image_of(struct world *world, struct event *event, uint64_t stream_seq)
{
    struct fact_order *fact = &event->fact.order;
    event->kind = EVENT_ORDER_IMAGE;
    event->stream_count = 0;
    fact->now_shelf_ms = world->ledger->now.shelf_ms;
    fact->now_wall_ms = 0;
    fact->status_before = fact->status;
    fact->move = MOVE_NONE;
    fact->result = RESULT_NONE;
    fact->amount = 0;
    for (uint32_t i = 0; i < event->line_count; i++)
        ((struct event_line *)(uintptr_t)&event->lines[i])->moved = 0;
    event->text[TEXT_KEY] = (struct bytes){0};
    event->fact.order_image.stream_seq = stream_seq;
    event->stream_seq = 0;
    journal_append(journal(world), event);
}

static void append_image(struct world *world, struct event *event)
{
    append_image_of(world, event, 1);
}

static void restate_placed(struct world *world, uint32_t first, uint32_t last)
{
    struct sample_order order;
    for (uint32_t number = first; number <= last; number++) {
        append_image(world, sample_order_placed(&order, number, 0));
        if (number % IMAGES_IN_A_BATCH == 0 || number == last)
            ledger_write(world->ledger, 0);
    }
}

static void restate_paid(struct world *world, uint32_t number)
{
    struct sample_order order;
    struct event *event = sample_order_captured(&order, number, "pay-1");
    const struct bytes parts[] = {BYTES("payment"), BYTES("acme"), BYTES("pay-1")};
    const struct payment_entry entry = {
        .hash = hash_parts(parts, 3), .results = 1u << RESULT_CAPTURED | 1u << RESULT_PENDING};
    event->text[TEXT_ENTRIES] = bytes_of(&entry, sizeof(entry));
    append_image(world, event);
}

static void cancel(struct world *world, uint32_t number)
{
    struct sample_order order;
    append(world, 0, sample_order_cancelled(&order, number));
    ledger_write(world->ledger, 0);
}

static void restate_product(struct world *world, uint32_t allotment)
{
    struct event product = {.kind = EVENT_PRODUCT_IMAGE,
        .fact.product = {.sku_number = PRODUCT_NUMBER,
            .version = 2,
            .allotment = allotment,
            .created = 1,
            .price_count = 1,
            .prices = {{.currency = "GBP", .amount = 1000}}}};
    product.text[TEXT_SKU] = BYTES("S5");
    product.text[TEXT_TITLE] = BYTES("A thing");
    journal_append(journal(world), &product);
    ledger_write(world->ledger, 0);
}

static void adjust_stock(struct world *world, int64_t delta, uint32_t allotment)
{
    struct event stock = {.kind = EVENT_STOCK_ADJUSTED,
        .stream_count = 1,
        .fact.stock = {.keep_shelf_ms = ++world->ledger->appended[0],
            .sku_number = PRODUCT_NUMBER,
            .delta = delta,
            .allotment = allotment,
            .now_wall_ms = sample_wall_ms}};
    stock.text[TEXT_SKU] = BYTES("S5");
    append(world, 0, &stock);
    ledger_write(world->ledger, 0);
}

/* S1: what is streamed has no gap from the first position on; an order is a row with its lines. */
static void assert_adopted(struct world *world, uint64_t first)
{
    struct private_postgres *postgres = world->postgres;
    char text[64];
    uint64_t last = durable(world, 0);
    (void)snprintf(text, sizeof(text), "%llu %llu %llu", (unsigned long long)first,
        (unsigned long long)last, (unsigned long long)(last - first + 1));
    assert_sql(postgres, text,
        "SELECT concat_ws(' ', min(seq), max(seq), count(*)) FROM hotshelf.outbox WHERE shard = 0");
    (void)snprintf(text, sizeof(text), "%llu f", (unsigned long long)last);
    assert_sql(postgres, text,
        "SELECT concat_ws(' ', seq, adopting) FROM hotshelf.stream_position WHERE shard = 0");
    (void)snprintf(text, sizeof(text), "%u", world->orders[0]);
    assert_sql(postgres, text, "SELECT count(*) FROM hotshelf.orders WHERE shard = 0");
    assert_sql(postgres, "0",
        "SELECT count(*) FROM (SELECT o.order_id FROM hotshelf.orders o LEFT JOIN "
        "hotshelf.order_lines l USING (order_id) GROUP BY 1 "
        "HAVING sum(l.line_total) IS DISTINCT FROM max(o.total)) wrong");
}

static void assert_order(struct world *world, uint32_t number, const char *expected)
{
    assert_sql(world->postgres, expected,
        "SELECT concat_ws(' ', status, order_version, sum(quantity), sum(cancelled)) "
        "FROM hotshelf.orders JOIN hotshelf.order_lines USING (order_id) "
        "WHERE shard = 0 AND right(order_id::text, 8) = '%08x' GROUP BY status, order_version",
        number);
}

static void what_is_live_becomes_rows_and_later_events_of_it_arrive(void **state)
{
    struct world *world = *state;
    lap(world);
    uint64_t first = oldest_kept(world);
    assert_true(first > 1);
    assert_int_equal(start_stream(world), 0);
    wait_adopting(world, true);
    assert_true(stream_adopting(world->stream));
    begin_walk(world);
    cancel(world, 3); /* it becomes a row by an event, its image is behind that */
    restate_paid(world, 1);
    restate_placed(world, 2, 2);
    struct sample_order order;
    append_image(world, sample_order_cancelled(&order, 3));
    restate_placed(world, 4, world->orders[0]);
    cancel(world, 4);
    assert_true(stream_adopting(world->stream));
    end_walk(world);
    wait_adopting(world, false);
    wait_streamed(world);
    assert_adopted(world, first);
    assert_order(world, 1, "confirmed 3 4 0");
    assert_order(world, 2, "confirmed 2 6 0");
    assert_order(world, 3, "cancelled 3 2 2");
    assert_order(world, 4, "cancelled 3 4 4");
    assert_sql(world->postgres, "acme pay-1 captured 5000",
        "SELECT concat_ws(' ', provider, payment_id, result, amount) FROM hotshelf.payments");
    assert_sql(world->postgres, "acme pay-1",
        "SELECT concat_ws(' ', provider, payment_id) FROM hotshelf.payment_owner");
    assert_sql(world->postgres, "0", "SELECT count(*) FROM hotshelf.dead_letters");
}

/* V1: what a SKU had before the oldest event kept is one movement more. */
static void movements_add_up_to_the_allotment(void **state)
{
    struct world *world = *state;
    lap(world);
    adjust_stock(world, 7, 107);
    assert_int_equal(start_stream(world), 0);
    wait_adopting(world, true);
    private_postgres_do(world->postgres, /* of a SKU that had this name and was removed */
        "INSERT INTO hotshelf.stock_movements (node, shard, seq, sku, delta, allotment, "
        "occurred_at, sku_number) SELECT node, 0, 0, 'S5', 40, 40, now(), 1 "
        "FROM hotshelf.stream_position LIMIT 1");
    begin_walk(world);
    restate_product(world, 107);
    adjust_stock(world, -10, 97);
    wait_streamed(world);
    stop_stream(world); /* and all of it again */
    assert_int_equal(start_stream(world), 0);
    adjust_stock(world, 1, 98);
    begin_walk(world);
    restate_product(world, 98);
    end_walk(world);
    wait_adopting(world, false);
    assert_sql(world->postgres, "98 4",
        "SELECT concat_ws(' ', sum(delta), count(*)) FROM hotshelf.stock_movements "
        "WHERE sku = 'S5' AND seq <> 0");
    assert_sql(world->postgres, "100", "SELECT delta FROM hotshelf.stock_movements WHERE seq < 0");
    assert_sql(
        world->postgres, "S5 2", "SELECT concat_ws(' ', sku, version) FROM hotshelf.products");
}

/* The process ends in the middle of the walk: PostgreSQL knows that it lacks something. */
static void a_walk_cut_short_is_asked_for_again(void **state)
{
    struct world *world = *state;
    lap(world);
    uint64_t first = oldest_kept(world);
    assert_int_equal(start_stream(world), 0);
    wait_adopting(world, true);
    begin_walk(world);
    restate_placed(world, 1, 20);
    cancel(world, 2);
    wait_streamed(world);
    stop_stream(world);
    assert_sql(
        world->postgres, "t", "SELECT adopting FROM hotshelf.stream_position WHERE shard = 0");
    ledger_restart(world->ledger);
    journal(world)->streamed = true;
    assert_int_equal(adopting(world), 0);
    assert_int_equal(start_stream(world), 0);
    wait_adopting(world, true);
    struct sample_order order;
    begin_walk(world);
    restate_placed(world, 1, 1);
    append_image(world, sample_order_cancelled(&order, 2));
    restate_placed(world, 3, world->orders[0]);
    end_walk(world);
    wait_adopting(world, false);
    wait_streamed(world);
    assert_adopted(world, first);
    assert_order(world, 2, "cancelled 3 6 6");
    stop_stream(world);
    ledger_restart(world->ledger);
    assert_int_equal(start_stream(world), 0);
    assert_int_equal(adopting(world), 0); /* once and for all */
}

/* Connections end while images are written: after each all of the walk comes again, and what has
 * happened to an order since its image stands. */
static void images_that_are_written_again_turn_nothing_back(void **state)
{
    struct world *world = *state;
    lap(world);
    uint64_t first = oldest_kept(world);
    assert_int_equal(start_stream(world), 0);
    wait_adopting(world, true);
    struct sample_order order;
    begin_walk(world);
    for (uint32_t number = 1; number <= world->orders[0]; number++) {
        append_image(world, sample_order_placed(&order, number, 0));
        if (number % IMAGES_IN_A_BATCH == 0)
            ledger_write(world->ledger, 0);
        if (number % 64 != 0)
            continue;
        cancel(world, number);
        private_postgres_do(world->postgres,
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()");
        wait_streamed(world);
    }
    end_walk(world);
    wait_adopting(world, false);
    wait_streamed(world);
    assert_adopted(world, first);
    assert_order(world, 64, "cancelled 3 4 4");
    assert_order(world, 128, "cancelled 3 6 6");
}

static void adopt(struct world *world)
{
    begin_walk(world);
    restate_placed(world, 1, world->orders[0]);
    end_walk(world);
    wait_adopting(world, false);
    wait_streamed(world);
}

static void assert_may_be_forgotten(struct world *world, bool now, bool later)
{
    const struct journal_mark *mark = &world->ledger->shared.marks[0];
    uint64_t now_ms = postgres_clock_ms(), last = durable(world, 0);
    assert_int_equal(journal_rows_streamed(mark, now_ms), now ? last : 0);
    assert_int_equal(journal_rows_streamed(mark, now_ms + world->settles_ms), later ? last : 0);
}

/* V7: a failover may lose rows that are in no event. Until that is over no order counts as
 * PostgreSQL's, so another walk still has all of them. */
static void what_is_adopted_is_kept_while_a_failover_may_lose_it(void **state)
{
    struct world *world = *state;
    lap(world);
    uint64_t first = oldest_kept(world);
    world->settles_ms = 600000;
    assert_int_equal(start_stream(world), 0);
    wait_adopting(world, true);
    assert_may_be_forgotten(world, false, false);
    adopt(world);
    assert_may_be_forgotten(world, false, true);
    private_postgres_do(world->postgres,
        "DELETE FROM hotshelf.orders; DELETE FROM hotshelf.order_lines; "
        "UPDATE hotshelf.stream_position SET adopting = true, adopted_at = NULL, epoch = 1; "
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()");
    wait_adopting(world, true);
    assert_may_be_forgotten(world, false, false);
    adopt(world);
    assert_adopted(world, first);
    stop_stream(world); /* and the next process knows */
    ledger_restart(world->ledger);
    assert_int_equal(start_stream(world), 0);
    wait_streamed(world);
    assert_may_be_forgotten(world, false, true);
    stop_stream(world);
    private_postgres_do(world->postgres,
        "UPDATE hotshelf.stream_position SET adopted_at = adopted_at - interval '10 minutes'");
    ledger_restart(world->ledger);
    assert_int_equal(start_stream(world), 0);
    wait_streamed(world);
    assert_may_be_forgotten(world, true, true);
}

/* As the walk says an order of which it knows a later event than the one it was asked for with. */
static void restate_without_names(struct world *world, uint32_t number, uint64_t stream_seq)
{
    struct sample_order order;
    struct event *event = sample_order_placed(&order, number, 0);
    event->text[TEXT_NAMES] = (struct bytes){0};
    append_image_of(world, event, stream_seq);
    ledger_write(world->ledger, 0);
}

/* What an event makes a row of wants no names. A walk that leaves out others was asked for when
 * their events were still to come, and these are lost: it is not enough. */
static void what_has_no_names_is_made_a_row_by_its_event(void **state)
{
    struct world *world = *state;
    lap(world);
    uint64_t first = oldest_kept(world);
    uint32_t old = world->orders[0];
    assert_int_equal(start_stream(world), 0);
    wait_adopting(world, true);
    place(world, 0, 1);
    begin_walk(world);
    restate_placed(world, 2, old);
    restate_without_names(world, 1, 1);
    end_walk(world);
    place(world, 0, 1);
    wait_streamed(world);
    assert_true(adopting(world) != 0);
    begin_walk(world);
    restate_placed(world, 1, old);
    restate_without_names(world, old + 1, durable(world, 0));
    end_walk(world);
    wait_adopting(world, false);
    assert_adopted(world, first);
}

/* S1: the number of shards has changed, then PostgreSQL loses what a shard had sent that is gone.
 * Its events are nowhere; its orders may be on any shard. */
static void what_a_gone_shard_had_sent_is_named_and_all_shards_adopt(void **state)
{
    struct world *world = *state;
    uint64_t seqs[SHARDS_MAX] = {[5] = 10, [6] = 3};
    lap(world);
    assert_int_equal(start_stream(world), 0);
    wait_adopting(world, true);
    adopt(world);
    stop_stream(world);
    private_postgres_do(world->postgres,
        "INSERT INTO hotshelf.stream_position (node, shard, epoch, holder, seq) "
        "VALUES (7, 5, 1, 0, 7), (7, 6, 1, 0, 3)");
    world->seqs = seqs;
    ledger_restart(world->ledger);
    assert_int_equal(start_stream(world), 0);
    assert_sql(world->postgres, "0t 1t 5f 6f",
        "SELECT string_agg(concat(shard, adopting), ' ' ORDER BY shard) "
        "FROM hotshelf.stream_position");
    assert_sql(world->postgres, "10", "SELECT seq FROM hotshelf.stream_position WHERE shard = 5");
    assert_sql(world->postgres, "5 8 lost",
        "SELECT concat_ws(' ', shard, seq, reason) FROM hotshelf.dead_letters");
    private_postgres_do(world->postgres, "DELETE FROM hotshelf.orders");
    adopt(world);
    char count[24];
    (void)snprintf(count, sizeof(count), "%u", world->orders[0]);
    assert_sql(world->postgres, count, "SELECT count(*) FROM hotshelf.orders");
    stop_stream(world); /* and told once */
    ledger_restart(world->ledger);
    assert_int_equal(start_stream(world), 0);
    assert_int_equal(adopting(world), 0);
    assert_sql(world->postgres, "1", "SELECT count(*) FROM hotshelf.dead_letters");
}

/* Idle otherwise, images have no event behind them: they are written all the same. */
static void a_refused_image_is_a_dead_letter_and_the_rest_become_rows(void **state)
{
    struct world *world = *state;
    lap(world);
    assert_int_equal(start_stream(world), 0);
    wait_adopting(world, true);
    private_postgres_do(world->postgres,
        "ALTER TABLE hotshelf.orders ADD CHECK (right(order_id::text, 8) <> '00000009')");
    begin_walk(world);
    restate_placed(world, 1, world->orders[0]);
    end_walk(world);
    wait_adopting(world, false);
    char count[24];
    (void)snprintf(count, sizeof(count), "%u", world->orders[0] - 1);
    assert_sql(world->postgres, count, "SELECT count(*) FROM hotshelf.orders");
    assert_sql(world->postgres, "1 23514",
        "SELECT concat_ws(' ', count(*), max(sqlstate)) FROM hotshelf.dead_letters");
    place(world, 0, 3);
    wait_streamed(world);
    assert_false(stream_halted(world->stream));
}

static void a_journal_that_has_all_its_events_is_not_adopted(void **state)
{
    struct world *world = *state;
    place(world, 0, 20);
    assert_int_equal(start_stream(world), 0);
    wait_streamed(world);
    assert_int_equal(adopting(world), 0);
    assert_whole(world);
    assert_sql(
        world->postgres, "0", "SELECT count(*) FROM hotshelf.stream_position WHERE adopting");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(what_is_live_becomes_rows_and_later_events_of_it_arrive),
        STREAM_TEST(movements_add_up_to_the_allotment),
        STREAM_TEST(a_walk_cut_short_is_asked_for_again),
        STREAM_TEST(images_that_are_written_again_turn_nothing_back),
        STREAM_TEST(what_is_adopted_is_kept_while_a_failover_may_lose_it),
        STREAM_TEST(what_has_no_names_is_made_a_row_by_its_event),
        STREAM_TEST(what_a_gone_shard_had_sent_is_named_and_all_shards_adopt),
        STREAM_TEST(a_refused_image_is_a_dead_letter_and_the_rest_become_rows),
        STREAM_TEST(a_journal_that_has_all_its_events_is_not_adopted),
    };
    return cmocka_run_group_tests(tests, open_postgres, close_postgres);
}
