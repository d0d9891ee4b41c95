# SPDX-License-Identifier: Apache-2.0
"""Live stock: who watches SKUs is told of each change he may see (A1, A2, A5), thousands of them at
once in fixed memory, and no client that misbehaves is noticed by the others."""

import datetime
import http.client
import json
import resource
import selectors
import socket
import subprocess
import threading

import pytest

from tests.lib.client import say_no_more
from tests.lib.live import Stream, StreamEnded
from tests.lib.server import eventually

CAPACITY = 16  # streams of the shared server
GROWTH_KIB_MAX = 64


@pytest.fixture(scope="module", params=[1, 2], ids=["one-shard", "two-shards"])
def server(request, new_shared_server):
    settings = {"capacity.subscribers": CAPACITY, "reservations.reserve_on": "cart"}
    return new_shared_server(shards=request.param, settings=settings).start()


def names_of(seen):
    return {sku: (item["status"], item["available"]) for sku, item in seen.items()}


def test_first_all_then_changes(server, sku, sku2, name):
    """The first event has every SKU in the order asked, shaped as in availability; then changes."""
    server.sell(**{sku: 5, sku2: 7})
    stream = Stream(server.http_port, f"skus={sku2},{sku},NONE")
    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-store"
    assert stream.headers["x-accel-buffering"] == "no"
    assert stream.chunked and stream.headers["connection"] == "close"
    first = stream.event()
    assert first["items"] == server.availability(sku2, sku, "NONE")
    assert 2000 <= int(stream.retry) < 5000
    assert server.shopper(name).checkout({sku: 2}).status == 201
    second = stream.event()
    assert [(item["sku"], item["available"]) for item in second["items"]] == [(sku, 3)]
    assert second["items"] == server.availability(sku)
    assert second["as_of"] > first["as_of"]
    stream.close()


def test_a_sale_as_it_goes(server, sku, name):
    """Held, sold out by a payment, restocked, paused and resumed: each is told."""
    server.sell(**{sku: 1})
    stream = Stream(server.http_port, f"skus={sku}")
    stream.says(sku, "available", 1)
    ann = server.service(name)
    order = ann.checkout({sku: 1}, payment={"mode": "deferred"})
    assert order.status == 201, order
    assert stream.says(sku, available=0)["status"] in ("held_by_others", "sold_out")
    stream.says(sku, "sold_out", 0)
    path = f"/admin/v1/products/{sku}/stock"
    key = {"Idempotency-Key": f"more-{sku}"}
    assert server.admin().post(path, {"delta": 3, "reason": "found"}, headers=key).status == 200
    stream.says(sku, "available", 3)
    assert server.admin().post("/admin/v1/pause", {"scope": f"sku:{sku}"}).status == 200
    stream.says(sku, "paused")
    assert server.admin().post("/admin/v1/resume", {"scope": f"sku:{sku}"}).status == 200
    stream.says(sku, "available", 3)
    stream.close()


def test_a_window_opens_at_its_time(server, sku):
    opens = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    server.sell_rows([{"sku": sku, "stock": 4, "starts_at": opens.isoformat()}])
    stream = Stream(server.http_port, f"skus={sku}")
    stream.says(sku, "not_started")
    stream.says(sku, "available", 4)
    assert datetime.datetime.now(datetime.timezone.utc) >= opens
    stream.close()


def test_hidden_counts_stay_hidden(server, sku, sku2, name):
    """A5: a change that the audience cannot see sends nothing."""
    sales = {sku: f"capped-{sku}", sku2: f"boolean-{sku}"}
    for sale, counts in zip(sales.values(), ("capped:2", "boolean")):
        reply = server.admin().put(f"/admin/v1/sales/{sale}", {"counts": counts})
        assert reply.status in (200, 201), reply
    server.sell_rows([{"sku": one, "stock": 5, "sale": sale} for one, sale in sales.items()])
    stream = Stream(server.http_port, f"skus={sku},{sku2}")
    stream.event()
    assert names_of(stream.seen) == {sku: ("available", 2), sku2: ("available", None)}
    shopper = server.shopper(name)
    for units in (1, 2, 3):  # 4, 3 and 2 are left: nothing that could be seen
        assert shopper.put(sku, units).status == 200
        assert shopper.put(sku2, units).status == 200
    assert shopper.put(sku, 4).status == 200
    assert [item["sku"] for item in stream.event()["items"]] == [sku]
    assert names_of(stream.seen)[sku] == ("available", 1)
    assert shopper.put(sku2, 5).status == 200
    stream.says(sku2, "held_by_others")
    assert stream.seen[sku2]["available"] is None
    stream.close()


def test_no_event_shows_more_than_an_acknowledged_sale_left(server, sku, name):
    """A1: what is as of a later moment than a sale's reply knows of the sale."""
    server.sell(**{sku: 40})
    stream = Stream(server.http_port, f"skus={sku}")
    stream.event()
    left, events = [], []

    def watch():
        while not events or events[-1][1] > 0:
            data = stream.event()
            events.append((data["as_of"], data["items"][0]["available"]))

    watcher = threading.Thread(target=watch)
    watcher.start()
    shopper = server.service(name)
    for units in range(39, -1, -1):
        assert shopper.checkout({sku: 1}, payment={"mode": "deferred"}).status == 201
        now = datetime.datetime.now(datetime.timezone.utc)
        left.append((now.isoformat(timespec="milliseconds").replace("+00:00", "Z"), units))
    watcher.join(20)
    assert not watcher.is_alive()
    for as_of, available in events:
        bound = min([units for moment, units in left if moment < as_of], default=40)
        assert available <= bound, (as_of, available, left)
    assert [available for _, available in events] == sorted(
        {available for _, available in events}, reverse=True)
    stream.close()


def test_a_stream_of_a_sale(server, sku, sku2, name):
    """All products of it when the stream begins; one that is added later is not among them."""
    sale = f"sale-{sku}"
    server.sell_rows([{"sku": one, "stock": 3, "sale": sale} for one in (sku, sku2)])
    stream = Stream(server.http_port, f"sale={sale}")
    stream.event()
    assert set(stream.seen) == {sku, sku2}
    server.sell_rows([{"sku": f"{sku}-late", "stock": 3, "sale": sale}])
    shopper = server.shopper(name)
    assert shopper.put(f"{sku}-late", 1).status == 200
    assert shopper.put(sku2, 1).status == 200
    stream.says(sku2, "available", 2)
    assert set(stream.seen) == {sku, sku2}
    stream.close()


def test_a_sale_too_large_or_empty_is_refused(server, sku):
    sale = f"large-{sku}"
    server.sell_rows([{"sku": f"{sku}.{number}", "stock": 1, "sale": sale}
                      for number in range(501)])
    for query in (f"sale={sale}", "sale=nobody"):
        refused = Stream(server.http_port, query)
        assert refused.status == 422 and refused.problem()["code"] == "invalid"
        refused.close()


def test_an_unknown_sku_is_told_when_it_comes_and_a_removed_one_when_it_goes(server, sku):
    ended = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=2)
    stream = Stream(server.http_port, f"skus={sku}")
    stream.says(sku, "unknown", 0)
    sale = f"ended-{sku}"
    assert server.admin().put(f"/admin/v1/sales/{sale}",
                              {"ends_at": ended.isoformat()}).status in (200, 201)
    server.sell_rows([{"sku": sku, "stock": 2, "sale": sale}])
    stream.says(sku, "ended")
    assert server.admin().delete(f"/admin/v1/sales/{sale}").status in (200, 204)
    stream.says(sku, "unknown", 0)
    stream.close()


@pytest.mark.parametrize("query, status", [
    ("", 422), ("skus=", 422), ("skus=,,", 422), ("skus=A&sale=B", 422), ("skus=A&skus=B", 422),
    ("skus=A%20B", 422), ("skus=A%2FB", 422), ("skus=A%00", 400), ("skus=%4", 400),
    ("group=g", 422),
    ("skus=" + ",".join(f"S{number}" for number in range(501)), 422), ("skus=" + 64 * "x", 422),
    ("skus=" + 20000 * "x", 414)])
def test_what_is_no_list_of_skus_is_refused(server, query, status):
    refused = Stream(server.http_port, query)
    assert refused.status in (status, 431), refused.headers
    refused.close()


def test_spellings_of_the_same_list(server, sku, sku2):
    """Duplicates are told once, percent-encodings are what they stand for; 500 are few enough."""
    server.sell(**{sku: 5, sku2: 7})
    stream = Stream(server.http_port, f"skus={sku},{sku},%53{sku2[1:]},{sku2}%2C{sku},")
    assert [item["sku"] for item in stream.event()["items"]] == [sku, sku2]
    stream.close()
    many = [f"{sku}-{number}" for number in range(499)] + [sku]
    stream = Stream(server.http_port, "skus=" + ",".join(many))
    assert [item["sku"] for item in stream.event()["items"]] == many
    stream.close()


def test_more_changes_than_one_event_holds_come_in_several(server, sku):
    """All of a sale of 120 is paused at once: each of them is told."""
    sale = f"many-{sku}"
    server.sell_rows([{"sku": f"{sku}-{number}", "stock": 1, "sale": sale}
                      for number in range(120)])
    stream = Stream(server.http_port, f"sale={sale}")
    assert len(stream.event()["items"]) == 120
    assert server.admin().post("/admin/v1/pause", {"scope": f"sale:{sale}"}).status == 200
    stream.until(lambda seen: {item["status"] for item in seen.values()} == {"paused"})
    assert server.admin().post("/admin/v1/resume", {"scope": f"sale:{sale}"}).status == 200
    stream.close()


def test_head_answers_the_head_only(server, sku):
    client = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=20)
    for _ in range(2 * CAPACITY):  # and takes no place
        client.request("HEAD", f"/v1/availability/stream?skus={sku}")
        reply = client.getresponse()
        assert reply.status == 200 and reply.read() == b""
        assert reply.getheader("Content-Type") == "text/event-stream"
    client.close()


def test_http_1_0_gets_bare_bytes(server, sku, name):
    server.sell(**{sku: 5})
    stream = Stream(server.http_port, f"skus={sku}", version="1.0")
    assert not stream.chunked and "content-length" not in stream.headers
    stream.says(sku, "available", 5)
    assert server.shopper(name).put(sku, 1).status == 200
    stream.says(sku, "available", 4)
    stream.close()


def test_what_a_client_says_behind_its_request(server, sku, name):
    """A pipelined request is not answered, the stream goes on; who says more is hung up on."""
    server.sell(**{sku: 5})
    stream = Stream(server.http_port, f"skus={sku}",
                    more=b"GET /livez HTTP/1.1\r\nHost: t\r\n\r\n")
    stream.says(sku, "available", 5)
    stream.socket.sendall(b"GET /livez HTTP/1.1\r\nHost: t\r\n\r\n")
    assert server.shopper(name).put(sku, 1).status == 200
    stream.says(sku, "available", 4)
    with pytest.raises((StreamEnded, ConnectionError)):
        for _ in range(64):
            stream.socket.sendall(1024 * b"x")
        while True:
            stream.event()
    stream.close()


def fill(server, sku):
    """Streams until there is no room for another; each shard has its share, give or take."""
    streams = []
    while True:
        stream = Stream(server.http_port, f"skus={sku}")
        if stream.status != 200:
            return streams, stream
        streams.append(stream)
        assert len(streams) <= 4 * CAPACITY


def test_a_full_table_refuses_and_hang_ups_free_it(server, sku):
    """Closed, reset, half-closed, never read: whatever a client does, its place is free again."""
    server.sell(**{sku: 5})

    def room():
        streams, refused = fill(server, sku)
        code = refused.problem()["code"]
        assert refused.status == 503 and int(refused.headers["retry-after"]) >= 1
        for number, stream in enumerate([*streams, refused]):
            if number % 3 == 2:
                say_no_more(stream.socket)
                assert stream.rest() in (True, False)
            (stream.reset if number % 3 == 0 else stream.close)()
        # Those who have just hung up may still have the places for connections.
        return len(streams) if code == "capacity_exhausted" else 0

    assert eventually(lambda: room() >= CAPACITY)
    for number in range(600):
        stream = socket.create_connection(("127.0.0.1", server.http_port))
        stream.sendall(f"GET /v1/availability/stream?skus={sku},X{number} HTTP/1.1\r\n"
                       f"Host: t\r\n\r\n".encode()[:number + 40])
        if number % 2:
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        stream.close()
    assert eventually(lambda: room() >= CAPACITY)


def test_clients_that_people_use(server, sku, name):
    """curl -N and Python's http.client take the events as they come."""
    server.sell(**{sku: 5})
    url = f"http://127.0.0.1:{server.http_port}/v1/availability/stream?skus={sku}"
    with subprocess.Popen(["curl", "-sN", url], stdout=subprocess.PIPE, text=True) as curl:
        reply = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=20)
        reply.request("GET", f"/v1/availability/stream?skus={sku}")
        response = reply.getresponse()

        def data_of(readline):
            while True:
                line = readline()
                line = line if isinstance(line, str) else line.decode()
                if line.startswith("data: "):
                    return json.loads(line[6:])["items"][0]["available"]

        assert data_of(curl.stdout.readline) == data_of(response.readline) == 5
        assert server.shopper(name).put(sku, 2).status == 200
        assert data_of(curl.stdout.readline) == data_of(response.readline) == 3
        curl.terminate()
    response.close()
    reply.close()


def test_nodes_reader(server, sku, name):
    server.sell(**{sku: 5})
    script = """
        const reply = await fetch(process.argv[1]);
        let text = "";
        for await (const piece of reply.body) {
            text += Buffer.from(piece).toString();
            for (let end; (end = text.indexOf("\\n\\n")) >= 0; text = text.slice(end + 2)) {
                const lines = text.slice(0, end).split("\\n");
                const data = lines.find((line) => line.startsWith("data: "));
                if (data) console.log(JSON.parse(data.slice(6)).items[0].available);
            }
        }"""
    url = f"http://127.0.0.1:{server.http_port}/v1/availability/stream?skus={sku}"
    with subprocess.Popen(["node", "--input-type=module", "-e", script, url], text=True,
                          stdout=subprocess.PIPE) as node:
        assert node.stdout.readline().strip() == "5"
        assert server.shopper(name).put(sku, 1).status == 200
        assert node.stdout.readline().strip() == "4"
        node.terminate()


def test_a_stop_ends_the_streams_in_order(new_server):
    server = new_server(shards=2).start()
    server.sell(S1=5)
    streams = [Stream(server.http_port, "skus=S1") for _ in range(20)]
    for stream in streams:
        stream.event()
    assert server.stop() == 0
    assert all(stream.rest() for stream in streams)


def test_two_thousand_watch_in_fixed_memory(new_server):
    """Each of them is told of each change; some never read; memory is what it was."""
    crowd = 2000
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(files[1], 8192), files[1]))
    settings = {"capacity.connections": 4096, "capacity.subscribers": crowd + 400,
                "reservations.reserve_on": "cart"}
    server = new_server(shards=2, settings=settings).start()
    server.sell(S1=1000, S2=1000)
    before = server.resident_kib()
    chooser = selectors.DefaultSelector()
    heard = {}
    try:
        for number in range(crowd):
            one = socket.create_connection(("127.0.0.1", server.http_port))
            one.sendall(f"GET /v1/availability/stream?skus=S1,S2,N{number % 50} HTTP/1.1\r\n"
                        f"Host: t\r\n\r\n".encode())
            one.setblocking(False)
            heard[one] = b""
            if number % 20:  # the others never read
                chooser.register(one, selectors.EVENT_READ)

        def all_have(mark):
            for key, _ in chooser.select(0.1):
                heard[key.fileobj] = (heard[key.fileobj] + key.fileobj.recv(65536))[-2000:]
            return all(mark in heard[one.fileobj] for one in chooser.get_map().values())

        assert eventually(lambda: all_have(b'"S1","status":"available","available":1000'), 60)
        shopper = server.shopper("ann")
        for units in (1, 2, 3):
            assert shopper.put("S1", units).status == 200
            mark = f'"S1","status":"available","available":{1000 - units}'.encode()
            assert eventually(lambda: all_have(mark), 60)  # pylint: disable=cell-var-from-loop
        after = server.resident_kib()
        assert after - before <= GROWTH_KIB_MAX
    finally:
        for one in heard:
            one.close()
    assert eventually(lambda: len(server.availability("S1")) == 1)
