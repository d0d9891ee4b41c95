# SPDX-License-Identifier: Apache-2.0
"""The Redis protocol as a back end speaks it, over raw sockets."""

import json
import select
import signal

import pytest

from tests.lib.resp import command, redis
from tests.lib.server import eventually, free_address

TOKEN = "token-of-a-back-end"
PIPELINE = 500
LARGE_TAILS = 64  # of each shard, net/loop/shard.h
GROWTH_KIB_MAX = 64  # as in test_memory.py


@pytest.fixture(params=[1, 2], ids=["1 shard", "2 shards"])
def shop(new_server, request):
    server = new_server(settings={"server.resp": free_address()}, shards=request.param).start()
    server.sell(S1=5, S2=0)
    return server


@pytest.fixture(scope="module")
def lone_shop(new_shared_server):
    return new_shared_server(settings={"server.resp": free_address()}).start()


def test_what_clients_say_before_they_ask(shop):
    client = redis(shop)
    assert client.ask("PING") == "PONG"
    assert client.ask("ping", "hi") == "hi"
    assert client.ask("ECHO", "x" * 20000) == "x" * 20000
    assert client.ask("SELECT", 0) == "OK"
    assert client.ask("SELECT", 1).startswith("ERR ")
    assert client.ask("CLIENT", "SETNAME", "me") == "OK"
    assert client.ask("CLIENT", "ID") == 1
    assert client.ask("CONFIG", "GET", "save") == ["save", ""]
    assert client.ask("CONFIG", "GET", "nonsense") == []
    assert client.ask("COMMAND", "DOCS") == []
    assert "\r\nloading:0\r\n" in client.ask("INFO")
    assert [word.isdigit() for word in client.ask("TIME")] == [True, True]
    assert client.ask("GET", "x") == "ERR unknown command 'GET'"
    assert client.ask("ECHO") == "ERR wrong number of arguments for 'ECHO' command"
    assert client.ask("a\r\nb") == "ERR unknown command 'a"
    assert client.ask("QUIT") == "OK"
    assert client.is_over()


def test_stock_and_availability_in_both_versions(shop):
    """A1 A3: an entry for each SKU asked, in order."""
    client = redis(shop)
    numbers = {"sku": "S1", "allotment": 5, "available": 5, "held": 0, "sold": 0}
    flat = client.ask("HS.STOCK", "S1")
    assert dict(zip(flat[::2], flat[1::2])) == numbers
    assert client.ask("HELLO", 3)["proto"] == 3
    assert client.ask("HS.STOCK", "S1") == numbers
    items = client.ask("HS.AVAIL", "S1", "NOPE", "S2")
    assert [(item["sku"], item["status"], item["available"]) for item in items] == [
        ("S1", "available", 5), ("NOPE", "unknown", 0), ("S2", "sold_out", 0)]
    assert items[0]["starts_at"] is None
    assert client.ask("HS.STOCK", "NOPE") == "UNKNOWNSKU NOPE:unknown_sku:0"
    assert client.ask("HS.STOCK", "a b").startswith("ERR ")
    assert len(client.ask("HS.AVAIL", *["S1"] * 500)) == 500
    assert client.ask("HS.AVAIL", *["S1"] * 501).startswith("ERR ")
    assert client.ask("HELLO", 4).startswith("NOPROTO ")
    assert client.ask("RESET") == "RESET"
    assert isinstance(client.ask("HS.STOCK", "S1"), list)


def test_it_tells_what_http_has_changed(shop):
    assert shop.shopper("anna").put("S1", 2).status == 200
    client = redis(shop)
    client.ask("HELLO", 3)
    assert client.ask("HS.AVAIL", "S1")[0]["available"] == 5
    assert shop.shopper("anna").checkout().status == 201
    assert client.ask("HS.AVAIL", "S1")[0]["available"] == 3
    stock = client.ask("HS.STOCK", "S1")
    assert (stock["available"], stock["held"], stock["sold"]) == (3, 2, 0)


def test_a_cart_is_one_for_both_protocols(shop):
    """R1 C5: what one sets the other shows; a read sees the connection's earlier writes."""
    shop.sell_rows([{"sku": "C1", "stock": 5, "reserve_on": "cart"},
                    {"sku": "C2", "stock": 0, "reserve_on": "cart"}])
    client = redis(shop)
    client.ask("HELLO", 3)
    assert client.ask("HS.CART.GET", "bert") == {
        "currency": None, "lines": [], "items_total": 0, "version": 0}
    cart = client.ask("HS.CART.SET", "bert", "C1", 3, "CURRENCY", "GBP")
    assert (cart["currency"], cart["items_total"]) == ("GBP", 300)
    again = client.ask("HS.CART.GET", "bert")
    for shown in (cart, again):  # L10: the time that is left, which has run on
        assert shown["lines"][0].pop("expires_in_ms") > 0
    assert again == cart
    http = shop.shopper("bert").cart().json
    assert http["version"] == cart["version"]
    assert [line["sku"] for line in http["lines"]] == [cart["lines"][0]["sku"]] == ["C1"]
    assert client.ask("HS.CART.SET", "bert", "C2", 1) == "SOLDOUT C2:sold_out:0"
    assert client.ask("HS.CART.SET", "bert", "NOPE", 1) == "UNKNOWNSKU NOPE:unknown_sku:0"
    assert client.ask("HS.CART.SET", "bert", "C1", 9).startswith("INSUFFICIENT C1:insufficient:")
    assert client.ask("HS.CART.SET", "bert", "C1", "x").startswith("ERR ")
    assert client.ask("HS.CART.SET", "bert", "C1", 1000001).startswith("LIMIT ")
    assert client.ask("HS.CART.SET", "bert", "C1", 1, "CURRENCY", "XXQ").startswith("ERR ")
    assert client.ask("HS.CART.SET", "", "C1", 1).startswith("ERR ")
    client.send(command("HS.CART.SET", "bert", "C1", 1) + command("HS.CART.GET", "bert") +
                command("HS.CART.CLEAR", "bert") + command("HS.CART.GET", "bert"))
    replies = [client.read() for _ in range(4)]
    assert replies[1]["lines"][0]["quantity"] == 1
    assert replies[2] == "OK" and replies[3]["lines"] == []


def test_an_order_as_http_shows_it(shop):
    """O4: an order that is not there is nothing, whatever its id looks like."""
    placed = shop.shopper("cora").checkout({"S1": 2}, references={"cart": "c-1"}).json
    client = redis(shop)
    client.ask("HELLO", 3)
    shown = client.ask("HS.ORDER", placed["id"])
    assert json.loads(shown.pop("references")) == placed.pop("references")
    assert json.loads(shown.pop("adjustments")) == placed.pop("adjustments")
    assert shown == {**placed, "reclaimed": 0}
    other = placed["id"][:-1] + ("0" if placed["id"][-1] != "0" else "1")
    assert client.ask("HS.ORDER", other) is None
    assert client.ask("HS.ORDER", "nonsense") is None


@pytest.mark.parametrize("piece", [1, 7, 1000, 1 << 20])
def test_a_deep_pipeline_in_any_pieces(shop, piece):
    """Replies in the order of the commands, those that went to another shard among them."""
    client = redis(shop)
    whole = b"".join(command("ECHO", n) + command("HS.STOCK", "S1") if n % 10 == 0
                     else b"ECHO %d\r\n" % n for n in range(PIPELINE))
    for at in range(0, len(whole), piece):
        client.send(whole[at:at + piece])
    for number in range(PIPELINE):
        assert client.read() == str(number)
        if number % 10 == 0:
            assert client.read()[1] == "S1"


@pytest.mark.parametrize("bytes_sent, reason", [
    (b"*x\r\n", "invalid multibulk length"),
    (b"*1\r\n$-1\r\n", "invalid bulk length"),
    (b"*1\r\n:1\r\n", "expected '$'"),
    (b"*1\r\n$999999\r\n", "invalid bulk length"),
    (b"ECHO 'a\r\n", "unbalanced quotes"),
    (b"x" * 5000, "too big inline request"),
    (b"POST / HTTP/1.1\r\nHost: x\r\n\r\nPING\r\n", "not an HTTP server"),
])
def test_what_is_no_command_ends_the_connection(shop, bytes_sent, reason):
    client = redis(shop)
    client.send(bytes_sent)
    refusal = client.read()
    assert refusal.startswith("ERR Protocol error") and reason in refusal, refusal
    assert client.is_over()


def test_a_token_where_the_gateway_is_not_in_front(new_server, tmp_path):
    tokens = tmp_path / "service-tokens"
    tokens.write_text(f"shipping:{TOKEN}\n")
    tokens.chmod(0o600)
    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef0123456789abcdef")
    secret.chmod(0o600)
    server = new_server(settings={
        "server.resp": free_address(), "auth.mode": "jwt", "auth.jwt_secret_file": secret,
        "auth.service_tokens_file": tokens}).start()
    client = redis(server)
    for words in (("PING",), ("HS.STOCK", "S1"), ("NONSENSE",), ("HELLO", 3)):
        assert client.ask(*words).startswith("NOAUTH "), words
    assert client.ask("AUTH", "a-wrong-token-0123").startswith("WRONGPASS ")
    assert client.ask("AUTH", "another", TOKEN).startswith("WRONGPASS ")
    assert client.ask("HELLO", 3, "AUTH", "another", TOKEN).startswith("WRONGPASS ")
    assert client.ask("PING").startswith("NOAUTH ")
    assert client.ask("HELLO", 3, "AUTH", "shipping", TOKEN)["proto"] == 3
    assert client.ask("PING") == "PONG"
    assert client.ask("RESET") == "RESET"
    assert client.ask("PING").startswith("NOAUTH ")
    assert client.ask("AUTH", TOKEN) == "OK"
    assert client.ask("PING") == "PONG"
    assert client.ask("RESET") == "RESET"
    for rest in (("SETNAME",), ("NONSENSE", "x"), ("AUTH", "shipping")):
        assert client.ask("HELLO", 3, "AUTH", "shipping", TOKEN, *rest).startswith("ERR syntax")
        assert client.ask("PING").startswith("NOAUTH "), "a HELLO that was refused did nothing"
    assert client.ask("HELLO", 3, "SETNAME", "x", "AUTH", "shipping", TOKEN)["proto"] == 3


def test_the_storefront_alone_cannot_be_off(new_server):
    server = new_server(settings={"server.http": "off"})
    assert "http and admin cannot be off" in server.refuses_to_start()


@pytest.mark.parametrize("words", [
    ["HS.AVAIL"], ["HS.STOCK"], ["HS.STOCK", "S1", "S2"], ["HS.STOCK.ADD", "S1", 1, "why"],
    ["HS.STOCK.ADD", "S1", 1, "why", "k", "more"], ["HS.CART.GET"], ["HS.CART.GET", "a", "b"],
    ["HS.CART.SET", "a", "S1"], ["HS.CART.SET", "a", "S1", 1, "CURRENCY", "GBP", "x"],
    ["HS.CART.CLEAR"], ["HS.CHECKOUT", "a"], ["HS.ORDER"], ["HS.ORDER", "x", "y"],
    ["HS.PAY", "x", "captured", "bank", "p", 1], ["HS.PAY"] + ["x"] * 9,
    ["HS.CANCEL", "x", "none"], ["AUTH"], ["AUTH", "a", "b", "c"], ["SELECT"], ["TIME", "x"],
    ["RESET", "x"], ["CLIENT"], ["CONFIG"]])
def test_too_few_or_too_many_words(words, lone_shop):
    client = redis(lone_shop)
    assert client.ask(*words) == f"ERR wrong number of arguments for '{words[0]}' command"
    assert client.ask("PING") == "PONG"
    client.close()


def test_a_removed_token_is_nobodys_on_connections_that_are_there(new_server, tmp_path):
    """Another line, or another name, is still the same token."""
    def write(*lines):
        path = tmp_path / "services"
        path.write_text("".join(f"{line}\n" for line in lines))
        path.chmod(0o600)

    def rotate():
        before = len(server.log())
        server.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: "were read anew" in server.log()[before:])

    secret = tmp_path / "secret"
    secret.write_text("0123456789abcdef0123456789abcdef")
    secret.chmod(0o600)
    other = "token-of-another-back-end"
    write(f"shipping:{TOKEN}", f"erp:{other}")
    server = new_server(shards=2, settings={
        "server.resp": free_address(), "auth.mode": "jwt", "auth.jwt_secret_file": secret,
        "auth.service_tokens_file": tmp_path / "services"}).start()
    shipping, erp = [[redis(server) for _ in range(4)] for _ in range(2)]
    assert {client.ask("AUTH", TOKEN) for client in shipping} == {"OK"}
    assert {client.ask("HELLO", 3, "AUTH", "erp", other)["proto"] for client in erp} == {3}
    write(f"erp:{other}", f"parcels:{TOKEN}")
    rotate()
    assert {client.ask("PING") for client in shipping + erp} == {"PONG"}
    write(f"erp:{other}")
    rotate()
    assert {client.ask("PING") for client in erp} == {"PONG"}
    for client in shipping:
        assert client.ask("HS.STOCK", "S1").startswith("NOAUTH ")
        assert client.ask("AUTH", TOKEN).startswith("WRONGPASS ")
    write(f"erp:{other}", f"shipping:{TOKEN}")
    rotate()
    assert {client.ask("PING") for client in erp} == {"PONG"}
    for client in shipping:  # who was forgotten shows it again
        assert client.ask("PING").startswith("NOAUTH ")
        assert client.ask("AUTH", TOKEN) == "OK"
    assert TOKEN not in server.log() and other not in server.log()


def test_half_commands_are_held_in_bounded_room(shop):
    """Who comes too late for a large room is told; small commands need none."""
    before = shop.resident_kib()
    half = command("ECHO", "x" * 50000)[:40000]
    peers = [redis(shop) for _ in range(180)]
    for peer in peers:
        peer.send(half)
    client = redis(shop)
    assert client.ask("HS.AVAIL", "S1") and client.ask("PING") == "PONG"

    def told():
        return [peer for peer in peers if peer.socket in readable(peers)]
    held = shop.settings["server.shards"] * LARGE_TAILS
    assert eventually(lambda: len(told()) >= len(peers) - held)
    for peer in told():
        assert peer.read() == "OVERLOADED overloaded Too many large commands are being received."
    for peer in peers:
        peer.close()
    assert eventually(lambda: client.ask("ECHO", "y" * 60000) == "y" * 60000)
    assert shop.resident_kib() - before <= GROWTH_KIB_MAX


def test_what_no_reply_has_room_for_is_refused(new_server):
    """Commands may be larger than replies; who asks for one is told, and stops nobody."""
    server = new_server(settings={
        "server.resp": free_address(), "limits.body_bytes": 1 << 20}).start()
    server.sell(S1=1)
    client, other = redis(server), redis(server)
    for words in (("ECHO",), ("PING",)):
        client.send(command(*words, "x" * 300000) + command(*words, "y" * 200000))
        assert client.read().startswith("ERR ")
        assert other.ask("PING") == "PONG"
        assert client.read() == "y" * 200000


def readable(peers):
    return select.select([peer.socket for peer in peers], [], [], 0)[0]
