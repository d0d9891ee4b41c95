/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first case is one of our own that does nothing: what its calls cost is subtracted from those
 * of all others.
 *
 * callgrind writes a profile whenever measure_counted_one() is entered: for each case one that has
 * its preparation and the round that warms up, and then the one that counts.
 */
#include "bench/modules/counting.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/check.h"

#define STACK_SIZE (8 << 20)
#define PATH_SIZE 320
#define LINE_SIZE 1024
#define ARGUMENTS_MAX 32

/* memcpy and its kin as on a processor of 2003, and none of the microcode for long copies. */
#define TUNABLES                                                                                   \
    "GLIBC_TUNABLES=glibc.cpu.hwcaps="                                                             \
    "-AVX512F,-AVX512VL,-AVX512BW,-EVEX,-AVX2,-AVX,-AVX_Fast_Unaligned_Load,-SSE4_2,-SSE4_1,"      \
    "-SSSE3,-BMI1,-BMI2,-ERMS,-FSRM,-MOVBE,-LZCNT,-POPCNT"

static void *open_nothing(const struct measure_case *own)
{
    return (void *)(uintptr_t)own;
}

static void close_nothing(void *context)
{
    measure_keep((uintptr_t)context);
}

static void do_nothing(void *context, uint32_t first, uint32_t count)
{
    measure_keep((uintptr_t)context + first + count);
}

static const struct measure_case nothing = {
    .name = "nothing",
    .count = MEASURE_COUNTED_MAX,
    .step = 1,
    .open = open_nothing,
    .close = close_nothing,
    .parts = {{.run = do_nothing}, {.run = do_nothing}, {.run = do_nothing}},
};

struct play {
    const struct measure_case *const *cases;
    uint32_t count;
    const char *slowed;
    bool done;
};

static void *play_all(void *argument)
{
    struct play *play = argument;
    play->done = measure_count(&nothing, measure_counted(&nothing));
    for (uint32_t i = 0; i < play->count && play->done; i++) {
        const struct measure_case *own = play->cases[i];
        uint32_t operations = measure_counted(own);
        if (play->slowed != NULL && strcmp(play->slowed, own->name) == 0)
            operations += operations / 10;
        play->done = measure_count(own, operations);
    }
    return NULL;
}

/* On a stack of our own: that of the process begins wherever its environment ends, and how much is
 * copied at once depends on where a buffer begins. */
bool counting_play(const struct measure_case *const *cases, uint32_t count, const char *slowed)
{
    struct play play = {.cases = cases, .count = count, .slowed = slowed};
    void *stack = aligned_alloc(4096, STACK_SIZE);
    pthread_attr_t attributes;
    pthread_t thread;
    CHECK(stack != NULL);
    CHECK(pthread_attr_init(&attributes) == 0);
    CHECK(pthread_attr_setstack(&attributes, stack, STACK_SIZE) == 0);
    CHECK(pthread_create(&thread, &attributes, play_all, &play) == 0);
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
    free(stack);
    return play.done;
}

static void start_valgrind(const char *directory, const char *const *again)
{
    char out[PATH_SIZE];
    char self[PATH_MAX] = "";
    const char *arguments[ARGUMENTS_MAX] = {"valgrind", "-q", "--tool=callgrind",
        "--dump-before=measure_counted_one", "--compress-strings=no", "--compress-pos=no", out,
        self};
    const char *environment[] = {"PATH=/usr/bin:/bin", TUNABLES, NULL};
    uint32_t count = 8;
    snprintf(out, sizeof out, "--callgrind-out-file=%s/profile", directory);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (readlink("/proc/self/exe", self, sizeof self - 1) < 0)
        _exit(126);
    for (; *again != NULL; again++) {
        CHECK(count + 1 < ARGUMENTS_MAX);
        arguments[count++] = *again;
    }
    execvpe("valgrind", (char *const *)(uintptr_t)arguments, (char *const *)(uintptr_t)environment);
    fprintf(stderr, "hotshelf-bench: valgrind: %s; install it to count instructions\n",
        strerror(errno));
    _exit(127);
}

static bool run_valgrind(const char *directory, const char *const *again)
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        start_valgrind(directory, again);
    if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    fprintf(stderr, "hotshelf-bench: the run under valgrind failed\n");
    return false;
}

/* Sums all calls of each part: a line that names the callee, one that counts the calls, and one
 * with a position and what they cost. */
static bool read_profile(const char *path, uint64_t spent[MEASURE_PARTS_MAX])
{
    char line[LINE_SIZE];
    int part = -1;
    FILE *file = fopen(path, "r");
    memset(spent, 0, MEASURE_PARTS_MAX * sizeof *spent);
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        unsigned long long cost;
        if (sscanf(line, "cfn=measure_part_%d", &part) == 1) {
            CHECK(part >= 0 && part < MEASURE_PARTS_MAX);
        } else if (part >= 0 && strncmp(line, "calls=", 6) != 0) {
            if (sscanf(line, "%*s %llu", &cost) == 1)
                spent[part] += cost;
            part = -1;
        }
    }
    if (file != NULL)
        fclose(file);
    else
        fprintf(stderr, "hotshelf-bench: valgrind did not write %s\n", path);
    return file != NULL;
}

static double calls_of(const struct measure_case *own)
{
    return own->step == 0 ? 1 : measure_counted(own) / own->step;
}

static bool read_all(const struct counting_plan *plan, const char *directory)
{
    uint64_t spent[MEASURE_PARTS_MAX];
    double call[MEASURE_PARTS_MAX];
    char path[PATH_SIZE];
    for (uint32_t i = 0; i <= plan->count; i++) {
        const struct measure_case *own = i == 0 ? &nothing : plan->cases[i - 1];
        snprintf(path, sizeof path, "%s/profile.%u", directory, 2 * i + 2);
        if (!read_profile(path, spent))
            return false;
        for (uint32_t part = 0; part < measure_parts(own); part++) {
            double each = (double)spent[part] / measure_counted(own);
            if (i == 0)
                call[part] = each;
            else
                plan->results[i - 1].instructions[part] =
                    each - call[part] * calls_of(own) / measure_counted(own);
        }
    }
    return true;
}

bool counting_run(const struct counting_plan *plan)
{
    return run_valgrind(plan->directory, plan->again) && read_all(plan, plan->directory);
}
