/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/options.h"

#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool take(const struct option *option, const char *text)
{
    char *end = NULL;
    double number = strtod(text, &end);
    bool is_number = end != text && *end == '\0';
    switch (option->kind) {
    case OPTION_TEXT:
        *(const char **)option->value = text;
        return true;
    case OPTION_NUMBER:
        *(double *)option->value = number;
        return is_number && number > option->least && number <= option->most;
    case OPTION_COUNT:
        if (!is_number || number < option->least || number > option->most)
            return false;
        *(uint32_t *)option->value = (uint32_t)number;
        return true;
    case OPTION_FLAG:
        *(bool *)option->value = true;
        return true;
    }
    return false;
}

bool options_parse(
    const char *module, const struct option *options, uint32_t count, int argc, char **argv)
{
    for (int at = 0; at < argc; at++) {
        uint32_t found = 0;
        while (found < count && strcmp(options[found].name, argv[at]) != 0)
            found++;
        bool has_value = found < count && options[found].kind != OPTION_FLAG;
        if (found < count && at + has_value < argc && take(&options[found], argv[at + has_value])) {
            at += has_value;
            continue;
        }
        fprintf(stderr, "hotshelf-bench: %s: %s is no option, or its value is out of range\n",
            module, argv[at]);
        return false;
    }
    return true;
}

void options_find_program(const char *from_here, char *path, uint32_t size)
{
    char self[PATH_MAX] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) >= 0)
        snprintf(path, size, "%s/%s", dirname(self), from_here);
}
