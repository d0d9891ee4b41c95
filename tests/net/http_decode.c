/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to a command: what each member becomes, and every fault of a body at once. */
#include "core/json_writer.h"
#include "net/http/decode.h"
#include "tests/net/shop.h"

static struct shop *shop;

static int open_shop(void **state)
{
    (void)state;
    shop = shop_open(NULL);
    return 0;
}

static int close_shop(void **state)
{
    (void)state;
    shop_close(shop);
    return 0;
}

/* Decodes only; the parsed bytes are gone afterwards, as in the loop. */
static const struct command *decode(const char *line, const char *fields, const char *body)
{
    static char bytes[70000];
    int size = snprintf(bytes, sizeof(bytes),
        "%s HTTP/1.1\r\nHost: x\r\n%sContent-Type: application/json\r\nContent-Length: "
        "%zu\r\n\r\n%s",
        line, fields, strlen(body), body);
    const struct http_limits limits = {
        .header_bytes = 16384, .target_bytes = 16384, .body_bytes = 65536};
    struct http_progress progress = {0};
    struct http_request parsed;
    uint32_t target = 99;
    shop_reset(shop);
    assert_int_equal(
        http_parse(bytes_of(bytes, (uint32_t)size), &limits, &progress, &parsed), HTTP_REQUEST);
    enum http_listener listener = strstr(line, "/admin/") != NULL ? HTTP_ADMIN : HTTP_STOREFRONT;
    enum http_verdict verdict = http_decode(&shop->http, listener, &parsed, shop->request, &target);
    memset(bytes, 'X', (size_t)size);
    memset(shop->http.room->scratch, 'Y', shop->http.room->scratch_size);
    if (verdict != HTTP_COMMAND) {
        shop_take_reply(shop);
        return NULL;
    }
    assert_int_equal(target, 0);
    return &shop->request->work->command;
}

static void assert_text(struct bytes bytes, const char *text)
{
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
}

static void a_checkout_becomes_a_command(void **state)
{
    (void)state;
    const struct command *command = decode("POST /v1/checkout",
        "X-Role: service\r\nX-Customer-Id: ann\r\nIdempotency-Key: \"k\\\\1\\\"\"\r\n",
        "{\"items\":[{\"sku\":\"S\\u0031\",\"quantity\":2},{\"quantity\":1000000,\"sku\":\"S2\"}],"
        "\"currency\":\"EUR\",\"expected_total\":0,"
        "\"payment\":{\"token\":\"tok\",\"mode\":\"external\"},"
        "\"references\":{\"b_c\":\"\\u00e9\\n\",\"a\":\"\"}}");
    assert_non_null(command);
    assert_int_equal(command->kind, COMMAND_CHECKOUT);
    assert_int_equal(command->role, ROLE_SERVICE);
    assert_text(command->customer, "ann");
    assert_text(command->key, "k\\1\"");
    assert_int_equal(command->item_count, 2);
    assert_text(command->items[0].sku, "S1");
    assert_int_equal(command->items[0].quantity, 2);
    assert_int_equal(command->items[0].line, 0);
    assert_text(command->items[1].sku, "S2");
    assert_int_equal(command->items[1].quantity, 1000000);
    assert_memory_equal(command->currency, "EUR", 4);
    assert_true(command->expected_total_set);
    assert_int_equal(command->expected_total, 0);
    assert_text(command->token, "tok");
    assert_int_equal(command->mode, PAYMENT_EXTERNAL);
    assert_text(command->references, "{\"a\":\"\",\"b_c\":\"\xc3\xa9\\n\"}");
}

static void a_checkout_may_say_nothing(void **state)
{
    (void)state;
    const struct command *command =
        decode("POST /v1/checkout", ANN KEY("k"), "{\"currency\":null,\"expected_total\":null}");
    assert_non_null(command);
    assert_int_equal(command->item_count, 0);
    assert_int_equal(command->mode, 0);
    assert_int_equal(command->currency[0], 0);
    assert_false(command->expected_total_set);
    assert_int_equal(command->references.size, 0);
    assert_int_equal(command->token.size, 0);
}

static void the_order_of_members_makes_no_other_request(void **state)
{
    (void)state;
    struct hash128 first = command_hash(
        decode("POST /v1/checkout", ANN KEY("k"), "{\"references\":{\"a\":\"1\",\"b\":\"2\"}}"));
    struct hash128 again = command_hash(decode("POST /v1/checkout", ANN KEY("l"),
        "{\"payment\":{},\"references\":{\"b\":\"2\",\"a\":\"1\"}}"));
    assert_memory_equal(&first, &again, sizeof(first));
    struct hash128 other = command_hash(
        decode("POST /v1/checkout", ANN KEY("k"), "{\"references\":{\"a\":\"1\",\"b\":\"3\"}}"));
    assert_memory_not_equal(&first, &other, sizeof(first));
}

struct fault {
    const char *body;
    const char *code;
    const char *told;
};

static void assert_faults(
    const char *line, const char *fields, const struct fault *faults, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (decode(line, fields, faults[i].body) != NULL)
            fail_msg("accepted: %s", faults[i].body);
        shop_assert_problem(shop, 422, faults[i].code);
        shop_assert_body(shop, faults[i].told);
    }
}

#define LONG64 "0123456789012345678901234567890123456789012345678901234567890123"
#define ITEM(quantity) "{\"items\":[{\"sku\":\"S1\",\"quantity\":" quantity "}]}"

static void faults_of_a_checkout_are_named(void **state)
{
    (void)state;
    static const struct fault faults[] = {
        {"[]", "invalid", "\"member\":\"\""},
        {"null", "invalid", "\"errors\""},
        {"{\"itemz\":[]}", "invalid", "\"member\":\"itemz\""},
        {"{\"items\":[]}", "invalid", "must have an item"},
        {"{\"items\":{}}", "invalid", "\"member\":\"items\""},
        {"{\"items\":[1]}", "invalid", "\"member\":\"items[0]\""},
        {"{\"items\":[{\"quantity\":1}]}", "invalid", "\"member\":\"items[0].sku\""},
        {"{\"items\":[{\"sku\":\"S1\"}]}", "invalid", "\"member\":\"items[0].quantity\""},
        {"{\"items\":[{\"sku\":\"S 1\",\"quantity\":1}]}", "invalid", "items[0].sku"},
        {"{\"items\":[{\"sku\":\"S,1\",\"quantity\":1}]}", "invalid", "items[0].sku"},
        {"{\"items\":[{\"sku\":\"" LONG64 "\",\"quantity\":1}]}", "invalid", "items[0].sku"},
        {"{\"items\":[{\"sku\":\"S1\",\"quantity\":1,\"line\":1}]}", "invalid", "items[0].line"},
        {ITEM("0"), "invalid", "items[0].quantity"},
        {ITEM("-1"), "invalid", "items[0].quantity"},
        {ITEM("1.0"), "invalid", "items[0].quantity"},
        {ITEM("1e1"), "invalid", "items[0].quantity"},
        {ITEM("\"1\""), "invalid", "items[0].quantity"},
        {ITEM("null"), "invalid", "items[0].quantity"},
        {ITEM("18446744073709551617"), "invalid", "items[0].quantity"},
        {ITEM("1000001"), "quantity_too_large", "\"bound\":\"units_per_line\",\"value\":1000000"},
        {ITEM("4294967297"), "quantity_too_large", "items[0].quantity"},
        {"{\"currency\":\"eur\"}", "invalid", "\"member\":\"currency\""},
        {"{\"currency\":\"XQZ\"}", "invalid", "\"member\":\"currency\""},
        {"{\"expected_total\":-1}", "invalid", "expected_total"},
        {"{\"expected_total\":1.5}", "invalid", "expected_total"},
        {"{\"payment\":1}", "invalid", "\"member\":\"payment\""},
        {"{\"payment\":{\"token\":\"\"}}", "invalid", "payment.token"},
        {"{\"payment\":{\"card\":\"\"}}", "invalid", "payment.card"},
        {"{\"payment\":{\"token\":\"4111111111111111\"}}", "card_number_refused", "payment.token"},
        {"{\"references\":[]}", "invalid", "references"},
        {"{\"references\":{\"A\":\"x\"}}", "invalid", "references.A"},
        {"{\"references\":{\"a1\":\"x\"}}", "invalid", "references.a1"},
        {"{\"references\":{\"a\":1}}", "invalid", "references.a"},
        {"{\"references\":{\"note\":\"my card: 4111111111111111.\"}}", "card_number_refused",
            "references.note"},
        {"{\"references\":{\"a\":\"x" LONG64 LONG64 "\"}}", "invalid", "references.a"},
        {"{\"references\":{\"a\":\"\",\"b\":\"\",\"c\":\"\",\"d\":\"\",\"e\":\"\",\"f\":\"\","
         "\"g\":\"\",\"h\":\"\",\"i\":\"\"}}",
            "invalid", "at most 8"},
    };
    assert_faults("POST /v1/checkout", ANN KEY("k"), faults, sizeof(faults) / sizeof(faults[0]));
}

static void all_faults_are_told_at_once(void **state)
{
    (void)state;
    assert_null(decode("POST /v1/checkout", ANN KEY("k"),
        "{\"items\":[{\"sku\":\"S1\",\"quantity\":0},{\"quantity\":2000000}],\"x\":1,"
        "\"currency\":7}"));
    shop_assert_problem(shop, 422, "invalid");
    static const char *const members[] = {
        "x", "items[0].quantity", "items[1].sku", "items[1].quantity", "currency"};
    for (uint32_t i = 0; i < 5; i++) {
        char text[64];
        snprintf(text, sizeof(text), "\"member\":\"%s\"", members[i]);
        shop_assert_body(shop, text);
    }
    shop_assert_body(shop, "\"error_count\":5");
}

static void more_faults_than_fit_are_counted(void **state)
{
    (void)state;
    char body[16384];
    size_t at = shop_append(body, sizeof(body), 0, "{");
    for (uint32_t i = 0; i < 40; i++)
        at = shop_append(
            body, sizeof(body), at, "%s\"\\u0001\\u0002\\u0003%0180u\":1", i > 0 ? "," : "", i);
    shop_append(body, sizeof(body), at, "}");
    assert_null(decode("POST /v1/checkout", ANN KEY("k"), body));
    shop_assert_problem(shop, 422, "invalid");
    shop_assert_body(shop, "\"error_count\":40");
}

static void texts_beyond_the_slot_are_too_large(void **state)
{
    (void)state;
    char *body = malloc(60000);
    size_t at = shop_append(body, 60000, 0, "{\"items\":[");
    for (uint32_t i = 0; i < 400; i++)
        at = shop_append(
            body, 60000, at, "%s{\"sku\":\"%063u\",\"quantity\":1}", i > 0 ? "," : "", i);
    shop_append(body, 60000, at, "]}");
    assert_null(decode("POST /v1/checkout", ANN KEY("k"), body));
    shop_assert_problem(shop, 413, "body_too_large");
    free(body);
}

#define ORDER_ID "01890a5d-ac96-774b-bcce-b302099a8057"

static void a_payment_report_becomes_a_command(void **state)
{
    (void)state;
    static const char *const results[] = {
        "pending", "authorized", "captured", "declined", "cancelled", "refunded"};
    for (uint8_t i = 0; i < 6; i++) {
        char body[256];
        snprintf(body, sizeof(body),
            "{\"result\":\"%s\",\"provider\":\"bank\",\"payment_id\":\"p-1\","
            "\"amount\":9223372036854775807,\"currency\":\"JPY\",\"refund_id\":\"r\"}",
            results[i]);
        const struct command *command =
            decode("POST /v1/orders/" ORDER_ID "/payment", SERVICE, body);
        assert_non_null(command);
        assert_int_equal(command->kind, COMMAND_PAYMENT);
        assert_int_equal(command->result, RESULT_PENDING + i);
        assert_int_equal(command->amount, INT64_MAX);
        assert_text(command->provider, "bank");
        assert_text(command->payment_id, "p-1");
        assert_text(command->refund_id, "r");
        assert_memory_equal(command->currency, "JPY", 4);
        char text[36];
        json_format_uuid(text, command->order_id);
        assert_memory_equal(text, ORDER_ID, 36);
    }
}

static void a_cancel_becomes_a_command(void **state)
{
    (void)state;
    const struct command *command = decode("POST /v1/orders/" ORDER_ID "/cancel", SERVICE KEY("k"),
        "{\"lines\":[{\"line\":2,\"quantity\":3}],\"restock\":\"none\",\"reason\":\"broken\"}");
    assert_non_null(command);
    assert_int_equal(command->kind, COMMAND_CANCEL);
    assert_int_equal(command->item_count, 1);
    assert_int_equal(command->items[0].line, 2);
    assert_int_equal(command->items[0].quantity, 3);
    assert_int_equal(command->items[0].sku.size, 0);
    assert_true(command->restock_none);
    assert_text(command->reason, "broken");
    assert_text(command->actor, "service");
    command = decode("POST /v1/orders/" ORDER_ID "/cancel", ANN KEY("k"), "{}");
    assert_non_null(command);
    assert_int_equal(command->item_count, 0);
    assert_false(command->restock_none);
    assert_text(command->actor, "customer");
    static const struct fault faults[] = {
        {"{\"lines\":[]}", "invalid", "\"member\":\"lines\""},
        {"{\"lines\":[{\"line\":513,\"quantity\":1}]}", "invalid", "lines[0].line"},
        {"{\"lines\":[{\"line\":1,\"quantity\":0}]}", "invalid", "lines[0].quantity"},
        {"{\"restock\":\"all\"}", "invalid", "\"member\":\"restock\""},
        {"{\"reason\":\"\"}", "invalid", "\"member\":\"reason\""},
    };
    assert_faults("POST /v1/orders/" ORDER_ID "/cancel", ANN KEY("k"), faults,
        sizeof(faults) / sizeof(faults[0]));
}

static void a_stock_change_becomes_a_command(void **state)
{
    (void)state;
    const struct command *command = decode("POST /admin/v1/products/A%40B/stock", OPERATOR KEY("k"),
        "{\"delta\":-4294967295,\"floor\":true,\"reason\":\"lost\"}");
    assert_non_null(command);
    assert_int_equal(command->kind, COMMAND_STOCK_CHANGE);
    assert_text(command->sku, "A@B");
    assert_text(command->actor, "ann");
    assert_text(command->reason, "lost");
    assert_false(command->stock_set);
    assert_true(command->stock_floor);
    assert_true(command->stock_delta == -4294967295);
    command = decode("POST /admin/v1/products/S1/stock", OPERATOR KEY("k"),
        "{\"set\":4294967295,\"compare\":0}");
    assert_non_null(command);
    assert_true(command->stock_set);
    assert_int_equal(command->stock_value, UINT32_MAX);
    assert_int_equal(command->stock_compare, 0);
    assert_int_equal(command->stock_delta, 0);
}

static void card_numbers_are_found(void **state)
{
    (void)state;
    static const char *const cards[] = {"4111111111111111", "x4111111111111111y", "378282246310005",
        "4222222222222", "6304000000000000000", "1 4111111111111111"};
    static const char *const others[] = {"", "4111111111111112", "411111111111",
        "41111111111111110", "41111111111111111111", "4111-1111-1111-1111", "order 12345678"};
    for (uint32_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++)
        assert_true(decode_has_card_number(bytes_of_string(cards[i])));
    for (uint32_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_false(decode_has_card_number(bytes_of_string(others[i])));
}

#define IN_SHOP(test) cmocka_unit_test_setup_teardown(test, open_shop, close_shop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SHOP(a_checkout_becomes_a_command),
        IN_SHOP(a_checkout_may_say_nothing),
        IN_SHOP(the_order_of_members_makes_no_other_request),
        IN_SHOP(faults_of_a_checkout_are_named),
        IN_SHOP(all_faults_are_told_at_once),
        IN_SHOP(more_faults_than_fit_are_counted),
        IN_SHOP(texts_beyond_the_slot_are_too_large),
        IN_SHOP(a_payment_report_becomes_a_command),
        IN_SHOP(a_cancel_becomes_a_command),
        IN_SHOP(a_stock_change_becomes_a_command),
        cmocka_unit_test(card_numbers_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
