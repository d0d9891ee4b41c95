# SPDX-License-Identifier: Apache-2.0
"""Readers of the live stream: one over a raw socket that checks every byte of the framing, and what
an audience has seen of each SKU."""

import json
import socket
import time

EVENT_SECONDS_MAX = 20


class StreamEnded(Exception):
    """The server ended the stream; `orderly`: with its last chunk."""

    def __init__(self, orderly):
        super().__init__(f"orderly={orderly}")
        self.orderly = orderly


class Stream:
    """GET /v1/availability/stream, read event by event."""

    def __init__(self, port, query, version="1.1", window=None, more=b""):
        self.socket = socket.socket()
        if window:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
        self.socket.settimeout(EVENT_SECONDS_MAX)
        self.socket.connect(("127.0.0.1", port))
        self.raw = b""
        self.text = b""
        self.seen = {}
        self.comments = 0
        self.retry = None
        self.socket.sendall(f"GET /v1/availability/stream?{query} HTTP/{version}\r\n"
                            f"Host: t\r\n\r\n".encode() + more)
        head = self._raw_until(b"\r\n\r\n").decode()
        self.status = int(head.split()[1])
        self.headers = {name.lower(): value for name, value in
                        (line.split(": ", 1) for line in head.split("\r\n")[1:] if line)}
        self.chunked = self.headers.get("transfer-encoding") == "chunked"

    def _fill(self):
        data = self.socket.recv(65536)
        if not data:
            raise StreamEnded(not self.chunked)
        self.raw += data

    def _raw_until(self, mark):
        while mark not in self.raw:
            self._fill()
        taken, self.raw = self.raw.split(mark, 1)
        return taken

    def _more_text(self):
        if not self.chunked:
            if not self.raw:
                self._fill()
            self.text, self.raw = self.text + self.raw, b""
            return
        size = int(self._raw_until(b"\r\n"), 16)
        while len(self.raw) < size + 2:
            self._fill()
        chunk, self.raw = self.raw[:size], self.raw[size:]
        assert self.raw[:2] == b"\r\n"
        self.raw = self.raw[2:]
        if size == 0:
            raise StreamEnded(True)
        self.text += chunk

    def block(self):
        """The next block, up to its empty line: {field: value}; a comment is {"": text}."""
        while b"\n\n" not in self.text:
            self._more_text()
        block, self.text = self.text.split(b"\n\n", 1)
        fields = {}
        for line in block.decode().split("\n"):
            name, _, value = line.partition(":")
            assert name not in fields, block
            fields[name] = value.removeprefix(" ")
        return fields

    def event(self):
        """The next event's data; comments are counted."""
        while True:
            fields = self.block()
            if "" in fields:
                self.comments += 1
                continue
            assert fields["event"] == "availability", fields
            assert set(fields) <= {"event", "data", "retry"}, fields
            self.retry = fields.get("retry", self.retry)
            data = json.loads(fields["data"])
            assert set(data) == {"as_of", "items"} and data["items"], data
            for item in data["items"]:
                self.seen[item["sku"]] = item
            return data

    def until(self, wanted, seconds=EVENT_SECONDS_MAX):
        """Reads on until wanted(seen); returns what was seen last of each SKU."""
        deadline = time.monotonic() + seconds
        while not wanted(self.seen):
            assert time.monotonic() < deadline, self.seen
            self.event()
        return self.seen

    def says(self, sku, status=None, available=None):
        """Reads on until the SKU is seen so."""
        self.until(lambda seen: sku in seen and status in (None, seen[sku]["status"]) and
                   available in (None, seen[sku]["available"]))
        return self.seen[sku]

    def rest(self):
        """Reads to the end: whether it was orderly."""
        try:
            while True:
                self.block()
        except StreamEnded as end:
            return end.orderly
        except ConnectionError:
            return False

    def problem(self):
        """The body of a refusal."""
        size = int(self.headers["content-length"])
        while len(self.raw) < size:
            self._fill()
        return json.loads(self.raw[:size])

    def reset(self):
        """Hangs up without a good-bye."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.socket.close()

    def close(self):
        self.socket.close()
