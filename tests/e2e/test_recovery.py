# SPDX-License-Identifier: Apache-2.0
"""kill -9 and SIGTERM: after a restart the shop is exactly what was acknowledged."""

import threading
import time

import pytest

from tests.lib.client import Wire
from tests.lib.past import Past
from tests.lib.server import eventually

SHARDS = pytest.mark.parametrize("shards", [1, 2, 4])


@SHARDS
@pytest.mark.parametrize("seed", [1, 2])
def test_after_kill_9_everything_acknowledged_is_there(new_server, shards, seed):
    """V1, V7, L7, I3: orders, carts, counters and keys; twice in a row, and the audit agrees."""
    server = new_server(shards=shards).start()
    past = Past(server, seed)
    for _ in range(2):
        past.live(150)
        past.remember()
        server.kill()
        server.start()
        past.is_true_still()
    assert past.orders and past.births
    server.kill()
    server.audit()


@SHARDS
def test_after_a_clean_stop_everything_is_there(new_server, shards):
    """SIGTERM ends with exit code 0."""
    server = new_server(shards=shards).start()
    past = Past(server, 3)
    past.live(150)
    past.remember()
    assert server.stop() == 0
    server.audit()
    server.start()
    past.is_true_still()


@SHARDS
def test_a_crash_in_the_middle_of_a_rush_neither_loses_nor_doubles(new_server, shards):
    """V3, V4, V7: acknowledged orders stand; the unanswered are asked again with their keys."""
    server = new_server(shards=shards).start()
    server.sell(RUSH=10000)
    bought = {}
    open_keys = []
    lock = threading.Lock()
    stop = threading.Event()

    def rush(number):
        shopper = server.service(f"rush-{number}")
        for turn in range(100000):
            if stop.is_set():
                return
            key = f"turn-{turn}"
            try:
                reply = shopper.checkout({"RUSH": 1}, key=key, payment={"mode": "deferred"})
            except (OSError, ConnectionError, Exception):  # noqa: the server died under it
                with lock:
                    open_keys.append((shopper.name, key))
                return
            assert reply.status == 201, reply
            with lock:
                bought[(shopper.name, key)] = reply.json["id"]

    threads = [threading.Thread(target=rush, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: len(bought) > 300, 30)
    server.kill()
    stop.set()
    for thread in threads:
        thread.join()
    server.start()
    for name, key in open_keys:
        reply = server.service(name).checkout({"RUSH": 1}, key=key, payment={"mode": "deferred"})
        assert reply.status == 201, reply
        bought[(name, key)] = reply.json["id"]
    for (name, key), order_id in bought.items():
        assert server.shopper(name).order(order_id).status == 200
    assert len(set(bought.values())) == len(bought)
    assert server.stock("RUSH") == {
        "allotment": 10000, "available": 10000 - len(bought), "held": 0, "sold": len(bought)}
    assert server.stop() == 0
    server.audit()


def test_one_data_directory_serves_one_process(new_server):
    first = new_server().start()
    second = new_server()
    second.change(data__dir=first.data)
    said = second.refuses_to_start()
    assert str(first.data) in said
    assert first.is_ready()


def test_the_clock_of_a_hold_stands_still_while_the_server_is_down(new_server):
    """L7: an outage costs no customer a hold."""
    server = new_server(settings={"reservations.reserve_on": "cart",
                                  "reservations.hold_seconds": 3}).start()
    server.sell(S1=5)
    assert server.shopper("ann").put("S1", 2).status == 200
    server.kill()
    # The outage itself must pass in real time: longer than the hold would have lived.
    threading.Event().wait(3.5)
    server.start()
    line = server.shopper("ann").cart().json["lines"][0]
    assert line["reservation"]["state"] == "held"
    assert server.stock("S1")["held"] == 2
    assert eventually(lambda: server.stock("S1")["available"] == 5, 6)


def buy(number):
    body = b'{"items":[{"sku":"S1","quantity":1}]}'
    return (f"POST /v1/checkout HTTP/1.1\r\nHost: x\r\nX-Customer-Id: c{number}\r\n"
            "Idempotency-Key: k\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


@SHARDS
def test_a_clean_stop_answers_what_has_begun(new_server, shards):
    """Every order that was taken was answered; the connection then ends between two replies."""
    server = new_server(shards=shards).start()
    server.sell(S1=1000)
    wires = [Wire(server.http_port) for _ in range(4)]
    for number, wire in enumerate(wires):
        wire.send(b"".join(buy(number * 100 + turn) for turn in range(100)))
    assert wires[0].read_reply().status == 201
    server.end_is_expected = True
    began = time.monotonic()
    server.process.terminate()
    answered = 1
    for wire in wires:
        while True:
            reply = wire.read_reply()
            if reply is None:
                break
            assert reply.status in (201, 503), reply
            answered += reply.status == 201
    assert server.process.wait(30) == 0
    assert time.monotonic() - began < 5
    server.start()
    assert server.stock("S1")["held"] == answered


def test_an_idle_connection_does_not_hold_up_a_clean_stop(new_server):
    server = new_server().start()
    idle = Wire(server.http_port)
    client = server.client()
    assert client.get("/livez").status == 200
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 2
    assert idle.is_closed()


def test_half_a_request_holds_up_a_clean_stop_no_longer_than_the_drain(new_server):
    server = new_server(settings={"server.drain_seconds": 1}).start()
    half = Wire(server.http_port)
    half.send(b"POST /v1/checkout HTTP/1.1\r\nHost: x\r\nContent-Le")
    assert server.client().get("/livez").status == 200
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 5


def test_a_second_signal_changes_nothing(new_server):
    server = new_server().start()
    server.sell(S1=5)
    server.end_is_expected = True
    server.process.terminate()
    server.process.terminate()
    assert server.process.wait(30) == 0
