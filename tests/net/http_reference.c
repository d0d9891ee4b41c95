/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One switch over the place in the grammar where the next byte stands. Each place either takes the
 * byte and says where the next one stands, or refuses it.
 */
#include "tests/net/http_reference.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/check.h"

enum place {
    AT_START, /* before the request line */
    AT_START_LF,
    IN_METHOD,
    IN_TARGET,
    IN_ESCAPE_1,
    IN_ESCAPE_2,
    IN_VERSION,
    AT_LINE, /* the first byte of a field line */
    IN_NAME,
    IN_VALUE,
    AT_VALUE_LF,
    AT_EMPTY_LINE_LF,
    IN_BODY,
    AT_CHUNK,
    IN_CHUNK_SIZE,
    IN_SPACE_BEFORE_SEMICOLON,
    BEFORE_EXTENSION_NAME,
    IN_EXTENSION_NAME,
    AFTER_EXTENSION_NAME,
    BEFORE_EXTENSION_VALUE,
    IN_EXTENSION_TOKEN,
    IN_EXTENSION_QUOTED,
    IN_EXTENSION_BACKSLASH,
    AFTER_EXTENSION_QUOTED,
    AT_CHUNK_LF,
    IN_CHUNK_DATA,
    AT_DATA_CR,
    AT_DATA_LF,
    AT_THE_END,
};

static void refuse(struct reference *r, int status)
{
    r->answer = HTTP_REFUSED;
    r->status = status;
}

static void go(struct reference *r, enum place place)
{
    r->state = place;
}

/* RFC 3986: pchar and what else may stand in a URI without a fragment; "%" is seen to elsewhere. */
static bool is_uri(int byte)
{
    return byte != 0 && byte < 0x80 &&
           (isalnum(byte) || strchr("-._~!$&'()*+,;=:@/?[]", byte) != NULL);
}

static bool is_space(int byte)
{
    return byte == ' ' || byte == '\t';
}

/* RFC 9110 5.5: VCHAR, SP, HTAB, obs-text */
static bool is_field_byte(int byte)
{
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

/* "HTTP/" DIGIT "." DIGIT CR LF, the bytes so far in r->line. */
static void in_version(struct reference *r, int byte)
{
    static const char form[] = "HTTP/0.0\r\n";
    char wanted = form[r->line.size];
    if (wanted == '0' ? byte < '0' || byte > '9' : byte != wanted) {
        refuse(r, 400);
        return;
    }
    reference_add(&r->line, byte);
    if (byte != '\n')
        return;
    r->minor = r->line.text[7] == '0' ? 0 : 1;
    if (r->line.text[5] != '1')
        refuse(r, 505);
    else
        go(r, AT_LINE);
}

static char *keep(struct reference *r, const struct reference_text *text)
{
    CHECK(r->pool_size + text->size + 1 <= sizeof r->pool);
    char *kept = r->pool + r->pool_size;
    memcpy(kept, text->text, text->size + 1);
    r->pool_size += text->size + 1;
    return kept;
}

static void field_ends(struct reference *r)
{
    while (r->value.size > 0 && is_space(r->value.text[r->value.size - 1]))
        r->value.text[--r->value.size] = 0;
    size_t leading = strspn(r->value.text, " \t");
    memmove(r->value.text, r->value.text + leading, r->value.size - leading + 1);
    r->value.size -= (uint32_t)leading;
    go(r, AT_LINE);
    if (r->in_trailers) {
        if (reference_is_read(r->line.text))
            refuse(r, 400);
        return;
    }
    CHECK(r->field_count < REFERENCE_FIELDS_MAX);
    r->fields[r->field_count].name = keep(r, &r->line);
    r->fields[r->field_count++].value = keep(r, &r->value);
}

static void head_ends(struct reference *r)
{
    int status = reference_head_ends(r);
    if (status != 0)
        refuse(r, status);
    else if (r->chunked)
        go(r, AT_CHUNK);
    else
        go(r, r->left > 0 ? IN_BODY : AT_THE_END);
}

static void in_target(struct reference *r, int byte)
{
    bool fits = r->state == IN_TARGET ? is_uri(byte) || byte == '%' : byte < 0x80 && isxdigit(byte);
    if (!fits) {
        if (r->state == IN_TARGET && byte == ' ') {
            int status = reference_target_ends(r);
            if (status != 0)
                refuse(r, status);
            else
                go(r, IN_VERSION);
        } else
            refuse(r, 400);
        return;
    }
    reference_add(&r->target, byte);
    if (r->target.size > r->limits->target_bytes)
        refuse(r, 414);
    else if (byte == '%')
        go(r, IN_ESCAPE_1);
    else
        go(r, r->state == IN_ESCAPE_1 ? IN_ESCAPE_2 : IN_TARGET);
}

static void in_method(struct reference *r, int byte)
{
    if (reference_is_tchar(byte)) {
        reference_add(&r->method, byte);
        if (r->method.size > 16)
            refuse(r, 501);
    } else if (byte != ' ' || r->method.size == 0) {
        refuse(r, 400);
    } else if (!reference_method_is_served(r->method.text)) {
        refuse(r, 501);
    } else {
        go(r, IN_TARGET);
    }
}

static void in_request_line(struct reference *r, int byte)
{
    if (r->state == AT_START && byte == '\r')
        go(r, AT_START_LF);
    else if (r->state == AT_START_LF && byte == '\n')
        go(r, IN_METHOD);
    else if (r->state == AT_START_LF)
        refuse(r, 400);
    else if (r->state == AT_START || r->state == IN_METHOD) {
        go(r, IN_METHOD);
        in_method(r, byte);
    } else if (r->state == IN_VERSION)
        in_version(r, byte);
    else
        in_target(r, byte);
}

/* Field lines of the head, and of the trailers. */
static void in_line(struct reference *r, int byte)
{
    if (r->state == AT_LINE) {
        reference_clear(&r->line);
        reference_clear(&r->value);
        if (byte == '\r') {
            go(r, AT_EMPTY_LINE_LF);
            return;
        }
        if (!reference_is_tchar(byte)) {
            refuse(r, 400);
            return;
        }
        go(r, IN_NAME);
    }
    if (r->state == IN_NAME) {
        if (reference_is_tchar(byte))
            reference_add(&r->line, byte);
        else if (byte == ':')
            go(r, IN_VALUE);
        else
            refuse(r, 400);
    } else if (r->state == IN_VALUE) {
        if (is_field_byte(byte))
            reference_add(&r->value, byte);
        else if (byte == '\r')
            go(r, AT_VALUE_LF);
        else
            refuse(r, 400);
    } else if (byte != '\n') {
        refuse(r, 400);
    } else if (r->state == AT_VALUE_LF) {
        field_ends(r);
    } else if (r->in_trailers) {
        go(r, AT_THE_END);
    } else {
        head_ends(r);
    }
}

/* After what may be followed by another extension or the end of the line. */
static void after_extension(struct reference *r, int byte, enum place on_space)
{
    if (byte == '\r')
        go(r, AT_CHUNK_LF);
    else if (byte == ';')
        go(r, BEFORE_EXTENSION_NAME);
    else if (is_space(byte))
        go(r, on_space);
    else
        refuse(r, 400);
}

static void in_chunk_size(struct reference *r, int byte)
{
    if (byte < 0x80 && isxdigit(byte)) {
        if (r->state == AT_CHUNK)
            r->left = 0;
        uint64_t digit = (uint64_t)(isdigit(byte) ? byte - '0' : tolower(byte) - 'a' + 10);
        r->left = r->left > UINT32_MAX ? r->left : r->left * 16 + digit;
        go(r, IN_CHUNK_SIZE);
    } else if (r->state == AT_CHUNK) {
        refuse(r, 400);
    } else {
        after_extension(r, byte, IN_SPACE_BEFORE_SEMICOLON);
    }
}

static void in_quoted(struct reference *r, int byte)
{
    if (!is_field_byte(byte))
        refuse(r, 400);
    else if (r->state == IN_EXTENSION_BACKSLASH)
        go(r, IN_EXTENSION_QUOTED);
    else if (byte == '\\')
        go(r, IN_EXTENSION_BACKSLASH);
    else if (byte == '"')
        go(r, AFTER_EXTENSION_QUOTED);
}

/* chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] ) */
static void in_extension(struct reference *r, int byte)
{
    switch (r->state) {
    case IN_SPACE_BEFORE_SEMICOLON:
        if (byte == ';')
            go(r, BEFORE_EXTENSION_NAME);
        else if (!is_space(byte))
            refuse(r, 400);
        break;
    case BEFORE_EXTENSION_NAME:
        if (reference_is_tchar(byte))
            go(r, IN_EXTENSION_NAME);
        else if (!is_space(byte))
            refuse(r, 400);
        break;
    case IN_EXTENSION_NAME:
        if (byte == '=')
            go(r, BEFORE_EXTENSION_VALUE);
        else if (!reference_is_tchar(byte))
            after_extension(r, byte, AFTER_EXTENSION_NAME);
        break;
    case AFTER_EXTENSION_NAME:
        if (byte == '=')
            go(r, BEFORE_EXTENSION_VALUE);
        else if (byte == ';')
            go(r, BEFORE_EXTENSION_NAME);
        else if (!is_space(byte))
            refuse(r, 400);
        break;
    case BEFORE_EXTENSION_VALUE:
        if (byte == '"')
            go(r, IN_EXTENSION_QUOTED);
        else if (reference_is_tchar(byte))
            go(r, IN_EXTENSION_TOKEN);
        else if (!is_space(byte))
            refuse(r, 400);
        break;
    case IN_EXTENSION_TOKEN:
        if (!reference_is_tchar(byte))
            after_extension(r, byte, IN_SPACE_BEFORE_SEMICOLON);
        break;
    case AFTER_EXTENSION_QUOTED:
        after_extension(r, byte, IN_SPACE_BEFORE_SEMICOLON);
    }
}

static void at_chunk_lf(struct reference *r, int byte)
{
    if (byte != '\n') {
        refuse(r, 400);
    } else if (r->left > r->limits->body_bytes - r->body_size) {
        refuse(r, 413);
    } else if (r->left > 0) {
        go(r, IN_CHUNK_DATA);
    } else {
        r->in_trailers = true;
        go(r, AT_LINE);
    }
}

static void in_data(struct reference *r, int byte)
{
    r->body[r->body_size++] = (uint8_t)byte;
    if (--r->left == 0)
        go(r, r->state == IN_BODY ? AT_THE_END : AT_DATA_CR);
}

static void behind_data(struct reference *r, int byte)
{
    if (byte != (r->state == AT_DATA_CR ? '\r' : '\n'))
        refuse(r, 400);
    else
        go(r, r->state == AT_DATA_CR ? AT_DATA_LF : AT_CHUNK);
}

static void take_framing(struct reference *r, int byte)
{
    if (r->state <= IN_VERSION)
        in_request_line(r, byte);
    else if (r->state <= AT_EMPTY_LINE_LF)
        in_line(r, byte);
    else if (r->state <= IN_CHUNK_SIZE)
        in_chunk_size(r, byte);
    else if (r->state == IN_EXTENSION_QUOTED || r->state == IN_EXTENSION_BACKSLASH)
        in_quoted(r, byte);
    else if (r->state < AT_CHUNK_LF)
        in_extension(r, byte);
    else if (r->state == AT_CHUNK_LF)
        at_chunk_lf(r, byte);
    else
        behind_data(r, byte);
    r->framing++;
    bool is_open = r->answer == HTTP_INCOMPLETE && r->state != AT_THE_END && r->state != IN_BODY;
    if (is_open && r->framing == r->limits->header_bytes)
        refuse(r, 431);
}

void reference_read(struct reference *r, const struct http_limits *limits, struct bytes received)
{
    memset(r, 0, sizeof *r);
    r->limits = limits;
    r->answer = HTTP_INCOMPLETE;
    for (uint32_t i = 0; i < received.size && r->answer == HTTP_INCOMPLETE; i++) {
        if (r->state == IN_BODY || r->state == IN_CHUNK_DATA)
            in_data(r, received.data[i]);
        else
            take_framing(r, received.data[i]);
        r->consumed++;
        if (r->answer == HTTP_INCOMPLETE && r->state == AT_THE_END)
            r->answer = HTTP_REQUEST;
    }
}
