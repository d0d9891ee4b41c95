/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of tests/core/rules against the engine in memory: one test for each scenario, at one
 * shard and at three. rules/README.md tells the language; tests/e2e/test_rules.py says the same to
 * a real server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "tests/core/rules_play.h"

enum { TABLES_MAX = 64, TESTS_MAX = 2000, NAME_MAX_SIZE = 256 };

static const uint32_t shard_counts[] = {1, 3};

struct case_of_rules {
    const struct scenario *scenario;
    uint32_t shards;
    char name[NAME_MAX_SIZE];
};

static struct rules_file tables[TABLES_MAX];
static struct case_of_rules cases[TESTS_MAX];
static struct CMUnitTest tests[TESTS_MAX];
static struct play play;

static void a_scenario_goes_as_its_table_says(void **state)
{
    const struct case_of_rules *rules = *state;
    (void)play_scenario(&play, rules->scenario, rules->shards);
}

static int is_table(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size > 4 && strcmp(entry->d_name + size - 4, ".txt") == 0;
}

static uint32_t read_tables(void)
{
    struct dirent **entries;
    int count = scandir(RULES_DIRECTORY, &entries, is_table, alphasort);
    CHECK(count > 0);
    CHECK(count <= TABLES_MAX);
    for (int i = 0; i < count; i++) {
        tables[i] = rules_read(RULES_DIRECTORY, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return (uint32_t)count;
}

static uint32_t add_cases(const struct scenario *scenario, uint32_t count)
{
    for (uint32_t i = 0; i < sizeof(shard_counts) / sizeof(shard_counts[0]); i++, count++) {
        struct case_of_rules *rules = &cases[count];
        CHECK(count < TESTS_MAX);
        *rules = (struct case_of_rules){.scenario = scenario, .shards = shard_counts[i]};
        (void)snprintf(rules->name, sizeof(rules->name), "%s %s (%u)", scenario->file,
            scenario->title, rules->shards);
        tests[count] = (struct CMUnitTest){.name = rules->name,
            .test_func = a_scenario_goes_as_its_table_says,
            .initial_state = rules};
    }
    return count;
}

int main(void)
{
    uint32_t table_count = read_tables(), count = 0;
    for (uint32_t i = 0; i < table_count; i++) {
        for (uint32_t s = 0; s < tables[i].scenario_count; s++)
            count = add_cases(&tables[i].scenarios[s], count);
    }
    const char *filter = getenv("RULES"); /* RULES='*holds*': some of them */
    if (filter != NULL)
        cmocka_set_test_filter(filter);
    int failed = _cmocka_run_group_tests("rules", tests, count, NULL, NULL);
    for (uint32_t i = 0; i < table_count; i++)
        rules_free(&tables[i]);
    return failed;
}
