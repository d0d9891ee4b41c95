# SPDX-License-Identifier: Apache-2.0
"""More is asked for than can be done: reads are refused first, and payments come through."""

import selectors
import socket
import threading

from tests.lib.client import Shopper
from tests.lib.server import eventually

SKUS = 3000  # a read that finds nothing walks over all of them
READ = b"GET /v1/products?category=nowhere&limit=200 HTTP/1.1\r\nHost: x\r\n\r\n"
MORE = 16  # connections at once
CONNECTIONS_MAX = 192
ORDERS = 400


class Flood:
    """Pipelines of dear reads, as many connections as it takes."""

    def __init__(self, port):
        self.port = port
        self.selector = selectors.DefaultSelector()
        self.count = 0
        self.running = True
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def grow(self):
        for _ in range(MORE if self.count < CONNECTIONS_MAX else 0):
            peer = socket.create_connection(("127.0.0.1", self.port))
            peer.setblocking(False)
            self.selector.register(peer, selectors.EVENT_READ | selectors.EVENT_WRITE, READ)
            self.count += 1

    def run(self):
        while self.running:
            for key, events in self.selector.select(0.05):
                try:
                    if events & selectors.EVENT_READ:
                        key.fileobj.recv(1 << 20)
                    if events & selectors.EVENT_WRITE:
                        self.send(key)
                except BlockingIOError:
                    pass

    def send(self, key):
        """From where the last one ended within a request."""
        sent = key.fileobj.send(key.data + READ * 64)
        rest = (len(key.data) - sent) % len(READ)
        self.selector.modify(key.fileobj, key.events, READ[-rest:] if rest else READ)

    def stop(self):
        self.running = False
        self.thread.join()
        for key in list(self.selector.get_map().values()):
            key.fileobj.close()
        self.selector.close()


def test_reads_are_refused_and_payments_come_through(new_server):
    server = new_server(settings={"limits.overload_ms": 40}).start()
    server.sell_rows([{"sku": f"S{number}", "stock": ORDERS} for number in range(SKUS)])
    client, service = server.client(), server.service("nobody")
    shoppers = [Shopper(client, f"buyer-{number}") for number in range(ORDERS)]
    orders = iter([(shopper.name, shopper.checkout({"S1": 1}).json) for shopper in shoppers])
    flood = Flood(server.http_port)
    refused = []

    def pays_and_reads():
        """An order is paid in each turn, whatever becomes of the read."""
        name, order = next(orders)
        service.headers["X-Customer-Id"] = name
        paid = service.pay(order)
        assert paid.status == 200, paid
        assert paid.json["status"] == "confirmed"
        reply = client.get("/v1/availability?skus=S1")
        if reply.status != 200:
            refused.append(reply)
        elif not refused:
            flood.grow()
        return len(refused) >= 3

    try:
        assert eventually(pays_and_reads, 60), f"{flood.count} connections: {server.log()[-500:]}"
        assert {(reply.status, reply.code) for reply in refused} == {(503, "overloaded")}
        for reply in refused:
            assert 1 <= int(reply.headers["retry-after"]) <= 2
        assert eventually(lambda: " is overloaded: " in server.log())
        assert client.get("/livez").status == 200
    finally:
        flood.stop()
    assert eventually(lambda: client.get("/v1/availability?skus=S1").status == 200)
    assert eventually(lambda: "is no more overloaded" in server.log())
