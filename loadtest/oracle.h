/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle - knows what must be true: three books kept by three hands have to say the same.
 *
 *     the crowd's log  ==  the server's counters  ==  PostgreSQL's rows
 *
 * For each SKU: allotment = available + held + sold, nothing oversold, nothing left held, and sold
 * is what was acknowledged and not cancelled. For each order: once, with the same content. What was
 * sold or held before the replay began is the base line; a hold of before may end meanwhile.
 * Whatever else others do in the shop during a run cannot be told from a mistake of the server.
 *
 * Ownership  oracle_open() reads the base line, so it comes before the crowd; oracle_close() last.
 * Threads    One; calls block.
 * Units      Whole units.
 * Errors     -1 after one line on stderr: a ledger could not be read at the start. Later it is
 *            DIFFERENCE_LEDGER_UNREADABLE.
 * Cost       Reads every counter and every row of the replay once.
 */
#ifndef HOTSHELF_LOADTEST_ORACLE_H
#define HOTSHELF_LOADTEST_ORACLE_H

#include "loadtest/crowd.h"
#include "loadtest/postgres_ledger.h"
#include "loadtest/stock_ledger.h"

struct oracle {
    const struct crowd *crowd;
    struct differences *differences;
    bool has_stock;
    bool has_postgres;
    bool stock_unread; /* at the end: it could not be, or was not waited for */
    bool postgres_unread;
    bool interrupted; /* while the books were awaited */
    struct stock_ledger stock;
    struct postgres_ledger postgres;
    int64_t *sold_before; /* by SKU number */
    int64_t *held_before;
    int64_t *sold;            /* by SKU number: acknowledged and not given back */
    uint32_t sold_out_before; /* SKUs of the server */
    int64_t units_in_reach;   /* at the start: of each SKU what is there, at most what is wanted */
    uint64_t oversold_units;
    uint64_t stranded_units;
    uint64_t lost_units;           /* acknowledged, but not sold by the server's counters */
    uint64_t unacknowledged_units; /* the other way round */
};

int oracle_open(struct oracle *oracle, const struct crowd *crowd, struct differences *differences);
void oracle_close(struct oracle *oracle);

/* Waits until every ledger has caught up, then compares. An interrupt leaves those not yet read. */
void oracle_compare(struct oracle *oracle, struct interrupt *interrupt);

#endif
