/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ticking - the loop of two shards without a kernel, over real journals whose disk answers when the
 * test says so; three units of S, at 5.00, are on sale.
 *
 * Ownership  setup() makes the scene, teardown() ends it.
 * Threads    One, for both shards.
 * Units      Milliseconds: the clocks stand until the test moves them.
 * Errors     Assertions of cmocka.
 * Cost       A directory of small journals a scene.
 */
#ifndef HOTSHELF_TESTS_NET_TICKING_H
#define HOTSHELF_TESTS_NET_TICKING_H

#include "tests/net/fake_io.h"

#include <sys/mman.h>

#include "core/partition.h"
#include "net/house.h"
#include "persist/stream_state.h"
#include "tests/persist/ledger.h"

enum { SHARDS = 2, MEMORY = 160 << 20, PRICE = 500, TICKS = 4 };

struct scene {
    struct ledger *ledger;
    struct house house;
    void *memory;
    struct stream stream; /* only whether it is connected */
    struct shard *shards[SHARDS];
    char names[SHARDS][2][8]; /* two customers of each shard */
};

/* Every loop goes round a few times: whatever can happen without the disk happens. */
static inline void ticks(struct scene *scene)
{
    for (uint32_t i = 0; i < TICKS * SHARDS; i++)
        shard_tick(scene->shards[i % SHARDS]);
}

static inline struct io *io_of(const struct scene *scene, uint32_t shard)
{
    return scene->shards[shard]->io;
}

static inline void finish_write(struct scene *scene, uint32_t shard)
{
    assert_true(fake_io_finish_write(io_of(scene, shard)));
    ticks(scene);
}

/* Both disks do all that they are asked for. */
static inline void catch_up(struct scene *scene)
{
    bool busy = true;
    ticks(scene);
    while (busy) {
        busy = fake_io_finish_write(io_of(scene, 0));
        busy |= fake_io_finish_write(io_of(scene, 1));
        ticks(scene);
    }
}

static inline void name_customers(struct scene *scene)
{
    uint32_t found[SHARDS] = {0};
    for (uint32_t i = 0; found[0] < 2 || found[1] < 2; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "c%u", i);
        uint32_t shard = partition_of_customer(bytes_of_string(name)) % SHARDS;
        if (found[shard] < 2)
            memcpy(scene->names[shard][found[shard]++], name, sizeof(name));
    }
}

static inline void open_journals(struct scene *scene)
{
    struct ledger *ledger = scene->ledger;
    if (ledger_recover(ledger) != 0)
        fail_msg("%s", ledger->error);
    assert_int_equal(journal_shared_open(&scene->house.journals), 0);
    for (uint32_t i = 0; i < SHARDS; i++) {
        const struct journal_options options = {.directory = &ledger->directory,
            .shard = i,
            .start = ledger->recovery.shards[i].chain,
            .incarnation = ledger->recovery.incarnation};
        assert_int_equal(
            journal_open(&scene->shards[i]->journal, &scene->house.arena, &scene->house.journals,
                &options, ledger->error, sizeof(ledger->error)),
            0);
        struct shard *shard = scene->shards[i];
        walker_open(&shard->walker, shard->engine, &shard->journal);
    }
}

static inline void put_on_sale(struct scene *scene, const char *sku, uint32_t stock)
{
    const struct product_image image = {.sku = bytes_of_string(sku),
        .title = BYTES("A thing"),
        .category = BYTES("things"),
        .seller = BYTES("seller-1"),
        .stock = stock,
        .price_count = 1,
        .prices = {{.currency = "GBP", .amount = PRICE}}};
    const struct command command = {
        .kind = COMMAND_PRODUCT_SET, .role = ROLE_OPERATOR, .product = &image};
    struct answer answer;
    struct event event;
    shard_decide(scene->shards[0], &command, &event, &answer);
    assert_int_equal(answer.outcome, OUTCOME_OK);
    catch_up(scene);
}

static inline int setup(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    scene->ledger = ledger_create(SHARDS, 2, true);
    scene->ledger->options.batch_size = BATCH_SIZE_DEFAULT;
    scene->ledger->options.segment_size = SEGMENT_SIZE_MIN;
    scene->ledger->options.journal_bytes = 12ull * SHARDS * SEGMENT_SIZE_MIN;
    config_defaults(&scene->house.config);
    scene->house.config.auth.mode = AUTH_HEADER;
    scene->house.config.policy.reserve_on = RESERVE_CART;
    scene->house.config.capacity = (struct capacity){.skus = 16,
        .customers = 64,
        .orders = 64,
        .holds = 64,
        .lines = 256,
        .text_bytes = 65536,
        .idempotency_keys = 64,
        .claims = 256,
        .allowances = 64,
        .names = 16,
        .connections = 16,
        .subscribers = 8,
        .requests = 16};
    scene->memory = mmap(
        NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    assert_ptr_not_equal(scene->memory, MAP_FAILED);
    house_build(&scene->house, scene->memory, MEMORY, SHARDS, 7);
    for (uint32_t i = 0; i < SHARDS; i++) {
        scene->shards[i] = scene->house.shards->shard[i];
        scene->shards[i]->io->times = (struct io_times){1000, 1700000000000};
    }
    open_journals(scene);
    atomic_store(&scene->house.shards->may_sell, true);
    name_customers(scene);
    catch_up(scene);
    put_on_sale(scene, "S", 3);
    *state = scene;
    return 0;
}

static inline int teardown(void **state)
{
    struct scene *scene = *state;
    catch_up(scene);
    for (uint32_t i = 0; i < SHARDS; i++)
        journal_close(&scene->shards[i]->journal);
    journal_shared_close(&scene->house.journals);
    datadir_close(&scene->ledger->directory);
    ledger_destroy(scene->ledger);
    munmap(scene->memory, MEMORY);
    free(scene);
    return 0;
}

/* A client of shard 0, for whatever customer. */
static inline int connect_client(struct scene *scene)
{
    int socket = fake_io_client(io_of(scene, 0), HTTP_STOREFRONT);
    ticks(scene);
    return socket;
}

static inline void send_request(
    struct scene *scene, int socket, const char *line, const char *customer, const char *body)
{
    char bytes[1024];
    (void)snprintf(bytes, sizeof(bytes),
        "%s HTTP/1.1\r\nHost: shop\r\nX-Customer-Id: %s\r\n"
        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        line, customer, strlen(body), body);
    fake_io_sends(io_of(scene, 0), socket, bytes);
    ticks(scene);
}

static inline void put_line(
    struct scene *scene, int socket, const char *customer, uint32_t quantity)
{
    char body[64];
    (void)snprintf(body, sizeof(body), "{\"quantity\":%u}", quantity);
    send_request(scene, socket, "PUT /v1/cart/items/S", customer, body);
}

static inline void check_out(struct scene *scene, int socket, const char *customer, const char *key)
{
    static const char body[] = "{\"items\":[{\"sku\":\"S\",\"quantity\":1}]}";
    char line[512];
    (void)snprintf(line, sizeof(line),
        "POST /v1/checkout HTTP/1.1\r\nHost: shop\r\nX-Customer-Id: %s\r\nIdempotency-Key: %s\r\n"
        "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
        customer, key, strlen(body), body);
    fake_io_sends(io_of(scene, 0), socket, line);
    ticks(scene);
}

static inline void get(struct scene *scene, int socket, const char *path, const char *customer)
{
    char bytes[256];
    (void)snprintf(bytes, sizeof(bytes),
        "GET %s HTTP/1.1\r\nHost: shop\r\nX-Customer-Id: %s\r\n\r\n", path, customer);
    fake_io_sends(io_of(scene, 0), socket, bytes);
    ticks(scene);
}

static inline void assert_nothing(struct scene *scene, int socket)
{
    assert_string_equal(fake_io_received(io_of(scene, 0), socket), "");
}

static inline void assert_reply(struct scene *scene, int socket, const char *words)
{
    const char *reply = fake_io_received(io_of(scene, 0), socket);
    if (strstr(reply, words) == NULL)
        fail_msg("the client got: %s\nand not: %s", reply, words);
}

#define TICK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
