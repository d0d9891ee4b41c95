# SPDX-License-Identifier: Apache-2.0
"""A short year of a shop: every kind of thing that a journal keeps happens once, and most of it is
still there at the end. Data that one version has written so is read by all later ones."""

from tests.lib.server import eventually

SKUS = ("CART", "CHECKOUT", "LIMITED", "DEAD", "SOLDOUT")
CUSTOMERS = ("cart-1", "cart-2", "paid", "pending", "cancelled", "part", "expired", "review",
             "approved", "declined", "merged", "limited", "killed", "left")
SETTINGS = {
    "risk.review_score": 500,
    "risk.decline_score": 900,
    "reservations.hold_seconds": 80000,
    "reservations.payment_seconds": 80000,
    "reservations.review_seconds": 80000,
    "reservations.max_life_seconds": 604800,
    "data.journal_bytes": 2 * 8388608,
}
SHARDS = 2
LAP_BATCHES = 2 * 3 * 2048 // 2
FLAGGED = {"risk": {"score": 700, "decision": "review"}}


def well(reply):
    assert reply.status in (200, 201, 204), reply
    return reply.json if reply.body else None


class Story:
    def __init__(self, server):
        self.server = server
        self.admin = server.admin
        self.keys = {}  # of checkouts: the customer and his order

    def buy(self, name, items=None, **more):
        """A checkout under a key that is the customer's name."""
        order = well(self.server.service(name).checkout(items, key=name, **more))
        self.keys[name] = {"id": order["id"], "items": items, "more": more}
        return order

    def buy_again(self, name):
        """The same words under the same key."""
        kept = self.keys[name]
        return self.server.service(name).checkout(kept["items"], key=name, **kept["more"])

    def pay(self, order, **more):
        return well(self.server.service(order["customer"]).pay(order, payment_id=order["id"],
                                                               **more))

    def switch(self, verb, scope):
        well(self.admin().post(f"/admin/v1/{verb}", {"scope": scope}))

    def open_shop(self):
        well(self.admin().put("/admin/v1/sales/drop", {"max_per_customer": 3}))
        well(self.admin().put("/admin/v1/sales/later", {"starts_at": "2100-01-01T00:00:00Z"}))
        well(self.admin().put("/admin/v1/sales/over", {"max_per_customer": 2}))
        self.server.sell_rows([
            {"sku": "CART", "stock": 1000, "reserve_on": "cart"},
            {"sku": "CHECKOUT", "stock": 1000, "reserve_on": "checkout"},
            {"sku": "LIMITED", "stock": 1000, "reserve_on": "cart", "sale": "drop"},
            {"sku": "DEAD", "stock": 1000, "reserve_on": "cart"},
            {"sku": "GONE", "stock": 1000, "reserve_on": "checkout", "sale": "over"},
            {"sku": "SOLDOUT", "stock": 1, "reserve_on": "checkout", "sale": "later"}])
        well(self.admin().post("/admin/v1/products/CART/stock", {"delta": 7, "reason": "found"},
                             headers={"Idempotency-Key": "found"}))

    def fill_carts(self):
        for name, units in (("cart-1", 3), ("cart-2", 5), ("left", 2)):
            well(self.server.shopper(name).put("CART", units))
            well(self.server.shopper(name).put("CHECKOUT", 1))
            well(self.server.shopper(name).put("GONE", 1))
        well(self.server.shopper("left").clear())
        well(self.server.shopper("limited").put("LIMITED", 2))
        guest = well(self.server.client().post("/v1/guests"))["guest_token"]
        well(self.server.shopper(guest).put("CART", 4))
        well(self.server.shopper("merged").call("POST", "/v1/cart/merge", {"guest_token": guest}))
        well(self.server.shopper("killed").put("DEAD", 2))
        self.switch("kill", "sku:DEAD")
        self.switch("pause", "sale:drop")

    def take_orders(self):
        self.pay(self.buy("paid", {"CHECKOUT": 2}, references={"campaign": "spring"}))
        pending = self.buy("pending", {"CHECKOUT": 3})
        well(self.server.shopper("cancelled").cancel(
            self.buy("cancelled", {"CHECKOUT": 4})["id"], key="c"))
        part = self.pay(self.buy("part", {"CHECKOUT": 5}))
        well(self.admin().post(f"/admin/v1/orders/{part['id']}/cancel", {
            "lines": [{"line": 1, "quantity": 2}], "restock": "available", "reason": "broken"},
            headers={"Idempotency-Key": "part"}))
        well(self.server.service("pending").pay(pending, "declined", payment_id="declined-once"))
        self.buy("review", {"CHECKOUT": 1}, identities=["card-1"], **FLAGGED)
        for name, decision in (("approved", "approve"), ("declined", "decline")):
            order = self.buy(name, {"CHECKOUT": 1}, **FLAGGED)
            path = f"/admin/v1/orders/{order['id']}/review"
            well(self.admin().post(path, {"decision": decision}))

    def end_a_sale(self):
        """It leaves with its product, and with the lines in carts."""
        well(self.admin().put("/admin/v1/sales/over", {"ends_at": "2020-01-01T00:00:00Z"}))
        assert eventually(
            lambda: self.admin().delete("/admin/v1/sales/over").status in (200, 204))

    def change_carts(self, batches):
        """So that what was written first is overwritten."""
        shoppers = [self.server.shopper(f"changer-{number}") for number in range(8)]
        for turn in range(batches):
            well(shoppers[turn % 8].put("CART", 1 + turn // 8 % 2))

    def play(self):
        self.open_shop()
        self.fill_carts()
        self.take_orders()
        self.end_a_sale()
        self.change_carts(LAP_BATCHES)
        return self

    def tell(self):
        """What anybody is told at the end."""
        return {
            "stock": {sku: self.server.stock(sku) for sku in SKUS},
            "carts": {name: timeless(well(self.server.shopper(name).cart()))
                      for name in CUSTOMERS},
            "orders": {name: timeless(well(self.server.shopper(name).order(order["id"])))
                       for name, order in self.keys.items()},
            "sales": [timeless(well(self.admin().get(f"/admin/v1/sales/{sale}")))
                      for sale in ("drop", "later")],
            "switches": timeless(well(self.admin().get("/admin/v1/switches"))),
        }


def timeless(told):
    """Without what the clock changes: a stop of the server costs no time."""
    if isinstance(told, list):
        return [timeless(part) for part in told]
    if isinstance(told, dict):
        return {key: timeless(value) for key, value in told.items()
                if not key.startswith("expires") and key != "payment_due_at"}
    return told
