# SPDX-License-Identifier: Apache-2.0
"""Carries out the lines of the rules' tables against a real server over HTTP.

Each word that a line can begin with is a method; it makes one Call: a request, and what is to be
seen in its reply. Names of a scenario get a suffix, so that many scenarios share a server.
"""

import datetime

from tests.lib.client import Client, Wire
from tests.lib.rule_call import Call
from tests.lib.rule_replies import (
    cart_line, dropped_fields, order_fields, product_fields, refusal)
from tests.lib.rule_switch import Switches
from tests.lib.rule_tables import Seen, duration
from tests.lib.server import ADMIN_TOKEN

# Customers on every shard: one read each, and every shard has seen what time it is.
WATCHERS = [f"watcher-{number}" for number in range(16)]
ROLES = {"service", "operator", "customer"}
ADJUSTMENTS = ("shipping", "tax", "discount", "fee")


class Order:
    def __init__(self, order, customer):
        self.id = order["id"]
        self.customer = customer
        self.total = order["total"]
        self.currency = order["currency"]
        self.payment_id = None


class Shop(Switches):
    """One scenario at one server."""

    def __init__(self, server, clock, number):
        super().__init__()
        self.server = server
        self.clock = clock
        self.suffix = f"-{number}"
        self.orders = {}
        self.guests = {}      # name: the id that the server gave
        self.skus = []
        self.kept = {}
        self.keys = 0
        self.pipeline = None  # calls that are made at once
        self.connect()

    def connect(self):
        self.storefront = Client(self.server.http_port)
        self.back_office = Client(self.server.admin_port,
                                  {"Authorization": f"Bearer {ADMIN_TOKEN}"})

    # Names and times, here and there.

    def own(self, name):
        return name + self.suffix

    def bare(self, name):
        guest = next((guest for guest, token in self.guests.items() if token == name), None)
        return guest or name.removesuffix(self.suffix)

    def order_name(self, order_id):
        return next((name for name, order in self.orders.items() if order.id == order_id),
                    "unnamed")

    def key(self, line):
        named = line.option("key")
        self.keys += named is None
        return {"Idempotency-Key": named or f"key-of-its-own-{self.keys}"}

    def time(self, word):
        moment = datetime.datetime.fromtimestamp((self.clock.wall_ms + duration(word)) / 1000,
                                                 datetime.timezone.utc)
        return moment.isoformat(timespec="milliseconds")

    def until(self, text):
        """Milliseconds from now to a time in a reply."""
        if text is None:
            return None
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        return round(moment.timestamp() * 1000) - self.clock.wall_ms

    # Carrying out.

    def play(self, scenario):
        try:
            self.carry_out(scenario)
        finally:
            self.lift()

    def carry_out(self, scenario):
        for line in scenario.lines():
            word = line.word()
            do = getattr(self, f"do_{word}", None)
            if do is None:
                line.fail(f"nobody knows how to {word!r}")
            call = do(line)
            line.end()
            if call is None:
                continue
            if self.pipeline is not None:
                self.pipeline.append((call, line))
            else:
                self.compare(call, self.reply_to(call), line)
        for sku in self.skus:
            numbers = self.server.stock(sku)
            assert numbers.pop("allotment") == sum(numbers.values()), (sku, numbers)

    def reply_to(self, call):
        client = self.back_office if call.admin else self.storefront
        return client.request(call.method, call.path, body=call.body, headers=call.headers)

    def compare(self, call, reply, line):
        if reply.status >= 400:
            refusal(self, reply, line).compare(line, self.kept)
        else:
            call.see(reply).compare(line, self.kept)

    def do_config(self, line):
        line.word(), line.word()

    def do_tick(self, line):
        self.clock.pass_ms(duration(line.word()))
        self.connect()
        self.watch()

    def watch(self):
        for watcher in WATCHERS:
            self.storefront.get("/v1/cart", headers={"X-Customer-Id": watcher})

    def do_crash(self, _line):
        """After the clock was written down: what is not durable is lost, and may be."""
        for watcher in WATCHERS:
            self.storefront.put(f"/v1/cart/items/{self.own('Unknown')}", {"quantity": 1},
                                headers={"X-Customer-Id": watcher})
        self.watch()
        self.server.kill()
        self.server.start()
        self.connect()

    def do_at(self, line):
        if line.word() != "once":
            line.fail("is not 'at once'")
        self.pipeline = []

    def do_settled(self, _line):
        wire = Wire(self.server.http_port)
        wire.send(b"".join(call.raw() for call, _ in self.pipeline))
        for call, line in self.pipeline:
            self.compare(call, wire.read_reply(), line)
        wire.close()
        self.pipeline = None

    # The shelf.

    def terms(self, line):
        """Columns of a product that stand in a line, as JSON has them."""
        times = {"starts_at": line.option("starts"), "ends_at": line.option("ends")}
        maximum, hold = line.option("max"), line.option("hold")
        names = {name: line.option(name) for name in ("seller", "group", "reserve_on")}
        sale = line.option("sale")
        terms = {name: self.time(value) for name, value in times.items() if value}
        terms.update({name: value for name, value in names.items() if value})
        if sale:
            terms["sale"] = self.own(sale)
        if maximum:
            terms["max_per_customer"] = None if maximum == "none" else int(maximum)
        if hold:
            terms["hold_seconds"] = duration(hold) // 1000
        return terms

    def do_stock(self, line):
        row = {"title": "A thing", "category": "things", "seller": "seller-1",
               "price": line.option("price") or "1.00",
               "currency": line.option("currency") or "GBP",
               "prices": line.option("prices") or "", **self.terms(line)}
        row["sku"] = self.own(line.word())
        row["stock"] = line.word()
        if "group" in row:
            row["group"] = self.own(row["group"])
        self.skus += [row["sku"]] if row["sku"] not in self.skus else []
        text = ",".join(row) + "\n" + ",".join(map(str, row.values())) + "\n"

        def see(reply):
            word = next(word for word in ("created", "updated", "unchanged") if reply.json[word])
            return Seen(word, fields={"stock_ignored": reply.json["stock_ignored"]})
        return Call("POST", "/admin/v1/import", text, {"Content-Type": "text/csv"}, see, admin=True)

    def do_change(self, line):
        body = self.terms(line)
        price, prices = line.option("price"), line.option("prices")
        sku = self.own(line.word())
        if price or prices:
            page = self.back_office.get(f"/admin/v1/products/{sku}").json
            if price:
                body["price"] = minor_units(price, page["currency"])
            if prices:
                sent = dict(part.split(":") for part in prices.split(";"))
                body["prices"] = {code: minor_units(value, code) for code, value in sent.items()}
                body["prices"][page["currency"]] = body.get("price", page["price"])

        def see(reply):
            return Seen("ok", fields={"version": reply.json["version"]})
        return Call("PATCH", f"/admin/v1/products/{sku}", body, see=see, admin=True)

    def do_allot(self, line):
        headers = self.key(line)
        body = {"floor": True} if line.flag("floor") else {}
        to, was = line.option("to"), line.option("was")
        sku = self.own(line.word())
        if to is None:
            body["delta"] = int(line.word())
        else:
            body["set"] = int(to)
        if was is not None:
            body["compare"] = int(was)

        def see(reply):
            return Seen("ok", fields={"short": 0, **reply.json}, replayed=is_replayed(reply))
        return Call("POST", f"/admin/v1/products/{sku}/stock", body, headers, see, admin=True)

    def do_numbers(self, line):
        return Call("GET", f"/admin/v1/stock/{self.own(line.word())}", admin=True,
                    see=lambda reply: Seen(fields=reply.json))

    def do_look(self, line):
        only_available = line.flag("only_available")
        skus = [self.own(line.word()) for _ in list(line.words)]

        def see(reply):
            items = reply.json["items"]
            fields = {"count": len(items)}
            for item in items:
                what = f"{self.bare(item['sku'])}." if len(skus) > 1 else ""
                fields[what.rstrip(".") or "status"] = item["status"]
                fields[f"{what}available"] = item["available"]
                fields[f"{what}next_release_in"] = self.until(item["next_release_at"])
                fields[f"{what}starts_in"] = self.until(item["starts_at"])
            return Seen(items[0]["status"] if len(skus) == 1 else None, fields=fields)
        if len(skus) == 1:
            return Call("GET", f"/v1/availability?skus={skus[0]}", see=see)
        body = {"skus": skus, **({"only_available": True} if only_available else {})}
        return Call("POST", "/v1/availability", body, see=see)

    def do_product(self, line):
        return Call("GET", f"/v1/products/{self.own(line.word())}",
                    see=lambda reply: Seen(fields=product_fields(self, reply.json)))

    # Carts.

    def see_cart(self, sku=None, gone=False):
        def see(reply):
            cart = reply.json
            fields = {"lines": len(cart["lines"]), "items_total": cart["items_total"],
                      "currency": cart["currency"], "version": cart["version"]}
            if sku is None:
                return Seen(fields=fields)
            line = next((line for line in cart["lines"] if line["sku"] == sku), None)
            word = "absent" if line is None else line["reservation"]["state"]
            return Seen("gone" if gone else word, fields={**fields, **cart_line(line)})
        return see

    def customer(self, who, version=None):
        """Headers of a customer; `if v1` says which version of the cart has been seen."""
        seen = {"If-Match": f'"{self.kept[version]}"'} if version else {}
        return {"X-Customer-Id": self.guests.get(who, self.own(who)), **seen}

    def do_guest(self, line):
        who = line.word()

        def see(reply):
            self.guests[who] = reply.json["customer"]
            return Seen("created" if reply.status == 201 else "ok")
        return Call("POST", "/v1/guests", see=see)

    def do_cart(self, line):
        currency, version = line.option("currency"), line.option("if")
        who = self.customer(line.word(), version)
        if not line.words:
            return Call("GET", "/v1/cart", headers=who, see=self.see_cart())
        sku, quantity = self.own(line.word()), int(line.word())
        body = {"quantity": quantity, **({"currency": currency} if currency else {})}
        return Call("PUT", f"/v1/cart/items/{sku}", body, who, self.see_cart(sku, quantity == 0))

    def do_line(self, line):
        who = self.customer(line.word())
        return Call("GET", "/v1/cart", headers=who, see=self.see_cart(self.own(line.word())))

    def do_clear(self, line):
        version = line.option("if")
        return Call("DELETE", "/v1/cart", headers=self.customer(line.word(), version))

    def do_extend(self, line):
        version = line.option("if")
        see = self.see_cart()

        def see_extended(reply):
            return Seen("ok", fields=see(reply).fields)
        return Call("POST", "/v1/cart/extend", headers=self.customer(line.word(), version),
                    see=see_extended)

    def do_merge(self, line):
        version = line.option("if")
        guest, into, who = line.word(), line.word(), line.word()
        if guest not in self.guests or into != "into":
            line.fail("is not 'merge' a guest 'into' somebody")
        see = self.see_cart()

        def see_merged(reply):
            return Seen("merged", fields={**see(reply).fields, **dropped_fields(self, reply.json)})
        return Call("POST", "/v1/cart/merge", {"guest_token": self.guests[guest]},
                    self.customer(who, version), see_merged)

    # Orders.

    def see_order(self, line=None, customer=None, replays=False):
        """What an order's reply shows; a checkout's line may name the order."""
        name = line.named() if line else None

        def see(reply):
            order = reply.json
            if customer is not None:
                assert reply.status == 201 and reply.headers["location"].endswith(order["id"])
            known = self.orders.get(self.order_name(order["id"]))
            if name is not None and name in self.orders and known is not self.orders[name]:
                line.fail(f"this is another order than {name}")
            if known is None and name is not None:
                known = self.orders[name] = Order(order, customer)
            if known is not None:
                known.total = order["total"]
            return Seen(order["status"], replayed=replays and is_replayed(reply),
                        fields=order_fields(self, order))
        return see

    def do_checkout(self, line):
        by, expecting = line.option("by"), line.option("expecting")
        headers = self.key(line)
        payment = {"mode": line.option("mode"), "token": line.option("token")}
        body = {"currency": line.option("currency"),
                "payment": {name: value for name, value in payment.items() if value} or None}
        reference = line.option("reference")
        if expecting:
            body["expected_total"] = int(expecting)
        if reference:
            body["references"] = dict([reference.split("=")])
        body.update(self.from_service(line))
        version = line.option("if")
        who = line.word()
        headers.update(self.customer(who, version))
        if by:
            headers["X-Role"] = by
        items = []
        while line.words:
            items.append({"sku": self.own(line.word()), "quantity": int(line.word())})
        if items:
            body["items"] = items
        body = {name: value for name, value in body.items() if value is not None}
        return Call("POST", "/v1/checkout", body, headers, self.see_order(line, who, True))

    def adjustments(self, line):
        """What a back end adds to the total, as a member of the body when the line has any."""
        none = line.option("adjustments")
        sent = [{"kind": kind, "amount": int(amount)}
                for kind in ADJUSTMENTS for amount in line.options(kind)]
        return {"adjustments": sent} if sent or none else {}

    def from_service(self, line):
        identities = [self.own(identity) for identity in line.options("identity")]
        score = line.option("score")
        risk = {"decision": line.option("risk"), "score": int(score) if score else None}
        risk = {name: value for name, value in risk.items() if value is not None}
        return {**self.adjustments(line), **({"identities": identities} if identities else {}),
                **({"risk": risk} if risk else {})}

    def order_of(self, line):
        name = line.word()
        if name not in self.orders:
            line.fail(f"no order is called {name}")
        return self.orders[name]

    def asked_by(self, by, order):
        """Headers of who asks about an order: its own customer unless the line says `by`."""
        if by in ROLES:
            return {**self.customer(order.customer), "X-Role": by}
        return self.customer(by or order.customer)

    def do_order(self, line):
        by = line.option("by")
        order = self.order_of(line)
        if by == "operator":
            return Call("GET", f"/admin/v1/orders/{order.id}", see=self.see_order(), admin=True)
        return Call("GET", f"/v1/orders/{order.id}", headers=self.asked_by(by, order),
                    see=self.see_order())

    def do_orders(self, line):
        def see(reply):
            names = [self.order_name(order["id"]) for order in reply.json["items"]]
            return Seen(fields={"count": len(names), "list": ",".join(names) or None})
        return Call("GET", "/v1/orders", headers=self.customer(line.word()), see=see)

    def report(self, line, order, result, payment_id, refund_id=None, amount=None):
        amount = line.option("amount") or amount or order.total
        body = {"result": result, "provider": line.option("provider") or "bank",
                "payment_id": self.own(payment_id), "amount": int(amount),
                "currency": line.option("currency") or order.currency, **self.adjustments(line)}
        if refund_id:
            body["refund_id"] = refund_id
        headers = self.asked_by(line.option("by") or "service", order)
        if result in ("authorized", "captured"):
            order.payment_id = payment_id
        return Call("POST", f"/v1/orders/{order.id}/payment", body, headers, self.see_order())

    def do_pay(self, line):
        refund_id = line.option("refund")
        order = self.order_of(line)
        result = line.word()
        return self.report(line, order, result, line.word(), refund_id)

    def do_refund(self, line):
        of = line.option("of")
        order = self.order_of(line)
        amount = line.word()
        return self.report(line, order, "refunded", of or order.payment_id, line.word(), amount)

    def do_cancel(self, line):
        by, lines = line.option("by"), line.option("lines")
        headers = self.key(line)
        body = {"restock": line.option("restock"), "reason": line.option("reason")}
        body = {name: value for name, value in body.items() if value}
        if lines:
            pairs = [pair.split(":") for pair in lines.split(",")]
            body["lines"] = [{"line": int(at), "quantity": int(units)} for at, units in pairs]
        order = self.order_of(line)
        see = self.see_order(replays=True)
        if by == "operator":
            return Call("POST", f"/admin/v1/orders/{order.id}/cancel", body, headers, see, True)
        headers.update(self.asked_by(by, order))
        return Call("POST", f"/v1/orders/{order.id}/cancel", body, headers, see)

    def do_review(self, line):
        order = self.order_of(line)
        return Call("POST", f"/admin/v1/orders/{order.id}/review", {"decision": line.word()},
                    see=self.see_order(), admin=True)


def is_replayed(reply):
    return reply.headers.get("idempotency-replayed") == "true"


def minor_units(decimal, currency):
    """Exact, as the merchant's catalog is read; the currencies that tables use."""
    digits = {"JPY": 0, "KWD": 3}.get(currency, 2)
    whole, _, fraction = decimal.partition(".")
    assert len(fraction) <= digits, decimal
    return int(whole + fraction.ljust(digits, "0"))
