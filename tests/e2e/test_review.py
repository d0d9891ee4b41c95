# SPDX-License-Identifier: Apache-2.0
"""Risk, orders in review and what a merchant decides about them."""

import pytest

from tests.lib.client import new_key
from tests.lib.clock import Clock
from tests.lib.server import eventually

FLAGGED = {"risk": {"score": 700, "decision": "review"}}
REVIEW_SECONDS = 300


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2, settings={"risk.review_score": 500,
                                                 "risk.decline_score": 900}).start()


@pytest.fixture
def ann(server, name):
    return server.service(name)


@pytest.fixture
def order(server, ann, sku):
    """In review, two of nine units."""
    server.sell(**{sku: 9})
    reply = ann.checkout({sku: 2}, key="born", **FLAGGED)
    assert reply.status == 201, reply
    return reply.json


def review(server, order, decision):
    return server.admin().post(f"/admin/v1/orders/{order['id']}/review", {"decision": decision})


@pytest.mark.parametrize("risk, status", [
    ({"score": 499}, "pending_payment"), ({"score": 500}, "review"),
    ({"score": 500, "decision": "approve"}, "review"), ({"decision": "review"}, "review"),
    ({"score": 900, "decision": "review"}, "risk_declined"), ({"decision": "decline"},
                                                             "risk_declined")])
def test_the_stricter_of_decision_and_rules_counts(server, ann, sku, risk, status):
    """P11."""
    server.sell(**{sku: 9})
    reply = ann.checkout({sku: 1}, risk=risk)
    assert reply.json.get("status") == status or reply.code == status, reply
    assert server.stock(sku)["held"] == (0 if status == "risk_declined" else 1)


def test_a_declined_checkout_may_try_again_with_its_key(server, ann, sku):
    """I5: a refusal costs no memory."""
    server.sell(**{sku: 9})
    key = new_key()
    refused = ann.checkout({sku: 1}, key=key, risk={"decision": "decline"})
    assert (refused.status, refused.code) == (409, "risk_declined")
    assert ann.checkout({sku: 1}, key=key).status == 201


def test_an_order_in_review_holds_its_units(server, ann, order, sku):
    """P11, V2."""
    assert (order["status"], order["version"], order["confirmed_at"]) == ("review", 2, None)
    assert server.stock(sku) == {"allotment": 9, "available": 7, "held": 2, "sold": 0}
    assert server.admin().get(f"/admin/v1/orders/{order['id']}").json == order


def test_an_approved_order_is_paid_as_any(server, ann, order, sku):
    """O3, I3."""
    approved = review(server, order, "approve")
    assert (approved.status, approved.json["status"]) == (200, "pending_payment")
    assert review(server, order, "approve").json == approved.json
    refused = review(server, order, "decline")
    assert (refused.status, refused.code) == (409, "invalid_transition")
    assert ann.checkout({sku: 2}, key="born", **FLAGGED).json == order
    assert ann.pay(order).json["status"] == "confirmed"
    assert server.stock(sku)["sold"] == 2


@pytest.mark.parametrize("result", ["authorized", "captured"])
def test_an_approval_confirms_what_is_paid(server, ann, order, result):
    """O3: an authorization counts for confirming."""
    noted = ann.pay(order, result)
    assert (noted.status, noted.json["status"]) == (200, "review")
    assert review(server, order, "approve").json["status"] == "confirmed"


def test_a_decline_gives_units_and_money_back(server, ann, order, sku):
    """P6, P11: refund_required once, then refunded."""
    assert ann.pay(order, payment_id="r" + sku).json["paid"] == 200
    declined = review(server, order, "decline").json
    assert (declined["status"], declined["refund_due"]) == ("refund_required", 200)
    assert review(server, order, "decline").json == declined
    assert server.stock(sku) == {"allotment": 9, "available": 9, "held": 0, "sold": 0}
    refunded = ann.pay(order, "refunded", payment_id="r" + sku, refund_id="1")
    assert refunded.json["status"] == "refunded"


def test_a_customer_may_cancel_while_it_is_reviewed(server, ann, order, name, sku):
    """O3."""
    assert server.shopper(name).cancel(order["id"]).json["status"] == "cancelled"
    refused = review(server, order, "decline")
    assert (refused.status, refused.code) == (409, "invalid_transition")
    assert server.stock(sku)["available"] == 9


def test_only_an_operator_decides(server, order):
    path = f"/admin/v1/orders/{order['id']}/review"
    assert server.client().post(path, {"decision": "approve"}).status == 404
    assert server.admin("nobody").post(path, {"decision": "approve"}).status == 401


def test_a_merchant_cancels_at_any_time(server, ann, sku):
    """O1."""
    server.sell(**{sku: 9})
    order = ann.checkout({sku: 2}, payment={"mode": "deferred"}).json
    path = f"/admin/v1/orders/{order['id']}/cancel"
    reply = server.admin().post(path, {"lines": [{"line": 1, "quantity": 1}], "restock": "none"},
                                headers={"Idempotency-Key": "c"})
    assert (reply.status, reply.json["lines"][0]["cancelled"]) == (200, 1)
    assert server.stock(sku) == {"allotment": 9, "available": 7, "held": 0, "sold": 2}


@pytest.mark.parametrize("shards", [2, 3])
def test_no_decision_is_a_decline_also_across_a_crash(new_server, database, tmp_path, shards):
    """P11, L7, S2: the deadline goes on after a crash; every event stands in PostgreSQL, once."""
    clock = Clock(tmp_path)
    server = new_server(shards=shards, dsn=database.dsn,
                        settings={"reservations.review_seconds": REVIEW_SECONDS})
    server.environment = clock.environment()
    server.start()
    server.sell(S1=100)
    orders = {}
    for number in range(8):
        buyer = server.service(f"buyer-{number}")
        order = buyer.checkout({"S1": 1}, **FLAGGED).json
        assert order["status"] == "review"
        orders[order["id"]] = buyer
        if number % 2:
            buyer.pay(order, payment_id=f"p{number}")
    server.kill()
    server.start()
    assert server.stock("S1")["held"] == 8

    def statuses():
        return [buyer.order(order_id).json["status"] for order_id, buyer in orders.items()]

    for order_id, buyer in list(orders.items()):
        orders[order_id] = server.service(buyer.name)
    clock.run()
    clock.pass_ms(REVIEW_SECONDS * 1000 - 500)
    ended = ["cancelled", "refund_required"] * 4
    assert eventually(lambda: statuses() == ended), statuses()
    assert eventually(lambda: server.stock("S1")["available"] == 100)
    count = "SELECT count(*) FROM hotshelf.orders WHERE status IN ('cancelled', 'refund_required')"
    assert eventually(lambda: database.value(count) == 8)
    types = database.rows("SELECT type, count(*) FROM hotshelf.outbox WHERE type LIKE 'order.%%'"
                          " GROUP BY 1 ORDER BY 1")
    assert types == [("order.cancelled.v1", 4), ("order.placed.v1", 8),
                     ("order.refund_required.v1", 4), ("order.review.v1", 8 + 4)]
    server.stop()
    clock.stop()
    server.audit()
