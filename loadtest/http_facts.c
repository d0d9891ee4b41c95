/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status says what class of answer it is; the body is then read as what such an answer to such
 * a question has to hold.
 */
#include "loadtest/http.h"

#include "loadtest/facts_read.h"
#include "loadtest/reply.h"

#include <string.h>

enum protocol_progress http_scan(struct protocol_scan *scan, const char *data, size_t size)
{
    struct reply reply;
    switch (reply_parse(&reply, data, size)) {
    case REPLY_INCOMPLETE:
        return PROTOCOL_INCOMPLETE;
    case REPLY_BROKEN:
        return PROTOCOL_BROKEN;
    case REPLY_COMPLETE:
        break;
    }
    scan->size = reply.size;
    return PROTOCOL_WHOLE;
}

/* The members of a problem. One that has none is told as having no code: a gateway may send it. */
static void read_problem(const struct document *document, struct facts *facts)
{
    int64_t number;
    document_text(document, document_member(document, DOCUMENT_ROOT, "code"), facts->code,
        sizeof facts->code);
    if (document_integer(
            document, document_member(document, DOCUMENT_ROOT, "retry_after_ms"), &number))
        facts->retry_after_ms = number;
    if (document_integer(document, document_member(document, DOCUMENT_ROOT, "available"), &number))
        facts->available = number;
    facts_read_refused_lines(document, facts);
}

static void read_done(const struct document *document, enum question_kind kind, struct facts *facts)
{
    switch (kind) {
    case QUESTION_AVAILABILITY:
        facts_read_items(document, document_member(document, DOCUMENT_ROOT, "items"), false, facts);
        return;
    case QUESTION_PRODUCTS:
        facts_read_items(document, document_member(document, DOCUMENT_ROOT, "items"), true, facts);
        document_text(document, document_member(document, DOCUMENT_ROOT, "next_cursor"),
            facts->next_cursor, sizeof facts->next_cursor);
        return;
    case QUESTION_CHECKOUT:
    case QUESTION_PAYMENT:
    case QUESTION_CANCEL:
    case QUESTION_ORDER:
        facts_read_order(document, facts);
        return;
    case QUESTION_CART_PUT:
    case QUESTION_CART_CLEAR:
        return; /* http_read() does not come here with them */
    }
}

bool http_read(
    struct json *json, enum question_kind kind, const char *data, size_t size, struct facts *facts)
{
    struct reply reply;
    if (reply_parse(&reply, data, size) != REPLY_COMPLETE)
        return true; /* it was whole when it was scanned */
    facts_begin(facts, facts_class_of_status(kind, reply.status), reply.status);
    facts->text = reply.body;
    facts->text_size = reply.body_size;
    facts->replayed = reply.replayed;
    if (reply.retry_after >= 0)
        facts->retry_after_ms = reply.retry_after * 1000;
    /* What a cart holds is not looked at, and it is the longest answer of all. */
    if (facts->class == FACTS_DONE && (kind == QUESTION_CART_CLEAR || kind == QUESTION_CART_PUT))
        return reply.closes;
    struct document document = {.json = json};
    bool is_json = json_parse(json, reply.body, reply.body_size);
    if (facts->class == FACTS_DONE && !is_json)
        facts_wrong(facts, "not JSON");
    else if (facts->class == FACTS_DONE)
        read_done(&document, kind, facts);
    else if (is_json)
        read_problem(&document, facts);
    return reply.closes;
}
