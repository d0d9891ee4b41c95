# SPDX-License-Identifier: Apache-2.0
"""DELETE of a sale on the real server, three shards: what goes, what is kept, and crashes (O5)."""

import http.client
import random
import threading

import pytest

from tests.lib.server import VIEWER_TOKEN, eventually

OVER = {"ends_at": "2020-01-01T00:00:00Z"}
DEFERRED = {"mode": "deferred"}
COLUMNS = "sku,title,category,seller,price,currency,stock,sale\n"


@pytest.fixture
def server(new_server):
    return new_server(shards=3, settings={"data.journal_bytes": 268435456}).start()


def path(sale):
    return f"/admin/v1/sales/{sale}"


def put(server, sale, **members):
    reply = server.admin().put(path(sale), members)
    assert reply.status in (200, 201), reply
    return reply


def unless_busy(reply):
    """None: another sale is on its way out, or an import under way."""
    return None if reply.status == 409 and "kept_by" not in reply.json else reply


def remove(server, sale):
    return eventually(lambda: unless_busy(server.admin().delete(path(sale))))


def open_sale(server, sale):
    """A sale of two SKUs with a limit; a few customers have bought, one has left a cart."""
    put(server, sale, max_per_customer=3)
    rows = "".join(f"{sale}-{number},A,b,c,1.00,GBP,50,{sale}\n" for number in range(2))
    made = eventually(lambda: unless_busy(server.import_csv(COLUMNS + rows)))
    assert (made.status, made.json["created"]) == (200, 2), made
    for number in range(4):
        bought = server.service(f"{sale}-c{number}").checkout(
            {f"{sale}-0": 1, f"{sale}-1": 2}, key="once", payment=DEFERRED)
        assert bought.status == 201, bought
    assert server.shopper(f"{sale}-c0").put(f"{sale}-0", 1).status == 200


def is_whole(server, sale):
    assert server.admin().get(path(sale)).status == 200
    for number, sold in enumerate((4, 8)):
        assert server.stock(f"{sale}-{number}") == {
            "allotment": 50, "available": 50 - sold, "held": 0, "sold": sold}
    return True


def is_gone(server, sale):
    assert server.admin().get(path(sale)).status == 404
    assert remove(server, sale).status == 404
    for number in range(2):
        assert server.client().get(f"/v1/products/{sale}-{number}").status == 404
        assert server.admin().get(f"/admin/v1/stock/{sale}-{number}").status == 404
    found = server.admin().get(f"/admin/v1/orders?customer={sale}-c1")
    assert found.json["items"] == []
    return True


def audit_is_clean(server):
    audit = server.admin(VIEWER_TOKEN).get("/admin/v1/audit").json
    assert audit["clean"] and audit["violation_count"] == 0, audit


def test_nothing_of_a_removed_sale_is_left(server):
    """Orders, keys, limits and carts go; what has the same name later begins anew (Q1, I2)."""
    for _ in range(3):
        open_sale(server, "drop")
        order = server.admin().get("/admin/v1/orders?customer=drop-c1").json["items"][0]
        refused = remove(server, "drop")
        assert (refused.status, refused.code, refused.json["removable_at"]) == (
            409, "version_conflict", None)
        put(server, "drop", **OVER, max_per_customer=3)
        is_whole(server, "drop")
        assert remove(server, "drop").status == 204
        is_gone(server, "drop")
        assert server.shopper("drop-c1").order(order["id"]).status == 404
        assert server.shopper("drop-c0").cart().json["lines"] == []
        audit_is_clean(server)
    server.stop()
    server.audit()
    server.start()
    is_gone(server, "drop")


def test_an_unpaid_order_keeps_its_sale(server):
    """409 with counts while an order is not final; then it goes."""
    open_sale(server, "drop")
    buyer = server.shopper("late")
    order = buyer.checkout({"drop-0": 1})
    assert (order.status, order.json["status"]) == (201, "pending_payment")
    put(server, "drop", **OVER)
    refused = remove(server, "drop")
    assert refused.status == 409
    assert refused.json["removable_at"] == "2020-01-02T00:00:00.000Z"
    assert refused.json["kept_by"] == {"orders_not_final": 1, "orders_not_streamed": 0,
                                       "orders_shared": 0, "reservations": 0}
    assert buyer.cancel(order.json["id"]).status == 200
    is_whole(server, "drop")
    assert remove(server, "drop").status == 204
    is_gone(server, "drop")


def test_what_postgresql_has_not_keeps_the_sale(new_server, postgres, database):
    """O5, S1: 409 while an order is not streamed; PostgreSQL keeps what the memory has no more."""
    server = new_server(shards=3, dsn=database.dsn).start()
    open_sale(server, "drop")
    put(server, "drop", **OVER)
    assert eventually(lambda: database.value("SELECT count(*) FROM hotshelf.orders") == 4)
    database.close()
    postgres.stop("fast")
    put(server, "drop", max_per_customer=9)
    late = server.service("late").checkout({"drop-0": 1}, payment=DEFERRED)
    assert late.status == 201, late
    put(server, "drop", **OVER)
    refused = remove(server, "drop")
    assert refused.status == 409
    assert refused.json["kept_by"]["orders_not_streamed"] == 1, refused
    assert server.shopper("late").order(late.json["id"]).status == 200
    postgres.start()
    assert eventually(lambda: remove(server, "drop").status == 204)
    is_gone(server, "drop")
    assert database.value("SELECT count(*) FROM hotshelf.orders WHERE status = 'confirmed'") == 5
    open_sale(server, "drop")
    assert server.stop() == 0
    server.audit()


def test_memory_is_used_again_hundreds_of_times(new_server):
    """Slots of products, names and what customers have: room for one sale serves hundreds."""
    server = new_server(shards=3, settings={
        "capacity.skus": 2, "capacity.orders": 8,
        "capacity.lines": 16, "capacity.names": 2, "capacity.allowances": 8}).start()
    admin, buyer = server.admin(), server.service("ann")
    for turn in range(300):
        sale = f"drop-{turn % 7}"
        made = server.import_csv(f"{COLUMNS}S{turn % 5},A,b,seller,1.00,GBP,9,{sale}\n")
        assert (made.status, made.json["created"]) == (200, 1), (turn, made)
        assert admin.put(path(sale), {"max_per_customer": 2}).status == 200
        bought = buyer.checkout({f"S{turn % 5}": 2}, key="once", payment=DEFERRED)
        assert bought.status == 201, (turn, bought)
        assert admin.put(path(sale), {**OVER, "max_per_customer": 2}).status == 200
        removed = admin.delete(path(sale))
        assert removed.status == 204, (turn, removed)
    audit_is_clean(server)
    server.kill()
    server.audit()
    server.start()
    assert server.admin().get("/admin/v1/sales").json["items"] == []
    assert server.import_csv(COLUMNS + "S1,A,b,seller,1.00,GBP,9,x\n").json["created"] == 1


def test_a_product_that_is_changed_while_its_sale_leaves(server):
    """A change goes from shard to shard; by then there may be no such product any more: 404."""
    over = threading.Event()
    seen = []

    def change():
        admin, turn = server.admin(), 0
        while not over.is_set():
            turn += 1
            reply = admin.request("PATCH", "/admin/v1/products/S0", {"title": f"Title {turn}"})
            seen.append(reply.status)

    changers = [threading.Thread(target=change) for _ in range(6)]
    for changer in changers:
        changer.start()
    try:
        for _ in range(150):
            assert eventually(lambda: unless_busy(server.import_csv(
                COLUMNS + "S0,A,b,c,1.00,GBP,50,drop\n"))).status == 200
            assert eventually(lambda: server.admin().put(path("drop"), OVER).status == 200)
            assert remove(server, "drop").status == 204
    finally:
        over.set()
        for changer in changers:
            changer.join()
    assert set(seen) <= {200, 404, 409} and 200 in seen, set(seen)


class Merchant(threading.Thread):
    """Opens and removes sales of its own until the server dies under it."""

    def __init__(self, server, number, known):
        super().__init__()
        self.server, self.number, self.known = server, number, known
        self.turn = 0
        self.failure = None

    def run(self):
        try:
            while True:
                self.turn += 1
                sale = f"m{self.number}-{self.turn % 3}-{random.randrange(10 ** 9)}"
                self.known[sale] = "opening"
                open_sale(self.server, sale)
                self.known[sale] = "open"
                if self.turn % 3 == 0:
                    continue
                put(self.server, sale, **OVER, max_per_customer=3)
                self.known[sale] = "leaving"
                reply = remove(self.server, sale)
                assert reply.status == 204, reply
                self.known[sale] = "gone"
        except (OSError, http.client.HTTPException):
            pass  # the server died under it
        except Exception as failure:
            self.failure = failure


def test_a_crash_in_a_stream_of_removals_loses_nothing_and_keeps_nothing(server):
    """V3: kill -9; a sale is whole, or gone on every shard; what had begun to go, goes."""
    known = {}
    for _ in range(4):
        merchants = [Merchant(server, number, known) for number in range(3)]
        before = list(known.values()).count("gone")
        for merchant in merchants:
            merchant.start()
        assert eventually(lambda: list(known.values()).count("gone") > before + 5, 60)
        server.kill()
        for merchant in merchants:
            merchant.join()
            assert merchant.failure is None, repr(merchant.failure)
        server.audit()
        server.start()
        for sale, state in list(known.items()):
            if state == "gone":
                is_gone(server, sale)
            elif state == "open":
                is_whole(server, sale)
            elif state == "leaving":
                assert remove(server, sale).status in (204, 404)
                known[sale] = "gone"
                is_gone(server, sale)
            else:
                known.pop(sale)
        audit_is_clean(server)
    server.stop()
    server.audit()
