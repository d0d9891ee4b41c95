# SPDX-License-Identifier: Apache-2.0
"""S5, S6: a journal needs no more than its budget however long the server runs: the shards say anew
what they keep, and what lies before that is overwritten. Nothing that was acknowledged is lost."""

import re
import threading

import pytest

from tests.e2e.test_memory import GROWTH_KIB_MAX
from tests.e2e.test_postgres import everything_arrived, stream_is_whole
from tests.lib.client import Wire
from tests.lib.server import eventually

PER_SHARD_BYTES = 16 << 20
BATCH_BYTES = 4096  # at least, for a command that waits for its reply
TIMES_THE_BUDGET = 3
SEGMENT_BYTES = 2 << 20
BUYERS = 24
CHANGERS = 16
KEPT_SECONDS = 10
PIPELINED = 200
KILLS = 3
# Of what lives the journal sets a batch aside for each second.
SHORT_LIVES = {
    "reservations.hold_seconds": 120,
    "reservations.payment_seconds": 120,
    "reservations.review_seconds": 120,
    "capacity.text_bytes": 131072,
}


@pytest.fixture
def new_shop(new_server):
    def make(shards, dsn=None):
        server = new_server(shards=shards, dsn=dsn, settings={
            **SHORT_LIVES, "data.journal_bytes": shards * PER_SHARD_BYTES})
        server.start()
        server.sell_rows([{"sku": "BUY", "stock": 10000, "reserve_on": "checkout"},
                          {"sku": "HOLD", "stock": 10000, "reserve_on": "cart"},
                          {"sku": "GO", "stock": 10000, "reserve_on": "cart"}])
        return server
    return make


class Keeps:
    """What was told before, and must be told in the same words after any number of laps."""

    def __init__(self, server, prefix="early"):
        self.server = server
        self.orders, self.carts = {}, {}
        for number in range(BUYERS):
            name = f"{prefix}-{number}"
            self.orders[name] = self.new_order(name, pays=number % 2 == 0)
            assert server.shopper(name).put("HOLD", 1 + number % 3).status == 200
            self.carts[name] = server.shopper(name).cart().json

    def new_order(self, name, pays=False):
        buyer = self.server.service(name)
        order = buyer.checkout({"BUY": 2}, key="k").json
        if pays:
            return buyer.pay(order, payment_id=order["id"]).json
        return order

    def are_told(self):
        for name, order in self.orders.items():
            shopper = self.server.shopper(name)
            assert without_times(shopper.order(order["id"]).json) == without_times(order)
            assert without_times(shopper.cart().json) == without_times(self.carts[name])
            again = self.server.service(name).checkout({"BUY": 2}, key="k")
            assert (again.status, again.json["id"]) == (201, order["id"])
            assert again.headers["idempotency-replayed"] == "true"


def without_times(told):
    """What is told without what the clock changes: a stop of the server costs no time."""
    if isinstance(told, list):
        return [without_times(part) for part in told]
    if isinstance(told, dict):
        return {key: without_times(value) for key, value in told.items()
                if not key.startswith("expires") and key != "payment_due_at"}
    return told


def change_carts(server, requests):
    """Customers put and take, one after the other on each connection; none is refused."""
    refused = []

    def change(number):
        shopper = server.shopper(f"changer-{number}")
        for turn in range(requests // CHANGERS):
            reply = shopper.put("GO", 1 + turn % 2)
            if reply.status != 200:
                refused.append(reply)
                return

    threads = [threading.Thread(target=change, args=(number,)) for number in range(CHANGERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == []


def test_it_sells_through_many_times_its_budget(new_shop):
    """One after the other, so that each takes a batch: none is refused, memory does not grow, and
    the next start reads what is kept, not what was ever written."""
    server = new_shop(shards=1)
    keeps = Keeps(server)
    before = server.resident_kib()
    shopper = server.shopper("one")
    for turn in range(TIMES_THE_BUDGET * PER_SHARD_BYTES // BATCH_BYTES):
        reply = shopper.put("GO", 1 + turn % 2)
        assert reply.status == 200, (turn, reply)
    keeps.are_told()
    assert server.resident_kib() - before <= GROWTH_KIB_MAX
    stock = {sku: server.stock(sku) for sku in ("BUY", "HOLD", "GO")}
    assert server.stop() == 0
    walks = int(re.findall(r"(\d+) times restated", server.log())[-1])
    assert walks <= TIMES_THE_BUDGET * PER_SHARD_BYTES // SEGMENT_BYTES + 1
    server.start()
    server.kill()
    server.start()
    assert {sku: server.stock(sku) for sku in ("BUY", "HOLD", "GO")} == stock
    keeps.are_told()
    records = int(re.findall(r"recovered (\d+) records", server.log())[-1])
    assert records < PER_SHARD_BYTES // BATCH_BYTES
    assert server.stop() == 0
    server.audit()


def test_kills_between_laps_lose_nothing(new_shop, postgres, database):
    """L7, V1, V7: killed again and again while journals lap and PostgreSQL follows."""
    server = new_shop(shards=2, dsn=database.dsn)
    keeps = [Keeps(server, "round-0")]
    for turn in range(1, KILLS + 1):
        change_carts(server, 2 * PER_SHARD_BYTES // BATCH_BYTES)
        stock = {sku: server.stock(sku) for sku in ("BUY", "HOLD", "GO")}
        server.kill()
        server.start()
        assert {sku: server.stock(sku) for sku in ("BUY", "HOLD", "GO")} == stock
        for kept in keeps:
            kept.are_told()
        keeps.append(Keeps(server, f"round-{turn}"))
    everything_arrived(database, {order["id"]: order for kept in keeps
                                  for order in kept.orders.values()})
    assert server.stop() == 0
    server.audit()
    stream_is_whole(database)


def test_what_postgres_lacks_is_kept_and_room_comes_back_with_it(new_shop, postgres, database):
    """S5: while PostgreSQL is away nothing is overwritten, and the journal runs full; when it has
    followed, the server sells on by itself."""
    server = new_shop(shards=1, dsn=database.dsn)
    change_carts(server, PER_SHARD_BYTES // BATCH_BYTES)
    keeps = Keeps(server)
    database.close()
    postgres.stop("fast")
    shopper = server.shopper("one")
    late = [keeps.new_order("late-0")]
    replies = (shopper.put("GO", 1 + turn % 2)
               for turn in range(4 * PER_SHARD_BYTES // BATCH_BYTES))
    full = next(reply for reply in replies if reply.status != 200)
    assert (full.status, full.code) == (503, "journal_full")
    postgres.start()
    told = late + list(keeps.orders.values())
    everything_arrived(database, {order["id"]: order for order in told})
    assert eventually(lambda: shopper.put("GO", 3).status == 200, 30)  # one unit more
    change_carts(server, 2 * PER_SHARD_BYTES // BATCH_BYTES)
    keeps.are_told()
    assert server.stop() == 0
    server.audit()
    stream_is_whole(database)


def test_what_is_kept_is_forgotten_in_its_time_and_makes_room(new_server):
    """S5: a journal that carts have filled sells again when they may be forgotten: nothing else
    makes its walks smaller."""
    server = new_server(settings={
        **SHORT_LIVES, "data.journal_bytes": PER_SHARD_BYTES, "capacity.customers": 65536,
        "capacity.lines": 65536, "capacity.text_bytes": 4 << 20, "capacity.holds": 65536,
        "reservations.hold_seconds": KEPT_SECONDS,
        "retention.cart_idle_seconds": KEPT_SECONDS})
    server.start()
    server.sell(BUY=1_000_000)
    wire = Wire(server.http_port)
    answers = set()
    for first in range(0, 60000, PIPELINED):
        wire.send(b"".join(one_addition(number) for number in range(first, first + PIPELINED)))
        answers |= {wire.read_reply().code for _ in range(PIPELINED)}
        if answers != {None}:
            break
    assert answers == {None, "journal_full"}
    assert server.client().get("/readyz").json["checks"]["journal"] == "full"
    late = server.service("late")
    assert eventually(lambda: late.put("BUY", 1).status == 200, 6 * KEPT_SECONDS)
    assert server.stop() == 0
    server.audit()


def one_addition(number):
    return (b"PUT /v1/cart/items/BUY HTTP/1.1\r\nHost: x\r\nX-Customer-Id: many-%d\r\n"
            b"X-Role: service\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n"
            b'{"quantity":1}' % number)
