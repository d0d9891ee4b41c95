/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalog's side of a restating walk. An image is taken of what is published, since no change
 * of it waits for the disk: the walk began when none did, and before a change is decided that is
 * recorded behind its beginning, what it changes is restated.
 *
 * Read back, slots of names come in any order, and new names in between: a slot that was passed
 * over has no number, past or to come, until its own image.
 */
#include "core/bugs.h"
#include "core/catalog_parts.h"

bool catalog_is_settled(const struct catalog *catalog)
{
    return catalog->changing == 0 && !catalog->import_ending &&
           catalog->leaving == catalog_closing(catalog) &&
           !(catalog->is_removed && catalog->leaving != 0);
}

void catalog_restate_begin(struct catalog *catalog)
{
    catalog->restated = !catalog->restated;
}

void catalog_restate_give_up(struct catalog *catalog)
{
    for (uint32_t slot = 0; slot < catalog_name_slots(catalog); slot++)
        catalog->sales[slot].restated = catalog->restated;
    for (uint32_t index = 0; index < catalog_walk_end(catalog); index++)
        catalog->records[index].restated = catalog->restated;
}

uint32_t catalog_restate_name(const struct catalog *catalog, uint32_t slot)
{
    uint32_t end = catalog_name_slots(catalog);
    while (slot < end && catalog->sales[slot].restated == catalog->restated)
        slot++;
    return slot < end ? slot : end;
}

uint32_t catalog_restate_product(const struct catalog *catalog, uint32_t index)
{
    uint32_t end = catalog_walk_end(catalog);
    for (; index < end; index++) {
        if (catalog_number(catalog, index) != 0 &&
            catalog->records[index].restated != catalog->restated)
            return index;
    }
    return end;
}

static struct fact_sale fact_of_sale(const struct sale *sale)
{
    return (struct fact_sale){
        .sale_number = sale->number,
        .hold_seconds = sale->hold_seconds,
        .payment_seconds = sale->payment_seconds,
        .review_seconds = sale->review_seconds,
        .max_per_customer = sale->max_per_customer,
        .reserve_on = sale->reserve_on,
        .payment_mode = sale->payment_mode,
        .counts = sale->counts,
        .guests = sale->guests,
        .counts_cap = sale->counts_cap,
        .version = sale->version,
        .starts_wall_ms = sale->starts_wall_ms,
        .ends_wall_ms = sale->ends_wall_ms,
    };
}

void catalog_name_fact(const struct catalog *catalog, uint32_t slot, struct fact_name *fact)
{
    const struct catalog_sale *entry = &catalog->sales[slot];
    uint32_t number = catalog_name_at(catalog, slot);
    CHECK(entry->reserved_version == entry->sale.version);
    *fact = (struct fact_name){
        .sale = fact_of_sale(&entry->sale), /* shard 0 wrote it */
        .slot = {.slot = slot,
            .number = number,
            .number_next = entry->number_next,
            .free_order = number == 0 ? entry->free_order : 0,
            .told = bug(BUG_WINDOW_TOLD_AGAIN) ? 0 : entry->told,
            .is_seller = entry->is_seller},
    };
}

/* An import that is ending has ended before the image, which is recorded behind it. */
void catalog_product_fact(const struct catalog *catalog, uint32_t index, struct fact_product *fact)
{
    const struct catalog_record *record = &catalog->records[index];
    const struct product_terms *terms = &record->terms;
    CHECK(!catalog_is_changing(catalog, index));
    *fact = (struct fact_product){
        .sku_number = terms->number,
        .version = terms->version,
        .seller_number = terms->seller_number,
        .sale_number = terms->sale_number,
        .max_per_customer = terms->max_per_customer,
        .hold_seconds = terms->hold_seconds,
        .allotment = record->allotment,
        .created = 1,
        .reserve_on = terms->reserve_on,
        .in_import = record->in_import && !catalog->import_ending,
        .price_count = terms->price_count,
        .starts_wall_ms = terms->starts_wall_ms,
        .ends_wall_ms = terms->ends_wall_ms,
    };
    for (uint32_t i = 0; i < terms->price_count; i++) {
        fact->prices[i].amount = terms->prices[i].amount;
        memcpy(fact->prices[i].currency, terms->prices[i].currency, 4);
    }
}

bool catalog_put_heads(struct catalog *catalog, uint32_t number_next, uint32_t leaving)
{
    bool made = catalog->number_next == 1 && catalog_name_slots(catalog) == 0;
    if (made) {
        catalog->number_next = number_next;
        catalog->leaving = leaving;
        atomic_store(&catalog->closing, leaving);
    }
    CHECK(catalog->number_next == number_next);
    CHECK(catalog->leaving == leaving);
    return made;
}

/* A slot that is known has a number, or one to come; one that rests for good has neither, and what
 * is made of its image is the same. */
static bool name_is_known(const struct catalog *catalog, uint32_t slot)
{
    return slot < catalog_name_slots(catalog) &&
           (catalog_name_at(catalog, slot) != 0 || catalog->sales[slot].number_next != 0);
}

static void check_name(
    const struct catalog *catalog, const struct fact_name *fact, struct bytes name)
{
    struct fact_name here;
    catalog_name_fact(catalog, fact->slot.slot, &here);
    CHECK(memcmp(fact, &here, sizeof(here)) == 0);
    CHECK(bytes_equal(name, catalog_name(catalog, fact->slot.number)));
}

bool catalog_put_name(struct catalog *catalog, const struct event *image)
{
    const struct fact_name *fact = &image->fact.name;
    const struct image_slot *slot = &fact->slot;
    CHECK(slot->slot < catalog->names_capacity);
    struct catalog_sale *entry = &catalog->sales[slot->slot];
    entry->restated = catalog->restated;
    if (name_is_known(catalog, slot->slot)) {
        check_name(catalog, fact, image->text[TEXT_SALE]);
        return false;
    }
    const struct sale sale = sale_of(&fact->sale);
    (void)name_use_slot(catalog, slot->slot);
    entry->number_next = slot->number_next;
    entry->free_order = slot->free_order;
    entry->told = slot->told;
    entry->is_seller = slot->is_seller;
    entry->reserved_version = sale.version;
    sale_write(catalog, entry, &sale);
    catalog->sale_changes++;
    if (slot->number == 0) {
        name_release(catalog, slot->slot);
        return true;
    }
    CHECK(catalog_name_slot(slot->number) == slot->slot);
    name_write(catalog, slot->number, image->text[TEXT_SALE]);
    return true;
}

static void check_product(const struct catalog *catalog, uint32_t index, const struct event *image)
{
    const struct catalog_record *record = &catalog->records[index];
    const struct product_texts *texts = &record->texts;
    struct fact_product here;
    catalog_product_fact(catalog, index, &here);
    CHECK(memcmp(&image->fact.product, &here, sizeof(here)) == 0);
    CHECK(bytes_equal(image->text[TEXT_SKU], catalog_sku(catalog, index)));
    CHECK(bytes_equal(image->text[TEXT_TITLE], bytes_of(texts->title, texts->title_size)));
    CHECK(bytes_equal(image->text[TEXT_IMAGE], bytes_of(texts->image, texts->image_size)));
    CHECK(bytes_equal(image->text[TEXT_CATEGORY], name_bytes(&texts->category)));
    CHECK(bytes_equal(image->text[TEXT_GROUP], name_bytes(&texts->group)));
    CHECK(bytes_equal(image->text[TEXT_OPTION], name_bytes(&texts->option)));
}

/* Nobody reads yet: it is decided and durable at once. */
static void make_product(struct catalog *catalog, const struct event *image)
{
    const struct fact_product *fact = &image->fact.product;
    catalog_reserve(catalog, image);
    uint32_t index = catalog_find_number(catalog, fact->sku_number);
    catalog->records[index].allotment = fact->allotment;
    catalog_publish(catalog, image);
    if (fact->sale_number != 0 && fact->sale_number == catalog_closing(catalog))
        atomic_store_explicit(&catalog->records[index].visible, 0, memory_order_release);
}

bool catalog_put_product(struct catalog *catalog, const struct event *image)
{
    const struct fact_product *fact = &image->fact.product;
    uint32_t index = catalog_find_number(catalog, fact->sku_number);
    bool made = index == SKU_NONE;
    CHECK(bytes_equal(image->text[TEXT_SELLER], catalog_name(catalog, fact->seller_number)));
    CHECK(bytes_equal(image->text[TEXT_SALE], catalog_name(catalog, fact->sale_number)));
    if (made) {
        CHECK(fact->sku_number < catalog->number_next);
        CHECK(catalog_find_reserved(catalog, image->text[TEXT_SKU]) == SKU_NONE);
        make_product(catalog, image);
        return true;
    }
    check_product(catalog, index, image);
    catalog->records[index].restated = catalog->restated;
    return false;
}

bool catalog_put_import(struct catalog *catalog, const struct event *image)
{
    struct bytes actor = image->text[TEXT_ACTOR];
    if (!catalog->importing) {
        catalog_begin_import(catalog, image);
        return true;
    }
    CHECK(memcmp(&image->fact.import, &catalog->import, sizeof(catalog->import)) == 0);
    CHECK(bytes_equal(actor, bytes_of(catalog->import_actor, catalog->import_actor_size)));
    return false;
}
