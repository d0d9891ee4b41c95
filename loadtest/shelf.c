/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/products, page by page until there is no next cursor. A page that did not come, or a
 * server that says "not now", is asked again for a while.
 */
#include "loadtest/shelf.h"

#include "loadtest/clock.h"
#include "loadtest/transport.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_LIMIT 200
#define QUERY_SIZE (FACTS_CURSOR_SIZE * 3 + 512)
#define TRIES_MAX 50
#define RETRY_NS (100 * CLOCK_NS_PER_MS)
#define ANSWER_OVERDUE_NS (5 * CLOCK_NS_PER_SECOND)

struct page {
    struct names *skus;
    char cursor[FACTS_CURSOR_SIZE];
    char trouble[200]; /* why this try gave no page */
    bool is_here;
    bool is_over; /* this try, one way or another */
    bool is_hopeless;
};

static void take_page(struct page *page, const struct facts *facts)
{
    for (uint32_t at = 0; at < facts->line_count; at++)
        names_add(page->skus, facts->line[at].sku, strlen(facts->line[at].sku));
    memcpy(page->cursor, facts->next_cursor, sizeof page->cursor);
    page->is_here = true;
}

static void hear(void *context, const struct transport_news *news)
{
    struct page *page = context;
    page->is_over = true;
    if (news->event == TRANSPORT_LOST) {
        snprintf(page->trouble, sizeof page->trouble, "%s", strerror(news->reason));
    } else if (news->event == TRANSPORT_ANSWERED && news->facts->class == FACTS_DONE) {
        take_page(page, news->facts);
    } else {
        int shown = news->facts->text_size < 160 ? (int)news->facts->text_size : 160;
        snprintf(page->trouble, sizeof page->trouble, "%.*s", shown, news->facts->text);
        page->is_hopeless = news->event == TRANSPORT_GARBLED || news->facts->class != FACTS_NOT_NOW;
    }
}

static void write_query(const struct page *page, const char *sale, char query[QUERY_SIZE])
{
    struct writer writer = writer_over(query, QUERY_SIZE - 1);
    writer_format(&writer, "limit=%d", PAGE_LIMIT);
    if (sale[0] != '\0') {
        writer_text(&writer, "&sale=");
        writer_percent_encoded(&writer, sale, strlen(sale));
    }
    if (page->cursor[0] != '\0') {
        writer_text(&writer, "&cursor=");
        writer_percent_encoded(&writer, page->cursor, strlen(page->cursor));
    }
    query[writer.size] = '\0';
}

static void ask_once(struct transport *transport, struct page *page, const char *query)
{
    struct question question = {.kind = QUESTION_PRODUCTS, .query = query};
    uint64_t overdue_ns = clock_now_ns() + ANSWER_OVERDUE_NS;
    page->is_over = false;
    transport_ask(transport, 0, &question);
    while (!page->is_over && clock_now_ns() < overdue_ns && transport_turn(transport, overdue_ns))
        continue;
    if (!page->is_over) {
        transport_drop(transport, 0);
        snprintf(page->trouble, sizeof page->trouble, "no answer");
    }
}

static bool read_page(struct transport *transport, struct page *page, const char *sale)
{
    char query[QUERY_SIZE];
    write_query(page, sale, query);
    page->is_here = false;
    for (int tries = 0; tries < TRIES_MAX && !page->is_here && !page->is_hopeless; tries++) {
        ask_once(transport, page, query);
        uint64_t again_ns = clock_now_ns() + RETRY_NS;
        while (!page->is_here && clock_now_ns() < again_ns && transport_turn(transport, again_ns))
            continue;
    }
    return page->is_here;
}

static int read_pages(struct names *skus, const char *sale, const char *url)
{
    struct page page = {.skus = skus};
    struct transport_plan plan = {
        .protocol = PROTOCOL_HTTP, .url = url, .connections = 1, .hear = hear, .context = &page};
    struct transport *transport = transport_open(&plan);
    if (transport == NULL)
        return -1;
    bool more = true;
    while (more && read_page(transport, &page, sale))
        more = page.cursor[0] != '\0' && skus->count < SHELF_SKUS_MAX;
    transport_close(transport);
    if (!page.is_here)
        fprintf(stderr, "hotshelf-loadtest: the products of %s cannot be read: %s\n", url,
            page.trouble);
    return page.is_here ? 0 : -1;
}

static void take_list(struct names *skus, const char *list)
{
    while (*list != '\0') {
        size_t blank = strspn(list, ", ");
        size_t size = strcspn(list + blank, ", ");
        if (size > 0)
            names_add(skus, list + blank, size);
        list += blank + size;
    }
}

int shelf_read(struct names *skus, const struct scenario_baskets *wishes, const char *url)
{
    if (names_open(skus, SHELF_SKUS_MAX, (size_t)SHELF_SKUS_MAX * FACTS_SKU_SIZE) < 0) {
        fprintf(stderr, "hotshelf-loadtest: no memory for %u SKUs\n", SHELF_SKUS_MAX);
        return -1;
    }
    if (wishes->skus[0] != '\0')
        take_list(skus, wishes->skus);
    else if (read_pages(skus, wishes->sale, url) < 0)
        return -1;
    if (skus->count == 0)
        fprintf(stderr, "hotshelf-loadtest: there is nothing on the shelf of %s%s%s\n", url,
            wishes->sale[0] == '\0' ? "" : " in sale ", wishes->sale);
    return skus->count == 0 ? -1 : 0;
}
