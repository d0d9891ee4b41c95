# SPDX-License-Identifier: Apache-2.0
"""Checkout: all lines or none, durable before the reply, one cart one order."""

import re
import threading

import pytest

ORDER_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
DEFERRED = {"payment": {"mode": "deferred"}}


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2, settings={"limits.lines_per_order": 6}).start()


@pytest.fixture
def ann(server, name):
    return server.shopper(name)


def test_an_external_checkout_holds_the_units_for_its_payment(server, ann, sku):
    """P1, K5, O4: born pending_payment, with a UUIDv7 and a place to read it."""
    server.sell_rows([{"sku": sku, "price": "2.50", "seller": "seller-9", "stock": 5}])
    reply = ann.checkout({sku: 2})
    assert reply.status == 201
    order = reply.json
    assert ORDER_ID.fullmatch(order["id"])
    assert reply.headers["location"] == f"/v1/orders/{order['id']}"
    assert (order["status"], order["customer"]) == ("pending_payment", ann.name)
    assert (order["items_total"], order["total"], order["currency"]) == (500, 500, "GBP")
    assert order["payment_due_at"].endswith("Z")
    assert order["confirmed_at"] is None
    (line,) = order["lines"]
    assert (line["sku"], line["seller"], line["quantity"]) == (sku, "seller-9", 2)
    assert (line["unit_price"], line["line_total"], line["cancelled"]) == (250, 500, 0)
    assert server.stock(sku) == {"allotment": 5, "available": 3, "held": 2, "sold": 0}


def test_a_deferred_checkout_is_confirmed_at_once(server, sku, name):
    """P1: only role service may name the mode."""
    server.sell(**{sku: 5})
    order = server.service(name).checkout({sku: 2}, **DEFERRED).json
    assert order["status"] == "confirmed"
    assert order["confirmed_at"].endswith("Z")
    assert server.stock(sku) == {"allotment": 5, "available": 3, "held": 0, "sold": 2}


def test_a_customer_may_not_name_the_payment_mode(server, ann, sku):
    """P1, V5."""
    server.sell(**{sku: 5})
    refused = ann.checkout({sku: 2}, **DEFERRED)
    assert (refused.status, refused.code) == (403, "forbidden")
    assert server.stock(sku)["available"] == 5


def test_an_order_reads_as_it_was_answered(server, ann, sku):
    """K5: whatever a reply tells is durable, and told again."""
    server.sell(**{sku: 5})
    born = ann.checkout({sku: 2}).json
    read = ann.order(born["id"])
    assert (read.status, read.json) == (200, born)
    assert read.headers["cache-control"] == "private, no-store"


def test_an_order_of_somebody_else_does_not_exist(server, ann, sku, name):
    """O4: knowing an id is no permission; unknown and not yours are the same body."""
    server.sell(**{sku: 5})
    order = ann.checkout({sku: 1}).json
    other = server.shopper("other-" + name)
    foreign = other.order(order["id"])
    unknown = other.order("01890a5d-ac96-774b-bcce-b302099a8057")
    assert (foreign.status, unknown.status) == (404, 404)
    told = [{**reply.json, "request_id": ""} for reply in (foreign, unknown)]
    assert told[0] == told[1]
    assert other.order("not-an-id").status == 404
    assert other.cancel(order["id"]).status == 404


def test_the_orders_of_a_customer_are_listed(server, ann, sku):
    server.sell(**{sku: 5})
    ids = [ann.checkout({sku: 1}).json["id"] for _ in range(3)]
    listed = ann.orders().json
    assert sorted(item["id"] for item in listed["items"]) == sorted(ids)
    assert all("lines" not in item for item in listed["items"])


def test_a_cart_becomes_one_order(server, ann, sku, sku2):
    """K6: again with another key is 409 cart_empty, which names the order it became."""
    server.sell(**{sku: 5, sku2: 5})
    ann.put(sku, 2)
    ann.put(sku2, 1)
    order = ann.checkout()
    assert order.status == 201
    assert sorted((line["sku"], line["quantity"]) for line in order.json["lines"]) == \
        sorted([(sku, 2), (sku2, 1)])
    assert ann.cart().json["lines"] == []
    again = ann.checkout()
    assert (again.status, again.code) == (409, "cart_empty")
    assert again.json["order_id"] == order.json["id"]


def test_an_empty_cart_cannot_be_bought(ann):
    refused = ann.checkout()
    assert (refused.status, refused.code) == (409, "cart_empty")


def test_a_held_cart_is_bought_with_its_own_units(server, ann, sku):
    """A6: one's own held units count as available to oneself."""
    server.sell_rows([{"sku": sku, "stock": 2, "reserve_on": "cart"}])
    ann.put(sku, 2)
    assert ann.checkout().status == 201
    assert server.stock(sku) == {"allotment": 2, "available": 0, "held": 2, "sold": 0}


def test_a_basket_is_sold_whole_or_not_at_all(server, ann, sku, sku2):
    """K1, V5: the line that could be had is not taken."""
    server.sell(**{sku: 5, sku2: 1})
    refused = ann.checkout({sku: 2, sku2: 2})
    assert (refused.status, refused.code) == (409, "insufficient")
    assert [(line["sku"], line["code"], line["available"]) for line in refused.json["lines"]] == \
        [(sku2, "insufficient", 1)]
    assert server.stock(sku) == {"allotment": 5, "available": 5, "held": 0, "sold": 0}
    assert server.stock(sku2) == {"allotment": 1, "available": 1, "held": 0, "sold": 0}


def test_a_refusal_lists_every_line_that_fails(server, ann, sku, sku2):
    """K2: different reasons are lines_refused."""
    server.sell(**{sku: 1, sku2: 1})
    assert server.service("first-" + sku).checkout({sku: 1}, **DEFERRED).status == 201
    assert server.shopper("second-" + sku).checkout({sku2: 1}).status == 201
    refused = ann.checkout({sku: 1, sku2: 1})
    assert (refused.status, refused.code) == (409, "lines_refused")
    assert {line["sku"]: line["code"] for line in refused.json["lines"]} == \
        {sku: "sold_out", sku2: "held_by_others"}


def test_lines_of_one_sku_are_summed_before_they_are_checked(server, ann, sku):
    """V6."""
    server.sell(**{sku: 3})
    items = [{"sku": sku, "quantity": 2}] * 2
    refused = ann.call("POST", "/v1/checkout", {"items": items}, key="k")
    assert (refused.status, refused.code) == (409, "insufficient")
    assert server.stock(sku)["available"] == 3


def test_an_unknown_sku_in_a_basket_is_named(server, ann, sku):
    """K2: 422 unknown_sku in a body; the rest of the basket is not touched."""
    server.sell(**{sku: 3})
    refused = ann.checkout({sku: 1, "NOBODY-SELLS-THIS": 1})
    assert (refused.status, refused.code) == (422, "unknown_sku")
    assert "NOBODY-SELLS-THIS" in refused.body.decode()
    assert server.stock(sku)["available"] == 3


def test_the_lines_of_an_order_are_bounded(server, ann):
    """C3."""
    names = [f"ORDER-BOUND-{number}" for number in range(7)]
    server.sell(**{name: 5 for name in names})
    refused = ann.checkout({name: 1 for name in names})
    assert (refused.status, refused.code) == (422, "too_many_lines")
    assert ann.checkout({name: 1 for name in names[:6]}).status == 201


def test_one_order_has_one_currency(server, ann, sku, sku2):
    """C1."""
    server.sell_rows([{"sku": sku}, {"sku": sku2, "currency": "EUR"}])
    refused = ann.checkout({sku: 1, sku2: 1})
    assert (refused.status, refused.code) == (422, "currency_mismatch")


def test_of_two_equal_baskets_one_wins(server, sku, sku2):
    """K1: lines are claimed in one fixed order, so not both lose; V3: and not both win."""
    for turn in range(20):
        one, two = f"{sku}-{turn}", f"{sku2}-{turn}"
        server.sell(**{one: 1, two: 1})
        statuses = []

        def buy(buyer, basket):
            statuses.append(server.shopper(buyer).checkout(basket).status)

        buyers = [threading.Thread(target=buy, args=(f"a-{one}", {one: 1, two: 1})),
                  threading.Thread(target=buy, args=(f"b-{one}", {two: 1, one: 1}))]
        for buyer in buyers:
            buyer.start()
        for buyer in buyers:
            buyer.join()
        assert sorted(statuses) == [201, 409]


def test_the_open_orders_of_a_customer_are_bounded(server, ann, sku):
    server.sell(**{sku: 50})
    for _ in range(8):
        assert ann.checkout({sku: 1}).status == 201
    refused = ann.checkout({sku: 1})
    assert refused.status == 409, refused
    assert server.stock(sku)["held"] == 8


def test_references_are_kept_with_the_order(server, ann, sku):
    server.sell(**{sku: 5})
    references = {"channel": "web", "session": "a-b-c"}
    order = ann.checkout({sku: 1}, references=references).json
    assert order["references"] == references
    assert ann.order(order["id"]).json["references"] == references


@pytest.mark.parametrize("extra", [{"references": {"note": "4111111111111111"}},
                                   {"payment": {"token": "4111111111111111"}}])
def test_a_card_number_is_refused_wherever_it_hides(server, ann, sku, extra):
    server.sell(**{sku: 5})
    refused = ann.checkout({sku: 1}, **extra)
    assert (refused.status, refused.code) == (422, "card_number_refused")
    assert server.stock(sku)["available"] == 5
