# SPDX-License-Identifier: Apache-2.0
"""A private PostgreSQL for a test session: one server, a fresh database for each who asks."""

import itertools
import pathlib
import subprocess

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = str(ROOT / ".ci" / "postgres")


class Postgres:
    def __init__(self, directory):
        self.directory = str(directory)
        self.numbers = itertools.count(1)
        self.base = None
        self.start()

    def start(self):
        # No sync to disk: these tests stop the server, they do not cut its power.
        started = subprocess.run([SCRIPT, "start", self.directory, "fsync=off"],
                                 check=True, stdout=subprocess.PIPE, text=True)
        self.base = started.stdout.strip().split(" dbname=")[0]

    def stop(self, mode="fast"):
        subprocess.run([SCRIPT, "stop", self.directory, mode], check=True)

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
