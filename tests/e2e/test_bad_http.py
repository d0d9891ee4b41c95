# SPDX-License-Identifier: Apache-2.0
"""Requests no honest client sends: refused, the connection closed, and nobody else affected."""

import json
import threading

import pytest

from tests.lib.client import Wire, exchange
from tests.lib.server import ADMIN_TOKEN, eventually


@pytest.fixture(scope="module")
def server(new_shared_server):
    server = new_shared_server(shards=2).start()
    server.sell(STEADY=5)
    return server


GET = b"GET /v1/availability?skus=STEADY HTTP/1.1\r\n"
POST = b"POST /v1/availability HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
BODY = b'{"skus":["STEADY"]}'
LENGTH = b"%d" % len(BODY)

# What RFC 9112 calls malformed, or leaves open: both could be read in two ways by two servers.
MALFORMED = {
    "no_host": GET + b"\r\n",
    "two_hosts": GET + b"Host: a\r\nHost: b\r\n\r\n",
    "space_before_colon": GET + b"Host : x\r\n\r\n",
    "header_without_colon": GET + b"Host: x\r\nnonsense\r\n\r\n",
    "header_without_name": GET + b"Host: x\r\n: value\r\n\r\n",
    "folded_header": GET + b"Host: x\r\nX-A: b\r\n c\r\n\r\n",
    "header_with_nul": GET + b"Host: x\r\nX-A: b\0c\r\n\r\n",
    "header_with_carriage_return": GET + b"Host: x\r\nX-A: b\rc\r\n\r\n",
    "bare_line_feeds": b"GET /livez HTTP/1.1\nHost: x\n\n",
    "no_version": b"GET /livez\r\nHost: x\r\n\r\n",
    "odd_version": b"GET /livez HTTP/1.1x\r\nHost: x\r\n\r\n",
    "two_spaces": b"GET  /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "odd_method": b"GE(T /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "control_byte_in_target": b"GET /liv\x01ez HTTP/1.1\r\nHost: x\r\n\r\n",
    "bad_percent_where_nothing_is": b"GET /nothing?%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "bracket_in_path": b"GET /v1/products/a[0] HTTP/1.1\r\nHost: x\r\n\r\n",
    "connection_names_a_field": GET + b"Host: x\r\nConnection: X-Customer-Id\r\n\r\n",
    "chunks_in_http_1_0":
        POST.replace(b"1.1", b"1.0") + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunked_twice": POST + b"Transfer-Encoding: chunked\r\n" * 2 + b"\r\n0\r\n\r\n",
    "chunk_without_its_end": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc",
    "forbidden_trailer":
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Customer-Id: eve\r\n\r\n",
    "get_with_chunks": GET + b"Host: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "get_with_length": GET + b"Host: x\r\nContent-Length: 1\r\n\r\nx",
    "bad_percent": b"GET /v1/products/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "cut_percent": b"GET /v1/products/%4 HTTP/1.1\r\nHost: x\r\n\r\n",
    "percent_nul": b"GET /v1/products/A%00B HTTP/1.1\r\nHost: x\r\n\r\n",
    "two_lengths": POST + b"Content-Length: " + LENGTH + b"\r\nContent-Length: 0\r\n\r\n" + BODY,
    "two_equal_lengths":
        POST + (b"Content-Length: " + LENGTH + b"\r\n") * 2 + b"\r\n" + BODY,
    "list_of_lengths":
        POST + b"Content-Length: " + LENGTH + b", " + LENGTH + b"\r\n\r\n" + BODY,
    "signed_length": POST + b"Content-Length: +" + LENGTH + b"\r\n\r\n" + BODY,
    "negative_length": POST + b"Content-Length: -1\r\n\r\n" + BODY,
    "hexadecimal_length": POST + b"Content-Length: 0x13\r\n\r\n" + BODY,
    "empty_length": POST + b"Content-Length:\r\n\r\n" + BODY,
    "length_and_chunks":
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_request_is_refused_and_the_connection_closed(server, name):
    wire = Wire(server.http_port)
    wire.send(MALFORMED[name])
    reply = wire.read_reply()
    assert (reply.status, reply.code) == (400, "malformed")
    assert reply.headers["content-type"] == "application/problem+json"
    assert wire.is_closed()
    wire.close()


REFUSED = {
    "another_coding": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", {501}),
    "coding_without_end": (POST + b"Transfer-Encoding: gzip\r\n\r\n", {400}),
    "huge_chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\n10001\r\n", {413}),
    "many_tiny_chunks":
        (POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * 5000, {431}),
    "unknown_expectation": (POST + b"Expect: tea\r\nContent-Length: 1\r\n\r\n", {417}),
    "http_1_0_is_too_old_for_us": (b"GET /livez HTTP/0.9\r\nHost: x\r\n\r\n", {400, 505}),
    "http_2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400, 501, 505}),
    "long_target": (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", {414}),
    "long_header": (GET + b"Host: x\r\nX-A: " + b"a" * 20000 + b"\r\n\r\n", {431}),
    "many_headers": (GET + b"Host: x\r\n" + b"X-A: b\r\n" * 3000 + b"\r\n", {431}),
    "length_beyond_64_bits":
        (POST + b"Content-Length: 99999999999999999999999\r\n\r\n" + BODY, {413}),
    "huge_length": (POST + b"Content-Length: 65537\r\n\r\n", {413}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_too_long_or_not_spoken_here_is_refused(server, name):
    data, statuses = REFUSED[name]
    reply = exchange(server.http_port, data)
    assert reply.status in statuses, reply
    assert reply.code


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not(server):
    """The limit is body_bytes; the answer comes before the body does."""
    client = server.client()
    padding = 65536 - len(BODY)
    exactly = client.post("/v1/availability", BODY + b" " * padding,
                          headers={"Content-Type": "application/json"})
    assert exactly.status == 200
    over = exchange(server.http_port, POST + b"Content-Length: 65537\r\n\r\n")
    assert (over.status, over.code) == (413, "body_too_large")


CHUNKED = (POST + b"Transfer-Encoding: chunked\r\n\r\n"
           b"5;ext=\"a;b\"\r\n" + BODY[:5] + b"\r\n%X\r\n" % (len(BODY) - 5) + BODY[5:] +
           b"\r\n000\r\nX-Sum: 1\r\n\r\n")


def test_a_body_in_chunks_is_read(server):
    """RFC 9112 7.1; the connection goes on behind its last chunk."""
    wire = Wire(server.http_port)
    wire.send(CHUNKED * 2)
    for _ in range(2):
        reply = wire.read_reply()
        assert reply.status == 200
        assert [item["sku"] for item in reply.json["items"]] == ["STEADY"]
    wire.close()


def test_a_body_in_chunks_may_be_as_large_as_any(server):
    """As many bytes of data as body_bytes, and one more is one too many."""
    data = BODY + b" " * (65536 - len(BODY))
    pieces = [data[at:at + 4096] for at in range(0, len(data), 4096)]
    wire = Wire(server.http_port)
    wire.send(POST + b"Transfer-Encoding: chunked\r\n\r\n")
    for piece in pieces:
        wire.send(b"%x\r\n" % len(piece) + piece + b"\r\n")
    wire.send(b"0\r\n\r\n")
    assert wire.read_reply().status == 200
    wire.send(POST + b"Transfer-Encoding: chunked\r\n\r\n10000\r\n" + data + b"\r\n1\r\n")
    reply = wire.read_reply()
    assert (reply.status, reply.code) == (413, "body_too_large")
    assert wire.is_closed()
    wire.close()


@pytest.mark.parametrize("framing", [b"Content-Length: " + LENGTH, b"Transfer-Encoding: chunked"])
def test_a_client_that_waits_is_told_to_go_on(server, framing):
    """RFC 9110 10.1.1: once, before the body comes; and not when a body was sent with the head."""
    body = BODY if framing.startswith(b"C") else b"%x\r\n" % len(BODY) + BODY + b"\r\n0\r\n\r\n"
    wire = Wire(server.http_port)
    wire.send(POST + framing + b"\r\nExpect: 100-continue\r\n\r\n")
    assert wire.receive() == b"HTTP/1.1 100 Continue\r\n\r\n"
    for byte in body:
        wire.send(bytes([byte]))
    assert wire.read_reply().status == 200
    wire.send(POST + framing + b"\r\nExpect: 100-continue\r\n\r\n" + body)
    assert wire.read_reply().status == 200
    wire.close()


def test_an_import_names_its_size(server):
    """Its body is streamed into a file whose size is known before."""
    reply = exchange(server.admin_port,
                     b"POST /admin/v1/import HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\n"
                     b"Authorization: Bearer " + ADMIN_TOKEN.encode() +
                     b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    assert reply.status == 411


@pytest.mark.parametrize("fields, kept", [(b"", False), (b"Connection: keep-alive\r\n", True),
                                          (b"Connection: close\r\n", False)])
def test_an_old_client_is_told_whether_the_connection_stays(server, fields, kept):
    """RFC 9112 9.3: HTTP/1.0 keeps a connection only when both sides say so."""
    request = b"GET /livez HTTP/1.0\r\n" + fields + b"\r\n"
    wire = Wire(server.http_port)
    wire.send(request)
    assert wire.read_reply().headers["connection"] == ("keep-alive" if kept else "close")
    if kept:
        wire.send(request)
        assert wire.read_reply().status == 200
    else:
        assert wire.is_closed()
    wire.close()


def test_head_is_get_without_the_body(server):
    """RFC 9110 9.3.2: the same fields, and the next reply begins right behind them."""
    whole = exchange(server.http_port, GET + b"Host: x\r\n\r\n")
    wire = Wire(server.http_port)
    wire.send(GET.replace(b"GET", b"HEAD") + b"Host: x\r\n\r\n" +
              b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    said = b""
    while more := wire.receive():
        said += more
    head, _, rest = said.partition(b"\r\n\r\n")
    assert f"Content-Length: {whole.headers['content-length']}".encode() in head
    assert rest.startswith(b"HTTP/1.1 200 OK\r\n")
    wire.close()


def test_a_body_of_another_type_is_refused(server):
    reply = server.client().post("/v1/availability", BODY, headers={"Content-Type": "text/plain"})
    assert reply.status == 415


@pytest.mark.parametrize("method, path", [
    ("PATCH", "/v1/cart"), ("POST", "/v1/products"), ("DELETE", "/v1/availability"),
    ("PUT", "/v1/checkout"), ("POST", "/livez")])
def test_another_method_is_told_which_are_allowed(server, method, path):
    reply = server.client().request(method, path, headers={"X-Customer-Id": "ann"})
    assert reply.status == 405
    assert "GET" in reply.headers["allow"] or "POST" in reply.headers["allow"]
    assert method not in reply.headers["allow"]


def test_options_name_the_methods(server):
    """RFC 9110 9.3.7: of a path, and of the server."""
    client = server.client()
    path = client.request("OPTIONS", "/v1/cart")
    assert (path.status, path.headers["allow"]) == (204, "GET, HEAD, DELETE, OPTIONS")
    whole = client.request("OPTIONS", "*")
    assert whole.status == 204
    assert set(whole.headers["allow"].split(", ")) == \
        {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    assert client.request("OPTIONS", "/nothing").status == 404


@pytest.mark.parametrize("path", ["/", "/v1", "/v2/cart", "/v1/cart/", "/v1/products/A/B",
                                  "/admin/v1/stock/STEADY", "/v1/../v1/cart", "/V1/CART"])
def test_an_unknown_path_is_not_found(server, path):
    reply = server.client().get(path, headers={"X-Customer-Id": "ann"})
    assert (reply.status, reply.code) == (404, "not_found")


def test_an_error_explains_itself(server):
    """RFC 9457."""
    reply = server.client().get("/v1/products/NOPE", headers={"X-Request-Id": "trace-7"})
    problem = reply.json
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["cache-control"] == "no-store"
    assert problem["type"] == "/problems/not_found"
    assert (problem["status"], problem["code"]) == (404, "not_found")
    assert problem["title"] and problem["detail"]
    assert problem["request_id"] == reply.headers["x-request-id"] == "trace-7"


def test_an_insane_request_id_is_replaced(server):
    reply = server.client().get("/livez", headers={"X-Request-Id": "a" * 1000})
    assert reply.headers["x-request-id"] not in ("", "a" * 1000)


@pytest.mark.parametrize("customer", ["", "x" * 128, "with\ttab", "caf\u00e9".encode("latin-1")])
def test_a_customer_id_must_be_printable_and_short(server, customer):
    reply = server.client().get("/v1/cart", headers={"X-Customer-Id": customer})
    assert reply.status in (400, 401), reply


def test_a_longest_customer_id_is_fine(server):
    assert server.client().get("/v1/cart", headers={"X-Customer-Id": "x" * 127}).status == 200


def test_an_unknown_role_is_refused(server):
    reply = server.client().get("/v1/cart", headers={"X-Customer-Id": "ann", "X-Role": "king"})
    assert reply.status in (400, 401, 403)


def test_a_request_means_the_same_however_it_is_cut(server):
    """The answer to a request sent byte by byte is that to one sent at once."""
    data = POST + b"Content-Length: " + LENGTH + b"\r\n\r\n" + BODY
    whole = exchange(server.http_port, data)
    wire = Wire(server.http_port)
    for offset in range(len(data)):
        wire.send(data[offset:offset + 1])
    cut = wire.read_reply()
    wire.close()
    assert (cut.status, cut.json["items"]) == (whole.status, whole.json["items"]) == \
        (200, whole.json["items"])


def test_connections_that_say_nothing_or_half_do_not_disturb(server):
    """A hundred idle and half-said connections; others are served, and slots come back."""
    idle = [Wire(server.http_port) for _ in range(100)]
    for number, wire in enumerate(idle):
        wire.send(GET[:number % len(GET)])
    client = server.client()
    for _ in range(20):
        assert client.get("/v1/availability?skus=STEADY").status == 200
    for wire in idle:
        wire.close()
    again = [Wire(server.http_port) for _ in range(100)]
    for wire in again:
        wire.send(GET + b"Host: x\r\n\r\n")
        assert wire.read_reply().status == 200
        wire.close()


def test_more_connections_than_there_is_room_for_leave_the_server_alive(new_server):
    server = new_server(settings={"capacity.connections": 32}).start()
    server.sell(S1=1)
    crowd = []
    for _ in range(64):
        wire = Wire(server.http_port)
        wire.send(GET + b"Host: x\r\n\r\n")
        crowd.append(wire)
    assert crowd[0].read_reply().status == 200
    for wire in crowd:
        wire.close()
    assert eventually(lambda: server.client().get("/livez").status == 200, 5)


def test_a_client_without_room_is_told_so(new_server):
    server = new_server(settings={"capacity.connections": 32}).start()
    crowd = [Wire(server.http_port) for _ in range(64)]
    refusal = crowd[-1].read_reply()
    assert refusal.status == 503
    assert refusal.headers["content-type"] == "application/problem+json"
    assert 1 <= int(refusal.headers["retry-after"]) <= 2
    assert 1000 <= refusal.json["retry_after_ms"] < 2000
    assert refusal.json["code"] == "overloaded"
    for wire in crowd:
        wire.close()


def test_a_customer_who_hangs_up_loses_nothing(server, sku):
    """V7: the reply is lost, the order is not; the same key fetches it."""
    server.sell(**{sku: 50})
    body = json.dumps({"items": [{"sku": sku, "quantity": 1}]}).encode()
    head = ("POST /v1/checkout HTTP/1.1\r\nHost: x\r\nX-Customer-Id: gone-%d\r\n"
            "Idempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n")
    for number in range(20):
        wire = Wire(server.http_port)
        wire.send((head % (number, len(body))).encode() + body)
        wire.close()

    def fetch(number):
        shopper = server.shopper(f"gone-{number}")
        assert shopper.checkout({sku: 1}, key="k").status == 201
        assert len(shopper.orders().json["items"]) == 1

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.stock(sku)["held"] == 20
