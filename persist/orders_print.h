/* SPDX-License-Identifier: Apache-2.0 */
/*
 * orders_print - `hotshelf orders`: the events of the stream as JSON lines, from the journal of a
 * data directory, beside a running server or without one.
 *
 * Ownership  None is kept.
 * Threads    One; it ends at SIGINT or SIGTERM, or when nobody reads any more.
 * Units      A position is NODE/SHARD/SEQ: the event to begin with.
 * Errors     Answers the process's exit status; the reason goes to stderr.
 * Cost       One pass over the journal; --follow looks again four times a second.
 */
#ifndef HOTSHELF_PERSIST_ORDERS_PRINT_H
#define HOTSHELF_PERSIST_ORDERS_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct orders_position {
    uint16_t node;
    uint16_t shard;
    uint64_t seq;
};

/* "1/0/42". False for anything else. */
bool orders_position_parse(const char *text, struct orders_position *position);

/* Shards without a position begin with their oldest event. */
int orders_print(const char *dir, bool follow, const struct orders_position *from,
    uint32_t from_count, FILE *out);

#endif
