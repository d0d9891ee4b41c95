# SPDX-License-Identifier: Apache-2.0
"""A part of the real sale, replayed by a crowd: three ledgers that must be equal."""

import pytest

from tests.lib.replay import Replay
from tests.lib.server import CATALOG

# A sale of real size: 3,013 products and a few hundred baskets of up to 512 lines.
SALE = {"capacity.skus": 8192, "capacity.lines": 262144, "capacity.holds": 65536,
        "capacity.orders": 8192, "capacity.text_bytes": 16777216, "data.journal_bytes": 268435456}


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
    """The test of the test: a unit of stock that appears from nowhere is exit 1."""
    server = new_server(shards=2, dsn=database.dsn, settings=SALE).start()
    assert server.run("import", CATALOG).returncode == 0
    # An order that the replay did not make: its log, the counters and the rows then disagree.
    stranger = server.service("stranger")
    assert stranger.checkout({"85123A": 1}, payment={"mode": "deferred"}).status == 201
    replay = Replay(server, orders=50, dsn=database.dsn)
    assert replay.wait(120) == 1, replay.told()
    assert "85123A" in replay.told()
