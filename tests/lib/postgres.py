# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL for a test session: one server, a fresh database for each who asks."""

import contextlib
import itertools
import os
import pathlib
import signal
import subprocess

import psycopg2

from tests.lib.server import eventually

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / ".ci" / "postgres")
# No sync to disk: these tests stop the server, they do not cut its power. What it shares is in its
# directory, so that one that is killed leaves nothing.
SETTINGS = ("fsync=off", "dynamic_shared_memory_type=mmap",
            "max_wal_size=64MB", "min_wal_size=32MB")


def children(parent):
    """The processes that this one has started."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(after_name[1]) == parent:
            found.append(int(path.parent.name))
    return found


class Postgres:
    def __init__(self, directory):
        self.directory = str(directory)
        self.numbers = itertools.count(1)
        self.base = None
        self.start()

    def start(self):
        started = subprocess.run([SCRIPT, "start", self.directory, *SETTINGS],
                                 check=True, stdout=subprocess.PIPE, text=True)
        self.base = started.stdout.strip().split(" dbname=")[0]

    def stop(self, mode="fast"):
        subprocess.run([SCRIPT, "stop", self.directory, mode], check=True)

    def signal(self, number):
        """To the server and to every process of it."""
        main = (pathlib.Path(self.directory) / "data" / "postmaster.pid").read_text().split()[0]
        children = pathlib.Path(f"/proc/{main}/task/{main}/children").read_text().split()
        for process in [main, *children]:
            os.kill(int(process), number)

    @contextlib.contextmanager
    def frozen(self):
        """It answers nothing, and no connection to it ends."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def data(self):
        return pathlib.Path(self.directory).resolve() / "data"

    def kill(self):
        """kill -9 of the first process; the others notice, and end."""
        postmaster = int((self.data() / "postmaster.pid").read_text().split()[0])
        backends = children(postmaster)
        os.kill(postmaster, signal.SIGKILL)
        gone = eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in backends))
        assert gone, "PostgreSQL's processes outlive it"

    def start_standby(self):
        """Up again as one that waits for a primary there is not: read-only until promoted."""
        (self.data() / "standby.signal").touch()
        self.start()

    def database(self):
        """A new, empty database."""
        name = f"test_{next(self.numbers)}"
        database = Database(f"{self.base} dbname=postgres user=hotshelf")
        database.execute(f"CREATE DATABASE {name}")
        database.close()
        return Database(f"{self.base} dbname={name} user=hotshelf")


class Database:
    """One database of it. Connects when asked something, again after the server was away."""

    def __init__(self, dsn):
        self.dsn = dsn
        self.connection = None

    def cursor(self):
        if self.connection is None or self.connection.closed:
            self.connection = psycopg2.connect(self.dsn)
            self.connection.autocommit = True
        return self.connection.cursor()

    def execute(self, statement, *values):
        with self.cursor() as cursor:
            cursor.execute(statement, values)

    def rows(self, query, *values):
        with self.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def value(self, query, *values):
        rows = self.rows(query, *values)
        assert len(rows) == 1, f"{len(rows)} rows from {query}"
        return rows[0][0]

    def close(self):
        if self.connection is not None:
            self.connection.close()
            self.connection = None
