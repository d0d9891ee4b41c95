/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/options.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The value that was refused is NULL where it is missing. */
static void complain(
    const char *module, const struct option *option, const char *word, const char *value)
{
    fprintf(stderr, "hotshelf-bench: %s: %s: ", module, word);
    if (option == NULL)
        fputs("no such option\n", stderr);
    else if (value == NULL)
        fputs("a value is missing\n", stderr);
    else
        fprintf(stderr, "%s is not a %snumber %s %.0f %s to %.0f\n", value,
            option->kind == OPTION_COUNT ? "whole " : "",
            option->kind == OPTION_NUMBER ? "above" : "from", option->least,
            option->kind == OPTION_NUMBER ? "and up" : "up", option->most);
}

/* A flag has no text. */
static bool take(const struct option *option, const char *text)
{
    char *end = NULL;
    double number = text == NULL ? 0 : strtod(text, &end);
    bool is_number = end != text && *end == '\0';
    switch (option->kind) {
    case OPTION_TEXT:
    case OPTION_OUTPUT:
        *(const char **)option->value = text;
        return true;
    case OPTION_NUMBER:
        *(double *)option->value = number;
        return is_number && number > option->least && number <= option->most;
    case OPTION_COUNT:
        if (!is_number || !(number >= option->least && number <= option->most))
            return false;
        *(uint32_t *)option->value = (uint32_t)number;
        return number == (double)(uint32_t)number;
    case OPTION_FLAG:
        *(bool *)option->value = true;
        return true;
    }
    return false;
}

/* No empty file remains of a run that says nothing. A pipe may have no reader yet. */
bool options_check_output(const char *module, const char *name, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool is_new = fd >= 0;
    if (fd < 0 && errno == EEXIST)
        fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno != ENXIO) {
        fprintf(stderr, "hotshelf-bench: %s: %s: %s: %s\n", module, name, path, strerror(errno));
        return false;
    }
    if (fd >= 0)
        close(fd);
    if (is_new)
        unlink(path);
    return true;
}

bool options_close_output(FILE *file, const char *path)
{
    bool is_whole = !ferror(file);
    if (fclose(file) == 0 && is_whole)
        return true;
    fprintf(stderr, "hotshelf-bench: %s cannot be written: %s\n", path, strerror(errno));
    return false;
}

static bool check_outputs(const char *module, const struct option *options, uint32_t count)
{
    for (uint32_t at = 0; at < count; at++) {
        if (options[at].kind != OPTION_OUTPUT)
            continue;
        const char *path = *(const char *const *)options[at].value;
        if (path != NULL && !options_check_output(module, options[at].name, path))
            return false;
    }
    return true;
}

bool options_parse(
    const char *module, const struct option *options, uint32_t count, int argc, char **argv)
{
    for (int at = 0; at < argc; at++) {
        uint32_t found = 0;
        while (found < count && strcmp(options[found].name, argv[at]) != 0)
            found++;
        const struct option *option = found < count ? &options[found] : NULL;
        const char *word = argv[at];
        bool has_value = option != NULL && option->kind != OPTION_FLAG;
        const char *value = has_value && at + 1 < argc ? argv[++at] : NULL;
        if (option == NULL || (has_value && value == NULL) || !take(option, value)) {
            complain(module, option, word, value);
            return false;
        }
    }
    return check_outputs(module, options, count);
}

void options_find_program(const char *from_here, char *path, uint32_t size)
{
    char self[PATH_MAX] = "";
    if (readlink("/proc/self/exe", self, sizeof self - 1) >= 0)
        snprintf(path, size, "%s/%s", dirname(self), from_here);
}
