/* SPDX-License-Identifier: Apache-2.0 */
/* A thread that is bound to a budget gets no more than it, uses again what it frees, and no other
 * thread is touched. Without jemalloc there is nothing to bind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "persist/budget.h"

enum { SIZE = 16 << 20, PIECE = 1 << 20, PIECES = 64 };

struct trial {
    struct budget *budget;
    uint32_t pieces;       /* that the bound thread got before NULL */
    uint32_t pieces_again; /* after it had freed them all */
    uint64_t used;
};

static uint32_t take_all(void *pieces[PIECES])
{
    uint32_t count = 0;
    while (count < PIECES && (pieces[count] = malloc(PIECE)) != NULL) {
        memset(pieces[count], 1, PIECE);
        count++;
    }
    for (uint32_t i = 0; i < count; i++)
        free(pieces[i]);
    return count;
}

static void *try_budget(void *context)
{
    struct trial *trial = context;
    void *pieces[PIECES];
    if (budget_bind(trial->budget) != 0)
        return trial;
    trial->pieces = take_all(pieces);
    trial->used = budget_used(trial->budget);
    trial->pieces_again = take_all(pieces);
    return NULL;
}

static void a_bound_thread_gets_its_budget_and_no_more(void **state)
{
    (void)state;
#ifndef HAVE_JEMALLOC
    skip();
#endif
    struct budget *budget = calloc(1, sizeof(*budget)); /* lives as long as the process */
    struct trial trial = {.budget = budget};
    pthread_t thread;
    void *failed = NULL;
    assert_int_equal(budget_take(budget, SIZE), 0);
    assert_int_equal(pthread_create(&thread, NULL, try_budget, &trial), 0);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_in_range(trial.pieces, 4, SIZE / PIECE - 1);
    assert_in_range(trial.pieces_again, trial.pieces - 1, SIZE / PIECE - 1);
    assert_true(budget_refusals(budget) > 0);
    assert_true(budget_used(budget) <= SIZE);
    assert_in_range(budget_used(budget), trial.used, SIZE);
    void *pieces[PIECES];
    uint64_t used = budget_used(budget);
    assert_int_equal(take_all(pieces), PIECES); /* this thread has all the memory there is */
    assert_int_equal(budget_used(budget), used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bound_thread_gets_its_budget_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
