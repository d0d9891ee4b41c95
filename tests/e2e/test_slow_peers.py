# SPDX-License-Identifier: Apache-2.0
"""A client that takes a place and gives nothing for it loses it; the slow but honest one stays."""

import select
import socket
import time

import pytest

from tests.lib.resp import redis
from tests.lib.server import free_address

PEERS = 32
HEAD = b"GET /v1/availability?skus=STEADY HTTP/1.1\r\nHost: x\r\nX-Long: "
BODY = b'{"skus":["STEADY"]}'
POST = (b"POST /v1/availability HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(BODY))
SECONDS = 60  # far more than anything here has
SETTINGS = {"limits.head_seconds": 2, "limits.request_seconds": 30, "limits.first_byte_seconds": 2}
BYTES_HELD_BACK = 8
LATE = b"-ERR the command took too long to come\r\n"


@pytest.fixture(scope="module")
def server(new_shared_server):
    server = new_shared_server(settings={**SETTINGS, "server.resp": free_address()}).start()
    server.sell(STEADY=5)
    return server


def connect(server, data):
    peer = socket.create_connection(("127.0.0.1", server.http_port))
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.sendall(data)
    return peer


def half_a_command(server):
    client = redis(server)
    client.send(b"*2\r\n$4\r\nECHO\r\n$2000\r\n")
    return client.socket


def drip(peers):
    """A byte from each; those that are left. Who loses his place is told why."""
    left = []
    for peer in peers:
        try:
            if select.select([peer], [], [], 0)[0]:
                told = peer.recv(65536)
                assert told.startswith((b"HTTP/1.1 408 ", LATE)) or not told, told
                peer.close()
                continue
            peer.send(b"a")
            left.append(peer)
        except (ConnectionResetError, BrokenPipeError):
            peer.close()
    return left


def test_a_head_sent_by_the_byte_loses_its_place_and_a_slow_body_keeps_it(server):
    """A1: others are answered meanwhile."""
    honest = connect(server, POST + BODY[:-BYTES_HELD_BACK])
    peers = [connect(server, HEAD) for _ in range(PEERS)] + [half_a_command(server)]
    begun = time.monotonic()
    while peers and time.monotonic() - begun < SECONDS:
        assert server.availability("STEADY")[0]["available"] == 5
        select.select(peers, [], [], 0.25)
        peers = drip(peers)
    assert peers == []
    honest.sendall(BODY[-BYTES_HELD_BACK:])
    assert honest.recv(65536).startswith(b"HTTP/1.1 200 ")
    honest.close()


def ask(peer):
    peer.sendall(POST + BODY)
    assert peer.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_who_never_says_anything_loses_his_place_and_who_has_asked_keeps_it(server):
    """A1: a gateway's connection between two requests is as quiet, and stays."""
    asked = connect(server, b"")
    ask(asked)
    silent = [connect(server, b"") for _ in range(PEERS)]
    begun = time.monotonic()
    for peer in silent:
        peer.settimeout(max(1, SECONDS - (time.monotonic() - begun)))
        assert peer.recv(1) == b""
        peer.close()
    assert server.availability("STEADY")[0]["available"] == 5
    ask(asked)
    asked.close()
