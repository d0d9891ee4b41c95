# SPDX-License-Identifier: Apache-2.0
"""One key, one effect."""

import threading

import pytest


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2).start()


@pytest.fixture
def ann(server, name):
    return server.shopper(name)


@pytest.mark.parametrize("path", [
    "/v1/checkout", "/v1/orders/01890a5d-ac96-774b-bcce-b302099a8057/cancel"])
def test_a_key_is_required(ann, path):
    """I1."""
    refused = ann.call("POST", path, {})
    assert (refused.status, refused.code) == (400, "idempotency_key_missing")


@pytest.mark.parametrize("key", ["", "x" * 256, "with\ttab", "caf\u00e9", '"', '"open'])
def test_a_key_must_be_printable_and_short(server, ann, sku, key):
    """I7."""
    server.sell(**{sku: 5})
    headers = {"Idempotency-Key": key.encode("latin-1")}
    refused = ann.call("POST", "/v1/checkout", {"items": [{"sku": sku, "quantity": 1}]},
                       headers=headers)
    assert refused.status == 400, refused
    assert refused.code in ("idempotency_key_invalid", "idempotency_key_missing", "malformed")
    assert server.stock(sku)["available"] == 5


def test_the_same_key_again_is_the_same_order(server, ann, sku):
    """I3: the same status and body, marked as replayed, no second effect."""
    server.sell(**{sku: 5})
    first = ann.checkout({sku: 2}, key="again")
    second = ann.checkout({sku: 2}, key="again")
    assert (first.status, second.status) == (201, 201)
    assert second.body == first.body
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["location"] == first.headers["location"]
    assert server.stock(sku)["held"] == 2


def test_white_space_and_member_order_do_not_make_another_request(server, ann, sku):
    """I3: the decoded request counts."""
    server.sell(**{sku: 5})
    texts = (f'{{"items":[{{"sku":"{sku}","quantity":1}}]}}',
             f'{{ "items": [ {{"quantity":1,\n "sku":"{sku}"}} ] }}')
    first, second = [ann.call("POST", "/v1/checkout", text, key="w",
                              headers={"Content-Type": "application/json"}) for text in texts]
    assert (first.status, second.status) == (201, 201)
    assert second.json["id"] == first.json["id"]


def test_a_quoted_key_is_the_bare_key(server, ann, sku):
    """I7."""
    server.sell(**{sku: 5})
    first = ann.checkout({sku: 1}, key="quoted")
    second = ann.checkout({sku: 1}, key='"quoted"')
    assert second.json["id"] == first.json["id"]


def test_two_key_headers_are_malformed(server, ann, sku):
    """I7."""
    from tests.lib.client import exchange
    server.sell(**{sku: 5})
    body = f'{{"items":[{{"sku":"{sku}","quantity":1}}]}}'
    reply = exchange(server.http_port, (
        "POST /v1/checkout HTTP/1.1\r\nHost: x\r\nX-Customer-Id: ann\r\nIdempotency-Key: a\r\n"
        "Idempotency-Key: b\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}").encode())
    assert reply.status == 400
    assert server.stock(sku)["available"] == 5


def test_the_same_key_for_something_else_is_refused(server, ann, sku):
    """I4."""
    server.sell(**{sku: 5})
    assert ann.checkout({sku: 2}, key="reuse").status == 201
    refused = ann.checkout({sku: 1}, key="reuse")
    assert (refused.status, refused.code) == (422, "idempotency_key_reused")
    assert server.stock(sku)["held"] == 2


def test_a_key_belongs_to_its_customer(server, ann, sku, name):
    """I2."""
    server.sell(**{sku: 5})
    other = server.shopper("other-" + name)
    assert ann.checkout({sku: 1}, key="mine").json["id"] != \
        other.checkout({sku: 1}, key="mine").json["id"]


def test_a_key_belongs_to_its_action(server, ann, sku):
    """I2: a cancel with the key of the checkout is a cancel."""
    server.sell(**{sku: 5})
    order = ann.checkout({sku: 1}, key="both").json
    assert ann.cancel(order["id"], key="both").json["status"] == "cancelled"


def test_a_refusal_is_not_remembered(server, ann, sku):
    """I5: the same key may try again."""
    server.sell(**{sku: 2})
    holder = server.shopper("holder-" + sku)
    order = holder.checkout({sku: 2}).json
    assert ann.checkout({sku: 1}, key="retry").code == "held_by_others"
    assert holder.cancel(order["id"]).status == 200
    assert ann.checkout({sku: 1}, key="retry").status == 201


def test_a_cart_checkout_is_replayed_after_the_cart_is_gone(server, ann, sku):
    """I3, K6: a lost reply is fetched with the same key, not answered cart_empty."""
    server.sell(**{sku: 5})
    ann.put(sku, 2)
    first = ann.checkout(key="cart")
    second = ann.checkout(key="cart")
    assert (second.status, second.body) == (201, first.body)


def test_a_replay_shows_the_order_as_born(server, name, sku):
    """I3: also when it was paid in between."""
    server.sell(**{sku: 5})
    ann = server.service(name)
    born = ann.checkout({sku: 1}, key="born")
    assert ann.pay(born.json).json["status"] == "confirmed"
    again = ann.checkout({sku: 1}, key="born")
    assert (again.status, again.body) == (201, born.body)


def test_a_cancel_twice_with_one_key_is_one_cancel(server, ann, sku):
    """I3: a cancel's replay shows the order of today."""
    server.sell(**{sku: 5})
    order = ann.checkout({sku: 2}).json
    first = ann.cancel(order["id"], key="c")
    second = ann.cancel(order["id"], key="c")
    assert (first.status, second.status) == (200, 200)
    assert second.headers["idempotency-replayed"] == "true"
    assert server.stock(sku)["available"] == 5


def test_a_stock_change_with_one_key_counts_once(server, sku):
    """I1, I3: the numbers noted with the key."""
    server.sell(**{sku: 5})
    admin = server.admin()
    path = f"/admin/v1/products/{sku}/stock"
    assert admin.post(path, {"delta": 3, "reason": "found"}).status == 400
    first = admin.post(path, {"delta": 3, "reason": "found"}, headers={"Idempotency-Key": "s"})
    second = admin.post(path, {"delta": 3, "reason": "found"}, headers={"Idempotency-Key": "s"})
    assert (first.status, second.status) == (200, 200)
    assert second.json == first.json
    assert server.stock(sku)["allotment"] == 8


def test_a_hundred_clicks_are_one_order(server, ann, sku):
    """I3, Q2: also while the first still waits for the disk."""
    server.sell(**{sku: 500})
    ids = []

    def click():
        shopper = server.shopper(ann.name)
        for _ in range(10):
            reply = shopper.checkout({sku: 1}, key="click")
            assert reply.status == 201, reply
            ids.append(reply.json["id"])

    clicks = [threading.Thread(target=click) for _ in range(10)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert (len(ids), len(set(ids))) == (100, 1)
    assert server.stock(sku)["held"] == 1
