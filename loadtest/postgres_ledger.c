/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders of this replay are found by the start of their idempotency key. The rows are walked in
 * single-row mode, orders first, then their lines; what was seen is noted by basket, so that what
 * was not seen is known at the end. Queries that must come back empty (two orders for one key, a
 * gap in the stream) do their own telling.
 */
#include "loadtest/postgres_ledger.h"

#include "loadtest/clock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AGAIN_MS 250
#define SCHEMA_OVERDUE_NS (5 * CLOCK_NS_PER_SECOND)

/* The first column of the first row as a number; -1 when there is none. */
static int64_t ask_number(struct postgres_ledger *postgres, const char *query)
{
    PGresult *result = postgres_link_ask(&postgres->link, query, postgres->ledger->run);
    bool found = result != NULL && PQntuples(result) > 0;
    int64_t number = found ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : -1;
    if (!found)
        postgres_link_complain(&postgres->link, query);
    PQclear(result);
    return number;
}

/* The server makes its schema at its first contact, so it may be about to. */
static bool has_schema(struct postgres_ledger *postgres)
{
    int64_t exists = 0;
    uint64_t until_ns = clock_now_ns() + SCHEMA_OVERDUE_NS;
    while (exists == 0 && clock_now_ns() < until_ns) {
        exists = ask_number(postgres, "SELECT (to_regclass('hotshelf.orders') IS NOT NULL)::int");
        if (exists == 0)
            poll(NULL, 0, LOOK_AGAIN_MS);
    }
    if (exists == 0)
        fprintf(stderr,
            "hotshelf-loadtest: PostgreSQL: no hotshelf.orders in the database \"%s\"; "
            "is it the one of the server's postgres.dsn?\n",
            PQdb(postgres->link.connection));
    return exists > 0;
}

int postgres_ledger_open(struct postgres_ledger *postgres, const char *conninfo,
    uint32_t patience_seconds, const struct ledger *ledger, struct differences *differences)
{
    *postgres = (struct postgres_ledger){
        .ledger = ledger,
        .differences = differences,
        .sold = calloc(ledger->baskets->skus.count, sizeof(int64_t)),
        .times_seen = calloc(ledger->baskets->count, sizeof(uint8_t)),
        .lines_seen = calloc(ledger->baskets->count, sizeof(uint32_t)),
    };
    if (postgres_link_open(&postgres->link, conninfo, patience_seconds) < 0)
        return -1;
    if (postgres->sold == NULL || postgres->times_seen == NULL || postgres->lines_seen == NULL)
        return -1;
    if (!has_schema(postgres))
        return -1;
    int64_t count = ask_number(postgres, "SELECT count(*) FROM hotshelf.orders");
    postgres->foreign_count = (uint64_t)count;
    return count < 0 ? -1 : 0;
}

void postgres_ledger_close(struct postgres_ledger *postgres)
{
    postgres_link_close(&postgres->link);
    free(postgres->sold);
    free(postgres->times_seen);
    free(postgres->lines_seen);
    *postgres = (struct postgres_ledger){0};
}

struct arrived {
    int64_t orders;
    int64_t versions; /* the sum over all orders */
};

static bool ask_arrived(struct postgres_ledger *postgres, struct arrived *arrived)
{
    PGresult *result = postgres_link_ask(&postgres->link,
        "SELECT count(*), coalesce(sum(order_version), 0)::bigint FROM hotshelf.orders "
        "WHERE starts_with(idempotency_key, $1 || ':')",
        postgres->ledger->run);
    bool found = result != NULL && PQntuples(result) == 1;
    if (found) {
        arrived->orders = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
        arrived->versions = strtoll(PQgetvalue(result, 0, 1), NULL, 10);
    }
    PQclear(result);
    return found;
}

static struct arrived expected(const struct ledger *ledger)
{
    struct arrived sum = {0};
    for (uint32_t basket = 0; basket < ledger->baskets->count; basket++) {
        if (ledger->purchase[basket].state == PURCHASE_ORDERED) {
            sum.orders++;
            sum.versions += ledger->purchase[basket].version;
        }
    }
    return sum;
}

int postgres_ledger_catch_up(struct postgres_ledger *postgres, uint32_t patience_seconds)
{
    struct arrived wanted = expected(postgres->ledger);
    struct arrived before = {.orders = -1};
    uint64_t start_ns = clock_now_ns();
    uint64_t moved_ns = start_ns;
    uint64_t told_ns = start_ns;
    PQclear(postgres_link_ask(&postgres->link, "LISTEN hotshelf_stream", NULL));
    while (!postgres->link.has_given_up &&
           clock_now_ns() - moved_ns < patience_seconds * CLOCK_NS_PER_SECOND) {
        struct arrived now = before;
        postgres->has_caught_up = postgres_link_is_up(&postgres->link) &&
                                  ask_arrived(postgres, &now) &&
                                  memcmp(&now, &wanted, sizeof now) == 0;
        if (postgres->has_caught_up)
            break;
        if (memcmp(&now, &before, sizeof now) != 0)
            moved_ns = clock_now_ns();
        before = now;
        if (clock_now_ns() - told_ns >= CLOCK_NS_PER_SECOND) {
            fprintf(stderr, "waiting for PostgreSQL: %lld of %lld orders\n", (long long)now.orders,
                (long long)wanted.orders);
            told_ns += CLOCK_NS_PER_SECOND;
        }
        /* The stream wrote something, or a while has passed: NOTIFY only wakes (rule S4). */
        postgres_link_listen(&postgres->link, LOOK_AGAIN_MS);
    }
    postgres->wait_seconds = (double)(clock_now_ns() - start_ns) / 1e9;
    return postgres_link_is_up(&postgres->link)
               ? 0
               : postgres_link_complain(&postgres->link, "catching up");
}

typedef void take_row(struct postgres_ledger *postgres, const PGresult *row);

/* Hands every row of a query with the run as its parameter to `take`. */
static int walk(struct postgres_ledger *postgres, const char *query, take_row *take)
{
    PGresult *row;
    postgres_link_send(&postgres->link, query, postgres->ledger->run);
    while (!postgres->link.has_failed && (row = postgres_link_row(&postgres->link)) != NULL) {
        take(postgres, row);
        PQclear(row);
    }
    return postgres->link.has_failed ? postgres_link_complain(&postgres->link, query) : 0;
}

static int64_t number_at(const PGresult *row, int column)
{
    return strtoll(PQgetvalue(row, 0, column), NULL, 10);
}

static void tell(struct postgres_ledger *postgres, uint32_t basket, const char *what,
    const char *rows, const char *acknowledged)
{
    differences_add(postgres->differences, DIFFERENCE_ORDER_CONTENT,
        "order %s (basket %u): %s is \"%s\" in PostgreSQL, acknowledged was \"%s\"",
        postgres->ledger->purchase[basket].order_id, basket, what, rows, acknowledged);
}

static void compare_number(struct postgres_ledger *postgres, uint32_t basket, const char *what,
    const char *rows, int64_t acknowledged)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)acknowledged);
    if (strcmp(text, rows) != 0)
        tell(postgres, basket, what, rows, text);
}

static void compare_text(struct postgres_ledger *postgres, uint32_t basket, const char *what,
    const char *rows, const char *acknowledged)
{
    if (strcmp(rows, acknowledged) != 0)
        tell(postgres, basket, what, rows, acknowledged);
}

static void take_order(struct postgres_ledger *postgres, const PGresult *row)
{
    const struct ledger *ledger = postgres->ledger;
    const char *order_id = PQgetvalue(row, 0, 0);
    uint32_t basket = ledger_find(ledger, order_id);
    postgres->order_count++;
    if (basket == BASKETS_NONE) {
        differences_add(postgres->differences, DIFFERENCE_ORDER_UNKNOWN,
            "order %s (key %s) is in PostgreSQL, but was never acknowledged", order_id,
            PQgetvalue(row, 0, 2));
        return;
    }
    if (postgres->times_seen[basket] < UINT8_MAX)
        postgres->times_seen[basket]++;
    const struct purchase *purchase = &ledger->purchase[basket];
    uint32_t customer = ledger->baskets->basket[basket].customer;
    char key[LEDGER_KEY_SIZE];
    ledger_key(ledger, basket, key);
    compare_text(postgres, basket, "customer", PQgetvalue(row, 0, 1),
        names_text(&ledger->baskets->customers, customer));
    compare_text(postgres, basket, "idempotency_key", PQgetvalue(row, 0, 2), key);
    compare_text(postgres, basket, "status", PQgetvalue(row, 0, 3), purchase->status);
    compare_text(postgres, basket, "currency", PQgetvalue(row, 0, 4), purchase->currency);
    compare_number(postgres, basket, "order_version", PQgetvalue(row, 0, 5), purchase->version);
    compare_number(postgres, basket, "total", PQgetvalue(row, 0, 6), purchase->total);
    compare_number(postgres, basket, "items_total", PQgetvalue(row, 0, 7), purchase->total);
    compare_number(postgres, basket, "refund_due", PQgetvalue(row, 0, 8), purchase->refund_due);
    compare_number(postgres, basket, "paid", PQgetvalue(row, 0, 9), purchase->paid);
}

static uint32_t find_line(const struct ledger *ledger, uint32_t basket, uint32_t sku)
{
    const struct basket *asked = &ledger->baskets->basket[basket];
    for (uint32_t at = asked->first_line; at < asked->first_line + asked->line_count; at++) {
        if (ledger->baskets->line[at].sku == sku && ledger->wanted[at] > 0)
            return at;
    }
    return BASKETS_NONE;
}

static void take_line(struct postgres_ledger *postgres, const PGresult *row)
{
    const struct ledger *ledger = postgres->ledger;
    const char *sku_text = PQgetvalue(row, 0, 1);
    uint32_t basket = ledger_find(ledger, PQgetvalue(row, 0, 0));
    uint32_t sku = names_find(&ledger->baskets->skus, sku_text, strlen(sku_text));
    int64_t quantity = number_at(row, 2);
    postgres->line_count++;
    if (sku != NAMES_NONE)
        postgres->sold[sku] += number_at(row, 5);
    if (basket == BASKETS_NONE)
        return; /* told with its order */
    postgres->lines_seen[basket]++;
    uint32_t line = sku == NAMES_NONE ? BASKETS_NONE : find_line(ledger, basket, sku);
    int64_t wanted = line == BASKETS_NONE ? 0 : ledger->wanted[line];
    int64_t price = line == BASKETS_NONE ? 0 : ledger->unit_price[line];
    if (line == BASKETS_NONE || quantity != wanted || number_at(row, 3) != price ||
        number_at(row, 4) != quantity * price)
        differences_add(postgres->differences, DIFFERENCE_ORDER_LINES,
            "order %s: PostgreSQL has %lld x %s at %s (%s), acknowledged were %lld at %lld",
            PQgetvalue(row, 0, 0), (long long)quantity, sku_text, PQgetvalue(row, 0, 3),
            PQgetvalue(row, 0, 4), (long long)wanted, (long long)price);
}

static void take_key_twice(struct postgres_ledger *postgres, const PGresult *row)
{
    differences_add(postgres->differences, DIFFERENCE_KEY_TWICE,
        "customer %s, key %s: %s orders in PostgreSQL", PQgetvalue(row, 0, 0),
        PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 2));
}

static void take_payments(struct postgres_ledger *postgres, const PGresult *row)
{
    differences_add(postgres->differences, DIFFERENCE_PAYMENTS,
        "order %s: %s paid, %s in its payments of PostgreSQL", PQgetvalue(row, 0, 0),
        PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 2));
}

static void take_event(struct postgres_ledger *postgres, const PGresult *row)
{
    differences_add(postgres->differences, DIFFERENCE_EVENT_CONTENT,
        "order %s: its row is %s, version %s, its event %s of node %s, shard %s is %s",
        PQgetvalue(row, 0, 0), PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 2), PQgetvalue(row, 0, 3),
        PQgetvalue(row, 0, 4), PQgetvalue(row, 0, 5), PQgetvalue(row, 0, 6));
}

static void take_gap(struct postgres_ledger *postgres, const PGresult *row)
{
    differences_add(postgres->differences, DIFFERENCE_STREAM_GAP,
        "node %s, shard %s: %s events from %s to %s, position %s", PQgetvalue(row, 0, 0),
        PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 2), PQgetvalue(row, 0, 3), PQgetvalue(row, 0, 4),
        PQgetvalue(row, 0, 5));
}

static void look_for_what_is_missing(struct postgres_ledger *postgres)
{
    const struct ledger *ledger = postgres->ledger;
    for (uint32_t basket = 0; basket < ledger->baskets->count; basket++) {
        const struct purchase *purchase = &ledger->purchase[basket];
        const struct basket *asked = &ledger->baskets->basket[basket];
        if (purchase->state != PURCHASE_ORDERED)
            continue;
        if (postgres->times_seen[basket] != 1) {
            differences_add(postgres->differences,
                postgres->times_seen[basket] == 0 ? DIFFERENCE_ORDER_MISSING
                                                  : DIFFERENCE_ORDER_TWICE,
                "order %s (basket %u) is in PostgreSQL %u times", purchase->order_id, basket,
                postgres->times_seen[basket]);
            continue;
        }
        uint32_t lines = 0;
        for (uint32_t at = asked->first_line; at < asked->first_line + asked->line_count; at++)
            lines += ledger->wanted[at] > 0;
        if (postgres->lines_seen[basket] != lines)
            differences_add(postgres->differences, DIFFERENCE_ORDER_LINES,
                "order %s: %u lines in PostgreSQL, %u acknowledged", purchase->order_id,
                postgres->lines_seen[basket], lines);
    }
}

static void take_stranger(struct postgres_ledger *postgres, const PGresult *row)
{
    if (postgres->strangers_to_tell == 0)
        return;
    postgres->strangers_to_tell--;
    differences_add(postgres->differences, DIFFERENCE_ORDER_UNKNOWN,
        "order %s (customer %s, key %s, created %s) is in PostgreSQL, but this replay did not ask "
        "for it",
        PQgetvalue(row, 0, 0), PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 2), PQgetvalue(row, 0, 3));
}

/* Orders of others that were not there before: of all that are not ours, the youngest. */
static int look_for_strangers(struct postgres_ledger *postgres)
{
    static const char youngest[] =
        "SELECT order_id, customer, coalesce(idempotency_key, ''), created_at FROM hotshelf.orders "
        "WHERE NOT coalesce(starts_with(idempotency_key, $1 || ':'), false) "
        "ORDER BY created_at DESC, order_id DESC";
    int64_t count = ask_number(postgres, "SELECT count(*) FROM hotshelf.orders");
    if (count < 0)
        return -1;
    uint64_t known = postgres->foreign_count + postgres->order_count;
    if ((uint64_t)count < known)
        differences_add(postgres->differences, DIFFERENCE_ORDER_MISSING,
            "%llu orders were in PostgreSQL before the run, %llu of them are gone",
            (unsigned long long)postgres->foreign_count,
            (unsigned long long)(known - (uint64_t)count));
    postgres->strangers_to_tell = (uint64_t)count > known ? (uint64_t)count - known : 0;
    return postgres->strangers_to_tell == 0 ? 0 : walk(postgres, youngest, take_stranger);
}

/* What stands beside the rows of the orders and must say the same: money, and the event that made
 * a row what it is, which is all that consumers of the stream are told. */
static int compare_beside(struct postgres_ledger *postgres)
{
    static const char payments[] =
        "SELECT o.order_id, o.paid, coalesce(sum(p.amount), 0) FROM hotshelf.orders o "
        "LEFT JOIN hotshelf.payments p ON p.order_id = o.order_id AND p.result = 'captured' "
        "WHERE starts_with(o.idempotency_key, $1 || ':') "
        "GROUP BY 1, 2 HAVING o.paid <> coalesce(sum(p.amount), 0)";
    static const char events[] =
        "SELECT o.order_id, o.status, o.order_version, o.seq, o.node, o.shard, "
        "coalesce(e.payload ->> 'data', 'not there') FROM hotshelf.orders o "
        "LEFT JOIN hotshelf.outbox e USING (node, shard, seq) "
        "WHERE starts_with(o.idempotency_key, $1 || ':') AND (o.order_id::text, o.customer, "
        "o.status, o.order_version::text, o.total::text, o.paid::text) IS DISTINCT FROM "
        "(e.payload #>> '{data,id}', e.payload #>> '{data,customer}', e.payload #>> "
        "'{data,status}', e.payload #>> '{data,order_version}', e.payload #>> '{data,total}', "
        "e.payload #>> '{data,paid}')";
    return walk(postgres, payments, take_payments) < 0 || walk(postgres, events, take_event) < 0
               ? -1
               : 0;
}

int postgres_ledger_compare(struct postgres_ledger *postgres)
{
    static const char orders[] =
        "SELECT order_id, customer, idempotency_key, status, currency, order_version, total, "
        "items_total, refund_due, paid FROM hotshelf.orders "
        "WHERE starts_with(idempotency_key, $1 || ':')";
    /* The last column: units that stay sold (V2), confirmed and not given back. Money for an order
     * that was killed before (P7) confirms nothing. */
    static const char lines[] =
        "SELECT l.order_id, l.sku, l.quantity, l.unit_price, l.line_total, CASE WHEN o.status IN "
        "('confirmed', 'refund_required', 'refunded') AND o.confirmed_at IS NOT NULL "
        "THEN l.quantity - l.restocked ELSE 0 END "
        "FROM hotshelf.order_lines l JOIN hotshelf.orders o USING (order_id) "
        "WHERE starts_with(o.idempotency_key, $1 || ':')";
    static const char keys[] =
        "SELECT customer, idempotency_key, count(*) FROM hotshelf.orders "
        "WHERE idempotency_key IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 1";
    static const char gaps[] =
        "SELECT o.node, o.shard, count(*), min(o.seq), max(o.seq), coalesce(max(p.seq), 0) "
        "FROM hotshelf.outbox o LEFT JOIN hotshelf.stream_position p USING (node, shard) "
        "GROUP BY 1, 2 HAVING min(o.seq) <> 1 OR max(o.seq) <> count(*) OR max(o.seq) <> "
        "coalesce(max(p.seq), 0)";
    if (walk(postgres, orders, take_order) < 0 || walk(postgres, lines, take_line) < 0 ||
        walk(postgres, keys, take_key_twice) < 0 || walk(postgres, gaps, take_gap) < 0 ||
        compare_beside(postgres) < 0)
        return -1;
    look_for_what_is_missing(postgres);
    return look_for_strangers(postgres);
}
