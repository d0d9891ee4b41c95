# SPDX-License-Identifier: Apache-2.0
"""Orders over the Redis protocol: the same engine, rules and keys as over HTTP."""

import itertools
import json
import random
import signal

import pytest

from tests.lib.client import new_key
from tests.lib.resp import command, pairs, redis
from tests.lib.server import eventually, free_address

UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"
CARD = "4111111111111111"
CUSTOMERS = 500

customer_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=[1, 2], ids=["1 shard", "2 shards"])
def shop(new_shared_server, request):
    return new_shared_server(
        shards=request.param, settings={"server.resp": free_address()}).start()


@pytest.fixture
def client(shop):
    client = redis(shop)
    assert client.ask("HELLO", 3)["proto"] == 3
    yield client
    client.close()


@pytest.fixture(name="ann")
def customer():
    return f"ann-{next(customer_numbers)}"


def as_http(order):
    """An order as HTTP shows it; what is JSON there is a text of it here."""
    shown = dict(order)
    for name in ("references", "adjustments"):
        shown[name] = json.loads(shown[name])
    shown["reclaimed"] = bool(shown["reclaimed"])
    return shown


def buy(client, customer, sku, units=1, *options, key=None):
    return client.ask("HS.CHECKOUT", customer, key or new_key(), "ITEM", sku, units, *options)


def test_a_checkout_is_the_order_that_http_shows(shop, client, ann, sku, sku2):
    """K2 K8 L10: the cart is left alone when items are named."""
    shop.sell(**{sku: 5, sku2: 5})
    order = client.ask(
        "HS.CHECKOUT", ann, "k", "ITEM", sku, 2, "item", sku2, 1, "REF", "order_no", "A-é 7",
        "EXPECT", 300, "MODE", "external", "TOKEN", "tok_1", "CURRENCY", "GBP", "REF", "a", "")
    assert as_http(order) == shop.shopper(ann).order(order["id"]).json
    assert [(line["sku"], line["quantity"]) for line in order["lines"]] == [(sku, 2), (sku2, 1)]
    assert json.loads(order["references"]) == {"a": "", "order_no": "A-é 7"}
    assert (order["status"], order["customer"], order["total"]) == ("pending_payment", ann, 300)
    assert client.ask("HS.ORDER", order["id"]) == order
    assert client.ask("HS.STOCK", sku)["held"] == 2


def test_the_cart_becomes_an_order_once(client, shop, ann, sku):
    """K6: whose cart it was hears which order it became."""
    shop.sell(**{sku: 5})
    assert client.ask("HS.CHECKOUT", ann, "k0") == "EMPTY cart_empty"
    assert client.ask("HS.CART.SET", ann, sku, 2)["items_total"] == 200
    order = client.ask("HS.CHECKOUT", ann, "k1")
    assert order["lines"][0]["quantity"] == 2
    assert client.ask("HS.CHECKOUT", ann, "k2") == f"EMPTY cart_empty order_id={order['id']}"
    assert client.ask("HS.CHECKOUT", ann, "k1") == order


def test_a_deferred_order_is_confirmed_at_once(client, shop, ann, sku):
    """P1: role service may name the mode."""
    shop.sell(**{sku: 5})
    assert buy(client, ann, sku, 1, "MODE", "deferred")["status"] == "confirmed"


def test_two_versions_say_the_same(shop, ann, sku):
    """RESP2 has flat arrays where RESP3 has maps; an unknown order is nothing in both."""
    shop.sell(**{sku: 5})
    two, three = redis(shop), redis(shop)
    three.ask("HELLO", 3)
    flat, mapped = (buy(asks, ann, sku, 2, "REF", "a", "b", key="same") for asks in (two, three))
    shown = pairs(flat)
    shown["lines"] = [pairs(line) for line in shown["lines"]]
    assert shown == mapped
    assert list(shown) == ["id", "status", "version", "customer", "sale", "currency", "lines",
                           "adjustments", "items_total", "total", "paid", "refund_due",
                           "payment_due_at", "cancel_until", "reclaimed", "references",
                           "created_at", "confirmed_at"]
    for client in (two, three):
        assert client.ask("HS.ORDER", UNKNOWN) is None
        assert client.ask("HS.PAY", "what is no id", "captured", "bank", "p", 1, "GBP") is None
        assert client.ask("HS.PAY", UNKNOWN, "captured", "bank", "p", 1, "GBP") == "STATE archived"
        assert client.ask("HS.CANCEL", UNKNOWN, "available", "k") is None
        assert client.ask("HS.CANCEL", "what is no id", "available", "k") is None
    two.send(command("HS.ORDER", UNKNOWN))
    three.send(command("HS.ORDER", UNKNOWN))
    assert (two.file.readline(), three.file.readline()) == (b"$-1\r\n", b"_\r\n")


@pytest.mark.parametrize("lines", [1, 4, 5, 60])
def test_the_longest_order_arrives_whole(shop, lines):
    """Names, amounts and references of the greatest length, in a small reply and in a large one."""
    number = next(customer_numbers)
    customer = f"ann-{number}-".ljust(127, "x")
    skus = [f"S-{number}-{line}-".ljust(63, "s") for line in range(lines)]
    shop.sell_rows([{"sku": sku, "seller": "m" * 63, "price": "90071992547.99", "stock": 2000}
                    for sku in skus])
    references = {letter * 32: "\\" * 108 for letter in "abcdefgh"}
    words = [word for sku in skus for word in ("ITEM", sku, 10)]
    words += [word for pair in references.items() for word in ("REF", *pair)]
    two, three = redis(shop), redis(shop)
    three.ask("HELLO", 3)
    mapped = three.ask("HS.CHECKOUT", customer, "k", *words)
    assert isinstance(mapped, dict), mapped
    flat = pairs(two.ask("HS.CHECKOUT", customer, "k", *words))
    flat["lines"] = [pairs(line) for line in flat["lines"]]
    assert flat == mapped
    assert as_http(mapped) == shop.shopper(customer).order(mapped["id"]).json
    assert [line["sku"] for line in mapped["lines"]] == skus
    assert json.loads(mapped["references"]) == references
    assert mapped["total"] == lines * 10 * 9007199254799
    for client in (two, three):  # nothing stands behind the reply
        assert client.ask("PING") == "PONG"


def test_a_key_is_one_over_both_protocols(client, shop, ann, sku):
    """I2 I3 I4: whoever calls, in whatever words; the replay shows the order as it was born."""
    shop.sell(**{sku: 9})
    http, items = shop.shopper(ann), {sku: 2}
    born = buy(client, ann, sku, 2, "REF", "b", "2", "REF", "a", "1", "EXPECT", 200, key="there")
    back = http.checkout(items, key="there", references={"a": "1", "b": "2"}, expected_total=200)
    assert (back.status, back.headers["idempotency-replayed"]) == (201, "true")
    assert back.json == as_http(born)
    assert http.checkout(items, key="there").code == "idempotency_key_reused"
    sent = http.checkout(items, key="back", currency="GBP", payment={"token": "t"})
    assert shop.service(ann).pay(sent.json).json["status"] == "confirmed"
    for key in ("back", '"back"'):  # I7
        again = buy(client, ann, sku, 2, "TOKEN", "t", "CURRENCY", "GBP", key=key)
        assert as_http(again) == sent.json
    assert client.ask("HS.ORDER", sent.json["id"])["status"] == "confirmed"
    assert buy(client, ann, sku, 2, key="back") == "IDEMREUSED idempotency_key_reused"
    assert client.ask("HS.STOCK", sku)["available"] == 5


def test_cancels_and_stock_changes_share_their_keys_too(client, shop, ann, sku):
    """I2 I3: what is changed and the key, over either protocol."""
    shop.sell(**{sku: 9})
    http, change = shop.shopper(ann), f"/admin/v1/products/{sku}/stock"
    order = buy(client, ann, sku, 3, "MODE", "deferred")
    partly = client.ask("HS.CANCEL", order["id"], "available", "c", "LINE", 1, 2)
    assert (partly["status"], partly["lines"][0]["cancelled"]) == ("confirmed", 2)
    again = http.cancel(order["id"], key="c", lines=[{"line": 1, "quantity": 2}])
    assert (again.headers["idempotency-replayed"], again.json) == ("true", as_http(partly))
    assert client.ask("HS.CANCEL", order["id"], "available", "c") == \
        "IDEMREUSED idempotency_key_reused " \
        f"order_id={order['id']} order_status=confirmed"
    assert http.cancel(order["id"], key="d").json["status"] == "cancelled"
    assert client.ask("HS.CANCEL", order["id"], "AVAILABLE", "d")["status"] == "cancelled"
    assert client.ask("HS.STOCK.ADD", sku, 5, "found some", "s") == {
        "sku": sku, "allotment": 14, "available": 14, "held": 0, "sold": 0}
    sent = shop.admin().post(change, {"delta": 5, "reason": "found some"},
                             headers={"Idempotency-Key": "s"})
    assert (sent.headers["idempotency-replayed"], sent.json["allotment"]) == ("true", 14)
    shop.admin().post(change, {"delta": -4}, headers={"Idempotency-Key": "t"})
    assert client.ask("HS.STOCK.ADD", sku, -4, "", "t")["allotment"] == 10
    assert client.ask("HS.STOCK.ADD", sku, "+4", "", "t").startswith("IDEMREUSED ")
    assert client.ask("HS.STOCK.ADD", sku, -11, "", "u") == f"INSUFFICIENT {sku}:insufficient:10"
    assert client.ask("HS.STOCK", sku)["allotment"] == 10


def test_payments_move_an_order_as_over_http(client, shop, ann, sku):
    """P2 P3 P4 P8 O3 L4: the refusal says which state the order is in."""
    shop.sell(**{sku: 9})
    order = buy(client, ann, sku, 2)
    about = f"order_id={order['id']} order_status="

    def pay(result, payment="p", amount=200, currency="GBP", *refund):
        return client.ask("HS.PAY", order["id"], result, "bank", payment, amount, currency, *refund)

    payment = f"p-{order['id']}"
    assert pay("pending", payment)["status"] == "pending_payment"
    assert pay("declined", payment)["status"] == "pending_payment"
    for amount, currency in ((199, "GBP"), (200, "USD")):
        assert pay("captured", payment, amount, currency) == \
            f"MISMATCH payment_mismatch {about}pending_payment"
    paid = pay("CAPTURED", payment)
    assert (paid["status"], paid["paid"]) == ("confirmed", 200)
    assert pay("captured", payment) == paid
    told = shop.service(ann).pay(order, payment_id=payment)
    assert (told.status, told.headers["idempotency-replayed"]) == (200, "true")
    assert pay("cancelled", payment) == f"STATE invalid_transition {about}confirmed"
    other = buy(client, ann, sku, 2)
    assert client.ask("HS.PAY", other["id"], "captured", "bank", payment, 200, "GBP").startswith(
        "MISMATCH payment_id_used ")
    gone = client.ask("HS.CANCEL", order["id"], "none", "c")
    assert (gone["status"], gone["refund_due"]) == ("refund_required", 200)
    assert pay("refunded", payment, 50, "GBP", "REFUND", "r1")["refund_due"] == 150
    assert pay("refunded", payment, 50, "GBP", "refund", "r1")["refund_due"] == 150
    assert pay("refunded", payment, 150, "GBP", "REFUND", "r2")["status"] == "refunded"
    assert client.ask("HS.STOCK", sku)["sold"] == 2, "none of it was put back"


def test_money_for_a_cancelled_order_must_go_back(client, shop, ann, sku):
    """P7: recorded, and told as an error that names the state."""
    shop.sell(**{sku: 9})
    order = buy(client, ann, sku)
    assert client.ask("HS.CANCEL", order["id"], "available", "c")["status"] == "cancelled"
    paid = client.ask("HS.PAY", order["id"], "captured", "bank", new_key(), 100, "GBP")
    assert paid == f"REFUND refund_required order_id={order['id']} order_status=refund_required"


def test_refusals_name_each_line_that_failed(client, shop, ann, sku, sku2):
    """A4 K1 K2 K4 V5: nothing is taken."""
    late, capped = f"{sku}-L", f"{sku}-C"
    shop.sell_rows([{"sku": sku, "stock": 0}, {"sku": sku2, "stock": 2},
                    {"sku": late, "starts_at": "2099-01-01T00:00:00Z"},
                    {"sku": capped, "max_per_customer": 1},
                    {"sku": f"{sku}-E", "ends_at": "2020-01-01T00:00:00Z"}])
    assert buy(client, ann, sku) == f"SOLDOUT {sku}:sold_out:0"
    assert buy(client, ann, sku2, 3) == f"INSUFFICIENT {sku2}:insufficient:2"
    assert buy(client, ann, late) == f"NOTSTARTED {late}:sale_not_started:0"
    assert buy(client, ann, f"{sku}-E") == f"ENDED {sku}-E:sale_ended:0"
    assert buy(client, ann, "NOPE") == "UNKNOWNSKU NOPE:unknown_sku:0"
    assert buy(client, ann, capped, 2).startswith(f"LIMIT {capped}:limit_exceeded:")
    assert buy(client, ann, sku2, 3, "ITEM", sku, 1, "ITEM", sku2, 1) == \
        f"LINES {sku2}:insufficient:2 {sku}:sold_out:0"
    assert buy(client, ann, sku2, 1, "EXPECT", 99) == \
        "PRICE price_changed items_total=100 currency=GBP"
    assert buy(client, ann, sku2, 1, "CURRENCY", "USD").startswith("MISMATCH ")
    assert buy(client, ann, sku2, 2)["status"] == "pending_payment"
    assert buy(client, f"{ann}-b", sku2) == f"HELD {sku2}:held_by_others:0"
    assert shop.admin().post("/admin/v1/pause", {"scope": f"sku:{capped}"}).status == 200
    assert buy(client, ann, capped).startswith(f"PAUSED {capped}:paused:")
    assert client.ask("HS.STOCK", late)["available"] == 10


def test_what_a_sale_hides_stays_hidden(client, shop, ann, sku, sku2):
    """A5: nothing stands where a number would."""
    shop.sell_rows([{"sku": sku, "sale": f"shy-{sku}", "stock": 3},
                    {"sku": sku2, "sale": f"shy-{sku}", "stock": 0}])
    assert shop.admin().put(f"/admin/v1/sales/shy-{sku}", {"counts": "boolean"}).status == 200
    assert [item["available"] for item in client.ask("HS.AVAIL", sku, sku2)] == [None, None]
    assert buy(client, ann, sku, 4) == f"INSUFFICIENT {sku}:insufficient:"
    assert buy(client, ann, sku2) == f"SOLDOUT {sku2}:sold_out:"
    assert client.ask("HS.STOCK", sku)["available"] == 3, "a back end may know"


WRONG = [
    (["HS.CHECKOUT", "ann", "k", "ITEM", "S1"], "ERR syntax error in HS.CHECKOUT"),
    (["HS.CHECKOUT", "ann", "k", "THING", "S1", 1], "ERR syntax error in HS.CHECKOUT"),
    (["HS.CHECKOUT", "ann", "k", "ITEM", "S1", 0], "ERR the quantity must be a number of 1 to"),
    (["HS.CHECKOUT", "ann", "k", "ITEM", "S1", "1.5"], "ERR the quantity must be a number"),
    (["HS.CHECKOUT", "ann", "k", "ITEM", "S1", "9" * 30], "ERR the quantity must be a number"),
    (["HS.CHECKOUT", "ann", "k", "ITEM", "S1", 1000001],
     "LIMIT quantity_too_large bound=units_per_line value=1000000"),
    (["HS.CHECKOUT", "ann", "k"] + ["ITEM", "S1", 1] * 513,
     "LIMIT too_many_lines bound=lines_per_order value=512"),
    (["HS.CHECKOUT", "ann", "k", "ITEM", "a b", 1], "ERR argument 4 cannot be a SKU"),
    (["HS.CHECKOUT", "ann", "", "ITEM", "S1", 1], "ERR idempotency_key_invalid"),
    (["HS.CHECKOUT", "ann", "x" * 256, "ITEM", "S1", 1], "ERR idempotency_key_invalid"),
    (["HS.CHECKOUT", "ann", '"open', "ITEM", "S1", 1], "ERR idempotency_key_invalid"),
    (["HS.CHECKOUT", "", "k"], "ERR a customer has 1 to 127 bytes"),
    (["HS.CHECKOUT", "a" * 128, "k"], "ERR a customer has 1 to 127 bytes"),
    (["HS.CHECKOUT", "ann", "k", "EXPECT", -1], "ERR the total must be a number"),
    (["HS.CHECKOUT", "ann", "k", "EXPECT", 1, "EXPECT", 1], "ERR EXPECT may be sent once"),
    (["HS.CHECKOUT", "ann", "k", "MODE", "later"], "ERR the mode must be one of external deferred"),
    (["HS.CHECKOUT", "ann", "k", "TOKEN", ""], "ERR the token must have 1 to 255 bytes"),
    (["HS.CHECKOUT", "ann", "k", "TOKEN", CARD], "ERR card_number_refused"),
    (["HS.CHECKOUT", "ann", "k", "REF", "a", CARD], "ERR card_number_refused"),
    (["HS.CHECKOUT", "ann", "k", "REF", "A", "x"], "ERR a reference must have a name"),
    (["HS.CHECKOUT", "ann", "k", "REF", "a", "x" * 128], "ERR the value of a reference must have"),
    (["HS.CHECKOUT", "ann", "k", "REF", "a", "x", "REF", "a", "x"], "ERR a reference stands there"),
    (["HS.CHECKOUT", "ann", "k"] + [w for c in "abcdefghi" for w in ("REF", c, "x")],
     "ERR the references must be at most 8"),
    (["HS.CHECKOUT", "ann", "k", "CURRENCY", "gbp"], "ERR the currency must be a code"),
    (["HS.CART.SET", "ann", "S1", 1, "MONEY", "GBP"], "ERR syntax error in HS.CART.SET"),
    (["HS.CART.SET", "ann", "S1", -1], "ERR the quantity must be a number of 0 to"),
    (["HS.PAY", UNKNOWN, "stolen", "bank", "p", 1, "GBP"], "ERR the result must be one of"),
    (["HS.PAY", UNKNOWN, "captured", "", "p", 1, "GBP"], "ERR the provider must have 1 to 127"),
    (["HS.PAY", UNKNOWN, "captured", "bank", "p" * 128, 1, "GBP"], "ERR payment_id must have"),
    (["HS.PAY", UNKNOWN, "captured", "bank", "p", "1e3", "GBP"], "ERR the amount must be a number"),
    (["HS.PAY", UNKNOWN, "refunded", "bank", "p", 1, "GBP", "FUND", "r"], "ERR syntax error in"),
    (["HS.CANCEL", UNKNOWN, "maybe", "k"], "ERR restock must be one of available none"),
    (["HS.CANCEL", UNKNOWN, "none", "k", "LINE", 0, 1], "ERR the line must be a number of 1 to"),
    (["HS.CANCEL", UNKNOWN, "none", "k", "LINE", 1], "ERR syntax error in HS.CANCEL"),
    (["HS.STOCK.ADD", "S1", 0, "", "k"], "ERR the delta must not be 0"),
    (["HS.STOCK.ADD", "S1", 1 << 32, "", "k"], "ERR the delta must be a number of -4294967295 to"),
    (["HS.STOCK.ADD", "S1", 1, "x" * 128, "k"], "ERR the reason must have 0 to 127 bytes"),
    (["HS.STOCK.ADD", "NOPE", 1, "", "k"], "UNKNOWNSKU NOPE:unknown_sku:0"),
]


def test_what_cannot_be_read_is_named(client):
    for words, refusal in WRONG:
        told = client.ask(*words)
        assert told.startswith(refusal), (words[:8], told)
    client.send(command("HS.CHECKOUT", "ann", "k", "TOKEN", "??").replace(b"??", b"\xff\xfe"))
    assert client.read() == "ERR the token must be UTF-8"


@pytest.mark.parametrize("seed", [1, 2])
def test_hundreds_deep_in_any_pieces(shop, sku, seed):
    """V3 V7 K5: five hundred checkouts in one pipeline, two units short; answers in their order,
    and what was answered outlives kill -9."""
    dice = random.Random(seed)
    shop.sell(**{sku: CUSTOMERS - 2})
    client = redis(shop)
    client.ask("HELLO", 3)
    names = [f"deep-{sku}-{number}" for number in range(CUSTOMERS)]
    whole = b"".join(command("HS.CHECKOUT", name, "k", "ITEM", sku, 1, "MODE", "deferred") +
                     command("PING", name) for name in names)
    at = 0
    while at < len(whole):
        size = dice.choice([1, 2, 3, 50, 700, 5000])
        client.send(whole[at:at + size])
        at += size
    replies = []
    for name in names:
        replies.append(client.read())
        assert client.read() == name
    orders = {order["customer"]: order["id"] for order in replies if isinstance(order, dict)}
    assert list(orders) == names[:-2]
    assert {str(reply) for reply in replies[-2:]} <= {  # K3: until the last one is durable
        f"SOLDOUT {sku}:sold_out:0", f"HELD {sku}:held_by_others:0"}
    shop.kill()
    shop.start()
    client = redis(shop)
    client.ask("HELLO", 3)
    client.send(b"".join(command("HS.ORDER", order) for order in orders.values()))
    assert [client.read()["customer"] for _ in orders] == list(orders)
    again = client.ask("HS.CHECKOUT", names[0], "k", "ITEM", sku, 1, "MODE", "deferred")
    assert again == replies[0]
    assert client.ask("HS.STOCK", sku)["sold"] == CUSTOMERS - 2


def test_nothing_behind_quit_is_read(shop, ann, sku):
    shop.sell(**{sku: 5})
    client = redis(shop)
    client.send(command("HS.CHECKOUT", ann, "k", "ITEM", sku, 1) + command("QUIT") +
                command("HS.CHECKOUT", ann, "k2", "ITEM", sku, 1) + command("PING"))
    assert pairs(client.read())["customer"] == ann
    assert client.read() == "OK"
    assert client.is_over()
    assert shop.stock(sku)["held"] == 1


def test_a_read_sees_what_was_written_before_it(client, shop, ann, sku):
    """One connection's requests for one customer take effect in the order sent."""
    shop.sell_rows([{"sku": sku, "stock": 5, "reserve_on": "cart"}])
    client.send(command("HS.CART.SET", ann, sku, 2) + command("HS.CHECKOUT", ann, "k") +
                command("HS.CART.GET", ann) + command("HS.STOCK", sku) +
                command("HS.AVAIL", sku))
    replies = [client.read() for _ in range(5)]
    assert replies[0]["lines"][0]["state"] == "held"
    assert replies[1]["lines"][0]["quantity"] == 2
    assert replies[2]["lines"] == []
    assert (replies[3]["held"], replies[3]["available"]) == (2, 3)
    assert replies[4][0]["available"] == 3


def test_the_largest_order_fits(client, shop, ann, sku):
    """K1 I3: 512 lines; the replay of a cart that is gone comes back for a large reply."""
    names = [f"{sku}-{number:03}" for number in range(512)]
    shop.sell_rows([{"sku": name, "seller": "s" * 63} for name in names])
    words = [word for name in names for word in ("ITEM", name, 1)]
    order = client.ask("HS.CHECKOUT", ann, "k", *words)
    assert [line["sku"] for line in order["lines"]] == names
    assert client.ask("HS.CHECKOUT", ann, "k", *words) == order
    assert client.ask("HS.ORDER", order["id"]) == order
    for name in names[:60]:
        assert client.ask("HS.CART.SET", ann, name, 1)["version"] > 0
    sent = client.ask("HS.CHECKOUT", ann, "k2")
    assert len(sent["lines"]) == 60
    assert client.ask("HS.CHECKOUT", ann, "k2") == sent
    assert client.ask("HS.CHECKOUT", ann, "k3", "ITEM", "S" * 63, 1, *(
        word for number in range(200) for word in ("ITEM", f"{number:063}", 1))).startswith(
            "ERR the texts are larger together")


def test_a_full_table_refuses_in_the_order_asked(new_server):
    """L8 I5 V5: a refusal in the middle of a pipeline leaves nothing, and its key may try again."""
    server = new_server(settings={"server.resp": free_address(), "capacity.orders": 64}).start()
    server.sell(S1=100)
    client, names = redis(server), [f"full-{number}" for number in range(80)]
    client.send(b"".join(command("HS.CHECKOUT", name, "k", "ITEM", "S1", 1) + command("PING", name)
                         for name in names))
    replies = []
    for name in names:
        replies.append(client.read())
        assert client.read() == name
    assert [pairs(order)["customer"] for order in replies[:64]] == names[:64]
    assert set(replies[64:]) == {"FULL capacity_exhausted bound=orders"}
    assert pairs(client.ask("HS.STOCK", "S1"))["held"] == 64
    for name, order in zip(names[:3], replies, strict=False):
        assert client.ask("HS.CHECKOUT", name, "k", "ITEM", "S1", 1) == order
    server.stop()
    server.audit()


def acts(server):
    lines = server.log().splitlines()
    return [line.split("Z back end ")[1] for line in lines if "Z back end " in line]


def test_stock_changes_name_who_made_them(new_server, tmp_path):
    """The name of the token, or that it was a service: in the journal, and in the log what was
    refused, too."""
    tokens = tmp_path / "services"
    tokens.write_text("shipping:token-of-a-back-end\n")
    tokens.chmod(0o600)
    server = new_server(settings={
        "server.resp": free_address(), "auth.service_tokens_file": tokens}).start()
    server.sell(S1=5)
    client = redis(server)
    assert pairs(client.ask("HS.STOCK.ADD", "S1", 1, "nobody said", "a"))["allotment"] == 6
    assert client.ask("AUTH", "token-of-a-back-end") == "OK"
    assert pairs(client.ask("HS.STOCK.ADD", "S1", 1, "he said", "b"))["allotment"] == 7
    assert client.ask("HS.STOCK.ADD", "S1", -99, "he tried", "c").startswith("INSUFFICIENT ")
    assert client.ask("HS.STOCK.ADD", "S\n1", 1, "", "d").startswith("ERR ")
    lines = ["service HS.STOCK.ADD S1 1: done", "shipping HS.STOCK.ADD S1 1: done",
             "shipping HS.STOCK.ADD S1 -99: refused", "shipping HS.STOCK.ADD S_1 1: refused"]
    assert eventually(lambda: acts(server) == lines), server.log()
    assert server.stop() == 0
    events = map(json.loads, server.run("journal", "dump").stdout.splitlines())
    assert [(event["texts"]["actor"], event["texts"]["reason"]) for event in events
            if "reason" in event["texts"]] == [
        ("service", "nobody said"), ("shipping", "he said")]
    server.audit()


def test_a_stop_in_the_middle_of_a_pipeline_keeps_what_was_answered(new_server):
    """V7: replies are those of the first commands, in their order; the rest has not happened, or
    its key finds it."""
    server = new_server(shards=2, settings={"server.resp": free_address()}).start()
    server.sell(S1=1000)
    client = redis(server)
    names = [f"last-{number}" for number in range(CUSTOMERS)]
    client.send(b"".join(command("HS.CHECKOUT", name, "k", "ITEM", "S1", 1) for name in names))
    told = [pairs(client.read())]
    server.end_is_expected = True
    server.process.send_signal(signal.SIGTERM)
    while client.file.peek(1):  # a reply that is not whole fails in there
        told.append(pairs(client.read()))
    client.close()
    assert server.process.wait(60) == 0
    assert [order["customer"] for order in told] == names[:len(told)]
    server.start()
    client = redis(server)
    held = pairs(client.ask("HS.STOCK", "S1"))["held"]
    assert held >= len(told)
    for name, order in zip(names, told, strict=False):
        assert pairs(client.ask("HS.CHECKOUT", name, "k", "ITEM", "S1", 1))["id"] == order["id"]
    assert pairs(client.ask("HS.STOCK", "S1"))["held"] == held
    assert server.stop() == 0
    server.audit()
