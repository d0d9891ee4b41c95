# SPDX-License-Identifier: Apache-2.0
"""A part of the real sale, replayed by a crowd: three ledgers that must be equal."""

import errno
import pathlib
import subprocess
import sys

import psycopg2
import pytest

import tests.lib.forbidding
from tests.lib.jwt import HS256, SECRET, claims, sign
from tests.lib.replay import SALE, Replay
from tests.lib.server import CATALOG, LOADTEST, ORDERS, eventually, free_address


@pytest.mark.parametrize("mode", ["deferred", "external"])
def test_a_replayed_sale_leaves_three_equal_ledgers(new_server, database, mode):
    """V1, V3, V4, V7, S1: acknowledged orders, the server's counters and PostgreSQL's rows."""
    server = new_server(shards=2, dsn=database.dsn, settings=SALE).start()
    assert server.run("import", CATALOG).returncode == 0
    replay = Replay(server, orders=400, dsn=database.dsn, more=["--mode", mode])
    assert replay.wait(120) == 0, replay.told()
    assert database.value("SELECT count(*) FROM hotshelf.orders") > 100
    assert server.stop() == 0
    server.audit()


def test_a_replay_that_finds_a_difference_fails(new_server, database):
    """The test of the test: an order that nobody in the crowd made is exit 1."""
    server = new_server(shards=2, dsn=database.dsn, settings=SALE).start()
    assert server.run("import", CATALOG).returncode == 0
    stream = psycopg2.connect(database.dsn)  # it writes no orders meanwhile
    stream.cursor().execute("LOCK TABLE hotshelf.orders IN EXCLUSIVE MODE")
    replay = Replay(server, orders=50, dsn=database.dsn)
    assert eventually(lambda: "baskets" in replay.told())  # what there was before it is counted
    stranger = server.service("stranger")
    reply = stranger.checkout({"85123A": 1}, payment={"mode": "deferred"})
    stream.rollback()
    assert reply.status == 201, reply
    order = reply.json
    assert replay.wait(120) == 1, replay.told()
    assert "order_unknown 1" in replay.told(), replay.told()
    assert order["id"] in replay.told(), replay.told()
    assert "a shop must be left alone during a run" in replay.told(), replay.told()


def test_another_database_than_the_server_s_is_told_at_once(new_server, database):
    server = new_server(settings=SALE).start()
    assert server.run("import", CATALOG).returncode == 0
    replay = Replay(server, orders=5, dsn=database.dsn)
    assert replay.wait(60) == 1
    assert "is it the one of the server's postgres.dsn?" in replay.told(), replay.told()


@pytest.mark.parametrize("way", ["resp", "resp-unix", "http-unix"])
def test_over_every_way_to_the_server_the_ledgers_are_equal(new_server, database, memory_workspace,
                                                            way):
    """V1, V3, V4: carts, payments, refusals and cancellations mean the same over RESP."""
    path = memory_workspace / f"{way}.sock"
    address = free_address()
    settings = {"resp": {"server.resp": address}, "resp-unix": {"server.resp": f"unix:{path}"},
                "http-unix": {"server.http": f"unix:{path}", "server.resp": "off"}}[way]
    server = new_server(shards=2, dsn=database.dsn, settings={**SALE, **settings}).launch()
    assert eventually(lambda: is_ready(server)), server.log()
    assert server.run("import", CATALOG).returncode == 0
    more = {"resp": ["--resp", address], "resp-unix": ["--resp", f"unix:{path}"],
            "http-unix": ["--url", f"unix:{path}"]}[way]
    replay = Replay(server, orders=200, dsn=database.dsn,
                    more=[*more, "--mode", "external", "--cancel-percent", "20"])
    assert replay.wait(120) == 0, replay.told()
    statuses = {status: count for status, count in database.rows(
        "SELECT status, count(*) FROM hotshelf.orders GROUP BY status")}
    assert statuses["confirmed"] > 50 and statuses["cancelled"] > 10, statuses
    assert server.stop() == 0
    server.audit()


@pytest.mark.parametrize("protocol", ["http", "resp"])
def test_a_back_end_shows_its_token(new_server, protocol):
    """Where the server believes nobody without one; the wrong one is told, not waited for."""
    address = free_address()
    server = new_server(shards=1, settings={
        **SALE, "server.resp": address, "auth.mode": "jwt"})
    files = {"auth.jwt_secret_file": SECRET,
             "auth.service_tokens_file": "replay:a-token-of-a-back-end\n"}
    for name, text in files.items():
        path = server.directory / name
        path.write_text(text)
        path.chmod(0o600)
        server.settings[name] = path
    server.write_configuration()
    assert server.start().run("import", CATALOG).returncode == 0
    token = server.directory / "token"
    more = ["--token-file", token, *(["--resp", address] if protocol == "resp" else [])]
    token.write_text("replay:another-token-of-a-back-end\n")
    replay = Replay(server, orders=2, more=more)
    assert replay.wait(60) == 1, replay.told()
    assert "WRONGPASS" in replay.told() or " 401 " in replay.told(), replay.told()
    good = {"http": sign(HS256, claims(role="service")), "resp": "a-token-of-a-back-end"}[protocol]
    token.write_text(good + "\n")
    replay = Replay(server, orders=50, more=[*more, "--mode", "external"])
    assert replay.wait(60) == 0, replay.told()
    assert replay.report()["orders_acknowledged"] > 20


def is_ready(server):
    """By the admin listener: the other may be a Unix socket."""
    try:
        return server.admin().get("/readyz").status == 200
    except OSError:
        return False


def many_customers(path, count):
    """Orders of so many customers for what there is most of, one of twenty with a hundred lines."""
    rows = [row.split(",") for row in CATALOG.read_text().splitlines()[1:]]
    skus = [row[0] for row in sorted(rows, key=lambda row: int(row[-1]), reverse=True)[:100]]
    rows = ["ts,order_id,customer,sku,quantity"]
    for number in range(count):
        for sku in skus if number % 20 == 0 else skus[:1]:
            rows.append(f"2011-11-01T08:00:00Z,{number},c{number},{sku},1")
    path.write_text("\n".join(rows) + "\n")
    return path


def test_two_thousand_connections_take_little_memory(new_server):
    """What the generator needs does not grow with what it is answered."""
    settings = {**SALE, "capacity.connections": 2500, "capacity.requests": 4096,
                "server.resp": "off"}
    server = new_server(shards=1, settings=settings).start()
    assert server.run("import", CATALOG).returncode == 0
    path = many_customers(server.directory / "orders.csv", 2400)
    replay = Replay(server, orders=0, connections=2000, path=path,
                    more=["--mode", "deferred", "--cart-percent", "0"])
    seen = [(0, 0)]
    assert eventually(lambda: seen.append(replay.seen()) or replay.is_over(), 120)
    assert replay.wait(1) == 0, replay.told()
    peak, files = map(max, zip(*seen))
    assert replay.report()["orders_acknowledged"] > 2000
    assert files > 2000, files
    assert 0 < peak < 64 << 20, peak


def test_bytes_that_are_no_answer_are_a_difference(new_server):
    """The test of the test: HTTP where RESP is expected ends in exit 1, not in a wait."""
    server = new_server(shards=1, settings=SALE).start()
    assert server.run("import", CATALOG).returncode == 0
    replay = Replay(server, orders=3, connections=1,
                    more=["--resp", f"127.0.0.1:{server.http_port}"])
    assert replay.wait(60) == 1, replay.told()
    assert "the server's bytes are no answer (malformed): HTTP/1.1 400" in replay.told()


def test_where_io_uring_is_refused_one_line_says_what_allows_it():
    launcher = pathlib.Path(tests.lib.forbidding.__file__)
    run = subprocess.run(
        [sys.executable, launcher, str(errno.EPERM), LOADTEST, "replay", ORDERS,
         "--orders-max", "1"], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1, run.stdout + run.stderr
    lines = run.stderr.splitlines()
    assert len(lines) == 1 and "io_uring is refused (Operation not permitted)" in lines[0], lines
    assert "kernel.io_uring_disabled=0" in lines[0] and "seccomp" in lines[0]
