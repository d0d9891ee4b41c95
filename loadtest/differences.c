/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each difference is one line with its kind in front, so that a long run can be searched.
 */
#include "loadtest/differences.h"

#include "loadtest/plain.h"

#include <stdarg.h>
#include <stdio.h>

#define TEXT_SIZE 2048

static const char *const name[DIFFERENCES] = {
    [DIFFERENCE_UNEXPECTED_ANSWER] = "unexpected_answer",
    [DIFFERENCE_WRONG_ORDER] = "wrong_order",
    [DIFFERENCE_NO_PROGRESS] = "no_progress",
    [DIFFERENCE_STOCK_SUM] = "stock_sum",
    [DIFFERENCE_STOCK_SOLD] = "stock_sold",
    [DIFFERENCE_STOCK_STRANDED] = "stock_stranded",
    [DIFFERENCE_OVERSOLD] = "oversold",
    [DIFFERENCE_ORDER_MISSING] = "order_missing",
    [DIFFERENCE_ORDER_TWICE] = "order_twice",
    [DIFFERENCE_ORDER_UNKNOWN] = "order_unknown",
    [DIFFERENCE_ORDER_CONTENT] = "order_content",
    [DIFFERENCE_ORDER_LINES] = "order_lines",
    [DIFFERENCE_PAYMENTS] = "payments",
    [DIFFERENCE_EVENT_CONTENT] = "event_content",
    [DIFFERENCE_DEAD_LETTER] = "dead_letter",
    [DIFFERENCE_POSTGRES_SOLD] = "postgres_sold",
    [DIFFERENCE_KEY_TWICE] = "key_twice",
    [DIFFERENCE_STREAM_GAP] = "stream_gap",
    [DIFFERENCE_LEDGER_UNREADABLE] = "ledger_unreadable",
};

const char *difference_name(enum difference kind)
{
    return name[kind];
}

void differences_add(struct differences *differences, enum difference kind, const char *format, ...)
{
    differences->sum++;
    uint64_t count = ++differences->count[kind];
    if (count > DIFFERENCES_TOLD_MAX)
        return;
    char text[TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    fprintf(stderr, "difference %s: %s%s\n", name[kind], plain_text(text),
        count == DIFFERENCES_TOLD_MAX ? " (more of this kind are only counted)" : "");
}
