# SPDX-License-Identifier: Apache-2.0
"""Holds replies against openapi.yaml: what is documented, what was seen, and whether they agree."""

import json
import re

import jsonschema

from tests.lib.client import Client, new_key

ID = "01890000-0000-7000-8000-000000000000"
METHODS = ("get", "put", "post", "delete", "patch")


class Contract:
    """The document that a server serves, and every (operation, status) and code seen so far."""

    def __init__(self, document):
        self.document = document
        self.seen = set()
        self.codes = set()
        self.operations = {}
        for path, item in document["paths"].items():
            pattern = re.compile("^" + re.sub(r"\{[^}]+\}", "[^/]+", path) + "$")
            for method in METHODS:
                if method in item:
                    self.operations[method.upper(), path] = (pattern, item[method])

    def documented(self):
        return {(method, path, status) for (method, path), (_, operation) in self.operations.items()
                for status in operation["responses"]}

    def documented_codes(self):
        return set(self.document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"])

    def find(self, method, target):
        """The operation of a request; exact paths before those with parameters."""
        path = target.split("?")[0]
        found = [name for name in self.operations
                 if name[0] == method and self.operations[name][0].match(path)]
        assert found, f"openapi.yaml does not know {method} {path}"
        return min(found, key=lambda name: name[1].count("{"))

    def resolve(self, node):
        while "$ref" in node:
            target = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def check(self, method, target, reply):
        """The reply is a documented one, and its body is as its schema says."""
        name = self.find(method, target)
        responses = self.operations[name][1]["responses"]
        status = str(reply.status)
        assert status in responses, f"{method} {name[1]}: {status} is not documented: {reply}"
        self.seen.add((*name, status))
        if status >= "400":
            self.codes.add(reply.code)
        content = self.resolve(responses[status]).get("content")
        if content is None or not reply.body:
            assert not reply.body, f"{method} {name[1]} {status} has a body that is not documented"
            return
        kind = reply.headers["content-type"].split(";")[0]
        assert kind in content, f"{method} {name[1]} {status} is {kind}, documented {list(content)}"
        schema = {**content[kind].get("schema", {}), "components": self.document["components"]}
        jsonschema.Draft202012Validator(schema).validate(json.loads(reply.body))


def operations(contract, status):
    """Those that may be answered so: method, path, and a target of that path."""
    for method, path in sorted(contract.operations):
        if status in contract.operations[method, path][1]["responses"]:
            yield method, path, path.replace("{id}", ID).replace("{sku}", "S1").replace(
                "{sale}", "sweep").replace("{customer}", "nobody-at-all")


class Asker:
    """Sends requests and holds each reply against the contract."""

    def __init__(self, contract, server):
        self.contract = contract
        self.server = server

    def ask(self, method, path, body=None, headers=None, want=None, admin=None):
        """want: "201" or "409 sold_out"; admin: another token, or "" for none."""
        sent = dict(headers or {})
        if path.startswith("/admin/"):
            client = self.server.admin() if admin is None else Client(
                self.server.admin_port, {"Authorization": f"Bearer {admin}"} if admin else {})
        else:
            client = self.server.client()
        try:
            reply = client.request(method, path, body=body, headers=sent)
        finally:
            client.close()
        self.contract.check(method, path, reply)
        if want is not None:
            told = f"{reply.status} {reply.code}" if reply.code else str(reply.status)
            assert told == want, (method, path, reply)
        return reply

    def as_customer(self, method, path, body=None, who="ann", role=None, key=None, want=None,
                    **more):
        headers = {"X-Customer-Id": who, **more}
        if role:
            headers["X-Role"] = role
        if key:
            headers["Idempotency-Key"] = key
        return self.ask(method, path, body, headers, want)

    def buy(self, items, who="ann", want="201", **more):
        role = more.pop("role", None)
        body = {"items": [{"sku": sku, "quantity": units} for sku, units in items.items()], **more}
        return self.as_customer("POST", "/v1/checkout", body, who, role, new_key(), want).json

    def report(self, order, want="200", **changed):
        body = {"result": "captured", "provider": "bank", "payment_id": new_key(),
                "amount": order["total"], "currency": order["currency"], **changed}
        path = f"/v1/orders/{order['id']}/payment"
        return self.ask("POST", path, body, {"X-Role": "service"}, want)

    def cancel(self, order, want="200", key=None, body=None, headers=None):
        return self.as_customer("POST", f"/v1/orders/{order['id']}/cancel", body or {}, "ann",
                                key=key or new_key(), want=want, **(headers or {}))

    def stock(self, sku, body, want="200", key=None):
        return self.ask("POST", f"/admin/v1/products/{sku}/stock", {"reason": "test", **body},
                        {"Idempotency-Key": key or new_key()}, want)
