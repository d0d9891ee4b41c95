# SPDX-License-Identifier: Apache-2.0
"""What a line of the rules' tables becomes over HTTP."""

import json

from tests.lib.rule_tables import Seen


class Call:
    """One request, and what its reply shows when it is no error."""

    def __init__(self, method, path, body=None, headers=None, see=None, admin=False):
        self.method = method
        self.path = path
        self.body = body
        self.headers = headers or {}
        self.see = see or (lambda reply: Seen("ok"))
        self.admin = admin

    def raw(self):
        body = b"" if self.body is None else json.dumps(self.body).encode()
        head = [f"{self.method} {self.path} HTTP/1.1", "Host: shop"]
        if self.body is not None:
            head += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(head) + "\r\n\r\n").encode() + body
