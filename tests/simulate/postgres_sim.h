/* SPDX-License-Identifier: Apache-2.0 */
/*
 * postgres_sim - a PostgreSQL in memory, in the place of persist/postgres.c: what the stream sends
 * becomes rows, a transaction at a time, and it fails in every way that one may fail.
 *
 *     sent, sent, ..  --finish-->  committed, or nothing of it
 *                        \-- the connection is cut: before the commit, after it, or in it; then the
 *                            old backend commits while the next connection waits for its lock, or
 *                            it aborts, or it reads only later what was sent, and is fenced out
 *
 * Ownership  postgres_sim_create() takes heap memory, postgres_sim_destroy() gives it back. The
 *            functions of postgres.h act on the one that postgres_sim_use() named last.
 * Threads    One.
 * Units      Milliseconds of a clock that postgres_sim_pass() moves.
 * Errors     A statement that it does not know is a CHECK.
 * Cost       Copies of rows.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_POSTGRES_SIM_H
#define HOTSHELF_TESTS_SIMULATE_POSTGRES_SIM_H

#include "persist/postgres.h"
#include "tests/lib/dice.h"
#include "tests/simulate/rows_sim.h"

enum postgres_fault {
    POSTGRES_ERROR,         /* a transaction is aborted */
    POSTGRES_CUT_BEFORE,    /* the connection, before the commit */
    POSTGRES_CUT_COMMITTED, /* in it: it is committed, and nobody is told */
    POSTGRES_CUT_WAITS,     /* in it: the old backend still holds its locks, and then commits */
    POSTGRES_CUT_ABORTED,   /* the same, and aborts */
    POSTGRES_CUT_LATE,      /* the old backend reads what was sent when others are at work */
    POSTGRES_CUT_AFTER,     /* after the answer */
    POSTGRES_DENIED,        /* a person must mend it */
    POSTGRES_AWAY,          /* nobody answers for a while */
    POSTGRES_FAILOVER,      /* the last commits are lost */
    POSTGRES_NO_COPY,       /* COPY meets a row that is there */
    POSTGRES_FAULTS,
};

struct position_sim {
    bool used, adopting;
    uint64_t epoch, seq;
    int64_t holder;
    uint64_t directory;
};

struct database_sim {
    struct rows_sim rows;
    struct position_sim positions[ROWS_SHARDS_MAX];
};

enum operation_kind {
    ADVANCE,
    PUT_POSITION,
    SKIP,
    ADOPTS,
    INSERT_POSITION,
    RAISE,
    ADOPTED,
    PUT_ORDER,
    PUT_NEW_ORDER, /* by COPY: there must be none */
    PUT_EVENT
};

struct operation {
    enum operation_kind kind;
    bool adopting;
    uint32_t shard; /* RAISE: all below it */
    uint64_t epoch, from_seq, seq, whose;
    int64_t holder;
    uint64_t directory;
    struct order_row order;
};

struct transaction_sim {
    struct operation *operations;
    uint32_t count, capacity;
};

/* BEGIN .. COMMIT: without one, each finish ends a transaction. */
enum block_sim { BLOCK_NONE, BLOCK_OPEN, BLOCK_ENDS, BLOCK_ABORTED };

enum { COPY_SQL_SIZE_MAX = 2 * POSTGRES_SQL_SIZE_MAX };

enum limbo { LIMBO_NONE, LIMBO_COMMITS, LIMBO_ABORTS, LIMBO_LATE };

struct postgres_sim {
    struct database_sim now, replica; /* the replica is behind */
    struct transaction_sim open;      /* of the connection that is there */
    struct transaction_sim left;      /* of one that was cut, whose backend still lives */
    enum limbo limbo;
    enum block_sim block;
    char copy_sql[COPY_SQL_SIZE_MAX];
    const char *copied; /* in copy_sql: behind the word COPY of the table whose rows come */
    bool copy_begun;    /* its header has come */
    struct dice dice;
    bool connected;
    uint64_t now_ms, away_until_ms;
    uint32_t fault_every; /* transactions and connects, on average; 0 never */
    uint64_t faults[POSTGRES_FAULTS], commits;
};

struct postgres_sim *postgres_sim_create(uint64_t seed);
void postgres_sim_destroy(struct postgres_sim *sim);
void postgres_sim_use(struct postgres_sim *sim);

void postgres_sim_pass(struct postgres_sim *sim, uint64_t ms);
/* The replica has caught up; the replica takes over as it is. */
void postgres_sim_replicate(struct postgres_sim *sim);
void postgres_sim_fail_over(struct postgres_sim *sim);
void postgres_sim_go_away(struct postgres_sim *sim, uint64_t ms);
/* What holds a committing backend back is over. */
void postgres_sim_settle(struct postgres_sim *sim);

#endif
