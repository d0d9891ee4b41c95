/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hotshelf-bench requests: all of a request that is ours: from the bytes received to the bytes of
 * the reply and of the journal, without the kernel and without waiting for the disk.
 *
 * `read` is parsing and decoding into a command; `run` what is due for the customer, decide, apply
 * and the record for the journal; `write` the reply. Availability is answered where it is read.
 * The requests are those of `hotshelf-bench floor`. What the loop adds (connections, batches,
 * io_uring) is in the difference between these figures and those of the floor.
 */
#include <stdlib.h>

#include "bench/growth_traffic.h"
#include "bench/modules/asked.h"
#include "bench/modules/core_module.h"
#include "bench/modules/stand.h"
#include "bench/sandbox.h"
#include "core/check.h"
#include "core/tables.h"
#include "net/http/http.h"
#include "net/resp/command.h"
#include "net/resp/reply.h"
#include "persist/record.h"

enum {
    OPERATIONS = 1600,
    COLD = 1 << 20,
    SKUS_COLD = 16384,
    NAME = 32,
    BODY_MAX = 65536,
    HEAD_MAX = 16384
};

struct requests_bench {
    struct stand stand;
    struct config config;
    struct identity identity;
    struct http_context http;
    struct resp_session session;
    struct request *slot;
    struct request_work *work;
    struct traffic traffic;
    struct growth_traffic growth; /* of many customers and products: instead */
    bool is_cold;
    char text[ASKED_SIZE];
    struct bytes asked;
    uint8_t room[RESP_INLINE_SIZE_MAX];
    struct resp_request command;
    _Alignas(8) uint8_t record[RECORD_SIZE_MAX];
    bool answered; /* where it was read */
};

static bool refuse_large(void *host, struct request *request, uint32_t bytes)
{
    (void)host;
    (void)request;
    (void)bytes;
    return false;
}

static void roll(void *host)
{
    struct requests_bench *bench = host;
    stand_roll(&bench->stand);
    bench->http.now.random = bench->stand.now.random;
}

static void furnish(struct stand *stand, void *host)
{
    struct requests_bench *bench = host;
    bench->http = (struct http_context){0};
    http_init(&bench->http, &stand->arena, &bench->config, &stand->shelf, &bench->identity, 0, 1);
    bench->http.now = stand->now;
    bench->http.clock_ms = stand->now.wall_ms;
    memcpy(bench->http.date, "Sat, 21 Nov 2026 03:00:00 GMT", 29);
    bench->http.date_size = 29;
    bench->http.recovering = false;
    bench->http.enlarge = refuse_large;
    bench->http.roll = roll;
    bench->http.host = host;
}

static struct capacity capacity(uint32_t customers, uint32_t skus)
{
    uint32_t orders = customers + (MEASURE_ROUNDS_MAX + 2) * OPERATIONS;
    return (struct capacity){.skus = skus + 64,
        .customers = orders,
        .orders = orders,
        .holds = customers + 4096,
        .lines = orders,
        .text_bytes = (uint64_t)orders * 128,
        .idempotency_keys = orders,
        .claims = PAYMENTS_PER_ORDER * orders,
        .identities = 64,
        .allowances = 64,
        .names = 64,
        .connections = 16,
        .requests = 16,
        .tokens = 16};
}

static struct bytes write_name(char name[NAME], const char *what, uint32_t number)
{
    return bytes_of(name, (uint32_t)snprintf(name, NAME, "%s-%08u", what, number));
}

/* Everybody has an order and a line in the cart, as `hotshelf-bench growth` fills a shop. */
static void fill(struct requests_bench *bench)
{
    char customer[NAME], key[NAME];
    const struct command_item item = {.sku = BYTES(SANDBOX_SKU), .quantity = 1};
    for (uint32_t i = 0; i < bench->growth.skus; i++)
        stand_sell(&bench->stand, (char *)write_name(key, "BENCH", i).data, RESERVE_CHECKOUT);
    for (uint32_t i = 0; i < bench->growth.customers; i++) {
        struct command command = {.kind = COMMAND_CHECKOUT,
            .role = ROLE_CUSTOMER,
            .customer = write_name(customer, "buyer", i),
            .key = write_name(key, "first", i),
            .items = &item,
            .item_count = 1};
        stand_run(&bench->stand, &command);
        command = (struct command){.kind = COMMAND_CART_SET,
            .role = ROLE_CUSTOMER,
            .customer = command.customer,
            .sku = item.sku,
            .quantity = 1};
        stand_run(&bench->stand, &command);
    }
}

/* scale: how many have been there before; then the kind is one of growth_traffic.h. */
static void choose(struct requests_bench *bench, const struct measure_case *own)
{
    bench->is_cold = own->is_cold;
    bench->traffic.kind = own->is_cold ? TRAFFIC_CHECKOUT : (enum traffic_kind)own->kind;
    if (own->is_cold)
        bench->growth = (struct growth_traffic){
            .kind = (enum growth_kind)own->kind, .customers = own->scale, .skus = SKUS_COLD};
}

static void close_requests(void *context)
{
    struct requests_bench *bench = context;
    stand_close(&bench->stand);
    free(bench->slot);
    free(bench->work);
    free(bench);
}

static void *open_requests(const struct measure_case *own)
{
    struct requests_bench *bench = calloc(1, sizeof *bench);
    CHECK(bench != NULL);
    config_defaults(&bench->config);
    bench->config.auth.mode = AUTH_HEADER;
    choose(bench, own);
    bench->config.capacity = capacity(bench->growth.customers, bench->growth.skus);
    const struct stand_plan plan = {

        .capacity = bench->config.capacity,
        .payment_mode = PAYMENT_DEFERRED,
        .furnish = furnish,
        .host = bench};
    if (!stand_open(&bench->stand, &plan)) {
        free(bench);
        return NULL;
    }
    stand_sell(&bench->stand, SANDBOX_SKU, RESERVE_CHECKOUT);
    stand_sell(&bench->stand, SANDBOX_SKU_CART, RESERVE_CART);
    fill(bench);
    bench->slot = calloc(1, sizeof *bench->slot);
    bench->work = calloc(1, sizeof *bench->work);
    CHECK(bench->slot != NULL);
    CHECK(bench->work != NULL);
    return bench;
}

/* The bytes as the socket brings them, and a slot that others have used before. */
static void receive(void *context, uint32_t first, uint32_t count)
{
    struct requests_bench *bench = context;
    (void)first;
    CHECK(count == 1);
    uint32_t size = bench->is_cold ? growth_fill(&bench->growth, 0, bench->text)
                                   : traffic_fill(&bench->traffic, 0, bench->text);
    bench->asked = bytes_of(bench->text, size);
    bench->stand.event.kind = EVENT_NONE;
}

static void read_http(struct requests_bench *bench)
{
    const struct http_limits limits = {
        .header_bytes = HEAD_MAX, .target_bytes = HEAD_MAX, .body_bytes = BODY_MAX};
    struct http_progress progress = {0};
    struct http_request parsed;
    uint32_t target = 0;
    CHECK(http_parse(bench->asked, &limits, &progress, &parsed) == HTTP_REQUEST);
    bench->slot->keep_alive = parsed.keep_alive;
    enum http_verdict verdict =
        http_decode(&bench->http, HTTP_STOREFRONT, &parsed, bench->slot, &target);
    CHECK(verdict == HTTP_COMMAND || verdict == HTTP_ANSWERED);
    bench->answered = verdict == HTTP_ANSWERED;
}

static void read_resp(struct requests_bench *bench)
{
    uint32_t target = 0;
    CHECK(resp_parse(bench->asked, BODY_MAX, bench->room, &bench->command) == RESP_REQUEST);
    enum resp_verdict verdict =
        resp_decode(&bench->http, &bench->session, &bench->command, bench->slot, &target);
    CHECK(verdict != RESP_WAITS);
    bench->answered = verdict == RESP_ANSWERED;
}

static bool is_granted(const struct requests_bench *bench)
{
    const struct reply *reply = &bench->slot->reply;
    const uint8_t *begin = reply->data + reply->start;
    bool is_resp = traffic_is_resp(bench->traffic.kind);
    return !reply->overflow && (is_resp ? begin[0] != '-' : memcmp(begin, "HTTP/1.1 20", 11) == 0);
}

static void read_request(void *context, uint32_t first, uint32_t count)
{
    struct requests_bench *bench = context;
    (void)first;
    (void)count;
    bench->slot->large = 0;
    bench->slot->work = bench->work;
    request_reset(bench->slot);
    if (traffic_is_resp(bench->traffic.kind))
        read_resp(bench);
    else
        read_http(bench);
    CHECK(!bench->answered || is_granted(bench));
}

static void run_request(void *context, uint32_t first, uint32_t count)
{
    struct requests_bench *bench = context;
    struct stand *stand = &bench->stand;
    struct answer *answer = &stand->answer;
    (void)first;
    (void)count;
    CHECK(!bench->answered);
    struct command *command = &bench->slot->work->command;
    roll(bench);
    stand_decide(stand, command);
    CHECK(record_put(&stand->event, bench->record, sizeof bench->record) > 0);
    stand_apply(stand);
    if (answer->order_index == UINT32_MAX && event_is_order(stand->event.kind))
        answer->order_index = stand->engine->applied_order;
    if (answer->customer_index == UINT32_MAX)
        answer->customer_index = stand->engine->applied_customer;
    if (stand->event.kind == EVENT_ORDER_PLACED)
        answer->placed = &stand->event;
}

static void write_reply(void *context, uint32_t first, uint32_t count)
{
    struct requests_bench *bench = context;
    (void)first;
    (void)count;
    const struct answer *answer = &bench->stand.answer;
    if (traffic_is_resp(bench->traffic.kind))
        CHECK(resp_render(&bench->http, bench->stand.engine, bench->slot, answer));
    else
        CHECK(http_render(&bench->http, bench->stand.engine, bench->slot, answer));
    CHECK(is_granted(bench));
}

#define REQUEST(title, what, which, customers)                                                     \
    {                                                                                              \
        .name = (title), .operation = (what), .kind = (which), .scale = (customers),               \
        .is_cold = (customers) > 0, .count = OPERATIONS, .step = 1, .open = open_requests,         \
        .close = close_requests, .before = receive,                                                \
        .parts = {{"read", read_request}, {"run", run_request}, {"write", write_reply}},           \
        .sum = "all", .sum_parts = 3                                                               \
    }
#define LOOK_UP(title, what, which, customers)                                                     \
    {                                                                                              \
        .name = (title), .operation = (what), .kind = (which), .scale = (customers),               \
        .is_cold = (customers) > 0, .count = OPERATIONS, .step = 1, .open = open_requests,         \
        .close = close_requests, .before = receive, .parts = {                                     \
            {"all", read_request}                                                                  \
        }                                                                                          \
    }

static const struct measure_case cases[] = {
    LOOK_UP("availability", "a GET, answered", TRAFFIC_AVAILABILITY, 0),
    REQUEST("cart", "a PUT of another quantity", TRAFFIC_CART, 0),
    REQUEST("cart_hold", "the same, held in the cart", TRAFFIC_CART_HOLD, 0),
    REQUEST("checkout", "a POST of one line, a new customer", TRAFFIC_CHECKOUT, 0),
    LOOK_UP("resp_availability", "HS.AVAIL, answered", TRAFFIC_RESP_AVAILABILITY, 0),
    REQUEST("resp_checkout", "HS.CHECKOUT of one line, a new customer", TRAFFIC_RESP_CHECKOUT, 0),
    LOOK_UP("availability_cold", "a GET of any of 16,384 products", GROWTH_AVAILABILITY, COLD),
    REQUEST("cart_cold", "a PUT, any of a million customers", GROWTH_CART, COLD),
    REQUEST("checkout_cold", "a POST, any of a million customers", GROWTH_CHECKOUT, COLD),
};

const struct core_module requests_module = {
    .name = "requests",
    .summary = "a whole request without kernel and disk: read, run, written",
    .cases = cases,
    .count = sizeof cases / sizeof cases[0],
};
