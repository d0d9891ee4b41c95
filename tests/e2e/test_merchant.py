# SPDX-License-Identifier: Apache-2.0
"""The admin listener: import, products, stock, health, and who may call it."""

import subprocess

import pytest

from tests.lib.client import Client, Wire
from tests.lib.server import ADMIN_TOKEN, CATALOG, HOTSHELF, VIEWER_TOKEN

HEADER = "sku,title,category,seller,price,currency,stock\n"


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2).start()


def change_stock(server, sku, key, **body):
    return server.admin().post(f"/admin/v1/products/{sku}/stock", {"reason": "test", **body},
                               headers={"Idempotency-Key": key})


def test_nobody_without_a_token_is_let_in(server):
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic dGVzdHM6eA=="}):
        for path in ("/admin/v1/stock/S1", "/admin/v1/products/S1"):
            reply = Client(server.admin_port, headers).get(path)
            assert (reply.status, reply.code) == (401, "unauthenticated")
        assert Client(server.admin_port, headers).post("/admin/v1/import", HEADER).status == 401


def test_a_viewer_looks_and_does_not_touch(server, sku):
    server.sell(**{sku: 3})
    viewer = server.admin(VIEWER_TOKEN)
    assert viewer.get(f"/admin/v1/stock/{sku}").status == 200
    refused = viewer.post(f"/admin/v1/products/{sku}/stock", {"delta": 1, "reason": "x"},
                          headers={"Idempotency-Key": "v"})
    assert (refused.status, refused.code) == (403, "forbidden")
    assert viewer.post("/admin/v1/import", HEADER + f"{sku}2,A,b,c,1.00,GBP,1\n",
                       headers={"Content-Type": "text/csv"}).status == 403
    assert server.stock(sku)["allotment"] == 3


def test_the_admin_calls_are_not_on_the_storefront(server):
    reply = server.client().get("/admin/v1/stock/S1",
                                headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    assert reply.status == 404


def test_health_needs_no_token(server):
    for path in ("/livez", "/readyz"):
        assert Client(server.admin_port).get(path).status == 200


def test_an_import_counts_what_it_did(server, sku, sku2):
    """T4: stock is the allotment of new SKUs; for others it is ignored and counted."""
    first = server.import_csv(HEADER + f"{sku},A,b,c,1.00,GBP,5\n{sku2},A,b,c,1.00,GBP,6\n").json
    assert (first["created"], first["updated"], first["unchanged"]) == (2, 0, 0)
    second = server.import_csv(HEADER + f"{sku},B,b,c,1.00,GBP,5\n{sku2},A,b,c,1.00,GBP,99\n").json
    assert (second["created"], second["updated"], second["unchanged"]) == (0, 1, 1)
    assert second["stock_ignored"] >= 1
    assert (server.stock(sku)["allotment"], server.stock(sku2)["allotment"]) == (5, 6)
    assert server.client().get(f"/v1/products/{sku}").json["title"] == "B"


def test_columns_come_in_any_order_with_mark_and_windows_line_ends(server, sku):
    text = ("\ufeffstock,currency,price,seller,category,title,sku\r\n"
            f'7,GBP,3.50,c,b,"Two\r\nlines, ""quoted""",{sku}\r\n')
    assert server.import_csv(text).json["created"] == 1
    product = server.client().get(f"/v1/products/{sku}").json
    assert (product["price"], product["available"]) == (350, 7)
    assert product["title"] == 'Two\r\nlines, "quoted"'


CSV_ERRORS = {
    "unknown_column": ("sku,title,category,seller,price,currency,stok\nN1,A,b,c,1.00,GBP,5\n",
                       1, "stok"),
    "column_missing": ("sku,title,category,seller,price,currency\nN1,A,b,c,1.00,GBP\n", 1, "stock"),
    "column_twice": ("sku,sku,title,category,seller,price,currency,stock\n"
                     "N1,N1,A,b,c,1.00,GBP,5\n", 1, "sku"),
    "price_no_number": (HEADER + "N1,A,b,c,1.00,GBP,5\nN2,A,b,c,cheap,GBP,5\n", 3, "price"),
    "price_too_fine": (HEADER + "N1,A,b,c,1.005,GBP,5\n", 2, "price"),
    "price_too_fine_for_yen": (HEADER + "N1,A,b,c,10.5,JPY,5\n", 2, "price"),
    "price_negative": (HEADER + "N1,A,b,c,-1.00,GBP,5\n", 2, "price"),
    "price_too_large": (HEADER + "N1,A,b,c,99999999999999999999.00,GBP,5\n", 2, "price"),
    "currency_unknown": (HEADER + "N1,A,b,c,1.00,XQZ,5\n", 2, "currency"),
    "stock_fraction": (HEADER + "N1,A,b,c,1.00,GBP,5.5\n", 2, "stock"),
    "stock_negative": (HEADER + "N1,A,b,c,1.00,GBP,-5\n", 2, "stock"),
    "stock_too_large": (HEADER + "N1,A,b,c,1.00,GBP,4294967296\n", 2, "stock"),
    "sku_empty": (HEADER + ",A,b,c,1.00,GBP,5\n", 2, "sku"),
    "sku_with_space": (HEADER + "N 1,A,b,c,1.00,GBP,5\n", 2, "sku"),
    "sku_with_slash": (HEADER + "N/1,A,b,c,1.00,GBP,5\n", 2, "sku"),
    "sku_too_long": (HEADER + "N" * 64 + ",A,b,c,1.00,GBP,5\n", 2, "sku"),
    "sku_twice": (HEADER + "N1,A,b,c,1.00,GBP,5\nN1,A,b,c,1.00,GBP,5\n", 3, "sku"),
    "title_too_long": (HEADER + "N1," + "A" * 256 + ",b,c,1.00,GBP,5\n", 2, "title"),
    "time_without_offset": (HEADER[:-1] + ",starts_at\nN1,A,b,c,1.00,GBP,5,2030-01-01T00:00:00\n",
                            2, "starts_at"),
    "quote_left_open": (HEADER + 'N1,"A,b,c,1.00,GBP,5\n', 2, ""),
    "too_few_fields": (HEADER + "N1,A,b,c,1.00,GBP,5\nN2,A,b\n", 3, ""),
    "too_many_fields": (HEADER + "N1,A,b,c,1.00,GBP,5,6\n", 2, ""),
}


@pytest.mark.parametrize("name", CSV_ERRORS)
def test_a_csv_error_names_line_and_column_and_changes_nothing(server, name):
    """T4: all rows or none."""
    text, line, column = CSV_ERRORS[name]
    reply = server.import_csv(text)
    assert reply.status == 422, reply
    assert reply.code == "invalid"
    told = [error for error in reply.json["errors"] if error.get("line") == line]
    assert told, reply
    assert any(column == "" or column in str(error) for error in told), reply
    for sku in ("N1", "N2"):
        assert server.client().get(f"/v1/products/{sku}").status == 404


def test_an_unknown_column_is_answered_with_the_nearest_name(server):
    reply = server.import_csv(CSV_ERRORS["unknown_column"][0])
    assert "stok" in reply.body.decode() and "stock" in reply.body.decode().replace("stok", "", 1)


def test_every_error_of_a_file_is_told_at_once(server):
    reply = server.import_csv(HEADER + "N1,A,b,c,x,GBP,5\nN2,A,b,c,1.00,GBP,y\nN3,A,b,c,z,GBP,5\n")
    assert [error["line"] for error in reply.json["errors"]] == [2, 3, 4]


def test_a_catalog_beyond_the_capacity_is_refused_whole(new_server):
    """T4, L8."""
    server = new_server(settings={"capacity.skus": 16}).start()
    rows = "".join(f"N{number},A,b,c,1.00,GBP,5\n" for number in range(17))
    assert server.import_csv(HEADER + rows).code == "capacity_exhausted"
    assert server.client().get("/v1/products").json["items"] == []
    assert server.import_csv(HEADER + rows.replace("N16,A,b,c,1.00,GBP,5\n", "")).status == 200


def test_a_body_announced_with_expect_is_welcome(server, sku):
    text = (HEADER + f"{sku},A,b,c,1.00,GBP,5\n").encode()
    wire = Wire(server.admin_port)
    wire.send(b"POST /admin/v1/import HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
              b"Authorization: Bearer " + ADMIN_TOKEN.encode() + b"\r\nContent-Type: text/csv\r\n"
              b"Content-Length: %d\r\n\r\n" % len(text))
    try:
        assert wire.read_reply().status == 100
        wire.send(text)
        assert wire.read_reply().status == 200
    finally:
        wire.close()


def test_the_sample_sale_is_imported_from_the_shell(new_server):
    """The whole sample catalog, through `hotshelf import`; a second time changes nothing."""
    server = new_server(shards=2).start()
    first = server.run("import", CATALOG)
    assert first.returncode == 0, first.stderr
    assert '"created":3013' in first.stdout.replace(" ", "")
    second = server.run("import", CATALOG)
    assert '"unchanged":3013' in second.stdout.replace(" ", "")
    assert server.stock("85123A")["sold"] == 0


def test_an_import_with_errors_from_the_shell_is_exit_1(server, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text(CSV_ERRORS["price_no_number"][0])
    told = server.run("import", bad)
    assert told.returncode == 1
    assert "3" in told.stdout + told.stderr and "price" in told.stdout + told.stderr


def test_an_import_can_be_tried_without_effect(server, sku, tmp_path):
    file = tmp_path / "good.csv"
    file.write_text(HEADER + f"{sku},A,b,c,1.00,GBP,5\n")
    told = server.run("import", file, "--dry-run")
    assert told.returncode == 0, told.stderr
    assert '"created":1' in told.stdout.replace(" ", "")
    assert server.client().get(f"/v1/products/{sku}").status == 404


def test_a_restock_is_visible_before_its_reply_leaves(server, sku, name):
    """T1, T3, A4."""
    server.sell(**{sku: 1})
    ann = server.service(name)
    assert ann.checkout({sku: 1}, payment={"mode": "deferred"}).status == 201
    assert server.availability(sku)[0]["status"] == "sold_out"
    reply = change_stock(server, sku, "r-" + sku, delta=4)
    assert reply.status == 200
    assert {**reply.json, "sku": sku} == {**reply.json, "allotment": 5, "available": 4,
                                          "held": 0, "sold": 1, "sku": sku}
    assert server.availability(sku)[0]["available"] == 4


def test_stock_is_lowered_to_what_is_promised_and_no_further(server, sku, name):
    """T2: the refusal says by how much."""
    server.sell(**{sku: 5})
    assert server.shopper(name).checkout({sku: 3}).status == 201
    assert change_stock(server, sku, "l1-" + sku, delta=-2).json["available"] == 0
    refused = change_stock(server, sku, "l2-" + sku, delta=-1)
    assert refused.status in (409, 422), refused
    assert server.stock(sku) == {"allotment": 3, "available": 0, "held": 3, "sold": 0}


def test_stock_is_set_by_comparing(server, sku):
    """T1: set without compare is 422, a mismatch 409 with the current value."""
    server.sell(**{sku: 5})
    assert change_stock(server, sku, "s1-" + sku, set=9).status == 422
    refused = change_stock(server, sku, "s2-" + sku, set=9, compare=4)
    assert (refused.status, refused.code) == (409, "version_conflict")
    assert "5" in refused.body.decode()
    assert change_stock(server, sku, "s3-" + sku, set=9, compare=5).json["allotment"] == 9


def test_a_stock_change_of_an_unknown_sku_is_not_found(server):
    assert change_stock(server, "NOBODY-SELLS-THIS", "n", delta=1).status == 404


def test_a_product_is_read_by_the_merchant(server, sku):
    server.sell(**{sku: 5})
    reply = server.admin().get(f"/admin/v1/products/{sku}")
    assert (reply.status, reply.json["sku"], reply.json["price"]) == (200, sku, 100)


def test_a_merchant_reads_what_he_has_set_and_customers_what_holds(server, sku):
    """Of what a product leaves to its sale the merchant sees that it does."""
    server.sell_rows([{"sku": sku, "sale": f"sale-{sku}", "reserve_on": "cart",
                       "hold_seconds": 77}])
    assert server.admin().put(f"/admin/v1/sales/sale-{sku}", {
        "max_per_customer": 4, "starts_at": "2026-01-01T00:00:00Z"}).status in (200, 201)
    own = server.admin().get(f"/admin/v1/products/{sku}").json
    assert (own["reserve_on"], own["hold_seconds"]) == ("cart", 77)
    assert (own["max_per_customer"], own["starts_at"]) == (None, None)
    seen = server.client().get(f"/v1/products/{sku}").json
    assert (seen["max_per_customer"], seen["starts_at"]) == (4, "2026-01-01T00:00:00.000Z")
    assert "hold_seconds" not in seen
    changed = server.admin().request("PATCH", f"/admin/v1/products/{sku}", {
        "max_per_customer": 2, "reserve_on": None}).json
    assert (changed["max_per_customer"], changed["reserve_on"]) == (2, None)


def test_a_price_change_reaches_new_holds_only(new_server):
    """M3: a hold keeps the price it froze; and consumers hear of the change."""
    server = new_server(shards=2, settings={"reservations.reserve_on": "cart"}).start()
    server.sell(S1=5)
    ann, bob = server.shopper("ann"), server.shopper("bob")
    assert ann.put("S1", 1).json["lines"][0]["unit_price"] == 100
    reply = server.admin().request("PATCH", "/admin/v1/products/S1", {"price": 45, "title": "New"})
    assert (reply.status, reply.json["price"], reply.json["version"]) == (200, 45, 2), reply
    shown = server.client().get("/v1/products/S1").json
    assert {**reply.json, **shown} == reply.json
    again = server.admin().request("PATCH", "/admin/v1/products/S1", {"price": 45})
    assert again.json == reply.json
    assert bob.put("S1", 1).json["lines"][0]["unit_price"] == 45
    assert ann.cart().json["lines"][0]["unit_price"] == 100
    assert ann.checkout().json["items_total"] == 100
    assert bob.checkout().json["items_total"] == 45
    server.stop()
    changed = [event for event in server.journal_events()
               if event["type"] == "product.changed.v1" and not event["data"]["created"]]
    assert [(event["data"]["price"], event["data"]["title"]) for event in changed] == [(45, "New")]
    server.start()
    assert server.client().get("/v1/products/S1").json["price"] == 45


def test_of_two_changes_of_one_version_one_is_told(server, sku):
    """Lost updates: who names the version he has seen does not undo what he has not."""
    server.sell(**{sku: 1})
    path = f"/admin/v1/products/{sku}"
    seen = {"If-Match": f'"{server.admin().get(path).json["version"]}"'}
    assert server.admin().request("PATCH", path, {"price": 45}, headers=seen).status == 200
    late = server.admin().request("PATCH", path, {"title": "Late"}, headers=seen)
    assert (late.status, late.code) == (412, "stale_version")
    assert server.admin().get(path).json["price"] == 45


def test_usage_is_told_with_exit_2():
    for arguments in ([], ["nonsense"], ["serve", "--nonsense"], ["import"],
                      ["plan", "--set", "nonsense"], ["plan", "--set", "dsn=password"]):
        told = subprocess.run([HOTSHELF, *arguments], capture_output=True, text=True, timeout=20,
                              check=False)
        assert told.returncode == 2, (arguments, told)
        assert "hotshelf" in told.stdout + told.stderr
        assert "password" not in told.stdout + told.stderr


def test_help_and_version_are_told():
    for argument, word in (("--help", "serve"), ("--version", "0.1.0")):
        told = subprocess.run([HOTSHELF, argument], capture_output=True, text=True, timeout=20,
                              check=False)
        assert told.returncode == 0 and word in told.stdout
