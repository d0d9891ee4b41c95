/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only a back end says of an order: adjustments, identities and risk, as words of a line. What
 * they become is what net/http/decode_service.c makes of the same in JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/check.h"
#include "core/tables.h"
#include "tests/core/rules_play.h"

static const char *const kinds[] = {"shipping", "tax", "discount", "fee"};

/* Every `shipping 50` of the line, as one JSON array; their number. */
static uint32_t read_adjustments(
    struct play *play, struct table_line *line, struct command *command)
{
    char *text = play->adjustments;
    size_t size_max = sizeof(play->adjustments), size = 0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        for (const char *word; (word = line_option(line, kinds[i])) != NULL; count++) {
            int64_t amount = line_number(line, word);
            size += (size_t)snprintf(text + size, size_max - size,
                "%c{\"kind\":\"%s\",\"amount\":%lld,\"seller\":null,\"reference\":null}",
                count == 0 ? '[' : ',', kinds[i], (long long)amount);
            CHECK(size < size_max);
            command->adjustments_sum += amount;
        }
    }
    if (count > 0)
        (void)snprintf(text + size, size_max - size, "]");
    command->adjustments = bytes_of(text, count > 0 ? (uint32_t)size + 1 : 0);
    return count;
}

static bool is_before(struct hash128 a, struct hash128 b)
{
    return a.high != b.high ? a.high < b.high : a.low < b.low;
}

/* Sorted, and one that is there twice is one. */
static void add_identity(struct command *command, struct hash128 *set, struct hash128 hash)
{
    uint32_t at = command->identity_count;
    for (uint32_t i = 0; i < at; i++) {
        if (hash128_equal(set[i], hash))
            return;
    }
    for (; at > 0 && is_before(hash, set[at - 1]); at--)
        set[at] = set[at - 1];
    set[at] = hash;
    command->identity_count++;
}

static uint32_t read_identities(struct play *play, struct table_line *line, struct command *command)
{
    uint32_t count = 0;
    command->identities = play->identities;
    for (const char *word; (word = line_option(line, "identity")) != NULL; count++) {
        struct bytes text = bytes_of_string(word);
        if (count < IDENTITIES_MAX)
            add_identity(command, play->identities, hash_parts(&text, 1));
    }
    return count;
}

static uint8_t read_decision(const struct table_line *line, const char *word)
{
    static const char *const decisions[] = {"approve", "review", "decline"};
    for (uint32_t i = 0; i < sizeof(decisions) / sizeof(decisions[0]); i++) {
        if (strcmp(word, decisions[i]) == 0)
            return (uint8_t)(RISK_APPROVE + i);
    }
    line_fail(line, "'%s' is no decision", word);
}

/* shipping 50 tax 20 discount -80 fee 5 | adjustments none */
bool play_adjustments(struct play *play, struct table_line *line, struct command *command)
{
    bool none = line_option(line, "adjustments") != NULL;
    uint32_t count = read_adjustments(play, line, command);
    command->adjustments_set = none || count > 0;
    return count <= ADJUSTMENTS_MAX;
}

bool play_service(struct play *play, struct table_line *line, struct command *command)
{
    const char *decision = line_option(line, "risk"), *score = line_option(line, "score");
    bool fits = play_adjustments(play, line, command);
    fits = read_identities(play, line, command) <= IDENTITIES_MAX && fits;
    if (decision != NULL)
        command->risk_decision = read_decision(line, decision);
    if (score != NULL)
        command->risk_score = (uint32_t)line_number(line, score);
    return fits;
}

void play_review(struct play *play, struct table_line *line, struct seen *seen)
{
    struct command command = {
        .kind = COMMAND_REVIEW, .role = ROLE_OPERATOR, .actor = BYTES("tests")};
    const struct play_order *order = play_order_of(play, line);
    memcpy(command.order_id, order->id, sizeof(order->id));
    command.review_decision = read_decision(line, line_word(line));
    play_run_order(play, &command, seen);
}

/* The sum of each kind, out of the text that an order carries. */
void play_see_adjustments(struct seen *seen, struct bytes adjustments)
{
    char text[ADJUSTMENTS_SIZE_MAX + 1], named[64];
    uint32_t count = 0;
    CHECK(adjustments.size < sizeof(text));
    memcpy(
        text, adjustments.data == NULL ? (const uint8_t *)"" : adjustments.data, adjustments.size);
    text[adjustments.size] = 0;
    for (uint32_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        int64_t sum = 0;
        uint32_t before = count;
        (void)snprintf(named, sizeof(named), "{\"kind\":\"%s\",\"amount\":", kinds[i]);
        for (const char *at = text; (at = strstr(at, named)) != NULL; count++) {
            at += strlen(named);
            sum += strtoll(at, NULL, 10);
        }
        if (count > before)
            seen_number(seen, kinds[i], sum);
    }
    seen_number(seen, "adjustments", count);
}
