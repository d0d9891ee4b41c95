# SPDX-License-Identifier: Apache-2.0
"""P10, P3: payment events that the provider signs, as he and the storefront meet them."""

import hashlib
import hmac
import itertools
import json
import threading
import time

import pytest

from tests.lib.client import exchange
from tests.lib.server import eventually

OLD_SECRET = "the-old-secret-of-the-provider"
NEW_SECRET = "the-new-secret-of-the-provider"
WINDOW = 300
PATH = "/v1/payment-events"

event_numbers = itertools.count(1)


def with_secrets(make, *secrets, **more):
    """A server whose auth.webhook_secret_file has these lines."""
    server = make(**more)
    path = server.directory / "webhook-secret"
    path.write_text("".join(secret + "\n" for secret in secrets))
    path.chmod(0o600)
    server.change(auth__webhook_secret_file=path)
    return server


@pytest.fixture(scope="module")
def server(new_shared_server):
    return with_secrets(new_shared_server, OLD_SECRET, shards=2).start()


@pytest.fixture
def order(server, name, sku):
    """An unpaid order of two of five units."""
    server.sell(**{sku: 5})
    reply = server.service(name).checkout({sku: 2})
    assert reply.status == 201, reply
    return reply.json


def event_of(order, result="captured", **changed):
    number = next(event_numbers)
    return {"id": f"evt_{number}", "order_id": order["id"], "result": result, "provider": "bank",
            "payment_id": f"hook-{number}", "amount": order["total"],
            "currency": order["currency"], "occurred_at": "2026-11-21T03:00:00.000Z", **changed}


def sum_of(secret, moment, body):
    return hmac.new(secret.encode(), str(moment).encode() + b"." + body,
                    hashlib.sha256).hexdigest()


def signature(body, *secrets, moment=None):
    moment = int(time.time()) if moment is None else moment
    return ",".join([f"t={moment}", *(f"v1={sum_of(key, moment, body)}" for key in secrets)])


def send(server, body, sign):
    headers = {"Content-Type": "application/json"}
    if sign is not None:
        headers["Hotshelf-Signature"] = sign
    return server.client().post(PATH, body, headers=headers)


def tell(server, event, *secrets, moment=None):
    body = json.dumps(event).encode()
    return send(server, body, signature(body, *(secrets or [OLD_SECRET]), moment=moment))


def assert_unknown(reply):
    assert (reply.status, reply.code) == (401, "unauthenticated"), reply


def test_a_signed_event_confirms_the_order(server, name, order, sku):
    told = tell(server, event_of(order))
    assert told.status == 200, told
    assert told.json == {"order_id": order["id"], "status": "confirmed", "outcome": "recorded"}
    assert server.service(name).order(order["id"]).json["paid"] == order["total"]
    assert server.stock(sku) == {"allotment": 5, "available": 3, "held": 0, "sold": 2}


@pytest.mark.parametrize("webhook_first", [True, False])
def test_storefront_and_webhook_may_both_report(server, name, order, webhook_first):
    """P3: the first wins, the second gets 200 with the same order."""
    ann = server.service(name)
    event = event_of(order)
    if webhook_first:
        assert tell(server, event).json["outcome"] == "recorded"
        stands = ann.order(order["id"]).json
        assert ann.pay(order, "captured", event["payment_id"]).json == stands
    else:
        stands = ann.pay(order, "captured", event["payment_id"]).json
        assert tell(server, event).json == {
            "order_id": order["id"], "status": "confirmed", "outcome": "replayed"}
    assert ann.order(order["id"]).json == stands
    assert (stands["paid"], stands["refund_due"]) == (order["total"], 0)


def test_both_at_once_count_once(server, name, order):
    """P3, raced: whoever is first, the money counts once and nobody is refused."""
    event = event_of(order)
    replies = []

    def webhook():
        replies.append(tell(server, event))

    def storefront():
        replies.append(server.service(name).pay(order, "captured", event["payment_id"]))

    threads = [threading.Thread(target=way) for way in (webhook, storefront) * 6]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.status for reply in replies] == [200] * 12
    assert sum(reply.json.get("outcome") == "recorded" for reply in replies) <= 1
    stands = server.service(name).order(order["id"]).json
    assert (stands["paid"], stands["refund_due"], stands["status"]) == (200, 0, "confirmed")


@pytest.mark.parametrize("age, good", [
    (0, True), (WINDOW - 5, True), (5 - WINDOW, True), (WINDOW + 5, False), (-WINDOW - 5, False)])
def test_clocks_may_differ_by_the_window(server, order, age, good):
    """The edges to the second are in tests/net/http_signature.c: here a second may pass."""
    told = tell(server, event_of(order), moment=int(time.time()) - age)
    assert told.status == (200 if good else 401), told


def test_a_body_changed_by_one_byte_is_not_believed(server, name, order):
    body = json.dumps(event_of(order)).encode()
    sign = signature(body, OLD_SECRET)
    for place in range(0, len(body), 7):
        changed = bytearray(body)
        changed[place] ^= 1
        assert_unknown(send(server, bytes(changed), sign))
    assert_unknown(send(server, body + b" ", sign))
    assert_unknown(send(server, body[:-1], sign))
    assert server.service(name).order(order["id"]).json == order
    assert send(server, body, sign).status == 200


def test_hostile_signatures_are_refused(server, name, order):
    body = json.dumps(event_of(order)).encode()
    now = int(time.time())
    good = sum_of(OLD_SECRET, now, body)
    hostile = [
        None, "", "t", f"t={now}", f"v1={good}", f"t=,v1={good}", f"t={now},v1=",
        f"t={now},t={now},v1={good}", f"t={now - 1},v1={good}", f"t={now}.0,v1={good}",
        f"t=+{now},v1={good}", f"t={'9' * 4000},v1={good}", f"t={now},v1={good[:-1]}",
        f"t={now},v1={good}0", f"t={now},v1={good[:-1]}g", f"t={now},v1=0x{good}",
        f"t={now},v2={good}", f"t={now};v1={good}", f"t={now},v1={'0' * 64}",
        f"t={now},v1={good[::-1]}", f"t={now},v1=\"{good}\"", f"t={now}," + "v1=00," * 2000,
        f"T={now},V1={good}",
        signature(body, NEW_SECRET), f"sha256={good}", good]
    for sign in hostile:
        assert_unknown(send(server, body, sign))
    assert server.service(name).order(order["id"]).json == order
    crowded = ",".join([f"t={now}", *(f"v1={number:064x}" for number in range(150)), f"v1={good}"])
    assert send(server, body, crowded).status == 200


def test_a_repeated_field_is_refused(server, name, order):
    body = json.dumps(event_of(order)).encode()
    field = b"Hotshelf-Signature: " + signature(body, OLD_SECRET).encode() + b"\r\n"
    head = (b"POST " + PATH.encode() + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nContent-Length: " + str(len(body)).encode() +
            b"\r\n")
    assert_unknown(exchange(server.http_port, head + field + field + b"\r\n" + body))
    assert exchange(server.http_port, head + field + b"\r\n" + body).status == 200


def test_an_identity_is_no_signature(server, name, order):
    """Whoever may speak for a customer or be a service has no key of the provider's."""
    told = server.service(name).call("POST", PATH, event_of(order))
    assert_unknown(told)
    assert server.service(name).order(order["id"]).json == order


def test_all_that_is_wrong_is_told_at_once(server):
    body = json.dumps({"result": "won", "order_id": "7", "amount": "2", "occurred_at": "today",
                       "tip": 1}).encode()
    refused = send(server, body, signature(body, OLD_SECRET))
    assert (refused.status, refused.code) == (422, "invalid")
    assert {error["member"] for error in refused.json["errors"]} == {
        "id", "order_id", "result", "provider", "payment_id", "amount", "currency", "occurred_at",
        "tip"}


@pytest.mark.parametrize("changed, code", [
    ({"amount": 1}, "payment_mismatch"), ({"currency": "EUR"}, "payment_mismatch"),
    ({"result": "refunded"}, "invalid_transition")])
def test_what_is_not_recorded_is_no_success(server, name, order, changed, code):
    """P2, O3: the provider is to hear that it must be looked into."""
    refused = tell(server, event_of(order, **changed))
    assert (refused.status, refused.code) == (409, code)
    assert server.service(name).order(order["id"]).json == order


def test_one_payment_id_belongs_to_one_order(server, name, order, sku):
    """P4, over both ways and shards."""
    event = event_of(order)
    assert tell(server, event).status == 200
    for number in range(4):
        other = server.service(f"{name}-{number}")
        theirs = other.checkout({sku: 1})
        if theirs.status != 201:
            break
        refused = tell(server, event_of(theirs.json, payment_id=event["payment_id"]))
        assert (refused.status, refused.code) == (409, "payment_id_used")


def test_an_unknown_order_is_recorded_for_the_archive(server):
    """410 on the storefront's way, 200 here."""
    event = event_of({"id": "01890a5d-ac96-774b-bcce-b302099a8057", "total": 5, "currency": "GBP"})
    told = tell(server, event)
    assert told.json == {"order_id": event["order_id"], "status": None, "outcome": "archived"}


def test_a_late_payment_that_must_go_back_is_recorded(new_server, sku, name):
    """P6: 409 on the storefront's way, 200 here, one refund_required event."""
    server = with_secrets(new_server, OLD_SECRET, shards=2,
                          settings={"reservations.payment_seconds": 1}).start()
    server.sell(**{sku: 1})
    ann = server.service(name)
    order = ann.checkout({sku: 1}).json
    assert eventually(lambda: ann.order(order["id"]).json["status"] == "expired", 10)
    assert eventually(lambda: server.stock(sku)["available"] == 1, 5)
    other = server.service("quick-" + name)
    assert other.checkout({sku: 1}, payment={"mode": "deferred"}).status == 201
    event = event_of(order)
    wanted = {"order_id": order["id"], "status": "refund_required", "outcome": "refund_required"}
    assert tell(server, event).json == wanted
    assert tell(server, event).json == {**wanted, "outcome": "replayed"}
    server.kill()
    server.start()
    assert tell(server, event).json == {**wanted, "outcome": "replayed"}, "V7: also after a crash"
    assert server.stop() == 0
    types = [told["type"] for told in server.journal_events()
             if order["id"] in json.dumps(told)]
    assert sum("refund_required" in kind for kind in types) == 1, types


def test_a_key_is_changed_without_a_refusal(new_server, sku, name):
    """Rotation: old, then both, then new; the sender changes in the middle."""
    server = with_secrets(new_server, OLD_SECRET).start()
    server.sell(**{sku: 50})
    ann = server.service(name)

    def outcome(*secrets):
        order = ann.checkout({sku: 1}).json
        told = tell(server, event_of(order), *secrets)
        assert ann.pay(order, "cancelled").status in (200, 409)
        return told.status

    assert [outcome(OLD_SECRET), outcome(NEW_SECRET)] == [200, 401]
    assert outcome(OLD_SECRET, NEW_SECRET) == 200, "a sender may sign with both"
    assert server.stop() == 0
    path = with_secrets(lambda: server, NEW_SECRET, OLD_SECRET).start()
    ann = path.service(name)
    assert [outcome(OLD_SECRET), outcome(NEW_SECRET)] == [200, 200]
    assert server.stop() == 0
    with_secrets(lambda: server, NEW_SECRET).start()
    ann = server.service(name)
    assert [outcome(OLD_SECRET), outcome(NEW_SECRET)] == [401, 200]
    assert OLD_SECRET not in server.log() and NEW_SECRET not in server.log()


def test_without_a_key_nothing_is_believed(new_server, sku, name):
    server = new_server().start()
    server.sell(**{sku: 5})
    order = server.service(name).checkout({sku: 1}).json
    assert_unknown(tell(server, event_of(order), ""))
    assert_unknown(tell(server, event_of(order)))
    assert server.service(name).order(order["id"]).json == order


@pytest.mark.parametrize("lines, said", [
    ([], "no key"), (["too-short"], ":1 "), (["# the key", OLD_SECRET, "", "too-short-too"], ":4 "),
    ([OLD_SECRET, NEW_SECRET, "a-third-key-of-some-size"], ":3 ")])
def test_a_file_that_is_not_understood_stops_the_start(new_server, lines, said):
    server = with_secrets(new_server, *lines)
    told = server.refuses_to_start()
    assert "auth.webhook_secret_file" in told and "webhook-secret" in told and said in told, told
    assert OLD_SECRET not in told and "too-short" not in told
    assert not server.data.exists()


def test_a_file_that_others_can_read_is_spoken_of(new_server):
    server = with_secrets(new_server, OLD_SECRET)
    (server.directory / "webhook-secret").chmod(0o644)
    server.start()
    assert "chmod 600" in server.log()
    assert "0644" in server.run("check").stdout
