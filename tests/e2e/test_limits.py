# SPDX-License-Identifier: Apache-2.0
"""How many of a SKU one customer may have, and what happens when a table is full."""

import threading

import pytest


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2).start()


def limited(server, sku, limit=2, stock=50, **more):
    server.sell_rows([{"sku": sku, "stock": stock, "max_per_customer": limit, **more}])


def test_a_customer_gets_no_more_than_the_limit(server, sku, name):
    """Q1, Q3: 409 with limit and used, and stock is not touched."""
    limited(server, sku)
    ann = server.shopper(name)
    assert ann.checkout({sku: 2}).status == 201
    refused = ann.checkout({sku: 1})
    assert (refused.status, refused.code) == (409, "limit_exceeded")
    told = {**refused.json, **(refused.json.get("lines") or [{}])[0]}
    assert (told["limit"], told["used"]) == (2, 2)
    assert server.stock(sku) == {"allotment": 50, "available": 48, "held": 2, "sold": 0}
    assert server.shopper("other-" + name).checkout({sku: 2}).status == 201


def test_the_limit_counts_held_and_bought_together(server, sku, name):
    """Q1."""
    limited(server, sku, limit=3, reserve_on="cart")
    ann = server.shopper(name)
    assert ann.put(sku, 2).status == 200
    assert ann.checkout().status == 201
    assert ann.put(sku, 2).code == "limit_exceeded"
    assert ann.put(sku, 1).status == 200


def test_the_allowance_comes_back_with_a_cancel(server, sku, name):
    """Q4."""
    limited(server, sku)
    ann = server.shopper(name)
    order = ann.checkout({sku: 2}).json
    assert ann.checkout({sku: 1}).code == "limit_exceeded"
    assert ann.cancel(order["id"]).status == 200
    assert ann.checkout({sku: 2}).status == 201


def test_the_allowance_comes_back_with_a_removed_line(server, sku, name):
    """Q4."""
    limited(server, sku, reserve_on="cart")
    ann = server.shopper(name)
    assert ann.put(sku, 2).status == 200
    assert ann.put(sku, 3).code == "limit_exceeded"
    assert ann.put(sku, 0).status == 200
    assert ann.checkout({sku: 2}).status == 201


def test_two_tabs_cannot_both_pass(server, sku, name):
    """Q2."""
    limited(server, sku)
    statuses = []

    def tab():
        statuses.append(server.shopper(name).checkout({sku: 1}).status)

    tabs = [threading.Thread(target=tab) for _ in range(12)]
    for thread in tabs:
        thread.start()
    for thread in tabs:
        thread.join()
    assert sorted(statuses) == [201] * 2 + [409] * 10


def fill(server, sku, count):
    """Checkouts of different customers until one is refused: (accepted, the refusal)."""
    client = server.client()
    for number in range(count):
        reply = client.post("/v1/checkout", {"items": [{"sku": sku, "quantity": 1}]}, headers={
            "X-Customer-Id": f"fill-{number}", "Idempotency-Key": "k"})
        if reply.status != 201:
            return number, reply
    return count, None


def test_a_full_table_refuses_and_forgets_nobody(new_server, sku):
    """L8, V5: 503 capacity_exhausted with Retry-After; what was promised stands."""
    server = new_server(settings={"capacity.orders": 16}).start()
    server.sell(**{sku: 500})
    accepted, refused = fill(server, sku, 100)
    assert 8 <= accepted <= 16
    assert (refused.status, refused.code) == (503, "capacity_exhausted")
    assert int(refused.headers["retry-after"]) >= 1
    assert server.stock(sku) == {
        "allotment": 500, "available": 500 - accepted, "held": accepted, "sold": 0}
    for number in range(accepted):
        assert len(server.shopper(f"fill-{number}").orders().json["items"]) == 1


def test_a_full_journal_refuses_new_units_cleanly(new_server, sku):
    """S5: 503 journal_full, nothing taken, reading goes on, and a restart finds everything."""
    server = new_server(settings={
        "data.journal_bytes": 24 << 20, "reservations.payment_seconds": 60}).start()
    server.sell(**{sku: 1000000})
    accepted, refused = fill(server, sku, 4000)
    assert refused is not None, "the journal never filled"
    assert (refused.status, refused.code) == (503, "journal_full")
    assert server.stock(sku)["held"] == accepted
    assert server.availability(sku)[0]["status"] == "available"
    server.kill()
    server.start()
    assert server.stock(sku)["held"] == accepted
