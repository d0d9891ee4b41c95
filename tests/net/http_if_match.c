/* SPDX-License-Identifier: Apache-2.0 */
/* C5: a cart is changed only while it is the one that the client has seen. */
#include "tests/net/shop.h"

static struct shop *shop;

static void reserve_in_cart(struct config *config)
{
    config->policy.reserve_on = RESERVE_CART;
    config->policy.hold_seconds = 600;
}

static int open_shop(void **state)
{
    (void)state;
    shop = shop_open(reserve_in_cart);
    shop_sell(shop, "S1", 5);
    shop_sell(shop, "S2", 5);
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

/* The version in the ETag of the reply just read; it must be the body's, where there is one. */
static unsigned long shown(void)
{
    const char *found = strstr(shop->reply, "\r\nETag: \"");
    char member[40];
    assert_non_null(found);
    unsigned long version = strtoul(found + 9, NULL, 10);
    snprintf(member, sizeof(member), "\r\nETag: \"%lu\"\r\n", version);
    shop_assert_head(shop, member);
    snprintf(member, sizeof(member), "\"version\":%lu}", version);
    if (shop->body[0] != 0)
        shop_assert_body(shop, member);
    return version;
}

static int ask_if(const char *line, const char *if_match, const char *body)
{
    char fields[600];
    snprintf(fields, sizeof(fields), ANN KEY("k") "If-Match: %s\r\n", if_match);
    return shop_ask(shop, line, fields, body);
}

static int ask_if_version(const char *line, unsigned long version, const char *body)
{
    char tag[24];
    snprintf(tag, sizeof(tag), "\"%lu\"", version);
    return ask_if(line, tag, body);
}

static unsigned long put(const char *body)
{
    assert_int_equal(shop_ask(shop, "PUT /v1/cart/items/S1", ANN, body), 200);
    return shown();
}

static void every_cart_reply_tells_its_version(void **state)
{
    (void)state;
    assert_int_equal(shop_ask(shop, "GET /v1/cart", ANN, NULL), 200);
    assert_int_equal(shown(), 0);
    unsigned long first = put("{\"quantity\":2}");
    assert_true(first > 0);
    shop_ask(shop, "GET /v1/cart", ANN, NULL);
    assert_int_equal(shown(), first);
    assert_int_equal(shop_ask(shop, "DELETE /v1/cart/items/S1", ANN, NULL), 200);
    assert_int_equal(shown(), first + 1);
    put("{\"quantity\":1}");
    assert_int_equal(shop_ask(shop, "DELETE /v1/cart", ANN, NULL), 204);
    assert_int_equal(shown(), first + 3);
}

static void the_same_put_again_is_no_new_version(void **state)
{
    (void)state;
    unsigned long first = put("{\"quantity\":2}");
    assert_int_equal(put("{\"quantity\":2}"), first);
    assert_int_equal(ask_if_version("PUT /v1/cart/items/S1", first, "{\"quantity\":2}"), 200);
    assert_int_equal(shown(), first);
}

static void a_stale_version_changes_nothing(void **state)
{
    (void)state;
    unsigned long stale = put("{\"quantity\":1}"), now = put("{\"quantity\":2}");
    uint32_t events = shop->events;
    static const char *const lines[][2] = {{"PUT /v1/cart/items/S1", "{\"quantity\":4}"},
        {"PUT /v1/cart/items/S1", "{\"quantity\":2}"},
        {"PUT /v1/cart/items/S2", "{\"quantity\":1}"},
        {"PUT /v1/cart/items/S1", "{\"quantity\":0}"}, {"DELETE /v1/cart/items/S1", NULL},
        {"DELETE /v1/cart", NULL}, {"POST /v1/checkout", NULL},
        {"POST /v1/checkout", "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}"}};
    for (uint32_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        ask_if_version(lines[i][0], stale, lines[i][1]);
        shop_assert_problem(shop, 412, "stale_version");
        assert_int_equal(shown(), now);
    }
    assert_int_equal(shop->events, events);
    shop_ask(shop, "GET /v1/cart", ANN, NULL);
    assert_int_equal(shown(), now);
    shop_assert_body(shop, "\"quantity\":2");
}

static void the_current_version_goes_through(void **state)
{
    (void)state;
    unsigned long version = 0;
    assert_int_equal(ask_if_version("PUT /v1/cart/items/S1", 0, "{\"quantity\":1}"), 200);
    version = shown();
    assert_int_equal(ask_if_version("PUT /v1/cart/items/S1", version, "{\"quantity\":3}"), 200);
    assert_int_equal(shown(), version + 1);
    assert_int_equal(ask_if_version("PUT /v1/cart/items/S2", version + 1, "{\"quantity\":1}"), 200);
    assert_int_equal(ask_if_version("DELETE /v1/cart/items/S2", version + 2, NULL), 200);
    assert_int_equal(ask_if_version("DELETE /v1/cart", version + 3, NULL), 204);
    put("{\"quantity\":1}");
    assert_int_equal(ask_if_version("POST /v1/checkout", version + 5, NULL), 201);
}

/* I3 stands over C5: what was bought is told again, whatever the cart has become. */
static void a_replayed_checkout_asks_no_version(void **state)
{
    (void)state;
    unsigned long version = put("{\"quantity\":1}");
    char born[4096];
    assert_int_equal(ask_if_version("POST /v1/checkout", version, NULL), 201);
    snprintf(born, sizeof(born), "%s", shop->body);
    put("{\"quantity\":1}");
    assert_int_equal(ask_if_version("POST /v1/checkout", version, NULL), 201);
    shop_assert_head(shop, "\r\nIdempotency-Replayed: true\r\n");
    assert_string_equal(shop->body, born);
}

/* K8: with items the cart is left alone, its version too, unless its hold was used. */
static void a_checkout_of_items_is_a_change_only_when_it_uses_a_hold(void **state)
{
    (void)state;
    unsigned long version = put("{\"quantity\":2}");
    assert_int_equal(
        shop_buy(shop, "ann", "a", "{\"items\":[{\"sku\":\"S2\",\"quantity\":1}]}"), 201);
    shop_ask(shop, "GET /v1/cart", ANN, NULL);
    assert_int_equal(shown(), version);
    assert_int_equal(
        shop_buy(shop, "ann", "b", "{\"items\":[{\"sku\":\"S1\",\"quantity\":1}]}"), 201);
    shop_ask(shop, "GET /v1/cart", ANN, NULL);
    assert_int_equal(shown(), version + 1);
}

/* RFC 9110 13.1.1 */
static void a_list_asks_for_one_of_its_versions(void **state)
{
    (void)state;
    char list[256];
    unsigned long version = put("{\"quantity\":1}");
    static const char *const good[] = {"\"%lu\"", "\"1\", \"%lu\"", "\"%lu\",\"1\"",
        " , \"a,b\" ,\t\"%lu\" ,", "W/\"7\", \"%lu\"",
        "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"8\",\"%lu\""};
    static const char *const stale[] = {"W/\"%lu\"", "\"0%lu\"", "\"x%lu\"", "\"\"", "\"1\", \"2\"",
        "\"4294967296%lu\"", "\"4294967295\"", "\"a,\xc3\xa9\""};
    for (uint32_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(list, sizeof(list), good[i], version);
        if (ask_if("PUT /v1/cart/items/S1", list, "{\"quantity\":1}") != 200)
            fail_msg("refused: %s\n%s", list, shop->reply);
    }
    for (uint32_t i = 0; i < sizeof(stale) / sizeof(stale[0]); i++) {
        snprintf(list, sizeof(list), stale[i], version);
        if (ask_if("PUT /v1/cart/items/S1", list, "{\"quantity\":1}") != 412)
            fail_msg("not stale: %s\n%s", list, shop->reply);
    }
    assert_int_equal(ask_if("PUT /v1/cart/items/S1", "*", "{\"quantity\":1}"), 200);
    assert_int_equal(
        shop_ask(shop, "PUT /v1/cart/items/S1", BOB "If-Match: *\r\n", "{\"quantity\":1}"), 200);
}

static void what_is_no_list_of_tags_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", ",", " , ", "7", "\"7", "7\"", "'7'", "\"7\" \"8\"",
        "*, \"7\"", "\"7\", *", "**", "w/\"7\"", "W/7", "W/", "\"a b\"", "\"7\";", "\"7\"\"8\"",
        "\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\""};
    for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        ask_if("PUT /v1/cart/items/S1", wrong[i], "{\"quantity\":1}");
        if (shop->status != 400)
            fail_msg("%d: %s", shop->status, wrong[i]);
        shop_assert_problem(shop, 400, "malformed");
        shop_assert_body(shop, "If-Match");
    }
    shop_ask(shop, "DELETE /v1/cart", ANN "If-Match: \"1\"\r\nIf-Match: \"2\"\r\n", NULL);
    shop_assert_problem(shop, 400, "malformed");
    shop_ask(shop, "DELETE /v1/cart/items/S1", ANN "If-Match: 1\r\n", NULL);
    shop_assert_problem(shop, 400, "malformed");
    shop_ask(shop, "POST /v1/checkout", ANN KEY("k") "If-Match: 1\r\n", NULL);
    shop_assert_problem(shop, 400, "malformed");
    assert_int_equal(engine_cart_lines(shop->engine, BYTES("ann")), 0);
}

/* A condition is asked of what would have worked: what is not there is not found. */
static void an_unknown_product_is_not_found_whatever_the_version(void **state)
{
    (void)state;
    put("{\"quantity\":1}");
    ask_if_version("PUT /v1/cart/items/NOPE", 1, "{\"quantity\":1}");
    shop_assert_problem(shop, 404, "not_found");
}

static void due_events_happen(void)
{
    struct event event;
    while (engine_due(shop->engine, &shop->http.now, &event))
        shop_record(shop, &event);
}

/* A dead hold is a change of the cart that its customer has not seen. */
static void an_expiry_is_a_new_version(void **state)
{
    (void)state;
    unsigned long version = put("{\"quantity\":1}");
    shop_tick(shop, 600000);
    assert_int_equal(ask_if_version("PUT /v1/cart/items/S1", version, "{\"quantity\":1}"), 412);
    assert_int_equal(shown(), version + 1);
}

static void versions_do_not_come_again_when_a_customer_was_forgotten(void **state)
{
    (void)state;
    unsigned long seen = 0;
    for (uint32_t i = 0; i < 200; i++)
        seen = put(i % 2 == 0 ? "{\"quantity\":2}" : "{\"quantity\":1}");
    shop_ask(shop, "DELETE /v1/cart", ANN, NULL);
    seen = shown();
    shop_tick(shop, 3600000);
    due_events_happen();
    assert_int_equal(customer_find(shop->engine, BYTES("ann")), NONE);
    for (uint32_t i = 0; i < 200; i++) {
        unsigned long version = put(i % 2 == 0 ? "{\"quantity\":2}" : "{\"quantity\":1}");
        assert_true(version > seen);
    }
    assert_int_equal(ask_if_version("PUT /v1/cart/items/S1", seen, "{\"quantity\":5}"), 412);
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(every_cart_reply_tells_its_version),
        IN_SHOP(the_same_put_again_is_no_new_version),
        IN_SHOP(a_stale_version_changes_nothing),
        IN_SHOP(the_current_version_goes_through),
        IN_SHOP(a_replayed_checkout_asks_no_version),
        IN_SHOP(a_checkout_of_items_is_a_change_only_when_it_uses_a_hold),
        IN_SHOP(a_list_asks_for_one_of_its_versions),
        IN_SHOP(what_is_no_list_of_tags_is_refused),
        IN_SHOP(an_unknown_product_is_not_found_whatever_the_version),
        IN_SHOP(an_expiry_is_a_new_version),
        IN_SHOP(versions_do_not_come_again_when_a_customer_was_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
