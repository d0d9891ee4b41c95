/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_seen - what a line of a table was answered, as words: how it went, and names with values.
 *
 * Ownership  A plain value.
 * Threads    One.
 * Units      Lengths of time in milliseconds, money in minor units.
 * Errors     What differs from the table fails the test.
 * Cost       For tests only.
 */
#ifndef HOTSHELF_TESTS_CORE_RULES_SEEN_H
#define HOTSHELF_TESTS_CORE_RULES_SEEN_H

#include "core/bytes.h"
#include "core/engine.h"
#include "tests/core/rules_table.h"

enum { SEEN_FIELDS_MAX = 128, SEEN_SIZE_MAX = 64 };

struct seen_field {
    char name[SEEN_SIZE_MAX];
    char value[SEEN_SIZE_MAX];
};

struct seen {
    bool is_success;
    bool is_replayed;
    char word[SEEN_SIZE_MAX]; /* how it went; empty: it was only looked at */
    uint32_t count;
    struct seen_field fields[SEEN_FIELDS_MAX];
};

void seen_word(struct seen *seen, const char *word);
void seen_number(struct seen *seen, const char *name, int64_t number);
void seen_text(struct seen *seen, const char *name, struct bytes text);
/* For one of several: "S1.available", "2.cancelled". */
void seen_number_of(struct seen *seen, struct bytes what, const char *name, int64_t number);
void seen_text_of(struct seen *seen, struct bytes what, const char *name, struct bytes text);

/* A refusal: its code and all that the answer tells (struct answer). */
void seen_refusal(struct seen *seen, const struct answer *answer, const struct moment *now,
    bool sku_in_path, bool is_stock);

/* Values that a table has given names: `version =v1` is whatever it was, then the same again. */
enum { KEPT_MAX = 16 };

struct kept {
    uint32_t count;
    struct seen_field values[KEPT_MAX];
};

/* NULL: nothing was kept under that name. */
const char *kept_find(const struct kept *kept, const char *name);

/* What the table says of it must be so. */
void seen_compare(const struct seen *seen, const struct table_line *line, struct kept *kept);

#endif
