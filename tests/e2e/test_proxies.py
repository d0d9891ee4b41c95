# SPDX-License-Identifier: Apache-2.0
"""A shop behind nginx and behind HAProxy, with the sample configurations of net/proxy."""

import http.client
import json
import pathlib
import select

import pytest

from tests.lib.client import Client, Wire
from tests.lib.line import Line
from tests.lib.live import Stream
from tests.lib.proxies import Haproxy, Nginx, token
from tests.lib.server import eventually
from tests.lib.smuggling import hidden, vectors

GOODS = [f"GOOD-{number}" for number in range(20)]
VICTIM = "victim"
SECRET_SKU = "SECRET"
VECTORS = vectors(hidden(SECRET_SKU, VICTIM))
GUESTS = 6  # of one address at once
FOLLOWED_MIN = 20  # of the vectors; each gateway refuses most of them itself
ANSWER_SECONDS = 0.1  # for an attacker; what comes later is looked at behind the honest requests


@pytest.fixture(scope="module")
def nodes(new_shared_server):
    nodes = [new_shared_server(settings={
        "server.node": number, "server.trusted_proxies": "127.0.0.1",
        "limits.guests_per_second": 1, "limits.guests_burst": GUESTS}).start()
             for number in (1, 2)]
    for node in nodes:
        node.sell(**{SECRET_SKU: 100}, **{sku: 100 for sku in GOODS})
    return nodes


@pytest.fixture(scope="module", params=[Nginx, Haproxy])
def gateway(request, home, nodes):
    gateway = request.param(pathlib.Path(home) / f"gateway-{request.param.__name__}", nodes)
    yield gateway.start()
    gateway.stop()


def call(gateway, customer, method, path, body=None, **headers):
    client = gateway.client(customer)
    try:
        return client.request(method, path, body=body,
                              headers={name.replace("_", "-"): value
                                       for name, value in headers.items()})
    finally:
        client.close()


def node_of(gateway, customer):
    """The node that has the customer's cart, once something is in it."""
    call(gateway, customer, "PUT", f"/v1/cart/items/{GOODS[0]}", {"quantity": 1})
    having = [node for node in gateway.nodes
              if node.shopper(customer).cart().json["lines"]]
    assert len(having) == 1, customer
    return having[0]


@pytest.fixture(scope="module")
def one_of_each(gateway):
    """A customer of each node."""
    found = {}
    for number in range(64):
        customer = f"{type(gateway).__name__}-{number}"
        found.setdefault(node_of(gateway, customer), customer)
        if len(found) == 2:
            return [found[node] for node in gateway.nodes]
    raise AssertionError("all customers on one node")


def test_a_customer_buys_and_stays_on_his_node(gateway, one_of_each):
    """I3: cart, checkout, replay and order, for a customer of each node, on new connections."""
    for number, customer in enumerate(one_of_each):
        sku = GOODS[1]
        before = [node.stock(sku)["held"] for node in gateway.nodes]
        put = call(gateway, customer, "PUT", f"/v1/cart/items/{sku}", {"quantity": 2})
        assert put.status == 200
        ordered = [call(gateway, customer, "POST", "/v1/checkout", {}, Idempotency_Key="k")
                   for _ in range(2)]
        assert [reply.status for reply in ordered] == [201, 201]
        assert "idempotency-replayed" not in ordered[0].headers
        assert ordered[1].headers["idempotency-replayed"] == "true"
        assert ordered[0].json["id"] == ordered[1].json["id"]
        seen = call(gateway, customer, "GET", ordered[0].headers["location"])
        assert (seen.status, seen.json["customer"]) == (200, customer)
        assert [node.stock(sku)["held"] for node in gateway.nodes] == \
            [held + 2 * (index == number) for index, held in enumerate(before)]


def test_identity_is_the_gateways_word(gateway, one_of_each):
    """What a client writes into the gateway's fields is dropped, and roles are not for clients."""
    assert call(gateway, None, "GET", "/v1/cart", X_Customer_Id=one_of_each[0]).status == 401
    mine = call(gateway, one_of_each[0], "POST", "/v1/checkout",
                {"items": [{"sku": GOODS[2], "quantity": 1}]}, Idempotency_Key="own",
                X_Customer_Id=one_of_each[1], X_Role="service")
    assert (mine.status, mine.json["customer"]) == (201, one_of_each[0])
    paid = call(gateway, one_of_each[0], "POST", f"/v1/orders/{mine.json['id']}/payment",
                {"result": "captured", "provider": "bank", "payment_id": "p", "amount": 100,
                 "currency": "GBP"}, X_Role="service")
    assert paid.status == 403


def test_a_forged_token_is_refused(gateway):
    if isinstance(gateway, Nginx):
        forged = [{"Cookie": "session="}]  # its identity service is the shop's own
    else:
        forged = [{"Authorization": "Bearer " + bad} for bad in (
            token("ann", secret="another"), token("ann", expires_in=-1), token("ann", "none"),
            token("ann")[:-4], "", "x.y.z")]
    for headers in forged:
        client = Client(gateway.port, headers)
        assert client.get("/v1/cart").status == 401
        client.close()


@pytest.mark.parametrize("path", ["/admin/v1/sales", "/livez", "/readyz", "/metrics", "/",
                                  "//v1/products/GOOD-0", "/v1/../admin/v1/sales"])
def test_the_other_side_is_not_shown(gateway, path):
    assert call(gateway, None, "GET", path).status in (400, 404)


def guests_of(gateway, address, **fields):
    """Asked for until there are no more: the replies."""
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20,
                                            source_address=(address, 0))
    replies = []
    while not replies or replies[-1].status == 201:
        connection.request("POST", "/v1/guests", headers={
            name.replace("_", "-"): value for name, value in fields.items()})
        reply = connection.getresponse()
        reply.body = reply.read()
        replies.append(reply)
    connection.close()
    return replies


def test_clients_behind_one_proxy_have_an_allowance_each(gateway):
    """And 429 comes through whole; what a client writes of his address changes nothing."""
    host = 100 if isinstance(gateway, Haproxy) else 200
    for number in range(2):
        replies = guests_of(gateway, f"127.0.0.{host + number}")
        assert len(replies) > GUESTS
        last = replies[-1]
        assert last.status == 429
        assert json.loads(last.body)["code"] == "rate_limited"
        assert int(last.headers["Retry-After"]) >= 1
        assert last.headers["RateLimit"].startswith('"guests";r=0;t=')
    for fields in ({"X_Forwarded_For": "127.0.0.99"}, {"Forwarded": "for=127.0.0.99"}):
        assert len(guests_of(gateway, f"127.0.0.{host}", **fields)) <= GUESTS


def test_errors_come_through_whole(gateway, one_of_each):
    """The problem, its fields, and an id that the gateway gave."""
    reply = call(gateway, one_of_each[0], "POST", "/v1/checkout",
                 {"items": [{"sku": GOODS[0], "quantity": 10000}]}, Idempotency_Key="many")
    assert (reply.status, reply.code) == (409, "insufficient")
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["lines"][0]["sku"] == GOODS[0]
    assert reply.json["request_id"] == reply.headers["x-request-id"]


def test_a_copy_is_asked_about_and_not_kept(gateway, one_of_each):
    """A2: If-None-Match goes through; after a sale the next answer is another one."""
    path = f"/v1/availability?skus={GOODS[3]}"
    first = call(gateway, one_of_each[0], "GET", path)
    etag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    assert call(gateway, one_of_each[0], "GET", path, If_None_Match=etag).status == 304
    call(gateway, one_of_each[0], "POST", "/v1/checkout",
         {"items": [{"sku": GOODS[3], "quantity": 1}]}, Idempotency_Key="copy")
    after = call(gateway, one_of_each[0], "GET", path, If_None_Match=etag)
    assert after.status == 200
    assert after.json["items"][0]["available"] == first.json["items"][0]["available"] - 1


def connections_to(port):
    """Established ones, by the kernel's word."""
    wanted = f"0100007F:{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    return sum(row[2] == wanted and row[3] == "01" for row in rows)


def test_connections_to_the_nodes_are_kept(gateway, one_of_each):
    """A hundred clients one after the other need no more connections than one does."""
    for number in range(100):
        assert call(gateway, one_of_each[number % 2], "GET", "/v1/cart").status == 200
    for node in gateway.nodes:
        assert 1 <= connections_to(node.http_port) <= 8


def test_a_pipeline_comes_back_in_order(gateway):
    wire = Wire(gateway.port)
    wire.send(b"".join(f"GET /v1/products/{GOODS[number % 20]} HTTP/1.1\r\nHost: shop.example\r\n"
                       f"\r\n".encode() for number in range(60)))
    for number in range(60):
        assert wire.read_reply().json["sku"] == GOODS[number % 20]
    wire.close()


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_too_large_is_refused(gateway, one_of_each, chunked):
    body = b"[" + b" " * 70000 + b"]"
    headers = {"Content-Type": "application/json", **gateway.identity(one_of_each[0])}
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    try:
        pieces = iter([body[:40000], body[40000:]]) if chunked else body
        connection.request("POST", "/v1/availability", pieces, headers, encode_chunked=chunked)
    except (BrokenPipeError, ConnectionResetError):
        pass  # refused before all of it was sent: the answer is there
    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_in_chunks_goes_through(gateway, one_of_each):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.request("POST", "/v1/availability", iter([b'{"skus":["GO', b'OD-0"]}']),
                       {"Content-Type": "application/json",
                        **gateway.identity(one_of_each[0])}, encode_chunked=True)
    assert connection.getresponse().status == 200
    connection.close()


def test_a_webhook_reaches_its_node(gateway):
    for number in (1, 2):
        reply = call(gateway, None, "POST", f"/node-{number}/v1/payment-events", {})
        assert (reply.status, reply.code) == (401, "unauthenticated")


def test_a_node_that_starts_again_is_found_again(gateway, one_of_each):
    """V7: while it is away its customers are told so and go nowhere else; then all is there."""
    path = "/v1/orders"

    def orders():
        return [order["id"] for order in call(gateway, one_of_each[0], "GET", path).json["items"]]

    before = orders()
    gateway.nodes[0].stop()
    away = call(gateway, one_of_each[0], "GET", path)
    assert away.status in (502, 503)
    assert call(gateway, one_of_each[1], "GET", path).status == 200
    gateway.nodes[0].start()
    assert eventually(lambda: call(gateway, one_of_each[0], "GET", path).status == 200)
    assert orders() == before


def test_live_stock_comes_through_as_it_changes(gateway, one_of_each):
    """A1: each event before the next change is made, so nobody in between waits for more of it."""
    sku = GOODS[4]
    stream = Stream(gateway.port, f"skus={sku}")
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    before = stream.event()["items"][0]["available"]
    for number in range(1, 6):
        for customer in one_of_each:
            assert call(gateway, customer, "PUT", f"/v1/cart/items/{sku}",
                        {"quantity": number}).status == 200
            assert call(gateway, customer, "POST", "/v1/checkout", {},
                        Idempotency_Key=f"live-{number}").status == 201
        before -= number
        stream.says(sku, available=before)
    stream.close()


@pytest.fixture(scope="module", params=[Nginx, Haproxy])
def watched(request, home, nodes):
    """A gateway that keeps one connection to each node, and each of them is looked at."""
    lines = [Line(node) for node in nodes]
    gateway = request.param(pathlib.Path(home) / f"watched-{request.param.__name__}", lines)
    yield gateway.narrow().start()
    gateway.stop()
    for line in lines:
        line.stop()


def line_of(gateway, client):
    """Which node the client's requests go to."""
    before = [len(line.used) for line in gateway.nodes]
    client.get("/v1/cart")
    return [len(line.used) > count for line, count in zip(gateway.nodes, before)].index(True)


@pytest.fixture(scope="module")
def honest(watched):
    """A client of each node, whose requests follow the attacker's on the kept connections."""
    clients = [watched.client(f"{type(watched).__name__}-{number}") for number in range(64)]
    by_line = {line_of(watched, client): client for client in clients}
    assert len(by_line) == len(watched.nodes), "all customers on one node"
    yield [by_line[index] for index in sorted(by_line)]
    for client in clients:
        client.close()


def attack(port, data):
    wire = Wire(port)
    try:
        wire.send(data)
        select.select([wire.socket], [], [], ANSWER_SECONDS)
    except OSError:
        pass  # refused before all of it was sent
    return wire


def follows(line, before, between):
    """Whether what came after `between` came over the connection that was attacked since `before`:
    not when it was closed, nor while it is taken by the rest of what an attacker has sent."""
    attacked = line.used[before:between]
    return bool(attacked) and {*line.used[between:]} == {attacked[-1]}


@pytest.fixture(scope="module")
def followed(watched):
    """Names of the vectors behind which an honest request came over the same connection."""
    names = []
    yield names
    assert len(names) >= FOLLOWED_MIN


@pytest.mark.parametrize("name", VECTORS)
def test_a_hidden_request_is_not_run(watched, honest, followed, name):
    """Nobody runs it, and who comes behind it on the same connection gets his own answer."""
    before = [len(line.used) for line in watched.nodes]
    wire = attack(watched.port, VECTORS[name])
    between = [len(line.used) for line in watched.nodes]
    for number, client in enumerate(honest):
        sku = GOODS[(len(name) + number) % len(GOODS)]
        reply = client.get(f"/v1/products/{sku}")
        assert (reply.status, reply.json["sku"]) == (200, sku)
    if any([follows(*each) for each in zip(watched.nodes, before, between)]):
        followed.append(name)
    for line in watched.nodes:
        client = line.node.client()
        cart = client.get("/v1/cart", headers={"X-Customer-Id": VICTIM})
        client.close()
        assert cart.json["lines"] == []
    wire.close()
