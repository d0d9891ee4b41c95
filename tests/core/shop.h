/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shop - one to four engines on one shelf, in memory, with a log of records for each.
 *
 * A command runs as it does in the server: what is due first, then decide, apply, append. The disk
 * is shop_settle(); until then a log's tail is not durable. shop_reopen() is a crash: a new shelf
 * and new engines are built from the durable logs alone and must be the same.
 *
 * A restating walk goes on a step at a time (shop_restate); what is rebuilt begins at one of the
 * last complete walks, in turns.
 *
 * Ownership  One struct shop per test, closed by it.
 * Threads    One.
 * Units      Seconds and milliseconds in the names; clocks are the shop's own and stand still.
 * Errors     CHECK.
 * Cost       Heap memory, for tests only.
 */
#ifndef HOTSHELF_TESTS_CORE_SHOP_H
#define HOTSHELF_TESTS_CORE_SHOP_H

#include "core/engine.h"
#include "core/shelf.h"
#include "core/view.h"
#include "tests/lib/dice.h"

enum { SHOP_STARTS_MAX = 3 };

enum { SHOP_SHARDS_MAX = 4, SHOP_VISITS_MAX = 100000, SHOP_CARRY_SIZE = 256 * 1024 };

struct shop_log {
    uint8_t *data;
    size_t size, capacity;
    size_t settled;                 /* durable and settled up to here */
    size_t walk_begun;              /* where the newest restating walk begins */
    bool walks;                     /* its end is not durable yet */
    bool has_heads;                 /* it is past its heads, as read back */
    uint64_t walk_room;             /* bytes that images of it may still take */
    size_t starts[SHOP_STARTS_MAX]; /* where reading may begin: at the complete walks */
    uint32_t start_count;           /* ever; the first start is the log's beginning */
};

struct shop;

/* What a shop writes its records to instead of its logs. */
struct shop_books {
    void *context;
    /* Applies it, too, as shop_happen() does; answers how many records that made. */
    uint32_t (*record)(void *context, uint32_t shard, const struct event *event);
    /* The next record of the shard that is durable and not yet settled; false: none now. */
    bool (*next_durable)(void *context, uint32_t shard, struct event *event);
    /* Whether one more event that is due may happen now; NULL: always. */
    bool (*has_room)(void *context, uint32_t shard);
    /* A crash, and what is then read back goes into the shop's new engines. */
    void (*reopen)(void *context, struct shop *shop);
};

struct shop {
    uint32_t shards;
    struct capacity capacity;
    struct policy policy;
    struct arena arena;
    struct shelf *shelf;
    struct engine *engines[SHOP_SHARDS_MAX];
    struct shop_log logs[SHOP_SHARDS_MAX];
    const struct shop_books *books; /* NULL: the logs */
    struct moment now;
    struct dice dice;
    struct answer answer;   /* of the last command */
    bool settles_by_itself; /* after every command: the disk is fast */
    uint32_t last_shard;    /* that ran the last command */
    enum event_kind last_event;
    uint64_t in_full_journals; /* records */
    uint32_t replays;          /* chooses where the next one begins */
    bool forgets_walks; /* a start does not go on with those cut off: then none after it can */
    uint64_t resumed;   /* walks that were gone on with */
    _Alignas(16) uint8_t carry[SHOP_CARRY_SIZE]; /* of a command that visits several shards */
};

void shop_open(struct shop *shop, uint32_t shards, const struct capacity *capacity);
void shop_open_as(struct shop *shop, uint32_t shards, const struct capacity *capacity,
    const struct policy *policy);
void shop_close(struct shop *shop);

/* One that visits several shards makes all its visits, each after the one before is durable. */
enum outcome shop_run(struct shop *shop, const struct command *command);
/* One visit: what is due for the command first, then decide and apply; see answer.goes_on. */
void shop_visit(struct shop *shop, const struct command *command, uint32_t shard);
/* Fresh random bits for the next command: each visit and each passing of time begins with it. */
void shop_refresh(struct shop *shop);
/* One event is applied and recorded, as every other step here does it, behind the images that a
 * walk under way wants before it; answers how many records that made. */
uint32_t shop_happen(struct shop *shop, uint32_t shard, const struct event *event);
/* One more record of a restating walk: it begins, an image, it ends. False: not now. Only with
 * logs: books have walks of their own. */
bool shop_restate(struct shop *shop, uint32_t shard);
void shop_settle(struct shop *shop);
/* Settles the next record of one shard and answers its kind; EVENT_NONE when there is none. */
enum event_kind shop_settle_one(struct shop *shop, uint32_t shard);
/* The engines as they are before their first record. */
void shop_empty(struct shop *shop);
/* Time passes; what is due happens on every shard. */
void shop_pass(struct shop *shop, uint64_t ms);
/* Crash: everything that is not settled is lost, the rest is rebuilt and proved the same. Walks
 * that it has cut off behind their heads go on. */
void shop_reopen(struct shop *shop);
/* V1 and V2 for every SKU, by comparing the shared words with what the tables add up to. */
void shop_check(struct shop *shop);

/* Words of a merchant. */
void shop_product(struct shop *shop, const char *sku, int64_t price, uint32_t stock);
void shop_product_as(struct shop *shop, const struct product_image *image);
enum outcome shop_cart(struct shop *shop, const char *who, const char *sku, uint32_t quantity);
enum outcome shop_checkout(
    struct shop *shop, const char *who, const char *key, const char *sku, uint32_t quantity);
enum outcome shop_checkout_cart(struct shop *shop, const char *who, const char *key);
enum outcome shop_pay(struct shop *shop, const uint8_t id[16], uint8_t result,
    const char *payment_id, int64_t amount);
enum outcome shop_cancel(struct shop *shop, const char *who, const uint8_t id[16], const char *key);
enum outcome shop_stock(struct shop *shop, const char *sku, int64_t delta, const char *key);
/* name: of a sale or a SKU, NULL with SCOPE_ALL */
enum outcome shop_switch(
    struct shop *shop, enum switch_action action, enum switch_scope scope, const char *name);
/* The id and status of the order the last command was about. */
const uint8_t *shop_order_id(struct shop *shop);
uint8_t shop_order_status(struct shop *shop);
struct stock_numbers shop_numbers(struct shop *shop, const char *sku);

#endif
