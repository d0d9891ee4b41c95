/* SPDX-License-Identifier: Apache-2.0 */
/*
 * N2: the connection is cut after every so many bytes of a batch's exchange, in both directions:
 * before, within and after the commit. Whichever side has heard of it, each event is there once.
 */
#include "tests/persist/stream_world.h"

#include "tests/persist/cutting_proxy.h"

enum {
    REQUEST_BYTES = 5400, /* more than a batch of two orders sends */
    REQUEST_STEP = 90,
    REPLY_BYTES = 240, /* more than PostgreSQL answers to it */
    REPLY_STEP = 5,
};

static void cut_all_along(struct world *world, struct cutting_proxy *proxy,
    enum cut_direction direction, int64_t bytes, int64_t step)
{
    for (int64_t at = 0; at < bytes; at += step) {
        wait_connected(world);
        wait_streamed(world);
        cutting_proxy_arm(proxy, direction, at);
        place(world, (uint32_t)(at / step) % SHARDS, 2);
    }
    cutting_proxy_arm(proxy, direction, -1);
    wait_streamed(world);
}

static void a_connection_cut_at_any_byte_changes_nothing(void **state)
{
    struct world *world = *state;
    struct cutting_proxy proxy;
    char direct[256];
    cutting_proxy_start(&proxy, world->postgres->socket);
    memcpy(direct, world->postgres->dsn, sizeof(direct));
    (void)snprintf(world->postgres->dsn, sizeof(world->postgres->dsn),
        "host=%s dbname=test_%u user=hotshelf", proxy.directory, world->postgres->databases);
    assert_int_equal(start_stream(world), 0);
    cut_all_along(world, &proxy, CUT_REQUEST, REQUEST_BYTES, REQUEST_STEP);
    cut_all_along(world, &proxy, CUT_REPLY, REPLY_BYTES, REPLY_STEP);
    uint32_t cuts = atomic_load(&proxy.cuts);
    stop_stream(world);
    cutting_proxy_stop(&proxy);
    memcpy(world->postgres->dsn, direct, sizeof(direct));
    assert_whole(world);
    assert_true(cuts > 70);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STREAM_TEST(a_connection_cut_at_any_byte_changes_nothing),
        STREAM_COPY_TEST(a_connection_cut_at_any_byte_changes_nothing),
    };
    return cmocka_run_group_tests(tests, open_postgres, close_postgres);
}
