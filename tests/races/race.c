/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/races/race.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/partition.h"
#include "loadtest/clock.h"
#include "loadtest/writer.h"

enum { ROWS_PER_IMPORT = 400, IMPORT_SIZE = 64 * 1024, PATH_SIZE = 192 };

void race_open(struct race *race, const struct race_options *options, uint32_t wires)
{
    *race = (struct race){.options = *options, .dice = dice_of(options->seed)};
    wires_open(&race->front, NULL, options->http, NULL, wires);
    wires_open(&race->desk, &race->front, options->admin, options->token, DESK_WIRES);
}

static int by_words(const void *a, const void *b)
{
    const struct outcome_count *left = a, *right = b;
    return strcmp(left->words, right->words);
}

void race_end(struct race *race)
{
    qsort(race->outcomes, race->outcome_count, sizeof race->outcomes[0], by_words);
    printf("%s | %u | %u | %llu | ", race->options.name, race->options.shards, race->options.rounds,
        (unsigned long long)(race->front.heard_count + race->desk.heard_count));
    for (uint32_t i = 0; i < race->outcome_count; i++)
        printf("%s%s x %llu", i == 0 ? "" : ", ", race->outcomes[i].words,
            (unsigned long long)race->outcomes[i].count);
    printf("\n");
    wires_close(&race->front);
    wires_close(&race->desk);
}

void race_count(struct race *race, const char *words, uint64_t count)
{
    for (uint32_t i = 0; i < race->outcome_count; i++) {
        if (strcmp(race->outcomes[i].words, words) == 0) {
            race->outcomes[i].count += count;
            return;
        }
    }
    JUDGE(race, "the table of outcomes", race->outcome_count < OUTCOMES_MAX, "too many: %s", words);
    struct outcome_count *outcome = &race->outcomes[race->outcome_count++];
    snprintf(outcome->words, sizeof outcome->words, "%s", words);
    outcome->count = count;
}

void race_count_answer(struct race *race, const struct wire *wire)
{
    char words[NAME_SIZE];
    snprintf(words, sizeof words, "%d%s%s%s", wire->status, wire->code[0] == '\0' ? "" : " ",
        wire->code, wire->replayed ? " replayed" : "");
    race_count(race, words, 1);
}

void race_fail(struct race *race, const char *rule, const char *fact, const char *format, ...)
{
    va_list arguments;
    fprintf(stderr, "races: %s, %u shards, round %u, SEED=%llu: against %s: not %s\n    ",
        race->options.name, race->options.shards, race->round,
        (unsigned long long)race->options.seed, rule, fact);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, "\n");
    uint32_t told = 0;
    for (uint32_t i = 0; i < race->front.count && told < 16; i++) {
        if (race->front.wire[i].asked_size > 0) {
            wire_tell(&race->front.wire[i]);
            told++;
        }
    }
    for (uint32_t i = 0; i < race->desk.count; i++)
        if (race->desk.wire[i].asked_size > 0)
            wire_tell(&race->desk.wire[i]);
    exit(1);
}

void race_shuffle(struct race *race, uint32_t *order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count; i > 1; i--) {
        uint32_t other = dice_below(&race->dice, i);
        uint32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}

/* The race's name without spaces, and its seed. */
static void name_of(
    const struct race *race, const char *kind, uint64_t a, uint64_t b, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "%s-%s-%llu-%llu-%llu", race->options.name, kind,
        (unsigned long long)race->options.seed, (unsigned long long)a, (unsigned long long)b);
}

void race_sku(const struct race *race, uint32_t round, uint32_t number, char name[NAME_SIZE])
{
    name_of(race, "s", round, number, name);
}

void race_customer(const struct race *race, uint32_t number, char name[NAME_SIZE])
{
    name_of(race, "c", race->round, number, name);
}

void race_customer_of(struct race *race, uint32_t shard, char name[NAME_SIZE])
{
    do {
        name_of(race, "p", race->round, race->names++, name);
    } while (partition_of_customer(bytes_of_string(name)) % race->options.shards != shard);
}

/* One import at a time (T4): while another race's is under way, this one waits its turn. */
static void sell_rows(struct race *race, const char *csv, uint32_t rows)
{
    struct wire *desk = &race->desk.wire[0];
    uint64_t begun_ns = clock_now_ns();
    do {
        wires_hear(&race->desk, desk->status == 409 ? 5 : 0);
        wire_ask(desk,
            &(struct question){
                .method = "POST", .path = "/admin/v1/import", .type = "text/csv", .body = csv});
        wires_settle(&race->desk);
    } while (
        wire_is(desk, 409, "version_conflict") && clock_now_ns() - begun_ns < WIRES_PATIENCE_NS);
    JUDGE(race, "an import", desk->status == 200 && wire_number(desk, "created") == rows,
        "%u products", rows);
}

void race_sell(struct race *race, uint32_t first, uint32_t count, const struct offer_terms *terms)
{
    char *csv = calloc(1, IMPORT_SIZE);
    uint32_t total = race->options.rounds * count;
    for (uint32_t done = 0; done < total;) {
        struct writer writer = writer_over(csv, IMPORT_SIZE - 1);
        writer_text(&writer, "sku,title,category,seller,price,currency,stock,max_per_customer,"
                             "reserve_on,hold_seconds,sale\n");
        uint32_t rows = 0;
        for (; rows < ROWS_PER_IMPORT && done < total; rows++, done++) {
            char sku[NAME_SIZE];
            race_sku(race, done / count, first + done % count, sku);
            writer_format(&writer, "%s,Thing,things,seller,1.00,GBP,%u,", sku, terms->stock);
            if (terms->limit > 0)
                writer_number(&writer, terms->limit);
            writer_format(&writer, ",%s,", terms->reserve_on_cart ? "cart" : "checkout");
            if (terms->hold_seconds > 0)
                writer_number(&writer, terms->hold_seconds);
            writer_format(&writer, ",%s\n", terms->sale != NULL ? terms->sale : "");
        }
        csv[writer.size] = '\0';
        sell_rows(race, csv, rows);
    }
    free(csv);
}

void ask_put(struct wire *wire, const char *customer, const char *sku, uint32_t quantity)
{
    char path[PATH_SIZE], body[64];
    snprintf(path, sizeof path, "/v1/cart/items/%s", sku);
    snprintf(body, sizeof body, "{\"quantity\":%u}", quantity);
    wire_ask(wire,
        &(struct question){.method = "PUT", .path = path, .customer = customer, .body = body});
}

void ask_cart(struct wire *wire, const char *customer)
{
    wire_ask(wire, &(struct question){.method = "GET", .path = "/v1/cart", .customer = customer});
}

void ask_checkout(
    struct wire *wire, const char *customer, const char *key, const char *items, bool deferred)
{
    char body[BODY_SIZE];
    snprintf(body, sizeof body, "{%s%s%s%s}", items != NULL ? "\"items\":" : "",
        items != NULL ? items : "", items != NULL && deferred ? "," : "",
        deferred ? "\"payment\":{\"mode\":\"deferred\"}" : "");
    wire_ask(wire, &(struct question){.method = "POST",
                       .path = "/v1/checkout",
                       .customer = customer,
                       .role = deferred ? "service" : NULL,
                       .key = key,
                       .body = body});
}

void ask_order(struct wire *wire, const char *customer, const char *order_id)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/v1/orders/%s", order_id);
    wire_ask(wire, &(struct question){.method = "GET", .path = path, .customer = customer});
}

void ask_cancel(struct wire *wire, const char *customer, const char *order_id, const char *key)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/v1/orders/%s/cancel", order_id);
    wire_ask(
        wire, &(struct question){
                  .method = "POST", .path = path, .customer = customer, .key = key, .body = "{}"});
}

void ask_payment(struct wire *wire, const char *customer, const char *order_id, const char *result,
    const char *payment_id, int64_t amount)
{
    char path[PATH_SIZE], body[BODY_SIZE];
    snprintf(path, sizeof path, "/v1/orders/%s/payment", order_id);
    snprintf(body, sizeof body,
        "{\"result\":\"%s\",\"provider\":\"bank\",\"payment_id\":\"%s\",\"amount\":%lld,"
        "\"currency\":\"GBP\"}",
        result, payment_id, (long long)amount);
    wire_ask(wire,
        &(struct question){
            .method = "POST", .path = path, .customer = customer, .role = "service", .body = body});
}

void ask_available(struct wire *wire, const char *sku)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/v1/availability?skus=%s", sku);
    wire_ask(wire, &(struct question){.method = "GET", .path = path});
}

void ask_stock(struct wire *wire, const char *sku)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/admin/v1/stock/%s", sku);
    wire_ask(wire, &(struct question){.method = "GET", .path = path});
}

void ask_stock_change(struct wire *wire, const char *sku, const char *key, const char *body)
{
    char path[PATH_SIZE];
    snprintf(path, sizeof path, "/admin/v1/products/%s/stock", sku);
    wire_ask(wire, &(struct question){.method = "POST", .path = path, .key = key, .body = body});
}

void ask_switch(struct wire *wire, const char *action, const char *scope)
{
    char path[PATH_SIZE], body[BODY_SIZE];
    snprintf(path, sizeof path, "/admin/v1/%s", action);
    snprintf(body, sizeof body, "{\"scope\":\"%s\"}", scope);
    wire_ask(wire, &(struct question){.method = "POST", .path = path, .body = body});
}

struct numbers wire_numbers(struct wire *wire)
{
    return (struct numbers){
        .allotment = wire_number(wire, "allotment"),
        .available = wire_number(wire, "available"),
        .held = wire_number(wire, "held"),
        .sold = wire_number(wire, "sold"),
    };
}

struct numbers race_stock(struct race *race, const char *sku)
{
    struct wire *desk = &race->desk.wire[0];
    ask_stock(desk, sku);
    wires_settle(&race->desk);
    JUDGE(race, "the counters", desk->status == 200, "%s", sku);
    struct numbers numbers = wire_numbers(desk);
    JUDGE(race, "V1",
        numbers.available >= 0 && numbers.held >= 0 && numbers.sold >= 0 &&
            numbers.available + numbers.held + numbers.sold == numbers.allotment,
        "%s", sku);
    return numbers;
}

bool wire_is(const struct wire *wire, int status, const char *code)
{
    return wire->status == status && strcmp(wire->code, code) == 0;
}

const char *items_of(char body[BODY_SIZE], const char *sku, uint32_t quantity)
{
    snprintf(body, BODY_SIZE, "[{\"sku\":\"%s\",\"quantity\":%u}]", sku, quantity);
    return body;
}

const char *items_of_two(char body[BODY_SIZE], const char *first, const char *second)
{
    snprintf(body, BODY_SIZE, "[{\"sku\":\"%s\",\"quantity\":1},{\"sku\":\"%s\",\"quantity\":1}]",
        first, second);
    return body;
}
