/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/core/rules_seen.h"

#include <stdio.h>
#include <string.h>

#include "core/check.h"
#include "core/counts.h"
#include "net/http/problem.h"

void seen_word(struct seen *seen, const char *word)
{
    (void)snprintf(seen->word, sizeof(seen->word), "%s", word);
}

static struct seen_field *add(struct seen *seen)
{
    CHECK(seen->count < SEEN_FIELDS_MAX);
    return &seen->fields[seen->count++];
}

void seen_number(struct seen *seen, const char *name, int64_t number)
{
    seen_number_of(seen, (struct bytes){0}, name, number);
}

void seen_text(struct seen *seen, const char *name, struct bytes text)
{
    seen_text_of(seen, (struct bytes){0}, name, text);
}

static struct seen_field *add_named(struct seen *seen, struct bytes what, const char *name)
{
    struct seen_field *field = add(seen);
    (void)snprintf(field->name, sizeof(field->name), "%.*s%s%s", (int)what.size,
        what.size > 0 ? (const char *)what.data : "", what.size > 0 && name[0] != 0 ? "." : "",
        name);
    return field;
}

void seen_number_of(struct seen *seen, struct bytes what, const char *name, int64_t number)
{
    struct seen_field *field = add_named(seen, what, name);
    (void)snprintf(field->value, sizeof(field->value), "%lld", (long long)number);
}

void seen_text_of(struct seen *seen, struct bytes what, const char *name, struct bytes text)
{
    struct seen_field *field = add_named(seen, what, name);
    CHECK(text.size < sizeof(field->value));
    (void)snprintf(field->value, sizeof(field->value), "%.*s", (int)text.size,
        text.size > 0 ? (const char *)text.data : "none");
    if (text.size == 0)
        (void)snprintf(field->value, sizeof(field->value), "none");
}

static const char *code_of(enum outcome outcome, bool in_path)
{
    return problem_name(problem_of_outcome(outcome, in_path));
}

/* What a reply tells of one line, or of the one SKU that it is about: as net/http/render_refusal.
 */
static void put_reasons(
    struct seen *seen, struct bytes what, const struct answer_line *line, const struct moment *now)
{
    enum outcome outcome = line->outcome;
    if (outcome == OUTCOME_SOLD_OUT || outcome == OUTCOME_HELD_BY_OTHERS ||
        outcome == OUTCOME_INSUFFICIENT) {
        if (line->available != COUNT_HIDDEN)
            seen_number_of(seen, what, "available", line->available);
        if (line->next_release_shelf_ms != 0 && !now->frozen)
            seen_number_of(seen, what, "next_release_in",
                (int64_t)(line->next_release_shelf_ms - now->shelf_ms));
    }
    if (outcome == OUTCOME_LIMIT_EXCEEDED) {
        seen_number_of(seen, what, "limit", line->limit);
        seen_number_of(seen, what, "used", line->used);
    }
    if (outcome == OUTCOME_SALE_NOT_STARTED)
        seen_number_of(seen, what, "starts_in", line->starts_wall_ms - now->wall_ms);
}

static void put_stock(struct seen *seen, const struct answer *answer)
{
    seen_number(seen, "allotment", answer->allotment);
    seen_number(seen, "available", answer->stock_available);
    seen_number(seen, "held", answer->held);
    seen_number(seen, "sold", answer->sold);
    seen_number(seen, "short", answer->short_units);
}

void seen_refusal(struct seen *seen, const struct answer *answer, const struct moment *now,
    bool sku_in_path, bool is_stock)
{
    const struct answer_line whole = {
        .outcome = answer->outcome,
        .available = answer->available,
        .limit = answer->limit,
        .used = answer->used,
        .next_release_shelf_ms = answer->next_release_shelf_ms,
        .starts_wall_ms = answer->starts_wall_ms,
    };
    seen_word(seen, code_of(answer->outcome, sku_in_path));
    if (is_stock)
        put_stock(seen, answer);
    else if (answer->line_count <= 1)
        put_reasons(seen, (struct bytes){0}, &whole, now);
    if (answer->bound != NULL) {
        seen_text(seen, "bound", bytes_of_string(answer->bound));
        seen_number(seen, "value", (int64_t)answer->bound_value);
    }
    if (answer->outcome == OUTCOME_PRICE_CHANGED)
        seen_number(seen, "items_total", answer->items_total);
    if (answer->outcome == OUTCOME_STALE_VERSION)
        seen_number(seen, "version", answer->version);
    seen_number(seen, "refused", answer->line_count);
    for (uint32_t i = 0; i < answer->line_count; i++) {
        const struct answer_line *line = &answer->lines[i];
        seen_text_of(seen, line->sku, "", bytes_of_string(code_of(line->outcome, false)));
        put_reasons(seen, line->sku, line, now);
    }
}

static void differs(const struct seen *seen, const struct table_line *line, const char *what)
{
    char text[4096];
    int size = snprintf(text, sizeof(text), "%s: it was %s%s", what,
        seen->word[0] != 0 ? seen->word : "seen", seen->is_replayed ? " replayed" : "");
    for (uint32_t i = 0; i < seen->count && size > 0 && (size_t)size < sizeof(text); i++)
        size += snprintf(text + size, sizeof(text) - (size_t)size, " %s %s", seen->fields[i].name,
            seen->fields[i].value);
    line_fail(line, "%s", text);
}

/* `said` is one word or several with | between them. */
static bool is_one_of(const struct seen *seen, const char *said)
{
    for (const char *at = said; at != NULL; at = strchr(at, '|')) {
        at += *at == '|';
        size_t size = strcspn(at, "|");
        if (size == strlen(seen->word) && strncmp(at, seen->word, size) == 0)
            return true;
        if (seen->is_success && size == 2 && strncmp(at, "ok", 2) == 0)
            return true;
    }
    return false;
}

const char *kept_find(const struct kept *kept, const char *name)
{
    for (uint32_t i = 0; i < kept->count; i++) {
        if (strcmp(kept->values[i].name, name) == 0)
            return kept->values[i].value;
    }
    return NULL;
}

/* The value that stands for itself, or for what was kept under its name; kept now if need be. */
static const char *meant(
    const struct seen *seen, const char *field, const char *value, struct kept *kept)
{
    if (value[0] != '=')
        return value;
    const char *known = kept_find(kept, value + 1);
    for (uint32_t i = 0; known == NULL && i < seen->count; i++) {
        if (strcmp(seen->fields[i].name, field) != 0)
            continue;
        CHECK(kept->count < KEPT_MAX);
        struct seen_field *added = &kept->values[kept->count++];
        (void)snprintf(added->name, sizeof(added->name), "%s", value + 1);
        memcpy(added->value, seen->fields[i].value, sizeof(added->value));
        known = added->value;
    }
    return known == NULL ? value : known;
}

static void compare_field(
    const struct seen *seen, const struct table_line *line, const char *name, const char *value)
{
    char said[SEEN_SIZE_MAX];
    int64_t ms;
    (void)snprintf(said, sizeof(said), "%s", value);
    if (duration_read(value, &ms))
        (void)snprintf(said, sizeof(said), "%lld", (long long)ms);
    for (uint32_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->fields[i].name, name) != 0)
            continue;
        if (strcmp(seen->fields[i].value, said) != 0)
            differs(seen, line, name);
        return;
    }
    if (strcmp(value, "none") != 0)
        differs(seen, line, name);
}

void seen_compare(const struct seen *seen, const struct table_line *line, struct kept *kept)
{
    bool said_replayed = false;
    uint32_t at = 0;
    if (line->has_answer && line->answer_count == 0)
        line_fail(line, "no answer stands behind the arrow");
    if (seen->word[0] != 0 &&
        !(at < line->answer_count ? is_one_of(seen, line->answer[at++]) : seen->is_success))
        differs(seen, line, "another outcome");
    while (at < line->answer_count) {
        const char *name = line->answer[at++];
        if (strcmp(name, "replayed") == 0) {
            said_replayed = true;
            continue;
        }
        if (at == line->answer_count)
            line_fail(line, "'%s' has no value", name);
        const char *value = line->answer[at++];
        if (strcmp(name, "as") != 0)
            compare_field(seen, line, name, meant(seen, name, value, kept));
    }
    if (said_replayed != seen->is_replayed)
        differs(seen, line, "replayed or not");
}
