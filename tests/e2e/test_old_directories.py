# SPDX-License-Identifier: Apache-2.0
"""S1: a data directory that another one has replaced meanwhile does not sell again, also where its
journal reaches further than PostgreSQL's position."""

import shutil

from tests.e2e.test_from_postgres import DEFERRED, rebuild
from tests.lib.server import SMALL
from tests.lib.streamed import everything_arrived

FOR_FOUR = {"data.journal_bytes": 2 * int(SMALL["data.journal_bytes"])}  # shards
PEOPLE = 24


def buy(server, name):
    reply = server.service(name).checkout({"S1": 1}, key="k", **DEFERRED)
    assert reply.status == 201, reply
    return {reply.json["id"]: reply.json}


def test_a_directory_that_was_rebuilt_elsewhere_does_not_come_back(
        new_server, postgres, database):
    """V3: it has sold what PostgreSQL never heard of, so its journal is ahead of the position."""
    server = new_server(dsn=database.dsn).start()
    server.sell(S1=100)
    orders = buy(server, "ann")
    everything_arrived(database, orders)
    database.close()
    postgres.stop("fast")
    for number in range(10):
        buy(server, f"unheard-{number}")
    server.kill()
    postgres.start()
    old = server.directory / "old"
    server.data.rename(old)
    status, told = rebuild(server)
    assert status == 0, told
    server.start()
    orders.update(buy(server, "bob"))
    everything_arrived(database, orders)
    assert server.stop() == 0
    shutil.rmtree(server.data)
    old.rename(server.data)
    assert "another data directory" in server.refuses_to_start()


def shards_of(new_server):
    """Where each of some people lives when there are four shards."""
    server = new_server(shards=4, settings=FOR_FOUR).start()
    server.sell(S1=100)
    homes = {}
    for number in range(PEOPLE):
        buy(server, f"p-{number}")
    assert server.stop() == 0
    for event in server.journal_events():
        order = event.get("order") or event.get("data", {})
        customer = order.get("customer", "")
        if customer.startswith("p-"):
            homes[customer] = event["shard"]
    return homes


def test_a_copy_with_fewer_shards_does_not_come_back(new_server, database):
    """V3: what was sold under shard numbers that it does not have, it knows not."""
    homes = shards_of(new_server)
    late = [name for name, shard in homes.items() if shard >= 2]
    assert late
    server = new_server(shards=2, dsn=database.dsn, settings=FOR_FOUR).start()
    server.sell(S1=100)
    orders = buy(server, "first")
    everything_arrived(database, orders)
    assert server.stop() == 0
    copy = server.directory / "copy"
    shutil.copytree(server.data, copy)
    server.change(server__shards=4)
    server.start()
    for name in late:
        orders.update(buy(server, name))
    everything_arrived(database, orders)
    assert server.stop() == 0
    shutil.rmtree(server.data)
    copy.rename(server.data)
    server.change(server__shards=2)
    assert "is behind PostgreSQL" in server.refuses_to_start()
