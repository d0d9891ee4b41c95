/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two views of one thing. The entry is what shard 0 has decided, durable or not; the words are what
 * is durable, and all that selling looks at. A kill is published by its number, after its scope: a
 * shard that sees the number sees the scope, and the entry keeps both until every shard has ended
 * the kill, since it is not resumed before (decide_switch.c).
 */
#include "core/switches.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/catalog.h"
#include "core/check.h"

_Static_assert(SHARDS_MAX <= 64, "a bit for each shard");
_Static_assert(SKU_SIZE_MAX <= NAME_SIZE_MAX, "a scope's text holds both");

void switches_init(struct switches *switches, struct arena *arena, uint32_t skus, uint32_t sales)
{
    CHECK(skus > 0);
    CHECK(sales > 0);
    *switches = (struct switches){
        .sales = arena_take(arena, "switches", sales, sizeof(uint8_t)),
        .skus = arena_take(arena, "switches", skus, sizeof(uint8_t)),
        .sale_count = sales,
        .sku_count = skus,
        .entries = arena_take(arena, "switches", SWITCHES_MAX, sizeof(struct switch_entry)),
    };
}

static uint8_t word(const _Atomic uint8_t *at)
{
    return atomic_load_explicit(at, memory_order_acquire);
}

static _Atomic uint8_t *sale_word(const struct switches *switches, uint32_t sale_number)
{
    uint32_t slot = catalog_name_slot(sale_number);
    CHECK(slot < switches->sale_count);
    return &switches->sales[slot];
}

uint8_t switches_state(const struct switches *switches, uint32_t sku_index, uint32_t sale_number)
{
    CHECK(sku_index < switches->sku_count);
    uint8_t state = (uint8_t)(word(&switches->all) | word(&switches->skus[sku_index]));
    return sale_number == 0 ? state : (uint8_t)(state | word(sale_word(switches, sale_number)));
}

uint8_t switches_all(const struct switches *switches)
{
    return word(&switches->all);
}

bool switches_frozen(const struct switches *switches)
{
    return word(&switches->all) & SWITCHED_FROZEN;
}

struct bytes switches_name(uint8_t state)
{
    if (state & SWITCHED_KILLED)
        return BYTES("killed");
    if (state & SWITCHED_FROZEN)
        return BYTES("frozen");
    return state & SWITCHED_PAUSED ? BYTES("paused") : BYTES("open");
}

uint32_t switches_scope_text(uint8_t scope, struct bytes name, uint8_t text[SWITCH_SCOPE_SIZE_MAX])
{
    struct bytes kind = scope == SCOPE_ALL    ? BYTES("all")
                        : scope == SCOPE_SALE ? BYTES("sale:")
                                              : BYTES("sku:");
    memcpy(text, kind.data, kind.size);
    if (scope == SCOPE_ALL)
        return kind.size;
    CHECK(kind.size + name.size <= SWITCH_SCOPE_SIZE_MAX);
    memcpy(text + kind.size, name.data, name.size);
    return kind.size + name.size;
}

uint32_t switches_find(const struct switches *switches, uint8_t scope, uint32_t number)
{
    for (uint32_t i = 0; i < SWITCHES_MAX; i++) {
        const struct switch_entry *entry = &switches->entries[i];
        if (entry->scope == scope && entry->number == number)
            return i;
    }
    return UINT32_MAX;
}

/* The first free entry that a scope may have: the one of everything is nobody else's. */
static uint32_t find_free(const struct switches *switches, uint8_t scope)
{
    if (scope == SCOPE_ALL)
        return 0;
    for (uint32_t i = 1; i < SWITCHES_MAX; i++) {
        if (switches->entries[i].scope == 0)
            return i;
    }
    return UINT32_MAX;
}

bool switches_room(const struct switches *switches, uint8_t scope)
{
    return find_free(switches, scope) != UINT32_MAX;
}

static void entry_clear(struct switches *switches, uint32_t index)
{
    struct switch_entry *entry = &switches->entries[index];
    switches->used -= entry->scope != 0;
    atomic_store_explicit(&entry->kill, 0, memory_order_relaxed);
    entry->scope = 0;
    entry->state = 0;
    entry->number = 0;
}

static void entry_count_from_zero(struct switch_entry *entry)
{
    atomic_store_explicit(&entry->ended, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->released, 0, memory_order_relaxed);
    atomic_store_explicit(&entry->cancelled, 0, memory_order_relaxed);
}

/* The number comes last: who finds it in the entry may read what the kill concerns. */
static void entry_kill(struct switches *switches, struct switch_entry *entry, uint32_t kill)
{
    CHECK(kill == switches->kill_last + 1);
    switches->kill_last = kill;
    entry_count_from_zero(entry);
    atomic_store_explicit(&entry->kill, kill, memory_order_release);
}

static void entry_write(
    struct switches *switches, uint32_t index, const struct fact_switch *fact, struct bytes actor)
{
    struct switch_entry *entry = &switches->entries[index];
    CHECK(actor.size <= ACTOR_SIZE_MAX);
    switches->used += entry->scope == 0;
    entry->scope = fact->scope;
    entry->number = fact->number;
    entry->state = fact->state;
    entry->since_wall_ms = fact->now_wall_ms;
    entry->actor_size = (uint8_t)actor.size;
    if (actor.size > 0)
        memcpy(entry->actor, actor.data, actor.size);
}

void switches_apply(struct switches *switches, const struct event *event)
{
    const struct fact_switch *fact = &event->fact.switched;
    uint32_t index = switches_find(switches, fact->scope, fact->number);
    CHECK(event->kind == EVENT_SWITCH_SET);
    if (fact->state == 0) {
        CHECK(index != UINT32_MAX);
        entry_clear(switches, index);
        return;
    }
    if (index == UINT32_MAX)
        index = find_free(switches, fact->scope);
    CHECK(index != UINT32_MAX);
    entry_write(switches, index, fact, event->text[TEXT_ACTOR]);
    if (fact->kill != 0)
        entry_kill(switches, &switches->entries[index], fact->kill);
}

void switches_put_last(struct switches *switches, uint32_t kill_last)
{
    if (switches->kill_last == 0) {
        switches->kill_last = kill_last;
        atomic_store(&switches->kills_published, kill_last);
    }
    CHECK(switches->kill_last == kill_last);
}

static bool entry_is(
    const struct switch_entry *entry, const struct fact_switch *fact, struct bytes actor)
{
    return entry->state == fact->state && entry->since_wall_ms == fact->now_wall_ms &&
           atomic_load(&entry->kill) == fact->kill &&
           bytes_equal(actor, bytes_of(entry->actor, entry->actor_size));
}

void switches_put(struct switches *switches, const struct event *image)
{
    const struct fact_switch *fact = &image->fact.switched;
    uint32_t index = switches_find(switches, fact->scope, fact->number);
    CHECK(fact->kill <= switches->kill_last);
    if (index == UINT32_MAX) {
        index = find_free(switches, fact->scope);
        CHECK(index != UINT32_MAX);
        entry_write(switches, index, fact, image->text[TEXT_ACTOR]);
        entry_count_from_zero(&switches->entries[index]);
        atomic_store(&switches->entries[index].kill, fact->kill);
    }
    CHECK(entry_is(&switches->entries[index], fact, image->text[TEXT_ACTOR]));
}

void switches_put_sku(struct switches *switches, uint32_t sku_index, uint32_t sku_number)
{
    uint32_t index = switches_find(switches, SCOPE_SKU, sku_number);
    CHECK(sku_index < switches->sku_count);
    if (index != UINT32_MAX)
        atomic_store(&switches->skus[sku_index], switches->entries[index].state);
}

/* The word of a scope; NULL: its SKU is no longer on the shelf. */
static _Atomic uint8_t *word_of(
    const struct switches *switches, const struct catalog *catalog, uint8_t scope, uint32_t number)
{
    if (scope == SCOPE_ALL)
        return (_Atomic uint8_t *)&switches->all;
    if (scope == SCOPE_SALE) {
        return sale_word(switches, number);
    }
    CHECK(scope == SCOPE_SKU);
    uint32_t sku_index = catalog_find_number(catalog, number);
    return sku_index == SKU_NONE ? NULL : &switches->skus[sku_index];
}

void switches_publish(
    struct switches *switches, const struct catalog *catalog, const struct event *event)
{
    const struct fact_switch *fact = &event->fact.switched;
    _Atomic uint8_t *at = word_of(switches, catalog, fact->scope, fact->number);
    if (at != NULL)
        atomic_store_explicit(at, fact->state, memory_order_release);
    if (fact->kill > atomic_load_explicit(&switches->kills_published, memory_order_relaxed))
        atomic_store_explicit(&switches->kills_published, fact->kill, memory_order_release);
}

/* Its switches are all durable: an open scope has no entry, and most scopes are open. */
static void forget(struct switches *switches, _Atomic uint8_t *at, uint8_t scope, uint32_t number)
{
    if (word(at) == 0)
        return;
    uint32_t index = switches_find(switches, scope, number);
    CHECK(index != UINT32_MAX);
    atomic_store_explicit(at, 0, memory_order_release);
    entry_clear(switches, index);
}

void switches_forget_sku(struct switches *switches, uint32_t sku_index, uint32_t sku_number)
{
    CHECK(sku_index < switches->sku_count);
    forget(switches, &switches->skus[sku_index], SCOPE_SKU, sku_number);
}

void switches_forget_sale(struct switches *switches, uint32_t sale_number)
{
    forget(switches, sale_word(switches, sale_number), SCOPE_SALE, sale_number);
}

static bool all_ended(const struct switch_entry *entry, uint32_t shard_count)
{
    uint64_t ended = atomic_load_explicit(&entry->ended, memory_order_acquire);
    return (uint32_t)__builtin_popcountll(ended) >= shard_count;
}

bool switches_kill_is_under_way(
    const struct switches *switches, uint32_t index, uint32_t shard_count)
{
    CHECK(index < SWITCHES_MAX);
    const struct switch_entry *entry = &switches->entries[index];
    return atomic_load_explicit(&entry->kill, memory_order_relaxed) != 0 &&
           !all_ended(entry, shard_count);
}

uint32_t switches_kills_under_way(const struct switches *switches, uint32_t shard_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < SWITCHES_MAX; i++)
        count += switches_kill_is_under_way(switches, i, shard_count);
    return count;
}

bool switches_next_kill(const struct switches *switches, uint32_t after, struct kill_scope *next)
{
    uint32_t published = atomic_load_explicit(&switches->kills_published, memory_order_acquire);
    if (published <= after)
        return false;
    for (uint32_t i = 0; i < SWITCHES_MAX; i++) {
        const struct switch_entry *entry = &switches->entries[i];
        if (atomic_load_explicit(&entry->kill, memory_order_acquire) != after + 1)
            continue;
        *next =
            (struct kill_scope){.kill = after + 1, .number = entry->number, .scope = entry->scope};
        return true;
    }
    CHECK(!"a kill that a shard has not begun has its entry");
    return false;
}

static struct switch_entry *find_kill(const struct switches *switches, uint32_t kill)
{
    for (uint32_t i = 0; i < SWITCHES_MAX; i++) {
        struct switch_entry *entry = &switches->entries[i];
        if (atomic_load_explicit(&entry->kill, memory_order_acquire) == kill)
            return entry;
    }
    return NULL;
}

bool switches_has_kill(const struct switches *switches, uint32_t kill)
{
    return find_kill(switches, kill) != NULL;
}

bool switches_is_killed(
    const struct switches *switches, const struct catalog *catalog, uint8_t scope, uint32_t number)
{
    const _Atomic uint8_t *at = word_of(switches, catalog, scope, number);
    return at != NULL && word(at) & SWITCHED_KILLED;
}

/* The bit comes last: who sees it sees the sums. */
void switches_kill_ended(struct switches *switches, uint32_t shard, const struct fact_kill *fact)
{
    struct switch_entry *entry = find_kill(switches, fact->kill);
    CHECK(shard < SHARDS_MAX);
    if (entry == NULL)
        return;
    if (atomic_load_explicit(&entry->ended, memory_order_relaxed) >> shard & 1)
        return;
    atomic_fetch_add_explicit(&entry->released, fact->released, memory_order_relaxed);
    atomic_fetch_add_explicit(&entry->cancelled, fact->cancelled, memory_order_relaxed);
    atomic_fetch_or_explicit(&entry->ended, UINT64_C(1) << shard, memory_order_release);
}

bool switches_kill_has_ended(const struct switches *switches, uint32_t kill, uint32_t shard)
{
    const struct switch_entry *entry = find_kill(switches, kill);
    if (entry == NULL)
        return true;
    return atomic_load_explicit(&entry->ended, memory_order_acquire) >> shard & 1;
}

bool switches_kill_totals(
    const struct switches *switches, uint32_t kill, uint64_t *released, uint64_t *cancelled)
{
    const struct switch_entry *entry = find_kill(switches, kill);
    if (entry == NULL)
        return false;
    *released = atomic_load_explicit(&entry->released, memory_order_relaxed);
    *cancelled = atomic_load_explicit(&entry->cancelled, memory_order_relaxed);
    return true;
}

uint64_t switches_digest(const struct switches *switches)
{
    uint64_t sum = switches->kill_last;
    for (uint32_t i = 0; i < SWITCHES_MAX; i++) {
        const struct switch_entry *entry = &switches->entries[i];
        if (entry->scope == 0)
            continue;
        uint64_t parts[5] = {entry->scope, entry->state, entry->number,
            (uint64_t)entry->since_wall_ms, atomic_load(&entry->kill)};
        sum += XXH3_64bits_withSeed(
            parts, sizeof(parts), XXH3_64bits_withSeed(entry->actor, entry->actor_size, 9));
    }
    return sum;
}

/* Every entry has its word, and there are no words besides. */
void switches_check(const struct switches *switches, const struct catalog *catalog)
{
    uint32_t entries = 0, words = word(&switches->all) != 0;
    for (uint32_t i = 0; i < SWITCHES_MAX; i++) {
        const struct switch_entry *entry = &switches->entries[i];
        if (entry->scope == 0)
            continue;
        const _Atomic uint8_t *at = word_of(switches, catalog, entry->scope, entry->number);
        CHECK((i == 0) == (entry->scope == SCOPE_ALL));
        CHECK(at != NULL);
        CHECK(entry->state != 0);
        CHECK(word(at) == entry->state);
        CHECK(atomic_load(&entry->kill) <= switches->kill_last);
        CHECK((atomic_load(&entry->kill) != 0) == ((entry->state & SWITCHED_KILLED) != 0));
        entries++;
    }
    for (uint32_t i = 0; i < switches->sale_count; i++)
        words += word(&switches->sales[i]) != 0;
    for (uint32_t i = 0; i < switches->sku_count; i++)
        words += word(&switches->skus[i]) != 0;
    CHECK(entries == words);
    CHECK(entries == switches->used);
    CHECK(atomic_load(&switches->kills_published) == switches->kill_last);
}
