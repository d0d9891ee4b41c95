# SPDX-License-Identifier: Apache-2.0
"""What a shop has acknowledged, and the proof of it after a start."""

import json
import random

MOVING = ("payment_due_at",)  # on the shelf clock, which stood still


def steady(order):
    return {name: value for name, value in order.items() if name not in MOVING}


class Past:
    """What a shop acknowledged: a random life of a few customers, and the proof of it later."""

    def __init__(self, server, seed, skus=6):
        self.server = server
        self.random = random.Random(seed)
        self.skus = [f"PAST-{number}" for number in range(skus)]
        self.orders = {}
        self.carts = {}
        self.births = {}
        self.payments = 0
        self.turn = 0
        server.sell_rows([{"sku": sku, "stock": 60, "max_per_customer": 9,
                           "reserve_on": "cart" if number % 2 else "checkout"}
                          for number, sku in enumerate(self.skus)])

    def live(self, steps):
        client = self.server.client()
        for _ in range(steps):
            self.turn += 1
            shopper = self.server.service(f"past-{self.random.randrange(12)}")
            shopper.client = client
            act = self.random.choice(
                [self.fill, self.fill, self.buy, self.buy, self.pay, self.cancel])
            act(shopper)

    def fill(self, shopper):
        reply = shopper.put(self.random.choice(self.skus), self.random.randrange(4))
        assert reply.status in (200, 409), reply
        if reply.status == 200:
            self.carts[shopper.name] = reply.json

    def buy(self, shopper):
        basket = {sku: self.random.randrange(1, 4) for sku in self.random.sample(self.skus, 2)}
        mode = self.random.choice(["external", "deferred"])
        reply = shopper.checkout(basket, key=f"past-{self.turn}", payment={"mode": mode})
        assert reply.status in (201, 409), reply
        if reply.status == 201:
            self.orders[reply.json["id"]] = reply.json
            self.births[f"past-{self.turn}"] = (shopper.name, basket, mode, reply.body)
            self.carts.pop(shopper.name, None)

    def one_of_mine(self, shopper):
        mine = [order for order in self.orders.values() if order["customer"] == shopper.name]
        return self.random.choice(mine) if mine else None

    def pay(self, shopper):
        order = self.one_of_mine(shopper)
        if order is None:
            return
        self.payments += 1
        reply = shopper.pay(order, self.random.choice(["captured", "authorized", "declined"]),
                            f"past-payment-{self.payments}")
        assert reply.status in (200, 409, 410), reply  # 410: an order with too many payments
        self.orders[order["id"]] = shopper.order(order["id"]).json

    def cancel(self, shopper):
        order = self.one_of_mine(shopper)
        if order is None:
            return
        reply = shopper.cancel(order["id"])
        assert reply.status in (200, 409), reply
        self.orders[order["id"]] = shopper.order(order["id"]).json

    def remember(self):
        """The counters and carts as they stand; nothing may be in flight."""
        self.stock = {sku: self.server.stock(sku) for sku in self.skus}
        self.carts = {f"past-{number}": self.server.shopper(f"past-{number}").cart().json
                      for number in range(12)}

    def is_true_still(self):
        assert {sku: self.server.stock(sku) for sku in self.skus} == self.stock
        for order in self.orders.values():
            read = self.server.shopper(order["customer"]).order(order["id"])
            assert (read.status, steady(read.json)) == (200, steady(order))
        for name, cart in self.carts.items():
            self.cart_is_true_still(cart, self.server.shopper(name).cart().json)
        for key, (name, basket, mode, body) in self.births.items():
            again = self.server.service(name).checkout(basket, key=key, payment={"mode": mode})
            assert again.status == 201, again
            assert again.json == json.loads(body)
            assert again.headers["idempotency-replayed"] == "true"
        assert {sku: self.server.stock(sku) for sku in self.skus} == self.stock

    def cart_is_true_still(self, before, after):
        assert [(line["sku"], line["quantity"], line["unit_price"], line["reservation"]["state"])
                for line in after["lines"]] == \
            [(line["sku"], line["quantity"], line["unit_price"], line["reservation"]["state"])
             for line in before["lines"]]
        for old, new in zip(before["lines"], after["lines"]):
            if old["reservation"]["state"] == "held":
                # L7: its remaining time; the outage does not count, at most one second more.
                rest = new["reservation"]["expires_in_ms"]
                assert rest <= old["reservation"]["expires_in_ms"] + 1000
