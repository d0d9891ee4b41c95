/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario_keys - every key of a scenario file: where its value goes, and what it may be.
 *
 * Ownership  The table is constant.
 * Threads    Any.
 * Units      As scenario.h says.
 * Errors     scenario_key_set(): -1 with the reason in words.
 * Cost       A search from the start of the table.
 */
#ifndef HOTSHELF_LOADTEST_SCENARIO_KEYS_H
#define HOTSHELF_LOADTEST_SCENARIO_KEYS_H

#include "loadtest/scenario.h"

#include <stdbool.h>
#include <stddef.h>

enum scenario_key_type { KEY_TEXT, KEY_COUNT, KEY_DECIMAL, KEY_ARRIVALS, KEY_THINK, KEY_MODE };

struct scenario_key {
    const char *section;
    const char *name;
    enum scenario_key_type type;
    size_t offset;
    size_t size; /* of a text, with its NUL */
    double min;
    double max;
};

extern const struct scenario_key scenario_keys[];
extern const uint32_t scenario_key_count;

#define SCENARIO_KEYS_MAX 64

#define SCENARIO_REASON_SIZE 160

int scenario_key_set(struct scenario *scenario, const struct scenario_key *key, const char *text,
    char reason[SCENARIO_REASON_SIZE]);

/* The value as it would stand in a file. True when it is a number, not a word or a text. */
bool scenario_key_tell(
    const struct scenario *scenario, const struct scenario_key *key, char *text, size_t size);

#endif
