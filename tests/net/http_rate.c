/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told to come again, when, and what everybody is told of what he has left. */
#include "net/http/rate.h"
#include "tests/net/shop.h"

enum { RATE = 2, BURST = 3, GUESTS = 1, GUESTS_BURST = 2 };

static struct rates rates;
static struct address at; /* of who asks */
static uint32_t looks;    /* at it */

static void tell_peer(void *host, const struct request *request, struct address *peer)
{
    (void)host;
    (void)request;
    looks++;
    *peer = at;
}

static void limit_all(struct config *config)
{
    config->limits.requests_per_second = RATE;
    config->limits.burst = BURST;
    config->limits.guests_per_second = GUESTS;
    config->limits.guests_burst = GUESTS_BURST;
    (void)snprintf(config->server.trusted_proxies, sizeof(config->server.trusted_proxies), "%s",
        "10.0.0.0/8, unix");
}

static void limit_guests(struct config *config)
{
    limit_all(config);
    config->limits.requests_per_second = 0;
}

static void come_from(const char *text)
{
    at = (struct address){.kind = ADDRESS_UNIX};
    if (strcmp(text, "unix") != 0)
        assert_true(address_parse(bytes_of_string(text), &at));
}

static struct shop *open_limited(void (*adjust)(struct config *config))
{
    struct shop *shop = shop_open(adjust);
    rates_init(&rates, &shop->arena, &shop->config, 4711);
    shop->http.rates = &rates;
    shop->http.peer = tell_peer;
    shop->http.now.monotonic_ms = 60000;
    shop_sell(shop, "S", 50);
    looks = 0;
    come_from("192.0.2.1");
    return shop;
}

#define GET "GET /v1/products/S"
#define CART "GET /v1/cart"

/* A number behind a name in the reply. */
static uint32_t number_behind(const struct shop *shop, const char *name)
{
    const char *found = strstr(shop->reply, name);
    if (found == NULL)
        fail_msg("no %s in %s", name, shop->reply);
    return (uint32_t)strtoul(found + strlen(name), NULL, 10);
}

static void assert_refused(const struct shop *shop, const char *policy)
{
    char line[64];
    shop_assert_problem(shop, 429, "rate_limited");
    (void)snprintf(line, sizeof(line), "\r\nRateLimit: \"%s\";r=0;t=", policy);
    shop_assert_head(shop, line);
    uint32_t seconds = number_behind(shop, "\r\nRetry-After: ");
    uint32_t ms = number_behind(shop, "\"retry_after_ms\":");
    assert_int_equal(seconds, (ms + 999) / 1000);
}

static void an_address_has_its_burst_and_then_the_rate(void **state)
{
    (void)state;
    struct shop *shop = open_limited(limit_all);
    for (uint32_t left = BURST; left-- > 0;) {
        char line[64];
        assert_int_equal(shop_ask(shop, GET, "", NULL), 200);
        shop_assert_head(shop, "\r\nRateLimit-Policy: \"address\";q=3;w=2\r\n");
        (void)snprintf(line, sizeof(line), "\r\nRateLimit: \"address\";r=%u;t=%u\r\n", left,
            (BURST - left + 1) / RATE);
        shop_assert_head(shop, line);
    }
    assert_int_equal(shop_ask(shop, GET, "", NULL), 429);
    assert_refused(shop, "address");
    assert_in_range(number_behind(shop, "\"retry_after_ms\":"), 500, 500 + 250 + 500 / 8);
    come_from("192.0.2.2"); /* is another */
    assert_int_equal(shop_ask(shop, GET, "", NULL), 200);
    come_from("192.0.2.1");
    shop->http.now.monotonic_ms += 499;
    assert_int_equal(shop_ask(shop, GET, "", NULL), 429);
    shop->http.now.monotonic_ms += 1;
    assert_int_equal(shop_ask(shop, GET, "", NULL), 200);
    assert_int_equal(shop_ask(shop, GET, "", NULL), 429);
    shop_close(shop);
}

/* From one address after the other: what is used up is the customer's. */
static void a_customer_has_his_wherever_he_comes_from(void **state)
{
    (void)state;
    struct shop *shop = open_limited(limit_all);
    for (uint32_t i = 0; i <= BURST; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "192.0.2.%u", 10 + i);
        come_from(text);
        assert_int_equal(shop_ask(shop, CART, ANN, NULL), i < BURST ? 200 : 429);
    }
    assert_refused(shop, "customer");
    come_from("192.0.2.99");
    assert_int_equal(shop_ask(shop, CART, BOB, NULL), 200);
    assert_int_equal(shop_ask(shop, CART, ANN, NULL), 429);
    assert_int_equal(shop_ask(shop, GET, ANN, NULL), 200); /* asks nobody who he is */
    shop_close(shop);
}

/* Of two allowances the reply tells of the one that has less. */
static void the_tighter_one_is_told(void **state)
{
    (void)state;
    struct shop *shop = open_limited(limit_all);
    assert_int_equal(shop_ask(shop, CART, ANN, NULL), 200);
    assert_int_equal(shop_ask(shop, CART, BOB, NULL), 200);
    shop_assert_head(shop, "\r\nRateLimit: \"address\";r=1;t=1\r\n");
    come_from("192.0.2.2");
    assert_int_equal(shop_ask(shop, CART, BOB, NULL), 200);
    shop_assert_head(shop, "\r\nRateLimit: \"customer\";r=1;t=1\r\n");
    shop_close(shop);
}

static void what_is_counted_once_is_not_counted_again(void **state)
{
    (void)state;
    struct shop *shop = open_limited(limit_all);
    assert_int_equal(shop_ask(shop, CART, ANN, NULL), 200);
    struct limit_told told = shop->request->told;
    struct http_limits limits = {.header_bytes = 1024, .target_bytes = 512, .body_bytes = 0};
    struct http_progress progress = {0};
    struct http_request parsed;
    static const char bytes[] = "GET /v1/cart HTTP/1.1\r\nHost: shop\r\n" ANN "\r\n";
    assert_int_equal(http_parse(BYTES(bytes), &limits, &progress, &parsed), HTTP_REQUEST);
    for (uint32_t i = 0; i < 2 * BURST; i++) {
        uint32_t target;
        request_reset(shop->request);
        shop->request->told = told;
        assert_int_equal(http_decode(&shop->http, HTTP_STOREFRONT, &parsed, shop->request, &target),
            HTTP_COMMAND);
    }
    assert_int_equal(shop_ask(shop, CART, ANN, NULL), 200);
    shop_assert_head(shop, ";r=1;t=1\r\n");
    shop_close(shop);
}

static void payments_probes_and_back_ends_come_through(void **state)
{
    (void)state;
    struct shop *shop = open_limited(limit_all);
    char id[37];
    assert_int_equal(
        shop_buy(shop, "ann", "k", "{\"items\":[{\"sku\":\"S\",\"quantity\":1}]}"), 201);
    shop_order_id(shop, id);
    while (shop_ask(shop, GET, "", NULL) == 200)
        continue;
    for (uint32_t i = 0; i < 2 * BURST; i++) {
        assert_int_equal(shop_ask(shop, CART, SERVICE ANN, NULL), 200);
        assert_null(strstr(shop->reply, "RateLimit"));
        assert_int_equal(shop_ask(shop, "GET /livez", "", NULL), 200);
        assert_int_equal(shop_ask(shop, "GET /readyz", "", NULL), 200);
        assert_int_equal(shop_ask(shop, "GET /admin/v1/sales", OPERATOR, NULL), 200);
        assert_int_equal(shop_ask(shop, "POST /v1/payment-events", "", "{}"), 401); /* no key */
    }
    assert_int_equal(
        shop_ask_order(shop, "POST", id, "/payment", SERVICE,
            "{\"result\":\"captured\",\"provider\":\"b\",\"payment_id\":\"p\",\"amount\":250,"
            "\"currency\":\"GBP\"}"),
        200);
    assert_int_equal(shop_ask_order(shop, "POST", id, "/payment", ANN, "{}"), 429);
    shop_close(shop);
}

static void guests_are_counted_with_every_other_limit_off(void **state)
{
    (void)state;
    struct shop *shop = open_limited(limit_guests);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(shop_ask(shop, GET, "", NULL), 200);
        assert_int_equal(shop_ask(shop, CART, ANN, NULL), 200);
        assert_null(strstr(shop->reply, "RateLimit"));
    }
    assert_int_equal(looks, 0); /* nobody asked where they are */
    assert_int_equal(shop_ask(shop, "POST /v1/guests", "", NULL), 201);
    shop_assert_head(shop, "\r\nRateLimit-Policy: \"guests\";q=2;w=2\r\n");
    shop_assert_head(shop, "\r\nRateLimit: \"guests\";r=1;t=1\r\n");
    assert_int_equal(shop_ask(shop, "POST /v1/guests", "", NULL), 201);
    assert_int_equal(shop_ask(shop, "POST /v1/guests", "", NULL), 429);
    assert_refused(shop, "guests");
    come_from("2001:db8:1:2::1");
    assert_int_equal(shop_ask(shop, "POST /v1/guests", "", NULL), 201);
    come_from("2001:db8:1:2:ffff::1"); /* of the same site */
    assert_int_equal(shop_ask(shop, "POST /v1/guests", "", NULL), 201);
    assert_int_equal(shop_ask(shop, "POST /v1/guests", "", NULL), 429);
    shop_close(shop);
}

static void behind_a_proxy_it_is_the_client_who_is_counted(void **state)
{
    (void)state;
    static const char *const proxies[] = {"10.0.0.1", "unix"};
    for (uint32_t i = 0; i < 2; i++) {
        struct shop *shop = open_limited(limit_all);
        come_from(proxies[i]);
        for (uint32_t k = 0; k < 2 * BURST; k++) {
            char fields[96];
            (void)snprintf(fields, sizeof(fields), "X-Forwarded-For: 6.6.6.%u, 192.0.2.1\r\n", k);
            assert_int_equal(shop_ask(shop, GET, fields, NULL), k < BURST ? 200 : 429);
        }
        assert_int_equal(shop_ask(shop, GET, "X-Forwarded-For: 192.0.2.2\r\n", NULL), 200);
        for (uint32_t k = 0; k < 2 * BURST; k++) /* the proxy for itself */
            assert_int_equal(shop_ask(shop, GET, "", NULL), 200);
        assert_null(strstr(shop->reply, "RateLimit"));
        come_from("192.0.2.77"); /* no proxy: what he writes is his own affair */
        for (uint32_t k = 0; k < 2 * BURST; k++) {
            char fields[64];
            (void)snprintf(fields, sizeof(fields), "X-Forwarded-For: 6.6.6.%u\r\n", k);
            assert_int_equal(shop_ask(shop, GET, fields, NULL), k < BURST ? 200 : 429);
        }
        shop_close(shop);
    }
}

static void limit_at_the_most(struct config *config)
{
    limit_all(config);
    config->limits.requests_per_second = 1;
    config->limits.burst = LIMIT_NUMBER_MAX;
}

/* The longest head of all has room: REQUEST_HEAD_SIZE. */
static void the_longest_head_fits(void **state)
{
    (void)state;
    struct shop *shop = open_limited(limit_at_the_most);
    char fields[256];
    (void)snprintf(fields, sizeof(fields),
        "Connection: keep-alive\r\nX-Request-Id: %064d\r\n" ANN "Idempotency-Key: k\r\n", 7);
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(shop_ask(shop, "POST /v1/checkout", fields,
                             "{\"items\":[{\"sku\":\"S\",\"quantity\":1}]}"),
            201);
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
    shop_assert_head(shop, "\r\nRateLimit-Policy: \"address\";q=10000000;w=10000000\r\n");
    shop_assert_head(shop, "\r\nRateLimit: \"address\";r=9999998;t=2\r\n");
    shop_close(shop);
}

/* Nobody else is on the connection of who comes without a proxy. */
static void who_is_refused_pauses_unless_a_proxy_speaks_for_many(void **state)
{
    (void)state;
    static const struct {
        const char *peer, *fields;
        bool pauses;
    } table[] = {
        {"192.0.2.1", "", true},
        {"192.0.2.2", "X-Forwarded-For: 6.6.6.6\r\n", true},
        {"10.0.0.1", "X-Forwarded-For: 192.0.2.3\r\n", false},
        {"unix", "X-Forwarded-For: 192.0.2.4\r\n", false},
    };
    struct shop *shop = open_limited(limit_all);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        come_from(table[i].peer);
        for (uint32_t k = 0; k < BURST; k++) {
            assert_int_equal(shop_ask(shop, GET, table[i].fields, NULL), 200);
            assert_false(shop->request->told.pauses);
        }
        assert_int_equal(shop_ask(shop, GET, table[i].fields, NULL), 429);
        assert_int_equal(shop->request->told.pauses, table[i].pauses);
    }
    shop_close(shop);
}

static void what_nobody_serves_is_counted_too(void **state)
{
    (void)state;
    struct shop *shop = open_limited(limit_all);
    assert_int_equal(shop_ask(shop, "GET /nothing", "", NULL), 404);
    assert_int_equal(shop_ask(shop, "DELETE /v1/products/S", "", NULL), 405);
    assert_int_equal(shop_ask(shop, "OPTIONS /v1/cart", "", NULL), 204);
    assert_int_equal(shop_ask(shop, "GET /nothing", "", NULL), 429);
    assert_int_equal(shop_ask(shop, "GET /livez", "", NULL), 200);
    shop_close(shop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_its_burst_and_then_the_rate),
        cmocka_unit_test(a_customer_has_his_wherever_he_comes_from),
        cmocka_unit_test(the_tighter_one_is_told),
        cmocka_unit_test(what_is_counted_once_is_not_counted_again),
        cmocka_unit_test(payments_probes_and_back_ends_come_through),
        cmocka_unit_test(guests_are_counted_with_every_other_limit_off),
        cmocka_unit_test(who_is_refused_pauses_unless_a_proxy_speaks_for_many),
        cmocka_unit_test(what_nobody_serves_is_counted_too),
        cmocka_unit_test(the_longest_head_fits),
        cmocka_unit_test(behind_a_proxy_it_is_the_client_who_is_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
