# SPDX-License-Identifier: Apache-2.0
"""Power cuts: the data directory on a file system whose disk loses what was not flushed.

The disk is a program of ours (power_disk.c) behind a loop device. At a random moment under load its
power goes: nothing reaches it any more, and of what was written and not flushed every sector is
there or is not. The server ends, since its journal cannot be written. Then the file system is
mounted again, recovers by its own journal, and the server starts on it: whatever it acknowledged,
and whatever it streamed to PostgreSQL, must be there. The next cut falls on the same image.
"""

import os
import random
import shutil
import time

import pytest

from tests.lib.buyers import SETTINGS, Buyers
from tests.lib.disks import PowerDisk
from tests.lib.server import eventually
from tests.lib.streamed import everything_arrived, stream_is_whole

LONG = bool(os.environ.get("HOTSHELF_LONG"))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1_000_000)))
CUTS = 40 if LONG else 6  # of one file system
IMAGES = 25 if LONG else 1
FIRST_START_REQUESTS = 150  # to the disk; a whole one takes some more
FIRST_STARTS = 40 if LONG else 3
IMAGE_BYTES = (384 if LONG else 128) << 20  # after forty cuts many orders wait for their payment
JOURNAL_BYTES = IMAGE_BYTES // 2
ANSWERS_MAX = 300
REQUESTS_MAX = 24  # to the disk, before the cut
WRITES_COME = 0.3  # under load
SECOND_CUT = 0.3  # of the starts
START_MAX = 0.2
KEEPS = (0, 30, 500, 970, 1000)  # of a thousand unflushed sectors


@pytest.fixture
def new_disk(workspace, living):
    disks = []

    def make(kind):
        disks.append(PowerDisk(workspace / f"disk-{kind}-{len(disks)}", kind, IMAGE_BYTES))
        return disks[-1].plug()

    yield make
    for server in living:
        server.end()  # it would keep the file system busy
    for disk in disks:
        disk.pull()
        shutil.rmtree(disk.home)


def cut(server, disk, chance, summary):
    """At a random write or flush, or, when none comes, now. The server then ends by itself, saying
    why; one that is idle notices with its next heartbeat.
    """
    server.end_is_expected = True
    seed, keep = chance.randrange(1 << 32), chance.choice(KEEPS)
    disk.cut(seed, keep, chance.randrange(1, REQUESTS_MAX))
    eventually(lambda: server.process.poll() is not None, WRITES_COME)
    disk.cut(seed, keep)
    assert server.process.wait(20) == 1, server.log()[-2000:]
    said = server.log()[-1000:]
    assert "Input/output error" in said or "cannot be read to its end" in said, server.log()[-2000:]
    counts = disk.counts()
    summary.count("power cuts")
    summary.count("unflushed sectors lost", counts["lost"])
    summary.count("unflushed sectors kept", counts["kept"])


def lose_power(server, disk, chance, summary):
    """Also once more while it starts; then the server is there again."""
    cut(server, disk, chance, summary)
    while True:
        disk.pull()
        disk.plug()
        server.audit()
        if chance.random() >= SECOND_CUT:
            break
        server.launch()
        time.sleep(chance.uniform(0, START_MAX))
        cut(server, disk, chance, summary)
    server.start()


@pytest.mark.parametrize("image", range(IMAGES))
@pytest.mark.parametrize("kind, shards", [("ext4", 2), ("xfs", 1)])
def test_what_was_acknowledged_outlives_every_power_cut(
        new_server, new_disk, database, summary, kind, shards, image):
    """V1 to V4, V7, K5, L7, S1."""
    seed = SEED + 1000 * image + shards
    print(f"SEED={SEED}")
    chance = random.Random(seed)
    disk = new_disk(kind)
    server = new_server(shards=shards, dsn=database.dsn,
                        settings={**SETTINGS, "data.journal_bytes": JOURNAL_BYTES,
                                  "data.dir": disk.directory / "data"}).start()
    buyers = Buyers(server, seed).open_shop().start()
    try:
        for _ in range(CUTS):
            buyers.wait_for_answers(chance.randrange(1, ANSWERS_MAX))
            with buyers.server_down():
                lose_power(server, disk, chance, summary)
        buyers.wait_for_answers(100)
        buyers.stop()
    finally:
        buyers.end()
    buyers.check()
    everything_arrived(database, buyers.orders())
    stream_is_whole(database)
    assert server.stop() == 0
    server.audit()


def test_a_disk_that_lies_about_its_flushes_is_found_out(new_server, new_disk, database):
    """S1: what PostgreSQL has and the disk has lost is refused, not sold again.

    The test of the test, too: the cut does lose what was not flushed.
    """
    disk = new_disk("ext4")
    server = new_server(dsn=database.dsn,
                        settings={"data.dir": disk.directory / "data"}).start()
    server.sell(S1=100)
    assert server.stop() == 0
    disk.pull()
    disk.plug()
    disk.control("lie")
    server.start()
    order = server.service("ann").checkout({"S1": 1}, payment={"mode": "deferred"}).json
    everything_arrived(database, {order["id"]: order})
    server.end_is_expected = True
    disk.cut(SEED, 0)
    assert server.process.wait(20) == 1
    disk.pull()
    disk.plug()
    assert "behind" in server.refuses_to_start()


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_a_first_start_without_power_is_made_again(new_server, new_disk, summary, kind):
    """V7: while the journal's files are made nothing is acknowledged, and nothing is in the way."""
    chance = random.Random(SEED)
    print(f"SEED={SEED}")
    disk = new_disk(kind)
    server = new_server(shards=2, settings={"data.dir": disk.directory / "data"})
    for _ in range(FIRST_STARTS):
        server.launch()
        server.end_is_expected = True
        disk.cut(chance.randrange(1 << 32), chance.choice(KEEPS),
                 chance.randrange(1, FIRST_START_REQUESTS))
        assert eventually(server.is_ready_or_gone), server.log()[-2000:]
        assert server.process.poll() == 1, server.log()[-2000:]
        summary.count("power cuts in a first start")
        disk.pull()
        disk.plug()
    server.start()
    server.sell(S1=10)
    assert server.shopper("ann").checkout({"S1": 1}).status == 201
    assert server.stop() == 0
    server.audit()
