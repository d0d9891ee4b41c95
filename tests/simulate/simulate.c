/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate [SEED] [--seeds N] [--steps N] [--disk] [--twice]
 *
 * Walks N seeds from SEED on (else from SEED in the environment, else from the clock), each for
 * --steps steps, and says how each went; each seed counts as one test. What fails is told with the
 * command that repeats exactly that walk; then the process ends with 1.
 */
#include "core/check.h"
#include "tests/simulate/seeds.h"
#include "tests/simulate/world.h"

enum { STEPS_TO_SEE_EVERYTHING = 800000, STEPS_TO_RESUME = 50000 };

struct walk {
    uint64_t seed, seeds, steps;
    uint64_t twice;   /* 1: each seed again, and the same must happen */
    uint64_t on_disk; /* 1: the journals are real, the disk is simulated */
};

/* Over all seeds of this process. */
struct told {
    uint64_t answers[OUTCOME_COUNT], crashes, replays, walks, resumed, divided;
    uint64_t recoveries, laps, cut_starts, old_refused, clock_jumps; /* on a disk */
    uint64_t ends[NODE_CRASHES], faults[POSTGRES_FAULTS];
};

static bool read_arguments(int count, char **arguments, struct walk *walk)
{
    *walk = (struct walk){.seeds = 1, .steps = 100000};
    const struct seeds_option options[] = {{"--seeds", &walk->seeds, false},
        {"--steps", &walk->steps, false}, {"--disk", &walk->on_disk, true},
        {"--twice", &walk->twice, true}, {0}};
    return seeds_read(count, arguments, options, &walk->seed);
}

static void add_node(struct told *told, const struct node *node)
{
    told->recoveries += node->recoveries;
    told->laps += node_laps(node);
    told->old_refused += node->old_refused;
    told->cut_starts += node->cut_starts;
    for (int i = 0; i < NODE_CRASHES; i++)
        told->ends[i] += node->crashes[i];
    for (int i = 0; i < POSTGRES_FAULTS; i++)
        told->faults[i] += node->streaming->postgres->faults[i];
}

/* Answers the walk's trace: everything that happened, as one number. */
static uint64_t walk_one(
    const char *program, const struct walk *walk, uint64_t done, struct told *told)
{
    uint64_t seed = walk->seed + done, steps = walk->steps;
    char words[64];
    struct world *world = calloc(1, sizeof(*world));
    CHECK(world != NULL);
    snprintf(words, sizeof(words), "--steps %llu%s", (unsigned long long)steps,
        walk->on_disk ? " --disk" : "");
    seeds_repeat(program, seed, words, done);
    double began = seeds_clock(CLOCK_MONOTONIC);
    world_open(world, seed, steps, walk->on_disk != 0);
    world_walk(world);
    double took = seeds_clock(CLOCK_MONOTONIC) - began;
    printf("seed %llu: passed, %llu steps, %.0f steps/s, %llu crashes, %llu replays, "
           "%llu restating walks, %llu resumed, %llu laps, %llu times other shards, "
           "trace %016llx (%s)\n",
        (unsigned long long)seed, (unsigned long long)steps, (double)steps / took,
        (unsigned long long)world->crashes, (unsigned long long)world->replays,
        (unsigned long long)world->walks, (unsigned long long)world->shop.resumed,
        (unsigned long long)(world->node == NULL ? 0 : node_laps(world->node)),
        (unsigned long long)world->divided, (unsigned long long)world->trace, world->setting.name);
    fflush(stdout);
    for (int i = 0; i < OUTCOME_COUNT; i++)
        told->answers[i] += world->answers[i];
    told->crashes += world->crashes;
    told->replays += world->replays;
    told->walks += world->walks;
    told->resumed += world->shop.resumed;
    told->divided += world->divided;
    told->clock_jumps += world->clock_jumps;
    if (world->node != NULL)
        add_node(told, world->node);
    uint64_t trace = world->trace;
    world_close(world);
    free(world);
    return trace;
}

static void walk_twice(
    const char *program, const struct walk *walk, uint64_t done, struct told *told)
{
    uint64_t trace = walk_one(program, walk, done, told);
    if (walk->twice && walk_one(program, walk, done, told) != trace) {
        printf("FAILED: the same seed walks another way\n");
        fflush(stdout);
        abort();
    }
}

/* Counts with their names: tests/simulate/run adds up those of all processes. */
static void tell_sum(const struct walk *walk, const struct told *told)
{
    static const char *const ends[NODE_CRASHES] = {[NODE_CUT] = "power cuts",
        [NODE_KILLED] = "kills",
        [NODE_FAILED_WRITE] = "failed writes",
        [NODE_SHORT_WRITE] = "short writes",
        [NODE_FULL_DISK] = "full disks"};
    printf("sum: %llu seeds, %llu steps, %llu crashes", (unsigned long long)walk->seeds,
        (unsigned long long)(walk->seeds * walk->steps), (unsigned long long)told->crashes);
    printf(", %llu restating walks, %llu of them resumed", (unsigned long long)told->walks,
        (unsigned long long)told->resumed);
    printf(", %llu jumps of the wall clock", (unsigned long long)told->clock_jumps);
    if (walk->on_disk) {
        printf(", %llu recoveries, %llu laps, %llu cuts in a start, %llu old directories refused",
            (unsigned long long)told->recoveries, (unsigned long long)told->laps,
            (unsigned long long)told->cut_starts, (unsigned long long)told->old_refused);
        for (int i = 0; i < NODE_CRASHES; i++)
            printf(", %llu %s", (unsigned long long)told->ends[i], ends[i]);
        for (int i = 0; i < POSTGRES_FAULTS; i++)
            printf(", %llu PostgreSQL %s", (unsigned long long)told->faults[i],
                streaming_fault_name((enum postgres_fault)i));
    }
    printf("\n");
}

/* A long walk that never met one of these proves little. */
static bool saw_everything(const struct told *told, const struct walk *walk)
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
        OUTCOME_JOURNAL_FULL, OUTCOME_UNCONFIRMED, OUTCOME_PAUSED};
    bool everything = told->crashes > 0 && told->replays > 0 && told->walks > 0 &&
                      told->resumed > 0 && (told->divided > 0 || walk->on_disk != 0);
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
        fprintf(stderr, "usage: simulate [SEED] [--seeds N] [--steps N] [--disk] [--twice]\n");
        return 2;
    }
    /* The stream tells of each connection that it loses. */
    if (walk.on_disk)
        stderr = fopen("/dev/null", "w");
    double began = seeds_clock(CLOCK_MONOTONIC);
    for (uint64_t i = 0; i < walk.seeds; i++)
        walk_twice(arguments[0], &walk, i, &told);
    double took = seeds_clock(CLOCK_MONOTONIC) - began;
    uint64_t steps = walk.seeds * walk.steps;
    double worked = seeds_clock(CLOCK_PROCESS_CPUTIME_ID);
    printf("seeds %llu to %llu: %llu steps in %.1f s, %.0f steps/s; of a core of its own: %.0f/s\n",
        (unsigned long long)walk.seed, (unsigned long long)(walk.seed + walk.seeds - 1),
        (unsigned long long)steps, took, (double)steps / took, (double)steps / worked);
    printf("answers by outcome:");
    for (int i = 0; i < OUTCOME_COUNT; i++)
        printf(" %d:%llu", i, (unsigned long long)told.answers[i]);
    printf("\n");
    tell_sum(&walk, &told);
    printf("[  PASSED  ] %llu test(s).\n", (unsigned long long)walk.seeds);
    if (walk.on_disk && steps >= STEPS_TO_RESUME && told.resumed == 0) {
        printf("no walk that a crash had cut off was gone on with\n");
        return 1;
    }
    return steps < STEPS_TO_SEE_EVERYTHING || saw_everything(&told, &walk) ? 0 : 1;
}
