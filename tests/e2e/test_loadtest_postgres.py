# SPDX-License-Identifier: Apache-2.0
"""The test of the test, where the lie is in PostgreSQL alone; and what was there before a run."""

import signal

import psycopg2
import pytest

from tests.e2e.test_loadtest import SETTINGS, run, sell, was_left
from tests.lib.replay import Run
from tests.lib.server import eventually


@pytest.fixture(scope="module")
def doubted_shop(new_shared_server, postgres):
    """One whose PostgreSQL has an order from before, and changes rows as a test tells it to."""
    postgres.start()
    database = postgres.database()
    server = new_shared_server(shards=2, dsn=database.dsn, settings=SETTINGS).start()
    server.sell(BEFORE=1)
    reply = server.service("early").checkout({"BEFORE": 1}, key="before")
    assert reply.status == 201, reply
    stream = psycopg2.connect(database.dsn)
    stream.autocommit = True
    cursor = stream.cursor()
    arrived = "SELECT count(*) FROM hotshelf.orders"
    assert eventually(lambda: cursor.execute(arrived) or cursor.fetchone()[0] == 1)
    yield server, database.dsn, cursor
    stream.close()
    assert server.stop() == 0
    database.close()


def event(member, value):
    """Each event tells something else of its order."""
    return ("event_content", "outbox", "BEFORE INSERT", "NEW.payload = jsonb_set(NEW.payload, "
            f"'{{data,{member}}}', '{value}'); RETURN NEW")


def line(change):
    return "order_lines", "order_lines", "BEFORE INSERT OR UPDATE", f"{change}; RETURN NEW"


def order(change):
    return "order_content", "orders", "BEFORE INSERT OR UPDATE", f"{change}; RETURN NEW"


def payment(change, returned="NEW"):
    return "payments", "payments", "BEFORE INSERT", f"{change}; RETURN {returned}"


def refund(change, returned="NEW"):
    return payment(f"IF NEW.result = 'refunded' THEN {change}; END IF", returned)


TWO_REFUNDS = ("IF NEW.result = 'refunded' THEN NEW.refund_id = '2nd'; INSERT INTO "
               "hotshelf.payments SELECT NEW.* ON CONFLICT DO NOTHING; END IF; RETURN NULL")
DEAD_LETTER = ("INSERT INTO hotshelf.dead_letters (node, shard, seq, reason) "
               "VALUES (NEW.node, NEW.shard, NEW.seq, 'refused'); RETURN NULL")
DOUBTFUL = """[scenario]
mode = external
[arrivals]
kind = constant
rate = 80
seconds = 0.2
[visitors]
buyer = 1
[baskets]
lines_max = 2
quantity_max = 1
[buyer]
look_percent = 0
cart_percent = 0
cancel_percent = 50
"""
DOUBTS = {  # what is found, the table, what becomes of each of its rows
    "order-of-before-gone": ("order_missing", "orders", "AFTER INSERT",
                             "DELETE FROM hotshelf.orders WHERE idempotency_key = 'before'; "
                             "RETURN NULL"),
    "order-gone": ("order_missing", "orders", "BEFORE INSERT", "RETURN NULL"),
    "not-paid": order("NEW.paid = 0"),
    "paid-by-another": order("NEW.payment_id = 'bogus'"),
    "payment-gone": ("payments", "payments", "BEFORE INSERT", "RETURN NULL"),
    "payment-of-more": payment("NEW.amount = NEW.amount + 1"),
    "payment-in-dollars": payment("NEW.currency = 'USD'"),
    "payment-of-another-order": ("payments", "payment_owner", "BEFORE INSERT",
                                 "NEW.order_id = gen_random_uuid(); RETURN NEW"),
    "refund-gone": refund("RETURN NULL"),
    "refund-of-more": refund("NEW.amount = NEW.amount + 1"),
    "refund-twice": ("payments", "payments", "AFTER INSERT", TWO_REFUNDS),
    "event-of-another-total": event("total", "1"),
    "event-of-another-currency": event("currency", '"XXX"'),
    "event-without-lines": event("lines", "[]"),
    "event-of-another-type": ("event_content", "outbox", "BEFORE INSERT",
                              "NEW.type = 'order.expired.v1'; RETURN NEW"),
    "event-gone": ("stream_gap", "outbox", "BEFORE INSERT",
                   "IF NEW.seq % 7 = 0 THEN RETURN NULL; END IF; RETURN NEW"),
    "line-of-more": line("NEW.quantity = NEW.quantity + 1"),
    "line-twice": line("IF NEW.line = 2 THEN NEW.sku = left(NEW.sku, -1) || "
                       "translate(right(NEW.sku, 1), '01', '10'); END IF"),
    "line-cancelled": line("NEW.cancelled = NEW.quantity"),
    "line-not-restocked": line("NEW.restocked = 0"),
    "line-of-another-seller": line("NEW.seller = 'another'"),
    "dead-letter": ("dead_letter", "orders", "AFTER INSERT OR UPDATE", DEAD_LETTER),
}


@pytest.mark.parametrize("doubt", DOUBTS)
def test_rows_of_postgresql_that_are_wrong_are_found_out(doubted_shop, doubt):
    """V7, S1, S3: the test of the test, where the lie is in PostgreSQL alone."""
    server, dsn, cursor = doubted_shop
    found, table, when, change = DOUBTS[doubt]
    skus = sell(server, doubt, 2, 1000)
    scenario = server.directory / "doubts.ini"
    scenario.write_text(DOUBTFUL)
    cursor.execute(f"CREATE OR REPLACE FUNCTION doubt() RETURNS trigger LANGUAGE plpgsql AS "
                   f"$$ BEGIN {change}; END $$")
    cursor.execute(f"CREATE TRIGGER doubt {when} ON hotshelf.{table} FOR EACH ROW "
                   "EXECUTE FUNCTION doubt()")
    try:
        report = run(server, scenario, dsn, expected=1, skus=skus, patience=2)
    finally:
        cursor.execute(f"DROP TRIGGER doubt ON hotshelf.{table}")
    assert report["verdict"]["differences"].get(found, 0) > 0, report["verdict"]
    assert not report["verdict"]["correct"] and report["verdict"]["compared"]["postgres"]


def test_what_was_broken_before_is_not_the_runs_and_names_are_used_once(doubted_shop):
    """S1, I3: a gap and a key with two orders from before are told once and do not count."""
    server, dsn, cursor = doubted_shop
    skus = sell(server, "OLD", 1, 1000)
    twin = ("INSERT INTO hotshelf.orders SELECT (jsonb_populate_record(NULL::hotshelf.orders, "
            "to_jsonb(o) || jsonb_build_object('order_id', gen_random_uuid(), 'customer', 'twin', "
            "'idempotency_key', 'twin'))).* FROM (SELECT * FROM hotshelf.orders LIMIT 1) o")
    cursor.execute(f"DELETE FROM hotshelf.outbox WHERE seq = 1; {twin}; {twin}")
    scenario = server.directory / "doubts.ini"
    scenario.write_text(DOUBTFUL)
    first = Run(server, scenario, dsn, skus=skus, run="twice")
    assert first.wait(60) == 0, first.told()
    assert "WARNING: in PostgreSQL before the run: " in first.told()
    assert "1 keys with two orders" in first.told()
    second = Run(server, scenario, dsn, skus=skus, run="twice")
    assert second.wait(60) == 1
    assert "a run named twice was here before" in second.told()
    assert "difference" not in second.told()


def test_a_run_begins_when_postgresql_has_caught_up(doubted_shop):
    """S1: what is late was there before; it is waited for, but not for ever."""
    server, dsn, _ = doubted_shop
    skus = sell(server, "LATE", 1, 1000)
    scenario = server.directory / "late.ini"
    scenario.write_text(DOUBTFUL)
    stream = psycopg2.connect(dsn)
    with stream.cursor() as cursor:
        cursor.execute("LOCK TABLE hotshelf.orders IN SHARE MODE")
    assert server.service("late").checkout({"LATE-0": 1}, key="late").status == 201
    late = Run(server, scenario, dsn, skus=skus, patience=1)
    assert late.wait(60) == 1
    assert "PostgreSQL has not caught up with the server within 1 s" in late.told()
    crowd = Run(server, scenario, dsn, skus=skus)
    try:
        assert eventually(lambda: "waiting for PostgreSQL to catch up" in crowd.told())
    finally:
        stream.close()
    assert crowd.wait(60) == 0, crowd.told()
    assert crowd.report()["verdict"]["correct"]


@pytest.mark.parametrize("lock", ["EXCLUSIVE", "ACCESS EXCLUSIVE"])
def test_rows_that_are_awaited_in_vain_can_be_left(doubted_shop, lock):
    """SIGINT while the stream is behind, or while PostgreSQL answers nothing at all."""
    shop, dsn, _ = doubted_shop
    sku, = sell(shop, "LEFT" + lock.replace(" ", "-"), 1, 1000).split(",")
    crowd = Run(shop, "steady", dsn, skus=sku, rate=20, seconds=1)
    holder = psycopg2.connect(dsn)
    try:
        assert eventually(lambda: shop.stock(sku)["sold"] > 0), crowd.told()
        holder.cursor().execute(f"LOCK TABLE hotshelf.orders IN {lock} MODE")
        assert eventually(lambda: "waiting for PostgreSQL" in crowd.told(), 30), crowd.told()
        crowd.process.send_signal(signal.SIGINT)
        assert crowd.wait(30) == 1, crowd.told()
    finally:
        crowd.end()
        holder.close()
    was_left(crowd, server=True, postgres=False)
