/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_rows - how a batch's rows become statements: one prepared INSERT .. SELECT FROM unnest
 * for each table, one array for each column.
 *
 * Ownership  Parameters stand in the caller's array until the next statement is encoded; libpq
 *            copies them when it sends.
 * Threads    The stream's own.
 * Units      Sizes in bytes.
 * Errors     -ENOBUFS: the statement does not fit; a batch of one event always does.
 * Cost       O(rows x columns).
 */
#ifndef HOTSHELF_PERSIST_POSTGRES_ROWS_H
#define HOTSHELF_PERSIST_POSTGRES_ROWS_H

#include "persist/postgres_array.h"
#include "persist/stream_batch.h"

enum {
    POSTGRES_STATEMENTS = 10,
    POSTGRES_COLUMNS_MAX = 32,
    POSTGRES_SQL_SIZE_MAX = 4096,
    /* Two payloads of the largest order, or 2,000 usual ones of 1.5 KiB with room to spare. */
    POSTGRES_ARRAYS_SIZE = 8 << 20,
};

/* One column's values for all rows of a statement. */
struct postgres_parameters {
    uint32_t count;
    const char *values[POSTGRES_COLUMNS_MAX];
    int sizes[POSTGRES_COLUMNS_MAX];
    int formats[POSTGRES_COLUMNS_MAX]; /* all 1: binary */
};

/* The name under which a statement is prepared: its table. */
const char *postgres_rows_name(uint32_t statement);
/* Its text, written to `sql`. */
void postgres_rows_sql(uint32_t statement, char sql[POSTGRES_SQL_SIZE_MAX]);
/* How many rows of the batch it writes: none means it need not be sent. */
uint32_t postgres_rows_count(uint32_t statement, const struct stream_batch *batch);

/* `array` is emptied first. */
int postgres_rows_encode(uint32_t statement, const struct stream_batch *batch,
    struct postgres_array *array, struct postgres_parameters *parameters);

#endif
