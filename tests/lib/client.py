# SPDX-License-Identifier: Apache-2.0
"""A small HTTP client for the tests: keep-alive through http.client, raw bytes through sockets."""

import errno
import http.client
import itertools
import json
import re
import socket

REPLY_SECONDS_MAX = 20
WIRE_SECONDS_MAX = 8

key_numbers = itertools.count(1)


class Reply:
    """One answer: status, headers (names in lower case), body, and json where it is JSON."""

    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def json(self):
        assert self.body, self
        return json.loads(self.body)

    @property
    def code(self):
        """The code of an error body; None when this is no error."""
        return self.json.get("code") if self.body and self.status >= 400 else None

    def __repr__(self):
        return f"<{self.status} {self.headers} {self.body[:600]!r}>"


class Client:
    """One keep-alive connection. A reply after a dropped connection is an error, never a retry."""

    def __init__(self, port, headers=None):
        self.port = port
        self.headers = dict(headers or {})
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=REPLY_SECONDS_MAX)

    def request(self, method, path, body=None, headers=None):
        sent = dict(self.headers)
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        if isinstance(body, str):
            body = body.encode()
        try:
            self.connection.request(method, path, body=body, headers=sent)
            response = self.connection.getresponse()
            data = response.read()
        except (http.client.HTTPException, OSError):
            self.connection.close()
            raise
        names = {name.lower(): value for name, value in response.getheaders()}
        return Reply(response.status, names, data)

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body=body, **more)

    def put(self, path, body=None, **more):
        return self.request("PUT", path, body=body, **more)

    def delete(self, path, **more):
        return self.request("DELETE", path, **more)

    def close(self):
        self.connection.close()


def new_key():
    return f"key-{next(key_numbers)}"


class Shopper:
    """A customer: the storefront's calls under one X-Customer-Id."""

    def __init__(self, client, name, role=None):
        self.client = client
        self.name = name
        self.headers = {"X-Customer-Id": name}
        if role:
            self.headers["X-Role"] = role

    def call(self, method, path, body=None, key=None, headers=None):
        sent = dict(self.headers)
        if key is not None:
            sent["Idempotency-Key"] = key
        sent.update(headers or {})
        return self.client.request(method, path, body=body, headers=sent)

    def cart(self):
        return self.call("GET", "/v1/cart")

    def put(self, sku, quantity, **more):
        return self.call("PUT", f"/v1/cart/items/{sku}", {"quantity": quantity, **more})

    def remove(self, sku):
        return self.call("DELETE", f"/v1/cart/items/{sku}")

    def clear(self):
        return self.call("DELETE", "/v1/cart")

    def checkout(self, items=None, key=None, **more):
        """items: {sku: quantity}, or None for the cart."""
        body = dict(more)
        if items is not None:
            body["items"] = [{"sku": sku, "quantity": units} for sku, units in items.items()]
        return self.call("POST", "/v1/checkout", body, key=key or new_key())

    def order(self, order_id):
        return self.call("GET", f"/v1/orders/{order_id}")

    def orders(self, query=""):
        return self.call("GET", f"/v1/orders{query}")

    def cancel(self, order_id, key=None, **more):
        return self.call("POST", f"/v1/orders/{order_id}/cancel", dict(more), key=key or new_key())

    def pay(self, order, result="captured", payment_id=None, **changed):
        """Reports a payment of the order's whole total unless told otherwise. Role service only."""
        body = {"result": result, "provider": "bank", "payment_id": payment_id or new_key(),
                "amount": order["total"], "currency": order["currency"]}
        body.update(changed)
        return self.call("POST", f"/v1/orders/{order['id']}/payment", body)


HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")


def say_no_more(connection):
    """Ends what we send; the other side may have reset the connection meanwhile."""
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError as error:
        if error.errno != errno.ENOTCONN:
            raise


class Wire:
    """A raw connection: for what an ordinary client would never send."""

    def __init__(self, port, own="127.0.0.1"):
        self.socket = socket.create_connection(
            ("127.0.0.1", port), timeout=WIRE_SECONDS_MAX, source_address=(own, 0))
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def read_reply(self):
        """The next reply, or None when the server closed the connection in between two replies."""
        while True:
            head = HEAD.match(self.buffer)
            if head:
                headers = dict(line.split(b": ", 1) for line in head[2].split(b"\r\n") if line)
                headers = {name.decode().lower(): value.decode() for name, value in headers.items()}
                end = head.end() + int(headers.get("content-length", 0))
                if len(self.buffer) >= end:
                    body, self.buffer = self.buffer[head.end():end], self.buffer[end:]
                    return Reply(int(head[1]), headers, body)
            more = self.receive()
            if not more:
                assert not self.buffer, f"the connection ended inside a reply: {self.buffer!r}"
                return None
            self.buffer += more

    def receive(self):
        try:
            return self.socket.recv(65536)
        except ConnectionResetError:
            return b""

    def is_closed(self):
        """True when the server says nothing more and closes."""
        return not self.buffer and not self.receive()

    def close(self):
        self.socket.close()


def exchange(port, data):
    """Sends bytes on a new connection and returns the first reply."""
    wire = Wire(port)
    try:
        wire.send(data)
        return wire.read_reply()
    finally:
        wire.close()
