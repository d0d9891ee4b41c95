/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows are grouped by order with a counting sort, so an order need not stand together in the file.
 * Within an order the rows of one SKU become one line: `seen` remembers, per SKU, the line that it
 * has in the order at hand. Baskets of one customer are chained last, from the end to the start.
 */
#include "loadtest/baskets.h"

#include "loadtest/order_rows.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Per SKU: the order it was last seen in, and its line there. */
struct seen {
    uint32_t order;
    uint32_t line;
};

struct grouping {
    uint32_t *first_row; /* per order: where its rows start in by_order; one more at the end */
    uint32_t *by_order;  /* row indices, order by order */
    uint32_t *in_time;   /* order indices by time */
    struct seen *seen;
};

static int earlier(const void *left, const void *right, void *context)
{
    const struct order_rows *rows = context;
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;
    const struct order_head *first = &rows->order[a];
    const struct order_head *second = &rows->order[b];
    size_t size = first->placed_at_size < second->placed_at_size ? first->placed_at_size
                                                                 : second->placed_at_size;
    int difference = memcmp(first->placed_at, second->placed_at, size);
    if (difference != 0)
        return difference;
    return a < b ? -1 : a > b;
}

static void free_grouping(struct grouping *grouping)
{
    free(grouping->first_row);
    free(grouping->by_order);
    free(grouping->in_time);
    free(grouping->seen);
}

static int group_rows(struct grouping *grouping, struct order_rows *rows, uint32_t sku_count)
{
    uint32_t orders = rows->order_count;
    *grouping = (struct grouping){
        .first_row = calloc((size_t)orders + 2, sizeof(uint32_t)),
        .by_order = calloc(rows->row_count, sizeof(uint32_t)),
        .in_time = calloc(orders, sizeof(uint32_t)),
        .seen = malloc(sku_count * sizeof(struct seen)),
    };
    if (grouping->first_row == NULL || grouping->by_order == NULL || grouping->in_time == NULL ||
        grouping->seen == NULL)
        return -ENOMEM;
    memset(grouping->seen, 0xff, sku_count * sizeof(struct seen));
    for (uint32_t order = 0; order < orders; order++)
        grouping->first_row[order + 2] =
            grouping->first_row[order + 1] + rows->order[order].row_count;
    /* Filling moves each start one order further, which leaves first_row[order] where it belongs.
     */
    for (uint32_t row = 0; row < rows->row_count; row++)
        grouping->by_order[grouping->first_row[rows->row[row].order + 1]++] = row;
    for (uint32_t order = 0; order < orders; order++)
        grouping->in_time[order] = order;
    qsort_r(grouping->in_time, orders, sizeof(uint32_t), earlier, rows);
    return 0;
}

static void add_row(struct baskets *baskets, struct seen *seen, const struct order_row *row)
{
    if (seen->order != row->order) {
        *seen = (struct seen){.order = row->order, .line = baskets->line_count++};
        baskets->line[seen->line] = (struct basket_line){.sku = row->sku};
    } else {
        baskets->merged_count++;
    }
    struct basket_line *line = &baskets->line[seen->line];
    uint64_t sum = (uint64_t)line->quantity + row->quantity;
    if (sum > BASKETS_QUANTITY_MAX) {
        sum = BASKETS_QUANTITY_MAX;
        baskets->clamped_count++;
    }
    line->quantity = (uint32_t)sum;
}

/* The lines of one order, cut into baskets that the server takes. */
static void cut_order(struct baskets *baskets, uint32_t customer, uint32_t first_line)
{
    for (uint32_t at = first_line; at < baskets->line_count; at += BASKETS_LINES_MAX) {
        uint32_t left = baskets->line_count - at;
        baskets->basket[baskets->count++] = (struct basket){
            .customer = customer,
            .first_line = at,
            .line_count = left < BASKETS_LINES_MAX ? left : BASKETS_LINES_MAX,
            .next = BASKETS_NONE,
        };
        baskets->split_count += at != first_line;
    }
}

int baskets_chain(struct baskets *baskets)
{
    uint32_t *next = malloc(baskets->customers.count * sizeof *next);
    if (next == NULL && baskets->customers.count > 0)
        return -ENOMEM;
    memset(next, 0xff, baskets->customers.count * sizeof *next);
    for (uint32_t at = baskets->count; at-- > 0;) {
        struct basket *basket = &baskets->basket[at];
        basket->next = next[basket->customer];
        next[basket->customer] = at;
    }
    free(next);
    return 0;
}

static int build(struct baskets *baskets, struct order_rows *rows, struct grouping *grouping)
{
    baskets->line = calloc(rows->row_count, sizeof *baskets->line);
    baskets->basket = calloc(
        (size_t)rows->order_count + rows->row_count / BASKETS_LINES_MAX, sizeof *baskets->basket);
    int result = group_rows(grouping, rows, baskets->skus.count);
    if (baskets->line == NULL || baskets->basket == NULL)
        result = -ENOMEM;
    if (result == 0) {
        for (uint32_t at = 0; at < rows->order_count; at++) {
            uint32_t order = grouping->in_time[at];
            uint32_t first_line = baskets->line_count;
            for (uint32_t row = grouping->first_row[order]; row < grouping->first_row[order + 1];
                 row++) {
                const struct order_row *one = &rows->row[grouping->by_order[row]];
                add_row(baskets, &grouping->seen[one->sku], one);
            }
            cut_order(baskets, rows->order[order].customer, first_line);
        }
        result = baskets_chain(baskets);
    }
    if (result != 0)
        fprintf(stderr, "hotshelf-loadtest: no memory for %u rows\n", rows->row_count);
    return result;
}

int baskets_read(struct baskets *baskets, const char *path, uint32_t orders_max)
{
    *baskets = (struct baskets){0};
    struct order_rows rows;
    struct grouping grouping = {0};
    int result = order_rows_read(&rows, path, orders_max, &baskets->customers, &baskets->skus);
    if (result == 0) {
        baskets->order_count = rows.order_count;
        result = build(baskets, &rows, &grouping);
    }
    free_grouping(&grouping);
    order_rows_free(&rows);
    if (result != 0)
        baskets_free(baskets);
    return result == 0 ? 0 : -1;
}

int baskets_keep(struct baskets *baskets, uint32_t count)
{
    baskets->count = count < baskets->count ? count : baskets->count;
    return baskets_chain(baskets);
}

void baskets_free(struct baskets *baskets)
{
    names_close(&baskets->skus);
    names_close(&baskets->customers);
    free(baskets->basket);
    free(baskets->line);
    *baskets = (struct baskets){0};
}
