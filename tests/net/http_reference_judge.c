/* SPDX-License-Identifier: Apache-2.0 */
/* What the reference thinks of texts it has read whole: targets, hosts, lists, the head. */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "core/check.h"
#include "tests/net/http_reference.h"

void reference_add(struct reference_text *text, int byte)
{
    CHECK(text->size + 1 < REFERENCE_TEXT_MAX);
    text->text[text->size++] = (char)byte;
    text->text[text->size] = 0;
}

void reference_clear(struct reference_text *text)
{
    text->size = 0;
    text->text[0] = 0;
}

/* RFC 9110 5.6.2 */
bool reference_is_tchar(int byte)
{
    return byte != 0 && byte < 0x80 && (isalnum(byte) || strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

static bool is_space(int byte)
{
    return byte == ' ' || byte == '\t';
}

const char *reference_field(const struct reference *r, const char *small, bool last)
{
    const char *found = NULL;
    for (uint32_t i = 0; i < r->field_count; i++)
        if (strcasecmp(r->fields[i].name, small) == 0 && (last || found == NULL))
            found = r->fields[i].value;
    return found;
}

static uint32_t count_fields(const struct reference *r, const char *small)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < r->field_count; i++)
        count += strcasecmp(r->fields[i].name, small) == 0;
    return count;
}

/* Of a registered name what host names have, without sub-delims and escapes. */
static bool host_is_good(const char *host)
{
    const char *at = host;
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    if (*at == '[') {
        size_t size = 0;
        for (at++; *at != 0 && (strchr(letters, *at) != NULL || *at == ':'); at++)
            size++;
        if (size == 0 || *at++ != ']')
            return false;
    } else {
        at += strspn(at, letters);
        if (at == host)
            return false;
    }
    if (*at == 0)
        return true;
    if (*at++ != ':')
        return false;
    return strspn(at, "0123456789") == strlen(at) && strlen(at) <= 5;
}

bool reference_method_is_served(const char *method)
{
    static const char *const served[] = {
        "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof served / sizeof served[0]; i++)
        if (strcmp(method, served[i]) == 0)
            return true;
    return false;
}

/* RFC 9112 3.2: origin-form, absolute-form, asterisk-form. */
int reference_target_ends(struct reference *r)
{
    const char *rest = r->target.text;
    if (*rest == 0)
        return 400;
    if (strcmp(rest, "*") == 0 && strcmp(r->method.text, "OPTIONS") == 0) {
        reference_add(&r->path, '*');
        return 0;
    }
    if (*rest != '/') {
        if (strncasecmp(rest, "http://", 7) == 0)
            rest += 7;
        else if (strncasecmp(rest, "https://", 8) == 0)
            rest += 8;
        else
            rest = "";
        while (*rest != 0 && *rest != '/' && *rest != '?')
            reference_add(&r->authority, (uint8_t)*rest++);
        if (!host_is_good(r->authority.text))
            return 400;
    }
    if (strpbrk(rest, "[]") != NULL)
        return 400;
    if (*rest != '/')
        reference_add(&r->path, '/');
    while (*rest != 0 && *rest != '?')
        reference_add(&r->path, (uint8_t)*rest++);
    if (*rest == '?')
        for (rest++; *rest != 0; rest++)
            reference_add(&r->query, (uint8_t)*rest);
    return 0;
}

static const char *const fields_read[] = {"host", "content-length", "transfer-encoding",
    "connection", "content-type", "content-encoding", "expect", "accept", "authorization",
    "idempotency-key", "if-match", "if-none-match", "x-customer-id", "x-role", "x-request-id",
    "x-forwarded-for", "hotshelf-signature", "last-event-id", "traceparent", "forwarded"};

bool reference_is_read(const char *name)
{
    for (size_t i = 0; i < sizeof fields_read / sizeof fields_read[0]; i++)
        if (strcasecmp(fields_read[i], name) == 0)
            return true;
    return false;
}

/* The next element of a comma-separated list, without white space, into `element`; empty ones are
 * left out. */
static bool next_element(const char **list, struct reference_text *element)
{
    for (;;) {
        reference_clear(element);
        while (is_space(**list) || **list == ',')
            (*list)++;
        if (**list == 0)
            return false;
        while (**list != 0 && **list != ',')
            reference_add(element, (uint8_t) * (*list)++);
        while (element->size > 0 && is_space(element->text[element->size - 1]))
            element->text[--element->size] = 0;
        return true;
    }
}

static bool is_token(const char *text)
{
    for (const char *at = text; *at != 0; at++)
        if (!reference_is_tchar((uint8_t)*at))
            return false;
    return *text != 0;
}

static bool connection_ends(struct reference *r)
{
    static struct reference_text option;
    bool close = false, keep_alive = false;
    for (uint32_t i = 0; i < r->field_count; i++) {
        if (strcasecmp(r->fields[i].name, "connection") != 0)
            continue;
        const char *list = r->fields[i].value;
        while (next_element(&list, &option)) {
            close = close || strcasecmp(option.text, "close") == 0;
            keep_alive = keep_alive || strcasecmp(option.text, "keep-alive") == 0;
            if (!is_token(option.text) || reference_is_read(option.text))
                return false;
        }
    }
    r->keep_alive = !close && (r->minor == 1 || keep_alive);
    return true;
}

static int encoding_ends(struct reference *r)
{
    static struct reference_text coding;
    const char *list = reference_field(r, "transfer-encoding", false);
    const char *whole = list;
    uint32_t chunked = 0;
    bool last_is_chunked = false;
    if (reference_field(r, "content-length", false) != NULL || r->minor == 0)
        return 400;
    while (next_element(&list, &coding)) {
        if (!is_token(coding.text))
            return 400;
        last_is_chunked = strcasecmp(coding.text, "chunked") == 0;
        chunked += last_is_chunked;
    }
    if (chunked != 1 || !last_is_chunked)
        return 400;
    r->chunked = true;
    return strcasecmp(whole, "chunked") == 0 ? 0 : 501;
}

static int length_ends(struct reference *r)
{
    const char *digits = reference_field(r, "content-length", false);
    if (*digits == 0 || strspn(digits, "0123456789") != strlen(digits))
        return 400;
    while (*digits == '0')
        digits++;
    r->left = strlen(digits) > 18 ? UINT64_MAX : strtoull(*digits == 0 ? "0" : digits, NULL, 10);
    return 0;
}

static int framing_ends(struct reference *r)
{
    int status = 0;
    if (reference_field(r, "transfer-encoding", false) != NULL)
        status = encoding_ends(r);
    else if (reference_field(r, "content-length", false) != NULL)
        status = length_ends(r);
    if (status != 0)
        return status;
    bool bare = strcmp(r->method.text, "GET") == 0 || strcmp(r->method.text, "HEAD") == 0;
    if (bare && (r->chunked || r->left > 0))
        return 400;
    if (r->chunked && r->limits->chunk_room == NULL)
        return 411;
    const char *expect = reference_field(r, "expect", false);
    if (expect != NULL && r->minor == 1) {
        if (strcasecmp(expect, "100-continue") != 0)
            return 417;
        r->expects_100 = r->chunked || r->left > 0;
    }
    return 0;
}

static bool a_single_field_is_repeated(const struct reference *r)
{
    static const char *const single[] = {"host", "content-length", "transfer-encoding",
        "content-type", "content-encoding", "authorization", "x-customer-id", "x-role",
        "last-event-id", "expect"};
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        if (count_fields(r, single[i]) > 1)
            return true;
    return false;
}

int reference_head_ends(struct reference *r)
{
    const char *host = reference_field(r, "host", false);
    bool is_bad = a_single_field_is_repeated(r) || (host == NULL && r->minor == 1) ||
                  (host != NULL && !host_is_good(host)) || !connection_ends(r);
    int status = is_bad ? 400 : framing_ends(r);
    if (status == 0 && !r->chunked && r->left > r->limits->body_bytes)
        status = 413;
    return status;
}
