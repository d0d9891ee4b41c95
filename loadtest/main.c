/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-loadtest behaves like the crowd, over the public protocols only.
 *
 * replay, run: make the plan, note the base line, let the crowd come, compare the three ledgers,
 * report. Exit 0 when they are equal, 1 with any difference or failure or when it was interrupted,
 * 2 when the command line or the scenario is wrong.
 */
#include "loadtest/compare.h"
#include "loadtest/oracle.h"
#include "loadtest/report.h"

#include <stdio.h>
#include <string.h>

enum exit_status { EXIT_EQUAL = 0, EXIT_DIFFERENT = 1, EXIT_USAGE = 2 };

/* The counts of lines and orders are only worth comparing when every answer is known. */
static enum exit_status run_and_compare(struct crowd *crowd, struct oracle *oracle)
{
    struct interrupt interrupt;
    interrupt_watch(&interrupt);
    crowd_run(crowd, &interrupt);
    if (crowd_is_done(crowd))
        oracle_compare(oracle, &interrupt);
    else
        fputs("not every visit came to its end: the ledgers are not compared\n", stderr);
    interrupt_came(&interrupt); /* at the very end: nothing is left to leave, the report is made */
    interrupt_end(&interrupt);
    struct report report = report_make(crowd, oracle);
    report_text(&report);
    bool told = report_files(&report) == 0;
    return told && report.verdict.correct ? EXIT_EQUAL : EXIT_DIFFERENT;
}

static enum exit_status play(const struct options *options, const struct plan *plan)
{
    struct differences differences = {0};
    struct crowd crowd;
    struct oracle oracle = {0};
    enum exit_status status = EXIT_DIFFERENT;
    if (crowd_open(&crowd, options, plan, &differences) == 0 &&
        oracle_open(&oracle, &crowd, &differences) == 0)
        status = run_and_compare(&crowd, &oracle);
    oracle_close(&oracle);
    crowd_close(&crowd);
    return status;
}

static enum exit_status run(enum verb verb, int argc, char **argv)
{
    struct options options;
    struct plan plan;
    if (options_parse(&options, verb, argc, argv) < 0 || plan_scenario(&plan, &options) < 0)
        return EXIT_USAGE;
    if (plan_open(&plan, &options) < 0)
        return EXIT_DIFFERENT;
    enum exit_status status = play(&options, &plan);
    plan_close(&plan);
    return status;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int at = 1; at < argc; at++) {
        if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0)
            return true;
    }
    return false;
}

static int do_what_is_asked(int argc, char **argv)
{
    if (argc >= 2 && strcmp(argv[1], "--version") == 0) {
        puts("hotshelf-loadtest " HOTSHELF_VERSION);
        return EXIT_EQUAL;
    }
    if (asks_for_help(argc, argv)) {
        options_usage(stdout);
        fputc('\n', stdout);
        compare_usage(stdout);
        return EXIT_EQUAL;
    }
    if (argc >= 2 && strcmp(argv[1], "replay") == 0)
        return (int)run(VERB_REPLAY, argc - 2, argv + 2);
    if (argc == 3 && strcmp(argv[1], "run") == 0 && strcmp(argv[2], "--list") == 0) {
        scenario_list(stdout);
        return EXIT_EQUAL;
    }
    if (argc >= 2 && strcmp(argv[1], "run") == 0)
        return (int)run(VERB_RUN, argc - 2, argv + 2);
    if (argc >= 2 && strcmp(argv[1], "compare") == 0)
        return compare_main(argc - 2, argv + 2);
    if (argc >= 2)
        fprintf(stderr, "hotshelf-loadtest: %s is none of run, replay and compare\n", argv[1]);
    options_usage(stderr);
    return EXIT_USAGE;
}

/* Whoever keeps the report in a file must hear that it is not there. */
static bool is_told(void)
{
    bool told = fflush(stdout) == 0 && !ferror(stdout);
    if (!told)
        fputs("hotshelf-loadtest: stdout cannot be written: what was told there is lost\n", stderr);
    return told;
}

int main(int argc, char **argv)
{
    int status = do_what_is_asked(argc, argv);
    return is_told() || status != EXIT_EQUAL ? status : EXIT_DIFFERENT;
}
