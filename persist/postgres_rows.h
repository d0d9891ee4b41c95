/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_rows - how a batch's rows become statements: one prepared INSERT .. SELECT FROM unnest
 * for each table, one array for each column; or, for rows that are new for certain, binary COPY.
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
    POSTGRES_COPY_PIECE_SIZE = 64 << 10, /* it reads one while the next is encoded */
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
/* How many rows of the batch it writes, without those that go by COPY: none means it need not be
 * sent. */
uint32_t postgres_rows_count(uint32_t statement, const struct stream_batch *batch);

/* How many rows of the batch go by COPY, and the text of that. */
uint32_t postgres_rows_copied(uint32_t statement, const struct stream_batch *batch);
void postgres_rows_copy_sql(uint32_t statement, char sql[POSTGRES_SQL_SIZE_MAX]);
/* The next piece of what goes by COPY: from row `*next` on, some POSTGRES_COPY_PIECE_SIZE bytes.
 * The first has the format's header, the last its end; `array` is emptied first. */
void postgres_rows_copy_encode(uint32_t statement, const struct stream_batch *batch, uint32_t *next,
    struct postgres_array *array);

/* `array` is emptied first. */
int postgres_rows_encode(uint32_t statement, const struct stream_batch *batch,
    struct postgres_array *array, struct postgres_parameters *parameters);

#endif
