# SPDX-License-Identifier: Apache-2.0
"""The replayed sale with the server killed in the middle of it, and PostgreSQL restarted.

The crowd sends unanswered requests again with their keys; at the end its log of acknowledged
orders, the server's counters and PostgreSQL's rows are equal, and the audit agrees. With
HOTSHELF_LONG=1 the whole file of baskets is replayed, with many more kills.
"""

import os
import random
import time

import pytest

from tests.lib.replay import SALE, Replay
from tests.lib.server import CATALOG, eventually

LONG = bool(os.environ.get("HOTSHELF_LONG"))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1_000_000)))
SHARDS = [1, 2] if LONG else [2]
ORDERS = 3500 if LONG else 500
KILLS = 40 if LONG else 3


def bought(database):
    """How many orders PostgreSQL has; the import makes events, too, before the crowd is there."""
    return database.value("SELECT count(*) FROM hotshelf.orders")


@pytest.mark.parametrize("shards", SHARDS)
def test_a_sale_survives_kill_9_in_the_middle(new_server, database, postgres, shards):
    """V3, V4, V7, S1."""
    chance = random.Random(SEED + shards)
    print(f"SEED={SEED}")
    server = new_server(shards=shards, dsn=database.dsn, settings=SALE).start()
    assert server.run("import", CATALOG).returncode == 0
    # At a rate, so that the kills fall into the middle of the sale and not behind its end.
    replay = Replay(server, orders=ORDERS, dsn=database.dsn,
                    more=["--rate", "150", "--seed", str(SEED)])
    try:
        kills = 0
        for kill in range(KILLS):
            before = bought(database)
            assert eventually(lambda: replay.is_over() or bought(database) > before + 20, 60)
            time.sleep(chance.uniform(0, 0.3))  # anywhere within a batch, not at its edge
            if replay.is_over():
                break
            server.kill()
            kills += 1
            if kill == KILLS // 2:
                database.close()
                postgres.stop("immediate")
                postgres.start()
            server.start()
        assert kills == KILLS, f"only {kills} kills: {replay.told()}"
        assert replay.wait(3600 if LONG else 100) == 0, replay.told()
    finally:
        replay.end()
    assert server.stop() == 0
    server.audit()
