/* SPDX-License-Identifier: Apache-2.0 */
/*
 * columns_sim - reads the binary arrays that the stream sends as columns, and its rows of COPY.
 *
 * Ownership  Borrows the parameters.
 * Threads    One.
 * Units      Elements.
 * Errors     CHECK.
 * Cost       A step for each element.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_COLUMNS_SIM_H
#define HOTSHELF_TESTS_SIMULATE_COLUMNS_SIM_H

#include "persist/postgres_columns.h"
#include "persist/postgres_rows.h"

/* One column of an INSERT, element by element. */
struct column {
    const uint8_t *at;
    uint32_t left;
};

struct column column_of(const struct postgres_column *columns, const char *name,
    const struct postgres_parameters *parameters);
/* The next element. */
struct bytes column_text(struct column *column);
uint64_t column_number(struct column *column);

/* A row of binary COPY: its fields, and where the next one begins; NULL at the end of all. */
const uint8_t *field_row(const uint8_t *row, struct bytes fields[POSTGRES_COLUMNS_MAX]);
struct bytes field_of(const struct postgres_column *columns, const char *name,
    const struct bytes fields[POSTGRES_COLUMNS_MAX]);
uint64_t field_number(struct bytes bytes);

#endif
