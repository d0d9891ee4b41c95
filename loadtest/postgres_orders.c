/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was seen is noted by basket and by line, so that what was not seen is known at the end, and
 * so is what was seen twice. A line is compared as one text, built the same way on both sides: a
 * person then sees what differs.
 */
#include "loadtest/postgres_parts.h"

#include "loadtest/protocol.h"

#include <stdio.h>
#include <string.h>

#define LINE_TEXT_SIZE 512

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

/* Money, and by which payment it came. */
static void compare_money(struct postgres_ledger *postgres, uint32_t basket, const PGresult *row)
{
    const struct purchase *purchase = &postgres->ledger->purchase[basket];
    bool was_paid = purchase->paid > 0;
    char payment_id[LEDGER_PAYMENT_ID_SIZE];
    ledger_payment_id(postgres->ledger, basket, payment_id);
    compare_text(postgres, basket, "currency", PQgetvalue(row, 0, 4), purchase->currency);
    compare_number(postgres, basket, "total", PQgetvalue(row, 0, 6), purchase->total);
    compare_number(postgres, basket, "items_total", PQgetvalue(row, 0, 7), purchase->total);
    compare_number(postgres, basket, "refund_due", PQgetvalue(row, 0, 8), purchase->refund_due);
    compare_number(postgres, basket, "paid", PQgetvalue(row, 0, 9), purchase->paid);
    compare_text(
        postgres, basket, "provider", PQgetvalue(row, 0, 10), was_paid ? PROTOCOL_PROVIDER : "");
    compare_text(
        postgres, basket, "payment_id", PQgetvalue(row, 0, 11), was_paid ? payment_id : "");
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
    compare_number(postgres, basket, "order_version", PQgetvalue(row, 0, 5), purchase->version);
    compare_number(
        postgres, basket, "was confirmed", PQgetvalue(row, 0, 12), purchase->was_confirmed);
    compare_money(postgres, basket, row);
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

static void write_row_line(const PGresult *row, bool is_told_seller, char text[LINE_TEXT_SIZE])
{
    snprintf(text, LINE_TEXT_SIZE,
        "line %s: %s x %s at %s (%s), %s cancelled, %s back in stock, seller %s",
        PQgetvalue(row, 0, 6), PQgetvalue(row, 0, 2), PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 3),
        PQgetvalue(row, 0, 4), PQgetvalue(row, 0, 7), PQgetvalue(row, 0, 8),
        is_told_seller ? "as told" : PQgetvalue(row, 0, 9));
}

/* The crowd gives everything back to be sold again; only what was sold can come back (V2). */
static void write_told_line(
    const struct ledger *ledger, uint32_t basket, uint32_t at, char text[LINE_TEXT_SIZE])
{
    const struct ledger_line *line = &ledger->line[at];
    uint32_t restocked = ledger->purchase[basket].was_confirmed ? line->cancelled : 0;
    snprintf(text, LINE_TEXT_SIZE,
        "line %u: %u x %s at %lld (%lld), %u cancelled, %u back in stock, seller as told",
        line->number, ledger->wanted[at],
        names_text(&ledger->baskets->skus, ledger->baskets->line[at].sku),
        (long long)line->unit_price, (long long)(ledger->wanted[at] * line->unit_price),
        line->cancelled, restocked);
}

static void take_line(struct postgres_ledger *postgres, const PGresult *row)
{
    const struct ledger *ledger = postgres->ledger;
    const char *sku_text = PQgetvalue(row, 0, 1);
    uint32_t basket = ledger_find(ledger, PQgetvalue(row, 0, 0));
    uint32_t sku = names_find(&ledger->baskets->skus, sku_text, strlen(sku_text));
    postgres->line_count++;
    if (sku != NAMES_NONE)
        postgres->sold[sku] += postgres_number_at(row, 5);
    if (basket == BASKETS_NONE)
        return; /* told with its order */
    char rows[LINE_TEXT_SIZE];
    char told[LINE_TEXT_SIZE] = "no such line, or once only";
    uint32_t at = sku == NAMES_NONE ? BASKETS_NONE : find_line(ledger, basket, sku);
    bool is_known = at != BASKETS_NONE && !postgres->line_seen[at];
    bool is_told_seller =
        is_known && ledger_seller(PQgetvalue(row, 0, 9)) == ledger->line[at].seller;
    write_row_line(row, is_told_seller, rows);
    if (is_known) {
        postgres->line_seen[at] = true;
        write_told_line(ledger, basket, at, told);
    }
    if (strcmp(rows, told) != 0)
        differences_add(postgres->differences, DIFFERENCE_ORDER_LINES,
            "order %s: PostgreSQL has %s; acknowledged was %s", PQgetvalue(row, 0, 0), rows, told);
}

static void look_for_missing_lines(struct postgres_ledger *postgres, uint32_t basket)
{
    const struct ledger *ledger = postgres->ledger;
    const struct basket *asked = &ledger->baskets->basket[basket];
    for (uint32_t at = asked->first_line; at < asked->first_line + asked->line_count; at++) {
        if (ledger->wanted[at] > 0 && !postgres->line_seen[at])
            differences_add(postgres->differences, DIFFERENCE_ORDER_LINES,
                "order %s: PostgreSQL has no line of %s, acknowledged were %u",
                ledger->purchase[basket].order_id,
                names_text(&ledger->baskets->skus, ledger->baskets->line[at].sku),
                ledger->wanted[at]);
    }
}

static void look_for_what_is_missing(struct postgres_ledger *postgres)
{
    const struct ledger *ledger = postgres->ledger;
    for (uint32_t basket = 0; basket < ledger->baskets->count; basket++) {
        const struct purchase *purchase = &ledger->purchase[basket];
        uint8_t times_seen = postgres->times_seen[basket];
        if (purchase->state != PURCHASE_ORDERED)
            continue;
        if (times_seen == 1)
            look_for_missing_lines(postgres, basket);
        else
            differences_add(postgres->differences,
                times_seen == 0 ? DIFFERENCE_ORDER_MISSING : DIFFERENCE_ORDER_TWICE,
                "order %s (basket %u) is in PostgreSQL %u times", purchase->order_id, basket,
                times_seen);
    }
}

int postgres_orders_compare(struct postgres_ledger *postgres)
{
    static const char orders[] =
        "SELECT order_id, customer, idempotency_key, status, currency, order_version, total, "
        "items_total, refund_due, paid, provider, payment_id, (confirmed_at IS NOT NULL)::int "
        "FROM hotshelf.orders WHERE starts_with(idempotency_key, $1 || ':')";
    /* The sixth column: units that stay sold (V2), confirmed and not given back. Money for an order
     * that was killed before (P7) confirms nothing. */
    static const char lines[] =
        "SELECT l.order_id, l.sku, l.quantity, l.unit_price, l.line_total, CASE WHEN o.status IN "
        "('confirmed', 'refund_required', 'refunded') AND o.confirmed_at IS NOT NULL "
        "THEN l.quantity - l.restocked ELSE 0 END, l.line, l.cancelled, l.restocked, l.seller "
        "FROM hotshelf.order_lines l JOIN hotshelf.orders o USING (order_id) "
        "WHERE starts_with(o.idempotency_key, $1 || ':')";
    if (postgres_walk(postgres, orders, take_order) < 0 ||
        postgres_walk(postgres, lines, take_line) < 0)
        return -1;
    look_for_what_is_missing(postgres);
    return 0;
}
