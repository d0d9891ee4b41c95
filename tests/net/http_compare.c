/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parser beside its reference: the same answer, status, parts, body and end, for the whole
 * input and for each beginning of it. In pieces the parser may find a fault later than its
 * reference (at the end of a line that never comes), and may never find another verdict.
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/check.h"
#include "tests/net/http_reference.h"

static bool is_text(struct bytes part, const char *text)
{
    return part.size == strlen(text) && (part.size == 0 || memcmp(part.data, text, part.size) == 0);
}

static const char *const names[HTTP_FIELD_COUNT] = {"host", "content-length", "transfer-encoding",
    "connection", "content-type", "content-encoding", "expect", "accept", "authorization",
    "idempotency-key", "if-match", "if-none-match", "x-customer-id", "x-role", "x-request-id",
    "x-forwarded-for", "hotshelf-signature", "last-event-id", "traceparent", "forwarded"};

static void compare_fields(const struct http_request *parsed, const struct reference *reference)
{
    for (int i = 0; i < HTTP_FIELD_COUNT; i++) {
        bool last = i == HTTP_FIELD_CONNECTION || i == HTTP_FIELD_X_FORWARDED_FOR;
        const char *value = reference_field(reference, names[i], last);
        CHECK(http_has(parsed, (enum http_field)i) == (value != NULL));
        if (i == HTTP_FIELD_HOST && reference->authority.size > 0)
            value = reference->authority.text;
        CHECK(is_text(parsed->field[i], value == NULL ? "" : value));
    }
}

static void compare_requests(const struct http_request *parsed, const struct reference *reference)
{
    static const char *const methods[HTTP_METHOD_COUNT] = {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    CHECK(strcmp(methods[parsed->method], reference->method.text) == 0);
    CHECK(is_text(parsed->path, reference->path.text));
    CHECK(is_text(parsed->query, reference->query.text));
    CHECK(parsed->minor == reference->minor);
    CHECK(parsed->keep_alive == reference->keep_alive);
    CHECK(parsed->expects_100 == reference->expects_100);
    CHECK(parsed->chunked == reference->chunked);
    CHECK(parsed->consumed == reference->consumed);
    CHECK(parsed->body_size == reference->body_size);
    CHECK(parsed->body.size == reference->body_size);
    CHECK(parsed->body.size == 0 ||
          memcmp(parsed->body.data, reference->body, parsed->body.size) == 0);
    compare_fields(parsed, reference);
}

/* Each time in a buffer of exactly that size, for the sanitizer to watch. */
static enum http_answer parse(const struct http_limits *limits, struct bytes received,
    struct http_progress *progress, struct http_request *request, uint8_t **copy)
{
    free(*copy);
    *copy = malloc(received.size + (received.size == 0));
    CHECK(*copy != NULL);
    memcpy(*copy, received.data, received.size);
    return http_parse(bytes_of(*copy, received.size), limits, progress, request);
}

void reference_compare(const struct http_limits *limits, struct bytes received, uint32_t step)
{
    static struct reference reference;
    struct http_progress progress = {0};
    struct http_request request;
    uint8_t *copy = NULL;
    reference_read(&reference, limits, received);
    enum http_answer answer = parse(limits, received, &progress, &request, &copy);
    CHECK(answer == reference.answer);
    if (answer == HTTP_REFUSED)
        CHECK(request.status == reference.status);
    if (answer == HTTP_REQUEST)
        compare_requests(&request, &reference);
    progress = (struct http_progress){0};
    enum http_answer slow = HTTP_INCOMPLETE;
    for (uint32_t size = step; size < received.size && slow == HTTP_INCOMPLETE; size += step)
        slow = parse(limits, bytes_of(received.data, size), &progress, &request, &copy);
    if (slow == HTTP_INCOMPLETE)
        slow = parse(limits, received, &progress, &request, &copy);
    CHECK(answer != HTTP_INCOMPLETE || slow == HTTP_INCOMPLETE);
    CHECK(answer != HTTP_REQUEST || slow == HTTP_REQUEST);
    if (slow == HTTP_REQUEST)
        compare_requests(&request, &reference);
    if (slow == HTTP_REFUSED)
        CHECK(request.status == reference.status);
    free(copy);
}
