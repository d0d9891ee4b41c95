# SPDX-License-Identifier: Apache-2.0
"""The fixtures of the end-to-end and crash suites."""

import itertools
import os
import pathlib
import shutil
import tempfile

import pytest

from tests.lib.postgres import Postgres
from tests.lib.server import Server

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None

sku_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def workspace():
    """A private directory that PostgreSQL's own user can reach too."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hotshelf-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def memory_workspace(workspace):
    """The same in memory, for what is not about disks."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hotshelf-test-", dir=MEMORY or workspace))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="module")
def home(workspace):
    """Where the servers of a module have their data: on a disk, unless the suite says otherwise."""
    return workspace


@pytest.fixture(scope="session")
def postgres(memory_workspace):
    """One PostgreSQL for the session."""
    server = Postgres(memory_workspace / "postgres")
    yield server
    server.stop("immediate")


@pytest.fixture
def database(postgres):
    """A fresh database of it."""
    postgres.start()  # a test before may have stopped it and failed
    database = postgres.database()
    yield database
    database.close()


def server_maker(home, living):
    servers = []

    def make(**more):
        directory = tempfile.mkdtemp(prefix="server-", dir=home)
        server = Server(directory, **more)
        servers.append(server)
        living.append(server)
        return server

    yield make
    for server in servers:
        living.remove(server)
        server.end()
        shutil.rmtree(server.directory, ignore_errors=True)


@pytest.fixture(scope="session")
def living():
    """The servers of the tests that are under way."""
    return []


@pytest.fixture
def new_server(home, living):
    """Makes servers that end with the test: new_server(shards=2, settings={..}, dsn=..)."""
    yield from server_maker(home, living)


@pytest.fixture(scope="module")
def new_shared_server(home, living):
    """The same for a server that the tests of one module share."""
    yield from server_maker(home, living)


@pytest.fixture(autouse=True)
def no_server_dies(living, new_server):
    """A server that ended by itself fails the test it died in, and only that one."""
    yield
    died = [server for server in living if server.has_died()]
    told = "\n".join(f"exit {server.process.returncode}: {server.log()[-3000:]}" for server in died)
    for server in died:
        server.start()
    assert not died, "the server died:\n" + told


@pytest.fixture
def sku():
    """A SKU name nobody else uses, so that tests can share a server."""
    return f"SKU-{next(sku_numbers)}"


@pytest.fixture
def sku2():
    return f"SKU-{next(sku_numbers)}"


@pytest.fixture
def name():
    """A customer nobody else is."""
    return f"customer-{next(sku_numbers)}"
