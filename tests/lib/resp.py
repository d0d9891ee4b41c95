# SPDX-License-Identifier: Apache-2.0
"""The Redis protocol over a raw socket."""

import socket

REPLY_SECONDS_MAX = 20


class Redis:
    """One connection: commands as arrays of bulk strings, replies as Python values."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), timeout=REPLY_SECONDS_MAX)
        self.file = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def ask(self, *words):
        self.send(command(*words))
        return self.read()

    def read(self):
        line = self.file.readline()
        assert line.endswith(b"\r\n"), line
        kind, rest = line[:1], line[1:-2].decode()
        if kind == b"+":
            return rest
        if kind == b"-":
            return Refused(rest)
        if kind == b":":
            return int(rest)
        if kind == b"_" or rest == "-1":
            return None
        if kind == b"$":
            text = self.file.read(int(rest) + 2)
            assert text.endswith(b"\r\n"), text
            return text[:-2].decode()
        if kind == b"*":
            return [self.read() for _ in range(int(rest))]
        assert kind == b"%", line
        return {self.read(): self.read() for _ in range(int(rest))}

    def is_over(self):
        return self.file.read(1) == b""

    def close(self):
        self.file.close()
        self.socket.close()


class Refused(str):
    """An error reply."""


def command(*words):
    texts = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(texts) + b"".join(
        b"$%d\r\n%s\r\n" % (len(text), text) for text in texts)


def redis(server):
    return Redis(server.settings["server.resp"])


def pairs(flat):
    """What RESP2 has instead of a map."""
    return dict(zip(flat[::2], flat[1::2], strict=True))
