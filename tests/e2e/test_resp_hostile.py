# SPDX-License-Identifier: Apache-2.0
"""What nobody's client would send to the Redis protocol's door. Each ends with the server serving
and its books in order."""

import contextlib
import os
import random
import socket
import struct

import pytest

from tests.lib.client import say_no_more
from tests.lib.resp import command, pairs, redis
from tests.lib.server import eventually, free_address

TOKEN = "token-of-a-back-end"
SEEDS = 1000 if os.environ.get("HOTSHELF_LONG") else 4
COMMANDS = [
    ["PING"], ["ECHO", "x" * 300], ["HELLO", 3], ["HELLO", 2], ["TIME"], ["INFO"], ["RESET"],
    ["HS.AVAIL", "S1", "S2", "NOPE"], ["HS.STOCK", "S1"], ["HS.CART.SET", "ann", "S1", 2],
    ["HS.CART.GET", "ann"], ["HS.CART.CLEAR", "ann"], ["HS.ORDER", "x" * 36],
    ["HS.CHECKOUT", "ann", "k", "ITEM", "S1", 1, "REF", "a", "b", "EXPECT", 100, "TOKEN", "t"],
    ["HS.CANCEL", "01890a5d-ac96-774b-bcce-b302099a8057", "none", "k", "LINE", 1, 1],
    ["HS.PAY", "01890a5d-ac96-774b-bcce-b302099a8057", "refunded", "bank", "p", 1, "GBP", "REFUND",
     "r"], ["HS.STOCK.ADD", "S2", 1, "why", "k"], ["CLIENT", "SETNAME", "me"], ["SELECT", 0],
    ["CONFIG", "GET", "save"], ["AUTH", "default", "a-token-that-is-wrong"],
]


@pytest.fixture(scope="module")
def server(new_shared_server):
    server = new_shared_server(shards=2, settings={"server.resp": free_address()}).start()
    server.sell(S1=1000000, S2=5)
    return server


@pytest.fixture(autouse=True)
def it_serves_on(server):
    yield
    client = redis(server)
    assert client.ask("PING") == "PONG"
    stock = pairs(client.ask("HS.STOCK", "S1"))
    assert stock["available"] + stock["held"] + stock["sold"] == stock["allotment"]
    client.close()


@pytest.mark.parametrize("data", [
    b"*1\r\n*1\r\n$4\r\nPING\r\n", b"*" + b"1\r\n*" * 1000, b"*2049\r\n",
    b"*99999999999999999999\r\n", b"*4294967297\r\n", b"*+1\r\n$4\r\nPING\r\n", b"* 1\r\n",
    b"*1 \r\n", b"*\r\n", b"*-\r\n", b"*1\n$4\nPING\n",
    b"*1\r$4\r\nPING\r\n", b"*1\r\n$4\r\nPINGxx", b"*1\r\n$3\r\nPING\r\n",
    b"*1\r\n$5\r\nPING\r\n\r\n", b"*1\r\n$-2\r\n", b"*1\r\n$4294967300\r\nPING\r\n",
    b"*1\r\n$18446744073709551620\r\nPING\r\n", b"*1\r\n$2147483648\r\n",
    b"*2\r\n$4\r\nECHO\r\n$65537\r\n", b"*1\r\n$x\r\n", b"*1\r\n+PING\r\n",
    b"*2\r\n$4\r\nECHO\r\n$40000\r\n" + b"x" * 40000 + b"\r\n*3\r\n$4\r\nECHO\r\n$40000\r\n" +
    b"x" * 40000 + b"\r\n$40000\r\n",
    b"\"PING", b"PING '\r\n", b"PING \"a\"b\r\n", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"x" * 65536,
    b"\0" * 65536, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 5000,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\xaa" * 5000,
])
def test_what_is_no_protocol_ends_the_connection(server, data):
    """It says why, as Redis does, and nothing behind it is read."""
    told = exchange(server, data + b"\r\n" +
                    command("HS.CHECKOUT", "mallory", "k", "ITEM", "S1", 1) * 3)
    assert told.splitlines()[-1].startswith(b"-ERR Protocol error"), told[-200:]
    assert server.shopper("mallory").orders().json["items"] == []


def exchange(server, data, ends=False):
    """Sends it, and reads all that comes until the server hangs up."""
    client, told = redis(server), b""
    with contextlib.suppress(ConnectionError):  # it may hang up before the last byte has come
        client.send(data)
        if ends:
            say_no_more(client.socket)
    with contextlib.suppress(ConnectionError):
        while piece := client.socket.recv(1 << 20):
            told += piece
    client.close()
    return told


def mutated(dice, data):
    """One to four small wrongs, of the kinds that parsers trip over."""
    data = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data))
        kind = dice.randrange(6)
        if kind == 0:
            data[at] = dice.randrange(256)
        elif kind == 1:
            del data[at:at + dice.choice([1, 2, 30])]
        elif kind == 2:
            data[at:at] = dice.choice([b"\0", b"\r\n", b"-", b"9", b"$", b"*", b"\"", b"\xff" * 9])
        elif kind == 3:
            data[at:at] = data[:dice.choice([5, 60])]
        elif kind == 4:
            data[at:at] = dice.choice([b"x" * 3000, b"\0" * 70000, b"*1\r\n" * 500])
        else:
            data[at:at + 1] = b"%d" % dice.choice([0, 1, 2047, 65536, 1 << 31, 1 << 63])
        data = data or bytearray(b"x")
    return bytes(data)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_commands_with_small_wrongs_do_no_harm(server, seed):
    dice = random.Random(seed)
    for _ in range(300):
        asked = dice.choices(COMMANDS, k=dice.randint(1, 12))
        exchange(server, mutated(dice, b"".join(command(*words) for words in asked)), ends=True)


def test_nul_bytes_are_no_end_of_anything(server):
    """A NUL stands in no SKU, customer, key or text, and hides nothing that stands behind it."""
    client = redis(server)
    for words in COMMANDS:
        for at in range(1, len(words)):
            poisoned = [*words[:at], f"{words[at]}\0", *words[at + 1:]]
            told = client.ask(*poisoned)
            if words[0] in ("PING", "ECHO"):
                assert told == poisoned[1]
            elif words[0] == "HS.ORDER":
                assert told is None
            elif (words[0], words[1]) != ("CLIENT", "SETNAME") and (words[0], at) != ("CONFIG", 2):
                assert told is None or told.split()[0] in ("ERR", "NOPROTO", "WRONGPASS"), poisoned
    client.send(b"PING\0\r\nPING \0\r\n")
    assert client.read().startswith("ERR unknown command 'PING")
    assert client.read() == "\0"


def test_who_takes_no_replies_stops_nobody(server):
    """His own requests wait for him; small ones of others do not."""
    greedy = [redis(server) for _ in range(8)]
    for peer in greedy:
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.socket.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(200):
                peer.socket.send(command("ECHO", "z" * 60000))
    others = [redis(server) for _ in range(8)]
    for other in others:
        other.send(command("PING") * 500)
    for other in others:
        assert [other.read() for _ in range(500)] == ["PONG"] * 500
        assert pairs(other.ask("HS.STOCK", "S1"))["sku"] == "S1"
    for peer in greedy + others:
        peer.close()


def test_who_hangs_up_in_the_middle_leaves_orders_or_nothing(server, sku):
    """V4 V5: by reset, with replies under way; every unit is in an order or available."""
    server.sell(**{sku: 400})
    for number in range(60):
        peer = redis(server)
        asked = [command("HS.CHECKOUT", f"gone-{sku}-{number}-{turn}", "k", "ITEM", sku, 1)
                 for turn in range(20)]
        peer.send(b"".join(asked)[:-1 - number])
        peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
    admin = server.admin()

    def orders():
        found, cursor = 0, ""
        while True:
            page = admin.get(f"/admin/v1/orders?sku={sku}&limit=200{cursor}").json
            found += len(page["items"])
            if page["next_cursor"] is None:
                return found
            cursor = f"&cursor={page['next_cursor']}"
    assert eventually(lambda: orders() == server.stock(sku)["held"])
    stock = server.stock(sku)
    assert stock["held"] + stock["available"] == 400


def test_a_stranger_gets_no_room(new_server, tmp_path):
    """Without a token: small commands, an answer to each, and no hint of what would be right."""
    for name, text in (("services", f"erp:{TOKEN}\n"), ("secret", "0123456789abcdef" * 2)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    server = new_server(settings={
        "server.resp": free_address(), "auth.mode": "jwt",
        "auth.jwt_secret_file": tmp_path / "secret",
        "auth.service_tokens_file": tmp_path / "services"}).start()
    for data in (command("ECHO", "x" * 3000), b"x" * 3000, command(*["HELLO"] * 300),
                 b"*2\r\n$4\r\nAUTH\r\n$2049\r\n"):
        told = exchange(server, data)
        assert told.startswith(b"-ERR Protocol error"), told
    client = redis(server)
    guesses = [TOKEN[:size] for size in range(1, len(TOKEN))] + [TOKEN + "x", TOKEN.upper(), ""]
    client.send(b"".join(command("AUTH", guess) for guess in guesses * 20))
    answers = {client.read() for _ in guesses * 20}
    assert answers == {"WRONGPASS nobody has this name and token"}
    assert client.ask("HS.STOCK", "S1") == "NOAUTH Authentication required."
    assert client.ask("AUTH", "erp", TOKEN) == "OK"
    assert client.ask("ECHO", "x" * 3000) == "x" * 3000
    assert TOKEN not in server.log()


def test_the_books_are_in_order(server):
    """V1 V2 V4 V7, after all of it."""
    assert server.stop() == 0
    server.audit()
    server.start()
