/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row a key, in the order in which a scenario is read.
 */
#include "loadtest/scenario_keys.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(section, name, member)                                                                \
    {                                                                                              \
        section, name, KEY_TEXT, offsetof(struct scenario, member),                                \
            sizeof(((struct scenario *)0)->member), 0, 0                                           \
    }
#define COUNT(section, name, member, min, max)                                                     \
    {                                                                                              \
        section, name, KEY_COUNT, offsetof(struct scenario, member), 0, min, max                   \
    }
#define DECIMAL(section, name, member, min, max)                                                   \
    {                                                                                              \
        section, name, KEY_DECIMAL, offsetof(struct scenario, member), 0, min, max                 \
    }

const struct scenario_key scenario_keys[] = {
    TEXT("scenario", "description", description),
    COUNT("scenario", "connections", connections, 1, 60000),
    COUNT("scenario", "give_up_seconds", give_up_seconds, 0, 100000),
    {"scenario", "mode", KEY_MODE, offsetof(struct scenario, mode), 0, 0, 0},
    {"arrivals", "kind", KEY_ARRIVALS, offsetof(struct scenario, arrivals.kind), 0, 0, 0},
    DECIMAL("arrivals", "rate", arrivals.rate, 0, 1e7),
    DECIMAL("arrivals", "rate_end", arrivals.rate_end, 0, 1e7),
    DECIMAL("arrivals", "seconds", arrivals.seconds, 0, 1e6),
    COUNT("arrivals", "visits", arrivals.visits, 0, ARRIVALS_MAX),
    DECIMAL("arrivals", "first_percent", arrivals.first_percent, 1, 99),
    DECIMAL("arrivals", "first_seconds", arrivals.first_seconds, 0.001, 1e6),
    COUNT("visitors", "buyer", share[BEHAVIOUR_BUYER], 0, 10000),
    COUNT("visitors", "abandoner", share[BEHAVIOUR_ABANDONER], 0, 10000),
    COUNT("visitors", "bot", share[BEHAVIOUR_BOT], 0, 10000),
    COUNT("visitors", "refresher", share[BEHAVIOUR_REFRESHER], 0, 10000),
    COUNT("visitors", "searcher", share[BEHAVIOUR_SEARCHER], 0, 10000),
    COUNT("visitors", "impatient", share[BEHAVIOUR_IMPATIENT], 0, 10000),
    TEXT("baskets", "file", baskets.file),
    COUNT("baskets", "orders_max", baskets.orders_max, 0, 4e9),
    TEXT("baskets", "skus", baskets.skus),
    TEXT("baskets", "sale", baskets.sale),
    COUNT("baskets", "hot_skus", baskets.hot_skus, 0, 1000000),
    COUNT("baskets", "hot_percent", baskets.hot_percent, 0, 100),
    DECIMAL("baskets", "zipf", baskets.zipf, 0, 5),
    COUNT("baskets", "lines_max", baskets.lines_max, 1, 512),
    COUNT("baskets", "quantity_max", baskets.quantity_max, 1, 1000000),
    COUNT("baskets", "customers", baskets.customers, 0, ARRIVALS_MAX),
    COUNT("buyer", "look_percent", look_percent, 0, 100),
    COUNT("buyer", "heed_percent", heed_percent, 0, 100),
    COUNT("buyer", "cart_percent", cart_percent, 0, 100),
    COUNT("buyer", "cancel_percent", cancel_percent, 0, 100),
    COUNT("bot", "cart_percent", bot_cart_percent, 0, 100),
    COUNT("bot", "customers", bot_customers, 0, ARRIVALS_MAX),
    COUNT("refresher", "interval_ms", refresh_ms, 1, 3600000),
    COUNT("refresher", "looks_max", refresh_max, 1, 1000000),
    COUNT("searcher", "pages_max", pages_max, 1, 1000000),
    COUNT("searcher", "page_size", page_size, 1, 200),
    COUNT("impatient", "hang_up_percent", hang_up_percent, 0, 100),
    COUNT("impatient", "hang_up_ms", hang_up_ms, 0, 10000),
    {"think", "kind", KEY_THINK, offsetof(struct scenario, think), 0, 0, 0},
    COUNT("think", "ms", think_ms, 0, 3600000),
};
const uint32_t scenario_key_count = sizeof scenario_keys / sizeof scenario_keys[0];
_Static_assert(sizeof scenario_keys / sizeof scenario_keys[0] <= SCENARIO_KEYS_MAX, "keys");

static const char *think_name(int kind)
{
    static const char *const name[THINK_KINDS] = {"none", "constant", "exponential"};
    return name[kind];
}

static const char *arrivals_name(int kind)
{
    return arrivals_kind_name((enum arrivals_kind)kind);
}

/* The number of a word, or -1 with all the words in `reason`. */
static int find_word(
    const char *(*name)(int), int count, const char *text, char reason[SCENARIO_REASON_SIZE])
{
    size_t size = 0;
    for (int at = 0; at < count; at++) {
        if (strcmp(name(at), text) == 0)
            return at;
        size += (size_t)snprintf(reason + size, SCENARIO_REASON_SIZE - size, "%s%s",
            at == 0          ? "must be "
            : at + 1 < count ? ", "
                             : " or ",
            name(at));
    }
    return -1;
}

static int set_text(const struct scenario_key *key, char *value, const char *text, char *reason)
{
    if (strlen(text) >= key->size) {
        snprintf(reason, SCENARIO_REASON_SIZE, "has more than %zu bytes", key->size - 1);
        return -1;
    }
    memcpy(value, text, strlen(text) + 1);
    return 0;
}

static int set_number(const struct scenario_key *key, char *value, const char *text, char *reason)
{
    char *end;
    double number = strtod(text, &end);
    bool is_number = *end == '\0' && end != text && number >= key->min && number <= key->max;
    bool is_whole = is_number && number == (double)(uint64_t)number;
    if (!is_number || (key->type == KEY_COUNT && !is_whole)) {
        snprintf(reason, SCENARIO_REASON_SIZE, "must be a %snumber from %.10g to %.10g",
            key->type == KEY_COUNT ? "whole " : "", key->min, key->max);
        return -1;
    }
    if (key->type == KEY_DECIMAL)
        memcpy(value, &number, sizeof number);
    uint32_t count = (uint32_t)number;
    if (key->type == KEY_COUNT)
        memcpy(value, &count, sizeof count);
    return 0;
}

static int set_mode(struct scenario *scenario, const char *text, char *reason)
{
    if (strcmp(text, "deferred") != 0 && strcmp(text, "external") != 0) {
        snprintf(reason, SCENARIO_REASON_SIZE, "must be deferred or external");
        return -1;
    }
    snprintf(scenario->mode, sizeof scenario->mode, "%s", text);
    return 0;
}

int scenario_key_set(struct scenario *scenario, const struct scenario_key *key, const char *text,
    char reason[SCENARIO_REASON_SIZE])
{
    char *value = (char *)scenario + key->offset;
    int word = 0;
    switch (key->type) {
    case KEY_TEXT:
        return set_text(key, value, text, reason);
    case KEY_COUNT:
    case KEY_DECIMAL:
        return set_number(key, value, text, reason);
    case KEY_MODE:
        return set_mode(scenario, text, reason);
    case KEY_ARRIVALS:
        word = find_word(arrivals_name, ARRIVALS_KINDS, text, reason);
        scenario->arrivals.kind = word < 0 ? ARRIVALS_AT_ONCE : (enum arrivals_kind)word;
        break;
    case KEY_THINK:
        word = find_word(think_name, THINK_KINDS, text, reason);
        scenario->think = word < 0 ? THINK_NONE : (enum think_kind)word;
        break;
    }
    return word < 0 ? -1 : 0;
}

bool scenario_key_tell(
    const struct scenario *scenario, const struct scenario_key *key, char *text, size_t size)
{
    const char *value = (const char *)scenario + key->offset;
    double decimal;
    uint32_t count;
    switch (key->type) {
    case KEY_TEXT:
    case KEY_MODE:
        snprintf(text, size, "%s", value);
        return false;
    case KEY_ARRIVALS:
        snprintf(text, size, "%s", arrivals_kind_name(scenario->arrivals.kind));
        return false;
    case KEY_THINK:
        snprintf(text, size, "%s", think_name((int)scenario->think));
        return false;
    case KEY_DECIMAL:
        memcpy(&decimal, value, sizeof decimal);
        snprintf(text, size, "%.10g", decimal);
        return true;
    case KEY_COUNT:
        memcpy(&count, value, sizeof count);
        snprintf(text, size, "%u", count);
        return true;
    }
    return false;
}
