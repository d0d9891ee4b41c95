# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments, again and again, under a crowd that keeps a book.

Each cycle lets a random number of requests be answered, kills the server at a random moment of the
next batch, audits what the dead process left, and starts it again, now and then killing it once
more while it recovers. Unanswered requests are sent again with their keys. SEED=n repeats what is
random here; the threads' interleaving is the machine's.
"""

import os
import random
import time

import pytest

from tests.lib.buyers import SETTINGS, Buyers
from tests.lib.streamed import everything_arrived, stream_is_whole

LONG = bool(os.environ.get("HOTSHELF_LONG"))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1_000_000)))
SHARDS = (1, 2, 3)
CYCLES = 40 if LONG else 7  # of one data directory; test_walks.py has as many again
DIRECTORIES = 40 if LONG else 1
# After forty kills many orders wait for their payment.
ROOM = {**SETTINGS, "data.journal_bytes": 512 << 20} if LONG else SETTINGS
ANSWERS_MAX = 400
MOMENT_MAX = 0.004  # several batches: the kill falls anywhere within one
SECOND_KILL = 0.3  # of the starts
RECOVERY_MAX = 0.15


def kill_and_start(server, chance, summary):
    server.kill()
    summary.count("kill -9 under load")
    while chance.random() < SECOND_KILL:
        server.launch()
        time.sleep(chance.uniform(0, RECOVERY_MAX))
        server.kill()
        summary.count("kill -9 at a start")
    server.audit()
    server.start()


@pytest.mark.parametrize("directory", range(DIRECTORIES))
@pytest.mark.parametrize("shards", SHARDS)
def test_what_was_acknowledged_outlives_every_kill(
        new_server, database, summary, shards, directory):
    """V1 to V4, V7, I3, K5, K6, L7, S1."""
    seed = SEED + 1000 * directory + shards
    print(f"SEED={SEED}")
    chance = random.Random(seed)
    server = new_server(shards=shards, dsn=database.dsn, settings=ROOM).start()
    buyers = Buyers(server, seed).open_shop().start()
    try:
        for _ in range(CYCLES):
            buyers.wait_for_answers(chance.randrange(1, ANSWERS_MAX))
            time.sleep(chance.uniform(0, MOMENT_MAX))
            with buyers.server_down():
                kill_and_start(server, chance, summary)
            summary.count("cycles")
        buyers.wait_for_answers(100)
        buyers.stop()
    finally:
        buyers.end()
    summary.count("requests answered", buyers.answered)
    summary.count("requests sent again", buyers.resent)
    buyers.check()
    everything_arrived(database, buyers.orders())
    stream_is_whole(database)
    assert server.stop() == 0
    server.audit()
