# SPDX-License-Identifier: Apache-2.0
"""Who a connection of the Redis protocol is, and which version it speaks, after whatever it has
said: beside a model of three lines, in random words and pieces, while tokens come and go."""

import random
import signal

import pytest

from tests.lib.resp import command, redis
from tests.lib.server import eventually, free_address

TOKENS = {"erp": "token-of-the-erp-back-end", "pos": "token-of-the-shops-tills"}
ROUNDS = 20
ROUNDS_BETWEEN_ROTATIONS = 4


class Session:
    """The model: what was said last, and what the next words are answered."""

    def __init__(self, server, dice, known):
        self.client, self.dice, self.known = redis(server), dice, known
        self.name, self.is_three = None, False

    def admitted(self, answer):
        return answer if self.name in self.known else "NOAUTH"

    def map(self):
        return dict if self.is_three else list

    def is_now(self, name, version=None):
        """Shows its token; what that is answered."""
        if name not in self.known:
            return "WRONGPASS"
        self.name = name
        if version is None:
            return "OK"
        self.is_three = version == 3
        return self.map()

    def reset(self):
        self.name, self.is_three = None, False
        return "RESET"

    def speaks(self, version):
        if self.name in self.known:
            self.is_three = version == 3
        return self.admitted(self.map())

    def forget_removed(self):
        if self.name not in self.known:
            self.name = None

    def words(self):
        """Some words, and what the model says that they are answered."""
        self.forget_removed()
        name, version = self.dice.choice(list(TOKENS)), self.dice.choice([2, 3])
        other = "pos" if name == "erp" else "erp"
        return self.dice.choice([
            lambda: (["AUTH", TOKENS[name]], self.is_now(name)),
            lambda: (["AUTH", name, TOKENS[name]], self.is_now(name)),
            lambda: (["AUTH", name, TOKENS[other]], "WRONGPASS"),
            lambda: (["HELLO", version, "AUTH", name, TOKENS[name]], self.is_now(name, version)),
            lambda: (["HELLO", version, "AUTH", name, TOKENS[name], "MORE"], "ERR"),
            lambda: (["HELLO", 4, "AUTH", name, TOKENS[name]], "NOPROTO"),
            lambda: (["HELLO", version], self.speaks(version)),
            lambda: (["RESET"], self.reset()) if version == 3 else (["NONE"], self.admitted("ERR")),
            lambda: (["HS.ORDER", "x"], self.admitted(None)),
            lambda: (["HS.CART.GET", f"ann-{version}"], self.admitted(self.map())),
            lambda: (["PING"], self.admitted("PONG")),
        ])()

    def say_much(self):
        said = [self.words() for _ in range(self.dice.randint(1, 40))]
        data = b"".join(command(*words) for words, _ in said)
        while data:
            size = self.dice.choice([1, 5, 70, 3000])
            self.client.send(data[:size])
            data = data[size:]
        for words, expected in said:
            told = self.client.read()
            if isinstance(told, str):
                told = told.split()[0]
            elif told is not None:
                told = type(told)
            assert told == expected, words


@pytest.mark.parametrize("seed", [1, 2])
def test_a_session_is_what_it_has_shown_last(new_server, tmp_path, seed):
    dice, known = random.Random(seed), set(TOKENS)

    def write(name, text):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)

    def rotate():
        known.clear()
        known.update(name for name in TOKENS if dice.random() < 0.6)
        write("services", "".join(f"{name}:{TOKENS[name]}\n" for name in sorted(known)))
        before = len(server.log())
        server.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: "were read anew" in server.log()[before:])

    write("secret", "0123456789abcdef" * 2)
    write("services", "".join(f"{name}:{token}\n" for name, token in TOKENS.items()))
    server = new_server(shards=2, settings={
        "server.resp": free_address(), "auth.mode": "jwt",
        "auth.jwt_secret_file": tmp_path / "secret",
        "auth.service_tokens_file": tmp_path / "services"}).start()
    sessions = [Session(server, dice, known) for _ in range(4)]
    for number in range(ROUNDS):
        for session in sessions:
            session.say_much()
        if number % ROUNDS_BETWEEN_ROTATIONS == ROUNDS_BETWEEN_ROTATIONS - 1:
            rotate()
    for token in TOKENS.values():
        assert token not in server.log()
