/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /v1/products, page by page until there is no next cursor. A page that did not come, or a
 * server that says "not now", is asked again for a while. What can go wrong: nobody is there (told
 * after a few tries), nothing whole comes (told when patience ends), the cursor stands still or the
 * pages go on without a product that is new (told).
 */
#include "loadtest/shelf.h"

#include "loadtest/clock.h"
#include "loadtest/patience.h"
#include "loadtest/plain.h"
#include "loadtest/transport.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_LIMIT 200
#define PAGES_MAX SHELF_SKUS_MAX /* of one product each */
#define QUERY_SIZE (FACTS_CURSOR_SIZE * 3 + 512)
#define SHOWN_MAX 120 /* bytes of an answer that is none */
#define TRIES_MAX 50
#define RETRY_NS (100 * CLOCK_NS_PER_MS)
#define ANSWER_OVERDUE_NS (5 * CLOCK_NS_PER_SECOND)

struct page {
    struct names *skus;
    struct patience patience; /* with the next product that is new */
    char cursor[FACTS_CURSOR_SIZE];
    char trouble[200]; /* why this try gave no page */
    bool is_here;
    bool moves;   /* its cursor is another one than that it was asked with */
    bool is_over; /* this try, one way or another */
    bool is_hopeless;
    uint32_t pages;       /* so far */
    uint32_t pages_alike; /* since the last one with a product that is new */
    uint32_t patience_seconds;
};

static void take_page(struct page *page, const struct facts *facts)
{
    uint32_t known_count = page->skus->count;
    for (uint32_t at = 0; at < facts->line_count; at++)
        names_add(page->skus, facts->line[at].sku, strlen(facts->line[at].sku));
    page->pages++;
    page->pages_alike++;
    if (page->skus->count > known_count) {
        page->pages_alike = 0;
        patience_renew(&page->patience);
    }
    page->moves = strcmp(page->cursor, facts->next_cursor) != 0;
    memcpy(page->cursor, facts->next_cursor, sizeof page->cursor);
    page->is_here = true;
}

/* The start of it, of which no terminal has to be afraid. */
static void say_what_came(struct page *page, const struct transport_news *news)
{
    const struct facts *facts = news->facts;
    int shown = facts->text_size < SHOWN_MAX ? (int)facts->text_size : SHOWN_MAX;
    if (news->event == TRANSPORT_GARBLED)
        snprintf(page->trouble, sizeof page->trouble, "what came is no HTTP answer of JSON: %.*s",
            shown, facts->text);
    else
        snprintf(page->trouble, sizeof page->trouble, "it answered %d%s%s: %.*s", facts->status,
            facts->wrong == NULL ? "" : ", ", facts->wrong == NULL ? "" : facts->wrong, shown,
            facts->text);
    plain_text(page->trouble);
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
        say_what_came(page, news);
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

/* A turn until that moment at most, and none when there is no patience left. */
static bool take_turn(struct transport *transport, struct page *page, uint64_t until_ns)
{
    uint64_t now_ns = clock_now_ns();
    if (now_ns >= until_ns || !patience_is_left(&page->patience))
        return false;
    uint64_t wait_ns = (uint64_t)patience_wait_ms(&page->patience) * CLOCK_NS_PER_MS;
    return transport_turn(transport, until_ns - now_ns < wait_ns ? until_ns : now_ns + wait_ns);
}

static void say_that_pages_do_not_end(struct page *page)
{
    snprintf(page->trouble, sizeof page->trouble,
        "its pages do not end: after %u of them, with %u products, the next cursor is still "
        "\"%.40s\"",
        page->pages, page->skus->count, page->cursor);
}

static void ask_once(struct transport *transport, struct page *page, const char *query)
{
    struct question question = {.kind = QUESTION_PRODUCTS, .query = query};
    uint64_t overdue_ns = clock_now_ns() + ANSWER_OVERDUE_NS;
    page->is_over = false;
    transport_ask(transport, 0, &question);
    while (!page->is_over && take_turn(transport, page, overdue_ns))
        continue;
    if (!page->is_over) {
        transport_drop(transport, 0);
        snprintf(page->trouble, sizeof page->trouble, "no whole answer came within %u s",
            page->patience_seconds);
        if (page->pages_alike > 0)
            say_that_pages_do_not_end(page);
    }
}

static bool read_page(struct transport *transport, struct page *page, const char *sale)
{
    char query[QUERY_SIZE];
    write_query(page, sale, query);
    page->is_here = false;
    for (int tries = 0; tries < TRIES_MAX && !page->is_here && !page->is_hopeless &&
                        patience_is_left(&page->patience);
         tries++) {
        ask_once(transport, page, query);
        uint64_t again_ns = clock_now_ns() + RETRY_NS;
        while (!page->is_here && take_turn(transport, page, again_ns))
            continue;
    }
    return page->is_here;
}

/* A page may end early, with nothing in it, but not for as long as patience lasts. */
static bool goes_on(struct page *page)
{
    if (page->cursor[0] == '\0' || page->skus->count >= SHELF_SKUS_MAX)
        return false;
    if (page->moves && page->pages < PAGES_MAX && patience_is_left(&page->patience))
        return true;
    page->is_here = false;
    say_that_pages_do_not_end(page);
    return false;
}

static int read_pages(
    struct names *skus, const char *sale, const char *url, uint32_t patience_seconds)
{
    struct page page = {.skus = skus, .patience_seconds = patience_seconds};
    struct transport_plan plan = {
        .protocol = PROTOCOL_HTTP, .url = url, .connections = 1, .hear = hear, .context = &page};
    struct transport *transport = transport_open(&plan);
    if (transport == NULL)
        return -1;
    patience_begin(&page.patience, patience_seconds, "the products of %s", url);
    while (read_page(transport, &page, sale) && goes_on(&page))
        continue;
    transport_close(transport);
    if (!page.is_here)
        fprintf(stderr,
            "hotshelf-loadtest: the products of %s cannot be read: %s; is --url the storefront of "
            "a hotshelf server?\n",
            url, page.trouble);
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

int shelf_read(struct names *skus, const struct scenario_baskets *wishes, const char *url,
    uint32_t patience_seconds)
{
    if (names_open(skus, SHELF_SKUS_MAX, (size_t)SHELF_SKUS_MAX * FACTS_SKU_SIZE) < 0) {
        fprintf(stderr, "hotshelf-loadtest: no memory for %u SKUs\n", SHELF_SKUS_MAX);
        return -1;
    }
    if (wishes->skus[0] != '\0')
        take_list(skus, wishes->skus);
    else if (read_pages(skus, wishes->sale, url, patience_seconds) < 0)
        return -1;
    if (skus->count == 0)
        fprintf(stderr, "hotshelf-loadtest: there is nothing on the shelf of %s%s%s\n", url,
            wishes->sale[0] == '\0' ? "" : " in sale ", wishes->sale);
    return skus->count == 0 ? -1 : 0;
}
