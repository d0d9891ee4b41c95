# SPDX-License-Identifier: Apache-2.0
"""The reply to a checkout tells of the order, member by member, what its reads tell: over random
baskets, in both protocols."""

import itertools
import json
import os
import random

import pytest

from tests.lib.resp import redis
from tests.lib.server import free_address

BASKETS = 120
SALES = {"drop": {"payment_mode": "external", "payment_seconds": 700, "review_seconds": 500},
         "flash": {"payment_mode": "deferred", "max_per_customer": 500},
         "long": {"payment_mode": "external", "payment_seconds": 900}}
SKUS = [{"sku": f"P{number}", "stock": 4000000, "price": f"{number}.{number:02}",
         "seller": f"seller-{number % 3}", "sale": sale, "reserve_on": reserve_on}
        for number, (sale, reserve_on) in enumerate(
            itertools.product(["", *SALES], ["cart", "checkout"]), 1)]
NAMES = [row["sku"] for row in SKUS]
REFERENCES = [{}, {"a": ""}, {"order_no": "A-é \"7\"\\", "z": "\n\t\u0001"},
              {"long": "x" * 127, "more": "ü" * 63}]
ADJUSTMENTS = [
    [], [{"kind": "shipping", "amount": 50, "seller": "seller-1", "reference": None}],
    [{"kind": "tax", "amount": 1, "seller": None, "reference": "T"},
     {"kind": "discount", "amount": -1, "seller": None, "reference": "SPRING \"1\""}]]


@pytest.fixture(scope="module", params=[1, 2], ids=["1 shard", "2 shards"])
def shop(new_shared_server, request):
    server = new_shared_server(shards=request.param, settings={
        "server.resp": free_address(), "risk.review_score": 500}).start()
    for name, sale in SALES.items():
        assert server.admin().put(f"/admin/v1/sales/{name}", sale).status in (200, 201)
    server.sell_rows(SKUS)
    return server


@pytest.fixture(name="dice")
def seeded():
    seed = int(os.environ.get("SEED", random.randrange(1 << 32)))
    print(f"SEED={seed}")
    return random.Random(seed)


def change_price(shop, dice):
    """What is held keeps its price (M3): then a SKU stands on two lines."""
    row = dice.choice(SKUS)
    price = f"{dice.randrange(1, 99)}.{dice.randrange(100):02}"
    assert shop.import_csv(",".join(row) + ",title,category,currency\n" + ",".join(
        str(value) for value in {**row, "price": price}.values()) +
        ",A thing,things,GBP\n").status == 200


def fill_cart(shop, dice, customer):
    """Answers whether anything lies in it."""
    shopper, chosen = shop.shopper(customer), dice.sample(NAMES, dice.randrange(0, 5))
    for sku in chosen:
        assert shopper.put(sku, dice.randrange(1, 4)).status == 200
    if chosen and dice.randrange(2):
        change_price(shop, dice)
    return bool(chosen)


def units_of(dice):
    return {sku: dice.randrange(1, 6) for sku in dice.sample(NAMES, dice.randrange(1, 7))}


def details(dice):
    """What role service may say besides."""
    said = {}
    if dice.randrange(2):
        said["references"] = dice.choice(REFERENCES)
    if dice.randrange(2):
        said["adjustments"] = dice.choice(ADJUSTMENTS)
    if dice.randrange(3) == 0:
        said["payment"] = {"mode": dice.choice(["external", "deferred"])}
    if dice.randrange(4) == 0:
        said["risk"] = {"score": dice.choice([1, 499, 500, 900])}
    if dice.randrange(4) == 0:
        said["identities"] = [f"card-{dice.randrange(1 << 40)}"]
    return said


def as_http(order):
    shown = {**order, "reclaimed": bool(order["reclaimed"])}
    for name in ("references", "adjustments"):
        shown[name] = json.loads(shown[name])
    return shown


def assert_shown(shop, client, customer, key, placed):
    """K2 K5 K7 L10: by whoever looks, and in the list, which has no lines."""
    shopper = shop.shopper(customer)
    assert shopper.order(placed["id"]).json == placed
    assert shop.service(customer).order(placed["id"]).json == placed
    assert as_http(client.ask("HS.ORDER", placed["id"])) == placed
    listed = next(order for order in shopper.orders("?limit=9").json["items"]
                  if order["id"] == placed["id"])  # those of one millisecond go by their ids
    assert listed == {name: placed[name] for name in listed}
    assert set(placed) - set(listed) == {"lines"}


def test_a_checkout_over_http_tells_what_its_order_is(shop, dice):
    """K1 K7 K8 M3 P1 I3: also when it is asked for again."""
    client, statuses = redis(shop), set()
    client.ask("HELLO", 3)
    for number in range(BASKETS):
        customer, key = f"http-{number // 3}", f"k{number}"
        has_cart = fill_cart(shop, dice, customer)
        items = units_of(dice) if not has_cart or dice.randrange(2) else None
        said = details(dice)
        placed = shop.service(customer).checkout(items, key=key, **said)
        assert placed.status == 201, placed
        assert_shown(shop, client, customer, key, placed.json)
        statuses.add(placed.json["status"])
        again = shop.service(customer).checkout(items, key=key, **said)
        assert (again.status, again.headers["idempotency-replayed"]) == (201, "true")
        assert (again.json, again.headers["location"]) == (placed.json, placed.headers["location"])
    assert statuses == {"pending_payment", "confirmed", "review"}
    client.close()


def test_a_checkout_over_resp_tells_what_its_order_is(shop, dice):
    """K1 K8 M3 P1 I3: also when it is asked for again."""
    client, statuses = redis(shop), set()
    client.ask("HELLO", 3)
    for number in range(BASKETS):
        customer, key = f"resp-{number // 3}", f"k{number}"
        has_cart = fill_cart(shop, dice, customer)
        words = ["HS.CHECKOUT", customer, key]
        if not has_cart or dice.randrange(2):
            for sku, units in units_of(dice).items():
                words += ["ITEM", sku, units]
        if dice.randrange(2):
            words += ["MODE", dice.choice(["external", "deferred"])]
        for name, value in dice.choice(REFERENCES).items():
            words += ["REF", name, value]
        placed = client.ask(*words)
        assert isinstance(placed, dict), placed
        statuses.add(placed["status"])
        assert_shown(shop, client, customer, key, as_http(placed))
        assert client.ask(*words) == placed
    assert statuses == {"pending_payment", "confirmed"}
    client.close()
