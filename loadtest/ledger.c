/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All arrays are sized by the baskets before the first request. A log line of 512 lines of the
 * longest SKUs fits LOG_LINE_SIZE; what does not fit would be a bug here, and stops the process.
 */
#include "loadtest/ledger.h"

#include "loadtest/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#define LOG_LINE_SIZE (128 * 1024)
#define ORDER_ID_TEXT_SIZE 40

static int open_log(struct ledger *ledger, const char *path)
{
    ledger->file = -1;
    if (path == NULL)
        return 0;
    ledger->file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (ledger->file < 0) {
        fprintf(stderr, "hotshelf-loadtest: %s: %s\n", path, strerror(errno));
        return -1;
    }
    return 0;
}

int ledger_open(
    struct ledger *ledger, const struct baskets *baskets, const char *run, const char *log_path)
{
    *ledger = (struct ledger){
        .baskets = baskets,
        .purchase = calloc(baskets->count, sizeof(struct purchase)),
        .wanted = calloc(baskets->line_count, sizeof(uint32_t)),
        .in_cart = calloc(baskets->line_count, sizeof(uint32_t)),
        .line = calloc(baskets->line_count, sizeof(struct ledger_line)),
        .basket_of_order = calloc(baskets->count, sizeof(uint32_t)),
        .text = malloc(LOG_LINE_SIZE),
    };
    snprintf(ledger->run, sizeof ledger->run, "%s", run);
    size_t text_size = (size_t)baskets->count * ORDER_ID_TEXT_SIZE;
    if (open_log(ledger, log_path) < 0)
        return -1;
    if (ledger->purchase == NULL || ledger->wanted == NULL || ledger->in_cart == NULL ||
        ledger->line == NULL || ledger->basket_of_order == NULL || ledger->text == NULL ||
        names_open(&ledger->order_ids, baskets->count, text_size) < 0) {
        fprintf(
            stderr, "hotshelf-loadtest: no memory for a ledger of %u baskets\n", baskets->count);
        return -1;
    }
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    free(ledger->purchase);
    free(ledger->wanted);
    free(ledger->in_cart);
    free(ledger->line);
    free(ledger->basket_of_order);
    free(ledger->text);
    names_close(&ledger->order_ids);
    if (ledger->file >= 0)
        close(ledger->file);
    *ledger = (struct ledger){.file = -1};
}

void ledger_key(const struct ledger *ledger, uint32_t basket, char key[LEDGER_KEY_SIZE])
{
    snprintf(key, LEDGER_KEY_SIZE, "%s:%u:%u", ledger->run, basket, ledger->purchase[basket].tries);
}

void ledger_payment_id(
    const struct ledger *ledger, uint32_t basket, char payment_id[LEDGER_PAYMENT_ID_SIZE])
{
    snprintf(payment_id, LEDGER_PAYMENT_ID_SIZE, "%s-%u", ledger->run, basket);
}

uint64_t ledger_seller(const char *name)
{
    return XXH3_64bits(name, strlen(name));
}

static void append_to_log(struct ledger *ledger, const struct writer *line)
{
    size_t written = 0;
    while (!line->overflowed && written < line->size) {
        ssize_t size = write(ledger->file, line->data + written, line->size - written);
        if (size < 0 && errno != EINTR)
            break;
        written += size > 0 ? (size_t)size : 0;
    }
    if (line->overflowed || written < line->size) {
        fprintf(stderr, "hotshelf-loadtest: the log cannot be written: %s\n", strerror(errno));
        exit(EXIT_FAILURE);
    }
}

static void write_lines(struct ledger *ledger, uint32_t basket, struct writer *writer)
{
    const struct basket *asked = &ledger->baskets->basket[basket];
    bool first = true;
    writer_text(writer, ",\"lines\":[");
    for (uint32_t at = asked->first_line; at < asked->first_line + asked->line_count; at++) {
        if (ledger->wanted[at] == 0)
            continue;
        writer_text(writer, first ? "{\"sku\":" : ",{\"sku\":");
        writer_json_string(
            writer, names_text(&ledger->baskets->skus, ledger->baskets->line[at].sku));
        writer_format(writer, ",\"quantity\":%u,\"unit_price\":%lld}", ledger->wanted[at],
            (long long)ledger->line[at].unit_price);
        first = false;
    }
    writer_text(writer, "]");
}

static void log_order(struct ledger *ledger, uint32_t basket, const char *event, bool with_lines)
{
    if (ledger->file < 0)
        return;
    const struct purchase *purchase = &ledger->purchase[basket];
    const char *customer =
        names_text(&ledger->baskets->customers, ledger->baskets->basket[basket].customer);
    char key[LEDGER_KEY_SIZE];
    ledger_key(ledger, basket, key);
    struct writer writer = writer_over(ledger->text, LOG_LINE_SIZE);
    writer_format(
        &writer, "{\"event\":\"%s\",\"order_id\":\"%s\",\"customer\":", event, purchase->order_id);
    writer_json_string(&writer, customer);
    writer_text(&writer, ",\"key\":");
    writer_json_string(&writer, key);
    writer_format(&writer, ",\"status\":\"%s\",\"version\":%lld,\"currency\":\"%s\",\"total\":%lld",
        purchase->status, (long long)purchase->version, purchase->currency,
        (long long)purchase->total);
    if (with_lines)
        write_lines(ledger, basket, &writer);
    writer_text(&writer, "}\n");
    append_to_log(ledger, &writer);
}

bool ledger_acknowledge(struct ledger *ledger, uint32_t basket)
{
    struct purchase *purchase = &ledger->purchase[basket];
    purchase->state = PURCHASE_ORDERED;
    size_t size = strlen(purchase->order_id);
    bool is_new = names_find(&ledger->order_ids, purchase->order_id, size) == NAMES_NONE;
    if (is_new) {
        uint32_t number = names_add(&ledger->order_ids, purchase->order_id, size);
        ledger->basket_of_order[number] = basket;
        ledger->ordered_count++;
    }
    log_order(ledger, basket, "acknowledged", true);
    return is_new;
}

void ledger_note_status(struct ledger *ledger, uint32_t basket)
{
    log_order(ledger, basket, "status", false);
}

uint32_t ledger_find(const struct ledger *ledger, const char *order_id)
{
    uint32_t number = names_find(&ledger->order_ids, order_id, strlen(order_id));
    return number == NAMES_NONE ? BASKETS_NONE : ledger->basket_of_order[number];
}

uint32_t ledger_line_count(const struct ledger *ledger, uint32_t basket)
{
    const struct basket *asked = &ledger->baskets->basket[basket];
    uint32_t lines = 0;
    for (uint32_t at = asked->first_line; at < asked->first_line + asked->line_count; at++)
        lines += ledger->wanted[at] > 0;
    return lines;
}

uint32_t ledger_units_sold(const struct ledger *ledger, uint32_t basket, uint32_t line)
{
    const struct purchase *purchase = &ledger->purchase[basket];
    bool sold = purchase->state == PURCHASE_ORDERED && strcmp(purchase->status, "confirmed") == 0;
    return sold ? ledger->wanted[line] : 0;
}
