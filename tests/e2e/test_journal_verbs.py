# SPDX-License-Identifier: Apache-2.0
"""hotshelf journal verify and dump: what an operator sees of the ledger, and of damage in it."""

import json

import pytest

BLOCK = 4096
DEFERRED = {"payment": {"mode": "deferred", "token": "tok_of_nobody_else"}}


def dump(server, *arguments):
    dumped = server.run("journal", "dump", *arguments)
    assert dumped.returncode == 0, dumped.stderr
    return [json.loads(line) for line in dumped.stdout.splitlines()]


def of_kind(records, kind):
    return [record for record in records if record["kind"] == kind]


@pytest.fixture(scope="module")
def sold(new_shared_server):
    """A server that sold two units to ann, confirmed at once, one to bob who let it go."""
    server = new_shared_server(shards=2).start()
    server.sell(S1=50, S2=5)
    ann = server.service("ann").checkout({"S1": 2}, **DEFERRED)
    assert ann.status == 201, ann
    bob = server.service("bob").checkout({"S2": 1})
    assert bob.status == 201, bob
    assert server.service("bob").cancel(bob.json["id"]).status == 200
    return server, ann.json, bob.json


def test_a_dump_tells_what_was_done(sold):
    server, ann, bob = sold
    records = dump(server)
    products = {record["texts"]["sku"]: record for record in of_kind(records, "product_set")}
    assert products["S1"]["fact"]["allotment"] == 50
    placed = {record["texts"]["customer"]: record for record in of_kind(records, "order_placed")}
    order = placed["ann"]
    assert order["fact"]["id"] == ann["id"]
    assert order["fact"]["status"] == "confirmed"
    assert order["fact"]["total"] == 200
    assert order["fact"]["created_wall_ms"] == ann["created_at"]
    (line,) = order["lines"]
    assert (line["sku"], line["quantity"], line["unit_price"], line["seller"]) == \
        ("S1", 2, 100, "seller-1")
    assert placed["bob"]["fact"]["status"] == "pending_payment"
    (cancelled,) = of_kind(records, "order_cancelled")
    assert cancelled["fact"]["id"] == bob["id"]
    assert cancelled["lines"][0]["moved"] == 1
    assert cancelled["fact"]["move"] == "give"


def test_a_dump_has_the_numbers_of_the_stream(sold):
    server, _, _ = sold
    told = [(event["shard"], event["seq"]) for event in server.journal_events()]
    dumped = [(record["shard"], record["seq"] + number) for record in dump(server)
              if record["seq"] is not None for number in range(record["stream_count"])]
    assert sorted(dumped) == sorted(told)


def test_a_dump_keeps_a_payment_token_to_itself(sold):
    server, _, _ = sold
    dumped = server.run("journal", "dump").stdout
    assert '"token_size":18' in dumped
    assert "tok_of_nobody_else" not in dumped


def test_a_dump_of_a_shard_from_a_batch(sold):
    server, _, _ = sold
    of_shard = dump(server, "--shard", 1)
    assert {record["shard"] for record in of_shard} == {1}
    assert of_shard == [record for record in dump(server) if record["shard"] == 1]
    last = of_shard[-1]["batch"]
    assert dump(server, "--shard", 1, "--from", last)[0]["batch"] == last
    assert dump(server, "--shard", 1, "--from", 2 ** 62) == []
    assert server.run("journal", "dump", "--shard", 2).returncode == 1


def test_a_journal_in_use_can_be_verified(sold):
    server, _, _ = sold
    verified = server.run("journal", "verify")
    assert verified.returncode == 0, verified.stdout
    assert verified.stdout.endswith("ok\n")
    assert "a server is using it" in verified.stdout
    assert server.service("ann").checkout({"S1": 1}).status == 201


@pytest.mark.parametrize("words", [
    [], ["nonsense"], ["verify", "x"], ["dump", "--shard"], ["dump", "--shard", "x"],
    ["dump", "--from", "-1"], ["dump", "--from", ""], ["dump", "--shard", "99999999999999999999"]])
def test_a_wrong_call_is_usage(sold, words):
    server, _, _ = sold
    assert server.run("journal", *words).returncode == 2


def test_a_stopped_journal_is_verified_segment_by_segment(new_server):
    server = new_server(shards=2).start()
    server.sell(S1=5)
    assert server.shopper("ann").checkout({"S1": 1}).status == 201
    assert server.stop() == 0
    verified = server.run("journal", "verify")
    assert verified.returncode == 0, verified.stdout
    rows = [line.split() for line in verified.stdout.splitlines() if line[:5].strip().isdigit()]
    assert [row[:2] for row in rows] == [["0", "1"], ["1", "1"]]
    assert verified.stdout.count("closed by a clean stop") == 2
    assert sum(int(row[3]) for row in rows) == len(dump(server))


def test_a_flipped_block_is_exit_1_with_file_and_offset(new_server):
    server = new_server().start()
    server.sell(S1=50)
    for number in range(8):
        assert server.shopper(f"c{number}").checkout({"S1": 1}).status == 201
    assert server.stop() == 0
    batches = {(record["segment"], record["batch"]) for record in dump(server)}
    assert len(batches) >= 8
    path = server.data / "g1" / "shard-00" / "segment-000001"
    with open(path, "r+b") as file:
        file.seek(3 * BLOCK + 40)
        byte = file.read(1)
        file.seek(3 * BLOCK + 40)
        file.write(bytes([byte[0] ^ 0x40]))
    verified = server.run("journal", "verify")
    assert verified.returncode == 1
    assert f"{path} at offset {3 * BLOCK}: batch 3 " in verified.stdout
    dumped = server.run("journal", "dump")
    assert dumped.returncode == 1
    assert f"offset {3 * BLOCK}" in dumped.stderr
    assert {json.loads(line)["batch"] < 3 for line in dumped.stdout.splitlines()} == {True}


def test_a_directory_without_a_journal_is_exit_1(new_server):
    server = new_server()
    assert server.run("journal", "verify").returncode == 1
    assert server.run("journal", "dump").returncode == 1
