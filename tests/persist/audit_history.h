/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_history - a history told to the audit's model event by event, and judged.
 *
 * Ownership  begin() and end() of each test.
 * Threads    One.
 * Units      Units of stock.
 * Errors     cmocka's assertions.
 * Cost       Some allocations.
 */
#ifndef HOTSHELF_TESTS_PERSIST_AUDIT_HISTORY_H
#define HOTSHELF_TESTS_PERSIST_AUDIT_HISTORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "persist/audit_model.h"
#include "tests/persist/sample_orders.h"

enum { SKUS = 7, STOCK = 10, SALE = 2 };

struct history {
    struct audit_findings findings;
    struct audit_model model;
    uint64_t seq[2];
    char *said;
    size_t said_size;
};

static inline void happens(struct history *history, uint32_t shard, struct event *event)
{
    if (event->stream_count > 0)
        event->stream_seq = history->seq[shard] + 1;
    history->seq[shard] += event->stream_count;
    audit_model_event(&history->model, shard, event);
}

static inline struct history *history_open(void)
{
    struct history *history = calloc(1, sizeof(*history));
    history->findings.out = open_memstream(&history->said, &history->said_size);
    audit_model_init(&history->model, &history->findings);
    return history;
}

static inline int end(void **state)
{
    struct history *history = *state;
    fclose(history->findings.out);
    free(history->said);
    audit_model_free(&history->model);
    free(history);
    return 0;
}

/* Judges the history: exactly these many violations of one kind, no other, and these words. */
static inline void assert_found(
    struct history *history, enum audit_violation violation, uint64_t count, const char *words)
{
    audit_model_check(&history->model);
    fflush(history->findings.out);
    for (uint32_t i = 0; i < AUDIT_VIOLATIONS; i++) {
        if (history->findings.counts[i] != (i == violation ? count : 0))
            fail_msg("violations of kind %u: %s", i, history->said);
    }
    if (words != NULL && strstr(history->said, words) == NULL)
        fail_msg("said: %s", history->said);
}

static inline void assert_sound(struct history *history)
{
    assert_found(history, AUDIT_OVERSOLD, 0, NULL);
}

#endif
