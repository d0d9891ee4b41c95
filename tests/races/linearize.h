/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linearize - can all that clients heard of one SKU have happened in one order, step by step?
 *
 *     client 1   |--- take 2: taken ---|
 *     client 2          |--- take 1: held by others ---|
 *     client 3                                |--- look: 1 available ---|
 *                -------------------------------------------------------------> time
 *
 * A history is linearizable (Herlihy and Wing, "Linearizability", TOPLAS 1990) when every operation
 * can be given one moment between its question and its answer so that, in the order of the moments,
 * every answer is true. A history of many SKUs is linearizable when each SKU's is (their theorem of
 * locality; Horn and Kroening, FORTE 2015, call the use of it P-compositionality), so each SKU is
 * checked alone.
 *
 * The algorithm is that of Wing and Gong ("Testing and verifying concurrent objects", J. Parallel
 * and Distributed Computing 1993): choose among the operations that nothing unchosen precedes one
 * that is true now, go on, and take the choice back at a dead end; with the memory of Lowe
 * ("Testing for linearizability", Concurrency and Computation 2017): a set of chosen operations
 * that was reached before with the same state is not explored again. A step that changes nothing
 * and is true now is chosen at once and for good: moving it here from anywhere later disturbs
 * no other step.
 *
 * The model is the rules' own stock word, (available, held, allotment); what is sold is the rest.
 * An operation that the rules let others see in the middle is several steps, each with the same
 * question and answer, chained by `after`:
 *
 *     taken                  available -> held
 *     refused, or a look     nothing moves; bounds say what was true
 *     freed, expired         held -> available; until its record is durable a freed unit counts as
 *                            held (L3), so the moment is that of the record, not of the decision
 *     sold at once           available -> held, then held -> sold
 *     lowered                available -> held, then held -> nothing, and the allotment falls
 *     a basket that failed   available -> held, then held -> available, or neither: it may have
 *                            claimed this line before another failed (K1, K3)
 *
 * So sold_out is accepted only where nothing is held by anybody (A4).
 *
 * Ownership  history_open() takes memory, history_close() gives it back; linearize() takes and
 *            gives back what it needs.
 * Threads    One at a time.
 * Units      Whole units of the SKU; nanoseconds of one clock; steps are numbered as added.
 * Errors     LINEAR_GAVE_UP when LINEAR_VISITS_MAX configurations did not suffice; out of memory
 *            ends the process.
 * Cost       Exponential in the number of operations under way at once, at worst; the memory makes
 *            it nearly linear for histories of a few clients. 32 bytes a configuration.
 */
#ifndef HOTSHELF_TESTS_RACES_LINEARIZE_H
#define HOTSHELF_TESTS_RACES_LINEARIZE_H

#include <stdbool.h>
#include <stdint.h>

#define STEP_NONE UINT32_MAX
#define LINEAR_VISITS_MAX UINT64_C(20000000)

/* Inclusive. */
struct bounds {
    int64_t least, most;
};

#define BOUNDS_ANY ((struct bounds){.least = 0, .most = INT64_MAX})
#define BOUNDS_EXACTLY(number) ((struct bounds){.least = (number), .most = (number)})
#define BOUNDS_SOME ((struct bounds){.least = 1, .most = INT64_MAX})

struct stock_state {
    int64_t available, held, allotment;
};

struct step {
    uint64_t from_ns, until_ns;
    struct bounds available, held, allotment; /* before it, besides what the move itself needs */
    struct stock_state change;
    uint32_t after; /* the step that must have happened before, earlier in the history */
    bool optional;  /* it may not have happened at all; then neither have those after it */
};

/* What moves nothing: a look, a refusal. Its bounds are any until the caller sets them. */
struct step step_look(uint64_t from_ns, uint64_t until_ns);
/* Units that move; `change` from the words below. */
struct step step_move(uint64_t from_ns, uint64_t until_ns, struct stock_state change);

struct stock_state move_take(int64_t units);
struct stock_state move_give(int64_t units);
struct stock_state move_sell(int64_t units);
struct stock_state move_restock(int64_t units);
struct stock_state move_raise(int64_t units);
struct stock_state move_lowered(int64_t units); /* after a take of the same units */

struct history {
    struct step *steps;
    uint32_t count;
    uint32_t capacity;
    struct stock_state start;
};

void history_open(struct history *history, int64_t allotment);
void history_close(struct history *history);
uint32_t history_add(struct history *history, struct step step);

enum linear_answer { LINEAR_YES, LINEAR_NO, LINEAR_GAVE_UP };

struct linear_verdict {
    enum linear_answer answer;
    uint64_t visits;          /* configurations looked at */
    uint32_t chosen_most;     /* steps of the longest order found that was true so far */
    uint32_t stuck;           /* the step that could not follow it; STEP_NONE */
    struct stock_state state; /* where that order led */
};

struct linear_verdict linearize(const struct history *history);

#endif
