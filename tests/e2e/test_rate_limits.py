# SPDX-License-Identifier: Apache-2.0
"""Who asks too often is told when to come again, and takes nothing from the others."""

import http.client
import time

import pytest

from tests.lib.client import Client, Wire
from tests.lib.server import eventually

RATE = 20
BURST = 50
PLACES = 8


@pytest.fixture(scope="module")
def server(new_shared_server):
    server = new_shared_server(shards=2, settings={
        "limits.requests_per_second": RATE, "limits.burst": BURST}).start()
    server.sell(S1=100000)
    return server


def client_from(server, address):
    client = Client(server.http_port)
    client.connection = http.client.HTTPConnection(
        "127.0.0.1", server.http_port, timeout=20, source_address=(address, 0))
    return client


def ask(server, address, times, connections=1):
    """Replies to so many requests, one after the other over that many connections."""
    clients = [client_from(server, address) for _ in range(connections)]
    replies = [clients[number % connections].get("/v1/products/S1") for number in range(times)]
    for client in clients:
        client.close()
    return replies


def test_an_address_has_one_allowance_on_all_shards(server):
    begun = time.monotonic()
    replies = ask(server, "127.0.0.11", 150, connections=16)
    passed = time.monotonic() - begun
    allowed = [reply for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status == 429]
    assert len(allowed) + len(refused) == 150
    assert BURST <= len(allowed) <= BURST + RATE * passed + 1
    assert refused, "the machine is slower than the limit"
    assert {reply.code for reply in refused} == {"rate_limited"}
    for reply in refused:
        assert 1 <= int(reply.headers["retry-after"]) <= 2
        assert reply.headers["ratelimit-policy"] == f'"address";q={BURST};w=3'
        assert reply.headers["ratelimit"].startswith('"address";r=0;t=')


def test_connections_have_an_allowance_too(server):
    """Noise is refused before it is a request: it costs a connection each time."""
    told = []
    while not told or told[-1] != 429:
        assert len(told) < 100 * BURST, "the machine is slower than the limit"
        wire = Wire(server.http_port, "127.0.0.15")
        wire.send(b"noise\r\n\r\n")
        reply = wire.read_reply()  # none: the refusal was overtaken by a reset
        told.append(reply.status if reply else 429)
        wire.close()
    assert told.count(400) >= BURST
    assert client_from(server, "127.0.0.16").get("/livez").status == 200


def test_another_address_is_not_concerned(server):
    ask(server, "127.0.0.12", BURST + 5)
    replies = ask(server, "127.0.0.13", BURST // 2)
    assert {reply.status for reply in replies} == {200}
    assert replies[0].headers["ratelimit"] == f'"address";r={BURST - 1};t=1'


def test_the_allowance_comes_back(server):
    client = client_from(server, "127.0.0.14")
    while client.get("/v1/products/S1").status == 200:
        pass
    assert eventually(lambda: client.get("/v1/products/S1").status == 200)
    client.close()


def crowd_from(server, address, count):
    """Connections with what each of them hears when it asks."""
    clients = [client_from(server, address) for _ in range(count)]
    return clients, [client.get("/livez").status for client in clients]


def test_an_address_has_so_many_connections_and_a_proxy_as_many_as_it_likes(new_server):
    server = new_server(shards=2, settings={
        "limits.connections_per_address": PLACES, "server.trusted_proxies": "127.0.0.40"}).start()
    clients, statuses = crowd_from(server, "127.0.0.21", PLACES)
    assert statuses == [200] * PLACES
    refused = client_from(server, "127.0.0.21").get("/livez")
    assert (refused.status, refused.code) == (429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    others, statuses = crowd_from(server, "127.0.0.22", PLACES)
    proxies, more = crowd_from(server, "127.0.0.40", 3 * PLACES)
    assert statuses + more == [200] * (4 * PLACES)
    clients.pop().close()
    assert eventually(lambda: client_from(server, "127.0.0.21").get("/livez").status == 200)
    for client in clients + others + proxies:
        client.close()
    assert eventually(lambda: crowd_from(server, "127.0.0.22", PLACES)[1] == [200] * PLACES)


def test_check_tells_whose_word_is_needed(new_server):
    server = new_server()
    assert "server.trusted_proxies" in server.run("check").stdout
    server.change(server__trusted_proxies="127.0.0.1")
    assert "server.trusted_proxies" not in server.run("check").stdout


def test_payments_come_through(server):
    """A back end at the same address is not limited."""
    shopper = server.shopper("ann")
    order = shopper.checkout({"S1": 1})
    while order.status == 429:
        time.sleep(int(order.headers["retry-after"]))
        order = shopper.checkout({"S1": 1})
    while shopper.cart().status == 200:
        pass
    service = server.service("ann")
    for _ in range(2 * BURST):
        assert service.cart().status == 200
    assert service.pay(order.json).json["status"] == "confirmed"
