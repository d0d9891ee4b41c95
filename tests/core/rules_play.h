/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules_play - carries out the lines of a scenario against the engine in memory (shop.h).
 *
 * Ownership  One struct play per scenario, closed by it; what is seen is the caller's.
 * Threads    One.
 * Units      As in shop.h.
 * Errors     A line that is answered otherwise fails the test; so do V1, V2 after any line.
 * Cost       After each line everything is rebuilt from the journal and compared.
 */
#ifndef HOTSHELF_TESTS_CORE_RULES_PLAY_H
#define HOTSHELF_TESTS_CORE_RULES_PLAY_H

#include "tests/core/rules_seen.h"
#include "tests/core/shop.h"

enum { PLAY_ORDERS_MAX = 32, PLAY_GUESTS_MAX = 8, PLAY_TEXT_SIZE = 64 };

struct play_order {
    char name[PLAY_TEXT_SIZE];
    char customer[PLAY_TEXT_SIZE];
    char payment_id[PLAY_TEXT_SIZE]; /* of the last money reported */
    uint8_t id[16];
};

struct play {
    struct shop shop;
    struct play_order orders[PLAY_ORDERS_MAX];
    uint32_t order_count;
    struct bytes guests[PLAY_GUESTS_MAX]; /* names of those without an account */
    uint32_t guest_count;
    uint32_t key_count; /* keys made up for lines that name none */
    char key[PLAY_TEXT_SIZE];
    char adjustments[2 * ADJUSTMENTS_SIZE_MAX]; /* of the line now, as JSON */
    struct hash128 identities[IDENTITIES_MAX];
    struct kept kept;
    bool at_once; /* records of the lines now are not durable before they are settled */
};

/* False: the scenario is not for that number of shards (config server.shards). */
bool play_scenario(struct play *play, const struct scenario *scenario, uint32_t shards);

/* One function per word that a line can begin with. */
typedef void play_word(struct play *play, struct table_line *line, struct seen *seen);

/* The shelf: rules_shelf.c. */
play_word play_stock, play_change, play_allot, play_numbers, play_look, play_product;
/* Customers: rules_cart.c. */
play_word play_guest, play_cart, play_line_of, play_clear, play_extend, play_merge;
/* Orders: rules_order.c. */
play_word play_checkout, play_order, play_orders, play_pay, play_refund, play_cancel;
/* Back ends: rules_service.c. */
play_word play_review;
/* Sales and switches: rules_switch.c. */
play_word play_pause, play_freeze, play_kill, play_resume, play_sale, play_remove;

/* The Idempotency-Key of a line, or one that nobody else has. */
struct bytes play_key(struct play *play, struct table_line *line);
/* Runs it and notes how it went; true: it went well and the answer can be read. */
bool play_run(struct play *play, const struct command *command, struct seen *seen);
struct bytes play_bytes(const char *word);
/* Somebody whom a line `guest` has named. */
bool play_is_guest(const struct play *play, struct bytes who);
/* A point of time as Unix milliseconds; 0 without one. */
int64_t play_time(const struct play *play, const struct table_line *line, const char *word);
/* `if v1`: the version of the cart, or of the sale, that was seen (If-Match); 0 without. */
void play_if(struct play *play, struct table_line *line, struct command *command);
/* What only role service may say; false: more of it than the decoder lets through. */
bool play_adjustments(struct play *play, struct table_line *line, struct command *command);
bool play_service(struct play *play, struct table_line *line, struct command *command);
void play_see_adjustments(struct seen *seen, struct bytes adjustments);
/* The order whose name stands next in the line. */
struct play_order *play_order_of(struct play *play, struct table_line *line);
/* Runs it and notes the order as it is then, or why not. */
void play_run_order(struct play *play, const struct command *command, struct seen *seen);
/* Three letters and a 0. */
void play_currency(const char *word, uint8_t currency[4]);

#endif
