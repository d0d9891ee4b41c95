# SPDX-License-Identifier: Apache-2.0
"""A part of the real sale, replayed by a crowd: three ledgers that must be equal."""

import psycopg2
import pytest

from tests.lib.replay import SALE, Replay
from tests.lib.server import CATALOG, eventually


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
    stranger = server.service("stranger")
    reply = stranger.checkout({"85123A": 1}, payment={"mode": "deferred"})
    assert reply.status == 201, reply
    order = reply.json
    replay = Replay(server, orders=50, dsn=database.dsn)
    assert eventually(lambda: "baskets" in replay.told())  # what there was before it is counted
    stream.rollback()
    assert replay.wait(120) == 1, replay.told()
    assert "order_unknown 1" in replay.told(), replay.told()
    assert order["id"] in replay.told(), replay.told()
