/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One number for the catalog and the switches as shard 0 has them, the same however they came
 * about. Slots of products are left out, since those that are free may be others after a recovery;
 * so is what only this process knows: who has looked away, what rests, how far kills have come.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/catalog_parts.h"

static uint64_t digest_of(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

static uint64_t digest_bytes(struct bytes bytes, uint64_t seed)
{
    return digest_of(bytes.data, bytes.size, seed);
}

static uint64_t digest_sale(const struct sale *sale, uint64_t seed)
{
    uint64_t parts[13] = {sale->number, sale->hold_seconds, sale->payment_seconds,
        sale->review_seconds, sale->max_per_customer, sale->reserve_on, sale->payment_mode,
        sale->counts, sale->guests, sale->counts_cap, sale->version, (uint64_t)sale->starts_wall_ms,
        (uint64_t)sale->ends_wall_ms};
    return digest_of(parts, sizeof(parts), seed);
}

/* A name that is gone counts as free as soon as its slot is empty: it may rest. */
static uint64_t digest_name(const struct catalog *catalog, uint32_t slot)
{
    const struct catalog_sale *entry = &catalog->sales[slot];
    uint32_t number = atomic_load(&entry->number);
    uint64_t parts[7] = {slot, number, entry->number_next, entry->reserved_version, entry->told,
        entry->is_seller, number == 0 ? entry->free_order : 0};
    uint64_t name = digest_of(parts, sizeof(parts), 21);
    if (number != 0)
        name = digest_bytes(name_bytes(&catalog->names[slot]), name);
    return digest_sale(&entry->sale, name);
}

/* Free slots in the order in which they will be taken. */
static uint64_t digest_free(const struct catalog *catalog)
{
    uint64_t name = 25;
    for (uint32_t link = catalog->names_free_first; link != 0;
         link = catalog->sales[link - 1].next_free)
        name = digest_of(&link, sizeof(link), name);
    uint32_t rests = catalog->resting_name;
    if (rests != 0 && catalog->sales[rests - 1].number_next != 0)
        name = digest_of(&rests, sizeof(rests), name);
    return name;
}

static uint64_t digest_texts(const struct product_texts *texts, uint64_t seed)
{
    seed = digest_of(texts->title, texts->title_size, seed);
    seed = digest_of(texts->image, texts->image_size, seed);
    seed = digest_bytes(name_bytes(&texts->category), seed);
    seed = digest_bytes(name_bytes(&texts->group), seed);
    return digest_bytes(name_bytes(&texts->option), seed);
}

static uint64_t digest_product(const struct catalog_record *record)
{
    const struct product_terms *terms = &record->terms;
    uint64_t parts[14] = {terms->number, terms->version, terms->seller_number, terms->sale_number,
        terms->max_per_customer, terms->hold_seconds, terms->reserve_on, terms->price_count,
        (uint64_t)terms->starts_wall_ms, (uint64_t)terms->ends_wall_ms, record->allotment,
        record->in_import, record->reserved_version, record->reserved_sale};
    uint64_t name = digest_bytes(name_bytes(&terms->sku), 22);
    name = digest_of(parts, sizeof(parts), name + atomic_load(&record->visible));
    for (uint32_t i = 0; i < terms->price_count; i++) {
        const struct price *price = &terms->prices[i];
        name = digest_of(price->currency, 4, name + (uint64_t)price->amount);
    }
    return digest_texts(&record->texts, name);
}

uint64_t catalog_digest(const struct catalog *catalog)
{
    uint64_t parts[5] = {catalog->number_next, catalog->leaving,
        catalog->leaving != 0 && catalog->is_removed, catalog->importing, catalog->import_ending};
    uint64_t sum = digest_of(parts, sizeof(parts), 23);
    sum += digest_free(catalog);
    if (catalog->importing)
        sum += digest_of(&catalog->import, sizeof(catalog->import),
            digest_of(catalog->import_actor, catalog->import_actor_size, 24));
    for (uint32_t slot = 0; slot < catalog_name_slots(catalog); slot++)
        sum += digest_name(catalog, slot);
    for (uint32_t index = 0; index < catalog_walk_end(catalog); index++) {
        if (catalog_number(catalog, index) != 0)
            sum += digest_product(&catalog->records[index]);
    }
    return sum;
}
