/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines are compared as one text per order, built the same way on both sides and hashed: an order
 * is equal or it is not, and a person then looks at both. Their SKUs are compared by name, as far
 * as the journal knows it.
 */
#include "persist/audit_postgres.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "core/json_writer.h"
#include "core/view.h"
#include "persist/audit_parts.h"

static const char positions_sql[] =
    "SELECT shard, seq FROM hotshelf.stream_position WHERE node = $1";

static const char outbox_sql[] =
    "SELECT p.shard, p.seq, count(o.seq), coalesce(min(o.seq), 0), coalesce(max(o.seq), 0) "
    "FROM hotshelf.stream_position p LEFT JOIN hotshelf.outbox o "
    "ON o.node = p.node AND o.shard = p.shard WHERE p.node = $1 GROUP BY 1, 2 ORDER BY 1";

/* The text of the lines is that of hash_lines() in audit_state.c. */
static const char orders_sql[] =
    "SELECT o.order_id, o.shard, o.status, o.order_version, o.total, coalesce(string_agg("
    "concat_ws(' ', l.line, l.quantity, l.cancelled, l.restocked, l.unit_price) || ';', '' "
    "ORDER BY l.line), ''), coalesce(string_agg(l.sku || ' ', '' ORDER BY l.line), ''), o.seq, "
    "o.confirmed_at IS NOT NULL, (extract(epoch FROM o.created_at) * 1000)::bigint "
    "FROM hotshelf.orders o LEFT JOIN hotshelf.order_lines l USING (order_id) "
    "WHERE o.node = $1 GROUP BY o.order_id ORDER BY o.order_id";

enum orders_column {
    ORDERS_ID,
    ORDERS_SHARD,
    ORDERS_STATUS,
    ORDERS_VERSION,
    ORDERS_TOTAL,
    ORDERS_LINES,
    ORDERS_SKUS,
    ORDERS_SEQ,
    ORDERS_SOLD,
    ORDERS_CREATED,
};

static const char beginnings_sql[] =
    "SELECT sku, (extract(epoch FROM max(occurred_at)) * 1000)::bigint "
    "FROM hotshelf.stock_movements WHERE node = $1 AND delta = allotment "
    "AND (delta > 0 OR reason = 'new product') GROUP BY 1";

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
        model->shards[shard].position = number_at(result, 1);
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
        model->shards[i].position = 0;
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
    if (position > model->shards[shard].seq)
        audit_find(model->findings, AUDIT_LOST,
            "shard %" PRIu64 ": PostgreSQL has event %" PRIu64 ", the journal ends at %" PRIu64,
            shard, position, model->shards[shard].seq);
    else
        postgres->behind += model->shards[shard].seq - position;
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

/* The next of the names in a text that has a space behind each. */
static struct bytes next_name(const char **text)
{
    size_t size = strcspn(*text, " ");
    struct bytes name = bytes_of(*text, (uint32_t)size);
    *text += size + ((*text)[size] == ' ');
    return name;
}

static bool has_skus(
    struct audit_model *model, const struct audit_order *order, const PGresult *result)
{
    const char *skus = PQgetvalue(result, 0, ORDERS_SKUS);
    for (uint32_t i = 0; i < order->line_count; i++) {
        const struct audit_sku *sku = audit_sku_at(model, order->lines[i].sku_number);
        struct bytes name = next_name(&skus);
        if (sku->known && !bytes_equal(bytes_of_string(sku->name), name))
            return false;
    }
    return true;
}

/* Money that came for an order that is forgotten is judged in PostgreSQL alone. */
static bool has_status(const struct audit_order *order, const PGresult *result)
{
    const char *status = PQgetvalue(result, 0, ORDERS_STATUS);
    return is_status(status, order->streamed.status) ||
           (order->forgotten &&
               (is_status(status, ORDER_REFUND_REQUIRED) || is_status(status, ORDER_REFUNDED)));
}

static void compare_row(
    struct audit_model *model, const struct audit_order *order, const PGresult *result)
{
    struct audit_findings *findings = model->findings;
    const struct audit_row *row = &order->streamed;
    const char *id = PQgetvalue(result, 0, ORDERS_ID), *lines = PQgetvalue(result, 0, ORDERS_LINES);
    if (number_at(result, ORDERS_VERSION) != row->version)
        audit_find(findings, AUDIT_DIFFERENT,
            "order %s: PostgreSQL has version %" PRIu64 ", the journal %u at its position", id,
            number_at(result, ORDERS_VERSION), row->version);
    else if (!has_status(order, result))
        audit_find(findings, AUDIT_DIFFERENT,
            "order %s: PostgreSQL has status %s, the journal %.*s", id,
            PQgetvalue(result, 0, ORDERS_STATUS), (int)order_status_name(row->status).size,
            (const char *)order_status_name(row->status).data);
    else if ((int64_t)number_at(result, ORDERS_TOTAL) != row->total)
        audit_find(findings, AUDIT_DIFFERENT,
            "order %s: PostgreSQL has total %" PRIu64 ", the journal %" PRId64, id,
            number_at(result, ORDERS_TOTAL), row->total);
    else if (XXH3_64bits(lines, strlen(lines)) != row->lines_hash ||
             !has_skus(model, order, result))
        audit_find(findings, AUDIT_DIFFERENT, "order %s: its lines in PostgreSQL are others: %s %s",
            id, lines, PQgetvalue(result, 0, ORDERS_SKUS));
}

static struct audit_name *name_of(struct audit_postgres *postgres, struct bytes name)
{
    struct audit_names *names = &postgres->names;
    struct hash128 key = audit_hash(name.data, name.size, 0);
    uint32_t number = audit_index_find(&names->index, key);
    if (number == AUDIT_NONE) {
        names->items = audit_grow(names->items, names->count, sizeof(*names->items));
        number = names->count++;
        audit_index_add(&names->index, key, number);
    }
    return &names->items[number];
}

static void take_beginning(
    struct audit_postgres *postgres, struct audit_model *model, const PGresult *result)
{
    (void)model;
    struct audit_name *name = name_of(postgres, bytes_of_string(PQgetvalue(result, 0, 0)));
    name->began = true;
    name->began_ms = (int64_t)number_at(result, 1);
}

/* An order forgotten before what is kept: what it sold is in the sums. */
static void sum_older(struct audit_postgres *postgres, const PGresult *result)
{
    const char *skus = PQgetvalue(result, 0, ORDERS_SKUS);
    const char *lines = PQgetvalue(result, 0, ORDERS_LINES);
    int64_t created_ms = (int64_t)number_at(result, ORDERS_CREATED);
    postgres->older++;
    if (PQgetvalue(result, 0, ORDERS_SOLD)[0] != 't')
        return;
    while (*skus != 0) {
        unsigned long long quantity = 0, restocked = 0;
        struct audit_name *name = name_of(postgres, next_name(&skus));
        int found = sscanf(lines, "%*u %llu %*u %llu", &quantity, &restocked);
        uint64_t units = found == 2 ? quantity - restocked : 0;
        name->sold += units;
        name->sold_since += name->began && created_ms >= name->began_ms ? units : 0;
        lines += strcspn(lines, ";");
        lines += *lines == ';';
    }
}

/* Its image is younger than the row: all that is known is that the row is older. */
static void check_unknown_row(struct audit_model *model, const struct audit_order *order,
    uint64_t position, const PGresult *result)
{
    if (number_at(result, ORDERS_VERSION) >= order->version ||
        number_at(result, ORDERS_SEQ) > position)
        audit_find(model->findings, AUDIT_DIFFERENT,
            "order %s: PostgreSQL has version %" PRIu64
            " at its position, the journal has %u, which is after it",
            PQgetvalue(result, 0, ORDERS_ID), number_at(result, ORDERS_VERSION), order->version);
}

static void check_order(
    struct audit_postgres *postgres, struct audit_model *model, const PGresult *result)
{
    uint8_t id[16] = {0};
    const char *text = PQgetvalue(result, 0, ORDERS_ID);
    struct audit_order *order = parse_uuid(text, id) ? audit_model_order(model, id) : NULL;
    uint64_t shard = number_at(result, ORDERS_SHARD), seq = number_at(result, ORDERS_SEQ);
    bool here = shard < postgres->shards; /* else of another number of shards */
    postgres->orders++;
    if (order != NULL && order->streamed.version != 0) {
        order->seen = true;
        compare_row(model, order, result);
    } else if (order != NULL && order->row_unknown) {
        check_unknown_row(model, order, model->shards[order->shard].position, result);
    } else if (order == NULL && (!here || seq <= model->shards[shard].base_seq)) {
        sum_older(postgres, result);
    } else {
        audit_find(model->findings, AUDIT_LOST,
            "order %s is in PostgreSQL and not in the journal up to its position", text);
    }
}

/* Whether what was forgotten before what is kept is final in PostgreSQL. */
static bool is_settled(const struct audit_postgres *postgres, const struct audit_model *model)
{
    for (uint32_t i = 0; i < postgres->shards; i++)
        if (model->shards[i].position < model->shards[i].base_seq)
            return false;
    return true;
}

static void check_sums(struct audit_postgres *postgres, struct audit_model *model)
{
    for (uint32_t i = 0; i < model->sku_count; i++) {
        const struct audit_sku *sku = &model->skus[i];
        if (!sku->known)
            continue;
        struct audit_name *name = name_of(postgres, bytes_of_string(sku->name));
        name->sku_number = i;
        name->gone += sku->gone;
    }
    for (uint32_t i = 0; i < postgres->names.count; i++) {
        const struct audit_name *name = &postgres->names.items[i];
        if (name->sku_number == 0 || (name->gone >= name->sold_since && name->gone <= name->sold))
            continue; /* not on the shelf any more, or as it must be */
        if (!name->began && name->gone > name->sold) {
            postgres->young_skus++;
            continue;
        }
        audit_find(model->findings, AUDIT_LOST,
            "SKU %s: in orders older than what is kept PostgreSQL has %" PRIu64
            " units sold, the journal %" PRIu64,
            model->skus[name->sku_number].name, name->sold, name->gone);
    }
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
        failure = each_row(postgres, beginnings_sql, model, take_beginning);
    if (failure == 0)
        failure = each_row(postgres, orders_sql, model, check_order);
    if (failure != 0)
        return failure;
    check_missing(model);
    postgres->unsettled = !is_settled(postgres, model);
    if (!postgres->unsettled)
        check_sums(postgres, model);
    return 0;
}

void audit_postgres_close(struct audit_postgres *postgres)
{
    PQfinish(postgres->connection);
    postgres->connection = NULL;
    audit_index_free(&postgres->names.index);
    free(postgres->names.items);
    postgres->names.items = NULL;
}
