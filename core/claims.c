/* SPDX-License-Identifier: Apache-2.0 */
/*
 * claims - chains under sequence locks, entries from a lock-free free list.
 *
 * A change makes its bucket's sequence odd with a compare-and-swap, walks the chain, changes it,
 * and makes the sequence even again. A reader walks the chain without a lock; every hop is followed
 * by a look at the sequence, so that a chain that changed under it is left at once and walked
 * again. A key is in one bucket only, so nobody ever needs two.
 *
 * Order: an entry's fields are stored with release after the sequence went odd, and loaded with
 * acquire before it is looked at again; so a reader that met a new value also meets the sequence
 * that announced it. (Fences would do the same, but ThreadSanitizer does not know them.)
 *
 * Free entries form a stack whose head carries a tag, changed by each push and pop: a pop that read
 * the link of an entry which was taken and given back meanwhile fails, and tries again.
 */
#include "core/claims.h"

#include <stdatomic.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/bugs.h"
#include "core/check.h"

static const uint64_t durable_bit = UINT64_C(1) << 63;

static uint64_t load(const _Atomic uint64_t *field)
{
    return atomic_load_explicit(field, memory_order_acquire);
}

static uint32_t load_link(const _Atomic uint32_t *field)
{
    return atomic_load_explicit(field, memory_order_acquire);
}

static void store(_Atomic uint64_t *field, uint64_t value)
{
    atomic_store_explicit(field, value, memory_order_release);
}

static void store_link(_Atomic uint32_t *field, uint32_t link)
{
    atomic_store_explicit(field, link, memory_order_release);
}

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static struct claim_bucket *bucket_of(const struct claims *claims, struct hash128 key)
{
    return &claims->buckets[(uint32_t)key.low & claims->mask];
}

static struct claim_entry *entry_at(const struct claims *claims, uint32_t link)
{
    CHECK(link - 1 < claims->capacity);
    return &claims->entries[link - 1];
}

static bool has_key(const struct claim_entry *entry, struct hash128 key)
{
    return load(&entry->key_low) == key.low && load(&entry->key_high) == key.high;
}

/* Waits only for another shard's few instructions. */
static void lock(struct claim_bucket *bucket)
{
    for (;;) {
        uint32_t sequence = atomic_load_explicit(&bucket->sequence, memory_order_relaxed);
        if (sequence % 2 == 0 && atomic_compare_exchange_weak_explicit(&bucket->sequence, &sequence,
                                     sequence + 1, memory_order_acq_rel, memory_order_relaxed))
            return;
        pause_briefly();
    }
}

static void unlock(struct claim_bucket *bucket)
{
    uint32_t sequence = atomic_load_explicit(&bucket->sequence, memory_order_relaxed);
    CHECK(sequence % 2 == 1);
    atomic_store_explicit(&bucket->sequence, sequence + 1, memory_order_release);
}

static uint64_t next_head(uint64_t head, uint32_t link)
{
    return ((head >> 32) + 1) << 32 | link;
}

static uint32_t pop_freed(struct claims *claims)
{
    uint64_t head = load(&claims->supply->free_head);
    while ((uint32_t)head != 0) {
        uint32_t next = load_link(&entry_at(claims, (uint32_t)head)->next);
        if (atomic_compare_exchange_weak_explicit(&claims->supply->free_head, &head,
                next_head(head, next), memory_order_acq_rel, memory_order_acquire))
            return (uint32_t)head;
    }
    return 0;
}

static uint32_t pop_fresh(struct claims *claims)
{
    uint32_t fresh = atomic_load_explicit(&claims->supply->fresh, memory_order_relaxed);
    while (fresh < claims->capacity) {
        if (atomic_compare_exchange_weak_explicit(&claims->supply->fresh, &fresh, fresh + 1,
                memory_order_relaxed, memory_order_relaxed))
            return fresh + 1;
    }
    return 0;
}

/* A link to a free entry, or 0 when all are in use. At the brim a call may miss the entry that is
 * given back at this very moment; "full" is an answer that is asked again. */
static uint32_t pop(struct claims *claims)
{
    uint32_t link = pop_freed(claims);
    if (link == 0)
        link = pop_fresh(claims);
    if (link != 0)
        atomic_fetch_add_explicit(&claims->supply->used, 1, memory_order_relaxed);
    return link;
}

static void push(struct claims *claims, uint32_t link)
{
    uint64_t head = load(&claims->supply->free_head);
    do {
        store_link(&entry_at(claims, link)->next, (uint32_t)head);
    } while (!atomic_compare_exchange_weak_explicit(&claims->supply->free_head, &head,
        next_head(head, link), memory_order_acq_rel, memory_order_acquire));
    uint32_t used = atomic_fetch_sub_explicit(&claims->supply->used, 1, memory_order_relaxed);
    CHECK(used >= 1);
}

/* The field that links to the key's entry, or the one that ends the chain. The bucket is locked. */
static _Atomic uint32_t *find_link(
    const struct claims *claims, struct claim_bucket *bucket, struct hash128 key)
{
    _Atomic uint32_t *link = &bucket->head;
    for (uint32_t hops = 0; load_link(link) != 0; hops++) {
        CHECK(hops < claims->capacity);
        struct claim_entry *entry = entry_at(claims, load_link(link));
        if (has_key(entry, key))
            break;
        link = &entry->next;
    }
    return link;
}

static enum claim_answer answer_of(uint64_t word, uint64_t owner)
{
    if ((word & ~durable_bit) == owner)
        return CLAIM_OWN;
    bool durable = (word & durable_bit) != 0 || bug(BUG_CLAIM_BELIEVED_EARLY);
    return durable ? CLAIM_OTHER : CLAIM_OTHER_PENDING;
}

void claims_init(struct claims *claims, struct arena *arena, uint32_t owners, uint32_t counts)
{
    CHECK(owners >= 1);
    CHECK(owners <= UINT32_C(1) << 30);
    CHECK(counts <= UINT32_C(1) << 30);
    uint32_t capacity = owners + counts;
    uint32_t bucket_count = 1;
    while (bucket_count < capacity)
        bucket_count *= 2;
    *claims = (struct claims){
        .buckets = arena_take(arena, "claim buckets", bucket_count, sizeof(struct claim_bucket)),
        .entries = arena_take(arena, "claim entries", capacity, sizeof(struct claim_entry)),
        .supply = arena_take(arena, "claim supply", 1, sizeof(struct claim_supply)),
        .mask = bucket_count - 1,
        .capacity = capacity,
        .counts_max = counts,
    };
}

/* The bucket is locked and has no entry of this key; `end` ends its chain. */
static enum claim_answer add(
    struct claims *claims, _Atomic uint32_t *end, struct hash128 key, uint64_t owner)
{
    uint32_t link = pop(claims);
    if (link == 0)
        return CLAIM_FULL;
    struct claim_entry *entry = entry_at(claims, link);
    store(&entry->key_low, key.low);
    store(&entry->key_high, key.high);
    store(&entry->word, owner);
    store_link(&entry->next, 0);
    store_link(end, link);
    return CLAIM_TAKEN;
}

enum claim_answer claims_take(struct claims *claims, struct hash128 key, uint64_t owner)
{
    CHECK((owner & durable_bit) == 0);
    struct claim_bucket *bucket = bucket_of(claims, key);
    lock(bucket);
    _Atomic uint32_t *link = find_link(claims, bucket, key);
    uint32_t found = load_link(link);
    enum claim_answer answer = found == 0 ? add(claims, link, key, owner)
                                          : answer_of(load(&entry_at(claims, found)->word), owner);
    unlock(bucket);
    return answer;
}

void claims_settle(struct claims *claims, struct hash128 key, uint64_t owner)
{
    struct claim_bucket *bucket = bucket_of(claims, key);
    lock(bucket);
    uint32_t found = load_link(find_link(claims, bucket, key));
    CHECK(found != 0);
    struct claim_entry *entry = entry_at(claims, found);
    CHECK((load(&entry->word) & ~durable_bit) == owner);
    store(&entry->word, owner | durable_bit);
    unlock(bucket);
}

void claims_drop(struct claims *claims, struct hash128 key, uint64_t owner)
{
    struct claim_bucket *bucket = bucket_of(claims, key);
    lock(bucket);
    _Atomic uint32_t *link = find_link(claims, bucket, key);
    uint32_t found = load_link(link);
    CHECK(found != 0);
    struct claim_entry *entry = entry_at(claims, found);
    CHECK((load(&entry->word) & ~durable_bit) == owner);
    store_link(link, load_link(&entry->next));
    unlock(bucket);
    push(claims, found);
}

static bool is_unchanged(const struct claim_bucket *bucket, uint32_t sequence)
{
    return atomic_load_explicit(&bucket->sequence, memory_order_relaxed) == sequence;
}

/* One walk without a lock: false when the chain changed meanwhile and nothing can be said. */
static bool try_find(const struct claims *claims, const struct claim_bucket *bucket,
    struct hash128 key, uint64_t *word, bool *is_found)
{
    uint32_t sequence = load_link(&bucket->sequence);
    *is_found = false;
    if (sequence % 2 == 1)
        return false;

    uint32_t link = load_link(&bucket->head);
    while (link != 0 && is_unchanged(bucket, sequence)) {
        const struct claim_entry *entry = entry_at(claims, link);
        if (has_key(entry, key)) {
            *word = load(&entry->word);
            *is_found = true;
            break;
        }
        link = load_link(&entry->next);
    }
    return is_unchanged(bucket, sequence);
}

bool claims_find(const struct claims *claims, struct hash128 key, uint64_t *owner, bool *durable)
{
    const struct claim_bucket *bucket = bucket_of(claims, key);
    uint64_t word = 0;
    bool is_found;
    while (!try_find(claims, bucket, key, &word, &is_found))
        pause_briefly();
    if (!is_found)
        return false;
    *owner = word & ~durable_bit;
    *durable = (word & durable_bit) != 0;
    return true;
}

/* Counters have a number of entries of their own; at the brim a call may miss the one that is given
 * back at this very moment, as with pop(). */
static bool reserve_count(struct claims *claims)
{
    _Atomic uint32_t *counts = &claims->supply->counts;
    if (atomic_fetch_add_explicit(counts, 1, memory_order_relaxed) < claims->counts_max)
        return true;
    atomic_fetch_sub_explicit(counts, 1, memory_order_relaxed);
    return false;
}

static void release_count(struct claims *claims)
{
    uint32_t counts = atomic_fetch_sub_explicit(&claims->supply->counts, 1, memory_order_relaxed);
    CHECK(counts >= 1);
}

/* The bucket is locked and has no entry of this key; `end` ends its chain. */
static enum count_answer add_count(
    struct claims *claims, _Atomic uint32_t *end, struct hash128 key, uint64_t units)
{
    if (!reserve_count(claims))
        return COUNT_FULL;
    if (add(claims, end, key, units) == CLAIM_TAKEN)
        return COUNT_TAKEN;
    release_count(claims);
    return COUNT_FULL;
}

enum count_answer claims_count_take(
    struct claims *claims, struct hash128 key, uint64_t units, uint64_t limit, uint64_t *used)
{
    struct claim_bucket *bucket = bucket_of(claims, key);
    CHECK(units > 0);
    lock(bucket);
    _Atomic uint32_t *link = find_link(claims, bucket, key);
    uint32_t found = load_link(link);
    *used = found == 0 ? 0 : load(&entry_at(claims, found)->word);
    enum count_answer answer = COUNT_TAKEN;
    if (units > limit || *used > limit - units)
        answer = COUNT_EXCEEDED;
    else if (found == 0)
        answer = add_count(claims, link, key, units);
    else
        store(&entry_at(claims, found)->word, *used + units);
    unlock(bucket);
    return answer;
}

void claims_count_give(struct claims *claims, struct hash128 key, uint64_t units)
{
    struct claim_bucket *bucket = bucket_of(claims, key);
    CHECK(units > 0);
    lock(bucket);
    _Atomic uint32_t *link = find_link(claims, bucket, key);
    uint32_t found = load_link(link);
    CHECK(found != 0);
    struct claim_entry *entry = entry_at(claims, found);
    uint64_t used = load(&entry->word);
    CHECK(used >= units);
    if (used == units)
        store_link(link, load_link(&entry->next));
    else
        store(&entry->word, used - units);
    unlock(bucket);
    if (used > units)
        return;
    push(claims, found);
    release_count(claims);
}

uint64_t claims_count(const struct claims *claims, struct hash128 key)
{
    const struct claim_bucket *bucket = bucket_of(claims, key);
    uint64_t word = 0;
    bool is_found;
    while (!try_find(claims, bucket, key, &word, &is_found))
        pause_briefly();
    return is_found ? word : 0;
}

uint64_t claims_digest(const struct claims *claims)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i <= claims->mask; i++) {
        for (uint32_t link = load_link(&claims->buckets[i].head); link != 0;) {
            const struct claim_entry *entry = entry_at(claims, link);
            uint64_t parts[3] = {
                load(&entry->key_low), load(&entry->key_high), load(&entry->word) & ~durable_bit};
            sum += XXH3_64bits(parts, sizeof(parts));
            link = load_link(&entry->next);
        }
    }
    return sum;
}

uint32_t claims_used(const struct claims *claims)
{
    return atomic_load_explicit(&claims->supply->used, memory_order_relaxed);
}

static uint32_t check_chain(const struct claims *claims, const struct claim_bucket *bucket)
{
    uint32_t count = 0;
    CHECK(load_link(&bucket->sequence) % 2 == 0);
    for (uint32_t link = load_link(&bucket->head); link != 0; count++) {
        const struct claim_entry *entry = entry_at(claims, link);
        struct hash128 key = {.low = load(&entry->key_low), .high = load(&entry->key_high)};
        CHECK(bucket_of(claims, key) == bucket);
        CHECK(count < claims_used(claims));
        link = load_link(&entry->next);
    }
    return count;
}

void claims_check(const struct claims *claims)
{
    uint32_t fresh = atomic_load_explicit(&claims->supply->fresh, memory_order_acquire);
    CHECK(fresh <= claims->capacity);
    uint32_t used = 0;
    for (uint64_t i = 0; i <= claims->mask; i++)
        used += check_chain(claims, &claims->buckets[i]);
    CHECK(used == claims_used(claims));

    uint32_t freed = 0;
    for (uint32_t link = (uint32_t)load(&claims->supply->free_head); link != 0; freed++) {
        CHECK(freed < fresh - used);
        link = load_link(&entry_at(claims, link)->next);
    }
    CHECK(used + freed == fresh);
}
