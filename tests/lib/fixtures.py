# SPDX-License-Identifier: Apache-2.0
"""The fixtures of the end-to-end and crash suites."""

import itertools
import pathlib
import shutil
import tempfile

import pytest

from tests.lib.postgres import Postgres
from tests.lib.server import Server

sku_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def workspace():
    """A private directory that PostgreSQL's own user can reach too."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="hotshelf-test-"))
    directory.chmod(0o755)
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(workspace):
    """One PostgreSQL for the session."""
    server = Postgres(workspace / "postgres")
    yield server
    server.stop("immediate")


@pytest.fixture
def database(postgres):
    """A fresh database of it."""
    postgres.start()  # a test before may have stopped it and failed
    database = postgres.database()
    yield database
    database.close()


def server_maker(workspace):
    servers = []

    def make(**more):
        directory = tempfile.mkdtemp(prefix="server-", dir=workspace)
        server = Server(directory, **more)
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.end()
        shutil.rmtree(server.directory, ignore_errors=True)


@pytest.fixture
def new_server(workspace):
    """Makes servers that end with the test: new_server(shards=2, settings={..}, dsn=..)."""
    yield from server_maker(workspace)


@pytest.fixture(scope="module")
def new_shared_server(workspace):
    """The same for a server that the tests of one module share."""
    yield from server_maker(workspace)


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
