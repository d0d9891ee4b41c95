/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the Redis protocol become the commands that HTTP makes, or whole replies. */
#include "tests/net/shop.h"

#include "net/resp/command.h"

#define ID "01890a5d-ac96-774b-bcce-b302099a8057"
#define WHO "X-Role: service\r\nX-Customer-Id: ann\r\n"

static struct shop *shop;
static struct resp_session session;

static int open_shop(void **state)
{
    (void)state;
    shop = shop_open(NULL);
    session = (struct resp_session){0};
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

static void empty_slot(void)
{
    shop_reset(shop);
}

/* A line as it is typed; its bytes are gone afterwards, as in the loop. */
static enum resp_verdict say(const char *line)
{
    char bytes[RESP_INLINE_SIZE_MAX];
    uint8_t room[RESP_INLINE_SIZE_MAX];
    struct resp_request parsed;
    uint32_t target = 99;
    int size = snprintf(bytes, sizeof(bytes), "%s\r\n", line);
    empty_slot();
    assert_int_equal(
        resp_parse(bytes_of(bytes, (uint32_t)size), 65536, room, &parsed), RESP_REQUEST);
    enum resp_verdict verdict = resp_decode(&shop->http, &session, &parsed, shop->request, &target);
    memset(bytes, 'X', sizeof(bytes));
    memset(room, 'Y', sizeof(room));
    if (verdict == RESP_COMMAND)
        assert_int_equal(target, 0);
    return verdict;
}

static void assert_told(const char *line, const char *reply)
{
    assert_int_equal(say(line), RESP_ANSWERED);
    const struct reply *written = &shop->request->reply;
    assert_false(written->overflow);
    uint32_t size = written->end - written->start;
    if (size < strlen(reply) || memcmp(written->data + written->start, reply, strlen(reply)) != 0)
        fail_msg("%s: %.*s, not %s", line, (int)size, (const char *)written->data + written->start,
            reply);
}

/* The command's identity for I3, and what stands beside it. */
struct made {
    enum command_kind kind;
    enum role role;
    struct hash128 hash;
    char customer[CUSTOMER_SIZE_MAX + 1], key[KEY_SIZE_MAX + 1];
    char payment[3][PAYMENT_TEXT_SIZE_MAX + 1];
    int64_t amount, result;
};

_Static_assert(sizeof(struct made) == 24 + 5 * 128 + 128 + 16, "no padding, which is chance");

static void copy(char *text, size_t size, struct bytes bytes)
{
    assert_true(bytes.size < size);
    if (bytes.size > 0)
        memcpy(text, bytes.data, bytes.size);
}

static struct made made(void)
{
    const struct command *command = &shop->request->work->command;
    struct made made = {0};
    made.kind = command->kind;
    made.role = command->role;
    made.hash = command_hash(command);
    made.amount = command->amount;
    made.result = command->result;
    copy(made.customer, sizeof(made.customer), command->customer);
    copy(made.key, sizeof(made.key), command->key);
    copy(made.payment[0], sizeof(made.payment[0]), command->provider);
    copy(made.payment[1], sizeof(made.payment[1]), command->payment_id);
    copy(made.payment[2], sizeof(made.payment[2]), command->refund_id);
    return made;
}

static void by_http(const char *line, const char *fields, const char *body)
{
    char bytes[4096];
    struct http_limits limits = {.header_bytes = 16384, .target_bytes = 16384, .body_bytes = 65536};
    struct http_progress progress = {0};
    struct http_request parsed;
    uint32_t target = 99;
    int size = snprintf(bytes, sizeof(bytes), "%s HTTP/1.1\r\nHost: x\r\n%s", line, fields);
    if (body != NULL)
        size += snprintf(bytes + size, sizeof(bytes) - (size_t)size,
            "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    size +=
        snprintf(bytes + size, sizeof(bytes) - (size_t)size, "\r\n%s", body == NULL ? "" : body);
    empty_slot();
    assert_int_equal(
        http_parse(bytes_of(bytes, (uint32_t)size), &limits, &progress, &parsed), HTTP_REQUEST);
    enum http_listener listener = strstr(line, "/admin/") != NULL ? HTTP_ADMIN : HTTP_STOREFRONT;
    assert_int_equal(
        http_decode(&shop->http, listener, &parsed, shop->request, &target), HTTP_COMMAND);
}

static const struct {
    const char *said; /* over RESP */
    const char *line, *fields, *body;
} pairs[] = {
    {"HS.CHECKOUT ann k", "POST /v1/checkout", WHO KEY("k"), "{}"},
    {"hs.checkout ann '\"k\"' item S1 2 Item S2 1", "POST /v1/checkout", WHO KEY("k"),
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":2},{\"sku\":\"S2\",\"quantity\":1}]}"},
    {"HS.CHECKOUT ann k EXPECT 0 CURRENCY EUR MODE external TOKEN tok", "POST /v1/checkout",
        WHO KEY("k"),
        "{\"expected_total\":0,\"currency\":\"EUR\",\"payment\":{\"mode\":\"external\","
        "\"token\":\"tok\"}}"},
    {"HS.CHECKOUT ann k MODE DEFERRED EXPECT 9223372036854775807", "POST /v1/checkout",
        WHO KEY("k"),
        "{\"payment\":{\"mode\":\"deferred\"},\"expected_total\":9223372036854775807}"},
    {"HS.CHECKOUT ann k REF b \"\\xc3\\xa9\\n\" REF a ''", "POST /v1/checkout", WHO KEY("k"),
        "{\"references\":{\"a\":\"\",\"b\":\"\\u00e9\\n\"}}"},
    {"HS.CART.SET ann S1 0", "PUT /v1/cart/items/S1", WHO, "{\"quantity\":0}"},
    {"HS.CART.SET ann S1 3 currency GBP", "PUT /v1/cart/items/S1", WHO,
        "{\"quantity\":3,\"currency\":\"GBP\"}"},
    {"HS.CART.GET ann", "GET /v1/cart", WHO, NULL},
    {"HS.CART.CLEAR ann", "DELETE /v1/cart", WHO, NULL},
    {"HS.ORDER " ID, "GET /v1/orders/" ID, SERVICE, NULL},
    {"HS.CANCEL " ID " available k", "POST /v1/orders/" ID "/cancel", SERVICE KEY("k"), "{}"},
    {"HS.CANCEL " ID " none k LINE 2 1 line 1 4294967295", "POST /v1/orders/" ID "/cancel",
        SERVICE KEY("k"),
        "{\"restock\":\"none\",\"lines\":[{\"line\":2,\"quantity\":1},{\"line\":1,"
        "\"quantity\":4294967295}]}"},
    {"HS.PAY " ID " captured bank p-1 250 GBP", "POST /v1/orders/" ID "/payment", SERVICE,
        "{\"result\":\"captured\",\"provider\":\"bank\",\"payment_id\":\"p-1\",\"amount\":250,"
        "\"currency\":\"GBP\"}"},
    {"HS.PAY " ID " refunded bank p-1 0 GBP REFUND r", "POST /v1/orders/" ID "/payment", SERVICE,
        "{\"result\":\"refunded\",\"provider\":\"bank\",\"payment_id\":\"p-1\",\"amount\":0,"
        "\"currency\":\"GBP\",\"refund_id\":\"r\"}"},
};

static void both_protocols_make_the_same_commands(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        if (say(pairs[i].said) != RESP_COMMAND)
            fail_msg("refused: %s", pairs[i].said);
        struct made here = made();
        by_http(pairs[i].line, pairs[i].fields, pairs[i].body);
        struct made there = made();
        if (memcmp(&here, &there, sizeof(here)) != 0)
            fail_msg("not the same command: %s", pairs[i].said);
        assert_int_equal(here.role, ROLE_SERVICE);
    }
}

/* An operator does the same over HTTP. */
static void changes_of_stock_are_the_same_requests(void **state)
{
    (void)state;
    static const char *const deltas[] = {"5", "-5", "4294967295", "-4294967295"};
    for (uint32_t i = 0; i < 4; i++) {
        char said[128], body[128];
        snprintf(said, sizeof(said), "HS.STOCK.ADD S1 %s 'why not' k", deltas[i]);
        snprintf(body, sizeof(body), "{\"delta\":%s,\"reason\":\"why not\"}", deltas[i]);
        assert_int_equal(say(said), RESP_COMMAND);
        assert_memory_equal(shop->request->work->command.actor.data, "service", 7);
        struct hash128 here = command_hash(&shop->request->work->command);
        by_http("POST /admin/v1/products/S1/stock", OPERATOR KEY("k"), body);
        struct hash128 there = command_hash(&shop->request->work->command);
        assert_memory_equal(&here, &there, sizeof(here));
    }
}

static void nothing_is_sold_before_the_shop_is_open(void **state)
{
    (void)state;
    static const char loading[] = "-LOADING The server is reading its journal.\r\n";
    shop->http.recovering = true;
    assert_told("PING", "+PONG\r\n");
    assert_told("HS.AVAIL S1", loading);
    assert_told("HS.STOCK S1", loading);
    for (uint32_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
        assert_told(pairs[i].said, loading);
    assert_told("HELLO 3", "%7\r\n");
}

static void what_is_large_waits_for_room_and_has_not_happened(void **state)
{
    (void)state;
    char line[4000] = "ECHO ";
    memset(line + 5, 'x', sizeof(line) - 6);
    shop->no_large = true;
    assert_int_equal(say(line), RESP_ANSWERED); /* a small reply holds that */
    size_t at = 0;
    at = shop_append(line, sizeof(line), at, "HS.AVAIL");
    for (int i = 0; i < 300; i++)
        at = shop_append(line, sizeof(line), at, " S1");
    assert_int_equal(say(line), RESP_WAITS);
    shop->no_large = false;
    assert_told(line, "*300\r\n");
}

static void read_services(const char *file)
{
    char error[256];
    assert_int_equal(tokens_read(&shop->identity.services, TOKENS_OF_SERVICES,
                         bytes_of_string(file), "", error, sizeof(error)),
        0);
    shop->identity.epoch++;
}

/* Another line and another name are the same token; none is nobody. */
static void a_token_is_looked_up_again_when_the_file_was_read_anew(void **state)
{
    (void)state;
    shop->config.auth.mode = AUTH_JWT;
    read_services("erp:token-of-the-erp-1\n");
    assert_told("PING", "-NOAUTH ");
    assert_told("AUTH token-of-the-erp-2", "-WRONGPASS ");
    assert_told("AUTH token-of-the-erp-1", "+OK\r\n");
    read_services("a:token-of-another-1\nb:token-of-another-2\nnew:token-of-the-erp-1\n");
    assert_int_equal(say("HS.STOCK.ADD S1 1 '' k"), RESP_COMMAND);
    assert_int_equal(shop->request->work->command.actor.size, 3);
    assert_memory_equal(shop->request->work->command.actor.data, "new", 3);
    read_services("a:token-of-another-1\n");
    assert_told("HS.STOCK.ADD S1 1 '' k", "-NOAUTH ");
    read_services("erp:token-of-the-erp-1\n");
    assert_told("PING", "-NOAUTH "); /* who is forgotten shows it again */
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(both_protocols_make_the_same_commands),
        IN_SHOP(changes_of_stock_are_the_same_requests),
        IN_SHOP(nothing_is_sold_before_the_shop_is_open),
        IN_SHOP(what_is_large_waits_for_room_and_has_not_happened),
        IN_SHOP(a_token_is_looked_up_again_when_the_file_was_read_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
