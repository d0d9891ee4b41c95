# SPDX-License-Identifier: Apache-2.0
"""Carts, with stock taken at the cart and at checkout."""

import threading

import pytest

from tests.lib.server import eventually


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2, settings={
        "reservations.reserve_on": "cart", "limits.lines_per_cart": 4,
        "limits.units_per_line": 100}).start()


@pytest.fixture
def ann(server, name):
    return server.shopper(name)


@pytest.fixture
def bob(server, name):
    return server.shopper("bob-" + name)


def line(reply, number=0):
    assert reply.status == 200, reply
    return reply.json["lines"][number]


def test_a_put_holds_the_units(server, ann, sku):
    """V2, L10: the reply carries the deadline, the frozen price and the extensions left."""
    server.sell(**{sku: 5})
    held = line(ann.put(sku, 2))
    assert (held["sku"], held["quantity"]) == (sku, 2)
    assert (held["unit_price"], held["line_total"]) == (100, 200)
    reservation = held["reservation"]
    assert reservation["state"] == "held"
    assert 599_000 < reservation["expires_in_ms"] <= 600_000
    assert reservation["extensions_left"] == 1
    assert reservation["expires_at"].endswith("Z")
    assert server.stock(sku) == {"allotment": 5, "available": 3, "held": 2, "sold": 0}


def test_a_put_is_absolute_and_idempotent(server, ann, sku):
    """C2: the same PUT again changes nothing, the deadline neither."""
    server.sell(**{sku: 5})
    first = line(ann.put(sku, 2))
    again = line(ann.put(sku, 2))
    assert again["quantity"] == 2
    assert again["reservation"]["expires_in_ms"] <= first["reservation"]["expires_in_ms"]
    assert server.stock(sku)["held"] == 2


def test_lowering_frees_the_difference_before_the_reply_leaves(server, ann, bob, sku):
    """C2."""
    server.sell(**{sku: 5})
    ann.put(sku, 5)
    assert bob.put(sku, 1).code == "held_by_others"
    assert line(ann.put(sku, 2))["quantity"] == 2
    assert line(bob.put(sku, 3))["quantity"] == 3


def test_raising_beyond_the_stock_leaves_quantity_and_hold(server, ann, bob, sku):
    """C2, A4: insufficient carries what is available. A6: own units count as available."""
    server.sell(**{sku: 5})
    ann.put(sku, 2)
    bob.put(sku, 2)
    refused = ann.put(sku, 4)
    assert (refused.status, refused.code) == (409, "insufficient")
    assert refused.json["available"] == 3
    assert line(ann.cart())["quantity"] == 2
    assert server.stock(sku) == {"allotment": 5, "available": 1, "held": 4, "sold": 0}
    assert line(ann.put(sku, 3))["quantity"] == 3


def test_a_refused_put_of_a_new_line_leaves_no_line(server, ann, bob, sku):
    """C2, V5."""
    server.sell(**{sku: 1})
    bob.put(sku, 1)
    assert ann.put(sku, 1).code == "held_by_others"
    assert ann.cart().json["lines"] == []


def test_zero_removes_the_line_and_frees_it(server, ann, sku):
    """C2, V4."""
    server.sell(**{sku: 2})
    ann.put(sku, 2)
    reply = ann.put(sku, 0)
    assert (reply.status, reply.json["lines"]) == (200, [])
    assert server.stock(sku)["available"] == 2


def test_removing_a_line_twice_is_as_once(server, ann, sku):
    """L5."""
    server.sell(**{sku: 2})
    ann.put(sku, 2)
    assert ann.remove(sku).json["lines"] == []
    assert ann.remove(sku).status in (200, 404)
    assert server.stock(sku) == {"allotment": 2, "available": 2, "held": 0, "sold": 0}


def test_clearing_a_cart_frees_everything(server, ann, sku, sku2):
    """V4."""
    server.sell(**{sku: 2, sku2: 3})
    ann.put(sku, 2)
    ann.put(sku2, 3)
    assert ann.clear().status == 204
    assert ann.clear().status == 204
    assert ann.cart().json["lines"] == []
    assert server.stock(sku)["available"] == 2
    assert server.stock(sku2)["available"] == 3


def test_a_cart_is_summed_up(server, ann, sku, sku2):
    """M1, C1."""
    server.sell_rows([{"sku": sku, "price": "1.25"}, {"sku": sku2, "price": "0.99"}])
    ann.put(sku, 4)
    cart = ann.put(sku2, 3).json
    assert (cart["currency"], cart["items_total"]) == ("GBP", 797)
    assert ann.cart().json["items_total"] == 797


def test_every_change_of_a_cart_has_a_new_version(server, ann, sku):
    server.sell(**{sku: 5})
    first = ann.put(sku, 1).json["version"]
    second = ann.put(sku, 2).json["version"]
    assert second != first
    assert ann.cart().json["version"] == second


def test_one_cart_has_one_currency(server, ann, sku, sku2):
    """C1: a second currency is 422."""
    server.sell_rows([{"sku": sku}, {"sku": sku2, "currency": "EUR"}])
    ann.put(sku, 1)
    refused = ann.put(sku2, 1)
    assert (refused.status, refused.code) == (422, "currency_mismatch")
    assert server.stock(sku2)["held"] == 0


def test_the_lines_of_a_cart_are_bounded(server, ann):
    """C3."""
    names = [f"BOUND-{number}" for number in range(5)]
    server.sell(**{name: 5 for name in names})
    for name in names[:4]:
        assert ann.put(name, 1).status == 200
    refused = ann.put(names[4], 1)
    assert (refused.status, refused.code) == (422, "too_many_lines")
    assert server.stock(names[4])["held"] == 0


def test_the_units_of_a_line_are_bounded(server, ann, sku):
    """C3."""
    server.sell(**{sku: 500})
    assert ann.put(sku, 100).status == 200
    refused = ann.put(sku, 101)
    assert (refused.status, refused.code) == (422, "quantity_too_large")
    assert line(ann.cart())["quantity"] == 100


def test_a_put_of_an_unknown_sku_is_not_found(ann):
    """K2: an unknown SKU is 404 in a path."""
    assert (ann.put("NOBODY-SELLS-THIS", 1).status) == 404


def test_a_hold_freezes_its_price(server, ann, bob, sku):
    """M3: a price change reaches new holds only."""
    server.sell(**{sku: 5})
    ann.put(sku, 1)
    changed = server.import_csv("sku,title,category,seller,price,currency,stock\n"
                                f"{sku},A thing,things,seller-1,2.00,GBP,5\n")
    assert (changed.status, changed.json["updated"]) == (200, 1)
    assert line(ann.put(sku, 2))["unit_price"] == 100
    assert line(bob.put(sku, 1))["unit_price"] == 200


def test_carts_are_private(ann):
    reply = ann.cart()
    assert reply.headers["cache-control"] == "private, no-store"
    anonymous = ann.client.get("/v1/cart")
    assert (anonymous.status, anonymous.code) == (401, "unauthenticated")


def test_the_last_unit_goes_to_exactly_one_of_many(server, sku):
    """V3, Q2: sixteen customers on two shards want the same three units at once."""
    server.sell(**{sku: 3})
    statuses = []

    def want(number):
        statuses.append(server.shopper(f"crowd-{sku}-{number}").put(sku, 1).status)

    crowd = [threading.Thread(target=want, args=(number,)) for number in range(16)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert sorted(statuses) == [200] * 3 + [409] * 13
    assert server.stock(sku) == {"allotment": 3, "available": 0, "held": 3, "sold": 0}


def test_a_dead_hold_leaves_its_line_and_frees_its_units(server, ann, bob, sku):
    """L2, L3, C6: the line stays as expired; PUT competes for it again."""
    server.sell_rows([{"sku": sku, "stock": 1, "hold_seconds": 1}])
    assert line(ann.put(sku, 1))["reservation"]["expires_in_ms"] <= 1000
    assert eventually(lambda: server.stock(sku)["available"] == 1, 5)
    assert line(ann.cart())["reservation"]["state"] == "expired"
    assert line(bob.put(sku, 1))["reservation"]["state"] == "held"
    assert ann.put(sku, 1).code == "held_by_others"
    assert line(ann.cart())["reservation"]["state"] == "expired"
    assert bob.put(sku, 0).status == 200
    assert line(ann.put(sku, 1))["reservation"]["state"] == "held"


def test_at_checkout_only_the_cart_takes_no_stock(server, ann, sku):
    """C2, L9: reserve_on = checkout on the SKU stands over the configuration."""
    server.sell_rows([{"sku": sku, "stock": 1, "reserve_on": "checkout"}])
    wished = line(ann.put(sku, 50))
    assert (wished["quantity"], wished["reservation"]["state"]) == (50, "none")
    assert server.stock(sku) == {"allotment": 1, "available": 1, "held": 0, "sold": 0}


def test_an_extension_prolongs_every_hold_once(server, ann, sku):
    """L6, L10, C6: from now on, as often as extensions_left said, and reading never does."""
    server.sell(**{sku: 5})
    refused = ann.call("POST", "/v1/cart/extend")
    assert (refused.status, refused.code) == (410, "reservation_expired")
    before = line(ann.put(sku, 2))["reservation"]
    assert line(ann.cart())["reservation"]["expires_at"] == before["expires_at"]
    after = line(ann.call("POST", "/v1/cart/extend"))["reservation"]
    assert after["expires_at"] >= before["expires_at"]
    assert (before["extensions_left"], after["extensions_left"]) == (1, 0)
    refused = ann.call("POST", "/v1/cart/extend")
    assert (refused.status, refused.code, refused.json["bound"]) == (
        410, "reservation_expired", "max_extensions")
    assert line(ann.cart())["reservation"]["expires_at"] == after["expires_at"]
