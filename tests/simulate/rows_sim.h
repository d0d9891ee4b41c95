/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rows_sim - rows of a database in memory: orders as they are, and an outbox that has each stream
 * number once. One set is what the simulated PostgreSQL has, another what it should have.
 *
 * Ownership  Heap memory, given back by rows_free(); zero is an empty set.
 * Threads    One.
 * Units      Stream numbers of a shard, from 1.
 * Errors     CHECK.
 * Cost       A few steps for each row.
 */
#ifndef HOTSHELF_TESTS_SIMULATE_ROWS_SIM_H
#define HOTSHELF_TESTS_SIMULATE_ROWS_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bytes.h"

enum { ROWS_SHARDS_MAX = 4 };

/* Of an outbox row: whose event it is; some thing that is no order. */
#define ROWS_NO_ORDER UINT64_C(1)

struct order_row {
    uint8_t id[16];
    uint64_t status; /* rows_hash() of its name */
    uint32_t version;
    bool used;
};

struct outbox_rows {
    uint64_t *whose; /* by stream number - 1; 0: no such row */
    uint64_t size, count;
};

struct rows_sim {
    struct order_row *orders; /* by hash */
    uint32_t order_capacity, order_count;
    struct outbox_rows outbox[ROWS_SHARDS_MAX];
};

uint64_t rows_hash(struct bytes text);
/* The order's id, as an outbox row spells it. */
uint64_t rows_whose(const uint8_t id[16]);

/* Kept when it is newer than what is there. */
void rows_put_order(struct rows_sim *rows, const struct order_row *row);
bool rows_has_order(const struct rows_sim *rows, const uint8_t id[16]);
bool rows_has_event(const struct rows_sim *rows, uint32_t shard, uint64_t seq);
void rows_put_event(struct rows_sim *rows, uint32_t shard, uint64_t seq, uint64_t whose);

void rows_copy(struct rows_sim *to, const struct rows_sim *from);
void rows_free(struct rows_sim *rows);
/* NULL when they are the same, else what is not. */
const char *rows_differ(const struct rows_sim *have, const struct rows_sim *want);

#endif
