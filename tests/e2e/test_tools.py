# SPDX-License-Identifier: Apache-2.0
"""hotshelf orders and hotshelf audit: the journal told and proved."""

import json

import pytest

DEFERRED = {"payment": {"mode": "deferred"}}


@pytest.fixture(scope="module")
def told(new_shared_server):
    """A server that took three orders, paid one and cancelled one, and was stopped."""
    server = new_shared_server(shards=2).start()
    server.sell(S1=50)
    orders = {}
    for number in range(3):
        reply = server.service(f"c{number}").checkout({"S1": 1}, **(DEFERRED if number else {}))
        orders[reply.json["id"]] = reply.json
    first, second, _ = orders
    orders[first] = server.service("c0").pay(orders[first]).json
    orders[second] = server.service("c1").cancel(second).json
    assert server.stop() == 0
    return server, orders


def test_orders_tells_each_event_with_its_whole_order(told):
    server, orders = told
    events = [event for event in server.journal_events() if event["type"].startswith("order.")]
    last = {}
    for event in events:
        text = json.dumps(event)
        (order_id,) = [order_id for order_id in orders if order_id in text]
        last[order_id] = event["type"]
    assert list(last.values()).count("order.cancelled.v1") == 1
    assert list(last.values()).count("order.confirmed.v1") == 2
    assert len(events) == 2 + 3 + 2


def test_orders_starts_where_it_is_told_to(told):
    server, _ = told
    everything = server.journal_events()
    of_shard = {shard: [event for event in everything if event["shard"] == shard]
                for shard in {event["shard"] for event in everything}}
    shard, events = max(of_shard.items(), key=lambda item: len(item[1]))
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    later = server.run("orders", "--from", f"1/{shard}/3")
    assert later.returncode == 0, later.stderr
    seqs = [json.loads(line)["seq"] for line in later.stdout.splitlines()
            if json.loads(line)["shard"] == shard]
    assert seqs == [event["seq"] for event in events if event["seq"] >= 3] or \
        seqs == [event["seq"] for event in events if event["seq"] > 3]


def test_orders_ahead_of_the_journal_are_told(told):
    """What is next may be waited for; what comes after the next, nobody can have heard of."""
    server, _ = told
    everything = server.journal_events()
    for shard in {event["shard"] for event in everything}:
        newest = max(event["seq"] for event in everything if event["shard"] == shard)
        assert server.run("orders", "--from", f"1/{shard}/{newest + 1}").returncode == 0
        ahead = server.run("orders", "--from", f"1/{shard}/{newest + 2}")
        assert ahead.returncode == 1
        assert f"/{newest + 2} is not there yet, the newest is 1/{shard}/{newest}:" in ahead.stderr


def test_orders_of_nonsense_is_usage(told):
    server, _ = told
    assert server.run("orders", "--from", "nonsense").returncode == 2


def test_an_audit_says_what_it_proved(told):
    server, _ = told
    audit = server.audit()
    assert "V1" in audit.stdout or "ok" in audit.stdout.lower()


def test_an_audit_takes_a_directory(told):
    server, _ = told
    audit = server.run("audit", server.data)
    assert audit.returncode == 0, audit.stderr


def test_an_audit_of_nothing_is_exit_1(told, tmp_path):
    server, _ = told
    assert server.run("audit", tmp_path).returncode == 1


def test_an_audit_misses_a_row_of_postgres(new_server, database):
    """V7: against PostgreSQL when it is configured."""
    from tests.lib.server import eventually
    server = new_server(dsn=database.dsn).start()
    server.sell(S1=5)
    order = server.service("ann").checkout({"S1": 1}, **DEFERRED).json
    assert eventually(lambda: database.rows("SELECT 1 FROM hotshelf.orders"), 20)
    assert server.stop() == 0
    server.audit()
    database.execute("DELETE FROM hotshelf.order_lines; DELETE FROM hotshelf.orders")
    audit = server.run("audit")
    assert audit.returncode == 1
    assert order["id"] in audit.stdout + audit.stderr
