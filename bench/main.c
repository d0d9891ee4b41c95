/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench MODULE [options]: measures, module by module.
 */
#include "bench/module.h"

#include <stdio.h>
#include <string.h>

static const struct module *const modules[] = {&floor_module, &journal_module};
#define MODULES (sizeof modules / sizeof modules[0])

static void print_usage(void)
{
    fputs("usage: hotshelf-bench MODULE [options]\n\n", stderr);
    for (size_t at = 0; at < MODULES; at++)
        fprintf(stderr, "  %-10s %s\n", modules[at]->name, modules[at]->summary);
}

int main(int argc, char **argv)
{
    const char *name = argc >= 2 ? argv[1] : "";
    if (strcmp(name, "--version") == 0) {
        puts("hotshelf-bench " HOTSHELF_VERSION);
        return MODULE_MEASURED;
    }
    for (size_t at = 0; at < MODULES; at++) {
        if (strcmp(modules[at]->name, name) == 0)
            return (int)modules[at]->run(argc - 2, argv + 2);
    }
    print_usage();
    return strcmp(name, "--help") == 0 ? MODULE_MEASURED : MODULE_USAGE;
}
