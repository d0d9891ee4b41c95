/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of shapes: of an object its members, the kind of all others and which must be there; of
 * an array the kind of its elements; of a value how it is read. No shape holds itself, so the depth
 * is that of the table, whatever the file says.
 */
#include "loadtest/result_check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH_SIZE 160
#define SEED_DIGITS_MAX 20

enum kind {
    KIND_ANY,
    KIND_TEXT,
    KIND_FLAG,
    KIND_COUNT,
    KIND_SEED,
    KIND_MEASURE,
    KIND_STEP,
    KIND_CELL,
    KIND_SETTING,
    KIND_COUNTS,
    KIND_FLAGS,
    KIND_SETTINGS,
    KIND_ENDINGS,
    KIND_REQUESTS,
    KIND_POINT,
    KIND_CURVE,
    KIND_LATENCY,
    KIND_LATENCIES,
    KIND_COLUMN,
    KIND_SERIES,
    KIND_GENERATOR,
    KIND_VERDICT,
    KIND_RESULT,
};

enum presence { MAY, MUST };

struct member {
    const char *name;
    enum kind kind;
    enum presence presence;
};

struct shape {
    enum json_type type; /* JSON_WORD: numbers, too */
    const char *must_be;
    bool (*fits)(const struct json *json, int value); /* of what is no object and no array */
    enum kind others;                                 /* other members, or the elements */
    const struct member *member;
    uint32_t member_count;
    uint32_t least; /* elements */
    uint32_t most;
};

static bool is_flag(const struct json *json, int value)
{
    bool flag;
    return json_boolean(json, value, &flag);
}

static bool is_count(const struct json *json, int value)
{
    int64_t number;
    return json_integer(json, value, &number) && number >= 0;
}

static bool is_seed(const struct json *json, int value)
{
    size_t size = 0;
    const char *text = json_raw(json, value, &size);
    for (size_t at = 0; at < size; at++) {
        if (text[at] < '0' || text[at] > '9')
            return false;
    }
    return size <= SEED_DIGITS_MAX;
}

static bool is_measure(const struct json *json, int value)
{
    double number;
    return json_number(json, value, &number) && number >= 0 && number <= RESULT_MEASURE_MAX;
}

static bool is_step(const struct json *json, int value)
{
    double number;
    return is_measure(json, value) && json_number(json, value, &number) && number > 0;
}

static bool is_null(const struct json *json, int value)
{
    size_t size = 0;
    const char *text = json_raw(json, value, &size);
    return size == 4 && memcmp(text, "null", 4) == 0;
}

static bool is_cell(const struct json *json, int value)
{
    return is_null(json, value) || is_measure(json, value);
}

static bool is_setting(const struct json *json, int value)
{
    return !is_null(json, value);
}

static const struct member endings[] = {{"ok", KIND_COUNT, MUST}, {"refused", KIND_COUNT, MUST},
    {"pushed_back", KIND_COUNT, MUST}, {"failed", KIND_COUNT, MUST}};

static const struct member latency[] = {{"count", KIND_COUNT, MUST}, {"p50", KIND_COUNT, MUST},
    {"p90", KIND_COUNT, MUST}, {"p99", KIND_COUNT, MUST}, {"p99.9", KIND_COUNT, MUST},
    {"p99.99", KIND_COUNT, MUST}, {"max", KIND_COUNT, MUST}, {"curve", KIND_CURVE, MUST}};

static const struct member series[] = {{"step_seconds", KIND_STEP, MUST},
    {"planned", KIND_COLUMN, MUST}, {"begun", KIND_COLUMN, MUST}, {"requests", KIND_COLUMN, MUST},
    {"ok", KIND_COLUMN, MUST}, {"refused", KIND_COLUMN, MUST}, {"pushed_back", KIND_COLUMN, MUST},
    {"failed", KIND_COLUMN, MUST}, {"p50_us", KIND_COLUMN, MUST}, {"p99_us", KIND_COLUMN, MUST},
    {"p99.9_us", KIND_COLUMN, MUST}, {"max_us", KIND_COLUMN, MUST},
    {"units_sold", KIND_COLUMN, MUST}, {"live", KIND_COLUMN, MUST}, {"waiting", KIND_COLUMN, MUST},
    {"generator_busy_percent", KIND_COLUMN, MUST}};

static const struct member generator[] = {{"busy_percent", KIND_MEASURE, MUST},
    {"late_p99_us", KIND_COUNT, MUST}, {"limited", KIND_FLAG, MUST}, {"says", KIND_TEXT, MUST}};

static const struct member verdict[] = {{"correct", KIND_FLAG, MUST}, {"finished", KIND_FLAG, MUST},
    {"oversold", KIND_COUNT, MUST}, {"stranded", KIND_COUNT, MUST}, {"lost", KIND_COUNT, MUST},
    {"duplicated", KIND_COUNT, MUST}, {"compared", KIND_FLAGS, MUST}, {"says", KIND_TEXT, MUST},
    {"differences", KIND_COUNTS, MUST}};

static const struct member result[] = {{"format", KIND_TEXT, MUST}, {"what", KIND_TEXT, MUST},
    {"scenario", KIND_TEXT, MUST}, {"url", KIND_TEXT, MUST}, {"protocol", KIND_TEXT, MUST},
    {"run", KIND_TEXT, MUST}, {"started_at", KIND_TEXT, MUST}, {"mode", KIND_TEXT, MUST},
    {"seed", KIND_SEED, MUST}, {"connections", KIND_COUNT, MUST}, {"rate", KIND_MEASURE, MUST},
    {"interrupted", KIND_FLAG, MUST}, {"settings", KIND_SETTINGS, MAY},
    {"seconds", KIND_MEASURE, MUST}, {"requests_per_second", KIND_MEASURE, MUST},
    {"baskets", KIND_COUNT, MUST}, {"orders_acknowledged", KIND_COUNT, MUST},
    {"nothing_left", KIND_COUNT, MUST}, {"gave_up", KIND_COUNT, MUST}, {"failed", KIND_COUNT, MUST},
    {"units_ordered", KIND_COUNT, MUST}, {"units_sold", KIND_COUNT, MUST},
    {"orders_cancelled", KIND_COUNT, MUST}, {"answers_replayed", KIND_COUNT, MUST},
    {"skus", KIND_COUNT, MAY}, {"skus_sold_out", KIND_COUNT, MAY},
    {"units_in_reach", KIND_COUNT, MAY}, {"postgres_orders", KIND_COUNT, MAY},
    {"postgres_catch_up_seconds", KIND_MEASURE, MAY}, {"visitors", KIND_COUNTS, MAY},
    {"outcomes", KIND_COUNTS, MUST}, {"generator", KIND_GENERATOR, MUST},
    {"verdict", KIND_VERDICT, MUST}, {"refused", KIND_COUNTS, MUST},
    {"sent_again", KIND_COUNTS, MUST}, {"requests", KIND_REQUESTS, MUST},
    {"latency_us", KIND_LATENCIES, MUST}, {"service_us", KIND_LATENCIES, MUST},
    {"series", KIND_SERIES, MUST}, {"differences", KIND_COUNTS, MUST}};

#define WITH(members) .member = (members), .member_count = sizeof(members) / sizeof(members)[0]

static const struct shape shapes[] = {
    [KIND_ANY] = {JSON_WORD, "a value"},
    [KIND_TEXT] = {JSON_STRING, "a text"},
    [KIND_FLAG] = {JSON_WORD, "true or false", is_flag},
    [KIND_COUNT] = {JSON_WORD, "a whole number, not below 0", is_count},
    [KIND_SEED] = {JSON_WORD, "a whole number of 64 bits", is_seed},
    [KIND_MEASURE] = {JSON_WORD, "a number from 0 to 1e15", is_measure},
    [KIND_STEP] = {JSON_WORD, "a number above 0, up to 1e15", is_step},
    [KIND_CELL] = {JSON_WORD, "numbers from 0 to 1e15, or null", is_cell},
    [KIND_SETTING] = {JSON_WORD, "a text, a number, true or false", is_setting},
    [KIND_COUNTS] = {JSON_OBJECT, "an object of whole numbers", .others = KIND_COUNT},
    [KIND_FLAGS] = {JSON_OBJECT, "an object of true and false", .others = KIND_FLAG},
    [KIND_SETTINGS] = {JSON_OBJECT, "an object of settings", .others = KIND_SETTING},
    [KIND_ENDINGS] = {JSON_OBJECT, "an object of whole numbers", .others = KIND_COUNT,
        WITH(endings)},
    [KIND_REQUESTS] = {JSON_OBJECT, "an object by kind of request", .others = KIND_ENDINGS},
    [KIND_POINT] = {JSON_ARRAY, "points of two numbers each", .others = KIND_MEASURE, .least = 2,
        .most = 2},
    [KIND_CURVE] = {JSON_ARRAY, "a list of points", .others = KIND_POINT, .least = 2,
        .most = UINT32_MAX},
    [KIND_LATENCY] = {JSON_OBJECT, "an object of percentiles", .others = KIND_COUNT, WITH(latency)},
    [KIND_LATENCIES] = {JSON_OBJECT, "an object by kind of request", .others = KIND_LATENCY},
    [KIND_COLUMN] = {JSON_ARRAY, "a list of at most 256 numbers", .others = KIND_CELL, .most = 256},
    [KIND_SERIES] = {JSON_OBJECT, "an object of lists", .others = KIND_COLUMN, WITH(series)},
    [KIND_GENERATOR] = {JSON_OBJECT, "an object", WITH(generator)},
    [KIND_VERDICT] = {JSON_OBJECT, "an object", WITH(verdict)},
    [KIND_RESULT] = {JSON_OBJECT, "an object", WITH(result)},
};

struct check {
    const struct result_file *file;
    const struct json *json;
    char path[PATH_SIZE]; /* of the member that is looked at */
};

/* Names are those of the file, and a terminal obeys some characters. */
static void tell(const struct check *check, const char *is, const char *must_be)
{
    char path[PATH_SIZE];
    size_t size = 0;
    for (; check->path[size] != '\0'; size++) {
        unsigned char character = (unsigned char)check->path[size];
        path[size] = character < ' ' || character >= 0x7f ? '?' : (char)character;
    }
    path[size] = '\0';
    fprintf(stderr, "hotshelf-loadtest: %s: not a result as it was written: %s is %s, not %s\n",
        check->file->path, size > 0 ? path : "all of it", is, must_be);
}

static bool complain(const struct check *check, int value, const char *must_be)
{
    char is[40] = "";
    size_t size = 0;
    const char *raw = json_raw(check->json, value, &size);
    switch (json_type(check->json, value)) {
    case JSON_ABSENT:
        tell(check, "not there", must_be);
        return false;
    case JSON_OBJECT:
        tell(check, "an object", must_be);
        return false;
    case JSON_ARRAY:
        tell(check, "a list", must_be);
        return false;
    case JSON_STRING:
        tell(check, "a text", must_be);
        return false;
    case JSON_WORD:
        snprintf(is, sizeof is, "%.*s", (int)(size < sizeof is ? size : sizeof is - 1), raw);
        tell(check, is, must_be);
        return false;
    }
    return false;
}

static bool check_value(struct check *check, int value, enum kind kind);

/* `name` is the token of the name, its value follows it. */
static bool check_member(struct check *check, const struct shape *shape, int name)
{
    size_t before = strlen(check->path);
    size_t size = 0;
    const char *raw = json_raw(check->json, name, &size);
    enum kind kind = shape->others;
    for (uint32_t at = 0; at < shape->member_count; at++) {
        const char *known = shape->member[at].name;
        if (strlen(known) == size && memcmp(known, raw, size) == 0)
            kind = shape->member[at].kind;
    }
    snprintf(check->path + before, sizeof check->path - before, "%s%.*s", before > 0 ? "." : "",
        (int)(size < PATH_SIZE ? size : PATH_SIZE), raw);
    bool fits = check_value(check, name + 1, kind);
    check->path[before] = '\0';
    return fits;
}

static bool check_object(struct check *check, const struct shape *shape, int object)
{
    for (int name = json_first_name(check->json, object); name != JSON_NONE;
         name = json_next_name(check->json, object, name)) {
        if (!check_member(check, shape, name))
            return false;
    }
    size_t before = strlen(check->path);
    for (uint32_t at = 0; at < shape->member_count; at++) {
        const struct member *member = &shape->member[at];
        if (member->presence == MAY || json_member(check->json, object, member->name) != JSON_NONE)
            continue;
        snprintf(check->path + before, sizeof check->path - before, "%s%s", before > 0 ? "." : "",
            member->name);
        return complain(check, JSON_NONE, shapes[member->kind].must_be);
    }
    return true;
}

static bool check_array(struct check *check, const struct shape *shape, int array)
{
    uint32_t count = 0;
    for (int at = json_first(check->json, array); at != JSON_NONE;
         at = json_next(check->json, array, at)) {
        if (++count > shape->most)
            return complain(check, array, shape->must_be);
        if (!check_value(check, at, shape->others))
            return false;
    }
    return count >= shape->least || complain(check, array, shape->must_be);
}

static bool check_value(struct check *check, int value, enum kind kind)
{
    const struct shape *shape = &shapes[kind];
    if (kind == KIND_ANY && json_type(check->json, value) != JSON_ABSENT)
        return true;
    bool is_text = kind == KIND_SETTING && json_type(check->json, value) == JSON_STRING;
    if (json_type(check->json, value) != shape->type && !is_text)
        return complain(check, value, shape->must_be);
    if (shape->type == JSON_OBJECT)
        return check_object(check, shape, value);
    if (shape->type == JSON_ARRAY)
        return check_array(check, shape, value);
    return shape->fits == NULL || shape->fits(check->json, value) ||
           complain(check, value, shape->must_be);
}

int result_check(const struct result_file *file)
{
    struct check check = {.file = file, .json = &file->json};
    return check_value(&check, JSON_ROOT, KIND_RESULT) ? 0 : -1;
}
