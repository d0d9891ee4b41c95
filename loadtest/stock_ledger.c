/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /admin/v1/stock, following next_cursor until it is null. What can go wrong: the server is
 * away or says "not now" (asked again), it says no (told), a page is not what it should be (told).
 */
#include "loadtest/stock_ledger.h"

#include "loadtest/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define PAGE_LIMIT 200
#define PAGES_MAX 100000
#define CURSOR_SIZE 512
#define RETRY_MS 100
#define ANSWER_OVERDUE_MS 5000

int stock_ledger_open(
    struct stock_ledger *stock, const struct options *options, const struct names *skus)
{
    *stock = (struct stock_ledger){
        .options = options,
        .skus = skus,
        .row = calloc(skus->count, sizeof *stock->row),
        .connection =
            {
                .epoll = epoll_create1(EPOLL_CLOEXEC),
                .in = malloc(CONNECTION_IN_SIZE),
                .out = malloc(CONNECTION_OUT_SIZE),
            },
    };
    stock->connection.endpoint = &stock->endpoint;
    if (stock->row == NULL || stock->connection.epoll < 0 || stock->connection.in == NULL ||
        stock->connection.out == NULL || json_open(&stock->json) < 0) {
        fprintf(stderr, "hotshelf-loadtest: no memory for the counters of %u SKUs\n", skus->count);
        return -1;
    }
    return endpoint_parse(&stock->endpoint, options->admin_url);
}

void stock_ledger_close(struct stock_ledger *stock)
{
    connection_close(&stock->connection);
    if (stock->connection.epoll >= 0)
        close(stock->connection.epoll);
    free(stock->connection.in);
    free(stock->connection.out);
    free(stock->row);
    json_close(&stock->json);
}

static enum connection_answer exchange(struct connection *connection)
{
    enum connection_answer answer = connection_start(connection);
    while (answer == CONNECTION_WAITING) {
        struct epoll_event event;
        if (epoll_wait(connection->epoll, &event, 1, ANSWER_OVERDUE_MS) == 0) {
            connection_close(connection);
            return CONNECTION_LOST;
        }
        answer = connection_continue(connection);
    }
    return answer;
}

/* The answer to one request, however often it has to be sent. */
static int exchange_patiently(struct stock_ledger *stock)
{
    struct connection *connection = &stock->connection;
    uint32_t tries_max = stock->options->patience_seconds * 1000 / RETRY_MS;
    for (uint32_t tries = 0; tries < tries_max; tries++) {
        enum connection_answer answer = exchange(connection);
        if (answer == CONNECTION_REPLIED && connection->reply.status == 200)
            return 0;
        if (answer == CONNECTION_REPLIED && connection->reply.status != 503) {
            fprintf(stderr, "hotshelf-loadtest: the admin listener answered %d: %.*s\n",
                connection->reply.status, (int)connection->reply.body_size, connection->reply.body);
            return -1;
        }
        nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000L}, NULL);
    }
    fprintf(stderr, "hotshelf-loadtest: the admin listener does not answer: %s\n",
        strerror(connection->reason));
    return -1;
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
    const struct reply *reply = &stock->connection.reply;
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
        .host = stock->endpoint.host,
        .bearer = stock->options->admin_token,
    };
    struct writer out = writer_over(stock->connection.out, CONNECTION_OUT_SIZE);
    request_write(&out, &request, NULL);
    stock->connection.out_size = out.size;
    if (exchange_patiently(stock) < 0)
        return -1;
    int more = take_page(stock, cursor);
    if (more < 0) {
        fprintf(stderr, "hotshelf-loadtest: %s is not a page of counters: %.*s\n", path, 300,
            stock->connection.reply.body);
    }
    return more;
}

int stock_ledger_read(struct stock_ledger *stock)
{
    char cursor[CURSOR_SIZE] = "";
    memset(stock->row, 0, stock->skus->count * sizeof *stock->row);
    stock->sku_count = 0;
    stock->sold_out_count = 0;
    for (uint32_t page = 0; page < PAGES_MAX; page++) {
        int more = read_page(stock, cursor);
        if (more <= 0)
            return more;
    }
    fprintf(stderr, "hotshelf-loadtest: the pages of counters do not end\n");
    return -1;
}
