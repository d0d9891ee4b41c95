/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/core/redivided.h"

#include "core/check.h"
#include "core/redivide.h"
#include "persist/record.h"
#include "tests/lib/memory.h"

enum { ARENA_SIZE = 7 << 20 };

struct writing {
    struct shop_log logs[SHOP_SHARDS_MAX];
    uint64_t images[SHOP_SHARDS_MAX];
};

static int put(void *context, uint32_t shard, const struct event *event)
{
    struct writing *writing = context;
    struct shop_log *log = &writing->logs[shard];
    CHECK((log->size == 0) == (event->kind == EVENT_WALK_BEGUN));
    CHECK(record_valid(event));
    uint32_t size = record_size(event);
    if (log->size + size > log->capacity) {
        log->capacity = 2 * log->capacity + size + 4096;
        log->data = realloc(log->data, log->capacity);
        CHECK(log->data != NULL);
    }
    record_encode(event, log->data + log->size);
    log->size += size;
    writing->images[shard] += event_is_image(event->kind);
    return 0;
}

static bool write_all(struct shop *shop, uint32_t shards, struct writing *writing)
{
    struct arena arena;
    memory_open(&arena, ARENA_SIZE);
    struct shelf *shelf = arena_take(&arena, "shelf", 1, sizeof(*shelf));
    shelf_init(shelf, &arena, &shop->capacity);
    const struct redivide redivide = {
        .engines = shop->engines,
        .count = shop->shards,
        .share = engine_create(&arena, shelf, &shop->policy, &shop->capacity, 0, shards, 7),
        .shares = shards,
        .put = put,
        .context = writing,
    };
    struct redivide_full full;
    bool fits = redivide_obstacle(shop->engines, shop->shards) == NULL &&
                !redivide_is_full(&redivide, &full);
    if (fits)
        CHECK(redivide_write(&redivide, &shop->now, 0) == 0);
    for (uint32_t i = 0; fits && i < shards; i++) {
        const struct event ended = {
            .kind = EVENT_WALK_ENDED, .fact.walk_end = {.number = 1, .images = writing->images[i]}};
        put(writing, i, &ended);
        writing->logs[i].settled = writing->logs[i].size;
    }
    memory_close(&arena);
    return fits;
}

bool shop_redivide(struct shop *shop, uint32_t shards)
{
    struct writing *writing = calloc(1, sizeof(*writing));
    CHECK(writing != NULL);
    CHECK(shop->books == NULL);
    CHECK(shards <= SHOP_SHARDS_MAX);
    shop_settle(shop);
    shop->forgets_walks = true; /* who divides only reads */
    shop_reopen(shop);
    shop->forgets_walks = false;
    bool fits = write_all(shop, shards, writing);
    if (fits) {
        uint64_t before = redivide_digest(shop->engines, shop->shards);
        for (uint32_t i = 0; i < SHOP_SHARDS_MAX; i++) {
            free(shop->logs[i].data);
            shop->logs[i] = writing->logs[i];
        }
        shop->shards = shards;
        shop_reopen(shop);
        CHECK(redivide_digest(shop->engines, shards) == before);
    }
    free(writing);
    return fits;
}
