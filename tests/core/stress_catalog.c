/* SPDX-License-Identifier: Apache-2.0 */
/* One thread sells and removes sales without end while three look things up: what a reader finds is
 * what it asked for, whole or gone, and never something newer in the same slot. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "core/catalog.h"
#include "core/check.h"
#include "tests/lib/memory.h"

enum { READERS = 3, SKUS = 4, SALES = 3, ROUNDS = 1000 };

struct stage {
    struct catalog catalog;
    _Atomic bool over;
    _Atomic uint64_t found, wrong;
};

struct reader {
    struct stage *stage;
    uint32_t shard;
};

/* Of turn t there are the SKUs "t-0" .. in the sale "sale-t", all at the price t + 1. */
static struct bytes sku_name(char text[16], uint32_t turn, uint32_t i)
{
    (void)snprintf(text, 16, "%u-%u", turn % SALES, i);
    return bytes_of_string(text);
}

static struct bytes sale_name(char text[16], uint32_t turn)
{
    (void)snprintf(text, 16, "sale-%u", turn % SALES);
    return bytes_of_string(text);
}

static void sell(struct catalog *catalog, uint32_t turn, uint32_t i)
{
    char sku[16], sale[16];
    struct event event = {.kind = EVENT_PRODUCT_SET};
    event.text[TEXT_SKU] = sku_name(sku, turn, i);
    event.text[TEXT_SALE] = sale_name(sale, turn);
    uint32_t number = catalog_name_find(catalog, event.text[TEXT_SALE]);
    event.fact.product = (struct fact_product){.sku_number = catalog->number_next,
        .version = 1,
        .sale_number = number != 0 ? number : catalog_name_next(catalog, 0),
        .created = 1,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = turn % SALES + 1}}};
    catalog_reserve(catalog, &event);
    catalog_publish(catalog, &event);
}

static void remove_all(struct catalog *catalog, uint32_t turn)
{
    char sale[16];
    struct event event = {.kind = EVENT_SALE_CLOSING};
    uint32_t number = catalog_name_find(catalog, sale_name(sale, turn));
    event.fact.removal.sale_number = number;
    catalog_reserve_removal(catalog, &event);
    catalog_publish_closing(catalog, number);
    event.kind = EVENT_SALE_REMOVED;
    catalog_reserve_removal(catalog, &event);
    for (uint32_t index = 0; index < catalog_walk_end(catalog); index++) {
        if (catalog_sale_of(catalog, index) == number)
            catalog_take_out(catalog, index);
    }
    catalog_publish_removed(catalog, number);
    catalog_look_away(catalog, 0);
    while (!catalog_is_unseen(catalog, READERS + 1))
        sched_yield();
    catalog_release(catalog);
}

static void look_up(struct stage *stage, uint32_t turn, uint32_t i)
{
    const struct catalog *catalog = &stage->catalog;
    char sku[16], sale[16];
    struct bytes name = sku_name(sku, turn, i);
    struct product_terms terms;
    uint32_t index = catalog_find(catalog, name);
    if (index == SKU_NONE)
        return;
    catalog_terms(catalog, index, &terms);
    bool right = bytes_equal(bytes_of(terms.sku.data, terms.sku.size), name) &&
                 bytes_equal(catalog_sku(catalog, index), name) &&
                 terms.prices[0].amount == turn % SALES + 1;
    if (terms.sale_number != 0) {
        struct bytes of = catalog_name(catalog, terms.sale_number);
        right = right && (of.size == 0 || bytes_equal(of, sale_name(sale, turn)));
    }
    atomic_fetch_add(right ? &stage->found : &stage->wrong, 1);
}

static void *read_on(void *argument)
{
    const struct reader *reader = argument;
    struct stage *stage = reader->stage;
    for (uint32_t turn = reader->shard; !atomic_load(&stage->over); turn++) {
        look_up(stage, turn, turn % SKUS);
        catalog_look_away(&stage->catalog, reader->shard);
        if (turn % 16 == 0)
            sched_yield();
    }
    return NULL;
}

static void a_reader_never_finds_what_it_did_not_ask_for(void **state)
{
    (void)state;
    static struct stage stage;
    struct reader readers[READERS];
    pthread_t threads[READERS];
    struct arena arena;
    memory_open(&arena, 1 << 20);
    catalog_init(&stage.catalog, &arena, SKUS, 1);
    for (uint32_t i = 0; i < READERS; i++) {
        readers[i] = (struct reader){.stage = &stage, .shard = i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, &readers[i]), 0);
    }
    for (uint32_t turn = 0; turn < ROUNDS; turn++) {
        for (uint32_t i = 0; i < SKUS; i++)
            sell(&stage.catalog, turn, i);
        while (atomic_load(&stage.found) < 20ull * turn) /* somebody looks while it is there */
            sched_yield();
        remove_all(&stage.catalog, turn);
    }
    atomic_store(&stage.over, true);
    for (uint32_t i = 0; i < READERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(atomic_load(&stage.wrong), 0);
    assert_int_equal(catalog_walk_end(&stage.catalog), SKUS);
    memory_close(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reader_never_finds_what_it_did_not_ask_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
