/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports of payments for orders that the server no longer keeps: PostgreSQL has the order, and
 * makes each a replay, a capture, or one refund_required (design 6, P4, P5, P6).
 */
#include "tests/persist/stream_world.h"

#include "core/json_writer.h"

/* A report for order `number` of shard 0. */
static void report(
    struct world *world, uint32_t number, uint8_t result, const char *payment_id, int64_t amount)
{
    struct sample_order order;
    sample_order_placed(&order, number, 0);
    struct event event = {.kind = EVENT_PAYMENT_UNMATCHED, .stream_count = 1};
    event.fact.unmatched = (struct fact_unmatched){.amount = amount,
        .result = result,
        .now_wall_ms = sample_wall_ms + 1000,
        .currency = "GBP"};
    memcpy(event.fact.unmatched.order_id, order.event.fact.order.id, 16);
    event.text[TEXT_PROVIDER] = BYTES("acme");
    event.text[TEXT_PAYMENT_ID] = bytes_of_string(payment_id);
    if (result == RESULT_REFUNDED)
        event.text[TEXT_REFUND_ID] = bytes_of_string(payment_id);
    append(world, 0, &event);
}

static void written(struct world *world)
{
    ledger_write(world->ledger, 0);
    wait_streamed(world);
}

static int64_t total_of(uint32_t number)
{
    struct sample_order order;
    return sample_order_placed(&order, number, 0)->fact.order.total;
}

static void assert_order(struct world *world, uint32_t number, const char *wanted)
{
    char id[40];
    struct sample_order order;
    char text[JSON_UUID_SIZE];
    json_format_uuid(text, sample_order_placed(&order, number, 0)->fact.order.id);
    (void)snprintf(id, sizeof(id), "%.*s", JSON_UUID_SIZE, text);
    assert_sql(world->postgres, wanted,
        "SELECT status || ' ' || paid || ' ' || refund_due FROM hotshelf.orders "
        "WHERE order_id = '%s'",
        id);
}

static void assert_outcomes(struct world *world, const char *wanted)
{
    assert_sql(world->postgres, wanted,
        "SELECT string_agg(outcome, ' ' ORDER BY seq) FROM hotshelf.unmatched");
}

/* An unpaid deferred order is captured once, and money under another id is due back once. */
static void money_for_a_forgotten_order_is_captured_once(void **state)
{
    struct world *world = *state;
    assert_int_equal(start_stream(world), 0);
    place(world, 0, 2);
    wait_streamed(world);
    int64_t total = total_of(1);
    report(world, 1, RESULT_CAPTURED, "p1", total);
    report(world, 1, RESULT_CAPTURED, "p1", total);
    written(world);
    assert_outcomes(world, "captured replay");
    assert_order(world, 1, "confirmed 5000 0");
    report(world, 1, RESULT_CAPTURED, "p2", total);
    report(world, 1, RESULT_CAPTURED, "p2", total);
    written(world);
    assert_outcomes(world, "captured replay refund_required replay");
    assert_order(world, 1, "confirmed 10000 5000");
    report(world, 1, RESULT_REFUNDED, "p2", 6000);
    report(world, 1, RESULT_REFUNDED, "p2", 5000);
    written(world);
    assert_order(world, 1, "confirmed 10000 0");
    assert_sql(
        world->postgres, "mismatch", "SELECT string_agg(reason, ',') FROM hotshelf.dead_letters");
    stop_stream(world);
}

/* P6, P7: one refund_required, whether it was authorized before it was captured or not. */
static void money_for_a_cancelled_order_is_due_back_once(void **state)
{
    struct world *world = *state;
    struct sample_order order;
    assert_int_equal(start_stream(world), 0);
    place(world, 0, 3);
    append(world, 0, sample_order_cancelled(&order, 2));
    written(world);
    int64_t total = total_of(2);
    report(world, 2, RESULT_AUTHORIZED, "p1", total);
    report(world, 2, RESULT_CAPTURED, "p1", total);
    report(world, 2, RESULT_AUTHORIZED, "p1", total);
    written(world);
    assert_outcomes(world, "refund_required noted replay");
    assert_order(world, 2, "refund_required 7500 7500");
    report(world, 2, RESULT_REFUNDED, "r1", 2500);
    report(world, 2, RESULT_REFUNDED, "r2", 5000);
    written(world);
    assert_order(world, 2, "refunded 7500 0");
    stop_stream(world);
}

/* What nobody can judge is told to a person, and changes no order. */
static void what_cannot_be_judged_is_a_dead_letter(void **state)
{
    struct world *world = *state;
    assert_int_equal(start_stream(world), 0);
    place(world, 0, 2);
    wait_streamed(world);
    report(world, 999, RESULT_CAPTURED, "p1", 2500);
    report(world, 1, RESULT_CAPTURED, "p2", 1);
    report(world, 1, RESULT_CAPTURED, "p3", total_of(1));
    report(world, 2, RESULT_CAPTURED, "p3", total_of(2));
    report(world, 2, RESULT_DECLINED, "p4", total_of(2));
    written(world);
    assert_outcomes(world, "unknown_order mismatch captured payment_id_used noted");
    assert_order(world, 2, "confirmed 0 0");
    assert_sql(world->postgres, "unknown_order,mismatch,payment_id_used",
        "SELECT string_agg(reason, ',' ORDER BY seq) FROM hotshelf.dead_letters");
    assert_sql(world->postgres, "5",
        "SELECT count(*) FROM hotshelf.outbox WHERE type = 'payment.unmatched.v1'");
    stop_stream(world);
}

/* A schema of the first version is brought up to date, and keeps what it has. */
static void an_older_schema_is_brought_up_to_date(void **state)
{
    struct world *world = *state;
    assert_int_equal(start_stream(world), 0);
    place(world, 0, 2);
    wait_streamed(world);
    stop_stream(world);
    private_postgres_do(world->postgres, "DROP TABLE hotshelf.unmatched CASCADE");
    private_postgres_do(world->postgres,
        "ALTER TABLE hotshelf.orders DROP request_hash, DROP identities, DROP kept, "
        "DROP shelf_ms, DROP due_shelf_ms");
    private_postgres_do(world->postgres, "ALTER TABLE hotshelf.order_lines DROP max_per_customer");
    private_postgres_do(world->postgres, "DELETE FROM hotshelf.migrations WHERE version > 1");
    private_postgres_do(world->postgres,
        "ALTER TABLE hotshelf.stream_position DROP adopting, DROP adopted_at, DROP directory");
    private_postgres_do(world->postgres, "ALTER TABLE hotshelf.order_lines DROP sku_number");
    private_postgres_do(world->postgres, "ALTER TABLE hotshelf.stock_movements DROP sku_number");
    private_postgres_do(world->postgres, "ALTER TABLE hotshelf.products DROP sku_number");
    assert_int_equal(start_stream(world), 0);
    report(world, 1, RESULT_CAPTURED, "p1", total_of(1));
    written(world);
    assert_outcomes(world, "captured");
    stop_stream(world);
    assert_whole(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(money_for_a_forgotten_order_is_captured_once),
        STREAM_TEST(money_for_a_cancelled_order_is_due_back_once),
        STREAM_TEST(what_cannot_be_judged_is_a_dead_letter),
        STREAM_TEST(an_older_schema_is_brought_up_to_date),
    };
    return cmocka_run_group_tests(tests, open_postgres, close_postgres);
}
