/* SPDX-License-Identifier: Apache-2.0 */
/* hotshelf-races RACE name=value..: one race against a running server; see race.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/races/race.h"

struct known_race {
    const char *name;
    void (*run)(const struct race_options *options);
};

static const struct known_race races[] = {
    {"two-tabs", run_two_tabs},
    {"limits", run_limits},
    {"double-clicks", run_double_clicks},
    {"last-unit", run_last_unit},
    {"expiry", run_expiry},
    {"cancel", run_cancel},
    {"baskets", run_baskets},
    {"lowering", run_lowering},
    {"pause", run_pause},
    {"kill", run_kill},
    {"freeze", run_freeze},
    {"merge", run_merge},
};

static int usage(const char *why)
{
    fprintf(stderr, "hotshelf-races: %s\n", why);
    fprintf(stderr, "usage: hotshelf-races RACE http=URL admin=URL token=T rounds=N shards=N seed=N"
                    " server=PID\n");
    return 2;
}

static bool take_option(struct race_options *options, const char *argument)
{
    const char *value = strchr(argument, '=');
    if (value == NULL)
        return false;
    size_t size = (size_t)(value++ - argument);
    uint64_t number = strtoull(value, NULL, 10);
    if (strncmp(argument, "http", size) == 0)
        options->http = value;
    else if (strncmp(argument, "admin", size) == 0)
        options->admin = value;
    else if (strncmp(argument, "token", size) == 0)
        options->token = value;
    else if (strncmp(argument, "rounds", size) == 0)
        options->rounds = (uint32_t)number;
    else if (strncmp(argument, "shards", size) == 0)
        options->shards = (uint32_t)number;
    else if (strncmp(argument, "seed", size) == 0)
        options->seed = number;
    else if (strncmp(argument, "server", size) == 0)
        options->server = (int)number;
    else
        return false;
    return true;
}

int main(int count, char **arguments)
{
    struct race_options options = {.rounds = 1000, .shards = 1, .seed = 1};
    if (count < 2)
        return usage("which race?");
    options.name = arguments[1];
    for (int i = 2; i < count; i++)
        if (!take_option(&options, arguments[i]))
            return usage(arguments[i]);
    if (options.http == NULL || options.admin == NULL || options.token == NULL)
        return usage("http, admin and token are needed");
    for (size_t i = 0; i < sizeof races / sizeof races[0]; i++) {
        if (strcmp(races[i].name, options.name) == 0) {
            races[i].run(&options);
            return 0;
        }
    }
    return usage("there is no such race");
}
