/* SPDX-License-Identifier: Apache-2.0 */
/*
 * record - an event's fact and lines lie on disk as they do in memory, so encoding is copying.
 *
 * What can go wrong is in the bytes read: the batch's hash has held, so they are what was written,
 * but a newer version or our own bug may have written what this code cannot understand. Every size
 * is checked against what is left before it is used, and the event against its kind's rules.
 */
#include "persist/record.h"

#include <errno.h>
#include <stddef.h>

#include "core/check.h"

struct record_header {
    uint32_t size;
    uint16_t kind;
    uint8_t version;
    uint8_t stream_count;
    uint64_t stream_seq;
    uint32_t line_count;
    uint32_t text_mask; /* bit n: text n of enum event_text is there */
};

_Static_assert(sizeof(struct record_header) == 24, "layout on disk");
_Static_assert(EVENT_TEXTS <= 32, "a bit for each text");
_Static_assert((int)RECORD_SIZE_MAX >= (int)EVENT_SIZE_MAX, "whatever core can make fits");

static uint32_t padded(uint32_t size)
{
    return (size + RECORD_ALIGNMENT - 1) & ~(uint32_t)(RECORD_ALIGNMENT - 1);
}

uint32_t record_texts(const struct event *event)
{
    uint32_t mask = 0;
    for (uint32_t i = EVENT_TEXTS; i > 0; i--)
        mask = 2 * mask + (event->text[i - 1].size > 0);
    return mask;
}

static uint32_t size_with(const struct event *event, uint32_t text_mask)
{
    uint32_t size = (uint32_t)sizeof(struct record_header) + record_fact_size(event->kind) +
                    event->line_count * (uint32_t)sizeof(struct event_line);
    for (uint32_t mask = text_mask; mask != 0; mask &= mask - 1)
        size += (uint32_t)sizeof(uint32_t) + event->text[__builtin_ctz(mask)].size;
    return padded(size);
}

uint32_t record_size(const struct event *event)
{
    return size_with(event, record_texts(event));
}

/* Copies and answers where the copy ends. */
static uint8_t *put(uint8_t *out, const void *data, uint32_t size)
{
    if (size > 0)
        memcpy(out, data, size);
    return out + size;
}

static uint8_t *put_texts(uint8_t *end, const struct event *event, uint32_t text_mask)
{
    for (uint32_t mask = text_mask; mask != 0; mask &= mask - 1)
        end = put(end, &event->text[__builtin_ctz(mask)].size, sizeof(uint32_t));
    for (uint32_t mask = text_mask; mask != 0; mask &= mask - 1) {
        struct bytes text = event->text[__builtin_ctz(mask)];
        bytes_copy(end, text);
        end += text.size;
    }
    return end;
}

uint32_t record_put(const struct event *event, uint8_t *out, uint32_t room)
{
    CHECK((uintptr_t)out % RECORD_ALIGNMENT == 0);
    CHECK(record_valid(event));
    uint32_t text_mask = record_texts(event);
    const struct record_header header = {
        .size = size_with(event, text_mask),
        .kind = (uint16_t)event->kind,
        .version = RECORD_VERSION,
        .stream_count = (uint8_t)event->stream_count,
        .stream_seq = event->stream_seq,
        .line_count = event->line_count,
        .text_mask = text_mask,
    };
    CHECK(header.size <= RECORD_SIZE_MAX);
    CHECK(header.size <= room);
    uint8_t *end = put(out, &header, sizeof(header));
    end = put(end, &event->fact, record_fact_size(event->kind));
    end = put(end, event->lines, event->line_count * (uint32_t)sizeof(struct event_line));
    end = put_texts(end, event, text_mask);
    memset(end, 0, (size_t)(out + header.size - end));
    return header.size;
}

void record_encode(const struct event *event, uint8_t *out)
{
    record_put(event, out, RECORD_SIZE_MAX);
}

/* What of a record is not yet read. */
struct rest {
    const uint8_t *data;
    uint32_t size;
};

static const uint8_t *take(struct rest *rest, uint32_t size)
{
    if (size > rest->size)
        return NULL;
    const uint8_t *taken = rest->data;
    rest->data += size;
    rest->size -= size;
    return taken;
}

static bool take_texts(struct rest *rest, uint32_t mask, struct event *out)
{
    if (mask >> EVENT_TEXTS != 0)
        return false;
    const uint8_t *sizes = take(rest, 4 * (uint32_t)__builtin_popcount(mask));
    if (sizes == NULL)
        return false;
    for (; mask != 0; mask &= mask - 1) {
        uint32_t i = (uint32_t)__builtin_ctz(mask);
        uint32_t size;
        memcpy(&size, sizes, sizeof(size));
        sizes += sizeof(size);
        out->text[i] = bytes_of(take(rest, size), size);
        if (size == 0 || out->text[i].data == NULL)
            return false;
    }
    return true;
}

/* Reads the header; the rest of the record, without it, is what is left to take. */
static bool take_header(struct bytes bytes, struct record_header *header, struct rest *rest)
{
    if (bytes.size < sizeof(*header))
        return false;
    memcpy(header, bytes.data, sizeof(*header));
    if (header->size < sizeof(*header) || header->size > bytes.size ||
        header->size > RECORD_SIZE_MAX || header->size % RECORD_ALIGNMENT != 0)
        return false;
    if (header->version != RECORD_VERSION || header->line_count > LINES_PER_ORDER_MAX)
        return false;
    *rest = (struct rest){bytes.data + sizeof(*header), header->size - (uint32_t)sizeof(*header)};
    return record_fact_size(header->kind) > 0;
}

int record_decode(struct bytes bytes, struct event *out, uint32_t *consumed)
{
    struct record_header header;
    struct rest rest;
    CHECK((uintptr_t)bytes.data % RECORD_ALIGNMENT == 0);
    if (!take_header(bytes, &header, &rest))
        return -EBADMSG;
    uint32_t fact_size = record_fact_size(header.kind);
    const uint8_t *fact = take(&rest, fact_size);
    const uint8_t *lines = take(&rest, header.line_count * (uint32_t)sizeof(struct event_line));
    if (fact == NULL || lines == NULL)
        return -EBADMSG;

    struct event event = {
        .kind = (enum event_kind)header.kind,
        .stream_count = header.stream_count,
        .stream_seq = header.stream_seq,
        .lines = header.line_count > 0 ? (const struct event_line *)(const void *)lines : NULL,
        .line_count = header.line_count,
    };
    memcpy(&event.fact, fact, fact_size);
    if (!take_texts(&rest, header.text_mask, &event))
        return -EBADMSG;
    static const uint8_t zeros[RECORD_ALIGNMENT] = {0};
    if (rest.size >= RECORD_ALIGNMENT || memcmp(rest.data, zeros, rest.size) != 0 ||
        !record_valid(&event))
        return -EBADMSG;
    *out = event;
    *consumed = header.size;
    return 0;
}

uint32_t record_read_own(const uint8_t *record, struct event *out)
{
    struct record_header header;
    memcpy(&header, record, sizeof(header));
    const uint8_t *at = record + sizeof(header);
    uint32_t fact_size = record_fact_size(header.kind);
    *out = (struct event){
        .kind = (enum event_kind)header.kind,
        .stream_count = header.stream_count,
        .stream_seq = header.stream_seq,
        .line_count = header.line_count,
    };
    memcpy(&out->fact, at, fact_size);
    at += fact_size;
    if (header.line_count > 0)
        out->lines = (const struct event_line *)(const void *)at;
    const uint8_t *sizes = at + header.line_count * sizeof(struct event_line);
    at = sizes + 4 * (uint32_t)__builtin_popcount(header.text_mask);
    for (uint32_t mask = header.text_mask; mask != 0; mask &= mask - 1) {
        uint32_t size;
        memcpy(&size, sizes, sizeof(size));
        out->text[__builtin_ctz(mask)] = bytes_of(at, size);
        sizes += sizeof(size);
        at += size;
    }
    return header.size;
}
