/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/core/rules_play.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/check.h"
#include "core/tables.h"

static const struct capacity play_capacity = {
    .skus = 16,
    .customers = 64,
    .orders = 64,
    .holds = 64,
    .lines = 256,
    .text_bytes = 65536,
    .idempotency_keys = 256,
    .claims = 256,
    .allowances = 64,
    .identities = 64,
    .names = 16,
    .connections = 1,
    .requests = 1,
};

struct setting {
    const char *name;
    size_t offset;
};

static const struct setting policy_settings[] = {
    {"reservations.hold_seconds", offsetof(struct policy, hold_seconds)},
    {"reservations.payment_seconds", offsetof(struct policy, payment_seconds)},
    {"reservations.max_extensions", offsetof(struct policy, max_extensions)},
    {"reservations.max_life_seconds", offsetof(struct policy, max_life_seconds)},
    {"reservations.review_seconds", offsetof(struct policy, review_seconds)},
    {"reservations.cancel_seconds", offsetof(struct policy, cancel_seconds)},
    {"retention.order_keep_seconds", offsetof(struct policy, order_keep_seconds)},
    {"retention.late_payment_seconds", offsetof(struct policy, late_payment_seconds)},
    {"retention.idempotency_seconds", offsetof(struct policy, idempotency_seconds)},
    {"retention.cart_idle_seconds", offsetof(struct policy, cart_idle_seconds)},
    {"limits.lines_per_order", offsetof(struct policy, lines_per_order)},
    {"limits.lines_per_cart", offsetof(struct policy, lines_per_cart)},
    {"limits.units_per_line", offsetof(struct policy, units_per_line)},
    {"limits.max_open_orders", offsetof(struct policy, max_open_orders)},
    {"risk.review_score", offsetof(struct policy, risk_review_score)},
    {"risk.decline_score", offsetof(struct policy, risk_decline_score)},
};

static const struct setting capacity_settings[] = {
    {"capacity.orders", offsetof(struct capacity, orders)},
    {"capacity.holds", offsetof(struct capacity, holds)},
    {"capacity.lines", offsetof(struct capacity, lines)},
    {"capacity.customers", offsetof(struct capacity, customers)},
    {"capacity.idempotency_keys", offsetof(struct capacity, idempotency_keys)},
    {"capacity.allowances", offsetof(struct capacity, allowances)},
    {"capacity.identities", offsetof(struct capacity, identities)},
};

static bool set(
    const struct setting *settings, uint32_t count, void *values, const char *name, uint32_t value)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(settings[i].name, name) == 0) {
            memcpy((uint8_t *)values + settings[i].offset, &value, sizeof(value));
            return true;
        }
    }
    return false;
}

static void configure(
    struct table_line *line, struct policy *policy, struct capacity *capacity, uint32_t *shards)
{
    (void)line_word(line);
    const char *name = line_word(line), *value = line_word(line);
    if (strcmp(name, "payment.mode") == 0) {
        policy->payment_mode = strcmp(value, "deferred") == 0 ? PAYMENT_DEFERRED : PAYMENT_EXTERNAL;
        return;
    }
    if (strcmp(name, "reservations.reserve_on") == 0) {
        policy->reserve_on = strcmp(value, "cart") == 0 ? RESERVE_CART : RESERVE_CHECKOUT;
        return;
    }
    uint32_t number = (uint32_t)line_number(line, value);
    uint32_t policies = sizeof(policy_settings) / sizeof(policy_settings[0]);
    uint32_t capacities = sizeof(capacity_settings) / sizeof(capacity_settings[0]);
    if (strcmp(name, "server.shards") == 0)
        *shards = number;
    else if (!set(policy_settings, policies, policy, name, number) &&
             !set(capacity_settings, capacities, capacity, name, number))
        line_fail(line, "there is no setting '%s' in memory", name);
}

static bool open(struct play *play, const struct scenario *scenario, uint32_t shards)
{
    struct policy policy = POLICY_DEFAULT;
    struct capacity capacity = play_capacity;
    uint32_t only = shards;
    policy.reserve_on = RESERVE_CART;
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        struct table_line line = scenario->lines[i];
        if (strcmp(line.words[0], "config") == 0)
            configure(&line, &policy, &capacity, &only);
    }
    if (only != shards)
        return false;
    memset(play, 0, sizeof(*play));
    shop_open(&play->shop, shards, &capacity);
    play->shop.policy = policy;
    for (uint32_t shard = 0; shard < shards; shard++)
        play->shop.engines[shard]->policy = policy;
    return true;
}

static void play_config(struct play *play, struct table_line *line, struct seen *seen)
{
    (void)play;
    (void)line_word(line);
    (void)line_word(line);
    seen->is_success = true;
}

static void play_tick(struct play *play, struct table_line *line, struct seen *seen)
{
    int64_t ms = line_duration(line, line_word(line));
    CHECK(ms > 0);
    shop_pass(&play->shop, (uint64_t)ms);
    seen->is_success = true;
}

static void play_crash(struct play *play, struct table_line *line, struct seen *seen)
{
    (void)line;
    shop_reopen(&play->shop);
    seen->is_success = true;
}

static void play_at(struct play *play, struct table_line *line, struct seen *seen)
{
    if (strcmp(line_word(line), "once") != 0)
        line_fail(line, "is not 'at once'");
    play->at_once = true;
    play->shop.settles_by_itself = false;
    seen->is_success = true;
}

static void play_settled(struct play *play, struct table_line *line, struct seen *seen)
{
    (void)line;
    play->at_once = false;
    play->shop.settles_by_itself = true;
    shop_settle(&play->shop);
    seen->is_success = true;
}

static const struct {
    const char *name;
    play_word *word;
} words[] = {
    {"stock", play_stock},
    {"change", play_change},
    {"allot", play_allot},
    {"numbers", play_numbers},
    {"look", play_look},
    {"product", play_product},
    {"guest", play_guest},
    {"cart", play_cart},
    {"line", play_line_of},
    {"clear", play_clear},
    {"extend", play_extend},
    {"merge", play_merge},
    {"checkout", play_checkout},
    {"order", play_order},
    {"orders", play_orders},
    {"pay", play_pay},
    {"refund", play_refund},
    {"cancel", play_cancel},
    {"review", play_review},
    {"sale", play_sale},
    {"remove", play_remove},
    {"pause", play_pause},
    {"freeze", play_freeze},
    {"kill", play_kill},
    {"resume", play_resume},
    {"tick", play_tick},
    {"crash", play_crash},
    {"at", play_at},
    {"settled", play_settled},
    {"config", play_config},
};

static void play_one(struct play *play, struct table_line *line)
{
    const char *name = line_word(line);
    for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(words[i].name, name) != 0)
            continue;
        struct seen seen = {0};
        words[i].word(play, line, &seen);
        line_end(line);
        seen_compare(&seen, line, &play->kept);
        return;
    }
    line_fail(line, "nobody knows how to '%s'", name);
}

bool play_scenario(struct play *play, const struct scenario *scenario, uint32_t shards)
{
    if (!open(play, scenario, shards))
        return false;
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        struct table_line line = scenario->lines[i];
        play_one(play, &line);
        if (!play->at_once)
            shop_check(&play->shop);
    }
    shop_check(&play->shop);
    shop_reopen(&play->shop);
    shop_check(&play->shop);
    shop_close(&play->shop);
    return true;
}

struct bytes play_key(struct play *play, struct table_line *line)
{
    const char *named = line_option(line, "key");
    if (named != NULL)
        return bytes_of_string(named);
    (void)snprintf(play->key, sizeof(play->key), "key-of-its-own-%u", play->key_count++);
    return bytes_of_string(play->key);
}

bool play_is_guest(const struct play *play, struct bytes who)
{
    for (uint32_t i = 0; i < play->guest_count; i++) {
        if (bytes_equal(play->guests[i], who))
            return true;
    }
    return false;
}

bool play_run(struct play *play, const struct command *asked, struct seen *seen)
{
    struct shop *shop = &play->shop;
    struct command copy = *asked;
    const struct command *command = &copy;
    copy.guest = play_is_guest(play, copy.customer);
    bool is_stock = command->kind == COMMAND_STOCK_CHANGE || command->kind == COMMAND_STOCK_READ;
    seen->is_success = shop_run(shop, command) == OUTCOME_OK;
    if (seen->is_success)
        return true;
    seen_refusal(seen, &shop->answer, &shop->now, command->kind == COMMAND_CART_SET,
        is_stock && shop->answer.outcome != OUTCOME_NOT_FOUND);
    return false;
}

struct bytes play_bytes(const char *word)
{
    return word == NULL ? (struct bytes){0} : bytes_of_string(word);
}

int64_t play_time(const struct play *play, const struct table_line *line, const char *word)
{
    if (word == NULL)
        return 0;
    return play->shop.now.wall_ms + line_duration(line, word);
}

void play_currency(const char *word, uint8_t currency[4])
{
    memset(currency, 0, 4);
    if (word != NULL)
        memcpy(currency, word, strlen(word) < 3 ? strlen(word) : 3);
}

void play_if(struct play *play, struct table_line *line, struct command *command)
{
    const char *name = line_option(line, "if");
    if (name == NULL)
        return;
    const char *version = kept_find(&play->kept, name);
    if (version == NULL)
        line_fail(line, "no version was kept as %s", name);
    command->if_version_set = true;
    command->if_version_count = 1;
    command->if_versions[0] = (uint32_t)line_number(line, version);
}
