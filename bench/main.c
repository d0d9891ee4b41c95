/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench MODULE [options]: measures, module by module.
 */
#include "bench/module.h"
#include "bench/modules/core_module.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const struct module *const modules[] = {&compare_module, &floor_module, &latency_module,
    &journal_module, &fairness_module, &growth_module};
#define MODULES (sizeof modules / sizeof modules[0])

static void print_usage(FILE *out)
{
    fputs("usage: hotshelf-bench MODULE [options]\n\n", out);
    for (size_t at = 0; at < MODULES; at++)
        fprintf(out, "  %-10s %s\n", modules[at]->name, modules[at]->summary);
    core_module_list(out);
    fputs("\n  MODULE --help tells the options of one; --help, --version\n", out);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int run_core_module(const char *name, int argc, char **argv)
{
    for (int at = 0; at < argc; at++) {
        if (is_help(argv[at])) {
            core_module_usage(name, stdout);
            return MODULE_MEASURED;
        }
    }
    return (int)core_module_run(name, argc, argv);
}

static int run_module(const struct module *module, int argc, char **argv)
{
    for (int at = 0; at < argc; at++) {
        if (is_help(argv[at])) {
            module->usage(stdout);
            return MODULE_MEASURED;
        }
    }
    return (int)module->run(argc, argv);
}

static int do_what_is_asked(int argc, char **argv)
{
    const char *name = argc >= 2 ? argv[1] : "";
    if (strcmp(name, "--version") == 0) {
        puts("hotshelf-bench " HOTSHELF_VERSION);
        return MODULE_MEASURED;
    }
    for (size_t at = 0; at < MODULES; at++) {
        if (strcmp(modules[at]->name, name) == 0)
            return run_module(modules[at], argc - 2, argv + 2);
    }
    if (core_module_is(name))
        return run_core_module(name, argc - 2, argv + 2);
    if (name[0] != '\0' && !is_help(name))
        fprintf(stderr, "hotshelf-bench: %s: no such module\n", name);
    print_usage(is_help(name) ? stdout : stderr);
    return is_help(name) ? MODULE_MEASURED : MODULE_USAGE;
}

/* Whoever keeps the figures in a file must hear that they are not there. */
static bool is_told(void)
{
    bool told = fflush(stdout) == 0 && !ferror(stdout);
    if (!told)
        fputs("hotshelf-bench: stdout cannot be written: what was told there is lost\n", stderr);
    return told;
}

int main(int argc, char **argv)
{
    int status = do_what_is_asked(argc, argv);
    return is_told() || status != MODULE_MEASURED ? status : MODULE_FAILED;
}
