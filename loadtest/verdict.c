/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentence says what was compared, too: a book that nobody opened proves nothing.
 */
#include "loadtest/verdict.h"

#include <stdio.h>

static unsigned long long wide(uint64_t number)
{
    return number;
}

static void say_correct(struct verdict *verdict)
{
    const char *words = "every answer was one that the rules allow, but neither the server's "
                        "counters (--admin) nor PostgreSQL's rows (--pg) were compared";
    if (verdict->server_compared && verdict->postgres_compared)
        words = "the crowd's log, the server's counters and PostgreSQL's rows say the same: "
                "nothing oversold, stranded, lost or duplicated";
    else if (verdict->server_compared)
        words = "the crowd's log and the server's counters say the same; PostgreSQL's rows were "
                "not compared (--pg)";
    else if (verdict->postgres_compared)
        words = "the crowd's log and PostgreSQL's rows say the same; the server's counters were "
                "not compared (--admin)";
    snprintf(verdict->says, sizeof verdict->says, "%s", words);
}

static void say_wrong(struct verdict *verdict, const struct differences *differences)
{
    snprintf(verdict->says, sizeof verdict->says,
        "%llu difference%s between what must be and what is%s", wide(differences->sum),
        differences->sum == 1 ? "" : "s",
        verdict->finished ? ""
                          : "; not every visit came to its end, so the books were not compared");
}

/* Its books are as they must be, but for a part of the crowd only; or only some of them are. */
static void say_interrupted(struct verdict *verdict, bool while_they_came)
{
    bool compared = verdict->server_compared || verdict->postgres_compared;
    snprintf(verdict->says, sizeof verdict->says,
        "interrupted, so not %s%s: no difference in what was %s until then",
        while_they_came ? "everybody came" : "all books were compared",
        verdict->finished ? "" : ", and the books were not compared",
        compared ? "compared" : "answered");
}

struct verdict verdict_of(const struct oracle *oracle, bool finished, bool interrupted)
{
    const struct differences *differences = oracle->differences;
    const uint64_t *count = differences->count;
    bool is_cut_short = interrupted || oracle->interrupted;
    struct verdict verdict = {
        .correct = finished && !is_cut_short && differences->sum == 0,
        .finished = finished,
        .server_compared = finished && oracle->has_stock && !oracle->stock_unread,
        .postgres_compared = finished && oracle->has_postgres && !oracle->postgres_unread,
        .oversold = oracle->oversold_units,
        .stranded = oracle->stranded_units,
        .lost = oracle->lost_units + count[DIFFERENCE_ORDER_MISSING],
        .duplicated = oracle->unacknowledged_units + count[DIFFERENCE_ORDER_TWICE] +
                      count[DIFFERENCE_KEY_TWICE],
    };
    if (verdict.correct)
        say_correct(&verdict);
    else if (is_cut_short && differences->sum == 0)
        say_interrupted(&verdict, interrupted);
    else
        say_wrong(&verdict, differences);
    return verdict;
}
