/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crashes [SEED] [--scripts N] [--subsets N]
 *
 * Crashes of journals on a simulated disk, each recovered: N scripts from SEED on (else from SEED
 * in the environment, else from the clock), of some two hundred events each. After everything that
 * a script submits to the disk and everything that lands, the power is cut in every way that
 * differs: any set of the sectors in flight is written (at most --subsets sets at one moment), the
 * rest is as before, zeros, or noise. Each is recovered twice, goes on, is cut again and
 * recovered. What fails is told with the command that repeats exactly that script.
 */
#include "tests/simulate/crashes.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/check.h"
#include "tests/simulate/seeds.h"

struct wanted {
    uint64_t seed, scripts, subsets;
};

static bool read_arguments(int count, char **arguments, struct wanted *wanted)
{
    *wanted = (struct wanted){.scripts = 1, .subsets = 32};
    const struct seeds_option options[] = {
        {"--scripts", &wanted->scripts, false}, {"--subsets", &wanted->subsets, false}, {0}};
    return seeds_read(count, arguments, options, &wanted->seed);
}

static void tell(uint64_t seed, const struct crashes *crashes, double took)
{
    printf("seed %llu: passed, %llu moments, %llu crashes, %llu recoveries, %llu faults (",
        (unsigned long long)seed, (unsigned long long)crashes->moments,
        (unsigned long long)crashes->crashes, (unsigned long long)crashes->recoveries,
        (unsigned long long)crashes_faults(crashes));
    for (uint32_t i = 0; i < CRASHES_FAULTS; i++)
        printf("%s%llu %s", i == 0 ? "" : ", ", (unsigned long long)crashes->faults[i],
            crashes_fault_name((enum crashes_fault)i));
    printf("), trace %016llx, %.1f s\n", (unsigned long long)crashes->trace, took);
    fflush(stdout);
}

int main(int count, char **arguments)
{
    struct wanted wanted;
    struct crashes all = {.moments = 0};
    if (!read_arguments(count, arguments, &wanted)) {
        fprintf(stderr, "usage: crashes [SEED] [--scripts N] [--subsets N]\n");
        return 2;
    }
    char words[64];
    snprintf(words, sizeof(words), "--subsets %llu", (unsigned long long)wanted.subsets);
    double began = seeds_clock(CLOCK_MONOTONIC);
    for (uint64_t i = 0; i < wanted.scripts; i++) {
        double script_began = seeds_clock(CLOCK_MONOTONIC);
        struct crashes crashes = {.subsets = (uint32_t)wanted.subsets};
        seeds_repeat(arguments[0], wanted.seed + i, words, i);
        crashes_of_script(&crashes, wanted.seed + i);
        crashes_of_starts(&crashes, wanted.seed + i);
        tell(wanted.seed + i, &crashes, seeds_clock(CLOCK_MONOTONIC) - script_began);
        crashes_add(&all, &crashes);
    }
    printf("scripts %llu: %llu moments, %llu crashes, %llu recoveries, %llu faults in %.1f s\n",
        (unsigned long long)wanted.scripts, (unsigned long long)all.moments,
        (unsigned long long)all.crashes, (unsigned long long)all.recoveries,
        (unsigned long long)crashes_faults(&all), seeds_clock(CLOCK_MONOTONIC) - began);
    printf("sum: %llu seeds, %llu crashes, %llu recoveries", (unsigned long long)wanted.scripts,
        (unsigned long long)all.crashes, (unsigned long long)all.recoveries);
    for (uint32_t i = 0; i < CRASHES_FAULTS; i++)
        printf(", %llu %s", (unsigned long long)all.faults[i],
            crashes_fault_name((enum crashes_fault)i));
    printf("\n[  PASSED  ] %llu test(s).\n", (unsigned long long)wanted.scripts);
    return 0;
}
