# SPDX-License-Identifier: Apache-2.0
"""A crowd with a book of its own, for servers that die under it.

Each buyer is a thread with customers nobody else acts for and sends one request at a time, so the
book knows what is true of each customer: what was acknowledged last. A request without an answer
is sent again, the same with the same key, until it has one; what the server acknowledged since the
last crash is then looked up again, before anything new is asked.

The test says when it takes the server down (`with buyers.server_down()`); a server that is gone at
any other time has died, and the buyers complain.
"""

import contextlib
import http.client
import random
import threading

MOVING = ("payment_due_at",)  # on the shelf clock, which stood still
REFUSALS = ("sold_out", "held_by_others", "insufficient", "lines_refused")
PLENTY = [f"PLENTY-{number}" for number in range(8)]
SCARCE = [f"SCARCE-{number}" for number in range(4)]  # sold out now and then, and restocked
CARTED = [f"CARTED-{number}" for number in range(4)]  # bought through the cart only (K8)
OPENING_STOCK = {**dict.fromkeys(PLENTY + CARTED, 1_000_000), **dict.fromkeys(SCARCE, 12)}
CUSTOMERS_EACH = 4
ORDER_KEPT_OPEN_MAX = 40

# Nothing of it ends by itself while a test runs, so what was acknowledged last stays true.
SETTINGS = {
    "reservations.hold_seconds": 86400,
    "reservations.payment_seconds": 86400,
    "reservations.max_life_seconds": 604800,
    "limits.max_open_orders": 10000,
    "data.journal_bytes": 134217728,
    "capacity.orders": 32768,
    "capacity.holds": 65536,
    "capacity.lines": 131072,
    "capacity.text_bytes": 33554432,
    "capacity.idempotency_keys": 131072,
    "capacity.claims": 131072,
}


def steady(order):
    return {name: value for name, value in order.items() if name not in MOVING}


class Over(Exception):
    """The test is over and the server does not come back: the request stays unanswered."""


class Buyer(threading.Thread):
    def __init__(self, crowd, number):
        super().__init__(name=f"buyer-{number}", daemon=True)
        self.crowd = crowd
        self.number = number
        self.random = random.Random(f"{crowd.seed} {number}")
        self.customers = [f"{crowd.name}-{number}-{each}" for each in range(CUSTOMERS_EACH)]
        self.client = None
        self.turn = 0
        self.orders = {}  # by id: as acknowledged last
        self.carts = {}  # by customer: {sku: quantity}
        self.restocked = dict.fromkeys(SCARCE, 0)
        self.open = []  # unpaid orders, of which some are paid and some cancelled
        self.recent = {}  # acknowledged since the last look
        self.unanswered = None  # what is being asked
        self.lost = False  # a connection, since the last look

    # Asking.

    def run(self):
        try:
            while not self.crowd.over.is_set():
                self.turn += 1
                self.act()
                self.crowd.over.wait(self.random.uniform(0, self.crowd.pause_max))
                if self.lost:
                    self.lost = False
                    self.look_again()
        except Over:
            pass
        except Exception as problem:  # pylint: disable=broad-except
            self.crowd.complain(f"{self.name} turn {self.turn}: {problem!r}")

    def send(self, method, path, body, headers):
        """One attempt: the reply, or None when there was none."""
        admin = path.startswith("/admin")
        if self.client is None:
            self.client = self.crowd.server.client()
        client = self.crowd.server.admin() if admin else self.client
        try:
            reply = client.request(method, path, body=body, headers=headers)
        except (OSError, http.client.HTTPException):
            return None
        finally:
            if admin:
                client.close()
        return None if reply.status == 503 and self.crowd.down else reply

    def send_until_answered(self, method, path, body, headers):
        """The same each time; the reply, and whether it took a second attempt."""
        reply = self.send(method, path, body, headers)
        lost = reply is None
        while reply is None:
            self.crowd.wait_for_server()
            reply = self.send(method, path, body, headers)
        return reply, lost

    def ask(self, method, path, customer=None, body=None, key=None):
        headers = {"X-Customer-Id": customer, "X-Role": "service"} if customer else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        self.unanswered = (method, path, customer, body, key)
        reply, lost = self.send_until_answered(method, path, body, headers)
        self.unanswered = None
        self.lost = self.lost or lost
        self.crowd.count(lost)
        return reply

    def new_key(self):
        return f"{self.crowd.name}-{self.number}-{self.turn}"

    # Acting.

    def act(self):
        customer = self.random.choice(self.customers)
        kind = self.random.choices(
            [self.buy, self.fill, self.buy_cart, self.pay, self.cancel, self.restock],
            [30, 20, 8, 22, 12, 8])[0]
        kind(customer)

    def note(self, reply, customer):
        order = steady(reply.json)
        assert order["customer"] == customer, (order, customer)
        known = self.orders.get(order["id"])
        assert known is None or known["version"] <= order["version"], (known, order)
        self.orders[order["id"]] = self.recent[order["id"]] = order
        return order

    def buy(self, customer):
        skus = self.random.sample(PLENTY, self.random.randrange(1, 4))
        if self.random.random() < 0.3:
            skus.append(self.random.choice(SCARCE))
        body = {"items": [{"sku": sku, "quantity": self.random.randrange(1, 4)} for sku in skus],
                "payment": {"mode": self.random.choice(["external", "deferred"])}}
        reply = self.ask("POST", "/v1/checkout", customer, body, self.new_key())
        self.note_checkout(reply, customer)

    def note_checkout(self, reply, customer):
        if reply.status == 409:
            assert reply.code in REFUSALS, reply
            return False
        assert reply.status == 201, reply
        order = self.note(reply, customer)
        if order["status"] == "pending_payment":
            self.open.append(order["id"])
        return True

    def fill(self, customer):
        sku, units = self.random.choice(CARTED), self.random.randrange(4)
        reply = self.ask("PUT", f"/v1/cart/items/{sku}", customer, {"quantity": units})
        assert reply.status == 200, reply
        self.carts[customer] = lines_of(reply.json)
        assert self.carts[customer].get(sku, 0) == units, reply

    def buy_cart(self, customer):
        """K6: one cart, one order, however often it is sent."""
        cart = self.carts.get(customer)
        if not cart:
            return
        reply = self.ask("POST", "/v1/checkout", customer, {}, self.new_key())
        assert self.note_checkout(reply, customer), reply
        assert {line["sku"]: line["quantity"] for line in reply.json["lines"]} == cart, reply
        self.carts[customer] = {}

    def take_open(self):
        if not self.open or len(self.open) < ORDER_KEPT_OPEN_MAX and self.random.random() < 0.3:
            return None
        return self.orders[self.open.pop(self.random.randrange(len(self.open)))]

    def pay(self, _):
        order = self.take_open()
        if order is None:
            return
        report = {"result": "captured", "provider": "bank", "payment_id": self.new_key(),
                  "amount": order["total"], "currency": order["currency"]}
        reply = self.ask("POST", f"/v1/orders/{order['id']}/payment", order["customer"], report)
        assert reply.status == 200, reply
        assert self.note(reply, order["customer"])["status"] == "confirmed", reply

    def cancel(self, _):
        order = self.take_open()
        if order is None:
            return
        reply = self.ask("POST", f"/v1/orders/{order['id']}/cancel", order["customer"], {},
                         self.new_key())
        assert reply.status == 200, reply
        assert self.note(reply, order["customer"])["status"] == "cancelled", reply

    def restock(self, _):
        sku, units = self.random.choice(SCARCE), self.random.randrange(1, 4)
        reply = self.ask("POST", f"/admin/v1/products/{sku}/stock", None,
                         {"delta": units, "reason": "found"}, self.new_key())
        assert reply.status == 200, reply
        self.restocked[sku] += units

    # Looking.

    def get(self, path, customer):
        headers = {"X-Customer-Id": customer, "X-Role": "service"}
        reply, _ = self.send_until_answered("GET", path, None, headers)
        assert reply.status == 200, (path, reply)
        return reply.json

    def look_again(self):
        """V7: after a crash, what was acknowledged before it."""
        for order_id, order in list(self.recent.items()):
            now = steady(self.get(f"/v1/orders/{order_id}", order["customer"]))
            assert now == order, f"acknowledged {order}, now {now}"
        self.recent.clear()
        for customer, cart in self.carts.items():
            now = lines_of(self.get("/v1/cart", customer))
            assert now == cart, f"{customer}'s cart: acknowledged {cart}, now {now}"


def lines_of(cart):
    for line in cart["lines"]:
        assert line["reservation"]["state"] == "held", cart
    return {line["sku"]: line["quantity"] for line in cart["lines"]}


class Buyers:
    """The crowd. start(), crash the server as often as wanted, stop(), check()."""

    def __init__(self, server, seed, buyers=6, name="c", pause_max=0):
        self.server = server
        self.seed = seed
        self.name = name
        self.pause_max = pause_max  # seconds between a buyer's requests: journals are finite
        self.over = threading.Event()
        self.given_up = threading.Event()
        self.condition = threading.Condition()
        self.down = False
        self.answered = 0
        self.resent = 0
        self.complaints = []
        self.buyers = [Buyer(self, number) for number in range(buyers)]

    def open_shop(self):
        self.server.sell_rows(
            [{"sku": sku, "stock": units, "price": f"{1 + number}.25",
              "reserve_on": "cart" if sku in CARTED else "checkout"}
             for number, (sku, units) in enumerate(OPENING_STOCK.items())])
        return self

    def start(self):
        for buyer in self.buyers:
            buyer.start()
        return self

    # Called by buyers.

    def complain(self, words):
        with self.condition:
            self.complaints.append(words)
            self.condition.notify_all()

    def count(self, lost):
        with self.condition:
            self.answered += 1
            self.resent += lost
            self.condition.notify_all()

    def wait_for_server(self):
        with self.condition:
            assert self.down or self.server.process.poll() is None, "the server died"
            self.condition.wait_for(lambda: not self.down or self.given_up.is_set())
        if self.given_up.is_set():
            raise Over

    # Called by the test.

    @contextlib.contextmanager
    def server_down(self):
        """The server may go, and is there again at the end."""
        with self.condition:
            self.down = True
        yield
        with self.condition:
            self.down = False
            self.condition.notify_all()

    def wait_for_answers(self, more, seconds=60):
        """Until so many more requests were answered."""
        with self.condition:
            wanted = self.answered + more
            assert self.condition.wait_for(
                lambda: self.answered >= wanted or self.complaints, seconds), "no answers"
        self.assert_content()

    def assert_content(self):
        assert not self.complaints, f"SEED={self.seed}\n" + "\n".join(self.complaints)

    def stop(self, seconds=60):
        """Each buyer's last request is answered; then they are gone."""
        self.over.set()
        for buyer in self.buyers:
            buyer.join(seconds)
            assert not buyer.is_alive(), f"{buyer.name} waits for {buyer.unanswered}"
        self.assert_content()

    def end(self):
        """Whatever became of the server, nobody stays behind."""
        self.over.set()
        self.given_up.set()
        with self.condition:
            self.condition.notify_all()
        for buyer in self.buyers:
            if buyer.is_alive():
                buyer.join(30)
        self.given_up.clear()  # who checks may wait again

    def orders(self):
        """By id, as acknowledged last."""
        return {order_id: order
                for buyer in self.buyers for order_id, order in buyer.orders.items()}

    def check(self):
        """V1 to V4, V7, I3: the server is what the book says, and nothing else."""
        self.check_customers()
        self.check_stock()

    def check_customers(self):
        for buyer in self.buyers:
            buyer.look_again()
            for customer in buyer.customers:
                found = self.listed(customer)
                wanted = {order_id: (order["status"], order["version"], order["total"])
                          for order_id, order in buyer.orders.items()
                          if order["customer"] == customer}
                assert found == wanted, f"{customer}: {difference(found, wanted)}"

    def listed(self, customer):
        found, query = {}, "?limit=200"
        shopper = self.server.service(customer)
        while query:
            page = shopper.orders(query).json
            for order in page["items"]:
                assert order["id"] not in found, order
                found[order["id"]] = (order["status"], order["version"], order["total"])
            query = page["next_cursor"] and f"?limit=200&cursor={page['next_cursor']}"
        shopper.client.close()
        return found

    def check_stock(self):
        held, sold = dict.fromkeys(OPENING_STOCK, 0), dict.fromkeys(OPENING_STOCK, 0)
        for order in self.orders().values():
            counter = {"pending_payment": held, "confirmed": sold}.get(order["status"])
            for line in order["lines"] if counter is not None else []:
                counter[line["sku"]] += line["quantity"] - line["cancelled"]
        for buyer in self.buyers:
            for cart in buyer.carts.values():
                for sku, units in cart.items():
                    held[sku] += units
        for sku, opening in OPENING_STOCK.items():
            allotment = opening + sum(buyer.restocked.get(sku, 0) for buyer in self.buyers)
            assert self.server.stock(sku) == {
                "allotment": allotment, "held": held[sku], "sold": sold[sku],
                "available": allotment - held[sku] - sold[sku]}, sku


def difference(found, wanted):
    """What two dictionaries do not agree about."""
    return {name: (found.get(name), wanted.get(name)) for name in {*found, *wanted}
            if found.get(name) != wanted.get(name)}
