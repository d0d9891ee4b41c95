/* SPDX-License-Identifier: Apache-2.0 */
/* C4: POST /v1/cart/merge as it goes over the wire; the rules are in tests/core/engine_merge.c. */
#include "net/http/guest.h"
#include "tests/net/shop.h"

#define DAY_MS 86400000ll

static struct shop *shop;
static char guest_field[160]; /* who the guest is, as a header line */
static char body[256];        /* his token, as the body of a merge */

static void reserve_in_cart(struct config *config)
{
    config->policy.reserve_on = RESERVE_CART;
    config->policy.hold_seconds = 600;
    config->policy.lines_per_cart = 128;
}

/* The version in the ETag of the reply just read. */
static unsigned long shown(void)
{
    const char *found = strstr(shop->reply, "\r\nETag: \"");
    assert_non_null(found);
    return strtoul(found + 9, NULL, 10);
}

static void be_guest(uint64_t number)
{
    struct guest_token token;
    const uint64_t random[2] = {number, 2};
    guest_token_make(&shop->identity.guests, random, SHOP_NOW_MS, &token);
    snprintf(guest_field, sizeof(guest_field), "X-Customer-Id: %.*s\r\n", (int)token.size,
        (const char *)token.text);
    snprintf(body, sizeof(body), "{\"guest_token\":\"%.*s\"}", (int)token.size,
        (const char *)token.text);
}

static int open_shop(void **state)
{
    (void)state;
    shop = shop_open(reserve_in_cart);
    shop_sell(shop, "S1", 50);
    shop_sell(shop, "S2", 50);
    shop_sell_as(shop, &(struct product_image){.sku = BYTES("TWO"),
                           .title = BYTES("Two each"),
                           .category = BYTES("things"),
                           .seller = BYTES("s"),
                           .prices = {{.currency = "GBP", .amount = 100}},
                           .price_count = 1,
                           .stock = 50,
                           .max_per_customer = 2});
    be_guest(1);
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

static void the_reply_is_the_cart_and_what_was_dropped(void **state)
{
    (void)state;
    shop_ask(shop, "PUT /v1/cart/items/TWO", ANN, "{\"quantity\":1}");
    unsigned long version = shown();
    shop_ask(shop, "PUT /v1/cart/items/TWO", guest_field, "{\"quantity\":2}");
    shop_ask(shop, "PUT /v1/cart/items/S1", guest_field, "{\"quantity\":3}");
    assert_int_equal(shop_ask(shop, "POST /v1/cart/merge", ANN, body), 200);
    assert_int_equal(shown(), version + 1);
    shop_assert_head(shop, "\r\nCache-Control: private, no-store\r\n");
    shop_assert_body(shop, "\"sku\":\"TWO\",\"quantity\":2,");
    shop_assert_body(shop, "\"sku\":\"S1\",\"quantity\":3,");
    shop_assert_body(shop, "\"state\":\"held\"");
    shop_assert_body(
        shop, ",\"dropped\":[{\"sku\":\"TWO\",\"quantity\":1,\"code\":\"limit_exceeded\"}]}");
    shop_ask(shop, "GET /v1/cart", guest_field, NULL);
    shop_assert_body(shop, "\"lines\":[]");
}

static void again_it_drops_and_changes_nothing(void **state)
{
    (void)state;
    shop_ask(shop, "PUT /v1/cart/items/S1", guest_field, "{\"quantity\":3}");
    shop_ask(shop, "POST /v1/cart/merge", ANN, body);
    unsigned long version = shown();
    uint32_t events = shop->events;
    assert_int_equal(shop_ask(shop, "POST /v1/cart/merge", ANN, body), 200);
    shop_assert_body(shop, "\"sku\":\"S1\",\"quantity\":3,");
    shop_assert_body(shop, ",\"dropped\":[]}");
    assert_int_equal(shown(), version);
    assert_int_equal(shop->events, events);
}

/* A guest may find another of his own tokens; and one may be merged into itself. */
static void guests_may_merge_too(void **state)
{
    char first[160];
    (void)state;
    shop_ask(shop, "PUT /v1/cart/items/S1", guest_field, "{\"quantity\":3}");
    assert_int_equal(shop_ask(shop, "POST /v1/cart/merge", guest_field, body), 200);
    shop_assert_body(shop, "\"quantity\":3,");
    memcpy(first, guest_field, sizeof(first));
    be_guest(7);
    shop_ask(shop, "PUT /v1/cart/items/S1", guest_field, "{\"quantity\":4}");
    assert_int_equal(shop_ask(shop, "POST /v1/cart/merge", first, body), 200);
    shop_assert_body(shop, "\"quantity\":7,");
}

static void assert_invalid(const char *sent, const char *reason)
{
    uint32_t events = shop->events;
    shop_ask(shop, "POST /v1/cart/merge", ANN, sent);
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, reason);
    assert_int_equal(shop->events, events);
}

/* Knowing a customer's id is not enough to take what is in his cart. */
static void only_a_token_that_we_signed_names_a_cart(void **state)
{
    char forged[256];
    (void)state;
    shop_ask(shop, "PUT /v1/cart/items/S1", BOB, "{\"quantity\":3}");
    shop_ask(shop, "PUT /v1/cart/items/S1", guest_field, "{\"quantity\":3}");
    assert_invalid("{\"guest_token\":\"bob\"}",
        "{\"member\":\"guest_token\",\"reason\":\"is not one of this server's, or has ended\"}");
    assert_invalid("{\"guest_token\":7}", "\"member\":\"guest_token\"");
    assert_invalid("{\"guest_token\":\"\"}", "\"member\":\"guest_token\"");
    assert_invalid("{}", "\"member\":\"guest_token\"");
    memcpy(forged, body, sizeof(forged));
    char *last = strrchr(forged, '"') - 1;
    *last = *last == 'A' ? 'B' : 'A';
    assert_invalid(forged, "is not one of this server's");
    shop_tick(shop, 1);
    shop->http.clock_ms += 30 * DAY_MS;
    assert_invalid(body, "or has ended");
    shop_ask(shop, "GET /v1/cart", BOB, NULL);
    shop_assert_body(shop, "\"quantity\":3,");
}

/* C5 */
static void a_stale_version_merges_nothing(void **state)
{
    char fields[128], member[32];
    (void)state;
    shop_ask(shop, "PUT /v1/cart/items/S1", ANN, "{\"quantity\":2}");
    unsigned long version = shown();
    shop_ask(shop, "PUT /v1/cart/items/S2", guest_field, "{\"quantity\":2}");
    shop_ask(shop, "POST /v1/cart/merge", ANN "If-Match: \"1\"\r\n", body);
    shop_assert_problem(shop, 412, "stale_version");
    snprintf(member, sizeof(member), "\"version\":%lu}", version);
    shop_assert_body(shop, member);
    shop_ask(shop, "GET /v1/cart", guest_field, NULL);
    shop_assert_body(shop, "\"quantity\":2,");
    snprintf(fields, sizeof(fields), ANN "If-Match: \"%lu\"\r\n", version);
    assert_int_equal(shop_ask(shop, "POST /v1/cart/merge", fields, body), 200);
}

static void what_it_does_not_know_is_refused(void **state)
{
    (void)state;
    shop_ask(shop, "GET /v1/cart/merge", ANN, NULL);
    shop_assert_problem(shop, 405, "method_not_allowed");
    shop_ask(shop, "POST /v1/cart/merge", "", body);
    shop_assert_problem(shop, 401, "unauthenticated");
    assert_invalid("{\"guest_token\":\"hsg1.\",\"force\":true}", "\"member\":\"force\"");
}

/* The largest reply that these limits can cause: each line has a long SKU, and half are dropped. */
static void two_full_carts_fit_into_one_reply(void **state)
{
    char line[160];
    uint32_t most = shop->config.policy.lines_per_cart;
    (void)state;
    for (uint32_t i = 0; i < 2 * most; i++) {
        char sku[64];
        snprintf(sku, sizeof(sku), "%s-%050u", i < most ? "A" : "G", i);
        shop_sell(shop, sku, 5);
        snprintf(line, sizeof(line), "PUT /v1/cart/items/%s", sku);
        shop_ask(shop, line, i < most ? ANN : guest_field, "{\"quantity\":1}");
        assert_int_equal(shop->status, 200);
    }
    assert_int_equal(shop_ask(shop, "POST /v1/cart/merge", ANN, body), 200);
    shop_assert_body(shop, "\"code\":\"too_many_lines\"}]}");
    uint32_t codes = 0;
    for (const char *at = shop->body; (at = strstr(at, "too_many_lines")) != NULL; at++)
        codes++;
    assert_int_equal(codes, most);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_reply_is_the_cart_and_what_was_dropped),
        TEST(again_it_drops_and_changes_nothing),
        TEST(guests_may_merge_too),
        TEST(only_a_token_that_we_signed_names_a_cart),
        TEST(a_stale_version_merges_nothing),
        TEST(what_it_does_not_know_is_refused),
        TEST(two_full_carts_fit_into_one_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
