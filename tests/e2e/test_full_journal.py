# SPDX-License-Identifier: Apache-2.0
"""S5: PostgreSQL is away until the budget of the journal has run full. What takes new units is
refused, what was promised before is kept, and nothing is lost when PostgreSQL comes back."""

import pytest

from tests.e2e.test_postgres import everything_arrived, stream_is_whole
from tests.lib.clock import Clock
from tests.lib.server import eventually

JOURNAL_BYTES = 48 << 20
EACH = 60  # promises of each kind, for customers of every shard
FILLERS = 8
FILLS_MAX = 1000
HOLD_SECONDS = 200


@pytest.fixture
def clock(workspace):
    clock = Clock(workspace)
    clock.monotonic_ms = 10_000  # a start without PostgreSQL waits by the time of the kernel
    clock.show()
    clock.run()  # a full journal gathers for some milliseconds
    yield clock
    clock.stop()


@pytest.fixture
def new_shop(new_server, database, clock):
    """Makes a running server whose journal is soon full."""
    def make(shards):
        server = new_server(dsn=database.dsn, shards=shards, settings={
            "data.journal_bytes": JOURNAL_BYTES, "capacity.text_bytes": 1 << 19,
            "reservations.hold_seconds": HOLD_SECONDS, "reservations.payment_seconds": HOLD_SECONDS,
            "limits.max_open_orders": 1000})
        server.environment = clock.environment()
        server.start()
        server.sell_rows([{"sku": sku, "stock": 10000, "reserve_on": reserve_on}
                          for sku, reserve_on in (("BUY", "checkout"), ("HOLD", "cart"),
                                                  ("FILL", "cart"), ("DEAD", "cart"))])
        return server
    return make


class Promises:
    """What customers were told before the journal was full, by what they will do about it."""

    def __init__(self, server):
        self.server = server
        self.fillers = []  # orders that only take room
        self.paid, self.cancelled, self.left = (
            [self.order(kind, number) for number in range(EACH)]
            for kind in ("pays", "cancels", "leaves"))
        self.buys, self.drops, self.forgets = (
            [self.hold(kind, number) for number in range(EACH)]
            for kind in ("buys", "drops", "forgets"))
        self.killed = [self.hold("killed", number, "DEAD") for number in range(EACH)]
        self.orders = {order["id"]: order for order in self.paid + self.cancelled + self.left}

    def order(self, kind, number):
        reply = self.server.service(f"{kind}-{number}").checkout({"BUY": 2}, key="k")
        assert reply.status == 201, reply
        return reply.json

    def hold(self, kind, number, sku="HOLD"):
        name = f"{kind}-{number}"
        assert self.server.shopper(name).put(sku, 2).status == 200
        return name

    def note(self, reply):
        """An order as a reply has just told it."""
        assert reply.status in (200, 201), reply
        self.orders[reply.json["id"]] = reply.json
        return reply.json


def fill(server, promises):
    """Orders, which wait for PostgreSQL, until nobody, on no shard, may take a unit more."""
    filling = {server.shopper(f"filler-{number}") for number in range(FILLERS)}
    for _ in range(FILLS_MAX):
        for shopper in list(filling):
            reply = shopper.checkout({"FILL": 1})
            if reply.status != 201:
                assert (reply.status, reply.code) == (503, "journal_full"), reply
                assert int(reply.headers["retry-after"]) > 0
                filling.remove(shopper)
                continue
            promises.fillers.append(reply.json)
        if not filling:
            return
    raise AssertionError("the journal never filled")


def stocks(server):
    return {sku: server.stock(sku) for sku in ("BUY", "HOLD", "FILL", "DEAD")}


def takes_no_new_unit(server):
    """503 journal_full, and nothing is taken; reads go on."""
    before = stocks(server)
    for number in range(FILLERS):
        late = server.shopper(f"late-{number}")
        for reply in (late.checkout({"BUY": 1}), late.put("HOLD", 1),
                      server.shopper(f"filler-{number}").put("FILL", 3)):
            assert (reply.status, reply.code) == (503, "journal_full"), reply
        assert late.cart().json["lines"] == []
        assert late.orders().json["items"] == []
    grown = server.admin().post("/admin/v1/products/BUY/stock", {"delta": 5, "reason": "found"},
                                headers={"Idempotency-Key": "k"})
    assert (grown.status, grown.code) == (503, "journal_full"), grown
    assert stocks(server) == before
    assert server.availability("BUY")[0]["status"] == "available"
    assert server.is_ready()


def keeps(server, promises):
    """Confirmation, checkout and end of what lives, one request after another; switches."""
    switch(server, "pause", "all")
    for order in promises.paid:
        told = promises.note(server.service(order["customer"]).pay(order, payment_id=order["id"]))
        assert told["status"] == "confirmed"
    for name in promises.buys:
        order = promises.note(server.service(name).checkout(key="k"))
        told = promises.note(server.service(name).pay(order, payment_id=order["id"]))
        assert told["status"] == "confirmed"
    for order in promises.cancelled:
        told = promises.note(server.shopper(order["customer"]).cancel(order["id"], key="c"))
        assert told["status"] == "cancelled"
    for name in promises.drops:
        assert server.shopper(name).put("HOLD", 0).status == 200
    switch(server, "resume", "all")
    switch(server, "kill", "sku:DEAD")
    switch(server, "resume", "sku:DEAD")
    for sku, held, sold in (("BUY", 2 * EACH, 2 * EACH), ("HOLD", 2 * EACH, 2 * EACH),
                            ("DEAD", 0, 0)):
        told = server.stock(sku)
        assert (told["held"], told["sold"]) == (held, sold), (sku, told)


def switch(server, verb, scope):
    reply = server.admin().post(f"/admin/v1/{verb}", {"scope": scope})
    assert reply.status == 200, (verb, reply)


def replays(server, promises):
    """I3: the keys of before and after the journal was full."""
    for order in promises.paid + promises.cancelled + promises.left:
        reply = server.service(order["customer"]).checkout({"BUY": 2}, key="k")
        assert (reply.status, reply.json["id"]) == (201, order["id"])
        assert reply.headers["idempotency-replayed"] == "true"


def everything_ends(server, promises, clock):
    """L3: the rest expires."""
    clock.pass_ms(HOLD_SECONDS * 1000)
    for sku, sold in (("BUY", 2 * EACH), ("HOLD", 2 * EACH), ("FILL", 0), ("DEAD", 0)):
        assert eventually(lambda sku=sku: server.stock(sku)["held"] == 0), (sku, server.stock(sku))
        assert server.stock(sku) == {"allotment": 10000, "available": 10000 - sold, "held": 0,
                                     "sold": sold}
    for order in promises.left + promises.fillers:
        promises.note(server.shopper(order["customer"]).order(order["id"]))
        assert promises.orders[order["id"]]["status"] == "expired"


def everything_is_in_postgres(server, postgres, database, promises):
    """S1, V7."""
    postgres.start()
    assert eventually(
        lambda: server.client().get("/readyz").json["checks"]["postgres"] == "ok", 30)
    everything_arrived(database, promises.orders)
    assert eventually(lambda: database.rows(
        "SELECT sum(quantity - cancelled) FROM hotshelf.order_lines JOIN hotshelf.orders"
        " USING (order_id) WHERE status = 'confirmed'") == [(4 * EACH,)])
    assert server.stop() == 0
    server.audit()
    stream_is_whole(database)


def test_a_budget_run_full_keeps_every_promise(new_shop, postgres, database, clock):
    """S5, V7."""
    server = new_shop(shards=2)
    promises = Promises(server)
    database.close()
    postgres.stop("fast")
    fill(server, promises)
    takes_no_new_unit(server)
    keeps(server, promises)
    fill(server, promises)  # what ended had more set aside than it took
    takes_no_new_unit(server)
    replays(server, promises)
    everything_ends(server, promises, clock)
    everything_is_in_postgres(server, postgres, database, promises)


def test_a_full_journal_outlives_kill_9(new_shop, postgres, database, clock):
    """S5, L7: started again without PostgreSQL, it keeps what it promised, and refuses the rest."""
    server = new_shop(shards=1)
    promises = Promises(server)
    database.close()
    postgres.stop("immediate")
    fill(server, promises)
    for _ in range(3):
        server.kill()
        server.start()
    takes_no_new_unit(server)
    keeps(server, promises)
    server.kill()
    server.start()
    replays(server, promises)
    everything_ends(server, promises, clock)
    server.kill()
    everything_is_in_postgres(server.start(), postgres, database, promises)
