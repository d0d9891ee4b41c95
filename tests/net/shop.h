/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shop - a whole shop in memory for tests: bytes of a request in, bytes of its reply out, through
 * parser, decoders, a real engine and the renderers; the journal is left out, so everything is
 * durable at once.
 *
 * Ownership  shop_open() takes it from the heap, shop_close() gives it back. A reply is valid until
 *            the next request.
 * Threads    One.
 * Units      The clock stands at SHOP_NOW_MS until shop_tick().
 * Errors     Assertions of cmocka.
 * Cost       A few milliseconds to open.
 */
#ifndef HOTSHELF_TESTS_NET_SHOP_H
#define HOTSHELF_TESTS_NET_SHOP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/check.h"
#include "core/tables.h"
#include "core/view.h"
#include "net/http/http.h"
#include "net/http/import.h"

#define SHOP_NOW_MS 1795230000000 /* 2026-11-21T03:00:00Z */
#define SHOP_TOKEN "an-operator-of-the-tests"
#define SHOP_VIEWER "a-viewer-of-the-tests-too"

enum {
    SHOP_MEMORY = 96 * 1024 * 1024,
    SHOP_REPLY = REQUEST_HEAD_SIZE + REQUEST_REPLY_LARGE,
    SHOP_WAITS = 0, /* instead of a status: the request waits for a large reply */
};

struct shop {
    void *memory;
    struct arena arena;
    struct config config;
    struct identity identity;
    struct shelf shelf;
    struct engine *engine;
    struct import *import;
    struct http_context http;
    struct request *request;
    struct request_work *work;
    uint8_t *large;
    bool no_large; /* enlarge is refused */
    bool enlarged;
    uint32_t events; /* recorded */
    char directory[64];
    char reply[SHOP_REPLY + 1];
    const char *body;
    int status;
};

static inline bool shop_ready(void *host, uint8_t *json, uint32_t size_max, uint32_t *size)
{
    (void)host;
    static const char text[] = "{\"status\":\"ok\"}";
    CHECK(size_max >= sizeof(text));
    memcpy(json, text, sizeof(text) - 1);
    *size = sizeof(text) - 1;
    return true;
}

static inline bool shop_enlarge(void *host, struct request *request, uint32_t bytes)
{
    struct shop *shop = host;
    CHECK(bytes <= REQUEST_REPLY_LARGE - REQUEST_HEAD_SIZE);
    if (shop->no_large || request->large != 0)
        return false;
    request->large = 1;
    request->reply = (struct reply){.data = shop->large, .size_max = REQUEST_REPLY_LARGE};
    shop->enlarged = true;
    return true;
}

static inline void shop_roll(void *host)
{
    uint64_t *random = &((struct shop *)host)->http.now.random;
    *random = *random * 6364136223846793005u + 1442695040888963407u;
}

static inline void shop_read_tokens(struct shop *shop)
{
    static const char file[] = "# who\n\nann:operator:" SHOP_TOKEN "\nval:viewer:" SHOP_VIEWER "\n";
    char error[256];
    assert_int_equal(tokens_read(&shop->identity.admins, TOKENS_OF_ADMINS,
                         bytes_of(file, sizeof(file) - 1), "", error, sizeof(error)),
        0);
    assert_int_equal(hmac_keys_read(&shop->identity.guests, BYTES("the-key-of-guests-in-tests"), "",
                         "", error, sizeof(error)),
        0);
}

/* `policy` changes the configuration before anything is made; may be NULL. */
static inline struct shop *shop_open(void (*adjust)(struct config *config))
{
    struct shop *shop = calloc(1, sizeof(*shop));
    shop->memory = aligned_alloc(64, SHOP_MEMORY);
    assert_non_null(shop->memory);
    memset(shop->memory, 0, SHOP_MEMORY);
    arena_init(&shop->arena, shop->memory, SHOP_MEMORY);
    config_defaults(&shop->config);
    shop->config.capacity = (struct capacity){.skus = 600,
        .customers = 64,
        .orders = 256,
        .holds = 1024,
        .lines = 2048,
        .text_bytes = 262144,
        .idempotency_keys = 256,
        .claims = 1024,
        .allowances = 256,
        .names = 32,
        .connections = 16,
        .requests = 16};
    shop->config.auth.mode = AUTH_HEADER;
    if (adjust != NULL)
        adjust(&shop->config);
    shop_read_tokens(shop);
    shelf_init(&shop->shelf, &shop->arena, &shop->config.capacity);
    shop->engine = engine_create(
        &shop->arena, &shop->shelf, &shop->config.policy, &shop->config.capacity, 0, 1, 7);
    http_init(&shop->http, &shop->arena, &shop->config, &shop->shelf, &shop->identity, 0, 1);
    snprintf(shop->directory, sizeof(shop->directory), "/tmp/hotshelf-shop-XXXXXX");
    assert_non_null(mkdtemp(shop->directory));
    shop->import = import_create(&shop->arena, &shop->config, &shop->shelf, shop->directory);
    shop->http.now = (struct moment){
        .shelf_ms = 1000000, .wall_ms = SHOP_NOW_MS, .random = 1, .streamed_seq = UINT64_MAX};
    shop->http.clock_ms = SHOP_NOW_MS;
    shop->http.date_size = (uint32_t)snprintf(
        (char *)shop->http.date, sizeof(shop->http.date), "Sat, 21 Nov 2026 03:00:00 GMT");
    shop->http.recovering = false;
    shop->http.ready = shop_ready;
    shop->http.enlarge = shop_enlarge;
    shop->http.roll = shop_roll;
    shop->http.host = shop;
    shop->request = calloc(1, sizeof(*shop->request));
    shop->work = calloc(1, sizeof(*shop->work));
    shop->large = malloc(REQUEST_REPLY_LARGE);
    return shop;
}

static inline void shop_close(struct shop *shop)
{
    char path[128];
    engine_check(shop->engine);
    stock_check(&shop->shelf.stock);
    snprintf(path, sizeof(path), "%s/import.spool", shop->directory);
    unlink(path);
    rmdir(shop->directory);
    free(shop->request);
    free(shop->work);
    free(shop->large);
    free(shop->memory);
    free(shop);
}

static inline void shop_tick(struct shop *shop, uint32_t ms)
{
    shop->http.now.shelf_ms += ms;
    shop->http.now.wall_ms += ms;
    shop->http.clock_ms += ms;
}

static inline void shop_record(struct shop *shop, const struct event *event)
{
    if (event->kind == EVENT_NONE)
        return;
    engine_apply(shop->engine, event);
    engine_settle(shop->engine, event);
    shop->events++;
}

static inline void shop_decide(
    struct shop *shop, const struct command *command, struct answer *answer)
{
    struct event event;
    while (engine_due_of(shop->engine, command, &shop->http.now, &event))
        shop_record(shop, &event);
    shop_roll(shop);
    engine_decide(shop->engine, command, &shop->http.now, &event, answer);
    shop_record(shop, &event);
    if (event.kind != EVENT_NONE && answer->order_index == UINT32_MAX && event_is_order(event.kind))
        answer->order_index = order_find(shop->engine, event.fact.order.id);
    if (event.kind != EVENT_NONE && answer->customer_index == UINT32_MAX)
        answer->customer_index = customer_find(shop->engine, command->customer);
}

/* As the loop does: room first, then the command, all its visits, then the reply. */
static inline void shop_run(struct shop *shop)
{
    struct request *request = shop->request;
    struct command *command = &request->work->command;
    uint32_t bound = http_reply_bound(shop->engine, request);
    if (bound > request->reply.size_max - REQUEST_HEAD_SIZE)
        assert_true(shop_enlarge(shop, request, bound));
    for (;;) {
        struct answer answer;
        command->carry = request->reply.data + REQUEST_HEAD_SIZE;
        command->carry_size_max = request->reply.size_max - REQUEST_HEAD_SIZE;
        shop_decide(shop, command, &answer);
        if (answer.goes_on) {
            assert_int_equal(answer.next_shard, 0);
            assert_int_equal(http_reply_bound(shop->engine, request), bound);
            command->step = answer.next_step;
            continue;
        }
        if (http_render(&shop->http, shop->engine, request, &answer))
            return;
        assert_true(request->needs_room);
        assert_true(shop_enlarge(shop, request, REQUEST_REPLY_LARGE - REQUEST_HEAD_SIZE));
    }
}

/* Keeps the reply as text; its head must be as it claims. */
static inline int shop_take_reply(struct shop *shop)
{
    const struct reply *reply = &shop->request->reply;
    assert_false(reply->overflow);
    assert_true(reply->start < REQUEST_HEAD_SIZE);
    uint32_t size = reply->end - reply->start;
    memcpy(shop->reply, reply->data + reply->start, size);
    shop->reply[size] = 0;
    assert_int_equal(sscanf(shop->reply, "HTTP/1.1 %d ", &shop->status), 1);
    shop->body = strstr(shop->reply, "\r\n\r\n");
    assert_non_null(shop->body);
    shop->body += 4;
    const char *length = strstr(shop->reply, "\r\nContent-Length: ");
    if (length != NULL && !shop->request->head_only)
        assert_int_equal(strtoul(length + 18, NULL, 10), strlen(shop->body));
    return shop->status;
}

/* Nothing stale may be read. */
static inline void shop_reset(struct shop *shop)
{
    memset(shop->request, 0xa5, sizeof(*shop->request));
    memset(shop->work, 0xa5, sizeof(*shop->work));
    shop->request->work = shop->work;
    shop->request->large = 0;
    shop->request->home = 0;
    request_reset(shop->request);
}

/* One request as bytes; answers the status. */
static inline int shop_send(struct shop *shop, enum http_listener listener, const char *bytes)
{
    struct http_limits limits = {
        .header_bytes = shop->config.limits.header_bytes,
        .target_bytes = shop->config.limits.header_bytes,
        .body_bytes = shop->config.limits.body_bytes,
    };
    struct http_progress progress = {0};
    struct http_request parsed;
    struct request *request = shop->request;
    shop_reset(shop);
    shop->enlarged = false;
    enum http_answer answer = http_parse(bytes_of_string(bytes), &limits, &progress, &parsed);
    assert_int_not_equal(answer, HTTP_INCOMPLETE);
    if (answer == HTTP_REFUSED) {
        http_refuse(&shop->http, request, parsed.status, "malformed", parsed.reason);
        return shop_take_reply(shop);
    }
    uint32_t target = UINT32_MAX;
    enum http_verdict verdict = http_decode(&shop->http, listener, &parsed, request, &target);
    assert_int_not_equal(verdict, HTTP_IMPORT);
    if (verdict == HTTP_WAITS)
        return SHOP_WAITS;
    if (verdict == HTTP_COMMAND) {
        assert_int_equal(target, 0);
        shop_run(shop);
    }
    return shop_take_reply(shop);
}

/* fields: lines that end with CR LF. body NULL: none. */
static inline int shop_ask(
    struct shop *shop, const char *line, const char *fields, const char *body)
{
    char *bytes = malloc(400000);
    int size = snprintf(bytes, 400000, "%s HTTP/1.1\r\nHost: shop\r\n%s", line, fields);
    if (body != NULL)
        size += snprintf(bytes + size, 400000 - (size_t)size,
            "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    snprintf(bytes + size, 400000 - (size_t)size, "\r\n%s", body == NULL ? "" : body);
    bool admin = strstr(line, " /admin/") != NULL;
    int status = shop_send(shop, admin ? HTTP_ADMIN : HTTP_STOREFRONT, bytes);
    free(bytes);
    return status;
}

#define ANN "X-Customer-Id: ann\r\n"
#define BOB "X-Customer-Id: bob\r\n"
#define SERVICE "X-Role: service\r\n"
#define KEY(key) "Idempotency-Key: " key "\r\n"
#define OPERATOR "Authorization: Bearer " SHOP_TOKEN "\r\n"
#define VIEWER "Authorization: Bearer " SHOP_VIEWER "\r\n"

static inline void shop_assert_body(const struct shop *shop, const char *text)
{
    if (strstr(shop->body, text) == NULL)
        fail_msg("not in the body: %s\n%s", text, shop->body);
}

static inline void shop_assert_head(const struct shop *shop, const char *text)
{
    const char *found = strstr(shop->reply, text);
    if (found == NULL || found > shop->body)
        fail_msg("not in the head: %s\n%s", text, shop->reply);
}

/* A problem with this status and code, whole and by the book (RFC 9457). */
static inline void shop_assert_problem(const struct shop *shop, int status, const char *code)
{
    char text[128];
    if (shop->status != status)
        fail_msg("%d, not %d\n%s", shop->status, status, shop->reply);
    shop_assert_head(shop, "\r\nContent-Type: application/problem+json\r\n");
    shop_assert_head(shop, "\r\nCache-Control: no-store\r\n");
    snprintf(text, sizeof(text), "{\"type\":\"/problems/%s\",\"title\":\"", code);
    shop_assert_body(shop, text);
    snprintf(text, sizeof(text), "\"status\":%d,", status);
    shop_assert_body(shop, text);
    snprintf(text, sizeof(text), "\"code\":\"%s\"", code);
    shop_assert_body(shop, text);
    shop_assert_body(shop, "\"request_id\":\"");
}

/* A product on the shelf, at a price in pounds. */
static inline void shop_sell_as(struct shop *shop, struct product_image *image)
{
    struct answer answer;
    if (image->price_count == 0) {
        image->price_count = 1;
        memcpy(image->prices[0].currency, "GBP", 4);
        image->prices[0].amount = 250;
    }
    if (image->title.size == 0)
        image->title = BYTES("A thing");
    if (image->seller.size == 0)
        image->seller = BYTES("seller-1");
    if (image->category.size == 0)
        image->category = BYTES("things");
    struct command command = {
        .kind = COMMAND_PRODUCT_SET, .role = ROLE_OPERATOR, .product = image, .actor = BYTES("t")};
    shop_decide(shop, &command, &answer);
    assert_int_equal(answer.outcome, OUTCOME_OK);
}

static inline void shop_sell(struct shop *shop, const char *sku, uint32_t stock)
{
    struct product_image image = {.sku = bytes_of_string(sku), .stock = stock};
    shop_sell_as(shop, &image);
}

/* Appends to a text of `size` bytes; answers where it ends. */
static inline size_t shop_append(char *text, size_t size, size_t at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(text + at, size - at, format, arguments);
    va_end(arguments);
    assert_true(added >= 0 && (size_t)added < size - at);
    return at + (size_t)added;
}

static inline int shop_buy(struct shop *shop, const char *who, const char *key, const char *body)
{
    char fields[512];
    snprintf(fields, sizeof(fields), "X-Customer-Id: %s\r\nIdempotency-Key: %s\r\n", who, key);
    return shop_ask(shop, "POST /v1/checkout", fields, body);
}

static inline int shop_ask_order(struct shop *shop, const char *method, const char *id,
    const char *action, const char *fields, const char *body)
{
    char line[128];
    snprintf(line, sizeof(line), "%s /v1/orders/%s%s", method, id, action);
    return shop_ask(shop, line, fields, body);
}

/* The id of the order in the reply just read. */
static inline void shop_order_id(const struct shop *shop, char id[37])
{
    const char *found = strstr(shop->body, "\"id\":\"");
    assert_non_null(found);
    memcpy(id, found + 6, 36);
    id[36] = 0;
}

#endif
