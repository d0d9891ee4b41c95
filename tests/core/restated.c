/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/core/restated.h"

#include "core/check.h"
#include "core/restate_catalog.h"
#include "persist/record.h"
#include "tests/lib/memory.h"

enum { ARENA_SIZE = 7 << 20, ROOM = 1 << 18 };

struct pass {
    struct engine *from, *to;
    restated_seen seen;
    _Alignas(8) uint8_t record[ROOM];
};

static void one(struct pass *pass, const struct event *image)
{
    struct event event;
    uint32_t consumed;
    CHECK(record_valid(image));
    CHECK(record_size(image) <= ROOM);
    record_encode(image, pass->record);
    CHECK(record_decode(bytes_of(pass->record, record_size(image)), &event, &consumed) == 0);
    engine_apply(pass->from, image);
    engine_replay(pass->to, &event);
    if (pass->seen != NULL)
        pass->seen(pass->to, &event);
}

static void restate(struct pass *pass)
{
    struct event event = {.kind = EVENT_WALK_BEGUN}, image;
    restate_catalog_begin(pass->from, &event.fact.walk);
    apply_catalog_begun(pass->from, &event);
    apply_catalog_begun(pass->to, &event);
    uint32_t at = 0;
    while (restate_catalog_heads(pass->from, &at, &image))
        one(pass, &image);
    for (at = 0; restate_names(pass->from, &at, &image);)
        one(pass, &image);
    for (at = 0; restate_products(pass->from, &at, &image);)
        one(pass, &image);
}

void restated_check(struct shop *shop, restated_seen seen)
{
    struct arena arena;
    memory_open(&arena, ARENA_SIZE);
    struct shelf *shelf = arena_take(&arena, "shelf", 1, sizeof(*shelf));
    shelf_init(shelf, &arena, &shop->capacity);
    struct pass *pass = calloc(1, sizeof(*pass));
    CHECK(pass != NULL);
    pass->from = shop->engines[0];
    pass->to = engine_create(&arena, shelf, &shop->policy, &shop->capacity, 0, shop->shards, 7);
    pass->seen = seen;
    for (uint32_t round = 0; round < 2; round++) {
        uint64_t before = catalog_digest(&shop->shelf->catalog);
        restate(pass);
        CHECK(catalog_digest(&shop->shelf->catalog) == before);
        CHECK(catalog_digest(&shelf->catalog) == before);
        CHECK(switches_digest(&shelf->switches) == switches_digest(&shop->shelf->switches));
        switches_check(&shelf->switches, &shelf->catalog);
    }
    free(pass);
    memory_close(&arena);
}
