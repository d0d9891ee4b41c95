# SPDX-License-Identifier: Apache-2.0
"""Starts the real hotshelf on free ports in a directory of its own, and ends it in every way."""

import fcntl
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import tempfile
import time

from tests.lib.client import Client, Shopper

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("HOTSHELF_BUILD", "build-release")
HOTSHELF = str(BUILD / "net" / "hotshelf")
LOADTEST = str(BUILD / "loadtest" / "hotshelf-loadtest")
CATALOG = ROOT / "loadtest" / "data" / "catalog.csv"
ORDERS = ROOT / "loadtest" / "data" / "orders.csv"
TEST_IO = os.environ.get("HOTSHELF_TEST_IO", "")  # server.io of all servers: "epoll"
ADMIN_TOKEN = "token-of-the-tests"
VIEWER_TOKEN = "token-of-a-viewer"
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60

# A byte of it for each port is locked by the process that uses it, for as long as that lives.
PORTS = os.open(pathlib.Path(tempfile.gettempdir()) / "hotshelf-test-ports",
                os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)

SHARD_BYTES = 32 << 20  # of journal: a few hundred live holds have their room set aside

# Small tables: a start takes milliseconds and every bound is within reach of a test.
SMALL = {
    "data.journal_bytes": "33554432",
    "capacity.skus": 4096,
    "capacity.customers": 4096,
    "capacity.orders": 4096,
    "capacity.holds": 8192,
    "capacity.lines": 16384,
    "capacity.text_bytes": 4194304,
    "capacity.idempotency_keys": 16384,
    "capacity.claims": 16384,
    "capacity.allowances": 16384,
    "capacity.names": 1024,
    "capacity.connections": 256,
    "capacity.requests": 1024,
    "capacity.identities": 16384,
    "limits.overload_ms": 2000,  # many servers share two cores here: what waits is no crowd
}


def eventually(question, seconds=20, pause=0.01):
    """Asks until the answer is true and returns it; the last answer when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer or time.monotonic() > deadline:
            return answer
        time.sleep(pause)


def take_port(port):
    """False when another process of tests has taken it: its server may just be starting again."""
    try:
        fcntl.lockf(PORTS, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


GIVEN = set()  # by this process, which the locks are no bar to: a server asks for three at once


def free_port():
    """A port nobody uses, below the range from which the kernel picks ports of its own."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        if port in GIVEN or not take_port(port):
            continue
        GIVEN.add(port)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def free_address():
    return f"127.0.0.1:{free_port()}"


class Server:
    """One hotshelf: its directory, its configuration, its process."""

    def __init__(self, directory, settings=None, dsn=None, shards=1):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.data = self.directory / "data"
        self.log_path = self.directory / "server.log"
        self.http_port = free_port()
        self.admin_port = free_port()
        self.process = None
        self.environment = None  # as that of the tests; see clock.py
        self.launcher = []  # what the program is started by; see forbidding.py
        self.end_is_expected = False
        self.settings = {
            "server.http": f"127.0.0.1:{self.http_port}",
            "server.admin": f"127.0.0.1:{self.admin_port}",
            "server.resp": "off",
            "server.shards": shards,
            "data.dir": self.data,
            "auth.mode": "header",
            "auth.admin_tokens_file": self.directory / "admin-tokens",
            **({"server.io": TEST_IO} if TEST_IO else {}),
            **SMALL,
            "data.journal_bytes": max(int(SMALL["data.journal_bytes"]), shards * SHARD_BYTES),
            **({"postgres.dsn": dsn} if dsn else {}),
            **(settings or {}),
        }
        self.configuration = self.directory / "hotshelf.ini"
        tokens = self.directory / "admin-tokens"
        tokens.write_text(f"tests:operator:{ADMIN_TOKEN}\nlooker:viewer:{VIEWER_TOKEN}\n")
        tokens.chmod(0o600)
        self.write_configuration()

    def write_configuration(self):
        sections = {}
        for name, value in self.settings.items():
            section, key = name.split(".", 1)
            sections.setdefault(section, []).append(f"{key} = {value}")
        text = "".join(f"[{section}]\n" + "\n".join(lines) + "\n\n"
                       for section, lines in sections.items())
        self.configuration.write_text(text)

    def change(self, **settings):
        """change(server__shards=2): for the next start."""
        self.settings.update({name.replace("__", "."): value for name, value in settings.items()})
        self.write_configuration()

    # Life and death.

    def launch(self):
        """Starts the process and does not wait for it."""
        self.end_is_expected = False
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.launcher, HOTSHELF, "serve", "-c", str(self.configuration)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.directory,
                env=self.environment)
        return self

    def start(self):
        """Starts it and waits until it says that it is ready."""
        self.launch()
        assert eventually(self.is_ready_or_gone, START_SECONDS_MAX), "never ready:\n" + self.log()
        assert self.process.poll() is None, "ended at start:\n" + self.log()
        return self

    def is_ready_or_gone(self):
        return self.process.poll() is not None or self.is_ready()

    def is_ready(self):
        client = Client(self.http_port)
        try:
            return client.get("/readyz").status == 200
        except OSError:
            return False
        finally:
            client.close()

    def refuses_to_start(self):
        """Starts it, expects it to end by itself with exit code 1, returns what it said."""
        said_before = len(self.log())
        self.launch()
        self.end_is_expected = True
        status = self.process.wait(START_SECONDS_MAX)
        said = self.log()[said_before:]
        assert status == 1, f"exit {status}:\n{said}"
        return said

    def stop(self):
        """SIGTERM; the exit code."""
        self.end_is_expected = True
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOP_SECONDS_MAX)

    def kill(self):
        """kill -9, as a crash does."""
        self.end_is_expected = True
        self.process.kill()
        self.process.wait()

    def end(self):
        """Whatever state a test left it in, nothing stays behind."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def has_died(self):
        """It ended and no test asked it to."""
        return (self.process is not None and self.process.poll() is not None and
                not self.end_is_expected)

    def log(self):
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def status_kib(self, field):
        """A line of /proc/PID/status that counts kB: VmRSS, VmHWM, RssAnon."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith(field + ":"):
                    return int(line.split()[1])
        raise KeyError(field)

    def resident_kib(self):
        """Anonymous and shared memory; pages of the program's file come as its code first runs."""
        return self.status_kib("RssAnon") + self.status_kib("RssShmem")

    # Talking to it.

    def client(self):
        return Client(self.http_port)

    def shopper(self, name):
        return Shopper(self.client(), name)

    def service(self, name):
        """Role service, acting for the customer of that name."""
        return Shopper(self.client(), name, role="service")

    def admin(self, token=ADMIN_TOKEN):
        return Client(self.admin_port, {"Authorization": f"Bearer {token}"})

    def import_csv(self, text):
        return self.admin().post("/admin/v1/import", text, headers={"Content-Type": "text/csv"})

    def sell(self, **stock):
        """sell(S1=5): puts SKUs of one GBP on sale, five units of S1."""
        rows = [{"sku": sku, "stock": units} for sku, units in stock.items()]
        self.sell_rows(rows)

    def sell_rows(self, rows):
        """Products from partial rows: what a row leaves out has a plain value."""
        plain = {"title": "A thing", "category": "things", "seller": "seller-1",
                 "price": "1.00", "currency": "GBP", "stock": 10}
        names = list(dict.fromkeys(["sku", *plain, *(name for row in rows for name in row)]))
        lines = [",".join(names)]
        for row in rows:
            whole = {**plain, **row}
            lines.append(",".join(str(whole.get(name, "")) for name in names))
        reply = self.import_csv("\n".join(lines) + "\n")
        assert reply.status == 200, reply
        assert reply.json["created"] == len(rows), reply
        return reply

    def stock(self, sku):
        reply = self.admin().get(f"/admin/v1/stock/{sku}")
        assert reply.status == 200, reply
        return {name: reply.json[name] for name in ("allotment", "available", "held", "sold")}

    def availability(self, *skus):
        reply = self.client().get("/v1/availability?skus=" + ",".join(skus))
        assert reply.status == 200, reply
        return reply.json["items"]

    def run(self, verb, *arguments, **more):
        """hotshelf VERB -c FILE ARGUMENT...: the finished process."""
        command = [*self.launcher, HOTSHELF, verb, "-c", self.configuration, *arguments]
        return subprocess.run([str(word) for word in command],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=120, cwd=self.directory, check=False, **more)

    def audit(self):
        """Proves the journal (and PostgreSQL, when configured) of a stopped server."""
        audit = self.run("audit")
        assert audit.returncode == 0, audit.stdout + audit.stderr
        return audit

    def journal_events(self):
        """What `hotshelf orders` tells of the journal, as objects."""
        told = self.run("orders")
        assert told.returncode == 0, told.stderr
        return [json.loads(line) for line in told.stdout.splitlines()]
