/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shard 0 applies a product event: the slot is taken, its number and SKU can be found by shard 0.
 * When the record is durable it publishes: terms and texts are written under the slot's sequence
 * lock, and a new product becomes visible, unless it came with an import, whose products become
 * visible together. Readers that meet a write in progress read again; a write is a few hundred
 * bytes of copying, so they do not wait long.
 */
#include "core/catalog_parts.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint32_t catalog_hash(struct bytes bytes)
{
    return (uint32_t)XXH3_64bits(bytes.data, bytes.size);
}

static uint32_t hash_of_number(uint32_t number)
{
    return number * 2654435761u;
}

void catalog_init(struct catalog *catalog, struct arena *arena, uint32_t skus, uint32_t names)
{
    CHECK(skus > 0);
    CHECK(names <= CATALOG_NAMES_MAX);
    CHECK(names > 0);
    *catalog = (struct catalog){
        .records = arena_take(arena, "catalog products", skus, sizeof(struct catalog_record)),
        .capacity = skus,
        .number_next = 1,
        .names = arena_take(arena, "catalog names", names, sizeof(struct name)),
        .sales = arena_take(arena, "catalog sales", names, sizeof(struct catalog_sale)),
        .names_capacity = names,
        .seen = arena_take(arena, "catalog seen", SHARDS_MAX, sizeof(struct catalog_seen)),
    };
    published_init(&catalog->by_sku, arena, "catalog index by sku", skus);
    published_init(&catalog->by_number, arena, "catalog index by number", skus);
    published_init(&catalog->by_name, arena, "catalog index of names", names);
}

uint32_t catalog_find_reserved(const struct catalog *catalog, struct bytes sku)
{
    uint32_t hash = catalog_hash(sku);
    uint32_t position = published_start(&catalog->by_sku, hash);
    uint32_t index;
    while ((index = published_next(&catalog->by_sku, hash, &position)) != PUBLISHED_NONE) {
        /* A SKU never changes once its slot is in the index: no lock is needed to compare it. */
        if (bytes_equal(name_bytes(&catalog->records[index].terms.sku), sku))
            return index;
    }
    return SKU_NONE;
}

uint32_t catalog_find(const struct catalog *catalog, struct bytes sku)
{
    uint32_t index = catalog_find_reserved(catalog, sku);
    if (index == SKU_NONE || !catalog_is_visible(catalog, index))
        return SKU_NONE;
    return index;
}

bool catalog_is_visible(const struct catalog *catalog, uint32_t index)
{
    CHECK(index < catalog->capacity);
    return atomic_load_explicit(&catalog->records[index].visible, memory_order_acquire) != 0;
}

uint32_t catalog_find_number(const struct catalog *catalog, uint32_t number)
{
    uint32_t hash = hash_of_number(number);
    uint32_t position = published_start(&catalog->by_number, hash);
    uint32_t index;
    while ((index = published_next(&catalog->by_number, hash, &position)) != PUBLISHED_NONE) {
        if (catalog->records[index].terms.number == number)
            return index;
    }
    return SKU_NONE;
}

uint32_t catalog_number(const struct catalog *catalog, uint32_t index)
{
    CHECK(index < catalog->capacity);
    return catalog->records[index].terms.number;
}

struct bytes catalog_sku(const struct catalog *catalog, uint32_t index)
{
    CHECK(index < catalog->capacity);
    return name_bytes(&catalog->records[index].terms.sku);
}

void catalog_terms(const struct catalog *catalog, uint32_t index, struct product_terms *terms)
{
    CHECK(index < catalog->capacity);
    const struct catalog_record *record = &catalog->records[index];
    read_whole(&record->lock, &record->terms, terms, sizeof(*terms));
}

void catalog_texts(const struct catalog *catalog, uint32_t index, struct product_texts *texts)
{
    CHECK(index < catalog->capacity);
    const struct catalog_record *record = &catalog->records[index];
    read_whole(&record->lock, &record->texts, texts, sizeof(*texts));
}

void catalog_kind(const struct catalog *catalog, uint32_t index, struct product_kind *kind)
{
    CHECK(index < catalog->capacity);
    const struct catalog_record *record = &catalog->records[index];
    read_whole(&record->lock, &record->texts.category, kind, sizeof(*kind));
}

/* Size and first bytes of a name in place, as the word that they are; of any text. */
static uint64_t name_word(struct bytes bytes)
{
    uint8_t head[sizeof(uint64_t)] = {(uint8_t)bytes.size};
    uint64_t word;
    for (uint32_t i = 1; i < sizeof(head) && i <= bytes.size; i++)
        head[i] = bytes.data[i - 1];
    memcpy(&word, head, sizeof(word));
    return word;
}

bool catalog_may_be_in(
    const struct catalog *catalog, uint32_t index, uint32_t sale_number, struct bytes group)
{
    enum { AHEAD = 8 * sizeof(struct catalog_record) };
    CHECK(index < catalog->capacity);
    const struct catalog_record *record = &catalog->records[index];
    const void *first = sale_number != 0 ? (const void *)&record->terms.sale_number
                                         : (const void *)&record->texts.group;
    const uint64_t *word = (const uint64_t *)(const void *)&record->texts.group;
    __builtin_prefetch((const uint8_t *)first + AHEAD);
    if (sale_number != 0 && catalog_sale_of(catalog, index) != sale_number)
        return false;
    return group.data == NULL || __atomic_load_n(word, __ATOMIC_RELAXED) == name_word(group);
}

uint32_t catalog_walk_end(const struct catalog *catalog)
{
    return atomic_load_explicit(&catalog->slots_used, memory_order_acquire);
}

bool product_price(const struct product_terms *terms, const uint8_t currency[4], int64_t *amount)
{
    if (currency[0] == 0) {
        *amount = terms->prices[0].amount;
        return true;
    }
    for (uint32_t i = 0; i < terms->price_count; i++) {
        if (memcmp(terms->prices[i].currency, currency, 3) == 0) {
            *amount = terms->prices[i].amount;
            return true;
        }
    }
    return false;
}

bool catalog_room(const struct catalog *catalog, uint32_t products, uint32_t names)
{
    uint32_t slots = catalog->capacity - atomic_load(&catalog->slots_used) + catalog->slots_free;
    uint32_t free_names =
        catalog->names_capacity - atomic_load(&catalog->names_used) + catalog->names_free;
    return products <= slots && names <= free_names;
}

bool catalog_is_changing(const struct catalog *catalog, uint32_t index)
{
    CHECK(index < catalog->capacity);
    const struct catalog_record *record = &catalog->records[index];
    return record->reserved_version != record->terms.version;
}

static uint32_t slot_take(struct catalog *catalog)
{
    if (catalog->slots_free_first != 0) {
        uint32_t index = catalog->slots_free_first - 1;
        catalog->slots_free_first = catalog->records[index].next_free;
        catalog->slots_free--;
        return index;
    }
    uint32_t index = atomic_load(&catalog->slots_used);
    CHECK(index < catalog->capacity);
    atomic_store_explicit(&catalog->slots_used, index + 1, memory_order_release);
    return index;
}

static void slot_reserve(struct catalog *catalog, const struct event *event)
{
    uint32_t index = slot_take(catalog);
    struct catalog_record *record = &catalog->records[index];
    struct bytes sku = event->text[TEXT_SKU];
    CHECK(record->terms.number == 0);
    record->terms.number = event->fact.product.sku_number;
    record->restated = catalog->restated;
    name_set(&record->terms.sku, sku);
    published_insert(&catalog->by_sku, catalog_hash(sku), index);
    published_insert(&catalog->by_number, hash_of_number(record->terms.number), index);
    if (record->terms.number >= catalog->number_next)
        catalog->number_next = record->terms.number + 1;
}

/* Nobody sees it, and no shard has anything of it. Its slot rests: a reader may stand on it. */
void catalog_take_out(struct catalog *catalog, uint32_t index)
{
    struct catalog_record *record = &catalog->records[index];
    struct product_terms terms = record->terms;
    CHECK(!catalog_is_visible(catalog, index));
    CHECK(record->raising == 0);
    published_remove(&catalog->by_sku, catalog_hash(name_bytes(&terms.sku)), index);
    published_remove(&catalog->by_number, hash_of_number(terms.number), index);
    terms.number = terms.sale_number = 0;
    write_whole(&record->lock, &record->terms, &terms, sizeof(terms));
    record->reserved_sale = record->allotment = 0;
    record->next_free = catalog->resting_first;
    catalog->resting_first = index + 1;
}

void catalog_release_slot(struct catalog *catalog, uint32_t index)
{
    struct catalog_record *record = &catalog->records[index];
    record->terms = (struct product_terms){0};
    record->reserved_version = 0;
    record->in_import = false;
    record->next_free = catalog->slots_free_first;
    catalog->slots_free_first = index + 1;
    catalog->slots_free++;
}

void catalog_reserve(struct catalog *catalog, const struct event *event)
{
    CHECK(event->kind == EVENT_PRODUCT_SET || event->kind == EVENT_PRODUCT_IMAGE);
    const struct fact_product *fact = &event->fact.product;
    /* The seller first: decide numbered him before the sale. */
    name_reserve(catalog, fact->seller_number, event->text[TEXT_SELLER]);
    name_reserve(catalog, fact->sale_number, event->text[TEXT_SALE]);
    if (fact->seller_number != 0)
        name_slot(catalog, fact->seller_number)->is_seller = true;
    if (fact->sale_number != 0 && catalog_sale_reserved(catalog, fact->sale_number) == 0)
        name_slot(catalog, fact->sale_number)->reserved_version = 1;
    if (fact->created)
        slot_reserve(catalog, event);
    uint32_t index = catalog_find_number(catalog, fact->sku_number);
    CHECK(index != SKU_NONE);
    catalog->changing++;
    catalog->records[index].reserved_version = fact->version;
    catalog->records[index].reserved_sale = fact->sale_number;
}

static void terms_write(struct product_terms *terms, const struct fact_product *fact)
{
    CHECK(fact->price_count >= 1);
    CHECK(fact->price_count <= PRICES_MAX);
    terms->version = fact->version;
    terms->seller_number = fact->seller_number;
    terms->sale_number = fact->sale_number;
    terms->max_per_customer = fact->max_per_customer;
    terms->hold_seconds = fact->hold_seconds;
    terms->reserve_on = fact->reserve_on;
    terms->price_count = fact->price_count;
    terms->starts_wall_ms = fact->starts_wall_ms;
    terms->ends_wall_ms = fact->ends_wall_ms;
    for (uint32_t i = 0; i < PRICES_MAX; i++) {
        terms->prices[i] = (struct price){.amount = fact->prices[i].amount};
        memcpy(terms->prices[i].currency, fact->prices[i].currency, 4);
    }
}

static void texts_write(struct product_texts *texts, const struct event *event)
{
    struct bytes title = event->text[TEXT_TITLE], image = event->text[TEXT_IMAGE];
    CHECK(title.size <= TITLE_SIZE_MAX);
    CHECK(image.size <= TITLE_SIZE_MAX);
    texts->title_size = (uint8_t)title.size;
    texts->image_size = (uint8_t)image.size;
    if (title.size > 0)
        memcpy(texts->title, title.data, title.size);
    if (image.size > 0)
        memcpy(texts->image, image.data, image.size);
    name_set(&texts->category, event->text[TEXT_CATEGORY]);
    name_set(&texts->group, event->text[TEXT_GROUP]);
    name_set(&texts->option, event->text[TEXT_OPTION]);
}

void catalog_publish(struct catalog *catalog, const struct event *event)
{
    uint32_t index = catalog_find_number(catalog, event->fact.product.sku_number);
    CHECK(index != SKU_NONE);
    CHECK(catalog->changing > 0);
    catalog->changing--;
    struct catalog_record *record = &catalog->records[index];
    /* Shard 0 alone writes, so it may read what it wrote without the lock. */
    struct product_terms terms = record->terms;
    struct product_texts texts = {0};
    if (terms.sale_number != event->fact.product.sale_number ||
        terms.ends_wall_ms != event->fact.product.ends_wall_ms)
        catalog->sale_changes++;
    terms_write(&terms, &event->fact.product);
    catalog_note_longest(&catalog->hold_seconds_max, terms.hold_seconds);
    texts_write(&texts, event);
    write_whole(&record->lock, &record->terms, &terms, sizeof(terms));
    write_whole(&record->lock, &record->texts, &texts, sizeof(texts));
    if (event->fact.product.sale_number != 0)
        sale_named(catalog, event->fact.product.sale_number);
    record->in_import = record->in_import || event->fact.product.in_import;
    if (!record->in_import)
        atomic_store_explicit(&record->visible, 1, memory_order_release);
}

void catalog_begin_import(struct catalog *catalog, const struct event *event)
{
    struct bytes actor = event->text[TEXT_ACTOR];
    CHECK(!catalog->importing);
    CHECK(actor.size <= ACTOR_SIZE_MAX);
    catalog->importing = true;
    catalog->import = event->fact.import;
    catalog->import_actor_size = (uint8_t)actor.size;
    if (actor.size > 0)
        memcpy(catalog->import_actor, actor.data, actor.size);
}

void catalog_end_import(struct catalog *catalog)
{
    CHECK(catalog->importing);
    CHECK(!catalog->import_ending);
    catalog->import_ending = true;
}

void catalog_publish_import(struct catalog *catalog)
{
    CHECK(catalog->import_ending);
    catalog->importing = catalog->import_ending = false;
    uint32_t end = catalog_walk_end(catalog);
    for (uint32_t index = 0; index < end; index++) {
        struct catalog_record *record = &catalog->records[index];
        if (record->in_import)
            atomic_store_explicit(&record->visible, 1, memory_order_release);
        record->in_import = false;
    }
}
