# SPDX-License-Identifier: Apache-2.0
"""kill -9 between restating walks and in the middle of them: a server keeps many carts in a small
journal, and restates again and again. Nothing that was acknowledged is lost, and a walk that was
cut off is gone on with."""

import contextlib
import http.client
import itertools
import json
import os
import random
import re
import threading

import pytest

from tests.lib.buyers import SETTINGS, Buyers
from tests.lib.client import Wire
from tests.lib.streamed import everything_arrived, stream_is_whole

LONG = bool(os.environ.get("HOTSHELF_LONG"))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1_000_000)))
KILLS = 20 if LONG else 6
SHOPS = 20 if LONG else 1  # one after another: what one sells fills its small journal for a day
KILLS_MAX = 10 * KILLS  # until there was a walk, on a machine that is slow
CARTS = 400
PIPELINED = 200  # requests before their replies are read
ANSWERS_MAX = 500
SMALL = {
    **SETTINGS,
    # What lives for a day would set aside a batch for each second of it.
    "reservations.hold_seconds": 600,
    "reservations.payment_seconds": 600,
    "reservations.max_life_seconds": 1800,
    "reservations.review_seconds": 600,
    "capacity.customers": 2 * CARTS,
    "capacity.text_bytes": 1 << 20,
}


def fill_carts(server):
    """Carts that hold nothing."""
    wire = Wire(server.http_port)
    body = b'{"quantity":2}'
    for first in range(0, CARTS, PIPELINED):
        wire.send(b"".join(
            b"PUT /v1/cart/items/KEPT HTTP/1.1\r\nHost: x\r\nX-Customer-Id: kept-%d\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (number, len(body), body) for number in range(first, first + PIPELINED)))
        for _ in range(PIPELINED):
            assert wire.read_reply().status == 200
    wire.close()


def change_carts(server):
    """One after the other, so that most take a batch of their own, until the server dies."""
    shopper = server.shopper("changer")
    with contextlib.suppress(OSError, http.client.HTTPException):
        for turn in itertools.count():
            assert shopper.put("KEPT", 1 + turn % 2).status == 200


def walks_of(server):
    """The number of each shard's last walk, and whether the death of the process has cut it off."""
    dump = server.run("journal", "dump")
    assert dump.returncode == 0, dump.stderr
    walks = {}
    for line in dump.stdout.splitlines():
        if '"walk_' in line:
            record = json.loads(line)
            walks[record["shard"]] = (record["fact"]["number"], record["kind"] == "walk_begun")
    return walks


@pytest.mark.parametrize("shards", (1, 2))
@pytest.mark.parametrize("shop", range(SHOPS))
def test_a_walk_may_end_anywhere(new_server, database, summary, shop, shards):
    """V1 to V4, V7, I3, L7, S1, S5."""
    seed = SEED + shards + 10 * shop
    print(f"SEED={SEED}")
    chance = random.Random(seed)
    server = new_server(shards=shards, dsn=database.dsn, settings={
        **SMALL, "data.journal_bytes": shards * (24 << 20)}).start()
    server.sell_rows([{"sku": "KEPT", "stock": 1000, "reserve_on": "checkout"}])
    fill_carts(server)
    buyers = Buyers(server, seed).open_shop().start()
    cut = kills = 0
    walks = {}
    try:
        while kills < KILLS or (not walks and kills < KILLS_MAX):
            kills += 1
            changes = threading.Thread(target=change_carts, args=(server,))
            changes.start()
            buyers.wait_for_answers(chance.randrange(1, ANSWERS_MAX))
            with buyers.server_down():
                server.kill()
                changes.join()
                walks = walks_of(server)
                cut += sum(was_cut for _, was_cut in walks.values())
                server.audit()
                server.start()
                assert len(re.findall(r"goes on with walk \d+", server.log())) == cut
        buyers.wait_for_answers(50)
        buyers.stop()
    finally:
        buyers.end()
    summary.count("kill -9 between walks and in them", kills)
    summary.count("walks", sum(number for number, _ in walks.values()))
    summary.count("walks cut off", cut)
    assert walks
    buyers.check()
    for number in range(0, CARTS, CARTS // 50):
        lines = server.shopper(f"kept-{number}").cart().json["lines"]
        assert [(line["sku"], line["quantity"]) for line in lines] == [("KEPT", 2)]
    everything_arrived(database, buyers.orders())
    stream_is_whole(database)
    assert server.stop() == 0
    server.audit()
