/* SPDX-License-Identifier: Apache-2.0 */
/* Questions as bytes and bytes as facts, the same over HTTP and RESP. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loadtest/protocol.h"

static const struct question_item items[] = {{"A/1", 2}, {"B", 1}};

static void asks_with(const char *token, enum protocol protocol, const struct question *question,
    const char *expected)
{
    struct protocol_door door = {.host = "shop", .token = token};
    char out[1024], body[512];
    struct writer writer = writer_over(out, sizeof out - 1);
    struct writer scratch = writer_over(body, sizeof body);
    assert_true(protocol_can_ask(protocol, question));
    protocol_write(protocol, question, &door, &writer, &scratch);
    assert_false(writer.overflowed);
    out[writer.size] = '\0';
    assert_string_equal(out, expected);
}

static void asks(enum protocol protocol, const struct question *question, const char *expected)
{
    asks_with(NULL, protocol, question, expected);
}

static void a_token_is_shown_by_a_back_end_that_acts_for_the_customer(void **state)
{
    (void)state;
    struct question question = {.kind = QUESTION_ORDER, .customer = "ann", .order_id = "o1"};
    asks_with("secret", PROTOCOL_HTTP, &question,
        "GET /v1/orders/o1 HTTP/1.1\r\nHost: shop\r\nX-Customer-Id: ann\r\nX-Role: service\r\n"
        "Authorization: Bearer secret\r\n\r\n");
    asks_with("secret", PROTOCOL_RESP, &question, "*2\r\n$8\r\nHS.ORDER\r\n$2\r\no1\r\n");
    struct question look = {.kind = QUESTION_PRODUCTS, .query = ""};
    asks_with("secret", PROTOCOL_HTTP, &look, "GET /v1/products HTTP/1.1\r\nHost: shop\r\n\r\n");
    struct protocol_door door = {.host = "shop", .token = "secret"};
    char text[64];
    struct writer writer = writer_over(text, sizeof text);
    protocol_greet(PROTOCOL_HTTP, &door, &writer);
    assert_int_equal(writer.size, 0);
    protocol_greet(PROTOCOL_RESP, &door, &writer);
    assert_memory_equal(text, "*2\r\n$4\r\nAUTH\r\n$6\r\nsecret\r\n", writer.size);
    assert_int_equal(writer.size, 26);
}

static void a_checkout_is_written_in_both_protocols(void **state)
{
    (void)state;
    struct question question = {.kind = QUESTION_CHECKOUT,
        .customer = "ann",
        .key = "k1",
        .item = items,
        .item_count = 2,
        .mode = "deferred"};
    asks(PROTOCOL_HTTP, &question,
        "POST /v1/checkout HTTP/1.1\r\nHost: shop\r\nX-Customer-Id: ann\r\nX-Role: service\r\n"
        "Idempotency-Key: k1\r\nContent-Type: application/json\r\nContent-Length: 93\r\n\r\n"
        "{\"items\":[{\"sku\":\"A/1\",\"quantity\":2},{\"sku\":\"B\",\"quantity\":1}],"
        "\"payment\":{\"mode\":\"deferred\"}}");
    asks(PROTOCOL_RESP, &question,
        "*11\r\n$11\r\nHS.CHECKOUT\r\n$3\r\nann\r\n$2\r\nk1\r\n$4\r\nITEM\r\n$3\r\nA/"
        "1\r\n$1\r\n2\r\n"
        "$4\r\nITEM\r\n$1\r\nB\r\n$1\r\n1\r\n$4\r\nMODE\r\n$8\r\ndeferred\r\n");
}

static void a_cart_is_put_emptied_and_bought(void **state)
{
    (void)state;
    struct question put = {
        .kind = QUESTION_CART_PUT, .customer = "ann", .item = items, .item_count = 1};
    asks(PROTOCOL_HTTP, &put,
        "PUT /v1/cart/items/A%2F1 HTTP/1.1\r\nHost: shop\r\nX-Customer-Id: ann\r\n"
        "X-Role: customer\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"
        "{\"quantity\":2}");
    asks(PROTOCOL_RESP, &put, "*4\r\n$11\r\nHS.CART.SET\r\n$3\r\nann\r\n$3\r\nA/1\r\n$1\r\n2\r\n");
    struct question clear = {.kind = QUESTION_CART_CLEAR, .customer = "ann"};
    asks(PROTOCOL_HTTP, &clear,
        "DELETE /v1/cart HTTP/1.1\r\nHost: shop\r\nX-Customer-Id: ann\r\nX-Role: customer\r\n\r\n");
    asks(PROTOCOL_RESP, &clear, "*2\r\n$13\r\nHS.CART.CLEAR\r\n$3\r\nann\r\n");
    struct question buy = {.kind = QUESTION_CHECKOUT, .customer = "ann", .key = "k"};
    asks(PROTOCOL_HTTP, &buy,
        "POST /v1/checkout HTTP/1.1\r\nHost: shop\r\nX-Customer-Id: ann\r\nX-Role: customer\r\n"
        "Idempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
    asks(PROTOCOL_RESP, &buy, "*3\r\n$11\r\nHS.CHECKOUT\r\n$3\r\nann\r\n$1\r\nk\r\n");
}

static void a_refund_names_its_payment(void **state)
{
    (void)state;
    struct question question = {.kind = QUESTION_PAYMENT,
        .customer = "ann",
        .order_id = "o1",
        .result = "refunded",
        .payment_id = "p1",
        .refund_id = "r1",
        .amount = 510,
        .currency = "GBP"};
    asks(PROTOCOL_HTTP, &question,
        "POST /v1/orders/o1/payment HTTP/1.1\r\nHost: shop\r\nX-Customer-Id: ann\r\n"
        "X-Role: service\r\nContent-Type: application/json\r\nContent-Length: 107\r\n\r\n"
        "{\"result\":\"refunded\",\"provider\":\"loadpay\",\"payment_id\":\"p1\",\"amount\":510,"
        "\"currency\":\"GBP\",\"refund_id\":\"r1\"}");
    asks(PROTOCOL_RESP, &question,
        "*9\r\n$6\r\nHS.PAY\r\n$2\r\no1\r\n$8\r\nrefunded\r\n$7\r\nloadpay\r\n$2\r\np1\r\n"
        "$3\r\n510\r\n$3\r\nGBP\r\n$6\r\nREFUND\r\n$2\r\nr1\r\n");
}

static void what_is_public_names_no_customer(void **state)
{
    (void)state;
    struct question look = {
        .kind = QUESTION_AVAILABILITY, .customer = "ann", .item = items, .item_count = 2};
    asks(PROTOCOL_HTTP, &look,
        "POST /v1/availability HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\n"
        "Content-Length: 20\r\n\r\n{\"skus\":[\"A/1\",\"B\"]}");
    asks(PROTOCOL_RESP, &look, "*3\r\n$8\r\nHS.AVAIL\r\n$3\r\nA/1\r\n$1\r\nB\r\n");
    struct question page = {.kind = QUESTION_PRODUCTS, .customer = "ann", .query = "limit=50"};
    asks(PROTOCOL_HTTP, &page, "GET /v1/products?limit=50 HTTP/1.1\r\nHost: shop\r\n\r\n");
}

static void resp_cannot_ask_for_pages_or_filter(void **state)
{
    (void)state;
    struct question page = {.kind = QUESTION_PRODUCTS, .query = ""};
    struct question filter = {.kind = QUESTION_AVAILABILITY, .only_available = true};
    assert_false(protocol_can_ask(PROTOCOL_RESP, &page));
    assert_false(protocol_can_ask(PROTOCOL_RESP, &filter));
    assert_true(protocol_can_ask(PROTOCOL_HTTP, &page));
    assert_true(protocol_can_ask(PROTOCOL_HTTP, &filter));
}

static void a_question_that_does_not_fit_is_told(void **state)
{
    (void)state;
    char out[64], body[16];
    struct question question = {.kind = QUESTION_AVAILABILITY, .item = items, .item_count = 2};
    struct writer writer = writer_over(out, sizeof out);
    struct writer scratch = writer_over(body, sizeof body);
    struct protocol_door door = {.host = "shop"};
    protocol_write(PROTOCOL_HTTP, &question, &door, &writer, &scratch);
    assert_true(writer.overflowed);
}

/* Reads the answer after every cut of it was found incomplete. */
static const struct facts *told(enum protocol protocol, enum question_kind kind, const char *answer)
{
    static struct facts facts;
    struct protocol_reader reader;
    size_t whole = strlen(answer);
    struct protocol_scan along = {0};
    for (size_t size = 0; size < whole; size++) {
        struct protocol_scan anew = {0};
        assert_int_equal(protocol_scan(protocol, &anew, answer, size), PROTOCOL_INCOMPLETE);
        assert_int_equal(protocol_scan(protocol, &along, answer, size), PROTOCOL_INCOMPLETE);
    }
    assert_int_equal(protocol_scan(protocol, &along, answer, whole), PROTOCOL_WHOLE);
    assert_int_equal(along.size, whole);
    assert_int_equal(protocol_reader_open(&reader, protocol), 0);
    protocol_read(&reader, kind, answer, whole, &facts);
    protocol_reader_close(&reader);
    return &facts;
}

static const struct facts *told_http(
    enum question_kind kind, int status, const char *header, const char *body)
{
    static char answer[2048];
    snprintf(answer, sizeof answer, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n%s\r\n%s", status,
        strlen(body), header, body);
    return told(PROTOCOL_HTTP, kind, answer);
}

static void check_order(const struct facts *facts)
{
    assert_int_equal(facts->class, FACTS_DONE);
    assert_string_equal(facts->order_id, "o1");
    assert_string_equal(facts->order_status, "confirmed");
    assert_string_equal(facts->currency, "GBP");
    assert_int_equal(facts->version, 2);
    assert_int_equal(facts->items_total, 510);
    assert_int_equal(facts->total, 510);
    assert_int_equal(facts->paid, 510);
    assert_int_equal(facts->refund_due, 0);
    assert_int_equal(facts->line_count, 1);
    assert_string_equal(facts->line[0].sku, "A/1");
    assert_int_equal(facts->line[0].quantity, 2);
    assert_int_equal(facts->line[0].unit_price, 255);
    assert_int_equal(facts->line[0].line_total, 510);
    assert_int_equal(facts->line[0].number, 1);
    assert_int_equal(facts->line[0].cancelled, 1);
    assert_string_equal(facts->line[0].seller, "s");
    assert_true(facts->was_confirmed);
}

static const char order_json[] =
    "{\"id\":\"o1\",\"status\":\"confirmed\",\"version\":2,\"currency\":\"GBP\",\"lines\":[{"
    "\"line\":1,"
    "\"sku\":\"A\\/1\",\"seller\":\"s\",\"quantity\":2,\"cancelled\":1,\"unit_price\":255,"
    "\"line_total\":510}],\"items_total\":510,\"total\":510,\"paid\":510,\"refund_due\":0,"
    "\"confirmed_at\":\"2026-11-27T09:00:00.123Z\"}";

#define ORDER_RESP(open, count)                                                                    \
    open "\r\n$2\r\nid\r\n$2\r\no1\r\n$6\r\nstatus\r\n$9\r\nconfirmed\r\n$7\r\nversion\r\n:2\r\n"  \
         "$8\r\ncurrency\r\n$3\r\nGBP\r\n$5\r\nlines\r\n*1\r\n" count "\r\n$4\r\nline\r\n:1\r\n"   \
         "$3\r\nsku\r\n$3\r\nA/1\r\n$6\r\nseller\r\n$1\r\ns\r\n$8\r\nquantity\r\n:2\r\n"           \
         "$9\r\ncancelled\r\n:1\r\n$10\r\nunit_price\r\n:255\r\n"                                  \
         "$10\r\nline_total\r\n:510\r\n$11\r\nitems_total\r\n:510\r\n$5\r\ntotal\r\n:510\r\n"      \
         "$4\r\npaid\r\n:510\r\n$10\r\nrefund_due\r\n:0\r\n$12\r\nconfirmed_at\r\n"                \
         "$24\r\n2026-11-27T09:00:00.123Z\r\n"

static void an_order_is_the_same_in_both_protocols(void **state)
{
    (void)state;
    const struct facts *facts =
        told_http(QUESTION_CHECKOUT, 201, "Idempotency-Replayed: true\r\n", order_json);
    check_order(facts);
    assert_true(facts->replayed);
    facts = told_http(QUESTION_ORDER, 200, "", order_json);
    check_order(facts);
    assert_false(facts->replayed);
    check_order(told(PROTOCOL_RESP, QUESTION_CHECKOUT, ORDER_RESP("*20", "*14")));
    check_order(told(PROTOCOL_RESP, QUESTION_CANCEL, ORDER_RESP("%10", "%7")));
}

static void an_answer_without_what_it_must_tell_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(told_http(QUESTION_CHECKOUT, 200, "", order_json)->class, FACTS_WRONG);
    assert_int_equal(told_http(QUESTION_ORDER, 201, "", order_json)->class, FACTS_WRONG);
    assert_int_equal(told_http(QUESTION_ORDER, 200, "", "{\"id\":\"o1\"}")->class, FACTS_WRONG);
    assert_int_equal(told_http(QUESTION_ORDER, 200, "", "no JSON")->class, FACTS_WRONG);
    assert_int_equal(told_http(QUESTION_ORDER, 500, "", "{}")->class, FACTS_WRONG);
    assert_int_equal(told_http(QUESTION_AVAILABILITY, 200, "", "{}")->class, FACTS_WRONG);
    assert_int_equal(
        told_http(QUESTION_AVAILABILITY, 200, "", "{\"items\":[{\"sku\":\"A\"}]}")->class,
        FACTS_WRONG);
    static const char *const wrong[] = {"+OK\r\n", "*2\r\n$2\r\nid\r\n$2\r\no1\r\n", ":1\r\n",
        "-ERR unknown command\r\n", "-NOAUTH Authentication required.\r\n", "-\r\n", "*0\r\n"};
    for (size_t at = 0; at < sizeof wrong / sizeof wrong[0]; at++)
        assert_int_equal(told(PROTOCOL_RESP, QUESTION_ORDER, wrong[at])->class, FACTS_WRONG);
    assert_int_equal(told(PROTOCOL_RESP, QUESTION_CART_CLEAR, "*0\r\n")->class, FACTS_WRONG);
    assert_int_equal(told(PROTOCOL_RESP, QUESTION_CART_PUT, "+OK\r\n")->class, FACTS_WRONG);
}

static void check_refusal(const struct facts *facts)
{
    assert_int_equal(facts->class, FACTS_REFUSED);
    assert_string_equal(facts->code, "lines_refused");
    assert_int_equal(facts->line_count, 2);
    assert_string_equal(facts->line[0].sku, "A:1");
    assert_string_equal(facts->line[0].code, "sold_out");
    assert_int_equal(facts->line[0].available, 0);
    assert_string_equal(facts->line[1].sku, "B=2");
    assert_string_equal(facts->line[1].code, "insufficient");
    assert_int_equal(facts->line[1].available, 3);
}

static void refused_lines_are_the_same_in_both_protocols(void **state)
{
    (void)state;
    check_refusal(told_http(QUESTION_CHECKOUT, 409, "",
        "{\"code\":\"lines_refused\",\"lines\":[{\"sku\":\"A:1\",\"code\":\"sold_out\","
        "\"available\":0},{\"sku\":\"B=2\",\"code\":\"insufficient\",\"available\":3}]}"));
    check_refusal(told(PROTOCOL_RESP, QUESTION_CHECKOUT,
        "-LINES A:1:sold_out:0 B=2:insufficient:3 order_id=o1\r\n"));
}

static void a_refusal_has_the_code_of_http(void **state)
{
    (void)state;
    static const struct {
        const char *reply, *code;
        enum facts_class class;
        int status;
    } row[] = {
        {"-SOLDOUT A:sold_out:0\r\n", "sold_out", FACTS_REFUSED, 409},
        {"-LIMIT A:limit_exceeded: bound=max_per_customer value=2\r\n", "limit_exceeded",
            FACTS_REFUSED, 409},
        {"-LIMIT quantity_too_large at most 1000000\r\n", "quantity_too_large", FACTS_REFUSED, 422},
        {"-UNKNOWNSKU A:unknown_sku:\r\n", "unknown_sku", FACTS_REFUSED, 422},
        {"-EMPTY cart_empty\r\n", "cart_empty", FACTS_REFUSED, 409},
        {"-STATE invalid_transition order_id=o1 order_status=confirmed\r\n", "invalid_transition",
            FACTS_REFUSED, 409},
        {"-ENDED A:sale_ended:4\r\n", "sale_ended", FACTS_REFUSED, 410},
        {"-IDEMREUSED idempotency_key_reused\r\n", "idempotency_key_reused", FACTS_REFUSED, 422},
        {"-PAUSED A:paused:4\r\n", "paused", FACTS_NOT_NOW, 503},
        {"-FULL journal_full\r\n", "journal_full", FACTS_NOT_NOW, 503},
        {"-LOADING The server is reading its journal.\r\n", "recovering", FACTS_NOT_NOW, 503},
        {"-OVERLOADED overloaded More is asked for.\r\n", "overloaded", FACTS_NOT_NOW, 503},
        {"-ERR max number of clients reached\r\n", "max_clients", FACTS_NOT_NOW, 503},
        {"-ERR not_found\r\n", "not_found", FACTS_NOT_THERE, 404},
    };
    for (size_t at = 0; at < sizeof row / sizeof row[0]; at++) {
        const struct facts *facts = told(PROTOCOL_RESP, QUESTION_CHECKOUT, row[at].reply);
        assert_string_equal(facts->code, row[at].code);
        assert_int_equal(facts->class, row[at].class);
        assert_int_equal(facts->status, row[at].status);
        assert_int_equal(facts->retry_after_ms, -1);
    }
    assert_int_equal(told(PROTOCOL_RESP, QUESTION_ORDER, "$-1\r\n")->class, FACTS_NOT_THERE);
    assert_int_equal(told(PROTOCOL_RESP, QUESTION_ORDER, "_\r\n")->class, FACTS_NOT_THERE);
    assert_int_equal(
        told(PROTOCOL_RESP, QUESTION_CHECKOUT, "-LINES A:sold_out:x\r\n")->class, FACTS_WRONG);
    assert_int_equal(
        told(PROTOCOL_RESP, QUESTION_CHECKOUT, "-LINES A:sold_out:1 what\r\n")->class, FACTS_WRONG);
}

static void not_now_tells_when(void **state)
{
    (void)state;
    const struct facts *facts = told_http(QUESTION_CHECKOUT, 503, "Retry-After: 2\r\n",
        "{\"code\":\"paused\",\"retry_after_ms\":1500}");
    assert_int_equal(facts->class, FACTS_NOT_NOW);
    assert_string_equal(facts->code, "paused");
    assert_int_equal(facts->retry_after_ms, 1500);
    facts = told_http(QUESTION_CHECKOUT, 429, "Retry-After: 2\r\n", "");
    assert_int_equal(facts->class, FACTS_NOT_NOW);
    assert_string_equal(facts->code, "");
    assert_int_equal(facts->retry_after_ms, 2000);
}

static void availability_is_the_same_in_both_protocols(void **state)
{
    (void)state;
    const struct facts *facts = told_http(QUESTION_AVAILABILITY, 200, "",
        "{\"as_of\":\"x\",\"items\":[{\"sku\":\"A\",\"status\":\"available\",\"available\":7},"
        "{\"sku\":\"B\",\"status\":\"unknown\",\"available\":null}]}");
    for (uint32_t round = 0; round < 2; round++) {
        assert_int_equal(facts->class, FACTS_DONE);
        assert_int_equal(facts->line_count, 2);
        assert_string_equal(facts->line[0].sku, "A");
        assert_int_equal(facts->line[0].available, 7);
        assert_string_equal(facts->line[1].code, "unknown");
        assert_int_equal(facts->line[1].available, -1);
        facts = told(PROTOCOL_RESP, QUESTION_AVAILABILITY,
            "*2\r\n*6\r\n$3\r\nsku\r\n$1\r\nA\r\n$6\r\nstatus\r\n$9\r\navailable\r\n"
            "$9\r\navailable\r\n:7\r\n%3\r\n$3\r\nsku\r\n$1\r\nB\r\n$6\r\nstatus\r\n$"
            "7\r\nunknown\r\n"
            "$9\r\navailable\r\n$-1\r\n");
    }
}

static void a_page_of_products_tells_prices_and_its_cursor(void **state)
{
    (void)state;
    const struct facts *facts = told_http(QUESTION_PRODUCTS, 200, "",
        "{\"items\":[{\"sku\":\"A\",\"status\":\"available\",\"available\":7,\"price\":255}],"
        "\"next_cursor\":\"c1\"}");
    assert_int_equal(facts->class, FACTS_DONE);
    assert_int_equal(facts->line[0].unit_price, 255);
    assert_string_equal(facts->next_cursor, "c1");
    facts = told_http(QUESTION_PRODUCTS, 200, "", "{\"items\":[],\"next_cursor\":null}");
    assert_int_equal(facts->class, FACTS_DONE);
    assert_int_equal(facts->line_count, 0);
    assert_string_equal(facts->next_cursor, "");
}

static void the_server_may_close(void **state)
{
    (void)state;
    static const char answer[] = "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n";
    static struct facts facts;
    struct protocol_reader reader;
    assert_int_equal(protocol_reader_open(&reader, PROTOCOL_HTTP), 0);
    assert_true(protocol_read(&reader, QUESTION_CART_CLEAR, answer, sizeof answer - 1, &facts));
    assert_int_equal(facts.class, FACTS_DONE);
    protocol_reader_close(&reader);
}

/* Each byte in turn becomes another: whatever that makes of the answer, pieces and the whole are
 * judged alike, and what is whole is read to an end. */
static void check_changed(enum protocol protocol, enum question_kind kind, const char *answer)
{
    static struct facts facts;
    static const char bytes[] = "\0\n\r -0:9$*%{}\"\\z\xff";
    struct protocol_reader reader;
    char changed[1024];
    size_t size = strlen(answer);
    assert_true(size < sizeof changed);
    assert_int_equal(protocol_reader_open(&reader, protocol), 0);
    for (size_t at = 0; at < size; at++) {
        for (size_t byte = 0; byte < sizeof bytes - 1; byte++) {
            struct protocol_scan along = {0}, anew = {0};
            enum protocol_progress progress = PROTOCOL_INCOMPLETE;
            memcpy(changed, answer, size);
            changed[at] = bytes[byte];
            for (size_t has = 1; has <= size && progress == PROTOCOL_INCOMPLETE; has++)
                progress = protocol_scan(protocol, &along, changed, has);
            if (progress != PROTOCOL_WHOLE)
                continue;
            assert_true(along.size <= size);
            assert_int_equal(protocol_scan(protocol, &anew, changed, along.size), PROTOCOL_WHOLE);
            assert_int_equal(anew.size, along.size);
            protocol_read(&reader, kind, changed, along.size, &facts);
            assert_true(facts.line_count <= FACTS_LINES_MAX);
            assert_true((facts.class == FACTS_WRONG) == (facts.wrong != NULL));
        }
    }
    protocol_reader_close(&reader);
}

static void a_changed_byte_is_judged_alike_in_pieces_and_whole(void **state)
{
    (void)state;
    char http[1024];
    snprintf(http, sizeof http, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s",
        sizeof order_json - 1, order_json);
    check_changed(PROTOCOL_HTTP, QUESTION_ORDER, http);
    check_changed(PROTOCOL_RESP, QUESTION_ORDER, ORDER_RESP("*16", "*10"));
    check_changed(PROTOCOL_RESP, QUESTION_CHECKOUT, "-LINES A:sold_out:0 B:insufficient:3 a=b\r\n");
    check_changed(PROTOCOL_RESP, QUESTION_AVAILABILITY,
        "*1\r\n%3\r\n$3\r\nsku\r\n$1\r\nB\r\n$6\r\nstatus\r\n$2\r\nok\r\n"
        "$9\r\navailable\r\n_\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_shown_by_a_back_end_that_acts_for_the_customer),
        cmocka_unit_test(a_checkout_is_written_in_both_protocols),
        cmocka_unit_test(a_cart_is_put_emptied_and_bought),
        cmocka_unit_test(a_refund_names_its_payment),
        cmocka_unit_test(what_is_public_names_no_customer),
        cmocka_unit_test(resp_cannot_ask_for_pages_or_filter),
        cmocka_unit_test(a_question_that_does_not_fit_is_told),
        cmocka_unit_test(an_order_is_the_same_in_both_protocols),
        cmocka_unit_test(an_answer_without_what_it_must_tell_is_wrong),
        cmocka_unit_test(refused_lines_are_the_same_in_both_protocols),
        cmocka_unit_test(a_refusal_has_the_code_of_http),
        cmocka_unit_test(not_now_tells_when),
        cmocka_unit_test(availability_is_the_same_in_both_protocols),
        cmocka_unit_test(a_page_of_products_tells_prices_and_its_cursor),
        cmocka_unit_test(the_server_may_close),
        cmocka_unit_test(a_changed_byte_is_judged_alike_in_pieces_and_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
