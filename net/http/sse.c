/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SKUs of a stream are fixed when it begins: those named, each once, or those that the sale has
 * then. One that leaves the shelf is told as unknown, as availability does; one that comes into the
 * sale later belongs to the streams that begin later. A SKU that is named and not there is told as
 * unknown until it is.
 *
 * The size of a chunk is known when its event is complete: it has SIZE_DIGITS digits in any case,
 * and is written last.
 */
#include "net/http/sse.h"

#include "core/check.h"
#include "net/http/decode.h"
#include "net/http/offer.h"

enum { SIZE_DIGITS = 6, CHUNK_HEAD_SIZE = SIZE_DIGITS + 2, CHUNK_FOOT_SIZE = 2 };

static const char item_foot[] = "]}\n\n";
enum { EVENT_FOOT_SIZE = sizeof(item_foot) - 1 + CHUNK_FOOT_SIZE };

static void put(struct sse_event *event, struct bytes bytes)
{
    CHECK(bytes.size <= event->size_max - event->size);
    memcpy(event->data + event->size, bytes.data, bytes.size);
    event->size += bytes.size;
}

static void put_number(struct sse_event *event, uint32_t number)
{
    uint8_t digits[10];
    uint32_t first = sizeof(digits);
    do {
        digits[--first] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number != 0);
    put(event, bytes_of(digits + first, (uint32_t)sizeof(digits) - first));
}

static void begin_chunk(struct sse_event *event)
{
    if (event->chunked)
        put(event, BYTES("000000\r\n"));
}

static void end_chunk(struct sse_event *event)
{
    static const char hex[] = "0123456789abcdef";
    if (!event->chunked)
        return;
    uint32_t size = event->size - CHUNK_HEAD_SIZE;
    CHECK(size < 1U << 4 * SIZE_DIGITS);
    for (uint32_t i = SIZE_DIGITS; i > 0; i--) {
        event->data[i - 1] = (uint8_t)hex[size & 15];
        size >>= 4;
    }
    put(event, BYTES("\r\n"));
}

struct sse_event sse_begin(
    uint8_t *data, uint32_t size_max, bool chunked, struct bytes as_of, uint32_t retry_ms)
{
    struct sse_event event = {.data = data, .size_max = size_max, .chunked = chunked};
    CHECK(size_max >= SSE_FRAME_SIZE_MAX);
    begin_chunk(&event);
    if (retry_ms != 0) {
        put(&event, BYTES("retry: "));
        put_number(&event, retry_ms);
        put(&event, BYTES("\n"));
    }
    put(&event, BYTES("event: availability\ndata: {\"as_of\":"));
    put(&event, as_of);
    put(&event, BYTES(",\"items\":["));
    CHECK(event.size + EVENT_FOOT_SIZE <= SSE_FRAME_SIZE_MAX);
    return event;
}

bool sse_add(struct sse_event *event, struct bytes item)
{
    uint32_t comma = event->items > 0 ? 1 : 0;
    if (item.size + comma + EVENT_FOOT_SIZE > event->size_max - event->size)
        return false;
    if (comma != 0)
        put(event, BYTES(","));
    put(event, item);
    event->items++;
    return true;
}

uint32_t sse_end(struct sse_event *event)
{
    put(event, bytes_of(item_foot, sizeof(item_foot) - 1));
    end_chunk(event);
    return event->size;
}

uint32_t sse_put_comment(uint8_t *data, bool chunked)
{
    struct sse_event event = {.data = data, .size_max = SSE_COMMENT_SIZE_MAX, .chunked = chunked};
    begin_chunk(&event);
    put(&event, BYTES(":\n\n"));
    end_chunk(&event);
    return event.size;
}

uint32_t sse_put_end(uint8_t *data, bool chunked)
{
    struct sse_event event = {.data = data, .size_max = SSE_COMMENT_SIZE_MAX};
    if (chunked)
        put(&event, BYTES("0\r\n\r\n"));
    return event.size;
}

/* Every slot of the catalog is looked at, one load each: some 10 us for 10,000. */
static uint32_t read_sale(struct decoder *decoder, struct bytes name)
{
    const struct catalog *catalog = &decoder->context->shelf->catalog;
    uint32_t number = catalog_name_find(catalog, name);
    uint32_t end = number != 0 ? catalog_walk_end(catalog) : 0;
    uint32_t count = 0;
    for (uint32_t index = 0; index < end; index++) {
        if (catalog_sale_of(catalog, index) != number || !catalog_is_visible(catalog, index))
            continue;
        if (count == DECODE_SKUS_MAX) {
            decode_fault(decoder, "sale", "has more than 500 products: name those to watch");
            return 0;
        }
        decoder->request->work->items[count++].sku = catalog_sku(catalog, index);
    }
    if (count == 0)
        decode_fault(decoder, "sale", "has no products");
    return count;
}

/* A stream ends its connection; a refusal, or HEAD, does not. */
static void begin_stream(struct decoder *decoder, uint32_t count)
{
    struct http_context *context = decoder->context;
    struct request *request = decoder->request;
    struct head head = {.status = 200,
        .type = HEAD_EVENT_STREAM,
        .cache = HEAD_NO_STORE,
        .chunked = decoder->parsed->minor > 0};
    if (request->head_only) {
        head_put(context, request, &head, 0);
        return;
    }
    if (!decode_has_room(decoder, SSE_FRAME_SIZE_MAX + count * (OFFER_ITEM_SIZE_MAX + 1)))
        return;
    struct json_writer body = head_body(request);
    uint32_t jitter = (uint32_t)(context->request_counter * 2654435761U) % SSE_RETRY_JITTER_MS;
    struct sse_event event = sse_begin(
        body.data, body.size_max, head.chunked, offer_as_of(context), SSE_RETRY_MS + jitter);
    if (context->subscribe == NULL || !context->subscribe(context->host, request, count, &event)) {
        decode_refuse(decoder, PROBLEM_CAPACITY_EXHAUSTED,
            "There is no room for another stream; ask for availability instead.");
        return;
    }
    request->reply.close = true;
    head_put(context, request, &head, sse_end(&event));
}

void answer_stream(struct decoder *decoder)
{
    static const char *const names[] = {"skus", "sale"};
    enum { SKUS, SALE, COUNT };
    struct bytes values[COUNT];
    uint32_t count = 0;
    if (!decode_query(decoder, names, COUNT, values))
        return;
    if ((values[SKUS].data != NULL) == (values[SALE].data != NULL))
        decode_fault(decoder, "skus", "or sale must be sent, exactly one of them");
    else if (values[SKUS].data != NULL)
        count = decode_skus(decoder, values[SKUS]);
    else
        count = read_sale(decoder, values[SALE]);
    if (decode_end(decoder))
        begin_stream(decoder, count);
}
