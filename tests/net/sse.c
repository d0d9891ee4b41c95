/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of a stream: what a chunk's head says is its size, and an item goes in whole or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "net/http/sse.h"

#define AS_OF "\"2026-01-02T03:04:05.678Z\""
#define EVENT "event: availability\ndata: {\"as_of\":" AS_OF ",\"items\":[{1},{22}]}\n\n"

enum { ROOM = SSE_FRAME_SIZE_MAX + 64 };

static void assert_text(const uint8_t *data, uint32_t size, const char *text)
{
    assert_int_equal(size, strlen(text));
    assert_memory_equal(data, text, size);
}

static struct sse_event begin(uint8_t *data, uint32_t size_max, bool chunked, uint32_t retry_ms)
{
    return sse_begin(data, size_max, chunked, BYTES(AS_OF), retry_ms);
}

static void an_event_is_one_chunk(void **state)
{
    (void)state;
    uint8_t data[ROOM];
    struct sse_event event = begin(data, sizeof(data), true, 0);
    assert_true(sse_add(&event, BYTES("{1}")));
    assert_true(sse_add(&event, BYTES("{22}")));
    uint32_t size = sse_end(&event);
    assert_int_equal(strlen(EVENT), 0x53);
    assert_text(data, size, "000053\r\n" EVENT "\r\n");
}

static void http_1_0_gets_the_bare_bytes(void **state)
{
    (void)state;
    uint8_t data[ROOM];
    struct sse_event event = begin(data, sizeof(data), false, 2345);
    assert_true(sse_add(&event, BYTES("{1}")));
    assert_true(sse_add(&event, BYTES("{22}")));
    uint32_t size = sse_end(&event);
    assert_text(data, size, "retry: 2345\n" EVENT);
}

/* With each size of the buffer: what fits is in it, and the event ends within it. */
static void an_item_goes_in_whole_or_not_at_all(void **state)
{
    (void)state;
    static const struct bytes item = {(const uint8_t *)"{\"sku\":\"S\"}", 11};
    uint8_t data[1024];
    for (uint32_t room = SSE_FRAME_SIZE_MAX; room < 512; room++) {
        data[room] = 0xa5;
        struct sse_event event = begin(data, room, true, SSE_RETRY_MS + SSE_RETRY_JITTER_MS);
        uint32_t items = 0;
        while (sse_add(&event, item))
            items++;
        uint32_t size = sse_end(&event);
        assert_int_equal(event.items, items);
        assert_true(size <= room);
        assert_true(room - size <= item.size);
        assert_memory_equal(data + size - 6, "]}\n\n\r\n", 6);
        assert_int_equal(data[room], 0xa5);
    }
}

static void a_comment_and_the_end(void **state)
{
    (void)state;
    uint8_t data[SSE_COMMENT_SIZE_MAX];
    assert_text(data, sse_put_comment(data, true), "000003\r\n:\n\n\r\n");
    assert_text(data, sse_put_comment(data, false), ":\n\n");
    assert_text(data, sse_put_end(data, true), "0\r\n\r\n");
    assert_int_equal(sse_put_end(data, false), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_is_one_chunk),
        cmocka_unit_test(http_1_0_gets_the_bare_bytes),
        cmocka_unit_test(an_item_goes_in_whole_or_not_at_all),
        cmocka_unit_test(a_comment_and_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
