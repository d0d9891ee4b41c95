/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_columns - the columns of every table the stream writes, and where each value comes from.
 *
 * Ownership  Constant tables, each ended by a column without a name.
 * Threads    Any.
 * Units      As schema.sql says.
 * Errors     What does not fit sets the array's overflow.
 * Cost       One call per value.
 */
#ifndef HOTSHELF_PERSIST_POSTGRES_COLUMNS_H
#define HOTSHELF_PERSIST_POSTGRES_COLUMNS_H

#include "persist/postgres_array.h"
#include "persist/stream_batch.h"

struct postgres_column {
    const char *name;
    enum postgres_type type;
    void (*put)(struct postgres_array *array, const struct stream_row *row,
        const struct stream_batch *batch);
};

extern const struct postgres_column postgres_columns_orders[];
extern const struct postgres_column postgres_columns_lines[];
extern const struct postgres_column postgres_columns_payments[];
extern const struct postgres_column postgres_columns_owners[];
extern const struct postgres_column postgres_columns_products[];
extern const struct postgres_column postgres_columns_movements[];
extern const struct postgres_column postgres_columns_adopted[];
extern const struct postgres_column postgres_columns_outbox[];

#endif
