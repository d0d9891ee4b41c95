# SPDX-License-Identifier: Apache-2.0
"""C5: a cart is changed only while it is the one that its client has seen."""

import threading

import pytest


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2, settings={"reservations.reserve_on": "cart"}).start()


@pytest.fixture
def ann(server, name):
    return server.shopper(name)


def put_if(shopper, sku, quantity, tag):
    return shopper.call("PUT", f"/v1/cart/items/{sku}", {"quantity": quantity},
                        headers={"If-Match": tag})


def test_a_cart_reply_carries_its_version_as_etag(server, ann, sku):
    server.sell(**{sku: 5})
    for reply in (ann.cart(), ann.put(sku, 1), ann.put(sku, 1), ann.remove(sku), ann.cart()):
        assert reply.status == 200
        assert reply.headers["etag"] == f'"{reply.json["version"]}"'
    assert ann.clear().headers["etag"] == ann.cart().headers["etag"]


def test_a_stale_tag_is_412_on_every_change_and_tells_the_version_of_now(server, ann, sku):
    server.sell(**{sku: 5})
    stale = ann.put(sku, 1).headers["etag"]
    cart = ann.put(sku, 2)
    held = {"If-Match": stale}
    calls = [("PUT", f"/v1/cart/items/{sku}", {"quantity": 3}, None),
             ("DELETE", f"/v1/cart/items/{sku}", None, None),
             ("DELETE", "/v1/cart", None, None),
             ("POST", "/v1/checkout", {}, "key-" + sku)]
    for method, path, body, key in calls:
        refused = ann.call(method, path, body, key=key, headers=held)
        assert (refused.status, refused.code) == (412, "stale_version"), (method, path)
        assert refused.json["version"] == cart.json["version"]
        assert refused.headers["etag"] == cart.headers["etag"]
    assert ann.cart().json["lines"][0]["quantity"] == 2
    assert server.stock(sku) == {"allotment": 5, "available": 3, "held": 2, "sold": 0}
    bought = ann.call("POST", "/v1/checkout", {}, key="key-" + sku,
                      headers={"If-Match": cart.headers["etag"]})
    assert bought.status == 201
    again = ann.call("POST", "/v1/checkout", {}, key="key-" + sku, headers=held)
    assert (again.status, again.json["id"]) == (201, bought.json["id"]), "I3 stands over C5"


@pytest.mark.parametrize("tag", ["7", '"7', '*, "7"', "", '"7" "8"', "W/7"])
def test_what_is_no_tag_is_refused_and_not_ignored(server, ann, sku, tag):
    server.sell(**{sku: 5})
    refused = put_if(ann, sku, 1, tag)
    assert (refused.status, refused.code) == (400, "malformed")
    assert "If-Match" in refused.json["detail"]
    assert ann.cart().json["lines"] == []


def test_of_two_tabs_with_one_version_one_wins(server, name, sku):
    """Each adds one to what it has seen: with If-Match no addition is lost."""
    server.sell(**{sku: 1000})
    tries, tabs = 25, 4
    refusals = []

    def add():
        tab = server.shopper(name)
        for _ in range(tries):
            while True:
                seen = tab.cart()
                lines = seen.json["lines"]
                quantity = lines[0]["quantity"] if lines else 0
                reply = put_if(tab, sku, quantity + 1, seen.headers["etag"])
                if reply.status == 200:
                    break
                assert (reply.status, reply.code) == (412, "stale_version"), reply
                refusals.append(reply.status)

    threads = [threading.Thread(target=add) for _ in range(tabs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.shopper(name).cart().json["lines"][0]["quantity"] == tries * tabs
    assert refusals, "the tabs never met: this has tested nothing"


def test_a_version_stands_over_a_crash(new_server, sku, name):
    """L7: what was seen before the crash is still what is there."""
    server = new_server(settings={"reservations.reserve_on": "cart"}).start()
    server.sell(**{sku: 5})
    ann = server.shopper(name)
    ann.put(sku, 1)
    tag = ann.put(sku, 2).headers["etag"]
    server.kill()
    server.start()
    ann = server.shopper(name)
    assert ann.cart().headers["etag"] == tag
    assert put_if(ann, sku, 3, tag).status == 200
    assert put_if(ann, sku, 4, tag).status == 412
