/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_ledger - the rows that the server's stream wrote, compared with the acknowledged orders.
 *
 * Ownership  postgres_ledger_open() connects and remembers how many orders there already were;
 *            postgres_ledger_close() gives everything back. libpq allocates as it likes.
 * Threads    One; every call blocks, for as long as the patience of its link.
 * Units      Money in minor units, quantities in units.
 * Errors     -1 after one line on stderr: PostgreSQL could not be read, so nothing is proved.
 *            What is read and is wrong goes to `differences`.
 * Cost       Two queries row by row, O(orders + lines); no table is held in memory.
 */
#ifndef HOTSHELF_LOADTEST_POSTGRES_LEDGER_H
#define HOTSHELF_LOADTEST_POSTGRES_LEDGER_H

#include "loadtest/differences.h"
#include "loadtest/ledger.h"
#include "loadtest/postgres_link.h"

struct postgres_ledger {
    struct postgres_link link;
    const struct ledger *ledger;
    struct differences *differences;
    int64_t *sold;          /* units by SKU number, over the orders of this replay */
    uint8_t *times_seen;    /* by basket, at most UINT8_MAX */
    uint32_t *lines_seen;   /* by basket */
    uint64_t foreign_count; /* orders in PostgreSQL before the replay began */
    uint64_t strangers_to_tell;
    uint64_t order_count;
    uint64_t line_count;
    bool has_caught_up;
    double wait_seconds; /* how long it needed, or was waited for */
};

int postgres_ledger_open(struct postgres_ledger *postgres, const char *conninfo,
    uint32_t patience_seconds, const struct ledger *ledger, struct differences *differences);
void postgres_ledger_close(struct postgres_ledger *postgres);

/* Waits until every acknowledged order stands there in its last version, or until nothing has moved
 * for patience_seconds; then the comparison says what is missing. */
int postgres_ledger_catch_up(struct postgres_ledger *postgres, uint32_t patience_seconds);

/* Reads all rows of this replay, fills `sold`, tells every difference. */
int postgres_ledger_compare(struct postgres_ledger *postgres);

#endif
