/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /admin/v1/stock, following next_cursor until it is null. What can go wrong: the server is
 * away or says "not now" (asked again), it says no (told), a page is not what it should be (told).
 */
#include "loadtest/stock_ledger.h"

#include "loadtest/clock.h"
#include "loadtest/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAGE_LIMIT 200
#define PAGES_MAX 100000
#define CURSOR_SIZE 512
#define QUESTION_SIZE 4096
#define ANSWER_SIZE (512 * 1024)
#define RETRY_MS 100
#define ANSWER_OVERDUE_MS 5000

int stock_ledger_open(
    struct stock_ledger *stock, const struct options *options, const struct names *skus)
{
    *stock = (struct stock_ledger){
        .options = options,
        .skus = skus,
        .row = calloc(skus->count, sizeof *stock->row),
        .fd = -1,
        .answer = malloc(ANSWER_SIZE),
    };
    if (stock->row == NULL || stock->answer == NULL || json_open(&stock->json) < 0) {
        fprintf(stderr, "hotshelf-loadtest: no memory for the counters of %u SKUs\n", skus->count);
        return -1;
    }
    return endpoint_parse(&stock->endpoint, options->admin_url);
}

static void hang_up(struct stock_ledger *stock)
{
    if (stock->fd >= 0)
        close(stock->fd);
    stock->fd = -1;
}

void stock_ledger_close(struct stock_ledger *stock)
{
    hang_up(stock);
    free(stock->answer);
    free(stock->row);
    json_close(&stock->json);
}

/* 0, or the errno with which the connection went. */
static int receive(struct stock_ledger *stock)
{
    size_t size = 0;
    for (;;) {
        ssize_t got = recv(stock->fd, stock->answer + size, ANSWER_SIZE - size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got < 0 ? errno : size == ANSWER_SIZE ? EMSGSIZE : ECONNRESET;
        size += (size_t)got;
        enum reply_result result = reply_parse(&stock->reply, stock->answer, size);
        if (result == REPLY_BROKEN || (result == REPLY_COMPLETE && stock->reply.size < size))
            return EBADMSG;
        if (result == REPLY_COMPLETE)
            return 0;
    }
}

static int exchange(struct stock_ledger *stock, const struct writer *question)
{
    int fd = stock->fd >= 0 ? stock->fd : endpoint_connect(&stock->endpoint, ANSWER_OVERDUE_MS);
    if (fd < 0)
        return -fd;
    stock->fd = fd;
    ssize_t sent = send(fd, question->data, question->size, MSG_NOSIGNAL);
    int error = sent == (ssize_t)question->size ? receive(stock) : ECONNRESET;
    if (error != 0 || stock->reply.closes)
        hang_up(stock);
    return error == EAGAIN ? ETIMEDOUT : error;
}

/* The answer to one question, however often it has to be sent. */
static int exchange_patiently(struct stock_ledger *stock, const struct writer *question)
{
    const struct reply *reply = &stock->reply;
    uint64_t until_ns = clock_now_ns() + stock->options->patience_seconds * UINT64_C(1000000000);
    int error;
    do {
        error = exchange(stock, question);
        if (error == 0 && reply->status == 200)
            return 0;
        if (error == 0 && reply->status != 503) {
            fprintf(stderr, "hotshelf-loadtest: the admin listener at %s answered %d: %.*s\n",
                stock->options->admin_url, reply->status, (int)reply->body_size, reply->body);
            return -1;
        }
        nanosleep(&(struct timespec){.tv_nsec = RETRY_MS * 1000000L}, NULL);
    } while (clock_now_ns() < until_ns);
    fprintf(stderr, "hotshelf-loadtest: the admin listener at %s does not answer: %s\n",
        stock->options->admin_url, error != 0 ? strerror(error) : "not now (503)");
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
    const struct reply *reply = &stock->reply;
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
    char text[QUESTION_SIZE];
    struct writer question = writer_over(text, sizeof text);
    request_write(&question, &request, NULL);
    if (exchange_patiently(stock, &question) < 0)
        return -1;
    int more = take_page(stock, cursor);
    if (more < 0) {
        fprintf(stderr, "hotshelf-loadtest: %s is not a page of counters: %.*s\n", path, 300,
            stock->reply.body);
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
