# SPDX-License-Identifier: Apache-2.0
"""openapi.yaml is true: every documented status of every call and every code is produced here, and
each reply is as its schema says. What is new in the document and produced by nobody fails."""

import concurrent.futures
import itertools
import json
import select
import socket

import pytest

from tests.e2e.test_webhooks import event_of, signature
from tests.lib.clock import Clock
from tests.lib.client import Reply, Wire, new_key
from tests.lib.contract import ID, Asker, Contract, operations
from tests.lib.crowd import hold_one_each
from tests.lib.jwt import HS256, SECRET as JWT_SECRET, claims, sign
from tests.lib.live import Stream
from tests.lib.server import VIEWER_TOKEN, eventually

SECRET = "a-secret-of-the-contract"
LATER = "2099-01-01T00:00:00Z"
EARLIER = "2001-01-01T00:00:00Z"

# Codes that api.md reserves for what this version does not do.
NOT_YET = {"unconfirmed"}


@pytest.fixture(scope="module")
def asker(new_shared_server):
    server = new_shared_server(shards=2, settings={
        "limits.lines_per_order": 4, "limits.lines_per_cart": 4, "limits.units_per_line": 1000,
        "limits.body_bytes": 65536, "limits.import_bytes": 1048576, "limits.max_open_orders": 64,
        "data.journal_bytes": 192 << 20})  # two thousand holds live at once
    path = server.directory / "webhook-secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    server.change(auth__webhook_secret_file=path)
    server.start()
    contract = Contract(server.client().get("/openapi.json").json)
    asker = Asker(contract, server)
    server.sell_rows([
        {"sku": "S1", "stock": 1000}, {"sku": "S2", "stock": 1000},
        {"sku": "ONE", "stock": 1}, {"sku": "FEW", "stock": 3},
        {"sku": "HELD", "stock": 1, "reserve_on": "cart"},
        {"sku": "CART", "stock": 100, "reserve_on": "cart"},
        {"sku": "LIMITED", "stock": 100, "max_per_customer": 1},
        {"sku": "MANY", "stock": 100000, "reserve_on": "cart"},
        {"sku": "EUROS", "stock": 10, "currency": "EUR"},
        {"sku": "SOON", "stock": 10, "reserve_on": "cart", "starts_at": LATER},
        {"sku": "OVER", "stock": 10, "reserve_on": "cart", "ends_at": EARLIER},
    ])
    return asker


def stop_at_the_door(contract, server):
    """503 recovering: a fresh directory with a PostgreSQL that is not there does not sell yet."""
    asker = Asker(contract, server)
    for method, path in sorted(contract.operations):
        if "503" in contract.operations[method, path][1]["responses"]:
            target = path.replace("{id}", ID)
            for name in ("sku", "sale", "customer"):
                target = target.replace("{%s}" % name, "X")
            want = "503" if path == "/readyz" else "503 recovering"
            asker.ask(method, target, headers={"X-Customer-Id": "ann"}, want=want)


def is_listening(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def test_nothing_is_sold_before_the_first_contact(asker, new_server):
    server = new_server(dsn="host=/nonexistent-hotshelf dbname=none connect_timeout=2")
    server.launch()
    assert eventually(lambda: all(map(is_listening, (server.http_port, server.admin_port))))
    stop_at_the_door(asker.contract, server)


# A body that is right by its form, for each call that takes one; and what else the call needs.
BODIES = {
    "POST /v1/availability": {"skus": ["S1"]},
    "POST /v1/guests": {},
    "PUT /v1/cart/items/{sku}": {"quantity": 1},
    "POST /v1/cart/extend": {},
    "POST /v1/cart/merge": {"guest_token": "hsg1."},
    "POST /v1/checkout": {"items": [{"sku": "S1", "quantity": 1}]},
    "POST /v1/orders/{id}/payment": {"result": "captured", "provider": "bank", "payment_id": "p",
                                     "amount": 1, "currency": "GBP"},
    "POST /v1/payment-events": {"id": "e", "order_id": ID, "result": "captured", "provider": "bank",
                                "payment_id": "p", "amount": 1, "currency": "GBP",
                                "occurred_at": LATER},
    "POST /v1/orders/{id}/cancel": {},
    "PATCH /admin/v1/products/{sku}": {"title": "T"},
    "POST /admin/v1/products/{sku}/stock": {"delta": 1, "reason": "r"},
    "PUT /admin/v1/sales/{sale}": {"hold_seconds": 60},
    "POST /admin/v1/orders/{id}/review": {"decision": "approve"},
    "POST /admin/v1/orders/{id}/cancel": {},
}


def fields(path, body):
    """What each call of a path needs to get past the door."""
    if path == "/v1/payment-events":
        return {"Content-Type": "application/json", "Hotshelf-Signature": signature(body, SECRET)}
    if path.startswith("/admin/"):
        return {"Content-Type": "application/json", "Idempotency-Key": new_key()}
    return {"Content-Type": "application/json", "Idempotency-Key": new_key(),
            "X-Customer-Id": "sweep", "X-Role": "service"}


def test_nobody_unknown_is_served(asker):
    for method, path, target in operations(asker.contract, "401"):
        asker.ask(method, target, want="401 unauthenticated", admin="")


def test_a_viewer_changes_nothing(asker):
    for method, path, target in operations(asker.contract, "403"):
        if path.startswith("/admin/"):
            asker.ask(method, target, b"{}", fields(path, b"{}"), "403 forbidden", VIEWER_TOKEN)


def test_a_token_is_for_its_customer_alone(asker, new_server):
    """auth.mode = jwt: who names another customer is forbidden, in each call."""
    server = new_server()
    secret = server.directory / "jwt-secret"
    secret.write_text(JWT_SECRET + "\n")
    server.change(auth__mode="jwt", auth__jwt_secret_file=secret)
    jwt = Asker(asker.contract, server.start())
    for status, told, key in (("403", "403 forbidden", JWT_SECRET),
                              ("401", "401 unauthenticated", JWT_SECRET[1:])):
        bearer = {"Authorization": "Bearer " + sign(HS256, claims(), key)}
        for method, path, target in operations(asker.contract, status):
            if not path.startswith("/admin/") and path != "/v1/payment-events":
                body = None if method == "GET" else b"{}"
                jwt.ask(method, target, body, {**fields(path, b"{}"), **bearer}, told)


def test_what_is_no_json_is_malformed(asker):
    for method, path, target in operations(asker.contract, "400"):
        if method == "GET":
            asker.ask(method, target + "?limit=%zz", want="400 malformed")
        elif method == "DELETE":
            asker.ask(method, target, headers={**fields(path, b""), "If-Match": "seven"},
                      want="400 malformed")
        else:
            asker.ask(method, target, b"{", fields(path, b"{"), "400 malformed")


def test_what_is_not_json_is_no_body(asker):
    for method, path, target in operations(asker.contract, "415"):
        sent = {**fields(path, b"x"), "Content-Type": "text/plain"}
        asker.ask(method, target, b"x", sent, "415 unsupported_media_type")


def test_what_nobody_knows_is_invalid(asker):
    for method, path, target in operations(asker.contract, "422"):
        if path == "/admin/v1/import":
            asker.ask(method, target, b"sku,titel\n", {"Content-Type": "text/csv"}, "422 invalid")
        elif method == "GET":
            asker.ask(method, target + "?bogus=1", headers=fields(path, b""), want="422 invalid")
        else:
            asker.ask(method, target, b'{"bogus":1}', fields(path, b'{"bogus":1}'), "422 invalid")


def test_what_is_not_there_is_not_found(asker):
    for method, path, _ in operations(asker.contract, "404"):
        target = path.replace("{id}", ID).replace("{sku}", "NOBODY").replace(
            "{sale}", "nobody").replace("{customer}", "nobody-at-all")
        body = json.dumps(BODIES.get(f"{method} {path}", {})).encode()
        if method in ("GET", "DELETE"):
            asker.ask(method, target, headers=fields(path, b""), want="404 not_found")
        elif (method, path) == ("POST", "/v1/orders/{id}/payment"):
            asker.ask(method, target.replace(ID, "no-order"), body, fields(path, body),
                      "404 not_found")
        elif method == "PUT" and path == "/admin/v1/sales/{sale}":
            asker.ask(method, "/admin/v1/sales/" + "x" * 64, body, fields(path, body),
                      "404 not_found")
        else:
            asker.ask(method, target, body, fields(path, body), "404 not_found")


def test_what_a_client_has_is_not_sent_again(asker):
    for method, path, target in operations(asker.contract, "304"):
        target += "?skus=S1" if path == "/v1/availability" else ""
        tag = asker.ask(method, target, want="200").headers["etag"]
        asker.ask(method, target, headers={"If-None-Match": tag}, want="304")


def test_reading(asker):
    for path in ("/v1/products", "/v1/products/S1", "/v1/availability?skus=S1,NOBODY", "/livez",
                 "/readyz", "/openapi.json", "/admin/v1/products/S1", "/admin/v1/stock/S1",
                 "/admin/v1/stock", "/admin/v1/sales", "/admin/v1/switches", "/admin/v1/orders",
                 "/admin/v1/reservations", "/admin/v1/audit"):
        asker.ask("GET", path, want="200")
    asker.ask("POST", "/v1/availability", {"skus": ["S1"], "only_available": True}, want="200")
    asker.ask("POST", "/v1/guests", {}, want="201")


def test_carts(asker):
    put = "/v1/cart/items/"
    asker.as_customer("PUT", put + "CART", {"quantity": 1}, want="200")
    cart = asker.as_customer("GET", "/v1/cart", want="200")
    asker.as_customer("POST", "/v1/cart/extend", want="200")
    asker.as_customer("POST", "/v1/cart/extend", want="410 reservation_expired")
    asker.as_customer("GET", "/v1/orders", want="200")
    asker.ask("GET", "/admin/v1/customers/ann", want="200")
    stale = {"If-Match": cart.headers["etag"]}
    asker.as_customer("PUT", put + "CART", {"quantity": 2}, want="412 stale_version", **stale)
    asker.as_customer("DELETE", put + "CART", want="412 stale_version", **stale)
    asker.as_customer("DELETE", "/v1/cart", want="412 stale_version", **stale)
    asker.as_customer("POST", "/v1/cart/extend", want="412 stale_version", **stale)
    asker.as_customer(
        "POST", "/v1/checkout", {}, key=new_key(), want="412 stale_version", **stale)
    asker.as_customer("PUT", put + "HELD", {"quantity": 1}, who="holder", want="200")
    asker.as_customer("PUT", put + "HELD", {"quantity": 1}, want="409 held_by_others")
    asker.as_customer("PUT", put + "SOON", {"quantity": 1}, want="409 sale_not_started")
    asker.as_customer("PUT", put + "OVER", {"quantity": 1}, want="410 sale_ended")
    asker.as_customer("PUT", put + "EUROS", {"quantity": 1}, want="422 currency_mismatch")
    asker.as_customer("PUT", put + "S1", {"quantity": 1001}, want="422 quantity_too_large")
    guest = asker.ask("POST", "/v1/guests", {}).json
    asker.as_customer("POST", "/v1/cart/merge", guest, want="422 invalid")
    token = {"guest_token": guest["guest_token"]}
    asker.as_customer("PUT", put + "CART", {"quantity": 1}, who=guest["customer"], want="200")
    asker.as_customer("POST", "/v1/cart/merge", token, want="412 stale_version", **stale)
    asker.as_customer("POST", "/v1/cart/merge", token, want="200")
    asker.as_customer("DELETE", put + "CART", want="200")
    asker.as_customer("DELETE", "/v1/cart", want="204")


def test_checkouts(asker):
    path, items = "/v1/checkout", {"items": [{"sku": "S1", "quantity": 1}]}
    asker.buy({"S1": 1})
    asker.as_customer("POST", path, items, want="400 idempotency_key_missing")
    asker.as_customer("POST", path, items, key="\u00e9", want="400 idempotency_key_invalid")
    asker.as_customer("POST", path, items, key="once", want="201")
    asker.as_customer("POST", path, {**items, "currency": "GBP"}, key="once",
                      want="422 idempotency_key_reused")
    asker.as_customer("POST", path, {}, who="nobody", key=new_key(), want="409 cart_empty")
    asker.as_customer("POST", path, {**items, "payment": {"mode": "deferred"}}, key=new_key(),
                      want="403 forbidden")
    asker.buy({"ONE": 1})
    asker.buy({"ONE": 1}, who="bob", want="409 held_by_others")
    asker.stock("ONE", {"delta": 1})
    order = asker.buy({"ONE": 1}, who="bob", role="service", payment={"mode": "deferred"})
    assert order["status"] == "confirmed"
    asker.buy({"FEW": 4}, want="409 insufficient")
    asker.buy({"FEW": 3}, role="service", payment={"mode": "deferred"})
    asker.buy({"FEW": 1}, want="409 sold_out")
    asker.buy({"FEW": 1, "SOON": 1}, want="409 lines_refused")
    asker.buy({"SOON": 1}, want="409 sale_not_started")
    asker.buy({"OVER": 1}, want="410 sale_ended")
    asker.buy({"LIMITED": 2}, want="409 limit_exceeded")
    asker.buy({"S1": 1}, expected_total=1, want="409 price_changed")
    asker.buy({"S1": 1}, role="service", risk={"decision": "decline"}, want="409 risk_declined")
    asker.buy({"NOBODY": 1}, want="422 unknown_sku")
    asker.buy({"S1": 1}, currency="EUR", want="422 currency_mismatch")
    asker.buy({"S1": 1001}, want="422 quantity_too_large")
    asker.buy({f"N{number}": 1 for number in range(5)}, want="422 too_many_lines")
    asker.buy({"S1": 1}, references={"note": "4111111111111111"}, want="422 card_number_refused")
    asker.as_customer("POST", path, {"references": {"a": "x" * 70000}}, key=new_key(),
                      want="413 body_too_large")


def tell_event(asker, order, want="200", body=None, **changed):
    """A payment event as the provider sends it, signed."""
    if body is None:
        body = json.dumps(event_of(order, **changed)).encode()
    return asker.ask("POST", "/v1/payment-events", body, {
        "Content-Type": "application/json",
        "Hotshelf-Signature": signature(body, SECRET)}, want)


def test_payments_and_cancels(asker):
    first, second = asker.buy({"S1": 1}), asker.buy({"S1": 2})
    asker.ask("GET", f"/v1/orders/{first['id']}", headers={"X-Customer-Id": "ann"}, want="200")
    asker.ask("GET", f"/admin/v1/orders/{first['id']}", want="200")
    asker.as_customer("POST", f"/v1/orders/{first['id']}/payment", {}, want="403 forbidden")
    asker.report(first, amount=first["total"] + 1, want="409 payment_mismatch")
    asker.report(first, payment_id="the-one")
    asker.report(second, payment_id="the-one", want="409 payment_id_used")
    asker.report(first, result="cancelled", want="409 invalid_transition")
    asker.report({**first, "id": ID}, want="410 archived")
    tell_event(asker, second)
    tell_event(asker, second, want="409 payment_mismatch", amount=1)
    tell_event(asker, second, body=b"{" + b" " * 70000 + b"}", want="413 body_too_large")
    third = asker.buy({"S1": 1})
    asker.cancel(third, key="c")
    asker.cancel(third, key="c", body={"reason": "other"}, want="422 idempotency_key_reused")
    asker.cancel(third, want="409 invalid_transition")
    asker.report(third, want="409 refund_required")
    confirmed = asker.buy({"S1": 1})
    asker.report(confirmed)
    asker.cancel(confirmed, body={"restock": "none"}, want="403 forbidden")


def test_the_merchant(asker):
    stock = "/admin/v1/products/S2/stock"
    asker.stock("S2", {"delta": 1}, key="s")
    asker.stock("S2", {"delta": 2}, key="s", want="422 idempotency_key_reused")
    asker.ask("POST", stock, {"delta": 1}, want="400 idempotency_key_missing")
    asker.stock("S2", {"set": 5, "compare": 1}, want="409 version_conflict")
    asker.ask("PATCH", "/admin/v1/products/S2", {"title": "Another"}, want="200")
    asker.ask("PUT", "/admin/v1/sales/autumn", {"hold_seconds": 60}, want="201")
    asker.ask("PUT", "/admin/v1/sales/autumn", {"hold_seconds": 61}, want="200")
    asker.ask("GET", "/admin/v1/sales/autumn", want="200")
    asker.ask("DELETE", "/admin/v1/sales/autumn", want="409 version_conflict")
    asker.ask("PUT", "/admin/v1/sales/autumn", {"ends_at": EARLIER}, want="200")
    asker.ask("DELETE", "/admin/v1/sales/autumn", headers={"If-Match": '"1"'},
              want="412 stale_version")
    asker.ask("DELETE", "/admin/v1/sales/autumn", want="204")
    csv = {"Content-Type": "text/csv"}
    asker.ask("POST", "/admin/v1/import", b"sku,title,category,seller,price,currency,stock\n"
              b"NEW,A,b,c,1.00,GBP,1\n", csv, "200")
    asker.ask("POST", "/admin/v1/import", b"x" * 1100000, csv, "413 body_too_large")
    review = asker.buy({"S1": 1}, role="service", risk={"decision": "review"})
    path = f"/admin/v1/orders/{review['id']}"
    asker.ask("POST", path + "/review", {"decision": "approve"}, want="200")
    asker.ask("POST", path + "/review", {"decision": "decline"}, want="409 invalid_transition")
    key = {"Idempotency-Key": new_key()}
    asker.ask("POST", path + "/cancel", {}, key, "200")
    asker.ask("POST", path + "/cancel", {}, {"Idempotency-Key": new_key()},
              "409 invalid_transition")


def test_switches(asker):
    for action in ("pause", "freeze", "kill", "resume"):
        asker.ask("POST", f"/admin/v1/{action}", {"scope": "all"}, want="200")
    asker.ask("POST", "/admin/v1/pause", {"scope": "sku:S2"}, want="200")
    asker.buy({"S2": 1}, want="503 paused")
    asker.ask("POST", "/admin/v1/resume", {"scope": "sku:S2"}, want="200")


def until(wanted, *calls, rounds=400):
    """Makes the calls at once, again and again, until one of their replies is the wanted one."""
    for _ in range(rounds):
        with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
            replies = [future.result() for future in [pool.submit(call) for call in calls]]
        if any((reply.status, reply.code) == wanted for reply in replies):
            return
    raise AssertionError(f"nobody was told {wanted}")


def test_two_merchants_at_once(asker):
    """409 version_conflict: a change of the same thing still waits for the disk."""
    titles, seconds = itertools.count(), itertools.count(1)
    product, sale = "/admin/v1/products/S2", "/admin/v1/sales/both"
    until((409, "version_conflict"), *[lambda: asker.ask(
        "PATCH", product, {"title": f"Title {next(titles)}"})] * 4)
    until((409, "version_conflict"), *[lambda: asker.ask(
        "PUT", sale, {"hold_seconds": next(seconds)})] * 4)
    stale = {"If-Match": '"999999"'}
    asker.ask("PATCH", product, {"title": "Late"}, stale, "412 stale_version")
    asker.ask("PUT", sale, {"hold_seconds": 7000}, stale, "412 stale_version")


def test_two_merges_of_one_guest(asker, new_server, workspace):
    """409 version_conflict: the other takes longer than a merge waits, by the server's clock."""
    clock = Clock(workspace)
    server = new_server(shards=2)
    server.environment = clock.environment()
    server.start()
    server.sell_rows([{"sku": "CART", "stock": 1000, "reserve_on": "cart"}])
    here = Asker(asker.contract, server)
    guest = here.ask("POST", "/v1/guests", {}, want="201").json["customer"]

    def merge(who):
        return here.as_customer("POST", "/v1/cart/merge", {"guest_token": guest}, who=who)

    for _ in range(200):
        here.as_customer("PUT", "/v1/cart/items/CART", {"quantity": 1}, who=guest, want="200")
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            merges = [pool.submit(merge, who) for who in "abcd"]
            while not all(merging.done() for merging in merges):
                clock.pass_ms(1000)
                here.ask("GET", "/livez")
        if any(merging.result().status == 409 for merging in merges):
            return
    raise AssertionError("no merge took long enough")


def test_a_kill_is_not_resumed_before_it_has_ended(asker):
    """409 of resume: what the kill has to give back is not all back yet."""
    def resume():
        return asker.ask("POST", "/admin/v1/resume", {"scope": "sku:MANY"})

    for _ in range(8):
        hold_one_each(asker.server, "MANY", 2000)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            kill = pool.submit(asker.ask, "POST", "/admin/v1/kill", {"scope": "sku:MANY"},
                               want="200")
            reply = resume()
            while reply.status != 409 and not kill.done():
                reply = resume()
            kill.result()
        resume()
        if reply.status == 409:
            return
    raise AssertionError("eight kills were over before they could be resumed")


def test_one_import_at_a_time(asker):
    """409 version_conflict while another import is being received."""
    slow = Wire(asker.server.admin_port)
    slow.send(b"POST /admin/v1/import HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
              b"Authorization: Bearer token-of-the-tests\r\nContent-Length: 100\r\n"
              b"Expect: 100-continue\r\n\r\n")
    assert slow.receive().startswith(b"HTTP/1.1 100")
    asker.ask("POST", "/admin/v1/import", b"sku\n", {"Content-Type": "text/csv"},
              "409 version_conflict")
    slow.close()


def test_full_tables(asker, new_server):
    """503 capacity_exhausted, and journal_full of a journal that is nearly full."""
    server = new_server(settings={"capacity.orders": 2, "capacity.claims": 16}).start()
    small = Asker(asker.contract, server)
    server.sell(S1=100)
    small.buy({"S1": 1})
    small.buy({"S1": 1})
    small.buy({"S1": 1}, want="503 capacity_exhausted")
    server = new_server(settings={
        "data.journal_bytes": 24 << 20, "reservations.payment_seconds": 60}).start()
    server.sell(S1=1000000)
    client = server.client()
    for number in range(5000):
        reply = client.post("/v1/checkout", {"items": [{"sku": "S1", "quantity": 1}]}, headers={
            "X-Customer-Id": f"fill-{number}", "Idempotency-Key": "k"})
        if reply.status != 201:
            break
    asker.contract.check("POST", "/v1/checkout", reply)
    assert reply.code == "journal_full"


def test_too_many_large_requests_at_once(asker):
    """503 overloaded: there is room for so many requests that come in pieces."""
    body = b"POST /v1/checkout HTTP/1.1\r\nHost: x\r\nX-Customer-Id: a\r\nIdempotency-Key: k\r\n" \
        b"Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n" + b" " * 30000
    wires = []
    for _ in range(200):
        wire = Wire(asker.server.http_port)
        wire.send(body)
        wires.append(wire)
    answered, _, _ = select.select([wire.socket for wire in wires], [], [], 10)
    assert answered, "nobody was refused"
    refused = next(wire for wire in wires if wire.socket in answered).read_reply()
    for wire in wires:
        wire.close()
    assert refused.code == "overloaded"
    asker.contract.check("POST", "/v1/checkout", refused)


def test_one_request_too_many(asker, new_server):
    """429 rate_limited, of every call that is limited."""
    server = new_server(settings={"limits.requests_per_second": 1, "limits.burst": 1,
                                  "server.trusted_proxies": "127.0.0.1"}).start()
    limited = Asker(asker.contract, server)
    for method, path, target in operations(asker.contract, "429"):
        who = {**fields(path, b""), "X-Role": "customer", "X-Forwarded-For": "192.0.2.1"}
        assert eventually(lambda: limited.ask(
            method, target, BODIES.get(f"{method} {path}"), who).code == "rate_limited")


def test_an_event_is_what_availability_answers(asker):
    stream = Stream(asker.server.http_port, "skus=S1,NOBODY")
    data = json.dumps(stream.event()).encode()
    stream.close()
    asker.contract.check("GET", "/v1/availability",
                         Reply(200, {"content-type": "application/json"}, data))
    asker.contract.check("GET", "/v1/availability/stream",
                         Reply(stream.status, stream.headers, json.dumps(data.decode()).encode()))


def test_methods_that_a_path_does_not_have(asker):
    """405 with Allow, of every path: it is no operation, so it is not in the document."""
    for path in asker.contract.document["paths"]:
        target = path.replace("{id}", ID).replace("{sku}", "S1").replace("{sale}", "x").replace(
            "{customer}", "x")
        client = asker.server.admin() if path.startswith("/admin") else asker.server.client()
        absent = next(method for method in ("PATCH", "PUT", "DELETE", "POST")
                      if method.lower() not in asker.contract.document["paths"][path])
        reply = client.request(absent, target)
        assert (reply.status, reply.code) == (405, "method_not_allowed")
        allowed = reply.headers["allow"]
        assert absent not in allowed
        options = client.request("OPTIONS", target)
        assert (options.status, options.headers["allow"]) == (204, allowed)
        asker.contract.codes.add(reply.code)


def test_everything_documented_was_produced(asker):
    """Last in this file: what the tests above have seen is all that the document names."""
    contract = asker.contract
    missing = sorted(contract.documented() - contract.seen)
    assert not missing, "\n".join(map(" ".join, missing))
    assert contract.documented_codes() - contract.codes == NOT_YET
