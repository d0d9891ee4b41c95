# SPDX-License-Identifier: Apache-2.0
"""More is asked for than can be done: reads are refused first, and payments come through."""

import subprocess
import time

import pytest

from tests.lib.client import Shopper
from tests.lib.resp import Refused, redis
from tests.lib.server import eventually, free_address

SKUS = 3000  # a read that finds nothing walks over two thousand of them
READ = "/v1/products?category=nowhere&limit=200"
CONNECTIONS = 400
READS = 20
WAIT_PART = 3  # of what a read waits for the flood: payments come through until five times that
ORDERS = 600
SECONDS = 60


@pytest.fixture
def flood():
    """Dear reads, as many at once as there are connections, until the test ends."""
    started = []

    def start(port):
        started.append(subprocess.Popen(
            ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{2 * SECONDS}s",
             f"http://127.0.0.1:{port}{READ}"], stdout=subprocess.DEVNULL))

    def stop():
        for process in started:
            process.kill()
            process.wait()
        started.clear()

    yield start, stop
    stop()


def read_ms(client):
    """How long this machine takes for one, when nobody disturbs it."""
    times = []
    for _ in range(READS):
        begun = time.monotonic()
        assert client.get(READ).status == 200
        times.append(1000 * (time.monotonic() - begun))
    return min(times)


def test_reads_are_refused_and_payments_come_through(new_server, flood):
    start_flood, stop_flood = flood
    server = new_server(settings={
        "limits.overload_ms": 0, "server.resp": free_address(),
        "capacity.connections": CONNECTIONS + 100}).start()
    server.sell_rows([{"sku": f"S{number}", "stock": ORDERS} for number in range(SKUS)])
    wait_ms = CONNECTIONS * read_ms(server.client())
    assert server.stop() == 0
    server.change(limits__overload_ms=max(1, round(wait_ms / WAIT_PART)))
    server.start()
    client, service = server.client(), server.service("nobody")
    shoppers = [Shopper(client, f"buyer-{number}") for number in range(ORDERS)]
    orders = iter([(shopper.name, shopper.checkout({"S1": 1}).json) for shopper in shoppers])
    start_flood(server.http_port)
    refused, back_end, told = [], redis(server), []

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
        shown = back_end.ask("HS.AVAIL", "S1")
        if isinstance(shown, Refused):
            told.append(shown)
        return len(refused) >= 3 and told

    assert eventually(pays_and_reads, SECONDS, 0.11), server.log()[-500:]
    assert {(reply.status, reply.code) for reply in refused} == {(503, "overloaded")}
    for reply in refused:
        assert 1 <= int(reply.headers["retry-after"]) <= 2
    assert set(told) == {"OVERLOADED overloaded More is asked for than can be done now."}
    assert eventually(lambda: " is overloaded: " in server.log())
    assert client.get("/livez").status == 200
    stop_flood()
    assert eventually(lambda: client.get("/v1/availability?skus=S1").status == 200)
    assert eventually(lambda: "is no more overloaded" in server.log())
