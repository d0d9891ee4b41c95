# SPDX-License-Identifier: Apache-2.0
"""Every act of an admin leaves a line in the log, and who did it stands in the journal."""

import contextlib
import json
import random
import re
import socket
import struct
import threading
import time

import pytest

from tests.lib.client import Wire
from tests.lib.resp import command
from tests.lib.server import ADMIN_TOKEN, VIEWER_TOKEN, eventually, free_address

LINE = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) admin (\S+) \((\w+)\) "
                  r"(\S+) (\S+)(?: (\S+))?: (\d{3}), request (\S+)")
# What admins do, as the journal calls it.
KINDS = {"import_begun", "import_done", "product_set", "stock_adjusted", "sale_set",
         "sale_closing", "sale_removed", "switch_set", "order_cancelled", "order_review"}
CSV = {"Content-Type": "text/csv"}
ROW = "sku,title,category,seller,price,currency,stock\nCSV-1,Thing,things,s,1.00,GBP,3\n"


@pytest.fixture(scope="module", name="server")
def make_server(new_shared_server):
    server = new_shared_server(shards=2).start()
    log = Log(server)
    server.sell(A=10)
    log.lines(1)
    yield server
    log = server.log()
    assert ADMIN_TOKEN not in log and VIEWER_TOKEN not in log


class Log:
    def __init__(self, server):
        self.server = server
        self.begin = len(server.log())

    def lines(self, count):
        """The lines of acts since then, when there are so many."""
        def told():
            return LINE.findall(self.server.log()[self.begin:])
        eventually(lambda: len(told()) >= count)
        assert len(told()) == count, self.server.log()[self.begin:]
        return told()


def acts(orders):
    """Method, path, body, more fields, what of the body is told."""
    yield "POST", "/admin/v1/import", ROW, CSV, ""
    yield "POST", "/admin/v1/import?dry_run=true", ROW, CSV, "dry_run"
    yield "PATCH", "/admin/v1/products/A", {"title": "Another"}, {}, ""
    yield "POST", "/admin/v1/products/A/stock", {"delta": 1}, {}, ""
    yield "PUT", "/admin/v1/sales/black", {"max_per_customer": 3}, {}, ""
    yield "POST", "/admin/v1/pause", {"scope": "sku:A"}, {}, "sku:A"
    yield "POST", "/admin/v1/resume", {"scope": "sku:A"}, {}, "sku:A"
    yield "POST", "/admin/v1/freeze", {"scope": "all"}, {}, "all"
    yield "POST", "/admin/v1/resume", {"scope": "all"}, {}, "all"
    yield "POST", "/admin/v1/kill", {"scope": "sale:black"}, {}, "sale:black"
    yield "POST", "/admin/v1/resume", {"scope": "sale:black"}, {}, "sale:black"
    yield "PUT", "/admin/v1/sales/black", {"ends_at": "2020-01-01T00:00:00Z"}, {}, ""
    yield "DELETE", "/admin/v1/sales/black", None, {}, ""
    yield "POST", f"/admin/v1/orders/{orders[0]}/cancel", {}, {}, ""
    yield "POST", f"/admin/v1/orders/{orders[1]}/review", {"decision": "approve"}, {}, ""
    yield "POST", f"/admin/v1/orders/{orders[2]}/review", {"decision": "decline"}, {}, ""


def test_each_call_of_an_operator_leaves_its_line(server):
    ann = server.service("ann")
    orders = [ann.checkout({"A": 1}).json["id"]]
    orders += [ann.checkout({"A": 1}, risk={"decision": "review"}).json["id"] for _ in range(2)]
    log = Log(server)
    calls = list(acts(orders))
    for number, (method, path, body, fields, told) in enumerate(calls):
        reply = server.admin().request(method, path, body, {
            "X-Request-Id": f"call-{number}", "Idempotency-Key": f"log-{number}", **fields})
        moment, *line = log.lines(number + 1)[-1]
        assert line == ["tests", "operator", method, path.split("?")[0], told, str(reply.status),
                        f"call-{number}"]
        assert moment[:2] == "20"
    assert {line[6] for line in log.lines(len(calls))} <= {"200", "201", "202", "204"}


def test_a_refusal_leaves_its_line_and_reading_leaves_none(server):
    log = Log(server)
    assert server.admin(VIEWER_TOKEN).post("/admin/v1/pause", {"scope": "all"}).status == 403
    assert log.lines(1)[0][1:7] == ("looker", "viewer", "POST", "/admin/v1/pause", "", "403")
    assert server.admin().post("/admin/v1/pause", {}).status in (400, 422)
    assert server.admin("a-token-that-nobody-has").post(
        "/admin/v1/pause", {"scope": "all"}).status == 401
    assert server.admin().get("/admin/v1/switches").status == 200
    assert server.admin().get("/admin/v1/stock/A").status == 200
    assert server.admin().post("/admin/v1/products/A/stock", {"delta": 1}, headers={
        "Idempotency-Key": "last"}).status == 200
    assert [line[4] for line in log.lines(3)] == [
        "/admin/v1/pause", "/admin/v1/pause", "/admin/v1/products/A/stock"]


def test_nothing_that_a_body_says_begins_a_line(server):
    log = Log(server)
    forged = "sale:x\n2027-01-01T00:00:00.000Z admin boss (operator) POST /admin/v1/kill"
    server.admin().post("/admin/v1/pause", {"scope": forged[:100]})
    line, = log.lines(1)
    assert line[1] == "tests" and "boss" in line[5]


def test_who_hangs_up_leaves_his_line(new_server):
    """At any moment: what was done is told, though nobody heard that it was."""
    server = new_server(shards=2, settings={"server.resp": free_address()}).start()
    server.sell(A=1)
    dice = random.Random(1)
    body = b'{"scope":"sku:A"}'
    for number in range(60):
        act = b"resume" if number % 2 else b"pause"
        hang_up(server.settings["server.admin"], dice, (
            b"POST /admin/v1/%s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s") % (
                act, ADMIN_TOKEN.encode(), len(body), body))
        hang_up(server.settings["server.resp"], dice,
                command("HS.STOCK.ADD", "A", 1, "", f"key-{number}"))
    assert server.stop() == 0
    log, dump = server.log(), server.run("journal", "dump")
    kinds = [json.loads(line)["kind"] for line in dump.stdout.splitlines()]
    switched, added = kinds.count("switch_set"), kinds.count("stock_adjusted")
    assert switched > 0 and added > 0, kinds
    # To resume what was never paused is an act, too, that changes nothing.
    assert len(re.findall(r"\(operator\) POST /admin/v1/(?:pause|resume)", log)) >= switched
    assert log.count("back end service HS.STOCK.ADD A 1: done") == added


def hang_up(address, dice, data):
    """By reset, while it is done, or before."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port))) as peer:
        peer.sendall(data)
        time.sleep(dice.random() * 0.002)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def post(token, path, body, key):
    data = json.dumps(body).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nIdempotency-Key: {key}\r\n"
            f"Content-Length: {len(data)}\r\n\r\n").encode() + data


def test_a_flood_of_refusals_hides_nobody(new_server):
    """What a viewer tries, as fast as he can, crowds out no line of what an operator does; many
    acts at once find room."""
    server = new_server(shards=2).start()
    server.sell(A=1)
    over, floods = threading.Event(), []

    def flood():
        with contextlib.closing(Wire(server.admin_port)) as wire:
            while not over.is_set():
                wire.send(post(VIEWER_TOKEN, "/admin/v1/pause", {"scope": "all"}, "k") * 16)
                floods.extend(wire.read_reply().status for _ in range(16))

    threads = [threading.Thread(target=flood) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: len(floods) > 2000)
    for number in range(200):
        assert server.admin().post("/admin/v1/products/A/stock", {"delta": 1}, headers={
            "Idempotency-Key": f"one-{number}"}).status == 200
    over.set()
    for thread in threads:
        thread.join()
    assert set(floods) == {403}
    assert eventually(lambda: server.log().count("(operator) POST /admin/v1/products/") == 200)
    with contextlib.closing(Wire(server.admin_port)) as wire:
        for number in range(400):
            wire.send(post(ADMIN_TOKEN, "/admin/v1/products/A/stock", {"delta": 1}, f"k{number}"))
        assert {wire.read_reply().status for _ in range(400)} == {200}
    assert server.stop() == 0
    assert server.log().count("(operator) POST /admin/v1/products/") == 600


def test_a_stop_loses_no_line(server):
    log = Log(server)
    for _ in range(20):
        server.admin().post("/admin/v1/pause", {"scope": "sku:A"})
    server.stop()
    try:
        assert len(log.lines(20)) == 20
        dump = server.run("journal", "dump")
        assert dump.returncode == 0, dump.stderr
        events = [json.loads(line) for line in dump.stdout.splitlines()]
        done = [event for event in events if event["kind"] in KINDS]
        assert {event["kind"] for event in done} == KINDS
        unsigned = [event for event in done if event["texts"].get("actor") != "tests"]
        # Who closes a sale is named; shard 0 may be quicker than his request to remove it.
        assert {event["kind"] for event in unsigned} <= {"sale_removed"}
        assert not [event for event in unsigned if "actor" in event["texts"]]
        assert ADMIN_TOKEN not in dump.stdout
    finally:
        server.start()
