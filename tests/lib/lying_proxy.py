# SPDX-License-Identifier: Apache-2.0
"""Stands between a crowd and the server and lies about checkouts, as a broken server would."""

import http.client
import http.server
import json
import threading

DROPPED = {"connection", "transfer-encoding", "content-length"}


class LyingProxy:
    """lies_at: which checkout of the run, counted from 0, is lied about; lie: see below.

    "loses"       the order is acknowledged, but the server gave it back at once
    "duplicates"  the server is asked for the order a second time, under another key
    "renames"     the second answer to a key names another order than the first
    """

    def __init__(self, port, lie, lies_at=3):
        self.port = port
        self.lie = lie
        self.lies_at = lies_at
        self.checkouts = 0
        self.lies = 0
        self.lock = threading.Lock()
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                self.server_side = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)

            def finish(self):
                self.server_side.close()
                super().finish()

            def pass_on(self):
                size = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(size) if size else None
                status, headers, data = proxy.answer(self, body)
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in DROPPED:
                        self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PUT = do_DELETE = pass_on

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def ask(self, handler, method, path, body, headers):
        handler.server_side.request(method, path, body=body, headers=headers)
        response = handler.server_side.getresponse()
        return response.status, response.getheaders(), response.read()

    def answer(self, handler, body):
        headers = {name: value for name, value in handler.headers.items()
                   if name.lower() not in DROPPED}
        status, told, data = self.ask(handler, handler.command, handler.path, body, headers)
        if handler.path != "/v1/checkout" or status != 201:
            return status, told, data
        is_replay = any(name.lower() == "idempotency-replayed" for name, _ in told)
        with self.lock:
            lies = (is_replay if self.lie == "renames" else
                    self.checkouts == self.lies_at) and self.lies == 0
            self.checkouts += 1
            self.lies += lies
        return status, told, self.tell_a_lie(handler, body, headers, data) if lies else data

    def tell_a_lie(self, handler, body, headers, data):
        order = json.loads(data)
        other = {**headers, "Idempotency-Key": "another-key"}
        if self.lie == "loses":
            self.ask(handler, "POST", f"/v1/orders/{order['id']}/cancel",
                     b'{"restock":"available"}', other)
        elif self.lie == "duplicates":
            self.ask(handler, "POST", "/v1/checkout", body, other)
        else:
            return data.replace(order["id"].encode(), order["id"][::-1].encode())
        return data

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
