/* SPDX-License-Identifier: Apache-2.0 */
/*
 * core_module - the cases of one module of the server, measured alone: hotshelf-bench NAME.
 *
 * To add a case: a row in the file of its module. To add a module: a file with its rows, a line
 * here and one in core_module.c, and `hotshelf-bench modules --record bench/instructions.txt`.
 *
 * Ownership  Constants.
 * Threads    core_module_run() is called once, on the main thread.
 * Units      See measure.h; it answers an exit status as struct module does.
 * Errors     One line on stderr before a status other than 0.
 * Cost       A round of a case takes some milliseconds.
 */
#ifndef HOTSHELF_BENCH_MODULES_CORE_MODULE_H
#define HOTSHELF_BENCH_MODULES_CORE_MODULE_H

#include <stdio.h>

#include "bench/module.h"
#include "bench/modules/measure.h"

struct core_module {
    const char *name;
    const char *summary;
    const struct measure_case *cases;
    uint32_t count;
};

extern const struct core_module stock_module;    /* shared units (core/stock.h) */
extern const struct core_module tables_module;   /* hash tables (core/table.h) */
extern const struct core_module commands_module; /* decide, apply, settle (core/engine.h) */
extern const struct core_module parsers_module;  /* HTTP and RESP (net/http, net/resp) */
extern const struct core_module json_module;     /* bodies (net/http/json.h, core/json_writer.h) */
extern const struct core_module records_module;  /* records and batches (persist/record.h) */
extern const struct core_module mailbox_module;  /* hops between shards (net/loop/mailbox.h) */
extern const struct core_module requests_module; /* all of a request but kernel and disk */

/* Whether hotshelf-bench NAME is one of these, or "modules", which is all of them. */
bool core_module_is(const char *name);
void core_module_list(FILE *out);
void core_module_usage(const char *name, FILE *out);
enum module_status core_module_run(const char *name, int argc, char **argv);

/* One case of a module; false after a line on stderr. */
bool core_module_time(
    const char *module, const char *name, uint32_t rounds, struct measure_result *result);

#endif
