/* SPDX-License-Identifier: Apache-2.0 */
#include "core/restate_catalog.h"

#include "core/bugs.h"
#include "core/catalog_parts.h"
#include "core/image.h"

static void begin(const struct engine *engine, enum event_kind kind, struct event *image)
{
    CHECK(engine->shard == 0);
    room_reset(engine->restating, image);
    image->kind = kind;
}

static struct bytes copy_of(const struct engine *engine, struct bytes bytes)
{
    return room_bytes(engine->restating, bytes.data, bytes.size);
}

void restate_catalog_begin(struct engine *engine, struct fact_walk *fact)
{
    struct catalog *catalog = &engine->shelf->catalog;
    CHECK(engine->shard == 0);
    CHECK(catalog_is_settled(catalog));
    fact->sku_next = catalog->number_next - bug(BUG_NUMBER_USED_AGAIN);
    fact->leaving = catalog->leaving;
    fact->kill_last = engine->shelf->switches.kill_last;
}

static bool restate_import(const struct engine *engine, struct event *image)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    if (!catalog->importing || bug(BUG_IMPORT_NOT_RESTATED))
        return false;
    begin(engine, EVENT_IMPORT_IMAGE, image);
    image->fact.import = catalog->import;
    image->text[TEXT_ACTOR] =
        room_bytes(engine->restating, catalog->import_actor, catalog->import_actor_size);
    return true;
}

/* As it is decided: the record that decided it stands before. */
static bool restate_switch(const struct engine *engine, uint32_t index, struct event *image)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    const struct switch_entry *entry = &engine->shelf->switches.entries[index];
    if (entry->scope == 0 || (entry->scope == SCOPE_SALE && bug(BUG_SWITCH_NOT_RESTATED)))
        return false;
    begin(engine, EVENT_SWITCH_IMAGE, image);
    image->fact.switched = (struct fact_switch){
        .now_wall_ms = entry->since_wall_ms,
        .number = entry->number,
        .kill = atomic_load_explicit(&entry->kill, memory_order_relaxed),
        .scope = entry->scope,
        .state = entry->state,
    };
    image->text[TEXT_ACTOR] = room_bytes(engine->restating, entry->actor, entry->actor_size);
    if (entry->scope == SCOPE_SALE)
        image->text[TEXT_SALE] = copy_of(engine, catalog_name(catalog, entry->number));
    if (entry->scope == SCOPE_SKU)
        image->text[TEXT_SKU] =
            copy_of(engine, catalog_sku(catalog, catalog_find_number(catalog, entry->number)));
    return true;
}

bool restate_catalog_heads(const struct engine *engine, uint32_t *at, struct event *image)
{
    if (*at == 0) {
        ++*at;
        if (restate_import(engine, image))
            return true;
    }
    while (*at <= SWITCHES_MAX) {
        if (restate_switch(engine, (*at)++ - 1, image))
            return true;
    }
    return false;
}

static void restate_name(const struct engine *engine, uint32_t slot, struct event *image)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    begin(engine, EVENT_NAME_IMAGE, image);
    catalog_name_fact(catalog, slot, &image->fact.name);
    image->text[TEXT_SALE] = copy_of(engine, catalog_name(catalog, image->fact.name.slot.number));
}

static void restate_product(const struct engine *engine, uint32_t index, struct event *image)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    const struct catalog_record *record = &catalog->records[index];
    const struct product_texts *texts = &record->texts; /* shard 0 wrote them */
    struct image_room *room = engine->restating;
    begin(engine, EVENT_PRODUCT_IMAGE, image);
    catalog_product_fact(catalog, index, &image->fact.product);
    image->text[TEXT_SKU] = copy_of(engine, catalog_sku(catalog, index));
    image->text[TEXT_TITLE] = room_bytes(room, texts->title, texts->title_size);
    image->text[TEXT_IMAGE] = room_bytes(room, texts->image, texts->image_size);
    image->text[TEXT_CATEGORY] = copy_of(engine, name_bytes(&texts->category));
    image->text[TEXT_GROUP] = copy_of(engine, name_bytes(&texts->group));
    image->text[TEXT_OPTION] = copy_of(engine, name_bytes(&texts->option));
    image->text[TEXT_SELLER] = copy_of(engine, catalog_name(catalog, record->terms.seller_number));
    image->text[TEXT_SALE] = copy_of(engine, catalog_name(catalog, record->terms.sale_number));
}

bool restate_names(const struct engine *engine, uint32_t *at, struct event *image)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    *at = catalog_restate_name(catalog, *at);
    if (*at == catalog_name_slots(catalog))
        return false;
    restate_name(engine, *at, image);
    return true;
}

bool restate_products(const struct engine *engine, uint32_t *at, struct event *image)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    *at = catalog_restate_product(catalog, *at);
    if (*at == catalog_walk_end(catalog))
        return false;
    restate_product(engine, *at, image);
    return true;
}

/* A new name takes a slot: one that is free is restated as such. */
static bool before_name(const struct engine *engine, uint32_t number, struct event *image)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    if (number == 0)
        return false;
    uint32_t slot = catalog_name_slot(number);
    if (slot >= catalog_name_slots(catalog) || catalog->sales[slot].restated == catalog->restated)
        return false;
    restate_name(engine, slot, image);
    return true;
}

/* A product behind the names that it has so far. */
static bool before_product(const struct engine *engine, uint32_t sku_number, struct event *image)
{
    const struct catalog *catalog = &engine->shelf->catalog;
    uint32_t index = catalog_find_number(catalog, sku_number);
    if (index == SKU_NONE || catalog->records[index].restated == catalog->restated)
        return false;
    const struct product_terms *terms = &catalog->records[index].terms;
    if (!before_name(engine, terms->seller_number, image) &&
        !before_name(engine, terms->sale_number, image))
        restate_product(engine, index, image);
    return true;
}

bool restate_catalog_before(
    const struct engine *engine, const struct event *about, struct event *image)
{
    const struct fact_product *product = &about->fact.product;
    CHECK(about->kind != EVENT_SALE_REMOVED);
    if (about->kind == EVENT_STOCK_ADJUSTED)
        return before_product(engine, about->fact.stock.sku_number, image);
    if (about->kind == EVENT_PRODUCT_SET)
        return before_name(engine, product->seller_number, image) ||
               before_name(engine, product->sale_number, image) ||
               before_product(engine, product->sku_number, image);
    if (about->kind == EVENT_SALE_SET || about->kind == EVENT_SALE_OPENED ||
        about->kind == EVENT_SALE_CLOSED)
        return before_name(engine, about->fact.sale.sale_number, image);
    if (about->kind == EVENT_SALE_CLOSING)
        return before_name(engine, about->fact.removal.sale_number, image);
    return false;
}
