# SPDX-License-Identifier: Apache-2.0
"""Clients and load tools as people run them: each buys, keeps its connection, and fails at nothing.

A story is {step: (status, headers, body)}, whoever told it.
"""

import json
import os
import re
import subprocess

import httpx
import pytest
import requests

from tests.lib import node

TOOL_SECONDS_MAX = 60
SKU_COUNT = 30


@pytest.fixture(scope="module")
def server(new_shared_server):
    return new_shared_server(shards=2).start()


@pytest.fixture
def goods(server, sku):
    server.sell(**{sku: 1000})
    return sku


def client_ports(port):
    """Of all connections to a port that the kernel still knows, ended ones too."""
    wanted = f"{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [line.split() for line in table][1:]
    return {row[1] for row in rows if row[2].endswith(":" + wanted)} | \
        {row[2] for row in rows if row[1].endswith(":" + wanted) and row[3] != "0A"}


def check_story(told, sku, customer):
    """I3, A1 and what an error body has; the names of headers in lower case."""
    def step(name):
        status, headers, body = told[name]
        return status, {key.lower(): value for key, value in headers.items()}, body

    def problem(name, status, code):
        said, headers, body = step(name)
        assert (said, headers["content-type"]) == (status, "application/problem+json")
        assert json.loads(body)["code"] == code

    status, headers, body = step("availability")
    assert status == 200 and headers["cache-control"] == "no-cache"
    assert json.loads(body)["items"][0]["sku"] == sku
    assert step("copy")[0] == 304
    assert step("head")[0] == 200 and not step("head")[2]
    assert int(step("head")[1]["content-length"]) > 0
    assert step("put")[0] == step("cart")[0] == 200
    assert json.loads(step("cart")[2])["lines"][0]["quantity"] == 2
    first, again = step("checkout"), step("replay")
    assert first[0] == again[0] == 201
    assert "idempotency-replayed" not in first[1] and again[1]["idempotency-replayed"] == "true"
    assert json.loads(first[2])["id"] == json.loads(again[2])["id"]
    assert step("order")[0] == 200 and json.loads(step("order")[2])["customer"] == customer
    problem("unknown", 404, "not_found")
    problem("invalid", 422, "invalid")
    status, _, body = step("chunks")
    assert status == 200 and json.loads(body)["items"][0]["sku"] == sku
    assert step("clear")[0] == 204
    assert step("kept")[0] == 200


def tell_story(ask, sku, customer):
    """ask(method, path, headers, body) -> (status, headers, body); the body may be an iterator."""
    who = {"X-Customer-Id": customer}
    typed = {**who, "Content-Type": "application/json"}
    look = f"/v1/availability?skus={sku}"
    told = {"availability": ask("GET", look, {}, None)}
    etag = {key.lower(): value for key, value in told["availability"][1].items()}["etag"]
    told["copy"] = ask("GET", look, {"If-None-Match": etag}, None)
    told["head"] = ask("HEAD", look, {}, None)
    told["put"] = ask("PUT", f"/v1/cart/items/{sku}", typed, b'{"quantity":2}')
    told["cart"] = ask("GET", "/v1/cart", who, None)
    for name in ("checkout", "replay"):
        told[name] = ask("POST", "/v1/checkout", {**typed, "Idempotency-Key": "k"}, b"{}")
    location = {key.lower(): value for key, value in told["checkout"][1].items()}["location"]
    told["order"] = ask("GET", location, who, None)
    told["unknown"] = ask("GET", "/v1/products/UNKNOWN", {}, None)
    told["invalid"] = ask("PUT", f"/v1/cart/items/{sku}", typed, b'{"quantity":-1}')
    pieces = iter([b'{"skus":', f'["{sku}"]}}'.encode()])
    told["chunks"] = ask("POST", "/v1/availability", typed, pieces)
    told["clear"] = ask("DELETE", "/v1/cart", who, None)
    for _ in range(50):
        told["kept"] = ask("GET", f"/v1/products/{sku}", {}, None)
    return told


def url(server):
    return f"http://127.0.0.1:{server.http_port}"


@pytest.mark.parametrize("client", ["fetch", "undici-fetch", "undici", "axios", "http"])
def test_a_client_of_node_buys(server, goods, client):
    before = client_ports(server.http_port)
    told = json.loads(node.run("story.mjs", client, url(server), goods))
    used = client_ports(server.http_port) - before
    check_story({name: (said["status"], said["headers"], said["body"])
                 for name, said in told.items()}, goods, f"{client}-{goods}")
    assert 1 <= len(used) <= 3, used  # fetch opens another after a body it could not send again


def test_requests_buys(server, goods, name):
    with requests.Session() as session:
        def ask(method, path, headers, body):
            reply = session.request(method, url(server) + path, headers=headers, data=body,
                                    timeout=20)
            return reply.status_code, dict(reply.headers), reply.content

        before = client_ports(server.http_port)
        check_story(tell_story(ask, goods, name), goods, name)
        assert len(client_ports(server.http_port) - before) == 1


def test_httpx_buys(server, goods, name):
    with httpx.Client(base_url=url(server), timeout=20) as client:
        def ask(method, path, headers, body):
            reply = client.request(method, path, headers=headers, content=body)
            return reply.status_code, dict(reply.headers), reply.content

        before = client_ports(server.http_port)
        check_story(tell_story(ask, goods, name), goods, name)
        assert len(client_ports(server.http_port) - before) == 1


def curl(*arguments, given=None):
    done = subprocess.run(["curl", "-sS", "--max-time", "20", *arguments], input=given,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          timeout=TOOL_SECONDS_MAX)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_buys(server, goods, name):
    def ask(method, path, headers, body):
        arguments = [part for key, value in headers.items() for part in ("-H", f"{key}: {value}")]
        arguments += ["-I"] if method == "HEAD" else ["-i", "-X", method]
        given = None
        if isinstance(body, bytes):
            arguments += ["--data-binary", "@-"]
            given = body
        elif body is not None:  # of unknown size: chunks
            arguments += ["-T", "-"]
            given = b"".join(body)
        said = curl(*arguments, url(server) + path, given=given)
        head, _, rest = said.partition(b"\r\n\r\n")
        if head.startswith(b"HTTP/1.1 100"):
            head, _, rest = rest.partition(b"\r\n\r\n")
        lines = head.decode().split("\r\n")
        return int(lines[0].split()[1]), dict(line.split(": ", 1) for line in lines[1:]), rest

    check_story(tell_story(ask, goods, name), goods, name)


def test_curl_keeps_its_connection_and_waits_for_100(server, goods):
    opened = curl("-o", "/dev/null", "-w", "%{num_connects} %{http_code}\n",
                  *[f"{url(server)}/v1/products/{goods}"] * 5, "-o", "/dev/null", "-o", "/dev/null",
                  "-o", "/dev/null", "-o", "/dev/null")
    assert opened.split(b"\n")[:-1] == [b"1 200"] + [b"0 200"] * 4
    body = json.dumps({"skus": [goods]}) + " " * 20000
    for version, wait in (("--http1.0", "0.01"), ("--http1.1", "15")):  # 1.0 is told nothing
        said = curl(version, "-w", "\n%{http_code} %{time_total}", "-H",
                    "Content-Type: application/json", "-H", "Expect: 100-continue",
                    "--expect100-timeout", wait, "--data-binary", "@-",
                    url(server) + "/v1/availability", given=body.encode())
        status, seconds = said.split(b"\n")[-1].split()
        assert status == b"200" and float(seconds) < 15  # it did not wait in vain


def tool(*command, **environment):
    done = subprocess.run(list(map(str, command)), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=TOOL_SECONDS_MAX,
                          check=False, env={**os.environ, **environment})
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def target(server, goods):
    return f"{url(server)}/v1/availability?skus={goods}"


def test_wrk_sees_no_failure(target):
    said = tool("wrk", "-t", 1, "-c", 8, "-d", "1s", target)
    assert int(re.search(r"(\d+) requests in", said)[1]) > 0, said
    assert "Non-2xx" not in said and "Socket errors" not in said, said


def test_h2load_sees_no_failure(target):
    """Over HTTP/1.1, four requests deep."""
    said = tool("h2load", "--h1", "-n", 2000, "-c", 8, "-m", 4, target)
    assert "2000 succeeded, 0 failed, 0 errored, 0 timeout" in said, said
    assert "2000 2xx, 0 3xx, 0 4xx, 0 5xx" in said, said


@pytest.mark.parametrize("kept", [True, False])
def test_ab_sees_no_failure(target, kept):
    """It speaks HTTP/1.0, and keeps a connection when it is told that it may."""
    said = tool("ab", *(["-k"] if kept else []), "-n", 1000, "-c", 8, target)
    assert re.search(r"Complete requests: +1000\n", said), said
    assert re.search(r"Failed requests: +0\n", said) and "Non-2xx" not in said, said
    if kept:
        assert re.search(r"Keep-Alive requests: +1000\n", said), said


def test_ab_posts(server, goods, tmp_path):
    body = tmp_path / "body"
    body.write_text(json.dumps({"skus": [goods]}))
    said = tool("ab", "-k", "-n", 500, "-c", 4, "-p", body, "-T", "application/json",
                url(server) + "/v1/availability")
    assert re.search(r"Failed requests: +0\n", said) and "Non-2xx" not in said, said


def test_hey_sees_no_failure(target):
    said = tool("hey", "-n", 2000, "-c", 8, target)
    assert re.search(r"\[200\]\s+2000 responses", said), said
    assert "Error distribution" not in said, said


def test_siege_sees_no_failure(target, tmp_path):
    said = tool("siege", "-b", "-c", 4, "-r", 100, "--no-parser", target, HOME=str(tmp_path))
    assert re.search(r"failed.transactions\W+0\b", said, re.IGNORECASE), said
    assert re.search(r"availability\W+100\.00", said, re.IGNORECASE), said


@pytest.mark.parametrize("deep", [1, 4])
def test_autocannon_sees_no_failure(target, deep):
    """In pipelines it stops counting with the last but one of them."""
    program = node.packages() / "node_modules" / "autocannon" / "autocannon.js"
    done = subprocess.run(["node", str(program), "-j", "-a", "2000", "-c", "8", "-p", str(deep),
                           target], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=TOOL_SECONDS_MAX, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["errors"] == said["timeouts"] == said["mismatches"] == said["non2xx"] == 0
    assert said["2xx"] > 2000 - 8 * deep
