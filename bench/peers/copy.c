/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows are fetched in PostgreSQL's own binary form, one message each, and sent back as they are: a
 * batch is a header, the rows of some orders that lie beside each other, an end.
 */
#include "bench/peers/copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HEADER_SIZE 19 /* of a stream of binary COPY: signature, flags, no extension */
#define END_SIZE 2

static const char header[HEADER_SIZE] = "PGCOPY\n\377\r\n"; /* its NUL, and zeros */
static const char end[END_SIZE] = {'\377', '\377'};

struct table {
    const char *name, *order;
    char *rows;
    size_t size, room;
    size_t *starts; /* where each row starts, and where the last one ends */
    uint32_t count, starts_room;
};

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static bool keep_row(struct table *table, const char *row, size_t size)
{
    if (table->size + size > table->room) {
        table->room = table->room * 2 + size + (1 << 20);
        char *rows = realloc(table->rows, table->room);
        if (rows == NULL)
            return false;
        table->rows = rows;
    }
    if (table->count + 2 > table->starts_room) {
        table->starts_room = table->starts_room * 2 + 1024;
        size_t *starts = realloc(table->starts, table->starts_room * sizeof *starts);
        if (starts == NULL)
            return false;
        table->starts = starts;
    }
    memcpy(table->rows + table->size, row, size);
    table->starts[table->count++] = table->size;
    table->size += size;
    table->starts[table->count] = table->size;
    return true;
}

/* The header comes with the first row, the end alone. */
static bool fetch(PGconn *connection, struct table *table, struct turn *turn)
{
    char query[200];
    char *row = NULL;
    int size;
    bool good = true;
    snprintf(query, sizeof query,
        "COPY (SELECT * FROM hotshelf.%s ORDER BY %s) TO STDOUT (FORMAT binary)", table->name,
        table->order);
    PQclear(PQexec(connection, query));
    while (good && (size = PQgetCopyData(connection, &row, 0)) > 0) {
        int from = table->count == 0 ? HEADER_SIZE : 0;
        if (size > from + END_SIZE)
            good = keep_row(table, row + from, (size_t)(size - from));
        PQfreemem(row);
    }
    for (PGresult *rest = PQgetResult(connection); rest != NULL; rest = PQgetResult(connection))
        PQclear(rest);
    return (good && table->count > 0) || turn_fail(turn, "no rows of %s", table->name);
}

static bool prepare(PGconn *connection, const struct table *table, struct turn *turn)
{
    char statements[300];
    snprintf(statements, sizeof statements,
        "DROP TABLE IF EXISTS copied_%s;"
        "CREATE TABLE copied_%s (LIKE hotshelf.%s INCLUDING ALL)",
        table->name, table->name, table->name);
    return postgres_run(connection, statements, turn);
}

static bool send_rows(PGconn *connection, const struct table *table, uint32_t from, uint32_t to)
{
    char statement[100];
    snprintf(statement, sizeof statement, "COPY copied_%s FROM STDIN (FORMAT binary)", table->name);
    PQclear(PQexec(connection, statement));
    size_t start = table->starts[from], size = table->starts[to] - start;
    bool good = PQputCopyData(connection, header, HEADER_SIZE) == 1 &&
                PQputCopyData(connection, table->rows + start, (int)size) == 1 &&
                PQputCopyData(connection, end, END_SIZE) == 1 &&
                PQputCopyEnd(connection, NULL) == 1;
    for (PGresult *result = PQgetResult(connection); result != NULL;
         result = PQgetResult(connection)) {
        good = good && PQresultStatus(result) == PGRES_COMMAND_OK;
        PQclear(result);
    }
    return good;
}

/* A batch of every table, which have equally many rows for each order. */
static bool send_batch(
    PGconn *connection, const struct table tables[3], uint32_t from, uint32_t to, struct turn *turn)
{
    uint64_t orders = tables[0].count;
    bool good = postgres_run(connection, "BEGIN", turn);
    for (int at = 0; good && at < 3; at++)
        good = send_rows(connection, &tables[at], (uint32_t)(from * (tables[at].count / orders)),
            (uint32_t)(to * (tables[at].count / orders)));
    return (good && postgres_run(connection, "COMMIT", turn)) ||
           turn_fail(turn, "COPY: %s", PQerrorMessage(connection));
}

double copy_batch(PGconn *connection)
{
    int64_t orders = postgres_number(connection, "SELECT count(*) FROM hotshelf.orders");
    int64_t transactions =
        postgres_number(connection, "SELECT count(DISTINCT xmin::text) FROM hotshelf.orders");
    return orders > 0 && transactions > 0 ? (double)orders / (double)transactions : 0;
}

static bool send_all(const struct postgres *postgres, PGconn *connection,
    const struct table tables[3], struct turn *turn)
{
    uint32_t batch = (uint32_t)(copy_batch(connection) + 0.5);
    uint32_t orders = tables[0].count;
    if (batch == 0)
        return turn_fail(turn, "the stream wrote no orders");
    double start = now_seconds();
    struct cpu_time before = process_cpu(&postgres->peer.process);
    for (uint32_t from = 0; from < orders; from += batch) {
        uint32_t to = from + batch < orders ? from + batch : orders;
        if (!send_batch(connection, tables, from, to, turn))
            return false;
    }
    turn_note(turn, orders, now_seconds() - start,
        process_cpu_between(before, process_cpu(&postgres->peer.process)));
    snprintf(turn->reason, sizeof turn->reason, "%u orders a transaction, as the stream", batch);
    return true;
}

bool copy_play(struct turn *turn, const struct postgres *postgres)
{
    *turn = (struct turn){0};
    struct table tables[3] = {{.name = "orders", .order = "seq"},
        {.name = "order_lines", .order = "order_id, line"}, {.name = "outbox", .order = "seq"}};
    PGconn *connection = postgres_connect(postgres, turn);
    bool good = connection != NULL;
    for (int at = 0; good && at < 3; at++)
        good = fetch(connection, &tables[at], turn) && prepare(connection, &tables[at], turn);
    good = good && postgres_run(connection, "CHECKPOINT", turn) &&
           send_all(postgres, connection, tables, turn);
    for (int at = 0; at < 3; at++) {
        free(tables[at].rows);
        free(tables[at].starts);
    }
    PQfinish(connection);
    return good;
}
