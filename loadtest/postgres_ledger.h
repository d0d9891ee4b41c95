/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_ledger - the rows that the server's stream wrote, compared with the acknowledged orders.
 *
 * Ownership  postgres_ledger_open() connects, postgres_ledger_close() gives everything back. libpq
 *            allocates as it likes.
 * Threads    One; every call blocks, for as long as the patience of its link.
 * Units      Money in minor units, quantities in units.
 * Errors     -1 after one line on stderr: PostgreSQL could not be read, so nothing is proved.
 *            What is read and is wrong goes to `differences`.
 * Cost       A few queries row by row, O(orders + lines), and one over all events there are; no
 *            table is held in memory.
 */
#ifndef HOTSHELF_LOADTEST_POSTGRES_LEDGER_H
#define HOTSHELF_LOADTEST_POSTGRES_LEDGER_H

#include "loadtest/differences.h"
#include "loadtest/ledger.h"
#include "loadtest/postgres_link.h"
#include "loadtest/stock_ledger.h"

#define POSTGRES_GAPS_MAX 256

/* A shard's stream that was not whole before the replay began. */
struct postgres_gap {
    int64_t node;
    int64_t shard;
    int64_t missing; /* of the events up to its position */
    int64_t beyond;  /* events that its position does not count */
};

/* What was there before the replay began. */
struct postgres_base {
    uint64_t foreign_count; /* orders */
    int64_t dead_letter;    /* the number of the last one */
    uint32_t gap_count;
    struct postgres_gap gap[POSTGRES_GAPS_MAX];
};

struct postgres_ledger {
    struct postgres_link link;
    const struct ledger *ledger;
    struct differences *differences;
    int64_t *sold;       /* units by SKU number, over the orders of this replay */
    uint8_t *times_seen; /* by basket, at most UINT8_MAX */
    bool *line_seen;     /* by line of a basket */
    struct postgres_base base;
    uint64_t strangers_to_tell;
    uint64_t order_count;
    uint64_t line_count;
    bool has_caught_up;
    double wait_seconds; /* how long it needed, or was waited for */
};

int postgres_ledger_open(struct postgres_ledger *postgres, const char *conninfo,
    uint32_t patience_seconds, const struct ledger *ledger, struct differences *differences);
void postgres_ledger_close(struct postgres_ledger *postgres);

/* What is there before the replay begins, once PostgreSQL has caught up with the server. -1, too,
 * when that did not come within patience_seconds, and when it has orders of a run of this name.
 * server: asked whether its stream is there; NULL: nobody is. */
int postgres_ledger_read_base(
    struct postgres_ledger *postgres, struct stock_ledger *server, uint32_t patience_seconds);

/* Waits until every acknowledged order stands there in its last version, or until nothing has moved
 * for patience_seconds; then the comparison says what is missing. */
int postgres_ledger_catch_up(struct postgres_ledger *postgres, uint32_t patience_seconds);

/* Reads all rows of this replay, fills `sold`, tells every difference. */
int postgres_ledger_compare(struct postgres_ledger *postgres);

#endif
