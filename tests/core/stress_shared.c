/* SPDX-License-Identifier: Apache-2.0 */
/* Four threads move the same few units and fight for the same few keys: no unit is made or lost,
 * no key has two owners. Under ThreadSanitizer the same run proves that there is no data race. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>

#include "core/claims.h"
#include "core/stock.h"
#include "tests/lib/dice.h"
#include "tests/lib/memory.h"

enum { THREADS = 4, SKUS = 3, ALLOTMENT = 7, STEPS = 50000, KEYS = 12, CAPACITY = 8 };
enum { COUNTERS = 4, COUNTS = 3, LIMIT = 5 }; /* more keys than there are counters */

struct shared {
    struct claims claims;
    struct claims counters;
    struct stock stock;
    /* Who is inside a key's claim right now: 0 or the thread's number. */
    _Atomic uint32_t inside[KEYS];
    _Atomic uint32_t faults;
    pthread_barrier_t start;
};

/* What one thread holds and has sold; the sums over all threads must meet the words. */
struct mover {
    struct shared *shared;
    uint64_t seed;
    uint32_t number; /* from 1 */
    uint32_t held[SKUS];
    uint32_t sold[SKUS];
    uint32_t counted[COUNTERS];
    uint32_t taken; /* how often a take succeeded */
};

static void expect(struct shared *shared, bool fact)
{
    if (!fact)
        atomic_fetch_add_explicit(&shared->faults, 1, memory_order_relaxed);
}

static void take_units(struct mover *mover, uint32_t sku, uint32_t units)
{
    struct stock *stock = &mover->shared->stock;
    uint32_t available;
    stock_look(stock, sku, units, &available);
    expect(mover->shared, available <= ALLOTMENT);
    enum stock_answer answer = stock_try(stock, sku, units, &available);
    /* A4: the answer and the count are of one moment. */
    if (answer == STOCK_INSUFFICIENT)
        expect(mover->shared, available > 0 && available < units);
    else
        expect(mover->shared, (answer == STOCK_TAKEN) == (available >= units));
    /* Who holds units himself can never hear that all are sold. */
    expect(mover->shared, answer != STOCK_SOLD_OUT || mover->held[sku] == 0);
    if (answer != STOCK_TAKEN)
        return;
    mover->held[sku] += units;
    mover->taken++;
    expect(mover->shared, mover->held[sku] <= ALLOTMENT);
    stock_note_release(stock, sku, 1 + mover->taken, 0);
}

static void move_units(struct mover *mover, struct dice *dice)
{
    struct stock *stock = &mover->shared->stock;
    uint32_t sku = dice_below(dice, SKUS);
    uint32_t units = 1 + dice_below(dice, 3);
    uint32_t action = dice_below(dice, 6);
    if (action < 3) {
        take_units(mover, sku, units);
    } else if (action == 3 && mover->held[sku] >= units) {
        mover->held[sku] -= units;
        stock_give(stock, sku, units);
    } else if (action == 4 && mover->held[sku] >= units) {
        mover->held[sku] -= units;
        mover->sold[sku] += units;
        stock_sell(stock, sku, units);
    } else if (action == 5 && mover->sold[sku] > 0) {
        stock_restock(stock, sku, mover->sold[sku]);
        mover->sold[sku] = 0;
    }
    stock_next_release(stock, sku, mover->taken / 2);
}

/* Shard 0 alone also lowers and raises the allotment, and reads all four numbers. */
static void move_allotment(struct mover *mover, uint32_t sku)
{
    struct stock *stock = &mover->shared->stock;
    struct stock_numbers numbers = stock_numbers(stock, sku);
    expect(mover->shared, numbers.allotment == ALLOTMENT);
    if (!stock_lower(stock, sku, 1))
        return;
    stock_lowered(stock, sku, 1);
    expect(mover->shared, stock_numbers(stock, sku).allotment == ALLOTMENT - 1);
    stock_allot(stock, sku, 1);
}

/* A thread that is done keeps one unit, held or sold, so that the others have some to fight for. */
static void keep_one(struct mover *mover, uint32_t sku)
{
    struct stock *stock = &mover->shared->stock;
    uint32_t held = mover->number % 2;
    uint32_t sold = 1 - held;
    if (mover->held[sku] > held) {
        stock_give(stock, sku, mover->held[sku] - held);
        mover->held[sku] = held;
    }
    if (mover->sold[sku] > sold) {
        stock_restock(stock, sku, mover->sold[sku] - sold);
        mover->sold[sku] = sold;
    }
}

static void *run_stock(void *argument)
{
    struct mover *mover = argument;
    struct dice dice = dice_of(mover->seed);
    pthread_barrier_wait(&mover->shared->start);
    for (uint32_t step = 0; step < STEPS; step++) {
        move_units(mover, &dice);
        if (mover->number == 1 && step % 8 == 0)
            move_allotment(mover, dice_below(&dice, SKUS));
    }
    for (uint32_t sku = 0; sku < SKUS; sku++)
        keep_one(mover, sku);
    return NULL;
}

/* Small numbers in the low bits: two buckets for all keys. */
static struct hash128 key_of(uint32_t i)
{
    return (struct hash128){.low = i % 2, .high = i};
}

static void look_at_claim(struct mover *mover, uint32_t i)
{
    uint64_t owner = 0;
    bool is_durable;
    if (claims_find(&mover->shared->claims, key_of(i), &owner, &is_durable))
        expect(mover->shared, owner >= 1 && owner <= THREADS);
}

/* Take, and while it is ours nobody else may be inside; then durable or not, drop. */
static void fight_for(struct mover *mover, struct dice *dice, uint32_t i)
{
    struct shared *shared = mover->shared;
    enum claim_answer answer = claims_take(&shared->claims, key_of(i), mover->number);
    expect(shared, answer != CLAIM_OWN);
    if (answer != CLAIM_TAKEN)
        return;
    mover->taken++;
    expect(shared, atomic_exchange(&shared->inside[i], mover->number) == 0);
    expect(shared, claims_used(&shared->claims) <= CAPACITY);
    if (dice_below(dice, 2) == 0)
        claims_settle(&shared->claims, key_of(i), mover->number);
    uint64_t owner = 0;
    bool is_durable;
    expect(shared, claims_find(&shared->claims, key_of(i), &owner, &is_durable));
    expect(shared, owner == mover->number);
    expect(shared, claims_take(&shared->claims, key_of(i), mover->number) == CLAIM_OWN);
    expect(shared, atomic_exchange(&shared->inside[i], 0) == mover->number);
    claims_drop(&shared->claims, key_of(i), mover->number);
}

static void *run_claims(void *argument)
{
    struct mover *mover = argument;
    struct dice dice = dice_of(mover->seed);
    pthread_barrier_wait(&mover->shared->start);
    for (uint32_t step = 0; step < STEPS; step++) {
        fight_for(mover, &dice, dice_below(&dice, KEYS));
        look_at_claim(mover, dice_below(&dice, KEYS));
    }
    return NULL;
}

static void count_some(struct mover *mover, struct dice *dice)
{
    struct shared *shared = mover->shared;
    uint32_t i = dice_below(dice, COUNTERS), units = 1 + dice_below(dice, 3);
    uint64_t used;
    enum count_answer answer = claims_count_take(&shared->counters, key_of(i), units, LIMIT, &used);
    expect(shared, used <= LIMIT && used >= mover->counted[i]);
    expect(shared, answer != COUNT_TAKEN || used + units <= LIMIT);
    expect(shared, answer != COUNT_EXCEEDED || used + units > LIMIT);
    expect(shared, answer != COUNT_FULL || used == 0);
    if (answer != COUNT_TAKEN)
        return;
    mover->taken++;
    mover->counted[i] += units;
    expect(shared, claims_count(&shared->counters, key_of(i)) >= mover->counted[i]);
}

static void count_back(struct mover *mover, uint32_t i)
{
    if (mover->counted[i] > 0)
        claims_count_give(&mover->shared->counters, key_of(i), mover->counted[i]);
    mover->counted[i] = 0;
}

static void *run_counters(void *argument)
{
    struct mover *mover = argument;
    struct dice dice = dice_of(mover->seed);
    pthread_barrier_wait(&mover->shared->start);
    for (uint32_t step = 0; step < STEPS; step++) {
        count_some(mover, &dice);
        count_back(mover, dice_below(&dice, COUNTERS));
    }
    for (uint32_t i = 0; i < COUNTERS; i++)
        count_back(mover, i);
    return NULL;
}

static void run_threads(struct shared *shared, struct mover *movers, void *(*run)(void *))
{
    struct dice dice = dice_seeded("stress_shared");
    pthread_t threads[THREADS];
    assert_int_equal(pthread_barrier_init(&shared->start, NULL, THREADS), 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        movers[i] = (struct mover){.shared = shared, .seed = dice_next(&dice), .number = i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, run, &movers[i]), 0);
    }
    for (uint32_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    pthread_barrier_destroy(&shared->start);
    assert_int_equal(shared->faults, 0);
    uint32_t taken = 0;
    for (uint32_t i = 0; i < THREADS; i++)
        taken += movers[i].taken;
    assert_true(taken > STEPS / 10);
}

static struct shared *shared_open(struct arena *arena)
{
    struct shared *shared = calloc(1, sizeof *shared);
    assert_non_null(shared);
    memory_open(arena, 4096);
    stock_init(&shared->stock, arena, SKUS);
    claims_init(&shared->claims, arena, CAPACITY, 0);
    claims_init(&shared->counters, arena, 1, COUNTS);
    return shared;
}

static void no_unit_is_made_or_lost_between_threads(void **state)
{
    (void)state;
    struct arena arena;
    struct shared *shared = shared_open(&arena);
    for (uint32_t sku = 0; sku < SKUS; sku++)
        stock_allot(&shared->stock, sku, ALLOTMENT);
    struct mover movers[THREADS];
    run_threads(shared, movers, run_stock);

    stock_check(&shared->stock);
    for (uint32_t sku = 0; sku < SKUS; sku++) {
        uint32_t held = 0;
        uint32_t sold = 0;
        for (uint32_t i = 0; i < THREADS; i++) {
            held += movers[i].held[sku];
            sold += movers[i].sold[sku];
        }
        struct stock_numbers numbers = stock_numbers(&shared->stock, sku);
        assert_int_equal(numbers.allotment, ALLOTMENT);
        assert_int_equal(numbers.held, held);
        assert_int_equal(numbers.sold, sold);
        assert_int_equal(numbers.available, ALLOTMENT - held - sold);
    }
    memory_close(&arena);
    free(shared);
}

static void no_key_has_two_owners(void **state)
{
    (void)state;
    struct arena arena;
    struct shared *shared = shared_open(&arena);
    struct mover movers[THREADS];
    run_threads(shared, movers, run_claims);

    assert_int_equal(claims_used(&shared->claims), 0);
    claims_check(&shared->claims);
    for (uint32_t i = 0; i < CAPACITY; i++) /* no entry was lost on the way */
        assert_int_equal(claims_take(&shared->claims, key_of(i), 1), CLAIM_TAKEN);
    assert_int_equal(claims_take(&shared->claims, key_of(CAPACITY), 1), CLAIM_FULL);
    memory_close(&arena);
    free(shared);
}

/* Q5: four threads count for the same identities, in fewer counters than they want */
static void no_counter_passes_its_bound(void **state)
{
    (void)state;
    struct arena arena;
    struct shared *shared = shared_open(&arena);
    struct mover movers[THREADS];
    run_threads(shared, movers, run_counters);

    uint64_t used;
    claims_check(&shared->counters);
    assert_int_equal(claims_used(&shared->counters), 0);
    for (uint32_t i = 0; i < COUNTS; i++)
        assert_int_equal(
            claims_count_take(&shared->counters, key_of(i), 1, LIMIT, &used), COUNT_TAKEN);
    assert_int_equal(
        claims_count_take(&shared->counters, key_of(COUNTS), 1, LIMIT, &used), COUNT_FULL);
    memory_close(&arena);
    free(shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_unit_is_made_or_lost_between_threads),
        cmocka_unit_test(no_key_has_two_owners),
        cmocka_unit_test(no_counter_passes_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
