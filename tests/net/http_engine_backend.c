/* SPDX-License-Identifier: Apache-2.0 */
/* What role service alone may say of an order, and what a merchant decides about it, as HTTP. */
#include "tests/net/shop.h"

#define ONE "\"items\":[{\"sku\":\"S1\",\"quantity\":1}]"

static struct shop *shop;

static int open_shop(void **state)
{
    (void)state;
    shop = shop_open(NULL);
    shop_sell(shop, "S1", 50);
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

/* A checkout of role service with a key of its own. */
static int checkout(const char *members)
{
    static uint32_t keys;
    char fields[128], body[8192];
    snprintf(fields, sizeof(fields), SERVICE ANN "Idempotency-Key: k%u\r\n", keys++);
    snprintf(body, sizeof(body), "{" ONE "%s}", members);
    return shop_ask(shop, "POST /v1/checkout", fields, body);
}

static int about_order(
    const char *method, const char *id, const char *rest, const char *fields, const char *body)
{
    char line[160];
    snprintf(line, sizeof(line), "%s %s%s%s", method,
        strstr(fields, "Bearer") != NULL ? "/admin/v1/orders/" : "/v1/orders/", id, rest);
    return shop_ask(shop, line, fields, body);
}

/* K7: one way to write them, whatever way they were sent */
static void adjustments_are_shown_as_they_count(void **state)
{
    (void)state;
    assert_int_equal(checkout(",\"adjustments\":[{\"reference\":\"DHL \\\"1\\\"\",\"amount\":50,"
                              "\"kind\":\"shipping\"},{\"kind\":\"discount\",\"amount\":-30,"
                              "\"seller\":\"seller-1\",\"reference\":null}]"),
        201);
    shop_assert_body(shop,
        "\"adjustments\":[{\"kind\":\"shipping\",\"amount\":50,\"seller\":null,"
        "\"reference\":\"DHL \\\"1\\\"\"},{\"kind\":\"discount\",\"amount\":-30,"
        "\"seller\":\"seller-1\",\"reference\":null}],\"items_total\":250,\"total\":270");
    assert_int_equal(shop_ask(shop, "GET /v1/orders", ANN, NULL), 200);
    shop_assert_body(shop, "\"adjustments\":[{\"kind\":\"shipping\"");
}

/* Every fault at once (K7, M2) */
static void every_fault_of_a_back_end_is_told(void **state)
{
    (void)state;
    checkout(
        ",\"adjustments\":[{\"kind\":\"gift\",\"amount\":1.5},{\"amount\":1,\"why\":1},7],"
        "\"identities\":[\"\",7,\"caf\\u00e9\"],\"risk\":{\"score\":1001,\"decision\":\"no\"}");
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "\"member\":\"adjustments[0].kind\"");
    shop_assert_body(shop, "\"member\":\"adjustments[0].amount\"");
    shop_assert_body(shop, "\"member\":\"adjustments[1].kind\"");
    shop_assert_body(shop, "\"member\":\"adjustments[1].why\"");
    shop_assert_body(shop, "\"member\":\"adjustments[2]\"");
    shop_assert_body(shop, "\"member\":\"identities[0]\"");
    shop_assert_body(shop, "\"member\":\"identities[1]\"");
    shop_assert_body(shop, "\"member\":\"identities[2]\"");
    shop_assert_body(shop, "\"member\":\"risk.score\"");
    shop_assert_body(shop, "\"member\":\"risk.decision\"");
    shop_assert_body(shop, "\"error_count\":10");
    checkout(",\"risk\":{}");
    shop_assert_problem(shop, 422, "invalid");
    checkout(",\"identities\":[\"a\",\"b\",\"c\",\"d\",\"e\"]");
    shop_assert_problem(shop, 422, "invalid");
}

/* K7, M2: eight of them, each and together within 64 bits, within 4096 bytes */
static void adjustments_are_bounded(void **state)
{
    (void)state;
    char body[8192];
    size_t at = shop_append(body, sizeof(body), 0, ",\"adjustments\":[");
    for (int i = 0; i < 9; i++)
        at = shop_append(
            body, sizeof(body), at, "%s{\"kind\":\"fee\",\"amount\":1}", i > 0 ? "," : "");
    shop_append(body, sizeof(body), at, "]");
    checkout(body);
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "at most 8 adjustments");
    checkout(",\"adjustments\":[{\"kind\":\"fee\",\"amount\":9223372036854775807},"
             "{\"kind\":\"fee\",\"amount\":1}]");
    shop_assert_problem(shop, 422, "invalid");
    checkout(",\"adjustments\":[{\"kind\":\"fee\",\"amount\":9223372036854775807}]");
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "\"bound\":\"total\"");
    checkout(",\"adjustments\":[{\"kind\":\"discount\",\"amount\":-251}]");
    shop_assert_problem(shop, 422, "invalid");
    at = shop_append(body, sizeof(body), 0, ",\"adjustments\":[");
    for (int i = 0; i < 8; i++) {
        at = shop_append(body, sizeof(body), at,
            "%s{\"kind\":\"fee\",\"amount\":1,\"reference\":\"", i > 0 ? "," : "");
        for (int byte = 0; byte < 120; byte++)
            at = shop_append(body, sizeof(body), at, "\\u0001");
        at = shop_append(body, sizeof(body), at, "\"}");
    }
    shop_append(body, sizeof(body), at, "]");
    checkout(body);
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "4096 bytes");
}

/* K7, P2 */
static void money_may_bring_adjustments(void **state)
{
    (void)state;
    char id[37];
    assert_int_equal(checkout(""), 201);
    shop_order_id(shop, id);
    about_order("POST", id, "/payment", SERVICE,
        "{\"result\":\"declined\",\"provider\":\"bank\",\"payment_id\":\"p\",\"amount\":250,"
        "\"currency\":\"GBP\",\"adjustments\":[]}");
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "\"member\":\"adjustments\"");
    static const char paid[] =
        "{\"result\":\"captured\",\"provider\":\"bank\",\"payment_id\":\"p\",\"amount\":%d,"
        "\"currency\":\"GBP\",\"adjustments\":[{\"kind\":\"tax\",\"amount\":50}]}";
    char body[512];
    snprintf(body, sizeof(body), paid, 250);
    about_order("POST", id, "/payment", SERVICE, body);
    shop_assert_problem(shop, 409, "payment_mismatch");
    snprintf(body, sizeof(body), paid, 300);
    assert_int_equal(about_order("POST", id, "/payment", SERVICE, body), 200);
    shop_assert_body(shop, "\"items_total\":250,\"total\":300,\"paid\":300");
    assert_int_equal(about_order("GET", id, "", OPERATOR, NULL), 200);
    shop_assert_body(shop, "[{\"kind\":\"tax\",\"amount\":50,\"seller\":null,\"reference\":null}]");
}

/* P11 */
static void a_merchant_decides_about_an_order_in_review(void **state)
{
    (void)state;
    char id[37];
    checkout(",\"risk\":{\"decision\":\"decline\"}");
    shop_assert_problem(shop, 409, "risk_declined");
    assert_int_equal(checkout(",\"risk\":{\"score\":7,\"decision\":\"review\"}"), 201);
    shop_assert_body(shop, "\"status\":\"review\",\"version\":2");
    shop_order_id(shop, id);
    about_order("POST", id, "/review", VIEWER, "{\"decision\":\"approve\"}");
    shop_assert_problem(shop, 403, "forbidden");
    about_order("POST", id, "/review", "Authorization: Bearer no\r\n", "{}");
    shop_assert_problem(shop, 401, "unauthenticated");
    about_order("POST", id, "/review", OPERATOR, "{\"decision\":\"perhaps\",\"by\":\"me\"}");
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "\"error_count\":2");
    assert_int_equal(
        about_order("POST", id, "/review", OPERATOR, "{\"decision\":\"approve\"}"), 200);
    shop_assert_body(shop, "\"status\":\"pending_payment\",\"version\":3");
    assert_int_equal(
        about_order("POST", id, "/review", OPERATOR, "{\"decision\":\"approve\"}"), 200);
    shop_assert_body(shop, "\"version\":3");
    about_order("POST", id, "/review", OPERATOR, "{\"decision\":\"decline\"}");
    shop_assert_problem(shop, 409, "invalid_transition");
    shop_assert_body(shop, "\"order_status\":\"pending_payment\"");
    about_order("POST", "not-an-id", "/review", OPERATOR, "{\"decision\":\"decline\"}");
    shop_assert_problem(shop, 404, "not_found");
    about_order("POST", "01a1fc0b-e380-72c8-a203-55cd119357c5", "/review", OPERATOR,
        "{\"decision\":\"decline\"}");
    shop_assert_problem(shop, 404, "not_found");
}

/* O1: a merchant cancels when a customer no longer may, and says whether units come back */
static void a_merchant_cancels(void **state)
{
    (void)state;
    char id[37];
    assert_int_equal(checkout(",\"payment\":{\"mode\":\"deferred\"}"), 201);
    shop_order_id(shop, id);
    shop_tick(shop, 900 * 1000);
    about_order("POST", id, "/cancel", ANN "Idempotency-Key: c\r\n", "{}");
    shop_assert_problem(shop, 409, "invalid_transition");
    about_order("POST", id, "/cancel", OPERATOR, "{}");
    shop_assert_problem(shop, 400, "idempotency_key_missing");
    about_order("POST", id, "/cancel", VIEWER "Idempotency-Key: c\r\n", "{}");
    shop_assert_problem(shop, 403, "forbidden");
    assert_int_equal(about_order("POST", id, "/cancel", OPERATOR "Idempotency-Key: c\r\n",
                         "{\"restock\":\"none\",\"reason\":\"lost\"}"),
        200);
    shop_assert_body(shop, "\"status\":\"cancelled\"");
    /* I2: the key lives with the order, whoever calls */
    assert_int_equal(about_order("POST", id, "/cancel", SERVICE "Idempotency-Key: c\r\n",
                         "{\"restock\":\"none\",\"reason\":\"lost\"}"),
        200);
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
    assert_int_equal(shop_ask(shop, "GET /admin/v1/stock/S1", OPERATOR, NULL), 200);
    shop_assert_body(shop, "\"available\":49,\"held\":0,\"sold\":1");
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(adjustments_are_shown_as_they_count),
        IN_SHOP(every_fault_of_a_back_end_is_told),
        IN_SHOP(adjustments_are_bounded),
        IN_SHOP(money_may_bring_adjustments),
        IN_SHOP(a_merchant_decides_about_an_order_in_review),
        IN_SHOP(a_merchant_cancels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
