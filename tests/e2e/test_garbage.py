# SPDX-License-Identifier: Apache-2.0
"""Garbage as fast as one core sends it, to every door at once, while somebody orders: at the end
the server serves, takes no more memory than before, and its books are right."""

import itertools
import json
import os
import subprocess
import sys

import pytest

from tests.lib import garbage
from tests.lib.client import Shopper
from tests.lib.server import eventually, free_address

GROWTH_KIB_MAX = 64
ORDERS_MAX = 200
GARBAGE_SECONDS = 600 if os.environ.get("HOTSHELF_LONG") else 2
BYTES_MIN = 10 << 20

numbers = itertools.count(1)


def files_of(server):
    """How many file descriptors it has open."""
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def orders(client):
    """An honest client's order, on the connection that he has."""
    shopper = Shopper(client, f"honest-{next(numbers)}")
    assert shopper.checkout({"S1": 1}).status == 201


@pytest.mark.parametrize("way", ["io_uring", "epoll"])
def test_the_server_does_not_mind(new_server, way):
    resp = free_address()
    settings = {"server.resp": resp, "server.io": way,
                "reservations.payment_seconds": 3600}  # no order expires meanwhile
    server = new_server(shards=2, settings=settings).start()
    server.sell(S1=1000)
    honest = server.client()
    orders(honest)
    files, memory = files_of(server), server.resident_kib()
    ports = [server.http_port, server.admin_port, int(resp.rpartition(":")[2])]
    with subprocess.Popen([sys.executable, garbage.__file__, str(GARBAGE_SECONDS), "1",
                           *map(str, ports)], stdout=subprocess.PIPE, text=True) as sender:
        ordered = 0
        while sender.poll() is None:
            if ordered < ORDERS_MAX:
                orders(honest)
                ordered += 1
            looked = honest.get("/v1/availability?skus=S1")  # refused at most for the load
            assert looked.code == "overloaded" or looked.json["items"][0]["sku"] == "S1"
        sent = json.loads(sender.stdout.read())
    assert sent["bytes"] > BYTES_MIN and sent["connections"] > len(ports)
    assert ordered > 0
    assert eventually(lambda: files_of(server) == files)
    assert server.stock("S1")["held"] == ordered + 1
    assert server.resident_kib() - memory <= GROWTH_KIB_MAX
    assert server.stop() == 0
    assert server.audit().stdout.splitlines()[-1] == "ok"
