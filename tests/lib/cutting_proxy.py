# SPDX-License-Identifier: Apache-2.0
"""Stands between the server and PostgreSQL and cuts the connection at a chosen byte.

It knows as much of PostgreSQL's protocol as it needs to find where a transaction ends: an exchange
is what the stream sends up to a Sync, or a COMMIT, and what comes back up to ReadyForQuery. A plan
says where in which exchange of a connection the cable is pulled.
"""

import contextlib
import dataclasses
import pathlib
import select
import socket
import tempfile
import threading

SOCKET = ".s.PGSQL.5432"
CHUNK = 65536


@dataclasses.dataclass
class Plan:
    """Cut one exchange, after so many bytes of the reply or before so many of the request's end."""

    where: str  # "reply" or "request"
    byte: int
    contact: bool = False  # the COMMIT of the first contact instead of a batch's Sync
    passes: int = 1  # batches of the connection that come through before


class Messages:
    """Frontend messages, one after another, from whatever pieces they arrive in."""

    def __init__(self):
        self.rest = b""
        self.started = False

    def add(self, data):
        """The whole messages there are now: pairs of type and bytes."""
        self.rest += data
        found = []
        while True:
            begins = 1 if self.started else 0
            if len(self.rest) < begins + 4:
                return found
            size = begins + int.from_bytes(self.rest[begins:begins + 4], "big")
            if len(self.rest) < size:
                return found
            found.append((self.rest[:1] if self.started else b"", self.rest[:size]))
            self.rest = self.rest[size:]
            self.started = True


def names_a_statement(message):
    """Whether this Bind is for a prepared statement: batches have those, nothing else does."""
    portal_end = message.index(b"\0", 5)
    return message[portal_end + 1] != 0


class Connection:
    """One connection through the proxy, from accept to the cut or the end."""

    def __init__(self, client, target, plan):
        self.client = client
        self.server = socket.socket(socket.AF_UNIX)
        self.server.connect(target)
        self.plan = plan
        self.messages = Messages()
        self.exchange = b""  # held back until its last message is here
        self.is_batch = False
        self.batches = 0
        self.reply_left = None  # bytes until the cut

    def run(self, stopping):
        """True when it ended as planned."""
        while not stopping.is_set():
            ready, _, _ = select.select([self.client, self.server], [], [], 0.05)
            for one in ready:
                data = one.recv(CHUNK)
                if not data:
                    return False
                if self.pass_on_reply(data) if one is self.server else self.pass_on_request(data):
                    return True
        return False

    def pass_on_request(self, data):
        for kind, message in self.messages.add(data):
            self.exchange += message
            self.is_batch = self.is_batch or kind == b"B" and names_a_statement(message)
            is_commit = kind == b"Q" and message[5:] == b"COMMIT\0"
            if kind in (b"S", b"Q", b"") and self.send_exchange(is_commit):
                return True
        return False

    def send_exchange(self, is_commit):
        """True when it was to be cut short, and was."""
        due = self.plan is not None and (
            is_commit if self.plan.contact else self.is_batch and self.batches >= self.plan.passes)
        self.batches += self.is_batch
        exchange, self.exchange, self.is_batch = self.exchange, b"", False
        if due and self.plan.where == "request":
            self.server.sendall(exchange[:max(0, len(exchange) - self.plan.byte)])
            return True
        self.server.sendall(exchange)
        if due:
            self.reply_left = self.plan.byte
        return due and self.plan.byte == 0

    def pass_on_reply(self, data):
        if self.reply_left is None:
            self.client.sendall(data)
            return False
        passed = data[:self.reply_left]
        self.client.sendall(passed)
        self.reply_left -= len(passed)
        ends = data[-6:-1] == b"Z\0\0\0\5" and len(passed) == len(data)
        return self.reply_left == 0 or ends

    def close(self):
        self.client.close()
        self.server.close()


class CuttingProxy:
    """Listens in a directory of its own: dsn("test_1") leads through it.

    Each connection takes the next of plans, and is passed through when there is none left.
    """

    def __init__(self, base, plans):
        self.host = dict(word.split("=", 1) for word in base.split())["host"]
        self.directory = tempfile.TemporaryDirectory(prefix="hotshelf-proxy-")
        self.plans = plans
        self.cuts = 0
        self.stopping = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(pathlib.Path(self.directory.name) / SOCKET))
        self.listener.listen(8)
        self.listener.settimeout(0.05)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def dsn(self, dsn):
        """The same database, through the proxy."""
        return dsn.replace(f"host={self.host}", f"host={self.directory.name}")

    def run(self):
        while not self.stopping.is_set():
            with contextlib.suppress(TimeoutError):
                self.serve(self.listener.accept()[0])

    def serve(self, client):
        """A plan that did not come about is left for the next connection."""
        plan = self.plans[0] if self.plans else None
        connection = Connection(client, f"{self.host}/{SOCKET}", plan)
        try:
            if connection.run(self.stopping):
                self.cuts += 1
                self.plans.pop(0)
        except OSError:
            pass
        finally:
            connection.close()

    def stop(self):
        self.stopping.set()
        self.thread.join()
        self.listener.close()
        self.directory.cleanup()
