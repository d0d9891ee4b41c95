/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/core/shop.h"

#include "core/check.h"
#include "core/engine_steps.h"
#include "core/restate.h"
#include "core/set_aside.h"
#include "persist/record.h"
#include "tests/lib/memory.h"

/* Below 8 MiB, which jemalloc would give back to the kernel each time: shops are built often. */
enum { ARENA_SIZE = 24 << 20 };

static void build(struct shop *shop)
{
    memory_open(&shop->arena, ARENA_SIZE);
    shop->shelf = arena_take(&shop->arena, "shelf", 1, sizeof(*shop->shelf));
    shelf_init(shop->shelf, &shop->arena, &shop->capacity);
    for (uint32_t i = 0; i < shop->shards; i++)
        shop->engines[i] = engine_create(
            &shop->arena, shop->shelf, &shop->policy, &shop->capacity, i, shop->shards, 42 + i);
}

void shop_open(struct shop *shop, uint32_t shards, const struct capacity *capacity)
{
    struct policy policy = POLICY_DEFAULT;
    shop_open_as(shop, shards, capacity, &policy);
}

void shop_open_as(struct shop *shop, uint32_t shards, const struct capacity *capacity,
    const struct policy *policy)
{
    CHECK(shards <= SHOP_SHARDS_MAX);
    *shop = (struct shop){
        .shards = shards,
        .capacity = *capacity,
        .policy = *policy,
        .now = {.shelf_ms = 1000, .wall_ms = 1700000000000, .streamed_seq = UINT64_MAX},
        .dice = dice_of(7),
        .settles_by_itself = true,
    };
    build(shop);
}

void shop_close(struct shop *shop)
{
    memory_close(&shop->arena);
    for (uint32_t i = 0; i < SHOP_SHARDS_MAX; i++)
        free(shop->logs[i].data);
}

static void append(struct shop *shop, uint32_t shard, const struct event *event)
{
    struct shop_log *log = &shop->logs[shard];
    uint32_t size = record_size(event);
    if (log->size + size > log->capacity) {
        log->capacity = 2 * log->capacity + size + 4096;
        log->data = realloc(log->data, log->capacity);
        CHECK(log->data != NULL);
    }
    record_encode(event, log->data + log->size);
    log->size += size;
}

/* As in the server: applied as decided, then appended. What the journal is given must be what was
 * decided, so nothing of the event may lie in what apply changes. */
static void happen(struct shop *shop, uint32_t shard, const struct event *event)
{
    struct shop_log *log = &shop->logs[shard];
    size_t before = log->size;
    append(shop, shard, event);
    engine_apply(shop->engines[shard], event);
    size_t after = log->size;
    append(shop, shard, event);
    CHECK(log->size - after == after - before);
    CHECK(memcmp(log->data + before, log->data + after, after - before) == 0);
    log->size = after;
}

/* All images of a walk fit what it was said to take when it began. */
static void happen_image(struct shop *shop, uint32_t shard, const struct event *image)
{
    struct shop_log *log = &shop->logs[shard];
    uint32_t size = record_size(image);
    if (image->kind == EVENT_WALK_BEGUN)
        log->walk_room = engine_walk_bytes(shop->engines[shard]);
    CHECK(size <= log->walk_room);
    log->walk_room -= size;
    happen(shop, shard, image);
}

static bool is_of_a_switch(enum event_kind kind)
{
    return kind == EVENT_SWITCH_SET || kind == EVENT_KILL_BEGUN || kind == EVENT_KILL_ENDED;
}

/* Behind the images that a walk wants before it. */
static uint32_t record(struct shop *shop, uint32_t shard, const struct event *event)
{
    struct event image;
    uint32_t records = 1;
    if (shop->books != NULL)
        return shop->books->record(shop->books->context, shard, event);
    for (; restate_before(shop->engines[shard], event, &image); records++)
        happen_image(shop, shard, &image);
    happen(shop, shard, event);
    return records;
}

/* S5: what is recorded in a full journal takes its own size off what is set aside, a walk with all
 * of it included: so the sum of all that comes is not more than what was announced. */
uint32_t shop_happen(struct shop *shop, uint32_t shard, const struct event *event)
{
    const struct engine *engine = shop->engines[shard];
    struct set_aside before = engine_set_aside(engine);
    uint64_t walk_before = engine_walk_bytes(engine);
    uint32_t size = record_size(event);
    shop->last_event = event->kind;
    uint32_t records = record(shop, shard, event);
    struct set_aside after = engine_set_aside(engine);
    if (!shop->now.journal_full || is_of_a_switch(event->kind))
        return records;
    CHECK(size + after.bytes + engine_walk_bytes(engine) <= before.bytes + walk_before);
    CHECK(1 + after.records <= before.records);
    shop->in_full_journals++;
    return records;
}

bool shop_restate(struct shop *shop, uint32_t shard)
{
    struct engine *engine = shop->engines[shard];
    struct event event;
    struct shop_log *log = &shop->logs[shard];
    if (!restate_is_under_way(engine)) {
        if (log->walks || !restate_may_begin(engine))
            return false;
        log->walks = true;
        log->walk_begun = log->size;
        restate_begin(engine, &shop->now, 0, 0, &event);
    } else if (!restate_next(engine, &event)) {
        if (!restate_is_done(engine))
            return false;
        restate_end(engine, &event);
    }
    happen_image(shop, shard, &event);
    return true;
}

void shop_refresh(struct shop *shop)
{
    shop->now.random = dice_next(&shop->dice);
    shop->now.frozen = switches_frozen(&shop->shelf->switches);
}

static void settle_shard(struct shop *shop, uint32_t shard)
{
    while (shop_settle_one(shop, shard) != EVENT_NONE)
        continue;
}

void shop_visit(struct shop *shop, const struct command *command, uint32_t shard)
{
    struct event event;
    shop_refresh(shop);
    while (engine_due_of(shop->engines[shard], command, &shop->now, &event))
        shop_happen(shop, shard, &event);
    shop->last_event = EVENT_NONE;
    engine_decide(shop->engines[shard], command, &shop->now, &event, &shop->answer);
    if (event.kind != EVENT_NONE)
        shop_happen(shop, shard, &event);
    if (shop->answer.order_index == UINT32_MAX && event_is_order(event.kind))
        shop->answer.order_index = order_find(shop->engines[shard], event.fact.order.id);
    shop->last_shard = shard;
}

enum outcome shop_run(struct shop *shop, const struct command *command)
{
    struct command visiting = *command;
    if (visiting.carry == NULL) {
        visiting.carry = shop->carry;
        visiting.carry_size_max = sizeof(shop->carry);
    }
    shop_visit(shop, &visiting, command_shard(command, shop->shards));
    for (uint32_t visits = 1; shop->answer.goes_on; visits++) {
        CHECK(visits < SHOP_VISITS_MAX);
        settle_shard(shop, shop->last_shard);
        visiting.step = shop->answer.next_step;
        shop_visit(shop, &visiting, shop->answer.next_shard);
    }
    if (shop->settles_by_itself)
        shop_settle(shop);
    return shop->answer.outcome;
}

enum event_kind shop_settle_one(struct shop *shop, uint32_t shard)
{
    struct shop_log *log = &shop->logs[shard];
    struct event event;
    uint32_t consumed;
    if (shop->books != NULL) {
        bool found = shop->books->next_durable(shop->books->context, shard, &event);
        if (found)
            engine_settle(shop->engines[shard], &event);
        return found ? event.kind : EVENT_NONE;
    }
    if (log->settled == log->size)
        return EVENT_NONE;
    struct bytes rest = bytes_of(log->data + log->settled, (uint32_t)(log->size - log->settled));
    CHECK(record_decode(rest, &event, &consumed) == 0);
    engine_settle(shop->engines[shard], &event);
    log->settled += consumed;
    if (event.kind == EVENT_WALK_ENDED) {
        log->starts[++log->start_count % SHOP_STARTS_MAX] = log->walk_begun;
        log->walks = false;
    }
    return event.kind;
}

void shop_settle(struct shop *shop)
{
    for (uint32_t shard = 0; shard < shop->shards; shard++)
        settle_shard(shop, shard);
}

static bool has_room(const struct shop *shop, uint32_t shard)
{
    const struct shop_books *books = shop->books;
    return books == NULL || books->has_room == NULL || books->has_room(books->context, shard);
}

void shop_pass(struct shop *shop, uint64_t ms)
{
    struct event event;
    if (!switches_frozen(&shop->shelf->switches)) /* W4 */
        shop->now.shelf_ms += ms;
    shop->now.monotonic_ms += ms;
    shop->now.wall_ms += (int64_t)ms;
    for (uint32_t shard = 0; shard < shop->shards; shard++) {
        shop_refresh(shop);
        while (has_room(shop, shard) && engine_due(shop->engines[shard], &shop->now, &event))
            shop_happen(shop, shard, &event);
    }
    if (shop->settles_by_itself)
        shop_settle(shop);
}

/* From the newest complete walk or one before it: then reading runs through the newer ones. */
static size_t start_of(const struct shop *shop, uint32_t shard)
{
    const struct shop_log *log = &shop->logs[shard];
    uint32_t back = shop->replays % SHOP_STARTS_MAX;
    return log->starts[(log->start_count - (back < log->start_count ? back : log->start_count)) %
                       SHOP_STARTS_MAX];
}

/* What a walk may still write, and whether it can be gone on with: in a journal its beginning and
 * its heads are one batch. */
static void note_walk(struct shop *shop, uint32_t shard, size_t at, const struct event *event)
{
    struct shop_log *log = &shop->logs[shard];
    bool is_head = event->kind == EVENT_IMPORT_IMAGE || event->kind == EVENT_SWITCH_IMAGE ||
                   event->kind == EVENT_KILLS_IMAGE;
    bool begins = event->kind == EVENT_WALK_BEGUN;
    if (begins) {
        log->walk_begun = at;
        log->walk_room = engine_walk_bytes(shop->engines[shard]);
    }
    log->has_heads = !begins && (log->has_heads || !is_head);
    if (begins || event_is_image(event->kind))
        log->walk_room -= record_size(event);
}

static void resume(struct shop *shop, uint32_t shard)
{
    struct shop_log *log = &shop->logs[shard];
    log->walks = !shop->forgets_walks && log->has_heads && restate_resume(shop->engines[shard]);
    shop->resumed += log->walks;
}

static void replay(struct shop *shop, uint32_t shard)
{
    const struct shop_log *log = &shop->logs[shard];
    for (size_t at = start_of(shop, shard); at < log->settled;) {
        struct event event;
        uint32_t consumed;
        struct bytes rest = bytes_of(log->data + at, (uint32_t)(log->settled - at));
        CHECK(record_decode(rest, &event, &consumed) == 0);
        note_walk(shop, shard, at, &event);
        engine_replay(shop->engines[shard], &event);
        at += consumed;
    }
}

void shop_empty(struct shop *shop)
{
    memory_close(&shop->arena);
    build(shop);
}

void shop_reopen(struct shop *shop)
{
    shop->replays++;
    shop_empty(shop);
    if (shop->books != NULL)
        shop->books->reopen(shop->books->context, shop);
    for (uint32_t shard = 0; shard < shop->shards && shop->books == NULL; shard++) {
        shop->logs[shard].size = shop->logs[shard].settled;
        replay(shop, shard);
        resume(shop, shard);
    }
    shelf_derive(shop->shelf, shop->engines, shop->shards);
    for (uint32_t shard = 0; shard < shop->shards; shard++)
        engine_check(shop->engines[shard]);
}

/* Slots may differ, numbers do not: what was removed rests a while before its slot is free. */
static void check_sku(const struct shelf *live, const struct shelf *derived, uint32_t index)
{
    uint32_t number = catalog_number(&live->catalog, index);
    if (number == 0) {
        CHECK(stock_numbers(&live->stock, index).allotment == 0);
        return;
    }
    uint32_t twin = catalog_find_number(&derived->catalog, number);
    CHECK(twin != SKU_NONE);
    struct stock_numbers have = stock_numbers(&live->stock, index);
    struct stock_numbers want = stock_numbers(&derived->stock, twin);
    CHECK(have.allotment == want.allotment);
    CHECK(have.available == want.available);
    CHECK(have.held == want.held);
    CHECK(have.sold == want.sold);
}

static uint32_t products_of(const struct catalog *catalog)
{
    uint32_t count = 0, end = catalog_walk_end(catalog);
    for (uint32_t index = 0; index < end; index++)
        count += catalog_number(catalog, index) != 0;
    return count;
}

void shop_check(struct shop *shop)
{
    shop_settle(shop);
    shop->replays++;
    struct shop twin = *shop;
    build(&twin);
    for (uint32_t shard = 0; shard < shop->shards; shard++) {
        replay(&twin, shard);
        engine_check(shop->engines[shard]);
        CHECK(engine_digest(twin.engines[shard]) == engine_digest(shop->engines[shard]));
    }
    shelf_derive(twin.shelf, twin.engines, twin.shards);
    uint32_t end = catalog_walk_end(&shop->shelf->catalog);
    CHECK(products_of(&shop->shelf->catalog) == products_of(&twin.shelf->catalog));
    for (uint32_t index = 0; index < end; index++)
        check_sku(shop->shelf, twin.shelf, index);
    CHECK(claims_digest(&shop->shelf->claims) == claims_digest(&twin.shelf->claims));
    memory_close(&twin.arena);
}

static struct bytes text(const char *string)
{
    return bytes_of_string(string == NULL ? "" : string);
}

void shop_product_as(struct shop *shop, const struct product_image *image)
{
    struct command command = {.kind = COMMAND_PRODUCT_SET, .role = ROLE_OPERATOR, .product = image};
    CHECK(shop_run(shop, &command) == OUTCOME_OK);
}

void shop_product(struct shop *shop, const char *sku, int64_t price, uint32_t stock)
{
    struct product_image image = {
        .sku = text(sku),
        .title = BYTES("A thing"),
        .category = BYTES("things"),
        .seller = BYTES("seller-1"),
        .stock = stock,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = price}},
    };
    shop_product_as(shop, &image);
}

enum outcome shop_cart(struct shop *shop, const char *who, const char *sku, uint32_t quantity)
{
    struct command command = {
        .kind = COMMAND_CART_SET,
        .role = ROLE_CUSTOMER,
        .customer = text(who),
        .sku = text(sku),
        .quantity = quantity,
    };
    return shop_run(shop, &command);
}

enum outcome shop_checkout(
    struct shop *shop, const char *who, const char *key, const char *sku, uint32_t quantity)
{
    struct command_item item = {.sku = text(sku), .quantity = quantity};
    struct command command = {
        .kind = COMMAND_CHECKOUT,
        .role = ROLE_CUSTOMER,
        .customer = text(who),
        .key = text(key),
        .items = &item,
        .item_count = sku == NULL ? 0 : 1,
    };
    return shop_run(shop, &command);
}

enum outcome shop_checkout_cart(struct shop *shop, const char *who, const char *key)
{
    return shop_checkout(shop, who, key, NULL, 0);
}

enum outcome shop_pay(
    struct shop *shop, const uint8_t id[16], uint8_t result, const char *payment_id, int64_t amount)
{
    struct command command = {
        .kind = COMMAND_PAYMENT,
        .role = ROLE_SERVICE,
        .provider = BYTES("bank"),
        .payment_id = text(payment_id),
        .refund_id = text(payment_id),
        .result = result,
        .amount = amount,
        .currency = "GBP",
    };
    memcpy(command.order_id, id, 16);
    return shop_run(shop, &command);
}

enum outcome shop_cancel(struct shop *shop, const char *who, const uint8_t id[16], const char *key)
{
    struct command command = {
        .kind = COMMAND_CANCEL,
        .role = who == NULL ? ROLE_SERVICE : ROLE_CUSTOMER,
        .customer = text(who),
        .key = text(key),
    };
    memcpy(command.order_id, id, 16);
    return shop_run(shop, &command);
}

enum outcome shop_stock(struct shop *shop, const char *sku, int64_t delta, const char *key)
{
    struct command command = {
        .kind = COMMAND_STOCK_CHANGE,
        .role = ROLE_OPERATOR,
        .sku = text(sku),
        .stock_delta = delta,
        .key = text(key),
        .actor = BYTES("ops"),
    };
    return shop_run(shop, &command);
}

enum outcome shop_switch(
    struct shop *shop, enum switch_action action, enum switch_scope scope, const char *name)
{
    struct command command = {
        .kind = COMMAND_SWITCH,
        .role = ROLE_OPERATOR,
        .actor = BYTES("ops"),
        .switch_action = (uint8_t)action,
        .switch_scope = (uint8_t)scope,
    };
    if (scope == SCOPE_SALE)
        command.sale = text(name);
    if (scope == SCOPE_SKU)
        command.sku = text(name);
    return shop_run(shop, &command);
}

const uint8_t *shop_order_id(struct shop *shop)
{
    CHECK(shop->answer.order_index != UINT32_MAX);
    return order_at(shop->engines[shop->last_shard], shop->answer.order_index)->id;
}

uint8_t shop_order_status(struct shop *shop)
{
    CHECK(shop->answer.order_index != UINT32_MAX);
    return order_at(shop->engines[shop->last_shard], shop->answer.order_index)->status;
}

struct stock_numbers shop_numbers(struct shop *shop, const char *sku)
{
    uint32_t index = catalog_find(&shop->shelf->catalog, text(sku));
    CHECK(index != SKU_NONE);
    return stock_numbers(&shop->shelf->stock, index);
}
