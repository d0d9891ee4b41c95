/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table is a list of columns, and a column is a name, a type and a function that puts one row's
 * value. Statement text and parameters are both made from that list, so they cannot disagree.
 * The order of statements is the order of the pipeline: owners of payment ids are claimed before
 * it is looked for those that another order had.
 */
#include "persist/postgres_rows.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/check.h"
#include "persist/postgres_columns.h"

struct statement {
    const char *name;
    enum stream_rows rows;
    const struct postgres_column *columns;
    const char *insert; /* between WITH the rows as `u` and the end; NULL: all columns, as named */
    const char *table;
    const char *conflict;
};

static const char orders_conflict[] =
    "ON CONFLICT (order_id) DO UPDATE SET seq = excluded.seq, status = excluded.status, "
    "order_version = excluded.order_version, items_total = excluded.items_total, "
    "adjustments = excluded.adjustments, total = excluded.total, paid = excluded.paid, "
    "refund_due = excluded.refund_due, provider = excluded.provider, "
    "payment_id = excluded.payment_id, "
    "idempotency_key = coalesce(t.idempotency_key, excluded.idempotency_key), "
    "reclaimed = excluded.reclaimed, payment_due_at = excluded.payment_due_at, "
    "cancel_until = excluded.cancel_until, confirmed_at = excluded.confirmed_at, "
    "paid_at = excluded.paid_at, updated_at = excluded.updated_at, "
    "request_hash = coalesce(t.request_hash, excluded.request_hash), "
    "identities = coalesce(t.identities, excluded.identities), kept = excluded.kept, "
    "shelf_ms = excluded.shelf_ms, due_shelf_ms = excluded.due_shelf_ms "
    "WHERE t.order_version < excluded.order_version";

/* What is cancelled or on sale again only grows: an image read again turns nothing back. */
static const char lines_conflict[] =
    "ON CONFLICT (order_id, line) DO UPDATE SET cancelled = excluded.cancelled, "
    "restocked = excluded.restocked "
    "WHERE (t.cancelled, t.restocked) < (excluded.cancelled, excluded.restocked)";

/* A SKU that comes again after its sale was deleted begins with version 1 and has a greater number;
 * a row of a schema without numbers is told by its time. */
static const char products_conflict[] =
    "ON CONFLICT (sku) DO UPDATE SET node = excluded.node, title = excluded.title, "
    "category = excluded.category, seller = excluded.seller, sale = excluded.sale, "
    "\"group\" = excluded.\"group\", option = excluded.option, image = excluded.image, "
    "currency = excluded.currency, price = excluded.price, prices = excluded.prices, "
    "max_per_customer = excluded.max_per_customer, hold_seconds = excluded.hold_seconds, "
    "reserve_on = excluded.reserve_on, starts_at = excluded.starts_at, "
    "ends_at = excluded.ends_at, version = excluded.version, updated_at = excluded.updated_at, "
    "sku_number = excluded.sku_number "
    "WHERE t.node <> excluded.node OR t.sku_number < excluded.sku_number "
    "OR (t.sku_number = excluded.sku_number AND t.version < excluded.version) "
    "OR (t.sku_number IS NULL "
    "AND (t.version < excluded.version OR t.updated_at < excluded.updated_at))";

static const char foreign_owner[] =
    "INSERT INTO hotshelf.dead_letters (node, shard, seq, reason, detail) "
    "SELECT u.node, u.shard, u.seq, 'payment_id_used', format('%s %s of order %s belongs to "
    "order %s', u.provider, u.payment_id, u.order_id, o.order_id) "
    "FROM u JOIN hotshelf.payment_owner o USING (provider, payment_id) "
    "WHERE o.order_id <> u.order_id AND NOT EXISTS (SELECT FROM hotshelf.dead_letters d "
    "WHERE (d.node, d.shard, d.seq, d.reason) = (u.node, u.shard, u.seq, 'payment_id_used'))";

/* What of an allotment came before the movements that are here, under a number that no event has.
 * Those after the image, which may be here already, do not count, nor do those of a SKU of that
 * name which is gone. */
static const char adopted[] =
    "INSERT INTO hotshelf.stock_movements AS t (node, shard, seq, sku, delta, allotment, reason, "
    "occurred_at, sku_number) SELECT node, shard, -number, sku, allotment - known, allotment, "
    "'adopted', occurred_at, number FROM (SELECT DISTINCT ON (number) u.*, "
    "coalesce((SELECT sum(m.delta) FROM hotshelf.stock_movements m WHERE m.sku = u.sku "
    "AND (m.sku_number IS NULL OR m.sku_number = u.number) "
    "AND m.node = u.node AND m.shard = u.shard AND m.seq <= u.after), 0)::bigint AS known "
    "FROM u ORDER BY number, after DESC) a WHERE known <> allotment "
    "ON CONFLICT (node, shard, seq) DO UPDATE SET delta = t.delta + excluded.delta, "
    "allotment = excluded.allotment, occurred_at = excluded.occurred_at";

/* Judged one by one, in the order in which they came: each sees what the one before has done. */
static const char unmatched[] =
    "INSERT INTO hotshelf.unmatched (provider, payment_id, order_id, result, amount, currency, "
    "refund_id, occurred_at, node, shard, seq, outcome) "
    "SELECT u.*, hotshelf.judge_unmatched(ROW(u.node, u.shard, u.seq, u.order_id, u.provider, "
    "u.payment_id, u.result, u.amount, u.currency, u.refund_id, '', u.occurred_at)"
    "::hotshelf.unmatched) FROM (SELECT * FROM u ORDER BY seq) u";

static const struct statement statements[POSTGRES_STATEMENTS] = {
    {"orders", STREAM_ROWS_ORDERS, postgres_columns_orders, NULL, "orders", orders_conflict},
    {"order_lines", STREAM_ROWS_LINES, postgres_columns_lines, NULL, "order_lines", lines_conflict},
    {"payments", STREAM_ROWS_PAYMENTS, postgres_columns_payments, NULL, "payments",
        "ON CONFLICT DO NOTHING"},
    {"payment_owner", STREAM_ROWS_PAYMENTS, postgres_columns_owners, NULL, "payment_owner",
        "ON CONFLICT DO NOTHING"},
    {"foreign_owner", STREAM_ROWS_PAYMENTS, postgres_columns_payments, foreign_owner, NULL, NULL},
    {"unmatched", STREAM_ROWS_UNMATCHED, postgres_columns_payments, unmatched, NULL, NULL},
    {"products", STREAM_ROWS_PRODUCTS, postgres_columns_products, NULL, "products",
        products_conflict},
    {"stock_movements", STREAM_ROWS_MOVEMENTS, postgres_columns_movements, NULL, "stock_movements",
        ""},
    {"adopted", STREAM_ROWS_ADOPTED, postgres_columns_adopted, adopted, NULL, NULL},
    {"outbox", STREAM_ROWS_OUTBOX, postgres_columns_outbox, NULL, "outbox", ""},
};

const char *postgres_rows_name(uint32_t statement)
{
    CHECK(statement < POSTGRES_STATEMENTS);
    return statements[statement].name;
}

static const char *type_name(enum postgres_type type)
{
    switch (type) {
    case POSTGRES_BOOLEAN:
        return "boolean";
    case POSTGRES_BYTEA:
        return "bytea";
    case POSTGRES_BIGINT:
        return "bigint";
    case POSTGRES_INTEGER:
        return "integer";
    case POSTGRES_TEXT:
        return "text";
    case POSTGRES_TIMESTAMPTZ:
        return "timestamptz";
    case POSTGRES_UUID:
        return "uuid";
    case POSTGRES_JSONB:
        return "jsonb";
    }
    CHECK(false);
}

/* Appends to a text of POSTGRES_SQL_SIZE_MAX bytes. */
__attribute__((format(printf, 3, 4))) static void put(
    char *sql, uint32_t *size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(sql + *size, POSTGRES_SQL_SIZE_MAX - *size, format, arguments);
    va_end(arguments);
    CHECK(written >= 0);
    CHECK((uint32_t)written < POSTGRES_SQL_SIZE_MAX - *size);
    *size += (uint32_t)written;
}

static void put_names(char *sql, uint32_t *size, const struct postgres_column *columns)
{
    for (uint32_t i = 0; columns[i].name != NULL; i++)
        put(sql, size, "%s\"%s\"", i > 0 ? ", " : "", columns[i].name);
}

void postgres_rows_sql(uint32_t statement, char sql[POSTGRES_SQL_SIZE_MAX])
{
    CHECK(statement < POSTGRES_STATEMENTS);
    const struct statement *is = &statements[statement];
    uint32_t size = 0;
    put(sql, &size, "WITH u (");
    put_names(sql, &size, is->columns);
    put(sql, &size, ") AS (SELECT * FROM unnest(");
    for (uint32_t i = 0; is->columns[i].name != NULL; i++)
        put(sql, &size, "%s$%u::%s[]", i > 0 ? ", " : "", i + 1, type_name(is->columns[i].type));
    put(sql, &size, ")) ");
    if (is->insert != NULL) {
        put(sql, &size, "%s", is->insert);
        return;
    }
    put(sql, &size, "INSERT INTO hotshelf.%s AS t (", is->table);
    put_names(sql, &size, is->columns);
    put(sql, &size, ") SELECT * FROM u %s", is->conflict);
}

uint32_t postgres_rows_count(uint32_t statement, const struct stream_batch *batch)
{
    CHECK(statement < POSTGRES_STATEMENTS);
    enum stream_rows rows = statements[statement].rows;
    return batch->row_count[rows] - batch->row_copied[rows];
}

uint32_t postgres_rows_copied(uint32_t statement, const struct stream_batch *batch)
{
    CHECK(statement < POSTGRES_STATEMENTS);
    return batch->row_copied[statements[statement].rows];
}

void postgres_rows_copy_sql(uint32_t statement, char sql[POSTGRES_SQL_SIZE_MAX])
{
    CHECK(statement < POSTGRES_STATEMENTS);
    const struct statement *is = &statements[statement];
    uint32_t size = 0;
    CHECK(is->insert == NULL);
    put(sql, &size, "COPY hotshelf.%s (", is->table);
    put_names(sql, &size, is->columns);
    put(sql, &size, ") FROM STDIN (FORMAT binary)");
}

static uint16_t count_columns(const struct postgres_column *columns)
{
    uint16_t count = 0;
    while (columns[count].name != NULL)
        count++;
    return count;
}

void postgres_rows_copy_encode(uint32_t statement, const struct stream_batch *batch, uint32_t *next,
    struct postgres_array *array)
{
    CHECK(statement < POSTGRES_STATEMENTS);
    const struct statement *is = &statements[statement];
    uint16_t column_count = count_columns(is->columns);
    uint32_t end = batch->row_copied[is->rows];
    array->size = 0;
    array->overflow = false;
    if (*next == 0)
        postgres_array_copy_begin(array);
    for (; *next < end && array->size < POSTGRES_COPY_PIECE_SIZE; ++*next) {
        postgres_array_copy_row(array, column_count);
        for (uint32_t i = 0; i < column_count; i++)
            is->columns[i].put(array, &batch->rows[is->rows][*next], batch);
    }
    if (*next == end)
        postgres_array_copy_end(array);
    CHECK(!array->overflow);
}

static void encode_column(struct postgres_array *array, const struct postgres_column *column,
    const struct stream_batch *batch, enum stream_rows rows)
{
    postgres_array_begin(array, column->type, batch->row_count[rows] - batch->row_copied[rows]);
    for (uint32_t i = batch->row_copied[rows]; i < batch->row_count[rows] && !array->overflow; i++)
        column->put(array, &batch->rows[rows][i], batch);
}

int postgres_rows_encode(uint32_t statement, const struct stream_batch *batch,
    struct postgres_array *array, struct postgres_parameters *parameters)
{
    CHECK(statement < POSTGRES_STATEMENTS);
    const struct statement *is = &statements[statement];
    array->size = 0;
    array->overflow = false;
    uint32_t count = 0;
    for (; is->columns[count].name != NULL; count++) {
        CHECK(count < POSTGRES_COLUMNS_MAX);
        uint32_t start = array->size;
        encode_column(array, &is->columns[count], batch, is->rows);
        parameters->values[count] = (const char *)array->data + start;
        parameters->sizes[count] = (int)(array->size - start);
        parameters->formats[count] = 1;
    }
    parameters->count = count;
    return array->overflow ? -ENOBUFS : 0;
}
