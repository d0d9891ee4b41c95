# SPDX-License-Identifier: Apache-2.0
"""Bodies that cannot be meant: refused with what and where, and nothing changes."""

import pytest


@pytest.fixture(scope="module")
def server(new_shared_server):
    server = new_shared_server(shards=2).start()
    server.sell(S1=5)
    server.shopper("keeper").put("S1", 3)
    return server


@pytest.fixture(autouse=True)
def nothing_changes(server):
    """V5."""
    before = (server.stock("S1"), server.shopper("keeper").cart().json["version"])
    yield
    assert (server.stock("S1"), server.shopper("keeper").cart().json["version"]) == before


def checkout(server, text):
    if isinstance(text, str):
        text = text.encode()
    return server.client().post("/v1/checkout", text, headers={
        "X-Customer-Id": "keeper", "Idempotency-Key": "k", "Content-Type": "application/json"})


NO_JSON = {
    "empty": "", "word": "nonsense", "open_object": '{"items":[', "open_string": '{"a',
    "single_quotes": "{'items':[]}", "trailing_comma": '{"items":[{"sku":"S1","quantity":1},]}',
    "two_values": '{} {}', "bare_key": "{items:[]}", "comment": "{} // no",
    "missing_colon": '{"items" []}', "nul": '{"items":\0[]}',
    "leading_zero": '{"expected_total":01}',
    "plus": '{"expected_total":+1}', "nan": '{"expected_total":NaN}',
    "bad_utf8": b'{"currency":"\xff\xfe"}', "overlong_utf8": b'{"currency":"\xc0\xaf"}',
    "lone_surrogate": '{"currency":"\\ud800"}', "bad_escape": '{"currency":"\\x41"}',
    "raw_newline_in_string": '{"currency":"G\nP"}', "byte_order_mark": b"\xef\xbb\xbf{}",
    "deep": '{"items":' + "[" * 2000 + "]" * 2000 + "}",
}


@pytest.mark.parametrize("name", NO_JSON)
def test_what_is_no_json_is_malformed(server, name):
    reply = checkout(server, NO_JSON[name])
    assert (reply.status, reply.code) == (400, "malformed"), reply
    assert reply.json["detail"]


NOT_MEANT = {
    "an_array": "[]", "a_number": "7", "null": "null",
    "unknown_member": '{"itemz":[{"sku":"S1","quantity":1}]}',
    "unknown_inner_member": '{"items":[{"sku":"S1","quantity":1,"colour":"red"}]}',
    "items_no_array": '{"items":{"sku":"S1","quantity":1}}',
    "item_no_object": '{"items":["S1"]}', "no_items": '{"items":[]}',
    "no_sku": '{"items":[{"quantity":1}]}', "no_quantity": '{"items":[{"sku":"S1"}]}',
    "sku_a_number": '{"items":[{"sku":1,"quantity":1}]}',
    "sku_empty": '{"items":[{"sku":"","quantity":1}]}',
    "sku_with_space": '{"items":[{"sku":"S 1","quantity":1}]}',
    "sku_too_long": '{"items":[{"sku":"%s","quantity":1}]}' % ("S" * 64),
    "total_a_string": '{"expected_total":"100"}', "total_a_fraction": '{"expected_total":1.5}',
    "total_with_exponent": '{"expected_total":1e2}',
    "total_beyond_64_bits": '{"expected_total":99999999999999999999}',
    "currency_too_long": '{"currency":"POUND"}', "currency_a_number": '{"currency":1}',
    "references_too_many": '{"references":{%s}}' % ",".join(f'"a_{x}":"b"' for x in "abcdefghi"),
    "reference_name_upper": '{"references":{"Channel":"b"}}',
    "reference_too_long": '{"references":{"channel":"%s"}}' % ("b" * 128),
    "reference_a_number": '{"references":{"channel":1}}',
}


@pytest.mark.parametrize("name", NOT_MEANT)
def test_what_cannot_be_meant_is_invalid(server, name):
    reply = checkout(server, NOT_MEANT[name])
    assert reply.status == 422, reply
    assert reply.code in ("invalid", "unknown_sku", "currency_mismatch"), reply


QUANTITIES = {"zero": "0", "negative": "-1", "fraction": "1.5", "whole_fraction": "1.0",
              "exponent": "1e0", "string": '"1"', "null": "null", "true": "true",
              "above_the_bound": "1000001",
              "2_to_the_31": "2147483648", "2_to_the_32": "4294967297",
              "2_to_the_63": "9223372036854775808", "2_to_the_64": "18446744073709551617",
              "endless": "9" * 400}


@pytest.mark.parametrize("name", QUANTITIES)
def test_an_impossible_quantity_is_refused_at_checkout(server, name):
    """M2, C3."""
    reply = checkout(server, '{"items":[{"sku":"S1","quantity":%s}]}' % QUANTITIES[name])
    assert reply.status == 422, reply
    assert reply.code in ("invalid", "quantity_too_large")
    assert "quantity" in reply.body.decode()


@pytest.mark.parametrize("name", [name for name in QUANTITIES if name != "zero"])
def test_an_impossible_quantity_is_refused_in_a_cart(server, name):
    """M2, C3."""
    reply = server.client().put("/v1/cart/items/S1", '{"quantity":%s}' % QUANTITIES[name], headers={
        "X-Customer-Id": "keeper", "Content-Type": "application/json"})
    assert reply.status == 422, reply
    assert reply.code in ("invalid", "quantity_too_large")


def test_all_that_is_wrong_is_told_at_once(server):
    reply = checkout(
        server, '{"items":[{"sku":"S1","quantity":0},{"sku":"S1","quantity":-1}],"x":1}')
    assert (reply.status, reply.code) == (422, "invalid")
    assert len(reply.json["errors"]) >= 2


def test_a_total_that_overflows_is_refused(server, new_server):
    """M2."""
    server = new_server().start()
    server.sell_rows([{"sku": "DEAR", "price": "90000000000000.00", "stock": 1000000}])
    reply = server.shopper("rich").checkout({"DEAR": 1000000})
    assert (reply.status, reply.code) == (422, "invalid")
    assert server.stock("DEAR")["held"] == 0


def test_a_key_named_twice_is_not_guessed_at(server):
    reply = checkout(server, '{"items":[{"sku":"S1","quantity":1,"quantity":2}]}')
    assert reply.status in (400, 422), reply
