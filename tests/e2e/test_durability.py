# SPDX-License-Identifier: Apache-2.0
"""durability = postgres (K5): a 201 leaves when PostgreSQL has committed the order, not before."""

import contextlib
import json
import select
import statistics
import time

import psycopg2
import pytest
from psycopg2.extensions import POLL_OK
from psycopg2.extras import wait_select

from tests.lib.client import Wire
from tests.lib.resp import command, pairs, redis
from tests.lib.server import eventually, free_address

SHARDS = pytest.mark.parametrize("shards", [1, 2])
WAIT_MS = 400
QUIET_SECONDS = 0.2  # long enough for a reply that leaves too early to arrive
STREAM = "application_name LIKE 'hotshelf node %%' AND datname = current_database()"


@pytest.fixture
def confirming(new_server, database):
    """Makes servers whose checkouts wait for the database: long, unless told otherwise."""
    def make(wait_ms=15000, shards=1, **settings):
        named = {name.replace("__", "."): value for name, value in settings.items()}
        named.update({"data.durability": "postgres", "postgres.wait_ms": wait_ms,
                      "data.journal_bytes": 32 << 20})
        server = new_server(dsn=database.dsn, shards=shards, settings=named).start()
        server.sell(S1=1000)
        return server
    return make


@contextlib.contextmanager
def held_back(database, table="hotshelf.orders"):
    """No commit of the stream comes through in here; the lock's connection."""
    with contextlib.closing(psycopg2.connect(database.dsn)) as connection:
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN EXCLUSIVE MODE")
        yield connection
        connection.commit()


def stream_waits(database, event="Lock"):
    """Until the stream's own connection waits for a lock, or for a standby."""
    return eventually(lambda: database.value(
        f"SELECT count(*) FROM pg_stat_activity WHERE {STREAM}"
        " AND %s IN (wait_event, wait_event_type)", event))


def request(method, path, customer, body=None, key=None):
    data = b"" if body is None else json.dumps(body).encode()
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Customer-Id: {customer}\r\n"
    if key is not None:
        head += f"Idempotency-Key: {key}\r\n"
    if body is not None:
        head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    return head.encode() + b"\r\n" + data


def buying(customer, key="k", units=1):
    return request("POST", "/v1/checkout", customer,
                   {"items": [{"sku": "S1", "quantity": units}]}, key)


def wire_to(server):
    return contextlib.closing(Wire(server.http_port))


def is_quiet(wire):
    return not wire.buffer and not select.select([wire.socket], [], [], QUIET_SECONDS)[0]


def committed(database, order):
    return database.value("SELECT count(*) FROM hotshelf.orders WHERE order_id = %s",
                          order["id"]) == 1


def order_of(server, customer):
    """His only order, when it is durable here; a list refused for the load is asked again."""
    def only():
        items = server.shopper(customer).orders().json.get("items", [])
        return items[0] if len(items) == 1 else None
    return eventually(only)


def postgres_is(server, state):
    return eventually(
        lambda: server.client().get("/readyz").json["checks"]["postgres"] == state, 30)


def ends_well(server):
    assert server.stop() == 0
    server.audit()


@SHARDS
def test_a_201_waits_for_the_commit(confirming, database, shards):
    """K5: a lock keeps the order out of PostgreSQL, and so the reply here; nothing else waits."""
    server = confirming(shards=shards)
    with wire_to(server) as wire:
        for number in range(3):
            ann = f"ann-{number}"
            with held_back(database):
                wire.send(buying(ann))
                assert stream_waits(database)
                order = order_of(server, ann)
                assert server.stock("S1")["held"] == number + 1
                assert server.shopper(ann).put("S1", 2).status == 200
                assert is_quiet(wire)
                assert not committed(database, order)
            reply = wire.read_reply()
            assert committed(database, order)
            assert (reply.status, reply.json["id"]) == (201, order["id"])
    ends_well(server)


def test_nothing_happens_while_postgres_is_away(confirming, postgres, database):
    """K5: refused before any effect; what was confirmed before is told again."""
    server = confirming(shards=2)
    ann = server.shopper("ann")
    bought = ann.checkout({"S1": 1}, key="before")
    assert bought.status == 201
    database.close()
    postgres.stop("fast")
    assert postgres_is(server, "degraded")
    stock = server.stock("S1")
    for name in ("ann", "bob", "cat"):
        shopper = server.shopper(name)
        assert shopper.put("S1", 1).status == 200
        for items in ({"S1": 1}, None):
            refused = shopper.checkout(items, key="during")
            assert (refused.status, refused.code) == (503, "unconfirmed"), refused
            assert int(refused.headers["retry-after"]) > 0
        assert len(shopper.orders().json["items"]) == (1 if name == "ann" else 0)
    assert server.stock("S1") == stock
    again = ann.checkout({"S1": 1}, key="before")
    assert (again.status, again.json) == (201, bought.json)
    service = server.service("ann")
    assert service.pay(bought.json).status == 200  # S5: what exists goes on
    postgres.start()
    assert postgres_is(server, "ok")
    order = server.shopper("bob").checkout({"S1": 1}, key="during")
    assert order.status == 201 and "idempotency-replayed" not in order.headers
    assert committed(database, order.json)
    ends_well(server)


def test_an_order_that_postgres_does_not_confirm_stands(confirming, postgres, database):
    """K5, I3: 503 after wait_ms of a clock of whole ms, and the same key waits again."""
    server = confirming(wait_ms=WAIT_MS, shards=2)
    ann = server.shopper("ann")
    with postgres.frozen():
        for _ in range(2):
            begun = time.monotonic()
            reply = ann.checkout({"S1": 1}, key="k")
            assert time.monotonic() - begun >= (WAIT_MS - 1) / 1000
            assert (reply.status, reply.code) == (503, "unconfirmed")
            assert int(reply.headers["retry-after"]) > 0
        assert server.stock("S1")["held"] == 1
        order = order_of(server, "ann")
        reused = ann.checkout({"S1": 2}, key="k")
        assert (reused.status, reused.code) == (422, "idempotency_key_reused")
    reply = eventually(lambda: told_201(ann.checkout({"S1": 1}, key="k")))
    assert committed(database, order)
    assert (reply.json["id"], reply.headers["idempotency-replayed"]) == (order["id"], "true")
    assert server.stock("S1")["held"] == 1
    ends_well(server)


def told_201(reply):
    return reply if reply.status == 201 else None


@SHARDS
def test_kill_9_before_the_commit_loses_nothing(confirming, postgres, database, shards):
    """K5, V7: the order is in the journal; the same key gets its 201 once PostgreSQL has it."""
    server = confirming(shards=shards)
    orders = {}
    with contextlib.ExitStack() as stack:
        with postgres.frozen():
            for number in range(6):
                wire = stack.enter_context(wire_to(server))
                wire.send(buying(f"ann-{number}"))
                orders[f"ann-{number}"] = order_of(server, f"ann-{number}")
                assert number or is_quiet(wire)
            server.kill()
    server.start()
    for name, order in orders.items():
        reply = server.shopper(name).checkout({"S1": 1}, key="k")
        assert committed(database, order)
        assert (reply.status, reply.json["id"]) == (201, order["id"])
        assert reply.headers["idempotency-replayed"] == "true"
    assert server.stock("S1")["held"] == len(orders)
    ends_well(server)


def test_pipelined_replies_keep_their_order(confirming, database):
    """K5: what is asked behind a checkout is told behind it, however soon it is known."""
    server = confirming(shards=2)
    with wire_to(server) as wire:
        with held_back(database):
            wire.send(request("GET", "/v1/products/S1", "ann"))
            assert wire.read_reply().status == 200
            wire.send(b"".join(buying(f"ann-{number}") + request("GET", "/v1/cart", "ann")
                               for number in range(12)))
            assert stream_waits(database)
            assert is_quiet(wire)
        names = []
        for _ in range(12):
            reply = wire.read_reply()
            assert committed(database, reply.json)
            names.append(reply.json["customer"])
            assert "lines" in wire.read_reply().json
    assert names == [f"ann-{number}" for number in range(12)]
    ends_well(server)


def test_the_reply_leaves_at_the_commit(confirming):
    """K5: the stream wakes the shard that sleeps; waiting for its next look takes 100 ms."""
    server = confirming(shards=2)
    ann = server.shopper("ann")
    taken = []
    for number in range(21):
        begun = time.monotonic()
        order = ann.checkout({"S1": 1}, key=f"k-{number}")
        taken.append(time.monotonic() - begun)
        assert order.status == 201
        ann.cancel(order.json["id"])
    assert statistics.median(taken) < 0.05, sorted(taken)


def test_many_pipelined_checkouts_are_all_in_postgres_first(confirming, database):
    """K5: 24 connections, 20 checkouts deep; whoever is told 201 finds the row."""
    server = confirming(shards=2, capacity__requests=2048)  # all may be of one shard
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(wire_to(server)) for _ in range(24)]
        for number, wire in enumerate(wires):
            wire.send(b"".join(buying(f"c-{number}-{turn}") for turn in range(20)))
        for _ in range(20):
            replies = [wire.read_reply() for wire in wires]
            assert {reply.status for reply in replies} == {201}
            told = [reply.json["id"] for reply in replies]
            assert database.value("SELECT count(*) FROM hotshelf.orders"
                                  " WHERE order_id::text = ANY (%s)", told) == len(told)
    assert server.stock("S1")["held"] == 480
    ends_well(server)


def test_a_reply_waits_through_a_restart_of_postgres(confirming, postgres, database):
    """K5, S1: the batch is rolled back, the stream sends it again, once."""
    server = confirming(shards=2)
    with wire_to(server) as wire:
        with contextlib.suppress(psycopg2.Error), held_back(database):
            wire.send(buying("ann"))
            assert stream_waits(database)
            database.close()
            postgres.stop("immediate")
        assert is_quiet(wire)
        postgres.start()
        reply = wire.read_reply()
        assert reply.status == 201 and committed(database, reply.json)
    ends_well(server)


def test_a_reply_waits_when_a_failover_has_lost_commits(confirming, database):
    """K5, S1: PostgreSQL comes back without its last commit, and with an earlier position."""
    server = confirming()
    before = server.shopper("ann").checkout({"S1": 1}).json
    with wire_to(server) as wire:
        with held_back(database, "hotshelf.stream_position") as connection:
            wire.send(buying("bob"))
            assert stream_waits(database)
            database.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                             f" WHERE {STREAM}")
            lose_order(connection, before)
            assert is_quiet(wire)
        reply = wire.read_reply()
        assert reply.status == 201 and committed(database, reply.json)
        assert committed(database, before)
    assert "gone back" in server.log()
    ends_well(server)


def lose_order(connection, order):
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(seq) FROM hotshelf.outbox WHERE aggregateid = %s",
                       (order["id"],))
        first, = cursor.fetchone()
        cursor.execute("DELETE FROM hotshelf.outbox WHERE seq >= %s", (first,))
        for table in ("order_lines", "orders"):
            cursor.execute(f"DELETE FROM hotshelf.{table} WHERE order_id = %s", (order["id"],))
        cursor.execute("UPDATE hotshelf.stream_position SET seq = %s", (first - 1,))


def test_a_commit_that_no_standby_has_is_no_confirmation(confirming, database):
    """K5: PostgreSQL gives up waiting for its standby, also at the next contact; we do not."""
    server = confirming()
    # The product first, else it is what waits for the standby.
    assert eventually(lambda: database.value("SELECT count(*) FROM hotshelf.stock_movements") == 1)
    try:
        standbys(database, "'nobody'")
        with wire_to(server) as wire:
            wire.send(buying("ann"))
            assert stream_waits(database, "SyncRep")
            order = order_of(server, "ann")
            database.execute(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                             f" WHERE {STREAM}")
            assert eventually(lambda: committed(database, order))
            assert is_quiet(wire)
            assert stream_waits(database, "SyncRep")
            database.execute(f"SELECT pg_cancel_backend(pid) FROM pg_stat_activity"
                             f" WHERE {STREAM}")
            assert is_quiet(wire)
            standbys(database, "''")
            reply = wire.read_reply()
            assert (reply.status, reply.json["id"]) == (201, order["id"])
    finally:
        standbys(database, "''")
    ends_well(server)


def standbys(database, names):
    """In force when this returns: PostgreSQL's checkpointer hears of it in its own time."""
    database.execute(f"ALTER SYSTEM SET synchronous_standby_names = {names}")
    database.execute("SELECT pg_reload_conf()")
    assert eventually(lambda: commit_waits(database) == (names != "''"))


def commit_waits(database):
    """Whether a commit of anybody now waits for a standby."""
    with contextlib.closing(psycopg2.connect(database.dsn, async_=True)) as connection:
        wait_select(connection)
        cursor = connection.cursor()
        cursor.execute("SELECT pg_logical_emit_message(true, 'probe', '')")
        pid = connection.get_backend_pid()
        assert eventually(lambda: connection.poll() == POLL_OK or database.value(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid = %s", pid))
        waits = connection.poll() != POLL_OK
        database.execute("SELECT pg_terminate_backend(%s)", pid)
        return waits


def test_a_database_that_commits_lazily_is_told_not_to(confirming, database):
    """K5: stable storage, whatever the database's default is."""
    name = database.value("SELECT current_database()")
    database.execute(f"ALTER DATABASE {name} SET synchronous_commit = off")
    server = confirming()
    database.execute("CREATE TABLE seen (how text)")
    database.execute("CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                     " INSERT INTO seen VALUES (current_setting('synchronous_commit'));"
                     " RETURN NULL; END $$")
    database.execute("CREATE TRIGGER see AFTER INSERT ON hotshelf.orders"
                     " FOR EACH STATEMENT EXECUTE FUNCTION see()")
    assert server.shopper("ann").checkout({"S1": 1}).status == 201
    assert set(database.rows("SELECT how FROM seen")) == {("on",)}


def test_one_shard_that_stopped_for_good_refuses_for_itself(confirming, database):
    """K5: its stream has halted, which is known: no effect. The other shard's customers buy."""
    server = confirming(wait_ms=WAIT_MS, shards=2)
    database.execute("INSERT INTO hotshelf.outbox (id, aggregatetype, aggregateid, type, payload,"
                     " node, shard, seq, occurred_at) SELECT gen_random_uuid(), 'order', 'x',"
                     " 'x', '{}', node, shard, seq + 1, now() FROM hotshelf.stream_position"
                     " WHERE shard = 1")
    told = {number: server.shopper(f"ann-{number}").checkout({"S1": 1}).status
            for number in range(8)}
    assert set(told.values()) == {201, 503}
    assert postgres_is(server, "halted")
    held = server.stock("S1")["held"]
    begun = time.monotonic()
    assert all(server.shopper(f"ann-{number}").checkout({"S1": 1}).status == status
               for number, status in told.items() if status == 503)
    assert time.monotonic() - begun < WAIT_MS / 1000
    assert server.stock("S1")["held"] == held
    number = next(number for number, status in told.items() if status == 201)
    assert server.shopper(f"ann-{number}").checkout({"S1": 1}).status == 201


def test_waiting_checkouts_leave_room_for_everything_else(confirming, postgres):
    """Fixed memory: half of the slots may wait; the rest is refused before any effect."""
    server = confirming(capacity__requests=16)
    with contextlib.ExitStack() as stack:
        with postgres.frozen():
            wires = []
            for number in range(9):
                wires.append(stack.enter_context(wire_to(server)))
                wires[-1].send(buying(f"ann-{number}"))
                assert order_of(server, f"ann-{number}")
            refused = server.shopper("bob").checkout({"S1": 1}, key="k")
            assert (refused.status, refused.code) == (503, "overloaded")
            assert server.stock("S1")["held"] == 9
            assert server.shopper("bob").put("S1", 1).status == 200
            assert all(is_quiet(wire) for wire in wires[:1])
        assert {wire.read_reply().status for wire in wires} == {201}
    assert server.shopper("bob").checkout({"S1": 1}, key="k").status == 201
    ends_well(server)


def test_a_client_that_goes_away_leaves_an_order_and_no_slot(confirming, database):
    """K5: more of them than there are slots, one after another; the key finds each order."""
    server = confirming(shards=2, capacity__requests=32)
    names = [f"ann-{turn}-{number}" for turn in range(4) for number in range(8)]
    for turn in range(4):
        with held_back(database):
            for name in names[8 * turn:8 * turn + 8]:
                with wire_to(server) as wire:
                    wire.send(buying(name))
                    assert order_of(server, name)
            assert stream_waits(database)
        assert server.shopper(names[8 * turn]).checkout({"S1": 1}, key="k").status == 201
    for name in names:
        reply = server.shopper(name).checkout({"S1": 1}, key="k")
        assert reply.status == 201 and committed(database, reply.json)
    assert server.stock("S1")["held"] == len(names)
    ends_well(server)


def test_a_stop_tells_those_that_wait(confirming, postgres, database):
    """K5: longer than the drain nobody waits; after the next start the key finds the order."""
    server = confirming(shards=2, wait_ms=600000, server__drain_seconds=1)
    with contextlib.ExitStack() as stack:
        wires = [stack.enter_context(wire_to(server)) for _ in range(4)]
        with postgres.frozen():
            for number, wire in enumerate(wires):
                wire.send(buying(f"ann-{number}"))
                assert order_of(server, f"ann-{number}")
            assert server.stop() == 0
            for wire in wires:
                reply = wire.read_reply()
                assert (reply.status, reply.code) == (503, "unconfirmed")
    server.start()
    for number in range(4):
        reply = server.shopper(f"ann-{number}").checkout({"S1": 1}, key="k")
        assert reply.status == 201 and committed(database, reply.json)
    ends_well(server)


def test_a_stop_waits_for_a_commit_that_comes(confirming, database):
    """K5: a stop is no reason to answer less."""
    server = confirming(server__drain_seconds=20)
    with wire_to(server) as wire:
        with held_back(database):
            wire.send(buying("ann"))
            assert stream_waits(database)
            server.end_is_expected = True
            server.process.terminate()
            assert eventually(lambda: "stopping" in server.log())
            assert is_quiet(wire)
        reply = wire.read_reply()
        assert reply.status == 201 and committed(database, reply.json)
    assert server.process.wait(20) == 0
    server.audit()


def test_with_durability_disk_nobody_waits(new_server, database):
    """S5."""
    server = new_server(dsn=database.dsn).start()
    server.sell(S1=5)
    with held_back(database):
        reply = server.shopper("ann").checkout({"S1": 1})
        assert reply.status == 201
        assert not committed(database, reply.json)


@SHARDS
def test_the_redis_protocol_waits_for_the_commit_too(confirming, database, shards):
    """K5: a checkout's reply, and so those behind it on its connection; nothing else waits."""
    server = confirming(shards=shards, server__resp=free_address())
    client, other = redis(server), redis(server)
    with held_back(database):
        client.send(command("HS.CHECKOUT", "ann", "k", "ITEM", "S1", 1) + command("PING"))
        assert stream_waits(database)
        order = order_of(server, "ann")
        assert pairs(other.ask("HS.ORDER", order["id"]))["id"] == order["id"]
        assert not select.select([client.socket], [], [], QUIET_SECONDS)[0]
        assert not committed(database, order)
    assert pairs(client.read())["id"] == order["id"]
    assert committed(database, order)
    assert client.read() == "PONG"
    ends_well(server)


def test_the_redis_protocol_leaves_room_for_everything_else_too(confirming, postgres):
    """Fixed memory: half of the slots may wait; the rest is refused before any effect."""
    server = confirming(capacity__requests=16, server__resp=free_address())
    waiting = [redis(server) for _ in range(9)]
    with postgres.frozen():
        for number, client in enumerate(waiting):
            client.send(command("HS.CHECKOUT", f"ann-{number}", "k", "ITEM", "S1", 1))
            assert order_of(server, f"ann-{number}")
        bob = redis(server)
        assert bob.ask("HS.CHECKOUT", "bob", "k", "ITEM", "S1", 1).startswith("OVERLOADED overl")
        assert pairs(bob.ask("HS.STOCK", "S1"))["held"] == 9
    assert {pairs(client.read())["status"] for client in waiting} == {"pending_payment"}
    ends_well(server)
