# SPDX-License-Identifier: Apache-2.0
"""What PostgreSQL must hold of what was acknowledged."""

from tests.lib.server import eventually


def rows_of_orders(database):
    return {row[0]: row[1:] for row in database.rows(
        "SELECT order_id::text, customer, status, order_version, currency, items_total, total"
        " FROM hotshelf.orders")}


def everything_arrived(database, orders):
    """Each order acknowledged is a row, with its last state; nothing else is."""
    count = "SELECT count(*) FROM hotshelf.orders"
    assert eventually(lambda: database.value(count) >= len(orders), 30), database.value(count)
    rows = rows_of_orders(database)
    assert set(rows) == set(orders)

    def all_current():
        rows.update(rows_of_orders(database))
        return all(rows[order_id][2] == order["version"] for order_id, order in orders.items())

    assert eventually(all_current, 20)
    for order_id, order in orders.items():
        assert rows[order_id] == (order["customer"], order["status"], order["version"],
                                  order["currency"], order["items_total"], order["total"])


def stream_is_whole(database):
    """S1, S2: numbers contiguous from 1 for each shard, and the position is the last of them."""
    shards = database.rows("SELECT DISTINCT shard FROM hotshelf.outbox")
    stream_goes_on_from(database, {shard: 1 for shard, in shards})


def stream_goes_on_from(database, first):
    """The same from another number on: first[shard]."""
    for node, shard, count, least, most in database.rows(
            "SELECT node, shard, count(*), min(seq), max(seq) FROM hotshelf.outbox GROUP BY 1, 2"):
        assert (least, most) == (first[shard], first[shard] + count - 1)
        assert database.value("SELECT seq FROM hotshelf.stream_position WHERE node = %s"
                              " AND shard = %s", node, shard) == most
    twice = database.rows("SELECT aggregateid, type, payload -> 'data' ->> 'version', count(*)"
                          " FROM hotshelf.outbox WHERE type LIKE 'order.%%'"
                          " GROUP BY 1, 2, 3 HAVING count(*) > 1")
    assert twice == [], str(twice[:5])
