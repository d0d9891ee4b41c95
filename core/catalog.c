/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shard 0 applies a product event: the slot is taken, its number and SKU can be found by shard 0.
 * When the record is durable it publishes: terms and texts are written under the slot's sequence
 * lock, and a new product becomes visible, unless it came with an import, whose products become
 * visible together. Readers that meet a write in progress read again; a write is a few hundred
 * bytes of copying, so they do not wait long.
 */
#include "core/catalog.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/check.h"

static uint32_t hash_of(struct bytes bytes)
{
    return (uint32_t)XXH3_64bits(bytes.data, bytes.size);
}

static uint32_t hash_of_number(uint32_t number)
{
    return number * 2654435761u;
}

static struct bytes name_bytes(const struct name *name)
{
    return bytes_of(name->data, name->size);
}

static void name_set(struct name *name, struct bytes bytes)
{
    CHECK(bytes.size <= NAME_SIZE_MAX);
    name->size = (uint8_t)bytes.size;
    if (bytes.size > 0)
        memcpy(name->data, bytes.data, bytes.size);
}

void catalog_init(struct catalog *catalog, struct arena *arena, uint32_t skus, uint32_t names)
{
    CHECK(skus > 0);
    CHECK(names > 0);
    *catalog = (struct catalog){
        .records = arena_take(arena, "catalog products", skus, sizeof(struct catalog_record)),
        .capacity = skus,
        .number_next = 1,
        .names = arena_take(arena, "catalog names", names, sizeof(struct name)),
        .sales = arena_take(arena, "catalog sales", names, sizeof(struct catalog_sale)),
        .names_capacity = names,
    };
    published_init(&catalog->by_sku, arena, "catalog index by sku", skus);
    published_init(&catalog->by_number, arena, "catalog index by number", skus);
    published_init(&catalog->by_name, arena, "catalog index of names", names);
}

/*
 * The sequence lock of a record, word by word: a store that releases cannot pass the odd number
 * before it, a load that acquires cannot be passed by the second look at the number. No fence
 * stands alone, so ThreadSanitizer understands it; on x86 the words cost plain moves.
 */
static void write_whole(_Atomic uint32_t *lock, void *target, const void *source, uint32_t size)
{
    uint32_t sequence = atomic_load_explicit(lock, memory_order_relaxed);
    CHECK(sequence % 2 == 0);
    CHECK(size % sizeof(uint64_t) == 0);
    atomic_store_explicit(lock, sequence + 1, memory_order_relaxed);
    uint64_t *to = target;
    for (uint32_t i = 0; i < size / sizeof(uint64_t); i++) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)source + i * sizeof(word), sizeof(word));
        __atomic_store_n(&to[i], word, __ATOMIC_RELEASE);
    }
    atomic_store_explicit(lock, sequence + 2, memory_order_release);
}

/* Copies `size` bytes that shard 0 may be writing; the copy is whole. */
static void read_whole(
    const _Atomic uint32_t *lock, const void *source, void *target, uint32_t size)
{
    const uint64_t *from = source;
    for (;;) {
        uint32_t before = atomic_load_explicit(lock, memory_order_acquire);
        for (uint32_t i = 0; i < size / sizeof(uint64_t); i++) {
            uint64_t word = __atomic_load_n(&from[i], __ATOMIC_ACQUIRE);
            memcpy((uint8_t *)target + i * sizeof(word), &word, sizeof(word));
        }
        uint32_t after = atomic_load_explicit(lock, memory_order_relaxed);
        if (before == after && before % 2 == 0)
            return;
    }
}

uint32_t catalog_find_reserved(const struct catalog *catalog, struct bytes sku)
{
    uint32_t hash = hash_of(sku);
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

uint32_t catalog_walk_end(const struct catalog *catalog)
{
    return atomic_load_explicit(&catalog->slots_used, memory_order_acquire);
}

struct bytes catalog_name(const struct catalog *catalog, uint32_t number)
{
    if (number == 0)
        return (struct bytes){0};
    CHECK(number <= atomic_load_explicit(&catalog->names_used, memory_order_acquire));
    return name_bytes(&catalog->names[number - 1]);
}

uint32_t catalog_name_find(const struct catalog *catalog, struct bytes name)
{
    uint32_t hash = hash_of(name);
    uint32_t position = published_start(&catalog->by_name, hash);
    uint32_t index;
    while ((index = published_next(&catalog->by_name, hash, &position)) != PUBLISHED_NONE) {
        if (bytes_equal(name_bytes(&catalog->names[index]), name))
            return index + 1;
    }
    return 0;
}

uint32_t catalog_names(const struct catalog *catalog)
{
    return atomic_load_explicit(&catalog->names_used, memory_order_acquire);
}

void catalog_sale(const struct catalog *catalog, uint32_t number, struct sale *sale)
{
    *sale = (struct sale){0};
    if (number == 0)
        return;
    CHECK(number <= catalog->names_capacity);
    const struct catalog_sale *slot = &catalog->sales[number - 1];
    read_whole(&slot->lock, &slot->sale, sale, sizeof(*sale));
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
    return products <= catalog->capacity - atomic_load(&catalog->slots_used) &&
           names <= catalog->names_capacity - atomic_load(&catalog->names_used);
}

bool catalog_is_changing(const struct catalog *catalog, uint32_t index)
{
    CHECK(index < catalog->capacity);
    const struct catalog_record *record = &catalog->records[index];
    return record->reserved_version != record->terms.version;
}

/* Numbers are given by decide in order, so a new name is always the next one. */
static void name_reserve(struct catalog *catalog, uint32_t number, struct bytes text)
{
    uint32_t used = atomic_load(&catalog->names_used);
    if (number <= used)
        return;
    CHECK(number == used + 1);
    CHECK(number <= catalog->names_capacity);
    name_set(&catalog->names[used], text);
    atomic_store_explicit(&catalog->names_used, number, memory_order_release);
    published_insert(&catalog->by_name, hash_of(text), used);
}

static void slot_reserve(struct catalog *catalog, const struct event *event)
{
    uint32_t index = atomic_load(&catalog->slots_used);
    CHECK(index < catalog->capacity);
    struct catalog_record *record = &catalog->records[index];
    struct bytes sku = event->text[TEXT_SKU];
    record->terms.number = event->fact.product.sku_number;
    name_set(&record->terms.sku, sku);
    atomic_store_explicit(&catalog->slots_used, index + 1, memory_order_release);
    published_insert(&catalog->by_sku, hash_of(sku), index);
    published_insert(&catalog->by_number, hash_of_number(record->terms.number), index);
    if (record->terms.number >= catalog->number_next)
        catalog->number_next = record->terms.number + 1;
}

void catalog_reserve(struct catalog *catalog, const struct event *event)
{
    CHECK(event->kind == EVENT_PRODUCT_SET);
    const struct fact_product *fact = &event->fact.product;
    /* The lower number first: decide numbers the seller before the sale. */
    name_reserve(catalog, fact->seller_number, event->text[TEXT_SELLER]);
    name_reserve(catalog, fact->sale_number, event->text[TEXT_SALE]);
    if (fact->sale_number != 0 && catalog_sale_reserved(catalog, fact->sale_number) == 0)
        catalog->sales[fact->sale_number - 1].reserved_version = 1;
    if (fact->created)
        slot_reserve(catalog, event);
    uint32_t index = catalog_find_number(catalog, fact->sku_number);
    CHECK(index != SKU_NONE);
    catalog->records[index].reserved_version = fact->version;
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

/* A sale that a product names exists from then on, with the configuration's values. */
static void sale_named(struct catalog *catalog, uint32_t number)
{
    struct catalog_sale *slot = &catalog->sales[number - 1];
    const struct sale sale = {.number = number, .version = 1};
    if (slot->sale.version == 0)
        write_whole(&slot->lock, &slot->sale, &sale, sizeof(sale));
}

void catalog_publish(struct catalog *catalog, const struct event *event)
{
    uint32_t index = catalog_find_number(catalog, event->fact.product.sku_number);
    CHECK(index != SKU_NONE);
    struct catalog_record *record = &catalog->records[index];
    /* Shard 0 alone writes, so it may read what it wrote without the lock. */
    struct product_terms terms = record->terms;
    struct product_texts texts = {0};
    terms_write(&terms, &event->fact.product);
    texts_write(&texts, event);
    write_whole(&record->lock, &record->terms, &terms, sizeof(terms));
    write_whole(&record->lock, &record->texts, &texts, sizeof(texts));
    if (event->fact.product.sale_number != 0)
        sale_named(catalog, event->fact.product.sale_number);
    if (!event->fact.product.in_import)
        atomic_store_explicit(&record->visible, 1, memory_order_release);
}

uint32_t catalog_sale_reserved(const struct catalog *catalog, uint32_t number)
{
    CHECK(number >= 1);
    CHECK(number <= catalog->names_capacity);
    return catalog->sales[number - 1].reserved_version;
}

void catalog_reserve_sale(struct catalog *catalog, const struct event *event)
{
    const struct fact_sale *fact = &event->fact.sale;
    CHECK(event->kind == EVENT_SALE_SET);
    name_reserve(catalog, fact->sale_number, event->text[TEXT_SALE]);
    catalog->sales[fact->sale_number - 1].reserved_version = fact->version;
}

void catalog_told_sale(struct catalog *catalog, const struct event *event)
{
    const struct fact_sale *fact = &event->fact.sale;
    CHECK(event->kind == EVENT_SALE_OPENED || event->kind == EVENT_SALE_CLOSED);
    CHECK(catalog_sale_reserved(catalog, fact->sale_number) != 0);
    catalog->sales[fact->sale_number - 1].told =
        event->kind == EVENT_SALE_OPENED ? SALE_TOLD_OPEN : SALE_TOLD_CLOSED;
}

struct sale sale_of_image(const struct sale_image *image, uint32_t number, uint32_t version)
{
    return (struct sale){
        .number = number,
        .hold_seconds = image->hold_seconds,
        .payment_seconds = image->payment_seconds,
        .review_seconds = image->review_seconds,
        .max_per_customer = image->max_per_customer,
        .reserve_on = image->reserve_on,
        .payment_mode = image->payment_mode,
        .counts = image->counts,
        .guests = image->guests,
        .counts_cap = image->counts_cap,
        .version = version,
        .starts_wall_ms = image->starts_wall_ms,
        .ends_wall_ms = image->ends_wall_ms,
    };
}

struct sale sale_of(const struct fact_sale *fact)
{
    return (struct sale){
        .number = fact->sale_number,
        .hold_seconds = fact->hold_seconds,
        .payment_seconds = fact->payment_seconds,
        .review_seconds = fact->review_seconds,
        .max_per_customer = fact->max_per_customer,
        .reserve_on = fact->reserve_on,
        .payment_mode = fact->payment_mode,
        .counts = fact->counts,
        .guests = fact->guests,
        .counts_cap = fact->counts_cap,
        .version = fact->version,
        .starts_wall_ms = fact->starts_wall_ms,
        .ends_wall_ms = fact->ends_wall_ms,
    };
}

void catalog_publish_sale(struct catalog *catalog, const struct event *event)
{
    const struct fact_sale *fact = &event->fact.sale;
    struct catalog_sale *slot = &catalog->sales[fact->sale_number - 1];
    struct sale sale = sale_of(fact);
    write_whole(&slot->lock, &slot->sale, &sale, sizeof(sale));
}

void catalog_begin_import(struct catalog *catalog)
{
    CHECK(!catalog->importing);
    catalog->importing = true;
    catalog->import_first = atomic_load(&catalog->slots_used);
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
    for (uint32_t index = catalog->import_first; index < end; index++) {
        if (catalog->records[index].terms.version != 0)
            atomic_store_explicit(&catalog->records[index].visible, 1, memory_order_release);
    }
}
