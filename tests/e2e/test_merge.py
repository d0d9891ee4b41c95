# SPDX-License-Identifier: Apache-2.0
"""C4: a guest turns out to be a customer, on three shards, and with crashes in the middle."""

import concurrent.futures
import http.client
import itertools
import threading

import pytest

from tests.lib.server import eventually

SHARDS = 3


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=SHARDS).start()


def new_guest(server):
    return server.shopper(server.client().post("/v1/guests").json["guest_token"])


def merge(shopper, guest, **headers):
    return shopper.call("POST", "/v1/cart/merge", {"guest_token": guest.name}, headers=headers)


def quantities(cart):
    return {line["sku"]: line["quantity"] for line in cart.json["lines"]}


def held_units(cart):
    return sum(line["quantity"] for line in cart.json["lines"]
               if line["reservation"]["state"] == "held")


def sell_in_carts(server, sku, stock=100, **more):
    server.sell_rows([{"sku": sku, "stock": stock, "reserve_on": "cart", **more}])


def assert_conserved(server, sku, stock, held, sold=0):
    assert server.stock(sku) == {"allotment": stock, "available": stock - held - sold,
                                 "held": held, "sold": sold}


def test_both_carts_are_one_wherever_they_live(server, sku, sku2):
    sell_in_carts(server, sku)
    sell_in_carts(server, sku2, max_per_customer=3)
    for number in range(8):
        ann, guest = server.shopper(f"merge-{sku}-{number}"), new_guest(server)
        ann.put(sku, 1)
        ann.put(sku2, 2)
        guest.put(sku, 2)
        guest.put(sku2, 3)
        merged = merge(ann, guest)
        assert merged.status == 200, merged
        assert quantities(merged) == {sku: 3, sku2: 3}
        assert merged.json["dropped"] == [{"sku": sku2, "quantity": 2, "code": "limit_exceeded"}]
        assert merged.headers["etag"] == ann.cart().headers["etag"]
        assert quantities(ann.cart()) == {sku: 3, sku2: 3}
        assert quantities(guest.cart()) == {}
        again = merge(ann, guest)
        assert (quantities(again), again.json["dropped"]) == (quantities(merged), [])
    assert_conserved(server, sku, 100, held=24)
    assert_conserved(server, sku2, 100, held=24)


def test_what_the_guest_bought_counts_for_the_customer(server, sku):
    """Q: both usages add up, so signing in is no second allowance."""
    server.sell_rows([{"sku": sku, "stock": 100, "max_per_customer": 2}])
    for number in range(6):
        ann, guest = server.shopper(f"used-{sku}-{number}"), new_guest(server)
        assert guest.checkout({sku: 2}).status == 201
        assert ann.checkout({sku: 1}).status == 201
        assert merge(ann, guest).status == 200
        assert ann.checkout({sku: 1}).code == "limit_exceeded"


def test_what_the_guest_lost_is_the_customers_to_buy(new_server, sku):
    """Q4, V6: an order that ends unpaid counts for nobody, also when a crash came between."""
    server = new_server(shards=SHARDS).start()
    server.sell_rows([{"sku": sku, "stock": 100, "max_per_customer": 1}])
    people = []
    for number in range(9):
        ann, guest = server.shopper(f"lost-{number}"), new_guest(server)
        order = guest.checkout({sku: 1})
        assert order.status == 201
        assert merge(ann, guest).status == 200
        people.append((ann.name, guest.name, order.json["id"]))
    server.kill()
    server.start()
    for name, token, order_id in people:
        ann, guest = server.shopper(name), server.shopper(token)
        refused = ann.checkout({sku: 1})
        assert (refused.status, refused.code) == (409, "limit_exceeded"), refused
        assert guest.cancel(order_id).status == 200
        assert ann.checkout({sku: 1}).status == 201
        assert ann.checkout({sku: 1}).code == "limit_exceeded"
    assert_conserved(server, sku, 100, held=9)
    server.kill()
    assert server.audit().returncode == 0
    server.start()
    for name, _, _ in people:
        assert server.shopper(name).checkout({sku: 1}).code == "limit_exceeded"


def test_a_merge_that_cannot_be_counted_is_refused(new_server, sku, sku2):
    """Q6: full counters are no end of the limit; the guest keeps his cart, and may try again."""
    server = new_server(settings={"capacity.identities": 1}).start()
    server.sell_rows([{"sku": name, "stock": 9, "max_per_customer": 2, "reserve_on": "cart"}
                      for name in (sku, sku2)])
    ann, guest = server.shopper("ann"), new_guest(server)
    order = guest.checkout({sku: 1}).json
    assert guest.checkout({sku2: 1}).status == 201
    assert guest.put(sku, 1).status == 200
    full = merge(ann, guest)
    assert (full.status, full.code, full.json["bound"]) == (503, "capacity_exhausted", "identities")
    assert (quantities(guest.cart()), quantities(ann.cart())) == ({sku: 1}, {})
    assert guest.cancel(order["id"]).status == 200
    assert quantities(merge(ann, guest)) == {sku: 1}
    assert ann.checkout({sku2: 2}).code == "limit_exceeded"


def test_a_merged_cart_is_bought(server, sku):
    sell_in_carts(server, sku)
    ann, guest = server.shopper(f"buys-{sku}"), new_guest(server)
    guest.put(sku, 2)
    assert merge(ann, guest).status == 200
    order = ann.checkout()
    assert (order.status, order.json["lines"][0]["quantity"]) == (201, 2)
    assert_conserved(server, sku, 100, held=2)


def test_two_customers_and_one_guest(server, sku):
    """The units go to one of them, whole."""
    sell_in_carts(server, sku, stock=1000)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for number in range(40):
            guest = new_guest(server)
            guest.put(sku, 2)
            both = [server.shopper(f"{who}-{sku}-{number}") for who in ("ann", "bob")]
            replies = list(pool.map(lambda who, guest=guest: merge(who, guest), both))
            assert [reply.status for reply in replies] == [200, 200], replies
            assert sorted(quantities(who.cart()).get(sku, 0) for who in both) == [0, 2]
            assert quantities(guest.cart()) == {}
    assert_conserved(server, sku, 1000, held=80)


def test_merges_survive_a_restart(new_server, sku):
    server = new_server(shards=SHARDS).start()
    sell_in_carts(server, sku)
    ann, guest = server.shopper("ann"), new_guest(server)
    ann.put(sku, 1)
    guest.put(sku, 2)
    before = merge(ann, guest)
    for end in (server.kill, server.stop):
        end()
        server.start()
        ann, guest = server.shopper("ann"), server.shopper(guest.name)
        assert quantities(ann.cart()) == {sku: 3}
        assert ann.cart().json["version"] == before.json["version"]
        assert quantities(guest.cart()) == {}
        assert_conserved(server, sku, 100, held=3)
    assert server.stop() == 0
    server.audit()


class Stream:
    """Guests fill a cart and are merged into customers, until the server is gone."""

    def __init__(self, server, sku):
        self.server, self.sku = server, sku
        self.acknowledged, self.asked = [], []
        self.numbers = itertools.count()

    def one(self):
        ann = self.server.shopper(f"stream-{next(self.numbers)}")
        guest = new_guest(self.server)
        if guest.put(self.sku, 1).status != 200:
            return
        self.asked.append((ann.name, guest.name))
        if merge(ann, guest).status == 200:
            self.acknowledged.append((ann.name, guest.name))

    def again(self, names):
        """The same people, over connections of their own, two at a time: they are bounded."""
        for ann, guest in names:
            yield self.server.shopper(ann), self.server.shopper(guest)

    def run(self):
        try:
            while True:
                self.one()
        except (OSError, http.client.HTTPException):
            pass


@pytest.mark.parametrize("merges", [40, 150])
def test_kill_9_in_a_stream_of_merges(new_server, sku, merges):
    """Acknowledged merges stand; the lines of others are in a cart, held once or by nobody, and the
    retry brings each into the customer's cart once."""
    stock = 4000
    server = new_server(shards=SHARDS).start()
    sell_in_carts(server, sku, stock=stock)
    stream = Stream(server, sku)
    threads = [threading.Thread(target=stream.run) for _ in range(6)]
    for thread in threads:
        thread.start()
    assert eventually(lambda: len(stream.acknowledged) >= merges)
    server.kill()
    for thread in threads:
        thread.join()
    server.audit()
    server.start()
    for ann, guest in stream.again(stream.acknowledged):
        assert quantities(ann.cart()) == {sku: 1}
        assert quantities(guest.cart()) == {}
    for ann, guest in stream.again(stream.asked):
        assert quantities(ann.cart()) or quantities(guest.cart())
        assert held_units(ann.cart()) + held_units(guest.cart()) <= 1, "held twice"
        merged = merge(ann, guest)
        assert (merged.status, quantities(merged)) == (200, {sku: 1}), merged
        assert quantities(guest.cart()) == {}
    held = server.stock(sku)["held"]
    assert_conserved(server, sku, stock, held)
    assert len(stream.asked) <= held <= len(stream.asked) + len(threads), "a cart not yet merged"
    assert server.admin().get("/admin/v1/audit").json["clean"]
