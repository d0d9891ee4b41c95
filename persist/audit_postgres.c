/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines are compared as one text per order, built the same way on both sides and hashed: an order
 * is equal or it is not, and a person then looks at both.
 */
#include "persist/audit_postgres.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "core/json_writer.h"
#include "core/view.h"

static const char positions_sql[] =
    "SELECT shard, seq FROM hotshelf.stream_position WHERE node = $1";

static const char outbox_sql[] =
    "SELECT p.shard, p.seq, count(o.seq), coalesce(min(o.seq), 0), coalesce(max(o.seq), 0) "
    "FROM hotshelf.stream_position p LEFT JOIN hotshelf.outbox o "
    "ON o.node = p.node AND o.shard = p.shard WHERE p.node = $1 GROUP BY 1, 2 ORDER BY 1";

/* The text of the lines is that of hash_lines() in audit_model.c. */
static const char orders_sql[] =
    "SELECT o.order_id, o.shard, o.status, o.order_version, o.total, coalesce(string_agg("
    "concat_ws(' ', l.line, l.sku, l.quantity, l.cancelled, l.restocked, l.unit_price) || ';', '' "
    "ORDER BY l.line), '') FROM hotshelf.orders o LEFT JOIN hotshelf.order_lines l "
    "USING (order_id) WHERE o.node = $1 GROUP BY o.order_id ORDER BY o.order_id";

static int complain(struct audit_postgres *postgres)
{
    (void)snprintf(postgres->problem, sizeof(postgres->problem), "PostgreSQL: %s",
        PQerrorMessage(postgres->connection));
    return -EIO;
}

static int send(struct audit_postgres *postgres, const char *sql)
{
    char node[8];
    const char *parameters[] = {node};
    (void)snprintf(node, sizeof(node), "%u", postgres->node);
    if (!PQsendQueryParams(postgres->connection, sql, 1, NULL, parameters, NULL, NULL, 0) ||
        !PQsetSingleRowMode(postgres->connection))
        return complain(postgres);
    return 0;
}

/* Runs a query and hands over each row, one at a time however many there are. */
static int each_row(struct audit_postgres *postgres, const char *sql, struct audit_model *model,
    void (*row)(struct audit_postgres *, struct audit_model *, const PGresult *))
{
    int failure = send(postgres, sql);
    PGresult *result = NULL;
    while ((result = PQgetResult(postgres->connection)) != NULL) {
        ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_SINGLE_TUPLE)
            row(postgres, model, result);
        else if (status != PGRES_TUPLES_OK && failure == 0)
            failure = complain(postgres);
        PQclear(result);
    }
    return failure;
}

static uint64_t number_at(const PGresult *result, int column)
{
    return strtoull(PQgetvalue(result, 0, column), NULL, 10);
}

static void take_position(
    struct audit_postgres *postgres, struct audit_model *model, const PGresult *result)
{
    uint64_t shard = number_at(result, 0);
    if (shard < postgres->shards)
        model->position[shard] = number_at(result, 1);
}

int audit_postgres_open(struct audit_postgres *postgres, const char *dsn, uint16_t node,
    uint16_t shards, struct audit_model *model)
{
    *postgres = (struct audit_postgres){.node = node, .shards = shards};
    postgres->connection = PQconnectdb(dsn);
    if (PQstatus(postgres->connection) != CONNECTION_OK)
        return complain(postgres);
    PQclear(PQexec(postgres->connection, "SET client_encoding = UTF8"));
    PGresult *begun =
        PQexec(postgres->connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    bool failed = PQresultStatus(begun) != PGRES_COMMAND_OK;
    PQclear(begun);
    if (failed)
        return complain(postgres);
    for (uint32_t i = 0; i < shards; i++)
        model->position[i] = 0;
    return each_row(postgres, positions_sql, model, take_position);
}

static void check_outbox(
    struct audit_postgres *postgres, struct audit_model *model, const PGresult *result)
{
    uint64_t shard = number_at(result, 0), position = number_at(result, 1);
    uint64_t count = number_at(result, 2), first = number_at(result, 3),
             last = number_at(result, 4);
    if (count != 0 && (last != position || last - first + 1 != count))
        audit_find(model->findings, AUDIT_GAPS,
            "shard %" PRIu64 ": the outbox has %" PRIu64 " events from %" PRIu64 " to %" PRIu64
            ", the position is %" PRIu64,
            shard, count, first, last, position);
    if (count == 0 && position != 0)
        audit_find(model->findings, AUDIT_GAPS,
            "shard %" PRIu64 ": the outbox is empty, the position is %" PRIu64, shard, position);
    if (shard >= postgres->shards)
        return;
    if (position > model->seq[shard])
        audit_find(model->findings, AUDIT_LOST,
            "shard %" PRIu64 ": PostgreSQL has event %" PRIu64 ", the journal ends at %" PRIu64,
            shard, position, model->seq[shard]);
    else
        postgres->behind += model->seq[shard] - position;
}

static bool parse_uuid(const char *text, uint8_t id[16])
{
    uint32_t digits = 0;
    for (; *text != 0; text++) {
        if (*text == '-')
            continue;
        char letter = *text;
        int value = letter >= '0' && letter <= '9' ? letter - '0' : letter - 'a' + 10;
        if (value < 0 || value > 15 || digits == 32)
            return false;
        id[digits / 2] = (uint8_t)(digits % 2 == 0 ? value << 4 : id[digits / 2] | value);
        digits++;
    }
    return digits == 32;
}

static bool is_status(const char *text, uint8_t status)
{
    return bytes_equal(bytes_of_string(text), order_status_name(status));
}

static void compare_row(
    struct audit_findings *findings, const struct audit_row *row, const PGresult *result)
{
    const char *id = PQgetvalue(result, 0, 0), *lines = PQgetvalue(result, 0, 5);
    if (number_at(result, 3) != row->version)
        audit_find(findings, AUDIT_DIFFERENT,
            "order %s: PostgreSQL has version %" PRIu64 ", the journal %u at its position", id,
            number_at(result, 3), row->version);
    else if (!is_status(PQgetvalue(result, 0, 2), row->status))
        audit_find(findings, AUDIT_DIFFERENT,
            "order %s: PostgreSQL has status %s, the journal %.*s", id, PQgetvalue(result, 0, 2),
            (int)order_status_name(row->status).size,
            (const char *)order_status_name(row->status).data);
    else if ((int64_t)number_at(result, 4) != row->total)
        audit_find(findings, AUDIT_DIFFERENT,
            "order %s: PostgreSQL has total %" PRIu64 ", the journal %" PRId64, id,
            number_at(result, 4), row->total);
    else if (XXH3_64bits(lines, strlen(lines)) != row->lines_hash)
        audit_find(findings, AUDIT_DIFFERENT, "order %s: its lines in PostgreSQL are others: %s",
            id, lines);
}

static void check_order(
    struct audit_postgres *postgres, struct audit_model *model, const PGresult *result)
{
    uint8_t id[16] = {0};
    const char *text = PQgetvalue(result, 0, 0);
    struct audit_order *order = parse_uuid(text, id) ? audit_model_order(model, id) : NULL;
    uint64_t shard = number_at(result, 1);
    postgres->orders++;
    if (shard >= postgres->shards)
        return; /* of a journal that is not here */
    if (order == NULL || order->streamed.version == 0) {
        audit_find(model->findings, AUDIT_LOST,
            "order %s is in PostgreSQL and not in the journal up to its position", text);
        return;
    }
    order->seen = true;
    compare_row(model->findings, &order->streamed, result);
}

static void check_missing(struct audit_model *model)
{
    char text[JSON_UUID_SIZE];
    for (uint32_t i = 0; i < model->order_count; i++) {
        const struct audit_order *order = &model->orders[i];
        if (order->seen || order->streamed.version == 0)
            continue;
        json_format_uuid(text, order->id);
        audit_find(
            model->findings, AUDIT_LOST, "order %.*s is not in PostgreSQL", JSON_UUID_SIZE, text);
    }
}

int audit_postgres_compare(struct audit_postgres *postgres, struct audit_model *model)
{
    int failure = each_row(postgres, outbox_sql, model, check_outbox);
    if (failure == 0)
        failure = each_row(postgres, orders_sql, model, check_order);
    if (failure == 0)
        check_missing(model);
    return failure;
}

void audit_postgres_close(struct audit_postgres *postgres)
{
    PQfinish(postgres->connection);
    postgres->connection = NULL;
}
