/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_parts - what the files of postgres_ledger share: asking, and who compares what.
 *
 *     postgres_base      the base line, and what must not have come or gone since
 *     postgres_orders    orders and lines, row by row with the crowd's own book
 *     postgres_beside    what stands beside the orders: payments, events, keys
 *
 * Ownership  Nothing here owns anything; results are cleared by who asked.
 * Threads    One; every call blocks.
 * Units      As in postgres_ledger.h.
 * Errors     -1 after one line on stderr.
 * Cost       One query a call of postgres_ask_number() and postgres_walk().
 */
#ifndef HOTSHELF_LOADTEST_POSTGRES_PARTS_H
#define HOTSHELF_LOADTEST_POSTGRES_PARTS_H

#include "loadtest/postgres_ledger.h"

/* The first column of the first row as a number, which is never negative; $1 is the run. */
int64_t postgres_ask_number(struct postgres_ledger *postgres, const char *query);

typedef void postgres_take_row(struct postgres_ledger *postgres, const PGresult *row);

/* Hands every row of a query to `take`, one at a time; $1 is the run. */
int postgres_walk(struct postgres_ledger *postgres, const char *query, postgres_take_row *take);

int64_t postgres_number_at(const PGresult *row, int column);

int postgres_base_compare(struct postgres_ledger *postgres);

int postgres_orders_compare(struct postgres_ledger *postgres);
int postgres_beside_compare(struct postgres_ledger *postgres);

#endif
