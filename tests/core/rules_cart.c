/* SPDX-License-Identifier: Apache-2.0 */
/* What a customer does to a cart and sees of it. */
#include <string.h>

#include "core/check.h"
#include "core/tables.h"
#include "net/http/problem.h"
#include "tests/core/rules_play.h"

static const char *state_name(uint8_t state)
{
    switch ((enum line_state)state) {
    case LINE_NONE:
        return "none";
    case LINE_HELD:
        return "held";
    case LINE_EXPIRED:
        return "expired";
    case LINE_MOVED:
        return "moved";
    }
    return "?";
}

static void see_line(const struct play *play, struct seen *seen, const struct cart_line_view *line)
{
    bool frozen = switches_frozen(&play->shop.shelf->switches);
    seen_word(seen, frozen && line->state == LINE_HELD ? "frozen" : state_name(line->state));
    seen_number(seen, "quantity", line->quantity);
    seen_number(seen, "unit_price", line->unit_price);
    seen_number(seen, "line_total", line->line_total);
    seen_number(seen, "extensions_left", line->extensions_left);
    if (line->state == LINE_HELD)
        seen_number(
            seen, "expires_in", (int64_t)(line->deadline_shelf_ms - play->shop.now.shelf_ms));
}

static void see_cart(const struct play *play, struct seen *seen, const char *who, const char *sku)
{
    const struct shop *shop = &play->shop;
    const struct engine *engine = shop->engines[shop->last_shard];
    struct cart_view cart;
    engine_cart(engine, customer_find(engine, bytes_of_string(who)), &cart);
    if (sku != NULL)
        seen_word(seen, "absent");
    for (uint32_t i = 0; sku != NULL && i < cart.line_count; i++) {
        if (bytes_equal(cart.lines[i].sku, bytes_of_string(sku)))
            see_line(play, seen, &cart.lines[i]);
    }
    seen_number(seen, "lines", cart.line_count);
    seen_number(seen, "items_total", cart.items_total);
    seen_number(seen, "version", cart.version);
    seen_text(seen, "currency", bytes_of(cart.currency, cart.currency[0] == 0 ? 0 : 3));
}

static void read_cart(struct play *play, const char *who, const char *sku, struct seen *seen)
{
    struct command command = {
        .kind = COMMAND_CART_READ, .role = ROLE_CUSTOMER, .customer = bytes_of_string(who)};
    if (play_run(play, &command, seen))
        see_cart(play, seen, who, sku);
}

/* guest gus: from now on he is one. */
void play_guest(struct play *play, struct table_line *line, struct seen *seen)
{
    CHECK(play->guest_count < PLAY_GUESTS_MAX);
    play->guests[play->guest_count++] = bytes_of_string(line_word(line));
    seen_word(seen, "created");
    seen->is_success = true;
}

void play_cart(struct play *play, struct table_line *line, struct seen *seen)
{
    const char *currency = line_option(line, "currency");
    const char *who = line_word(line);
    if (!line_has_more(line)) {
        read_cart(play, who, NULL, seen);
        return;
    }
    struct command command = {
        .kind = COMMAND_CART_SET, .role = ROLE_CUSTOMER, .customer = bytes_of_string(who)};
    play_if(play, line, &command);
    const char *sku = line_word(line);
    command.sku = bytes_of_string(sku);
    command.quantity = (uint32_t)line_number(line, line_word(line));
    play_currency(currency, command.currency);
    if (play_run(play, &command, seen))
        see_cart(play, seen, who, sku);
    if (seen->is_success && command.quantity == 0)
        seen_word(seen, "gone");
}

void play_line_of(struct play *play, struct table_line *line, struct seen *seen)
{
    const char *who = line_word(line);
    read_cart(play, who, line_word(line), seen);
}

void play_clear(struct play *play, struct table_line *line, struct seen *seen)
{
    struct command command = {.kind = COMMAND_CART_CLEAR, .role = ROLE_CUSTOMER};
    play_if(play, line, &command);
    command.customer = bytes_of_string(line_word(line));
    if (play_run(play, &command, seen))
        seen_word(seen, "ok");
}

void play_extend(struct play *play, struct table_line *line, struct seen *seen)
{
    struct command command = {.kind = COMMAND_CART_EXTEND, .role = ROLE_CUSTOMER};
    play_if(play, line, &command);
    const char *who = line_word(line);
    command.customer = bytes_of_string(who);
    if (!play_run(play, &command, seen))
        return;
    seen_word(seen, "ok");
    see_cart(play, seen, who, NULL);
}

/* How many entries the list has, and for each how many units went for what reason. */
static void see_dropped(struct seen *seen, const struct answer *answer)
{
    seen_number(seen, "dropped", answer->line_count);
    for (uint32_t i = 0; i < answer->line_count; i++) {
        const struct answer_line *line = &answer->lines[i];
        seen_number_of(seen, line->sku, problem_name(problem_of_outcome(line->outcome, false)),
            line->quantity);
    }
}

/* merge gus into ann */
void play_merge(struct play *play, struct table_line *line, struct seen *seen)
{
    struct command command = {.kind = COMMAND_CART_MERGE, .role = ROLE_CUSTOMER};
    play_if(play, line, &command);
    const char *guest = line_word(line);
    if (!play_is_guest(play, bytes_of_string(guest)))
        line_fail(line, "%s is no guest", guest);
    if (strcmp(line_word(line), "into") != 0)
        line_fail(line, "is not 'merge %s into' somebody", guest);
    const char *who = line_word(line);
    command.customer = bytes_of_string(who);
    command.guest_id = bytes_of_string(guest);
    if (!play_run(play, &command, seen))
        return;
    seen_word(seen, "merged");
    see_cart(play, seen, who, NULL);
    see_dropped(seen, &play->shop.answer);
}
