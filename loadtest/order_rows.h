/* SPDX-License-Identifier: Apache-2.0 */
/*
 * order_rows - the rows of an orders file as they stand there: which order, who, which SKU, how
 * many.
 *
 * Ownership  order_rows_read() takes the memory, order_rows_free() gives it back; the names of
 *            customers and SKUs go into tables that the caller keeps.
 * Threads    One at a time.
 * Units      Quantities in whole units, at least 1; above UINT32_MAX they are read as UINT32_MAX.
 * Errors     order_rows_read(): -1 after one line on stderr that names file, line and reason.
 * Cost       O(bytes of the file).
 */
#ifndef HOTSHELF_LOADTEST_ORDER_ROWS_H
#define HOTSHELF_LOADTEST_ORDER_ROWS_H

#include "loadtest/names.h"

#include <stdint.h>

struct order_row {
    uint32_t order;
    uint32_t sku;
    uint32_t quantity;
};

struct order_head {
    const char *placed_at; /* RFC 3339 text of one fixed zone: sorts as it reads */
    size_t placed_at_size;
    uint32_t customer;
    uint32_t row_count;
};

struct order_rows {
    char *text; /* of the whole file */
    struct names order_ids;
    struct order_head *order;
    uint32_t order_count;
    struct order_row *row;
    uint32_t row_count;
    uint32_t left_out_count; /* rows with a SKU that no catalog can hold */
};

int order_rows_read(struct order_rows *rows, const char *path, uint32_t orders_max,
    struct names *customers, struct names *skus);
void order_rows_free(struct order_rows *rows);

#endif
