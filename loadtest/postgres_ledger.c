/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders of this replay are found by the start of their idempotency key. The rows are walked in
 * single-row mode, so that no table is held in memory.
 */
#include "loadtest/postgres_parts.h"

#include "loadtest/clock.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_AGAIN_MS 250
#define SCHEMA_OVERDUE_NS (5 * CLOCK_NS_PER_SECOND)

int64_t postgres_ask_number(struct postgres_ledger *postgres, const char *query)
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
        exists = postgres_ask_number(
            postgres, "SELECT (to_regclass('hotshelf.orders') IS NOT NULL)::int");
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
        .line_seen = calloc(ledger->baskets->line_count, sizeof(bool)),
    };
    if (postgres_link_open(&postgres->link, conninfo, patience_seconds) < 0)
        return -1;
    if (postgres->sold == NULL || postgres->times_seen == NULL || postgres->line_seen == NULL)
        return -1;
    return has_schema(postgres) ? 0 : -1;
}

void postgres_ledger_close(struct postgres_ledger *postgres)
{
    postgres_link_close(&postgres->link);
    free(postgres->sold);
    free(postgres->times_seen);
    free(postgres->line_seen);
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

int postgres_walk(struct postgres_ledger *postgres, const char *query, postgres_take_row *take)
{
    PGresult *row;
    postgres_link_send(&postgres->link, query, postgres->ledger->run);
    while (!postgres->link.has_failed && (row = postgres_link_row(&postgres->link)) != NULL) {
        take(postgres, row);
        PQclear(row);
    }
    return postgres->link.has_failed ? postgres_link_complain(&postgres->link, query) : 0;
}

int64_t postgres_number_at(const PGresult *row, int column)
{
    return strtoll(PQgetvalue(row, 0, column), NULL, 10);
}

int postgres_ledger_compare(struct postgres_ledger *postgres)
{
    return postgres_orders_compare(postgres) < 0 || postgres_beside_compare(postgres) < 0
               ? -1
               : postgres_base_compare(postgres);
}
