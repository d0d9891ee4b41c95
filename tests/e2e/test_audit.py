# SPDX-License-Identifier: Apache-2.0
"""V1 to V4, V7, S1: `hotshelf audit` and `hotshelf orders` of journals that have gone round: what
lies before their restating walks is overwritten, and orders of it are forgotten. The audit finds
nothing where nothing is wrong, and everything that is put wrong in PostgreSQL."""

import json
import re
import threading

import pytest

from tests.lib.clock import Clock
from tests.lib.server import eventually
from tests.lib.streamed import everything_arrived

DAY_MS = 86400 * 1000
SHARDS = 2
PER_SHARD_BYTES = 12 << 20
BATCH_BYTES = 4096  # at least, for a command that waits for its reply
CHANGERS = 16
LAPS_MAX = 12
# What is alive needs room in the journal until it ends.
SHORT_LIVES = {"reservations.hold_seconds": 60, "reservations.max_life_seconds": 60,
               "reservations.payment_seconds": 60, "reservations.review_seconds": 60}
DEFERRED = {"payment": {"mode": "deferred"}}


def go_round(server, laps):
    """Customers put and take; one who is told that the journal is full comes again."""
    turns = int(laps * SHARDS * PER_SHARD_BYTES / BATCH_BYTES / CHANGERS)
    refused = []

    def change(number):
        shopper = server.shopper(f"changer-{number}")
        for turn in range(turns):
            if not eventually(lambda turn=turn: shopper.put("GO", 1 + turn % 2).status == 200):
                refused.append(number)
                return

    threads = [threading.Thread(target=change, args=(number,)) for number in range(CHANGERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []


def buy(server, prefix, count):
    orders = {}
    for number in range(count):
        reply = server.service(f"{prefix}-{number}").checkout({"BUY": 2, "ALSO": 1}, **DEFERRED)
        orders[reply.json["id"]] = reply.json
    return orders


class Lapped:
    """Orders of which the journals know no more, then laps, then orders that they know."""

    def __init__(self, server, clock, database):
        self.server, self.database = server, database
        server.sell_rows([{"sku": sku, "stock": 10000} for sku in ("BUY", "ALSO", "UNTOUCHED")] +
                         [{"sku": "GO", "stock": 10000, "reserve_on": "cart"}])
        self.old = buy(server, "old", 12)
        self.cancel_some(self.old, "old-0")
        everything_arrived(database, self.old)  # none is forgotten before
        clock.pass_ms(2 * DAY_MS)
        self.young = buy(server, "young", 8)
        self.go_round_until(self.are_overwritten)
        self.cancel_some(self.young, "young-0")
        self.young |= buy(server, "late", 8)

    def go_round_until(self, question):
        for _ in range(LAPS_MAX):
            if question():
                return
            go_round(self.server, 1)
        pytest.fail(self.server.run("audit").stdout + self.server.run("orders").stderr)

    def are_overwritten(self):
        """What became of the old orders, and when the young ones were placed."""
        audit = self.server.run("audit")
        told = self.server.run("orders").stdout
        return f"{len(self.old)} orders are older than what is kept" in audit.stdout and not any(
            order in told for order in self.young)

    def cancel_some(self, orders, name):
        """One unit of an order's first line comes back on sale."""
        order = next(iter(orders))
        reply = self.server.service(name).cancel(order, lines=[{"line": 1, "quantity": 1}])
        assert reply.status == 200, reply
        orders[order] = reply.json


@pytest.fixture(scope="module")
def lapped(new_shared_server, postgres, tmp_path_factory):
    clock, database = Clock(tmp_path_factory.mktemp("clock")), postgres.database()
    server = new_shared_server(shards=SHARDS, dsn=database.dsn, settings={
        "data.journal_bytes": SHARDS * PER_SHARD_BYTES,
        "retention.order_keep_seconds": 60,
        **SHORT_LIVES})
    server.environment = clock.environment()
    shop = Lapped(server.start(), clock, database)
    audits = beside_it(server)
    everything_arrived(database, shop.old | shop.young)
    assert server.stop() == 0
    shop.audits = audits
    yield shop
    database.close()


def beside_it(server):
    """Audits while the journals go round."""
    audits = []

    def audit():
        for _ in range(6):
            audits.append(server.run("audit"))

    auditor = threading.Thread(target=audit)
    auditor.start()
    while auditor.is_alive():
        go_round(server, 0.25)
    auditor.join()
    return audits


@pytest.fixture
def database(lapped):
    """Of the shop; put right again afterwards."""
    tables = ("orders", "order_lines", "outbox")
    for table in tables:
        lapped.database.execute(f"CREATE TABLE saved_{table} AS SELECT * FROM hotshelf.{table}")
    yield lapped.database
    for table in tables:
        lapped.database.execute(f"TRUNCATE hotshelf.{table}")
        lapped.database.execute(f"INSERT INTO hotshelf.{table} SELECT * FROM saved_{table}")
        lapped.database.execute(f"DROP TABLE saved_{table}")


def finds(server, word, *more):
    audit = server.run("audit")
    assert audit.returncode == 1, audit.stdout
    lines = [line for line in audit.stdout.splitlines() if line.startswith(word + ": ")]
    assert lines, audit.stdout
    others = re.findall(r"^(?:oversold|stranded|lost|duplicated|gap|different): ", audit.stdout,
                        re.MULTILINE)
    assert len(others) == len(lines), audit.stdout
    for text in more:
        assert any(text in line for line in lines), audit.stdout


def test_an_audit_of_what_is_kept_finds_nothing(lapped):
    told = lapped.server.audit().stdout
    assert len(re.findall(r"^shard \d: from walk \d+ on, stream number \d+$", told,
                          re.MULTILINE)) == SHARDS
    assert f"PostgreSQL: {len(lapped.old)} orders are older than what is kept" in told


def test_audits_beside_a_running_server_find_nothing(lapped):
    """Its segments are overwritten while they are read."""
    assert len(lapped.audits) == 6
    for audit in lapped.audits:
        assert audit.returncode == 0, audit.stdout + audit.stderr


def test_an_order_that_is_kept_and_not_in_postgres_is_lost(lapped, database):
    order = next(iter(lapped.young))
    database.execute("DELETE FROM hotshelf.orders WHERE order_id = %s", order)
    finds(lapped.server, "lost", f"order {order} is not in PostgreSQL")


def test_an_order_that_is_not_kept_and_not_in_postgres_is_lost(lapped, database):
    """Nobody names it any more, but what it sold is missed."""
    database.execute("DELETE FROM hotshelf.orders WHERE order_id = %s", list(lapped.old)[1])
    what = "in orders older than what is kept PostgreSQL has"
    finds(lapped.server, "lost", f"SKU BUY: {what} 21 units sold, the journal 23",
          f"SKU ALSO: {what} 11 units sold, the journal 12")


def test_an_old_order_that_sold_more_in_postgres_is_lost(lapped, database):
    database.execute("UPDATE hotshelf.order_lines SET restocked = 0 WHERE order_id = %s",
                     next(iter(lapped.old)))
    finds(lapped.server, "lost", "SKU BUY: in orders older than what is kept PostgreSQL has 24")


def test_an_order_only_in_postgres_that_is_not_old_is_lost(lapped, database):
    """Its row is of a stream number that the journal still has."""
    database.execute("UPDATE hotshelf.orders SET order_id = gen_random_uuid() "
                     "WHERE order_id = %s", list(lapped.young)[-1])
    finds(lapped.server, "lost", "is in PostgreSQL and not in the journal up to its position",
          "is not in PostgreSQL")


@pytest.mark.parametrize("change", ["quantity = 3", "sku = 'GO'", "unit_price = unit_price + 1"])
def test_a_line_that_is_other_in_postgres_is_different(lapped, database, change):
    order = next(iter(lapped.young))
    database.execute(f"UPDATE hotshelf.order_lines SET {change} WHERE order_id = %s AND line = 1",
                     order)
    finds(lapped.server, "different", f"order {order}: its lines in PostgreSQL are others")


def test_an_event_that_postgres_lacks_is_a_gap(lapped, database):
    database.execute("DELETE FROM hotshelf.outbox WHERE (shard, seq) = "
                     "(SELECT shard, max(seq) - 1 FROM hotshelf.outbox GROUP BY 1 LIMIT 1)")
    finds(lapped.server, "gap", "the outbox has")


def oldest_of(server, shard):
    told = server.run("orders", "--from", f"1/{shard}/1")
    assert (told.returncode, told.stdout) == (1, "")
    return int(re.search(rf"1/{shard}/1 is no longer kept, the oldest is 1/{shard}/(\d+)",
                         told.stderr)[1])


def test_orders_tells_the_oldest_that_is_kept(lapped):
    server = lapped.server
    seqs = {shard: [] for shard in range(SHARDS)}
    for event in server.journal_events():
        seqs[event["shard"]].append(event["seq"])
    for shard in range(SHARDS):
        oldest = oldest_of(server, shard)
        last = lapped.database.value("SELECT max(seq) FROM hotshelf.outbox WHERE shard = %s", shard)
        assert oldest > 1
        assert seqs[shard] == list(range(oldest, last + 1))
        assert server.run("orders", "--from", f"1/{shard}/{oldest}").returncode == 0
        assert server.run("orders", "--from", f"1/{shard}/{oldest - 1}").returncode == 1
        assert server.run("orders", "--from", f"1/{shard}/{last + 1}").returncode == 0
        ahead = server.run("orders", "--from", f"1/{shard}/{last + 2}")
        assert ahead.returncode == 1
        assert f"/{last + 2} is not there yet, the newest is 1/{shard}/{last}:" in ahead.stderr


def test_an_order_known_by_its_image_alone_is_told_when_it_changes(lapped):
    """When it was placed is overwritten; what became of it is told with the whole order."""
    order = next(iter(lapped.young))
    (event,) = [event for event in lapped.server.journal_events()
                if order in json.dumps(event)]
    assert event["type"] == "order.lines_cancelled.v1"
    assert event["data"]["items_total"] == lapped.young[order]["items_total"]
