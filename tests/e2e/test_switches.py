# SPDX-License-Identifier: Apache-2.0
"""Pause, freeze, kill and resume on the real server: W3 to W6, A4 `paused`, L7, P7."""

import concurrent.futures
import contextlib
import threading

import pytest

from tests.lib.client import Wire
from tests.lib.clock import Clock
from tests.lib.crowd import hold_one_each
from tests.lib.server import VIEWER_TOKEN, eventually

CART = {"reservations.reserve_on": "cart"}
CROWD = 6000
ROOM_FOR_A_CROWD = {**CART, "capacity.customers": 4 * CROWD, "capacity.holds": 4 * CROWD,
                    "capacity.text_bytes": 1 << 20, "data.journal_bytes": 512 << 20}
ATTEMPTS = 8


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=3, settings=CART).start()


@pytest.fixture(autouse=True)
def everything_is_open_again(request):
    yield
    if "server" in request.fixturenames:
        shop = request.getfixturevalue("server")
        for item in switches(shop)["items"]:
            assert switch(shop, "resume", item["scope"]).status == 200


def switch(server, action, scope, **more):
    return server.admin(**more).post(f"/admin/v1/{action}", {"scope": scope})


def switches(server):
    reply = server.admin().get("/admin/v1/switches")
    assert reply.status == 200, reply
    return reply.json


def done(reply, **members):
    assert reply.status == 200, reply
    assert reply.json == members


def reservation(shopper):
    return shopper.cart().json["lines"][0]["reservation"]


def test_a_pause_refuses_new_units_and_nothing_else(server, sku, name):
    """W3: new holds 503 with Retry-After; checkout of what is held, payment, release go on."""
    server.sell(**{sku: 5})
    early, late = server.shopper(name), server.shopper(name + "-late")
    assert early.put(sku, 2).status == 200
    done(switch(server, "pause", "all"), scope="all", state="paused")
    refused = late.put(sku, 1)
    assert (refused.status, refused.code) == (503, "paused")
    assert int(refused.headers["retry-after"]) >= 5
    assert late.checkout({sku: 1}).code == "paused"
    assert server.availability(sku)[0]["status"] == "paused"
    assert server.client().get(f"/v1/products/{sku}").json["status"] == "paused"
    assert early.put(sku, 1).status == 200
    order = early.checkout()
    assert order.status == 201
    paid = server.service(name).pay(order.json, "captured", f"payment-{sku}")
    assert (paid.status, paid.json["status"]) == (200, "confirmed")
    done(switch(server, "resume", "all"), scope="all", state="open")
    assert late.put(sku, 1).status == 200
    assert server.availability(sku)[0]["status"] == "available"


def test_scopes_are_lifted_one_by_one(server, sku, sku2, name):
    """W6"""
    server.sell_rows([{"sku": sku, "sale": f"sale-{sku}"}, {"sku": sku2}])
    shopper = server.shopper(name)
    for scope in (f"sku:{sku}", f"sale:sale-{sku}", "all"):
        done(switch(server, "pause", scope), scope=scope, state="paused")
    listed = switches(server)
    assert {(item["scope"], item["state"], item["actor"]) for item in listed["items"]} == {
        ("all", "paused", "tests"), (f"sku:{sku}", "paused", "tests"),
        (f"sale:sale-{sku}", "paused", "tests")}
    assert listed["frozen"] is False
    assert server.admin().get("/readyz").json["checks"]["switches"] == "paused"
    switch(server, "resume", "all")
    assert server.admin().get("/readyz").json["checks"]["switches"] == "open"
    assert (shopper.put(sku2, 1).status, shopper.put(sku, 1).code) == (200, "paused")
    switch(server, "resume", f"sku:{sku}")
    assert shopper.put(sku, 1).code == "paused"
    mixed = shopper.checkout({sku: 1, sku2: 1000})
    assert (mixed.status, mixed.code) == (409, "lines_refused")
    assert {line["sku"]: line["code"] for line in mixed.json["lines"]} == {
        sku: "paused", sku2: "insufficient"}
    switch(server, "resume", f"sale:sale-{sku}")
    assert shopper.put(sku, 1).status == 200


def test_a_window_that_is_not_open_is_told_before_the_pause(server, sku, sku2, name):
    """A4, W1: not_started and ended stand before paused."""
    server.sell_rows([{"sku": sku, "starts_at": "2090-01-01T00:00:00Z"},
                      {"sku": sku2, "ends_at": "2020-01-01T00:00:00Z"}])
    switch(server, "pause", "all")
    assert [item["status"] for item in server.availability(sku, sku2, "NO-SUCH")] == [
        "not_started", "ended", "unknown"]
    assert server.shopper(name).put(sku, 1).code == "sale_not_started"
    assert server.shopper(name).put(sku2, 1).code == "sale_ended"


@pytest.mark.parametrize("body,path", [
    ({}, "scope"), ({"scope": ""}, "scope"), ({"scope": "everything"}, "scope"),
    ({"scope": "sale:"}, "scope"), ({"scope": "sku:a b"}, "scope"),
    ({"scope": "sale:" + "x" * 64}, "scope"), ({"scope": 1}, "scope"),
    ({"scope": "all", "why": "x"}, "why")])
def test_a_scope_is_never_guessed(server, body, path):
    for action in ("pause", "freeze", "kill", "resume"):
        reply = server.admin().post(f"/admin/v1/{action}", body)
        assert (reply.status, reply.code) == (422, "invalid"), reply
        assert any(path in error["member"] for error in reply.json["errors"]), reply
    assert switches(server)["items"] == []


def test_what_is_not_on_the_shelf_is_refused(server, sku):
    server.sell(**{sku: 1})
    unknown = switch(server, "pause", "sku:NO-SUCH")
    assert (unknown.status, unknown.code) == (422, "unknown_sku")
    # seller-1 is a name, and no sale
    for name in ("no-such", "seller-1"):
        reply = switch(server, "kill", f"sale:{name}")
        assert (reply.status, reply.code, reply.json["bound"]) == (422, "invalid", "scope")
    assert switch(server, "freeze", f"sku:{sku}").code == "invalid"


def test_only_an_operator_switches(server):
    for action in ("pause", "freeze", "kill", "resume"):
        reply = switch(server, action, "all", token=VIEWER_TOKEN)
        assert (reply.status, reply.code) == (403, "forbidden")
    assert server.admin(VIEWER_TOKEN).get("/admin/v1/switches").json == {
        "frozen": False, "items": []}


def test_a_freeze_stops_the_clock_of_every_hold(new_server, workspace, sku, name):
    """W4, L7: over a restart and over kill -9; on thaw the clock runs on."""
    clock = Clock(workspace)
    server = new_server(shards=3, settings={**CART, "reservations.hold_seconds": 3,
                                            "reservations.payment_seconds": 4})
    server.environment = clock.environment()
    server.start()
    server.sell(**{sku: 20})
    shoppers = [server.shopper(f"{name}-{number}") for number in range(6)]
    for shopper in shoppers:
        assert shopper.put(sku, 1).status == 200
    order = server.shopper(name).checkout({sku: 1}, key="born").json
    clock.pass_ms(1000)
    done(switch(server, "freeze", "all"), scope="all", state="frozen")

    def assert_born():
        """I3: a replay says what the checkout said, whatever clocks stood still."""
        again = server.shopper(name).checkout({sku: 1}, key="born")
        assert (again.status, again.json) == (201, order)

    def assert_frozen():
        clock.pass_ms(5000)
        for shopper in shoppers:
            seen = reservation(server.shopper(shopper.name))
            assert (seen["state"], seen["expires_at"], seen["expires_in_ms"]) == (
                "frozen", None, 2000)
        assert server.shopper(name).order(order["id"]).json["payment_due_at"] is None
        assert_born()
        assert server.shopper(name).put(sku, 1).code == "paused"
        # next_release_at is not known
        assert server.availability(sku)[0]["next_release_at"] is None
        assert switches(server)["frozen"] is True

    assert_frozen()
    assert server.stop() == 0
    clock.pass_ms(5000)
    server.start()
    assert_frozen()
    server.kill()
    server.start()
    assert_frozen()
    done(switch(server, "resume", "all"), scope="all", state="open")
    clock.pass_ms(1999)
    assert_born()
    moved = server.shopper(name).order(order["id"]).json
    assert moved["payment_due_at"] > order["payment_due_at"]
    for shopper in shoppers:
        thawed = reservation(server.shopper(shopper.name))
        assert (thawed["state"], thawed["expires_in_ms"]) == ("held", 1)
        assert thawed["expires_at"] is not None
    clock.pass_ms(1)
    assert eventually(lambda: server.stock(sku)["held"] == 1)
    assert server.shopper(name).order(order["id"]).json["status"] == "pending_payment"
    clock.pass_ms(1000)
    assert eventually(lambda: server.stock(sku)["held"] == 0)
    assert server.shopper(name).order(order["id"]).json["status"] == "expired"
    server.stop()
    server.audit()


def test_a_kill_ends_holds_and_unpaid_orders_and_answers_when_all_is_back(server, sku, sku2, name):
    """W5, P7, O3: with one SKU in scope a cart loses that hold, an order is cancelled whole."""
    server.sell_rows([{"sku": sku, "price": "0.45"}, {"sku": sku2}])
    held, unpaid, paid = (server.shopper(f"{name}-{who}") for who in ("held", "unpaid", "paid"))
    assert held.put(sku, 2).status == held.put(sku2, 3).status == 200
    order = unpaid.checkout({sku: 1, sku2: 4}).json
    kept = paid.checkout({sku: 1}).json
    assert server.service(paid.name).pay(kept, "captured", f"kept-{sku}").status == 200
    done(switch(server, "kill", f"sku:{sku}"), scope=f"sku:{sku}", state="killed", released=7,
         cancelled=1)
    assert server.stock(sku) == {"allotment": 10, "available": 9, "held": 0, "sold": 1}
    assert server.stock(sku2) == {"allotment": 10, "available": 7, "held": 3, "sold": 0}
    assert {line["sku"]: line["reservation"]["state"] for line in held.cart().json["lines"]} == {
        sku: "expired", sku2: "held"}
    assert unpaid.order(order["id"]).json["status"] == "cancelled"
    assert paid.order(kept["id"]).json["status"] == "confirmed"
    late = server.service(unpaid.name).pay(order, "captured", f"late-{sku}")
    assert (late.status, late.code, late.json["order_status"]) == (
        409, "refund_required", "refund_required")
    # A price typo: kill, change the price, resume.
    assert server.admin().request("PATCH", f"/admin/v1/products/{sku}",
                                  {"price": 4500}).status == 200
    assert held.put(sku, 2).code == "paused"
    again = switch(server, "kill", f"sku:{sku}").json
    assert (again["released"], again["cancelled"]) == (7, 1)
    switch(server, "resume", f"sku:{sku}")
    assert held.put(sku, 2).json["lines"][0]["unit_price"] == 4500


@contextlib.contextmanager
def crowd_being_killed(server, sku, scope):
    """A crowd holds all units and a kill gives them back, the first of them already; its reply to
    come. On a busy machine the kill can be over by then, so a test tries more than once."""
    hold_one_each(server, sku, CROWD)
    assert server.stock(sku)["held"] == CROWD
    looker = server.admin()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        reply = pool.submit(switch, server, "kill", scope)
        assert eventually(lambda: looker.get(f"/admin/v1/stock/{sku}").json["held"] < CROWD,
                          pause=0)
        yield reply


@pytest.mark.parametrize("shards", [2, 3])
def test_a_kill_goes_on_after_a_crash_in_the_middle_of_it(new_server, sku, shards):
    """W5, V4, V7: kill -9 while thousands of holds come back; nothing of it is lost or doubled."""
    server = new_server(shards=shards, settings=ROOM_FOR_A_CROWD).start()
    server.sell_rows([{"sku": sku, "stock": CROWD, "sale": "drop"}])
    for _ in range(ATTEMPTS):
        with crowd_being_killed(server, sku, "sale:drop") as reply:
            server.kill()
        server.start()
        item, = switches(server)["items"]
        assert (item["scope"], item["state"], item["actor"]) == ("sale:drop", "killed", "tests")
        assert eventually(lambda: not switches(server)["items"][0]["under_way"])
        assert server.stock(sku) == {"allotment": CROWD, "available": CROWD, "held": 0, "sold": 0}
        done(switch(server, "kill", "sale:drop"), scope="sale:drop", state="killed",
             released=CROWD, cancelled=0)
        line, = server.shopper("crowd-7").cart().json["lines"]
        assert line["reservation"]["state"] == "expired"
        switch(server, "resume", "sale:drop")
        if reply.exception() is not None:
            break
    assert isinstance(reply.exception(), OSError), "every kill was over before the crash"
    assert server.shopper("crowd-7").put(sku, 1).status == 200
    assert server.stop() == 0
    server.audit()


def test_a_resume_waits_for_the_end_of_its_kill(new_server, sku):
    """W5: 409 while units are still to come back, 200 after."""
    server = new_server(shards=2, settings=ROOM_FOR_A_CROWD).start()
    server.sell(**{sku: CROWD})
    for _ in range(ATTEMPTS):
        with crowd_being_killed(server, sku, "all") as reply:
            early = switch(server, "resume", "all")
        done(reply.result(), scope="all", state="killed", released=CROWD, cancelled=0)
        done(switch(server, "resume", "all"), scope="all", state="open")
        assert server.stock(sku)["available"] == CROWD
        if early.status == 409:
            break
    assert (early.status, early.code) == (409, "version_conflict")
    assert "kill" in early.json["detail"]


def test_no_unit_is_taken_after_the_reply_of_a_pause(server, sku):
    """W6: under load, on every shard; the stock of the reply's moment is that of ever after."""
    server.sell_rows([{"sku": sku, "stock": 1000000}])
    over = threading.Event()

    def buy(number):
        client, turn = server.client(), 0
        while not over.is_set():
            turn += 1
            client.request("PUT", f"/v1/cart/items/{sku}", {"quantity": turn},
                           headers={"X-Customer-Id": f"load-{sku}-{number}"})

    buyers = [threading.Thread(target=buy, args=(number,)) for number in range(8)]
    for buyer in buyers:
        buyer.start()
    try:
        for _ in range(30):
            assert switch(server, "pause", f"sku:{sku}").status == 200
            held = [server.stock(sku)["held"] for _ in range(5)]
            assert len(set(held)) == 1, held
            assert switch(server, "resume", f"sku:{sku}").status == 200
            assert eventually(lambda: server.stock(sku)["held"] > held[0])
    finally:
        over.set()
        for buyer in buyers:
            buyer.join()


def test_requests_behind_a_switch_see_it(server, sku, name):
    """W6: a switch is a barrier on its own connection, too."""
    server.sell(**{sku: 3})
    wire = Wire(server.admin_port)
    scope = b'{"scope":"all"}'
    head = (b"POST /admin/v1/%s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer token-of-the-tests\r\n"
            b"Content-Type: application/json\r\nContent-Length: 15\r\n\r\n")
    look = (b"GET /admin/v1/switches HTTP/1.1\r\nHost: a\r\n"
            b"Authorization: Bearer token-of-the-tests\r\n\r\n")
    wire.send(head % b"pause" + scope + look + head % b"resume" + scope + look)
    replies = [wire.read_reply() for _ in range(4)]
    assert [reply.status for reply in replies] == [200] * 4
    assert [len(replies[index].json["items"]) for index in (1, 3)] == [1, 0]
    assert server.shopper(name).put(sku, 1).status == 200


def test_a_switch_is_streamed_once(new_server, database, sku):
    """S1, W6: with its scope, from shard 0."""
    server = new_server(shards=2, dsn=database.dsn).start()
    server.sell_rows([{"sku": sku, "sale": "drop"}])
    for action, scope in (("pause", "sale:drop"), ("kill", f"sku:{sku}"), ("freeze", "all"),
                          ("resume", "all"), ("resume", "all")):
        assert switch(server, action, scope).status == 200
    server.stop()
    rows = database.rows("SELECT type, aggregateid, payload->'data'->>'scope', shard FROM "
                         "hotshelf.outbox WHERE type ~ 'paused|killed|frozen|resumed' ORDER BY seq")
    assert rows == [("sale.paused.v1", "drop", "sale:drop", 0),
                    ("sale.killed.v1", sku, f"sku:{sku}", 0),
                    ("sale.frozen.v1", "all", "all", 0), ("sale.resumed.v1", "all", "all", 0)]
    server.audit()


def test_the_admin_calls_from_a_shell(server, sku):
    """The verbs of the command line print what the server answers."""
    server.sell(**{sku: 5})
    paused = server.run("pause")
    assert (paused.returncode, paused.stdout) == (0, '{"scope":"all","state":"paused"}\n')
    assert server.run("freeze", "all").stdout == '{"scope":"all","state":"frozen"}\n'
    assert server.run("resume").stdout == '{"scope":"all","state":"open"}\n'
    killed = server.run("kill", f"sku:{sku}")
    assert killed.stdout == f'{{"scope":"sku:{sku}","state":"killed","released":0,"cancelled":0}}\n'
    assert server.run("resume", f"sku:{sku}").returncode == 0
    refused = server.run("freeze", f"sku:{sku}")
    assert refused.returncode == 1 and "one clock" in refused.stderr
    assert server.run("pause", "all", "sku:X").returncode == 2
    assert server.run("pause", "no-scope").returncode == 1


def test_stock_and_price_from_a_shell(server, sku):
    server.sell_rows([{"sku": sku, "stock": 5, "price": "1.00", "title": "currency: no"}])
    more = server.run("stock", sku, "+7")
    assert more.returncode == 0, more.stderr
    assert '"allotment":12' in more.stdout
    assert '"allotment":11' in server.run("stock", sku, "-1").stdout
    assert server.run("stock", sku, "-99").returncode == 1
    for wrong in ("7", "+", "+1x", "+-1", "x"):
        assert server.run("stock", sku, wrong).returncode == 2
    assert server.run("price", sku, "45.00").returncode == 0
    assert server.client().get(f"/v1/products/{sku}").json["price"] == 4500
    assert server.run("price", sku, "45").returncode == 0
    for wrong in ("45.001", "-1", "x", ""):
        told = server.run("price", sku, wrong)
        assert told.returncode == 1, told
    assert server.run("price", "NO-SUCH", "1.00").returncode == 1
    assert server.client().get(f"/v1/products/{sku}").json["price"] == 4500
    assert server.run("price", sku).returncode == 2


def test_names_that_need_escapes_in_a_path(server):
    odd = "odd%sku#1?&+~\\"
    server.sell_rows([{"sku": odd, "stock": 2}])
    assert '"allotment":3' in server.run("stock", odd, "+1").stdout
