/* SPDX-License-Identifier: Apache-2.0 */
/*
 * honesty - whether what was measured was the server, or the program that measured it.
 *
 *     due ......... begun        a connection was free: the generator itself was late
 *     due ... freed . begun      none was: the visit waited for one, then the generator was late
 *     woke --turn--> waits       how long the loop looks at nothing else
 *
 * When visits wait for a connection it matters what the others do on theirs: who thinks there makes
 * them wait for nothing, and more connections would help; who waits for an answer that takes many
 * times as long as the fastest of its kind, or was told to come later, is kept by the server.
 *
 * Whatever of this happened is in the latencies, since they count from the moment a request was
 * due; here is whose fault it was.
 *
 * Ownership  A plain value without pointers.
 * Threads    That of the loop: its own processor time is read.
 * Units      Nanoseconds of CLOCK_MONOTONIC; histograms in microseconds.
 * Errors     None.
 * Cost       A few instructions a visit and a turn.
 */
#ifndef HOTSHELF_LOADTEST_HONESTY_H
#define HOTSHELF_LOADTEST_HONESTY_H

#include "loadtest/histogram.h"
#include "loadtest/request_kind.h"

#include <stdbool.h>

struct honesty {
    struct histogram late;   /* of visits and of later requests that were due */
    struct histogram waited; /* of visits that found no free connection: until there was one */
    struct histogram turn;
    uint64_t visit_count;
    uint64_t fastest_us[REQUEST_KINDS]; /* answer so far; 0: none */
    /* While visits wait for a connection: */
    uint64_t service_us;         /* of all answers */
    uint64_t fastest_service_us; /* the same if each had been the fastest of its kind */
    uint64_t thinking;           /* visitors seen, each time it was looked: those that think */
    uint64_t turned_away;        /* those that were told to come later, or got no answer */
    uint64_t asking;             /* those that wait for an answer */
    uint64_t starved;
    uint64_t busy_ns; /* outside of the kernel: what that does for us is in the processor's time */
    uint64_t started_ns;
    uint64_t ended_ns;
    uint64_t cpu_ns;    /* of this thread; while it runs: at the start */
    uint64_t preempted; /* times it lost its core while it had work; while it runs: at the start */
    uint64_t gauged_ns; /* when honesty_busy_percent() was last asked */
    uint64_t gauged_busy_ns;
    uint64_t gauged_cpu_ns;
};

#define HONESTY_WORDS_SIZE 256

struct honesty_verdict {
    bool limited;          /* the generator, not the server, was the limit */
    double busy_percent;   /* of its loop, or of its core if that is more */
    double waited_percent; /* of visits */
    uint64_t late_p99_us;
    char says[HONESTY_WORDS_SIZE];
};

void honesty_begin(struct honesty *honesty, uint64_t now_ns);

/* A visit begins that was due at due_ns; a connection for it was free from free_ns on. */
void honesty_visit(struct honesty *honesty, uint64_t due_ns, uint64_t free_ns, uint64_t now_ns);

/* A later request of a visit is sent, that was due at due_ns. */
void honesty_request(struct honesty *honesty, uint64_t due_ns, uint64_t now_ns);

/* The loop worked from woke_ns to now, and waits again. */
void honesty_turn(struct honesty *honesty, uint64_t woke_ns, uint64_t now_ns);

/* An answer came after so long; is_short: visits were waiting for a connection. */
void honesty_answer(
    struct honesty *honesty, enum request_kind kind, uint64_t service_us, bool is_short);

/* What visitors do on their connections while others wait for one. */
void honesty_shortage(
    struct honesty *honesty, uint32_t thinking, uint32_t turned_away, uint32_t asking);

/* How busy the loop was since this was last asked. */
double honesty_busy_percent(struct honesty *honesty, uint64_t now_ns);

/* starved: answers that were lost because the generator had no buffer for them. */
void honesty_end(struct honesty *honesty, uint64_t now_ns, uint64_t starved);

/* Once ended. is_open: visits came by a schedule; otherwise nothing can be late. service_p99_us:
 * how long the server took, to which a generator's own lateness is nothing or much. */
struct honesty_verdict honesty_judge(
    const struct honesty *honesty, uint32_t connections, bool is_open, uint64_t service_p99_us);

#endif
