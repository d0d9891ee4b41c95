/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rebuild_rows - what the parts of a rebuild share: rows of a query one at a time, their values,
 * and the way of an image to its shard.
 *
 * Ownership  Values borrow the row; texts of an image are in rebuild->text until the next row.
 * Threads    One.
 * Units      As rebuild.h.
 * Errors     The first one stays in rebuild->failure; later rows are passed over.
 * Cost       A copy of each value.
 */
#ifndef HOTSHELF_PERSIST_REBUILD_ROWS_H
#define HOTSHELF_PERSIST_REBUILD_ROWS_H

#include "persist/rebuild.h"

typedef void rebuild_row(struct rebuild *rebuild, const PGresult *row);

/* Runs a query and hands over each row. */
int rebuild_each(struct rebuild *rebuild, const char *sql, rebuild_row *take);

struct bytes row_text(const PGresult *row, int column);
int64_t row_number(const PGresult *row, int column);
bool row_is_null(const PGresult *row, int column);
/* false: it is no 36 letters of an id of ours. */
bool row_order_id(const PGresult *row, int column, uint8_t id[16]);
/* A time of a row by the new shelf clock. */
uint64_t row_shelf_ms(const struct rebuild *rebuild, const PGresult *row, int column);
/* Bytes of hexadecimal digits, copied into rebuild->text. */
struct bytes row_hex(struct rebuild *rebuild, const char *digits, uint32_t digit_count);
/* JSON as the server writes it: without blanks between its parts. Empty when it is `empty`. */
struct bytes row_json(struct rebuild *rebuild, const PGresult *row, int column, const char *empty);

/* Checks that the image can be a record, and puts it; a CHECK that fails in there refuses the row.
 * `what` names it: an id, or a customer, of whom no secret is shown. */
void rebuild_put(
    struct rebuild *rebuild, uint32_t shard, const struct event *image, struct bytes what);
uint32_t rebuild_shard_of(const struct rebuild *rebuild, struct bytes customer);

/* In this order. */
int rebuild_catalog(struct rebuild *rebuild);
int rebuild_orders(struct rebuild *rebuild);

#endif
