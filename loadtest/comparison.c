/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The figures come from tables; settings are whatever both results say about how they were run, so
 * that a new setting is compared from its first day.
 *
 * A warning says why figures may differ for another reason than the server: another load, a
 * generator at its limit, a run that was not correct.
 */
#include "loadtest/comparison.h"

#include "loadtest/plain.h"
#include "loadtest/request_kind.h"

#include <stdarg.h>
#include <string.h>

/* Figures that differ by their nature do not belong here: seed and run say who, not how much. */
static const char *const setting_name[] = {
    "what", "scenario", "protocol", "url", "connections", "rate", "mode", "baskets", "seed"};

/* Those of the above that make figures another matter. How many came is left to their seed. */
static const char *const decisive[] = {
    "what", "scenario", "protocol", "connections", "rate", "mode"};

static const struct {
    const char *member;
    const char *name;
    const char *unit;
    enum comparison_aim better;
} headline[] = {
    {"seconds", "length of the run", "seconds", COMPARISON_NEITHER},
    {"requests_per_second", "requests per second", "", COMPARISON_HIGHER},
    {"orders_acknowledged", "orders", "", COMPARISON_NEITHER},
    {"units_sold", "units sold", "", COMPARISON_NEITHER},
    {"nothing_left", "found nothing left", "", COMPARISON_NEITHER},
    {"gave_up", "gave up", "", COMPARISON_NEITHER},
    {"failed", "failed", "", COMPARISON_LOWER},
    {"answers_replayed", "answers replayed", "", COMPARISON_NEITHER},
};

static const struct {
    const char *member;
    const char *name;
    double beyond; /* this part of all requests took longer */
} latency[] = {
    {"p50", "p50", 0.5}, {"p99", "p99", 0.01}, {"p99.9", "p99.9", 0.001}, {"max", "longest", 0}};

/* A percentile is only judged when so many requests took longer: one request is an accident. */
#define REQUESTS_BEYOND_MIN 10

/* Of settings that differ, so many stand in the warning. */
#define SETTINGS_NAMED_MAX 4

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Less apart than that is as good as equal. */
#define RATIO_APART 1.05

static const char *judge(
    const struct comparison *comparison, const struct comparison_figure *figure)
{
    bool apart = figure->ratio > RATIO_APART || figure->ratio < 1 / RATIO_APART;
    if (!comparison->same_load || figure->ratio < 0 || figure->better == COMPARISON_NEITHER ||
        !apart)
        return "";
    return (figure->ratio > 1) == (figure->better == COMPARISON_HIGHER) ? "better" : "worse";
}

/* What neither of them has is left out, and so is what happened in neither and is no failing. */
static void add_figure(struct comparison *comparison, struct comparison_figure figure)
{
    bool told = figure.value[0] > 0 || figure.value[1] > 0 ||
                (figure.value[0] >= 0 && figure.better != COMPARISON_NEITHER);
    if (!told || comparison->figure_count == COMPARISON_FIGURES_MAX)
        return;
    bool both = figure.value[0] > 0 && figure.value[1] >= 0;
    figure.ratio = both ? figure.value[1] / figure.value[0] : RESULT_NONE;
    figure.judged = judge(comparison, &figure);
    comparison->figure[comparison->figure_count++] = figure;
}

static double orders_a_second(const struct result_file *file)
{
    double seconds = result_file_number(file, JSON_ROOT, "seconds");
    double orders = result_file_number(file, JSON_ROOT, "orders_acknowledged");
    return seconds > 0 && orders >= 0 ? orders / seconds : RESULT_NONE;
}

static void compare_orders(struct comparison *comparison)
{
    struct comparison_figure figure = {
        .name = "orders per second", .unit = "", .better = COMPARISON_HIGHER};
    for (int side = 0; side < 2; side++)
        figure.value[side] = orders_a_second(comparison->file[side]);
    add_figure(comparison, figure);
}

static void compare_headline(struct comparison *comparison)
{
    for (size_t at = 0; at < COUNT(headline); at++) {
        struct comparison_figure figure = {
            .unit = headline[at].unit, .better = headline[at].better};
        snprintf(figure.name, sizeof figure.name, "%s", headline[at].name);
        for (int side = 0; side < 2; side++)
            figure.value[side] =
                result_file_number(comparison->file[side], JSON_ROOT, headline[at].member);
        add_figure(comparison, figure);
    }
}

static void compare_latencies(struct comparison *comparison, enum request_kind kind)
{
    for (size_t at = 0; at < COUNT(latency); at++) {
        struct comparison_figure figure = {.unit = "us", .better = COMPARISON_LOWER};
        double beyond = latency[at].beyond;
        snprintf(
            figure.name, sizeof figure.name, "%s, %s", request_kind_name(kind), latency[at].name);
        for (int side = 0; side < 2; side++) {
            const struct json *json = &comparison->file[side]->json;
            int latencies = json_member(json, JSON_ROOT, "latency_us");
            int of_kind = json_member(json, latencies, request_kind_name(kind));
            figure.value[side] =
                result_file_number(comparison->file[side], of_kind, latency[at].member);
            if (result_file_number(comparison->file[side], of_kind, "count") * beyond <
                REQUESTS_BEYOND_MIN)
                figure.better = COMPARISON_NEITHER;
        }
        add_figure(comparison, figure);
    }
}

static void compare_generator(struct comparison *comparison)
{
    struct comparison_figure figure = {
        .name = "generator busy", .unit = "percent", .better = COMPARISON_NEITHER};
    for (int side = 0; side < 2; side++)
        figure.value[side] = result_file_number(comparison->file[side],
            json_member(&comparison->file[side]->json, JSON_ROOT, "generator"), "busy_percent");
    add_figure(comparison, figure);
}

__attribute__((format(printf, 2, 3))) static void warn(
    struct comparison *comparison, const char *format, ...)
{
    if (comparison->warning_count == COMPARISON_WARNINGS_MAX)
        return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(
        comparison->warning[comparison->warning_count++], COMPARISON_WORDS_SIZE, format, arguments);
    va_end(arguments);
}

static bool is_decisive(const char *name)
{
    for (size_t at = 0; at < COUNT(decisive); at++) {
        if (strcmp(name, decisive[at]) == 0)
            return true;
    }
    return false;
}

static void compare_setting(
    struct comparison *comparison, const int object[2], const char *name, bool decides)
{
    struct comparison_setting setting = {.decides = decides};
    snprintf(setting.name, sizeof setting.name, "%s", name);
    plain_text(setting.name);
    for (int side = 0; side < 2; side++)
        result_file_text(comparison->file[side], object[side], name, setting.value[side]);
    if (strcmp(setting.value[0], setting.value[1]) == 0)
        return;
    comparison->same_load = comparison->same_load && !decides;
    if (comparison->setting_count < COMPARISON_SETTINGS_MAX)
        comparison->setting[comparison->setting_count++] = setting;
}

/* What a scenario says of itself: the members that this side has, and the other one has not been
 * asked for. */
static void compare_scenario(struct comparison *comparison, const int object[2], int side)
{
    const struct json *json = &comparison->file[side]->json;
    const struct json *other = &comparison->file[1 - side]->json;
    char name[COMPARISON_NAME_SIZE];
    int at = json_first_name(json, object[side]);
    for (uint32_t seen = 0; at != JSON_NONE && seen < COMPARISON_SETTINGS_MAX; seen++) {
        bool whole = json_string(json, at, name, sizeof name);
        bool was_seen = side == 1 && json_member(other, object[0], name) != JSON_NONE;
        if (whole && !was_seen)
            compare_setting(comparison, object, name, true);
        at = json_next_name(json, object[side], at);
    }
}

static void compare_settings(struct comparison *comparison)
{
    static const int roots[2] = {JSON_ROOT, JSON_ROOT};
    int object[2];
    for (size_t at = 0; at < COUNT(setting_name); at++)
        compare_setting(comparison, roots, setting_name[at], is_decisive(setting_name[at]));
    for (int side = 0; side < 2; side++)
        object[side] = json_member(&comparison->file[side]->json, JSON_ROOT, "settings");
    compare_scenario(comparison, object, 0);
    compare_scenario(comparison, object, 1);
}

static const char *told(const char *value)
{
    return value[0] == '\0' ? "not told" : value;
}

/* One line, whatever their number: the first few by name. */
static void warn_of_another_load(struct comparison *comparison)
{
    char text[COMPARISON_WORDS_SIZE];
    size_t size = 0;
    uint32_t differ = 0;
    for (uint32_t at = 0; at < comparison->setting_count; at++) {
        const struct comparison_setting *setting = &comparison->setting[at];
        differ += setting->decides;
        if (!setting->decides || differ > SETTINGS_NAMED_MAX)
            continue;
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s (%.24s, %.24s)",
            differ == 1 ? "" : ", ", setting->name, told(setting->value[0]),
            told(setting->value[1]));
        if (size >= sizeof text)
            size = sizeof text - 1;
    }
    if (differ > SETTINGS_NAMED_MAX)
        warn(comparison, "not the same load: %s and %u more", text, differ - SETTINGS_NAMED_MAX);
    else if (differ > 0)
        warn(comparison, "not the same load: %s", text);
}

static void look_at_run(struct comparison *comparison, int side)
{
    const struct result_file *file = comparison->file[side];
    const char *letter = side == 0 ? "A" : "B";
    bool flag;
    int verdict = json_member(&file->json, JSON_ROOT, "verdict");
    int generator = json_member(&file->json, JSON_ROOT, "generator");
    if (json_boolean(&file->json, json_member(&file->json, verdict, "correct"), &flag) && !flag)
        warn(comparison, "%s was not correct: how fast it was says little", letter);
    if (json_boolean(&file->json, json_member(&file->json, JSON_ROOT, "interrupted"), &flag) &&
        flag)
        warn(comparison, "%s was interrupted", letter);
    if (json_boolean(&file->json, json_member(&file->json, generator, "limited"), &flag) && flag)
        warn(comparison, "in %s the generator, not the server, was the limit", letter);
}

void comparison_of(
    struct comparison *comparison, const struct result_file *a, const struct result_file *b)
{
    *comparison = (struct comparison){.file = {a, b}, .same_load = true};
    compare_settings(comparison);
    warn_of_another_load(comparison);
    look_at_run(comparison, 0);
    look_at_run(comparison, 1);
    compare_orders(comparison);
    compare_headline(comparison);
    for (int kind = 0; kind < REQUEST_KINDS; kind++)
        compare_latencies(comparison, (enum request_kind)kind);
    compare_generator(comparison);
}
