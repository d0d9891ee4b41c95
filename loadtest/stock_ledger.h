/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stock_ledger - the server's counters, read from its admin listener, page by page.
 *
 * Ownership  Takes memory in stock_ledger_open(), gives it back in stock_ledger_close().
 * Threads    One; stock_ledger_read() blocks.
 * Units      Whole units; a row for each SKU of the baskets, others of the catalog are passed over.
 * Errors     stock_ledger_read(): -1 after one line on stderr. A server that is away is asked again
 *            until patience_seconds have passed without an answer.
 * Cost       One request for each page of 200 SKUs.
 */
#ifndef HOTSHELF_LOADTEST_STOCK_LEDGER_H
#define HOTSHELF_LOADTEST_STOCK_LEDGER_H

#include "loadtest/admin_link.h"
#include "loadtest/json.h"
#include "loadtest/names.h"
#include "loadtest/options.h"

struct stock_row {
    bool known; /* the server has this SKU */
    int64_t allotment;
    int64_t available;
    int64_t held;
    int64_t sold;
};

struct stock_ledger {
    const struct options *options;
    const struct names *skus;
    struct admin_link link;
    struct json json;
    struct stock_row *row; /* by the number of the SKU in skus */
    bool is_wordless;      /* it was asked for the word of its stream, and had no answer */
    uint32_t sold_out_count;
    uint64_t sku_count; /* of the server, the ones nobody asked for included */
};

int stock_ledger_open(
    struct stock_ledger *stock, const struct options *options, const struct names *skus);
void stock_ledger_close(struct stock_ledger *stock);

#define STOCK_LEDGER_WORD_SIZE 24

/* How the server's stream to PostgreSQL is, in the word of its /readyz; empty when it says none. */
void stock_ledger_stream_word(struct stock_ledger *stock, char word[STOCK_LEDGER_WORD_SIZE]);

/* Reads every counter anew. */
int stock_ledger_read(struct stock_ledger *stock);

#endif
