# SPDX-License-Identifier: Apache-2.0
"""hotshelf recover --salvage: a server whose journal is damaged gets back to work, and says what is
lost."""

import shutil

import pytest

from tests.e2e.test_damage import BLOCK, flip, journal_files
from tests.lib.server import eventually


def file_bytes(server):
    return {path: path.read_bytes() for path in server.data.rglob("*") if path.is_file()}


def sold_server(new_server, shards, **more):
    """Forty customers have one unit each, of a SKU that nobody else buys."""
    server = new_server(shards=shards, **more).start()
    server.sell(S1=1000)
    for number in range(40):
        assert server.shopper(f"c{number}").checkout({"S1": 1}).status == 201
    return server


def damage_the_middle(server):
    """Of the journal that has most in it: what comes before is whole, what comes after vouches."""
    path, written = max(journal_files(server).items(), key=lambda item: len(item[1]))
    flip(path, written[len(written) * 2 // 3] + 40)
    return path


def salvage(server, *arguments):
    told = server.run("recover", "--salvage", *arguments)
    return told.returncode, told.stdout + told.stderr


@pytest.mark.parametrize("shards", [1, 2])
def test_a_damaged_journal_goes_back_to_work_with_what_is_whole(new_server, shards):
    """J6"""
    server = sold_server(new_server, shards)
    server.kill()
    path = damage_the_middle(server)
    assert "hotshelf recover --salvage" in server.refuses_to_start()

    before = file_bytes(server)
    status, told = salvage(server)
    assert status == 1, told
    assert path.name in told and "lost: batches" in told and "--yes" in told, told
    assert file_bytes(server) == before, "a plan changes nothing"

    status, told = salvage(server, "--yes")
    assert status == 0, told
    server.start()
    held = server.stock("S1")["held"]
    assert 0 < held < 40
    assert server.stock("S1")["available"] == 1000 - held
    assert server.shopper("later").checkout({"S1": 1000 - held}).status == 201
    assert server.shopper("too-late").checkout({"S1": 1}).status == 409
    status, told = salvage(server)
    assert status == 1 and "stop it first" in told, told

    server.kill()
    status, told = salvage(server, "--yes")
    assert status == 0 and "whole" in told, told
    server.start()
    assert server.stock("S1")["held"] == 1000
    assert server.stop() == 0
    server.audit()
    verified = server.run("journal", "verify")
    assert verified.returncode == 0, verified.stdout
    assert '"kind":"salvaged"' in server.run("journal", "dump").stdout


def test_what_is_whole_is_left_alone(new_server):
    server = sold_server(new_server, 2)
    assert server.stop() == 0
    before = file_bytes(server)
    status, told = salvage(server, "--yes")
    assert status == 0 and "nothing to salvage" in told, told
    assert file_bytes(server) == before


def test_a_file_that_is_gone_is_not_made_up(new_server):
    server = sold_server(new_server, 1)
    server.kill()
    path = damage_the_middle(server)
    shutil.move(path, server.directory / "elsewhere")
    status, told = salvage(server, "--yes")
    assert status == 1 and path.name in told and "--from-postgres" in told, told


def test_orders_that_postgres_has_are_not_given_up(new_server, database):
    """S1"""
    server = sold_server(new_server, 2, dsn=database.dsn)
    assert eventually(lambda: database.value("SELECT count(*) FROM hotshelf.orders") == 40)
    server.kill()
    damage_the_middle(server)
    before = file_bytes(server)
    status, told = salvage(server, "--yes")
    assert status == 1 and "recover --from-postgres" in told, told
    assert file_bytes(server) == before
    # Without PostgreSQL it is the operator's decision; with it again the start is refused (S1), and
    # the audit names every order that only PostgreSQL has.
    status, told = salvage(server, "--yes", "--set", "postgres.dsn=")
    assert status == 0, told
    assert "is behind PostgreSQL" in server.refuses_to_start()
    audit = server.run("audit")
    assert audit.returncode == 1
    assert "lost" in audit.stdout, audit.stdout


def test_a_postgres_that_is_away_is_asked_later(new_server):
    server = sold_server(new_server, 1)
    server.kill()
    damage_the_middle(server)
    server.change(postgres__dsn="host=127.0.0.1 port=1 dbname=nowhere")
    before = file_bytes(server)
    status, told = salvage(server, "--yes")
    assert status == 1 and "not reached" in told and "postgres.dsn=" in told, told
    assert file_bytes(server) == before
