# SPDX-License-Identifier: Apache-2.0
"""Sends garbage as fast as one core can: python3 garbage.py SECONDS SEED PORT...

Nothing but noise, and requests of the fuzzers' corpora with bytes changed, left out and put twice,
each over several connections to each port; a connection that is closed is opened anew, and some
are reset. Prints at the end how many bytes were sent over how many connections, as JSON.
"""

import json
import pathlib
import random
import socket
import sys
import time

CORPUS = pathlib.Path(__file__).resolve().parents[1] / "fuzz" / "corpus"
CONNECTIONS_PER_PORT = 4
PIECES = 400
PIECE_BYTES = 16384
RESET = b"\1\0\0\0\0\0\0\0"


def spoilt(dice, seed):
    """A seed with some of its bytes changed, or without an end, or twice."""
    data = bytearray(seed)
    for _ in range(dice.randrange(4)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    if dice.randrange(4) == 0:
        del data[dice.randrange(len(data)):]
    return bytes(data) * dice.choice((1, 1, 1, 2, 50))


def pieces(dice):
    seeds = [path.read_bytes() for name in ("http", "resp") for path in
             sorted((CORPUS / name).iterdir())]
    seeds = [seed for seed in seeds if seed]
    noise = [dice.randbytes(dice.randrange(1, PIECE_BYTES)) for _ in range(PIECES // 8)]
    return noise + [spoilt(dice, dice.choice(seeds)) for _ in range(PIECES)]


class Sender:
    """One connection after the other to a port."""

    def __init__(self, port):
        self.port = port
        self.socket = None
        self.opened = 0

    def open(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setblocking(False)
        self.opened += 1

    def drop(self, dice):
        if dice.randrange(2) == 0:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.socket.close()
        self.socket = None

    def send(self, dice, piece):
        """What went out. Replies are read now and then, by some."""
        try:
            if self.socket is None:
                self.open()
            sent = self.socket.send(piece)
            if dice.randrange(4) == 0 and self.socket.recv(65536) == b"":
                self.drop(dice)
            return sent
        except BlockingIOError:
            if dice.randrange(64) == 0:
                self.drop(dice)
        except OSError:
            self.drop(dice) if self.socket else None
        return 0


def main(seconds, seed, ports):
    dice = random.Random(seed)
    stock = pieces(dice)
    senders = [Sender(port) for port in ports for _ in range(CONNECTIONS_PER_PORT)]
    sent, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        for sender in senders:
            sent += sender.send(dice, dice.choice(stock))
    print(json.dumps({"bytes": sent, "connections": sum(one.opened for one in senders)}))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]), [int(port) for port in sys.argv[3:]])
