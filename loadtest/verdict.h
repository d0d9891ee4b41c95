/* SPDX-License-Identifier: Apache-2.0 */
/*
 * verdict - whether the run was correct, in four numbers and one sentence; it is the exit code.
 *
 *     oversold    units acknowledged beyond what was put on sale
 *     stranded    units still held when nobody holds them
 *     lost        acknowledged orders that PostgreSQL lacks, acknowledged units that the server's
 *                 counters lack
 *     duplicated  orders that PostgreSQL has twice, keys with two orders, units that the server
 *                 sold and acknowledged to nobody
 *
 * A correct run has 0 of each, and no difference of another kind (differences.h). One that was
 * interrupted is not correct, whatever was compared of it: not everybody came.
 *
 * Ownership  A plain value without pointers.
 * Threads    One.
 * Units      Units and orders, as above.
 * Errors     None.
 * Cost       Nothing worth naming.
 */
#ifndef HOTSHELF_LOADTEST_VERDICT_H
#define HOTSHELF_LOADTEST_VERDICT_H

#include "loadtest/oracle.h"

#define VERDICT_WORDS_SIZE 256

struct verdict {
    bool correct;
    bool finished;          /* every visit came to its end, so that books could be compared */
    bool server_compared;   /* its counters, with the crowd's log */
    bool postgres_compared; /* its rows, with the crowd's log */
    uint64_t oversold;
    uint64_t stranded;
    uint64_t lost;
    uint64_t duplicated;
    char says[VERDICT_WORDS_SIZE];
};

/* After oracle_compare(), or without it when the run did not finish. */
struct verdict verdict_of(const struct oracle *oracle, bool finished, bool interrupted);

#endif
