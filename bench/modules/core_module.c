/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench NAME for each module of the core, and `modules` for all of them: cases are timed,
 * or counted under valgrind, or both; then the figures are shown, written, held against recorded
 * ones.
 */
#include "bench/modules/core_module.h"

#include <stdlib.h>
#include <string.h>

#include "bench/guard.h"
#include "bench/modules/counting.h"
#include "bench/modules/figures.h"
#include "bench/options.h"
#include "core/check.h"

static const struct core_module *const modules[] = {&stock_module, &tables_module, &commands_module,
    &parsers_module, &json_module, &records_module, &mailbox_module, &requests_module};
#define MODULES (sizeof modules / sizeof modules[0])

#define CASES_MAX 128

struct core_options {
    uint32_t rounds;
    const char *json_path, *record_path, *hold_path, *only, *slowed;
    bool instructions, under_valgrind, warm;
};

struct core_run {
    struct core_options options;
    struct guard guard;
    const char *directory; /* for what is counted */
    const char *name;
    const struct core_module *module[CASES_MAX]; /* whose each case is */
    const struct measure_case *cases[CASES_MAX];
    uint32_t count;
    struct measure_result timed[CASES_MAX];
    struct counting_result counted[CASES_MAX]; /* of those that are */
    struct figures figures;
};

bool core_module_is(const char *name)
{
    for (size_t i = 0; i < MODULES; i++)
        if (strcmp(modules[i]->name, name) == 0)
            return true;
    return strcmp(name, "modules") == 0;
}

void core_module_list(FILE *out)
{
    for (size_t i = 0; i < MODULES; i++)
        fprintf(out, "  %-10s %s\n", modules[i]->name, modules[i]->summary);
    fprintf(out, "  %-10s %s\n", "modules", "each of these alone, as one table");
}

void core_module_usage(const char *name, FILE *out)
{
    fprintf(out, "usage: hotshelf-bench %s [options]\n\n", name);
    fputs("  --rounds R       of each case; told are the median, the least and the most (9)\n"
          "  --only CASE      this one\n"
          "  --warm           none of those with a million customers, which take seconds each\n"
          "  --instructions   also count them, under valgrind\n"
          "  --json FILE      write the figures to this file\n"
          "  --hold FILE      only count instructions, and fail where they rose by more than 5 %\n"
          "                   over what is recorded in this file\n"
          "  --record FILE    only count instructions, and record them; of all modules\n"
          "  --slowed CASE    count a tenth more of this one, to see --hold fail\n"
          "  --under-valgrind what we call ourselves with to count\n",
        out);
}

static bool parse_options(struct core_run *run, int argc, char **argv)
{
    struct core_options *options = &run->options;
    options->rounds = 9;
    const struct option all[] = {
        {"--rounds", OPTION_COUNT, &options->rounds, 1, MEASURE_ROUNDS_MAX},
        {"--only", OPTION_TEXT, &options->only, 0, 0},
        {"--json", OPTION_OUTPUT, &options->json_path, 0, 0},
        {"--record", OPTION_OUTPUT, &options->record_path, 0, 0},
        {"--hold", OPTION_TEXT, &options->hold_path, 0, 0},
        {"--slowed", OPTION_TEXT, &options->slowed, 0, 0},
        {"--warm", OPTION_FLAG, &options->warm, 0, 0},
        {"--instructions", OPTION_FLAG, &options->instructions, 0, 0},
        {"--under-valgrind", OPTION_FLAG, &options->under_valgrind, 0, 0},
    };
    if (!options_parse(run->name, all, sizeof all / sizeof all[0], argc, argv))
        return false;
    bool all_of_them = strcmp(run->name, "modules") == 0 && options->only == NULL;
    if (options->record_path != NULL && !all_of_them) {
        fputs("hotshelf-bench: --record is for all modules together\n", stderr);
        return false;
    }
    return true;
}

/* Instructions alone. */
static bool is_quiet(const struct core_options *options)
{
    return options->record_path != NULL || options->hold_path != NULL;
}

static bool choose(struct core_run *run)
{
    bool all = strcmp(run->name, "modules") == 0;
    for (size_t i = 0; i < MODULES; i++) {
        for (uint32_t at = 0; at < modules[i]->count; at++) {
            const struct measure_case *own = &modules[i]->cases[at];
            if (!all && strcmp(modules[i]->name, run->name) != 0)
                continue;
            if (run->options.only != NULL && strcmp(run->options.only, own->name) != 0)
                continue;
            if (run->options.warm && own->is_cold)
                continue;
            CHECK(run->count < CASES_MAX);
            run->module[run->count] = modules[i];
            run->cases[run->count++] = own;
        }
    }
    if (run->count == 0)
        fprintf(stderr, "hotshelf-bench: %s: no case is called %s%s\n", run->name,
            run->options.only, run->options.warm ? ", or --warm leaves it out" : "");
    return run->count > 0;
}

static uint32_t choose_counted(
    const struct core_run *run, const struct measure_case *counted[CASES_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < run->count; i++)
        if (measure_is_counted(run->cases[i]))
            counted[count++] = run->cases[i];
    return count;
}

static bool time_all(struct core_run *run)
{
    for (uint32_t i = 0; i < run->count; i++)
        if (!measure_time(run->cases[i], run->options.rounds, &run->timed[i]))
            return false;
    return true;
}

static bool count_all(struct core_run *run)
{
    const struct measure_case *counted[CASES_MAX];
    const char *again[8];
    uint32_t words = 0;
    again[words++] = run->name;
    again[words++] = "--under-valgrind";
    if (run->options.only != NULL) {
        again[words++] = "--only";
        again[words++] = run->options.only;
    }
    if (run->options.slowed != NULL) {
        again[words++] = "--slowed";
        again[words++] = run->options.slowed;
    }
    again[words] = NULL;
    struct counting_plan plan = {
        .cases = counted,
        .results = run->counted,
        .count = choose_counted(run, counted),
        .directory = run->directory,
        .again = again,
    };
    return plan.count == 0 || counting_run(&plan);
}

static struct figure *add_figure(struct core_run *run, uint32_t index, const char *part)
{
    struct figures *figures = &run->figures;
    const struct measure_case *own = run->cases[index];
    CHECK(figures->count < FIGURES_MAX);
    struct figure *figure = &figures->all[figures->count++];
    *figure = (struct figure){
        .operation = own->operation,
        .is_timed = !is_quiet(&run->options),
        .is_counted =
            (run->options.instructions || is_quiet(&run->options)) && measure_is_counted(own),
        .extra = own->extra,
        .extra_value = run->timed[index].extra,
    };
    snprintf(figure->name, sizeof figure->name, "%s.%s%s%s", run->module[index]->name, own->name,
        part == NULL ? "" : ".", part == NULL ? "" : part);
    return figure;
}

/* `counted` is of this case; it has none when it is only timed. */
static void add_case(struct core_run *run, uint32_t index, const struct counting_result *counted)
{
    const struct measure_case *own = run->cases[index];
    uint32_t parts = measure_parts(own);
    for (uint32_t part = 0; part < parts; part++) {
        struct figure *figure = add_figure(run, index, own->parts[part].name);
        figure->ns = run->timed[index].part[part];
        figure->instructions = counted->instructions[part];
    }
    if (own->sum == NULL)
        return;
    struct figure *sum = add_figure(run, index, own->sum);
    sum->is_sum = true;
    sum->ns = run->timed[index].sum;
    for (uint32_t part = 0; part < own->sum_parts; part++)
        sum->instructions += counted->instructions[part];
}

static void add_all(struct core_run *run)
{
    static const struct counting_result none = {0};
    uint32_t counted = 0;
    for (uint32_t i = 0; i < run->count; i++)
        add_case(run, i, measure_is_counted(run->cases[i]) ? &run->counted[counted++] : &none);
}

static bool tell(const struct core_run *run)
{
    const struct core_options *options = &run->options;
    if (options->json_path != NULL && !figures_json(&run->figures, options->json_path))
        return false;
    if (options->record_path != NULL)
        return figures_record(&run->figures, options->record_path);
    if (options->hold_path != NULL)
        return figures_hold(&run->figures, options->hold_path);
    figures_print(&run->figures, stdout);
    return true;
}

static bool play(struct core_run *run)
{
    const struct core_options *options = &run->options;
    if (options->under_valgrind) {
        const struct measure_case *counted[CASES_MAX];
        return counting_play(counted, choose_counted(run, counted), options->slowed);
    }
    bool counts = options->instructions || is_quiet(options);
    if (counts && !guard_begin(&run->guard, &run->directory))
        return false;
    if (!is_quiet(options) && !time_all(run))
        return false;
    if (counts && !count_all(run))
        return false;
    add_all(run);
    return tell(run);
}

enum module_status core_module_run(const char *name, int argc, char **argv)
{
    struct core_run *run = calloc(1, sizeof *run);
    CHECK(run != NULL);
    run->name = name;
    run->directory = getenv("TMPDIR") == NULL ? "/tmp" : getenv("TMPDIR");
    enum module_status status = MODULE_USAGE;
    if (parse_options(run, argc, argv) && choose(run))
        status = play(run) ? MODULE_MEASURED : MODULE_FAILED;
    else
        core_module_usage(name, stderr);
    free(run);
    return status;
}

bool core_module_time(
    const char *module, const char *name, uint32_t rounds, struct measure_result *result)
{
    for (size_t i = 0; i < MODULES; i++)
        for (uint32_t at = 0; at < modules[i]->count; at++)
            if (strcmp(modules[i]->name, module) == 0 &&
                strcmp(modules[i]->cases[at].name, name) == 0)
                return measure_time(&modules[i]->cases[at], rounds, result);
    CHECK(!"whoever asks for a case knows its name");
    return false;
}
