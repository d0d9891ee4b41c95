/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/modules/figures.h"

#include "bench/options.h"

#include <string.h>

#include "core/check.h"

#define LINE_SIZE 256
#define COMPILER "gcc " __VERSION__

#ifdef __OPTIMIZE__
#define IS_OPTIMIZED true
#else
#define IS_OPTIMIZED false
#endif

static void print_ns(const struct figure *figure, FILE *out)
{
    char range[48] = "";
    if (!figure->is_timed)
        return;
    snprintf(range, sizeof range, "(%.1f .. %.1f)", figure->ns.least, figure->ns.most);
    fprintf(out, " %9.1f ns %-22s", figure->ns.median, range);
}

static void print_instructions(const struct figure *figure, FILE *out)
{
    if (figure->is_counted)
        fprintf(out, " %10.1f instructions", figure->instructions);
    else
        fprintf(out, " %10s             ", "");
}

void figures_print(const struct figures *figures, FILE *out)
{
    bool counted = false;
    for (uint32_t i = 0; i < figures->count; i++)
        counted |= figures->all[i].is_counted;
    for (uint32_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->all[i];
        fprintf(out, "%-38s", figure->name);
        print_ns(figure, out);
        if (counted)
            print_instructions(figure, out);
        fprintf(out, "  %s", figure->operation);
        if (figure->extra != NULL && figure->is_timed)
            fprintf(out, " (%.3f %s)", figure->extra_value, figure->extra);
        fputc('\n', out);
    }
}

bool figures_json(const struct figures *figures, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "hotshelf-bench: %s cannot be written\n", path);
        return false;
    }
    fprintf(file, "{\"compiler\":\"%s\",\"optimized\":%s,\"figures\":[", COMPILER,
        IS_OPTIMIZED ? "true" : "false");
    for (uint32_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->all[i];
        fprintf(file, "%s\n{\"name\":\"%s\",\"operation\":\"%s\"", i == 0 ? "" : ",", figure->name,
            figure->operation);
        if (figure->is_timed)
            fprintf(file, ",\"ns\":%.2f,\"ns_least\":%.2f,\"ns_most\":%.2f", figure->ns.median,
                figure->ns.least, figure->ns.most);
        if (figure->is_counted)
            fprintf(file, ",\"instructions\":%.1f", figure->instructions);
        if (figure->extra != NULL && figure->is_timed)
            fprintf(file, ",\"%s\":%.4f", figure->extra, figure->extra_value);
        fputc('}', file);
    }
    fputs("]}\n", file);
    return options_close_output(file, path);
}

static bool is_recorded(const struct figure *figure)
{
    return figure->is_counted && !figure->is_sum;
}

static bool can_be_compared(void)
{
    if (!IS_OPTIMIZED)
        fputs("hotshelf-bench: recorded instructions are those of a release build\n", stderr);
    return IS_OPTIMIZED;
}

bool figures_record(const struct figures *figures, const char *path)
{
    if (!can_be_compared())
        return false;
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        fprintf(stderr, "hotshelf-bench: %s cannot be written\n", path);
        return false;
    }
    fputs(
        "# SPDX-License-Identifier: Apache-2.0\n"
        "# Instructions of each operation. ./test instructions fails when one rises by more than\n"
        "# 5 %. Written by: build-release/bench/hotshelf-bench modules --record "
        "bench/instructions.txt\n"
        "# compiler " COMPILER "\n",
        file);
    for (uint32_t i = 0; i < figures->count; i++)
        if (is_recorded(&figures->all[i]))
            fprintf(file, "%s %.1f\n", figures->all[i].name, figures->all[i].instructions);
    return options_close_output(file, path);
}

/* What the file says; of lines that say nothing only the compiler's is looked at. */
struct recorded {
    uint32_t count;
    struct {
        char name[FIGURE_NAME_SIZE];
        double instructions;
    } all[FIGURES_MAX];
};

static bool read_recorded(struct recorded *recorded, const char *path)
{
    char line[LINE_SIZE];
    FILE *file = fopen(path, "r");
    recorded->count = 0;
    if (file == NULL) {
        fprintf(stderr, "hotshelf-bench: %s cannot be read\n", path);
        return false;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "# compiler ", 11) == 0 && strcmp(line + 11, COMPILER) != 0)
            printf("recorded with %s; this is %s\n", line + 11, COMPILER);
        if (line[0] == '#' || recorded->count == FIGURES_MAX)
            continue;
        if (sscanf(line, "%63s %lf", recorded->all[recorded->count].name,
                &recorded->all[recorded->count].instructions) == 2)
            recorded->count++;
    }
    fclose(file);
    return true;
}

/* Whether it held. */
static bool judge(const struct figure *figure, double recorded)
{
    double now = figure->instructions;
    double rise = recorded > 0 ? now / recorded - 1 : 0;
    if (rise > FIGURES_MAY_RISE)
        printf("rose: %s takes %.1f instructions, %.1f %% more than the recorded %.1f\n",
            figure->name, now, 100 * rise, recorded);
    else if (rise < -FIGURES_MAY_RISE)
        printf("fell: %s takes %.1f instructions, %.1f %% less than the recorded %.1f\n",
            figure->name, now, -100 * rise, recorded);
    return rise <= FIGURES_MAY_RISE;
}

static bool is_of_module(const char *name, const char *other)
{
    size_t size = strcspn(name, ".");
    return size == strcspn(other, ".") && strncmp(name, other, size) == 0;
}

/* Recorded, its module was counted, and it was not among what was. */
static bool is_missing(const struct figures *figures, const char *name)
{
    bool counted = false;
    for (uint32_t i = 0; i < figures->count; i++) {
        const struct figure *figure = &figures->all[i];
        if (is_recorded(figure) && strcmp(figure->name, name) == 0)
            return false;
        counted |= is_recorded(figure) && is_of_module(figure->name, name);
    }
    return counted;
}

static bool holds(const struct figure *figure, const struct recorded *recorded)
{
    for (uint32_t i = 0; i < recorded->count; i++)
        if (strcmp(recorded->all[i].name, figure->name) == 0)
            return judge(figure, recorded->all[i].instructions);
    printf("new: %s takes %.1f instructions, and nothing is recorded of it\n", figure->name,
        figure->instructions);
    return false;
}

bool figures_hold(const struct figures *figures, const char *path)
{
    struct recorded recorded;
    uint32_t passed = 0, failed = 0;
    if (!can_be_compared() || !read_recorded(&recorded, path))
        return false;
    for (uint32_t i = 0; i < figures->count; i++) {
        if (!is_recorded(&figures->all[i]))
            continue;
        bool held = holds(&figures->all[i], &recorded);
        passed += held;
        failed += !held;
    }
    for (uint32_t i = 0; i < recorded.count; i++) {
        if (!is_missing(figures, recorded.all[i].name))
            continue;
        printf("missing: %s is recorded and was not measured\n", recorded.all[i].name);
        failed++;
    }
    if (failed > 0)
        printf("what costs more on purpose is recorded by\n"
               "    build-release/bench/hotshelf-bench modules --record %s\n",
            path);
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 && passed > 0;
}
