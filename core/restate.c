/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk goes table by table, each from its first slot to its last; that it has been at a slot is
 * a bit beside it (pool.h), so it may be anywhere when an event asks for an image out of turn.
 */
#include "core/restate.h"

#include "core/bugs.h"
#include "core/check.h"
#include "core/engine_steps.h"
#include "core/kills.h"
#include "core/restate_catalog.h"
#include "core/restate_images.h"

bool restate_may_begin(const struct engine *engine)
{
    return !engine->walk.under_way &&
           (engine->shard != 0 || catalog_is_settled(&engine->shelf->catalog));
}

void restate_begin(struct engine *engine, const struct moment *now, uint64_t system_id,
    uint8_t flags, struct event *begun)
{
    CHECK(restate_may_begin(engine));
    engine->walk.under_way = true;
    *begun = (struct event){.kind = EVENT_WALK_BEGUN};
    begun->fact.walk = (struct fact_walk){
        .number = engine->walk.number + 1,
        .stream_seq = engine->stream_seq,
        .system_id = system_id,
        .now_wall_ms = now->wall_ms,
        .customers = engine->customers.capacity,
        .holds = engine->holds.capacity,
        .orders = engine->orders.capacity,
        .lines = engine->lines.capacity,
        .payments = engine->payments.capacity,
        .keys = engine->keys.capacity,
        .allowances = engine->allowances.capacity,
        .gone = engine->gone.capacity,
        .text_blocks = engine->texts.capacity,
        .kill_begun = engine->kill_begun,
        .removal_sale = engine->removed_sale,
        .flags = flags | (engine->divided ? WALK_GENESIS : 0),
    };
    /* Shard numbers that are no more may come again. */
    if (engine->shard == 0 && engine->divided && !bug(BUG_SEQS_LOST))
        begun->text[TEXT_ENTRIES] = bytes_of(engine->seqs, sizeof(engine->seqs));
    if (engine->shard == 0)
        restate_catalog_begin(engine, &begun->fact.walk);
}

static bool next_switch(struct engine *engine, struct event *image)
{
    return engine->shard == 0 && restate_catalog_heads(engine, &engine->walk.at, image);
}

/* Kills under way, and those ended whose switches are there. */
static bool next_kills(struct engine *engine, struct event *image)
{
    struct kill_entry entries[IMAGES_MAX];
    uint32_t count = 0, end = engine->kill_count + engine->ended_count;
    for (; engine->walk.at < end && count < IMAGES_MAX; engine->walk.at++)
        count += kill_entry(engine, engine->walk.at, &entries[count]);
    if (count == 0)
        return false;
    restate_kills(engine, entries, count, image);
    return true;
}

static bool next_customer(struct engine *engine, struct event *image)
{
    engine->walk.at = pool_walk_next(&engine->customers, engine->walk.at);
    if (engine->walk.at == engine->customers.capacity)
        return false;
    restate_customer(engine, engine->walk.at, image);
    return true;
}

/* Of the customer whose orders are restated, the next that is not, from newer to older: so each is
 * put at the end of his list when it is read back. The one remembered may be gone by now: then from
 * the newest again. NONE: there is no such customer, or no such order. */
static uint32_t order_of_customer(const struct engine *engine)
{
    const struct walk *walk = &engine->walk;
    const struct pool *orders = &engine->orders;
    if (walk->customer_index == NONE || !pool_is_used(&engine->customers, walk->customer_index))
        return NONE;
    uint32_t index = walk->order_index;
    bool is_his = index != NONE && pool_is_used(orders, index) &&
                  order_at(engine, index)->customer_index == walk->customer_index;
    uint32_t link = is_his ? index + 1 : customer_at(engine, walk->customer_index)->orders_newest;
    while (link != 0 && pool_is_walked(orders, link - 1))
        link = order_at(engine, link - 1)->next;
    return link - 1; /* 0 is NONE */
}

static bool next_order(struct engine *engine, struct event *image)
{
    struct walk *walk = &engine->walk;
    uint32_t index = order_of_customer(engine);
    if (index == NONE) {
        walk->at = pool_walk_next(&engine->orders, walk->at);
        if (walk->at == engine->orders.capacity)
            return false;
        walk->customer_index = order_at(engine, walk->at)->customer_index;
        walk->order_index = NONE;
        index = order_of_customer(engine);
        CHECK(index != NONE);
    }
    walk->order_index = order_at(engine, index)->next - 1;
    restate_order(engine, index, image);
    return true;
}

/* Slots that the walk has not been at, as many as an image takes. */
static uint32_t gather(const struct engine *engine, const struct pool *pool, uint32_t *indexes)
{
    uint32_t count = 0, at = pool_walk_next(pool, engine->walk.at);
    for (; at != pool->capacity && count < IMAGES_MAX; at = pool_walk_next(pool, at + 1))
        indexes[count++] = at;
    return count;
}

static bool next_keys(struct engine *engine, struct event *image)
{
    uint32_t indexes[IMAGES_MAX];
    uint32_t count = gather(engine, &engine->keys, indexes);
    if (count == 0)
        return false;
    engine->walk.at = indexes[0];
    restate_keys(engine, indexes, count, image);
    return true;
}

/* With the first that is found, others of its customer. */
static bool next_allowances(struct engine *engine, struct event *image)
{
    uint32_t indexes[IMAGES_MAX], count = 0;
    const struct pool *pool = &engine->allowances;
    engine->walk.at = pool_walk_next(pool, engine->walk.at);
    if (engine->walk.at == pool->capacity)
        return false;
    const struct allowance *first = pool_at(pool, engine->walk.at);
    uint32_t link = customer_at(engine, first->customer_index)->allowances_first;
    for (; link != 0 && count < IMAGES_MAX;
         link = ((struct allowance *)pool_at(pool, link - 1))->next)
        if (!pool_is_walked(pool, link - 1))
            indexes[count++] = link - 1;
    restate_allowances(engine, indexes, count, image);
    return true;
}

static bool next_gone(struct engine *engine, struct event *image)
{
    uint32_t indexes[IMAGES_MAX];
    uint32_t count = gather(engine, &engine->gone, indexes);
    if (count == 0)
        return false;
    engine->walk.at = indexes[0];
    restate_gone(engine, indexes, count, image);
    return true;
}

static bool next_name(struct engine *engine, struct event *image)
{
    return engine->shard == 0 && restate_names(engine, &engine->walk.at, image);
}

static bool next_product(struct engine *engine, struct event *image)
{
    return engine->shard == 0 && restate_products(engine, &engine->walk.at, image);
}

/* What hangs on something is behind it. */
static bool (*const next_of_table[])(struct engine *, struct event *) = {
    next_switch,
    next_kills,
    next_customer,
    next_order,
    next_keys,
    next_allowances,
    next_gone,
    next_name,
    next_product,
};

enum { HEADS_END = 2, TABLES_END = sizeof(next_of_table) / sizeof(next_of_table[0]) };

static bool next_before(struct engine *engine, uint32_t end, struct event *image)
{
    struct walk *walk = &engine->walk;
    for (; walk->table < end; walk->table++) {
        if (next_of_table[walk->table](engine, image))
            return true;
        walk->at = 0;
    }
    return false;
}

bool restate_heads(struct engine *engine, struct event *image)
{
    return next_before(engine, HEADS_END, image);
}

bool restate_next(struct engine *engine, struct event *image)
{
    CHECK(engine->walk.under_way);
    return next_before(engine, TABLES_END, image);
}

bool restate_resume(struct engine *engine)
{
    struct walk *walk = &engine->walk;
    if (!walk->open || walk->under_way || walk->spoiled || bug(BUG_WALK_FORGOTTEN))
        return false;
    walk->under_way = true;
    walk->table = HEADS_END;
    return true;
}

bool restate_is_done(const struct engine *engine)
{
    return engine->walk.under_way && engine->walk.table == TABLES_END;
}

void restate_end(struct engine *engine, struct event *ended)
{
    CHECK(restate_is_done(engine));
    *ended = (struct event){.kind = EVENT_WALK_ENDED};
    ended->fact.walk_end =
        (struct fact_walk_end){.number = engine->walk.number, .images = engine->walk.images};
}

/* A journal may begin with a walk: then this is what there is. */
static bool is_empty(const struct engine *engine)
{
    return engine->walk.number == 0 && engine->stream_seq == 0 && engine->kill_begun == 0 &&
           engine->customers.used == 0 && engine->keys.used == 0 && engine->gone.used == 0;
}

static void take_seqs(struct engine *engine, struct bytes seqs)
{
    CHECK(seqs.size == 0 || seqs.size == sizeof(engine->seqs));
    if (seqs.size > 0)
        memcpy(engine->seqs, seqs.data, sizeof(engine->seqs));
}

/* One that was cut off and not gone on with is given up. */
static void begin_bits(struct engine *engine)
{
    struct pool *const pools[] = {
        &engine->customers, &engine->orders, &engine->keys, &engine->allowances, &engine->gone};
    for (uint32_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
        if (engine->walk.open)
            pool_walk_give_up(pools[i]);
        pool_walk_begin(pools[i]);
    }
}

void apply_walk_begun(struct engine *engine, const struct event *event)
{
    const struct fact_walk *fact = &event->fact.walk;
    if (is_empty(engine)) {
        engine->divided = fact->flags & WALK_GENESIS;
        take_seqs(engine, event->text[TEXT_ENTRIES]);
        engine->stream_seq = fact->stream_seq;
        engine->kill_begun = fact->kill_begun;
        engine->removal =
            (struct removal){.sale_number = fact->removal_sale, .done = fact->removal_sale != 0};
        engine->removed_sale = fact->removal_sale;
    } else {
        CHECK(fact->number == engine->walk.number + 1);
    }
    if (engine->shard == 0)
        apply_catalog_begun(engine, event);
    CHECK(fact->stream_seq == engine->stream_seq);
    CHECK(fact->kill_begun == engine->kill_begun);
    begin_bits(engine);
    engine->walk = (struct walk){
        .number = fact->number,
        .open = true,
        .under_way = engine->walk.under_way,
        .names = (fact->flags & WALK_NAMES) != 0,
        .names_to = UINT64_MAX,
        .customer_index = NONE,
        .order_index = NONE,
    };
}

void apply_walk_ended(struct engine *engine, const struct event *event)
{
    CHECK(event->fact.walk_end.number == engine->walk.number);
    engine->walk.open = engine->walk.under_way = false;
}
