/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each old shard makes a restating walk, and each image goes to the shard whose it is now. Few of
 * them are not whole: keys of several orders share a record and are sorted out, units in forgotten
 * orders and kills that have ended are added up over the shards.
 */
#include "core/redivide.h"

#include <string.h>

#include "core/bugs.h"
#include "core/check.h"
#include "core/kills.h"
#include "core/redivide_room.h"
#include "core/restate.h"

/* Where a walk through the old shards is. */
struct pass {
    const struct redivide *redivide;
    const struct shelf *shelf;
    uint32_t from; /* the old shard */
    int result;    /* of the first put() that failed */
};

const char *redivide_obstacle(struct engine *const engines[], uint32_t count)
{
    const struct shelf *shelf = engines[0]->shelf;
    const struct catalog *catalog = &shelf->catalog;
    if (switches_kills_under_way(&shelf->switches, count) > 0)
        return "a kill";
    if (catalog->importing)
        return "an import";
    if (catalog->leaving != 0 || catalog_closing(catalog) != 0)
        return "the removal of a sale";
    for (uint32_t i = 0; i < count; i++)
        if (engines[i]->kill_count > 0 || engines[i]->kill_begun != shelf->switches.kill_last)
            return "a kill";
    return NULL;
}

static void put(struct pass *pass, uint32_t shard, const struct event *event)
{
    const struct redivide *redivide = pass->redivide;
    if (pass->result == 0)
        pass->result = redivide->put(redivide->context, shard, event);
}

/* The last stream number that was used under each shard number. */
static void gather_seqs(const struct redivide *redivide, uint64_t seqs[SHARDS_MAX])
{
    memcpy(seqs, redivide->engines[0]->seqs, sizeof(redivide->engines[0]->seqs));
    for (uint32_t i = 0; i < redivide->count; i++)
        seqs[i] = redivide->engines[i]->stream_seq;
}

static void put_begun(struct pass *pass, const struct moment *now, uint64_t system_id)
{
    const struct redivide *redivide = pass->redivide;
    uint64_t seqs[SHARDS_MAX];
    struct event begun;
    gather_seqs(redivide, seqs);
    restate_begin(redivide->share, now, 0, WALK_GENESIS, &begun);
    CHECK(begun.fact.walk.number == 1);
    begun.fact.walk.kill_begun = pass->shelf->switches.kill_last;
    for (uint32_t i = 0; i < redivide->shares; i++) {
        struct event one = begun;
        one.fact.walk.stream_seq = seqs[i];
        one.fact.walk.sku_next = i == 0 ? pass->shelf->catalog.number_next : 0;
        one.fact.walk.kill_last = i == 0 ? pass->shelf->switches.kill_last : 0;
        one.fact.walk.system_id = i == 0 ? system_id : 0;
        if (i == 0)
            one.text[TEXT_ENTRIES] = bytes_of(seqs, sizeof(seqs));
        put(pass, i, &one);
    }
}

/* Of the keys of one record those of one shard. */
static void put_keys(struct pass *pass, const struct event *image, uint32_t shard)
{
    struct key_entry entries[IMAGES_MAX];
    struct event part = *image;
    uint32_t count = 0;
    for (uint32_t i = 0; i < image->fact.images.count; i++) {
        struct key_entry entry;
        memcpy(&entry, image->text[TEXT_ENTRIES].data + i * sizeof(entry), sizeof(entry));
        if (redivide_share_of_key(pass->redivide, &entry) == shard)
            entries[count++] = entry;
    }
    if (count == 0)
        return;
    part.fact.images.count = count;
    part.text[TEXT_ENTRIES] = bytes_of(entries, count * (uint32_t)sizeof(entries[0]));
    put(pass, shard, &part);
}

static void put_image(struct pass *pass, const struct event *image)
{
    uint32_t shares = pass->redivide->shares;
    struct event streamed = *image;
    CHECK(event_is_image(image->kind));
    CHECK(image->kind != EVENT_IMPORT_IMAGE);
    if (image->kind == EVENT_GONE_IMAGE || image->kind == EVENT_KILLS_IMAGE)
        return; /* added up below */
    if (image->kind == EVENT_ORDER_IMAGE && !bug(BUG_NUMBER_OF_ANOTHER_SHARD))
        streamed.fact.order_image.stream_seq = 0;
    if (image->kind == EVENT_KEYS_IMAGE) {
        for (uint32_t i = 0; i < shares; i++)
            put_keys(pass, image, i);
    } else if (image->kind == EVENT_CUSTOMER_IMAGE || image->kind == EVENT_ORDER_IMAGE ||
               image->kind == EVENT_ALLOWANCES_IMAGE) {
        put(pass, partition_of_customer(image->text[TEXT_CUSTOMER]) % shares, &streamed);
    } else {
        put(pass, 0, image);
    }
}

static void put_all_of(struct pass *pass, const struct moment *now)
{
    struct engine *engine = pass->redivide->engines[pass->from];
    struct event event;
    restate_begin(engine, now, 0, 0, &event);
    engine_apply(engine, &event);
    while (restate_next(engine, &event)) {
        put_image(pass, &event);
        engine_apply(engine, &event);
    }
    restate_end(engine, &event);
    engine_apply(engine, &event);
}

/* What all shards have of a kill that is over is told by the first of the new ones. */
static void put_kills(struct pass *pass, uint32_t shard)
{
    const struct switches *switches = &pass->shelf->switches;
    struct kill_entry entries[IMAGES_MAX];
    struct event image = {.kind = EVENT_KILLS_IMAGE};
    for (uint32_t i = 0, count = 0; i < SWITCHES_MAX; i++) {
        const struct switch_entry *entry = &switches->entries[i];
        uint32_t kill = entry->scope == 0 ? 0 : atomic_load(&entry->kill);
        if (kill != 0) {
            entries[count++] = (struct kill_entry){
                .released = shard == 0 ? atomic_load(&entry->released) : 0,
                .cancelled = shard == 0 ? atomic_load(&entry->cancelled) : 0,
                .kill = kill,
                .number = entry->number,
                .scope = entry->scope,
                .ended = 1,
            };
        }
        if (count == 0 || (count < IMAGES_MAX && i + 1 < SWITCHES_MAX))
            continue;
        image.fact.images.count = count;
        image.text[TEXT_ENTRIES] = bytes_of(entries, count * (uint32_t)sizeof(entries[0]));
        put(pass, shard, &image);
        count = 0;
    }
}

static void put_lines(
    struct pass *pass, uint32_t shard, const struct event_line *lines, uint32_t count)
{
    const struct event image = {
        .kind = EVENT_GONE_IMAGE, .fact.images.count = count, .lines = lines, .line_count = count};
    if (count > 0)
        put(pass, shard, &image);
}

static void put_gone(struct pass *pass, uint32_t shard)
{
    const struct redivide *redivide = pass->redivide;
    struct event_line lines[IMAGES_MAX];
    uint32_t count = 0;
    for (uint32_t from = 0; from < redivide->count; from++) {
        const struct pool *pool = &redivide->engines[from]->gone;
        for (uint32_t i = 0; i < pool->fresh; i++) {
            if (!pool_is_used(pool, i) || !redivide_gone_is_of(redivide, from, i, shard))
                continue;
            uint32_t number = ((const struct gone *)pool_at(pool, i))->sku_number;
            uint64_t units = 0;
            uint32_t end = bug(BUG_GONE_OF_ONE_SHARD) ? from + 1 : redivide->count;
            for (uint32_t j = from; j < end; j++)
                units += gone_units(redivide->engines[j], number);
            CHECK(units <= INT64_MAX);
            lines[count++] =
                (struct event_line){.sku_number = number, .unit_price = (int64_t)units};
            if (count < IMAGES_MAX)
                continue;
            put_lines(pass, shard, lines, count);
            count = 0;
        }
    }
    put_lines(pass, shard, lines, count);
}

int redivide_write(const struct redivide *redivide, const struct moment *now, uint64_t system_id)
{
    struct pass pass = {.redivide = redivide, .shelf = redivide->engines[0]->shelf};
    CHECK(redivide->share->shard_count == redivide->shares);
    CHECK(redivide_obstacle(redivide->engines, redivide->count) == NULL);
    put_begun(&pass, now, system_id);
    for (; pass.result == 0 && pass.from < redivide->count; pass.from++)
        put_all_of(&pass, now);
    for (uint32_t i = 0; pass.result == 0 && i < redivide->shares; i++) {
        put_kills(&pass, i);
        put_gone(&pass, i);
    }
    return pass.result;
}
