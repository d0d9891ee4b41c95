# SPDX-License-Identifier: Apache-2.0
"""Redis clients and tools as people run them: each shows its token, buys, asks three hundred
things at once, and is answered what any other is.

A story is {step: reply}, whoever told it; RESP2 has flat arrays where RESP3 has maps.
"""

import json
import os
import re
import subprocess

import pytest
import redis

from tests.lib import node
from tests.lib.resp import pairs
from tests.lib.server import ROOT, free_address

NAME, TOKEN = "shipping", "token-of-a-back-end"
UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"
TOOL_SECONDS_MAX = 60
DEEP = 300


@pytest.fixture(scope="module")
def server(new_shared_server, tmp_path_factory):
    directory = tmp_path_factory.mktemp("secrets")
    for name, text in (("services", f"{NAME}:{TOKEN}\n"), ("jwt", "0123456789abcdef" * 2)):
        (directory / name).write_text(text)
        (directory / name).chmod(0o600)
    return new_shared_server(shards=2, settings={
        "server.resp": free_address(), "auth.mode": "jwt",
        "auth.jwt_secret_file": directory / "jwt",
        "auth.service_tokens_file": directory / "services"}).start()


@pytest.fixture(scope="module")
def port(server):
    return server.settings["server.resp"].rsplit(":", 1)[1]


@pytest.fixture
def goods(server, sku):
    server.sell(**{sku: 1000})
    return sku


def mapped(reply):
    return pairs(reply) if isinstance(reply, list) else reply


def order_of(reply):
    order = mapped(reply)
    order["lines"] = [mapped(line) for line in order["lines"]]
    return order


def check_story(told, server, sku, customer):
    """A1 I3 I4 K5: one effect, and what each reply has in it."""
    fresh = {"sku": sku, "allotment": 1000, "available": 1000, "held": 0, "sold": 0}
    assert (told["ping"], mapped(told["stock"])) == ("PONG", fresh)
    items = [mapped(item) for item in told["availability"]]
    assert [(item["sku"], item["status"]) for item in items] == [
        (sku, "available"), ("NOPE", "unknown")]
    assert mapped(told["cart"])["items_total"] == 100
    order = order_of(told["order"])
    assert (order["customer"], order["status"]) == (customer, "confirmed")
    assert json.loads(order["references"]) == {"a": "é"}
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [(sku, 2)]
    assert order_of(told["replay"]) == order
    assert told["unknown"] is None
    assert told["reused"] == "IDEMREUSED idempotency_key_reused"
    assert told["refused"] == "UNKNOWNSKU NOPE:unknown_sku:0"
    assert len(told["deep"]) == DEEP
    for number, reply in enumerate(told["deep"]):
        if number % 3:
            assert reply == str(number)
        else:
            assert mapped(reply)["sold"] == 2
    assert server.stock(sku)["sold"] == 2


@pytest.mark.parametrize("client", ["redis-2", "redis-3", "ioredis", "ioredis-piped"])
def test_a_client_of_node_buys(server, port, goods, client):
    told = node.run("redis.mjs", client, port, NAME, TOKEN, goods)
    check_story(json.loads(told), server, goods, f"{client}-{goods}")


def test_hiredis_buys(server, port, goods, tmp_path):
    program = tmp_path / "hiredis"
    subprocess.run(["cc", "-O1", "-Wall", "-Werror", "-o", program,
                    ROOT / "tests" / "clients" / "hiredis.c", "-lhiredis"], check=True)
    told = tool(program, port, NAME, TOKEN, goods)
    assert json.loads(told)["auth"] == "OK"
    check_story(json.loads(told), server, goods, f"hiredis-{goods}")


@pytest.mark.parametrize("username", [NAME, None])
def test_redis_py_buys(server, port, goods, name, username):
    client = redis.Redis(port=int(port), username=username, password=TOKEN, decode_responses=True,
                         client_name="shipping-1", health_check_interval=1)

    def refused(*words):
        with pytest.raises(redis.ResponseError) as told:
            client.execute_command(*words)
        return str(told.value)

    buy = ("HS.CHECKOUT", name, "k", "ITEM", goods, 2, "MODE", "deferred", "REF", "a", "é")
    told = {
        "ping": "PONG" if client.ping() else None,
        "stock": client.execute_command("HS.STOCK", goods),
        "availability": client.execute_command("HS.AVAIL", goods, "NOPE"),
        "cart": client.execute_command("HS.CART.SET", name, goods, 1),
        "order": client.execute_command(*buy),
        "replay": client.execute_command(*buy),
        "unknown": client.execute_command("HS.ORDER", UNKNOWN),
        "reused": refused("HS.CHECKOUT", name, "k", "ITEM", goods, 1),
        "refused": refused("HS.CHECKOUT", name, "k2", "ITEM", "NOPE", 1),
    }
    pipeline = client.pipeline(transaction=False)
    for number in range(DEEP):
        pipeline.execute_command(*(("ECHO", number) if number % 3 else ("HS.STOCK", goods)))
    told["deep"] = pipeline.execute()
    client.close()
    check_story(told, server, goods, name)


def test_redis_py_is_told_that_its_token_is_wrong(port):
    client = redis.Redis(port=int(port), password="a-token-that-is-wrong")
    with pytest.raises(redis.ResponseError, match="WRONGPASS"):
        client.ping()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=int(port)).ping()


def test_redis_py_comes_by_a_unix_socket(new_server, memory_workspace):
    """Nothing is to be shown there, with a gateway in front."""
    path = memory_workspace / "resp.sock"
    server = new_server(settings={"server.resp": f"unix:{path}"}).start()
    server.sell(S1=5)
    with redis.Redis(unix_socket_path=str(path), decode_responses=True) as client:
        assert pairs(client.execute_command("HS.STOCK", "S1"))["available"] == 5
        order = pairs(client.execute_command("HS.CHECKOUT", "ann", "k", "ITEM", "S1", 2))
        assert order["status"] == "pending_payment"


def tool(*command, given=None):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          input=given, text=True, timeout=TOOL_SECONDS_MAX, check=False,
                          env={**os.environ, "REDISCLI_AUTH": TOKEN})
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("version", ["-2", "-3"])
def test_redis_cli_buys(server, port, goods, name, version):
    """In both versions; a script is typed line by line, as inline text."""
    buy = ["HS.CHECKOUT", name, "k", "ITEM", goods, 2, "MODE", "deferred", "REF", "a", "é"]
    asked = [["PING"], ["HS.STOCK", goods], ["HS.AVAIL", goods, "NOPE"],
             ["HS.CART.SET", name, goods, 1], buy, buy,
             ["HS.ORDER", UNKNOWN], ["HS.CHECKOUT", name, "k", "ITEM", goods, 1],
             ["HS.CHECKOUT", name, "k2", "ITEM", "NOPE", 1]]
    steps = ["ping", "stock", "availability", "cart", "order", "replay", "unknown", "reused",
             "refused"]
    cli = ["redis-cli", "-p", port, "--no-auth-warning", "--json", version]
    told = dict(zip(steps, (said(tool(*cli, *words)) for words in asked), strict=True))
    lines = "".join(f"ECHO {number}\n" if number % 3 else f"HS.STOCK {goods}\n"
                    for number in range(DEEP))
    told["deep"] = [said(line) for line in tool(*cli, given=lines).splitlines()]
    check_story(told, server, goods, name)


def said(text):
    """What --json shows."""
    return json.loads(text.removeprefix("error:"))


def test_redis_cli_pipes(server, port, goods):
    """--pipe sends thousands of commands without a look at the replies, and then counts them."""
    lines = "".join(f"HS.CHECKOUT piped-{goods}-{number} k ITEM {goods} 1\r\n"
                    for number in range(900))
    told = tool("redis-cli", "-p", port, "--no-auth-warning", "--pipe", given=lines)
    assert "errors: 0, replies: 900" in told, told
    assert server.stock(goods)["held"] == 900


@pytest.mark.parametrize("deep", [1, 64])
def test_redis_benchmark_sees_no_failure(server, port, goods, deep):
    """It ends at the first error. Each buyer is another one, or the same again."""
    cli = ["redis-benchmark", "-p", port, "-a", TOKEN, "-c", 8, "-P", deep, "-n", 1000, "-q"]
    buyer = f"buyer-{goods}-__rand_int__"
    for words in (["HS.AVAIL", goods], ["-t", "ping"],
                  ["-r", 100, "HS.CHECKOUT", buyer, "k", "ITEM", goods, 1]):
        told = tool(*cli, *words)
        assert re.search(r"[1-9][\d.]* requests per second", told), told
    assert 1 <= server.stock(goods)["held"] <= 100
