/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scene - a journal that is damaged in known places, recovered, and judged.
 *
 *     scene_of(till) -> flip, replace, .. -> judge (recovers, compares, mends) -> .. -> scene_close
 *
 * The answer must be a refusal that names the file and the place of the first damage, or the whole
 * state. A batch may be missing only if it was the last of its shard and nothing that is left
 * vouches for it (V4 of FORMAT.md); then the state is the very one before it.
 *
 * Ownership  scene_close() takes the till with it.
 * Threads    One.
 * Units      Bytes; sectors of 512, bits counted from the start of a file.
 * Errors     cmocka's assertions, after a line for each damage.
 * Cost       A recovery each; the engines are built once for each state that may come out.
 */
#ifndef HOTSHELF_TESTS_PERSIST_SCENE_H
#define HOTSHELF_TESTS_PERSIST_SCENE_H

#include "tests/persist/till.h"

enum {
    SECTOR = 512,
    DAMAGES_MAX = 64,
    STALE_MAX = 512,
    SCENE_SEGMENTS_MAX = 4,
};

/* What one sector holds instead of what was written there. */
struct damage {
    uint32_t shard, segment, offset;
    uint8_t was[SECTOR];
};

/* What a sector held before it was written for the last time. */
struct stale {
    uint32_t torn_batch; /* which one, from 0 */
    uint32_t shard, segment, offset;
    uint8_t bytes[SECTOR];
};

struct scene {
    struct till *till;
    struct stale stale[STALE_MAX];
    uint32_t stale_count, torn_batches;
    struct damage damages[DAMAGES_MAX];
    uint32_t damage_count;
    int files[TILL_SHARDS][SCENE_SEGMENTS_MAX + 1];
    /* the last recovery */
    struct recovery recovery;
    struct arena arena;
    struct engine *engines[TILL_SHARDS];
    struct shelf *shelf;
    size_t replayed[TILL_SHARDS]; /* bytes of records */
    int result;
    char error[1024];
    uint64_t refused, whole, shortened;
    bool proven[1 << TILL_SHARDS]; /* a bit for each shard without its last batch */
};

static inline uint32_t segment_size(const struct scene *scene)
{
    return scene->till->ledger->options.segment_size;
}

static inline struct scene *scene_of(struct till *till)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    assert_non_null(scene);
    scene->till = till;
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        for (uint32_t j = 1; j <= till->ledger->directory.geometry.segments; j++)
            scene->files[i][j] = ledger_file(till->ledger, i, j);
    return scene;
}

static inline void scene_close(struct scene *scene)
{
    printf("  %llu refused, %llu whole, %llu without an unvouched last batch\n",
        (unsigned long long)scene->refused, (unsigned long long)scene->whole,
        (unsigned long long)scene->shortened);
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        for (uint32_t j = 1; j <= scene->till->ledger->directory.geometry.segments; j++)
            close(scene->files[i][j]);
    till_destroy(scene->till);
    free(scene);
}

/* Damaging. */

static inline void get_sector(
    const struct scene *scene, uint32_t shard, uint32_t segment, uint32_t offset, uint8_t *out)
{
    assert_int_equal(pread(scene->files[shard][segment], out, SECTOR, offset), SECTOR);
}

static inline void put_sector(const struct scene *scene, uint32_t shard, uint32_t segment,
    uint32_t offset, const uint8_t *bytes)
{
    assert_int_equal(pwrite(scene->files[shard][segment], bytes, SECTOR, offset), SECTOR);
}

/* The sector is these bytes now; nothing is noted if it was before. */
static inline void replace(struct scene *scene, uint32_t shard, uint32_t segment, uint32_t offset,
    const uint8_t bytes[SECTOR])
{
    struct damage damage = {.shard = shard, .segment = segment, .offset = offset};
    get_sector(scene, shard, segment, offset, damage.was);
    if (memcmp(damage.was, bytes, SECTOR) == 0)
        return;
    put_sector(scene, shard, segment, offset, bytes);
    assert_true(scene->damage_count < DAMAGES_MAX);
    scene->damages[scene->damage_count++] = damage;
}

static inline void put_stale(struct scene *scene, uint32_t index)
{
    const struct stale *stale = &scene->stale[index];
    replace(scene, stale->shard, stale->segment, stale->offset, stale->bytes);
}

static inline void flip(struct scene *scene, uint32_t shard, uint32_t segment, uint64_t bit)
{
    uint8_t bytes[SECTOR];
    uint32_t offset = (uint32_t)(bit / 8 / SECTOR * SECTOR);
    get_sector(scene, shard, segment, offset, bytes);
    bytes[bit / 8 % SECTOR] ^= (uint8_t)(1u << bit % 8);
    replace(scene, shard, segment, offset, bytes);
}

static inline void mend(struct scene *scene)
{
    while (scene->damage_count > 0) {
        const struct damage *damage = &scene->damages[--scene->damage_count];
        put_sector(scene, damage->shard, damage->segment, damage->offset, damage->was);
    }
}

/* Recovering. */

/* What is replayed is what was written, byte by byte and from the start. */
static inline void replay(void *context, uint32_t shard, const struct event *event)
{
    struct scene *scene = context;
    static _Alignas(8) uint8_t record[RECORD_SIZE_MAX];
    const struct shop_log *log = &scene->till->shop.logs[shard];
    uint32_t size = record_size(event);
    assert_true(scene->replayed[shard] + size <= log->size);
    record_encode(event, record);
    assert_memory_equal(record, log->data + scene->replayed[shard], size);
    scene->replayed[shard] += size;
}

static inline void recover_directory(struct scene *scene)
{
    struct datadir directory;
    const struct recover_options options = {
        .directory = &directory, .replay = replay, .context = scene};
    memset(scene->replayed, 0, sizeof(scene->replayed));
    scene->result =
        datadir_open(&directory, &scene->till->ledger->options, scene->error, sizeof(scene->error));
    if (scene->result != 0)
        return;
    scene->result = recover(&scene->recovery, &options, scene->error, sizeof(scene->error));
    datadir_close(&directory);
}

static inline void rebuild_shard(struct scene *scene, uint32_t shard, size_t bytes)
{
    const struct shop_log *log = &scene->till->shop.logs[shard];
    for (size_t at = 0; at < bytes;) {
        struct event event;
        uint32_t consumed;
        assert_int_equal(
            record_decode(bytes_of(log->data + at, (uint32_t)(bytes - at)), &event, &consumed), 0);
        engine_replay(scene->engines[shard], &event);
        at += consumed;
    }
}

/* The state is that of the last batch of each shard, and nothing on the shelf contradicts it. The
 * same records make the same state: once is enough. */
static inline void check_state(struct scene *scene, uint32_t shortened)
{
    struct arena arena;
    if (scene->proven[shortened])
        return;
    scene->proven[shortened] = true;
    scene->shelf = till_build(&arena, scene->engines);
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        rebuild_shard(scene, i, scene->replayed[i]);
    shelf_derive(scene->shelf, scene->engines, TILL_SHARDS);
    for (uint32_t i = 0; i < TILL_SHARDS; i++) {
        uint64_t last = scene->recovery.shards[i].chain.number;
        engine_check(scene->engines[i]);
        assert_true(engine_digest(scene->engines[i]) == scene->till->places[i][last].digest);
    }
    memory_close(&arena);
}

/* Judging. */

/* The batch that a damage is in; 0: in a segment's header or in space that no batch uses. */
static inline uint32_t batch_of(const struct scene *scene, const struct damage *damage)
{
    const struct till_place *places = scene->till->places[damage->shard];
    for (uint32_t i = 1; i <= scene->till->batches[damage->shard]; i++)
        if (places[i].segment == damage->segment && damage->offset >= places[i].offset &&
            damage->offset < places[i].offset + places[i].size)
            return i;
    return 0;
}

/* What is damaged of a shard: the header of a segment that was used, and the first batch (0: none).
 * The header of another file may be damaged: it is written anew before its first batch. */
struct harm {
    uint32_t header_segment; /* 0: none */
    uint32_t batch;
};

static inline uint32_t last_segment(const struct scene *scene, uint32_t shard)
{
    uint32_t last = scene->till->batches[shard];
    return last == 0 ? 1 : scene->till->places[shard][last].segment;
}

static inline struct harm harm_of(const struct scene *scene, uint32_t shard)
{
    struct harm harm = {0, 0};
    for (uint32_t i = 0; i < scene->damage_count; i++) {
        const struct damage *damage = &scene->damages[i];
        if (damage->shard != shard)
            continue;
        if (damage->offset < SEGMENT_HEADER_SIZE && damage->segment <= last_segment(scene, shard) &&
            (harm.header_segment == 0 || damage->segment < harm.header_segment))
            harm.header_segment = damage->segment;
        uint32_t batch = batch_of(scene, damage);
        if (batch != 0 && (harm.batch == 0 || batch < harm.batch))
            harm.batch = batch;
    }
    return harm;
}

/* Batches of a shard before the first that is damaged. */
static inline uint32_t batches_left(const struct scene *scene, uint32_t shard)
{
    uint32_t batch = harm_of(scene, shard).batch;
    return batch == 0 ? scene->till->batches[shard] : batch - 1;
}

/* Whether something that is left proves that the shard's last batch was durable. */
static inline bool is_vouched(const struct scene *scene, uint32_t shard)
{
    uint64_t last = scene->till->batches[shard];
    for (uint32_t i = 0; i < TILL_SHARDS; i++)
        for (uint32_t j = 1; j <= batches_left(scene, i); j++)
            if (i != shard && scene->till->places[i][j].durable[shard] >= last)
                return true;
    return false;
}

static inline bool must_refuse(const struct scene *scene)
{
    bool must = false;
    for (uint32_t i = 0; i < TILL_SHARDS; i++) {
        struct harm harm = harm_of(scene, i);
        bool is_last = harm.batch == scene->till->batches[i];
        must = must || harm.header_segment != 0 ||
               (harm.batch != 0 && (!is_last || is_vouched(scene, i)));
    }
    return must;
}

/* A batch's header where no batch was: it is told where, as the end or as what vouches. */
static inline bool names_what_was_moved(const struct scene *scene)
{
    char words[128];
    bool named = false;
    for (uint32_t i = 0; i < scene->damage_count; i++) {
        const struct damage *damage = &scene->damages[i];
        uint32_t block = damage->offset - damage->offset % BATCH_BLOCK_SIZE;
        if (batch_of(scene, damage) != 0)
            continue;
        (void)snprintf(words, sizeof(words), "segment %u at offset %u:", damage->segment, block);
        named = named || strstr(scene->error, words) != NULL;
        (void)snprintf(
            words, sizeof(words), "/segment-%06u at offset %u: ", damage->segment, block);
        named = named || strstr(scene->error, words) != NULL;
        /* The header of another file in one that is not needed yet. */
        (void)snprintf(words, sizeof(words), "/shard-%02u/segment-%06u belongs to another shard",
            damage->shard, damage->segment);
        named = named || (block == 0 && strstr(scene->error, words) != NULL);
    }
    return named;
}

/* The words of a right refusal are one of these: the first damage of one of the shards. */
static inline bool names_the_place(const struct scene *scene)
{
    char words[128];
    bool named = false;
    for (uint32_t i = 0; i < TILL_SHARDS; i++) {
        struct harm harm = harm_of(scene, i);
        const struct till_place *place = &scene->till->places[i][harm.batch];
        (void)snprintf(words, sizeof(words), "/shard-%02u/segment-%06u ", i, harm.header_segment);
        named = named || (harm.header_segment != 0 && strstr(scene->error, words) != NULL &&
                             strstr(scene->error, " at offset ") == NULL);
        (void)snprintf(words, sizeof(words), "/shard-%02u/segment-%06u at offset %u: batch %u ", i,
            place->segment, place->offset, harm.batch);
        named = named || (harm.batch != 0 && strstr(scene->error, words) != NULL);
    }
    return named || names_what_was_moved(scene);
}

static inline void tell(const struct scene *scene)
{
    for (uint32_t i = 0; i < scene->damage_count; i++)
        printf("damaged: shard %u, segment %u, offset %u, batch %u of %u\n",
            scene->damages[i].shard, scene->damages[i].segment, scene->damages[i].offset,
            batch_of(scene, &scene->damages[i]), scene->till->batches[scene->damages[i].shard]);
}

static inline void judge_refusal(struct scene *scene)
{
    scene->refused++;
    /* Several damages can be worse than each: what was moved is whole where it does not belong. */
    bool may = must_refuse(scene) || scene->damage_count > 1;
    if (scene->result == -EBADMSG && may && names_the_place(scene))
        return;
    tell(scene);
    fail_msg("%s and said: %s", may ? "refused in the wrong words" : "refused without need",
        scene->error);
}

static inline void judge_recovery(struct scene *scene)
{
    uint32_t shortened = 0;
    bool wrong = must_refuse(scene);
    for (uint32_t i = 0; i < TILL_SHARDS; i++) {
        uint64_t last = scene->recovery.shards[i].chain.number;
        wrong = wrong || last != batches_left(scene, i) ||
                scene->replayed[i] != scene->till->places[i][last].bytes;
        shortened |= (uint32_t)(last < scene->till->batches[i]) << i;
    }
    if (wrong) {
        tell(scene);
        fail_msg("recovered, and should have refused, or to another batch");
    }
    check_state(scene, shortened);
    *(shortened == 0 ? &scene->whole : &scene->shortened) += 1;
}

/* Recovers from the present damage, judges, and mends it. */
static inline void judge(struct scene *scene)
{
    recover_directory(scene);
    if (scene->result != 0)
        judge_refusal(scene);
    else
        judge_recovery(scene);
    mend(scene);
}

#endif
