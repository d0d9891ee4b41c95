/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalog_csv - the merchant's catalog: a CSV file whose header names the columns, row by row as
 * products.
 *
 *     sku,title,category,seller,price,currency,stock          required, in any order
 *     group,option,image,max_per_customer,sale,starts_at,ends_at,reserve_on,hold_seconds,prices
 *
 * Feed and finish as with csv.h; catalog_csv_next() goes on behind a faulty row, so that one pass
 * tells all that is wrong with a file. Whether a SKU stands there twice, or exists, is not known
 * here.
 *
 * Ownership  The row buffer is the caller's; a product's texts are valid until the next call of
 *            catalog_csv_next().
 * Threads    None.
 * Units      Amounts in minor units of their currency, times in Unix milliseconds (0: none),
 *            stock in units.
 * Errors     CATALOG_FAULTY with one entry in `faults` for each thing that is wrong: line, column
 *            (its name in the header; "" for the row or file itself) and reason. What makes the
 *            rest unreadable (a broken quote, a wrong header) is followed by CATALOG_END.
 * Cost       One pass; a row of 100 bytes takes well under a microsecond.
 */
#ifndef HOTSHELF_NET_HTTP_CATALOG_CSV_H
#define HOTSHELF_NET_HTTP_CATALOG_CSV_H

#include "core/command.h"
#include "net/http/csv.h"

enum {
    CATALOG_ROW_SIZE_MAX = 4096, /* four times what the widest row may need */
    CATALOG_FAULTS_MAX = 24,     /* in one row: each column, and the row itself */
    CATALOG_COLUMN_NAME_SIZE = 64,
    CATALOG_REASON_SIZE = 112,
    CATALOG_HOLD_SECONDS_MAX = 86400,
};

enum catalog_column {
    CATALOG_SKU,
    CATALOG_TITLE,
    CATALOG_CATEGORY,
    CATALOG_SELLER,
    CATALOG_PRICE,
    CATALOG_CURRENCY,
    CATALOG_STOCK,
    CATALOG_GROUP,
    CATALOG_OPTION,
    CATALOG_IMAGE,
    CATALOG_MAX_PER_CUSTOMER,
    CATALOG_SALE,
    CATALOG_STARTS_AT,
    CATALOG_ENDS_AT,
    CATALOG_RESERVE_ON,
    CATALOG_HOLD_SECONDS,
    CATALOG_PRICES,
    CATALOG_COLUMN_COUNT,
};

struct catalog_fault {
    uint32_t line;
    char column[CATALOG_COLUMN_NAME_SIZE];
    char reason[CATALOG_REASON_SIZE];
};

enum catalog_answer { CATALOG_MORE, CATALOG_ROW, CATALOG_FAULTY, CATALOG_END };

struct catalog_csv {
    struct product_image product; /* after CATALOG_ROW; prices[0] is `price` in `currency` */
    uint32_t line;                /* of the row */
    struct catalog_fault faults[CATALOG_FAULTS_MAX];
    uint32_t fault_count; /* after CATALOG_FAULTY */
    uint32_t columns;     /* bit per enum catalog_column that the header names */

    struct csv_reader csv;
    struct bytes value[CATALOG_COLUMN_COUNT]; /* of the row, empty where there is none */
    uint8_t column_of_field[CSV_FIELDS_MAX];
    uint32_t field_count; /* of the header; 0 before it */
    bool is_broken;
};

/* row has CATALOG_ROW_SIZE_MAX bytes. */
void catalog_csv_open(struct catalog_csv *catalog, uint8_t *row);
void catalog_csv_feed(struct catalog_csv *catalog, struct bytes piece);
void catalog_csv_finish(struct catalog_csv *catalog);
enum catalog_answer catalog_csv_next(struct catalog_csv *catalog);

/* 1 to 63 bytes of printable ASCII without space, quote, comma or slash. */
bool catalog_sku_is_valid(struct bytes sku);
/* UTF-8 of 1 to 255 bytes; it may have several lines: exports of shops do. */
bool catalog_title_is_valid(struct bytes title);
/* UTF-8 of size_min to size_max bytes without control characters. */
bool catalog_name_is_valid(struct bytes name, uint32_t size_min, uint32_t size_max);

#endif
