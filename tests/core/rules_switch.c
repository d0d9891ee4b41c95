/* SPDX-License-Identifier: Apache-2.0 */
/* What a merchant stops and opens again, and how a sale is described. */
#include <string.h>

#include "tests/core/rules_play.h"

/* all | sale drop | sku S1 */
static void read_scope(struct table_line *line, struct command *command)
{
    const char *scope = line_word(line);
    command->switch_scope = SCOPE_ALL;
    if (strcmp(scope, "all") == 0)
        return;
    struct bytes name = bytes_of_string(line_word(line));
    bool is_sale = strcmp(scope, "sale") == 0;
    if (!is_sale && strcmp(scope, "sku") != 0)
        line_fail(line, "'%s' is neither all, sale nor sku", scope);
    command->switch_scope = is_sale ? SCOPE_SALE : SCOPE_SKU;
    *(is_sale ? &command->sale : &command->sku) = name;
}

/* Of one SKU or one sale a kill says what came back; of everything other scenarios may be in it. */
static void play_switch(
    struct play *play, struct table_line *line, enum switch_action action, struct seen *seen)
{
    struct command command = {
        .kind = COMMAND_SWITCH,
        .role = ROLE_OPERATOR,
        .actor = BYTES("tests"),
        .switch_action = (uint8_t)action,
    };
    read_scope(line, &command);
    if (action == SWITCH_FREEZE && command.switch_scope != SCOPE_ALL) { /* as the decoder answers */
        seen_word(seen, "invalid");
        return;
    }
    if (!play_run(play, &command, seen))
        return;
    const struct answer *answer = &play->shop.answer;
    struct bytes state = switches_name(answer->switched);
    seen_text(seen, "state", state);
    seen_word(seen, seen->fields[0].value);
    if (action != SWITCH_KILL || command.switch_scope == SCOPE_ALL)
        return;
    seen_number(seen, "released", (int64_t)answer->released);
    seen_number(seen, "cancelled", (int64_t)answer->cancelled);
}

void play_pause(struct play *play, struct table_line *line, struct seen *seen)
{
    play_switch(play, line, SWITCH_PAUSE, seen);
}

void play_freeze(struct play *play, struct table_line *line, struct seen *seen)
{
    play_switch(play, line, SWITCH_FREEZE, seen);
}

void play_kill(struct play *play, struct table_line *line, struct seen *seen)
{
    play_switch(play, line, SWITCH_KILL, seen);
}

void play_resume(struct play *play, struct table_line *line, struct seen *seen)
{
    play_switch(play, line, SWITCH_RESUME, seen);
}

static uint32_t read_seconds(struct table_line *line, const char *option)
{
    const char *word = line_option(line, option);
    return word == NULL ? 0 : (uint32_t)(line_duration(line, word) / 1000);
}

/* exact | capped:9 | boolean */
static void read_counts(const struct table_line *line, struct sale_image *image, const char *counts)
{
    static const char capped[] = "capped:";
    if (strncmp(counts, capped, strlen(capped)) == 0) {
        image->counts = COUNTS_CAPPED;
        image->counts_cap = (uint32_t)line_number(line, counts + strlen(capped));
    } else if (strcmp(counts, "boolean") == 0) {
        image->counts = COUNTS_BOOLEAN;
    } else if (strcmp(counts, "exact") != 0) {
        line_fail(line, "'%s' is no way to show counts", counts);
    }
}

static void read_sale(struct play *play, struct table_line *line, struct sale_image *image)
{
    const char *word;
    image->starts_wall_ms = play_time(play, line, line_option(line, "starts"));
    image->ends_wall_ms = play_time(play, line, line_option(line, "ends"));
    image->hold_seconds = read_seconds(line, "hold");
    image->payment_seconds = read_seconds(line, "pay_within");
    image->review_seconds = read_seconds(line, "review_within");
    if ((word = line_option(line, "reserve_on")) != NULL)
        image->reserve_on = strcmp(word, "cart") == 0 ? RESERVE_CART : RESERVE_CHECKOUT;
    if ((word = line_option(line, "mode")) != NULL)
        image->payment_mode = strcmp(word, "deferred") == 0 ? PAYMENT_DEFERRED : PAYMENT_EXTERNAL;
    if ((word = line_option(line, "max")) != NULL)
        image->max_per_customer = (uint32_t)line_number(line, word);
    if ((word = line_option(line, "counts")) != NULL)
        read_counts(line, image, word);
    if ((word = line_option(line, "guests")) != NULL)
        image->guests = strcmp(word, "refused") == 0 ? GUESTS_REFUSED : GUESTS_ALLOWED;
}

/* The whole of it: what the line leaves out is the configuration's, or none. */
void play_sale(struct play *play, struct table_line *line, struct seen *seen)
{
    struct sale_image image = {0};
    struct command command = {
        .kind = COMMAND_SALE_SET,
        .role = ROLE_OPERATOR,
        .actor = BYTES("tests"),
        .sale_image = &image,
    };
    read_sale(play, line, &image);
    command.sale = bytes_of_string(line_word(line));
    if (!play_run(play, &command, seen))
        return;
    seen_word(seen, play->shop.answer.created ? "created" : "updated");
    seen_number(seen, "version", play->shop.answer.version);
}

/* A conflict with nothing to say of the sale is about another one, or an import. */
static void see_kept(const struct play *play, struct seen *seen)
{
    const struct answer *answer = &play->shop.answer;
    const struct removal_counts *counts = &answer->removal;
    if (answer->outcome != OUTCOME_VERSION_CONFLICT || answer->removable_wall_ms == 0)
        return;
    seen_number(seen, "not_final", counts->not_final);
    seen_number(seen, "not_streamed", counts->not_streamed);
    seen_number(seen, "shared", counts->shared);
    seen_number(seen, "held", counts->held);
    if (answer->removable_wall_ms != INT64_MAX)
        seen_number(seen, "removable_in", answer->removable_wall_ms - play->shop.now.wall_ms);
}

void play_remove(struct play *play, struct table_line *line, struct seen *seen)
{
    struct command command = {
        .kind = COMMAND_SALE_REMOVE,
        .role = ROLE_OPERATOR,
        .actor = BYTES("tests"),
    };
    play_if(play, line, &command);
    command.sale = bytes_of_string(line_word(line));
    if (play_run(play, &command, seen))
        seen_word(seen, "removed");
    else
        see_kept(play, seen);
}
