/* SPDX-License-Identifier: Apache-2.0 */
/*
 * module - one thing that hotshelf-bench measures: a name, what it says about itself, how it is
 * called, a main.
 *
 * To add one: a file bench/NAME.c that defines its struct module, a line in bench/main.c.
 *
 * Ownership  Constants.
 * Threads    run() is called once, on the main thread.
 * Units      run() answers an exit status: 0 measured, 1 failed, 2 usage.
 * Errors     One line on stderr before a status other than 0.
 * Cost       As each module says.
 */
#ifndef HOTSHELF_BENCH_MODULE_H
#define HOTSHELF_BENCH_MODULE_H

#include <stdio.h>

enum module_status { MODULE_MEASURED = 0, MODULE_FAILED = 1, MODULE_USAGE = 2 };

struct module {
    const char *name;
    const char *summary;
    void (*usage)(FILE *out);
    enum module_status (*run)(int argc, char **argv);
};

/* The server against an echo server with the same bytes (bench/floor_module.c). */
extern const struct module floor_module;
/* The journal: bytes, writes, recovery, restating walks (bench/journal_module.c). */
extern const struct module journal_module;
/* The others while somebody attacks (bench/fairness_module.c). */
extern const struct module fairness_module;
/* Beside the floor and the peers, with the targets (bench/compare_module.c). */
extern const struct module compare_module;
/* How long a checkout takes at half load (bench/latency_module.c). */
extern const struct module latency_module;
/* Cost as tables, connections and shards grow (bench/growth_module.c). */
extern const struct module growth_module;

#endif
