# SPDX-License-Identifier: Apache-2.0
"""Payment reports, cancels, and what late money does."""

import datetime

import pytest

from tests.lib.server import eventually

DEFERRED = {"payment": {"mode": "deferred"}}


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2).start()


@pytest.fixture
def ann(server, name):
    """Role service acting for a customer: may report payments and read the orders."""
    return server.service(name)


@pytest.fixture
def order(server, ann, sku):
    """An unpaid order of two of five units."""
    server.sell(**{sku: 5})
    reply = ann.checkout({sku: 2})
    assert reply.status == 201, reply
    return reply.json


@pytest.mark.parametrize("result, paid", [("captured", 200), ("authorized", 0)])
def test_money_confirms_an_order(server, ann, order, sku, result, paid):
    """O3; an authorization confirms and is not paid."""
    reply = ann.pay(order, result)
    assert (reply.status, reply.json["status"], reply.json["paid"]) == (200, "confirmed", paid)
    assert reply.json["confirmed_at"] is not None
    assert reply.json["version"] > order["version"]
    assert server.stock(sku) == {"allotment": 5, "available": 3, "held": 0, "sold": 2}


def test_a_capture_after_an_authorization_is_paid(ann, order):
    """O3: confirmed on captured stays confirmed, paid becomes the total."""
    assert ann.pay(order, "authorized", "pay-a-" + order["id"]).json["paid"] == 0
    assert ann.pay(order, "captured", "pay-a-" + order["id"]).json["paid"] == 200


def test_the_same_report_twice_counts_once(ann, order):
    """P3: the first wins, the second gets 200 with the same order."""
    payment_id = "pay-b-" + order["id"]
    first = ann.pay(order, "captured", payment_id)
    second = ann.pay(order, "captured", payment_id)
    assert (first.status, second.status) == (200, 200)
    assert second.json == first.json


@pytest.mark.parametrize("wrong", [{"amount": 199}, {"amount": 201}, {"currency": "EUR"}])
def test_a_wrong_amount_or_currency_changes_nothing(ann, order, wrong):
    """P2."""
    refused = ann.pay(order, "captured", **wrong)
    assert (refused.status, refused.code) == (409, "payment_mismatch")
    assert ann.order(order["id"]).json == order


@pytest.mark.parametrize("missing", ["result", "provider", "payment_id", "amount", "currency"])
def test_a_report_needs_every_part(ann, order, missing):
    """P2."""
    body = {"result": "captured", "provider": "bank", "payment_id": "x",
            "amount": order["total"], "currency": "GBP"}
    del body[missing]
    refused = ann.call("POST", f"/v1/orders/{order['id']}/payment", body)
    assert (refused.status, refused.code) == (422, "invalid")
    assert missing in refused.body.decode()


def test_a_customer_may_not_report_a_payment(server, order, name):
    refused = server.shopper(name).pay(order)
    assert (refused.status, refused.code) == (403, "forbidden")


def test_one_payment_id_belongs_to_one_order(server, ann, sku, name):
    """P4: also when the other order lives on another shard."""
    server.sell(**{sku: 40})
    payment_id = f"shared-{sku}"
    mine = ann.checkout({sku: 1}).json
    assert ann.pay(mine, "captured", payment_id).status == 200
    for number in range(8):
        other = server.service(f"{name}-{number}")
        theirs = other.checkout({sku: 1}).json
        refused = other.pay(theirs, "captured", payment_id)
        assert (refused.status, refused.code) == (409, "payment_id_used")
        assert other.order(theirs["id"]).json == theirs


def test_a_declined_attempt_ends_not_the_order(server, ann, order, sku):
    """P8: units stay held, payment_due_at does not move, another attempt may succeed."""
    declined = ann.pay(order, "declined")
    assert (declined.status, declined.json["status"]) == (200, "pending_payment")
    assert declined.json["payment_due_at"] == order["payment_due_at"]
    assert server.stock(sku)["held"] == 2
    assert ann.pay(order, "captured").json["status"] == "confirmed"


def test_a_cancelled_payment_frees_the_units(server, ann, order, sku):
    """P8."""
    assert ann.pay(order, "cancelled").json["status"] == "cancelled"
    assert server.stock(sku) == {"allotment": 5, "available": 5, "held": 0, "sold": 0}


def test_a_customer_cancels_an_unpaid_order(server, ann, order, sku, name):
    """O3, V4: a cancel frees before its reply leaves."""
    reply = server.shopper(name).cancel(order["id"])
    assert (reply.status, reply.json["status"]) == (200, "cancelled")
    assert server.stock(sku) == {"allotment": 5, "available": 5, "held": 0, "sold": 0}


def test_a_cancel_of_a_cancelled_order_is_no_transition(ann, order):
    """O3."""
    assert ann.cancel(order["id"]).status == 200
    refused = ann.cancel(order["id"])
    assert (refused.status, refused.code) == (409, "invalid_transition")


def test_a_cancel_of_an_unpaid_confirmed_order_restocks(server, ann, sku):
    """O3."""
    server.sell(**{sku: 5})
    order = ann.checkout({sku: 2}, **DEFERRED).json
    assert server.stock(sku)["sold"] == 2
    assert ann.cancel(order["id"]).json["status"] == "cancelled"
    assert server.stock(sku) == {"allotment": 5, "available": 5, "held": 0, "sold": 0}


def test_a_cancel_of_a_paid_order_wants_the_money_back(server, ann, order, sku):
    """O3: refund_required, with what is due."""
    assert ann.pay(order, "captured").status == 200
    reply = ann.cancel(order["id"])
    assert (reply.status, reply.json["status"]) == (200, "refund_required")
    assert reply.json["refund_due"] == 200
    assert server.stock(sku)["available"] == 5


def passed_ms(since, reply):
    began, now = (datetime.datetime.fromisoformat(time.replace("Z", "+00:00"))
                  for time in (since, reply.json["as_of"]))
    return (now - began) / datetime.timedelta(milliseconds=1)


def test_a_pending_bank_moves_the_deadline_once(server, sku, name, new_server):
    """P9."""
    server = new_server(settings={"reservations.payment_seconds": 30}).start()
    server.sell(**{sku: 5})
    ann = server.service(name)
    order = ann.checkout({sku: 1}).json
    # Deadlines are whole milliseconds of a clock with its own phase: a report in the order's
    # millisecond would move nothing.
    path = f"/v1/availability?skus={sku}"
    assert eventually(lambda: passed_ms(order["created_at"], ann.call("GET", path)) >= 2)
    first = ann.pay(order, "pending", "bank-1").json
    assert first["status"] == "pending_payment"
    assert first["payment_due_at"] > order["payment_due_at"]
    second = ann.pay(order, "pending", "bank-2").json
    assert second["payment_due_at"] == first["payment_due_at"]


@pytest.fixture(scope="module")
def hasty(new_shared_server):
    """A server whose orders wait one second for their payment."""
    return new_shared_server(shards=2, settings={"reservations.payment_seconds": 1}).start()


def expired_order(server, name, sku, units=2):
    ann = server.service(name)
    order = ann.checkout({sku: units}).json
    assert eventually(lambda: ann.order(order["id"]).json["status"] == "expired", 10)
    return ann, order


def test_an_unpaid_order_expires_and_frees_its_units(hasty, sku, name):
    """O3, L3, V4."""
    hasty.sell(**{sku: 5})
    expired_order(hasty, name, sku)
    assert eventually(lambda: hasty.stock(sku)["available"] == 5, 5)
    assert hasty.stock(sku) == {"allotment": 5, "available": 5, "held": 0, "sold": 0}


def test_a_late_payment_takes_the_units_again(hasty, sku, name):
    """P5."""
    hasty.sell(**{sku: 5})
    ann, order = expired_order(hasty, name, sku)
    late = ann.pay(order, "captured")
    assert (late.status, late.json["status"], late.json["reclaimed"]) == (200, "confirmed", True)
    assert hasty.stock(sku) == {"allotment": 5, "available": 3, "held": 0, "sold": 2}


def test_a_late_payment_for_units_that_are_gone_is_given_back(hasty, sku, name):
    """P6: refund_required, 409, and the same again for the same report."""
    hasty.sell(**{sku: 2})
    ann, order = expired_order(hasty, name, sku)
    assert eventually(lambda: hasty.stock(sku)["available"] == 2, 5)
    other = hasty.service("quick-" + name)
    assert other.checkout({sku: 1}, **DEFERRED).status == 201
    late = ann.pay(order, "captured", "late-" + sku)
    assert (late.status, late.code) == (409, "refund_required")
    again = ann.pay(order, "captured", "late-" + sku)
    assert again.status in (200, 409)
    read = ann.order(order["id"]).json
    assert (read["status"], read["refund_due"]) == ("refund_required", 200)
    assert hasty.stock(sku) == {"allotment": 2, "available": 1, "held": 0, "sold": 1}


def test_a_cancel_of_an_expired_order_is_no_transition(hasty, sku, name):
    """O3, L4: the loser's reply carries the final state."""
    hasty.sell(**{sku: 5})
    ann, order = expired_order(hasty, name, sku)
    refused = ann.cancel(order["id"])
    assert (refused.status, refused.code) == (409, "invalid_transition")
