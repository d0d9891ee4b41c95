/* SPDX-License-Identifier: Apache-2.0 */
#include "loadtest/facts_read.h"

void facts_begin(struct facts *facts, enum facts_class class, int status)
{
    facts->class = class;
    facts->status = status;
    facts->wrong = class == FACTS_WRONG ? "a status that no rule allows" : NULL;
    facts->text = "";
    facts->text_size = 0;
    facts->retry_after_ms = -1;
    facts->available = -1;
    facts->version = -1;
    facts->items_total = -1;
    facts->total = -1;
    facts->paid = -1;
    facts->refund_due = -1;
    facts->replayed = false;
    facts->was_confirmed = false;
    facts->code[0] = '\0';
    facts->order_id[0] = '\0';
    facts->order_status[0] = '\0';
    facts->currency[0] = '\0';
    facts->next_cursor[0] = '\0';
    facts->line_count = 0;
}

void facts_wrong(struct facts *facts, const char *why)
{
    facts->class = FACTS_WRONG;
    facts->wrong = why;
}

int facts_status_when_done(enum question_kind kind)
{
    if (kind == QUESTION_CHECKOUT)
        return 201;
    return kind == QUESTION_CART_CLEAR ? 204 : 200;
}

enum facts_class facts_class_of_status(enum question_kind kind, int status)
{
    if (status == facts_status_when_done(kind))
        return FACTS_DONE;
    switch (status) {
    case 404:
        return FACTS_NOT_THERE;
    case 409:
    case 410:
    case 422:
        return FACTS_REFUSED;
    case 429:
    case 503:
        return FACTS_NOT_NOW;
    default:
        return FACTS_WRONG;
    }
}

static bool read_text(
    const struct document *document, int object, const char *name, char *text, size_t capacity)
{
    return document_text(document, document_member(document, object, name), text, capacity);
}

static bool read_integer(
    const struct document *document, int object, const char *name, int64_t *number)
{
    return document_integer(document, document_member(document, object, name), number);
}

/* NULL when there is no room for another one. */
static struct facts_line *add_line(struct facts *facts)
{
    if (facts->line_count == FACTS_LINES_MAX) {
        facts_wrong(facts, "more lines than the shop's bound");
        return NULL;
    }
    struct facts_line *line = &facts->line[facts->line_count++];
    line->code[0] = '\0';
    line->seller[0] = '\0';
    line->number = -1;
    line->available = -1;
    line->quantity = -1;
    line->cancelled = -1;
    line->unit_price = -1;
    line->line_total = -1;
    return line;
}

typedef bool line_reader(const struct document *document, int at, struct facts_line *line);

/* `why`: what is wrong when one of them cannot be read. */
static void read_lines(const struct document *document, int lines, line_reader *read,
    const char *why, struct facts *facts)
{
    for (int at = document_first(document, lines); at != DOCUMENT_NONE;
         at = document_next(document, lines, at)) {
        struct facts_line *line = add_line(facts);
        if (line == NULL)
            return;
        if (!read(document, at, line)) {
            facts_wrong(facts, why);
            return;
        }
    }
}

static bool read_item(const struct document *document, int at, struct facts_line *line)
{
    read_integer(document, at, "available", &line->available); /* hidden from some (A5) */
    return read_text(document, at, "sku", line->sku, sizeof line->sku) &&
           read_text(document, at, "status", line->code, sizeof line->code);
}

static bool read_priced_item(const struct document *document, int at, struct facts_line *line)
{
    return read_item(document, at, line) && read_integer(document, at, "price", &line->unit_price);
}

static bool read_order_line(const struct document *document, int at, struct facts_line *line)
{
    read_text(document, at, "seller", line->seller, sizeof line->seller); /* null of many */
    return read_text(document, at, "sku", line->sku, sizeof line->sku) &&
           read_integer(document, at, "line", &line->number) &&
           read_integer(document, at, "quantity", &line->quantity) &&
           read_integer(document, at, "cancelled", &line->cancelled) &&
           read_integer(document, at, "unit_price", &line->unit_price) &&
           read_integer(document, at, "line_total", &line->line_total);
}

static bool read_refused_line(const struct document *document, int at, struct facts_line *line)
{
    read_integer(document, at, "available", &line->available);
    return read_text(document, at, "sku", line->sku, sizeof line->sku) &&
           read_text(document, at, "code", line->code, sizeof line->code);
}

void facts_read_items(
    const struct document *document, int items, bool has_price, struct facts *facts)
{
    if (items == DOCUMENT_NONE)
        facts_wrong(facts, "no items");
    else
        read_lines(document, items, has_price ? read_priced_item : read_item,
            "an item without sku, status or price", facts);
}

void facts_read_order(const struct document *document, struct facts *facts)
{
    bool whole =
        read_text(document, DOCUMENT_ROOT, "id", facts->order_id, sizeof facts->order_id) &&
        read_text(
            document, DOCUMENT_ROOT, "status", facts->order_status, sizeof facts->order_status) &&
        read_text(document, DOCUMENT_ROOT, "currency", facts->currency, sizeof facts->currency) &&
        read_integer(document, DOCUMENT_ROOT, "version", &facts->version) &&
        read_integer(document, DOCUMENT_ROOT, "items_total", &facts->items_total) &&
        read_integer(document, DOCUMENT_ROOT, "total", &facts->total) &&
        read_integer(document, DOCUMENT_ROOT, "paid", &facts->paid) &&
        read_integer(document, DOCUMENT_ROOT, "refund_due", &facts->refund_due);
    char confirmed_at[40];
    facts->was_confirmed =
        read_text(document, DOCUMENT_ROOT, "confirmed_at", confirmed_at, sizeof confirmed_at);
    if (!whole)
        facts_wrong(facts, "not an order");
    else
        read_lines(document, document_member(document, DOCUMENT_ROOT, "lines"), read_order_line,
            "a line without its number, sku, quantity, cancelled, unit_price or line_total", facts);
}

void facts_read_refused_lines(const struct document *document, struct facts *facts)
{
    read_lines(document, document_member(document, DOCUMENT_ROOT, "lines"), read_refused_line,
        "a refused line without sku or code", facts);
}
