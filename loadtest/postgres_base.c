/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The base line is worth something only when PostgreSQL has all that the server did before: what
 * arrives later would be taken for a stranger's. Nobody tells how far behind it is, but a stream
 * that has something to write is at work: so the line is drawn when the stream has stood still for
 * a moment, no connection of the server is at work and the server says that its stream is well.
 *
 * What was broken before is not this run's doing, and told once: a gap in the stream must not grow,
 * keys with two orders are looked for among the run's only.
 */
#include "loadtest/postgres_parts.h"

#include "loadtest/clock.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define REST_NS (200 * CLOCK_NS_PER_MS)
#define REST_LOOK_MS 20

struct look {
    int64_t position; /* the sum over all shards */
    int64_t busy;     /* connections of the server that are at work */
    char word[STOCK_LEDGER_WORD_SIZE];
};

static bool take_look(
    struct postgres_ledger *postgres, struct stock_ledger *server, struct look *look)
{
    static const char query[] =
        "SELECT (SELECT coalesce(sum(seq), 0)::bigint FROM hotshelf.stream_position), "
        "(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND starts_with(application_name, 'hotshelf node ') AND state <> 'idle')";
    PGresult *result = postgres_link_is_up(&postgres->link)
                           ? postgres_link_ask(&postgres->link, query, NULL)
                           : NULL;
    bool found = result != NULL && PQntuples(result) == 1;
    if (found) {
        look->position = postgres_number_at(result, 0);
        look->busy = postgres_number_at(result, 1);
    }
    PQclear(result);
    if (server != NULL)
        stock_ledger_stream_word(server, look->word);
    return found;
}

/* It will not catch up however long one waits. */
static bool is_hopeless(const struct look *look)
{
    bool has_none = strcmp(look->word, "none") == 0;
    if (!has_none && strcmp(look->word, "halted") != 0)
        return false;
    fprintf(stderr, "hotshelf-loadtest: the server %s: its rows cannot be compared\n",
        has_none ? "has no PostgreSQL (postgres.dsn)" : "has halted its stream to PostgreSQL");
    return true;
}

static bool is_idle(const struct look *look)
{
    return look->busy == 0 && (look->word[0] == '\0' || strcmp(look->word, "ok") == 0);
}

static void tell_wait(const struct look *look)
{
    fprintf(stderr,
        "waiting for PostgreSQL to catch up with what was before the run: %lld events%s%s\n",
        (long long)look->position, look->word[0] == '\0' ? "" : ", the server calls it ",
        look->word);
}

static int wait_for_rest(
    struct postgres_ledger *postgres, struct stock_ledger *server, uint32_t patience_seconds)
{
    struct look before = {.position = -1};
    uint64_t start_ns = clock_now_ns();
    uint64_t still_ns = start_ns;
    uint64_t told_ns = start_ns;
    while (!postgres->link.has_given_up &&
           clock_now_ns() - start_ns < patience_seconds * CLOCK_NS_PER_SECOND) {
        struct look now = before;
        bool is_at_rest =
            take_look(postgres, server, &now) && is_idle(&now) && now.position == before.position;
        if (is_hopeless(&now))
            return -1;
        if (!is_at_rest)
            still_ns = clock_now_ns();
        else if (clock_now_ns() - still_ns >= REST_NS)
            return 0;
        if (clock_now_ns() - told_ns >= CLOCK_NS_PER_SECOND) {
            tell_wait(&now);
            told_ns = clock_now_ns();
        }
        before = now;
        poll(NULL, 0, REST_LOOK_MS);
    }
    if (postgres->link.has_given_up)
        return -1;
    fprintf(stderr,
        "hotshelf-loadtest: PostgreSQL has not caught up with the server within %u s: nothing "
        "could be compared with it; leave the shop alone and wait, or give it more --patience\n",
        patience_seconds);
    return -1;
}

/* Keys of the run must be new: else its answers are those of before. */
static int check_name(struct postgres_ledger *postgres)
{
    int64_t orders = postgres_ask_number(postgres,
        "SELECT count(*) FROM hotshelf.orders WHERE starts_with(idempotency_key, $1 || ':')");
    if (orders > 0)
        fprintf(stderr,
            "hotshelf-loadtest: a run named %s was here before (%lld orders in PostgreSQL): take "
            "another --run\n",
            postgres->ledger->run, (long long)orders);
    return orders == 0 ? 0 : -1;
}

/* Of each shard's stream events 1, 2, 3, .. up to its position, and none beyond. */
static const char gaps[] =
    "SELECT node, shard, coalesce(p.seq, 0), "
    "coalesce(p.seq, 0) - count(*) FILTER (WHERE e.seq BETWEEN 1 AND p.seq), "
    "count(*) FILTER (WHERE e.seq NOT BETWEEN 1 AND coalesce(p.seq, 0)) "
    "FROM hotshelf.stream_position p FULL JOIN hotshelf.outbox e USING (node, shard) "
    "GROUP BY 1, 2, p.seq HAVING coalesce(p.seq, 0) <> "
    "count(*) FILTER (WHERE e.seq BETWEEN 1 AND p.seq) "
    "OR count(*) FILTER (WHERE e.seq NOT BETWEEN 1 AND coalesce(p.seq, 0)) > 0";

static struct postgres_gap gap_at(const PGresult *row)
{
    return (struct postgres_gap){
        .node = postgres_number_at(row, 0),
        .shard = postgres_number_at(row, 1),
        .missing = postgres_number_at(row, 3),
        .beyond = postgres_number_at(row, 4),
    };
}

static void take_old_gap(struct postgres_ledger *postgres, const PGresult *row)
{
    struct postgres_base *base = &postgres->base;
    if (base->gap_count < POSTGRES_GAPS_MAX)
        base->gap[base->gap_count++] = gap_at(row);
}

static void take_gap(struct postgres_ledger *postgres, const PGresult *row)
{
    const struct postgres_base *base = &postgres->base;
    struct postgres_gap now = gap_at(row);
    struct postgres_gap old = {0};
    for (uint32_t at = 0; at < base->gap_count; at++) {
        if (base->gap[at].node == now.node && base->gap[at].shard == now.shard)
            old = base->gap[at];
    }
    if (now.missing > old.missing || now.beyond > old.beyond)
        differences_add(postgres->differences, DIFFERENCE_STREAM_GAP,
            "node %lld, shard %lld: of the events up to position %s %lld are missing, %lld are "
            "beyond; before the run %lld and %lld",
            (long long)now.node, (long long)now.shard, PQgetvalue(row, 0, 2),
            (long long)now.missing, (long long)now.beyond, (long long)old.missing,
            (long long)old.beyond);
}

static void warn_of_old(const struct postgres_base *base, int64_t keys_twice)
{
    if (base->gap_count > 0 || keys_twice > 0)
        fprintf(stderr,
            "WARNING: in PostgreSQL before the run: %u streams with gaps, %lld keys with two "
            "orders; only what is new will count\n",
            base->gap_count, (long long)keys_twice);
}

int postgres_ledger_read_base(
    struct postgres_ledger *postgres, struct stock_ledger *server, uint32_t patience_seconds)
{
    static const char keys[] =
        "SELECT count(*) FROM (SELECT FROM hotshelf.orders WHERE idempotency_key IS NOT NULL "
        "GROUP BY customer, idempotency_key HAVING count(*) > 1) k";
    struct postgres_base *base = &postgres->base;
    if (wait_for_rest(postgres, server, patience_seconds) < 0 || check_name(postgres) < 0 ||
        postgres_walk(postgres, gaps, take_old_gap) < 0)
        return -1;
    int64_t orders = postgres_ask_number(postgres, "SELECT count(*) FROM hotshelf.orders");
    int64_t keys_twice = postgres_ask_number(postgres, keys);
    base->dead_letter =
        postgres_ask_number(postgres, "SELECT coalesce(max(id), 0) FROM hotshelf.dead_letters");
    base->foreign_count = (uint64_t)orders;
    if (orders < 0 || keys_twice < 0 || base->dead_letter < 0)
        return -1;
    warn_of_old(base, keys_twice);
    return 0;
}

static void take_stranger(struct postgres_ledger *postgres, const PGresult *row)
{
    if (postgres->strangers_to_tell == 0)
        return;
    postgres->strangers_to_tell--;
    differences_add(postgres->differences, DIFFERENCE_ORDER_UNKNOWN,
        "order %s (customer %s, key %s, created %s) is in PostgreSQL, but this replay did not ask "
        "for it; if somebody else was shopping: a shop must be left alone during a run",
        PQgetvalue(row, 0, 0), PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 2), PQgetvalue(row, 0, 3));
}

/* Orders of others that were not there before: of all that are not ours, the youngest. */
static int look_for_strangers(struct postgres_ledger *postgres)
{
    static const char youngest[] =
        "SELECT order_id, customer, coalesce(idempotency_key, ''), created_at FROM hotshelf.orders "
        "WHERE NOT coalesce(starts_with(idempotency_key, $1 || ':'), false) "
        "ORDER BY created_at DESC, order_id DESC";
    int64_t count = postgres_ask_number(postgres, "SELECT count(*) FROM hotshelf.orders");
    if (count < 0)
        return -1;
    uint64_t foreign_count = postgres->base.foreign_count;
    uint64_t known = foreign_count + postgres->order_count;
    if ((uint64_t)count < known)
        differences_add(postgres->differences, DIFFERENCE_ORDER_MISSING,
            "%llu orders were in PostgreSQL before the run, %llu of them are gone",
            (unsigned long long)foreign_count, (unsigned long long)(known - (uint64_t)count));
    postgres->strangers_to_tell = (uint64_t)count > known ? (uint64_t)count - known : 0;
    return postgres->strangers_to_tell == 0 ? 0 : postgres_walk(postgres, youngest, take_stranger);
}

static void take_dead_letter(struct postgres_ledger *postgres, const PGresult *row)
{
    if (postgres_number_at(row, 0) > postgres->base.dead_letter)
        differences_add(postgres->differences, DIFFERENCE_DEAD_LETTER,
            "dead letter %s: event %s of node %s, shard %s, %s: %s", PQgetvalue(row, 0, 0),
            PQgetvalue(row, 0, 3), PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 2),
            PQgetvalue(row, 0, 4), PQgetvalue(row, 0, 5));
}

int postgres_base_compare(struct postgres_ledger *postgres)
{
    static const char letters[] = "SELECT id, node, shard, seq, reason, coalesce(sqlstate || ' ', "
                                  "'') || coalesce(detail, '') "
                                  "FROM hotshelf.dead_letters ORDER BY id";
    return postgres_walk(postgres, gaps, take_gap) < 0 ||
                   postgres_walk(postgres, letters, take_dead_letter) < 0
               ? -1
               : look_for_strangers(postgres);
}
