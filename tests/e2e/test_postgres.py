# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL receives every event exactly once, whoever was away in between."""

import json
import shutil
import threading

import pytest

from tests.lib.server import eventually
from tests.lib.streamed import everything_arrived, stream_is_whole

DEFERRED = {"payment": {"mode": "deferred"}}
SHARDS = pytest.mark.parametrize("shards", [1, 2])


class Buyer:
    """Buys and remembers the orders it was promised."""

    def __init__(self, server):
        self.server = server
        self.orders = {}
        self.turn = 0

    def buy(self, count, sku="S1"):
        for _ in range(count):
            self.turn += 1
            shopper = self.server.service(f"buyer-{self.turn % 17}")
            reply = shopper.checkout({sku: 1}, key=f"turn-{self.turn}", **DEFERRED)
            assert reply.status == 201, reply
            self.orders[reply.json["id"]] = reply.json
            shopper.client.close()


@SHARDS
def test_every_order_arrives_with_its_lines(new_server, database, shards):
    """S1, S3."""
    server = new_server(shards=shards, dsn=database.dsn).start()
    server.sell_rows([{"sku": "S1", "price": "2.50", "stock": 500, "seller": "seller-4"},
                      {"sku": "S2", "stock": 500}])
    ann = server.service("ann")
    order = ann.checkout({"S1": 2, "S2": 1}, key="the-key", references={"channel": "web"}).json
    everything_arrived(database, {order["id"]: order})
    lines = database.rows("SELECT line, sku, seller, quantity, cancelled, unit_price, line_total"
                          " FROM hotshelf.order_lines WHERE order_id = %s ORDER BY line",
                          order["id"])
    assert lines == [(line["line"], line["sku"], line["seller"], line["quantity"],
                      line["cancelled"], line["unit_price"], line["line_total"])
                     for line in order["lines"]]
    key, refs = database.rows("SELECT idempotency_key, refs FROM hotshelf.orders")[0]
    assert (key, refs) == ("the-key", {"channel": "web"})
    paid = ann.pay(order, "captured", "pay-1").json
    everything_arrived(database, {order["id"]: paid})
    types = [row[0] for row in database.rows(
        "SELECT type FROM hotshelf.outbox WHERE aggregateid = %s ORDER BY seq", order["id"])]
    assert types == ["order.placed.v1", "order.confirmed.v1"]
    stream_is_whole(database)


def test_an_event_carries_the_whole_order(new_server, database):
    """S2: order_version is contiguous from 1."""
    server = new_server(dsn=database.dsn).start()
    server.sell(S1=5)
    ann = server.service("ann")
    order = ann.checkout({"S1": 2}).json
    ann.pay(order, "declined")
    ann.pay(order, "captured")
    ann.cancel(order["id"])
    query = "SELECT payload FROM hotshelf.outbox WHERE aggregateid = %s ORDER BY seq"
    assert eventually(lambda: len(database.rows(query, order["id"])) >= 4)
    payloads = [row[0] for row in database.rows(query, order["id"])]
    assert [payload["type"] for payload in payloads] == [
        "order.placed.v1", "order.payment_declined.v1", "order.confirmed.v1",
        "order.refund_required.v1"] or payloads[-1]["type"] == "order.refund_required.v1"
    for payload in payloads:
        assert payload["specversion"] == "1.0"
        assert payload["id"] and payload["source"] and payload["time"]
        assert order["id"] in json.dumps(payload["data"])
    stream_is_whole(database)


@SHARDS
@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_selling_goes_on_while_postgres_is_away_and_it_catches_up(
        new_server, postgres, database, shards, mode):
    """S5, S1."""
    server = new_server(shards=shards, dsn=database.dsn).start()
    server.sell(S1=5000)
    buyer = Buyer(server)
    buyer.buy(20)
    everything_arrived(database, buyer.orders)
    database.close()
    postgres.stop(mode)
    buyer.buy(50)
    assert server.is_ready()
    postgres.start()
    buyer.buy(20)
    everything_arrived(database, buyer.orders)
    stream_is_whole(database)


def test_postgres_restarted_again_and_again_receives_everything_once(
        new_server, postgres, database):
    """S1: also while a transaction is under way."""
    server = new_server(shards=2, dsn=database.dsn).start()
    server.sell(S1=100000)
    buyer = Buyer(server)
    done = threading.Event()

    def rush():
        while not done.is_set():
            buyer.buy(10)

    thread = threading.Thread(target=rush)
    thread.start()
    try:
        for _ in range(3):
            before = len(buyer.orders)
            assert eventually(lambda: len(buyer.orders) > before + 100, 30)
            postgres.stop("immediate")
            postgres.start()
    finally:
        done.set()
        thread.join()
    everything_arrived(database, buyer.orders)
    stream_is_whole(database)


@SHARDS
def test_a_killed_server_streams_what_it_had_not_streamed(new_server, postgres, database, shards):
    """S1, V7: sold while PostgreSQL was away, killed, started again."""
    server = new_server(shards=shards, dsn=database.dsn).start()
    server.sell(S1=5000)
    buyer = Buyer(server)
    buyer.buy(20)
    everything_arrived(database, buyer.orders)
    database.close()
    postgres.stop("fast")
    buyer.buy(30)
    server.kill()
    postgres.start()
    server.start()
    buyer.buy(10)
    everything_arrived(database, buyer.orders)
    stream_is_whole(database)
    assert server.stop() == 0
    server.audit()


def test_kill_9_in_the_middle_of_streaming_doubles_nothing(new_server, database):
    """S1: three times, while a rush is being streamed."""
    server = new_server(shards=2, dsn=database.dsn).start()
    server.sell(S1=100000)
    buyer = Buyer(server)
    for _ in range(3):
        buyer.buy(150)
        server.kill()
        server.start()
    everything_arrived(database, buyer.orders)
    stream_is_whole(database)
    assert server.stop() == 0
    server.audit()


def test_an_expired_order_is_expired_in_postgres_too(new_server, database):
    server = new_server(dsn=database.dsn, settings={"reservations.payment_seconds": 1}).start()
    server.sell(S1=5)
    order = server.shopper("ann").checkout({"S1": 1}).json
    query = "SELECT status FROM hotshelf.orders WHERE order_id = %s"
    assert eventually(lambda: database.rows(query, order["id"]) == [("expired",)], 15)
    assert eventually(lambda: database.rows(
        "SELECT 1 FROM hotshelf.outbox WHERE type = 'order.expired.v1'"), 5)
    stream_is_whole(database)


def copy_and_sell_on(server, database, buyer):
    """A copy of the data directory that lacks what was sold and streamed since; all is stopped."""
    assert server.stop() == 0
    copy = server.directory / "copy"
    shutil.copytree(server.data, copy)
    server.start()
    buyer.buy(20)
    everything_arrived(database, buyer.orders)
    assert server.stop() == 0
    return copy


@SHARDS
def test_a_data_directory_that_is_behind_is_refused(new_server, database, shards):
    """S1: a restored copy must not sell again what was sold."""
    server = new_server(shards=shards, dsn=database.dsn).start()
    server.sell(S1=500)
    buyer = Buyer(server)
    buyer.buy(20)
    everything_arrived(database, buyer.orders)
    copy = copy_and_sell_on(server, database, buyer)
    newer = server.directory / "newer"
    server.data.rename(newer)
    shutil.copytree(copy, server.data)
    said = server.refuses_to_start()
    assert "behind" in said or "position" in said, said
    shutil.rmtree(server.data)
    newer.rename(server.data)
    server.start()
    everything_arrived(database, buyer.orders)


def test_a_directory_that_is_behind_stops_at_first_contact(new_server, postgres, database):
    """S1: PostgreSQL was away at the start, so nothing could be compared then."""
    server = new_server(dsn=database.dsn).start()
    server.sell(S1=500)
    buyer = Buyer(server)
    buyer.buy(10)
    everything_arrived(database, buyer.orders)
    copy = copy_and_sell_on(server, database, buyer)
    shutil.rmtree(server.data)
    shutil.copytree(copy, server.data)
    database.close()
    postgres.stop("fast")
    server.start()
    server.end_is_expected = True
    postgres.start()
    assert server.process.wait(30) == 1
    said = server.log()
    assert "behind" in said or "position" in said, said
    everything_arrived(database, buyer.orders)


def test_a_lost_data_directory_is_refused(new_server, database):
    """S1: an empty directory is behind a position."""
    server = new_server(dsn=database.dsn).start()
    server.sell(S1=500)
    buyer = Buyer(server)
    buyer.buy(5)
    everything_arrived(database, buyer.orders)
    assert server.stop() == 0
    shutil.rmtree(server.data)
    said = server.refuses_to_start()
    assert "behind" in said or "position" in said, said


def test_a_fresh_directory_sells_only_after_first_contact(new_server, postgres, database):
    """S1: PostgreSQL away at the first start; nothing is sold until it answers."""
    database.close()
    postgres.stop("fast")
    server = new_server(dsn=database.dsn).launch()
    assert eventually(lambda: server.process.poll() is not None or is_alive(server), 20)
    assert server.process.poll() is None, server.log()
    refused = server.shopper("ann").checkout({"S1": 1})
    assert refused.status == 503, refused
    postgres.start()
    assert eventually(server.is_ready, 30), server.log()
    server.sell(S1=5)
    order = server.service("ann").checkout({"S1": 1}, **DEFERRED).json
    everything_arrived(database, {order["id"]: order})


def is_alive(server):
    try:
        return server.client().get("/livez").status == 200
    except OSError:
        return False


def test_an_import_and_a_stock_change_are_in_postgres(new_server, database):
    """T1: the name of who changed it stands on every stock movement."""
    server = new_server(dsn=database.dsn).start()
    server.sell(S1=5)
    changed = server.admin().post("/admin/v1/products/S1/stock", {"delta": 2, "reason": "found"},
                                  headers={"Idempotency-Key": "k"})
    assert changed.status == 200
    assert eventually(lambda: database.rows(
        "SELECT sku, price, currency FROM hotshelf.products") == [("S1", 100, "GBP")])
    assert eventually(lambda: ("tests", "found") in database.rows(
        "SELECT actor, reason FROM hotshelf.stock_movements WHERE sku = 'S1'"))
    stream_is_whole(database)
