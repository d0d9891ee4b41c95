# SPDX-License-Identifier: Apache-2.0
"""Adjustments of an order's total: from the back end, with the checkout or with the money."""

import pytest

from tests.lib.server import eventually

SHIPPING = {"kind": "shipping", "amount": 50, "seller": "seller-1", "reference": None}
DISCOUNT = {"kind": "discount", "amount": -80, "seller": None, "reference": "SPRING"}


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2).start()


@pytest.fixture
def ann(server, name):
    return server.service(name)


@pytest.fixture
def order(server, ann, sku):
    """Two of nine units, shipped."""
    server.sell(**{sku: 9})
    reply = ann.checkout({sku: 2}, key="born", adjustments=[SHIPPING])
    assert reply.status == 201, reply
    return reply.json


def test_the_total_has_them_in_it(ann, order):
    """K7."""
    assert (order["items_total"], order["total"], order["adjustments"]) == (200, 250, [SHIPPING])
    assert ann.order(order["id"]).json == order
    assert ann.orders().json["items"][0]["adjustments"] == [SHIPPING]
    refused = ann.pay(order, amount=200)
    assert (refused.status, refused.code) == (409, "payment_mismatch")
    assert ann.pay(order).json["paid"] == 250


def test_a_customer_may_not_send_them(server, ann, order, name, sku):
    """K7: role service only."""
    refused = server.shopper(name).checkout({sku: 1}, adjustments=[DISCOUNT])
    assert (refused.status, refused.code) == (403, "forbidden")
    assert server.stock(sku)["held"] == 2


@pytest.mark.parametrize("amount", [-101, 2 ** 63 - 50, 2 ** 63, 1.5])
def test_a_total_is_never_negative_nor_too_large(server, ann, sku, amount):
    """K7, M2."""
    server.sell(**{sku: 9})
    refused = ann.checkout({sku: 1}, adjustments=[{"kind": "fee", "amount": amount}])
    assert (refused.status, refused.code) == (422, "invalid")
    assert server.stock(sku)["available"] == 9


def test_the_money_replaces_them_and_a_replay_shows_the_order_as_born(ann, order, sku):
    """K7, I3."""
    refused = ann.pay(order, payment_id="m" + sku, adjustments=[DISCOUNT])
    assert (refused.status, refused.code) == (409, "payment_mismatch")
    paid = ann.pay(order, payment_id="m" + sku, amount=120, adjustments=[DISCOUNT])
    assert paid.status == 200, paid
    assert (paid.json["total"], paid.json["paid"]) == (120, 120)
    assert paid.json["adjustments"] == [DISCOUNT]
    again = ann.checkout({sku: 2}, key="born", adjustments=[SHIPPING])
    assert again.status == 201
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json == order
    other = ann.checkout({sku: 2}, key="born", adjustments=[DISCOUNT])
    assert (other.status, other.code) == (422, "idempotency_key_reused")
    late = ann.pay(order, payment_id="n" + sku, amount=250, adjustments=[SHIPPING])
    assert (late.status, late.code) == (409, "invalid_transition")


def timeless(order):
    """Deadlines stand still while the server is away (L7)."""
    return {**order, "payment_due_at": None}


@pytest.mark.parametrize("shards", [2, 3])
def test_they_outlive_a_crash_and_stand_in_postgresql(new_server, database, shards):
    """V7, S2: rows and payloads show what the replies showed; refunds carry their id."""
    server = new_server(shards=shards, dsn=database.dsn).start()
    server.sell(S1=100)
    kept, born = {}, {}
    for number in range(12):
        buyer = server.service(f"buyer-{number}")
        order = buyer.checkout({"S1": 2}, key="born", adjustments=[SHIPPING]).json
        born[order["id"]] = order
        more = {"amount": 120, "adjustments": [DISCOUNT]} if number % 2 else {}
        paid = buyer.pay(order, payment_id=f"p{number}", **more)
        assert paid.status == 200, paid
        kept[order["id"]] = paid.json
    first = server.service("buyer-0")
    first_id = next(iter(kept))
    assert first.cancel(first_id, lines=[{"line": 1, "quantity": 1}]).json["refund_due"] == 100
    for refund_id, amount in (("r1", 60), ("r2", 40)):
        kept[first_id] = first.pay(kept[first_id], "refunded", payment_id="p0", amount=amount,
                                   refund_id=refund_id).json
    assert kept[first_id]["refund_due"] == 0
    server.kill()
    server.start()
    for number, (order_id, order) in enumerate(kept.items()):
        buyer = server.service(f"buyer-{number}")
        assert timeless(buyer.order(order_id).json) == timeless(order)
        replay = buyer.checkout({"S1": 2}, key="born", adjustments=[SHIPPING]).json
        assert timeless(replay) == timeless(born[order_id])
    count = "SELECT count(*) FROM hotshelf.payments"
    assert eventually(lambda: database.value(count) == 14)
    rows = database.rows("SELECT order_id::text, adjustments, total FROM hotshelf.orders")
    assert {row[0]: row[1:] for row in rows} == {
        order_id: (order["adjustments"], order["total"]) for order_id, order in kept.items()}
    refunds = database.rows("SELECT refund_id, amount FROM hotshelf.payments"
                            " WHERE result = 'refunded' ORDER BY refund_id")
    assert refunds == [("r1", 60), ("r2", 40)]
    payloads = database.rows("SELECT payload -> 'data' -> 'adjustments' FROM hotshelf.outbox"
                             " WHERE type = 'order.placed.v1'")
    assert payloads == [([SHIPPING],)] * 12
    server.stop()
    server.audit()
