# SPDX-License-Identifier: Apache-2.0
"""Many requests on one connection without waiting for the replies."""

import json
import socket

import pytest

from tests.lib.client import Wire


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2).start()


def request(method, path, customer=None, body=None, key=None):
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n"
    if customer:
        head += f"X-Customer-Id: {customer}\r\n"
    if key:
        head += f"Idempotency-Key: {key}\r\n"
    data = b"" if body is None else json.dumps(body).encode()
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    return head.encode() + b"\r\n" + data


def buy(sku, customer, key="k", quantity=1):
    return request("POST", "/v1/checkout", customer,
                   {"items": [{"sku": sku, "quantity": quantity}]}, key)


@pytest.fixture
def wire(server):
    wire = Wire(server.http_port)
    yield wire
    wire.close()


def test_replies_leave_in_the_order_of_the_requests(server, wire, sku):
    """Customers of both shards and calls answered at once, mixed, two hundred deep."""
    server.sell(**{sku: 1000})
    expected = []
    data = b""
    for number in range(200):
        if number % 3 == 0:
            data += request("GET", f"/v1/products/{sku}?n={number}".split("?")[0])
            expected.append((200, "sku", sku))
        elif number % 3 == 1:
            data += buy(sku, f"pipe-{sku}-{number}")
            expected.append((201, "customer", f"pipe-{sku}-{number}"))
        else:
            data += request("GET", f"/v1/products/UNKNOWN-{number}")
            expected.append((404, "code", "not_found"))
    wire.send(data)
    for status, member, value in expected:
        reply = wire.read_reply()
        assert (reply.status, reply.json[member]) == (status, value)
    assert server.stock(sku)["held"] == 67


def test_a_read_sees_the_writes_before_it(server, wire, sku):
    """A1: on one connection, also when customer and SKU live on different shards."""
    server.sell(**{sku: 30})
    data = b""
    for number in range(30):
        data += buy(sku, f"seq-{sku}-{number}") + request("GET", f"/v1/availability?skus={sku}")
    wire.send(data)
    for number in range(30):
        assert wire.read_reply().status == 201
        item = wire.read_reply().json["items"][0]
        assert item["available"] == 29 - number


def test_requests_of_one_customer_run_in_the_order_sent(server, wire, sku):
    server.sell(**{sku: 9})
    customer = "order-" + sku
    path = f"/v1/cart/items/{sku}"
    wire.send(b"".join(request("PUT", path, customer, {"quantity": number % 9 + 1})
                       for number in range(50)))
    for number in range(50):
        reply = wire.read_reply()
        assert (reply.status, reply.json["lines"][0]["quantity"]) == (200, number % 9 + 1)


def test_the_last_unit_goes_to_the_first_asked(server, wire, sku):
    """K5, Q2: of two checkouts of one customer in one packet, the first wins."""
    server.sell(**{sku: 1})
    customer = "twice-" + sku
    wire.send(buy(sku, customer, "a") + buy(sku, customer, "b"))
    assert wire.read_reply().status == 201
    assert wire.read_reply().status == 409


def test_after_close_nothing_more_is_answered(server, wire, sku):
    server.sell(**{sku: 5})
    closing = f"GET /v1/products/{sku} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    wire.send(closing + buy(sku, "after-close-" + sku))
    assert wire.read_reply().headers["connection"] == "close"
    assert wire.is_closed()
    assert server.stock(sku)["held"] == 0


def test_what_came_before_a_malformed_request_is_answered(server, wire, sku):
    server.sell(**{sku: 5})
    wire.send(buy(sku, "before-" + sku) + b"NONSENSE\r\n\r\n" + buy(sku, "behind-" + sku))
    assert wire.read_reply().status == 201
    assert wire.read_reply().status == 400
    assert wire.is_closed()
    assert server.stock(sku)["held"] == 1


def test_one_who_never_reads_stops_nobody(server, wire, sku):
    """A client that sends and does not read fills its own pipe, not the server's memory."""
    server.sell(**{sku: 5})
    one = request("GET", f"/v1/products/{sku}")
    wire.socket.settimeout(1)
    sent = 0
    try:
        while sent < 50_000_000:
            sent += wire.socket.send(one * 100)
    except TimeoutError:
        pass
    assert server.client().get(f"/v1/products/{sku}").status == 200
    assert sent < 50_000_000


def test_a_pipeline_may_be_cut_anywhere(server):
    """Lengths, chunks, an empty line and a HEAD, as two packets, cut at each of their bytes."""
    server.sell(CUT=5)
    body = b'{"skus":["CUT"]}'
    post = (b"POST /v1/availability HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"X-Request-Id: %s\r\n")
    data = (post % b"a" + b"Content-Length: %d\r\n\r\n" % len(body) + body +
            post % b"b" + b"Transfer-Encoding: chunked\r\n\r\n2;x\r\n" + body[:2] +
            b"\r\n%x\r\n" % (len(body) - 2) + body[2:] + b"\r\n0\r\nX: y\r\n\r\n" +
            b"\r\nGET /v1/products/CUT HTTP/1.1\r\nHost: x\r\nX-Request-Id: c\r\n\r\n")
    wire = Wire(server.http_port)
    wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for cut in range(1, len(data)):
        wire.send(data[:cut])
        wire.send(data[cut:])
        replies = [wire.read_reply() for _ in range(3)]
        assert [(reply.status, reply.headers["x-request-id"]) for reply in replies] == \
            [(200, "a"), (200, "b"), (200, "c")], cut
    wire.close()
