# SPDX-License-Identifier: Apache-2.0
"""Q5, Q6: one card, address or device over many customers, on three shards."""

import threading

import pytest

LIMIT = 2


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=3).start()


def buy(server, who, sku, *identities, units=1):
    return server.service(who).checkout({sku: units}, identities=list(identities))


def test_one_card_buys_no_more_than_the_limit_whoever_shows_it(server, sku):
    server.sell_rows([{"sku": sku, "stock": 50, "max_per_customer": LIMIT}])
    assert buy(server, "card-a", sku, "visa-1", "home").status == 201
    second = buy(server, "card-b", sku, "visa-1")
    assert second.status == 201
    refused = buy(server, "card-c", sku, "visa-1", "elsewhere")
    assert (refused.status, refused.code) == (409, "limit_exceeded")
    told = {**refused.json, **(refused.json.get("lines") or [{}])[0]}
    assert (told["limit"], told["used"]) == (LIMIT, 2)
    assert server.stock(sku)["held"] == 2
    assert buy(server, "card-c", sku, "elsewhere").status == 201
    assert server.service("card-b").cancel(second.json["id"]).status == 200
    assert buy(server, "card-c", sku, "visa-1").status == 201


def test_a_crowd_with_one_card_gets_the_limit_together(server, sku):
    """Q2 for identities: counted in one step, on whatever shards the customers live."""
    server.sell_rows([{"sku": sku, "stock": 50, "max_per_customer": LIMIT}])
    statuses = []

    def one(number):
        statuses.append(buy(server, f"crowd-{sku}-{number}", sku, "shared-card").status)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201] * LIMIT + [409] * (16 - LIMIT)


def test_identities_survive_a_crash(new_server, sku):
    server = new_server(shards=2).start()
    server.sell_rows([{"sku": sku, "stock": 50, "max_per_customer": LIMIT}])
    assert buy(server, "ann", sku, "visa", units=2).status == 201
    server.kill()
    server.start()
    assert buy(server, "bob", sku, "visa").code == "limit_exceeded"
    assert buy(server, "bob", sku, "amex").status == 201


@pytest.mark.parametrize("identities", [
    [""], ["a"] * 5, ["x" * 128], [1], "visa", ["caf\u00e9"]])
def test_what_is_no_list_of_identities_is_refused(server, sku, identities):
    server.sell(**{sku: 5})
    reply = server.service("odd").checkout({sku: 1}, identities=identities)
    assert (reply.status, reply.code) == (422, "invalid")


def test_only_a_service_sends_identities(server, sku):
    server.sell(**{sku: 5})
    reply = server.shopper("eve").checkout({sku: 1}, identities=["visa"])
    assert (reply.status, reply.code) == (403, "forbidden")


def test_a_full_table_is_not_unlimited(new_server, sku):
    """Q6"""
    server = new_server(settings={"capacity.identities": 1}).start()
    server.sell_rows([{"sku": sku, "stock": 50, "max_per_customer": LIMIT}])
    assert buy(server, "ann", sku, "visa").status == 201
    full = buy(server, "bob", sku, "amex")
    assert (full.status, full.code) == (503, "capacity_exhausted")
    assert full.json["bound"] == "identities"
    assert server.stock(sku)["held"] == 1
