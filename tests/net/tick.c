/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loop of two shards without a kernel, over real journals whose disk answers when the test says
 * so. K5: whatever a reply tells of a customer, what it refuses included, is durable before it
 * leaves, on whichever shard it ran; availability waits for nothing.
 */
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
static void ticks(struct scene *scene)
{
    for (uint32_t i = 0; i < TICKS * SHARDS; i++)
        shard_tick(scene->shards[i % SHARDS]);
}

static struct io *io_of(const struct scene *scene, uint32_t shard)
{
    return scene->shards[shard]->io;
}

static void finish_write(struct scene *scene, uint32_t shard)
{
    assert_true(fake_io_finish_write(io_of(scene, shard)));
    ticks(scene);
}

/* Both disks do all that they are asked for. */
static void catch_up(struct scene *scene)
{
    bool busy = true;
    ticks(scene);
    while (busy) {
        busy = fake_io_finish_write(io_of(scene, 0));
        busy |= fake_io_finish_write(io_of(scene, 1));
        ticks(scene);
    }
}

static void name_customers(struct scene *scene)
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

static void open_journals(struct scene *scene)
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

static void put_on_sale(struct scene *scene, const char *sku, uint32_t stock)
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
    shard_decide(scene->shards[0], &command, &answer);
    assert_int_equal(answer.outcome, OUTCOME_OK);
    catch_up(scene);
}

static int setup(void **state)
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

static int teardown(void **state)
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
static int connect_client(struct scene *scene)
{
    int socket = fake_io_client(io_of(scene, 0), HTTP_STOREFRONT);
    ticks(scene);
    return socket;
}

static void send_request(
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

static void put_line(struct scene *scene, int socket, const char *customer, uint32_t quantity)
{
    char body[64];
    (void)snprintf(body, sizeof(body), "{\"quantity\":%u}", quantity);
    send_request(scene, socket, "PUT /v1/cart/items/S", customer, body);
}

static void check_out(struct scene *scene, int socket, const char *customer, const char *key)
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

static void get(struct scene *scene, int socket, const char *path, const char *customer)
{
    char bytes[256];
    (void)snprintf(bytes, sizeof(bytes),
        "GET %s HTTP/1.1\r\nHost: shop\r\nX-Customer-Id: %s\r\n\r\n", path, customer);
    fake_io_sends(io_of(scene, 0), socket, bytes);
    ticks(scene);
}

static void assert_nothing(struct scene *scene, int socket)
{
    assert_string_equal(fake_io_received(io_of(scene, 0), socket), "");
}

static void assert_reply(struct scene *scene, int socket, const char *words)
{
    const char *reply = fake_io_received(io_of(scene, 0), socket);
    if (strstr(reply, words) == NULL)
        fail_msg("the client got: %s\nand not: %s", reply, words);
}

static void a_write_is_acknowledged_when_it_is_durable(void **state)
{
    struct scene *scene = *state;
    int socket = connect_client(scene);
    put_line(scene, socket, scene->names[0][0], 1);
    assert_nothing(scene, socket);
    finish_write(scene, 0);
    assert_reply(scene, socket, "HTTP/1.1 200 ");
}

/* Its own batch is the next one: the one in flight had begun without it. */
static void a_write_beside_a_batch_in_flight_waits_for_the_next(void **state)
{
    struct scene *scene = *state;
    int first = connect_client(scene), second = connect_client(scene);
    put_line(scene, first, scene->names[0][0], 1);
    put_line(scene, second, scene->names[0][1], 1);
    finish_write(scene, 0);
    assert_reply(scene, first, "HTTP/1.1 200 ");
    assert_nothing(scene, second);
    finish_write(scene, 0);
    assert_reply(scene, second, "HTTP/1.1 200 ");
}

static void a_reply_from_the_other_shard_waits_for_its_disk(void **state)
{
    struct scene *scene = *state;
    int there = connect_client(scene), here = connect_client(scene);
    put_line(scene, there, scene->names[1][0], 1);
    put_line(scene, here, scene->names[0][0], 1);
    finish_write(scene, 0);
    assert_reply(scene, here, "HTTP/1.1 200 ");
    assert_nothing(scene, there);
    finish_write(scene, 1);
    assert_reply(scene, there, "HTTP/1.1 200 ");
}

/* What is read or refused tells of a cart that may yet be lost with the power. */
static void a_read_and_a_refusal_wait_for_what_they_tell(void **state)
{
    struct scene *scene = *state;
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        int writer = connect_client(scene), reader = connect_client(scene);
        int refused = connect_client(scene);
        const char *customer = scene->names[shard][0];
        put_line(scene, writer, customer, 1);
        get(scene, reader, "/v1/cart", customer);
        put_line(scene, refused, customer, 9);
        assert_nothing(scene, writer);
        assert_nothing(scene, reader);
        assert_nothing(scene, refused);
        finish_write(scene, shard);
        assert_reply(scene, writer, "HTTP/1.1 200 ");
        assert_reply(scene, reader, "\"quantity\":1");
        assert_reply(scene, refused, "HTTP/1.1 409 ");
    }
}

/* A1: the unit that is on its way to a cart is not shown; nobody waits to be told. */
static void availability_waits_for_nothing(void **state)
{
    struct scene *scene = *state;
    int writer = connect_client(scene), reader = connect_client(scene);
    put_line(scene, writer, scene->names[1][0], 2);
    get(scene, reader, "/v1/availability?skus=S", scene->names[1][0]);
    assert_nothing(scene, writer);
    assert_reply(scene, reader, "\"available\":1");
}

/* The law: what comes back is seen when it is durable, and not before. */
static void a_unit_that_comes_back_is_shown_when_that_is_durable(void **state)
{
    struct scene *scene = *state;
    int writer = connect_client(scene), reader = connect_client(scene);
    put_line(scene, writer, scene->names[1][0], 3);
    catch_up(scene);
    put_line(scene, writer, scene->names[1][0], 0);
    get(scene, reader, "/v1/availability?skus=S", scene->names[0][0]);
    assert_reply(scene, reader, "\"available\":0");
    finish_write(scene, 1);
    get(scene, reader, "/v1/availability?skus=S", scene->names[0][0]);
    assert_reply(scene, reader, "\"available\":3");
}

/* durability = postgres, and the stream's connection is up, or away. */
static void confirm_by_postgres(struct scene *scene, bool connected)
{
    scene->house.shards->confirms = true;
    scene->house.shards->stream = &scene->stream;
    scene->house.config.postgres.wait_ms = 5000;
    atomic_store(&scene->stream.connected, connected);
}

static void commit_in_postgres(struct scene *scene, uint32_t shard)
{
    struct journal_mark *mark = &scene->house.journals.marks[shard];
    atomic_store(&mark->streamed_seq, atomic_load(&mark->durable_seq));
    ticks(scene);
}

static void a_201_waits_for_postgres_after_the_disk(void **state)
{
    struct scene *scene = *state;
    confirm_by_postgres(scene, true);
    for (uint32_t shard = 0; shard < SHARDS; shard++) {
        int socket = connect_client(scene);
        check_out(scene, socket, scene->names[shard][0], "k");
        catch_up(scene);
        assert_nothing(scene, socket);
        commit_in_postgres(scene, 1 - shard);
        assert_nothing(scene, socket);
        commit_in_postgres(scene, shard);
        assert_reply(scene, socket, "HTTP/1.1 201 ");
    }
}

/* The order stands, and its key waits again. */
static void a_201_that_postgres_does_not_confirm_in_time_is_unconfirmed(void **state)
{
    struct scene *scene = *state;
    confirm_by_postgres(scene, true);
    int socket = connect_client(scene), reader = connect_client(scene);
    check_out(scene, socket, scene->names[1][0], "k");
    catch_up(scene);
    for (uint32_t shard = 0; shard < SHARDS; shard++)
        io_of(scene, shard)->times.monotonic_ms += 5000;
    catch_up(scene);
    assert_reply(scene, socket, "\"code\":\"unconfirmed\"");
    get(scene, reader, "/v1/availability?skus=S", scene->names[0][0]);
    assert_reply(scene, reader, "\"available\":2");
    check_out(scene, socket, scene->names[1][0], "k");
    catch_up(scene);
    assert_nothing(scene, socket);
    commit_in_postgres(scene, 1);
    assert_reply(scene, socket, "HTTP/1.1 201 ");
}

static void nothing_is_taken_while_postgres_is_away(void **state)
{
    struct scene *scene = *state;
    confirm_by_postgres(scene, false);
    int socket = connect_client(scene), reader = connect_client(scene);
    check_out(scene, socket, scene->names[1][0], "k");
    catch_up(scene);
    assert_reply(scene, socket, "\"code\":\"unconfirmed\"");
    get(scene, reader, "/v1/availability?skus=S", scene->names[0][0]);
    assert_reply(scene, reader, "\"available\":3");
}

#define TICK_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TICK_TEST(a_write_is_acknowledged_when_it_is_durable),
        TICK_TEST(a_write_beside_a_batch_in_flight_waits_for_the_next),
        TICK_TEST(a_reply_from_the_other_shard_waits_for_its_disk),
        TICK_TEST(a_read_and_a_refusal_wait_for_what_they_tell),
        TICK_TEST(availability_waits_for_nothing),
        TICK_TEST(a_unit_that_comes_back_is_shown_when_that_is_durable),
        TICK_TEST(a_201_waits_for_postgres_after_the_disk),
        TICK_TEST(a_201_that_postgres_does_not_confirm_in_time_is_unconfirmed),
        TICK_TEST(nothing_is_taken_while_postgres_is_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
