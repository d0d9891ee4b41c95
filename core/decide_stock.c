/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shard 0's decisions: products, imports and allotments. A lowering takes its units from available
 * at once and the allotment follows when the record is durable; a rise waits for the disk whole.
 */
#include "core/check.h"
#include "core/engine_steps.h"
#include "core/key_hash.h"

static void stock_say(struct decision *decision, uint32_t sku_index)
{
    struct stock_numbers numbers = stock_numbers(&decision->engine->shelf->stock, sku_index);
    struct answer *answer = decision->answer;
    answer->allotment = numbers.allotment;
    answer->stock_available = numbers.available;
    answer->held = numbers.held;
    answer->sold = numbers.sold;
}

enum outcome decide_stock_read(struct decision *decision)
{
    CHECK(decision->engine->shard == 0);
    uint32_t sku_index = catalog_find(&decision->engine->shelf->catalog, decision->command->sku);
    if (sku_index == SKU_NONE)
        return OUTCOME_NOT_FOUND;
    stock_say(decision, sku_index);
    return OUTCOME_OK;
}

static void stock_replay(struct decision *decision, const struct request_key *entry)
{
    struct answer *answer = decision->answer;
    answer->replayed = true;
    answer->allotment = entry->noted.allotment;
    answer->stock_available = entry->noted.available;
    answer->held = entry->noted.held;
    answer->sold = entry->noted.sold;
}

/* Units to add to the allotment, or to take from it. */
static enum outcome stock_delta(struct decision *decision, uint32_t allotment, int64_t *delta)
{
    const struct command *command = decision->command;
    *delta = command->stock_delta;
    if (command->stock_set) {
        if (command->stock_compare != allotment)
            return OUTCOME_VERSION_CONFLICT;
        *delta = (int64_t)command->stock_value - allotment;
    }
    if (*delta > (int64_t)(UINT32_MAX - allotment) || *delta < -(int64_t)UINT32_MAX)
        return decision_bound(decision, OUTCOME_INVALID, "allotment", UINT32_MAX);
    return OUTCOME_OK;
}

/* Lowers by what is asked, or with floor by what is free; `short_units` is what could not be. */
static enum outcome stock_lower_by(struct decision *decision, uint32_t sku_index, int64_t *delta)
{
    struct stock *stock = &decision->engine->shelf->stock;
    uint32_t asked = (uint32_t) - *delta;
    for (uint32_t tries = 0; tries < 1000; tries++) {
        uint32_t available = stock_numbers(stock, sku_index).available;
        uint32_t units = available < asked ? available : asked;
        decision->answer->short_units = asked - units;
        if (units < asked && !decision->command->stock_floor) {
            decision->answer->bound_value = asked - units;
            return OUTCOME_INSUFFICIENT;
        }
        *delta = -(int64_t)units;
        if (units == 0 || stock_lower(stock, sku_index, units))
            return OUTCOME_OK;
    }
    return OUTCOME_VERSION_CONFLICT; /* it moved a thousand times while we looked */
}

/* The numbers as they are when this change is durable, and those before it that still wait: raises
 * are not yet available, what is lowered is still held. */
static void stock_say_after(
    struct decision *decision, uint32_t sku_index, uint32_t allotment, int64_t delta)
{
    struct answer *answer = decision->answer;
    int64_t raising = (int64_t)decision->engine->shelf->catalog.records[sku_index].raising;
    raising += delta > 0 ? delta : 0;
    stock_say(decision, sku_index);
    int64_t lowering = answer->allotment + raising - (allotment + delta);
    CHECK(lowering >= 0);
    CHECK(lowering <= answer->held);
    answer->allotment = (uint32_t)(allotment + delta);
    answer->stock_available += (uint32_t)raising;
    answer->held -= (uint32_t)lowering;
}

static void stock_event(
    struct decision *decision, uint32_t sku_index, uint32_t allotment, int64_t delta)
{
    const struct command *command = decision->command;
    struct answer *answer = decision->answer;
    struct event *event = decision->event;
    struct selling selling;
    selling_terms(decision->engine, sku_index, &selling);
    stock_say_after(decision, sku_index, allotment, delta);
    event->kind = EVENT_STOCK_ADJUSTED;
    event->fact.stock = (struct fact_stock){
        .key_hash = key_of_stock(selling.terms.number, command->key),
        .request_hash = command_hash(command),
        .keep_shelf_ms = decision_keep_ms(decision, selling_ends(&selling)),
        .delta = delta,
        .now_wall_ms = decision->now->wall_ms,
        .sku_number = selling.terms.number,
        .allotment = answer->allotment,
        .available = answer->stock_available,
        .held = answer->held,
        .sold = answer->sold,
    };
    event->text[TEXT_SKU] = command->sku;
    event->text[TEXT_KEY] = command->key;
    event->text[TEXT_ACTOR] = command->actor;
    event->text[TEXT_REASON] = command->reason;
    decision_stream(decision, 1);
}

enum outcome decide_stock(struct decision *decision)
{
    const struct command *command = decision->command;
    struct engine *engine = decision->engine;
    CHECK(engine->shard == 0);
    CHECK(command->key.size > 0);
    uint32_t sku_index = catalog_find(&engine->shelf->catalog, command->sku);
    if (sku_index == SKU_NONE)
        return OUTCOME_NOT_FOUND;
    uint32_t number = catalog_number(&engine->shelf->catalog, sku_index);
    uint32_t allotment = engine->shelf->catalog.records[sku_index].allotment;
    uint32_t key_index = key_find(engine, key_of_stock(number, command->key));
    if (key_index != NONE) {
        const struct request_key *entry = pool_at(&engine->keys, key_index);
        if (!key_is_of(entry, command_hash(command))) {
            stock_say_after(decision, sku_index, allotment, 0);
            return OUTCOME_KEY_REUSED;
        }
        stock_replay(decision, entry);
        return OUTCOME_OK;
    }
    stock_say(decision, sku_index);
    int64_t delta;
    enum outcome outcome = stock_delta(decision, allotment, &delta);
    if (outcome != OUTCOME_OK)
        return outcome;
    if (pool_room(&engine->keys) == 0)
        return decision_full(decision, "idempotency_keys");
    if (decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
    if (delta < 0)
        outcome = stock_lower_by(decision, sku_index, &delta);
    if (outcome == OUTCOME_OK)
        stock_event(decision, sku_index, allotment, delta);
    return outcome;
}

/* Numbers for names that are new with this product; the seller's comes first. */
static enum outcome product_names(struct decision *decision, const struct product_image *image,
    struct fact_product *fact, bool created)
{
    const struct catalog *catalog = &decision->engine->shelf->catalog;
    uint32_t names = 0;
    if (image->seller.size > 0)
        fact->seller_number = catalog_name_find(catalog, image->seller);
    if (image->seller.size > 0 && fact->seller_number == 0)
        fact->seller_number = catalog_name_next(catalog, names++);
    if (image->sale.size > 0)
        fact->sale_number = catalog_name_find(catalog, image->sale);
    if (image->sale.size > 0 && fact->sale_number == 0) {
        bool same = bytes_equal(image->sale, image->seller);
        fact->sale_number = same ? fact->seller_number : catalog_name_next(catalog, names);
        names += !same;
    }
    if (!catalog_room(catalog, created, 0))
        return decision_full(decision, "skus");
    if (!catalog_room(catalog, 0, names))
        return decision_full(decision, "names");
    return OUTCOME_OK;
}

static void product_fact(const struct product_image *image, struct fact_product *fact)
{
    fact->max_per_customer = image->max_per_customer;
    fact->hold_seconds = image->hold_seconds;
    fact->reserve_on = image->reserve_on;
    fact->price_count = image->price_count;
    fact->starts_wall_ms = image->starts_wall_ms;
    fact->ends_wall_ms = image->ends_wall_ms;
    for (uint32_t i = 0; i < image->price_count; i++) {
        memcpy(fact->prices[i].currency, image->prices[i].currency, 4);
        fact->prices[i].amount = image->prices[i].amount;
    }
}

static void product_texts_of(const struct product_image *image, struct event *event)
{
    event->text[TEXT_SKU] = image->sku;
    event->text[TEXT_TITLE] = image->title;
    event->text[TEXT_CATEGORY] = image->category;
    event->text[TEXT_SELLER] = image->seller;
    event->text[TEXT_SALE] = image->sale;
    event->text[TEXT_GROUP] = image->group;
    event->text[TEXT_OPTION] = image->option;
    event->text[TEXT_IMAGE] = image->image;
}

static bool name_is(const struct name *name, struct bytes bytes)
{
    return bytes_equal(bytes_of(name->data, name->size), bytes);
}

static bool product_is_same(const struct catalog *catalog, uint32_t sku_index,
    const struct fact_product *fact, const struct product_image *image)
{
    struct product_terms terms;
    struct product_texts texts;
    catalog_terms(catalog, sku_index, &terms);
    catalog_texts(catalog, sku_index, &texts);
    bool same =
        terms.seller_number == fact->seller_number && terms.sale_number == fact->sale_number &&
        terms.max_per_customer == fact->max_per_customer &&
        terms.hold_seconds == fact->hold_seconds && terms.reserve_on == fact->reserve_on &&
        terms.price_count == fact->price_count && terms.starts_wall_ms == fact->starts_wall_ms &&
        terms.ends_wall_ms == fact->ends_wall_ms;
    for (uint32_t i = 0; same && i < fact->price_count; i++)
        same = memcmp(terms.prices[i].currency, fact->prices[i].currency, 3) == 0 &&
               terms.prices[i].amount == fact->prices[i].amount;
    return same && bytes_equal(bytes_of(texts.title, texts.title_size), image->title) &&
           bytes_equal(bytes_of(texts.image, texts.image_size), image->image) &&
           name_is(&texts.category, image->category) && name_is(&texts.group, image->group) &&
           name_is(&texts.option, image->option);
}

/* Of the newest change applied; 0: there is no such product. */
static uint32_t version_of(const struct catalog *catalog, uint32_t sku_index)
{
    return sku_index == SKU_NONE ? 0 : catalog->records[sku_index].reserved_version;
}

static bool is_leaving(
    const struct catalog *catalog, uint32_t sku_index, const struct fact_product *fact)
{
    return catalog_sale_is_leaving(catalog, fact->sale_number) ||
           (sku_index != SKU_NONE &&
               catalog_sale_is_leaving(catalog, catalog_sale_of(catalog, sku_index)));
}

enum outcome decide_product(struct decision *decision)
{
    const struct product_image *image = decision->command->product;
    struct engine *engine = decision->engine;
    const struct catalog *catalog = &engine->shelf->catalog;
    if (decision->command->step > 0) { /* a change is in force where it has been, see below */
        decision->answer->stock_ignored = true;
        decision->answer->version = decision->command->step;
        decision_visit_others(decision, decision->command->step);
        return OUTCOME_OK;
    }
    CHECK(engine->shard == 0);
    CHECK(image->price_count >= 1);
    CHECK(image->price_count <= PRICES_MAX);
    uint32_t sku_index = catalog_find_reserved(catalog, image->sku);
    bool created = sku_index == SKU_NONE;
    if (!created && catalog_is_changing(catalog, sku_index))
        return OUTCOME_VERSION_CONFLICT; /* a change of it still waits for the disk */
    if (image->expected_version != 0 && image->expected_version != version_of(catalog, sku_index))
        return OUTCOME_VERSION_CONFLICT; /* an image of it as it was: it would undo a change */
    struct fact_product fact = {.created = created, .now_wall_ms = decision->now->wall_ms};
    enum outcome outcome = product_names(decision, image, &fact, created);
    if (outcome != OUTCOME_OK)
        return outcome;
    if (is_leaving(catalog, sku_index, &fact))
        return OUTCOME_VERSION_CONFLICT; /* until its sale is gone */
    if (decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
    product_fact(image, &fact);
    decision->answer->created = created;
    decision->answer->stock_ignored = !created;
    if (!created && product_is_same(catalog, sku_index, &fact, image)) {
        decision->answer->unchanged = true;
        decision->answer->version = version_of(catalog, sku_index);
        return OUTCOME_OK;
    }
    fact.in_import = created && image->in_import;
    fact.allotment = created ? image->stock : 0;
    fact.sku_number = created ? catalog->number_next : catalog->records[sku_index].terms.number;
    fact.version = version_of(catalog, sku_index) + 1;
    decision->answer->version = fact.version;
    decision->event->kind = EVENT_PRODUCT_SET;
    decision->event->fact.product = fact;
    product_texts_of(image, decision->event);
    decision->event->text[TEXT_ACTOR] = decision->command->actor;
    decision_stream(decision, 1);
    /* Nobody sells a new product yet; a change of one that is sold must be in force everywhere. */
    if (!created && !image->in_import)
        decision_visit_others(decision, fact.version);
    return OUTCOME_OK;
}

enum outcome decide_import(struct decision *decision)
{
    const struct command *command = decision->command;
    CHECK(decision->engine->shard == 0);
    const struct catalog *catalog = &decision->engine->shelf->catalog;
    bool begins = command->kind == COMMAND_IMPORT_BEGIN;
    if (begins == catalog->importing || catalog->import_ending || (begins && catalog->leaving != 0))
        return OUTCOME_VERSION_CONFLICT;
    if (decision->now->journal_full)
        return OUTCOME_JOURNAL_FULL;
    decision->event->kind = begins ? EVENT_IMPORT_BEGUN : EVENT_IMPORT_DONE;
    decision->event->fact.import = command->import;
    decision->event->fact.import.now_wall_ms = decision->now->wall_ms;
    decision->event->text[TEXT_ACTOR] = command->actor;
    return OUTCOME_OK;
}
