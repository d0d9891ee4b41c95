# SPDX-License-Identifier: Apache-2.0
"""Damaged journals: what was acknowledged is found or the server refuses, saying where."""

import random
import re
import shutil

import pytest

BLOCK = 4096


def journal_files(server):
    """The files of the journal that hold something, with the offsets of their written blocks."""
    found = {}
    for path in sorted(server.data.rglob("*")):
        if not path.is_file() or path.stat().st_size < 2 * BLOCK:
            continue
        data = path.read_bytes()
        written = [offset for offset in range(0, len(data), BLOCK)
                   if any(data[offset:offset + BLOCK])]
        if written:
            found[path] = written
    return found


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x40]))


def busy_server(new_server, shards=1):
    server = new_server(shards=shards).start()
    server.sell(S1=1000)
    for number in range(60):
        assert server.shopper(f"c{number}").checkout({"S1": 1}).status == 201
    return server


@pytest.mark.parametrize("shards", [1, 2])
def test_a_flipped_bit_is_found_wherever_it_is_and_named(new_server, shards):
    """Every eighth written block of a stopped server's journal; file and offset are told."""
    server = busy_server(new_server, shards)
    assert server.stop() == 0
    original = server.directory / "original"
    shutil.copytree(server.data, original)
    tried = 0
    for path, written in journal_files(server).items():
        for block in written[1:-1:8]:
            flip(path, block + 40)
            said = server.refuses_to_start()
            assert path.name in said, said
            offsets = [int(number) for number in re.findall(r"offset (\d+)", said)]
            assert any(block - 64 * BLOCK <= offset <= block + BLOCK for offset in offsets), said
            flip(path, block + 40)
            tried += 1
    assert tried >= 4
    server.start()
    assert server.stock("S1")["held"] == 60


def test_a_damaged_journal_fails_its_audit(new_server):
    server = busy_server(new_server)
    assert server.stop() == 0
    server.audit()
    path, written = max(journal_files(server).items(), key=lambda item: len(item[1]))
    flip(path, written[len(written) // 2] + 40)
    audit = server.run("audit")
    assert audit.returncode == 1
    assert path.name in audit.stdout + audit.stderr


def test_a_missing_segment_is_found(new_server):
    server = busy_server(new_server)
    assert server.stop() == 0
    path, _ = max(journal_files(server).items(), key=lambda item: len(item[1]))
    path.rename(server.directory / "elsewhere")
    assert server.refuses_to_start()
    shutil.move(server.directory / "elsewhere", path)
    server.start()
    assert server.stock("S1")["held"] == 60


def test_a_batch_in_the_place_of_another_is_not_taken_for_a_torn_one(new_server):
    """A whole batch where it does not belong was not torn by a crash: something else wrote it."""
    server = busy_server(new_server)
    server.kill()
    path, written = max(journal_files(server).items(), key=lambda item: len(item[1]))
    with open(path, "r+b") as file:
        file.seek(written[-1])
        last = file.read(BLOCK)
        file.write(last)
    assert path.name in server.refuses_to_start()


@pytest.mark.parametrize("content", ["ones", "noise", "end"])
def test_a_torn_tail_after_a_crash_is_cut_off(new_server, content):
    """A write under way at the crash was never acknowledged: whatever is left of it goes."""
    server = busy_server(new_server)
    server.kill()
    path, written = max(journal_files(server).items(), key=lambda item: len(item[1]))
    rest = {"ones": b"\xff" * BLOCK, "noise": random.Random(7).randbytes(3 * BLOCK),
            "end": bytes(BLOCK) + b"\xff" * BLOCK}[content]
    with open(path, "r+b") as file:
        file.seek(written[-1] + BLOCK)
        file.write(rest)
    server.start()
    assert server.stock("S1")["held"] == 60
    assert server.shopper("more").checkout({"S1": 1}).status == 201
    server.kill()
    server.start()
    assert server.stock("S1")["held"] == 61
    assert server.stop() == 0
    server.audit()
