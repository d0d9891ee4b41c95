/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command goes to the file that decides it; what all of them share stands here: the tables taken
 * at start, the terms of selling, the replay of what was decided before.
 */
#include "core/engine.h"

#include "core/check.h"
#include "core/engine_steps.h"
#include "core/handed.h"
#include "core/key_hash.h"
#include "core/partition.h"
#include "core/restate.h"
#include "core/set_aside.h"
#include "core/view.h"

static uint32_t share(uint32_t capacity, uint32_t shard_count)
{
    return (capacity + shard_count - 1) / shard_count;
}

static void tables_init(struct engine *engine, struct arena *arena, const struct capacity *capacity)
{
    uint32_t shards = engine->shard_count;
    uint32_t customers = share(capacity->customers, shards), holds = share(capacity->holds, shards);
    uint32_t orders = share(capacity->orders, shards), lines = share(capacity->lines, shards);
    uint32_t keys = share(capacity->idempotency_keys, shards);
    uint32_t allowances = share(capacity->allowances, shards);
    pool_init(&engine->customers, arena, "customers", customers, sizeof(struct customer));
    pool_init(&engine->holds, arena, "cart lines", holds, sizeof(struct hold));
    pool_init(&engine->orders, arena, "orders", orders, sizeof(struct order));
    pool_init(&engine->lines, arena, "order lines", lines, sizeof(struct order_line));
    pool_init(&engine->payments, arena, "payments", share(capacity->claims, shards),
        sizeof(struct payment));
    pool_init(&engine->keys, arena, "idempotency keys", keys, sizeof(struct request_key));
    pool_init(&engine->allowances, arena, "allowances", allowances, sizeof(struct allowance));
    pool_init(&engine->gone, arena, "sold and forgotten", capacity->skus, sizeof(struct gone));
    table_init(&engine->customer_table, arena, "customers index", customers);
    table_init(&engine->order_table, arena, "orders index", orders);
    table_init(&engine->key_table, arena, "idempotency keys index", keys);
    table_init(&engine->allowance_table, arena, "allowances index", allowances);
    table_init(&engine->gone_table, arena, "sold and forgotten index", capacity->skus);
    text_pool_init(&engine->texts, arena, "texts", capacity->text_bytes / shards);
    engine->holds_base = 0;
    engine->orders_base = holds;
    engine->keys_base = engine->orders_base + orders;
    engine->customers_base = engine->keys_base + keys;
    deadlines_init(&engine->deadlines, arena, engine->customers_base + customers);
}

struct engine *engine_create(struct arena *arena, struct shelf *shelf, const struct policy *policy,
    const struct capacity *capacity, uint32_t shard, uint32_t shard_count, uint64_t seed)
{
    CHECK(shard_count >= 1);
    CHECK(shard_count <= SHARDS_MAX);
    CHECK(shard < shard_count);
    struct engine *engine = arena_take(arena, "engines", 1, sizeof(*engine));
    *engine = (struct engine){
        .shelf = shelf,
        .policy = *policy,
        .shard = shard,
        .shard_count = shard_count,
        .seed = seed,
        .scratch = arena_take(arena, "scratch", 1, sizeof(struct scratch)),
        .restating = arena_take(arena, "scratch", 1, sizeof(struct image_room)),
        .sweep_looks = KILL_LOOKS_MAX,
    };
    engine->scratch->views =
        arena_take(arena, "scratch of carts", LINES_PER_ORDER_MAX, sizeof(struct cart_line_view));
    tables_init(engine, arena, capacity);
    return engine;
}

uint64_t engine_stream_seq(const struct engine *engine)
{
    return engine->stream_seq;
}

bool engine_has_live_holds(const struct engine *engine)
{
    return engine->live_holds > 0;
}

void engine_replay(struct engine *engine, const struct event *event)
{
    restate_read(engine, event);
    uint64_t bytes = engine->walk.open ? engine_walk_bytes(engine) : 0;
    engine_apply(engine, event);
    if (engine->walk.open && engine_walk_bytes(engine) < bytes)
        engine->walk.gone += bytes - engine_walk_bytes(engine);
    if (event->kind == EVENT_CART_MOVED_OUT) /* whoever was about it is gone */
        customer_at(engine, customer_find(engine, event->text[TEXT_CUSTOMER]))->merging = false;
    settle_catalog(engine, event);
    /* Nobody reads yet. */
    if (event->kind == EVENT_SALE_REMOVED)
        catalog_release(&engine->shelf->catalog);
}

void decision_stream(struct decision *decision, uint32_t count)
{
    CHECK(count <= STREAM_EVENTS_MAX);
    decision->event->stream_seq = decision->engine->stream_seq + 1;
    decision->event->stream_count = count;
}

enum outcome decision_full(struct decision *decision, const char *table)
{
    decision->answer->bound = table;
    return OUTCOME_CAPACITY_EXHAUSTED;
}

enum outcome decision_bound(
    struct decision *decision, enum outcome outcome, const char *bound, uint64_t value)
{
    decision->answer->bound = bound;
    decision->answer->bound_value = value;
    return outcome;
}

uint64_t decision_keep_ms(const struct decision *decision, int64_t ends_wall_ms)
{
    uint64_t day = 86400ull * 1000;
    uint64_t keep = decision->engine->policy.idempotency_seconds * 1000ull;
    if (keep < day)
        keep = day;
    if (ends_wall_ms > decision->now->wall_ms) {
        uint64_t sale = (uint64_t)(ends_wall_ms - decision->now->wall_ms) + day;
        keep = sale > keep ? sale : keep;
    }
    return decision->now->shelf_ms + keep;
}

int64_t decision_wall_of(const struct decision *decision, uint64_t deadline_shelf_ms)
{
    const struct moment *now = decision->now;
    CHECK(deadline_shelf_ms >= now->shelf_ms);
    return now->frozen ? 0 : now->wall_ms + (int64_t)(deadline_shelf_ms - now->shelf_ms);
}

const char *room_for_customer(const struct decision *decision)
{
    const struct engine *engine = decision->engine;
    if (decision->customer_index != NONE)
        return NULL;
    if (pool_room(&engine->customers) == 0)
        return "customers";
    if (text_room(&engine->texts) < text_blocks(decision->command->customer.size))
        return "text_bytes";
    return NULL;
}

static uint32_t first_set(uint32_t a, uint32_t b, uint32_t c)
{
    return a != 0 ? a : b != 0 ? b : c;
}

void selling_terms(const struct engine *engine, uint32_t sku_index, struct selling *selling)
{
    const struct policy *policy = &engine->policy;
    catalog_terms(&engine->shelf->catalog, sku_index, &selling->terms);
    catalog_sale(&engine->shelf->catalog, selling->terms.sale_number, &selling->sale);
    const struct product_terms *terms = &selling->terms;
    const struct sale *sale = &selling->sale;
    selling->reserve_on =
        (uint8_t)first_set(terms->reserve_on, sale->reserve_on, policy->reserve_on);
    selling->payment_mode = (uint8_t)first_set(sale->payment_mode, policy->payment_mode, 0);
    selling->hold_seconds =
        first_set(terms->hold_seconds, sale->hold_seconds, policy->hold_seconds);
    selling->payment_seconds = first_set(sale->payment_seconds, policy->payment_seconds, 0);
    selling->review_seconds = first_set(sale->review_seconds, policy->review_seconds, 0);
    selling->limit = first_set(terms->max_per_customer, sale->max_per_customer, 0);
}

bool selling_refuses(const struct selling *selling, const struct command *command)
{
    return command->guest && selling->sale.guests == GUESTS_REFUSED;
}

enum outcome selling_opens(const struct engine *engine, uint32_t sku_index,
    const struct selling *selling, const struct moment *now, int64_t *starts_ms)
{
    enum outcome window = selling_window(selling, now->wall_ms, starts_ms);
    if (window != OUTCOME_OK)
        return window;
    bool stopped =
        switches_state(&engine->shelf->switches, sku_index, selling->terms.sale_number) != 0;
    return stopped ? OUTCOME_PAUSED : OUTCOME_OK;
}

int64_t selling_ends(const struct selling *selling)
{
    int64_t own = selling->terms.ends_wall_ms;
    return own != 0 ? own : selling->sale.ends_wall_ms;
}

enum outcome selling_window(const struct selling *selling, int64_t wall_ms, int64_t *starts_ms)
{
    const struct product_terms *terms = &selling->terms;
    int64_t starts = terms->starts_wall_ms ? terms->starts_wall_ms : selling->sale.starts_wall_ms;
    int64_t ends = selling_ends(selling);
    *starts_ms = starts;
    if (starts != 0 && wall_ms < starts)
        return OUTCOME_SALE_NOT_STARTED;
    if (ends != 0 && wall_ms >= ends)
        return OUTCOME_SALE_ENDED;
    return OUTCOME_OK;
}

/* Reads: what was asked exists and may be seen by who asks. */
static enum outcome decide_order_read(struct decision *decision)
{
    const struct command *command = decision->command;
    struct engine *engine = decision->engine;
    uint32_t index = order_find(engine, command->order_id);
    if (index == NONE || !order_may_see(engine, index, command))
        return OUTCOME_NOT_FOUND;
    decision->answer->order_index = index;
    return OUTCOME_OK;
}

bool order_may_see(const struct engine *engine, uint32_t order_index, const struct command *command)
{
    if (command->customer.size == 0)
        return command->role != ROLE_CUSTOMER && command->role != ROLE_NONE;
    const struct order *order = order_at(engine, order_index);
    return text_equal(
        &engine->texts, customer_at(engine, order->customer_index)->id, command->customer);
}

static enum outcome decide_one(struct decision *decision)
{
    switch (decision->command->kind) {
    case COMMAND_CART_READ:
    case COMMAND_ORDERS_LIST:
    case COMMAND_SWITCHES_LIST:
        return OUTCOME_OK;
    case COMMAND_CUSTOMER_READ:
        return decision->customer_index == NONE ? OUTCOME_NOT_FOUND : OUTCOME_OK;
    case COMMAND_CART_SET:
        return decide_cart_set(decision);
    case COMMAND_CART_CLEAR:
        return decide_cart_clear(decision);
    case COMMAND_CART_MERGE:
        return decide_merge(decision);
    case COMMAND_CART_EXTEND:
        return decide_cart_extend(decision);
    case COMMAND_CHECKOUT:
        return decide_checkout(decision);
    case COMMAND_ORDER_READ:
        return decide_order_read(decision);
    case COMMAND_PAYMENT:
        return decide_payment(decision);
    case COMMAND_CANCEL:
        return decide_cancel(decision);
    case COMMAND_REVIEW:
        return decide_review(decision);
    case COMMAND_PRODUCT_SET:
        return decide_product(decision);
    case COMMAND_STOCK_CHANGE:
        return decide_stock(decision);
    case COMMAND_STOCK_READ:
        return decide_stock_read(decision);
    case COMMAND_IMPORT_BEGIN:
    case COMMAND_IMPORT_END:
        return decide_import(decision);
    case COMMAND_SALE_SET:
        return decide_sale_set(decision);
    case COMMAND_SALE_REMOVE:
        return decide_sale_remove(decision);
    case COMMAND_SWITCH:
        return decide_switch(decision);
    case COMMAND_ORDERS_FIND:
    case COMMAND_RESERVATIONS:
    case COMMAND_AUDIT:
        return decide_look(decision);
    case COMMAND_NONE:
        break;
    }
    CHECK(!"a command that is decided has a kind");
    return OUTCOME_INVALID;
}

static struct hash128 checkout_key(const struct command *command)
{
    if (hash128_is_set(command->key_hash))
        return command->key_hash;
    return key_of_checkout(command->customer, command->key);
}

void engine_bring_near(const struct engine *engine, struct command *command)
{
    if (command->customer.size > 0)
        customer_prefetch(engine, command->customer);
    if (command->kind != COMMAND_CHECKOUT)
        return;
    command->key_hash = checkout_key(command);
    key_prefetch(engine, command->key_hash);
}

/* Where the order will stand in its index comes from memory while the basket is judged. */
static void begin_checkout(struct decision *decision)
{
    const struct command *command = decision->command;
    decision->key = checkout_key(command);
    order_id_make(decision->order_id, decision->now->wall_ms,
        partition_of_customer(command->customer), decision->now->random);
    order_prefetch(decision->engine, decision->order_id);
}

/* What hangs on a customer comes from memory while the command is judged. */
static void bring_customers_near(const struct engine *engine, uint32_t customer_index)
{
    const struct customer *customer = customer_at(engine, customer_index);
    if (customer->holds_first != 0)
        __builtin_prefetch(hold_at(engine, customer->holds_first - 1), 1);
    if (customer->orders_newest != 0)
        __builtin_prefetch(order_at(engine, customer->orders_newest - 1), 1);
}

void engine_decide(struct engine *engine, const struct command *command, const struct moment *now,
    struct event *event, struct answer *answer)
{
    image_reset(engine, event);
    *answer = (struct answer){
        .order_index = NONE,
        .customer_index = NONE,
        .lines = engine->scratch->answers,
    };
    struct decision decision = {
        .engine = engine,
        .command = command,
        .now = now,
        .event = event,
        .answer = answer,
        .customer_index = NONE,
    };
    if (command->kind == COMMAND_CHECKOUT)
        begin_checkout(&decision);
    if (command->customer.size > 0)
        decision.customer_index = customer_find(engine, command->customer);
    answer->customer_index = decision.customer_index;
    if (decision.customer_index != NONE)
        bring_customers_near(engine, decision.customer_index);
    answer->outcome = decide_one(&decision);
    handed_note(engine, event);
    /* An event may stand beside a refusal: money for an order that cannot be had any more. */
    if (answer->outcome != OUTCOME_OK && answer->outcome != OUTCOME_REFUND_REQUIRED &&
        answer->outcome != OUTCOME_ARCHIVED)
        CHECK(event->kind == EVENT_NONE);
}
