/* SPDX-License-Identifier: Apache-2.0 */
/*
 * race - what every race has: a running shop to race in, rounds, dice, and a table of outcomes.
 *
 *     race_open()  ->  for each round: questions at once, wires_settle(), JUDGE(..)  ->  race_end()
 *
 * A race reports one line, "RACE | SHARDS | ROUNDS | QUESTIONS | OUTCOMES", the table of the
 * suite. JUDGE names the rule that was broken, the round, the seed and the fact, and ends the
 * process.
 *
 * Names are unique: SKUs, customers and keys carry the race, its seed and its round, so that many
 * races share one server and nothing that one left disturbs another.
 *
 * Ownership  A struct race owns its wires.
 * Threads    One.
 * Units      Whole units; prices are 100 minor units of GBP each.
 * Errors     Whatever is not as it must be ends the process with exit code 1.
 * Cost       A round costs what its questions cost.
 */
#ifndef HOTSHELF_TESTS_RACES_RACE_H
#define HOTSHELF_TESTS_RACES_RACE_H

#include "tests/lib/dice.h"
#include "tests/races/wires.h"

enum {
    NAME_SIZE = 64,
    ORDER_ID_SIZE_TEXT = 40,
    BODY_SIZE = 4096,
    OUTCOMES_MAX = 48,
    PRICE = 100,
    DESK_WIRES = 4,
};

struct race_options {
    const char *name;
    const char *http, *admin; /* URLs */
    const char *token;
    uint32_t rounds;
    uint32_t shards;
    uint64_t seed;
    int server; /* its process, for races that stop it for a while; 0 unknown */
};

struct outcome_count {
    char words[NAME_SIZE];
    uint64_t count;
};

struct race {
    struct race_options options;
    uint32_t round;
    struct dice dice;
    struct wires front; /* the storefront */
    struct wires desk;  /* the merchant's desk: DESK_WIRES wires */
    struct outcome_count outcomes[OUTCOMES_MAX];
    uint32_t outcome_count;
    uint64_t names;
};

struct numbers {
    int64_t allotment, available, held, sold;
};

void race_open(struct race *race, const struct race_options *options, uint32_t wires);
void race_end(struct race *race);

/* Counts an outcome for the table: of an answer by status and code, or in any words. */
void race_count_answer(struct race *race, const struct wire *wire);
void race_count(struct race *race, const char *words, uint64_t count);

_Noreturn void race_fail(struct race *race, const char *rule, const char *fact, const char *format,
    ...) __attribute__((format(printf, 4, 5)));

#define JUDGE(race, rule, fact, ...)                                                               \
    do {                                                                                           \
        if (!(fact))                                                                               \
            race_fail((race), (rule), #fact, __VA_ARGS__);                                         \
    } while (0)

/* Wires in an order drawn anew, so that nobody is always first. */
void race_shuffle(struct race *race, uint32_t *order, uint32_t count);

/* Names of this round. */
void race_sku(const struct race *race, uint32_t round, uint32_t number, char name[NAME_SIZE]);
void race_customer(const struct race *race, uint32_t number, char name[NAME_SIZE]);
/* A customer who lives on that shard; never the same twice. */
void race_customer_of(struct race *race, uint32_t shard, char name[NAME_SIZE]);

/* What a product is sold with. */
struct offer_terms {
    uint32_t stock, limit;
    bool reserve_on_cart;
    uint32_t hold_seconds;
    const char *sale; /* NULL: none */
};

/* Puts SKUs on sale: for each round those numbered first to first + count - 1. */
void race_sell(struct race *race, uint32_t first, uint32_t count, const struct offer_terms *terms);

/* Questions of the storefront. */
void ask_put(struct wire *wire, const char *customer, const char *sku, uint32_t quantity);
void ask_cart(struct wire *wire, const char *customer);
/* items is a JSON array, NULL for the cart; deferred asks as role service. */
void ask_checkout(
    struct wire *wire, const char *customer, const char *key, const char *items, bool deferred);
void ask_order(struct wire *wire, const char *customer, const char *order_id);
void ask_cancel(struct wire *wire, const char *customer, const char *order_id, const char *key);
void ask_payment(struct wire *wire, const char *customer, const char *order_id, const char *result,
    const char *payment_id, int64_t amount);
void ask_available(struct wire *wire, const char *sku);

/* Questions of the desk. */
void ask_stock(struct wire *wire, const char *sku);
void ask_stock_change(struct wire *wire, const char *sku, const char *key, const char *body);
/* action is pause, freeze, kill or resume. */
void ask_switch(struct wire *wire, const char *action, const char *scope);

/* Waits for the answers; the counters of a SKU, which add up (V1). */
struct numbers race_stock(struct race *race, const char *sku);
struct numbers wire_numbers(struct wire *wire);

bool wire_is(const struct wire *wire, int status, const char *code);

/* Items of one or two lines for ask_checkout(). */
const char *items_of(char body[BODY_SIZE], const char *sku, uint32_t quantity);
const char *items_of_two(char body[BODY_SIZE], const char *first, const char *second);

/* The races. Each runs options.rounds rounds. */
void run_two_tabs(const struct race_options *options);
void run_limits(const struct race_options *options);
void run_double_clicks(const struct race_options *options);
void run_last_unit(const struct race_options *options);
void run_expiry(const struct race_options *options);
void run_cancel(const struct race_options *options);
void run_baskets(const struct race_options *options);
void run_lowering(const struct race_options *options);
void run_pause(const struct race_options *options);
void run_kill(const struct race_options *options);
void run_freeze(const struct race_options *options);
void run_merge(const struct race_options *options);

#endif
