/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-loadtest behaves like the crowd, over the public protocols only.
 *
 * replay: read the baskets, note the base line, let the crowd buy, compare the three ledgers,
 * report. Exit 0 when they are equal, 1 with any difference or failure, 2 when the command line is
 * wrong.
 */
#include "loadtest/compare.h"
#include "loadtest/oracle.h"
#include "loadtest/report.h"

#include <stdio.h>
#include <string.h>

enum exit_status { EXIT_EQUAL = 0, EXIT_DIFFERENT = 1, EXIT_USAGE = 2 };

static bool ran_to_its_end(const struct crowd *crowd)
{
    return schedule_is_over(&crowd->schedule);
}

/* The counts of lines and orders are only worth comparing when every answer is known. */
static enum exit_status replay_and_compare(struct crowd *crowd, struct oracle *oracle)
{
    crowd_run(crowd);
    if (ran_to_its_end(crowd))
        oracle_compare(oracle);
    else
        fputs("not every basket was answered: the ledgers are not compared\n", stderr);
    struct report report = report_make(crowd, oracle);
    report_text(&report);
    bool told = report_files(&report) == 0;
    return told && report.verdict.correct ? EXIT_EQUAL : EXIT_DIFFERENT;
}

static enum exit_status replay(int argc, char **argv)
{
    struct options options;
    if (options_parse(&options, argc, argv) < 0)
        return EXIT_USAGE;
    struct baskets baskets;
    if (baskets_read(&baskets, options.orders_path, options.orders_max) < 0)
        return EXIT_DIFFERENT;
    struct differences differences = {0};
    struct crowd crowd;
    struct oracle oracle = {0};
    enum exit_status status = EXIT_DIFFERENT;
    if (crowd_open(&crowd, &options, &baskets, &differences) == 0 &&
        oracle_open(&oracle, &crowd, &differences) == 0)
        status = replay_and_compare(&crowd, &oracle);
    oracle_close(&oracle);
    crowd_close(&crowd);
    baskets_free(&baskets);
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

int main(int argc, char **argv)
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
        return (int)replay(argc - 2, argv + 2);
    if (argc >= 2 && strcmp(argv[1], "compare") == 0)
        return compare_main(argc - 2, argv + 2);
    options_usage(stderr);
    return EXIT_USAGE;
}
