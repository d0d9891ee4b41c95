/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every command is an array of texts. An error is a word, then each failing line as
 * sku:code:available, or the code alone, then what helps to go on as name=value; its status is that
 * which HTTP would have sent with the same code.
 */
#include "loadtest/resp_shop.h"

#include "loadtest/facts_read.h"

#include <string.h>

static void put_count(struct writer *out, uint32_t count)
{
    writer_text(out, "*");
    writer_number(out, count);
    writer_text(out, "\r\n");
}

static void put(struct writer *out, const char *text)
{
    writer_text(out, "$");
    writer_number(out, (int64_t)strlen(text));
    writer_text(out, "\r\n");
    writer_text(out, text);
    writer_text(out, "\r\n");
}

static void put_number(struct writer *out, int64_t number)
{
    char text[24];
    struct writer writer = writer_over(text, sizeof text - 1);
    writer_number(&writer, number);
    text[writer.size] = '\0';
    put(out, text);
}

static void write_checkout(const struct question *question, struct writer *out)
{
    put_count(out, 3 + 3 * question->item_count + (question->mode != NULL ? 2 : 0));
    put(out, "HS.CHECKOUT");
    put(out, question->customer);
    put(out, question->key);
    for (uint32_t at = 0; at < question->item_count; at++) {
        put(out, "ITEM");
        put(out, question->item[at].sku);
        put_number(out, question->item[at].quantity);
    }
    if (question->mode != NULL) {
        put(out, "MODE");
        put(out, question->mode);
    }
}

static void write_payment(const struct question *question, struct writer *out)
{
    put_count(out, question->refund_id != NULL ? 9 : 7);
    put(out, "HS.PAY");
    put(out, question->order_id);
    put(out, question->result);
    put(out, PROTOCOL_PROVIDER);
    put(out, question->payment_id);
    put_number(out, question->amount);
    put(out, question->currency);
    if (question->refund_id != NULL) {
        put(out, "REFUND");
        put(out, question->refund_id);
    }
}

static void write_availability(const struct question *question, struct writer *out)
{
    put_count(out, 1 + question->item_count);
    put(out, "HS.AVAIL");
    for (uint32_t at = 0; at < question->item_count; at++)
        put(out, question->item[at].sku);
}

void resp_shop_write(const struct question *question, struct writer *out)
{
    switch (question->kind) {
    case QUESTION_AVAILABILITY:
        write_availability(question, out);
        return;
    case QUESTION_CART_PUT:
        put_count(out, 4);
        put(out, "HS.CART.SET");
        put(out, question->customer);
        put(out, question->item[0].sku);
        put_number(out, question->item[0].quantity);
        return;
    case QUESTION_CART_CLEAR:
        put_count(out, 2);
        put(out, "HS.CART.CLEAR");
        put(out, question->customer);
        return;
    case QUESTION_CHECKOUT:
        write_checkout(question, out);
        return;
    case QUESTION_PAYMENT:
        write_payment(question, out);
        return;
    case QUESTION_CANCEL:
        put_count(out, 4);
        put(out, "HS.CANCEL");
        put(out, question->order_id);
        put(out, "available");
        put(out, question->key);
        return;
    case QUESTION_ORDER:
        put_count(out, 2);
        put(out, "HS.ORDER");
        put(out, question->order_id);
        return;
    case QUESTION_PRODUCTS:
        out->overflowed = true; /* protocol_can_ask() said so */
        return;
    }
}

void resp_shop_write_token(const char *token, struct writer *out)
{
    put_count(out, 2);
    put(out, "AUTH");
    put(out, token);
}

/* What HTTP calls an error by this code; any other is one that no rule allows. */
static int status_of_code(const char *code)
{
    static const struct {
        int status;
        const char *code;
    } row[] = {
        {404, "not_found"}, {409, "sold_out"}, {409, "insufficient"}, {409, "held_by_others"},
        {409, "limit_exceeded"}, {409, "lines_refused"}, {409, "price_changed"},
        {409, "sale_not_started"}, {409, "cart_empty"}, {409, "invalid_transition"},
        {409, "payment_mismatch"}, {409, "payment_id_used"}, {409, "refund_required"},
        {409, "risk_declined"}, {409, "version_conflict"}, {410, "sale_ended"},
        {410, "reservation_expired"}, {410, "archived"}, {422, "unknown_sku"},
        {422, "idempotency_key_reused"}, {422, "currency_mismatch"}, {422, "too_many_lines"},
        {422, "quantity_too_large"}, {429, "rate_limited"}, {503, "paused"}, {503, "overloaded"},
        {503, "capacity_exhausted"}, {503, "journal_full"}, {503, "recovering"},
        {503, "unconfirmed"},
        {503, "max_clients"}, /* of HTTP too it is the status, for want of a place */
    };
    for (size_t at = 0; at < sizeof row / sizeof row[0]; at++) {
        if (strcmp(row[at].code, code) == 0)
            return row[at].status;
    }
    return 400;
}

struct span {
    const char *text;
    size_t size;
};

/* The next word of the line; an empty one at its end. */
static struct span next_word(struct span *rest)
{
    while (rest->size > 0 && *rest->text == ' ')
        *rest = (struct span){rest->text + 1, rest->size - 1};
    const char *end = memchr(rest->text, ' ', rest->size);
    struct span word = {rest->text, end == NULL ? rest->size : (size_t)(end - rest->text)};
    *rest = (struct span){word.text + word.size, rest->size - word.size};
    return word;
}

static bool keep(struct span word, char *text, size_t capacity)
{
    bool fits = word.size < capacity;
    size_t size = fits ? word.size : 0;
    memcpy(text, word.text, size);
    text[size] = '\0';
    return fits && size > 0;
}

/* Digits, or nothing where the number is hidden (A5). */
static bool read_available(struct span word, int64_t *available)
{
    int64_t sum = word.size == 0 ? -1 : 0;
    for (size_t at = 0; at < word.size; at++) {
        if (word.text[at] < '0' || word.text[at] > '9' || at == 10)
            return false;
        sum = sum * 10 + (word.text[at] - '0');
    }
    *available = sum;
    return true;
}

/* Not memrchr(): beside the memchr() of the caller and with -fsanitize=undefined, gcc warns of the
 * pointer that is null in no case but the sanitizer's. */
static const char *last_colon(const char *text, size_t size)
{
    while (size > 0 && text[size - 1] != ':')
        size--;
    return size > 0 ? text + size - 1 : NULL;
}

/* sku:code:available. A SKU may hold colons, so it is read from its end. */
static bool read_line(struct span word, struct facts *facts)
{
    struct facts_line *line = &facts->line[facts->line_count];
    const char *last = last_colon(word.text, word.size);
    const char *first = last == NULL ? NULL : last_colon(word.text, (size_t)(last - word.text));
    if (first == NULL || facts->line_count == FACTS_LINES_MAX)
        return false;
    struct span available = {last + 1, (size_t)(word.text + word.size - last) - 1};
    *line = (struct facts_line){.quantity = -1, .unit_price = -1, .line_total = -1};
    if (!keep((struct span){word.text, (size_t)(first - word.text)}, line->sku, sizeof line->sku) ||
        !keep(
            (struct span){first + 1, (size_t)(last - first) - 1}, line->code, sizeof line->code) ||
        !read_available(available, &line->available))
        return false;
    facts->line_count++;
    return true;
}

static struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

static bool is_word(struct span word, const char *text)
{
    return word.size == strlen(text) && memcmp(word.text, text, word.size) == 0;
}

static bool begins(struct span text, const char *with)
{
    size_t size = strlen(with);
    return text.size >= size && memcmp(text.text, with, size) == 0;
}

/* The failing lines behind the error's word; false when one of them is none. */
static bool read_lines(struct span rest, struct facts *facts)
{
    for (struct span word = next_word(&rest); word.size > 0; word = next_word(&rest)) {
        if (memchr(word.text, ':', word.size) == NULL)
            return memchr(word.text, '=', word.size) != NULL; /* what helps to go on */
        if (!read_line(word, facts))
            return false;
    }
    return true;
}

static void read_error(struct span rest, enum question_kind kind, struct facts *facts)
{
    struct span word = next_word(&rest);
    struct span behind = rest;
    struct span code = next_word(&behind);
    bool has_lines = memchr(code.text, ':', code.size) != NULL;
    if (has_lines && !read_lines(rest, facts)) {
        facts_wrong(facts, "a line that is not sku:code:available");
        return;
    }
    if (has_lines)
        code = span_of(is_word(word, "LINES") ? "lines_refused" : facts->line[0].code);
    else if (is_word(word, "LOADING"))
        code = span_of("recovering");
    else if (is_word(word, "ERR") && begins(rest, " max number of clients"))
        code = span_of("max_clients");
    keep(code, facts->code, sizeof facts->code);
    facts->status = status_of_code(facts->code);
    facts->class = facts_class_of_status(kind, facts->status);
    facts->wrong = facts->class == FACTS_WRONG ? "an error that no rule allows" : NULL;
}

static void read_done(const struct resp *resp, enum question_kind kind, struct facts *facts)
{
    struct document document = {.resp = resp};
    switch (kind) {
    case QUESTION_AVAILABILITY:
        facts_read_items(&document, DOCUMENT_ROOT, false, facts);
        return;
    case QUESTION_CHECKOUT:
    case QUESTION_PAYMENT:
    case QUESTION_CANCEL:
    case QUESTION_ORDER:
        facts_read_order(&document, facts);
        return;
    case QUESTION_CART_PUT:
    case QUESTION_CART_CLEAR:
        return; /* resp_shop_read() does not come here with them */
    case QUESTION_PRODUCTS:
        facts_wrong(facts, "a reply to what RESP cannot ask");
        return;
    }
}

void resp_shop_read(
    struct resp *resp, enum question_kind kind, const char *data, size_t size, struct facts *facts)
{
    facts_begin(facts, FACTS_DONE, facts_status_when_done(kind));
    facts->text = data;
    facts->text_size = size;
    /* What a cart holds is not looked at, and it is the longest reply of all. */
    if ((kind == QUESTION_CART_PUT && (data[0] == '*' || data[0] == '%')) ||
        (kind == QUESTION_CART_CLEAR && data[0] == '+'))
        return;
    bool is_reply = resp_parse(resp, data, size);
    const struct resp_token *root = &resp->token[RESP_ROOT];
    if (!is_reply)
        facts_wrong(facts, "values deeper or more than a reply has");
    else if (root->type == RESP_ERROR)
        read_error((struct span){data + root->start, root->size}, kind, facts);
    else if (root->type == RESP_NULL)
        facts_begin(facts, FACTS_NOT_THERE, 404);
    else if (kind == QUESTION_CART_PUT || kind == QUESTION_CART_CLEAR)
        facts_wrong(facts, "neither a cart nor OK");
    else
        read_done(resp, kind, facts);
}
