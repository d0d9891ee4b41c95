/* SPDX-License-Identifier: Apache-2.0 */
/* A loop whose slots wait for a disk that does nothing, or whose work waits for its turn. */
#include "tests/net/ticking.h"

enum { SLOTS = 8, LOOKS = SHED_LOOKS_MIN + 4, APART_MS = 20 };

#define REFUSED "\"code\":\"overloaded\""

/* Long enough for whatever stands to be an overload. */
static void stand(struct scene *scene)
{
    for (uint32_t i = 0; i < LOOKS; i++) {
        for (uint32_t shard = 0; shard < SHARDS; shard++)
            io_of(scene, shard)->times.monotonic_ms += APART_MS;
        ticks(scene);
    }
}

static void pass(struct scene *scene, uint64_t ms)
{
    for (uint32_t shard = 0; shard < SHARDS; shard++)
        io_of(scene, shard)->times.monotonic_ms += ms;
    ticks(scene);
}

/* Clients of whom each waits for the disk with a line in the cart. */
static void wait_for_the_disk(struct scene *scene, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        int socket = connect_client(scene);
        put_line(scene, socket, scene->names[0][0], 1);
        assert_nothing(scene, socket);
    }
}

static void report(struct scene *scene, int socket)
{
    send_request(scene, socket, "POST /v1/orders/01890000-0000-7000-8000-000000000000/payment",
        "x\r\nX-Role: service",
        "{\"result\":\"captured\",\"provider\":\"b\",\"payment_id\":\"p\",\"amount\":1,"
        "\"currency\":\"GBP\"}");
}

/* With so many of eight slots taken for good: who is refused, and who waits or is answered. */
static void slots_taken(struct scene *scene, uint32_t count, uint32_t level)
{
    int socket = connect_client(scene);
    wait_for_the_disk(scene, count);
    assert_int_equal(scene->shards[0]->requests.in_use, count);
    stand(scene);
    assert_int_equal(scene->shards[0]->slots.level, level);
    get(scene, socket, "/v1/availability?skus=S", "x");
    assert_reply(scene, socket, "HTTP/1.1 200 ");
    get(scene, socket, "/v1/cart", scene->names[1][0]); /* whose disk has nothing to do */
    assert_reply(scene, socket, level > 0 ? REFUSED : "HTTP/1.1 200 ");
    if (level == 0)
        return;
    assert_int_equal(scene->shards[0]->http.refused >> SHED_CONFIRMATION & 1, 0);
    int buyer = connect_client(scene), payer = connect_client(scene);
    if (level == 3) {
        put_line(scene, buyer, "x", 1);
        assert_reply(scene, buyer, REFUSED);
        check_out(scene, buyer, "x", "k");
        assert_reply(scene, buyer, REFUSED);
        report(scene, payer); /* runs, and waits for the disk as all do */
        assert_nothing(scene, payer);
        catch_up(scene);
        assert_reply(scene, payer, "HTTP/1.1 410 ");
        return;
    }
    if (level == 2) {
        put_line(scene, buyer, "x", 1);
        assert_reply(scene, buyer, REFUSED);
    }
    check_out(scene, buyer, "x", "k");
    assert_nothing(scene, buyer);
}

static void half_of_the_slots_taken_for_long_refuse_reads(void **state)
{
    slots_taken(*state, 4, 1);
}

static void three_quarters_refuse_new_holds_too(void **state)
{
    slots_taken(*state, 6, 2);
}

static void the_last_is_for_payments(void **state)
{
    slots_taken(*state, 7, 3);
}

static void fewer_refuse_nobody(void **state)
{
    slots_taken(*state, 3, 0);
}

static void when_the_disk_goes_on_reads_are_answered_again(void **state)
{
    struct scene *scene = *state;
    int socket = connect_client(scene);
    wait_for_the_disk(scene, 5);
    stand(scene);
    get(scene, socket, "/v1/cart", "x");
    assert_reply(scene, socket, REFUSED);
    catch_up(scene);
    pass(scene, SHED_CALM_MS - 1);
    get(scene, socket, "/v1/cart", "x");
    assert_reply(scene, socket, REFUSED);
    pass(scene, 1);
    get(scene, socket, "/v1/cart", "x");
    catch_up(scene);
    assert_reply(scene, socket, "HTTP/1.1 200 ");
}

/* No turn comes for what lies on the list: there is no CPU for it. */
static void work_that_waits_for_its_turn_refuses_looks_too(void **state)
{
    struct scene *scene = *state;
    struct shard *shard = scene->shards[0];
    int socket = connect_client(scene);
    uint32_t ms = scene->house.config.limits.overload_ms;
    for (uint32_t i = 0; i < LOOKS; i++) {
        shard->monotonic_ms += APART_MS;
        shard->worked_ms = 2 * ms - 1;
        shard_weigh(shard);
    }
    assert_int_equal(shard->turns.level, 1);
    get(scene, socket, "/v1/availability?skus=S", "x");
    assert_reply(scene, socket, REFUSED);
    get(scene, socket, "/v1/products", "x");
    assert_reply(scene, socket, "\r\nRetry-After: ");
    get(scene, socket, "/livez", "x");
    assert_reply(scene, socket, "HTTP/1.1 200 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TICK_TEST(fewer_refuse_nobody),
        TICK_TEST(half_of_the_slots_taken_for_long_refuse_reads),
        TICK_TEST(three_quarters_refuse_new_holds_too),
        TICK_TEST(the_last_is_for_payments),
        TICK_TEST(when_the_disk_goes_on_reads_are_answered_again),
        TICK_TEST(work_that_waits_for_its_turn_refuses_looks_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
