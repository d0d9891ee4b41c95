/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate [SEED] [--seeds N] [--steps N]
 *
 * Walks N seeds from SEED on (else from SEED in the environment, else from the clock), each for
 * --steps steps, and says how each went; each seed counts as one test. What fails is told with the
 * command that repeats exactly that walk; then the process ends with 1.
 */
#include <signal.h>
#include <unistd.h>

#include "core/check.h"
#include "tests/simulate/world.h"

enum { STEPS_TO_SEE_EVERYTHING = 400000 };

struct walk {
    uint64_t seed, seeds, steps;
};

/* Over all seeds of this process. */
struct told {
    uint64_t answers[OUTCOME_COUNT], crashes, replays;
};

/* For who has to tell which walk it was when a CHECK ends the process. */
static char repeat_words[256];
static volatile sig_atomic_t repeat_size;

static void tell_repeat(int signal_number)
{
    (void)signal_number;
    ssize_t written = write(STDOUT_FILENO, repeat_words, (size_t)repeat_size);
    (void)written;
    _exit(1);
}

static bool number(const char *text, uint64_t *value)
{
    char *end;
    if (text == NULL || *text < '0' || *text > '9')
        return false;
    *value = strtoull(text, &end, 10);
    return *end == 0;
}

static bool read_arguments(int count, char **arguments, struct walk *walk)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *walk = (struct walk){.seed = (uint64_t)now.tv_nsec, .seeds = 1, .steps = 100000};
    if (getenv("SEED") != NULL && !number(getenv("SEED"), &walk->seed))
        return false;
    for (int i = 1; i < count; i++) {
        uint64_t *value = &walk->seed;
        if (strcmp(arguments[i], "--seeds") == 0)
            value = &walk->seeds;
        else if (strcmp(arguments[i], "--steps") == 0)
            value = &walk->steps;
        if (!number(value == &walk->seed ? arguments[i] : arguments[++i], value))
            return false;
    }
    return true;
}

static double seconds_now(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void walk_one(const char *program, const struct walk *walk, uint64_t done, struct told *told)
{
    uint64_t seed = walk->seed + done, steps = walk->steps;
    struct world *world = calloc(1, sizeof(*world));
    CHECK(world != NULL);
    repeat_size = snprintf(repeat_words, sizeof(repeat_words),
        "seed %llu: FAILED; the same again: %s %llu --steps %llu\n"
        "[  PASSED  ] %llu test(s).\n[  FAILED  ] 1 test(s).\n",
        (unsigned long long)seed, program, (unsigned long long)seed, (unsigned long long)steps,
        (unsigned long long)done);
    double began = seconds_now(CLOCK_MONOTONIC);
    world_open(world, seed, steps);
    world_walk(world);
    double took = seconds_now(CLOCK_MONOTONIC) - began;
    printf("seed %llu: passed, %llu steps, %.0f steps/s, %llu crashes, %llu replays (%s)\n",
        (unsigned long long)seed, (unsigned long long)steps, (double)steps / took,
        (unsigned long long)world->crashes, (unsigned long long)world->replays,
        world->setting.name);
    fflush(stdout);
    for (int i = 0; i < OUTCOME_COUNT; i++)
        told->answers[i] += world->answers[i];
    told->crashes += world->crashes;
    told->replays += world->replays;
    world_close(world);
    free(world);
}

/* A long walk that never met one of these proves little. */
static bool saw_everything(const struct told *told)
{
    static const enum outcome wanted[] = {OUTCOME_OK, OUTCOME_NOT_FOUND, OUTCOME_UNKNOWN_SKU,
        OUTCOME_FORBIDDEN, OUTCOME_INVALID, OUTCOME_SOLD_OUT, OUTCOME_HELD_BY_OTHERS,
        OUTCOME_INSUFFICIENT, OUTCOME_LIMIT_EXCEEDED, OUTCOME_LINES_REFUSED, OUTCOME_PRICE_CHANGED,
        OUTCOME_SALE_NOT_STARTED, OUTCOME_SALE_ENDED, OUTCOME_CART_EMPTY,
        OUTCOME_INVALID_TRANSITION, OUTCOME_PAYMENT_MISMATCH, OUTCOME_PAYMENT_ID_USED,
        OUTCOME_PAYMENT_ID_PENDING, OUTCOME_REFUND_REQUIRED, OUTCOME_RISK_DECLINED,
        OUTCOME_VERSION_CONFLICT, OUTCOME_RESERVATION_EXPIRED, OUTCOME_STALE_VERSION,
        OUTCOME_ARCHIVED, OUTCOME_KEY_REUSED, OUTCOME_CURRENCY_MISMATCH, OUTCOME_TOO_MANY_LINES,
        OUTCOME_QUANTITY_TOO_LARGE, OUTCOME_TOO_MANY_OPEN_ORDERS, OUTCOME_CAPACITY_EXHAUSTED,
        OUTCOME_JOURNAL_FULL, OUTCOME_PAUSED};
    bool everything = told->crashes > 0 && told->replays > 0;
    for (uint32_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (told->answers[wanted[i]] == 0)
            printf("nobody was ever answered %d\n", wanted[i]);
        everything = everything && told->answers[wanted[i]] > 0;
    }
    return everything;
}

int main(int count, char **arguments)
{
    struct walk walk;
    struct told told = {0};
    if (!read_arguments(count, arguments, &walk)) {
        fprintf(stderr, "usage: simulate [SEED] [--seeds N] [--steps N]\n");
        return 2;
    }
    signal(SIGABRT, tell_repeat);
    double began = seconds_now(CLOCK_MONOTONIC);
    for (uint64_t i = 0; i < walk.seeds; i++)
        walk_one(arguments[0], &walk, i, &told);
    double took = seconds_now(CLOCK_MONOTONIC) - began;
    uint64_t steps = walk.seeds * walk.steps;
    double worked = seconds_now(CLOCK_PROCESS_CPUTIME_ID);
    printf("seeds %llu to %llu: %llu steps in %.1f s, %.0f steps/s; of a core of its own: %.0f/s\n",
        (unsigned long long)walk.seed, (unsigned long long)(walk.seed + walk.seeds - 1),
        (unsigned long long)steps, took, (double)steps / took, (double)steps / worked);
    printf("answers by outcome:");
    for (int i = 0; i < OUTCOME_COUNT; i++)
        printf(" %d:%llu", i, (unsigned long long)told.answers[i]);
    printf("\n[  PASSED  ] %llu test(s).\n", (unsigned long long)walk.seeds);
    return steps < STEPS_TO_SEE_EVERYTHING || saw_everything(&told) ? 0 : 1;
}
