/* SPDX-License-Identifier: Apache-2.0 */
/* Whole webhooks against a real engine: what is recorded is 200, whatever it came to (P10, P3). */
#include "net/http/signature.h"
#include "tests/net/shop.h"

#define SECRET "the-secret-of-the-webhooks"

static struct shop *shop;

static int open_shop(void **state)
{
    (void)state;
    char error[128];
    shop = shop_open(NULL);
    assert_int_equal(
        hmac_keys_read(&shop->identity.webhooks, BYTES(SECRET), "a", "b", error, sizeof(error)), 0);
    shop_sell(shop, "S1", 5);
    shop_sell(shop, "S2", 1);
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

static void sign(const char *body, char field[128])
{
    uint8_t sum[HMAC_SIZE];
    struct hmac_key key;
    char time[24];
    snprintf(time, sizeof(time), "%lld", (long long)(shop->http.clock_ms / 1000));
    const struct bytes parts[] = {bytes_of_string(time), BYTES("."), bytes_of_string(body)};
    hmac_key_make(&key, BYTES(SECRET));
    hmac_sum(&key, parts, 3, sum);
    int size = snprintf(field, 128, "Hotshelf-Signature: t=%s,v1=", time);
    for (uint32_t i = 0; i < HMAC_SIZE; i++)
        size += snprintf(field + size, 128 - (size_t)size, "%02x", sum[i]);
    snprintf(field + size, 128 - (size_t)size, "\r\n");
}

static int tell_as(const char *body)
{
    char field[128];
    sign(body, field);
    return shop_ask(shop, "POST /v1/payment-events", field, body);
}

static int tell(const char *event, const char *order, const char *result, const char *payment,
    const char *amount)
{
    char body[512];
    snprintf(body, sizeof(body),
        "{\"id\":\"%s\",\"order_id\":\"%s\",\"result\":\"%s\",\"provider\":\"bank\","
        "\"payment_id\":\"%s\",\"amount\":%s,\"currency\":\"GBP\","
        "\"occurred_at\":\"2026-11-21T03:00:00.000Z\"}",
        event, order, result, payment, amount);
    return tell_as(body);
}

/* The same report by the storefront's own way. */
static int report(const char *order, const char *result, const char *payment, const char *amount)
{
    char body[256];
    snprintf(body, sizeof(body),
        "{\"result\":\"%s\",\"provider\":\"bank\",\"payment_id\":\"%s\",\"amount\":%s,"
        "\"currency\":\"GBP\"}",
        result, payment, amount);
    return shop_ask_order(shop, "POST", order, "/payment", SERVICE, body);
}

static void assert_told(const char *order, const char *status, const char *outcome)
{
    char body[160];
    snprintf(body, sizeof(body), "{\"order_id\":\"%s\",\"status\":%s,\"outcome\":\"%s\"}", order,
        status, outcome);
    assert_int_equal(shop->status, 200);
    assert_string_equal(shop->body, body);
    shop_assert_head(shop, "\r\nCache-Control: private, no-store\r\n");
}

static void order_of(const char *who, const char *sku, char id[37])
{
    char body[128];
    snprintf(body, sizeof(body), "{\"items\":[{\"sku\":\"%s\",\"quantity\":1}]}", sku);
    assert_int_equal(shop_buy(shop, who, sku, body), 201);
    shop_order_id(shop, id);
}

static void a_webhook_confirms_an_order_and_is_told_so_again(void **state)
{
    (void)state;
    char id[37];
    order_of("ann", "S1", id);
    tell("e1", id, "captured", "p1", "250");
    assert_told(id, "\"confirmed\"", "recorded");
    uint32_t events = shop->events;
    tell("e1", id, "captured", "p1", "250");
    assert_told(id, "\"confirmed\"", "replayed");
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
    tell("e2", id, "captured", "p1", "250");
    assert_told(id, "\"confirmed\"", "replayed");
    assert_int_equal(shop->events, events);
    shop_ask_order(shop, "GET", id, "", ANN, NULL);
    shop_assert_body(shop, "\"paid\":250");
}

/* P3 */
static void the_first_of_storefront_and_webhook_wins(void **state)
{
    (void)state;
    char first[37], second[37], stood[4096];
    order_of("ann", "S1", first);
    order_of("bob", "S1", second);
    assert_int_equal(report(first, "captured", "p1", "250"), 200);
    snprintf(stood, sizeof(stood), "%s", shop->body);
    tell("e1", first, "captured", "p1", "250");
    assert_told(first, "\"confirmed\"", "replayed");
    shop_ask_order(shop, "GET", first, "", ANN, NULL);
    assert_string_equal(shop->body, stood);
    tell("e2", second, "captured", "p2", "250");
    assert_told(second, "\"confirmed\"", "recorded");
    shop_ask_order(shop, "GET", second, "", BOB, NULL);
    snprintf(stood, sizeof(stood), "%s", shop->body);
    assert_int_equal(report(second, "captured", "p2", "250"), 200);
    assert_string_equal(shop->body, stood);
}

/* P6, P7: on the storefront's way 409, here 200. */
static void money_that_must_go_back_is_recorded(void **state)
{
    (void)state;
    char late[37], dead[37];
    order_of("ann", "S2", late);
    shop_tick(shop, 601000);
    shop_ask_order(shop, "GET", late, "", ANN, NULL);
    shop_assert_body(shop, "\"status\":\"expired\"");
    order_of("bob", "S2", dead);
    tell("e1", late, "captured", "p1", "250");
    assert_told(late, "\"refund_required\"", "refund_required");
    tell("e1", late, "captured", "p1", "250");
    assert_told(late, "\"refund_required\"", "replayed");
    assert_int_equal(shop_ask_order(shop, "POST", dead, "/cancel", BOB KEY("c"), NULL), 200);
    tell("e2", dead, "captured", "p2", "250");
    assert_told(dead, "\"refund_required\"", "refund_required");
}

static void a_report_for_an_order_no_longer_kept_is_recorded(void **state)
{
    (void)state;
    const char *unknown = "01890a5d-ac96-774b-bcce-b302099a8057";
    uint32_t events = shop->events;
    tell("e1", unknown, "captured", "p1", "250");
    assert_told(unknown, "null", "archived");
    assert_int_equal(shop->events, events + 1);
    report(unknown, "captured", "p1", "250");
    shop_assert_problem(shop, 410, "archived");
}

/* The event's id is what the storefront would send as refund_id. */
static void refunds_are_told_apart_by_the_id_of_their_event(void **state)
{
    (void)state;
    char id[37];
    order_of("ann", "S1", id);
    tell("e1", id, "captured", "p1", "250");
    assert_int_equal(shop_ask_order(shop, "POST", id, "/cancel", SERVICE KEY("c"), NULL), 200);
    tell("r1", id, "refunded", "p1", "100");
    assert_told(id, "\"refund_required\"", "recorded");
    tell("r1", id, "refunded", "p1", "100");
    assert_told(id, "\"refund_required\"", "replayed");
    assert_int_equal(shop_ask_order(shop, "POST", id, "/payment", SERVICE,
                         "{\"result\":\"refunded\",\"provider\":\"bank\",\"payment_id\":\"p1\","
                         "\"amount\":100,\"currency\":\"GBP\",\"refund_id\":\"r1\"}"),
        200);
    shop_assert_body(shop, "\"refund_due\":150");
    tell("r2", id, "refunded", "p1", "150");
    assert_told(id, "\"refunded\"", "recorded");
}

static void what_is_not_recorded_is_no_success(void **state)
{
    (void)state;
    char id[37], other[37];
    order_of("ann", "S1", id);
    order_of("bob", "S1", other);
    uint32_t events = shop->events;
    tell("e1", id, "captured", "p1", "249");
    shop_assert_problem(shop, 409, "payment_mismatch");
    tell("e2", id, "refunded", "p1", "250");
    shop_assert_problem(shop, 409, "invalid_transition");
    assert_int_equal(shop->events, events);
    tell("e3", id, "captured", "p1", "250");
    tell("e4", other, "captured", "p1", "250");
    shop_assert_problem(shop, 409, "payment_id_used");
    tell("e5", id, "declined", "p9", "250");
    shop_assert_problem(shop, 409, "invalid_transition");
    shop_ask_order(shop, "GET", other, "", BOB, NULL);
    shop_assert_body(shop, "\"status\":\"pending_payment\"");
}

static void a_body_is_judged_whole(void **state)
{
    (void)state;
    uint32_t events = shop->events;
    tell_as("{\"result\":\"won\",\"order_id\":\"7\",\"amount\":1.5,\"occurred_at\":\"yesterday\","
            "\"why\":1}");
    shop_assert_problem(shop, 422, "invalid");
    static const char *const named[] = {"id", "order_id", "result", "provider", "payment_id",
        "amount", "currency", "occurred_at", "why"};
    for (uint32_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        char member[32];
        snprintf(member, sizeof(member), "\"member\":\"%s\"", named[i]);
        shop_assert_body(shop, member);
    }
    shop_assert_body(shop, "\"error_count\":9");
    tell_as("{\"id\":");
    shop_assert_problem(shop, 400, "malformed");
    tell_as("[]");
    shop_assert_problem(shop, 422, "invalid");
    assert_int_equal(shop->events, events);
}

/* Whose signature is not good hears nothing of his body, nor of the order. */
static void without_a_good_signature_nothing_is_looked_at(void **state)
{
    (void)state;
    char id[37], body[512], field[128], twice[300];
    order_of("ann", "S1", id);
    uint32_t events = shop->events;
    snprintf(body, sizeof(body),
        "{\"id\":\"e\",\"order_id\":\"%s\",\"result\":\"captured\",\"provider\":\"bank\","
        "\"payment_id\":\"p\",\"amount\":250,\"currency\":\"GBP\"}",
        id);
    sign(body, field);
    const char *line = "POST /v1/payment-events";
    shop_ask(shop, line, "", body);
    shop_assert_problem(shop, 401, "unauthenticated");
    shop_ask(shop, line, SERVICE, body);
    shop_assert_problem(shop, 401, "unauthenticated");
    snprintf(twice, sizeof(twice), "%s%s", field, field);
    shop_ask(shop, line, twice, body);
    shop_assert_problem(shop, 401, "unauthenticated");
    shop_ask(shop, line, field, "{}");
    shop_assert_problem(shop, 401, "unauthenticated");
    shop_ask(shop, line, field, NULL);
    shop_assert_problem(shop, 401, "unauthenticated");
    shop_tick(shop, 301000);
    shop_ask(shop, line, field, body);
    shop_assert_problem(shop, 401, "unauthenticated");
    shop->http.clock_ms -= 301000; /* the clock was set back, its record time stays */
    shop->identity.webhooks.count = 0;
    shop_ask(shop, line, field, body);
    shop_assert_problem(shop, 401, "unauthenticated");
    assert_int_equal(shop->events, events);
    shop->identity.webhooks.count = 1;
    shop_ask(shop, line, field, body);
    assert_told(id, "\"confirmed\"", "recorded");
    shop->http.recovering = true;
    shop_ask(shop, line, field, body);
    shop_assert_problem(shop, 503, "recovering");
    shop_ask(shop, "GET /v1/payment-events", field, NULL);
    assert_int_equal(shop->status, 405);
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(a_webhook_confirms_an_order_and_is_told_so_again),
        IN_SHOP(the_first_of_storefront_and_webhook_wins),
        IN_SHOP(money_that_must_go_back_is_recorded),
        IN_SHOP(a_report_for_an_order_no_longer_kept_is_recorded),
        IN_SHOP(refunds_are_told_apart_by_the_id_of_their_event),
        IN_SHOP(what_is_not_recorded_is_no_success),
        IN_SHOP(a_body_is_judged_whole),
        IN_SHOP(without_a_good_signature_nothing_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
