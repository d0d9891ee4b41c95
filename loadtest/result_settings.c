/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of a scenario's keys says what there is, so a new key is told from its first day.
 * Of files only the name is told: where it lies says nothing about the load.
 */
#include "loadtest/json_text.h"
#include "loadtest/result_parts.h"
#include "loadtest/scenario_keys.h"

#include <limits.h>
#include <string.h>

/* Members of their own tell these. */
static bool is_told(const struct scenario_key *key)
{
    bool is_member =
        strcmp(key->section, "scenario") == 0 && strcmp(key->name, "give_up_seconds") != 0;
    return is_member || strcmp(key->name, "rate") == 0;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

void result_settings(FILE *file, const struct scenario *scenario)
{
    char text[PATH_MAX];
    const char *before = "";
    fputs("  \"settings\": {", file);
    for (uint32_t at = 0; at < scenario_key_count; at++) {
        const struct scenario_key *key = &scenario_keys[at];
        if (is_told(key))
            continue;
        fprintf(file, "%s\"%s.%s\": ", before, key->section, key->name);
        if (scenario_key_tell(scenario, key, text, sizeof text))
            fputs(text, file);
        else
            json_text(file, strcmp(key->name, "file") == 0 ? name_of(text) : text);
        before = ", ";
    }
    fputs("},\n", file);
}
