/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stand - an engine on a shelf of its own, in memory, without a journal: what is applied is durable
 * at once, and time stands still until it is told to pass.
 *
 * Memory is taken as the server takes it: measured, then exactly that much, resident and in huge
 * pages. So what is measured here meets the same translation of addresses as the server does.
 *
 * Ownership  stand_open() takes it, stand_close() gives it back. Events and answers are valid until
 *            the next command.
 * Threads    One.
 * Units      Milliseconds to pass; whole units of stock.
 * Errors     stand_open(): false after a line on stderr. A command that is refused is a CHECK.
 * Cost       Some 0.3 s for each GiB.
 */
#ifndef HOTSHELF_BENCH_MODULES_STAND_H
#define HOTSHELF_BENCH_MODULES_STAND_H

#include "core/engine.h"
#include "core/shelf.h"
#include "net/memory.h"

struct stand;

struct stand_plan {
    struct capacity capacity;
    uint8_t payment_mode;                             /* enum payment_mode */
    void (*furnish)(struct stand *stand, void *host); /* takes more of the arena; NULL: nothing */
    void *host;
};

struct stand {
    struct memory memory;
    struct arena arena;
    struct stand_plan plan;
    struct policy policy;
    struct shelf shelf;
    struct engine *engine;
    struct moment now;
    struct event event;   /* the last one decided, or due */
    struct answer answer; /* the last one */
};

bool stand_open(struct stand *stand, const struct stand_plan *plan);
void stand_close(struct stand *stand);

/* A product with more units than will ever be asked for; where: enum reserve_on. */
void stand_sell(struct stand *stand, const char *sku, uint8_t where);

/* Other random bits for the next command. */
void stand_roll(struct stand *stand);
/* What is due for the customer, then the command. It is granted, and has an event. */
void stand_decide(struct stand *stand, const struct command *command);
/* The next event that time has brought: there is one, of this kind. */
void stand_due(struct stand *stand, enum event_kind kind);
void stand_apply(struct stand *stand);
void stand_settle(struct stand *stand);
/* All three. */
void stand_run(struct stand *stand, const struct command *command);

void stand_pass(struct stand *stand, uint64_t ms);
/* All that time has brought. */
void stand_expire(struct stand *stand);

#endif
