# SPDX-License-Identifier: Apache-2.0
"""Products and availability over the storefront listener."""

import concurrent.futures
import datetime
import json
import re
import signal

import pytest

from tests.lib.client import Wire

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2).start()


def test_a_product_is_shown_as_it_was_imported(server, sku):
    """M1: amounts are integers in minor units, the currency stands beside them once."""
    server.sell_rows([{"sku": sku, "title": '"A ""large"", red thing"', "category": "toys",
                       "seller": "seller-7", "price": "12.99", "stock": 3}])
    reply = server.client().get(f"/v1/products/{sku}")
    assert reply.status == 200
    product = reply.json
    assert product["sku"] == sku
    assert product["title"] == 'A "large", red thing'
    assert (product["category"], product["seller"]) == ("toys", "seller-7")
    assert (product["price"], product["currency"]) == (1299, "GBP")
    assert (product["status"], product["available"]) == ("available", 3)
    assert reply.headers["content-type"].startswith("application/json")


def test_a_currency_without_minor_units_has_none(server, sku):
    """M1: the exponent comes from a table: 1800 JPY is 1800."""
    server.sell_rows([{"sku": sku, "price": "1800", "currency": "JPY"}])
    product = server.client().get(f"/v1/products/{sku}").json
    assert (product["price"], product["currency"]) == (1800, "JPY")


def test_a_title_keeps_its_utf_8(server, sku):
    server.sell_rows([{"sku": sku, "title": "Crème brûlée – 日本 🎁"}])
    assert server.client().get(f"/v1/products/{sku}").json["title"] == "Crème brûlée – 日本 🎁"


def test_a_sku_with_reserved_characters_is_found_percent_encoded(server):
    server.sell_rows([{"sku": "A@B:C+100%25"}])
    reply = server.client().get("/v1/products/A%40B%3AC%2B100%2525")
    assert reply.status == 200
    assert reply.json["sku"] == "A@B:C+100%25"


def test_an_unknown_product_is_not_found(server):
    reply = server.client().get("/v1/products/NOBODY-SELLS-THIS")
    assert (reply.status, reply.code) == (404, "not_found")


def test_a_product_unchanged_since_is_not_sent_again(server, sku):
    server.sell(**{sku: 3})
    client = server.client()
    tag = client.get(f"/v1/products/{sku}").headers["etag"]
    same = client.get(f"/v1/products/{sku}", headers={"If-None-Match": tag})
    assert (same.status, same.body) == (304, b"")
    assert server.shopper("etag").checkout({sku: 1}).status == 201
    assert client.get(f"/v1/products/{sku}", headers={"If-None-Match": tag}).status == 200


def every_page(client, query):
    items, cursor, pages = [], "", 0
    while True:
        reply = client.get(f"/v1/products?{query}" + (f"&cursor={cursor}" if cursor else ""))
        assert reply.status == 200, reply
        items += reply.json["items"]
        cursor = reply.json["next_cursor"]
        pages += 1
        assert pages < 1000
        if not cursor:
            return items, pages


def test_every_product_is_listed_once_over_the_pages(server):
    names = {f"PAGE-{number:03}" for number in range(45)}
    server.sell_rows([{"sku": name, "category": "paged"} for name in names])
    items, pages = every_page(server.client(), "category=paged&limit=10")
    assert sorted(item["sku"] for item in items) == sorted(names)
    assert pages >= 5


def test_products_are_found_by_seller(server, sku):
    server.sell_rows([{"sku": sku, "seller": "only-me"}])
    items, _ = every_page(server.client(), "seller=only-me")
    assert [item["sku"] for item in items] == [sku]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "limit=-1", "colour=red"])
def test_a_query_that_makes_no_sense_is_refused(server, query):
    reply = server.client().get("/v1/products?" + query)
    assert (reply.status, reply.code) == (422, "invalid")


def test_availability_answers_one_entry_for_each_sku_asked_in_order(server, sku, sku2):
    """A3: an unknown SKU is marked, the call does not fail."""
    server.sell(**{sku: 5, sku2: 7})
    items = server.availability(sku2, "UNKNOWN", sku, sku2)
    assert [item["sku"] for item in items] == [sku2, "UNKNOWN", sku, sku2]
    assert [item["status"] for item in items] == ["available", "unknown", "available", "available"]
    assert [item.get("available") for item in items if item["sku"] != "UNKNOWN"] == [7, 5, 7]


def test_availability_says_of_when_it_speaks(server, sku):
    """A2."""
    server.sell(**{sku: 1})
    reply = server.client().get(f"/v1/availability?skus={sku}")
    assert TIME.fullmatch(reply.json["as_of"])
    as_of = datetime.datetime.fromisoformat(reply.json["as_of"].replace("Z", "+00:00"))
    age = datetime.datetime.now(datetime.timezone.utc) - as_of
    assert abs(age.total_seconds()) < 60


def test_a_batch_can_ask_for_the_purchasable_only(server, sku, sku2):
    """A3: only_available is the filter for a page of search results."""
    server.sell(**{sku: 1, sku2: 5})
    assert server.service("filter").checkout({sku: 1}, payment={"mode": "deferred"}).status == 201
    ask = {"skus": [sku, sku2, "UNKNOWN"]}
    everything = server.client().post("/v1/availability", ask).json["items"]
    assert [item["status"] for item in everything] == ["sold_out", "available", "unknown"]
    some = server.client().post("/v1/availability", {**ask, "only_available": True})
    assert [item["sku"] for item in some.json["items"]] == [sku2]
    again = server.client().post("/v1/availability", {**ask, "only_available": True},
                                 headers={"If-None-Match": some.headers["etag"]})
    assert (again.status, again.json["items"]) == (200, some.json["items"])  # no GET


def test_a_small_sale_in_a_large_catalog_is_one_page(new_server):
    """A3: what is in it may lie anywhere, and a client of one sale knows of no pages."""
    server = new_server(settings={"capacity.skus": 8192}).start()
    server.sell_rows([{"sku": f"F{number}"} for number in range(5000)])
    inside = {"sale": "drop", "group": "shirt-of-the-drop"}
    server.sell_rows([{"sku": "L1", **inside}, {"sku": "L2", **inside},
                      {"sku": "L3", "sale": "drop2", "group": "shirt-of-another"}])
    for query in ("sale=drop", "group=shirt-of-the-drop"):
        for path in ("/v1/availability", "/v1/products"):
            page = server.client().get(f"{path}?{query}").json
            assert [item["sku"] for item in page["items"]] == ["L1", "L2"]
            assert page["next_cursor"] is None
    assert server.client().get("/v1/availability?group=" + "x" * 300).json["items"] == []


def test_a_batch_is_bounded(server):
    asked = ["X"] * 501
    assert server.client().post("/v1/availability", {"skus": asked[:500]}).status == 200
    assert server.client().post("/v1/availability", {"skus": asked}).status == 422


def test_a_crowd_that_asks_for_large_batches_waits_and_is_answered(server):
    """More large replies at once than there is room for: the rest waits, nobody is refused."""
    crowd, pipelined = 100, 4
    body = json.dumps({"skus": [f"U{number}" for number in range(500)]}).encode()
    ask = (b"POST /v1/availability HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
           b"Content-Length: %d\r\n\r\n" % len(body)) + body
    wires = [Wire(server.http_port) for _ in range(crowd)]
    try:
        server.process.send_signal(signal.SIGSTOP)  # so that it meets all of them in one tick
        try:
            for wire in wires:
                wire.send(ask * pipelined)
        finally:
            server.process.send_signal(signal.SIGCONT)
        with concurrent.futures.ThreadPoolExecutor(crowd) as readers:
            replies = readers.map(lambda wire: [wire.read_reply() for _ in range(pipelined)], wires)
            for reply in (reply for of_one in replies for reply in of_one):
                assert reply.status == 200, reply
                assert len(reply.json["items"]) == 500
    finally:
        for wire in wires:
            wire.close()


def test_held_and_sold_are_told_apart(server, sku):
    """A4: held_by_others may come back, sold_out is final. A1: a reply after a sale shows it."""
    server.sell_rows([{"sku": sku, "stock": 1, "reserve_on": "cart"}])
    holder = server.service("holder-" + sku)
    assert holder.put(sku, 1).status == 200
    assert server.availability(sku)[0]["status"] == "held_by_others"
    assert holder.checkout(payment={"mode": "deferred"}).status == 201
    item = server.availability(sku)[0]
    assert (item["status"], item["available"]) == ("sold_out", 0)


def test_the_next_release_is_hinted_while_units_are_held(server, sku):
    """A4: next_release_at where it is known."""
    server.sell_rows([{"sku": sku, "stock": 1, "reserve_on": "cart"}])
    held = server.shopper("hint-" + sku).put(sku, 1).json
    hint = server.availability(sku)[0]["next_release_at"]
    assert TIME.fullmatch(hint)
    assert hint[:16] <= held["lines"][0]["reservation"]["expires_at"][:16]


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/openapi.json"])
def test_public_pages_need_no_identity(server, path):
    assert server.client().get(path).status == 200


def test_nothing_public_may_be_cached_without_asking(server, sku):
    server.sell(**{sku: 1})
    headers = server.client().get(f"/v1/availability?skus={sku}").headers
    assert headers["cache-control"] == "no-cache"
