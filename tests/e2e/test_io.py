# SPDX-License-Identifier: Apache-2.0
"""Which way to the kernel serves (server.io), and what is said where io_uring is forbidden."""

import errno
import pathlib
import sys

import pytest

import tests.lib.forbidding
from tests.lib.client import Wire
from tests.lib.server import eventually

LAUNCHER = pathlib.Path(tests.lib.forbidding.__file__)
DEPTH = 300


def settings(wanted):
    return {"server.io": wanted}


@pytest.fixture
def without_io_uring(new_server):
    """Makes servers to which the kernel refuses io_uring."""
    def make(wanted, error=errno.EPERM, **more):
        server = new_server(settings=settings(wanted), **more)
        server.launcher = [sys.executable, str(LAUNCHER), str(error)]
        return server
    return make


def the_line_about_it(said):
    lines = [line for line in said.splitlines() if "io_uring" in line]
    assert len(lines) == 1, said
    return lines[0]


def says(server, words):
    """It is ready a little before it has announced itself."""
    return eventually(lambda: words in server.log())


def serves(server):
    """Reads, carts, checkouts, a deep pipeline; then a crash, after which all of it is there."""
    server.sell(S1=1000)
    ann = server.shopper("ann")
    assert ann.put("S1", 2).status == 200
    order = ann.checkout()
    assert order.status == 201
    wire = Wire(server.http_port)
    wire.send(b"GET /v1/availability?skus=S1 HTTP/1.1\r\nHost: x\r\n\r\n" * DEPTH)
    assert {wire.read_reply().status for _ in range(DEPTH)} == {200}
    wire.close()
    server.kill()
    server.start()
    assert server.shopper("ann").orders().json["items"][0]["id"] == order.json["id"]
    assert server.stock("S1")["held"] == 2
    assert server.stop() == 0
    server.audit()


@pytest.mark.parametrize("wanted,runs", [("auto", "io_uring"), ("io_uring", "io_uring"),
                                         ("epoll", "epoll")])
def test_the_start_says_which_backend_runs(new_server, wanted, runs):
    server = new_server(settings=settings(wanted), shards=2).start()
    assert says(server, f"2 shards on {runs}, ")
    assert server.client().get("/readyz").json["io"] == runs
    assert "does not work" not in server.log()
    told = server.run("check")
    assert f"{runs}: accept, receive, send, write, bell: as relied on" in told.stdout
    serves(server)


@pytest.mark.parametrize("error,remedy", [
    (errno.EPERM, "Operation not permitted; "), (errno.ENOSYS, "Function not implemented; ")])
def test_auto_serves_on_epoll_where_io_uring_is_forbidden(without_io_uring, error, remedy):
    server = without_io_uring("auto", error, shards=2).start()
    line = the_line_about_it(server.log())
    assert line.startswith("hotshelf: serving on epoll, as io_uring does not work here: "), line
    assert remedy in line
    assert "io_uring_setup, io_uring_enter and io_uring_register" in line
    assert says(server, "2 shards on epoll, ")
    told = server.run("check")
    assert line.removeprefix("hotshelf: ") in told.stdout
    assert told.returncode == 0, told.stdout
    serves(server)


def test_io_uring_by_name_is_refused_where_it_is_forbidden(without_io_uring):
    server = without_io_uring("io_uring")
    line = the_line_about_it(server.refuses_to_start())
    assert "server.io = io_uring does not work here: io_uring_setup: " in line
    assert "io_uring_setup, io_uring_enter and io_uring_register" in line
    assert not server.data.exists()
    told = server.run("check")
    assert told.returncode == 1
    assert line.removeprefix("hotshelf: ") in told.stdout


def test_epoll_by_name_does_not_speak_of_io_uring(without_io_uring):
    server = without_io_uring("epoll").start()
    assert "io_uring" not in server.log()
    serves(server)
