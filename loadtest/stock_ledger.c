/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /admin/v1/stock, following next_cursor until it is null. What can go wrong: the server is
 * away or says "not now" (asked again), it says no (told), a page is not what it should be (told),
 * the pages go on without a counter that is new or a cursor that moves (told).
 */
#include "loadtest/stock_ledger.h"

#include "loadtest/plain.h"
#include "loadtest/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_LIMIT 200
#define PAGES_MAX 100000
#define CURSOR_SIZE 512
#define QUESTION_SIZE 4096

int stock_ledger_open(
    struct stock_ledger *stock, const struct options *options, const struct names *skus)
{
    *stock = (struct stock_ledger){
        .options = options,
        .skus = skus,
        .link = {.fd = -1},
        .row = calloc(skus->count, sizeof *stock->row),
    };
    if (stock->row == NULL || json_open(&stock->json) < 0) {
        fprintf(stderr, "hotshelf-loadtest: no memory for the counters of %u SKUs\n", skus->count);
        return -1;
    }
    return admin_link_open(&stock->link, options->admin_url);
}

void stock_ledger_close(struct stock_ledger *stock)
{
    admin_link_close(&stock->link);
    free(stock->row);
    json_close(&stock->json);
}

static bool take_item(struct stock_ledger *stock, int item)
{
    const struct json *json = &stock->json;
    char sku[256];
    struct stock_row row = {.known = true};
    if (!json_string(json, json_member(json, item, "sku"), sku, sizeof sku) ||
        !json_integer(json, json_member(json, item, "allotment"), &row.allotment) ||
        !json_integer(json, json_member(json, item, "available"), &row.available) ||
        !json_integer(json, json_member(json, item, "held"), &row.held) ||
        !json_integer(json, json_member(json, item, "sold"), &row.sold))
        return false;
    stock->sku_count++;
    stock->sold_out_count += row.available == 0 && row.held == 0;
    uint32_t number = names_find(stock->skus, sku, strlen(sku));
    if (number != NAMES_NONE)
        stock->row[number] = row;
    return true;
}

/* 1 another page follows, 0 that was the last, -1 it is no page. */
static int take_page(struct stock_ledger *stock, char cursor[CURSOR_SIZE])
{
    const struct reply *reply = &stock->link.reply;
    struct json *json = &stock->json;
    if (!json_parse(json, reply->body, reply->body_size))
        return -1;
    int items = json_member(json, JSON_ROOT, "items");
    if (items == JSON_NONE)
        return -1;
    for (int item = json_first(json, items); item != JSON_NONE;
         item = json_next(json, items, item)) {
        if (!take_item(stock, item))
            return -1;
    }
    return json_string(json, json_member(json, JSON_ROOT, "next_cursor"), cursor, CURSOR_SIZE);
}

static int read_page(struct stock_ledger *stock, char cursor[CURSOR_SIZE])
{
    char path[64 + 3 * CURSOR_SIZE];
    struct writer writer = writer_over(path, sizeof path - 1);
    writer_format(&writer, "/admin/v1/stock?limit=%d", PAGE_LIMIT);
    if (cursor[0] != '\0') {
        writer_text(&writer, "&cursor=");
        writer_percent_encoded(&writer, cursor, strlen(cursor));
    }
    path[writer.size] = '\0';
    struct request request = {
        .method = "GET",
        .path = path,
        .host = stock->link.endpoint.host,
        .bearer = stock->options->admin_token,
    };
    char text[QUESTION_SIZE];
    struct writer question = writer_over(text, sizeof text);
    request_write(&question, &request, NULL);
    if (admin_link_ask(&stock->link, &question, stock->options->patience_seconds) < 0)
        return -1;
    const struct reply *reply = &stock->link.reply;
    int more = take_page(stock, cursor);
    if (more < 0) {
        char shown[PLAIN_SHOWN_SIZE];
        fprintf(stderr, "hotshelf-loadtest: %s is not a page of counters: %s\n", path,
            plain_start(shown, reply->body, reply->body_size));
    }
    return more;
}

void stock_ledger_stream_word(struct stock_ledger *stock, char word[STOCK_LEDGER_WORD_SIZE])
{
    struct request request = {
        .method = "GET", .path = "/readyz", .host = stock->link.endpoint.host};
    char text[QUESTION_SIZE];
    struct writer question = writer_over(text, sizeof text);
    const struct reply *reply = &stock->link.reply;
    const struct json *json = &stock->json;
    request_write(&question, &request, NULL);
    word[0] = '\0';
    if (stock->is_wordless)
        return;
    stock->is_wordless =
        admin_link_ask(&stock->link, &question, stock->options->patience_seconds) < 0;
    if (stock->is_wordless || !json_parse(&stock->json, reply->body, reply->body_size))
        return;
    int checks = json_member(json, JSON_ROOT, "checks");
    if (checks == JSON_NONE ||
        !json_string(json, json_member(json, checks, "postgres"), word, STOCK_LEDGER_WORD_SIZE))
        word[0] = '\0';
}

int stock_ledger_read(struct stock_ledger *stock)
{
    char cursor[CURSOR_SIZE] = "";
    memset(stock->row, 0, stock->skus->count * sizeof *stock->row);
    stock->sku_count = 0;
    stock->sold_out_count = 0;
    struct patience patience = {0};
    patience_begin(&patience, stock->options->patience_seconds, "the next counter of %s",
        stock->options->admin_url);
    bool moves = true;
    for (uint32_t page = 0; page < PAGES_MAX && moves && patience_is_left(&patience); page++) {
        char before[CURSOR_SIZE];
        uint64_t count_before = stock->sku_count;
        memcpy(before, cursor, sizeof before);
        int more = read_page(stock, cursor);
        if (more <= 0)
            return more;
        moves = strcmp(before, cursor) != 0;
        if (stock->sku_count > count_before)
            patience_renew(&patience);
    }
    fprintf(stderr,
        "hotshelf-loadtest: the pages of counters of %s do not end: after %llu counters the next "
        "cursor is still \"%s\"; is --admin a hotshelf server?\n",
        stock->options->admin_url, (unsigned long long)stock->sku_count, cursor);
    return -1;
}
