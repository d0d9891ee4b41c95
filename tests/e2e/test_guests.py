# SPDX-License-Identifier: Apache-2.0
"""C4: guests have an identity that the server signs and keeps nothing of."""

import base64
import datetime
import stat

import pytest

SHARED = "the-key-that-all-nodes-have-of-their-guests"


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2).start()


def new_guest(server):
    reply = server.client().post("/v1/guests")
    assert reply.status == 201, reply
    assert reply.json["customer"] == reply.json["guest_token"]
    return reply.json


def assert_unknown(reply):
    assert (reply.status, reply.code) == (401, "unauthenticated"), reply


def test_a_guest_is_an_identity_for_a_month(server):
    guest = new_guest(server)
    ends = datetime.datetime.fromisoformat(guest["expires_at"].replace("Z", "+00:00"))
    lives = ends - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(days=29, hours=23) < lives <= datetime.timedelta(days=30)
    assert 1 <= len(guest["customer"]) <= 127
    assert guest["customer"].isascii() and guest["customer"].isprintable()


def test_no_two_guests_are_alike(server):
    client = server.client()
    assert len({client.post("/v1/guests").json["customer"] for _ in range(2000)}) == 2000


def test_a_guest_fills_a_cart_and_buys(server, sku):
    server.sell(**{sku: 5})
    token = new_guest(server)["guest_token"]
    guest, other = server.shopper(token), server.shopper(new_guest(server)["guest_token"])
    assert guest.put(sku, 2).status == 200
    assert guest.cart().json["lines"][0]["quantity"] == 2
    assert other.cart().json["lines"] == []
    order = guest.checkout()
    assert (order.status, order.json["customer"]) == (201, token)
    assert guest.order(order.json["id"]).status == 200
    assert other.order(order.json["id"]).status == 404
    assert server.service(token).pay(order.json).json["status"] == "confirmed"


def forgeries(token):
    head, random, ends, sum_ = token.split(".")
    zeros = base64.urlsafe_b64encode(bytes(32)).rstrip(b"=").decode()
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same_bits = last[last.index(sum_[-1]) ^ 1]  # padding bits: the same bytes in other letters
    return [
        f"{head}.{random}.{int(ends) + 1}.{sum_}", f"{head}.{random[::-1]}.{ends}.{sum_}",
        f"{head}.{random}.{ends}.{zeros}", f"{head}.{random}.{ends}.{sum_[:-1]}{same_bits}",
        f"{head}.{random}.{ends}.{sum_}=", f"{head}.{random}.{ends}.{sum_}.", token[:-1],
        f"{head}.{random}.{ends}.", f"{head}.{random}.{ends}", f"{head}.{random}.0{ends}.{sum_}",
        f"{head}.", f"{head}.{sum_}", f"{head}." + "A" * 122, f"{token}.{token}"[:127]]


def test_nobody_acts_as_a_forged_guest(server, sku):
    server.sell(**{sku: 5})
    token = new_guest(server)["guest_token"]
    for forged in forgeries(token):
        for role in (None, "service"):
            shopper = server.service(forged) if role else server.shopper(forged)
            assert_unknown(shopper.cart())
            assert_unknown(shopper.put(sku, 1))
            assert_unknown(shopper.checkout({sku: 1}))
            assert_unknown(shopper.orders())
    assert server.stock(sku) == {"allotment": 5, "available": 5, "held": 0, "sold": 0}
    assert server.shopper(token).cart().status == 200


@pytest.mark.parametrize("body, status", [("{}", 201), ('{"name": "ann"}', 422), ("[]", 422),
                                          ("{", 400)])
def test_a_guest_asks_for_nothing(server, body, status):
    reply = server.client().post("/v1/guests", body, headers={"Content-Type": "application/json"})
    assert reply.status == status, reply
    assert server.client().get("/v1/guests").status == 405


def test_guests_stay_who_they_are_over_a_restart(new_server, sku):
    server = new_server().start()
    server.sell(**{sku: 5})
    token = new_guest(server)["guest_token"]
    assert server.shopper(token).put(sku, 1).status == 200
    secret = server.data / "guest-secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert not (server.data / "guest-secret.new").exists()
    before = secret.read_text()
    server.kill()
    server.start()
    assert secret.read_text() == before
    assert server.shopper(token).cart().json["lines"][0]["sku"] == sku
    assert before.strip() not in server.log()


def test_a_key_that_is_damaged_stops_the_start(new_server):
    server = new_server().start()
    assert server.stop() == 0
    secret = server.data / "guest-secret"
    secret.write_text("torn")
    said = server.refuses_to_start()
    assert str(secret) in said and "torn" not in said


def test_nodes_with_one_key_know_each_others_guests(new_server, sku):
    nodes = []
    for _ in range(2):
        node = new_server()
        path = node.directory / "guest-key"
        path.write_text(SHARED + "\n")
        path.chmod(0o600)
        node.change(auth__guest_secret_file=path)
        nodes.append(node.start())
    stranger = new_server().start()
    token = new_guest(nodes[0])["guest_token"]
    assert nodes[1].shopper(token).cart().status == 200
    assert_unknown(stranger.shopper(token).cart())
    assert not (nodes[0].data / "guest-secret").exists()
    assert nodes[1].stop() == 0
    (nodes[1].directory / "guest-key").write_text("another-key-of-guests\n" + SHARED + "\n")
    nodes[1].start()
    assert nodes[1].shopper(token).cart().status == 200, "an old key is believed"
    assert_unknown(nodes[0].shopper(new_guest(nodes[1])["guest_token"]).cart())
