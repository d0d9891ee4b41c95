# SPDX-License-Identifier: Apache-2.0
"""hotshelf recover --from-postgres: the directory is lost, PostgreSQL has what was streamed."""

import json
import shutil
from datetime import datetime

import pytest

from tests.lib.past import Past, steady
from tests.lib.server import eventually
from tests.lib.streamed import everything_arrived, stream_is_whole

DEFERRED = {"payment": {"mode": "deferred"}}


def rebuild(server, *arguments):
    told = server.run("recover", "--from-postgres", *arguments)
    return told.returncode, told.stdout + told.stderr


def in_every_status(server):
    """An order in each status of O3 that lasts, by its status."""
    shopper = server.service("statuses")
    made = {}
    for status in ("pending_payment", "review", "confirmed", "cancelled", "refund_required",
                   "refunded", "deferred"):
        more = {"review": {"risk": {"decision": "review"}}, "deferred": DEFERRED}.get(status, {})
        shopper = server.service(f"of-{status}")
        order = shopper.checkout({"S1": 2, "S2": 1}, key=f"key-{status}",
                                 references={"channel": "wéb: \"x\""}, **more).json
        if status in ("confirmed", "refund_required", "refunded"):
            shopper.pay(order, "captured", f"pay-{status}")
        if status in ("cancelled", "refund_required", "refunded"):
            assert shopper.cancel(order["id"], key=f"cancel-{status}").status == 200
        if status == "refunded":
            read = shopper.order(order["id"]).json
            paid = shopper.pay({**read, "total": read["refund_due"]}, "refunded", "pay-refunded",
                               refund_id="refund-1")
            assert paid.status == 200, paid
        made[status] = shopper.order(order["id"]).json
    return made


def lose(server, database, orders):
    """Everything has arrived; the server stops and its directory is gone."""
    everything_arrived(database, orders)
    assert server.stop() == 0
    shutil.rmtree(server.data)


@pytest.mark.parametrize("before, after", [(2, 2), (1, 3)])
def test_a_lost_directory_is_rebuilt(new_server, database, before, after):
    """S1, V3, V7, I3, Q1"""
    server = new_server(shards=before, dsn=database.dsn).start()
    server.sell_rows([{"sku": "S1", "stock": 500, "max_per_customer": 5, "seller": "s-1"},
                      {"sku": "S2", "stock": 500, "sale": "summer"}])
    made = in_every_status(server)
    past = Past(server, 11)
    past.live(90)
    for number in range(12):
        server.shopper(f"past-{number}").clear()
    stock = {sku: server.stock(sku) for sku in ["S1", "S2", *past.skus]}
    for order in past.orders.values():
        past.orders[order["id"]] = server.shopper(order["customer"]).order(order["id"]).json
    orders = {order["id"]: order for order in [*made.values(), *past.orders.values()]}
    lose(server, database, orders)
    said = server.refuses_to_start()
    assert "hotshelf recover --from-postgres" in said, said

    server.change(server__shards=after)
    status, told = rebuild(server)
    assert status == 0, told
    assert f"{len(orders)} orders" in told and "carts" in told, told
    server.start()
    assert {sku: server.stock(sku) for sku in stock} == stock, told
    for order in orders.values():
        read = server.shopper(order["customer"]).order(order["id"])
        assert (read.status, steady(read.json)) == (200, steady(order))
    for key, (name, basket, mode, body) in past.births.items():
        again = server.service(name).checkout(basket, key=key, payment={"mode": mode})
        assert again.status == 201, again
        assert steady(again.json) == steady(json.loads(body))
        other = server.service(name).checkout({"S2": 3}, key=key)
        assert (other.status, other.code) == (422, "idempotency_key_reused")
    assert {sku: server.stock(sku) for sku in stock} == stock
    limits_hold(server)
    open_orders_go_on(server, made)
    orders = {order["id"]: server.shopper(order["customer"]).order(order["id"]).json
              for order in orders.values()}
    everything_arrived(database, orders)
    stream_is_whole(database)
    assert server.stop() == 0
    server.audit()


def limits_hold(server):
    """Two of five are held or bought already."""
    shopper = server.service("of-pending_payment")
    refused = shopper.checkout({"S1": 4}, key="more")
    assert (refused.status, refused.json["used"]) == (409, 2), refused


def open_orders_go_on(server, made):
    """P2, O1: paid, cancelled, decided."""
    shopper = server.service("of-pending_payment")
    assert shopper.pay(made["pending_payment"], "captured", "new-pay").json["status"] == "confirmed"
    again = shopper.pay(made["pending_payment"], "captured", "pay-confirmed")
    assert again.code == "payment_id_used", again
    approved = server.admin().post(f"/admin/v1/orders/{made['review']['id']}/review",
                                   {"decision": "approve"})
    assert approved.status == 200, approved
    shopper = server.service("of-review")
    assert shopper.cancel(made["review"]["id"]).json["status"] == "cancelled"
    shopper = server.service("of-cancelled")
    replay = shopper.cancel(made["cancelled"]["id"], key="cancel-cancelled")
    assert replay.headers["idempotency-replayed"] == "true", replay
    before = server.stock("S1")
    assert shopper.pay(made["cancelled"], "captured", "late").code == "refund_required"
    assert server.stock("S1") == before


def refused(server, *words, arguments=()):
    status, told = rebuild(server, *arguments)
    assert status == 1 and all(word in told for word in words), told


def test_what_cannot_be_rebuilt_is_refused_and_nothing_is_changed(new_server, postgres, database):
    """S1: beside a server, over a journal, without PostgreSQL, from a database of nobody."""
    server = new_server(dsn=database.dsn)
    refused(server, "knows nothing of node 1")
    assert database.value("SELECT to_regclass('hotshelf.orders') IS NULL")
    server.start()
    server.sell(S1=10)
    order = server.service("ann").checkout({"S1": 1}, key="k", **DEFERRED).json
    everything_arrived(database, {order["id"]: order})
    refused(server, "a server is using", arguments=["--yes"])
    hidden = server.directory / "hidden"
    server.data.rename(hidden)  # while it runs
    refused(server, "is connected", "pg_terminate_backend")
    shutil.rmtree(server.data)
    hidden.rename(server.data)
    assert server.stop() == 0
    files = {path: path.read_bytes() for path in server.data.rglob("*") if path.is_file()}
    refused(server, "has a journal with records", "--yes")
    server.change(postgres__dsn="")
    refused(server, "postgres.dsn is empty", arguments=["--yes"])
    server.change(postgres__dsn=f"{database.dsn} port=1")
    refused(server, "PostgreSQL", arguments=["--yes"])
    server.change(postgres__dsn=database.dsn, server__node=2)
    refused(server, "knows nothing of node 2", arguments=["--yes"])
    server.change(server__node=1, capacity__skus=1)
    database.execute("INSERT INTO hotshelf.products SELECT 'S0', node, title, category, seller,"
                     " sale, \"group\", option, image, currency, price, prices, 0, 0, reserve_on,"
                     " starts_at, ends_at, 1, updated_at FROM hotshelf.products")
    epoch = database.value("SELECT epoch FROM hotshelf.stream_position")
    refused(server, "capacity.skus", arguments=["--yes"])
    assert database.value("SELECT epoch FROM hotshelf.stream_position") == epoch
    assert {path: path.read_bytes() for path in files} == files


def test_a_journal_that_is_there_is_put_aside(new_server, database):
    """V7, I3: an old copy gives way, with --yes, and stays readable; guests stay who they are."""
    server = new_server(dsn=database.dsn).start()
    server.sell(S1=10)
    orders = {}
    for name in ("ann", "bob"):
        order = server.service(name).checkout({"S1": 1}, key="k", **DEFERRED).json
        orders[order["id"]] = order
    everything_arrived(database, orders)
    assert server.stop() == 0
    secret = (server.data / "guest-secret").read_bytes()
    status, told = rebuild(server, "--yes")
    assert status == 0, told
    aside, = server.data.glob("aside-*")
    assert str(aside) in told
    assert server.run("audit", aside, "--set", "postgres.dsn=").returncode == 0
    assert (server.data / "guest-secret").read_bytes() == secret
    refused(server, "has a journal with records")
    server.start()
    assert server.stock("S1")["sold"] == 2
    assert server.stop() == 0
    server.audit()


def test_rows_that_contradict_each_other_are_refused_by_name(new_server, database):
    """S1: told as what does not hold, of which row, and never as the end of the process; a guest's
    token, who has the end of which is the guest, is not shown."""
    server = new_server(dsn=database.dsn).start()
    server.sell_rows([{"sku": "S1", "stock": 9, "max_per_customer": 3}])
    order = server.service("ann").checkout({"S1": 1}).json
    lose(server, database, {order["id"]: order})
    for change, *words in (
            ("items_total = items_total + 1", order["id"]),
            ("kept = set_byte(kept, 0, 9)", order["id"]),
            ("due_shelf_ms = 1::bigint << 60", order["id"], "deadline_ms < DEADLINE_END"),
            ("updated_at = '7000-01-01'", "do not add up", "nothing was changed"),
            ("customer = 'hsg1.' || repeat('x', 300) || '.secret'", "rows of hsg1.xxx")):
        database.execute("CREATE TABLE hotshelf.before AS TABLE hotshelf.orders")
        database.execute(f"UPDATE hotshelf.orders SET {change}")
        status, told = rebuild(server)
        assert status == 1 and all(word in told for word in words), (status, told)
        assert "secret" not in told
        database.execute("TRUNCATE hotshelf.orders")
        database.execute("INSERT INTO hotshelf.orders TABLE hotshelf.before")
        database.execute("DROP TABLE hotshelf.before")
    assert rebuild(server)[0] == 0


SALE = {"max_per_customer": 3, "hold_seconds": 77, "payment_seconds": 88, "review_seconds": 99,
        "reserve_on": "cart", "payment_mode": "deferred", "counts": "capped:5", "guests": False,
        "starts_at": "2020-01-01T00:00:00.000Z", "ends_at": "2040-01-01T00:00:00.000Z"}


def test_what_a_merchant_has_set_comes_back(new_server, database):
    """W3, W5, W6, I3: products, sales, switches, and the keys of stock changes."""
    server = new_server(shards=2, dsn=database.dsn).start()
    admin = server.admin()
    assert admin.put("/admin/v1/sales/summer", SALE).status in (200, 201)
    server.sell_rows([{"sku": "S1", "stock": 9, "sale": "summer", "prices": "USD:12.99;JPY:1800",
                       "title": "A blü hat", "group": "hats", "option": "M",
                       "image": "https://example.com/a.png"},
                      {"sku": "S2", "stock": 9, "max_per_customer": 2, "hold_seconds": 5},
                      {"sku": "S3", "stock": 9, "sale": "winter"}])
    for action, scope in (("pause", "sku:S2"), ("kill", "sale:winter"), ("pause", "all"),
                          ("resume", "all")):
        assert admin.post(f"/admin/v1/{action}", {"scope": scope}).status == 200
    change = ("/admin/v1/products/S1/stock", {"delta": 4, "reason": "found"})
    first = admin.post(*change, headers={"Idempotency-Key": "once"})
    assert first.json["allotment"] == 13
    paths = ["/admin/v1/sales/summer", "/admin/v1/sales/winter",
             *(f"/admin/v1/products/{sku}" for sku in ("S1", "S2", "S3"))]
    before = [admin.get(path).json for path in paths]
    assert eventually(lambda: database.value(
        "SELECT count(*) FROM hotshelf.stock_movements") == 4)
    lose(server, database, {})
    # I6: S1's sale ends in years, so its keys live; one was used before, when it had ended.
    database.execute("UPDATE hotshelf.stock_movements SET occurred_at = occurred_at"
                     " - interval '3 days'")
    database.execute("INSERT INTO hotshelf.stock_movements SELECT node, shard, 0, sku, delta, 1,"
                     " actor, reason, idempotency_key, occurred_at - interval '3 days', sku_number"
                     " FROM hotshelf.stock_movements WHERE idempotency_key = 'once'")
    status, told = rebuild(server)
    assert status == 0 and "1 scope was killed and is paused now" in told, told
    server.start()
    admin = server.admin()
    assert [admin.get(path).json for path in paths] == before
    assert {item["scope"]: item["state"] for item in admin.get("/admin/v1/switches").json["items"]
            } == {"sku:S2": "paused", "sale:winter": "paused"}
    again = admin.post(*change, headers={"Idempotency-Key": "once"})
    assert (again.status, again.json) == (200, first.json)
    assert server.stock("S1")["allotment"] == 13
    opened = database.value("SELECT count(*) FROM hotshelf.outbox WHERE type = 'sale.opened.v1'")
    assert opened == 1
    assert server.stop() == 0
    server.audit()
    sales_whose_terms_are_gone_wait(server, database)


def sales_whose_terms_are_gone_wait(server, database):
    """W1, W3, W5: the outbox was shortened, and with it the only word of windows, limits and of
    what was paused or killed: sku:S2 would be sold again."""
    database.execute("DELETE FROM hotshelf.outbox WHERE aggregatetype = 'sale'")
    status, told = rebuild(server, "--yes")
    assert status == 0 and "the terms of 2 sales, which are paused" in told, told
    assert "paused as a whole" in told, told
    server.start()
    items = server.admin().get("/admin/v1/switches").json["items"]
    assert {(item["scope"], item["state"], item["actor"]) for item in items} == {
        ("all", "paused", "recover"), ("sale:summer", "paused", "recover"),
        ("sale:winter", "paused", "recover")}
    assert server.service("ann").checkout({"S2": 1}).code == "paused"


def test_a_payment_with_many_refunds_is_known(new_server, database):
    """P3: an order remembers its payment, whatever number of refunds came after it."""
    server = new_server(dsn=database.dsn).start()
    server.sell(S1=50)
    ann = server.service("ann")
    order = ann.checkout({"S1": 5}, key="k").json
    captured = {"payment_id": "p0"}
    assert ann.pay(order, **captured).status == 200
    for number in range(4):
        part = server.admin().post(f"/admin/v1/orders/{order['id']}/cancel", {
            "lines": [{"line": 1, "quantity": 1}], "restock": "none", "reason": "broken"},
            headers={"Idempotency-Key": f"c{number}"})
        assert part.status == 200, part
        back = ann.pay(order, "refunded", **captured, amount=100, refund_id=f"r{number}")
        assert back.status == 200, back
    kept = ann.order(order["id"]).json
    lose(server, database, {order["id"]: kept})
    status, told = rebuild(server)
    assert status == 0, told
    server.start()
    again = server.service("ann").pay(order, **captured)
    assert (again.status, steady(again.json)) == (200, steady(kept))


def test_a_sku_that_came_again_is_the_new_one(new_server, database):
    """V3, T4: its sale was deleted; the product that came under its name has its own allotment,
    of no unit too."""
    server = new_server(dsn=database.dsn).start()
    admin = server.admin()
    server.sell_rows([{"sku": "S1", "sale": "over", "stock": 5, "price": "1.00"},
                      {"sku": "S2", "sale": "over", "stock": 5}])
    order = server.service("ann").checkout({"S2": 2}, **DEFERRED).json
    everything_arrived(database, {order["id"]: order})
    sale = "/admin/v1/sales/over"
    assert admin.put(sale, {"ends_at": "2020-01-01T00:00:00Z"}).status == 200
    gone = server.admin().delete(sale)
    assert eventually(lambda: server.admin().get(sale).status == 404), gone
    server.sell_rows([{"sku": "S1", "stock": 7, "price": "2.00"}, {"sku": "S2", "stock": 0}])
    price = "SELECT price FROM hotshelf.products WHERE sku = 'S1'"
    assert eventually(lambda: database.value(price) == 200, 5)
    assert eventually(lambda: database.value("SELECT count(*) FROM hotshelf.stock_movements") == 4)
    product = server.client().get("/v1/products/S1").json
    assert server.stop() == 0
    server.audit()
    shutil.rmtree(server.data)
    status, told = rebuild(server)
    assert status == 0, told
    server.start()
    assert server.client().get("/v1/products/S1").json == product
    assert server.stock("S1") == {"allotment": 7, "available": 7, "held": 0, "sold": 0}
    assert server.stock("S2") == {"allotment": 0, "available": 0, "held": 0, "sold": 0}
    server.sell(S3=1)  # the fifth product, here too
    assert eventually(lambda: database.value(
        "SELECT max(sku_number) FROM hotshelf.products WHERE sku = 'S3'") == 5)


def test_a_freeze_comes_back(new_server, database):
    """W4: what an order had left when the clocks stopped it has when they go on."""
    server = new_server(dsn=database.dsn).start()
    server.sell(S1=5)
    order = server.service("ann").checkout({"S1": 1}).json
    assert server.admin().post("/admin/v1/freeze", {"scope": "all"}).status == 200
    assert eventually(lambda: database.value(
        "SELECT count(*) FROM hotshelf.outbox WHERE type = 'sale.frozen.v1'") == 1)
    lose(server, database, {order["id"]: order})
    age(database, 1)
    status, told = rebuild(server)
    assert status == 0, told
    server.start()
    ann = server.service("ann")
    assert ann.order(order["id"]).json["payment_due_at"] is None
    assert server.admin().post("/admin/v1/resume", {"scope": "all"}).status == 200
    resumed = ann.order(order["id"]).json
    assert (resumed["status"], resumed["payment_due_at"] is None) == ("pending_payment", False)
    assert ann.pay(resumed).json["status"] == "confirmed"


def age(database, days, where="true"):
    """Everything happened so many days earlier."""
    for table, columns in (("orders", ("created_at", "updated_at", "confirmed_at", "paid_at",
                                       "cancel_until", "payment_due_at")),
                           ("products", ("updated_at",)), ("stock_movements", ("occurred_at",)),
                           ("outbox", ("occurred_at",))):
        moved = ", ".join(f"{column} = {column} - interval '{days} days'" for column in columns)
        database.execute(f"UPDATE hotshelf.{table} SET {moved}"
                         f" WHERE {where if table == 'orders' else 'true'}")


def test_old_orders_count_and_are_not_kept(new_server, database):
    """V1, V3, Q1, O5: units, and what counts against limits; a second life counts neither, and
    clocks of other shards do not tell it."""
    server = new_server(shards=2, dsn=database.dsn).start()
    server.sell_rows([{"sku": "S1", "stock": 50, "max_per_customer": 4},
                      {"sku": "S2", "stock": 50, "max_per_customer": 4}])
    orders = {}
    for name in ("old", "new"):
        order = server.service(name).checkout({"S1": 3, "S2": 3}, key=name, **DEFERRED).json
        orders[order["id"]] = order
    lose(server, database, orders)
    age(database, 5)
    database.execute("UPDATE hotshelf.orders SET updated_at = now(), created_at = now() -"
                     " interval '3 days', confirmed_at = now() WHERE customer = 'new'")
    database.execute("UPDATE hotshelf.orders SET created_at = now() WHERE customer = 'old'")
    database.execute("INSERT INTO hotshelf.stock_movements (node, shard, seq, sku, delta,"
                     " allotment, reason, occurred_at, sku_number) VALUES (1, 0, 900, 'S2', 7, 7,"
                     " 'new product', now() - interval '1 day', 9)")
    database.execute("UPDATE hotshelf.products SET sku_number = 9 WHERE sku = 'S2'")
    database.execute("UPDATE hotshelf.order_lines SET sku_number = 9 WHERE sku = 'S2' AND order_id"
                     " = (SELECT order_id FROM hotshelf.orders WHERE customer = 'new')")
    status, told = rebuild(server)
    assert status == 0 and "1 orders" in told, told
    server.start()
    assert server.stock("S1") == {"allotment": 50, "available": 44, "held": 0, "sold": 6}
    assert server.stock("S2") == {"allotment": 7, "available": 4, "held": 0, "sold": 3}
    old = server.service("old")
    forgotten = next(order for order in orders.values() if order["customer"] == "old")
    assert old.order(forgotten["id"]).status == 404
    assert old.checkout({"S1": 2}, **DEFERRED).code == "limit_exceeded"
    assert old.checkout({"S1": 1, "S2": 4}, **DEFERRED).status == 201
    assert server.service("new").checkout({"S1": 2}, **DEFERRED).code == "limit_exceeded"


def test_rows_of_an_older_schema_and_of_a_stream_cut_short(new_server, database):
    """I3, V1, V3: nothing known of requests; a product and its allotment had not been streamed; one
    came again without units, which no movement told then."""
    server = new_server(shards=2, dsn=database.dsn).start()
    server.sell(S1=50, S2=50, S3=50, S4=50)
    gone = server.service("bob").checkout({"S4": 2}, **DEFERRED).json
    ann = server.service("ann")
    orders = {}
    for sku in ("S1", "S2"):
        order = ann.checkout({sku: 3}, key=sku).json
        orders[order["id"]] = order
    lose(server, database, {**orders, gone["id"]: gone})
    database.execute("UPDATE hotshelf.orders SET request_hash = NULL, kept = NULL,"
                     " shelf_ms = NULL, due_shelf_ms = NULL")
    database.execute("UPDATE hotshelf.order_lines SET max_per_customer = NULL")
    for table in ("products", "stock_movements", "order_lines"):
        database.execute(f"UPDATE hotshelf.{table} SET sku_number = NULL")
    database.execute("INSERT INTO hotshelf.outbox SELECT gen_random_uuid(), aggregatetype,"
                     " aggregateid, type, payload, node, shard, 900, now(), traceparent"
                     " FROM hotshelf.outbox WHERE aggregateid = 'S4'")
    database.execute("UPDATE hotshelf.stock_movements SET allotment = 1 WHERE sku = 'S2'")
    for table in ("products", "stock_movements"):
        database.execute(f"DELETE FROM hotshelf.{table} WHERE sku = 'S1'")
    status, told = rebuild(server)
    assert status == 0 and "2 keys whose requests are not known" in told, told
    assert "known by orders alone" in told and "allotted so many" in told, told
    server.start()
    ann = server.service("ann")
    for sku in ("S1", "S2"):
        assert server.stock(sku) == {"allotment": 3, "available": 0, "held": 3, "sold": 0}
        again = ann.checkout({sku: 3}, key=sku)
        assert (again.status, steady(again.json)) == (201, steady(orders[again.json["id"]]))
    assert server.stock("S3")["available"] == 50
    assert server.stock("S4") == {"allotment": 0, "available": 0, "held": 0, "sold": 0}
    assert ann.checkout({"S3": 1}, key="S1").json["id"] in orders


def test_no_outage_before_takes_from_an_open_order(new_server, database):
    """L7: what it had left by the shelf clock it has, whatever walls say; and so twice."""
    server = new_server(dsn=database.dsn, settings={"reservations.payment_seconds": 600}).start()
    server.sell(S1=9)
    order = server.service("ann").checkout({"S1": 1}).json
    an_hour_earlier = ", ".join(f"{column} = {column} - interval '1 hour'" for column in (
        "created_at", "updated_at", "payment_due_at"))  # an outage between it and the next order
    orders = {order["id"]: order}
    for name in ("bob", "eve"):
        later = server.service(name).checkout({"S1": 1}, **DEFERRED).json
        orders[later["id"]] = later
        lose(server, database, orders)
        database.execute(f"UPDATE hotshelf.orders SET {an_hour_earlier} WHERE customer = 'ann'")
        status, told = rebuild(server)
        assert status == 0, told
        server.start()
        now = database.value("SELECT now()")
        read = server.service("ann").order(order["id"]).json
        left = datetime.fromisoformat(read["payment_due_at"].replace("Z", "+00:00")) - now
        assert read["status"] == "pending_payment" and 580 < left.total_seconds() < 601, read


SHORT = {"reservations.payment_seconds": 2}


def test_an_open_order_has_the_time_that_was_left(new_server, database):
    """L2, L7, K7, Q5: the outage costs nothing; an expiry, adjustments and identities go on."""
    server = new_server(shards=2, dsn=database.dsn, settings=SHORT).start()
    server.sell_rows([{"sku": "S1", "stock": 9}, {"sku": "S2", "stock": 9, "max_per_customer": 1}])
    shipping = {"kind": "shipping", "amount": 50}
    ann = server.service("ann")
    paid = ann.checkout({"S2": 1}, key="born", adjustments=[shipping], identities=["card-1"]).json
    asked = ann.pay(paid, "captured", "p1", amount=120, adjustments=[{**shipping, "amount": 20}])
    assert asked.status == 200, asked
    order = ann.checkout({"S1": 3}, key="open").json
    lose(server, database, {paid["id"]: asked.json, order["id"]: order})
    age(database, 1)
    status, told = rebuild(server)
    assert status == 0, told
    server.start()
    ann = server.service("ann")
    born = ann.checkout({"S2": 1}, key="born", adjustments=[shipping], identities=["card-1"])
    assert (born.status, born.json["total"], born.json["adjustments"]) == (
        201, 150, paid["adjustments"])
    assert ann.order(paid["id"]).json["total"] == 120
    refused_one = server.service("bob").checkout({"S2": 1}, identities=["card-1"])
    assert refused_one.code == "limit_exceeded", refused_one
    assert server.stock("S1")["held"] == 3
    assert eventually(lambda: ann.order(order["id"]).json["status"] == "expired", 5)
    assert server.stock("S1") == {"allotment": 9, "available": 9, "held": 0, "sold": 0}
    query = "SELECT status FROM hotshelf.orders WHERE order_id = %s"
    assert eventually(lambda: database.value(query, order["id"]) == "expired")
