# SPDX-License-Identifier: Apache-2.0
"""S1, S2, S3: a PostgreSQL that is added to a server which has run without, and whose journal has
overwritten its first events. What is live then becomes rows; the stream starts at the oldest event
kept and has no gap from there on."""

import contextlib
import re

import psycopg2
import pytest

from tests.e2e.test_audit import go_round
from tests.e2e.test_durability import STREAM, stream_waits
from tests.e2e.test_review import FLAGGED, review
from tests.lib.server import eventually
from tests.lib.streamed import everything_arrived, stream_goes_on_from

PER_SHARD_BYTES = 16 << 20
SEGMENT_NUMBER = slice(28, 32)  # of a segment's header
DEFERRED = {"payment": {"mode": "deferred"}}
OTHER_NODE = 2
BUYERS = 60
LIVES_SECONDS = 120  # longer than a test: what is alive wants room in the journal for so long


@pytest.fixture
def new_shop(new_server):
    """Without PostgreSQL."""
    def make(shards):
        server = new_server(shards=shards, settings={
            "data.journal_bytes": shards * PER_SHARD_BYTES, "risk.review_score": 500,
            **dict.fromkeys((f"reservations.{name}_seconds" for name in (
                "hold", "max_life", "payment", "review")), LIVES_SECONDS)})
        server.start()
        rows = [{"sku": "BUY", "stock": 10000, "reserve_on": "checkout", "price": "2.50"},
                {"sku": "GO", "stock": 10000, "reserve_on": "cart"},
                {"sku": "SOON", "stock": 100, "reserve_on": "checkout", "sale": "hasty"}]
        server.sell_rows(rows)
        hasty = server.admin().put("/admin/v1/sales/hasty", {
            "payment_seconds": 1, "review_seconds": LIVES_SECONDS})
        assert hasty.status == 200, hasty
        return server
    return make


class Orders:
    """One in each status, and some more; as they were told last."""

    def __init__(self, server):
        self.server = server
        self.known = {}
        self.places = {
            "pending_payment": {},
            "confirmed": DEFERRED,
            "paid": {},
            "cancelled": DEFERRED,
            "review": FLAGGED,
            "refund_required": {},
            "refunded": {},
        }
        self.ids = {status: self.note(self.buyer(status).checkout({"BUY": 2}, key=status, **more))
                    for status, more in self.places.items()}
        self.ids["expired"] = self.note(self.buyer("expired").checkout({"SOON": 1}))
        for number in range(BUYERS):
            self.note(self.buyer(f"more-{number}").checkout({"BUY": 1, "GO": 2}, **DEFERRED))
        for status in ("paid", "refund_required", "refunded"):
            self.pay(status)
        for status in ("cancelled", "refund_required", "refunded"):
            self.cancel(status)
        self.note(self.buyer("refunded").pay(
            self.known[self.ids["refunded"]], "refunded", "pay-refunded", refund_id="back"))
        assert eventually(lambda: self.read("expired")["status"] == "expired")
        told = {name: self.read(name)["status"] for name in self.ids}
        assert told == {name: "confirmed" if name == "paid" else name for name in self.ids}

    def buyer(self, name):
        return self.server.service(name)

    def note(self, reply):
        assert reply.status in (200, 201), reply
        self.known[reply.json["id"]] = reply.json
        return reply.json["id"]

    def read(self, name):
        self.note(self.buyer(name).order(self.ids[name]))
        return self.known[self.ids[name]]

    def pay(self, name):
        order = self.known[self.ids[name]]
        self.note(self.buyer(name).pay(order, payment_id=f"pay-{name}"))

    def cancel(self, name):
        self.note(self.buyer(name).cancel(self.ids[name]))


def has_lapped(server):
    """Whether each journal has begun its first file anew."""
    return [int.from_bytes(file.read_bytes()[SEGMENT_NUMBER], "little") > 1
            for file in server.data.glob("g1/shard-*/segment-000001")]


def lap(server):
    """Until every journal has overwritten its first segment."""
    while not all(has_lapped(server)):
        go_round(server, 0.5)


@contextlib.contextmanager
def held_back(database):
    """In here the image of the paid order waits for one whose payment has the same id."""
    with contextlib.closing(psycopg2.connect(database.dsn)) as connection:
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO hotshelf.payment_owner VALUES"
                           " ('bank', 'pay-paid', gen_random_uuid())")
        yield  # and is rolled back as the connection ends


def state_of_postgres(server):
    return server.client().get("/readyz").json["checks"]["postgres"]


def is_adopted(server):
    assert eventually(lambda: state_of_postgres(server) == "ok", 30), server.log()


def first_told(server):
    """The first event of each shard that PostgreSQL gets, as the log names it."""
    told = re.findall(r"shard (\d+): its stream starts after (\d+)", server.log())
    return {int(shard): int(after) + 1 for shard, after in told}


def stock_is_told(server, database):
    """V3: PostgreSQL's sums are the server's counts."""
    moved = dict(database.rows(
        "SELECT sku, sum(delta)::bigint FROM hotshelf.stock_movements GROUP BY 1"))
    assert moved == {sku: server.stock(sku)["allotment"] for sku in ("BUY", "GO", "SOON")}
    assert dict(database.rows("SELECT sku, price FROM hotshelf.products")) == {
        "BUY": 250, "GO": 100, "SOON": 100}


def lines_are_told(database, orders):
    rows = {}
    for order_id, *line in database.rows(
            "SELECT order_id::text, line, sku, quantity, cancelled, unit_price, line_total"
            " FROM hotshelf.order_lines ORDER BY order_id, line"):
        rows.setdefault(order_id, []).append(tuple(line))
    assert rows == {order_id: [(line["line"], line["sku"], line["quantity"], line["cancelled"],
                                line["unit_price"], line["line_total"]) for line in order["lines"]]
                    for order_id, order in orders.items()}


def test_what_is_live_becomes_rows_and_what_happens_later_arrives(new_shop, database):
    server = new_shop(2)
    orders = Orders(server)
    lap(server)
    assert server.stop() == 0
    server.change(postgres__dsn=database.dsn)
    server.start()
    is_adopted(server)
    everything_arrived(database, orders.known)
    lines_are_told(database, orders.known)
    stock_is_told(server, database)
    assert set(database.rows("SELECT payment_id, result, amount FROM hotshelf.payments")) >= {
        (f"pay-{name}", "captured", 500) for name in ("paid", "refund_required", "refunded")}
    orders.pay("pending_payment")
    orders.cancel("confirmed")
    orders.note(review(server, {"id": orders.ids["review"]}, "approve"))
    stock = server.admin().post("/admin/v1/products/BUY/stock", {"delta": 5},
                                headers={"Idempotency-Key": "more"})
    assert stock.status == 200, stock
    orders.note(orders.buyer("new").checkout({"BUY": 1}, **DEFERRED))
    everything_arrived(database, orders.known)
    lines_are_told(database, orders.known)
    assert eventually(lambda: database.value(
        "SELECT sum(delta) FROM hotshelf.stock_movements WHERE sku = 'BUY'") == 10005)
    go_round(server, 1)  # segments become free again
    assert server.stop() == 0
    stream_goes_on_from(database, first_told(server))
    assert all(first > 1 for first in first_told(server).values())
    rebuilt = server.run("recover", "--from-postgres", "--yes")
    assert rebuilt.returncode == 1 and "would sell those units again" in rebuilt.stderr, rebuilt


def test_killed_and_left_alone_in_the_midst_of_it(new_shop, new_server, postgres, database):
    """L7, S5: the server is killed, PostgreSQL goes away, selling goes on; in the end it is all
    there."""
    other = new_server(dsn=database.dsn, settings={"server.node": OTHER_NODE}).start()
    assert other.stop() == 0  # the schema is there
    server = new_shop(2)
    orders = Orders(server)
    lap(server)
    assert server.stop() == 0
    server.change(postgres__dsn=database.dsn)
    with held_back(database):
        server.start()
        assert stream_waits(database)
        assert state_of_postgres(server) == "adopting"
        orders.pay("pending_payment")
        server.kill()
        database.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE " + STREAM)
        assert eventually(lambda: not database.rows(
            "SELECT 1 FROM pg_stat_activity WHERE " + STREAM))
    assert database.value("SELECT bool_or(adopting) FROM hotshelf.stream_position")
    with held_back(database):
        server.start()
        assert stream_waits(database)
        assert state_of_postgres(server) == "adopting"
        orders.cancel("confirmed")
        database.close()
        postgres.stop("immediate")
        assert eventually(lambda: state_of_postgres(server) == "degraded")
    orders.note(orders.buyer("late").checkout({"BUY": 1}, **DEFERRED))
    assert server.is_ready()
    server.kill()
    postgres.start()
    server.start()
    is_adopted(server)
    everything_arrived(database, orders.known)
    lines_are_told(database, orders.known)
    stock_is_told(server, database)
    assert server.stop() == 0
    stream_goes_on_from(database, first_told(server))


def test_what_was_promised_before_postgres_is_reached_is_kept(new_shop, postgres, database):
    """S5: a `dsn` that is added while PostgreSQL is away takes no room from anybody: a hold of
    before becomes an order, and there are new ones."""
    server = new_shop(2)
    holders = [f"holder-{number}" for number in range(4)]
    for holder in holders:
        assert server.shopper(holder).put("GO", 1).status == 200
    lap(server)
    assert server.stop() == 0
    database.close()
    postgres.stop("immediate")
    server.change(postgres__dsn=database.dsn)
    server.start()
    for holder in holders:
        assert server.shopper(holder).checkout().status == 201
    assert server.client().get("/readyz").json["checks"]["journal"] == "ok"
    assert server.shopper("new").put("GO", 1).status == 200
    postgres.start()
    is_adopted(server)
    assert server.stop() == 0
    stream_goes_on_from(database, first_told(server))


def test_a_journal_that_has_all_its_events_sends_them_all(new_shop, database):
    server = new_shop(2)
    orders = Orders(server)
    assert server.stop() == 0
    server.change(postgres__dsn=database.dsn)
    server.start()
    assert state_of_postgres(server) == "ok"
    everything_arrived(database, orders.known)
    assert server.stop() == 0
    stream_goes_on_from(database, dict.fromkeys((0, 1), 1))
