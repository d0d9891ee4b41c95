/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of sellers and sales, the sales themselves, and how one leaves the shelf:
 *
 *     closing    durable: its products are visible to nobody, nothing of it changes any more
 *     parts      every shard drops what it has of it, and says when it is done
 *     removed    durable: its products and its name are out of the indexes and rest
 *     released   every shard has been elsewhere since: the slots may be taken again
 *
 * The number of a name is its slot and how often the slot was used before, so a number is found
 * without a search, and never comes again. One sale leaves at a time.
 */
#include "core/catalog_parts.h"

_Static_assert((uint64_t)CATALOG_NAMES_MAX *NAME_USES == (uint64_t)1 << 32, "32 bits");

uint32_t catalog_name_slot(uint32_t number)
{
    CHECK(number >= 1);
    return (number - 1) % CATALOG_NAMES_MAX;
}

struct catalog_sale *name_slot(const struct catalog *catalog, uint32_t number)
{
    uint32_t slot = catalog_name_slot(number);
    CHECK(slot < catalog->names_capacity);
    return &catalog->sales[slot];
}

static bool name_is(const struct catalog *catalog, uint32_t number)
{
    return atomic_load_explicit(&name_slot(catalog, number)->number, memory_order_acquire) ==
           number;
}

struct bytes catalog_name(const struct catalog *catalog, uint32_t number)
{
    /* A cart line may still name a sale that its SKU had left before it was removed. */
    if (number == 0 || !name_is(catalog, number))
        return (struct bytes){0};
    return name_bytes(&catalog->names[catalog_name_slot(number)]);
}

uint32_t catalog_name_find(const struct catalog *catalog, struct bytes name)
{
    uint32_t hash = catalog_hash(name);
    uint32_t position = published_start(&catalog->by_name, hash);
    uint32_t slot;
    while ((slot = published_next(&catalog->by_name, hash, &position)) != PUBLISHED_NONE) {
        if (bytes_equal(name_bytes(&catalog->names[slot]), name))
            return atomic_load_explicit(&catalog->sales[slot].number, memory_order_acquire);
    }
    return 0;
}

uint32_t catalog_name_slots(const struct catalog *catalog)
{
    return atomic_load_explicit(&catalog->names_used, memory_order_acquire);
}

uint32_t catalog_name_at(const struct catalog *catalog, uint32_t slot)
{
    CHECK(slot < catalog->names_capacity);
    return atomic_load_explicit(&catalog->sales[slot].number, memory_order_acquire);
}

bool catalog_name_was_used(const struct catalog *catalog, uint32_t number)
{
    uint32_t slot = catalog_name_slot(number);
    if (number == 0 || slot >= catalog_name_slots(catalog))
        return false;
    const struct catalog_sale *entry = &catalog->sales[slot];
    uint32_t now = catalog_name_at(catalog, slot);
    return now != 0 ? number <= now : entry->number_next == 0 || number < entry->number_next;
}

void catalog_sale(const struct catalog *catalog, uint32_t number, struct sale *sale)
{
    *sale = (struct sale){0};
    if (number == 0)
        return;
    const struct catalog_sale *slot = name_slot(catalog, number);
    read_whole(&slot->lock, &slot->sale, sale, sizeof(*sale));
    if (sale->number != number)
        *sale = (struct sale){0};
}

uint32_t catalog_name_next(const struct catalog *catalog, uint32_t after)
{
    uint32_t link = catalog->names_free_first, fresh = atomic_load(&catalog->names_used);
    for (; after > 0 && link != 0; after--)
        link = catalog->sales[link - 1].next_free;
    if (link == 0 && fresh + after >= catalog->names_capacity)
        return 0;
    return link != 0 ? catalog->sales[link - 1].number_next : fresh + after + 1;
}

/* Released slots are taken in the order they were released. */
static void unlink_free(struct catalog *catalog, uint32_t slot)
{
    uint32_t *link = &catalog->names_free_first, before = 0;
    for (uint32_t i = 0; i < catalog->names_free && *link != slot + 1; i++) {
        before = *link;
        link = &catalog->sales[*link - 1].next_free;
    }
    CHECK(*link == slot + 1);
    *link = catalog->sales[slot].next_free;
    if (catalog->names_free_last == slot + 1)
        catalog->names_free_last = before;
    catalog->names_free--;
}

bool name_use_slot(struct catalog *catalog, uint32_t slot)
{
    if (slot < atomic_load(&catalog->names_used))
        return false;
    atomic_store_explicit(&catalog->names_used, slot + 1, memory_order_release);
    return true;
}

void name_write(struct catalog *catalog, uint32_t number, struct bytes text)
{
    uint32_t slot = catalog_name_slot(number);
    name_set(&catalog->names[slot], text);
    atomic_store_explicit(&name_slot(catalog, number)->number, number, memory_order_release);
    published_insert(&catalog->by_name, catalog_hash(text), slot);
}

void name_reserve(struct catalog *catalog, uint32_t number, struct bytes text)
{
    if (number == 0 || name_is(catalog, number))
        return;
    uint32_t slot = catalog_name_slot(number);
    struct catalog_sale *entry = name_slot(catalog, number);
    CHECK(atomic_load(&entry->number) == 0);
    CHECK(text.size > 0);
    if (!name_use_slot(catalog, slot))
        unlink_free(catalog, slot);
    entry->restated = catalog->restated;
    name_write(catalog, number, text);
}

/* The slot + 1 of the newest free one that is older, 0 none: at once when all are. */
static uint32_t free_before(const struct catalog *catalog, uint32_t free_order)
{
    uint32_t before = 0, link = catalog->names_free_first, last = catalog->names_free_last;
    if (last != 0 && catalog->sales[last - 1].free_order < free_order)
        return last;
    for (; link != 0 && catalog->sales[link - 1].free_order < free_order;
         link = catalog->sales[link - 1].next_free)
        before = link;
    return before;
}

void name_release(struct catalog *catalog, uint32_t slot)
{
    struct catalog_sale *entry = &catalog->sales[slot];
    if (entry->number_next == 0)
        return;
    uint32_t before = free_before(catalog, entry->free_order);
    uint32_t *link =
        before == 0 ? &catalog->names_free_first : &catalog->sales[before - 1].next_free;
    entry->next_free = *link;
    *link = slot + 1;
    if (entry->next_free == 0)
        catalog->names_free_last = slot + 1;
    catalog->names_free++;
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

void catalog_note_longest(_Atomic uint32_t *longest, uint32_t seconds)
{
    if (seconds > atomic_load(longest))
        atomic_store_explicit(longest, seconds, memory_order_relaxed);
}

void sale_write(struct catalog *catalog, struct catalog_sale *slot, const struct sale *sale)
{
    catalog_note_longest(&catalog->payment_seconds_max, sale->payment_seconds);
    catalog_note_longest(&catalog->review_seconds_max, sale->review_seconds);
    catalog_note_longest(&catalog->hold_seconds_max, sale->hold_seconds);
    write_whole(&slot->lock, &slot->sale, sale, sizeof(*sale));
}

void sale_named(struct catalog *catalog, uint32_t number)
{
    struct catalog_sale *slot = name_slot(catalog, number);
    const struct sale sale = {.number = number, .version = 1};
    if (slot->sale.version == 0)
        sale_write(catalog, slot, &sale);
}

uint32_t catalog_sale_reserved(const struct catalog *catalog, uint32_t number)
{
    return name_is(catalog, number) ? name_slot(catalog, number)->reserved_version : 0;
}

bool catalog_sale_is_leaving(const struct catalog *catalog, uint32_t number)
{
    return number != 0 && catalog->leaving == number;
}

void catalog_reserve_sale(struct catalog *catalog, const struct event *event)
{
    const struct fact_sale *fact = &event->fact.sale;
    CHECK(event->kind == EVENT_SALE_SET);
    CHECK(!catalog_sale_is_leaving(catalog, fact->sale_number));
    name_reserve(catalog, fact->sale_number, event->text[TEXT_SALE]);
    name_slot(catalog, fact->sale_number)->reserved_version = fact->version;
    catalog->changing++;
}

void catalog_told_sale(struct catalog *catalog, const struct event *event)
{
    const struct fact_sale *fact = &event->fact.sale;
    CHECK(event->kind == EVENT_SALE_OPENED || event->kind == EVENT_SALE_CLOSED);
    CHECK(catalog_sale_reserved(catalog, fact->sale_number) != 0);
    name_slot(catalog, fact->sale_number)->told =
        event->kind == EVENT_SALE_OPENED ? SALE_TOLD_OPEN : SALE_TOLD_CLOSED;
}

void catalog_publish_sale(struct catalog *catalog, const struct event *event)
{
    const struct sale sale = sale_of(&event->fact.sale);
    CHECK(catalog->changing > 0);
    catalog->changing--;
    catalog->sale_changes++;
    sale_write(catalog, name_slot(catalog, sale.number), &sale);
}

/* How a sale leaves. */

void catalog_reserve_removal(struct catalog *catalog, const struct event *event)
{
    uint32_t number = event->fact.removal.sale_number;
    if (event->kind == EVENT_SALE_CLOSING) {
        CHECK(catalog->leaving == 0);
        CHECK(!catalog->is_removed);
        CHECK(catalog_sale_reserved(catalog, number) != 0);
        catalog->leaving = number;
        return;
    }
    CHECK(event->kind == EVENT_SALE_REMOVED);
    CHECK(catalog->leaving == number);
    CHECK(!catalog->is_removed);
    catalog->is_removed = true;
    /* Where its name will stand among the free ones: known now, whenever its slot is released. */
    uint32_t last = catalog->names_free_last;
    name_slot(catalog, number)->free_order =
        last == 0 ? 1 : catalog->sales[last - 1].free_order + 1;
}

uint32_t catalog_sale_of(const struct catalog *catalog, uint32_t index)
{
    CHECK(index < catalog->capacity);
    return __atomic_load_n(&catalog->records[index].terms.sale_number, __ATOMIC_RELAXED);
}

void catalog_publish_closing(struct catalog *catalog, uint32_t number)
{
    uint32_t end = catalog_walk_end(catalog);
    CHECK(catalog->leaving == number);
    for (uint32_t index = 0; index < end; index++) {
        if (catalog_sale_of(catalog, index) == number)
            atomic_store_explicit(&catalog->records[index].visible, 0, memory_order_release);
    }
    atomic_store(&catalog->parts_done, 0);
    atomic_store(&catalog->closing, number);
}

uint32_t catalog_closing(const struct catalog *catalog)
{
    return atomic_load_explicit(&catalog->closing, memory_order_acquire);
}

bool catalog_is_leaving(const struct catalog *catalog, uint32_t sku_number, uint32_t sale_number)
{
    uint32_t closing = catalog_closing(catalog), index = catalog_find_number(catalog, sku_number);
    if (index == SKU_NONE || (sale_number != 0 && !name_is(catalog, sale_number)))
        return true;
    return closing != 0 && (closing == sale_number || closing == catalog_sale_of(catalog, index));
}

void catalog_part_is_done(struct catalog *catalog, uint32_t number, uint32_t shard)
{
    CHECK(shard < SHARDS_MAX);
    if (number != 0 && catalog_closing(catalog) == number)
        atomic_fetch_or(&catalog->parts_done, UINT64_C(1) << shard);
}

bool catalog_has_part(const struct catalog *catalog, uint32_t shard)
{
    CHECK(shard < SHARDS_MAX);
    return (atomic_load(&catalog->parts_done) >> shard & 1) == 0;
}

static void sale_take_out(struct catalog *catalog, uint32_t number)
{
    const struct sale none = {0};
    struct catalog_sale *entry = name_slot(catalog, number);
    uint32_t slot = catalog_name_slot(number);
    sale_write(catalog, entry, &none);
    entry->reserved_version = 0;
    entry->told = SALE_SILENT;
    if (entry->is_seller)
        return;
    published_remove(&catalog->by_name, catalog_hash(name_bytes(&catalog->names[slot])), slot);
    atomic_store_explicit(&entry->number, 0, memory_order_release);
    entry->number_next =
        (number - 1) / CATALOG_NAMES_MAX + 1 < NAME_USES ? number + CATALOG_NAMES_MAX : 0;
    catalog->resting_name = slot + 1;
}

void catalog_publish_removed(struct catalog *catalog, uint32_t number)
{
    CHECK(catalog->leaving == number);
    CHECK(catalog->is_removed);
    sale_take_out(catalog, number);
    catalog->leaving = 0;
    atomic_store(&catalog->closing, 0);
    atomic_fetch_add(&catalog->epoch, 1);
}

void catalog_look_away(struct catalog *catalog, uint32_t shard)
{
    uint32_t epoch = atomic_load_explicit(&catalog->epoch, memory_order_acquire);
    _Atomic uint32_t *seen = &catalog->seen[shard].epoch;
    if (atomic_load_explicit(seen, memory_order_relaxed) != epoch)
        atomic_store_explicit(seen, epoch, memory_order_release);
}

bool catalog_is_unseen(const struct catalog *catalog, uint32_t shard_count)
{
    for (uint32_t shard = 0; shard < shard_count; shard++) {
        if (atomic_load_explicit(&catalog->seen[shard].epoch, memory_order_acquire) !=
            atomic_load(&catalog->epoch))
            return false;
    }
    return true;
}

void catalog_release(struct catalog *catalog)
{
    CHECK(catalog->is_removed);
    CHECK(catalog->leaving == 0);
    while (catalog->resting_first != 0) {
        uint32_t index = catalog->resting_first - 1;
        struct catalog_record *record = &catalog->records[index];
        catalog->resting_first = record->next_free;
        catalog_release_slot(catalog, index);
    }
    if (catalog->resting_name != 0)
        name_release(catalog, catalog->resting_name - 1);
    catalog->resting_name = 0;
    catalog->is_removed = false;
}
