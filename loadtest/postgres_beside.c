/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money is held against the crowd's own book; an event against the row that it made, which is held
 * against that book elsewhere. Only the last event of an order can be: the row is no older.
 */
#include "loadtest/postgres_parts.h"

#include <string.h>

/* What the provider was told to give back: all that is no longer due. */
static int64_t refunded_of(const struct purchase *purchase)
{
    bool is_void = strcmp(purchase->status, "refund_required") == 0 ||
                   strcmp(purchase->status, "refunded") == 0;
    return is_void ? purchase->paid - purchase->refund_due : 0;
}

static void take_payments(struct postgres_ledger *postgres, const PGresult *row)
{
    const char *order_id = PQgetvalue(row, 0, 0);
    uint32_t basket = ledger_find(postgres->ledger, order_id);
    int64_t captured = postgres_number_at(row, 1);
    int64_t refunded = postgres_number_at(row, 2);
    int64_t others = postgres_number_at(row, 3);
    if (basket == BASKETS_NONE)
        return; /* told with its order */
    const struct purchase *purchase = &postgres->ledger->purchase[basket];
    if (captured != purchase->paid || refunded != refunded_of(purchase))
        differences_add(postgres->differences, DIFFERENCE_PAYMENTS,
            "order %s: %lld paid and %lld given back, in its payments of PostgreSQL %lld and %lld",
            order_id, (long long)purchase->paid, (long long)refunded_of(purchase),
            (long long)captured, (long long)refunded);
    if (others != 0)
        differences_add(postgres->differences, DIFFERENCE_PAYMENTS,
            "order %s: %lld of its payments in PostgreSQL are of another currency, payment or "
            "result than its own, or their id is another order's",
            order_id, (long long)others);
}

static void take_stray_payment(struct postgres_ledger *postgres, const PGresult *row)
{
    differences_add(postgres->differences, DIFFERENCE_PAYMENTS,
        "payment %s (%s %s) is in PostgreSQL for order %s, which this replay did not ask for",
        PQgetvalue(row, 0, 0), PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 2), PQgetvalue(row, 0, 3));
}

/* A refund that is there twice under another id is of another sum; one of nothing is told, too. */
static int compare_payments(struct postgres_ledger *postgres)
{
    static const char payments[] =
        "SELECT o.order_id, coalesce(sum(p.amount) FILTER (WHERE p.result = 'captured'), 0), "
        "coalesce(sum(p.amount) FILTER (WHERE p.result = 'refunded'), 0), "
        "count(*) FILTER (WHERE p.order_id IS NOT NULL AND ((p.currency, p.provider, p.payment_id, "
        "w.order_id) IS DISTINCT FROM (o.currency, o.provider, o.payment_id, o.order_id) OR "
        "p.amount <= 0 OR p.result NOT IN ('captured', 'refunded'))) FROM hotshelf.orders o "
        "LEFT JOIN hotshelf.payments p ON p.order_id = o.order_id "
        "LEFT JOIN hotshelf.payment_owner w ON (w.provider, w.payment_id) = (p.provider, "
        "p.payment_id) "
        "WHERE starts_with(o.idempotency_key, $1 || ':') GROUP BY 1";
    static const char strays[] =
        "SELECT p.payment_id, p.result, p.amount, p.order_id FROM hotshelf.payments p "
        "WHERE starts_with(p.payment_id, $1 || '-') AND NOT EXISTS (SELECT FROM hotshelf.orders o "
        "WHERE o.order_id = p.order_id AND starts_with(o.idempotency_key, $1 || ':'))";
    return postgres_walk(postgres, payments, take_payments) < 0
               ? -1
               : postgres_walk(postgres, strays, take_stray_payment);
}

static void take_event(struct postgres_ledger *postgres, const PGresult *row)
{
    differences_add(postgres->differences, DIFFERENCE_EVENT_CONTENT,
        "order %s: its rows are %s, version %s, its event %s of node %s, shard %s is %s",
        PQgetvalue(row, 0, 0), PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 2), PQgetvalue(row, 0, 3),
        PQgetvalue(row, 0, 4), PQgetvalue(row, 0, 5), PQgetvalue(row, 0, 6));
}

/* The event that made a row what it is, which is all that consumers of the stream are told. A
 * report that changed nothing leaves an order placed; else the type is named as the status is. */
static int compare_events(struct postgres_ledger *postgres)
{
    static const char events[] =
        "SELECT o.order_id, o.status, o.order_version, o.seq, o.node, o.shard, "
        "coalesce(e.type || ' ' || (e.payload ->> 'data'), 'not there') FROM hotshelf.orders o "
        "LEFT JOIN hotshelf.outbox e USING (node, shard, seq) "
        "LEFT JOIN LATERAL (SELECT jsonb_agg(jsonb_build_object('line', l.line, 'sku', l.sku, "
        "'seller', l.seller, 'sale', l.sale, 'quantity', l.quantity, 'cancelled', l.cancelled, "
        "'unit_price', l.unit_price, 'line_total', l.line_total) ORDER BY l.line) AS lines "
        "FROM hotshelf.order_lines l WHERE l.order_id = o.order_id) w ON true "
        "WHERE starts_with(o.idempotency_key, $1 || ':') AND ((e.aggregatetype, e.aggregateid, "
        "e.payload ->> 'type', e.payload -> 'data' @> jsonb_build_object('id', o.order_id, "
        "'seq', o.seq, 'customer', o.customer, 'sale', o.sale, 'status', o.status, "
        "'order_version', o.order_version, 'currency', o.currency, 'items_total', o.items_total, "
        "'adjustments', o.adjustments, 'total', o.total, 'paid', o.paid, "
        "'refund_due', o.refund_due), e.payload #> '{data,lines}') "
        "IS DISTINCT FROM ('order', o.order_id::text, e.type, true, w.lines) "
        "OR e.type <> ALL (CASE WHEN o.status = 'pending_payment' THEN ARRAY['order.placed.v1', "
        "'order.payment_pending.v1', 'order.payment_declined.v1'] "
        "ELSE ARRAY['order.' || o.status || '.v1'] END))";
    return postgres_walk(postgres, events, take_event);
}

static void take_key_twice(struct postgres_ledger *postgres, const PGresult *row)
{
    differences_add(postgres->differences, DIFFERENCE_KEY_TWICE,
        "customer %s, key %s: %s orders in PostgreSQL", PQgetvalue(row, 0, 0),
        PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 2));
}

int postgres_beside_compare(struct postgres_ledger *postgres)
{
    /* Others' keys are theirs: an order more of one is a stranger (postgres_base). */
    static const char keys[] =
        "SELECT customer, idempotency_key, count(*) FROM hotshelf.orders "
        "WHERE starts_with(idempotency_key, $1 || ':') GROUP BY 1, 2 HAVING count(*) > 1";
    return compare_payments(postgres) < 0 || compare_events(postgres) < 0
               ? -1
               : postgres_walk(postgres, keys, take_key_twice);
}
