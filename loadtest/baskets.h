/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baskets - what the crowd wants to buy: a file of orders, read once, as baskets of lines.
 *
 *     rows of one order_id --merge equal SKUs--> lines --cut every 512--> baskets
 *
 * The baskets stand in time order; `next` chains those of one customer, who fills one after
 * another.
 *
 * Ownership  baskets_read() takes the memory, baskets_free() gives it back.
 * Threads    Read-only once read.
 * Units      Quantities in whole units, 1 to BASKETS_QUANTITY_MAX. Indices count from 0.
 * Errors     baskets_read(): -1 after one line on stderr that names file, line and reason.
 * Cost       O(rows); a sort when the file is not in time order.
 */
#ifndef HOTSHELF_LOADTEST_BASKETS_H
#define HOTSHELF_LOADTEST_BASKETS_H

#include "loadtest/names.h"

#include <stdint.h>

#define BASKETS_NONE UINT32_MAX

/* The server's limits lines_per_order and units_per_line: asking for more is a mistake, not load.
 */
#define BASKETS_LINES_MAX 512
#define BASKETS_QUANTITY_MAX 1000000

struct basket_line {
    uint32_t sku;
    uint32_t quantity;
};

struct basket {
    uint32_t customer;
    uint32_t first_line;
    uint32_t line_count;
    uint32_t next; /* the same customer's next basket, or BASKETS_NONE */
};

struct baskets {
    struct names skus;
    struct names customers;
    struct basket *basket;
    uint32_t count;
    struct basket_line *line;
    uint32_t line_count;
    uint32_t order_count;
    uint32_t split_count;   /* baskets more than orders */
    uint32_t merged_count;  /* rows added to an earlier line of the same SKU */
    uint32_t clamped_count; /* lines lowered to BASKETS_QUANTITY_MAX */
};

/* Reads the first orders_max orders of the file; 0 reads all. */
int baskets_read(struct baskets *baskets, const char *path, uint32_t orders_max);

/* Sets `next` of all baskets anew, in their order. -ENOMEM. */
int baskets_chain(struct baskets *baskets);

/* Keeps the first `count` baskets only. -ENOMEM. */
int baskets_keep(struct baskets *baskets, uint32_t count);

void baskets_free(struct baskets *baskets);

#endif
