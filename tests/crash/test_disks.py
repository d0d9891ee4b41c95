# SPDX-License-Identifier: Apache-2.0
"""Disks that are full, and disks that fail: the data directory on file systems of the tests' own.

On a full one a start refuses with a sentence or works, and a server that runs never needs more. On
one that answers a write or a sync with an error (sick_files.c) the server ends with the reason and
never tries again, since a second success proves nothing; the next start has all that was
acknowledged.
"""

import errno
import os
import random
import shutil

import pytest

from tests.lib.buyers import SETTINGS, Buyers
from tests.lib.disks import LoopMount, SickFiles, as_root, make_file_system, unmount
from tests.lib.streamed import everything_arrived, stream_is_whole

LONG = bool(os.environ.get("HOTSHELF_LONG"))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1_000_000)))
ROUNDS = 30 if LONG else 1
FAULTS = [("write", errno.EIO), ("write", errno.ENOSPC), ("short", errno.ENOSPC),
          ("sync", errno.EIO), ("sync", errno.ENOSPC)]
REQUESTS_MAX = 40  # of the kind, until the fault
ANSWERS_MAX = 200
JOURNAL = 64 << 20
# More than the blocks that the file of an import before leaves behind.
NEW_PRODUCTS = "sku,title,category,seller,price,currency,stock\n" + "".join(
    f"NEW-{number},A thing,things,seller-1,1.00,GBP,1\n" for number in range(1000))


@pytest.fixture
def new_place(workspace, living):
    """Makes directories on file systems of their own; all are gone after the test."""
    places = []

    def make(kind, size=0, direct=True):
        home = workspace / f"place-{len(places)}"
        if kind == "fuse":
            place = SickFiles(home, direct)
            places.append((home, place.hide))
            return place.show()
        home.mkdir()
        directory = home / "mounted"
        if kind == "tmpfs":
            directory.mkdir()
            as_root("mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "tmpfs", directory)
            places.append((home, lambda: unmount(directory)))
        else:
            make_file_system(home / "image", kind, size)
            places.append((home, LoopMount(home / "image", directory, kind).end))
        return directory

    yield make
    for server in living:
        server.end()  # it would keep the file system busy
    for home, end in places:
        end()
        shutil.rmtree(home)


def fill(directory):
    """Not a byte is left of it."""
    with open(directory / "filler", "wb", buffering=0) as filler:
        for size in (1 << 20, 4096, 1):
            try:
                while True:
                    filler.write(b"x" * size)
            except OSError as problem:
                assert problem.errno == errno.ENOSPC, problem


def buys(server, seed, answers):
    """Some buyers for a while, all of them content; they stay to check what they have bought."""
    buyers = Buyers(server, seed, buyers=3).open_shop().start()
    try:
        buyers.wait_for_answers(answers)
        buyers.stop()
    finally:
        buyers.end()
    return buyers


@pytest.mark.parametrize("kind", ["ext4", "tmpfs"])
def test_a_first_start_without_room_says_so_and_leaves_nothing_in_the_way(
        new_server, new_place, summary, kind):
    directory = new_place(kind, JOURNAL * 3 // 4)
    server = new_server(settings={"data.dir": directory / "data", "data.journal_bytes": JOURNAL})
    said = server.refuses_to_start()
    assert "cannot make the journal" in said and "No space left on device" in said, said
    assert "are missing on its disk" in said, said
    check = server.run("check")
    assert check.returncode == 1, check.stdout
    summary.count("disks: too small")
    server.change(data__journal_bytes=JOURNAL // 2)
    server.start()
    buys(server, SEED, 50).check()
    assert server.stop() == 0
    server.audit()


@pytest.mark.parametrize("kind", ["ext4", "xfs", "tmpfs"])
def test_a_disk_that_fills_up_later_does_not_matter(new_server, new_place, summary, kind):
    """S5, V7, T4: the journal's space is its own from the first start on."""
    directory = new_place(kind, JOURNAL + (16 << 20))
    server = new_server(settings={**SETTINGS, "data.journal_bytes": JOURNAL,
                                  "data.dir": directory / "data"}).start()
    buyers = Buyers(server, SEED, buyers=3).open_shop()
    fill(directory)
    buyers.start()
    try:
        buyers.wait_for_answers(100)
        full = server.import_csv(NEW_PRODUCTS)
        assert (full.status, full.code) == (503, "capacity_exhausted"), full
        assert "No space left on device" in full.json["detail"], full
        with buyers.server_down():
            server.kill()
            server.audit()
            server.start()
        buyers.wait_for_answers(100)
        buyers.stop()
    finally:
        buyers.end()
    summary.count("disks: full under load")
    buyers.check()
    assert server.stop() == 0
    server.change(data__journal_bytes=4 * JOURNAL)
    assert "No space left on device" in server.refuses_to_start()
    server.change(data__journal_bytes=JOURNAL)
    server.start()
    buyers.check()
    (directory / "filler").unlink()
    assert server.import_csv(NEW_PRODUCTS).json["created"] == 1000
    assert server.stop() == 0
    server.audit()


def fail_under_load(server, buyers, files, chance, fault):
    """The server ends by itself, with the reason, without another try; then it is there again."""
    kind, error = fault
    buyers.wait_for_answers(chance.randrange(1, ANSWERS_MAX))
    with buyers.server_down():
        server.end_is_expected = True
        files.fail(kind, error, chance.randrange(1, REQUESTS_MAX))
        assert server.process.wait(20) == 1, server.log()[-2000:]
        said = server.log()[-1000:]
        # The kernel goes on by itself after a short write, and tells of it when that fails, too.
        reason = "short write" if kind == "short" else os.strerror(error)
        assert "cannot write batch" in said and reason in said, said
        counts = files.counts()
        assert (counts["failed"], counts["later"]) == (1, 0), counts
        files.hide()
        files.show()
        server.audit()
        server.start()


@pytest.mark.parametrize("number", range(ROUNDS))
@pytest.mark.parametrize("direct", [True, False])
def test_a_write_or_sync_that_fails_ends_the_server_and_loses_nothing(
        new_server, new_place, database, summary, direct, number):
    """V7, K5, S1."""
    chance = random.Random(SEED + number)
    print(f"SEED={SEED}")
    files = new_place("fuse", direct=direct)
    server = new_server(shards=1 + direct, dsn=database.dsn,
                        settings={**SETTINGS, "data.dir": files.directory / "data"})
    # Also where it could be opened for it: a ring's durable write would not be one.
    assert "no direct I/O" in server.run("check").stdout
    server.start()
    buyers = Buyers(server, SEED + number).open_shop().start()
    try:
        for fault in chance.sample(FAULTS, len(FAULTS)):
            fail_under_load(server, buyers, files, chance, fault)
            summary.count(f"disks: a {fault[0]} that fails, {errno.errorcode[fault[1]]}")
        buyers.wait_for_answers(50)
        buyers.stop()
    finally:
        buyers.end()
    buyers.check()
    everything_arrived(database, buyers.orders())
    stream_is_whole(database)
    assert server.stop() == 0
    files.hide()
    server.change(data__dir=files.source / "data")
    server.audit()
    server.start()
    buyers.check()


def test_a_read_that_fails_at_a_start_is_refused_not_taken_for_the_end(
        new_server, new_place, summary):
    """V7: what cannot be read is not what was never written."""
    chance = random.Random(SEED)
    print(f"SEED={SEED}")
    files = new_place("fuse")
    server = new_server(shards=2, settings={**SETTINGS, "data.dir": files.directory / "data"})
    buyers = buys(server.start(), SEED, 300)
    server.kill()
    refused = 0
    for requests in (1, 2, 3, 4, chance.randrange(5, 12)):
        files.hide()
        files.show()  # nothing of it is in the kernel's memory
        files.fail("read", errno.EIO, requests)
        said = server.refuses_to_start()
        assert "Input/output error" in said or "cannot be read to its end" in said, said
        assert str(files.directory) in said, said
        refused += 1
    summary.count("disks: a read that fails at a start", refused)
    files.hide()
    files.show()
    server.start()
    buyers.check()
    assert server.stop() == 0
    server.audit()


@pytest.mark.parametrize("kind, error", [("full", errno.ENOSPC), ("full", errno.EIO),
                                         ("sync", errno.EIO)])
def test_a_first_start_that_fails_is_refused_and_made_again(
        new_server, new_place, summary, kind, error):
    chance = random.Random(SEED)
    print(f"SEED={SEED}")
    files = new_place("fuse")
    server = new_server(settings={"data.dir": files.directory / "data"})
    for _ in range(4):
        files.fail(kind, error, chance.randrange(1, 16))
        said = server.refuses_to_start()
        assert os.strerror(error) in said, said
        summary.count("disks: a first start that fails")
    files.fail("none", 0, 0)
    server.start()
    buys(server, SEED, 20).check()
    assert server.stop() == 0
    server.audit()
