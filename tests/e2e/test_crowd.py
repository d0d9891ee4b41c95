# SPDX-License-Identifier: Apache-2.0
"""S5 for more unpaid orders than a journal has blocks for: it counts the batches that it writes
while they live, and keeps to that pace. All end as they were promised, also after a kill -9."""

from tests.e2e.test_switches import switch
from tests.lib.client import Wire
from tests.lib.server import eventually

PAYMENT_SECONDS = 20
PIPELINED = 200
CROWD = 11000  # with a block for each 9,300 fitted
PAID = 15
ROOM = {
    "data.journal_bytes": 96 << 20, "capacity.text_bytes": 4 << 20, "capacity.claims": 131072,
    "reservations.payment_seconds": PAYMENT_SECONDS,
    "reservations.hold_seconds": PAYMENT_SECONDS, **{
        f"capacity.{table}": 32768
        for table in ("customers", "orders", "holds", "lines", "idempotency_keys")}}


def one_checkout(number):
    body = b'{"items":[{"sku":"BUY","quantity":1}]}'
    return (b"POST /v1/checkout HTTP/1.1\r\nHost: x\r\nX-Customer-Id: many-%d\r\nX-Role: service"
            b"\r\nIdempotency-Key: k\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (number, len(body), body))


def crowd(server):
    """Orders of a customer each, until the journal is full."""
    wire = Wire(server.http_port)
    orders = []
    for first in range(0, 32000, PIPELINED):
        wire.send(b"".join(one_checkout(number) for number in range(first, first + PIPELINED)))
        replies = [wire.read_reply() for _ in range(PIPELINED)]
        orders += [(f"many-{first + at}", reply.json)
                   for at, reply in enumerate(replies) if reply.status == 201]
        if len(orders) < first + PIPELINED:
            assert {reply.code for reply in replies if reply.status != 201} == {"journal_full"}
            return orders
    raise AssertionError("the journal never filled")


def pay_some(server, orders):
    for who, order in orders:
        reply = server.service(who).pay(order)
        assert (reply.status, reply.json["status"]) == (200, "confirmed"), reply


def test_a_crowd_of_unpaid_orders_ends_as_it_was_promised(new_server):
    """S5, L7, W4, V1 to V4."""
    server = new_server(settings=ROOM).start()
    server.sell(BUY=1_000_000)
    orders = crowd(server)
    assert len(orders) > CROWD
    pay_some(server, orders[:PAID])
    assert switch(server, "freeze", "all").status == 200
    pay_some(server, orders[PAID:PAID + 1])  # at its own pace, while the shelf clock stands still
    assert switch(server, "resume", "all").status == 200
    server.kill()
    server.start()
    pay_some(server, orders[-PAID:])
    paid = 2 * PAID + 1
    assert eventually(lambda: server.stock("BUY")["held"] == 0, 3 * PAYMENT_SECONDS)
    assert server.stock("BUY")["sold"] == paid
    assert eventually(lambda: server.service("late").checkout({"BUY": 1}).status == 201)
    assert server.stop() == 0
    server.audit()
