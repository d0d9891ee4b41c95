/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inih cuts a file into section, name and value; what the names mean is the table's. inih knows the
 * line only of what it cannot read itself, so lines are counted as they are handed to it. A file of
 * baskets is found from where the scenario stands.
 */
#include "loadtest/scenario.h"

#include "loadtest/nearest.h"
#include "loadtest/scenario_keys.h"

#include <dirent.h>
#include <errno.h>
#include <ini.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXTENSION ".ini"

struct reading {
    struct scenario *scenario;
    const char *path;
    FILE *file;
    int line;
    bool has_failed;
    char words[512]; /* of the first complaint, about this line: */
    int words_line;
    bool seen[SCENARIO_KEYS_MAX];
};

const char *behaviour_name(enum behaviour behaviour)
{
    static const char *const name[BEHAVIOURS] = {
        "buyer", "abandoner", "bot", "refresher", "searcher", "impatient"};
    return name[behaviour];
}

struct scenario scenario_default(void)
{
    return (struct scenario){
        .connections = 256,
        .give_up_seconds = 10,
        .arrivals = {.kind = ARRIVALS_CONSTANT, .first_percent = 80, .first_seconds = 3, .seed = 1},
        .baskets = {.lines_max = 3, .quantity_max = 2, .hot_percent = 80},
        .look_percent = 100,
        .heed_percent = 50,
        .cart_percent = 25,
        .cancel_percent = 5,
        .refresh_ms = 1000,
        .refresh_max = 100,
        .pages_max = 5,
        .page_size = 24,
        .hang_up_percent = 50,
        .hang_up_ms = 2,
    };
}

static int complain(struct reading *reading, const char *words)
{
    if (!reading->has_failed)
        snprintf(reading->words, sizeof reading->words, "%s", words);
    reading->words_line = reading->line;
    reading->has_failed = true;
    return 0;
}

/* "unknown key rat in [arrivals]; did you mean rate?" */
static int complain_of_name(struct reading *reading, const char *section, const char *name)
{
    struct nearest key = {.word = name};
    struct nearest home = {.word = section};
    const char *other_home = NULL;
    bool section_known = false;
    for (uint32_t at = 0; at < scenario_key_count; at++) {
        const struct scenario_key *row = &scenario_keys[at];
        nearest_offer(&home, row->section);
        section_known = section_known || strcmp(row->section, section) == 0;
        if (strcmp(row->section, section) == 0)
            nearest_offer(&key, row->name);
        else if (strcmp(row->name, name) == 0)
            other_home = row->section;
    }
    char words[512];
    if (!section_known)
        snprintf(words, sizeof words, "unknown section [%.60s]%s%s%s", section,
            home.best[0] == '\0' ? "" : "; did you mean [", home.best,
            home.best[0] == '\0' ? "" : "]?");
    else if (other_home != NULL)
        snprintf(words, sizeof words, "unknown key %.60s in [%s]; it belongs to [%s]", name,
            section, other_home);
    else
        snprintf(words, sizeof words, "unknown key %.60s in [%s]%s%s%s", name, section,
            key.best[0] == '\0' ? "" : "; did you mean ", key.best, key.best[0] == '\0' ? "" : "?");
    return complain(reading, words);
}

static uint32_t find_key(const char *section, const char *name)
{
    uint32_t at = 0;
    while (at < scenario_key_count && (strcmp(scenario_keys[at].section, section) != 0 ||
                                          strcmp(scenario_keys[at].name, name) != 0))
        at++;
    return at;
}

static int take_pair(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;
    char reason[SCENARIO_REASON_SIZE] = "";
    char words[512];
    uint32_t at = find_key(section, name);
    if (reading->has_failed)
        return 0;
    if (at == scenario_key_count)
        return complain_of_name(reading, section, name);
    if (reading->seen[at]) {
        snprintf(words, sizeof words, "[%s] %s is given twice", section, name);
        return complain(reading, words);
    }
    reading->seen[at] = true;
    if (scenario_key_set(reading->scenario, &scenario_keys[at], value, reason) < 0) {
        snprintf(words, sizeof words, "[%s] %s %s", section, name, reason);
        return complain(reading, words);
    }
    return 1;
}

/* As fgets(), but indented lines begin at the margin: to inih they are more of the value before. */
static char *read_line(char *line, int size, void *user)
{
    struct reading *reading = user;
    if (reading->has_failed || fgets(line, size, reading->file) == NULL)
        return NULL;
    reading->line++;
    if (strchr(line, '\n') == NULL && !feof(reading->file)) {
        complain(reading, "the line is too long");
        return NULL;
    }
    size_t blank = strspn(line, " \t");
    memmove(line, line + blank, strlen(line + blank) + 1);
    return line;
}

/* A relative file of baskets is relative to the scenario. */
static int place_baskets(struct scenario *scenario, const char *path)
{
    char copy[PATH_MAX];
    char whole[2 * PATH_MAX];
    if (scenario->baskets.file[0] == '\0' || scenario->baskets.file[0] == '/')
        return 0;
    snprintf(copy, sizeof copy, "%s", path);
    snprintf(whole, sizeof whole, "%s/%s", dirname(copy), scenario->baskets.file);
    if (strlen(whole) >= PATH_MAX) {
        fprintf(stderr, "hotshelf-loadtest: %s: the path of [baskets] file is too long\n", path);
        return -1;
    }
    memcpy(scenario->baskets.file, whole, strlen(whole) + 1);
    return 0;
}

static void take_name(struct scenario *scenario, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *start = slash == NULL ? path : slash + 1;
    size_t size = strlen(start);
    size_t extension = strlen(EXTENSION);
    if (size > extension && strcmp(start + size - extension, EXTENSION) == 0)
        size -= extension;
    snprintf(scenario->name, sizeof scenario->name, "%.*s", (int)size, start);
}

int scenario_read(struct scenario *scenario, const char *path)
{
    *scenario = scenario_default();
    struct reading reading = {.scenario = scenario, .path = path, .file = fopen(path, "re")};
    if (reading.file == NULL) {
        fprintf(stderr, "hotshelf-loadtest: %s: %s\n", path, strerror(errno));
        return -1;
    }
    int line = ini_parse_stream(read_line, &reading, take_pair, &reading);
    bool unreadable = ferror(reading.file);
    fclose(reading.file);
    if (unreadable)
        complain(&reading, "cannot be read");
    if (line > 0 && (!reading.has_failed || line < reading.words_line)) {
        reading = (struct reading){.path = path, .line = line};
        complain(&reading, "neither a [section] nor key = value");
    }
    if (reading.has_failed)
        fprintf(stderr, "hotshelf-loadtest: %s:%d: %s\n", path, reading.words_line, reading.words);
    take_name(scenario, path);
    return reading.has_failed ? -1 : place_baskets(scenario, path);
}

int scenario_check(const struct scenario *scenario)
{
    const char *reason = arrivals_reason(&scenario->arrivals);
    uint32_t shares = 0;
    for (int at = 0; at < BEHAVIOURS; at++)
        shares += scenario->share[at];
    if (shares == 0)
        reason = "[visitors] nobody comes";
    if (scenario->baskets.file[0] != '\0' && scenario->baskets.skus[0] != '\0')
        reason = "[baskets] file and skus: only one of them";
    if (scenario->think != THINK_NONE && scenario->think_ms == 0)
        reason = "[think] ms is missing";
    if (reason != NULL)
        fprintf(stderr, "hotshelf-loadtest: scenario %s: %s\n", scenario->name, reason);
    return reason == NULL ? 0 : -1;
}

/* The places of shipped scenarios; "" for one that is not known. */
static void directory_at(int place, char directory[PATH_MAX])
{
    snprintf(directory, PATH_MAX, "%s", SCENARIOS_DIRECTORY);
    if (place > 0)
        return;
    char program[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", program, sizeof program - 1);
    program[size > 0 ? size : 0] = '\0';
    char *slash = strrchr(program, '/');
    if (slash != NULL)
        *slash = '\0';
    if (snprintf(directory, PATH_MAX, "%s/scenarios", program) >= PATH_MAX)
        directory[0] = '\0';
}

#define PLACES 2

static int is_scenario(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    size_t extension = strlen(EXTENSION);
    return size > extension && strcmp(entry->d_name + size - extension, EXTENSION) == 0;
}

typedef void take_scenario(void *context, const char *path, const char *name);

static void for_each_scenario(take_scenario *take, void *context)
{
    for (int place = 0; place < PLACES; place++) {
        char directory[PATH_MAX];
        struct dirent **entry;
        directory_at(place, directory);
        int count = scandir(directory, &entry, is_scenario, alphasort);
        for (int at = 0; at < count; at++) {
            char path[2 * PATH_MAX];
            entry[at]->d_name[strlen(entry[at]->d_name) - strlen(EXTENSION)] = '\0';
            snprintf(path, sizeof path, "%s/%s" EXTENSION, directory, entry[at]->d_name);
            take(context, path, entry[at]->d_name);
            free(entry[at]);
        }
        if (count >= 0)
            free(entry);
        if (count > 0)
            return;
    }
}

static void offer_name(void *context, const char *path, const char *name)
{
    (void)path;
    nearest_offer(context, name);
}

int scenario_find(char path[PATH_MAX], const char *name)
{
    if (strchr(name, '/') != NULL) {
        snprintf(path, PATH_MAX, "%s", name);
        return 0;
    }
    for (int place = 0; place < PLACES; place++) {
        char directory[PATH_MAX];
        char whole[2 * PATH_MAX];
        directory_at(place, directory);
        snprintf(whole, sizeof whole, "%s/%.200s" EXTENSION, directory, name);
        if (strlen(whole) < PATH_MAX && access(whole, R_OK) == 0) {
            memcpy(path, whole, strlen(whole) + 1);
            return 0;
        }
    }
    struct nearest nearest = {.word = name};
    for_each_scenario(offer_name, &nearest);
    fprintf(stderr, "hotshelf-loadtest: no scenario %s%s%s%s; run --list lists them\n", name,
        nearest.best[0] == '\0' ? "" : "; did you mean ", nearest.best,
        nearest.best[0] == '\0' ? "" : "?");
    return -1;
}

static void list_one(void *context, const char *path, const char *name)
{
    FILE *out = context;
    struct scenario scenario;
    if (scenario_read(&scenario, path) == 0)
        fprintf(out, "%-14s %s\n", name, scenario.description);
}

void scenario_list(FILE *out)
{
    for_each_scenario(list_one, out);
}
