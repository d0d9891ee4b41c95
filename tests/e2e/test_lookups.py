# SPDX-License-Identifier: Apache-2.0
"""What a merchant looks up: orders, reservations, customers, the audit, on three shards."""

import threading

import pytest

from tests.lib.server import VIEWER_TOKEN

CUSTOMERS = 30


@pytest.fixture(scope="module")
def server(new_shared_server):
    server = new_shared_server(shards=3, settings={"reservations.reserve_on": "cart"}).start()
    server.sell(L1=1000, L2=1000, L3=1000, HOT=50)
    for number in range(CUSTOMERS):
        shopper = server.shopper(f"look-{number}")
        assert shopper.checkout({"L1": 1}).status == 201
        if number % 3 == 0:
            assert shopper.checkout({"L2": 2}).status == 201
        assert shopper.put("L3", 1 + number % 2).status == 200
    return server


def pages(server, path):
    """All items of a list, page by page."""
    cursor = ""
    while True:
        page = server.admin(VIEWER_TOKEN).get(path + cursor)
        assert page.status == 200
        yield from page.json["items"]
        if page.json["next_cursor"] is None:
            return
        cursor = f"&cursor={page.json['next_cursor']}"


def test_orders_of_all_shards_stand_in_one_list_newest_first(server):
    """O4"""
    found = list(pages(server, "/admin/v1/orders?limit=7"))
    assert len(found) == CUSTOMERS + CUSTOMERS // 3
    assert len({order["id"] for order in found}) == len(found)
    keys = [(order["created_at"], order["id"]) for order in found]
    assert keys == sorted(keys, reverse=True)


def test_orders_are_found_by_customer_sku_status_and_time(server):
    of_one = list(pages(server, "/admin/v1/orders?customer=look-3"))
    assert {order["total"] for order in of_one} == {order["items_total"] for order in of_one}
    assert len(of_one) == 2 and {order["customer"] for order in of_one} == {"look-3"}
    assert len(list(pages(server, "/admin/v1/orders?sku=L2&limit=3"))) == CUSTOMERS // 3
    assert len(list(pages(server, "/admin/v1/orders?customer=look-3&sku=L2"))) == 1
    assert not list(pages(server, "/admin/v1/orders?status=confirmed"))
    assert len(list(pages(server, "/admin/v1/orders?status=pending_payment&limit=200"))) == 40
    assert not list(pages(server, "/admin/v1/orders?to=2020-01-01T00:00:00Z"))
    assert not list(pages(server, "/admin/v1/orders?customer=nobody"))


def test_every_fault_of_a_filter_is_told_at_once(server):
    reply = server.admin().get(
        "/admin/v1/orders?status=odd&from=never&cursor=7&limit=0&sku=a,b&colour=red")
    assert (reply.status, reply.code) == (422, "invalid")
    assert {fault["member"] for fault in reply.json["errors"]} == {
        "status", "from", "cursor", "limit", "sku", "colour"}


def test_reservations_are_cart_lines_and_unpaid_orders(server):
    """L10"""
    found = list(pages(server, "/admin/v1/reservations?limit=11"))
    kinds = [item["held_for"] for item in found]
    assert kinds.count("cart") == CUSTOMERS
    assert kinds.count("payment") == CUSTOMERS + CUSTOMERS // 3
    assert sum(item["quantity"] for item in found if item["sku"] == "L3") == \
        server.stock("L3")["held"]
    assert all(item["expires_in_ms"] > 0 and item["expires_at"] for item in found)
    own = list(pages(server, "/admin/v1/reservations?customer=look-3"))
    assert sorted(item["sku"] for item in own) == ["L1", "L2", "L3"]
    assert len(list(pages(server, "/admin/v1/reservations?sku=L2"))) == CUSTOMERS // 3


def test_a_customer_is_shown_with_cart_and_orders(server):
    shown = server.admin(VIEWER_TOKEN).get("/admin/v1/customers/look-3")
    assert shown.status == 200
    assert shown.json["customer"] == "look-3"
    assert [line["sku"] for line in shown.json["cart"]["lines"]] == ["L3"]
    assert len(shown.json["orders"]) == 2
    assert server.admin().get("/admin/v1/customers/nobody").status == 404


def test_look_ups_are_a_merchants(server):
    for path in ("orders", "reservations", "customers/look-3", "audit"):
        assert server.client().get(f"/admin/v1/{path}").status == 404
        assert server.admin("wrong-token-of-nobody").get(f"/admin/v1/{path}").status == 401


def test_the_audit_is_clean_while_the_shop_sells(server):
    """V1, V2, V4: counters and tables are compared under load, and agree once it is over."""
    stop = threading.Event()
    failures = []

    def buy(number):
        shopper = server.shopper(f"crowd-{number}")
        while not stop.is_set():
            for sku in ("HOT", "L1"):
                if shopper.put(sku, 1).status == 200:
                    shopper.put(sku, 0)
            reply = shopper.checkout({"HOT": 1})
            if reply.status == 201:
                cancelled = shopper.cancel(reply.json["id"])
                if cancelled.status != 200:
                    failures.append(cancelled)

    threads = [threading.Thread(target=buy, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            audit = server.admin(VIEWER_TOKEN).get("/admin/v1/audit")
            assert audit.status == 200
            assert audit.json["violation_count"] == 0 and audit.json["clean"], audit.json
            assert audit.json["checked"] + audit.json["unsettled"] == 4
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    quiet = server.admin(VIEWER_TOKEN).get("/admin/v1/audit").json
    assert (quiet["checked"], quiet["unsettled"], quiet["violation_count"]) == (4, 0, 0)
