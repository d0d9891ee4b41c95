# SPDX-License-Identifier: Apache-2.0
"""Another number of shards at the next start: the same shop, to the last unit."""

import random
import threading

import pytest

from tests.lib.disks import LoopMount, make_file_system
from tests.lib.past import Past
from tests.lib.server import SHARD_BYTES, SMALL, eventually
from tests.lib.streamed import rows_of_orders, stream_is_whole

LIMITED, MERGED, STOPPED = "LIMITED", "MERGED", "STOPPED"
PEOPLE = 12
FOR_FOUR = {"data.journal_bytes": 4 * SHARD_BYTES}


class Rules:
    """What counts although no cart shows it: limits, units of guests, switches."""

    def __init__(self, server):
        self.server = server
        self.rounds = 0
        server.sell_rows([{"sku": sku, "stock": 900, "max_per_customer": 2, "sale": "drop"}
                          for sku in (LIMITED, MERGED, STOPPED)])
        for number in range(PEOPLE):
            bought = server.service(f"limit-{number}").checkout(
                {LIMITED: 2}, payment={"mode": "deferred"})
            assert bought.status == 201, bought
            self.guest_becomes(f"merge-{number}")

    def guest_becomes(self, name):
        guest = self.server.shopper(self.server.client().post("/v1/guests").json["guest_token"])
        assert guest.checkout({MERGED: 2}).status == 201
        merged = self.server.shopper(name).call("POST", "/v1/cart/merge",
                                                {"guest_token": guest.name})
        assert merged.status == 200, merged

    def hold(self):
        """Q1, Q4, W3, W5."""
        for number in range(PEOPLE):
            limit = self.server.service(f"limit-{number}").checkout({LIMITED: 1})
            assert limit.code == "limit_exceeded", limit
            handed = self.server.shopper(f"merge-{number}").checkout({MERGED: 1})
            assert handed.code == "limit_exceeded", handed
        if self.rounds > 0:
            assert self.server.service("any").checkout({STOPPED: 1}).status == 503
            self.switch("resume")
        assert self.server.service(f"free-{self.rounds}").checkout({STOPPED: 1}).status == 201
        self.switch("kill" if self.rounds % 2 == 0 else "pause")
        self.rounds += 1

    def switch(self, action):
        reply = self.server.admin().post(f"/admin/v1/{action}", {"scope": f"sku:{STOPPED}"})
        assert reply.status == 200, reply


def restart(server, shards, how):
    how()
    server.change(server__shards=shards)
    server.start()


def generations(server):
    return sorted(path.name for path in server.data.glob("g[0-9]*"))


def test_everything_is_there_with_any_number_of_shards(new_server, database):
    """V1, V2, V7, S1, S2, I3, L7, Q1, Q4: 1, 2, 4, 3 and 1 shards on one data directory."""
    server = new_server(shards=1, dsn=database.dsn, settings=FOR_FOUR).start()
    past = Past(server, 5)
    rules = Rules(server)
    for number, shards in enumerate((2, 4, 3, 1)):
        past.live(40)
        rules.hold()
        past.remember()
        restart(server, shards, server.kill if number % 2 == 0 else server.stop)
        assert generations(server) == [f"g{number + 2}"]
        past.is_true_still()
    past.live(40)
    rules.hold()
    count = "SELECT count(*) FROM hotshelf.stream_position"
    assert database.value(count) == 4
    assert server.stop() == 0
    stream_is_whole(database)
    server.audit()


def test_without_postgres_nothing_else_is_needed(new_server):
    server = new_server(shards=2).start()
    past = Past(server, 6)
    for shards in (3, 2):
        past.live(40)
        past.remember()
        restart(server, shards, server.kill)
        past.is_true_still()
    assert server.stop() == 0
    server.audit()


def test_a_change_that_is_killed_is_made_by_the_next_start(new_server):
    """V1, V7: kill -9 at some moment of it, again and again."""
    server = new_server(shards=1, settings=FOR_FOUR).start()
    past = Past(server, 7)
    past.live(60)
    past.remember()
    server.kill()
    for turn in range(8):
        server.change(server__shards=1 + turn % 3)
        server.launch()
        threading.Event().wait(random.Random(turn).random() * 0.4)
        server.kill()
    server.change(server__shards=4)
    server.start()
    assert len(generations(server)) == 1
    past.is_true_still()
    assert server.stop() == 0
    server.audit()


def refused(server, shards, before):
    """The start says both numbers, and the one of before still starts."""
    server.change(server__shards=shards)
    said = server.refuses_to_start()
    assert f"{before} shards" in said and f"server.shards is {shards}" in said, said
    assert generations(server) == ["g1"]
    server.change(server__shards=before)
    return said


def test_what_postgres_has_not_goes_first(new_server, database):
    """S1: numbers of a shard that is no more cannot be sent later."""
    server = new_server(shards=2, dsn=database.dsn).start()
    server.sell(S1=50)
    assert server.service("ann").checkout({"S1": 2}).status == 201
    assert server.stop() == 0
    server.change(postgres__dsn="")
    server.start()
    assert server.service("bob").checkout({"S1": 3}).status == 201
    assert server.stop() == 0
    assert "postgres.dsn is empty" in refused(server, 1, 2)
    server.change(postgres__dsn=database.dsn.replace("host=", "host=/nowhere"))
    assert "server.shards = 2 until it has everything" in refused(server, 3, 2)
    server.change(postgres__dsn=database.dsn, server__shards=1)
    server.start()
    assert database.value("SELECT count(*) FROM hotshelf.orders") == 2
    assert server.stock("S1")["held"] == 5
    assert server.service("cid").checkout({"S1": 1}).status == 201
    assert server.stop() == 0
    stream_is_whole(database)
    postgres_goes_back(server, database)


def postgres_goes_back(server, database):
    """To before the change: what it loses stands in no journal any more. Orders that live become
    rows again, the rest is named, and the stream goes on."""
    orders, positions = rows_of_orders(database), database.rows(
        "SELECT shard, seq FROM hotshelf.stream_position ORDER BY 1")
    database.execute("TRUNCATE hotshelf.outbox, hotshelf.orders, hotshelf.order_lines,"
                     " hotshelf.products, hotshelf.stock_movements")
    database.execute("UPDATE hotshelf.stream_position SET seq = 0, epoch = 1")
    server.start()
    assert eventually(lambda: server.client().get("/readyz").json["checks"]["postgres"] == "ok")
    assert rows_of_orders(database) == orders
    assert database.rows("SELECT shard, seq FROM hotshelf.stream_position"
                         " ORDER BY 1") == positions
    assert database.rows("SELECT DISTINCT seq, reason FROM hotshelf.dead_letters") == [(1, "lost")]
    assert database.value("SELECT sum(delta) FROM hotshelf.stock_movements") == 50
    assert server.service("dan").checkout({"S1": 1}).status == 201
    assert eventually(lambda: len(rows_of_orders(database)) == len(orders) + 1)
    assert server.stop() == 0


def test_a_table_that_would_not_hold_its_part_is_named(new_server):
    """Q6: capacity is of the whole, and one shard's part of it may be too small."""
    server = new_server(settings={"capacity.allowances": 64}).start()
    server.sell_rows([{"sku": "S1", "stock": 500, "max_per_customer": 5}])
    for number in range(64):
        assert server.service(f"c{number}").checkout({"S1": 1}).status == 201
    assert server.stop() == 0
    assert "raise capacity.allowances" in refused(server, 4, 1)
    server.start()
    assert server.stock("S1")["held"] == 64


def test_a_journal_without_room_for_what_was_promised_is_refused(new_server):
    """S5: what a hold was promised has its room after the change, too."""
    server = new_server().start()
    server.sell(S1=900)
    for number in range(200):
        assert server.service(f"c{number}").checkout({"S1": 1}).status == 201
    assert server.stop() == 0
    assert "raise data.journal_bytes" in refused(server, 8, 1)
    server.start()
    assert server.stock("S1")["held"] == 200


@pytest.fixture
def small_disk(tmp_path):
    """Room for one journal of the tests, and not for a second."""
    journal = int(SMALL["data.journal_bytes"])
    make_file_system(tmp_path / "image", "ext4", journal * 3 // 2 + (16 << 20))
    mount = LoopMount(tmp_path / "image", tmp_path / "disk", "ext4")
    yield mount.directory
    mount.end()


def test_a_full_disk_leaves_what_was(small_disk, new_server):
    """V1: it says how many bytes are missing."""
    server = new_server(settings={"data.dir": small_disk / "data"})
    server.data = small_disk / "data"
    server.start()
    server.sell(S1=5)
    assert server.service("ann").checkout({"S1": 2}).status == 201
    assert server.stop() == 0
    server.change(server__shards=2)
    assert "are missing on its disk" in server.refuses_to_start()
    assert generations(server) == ["g1"]
    server.change(server__shards=1)
    server.start()
    assert server.stock("S1") == {"allotment": 5, "available": 3, "held": 2, "sold": 0}
    assert server.stop() == 0
