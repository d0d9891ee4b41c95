# SPDX-License-Identifier: Apache-2.0
"""Thousands of connections, and no file descriptors: whatever peers do, at the end the server
serves, takes no more memory than before, and its books are right."""

import itertools
import os
import pathlib
import re
import resource
import select
import signal
import socket
import sys
import time

import pytest

from tests.lib.client import Shopper, Wire, exchange
from tests.lib.server import eventually, free_address

PEERS = 10000
CONNECTIONS = 8000  # of the server: the rest is refused
AT_ONCE = 250  # are being opened: fewer than may wait at the door
GROWTH_KIB_MAX = 64
SPARE_FILES = 512  # of this process, besides the peers
HALF_A_REQUEST = b"POST /v1/checkout HTTP/1.1\r\nHost: shop.example\r\nContent-Length: 200\r\n\r\n{"
RESET = b"\1\0\0\0\0\0\0\0"  # struct linger: at once, and what was not read is lost
QUESTION = b"GET /v1/availability?skus=S1 HTTP/1.1\r\nHost: shop.example\r\n\r\n"
SECONDS_MAX = 60
NEWCOMERS = 50
WAITING = 20
WATCHED_SECONDS = 1
CPU_SHARE_MAX = 0.25  # of one core; one who asks again and again takes all of two
FEW_FILES = 400
TAKEN_FILES = 120
KEPT_WAITING = "hotshelf: new clients are kept waiting: Too many open files"
LET_IN = "hotshelf: new clients are let in again"

# The program is started by it: argv has the limit, how many are left open, and the command.
LEAVING_FILES = """
import os, resource, sys
limit, left = int(sys.argv[1]), int(sys.argv[2])
for _ in range(left):
    os.set_inheritable(os.open("/dev/null", os.O_RDONLY), True)
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
os.execv(sys.argv[3], sys.argv[3:])
"""

numbers = itertools.count(1)


def files_of(server):
    """How many file descriptors it has open."""
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


class Crowd:
    """Sockets of clients, that none of them outlives its test."""

    def __init__(self):
        self.sockets = []

    def open(self, server, count):
        peers = []
        for first in range(0, count, AT_ONCE):
            opening = [begin(server, first + number)
                       for number in range(min(AT_ONCE, count - first))]
            self.sockets += opening
            peers += opening
            poll = select.poll()
            left = {peer.fileno() for peer in opening}
            for number in left:
                poll.register(number, select.POLLOUT)
            while left:
                ready = poll.poll(1000 * SECONDS_MAX)
                assert ready, "connections are not accepted"
                for number, _ in ready:
                    poll.unregister(number)
                    left.discard(number)
        return peers


@pytest.fixture
def crowd():
    """So many sockets may this process have that it opens all of them itself."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = PEERS + SPARE_FILES
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, before[1])))
    crowd = Crowd()
    yield crowd
    reset(crowd.sockets)
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def begin(server, number):
    """A connection that is being opened, from one of several addresses."""
    peer = socket.socket()
    peer.setblocking(False)
    peer.bind((f"127.0.1.{1 + number % 8}", 0))
    try:
        peer.connect(("127.0.0.1", server.http_port))
    except BlockingIOError:
        pass
    return peer


def answered(peers):
    """Those who were told something, be it that there is no place for them."""
    poll = select.poll()
    by_number = {peer.fileno(): peer for peer in peers}
    for number in by_number:
        poll.register(number, select.POLLIN)
    return [by_number[number] for number, _ in poll.poll(0)]


def reset(peers):
    for peer in peers:
        if peer.fileno() >= 0:
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            peer.close()


def say(peers, data):
    for peer in peers:
        try:
            peer.send(data)
        except (ConnectionResetError, BrokenPipeError):
            pass  # refused


def newcomer(server):
    """What a client is told who comes now, with his request in the same breath."""
    return exchange(server.http_port, QUESTION)


def is_full(server):
    return newcomer(server).status == 503


def resp_says(server, data):
    with socket.create_connection(("127.0.0.1", resp_port(server)), 20) as back_end:
        back_end.sendall(data)
        return back_end.recv(4096)


def fill_the_door_of_back_ends(server, crowd):
    """A few places are kept for them, one in 64, and not for everybody either."""
    for taken in range(CONNECTIONS):
        back_end = socket.create_connection(("127.0.0.1", resp_port(server)), 20)
        crowd.sockets.append(back_end)
        back_end.sendall(b"PING\r\n")
        told = back_end.recv(4096)
        if told != b"+PONG\r\n":
            assert told == b"-ERR max number of clients reached\r\n"
            assert CONNECTIONS // 128 < taken < CONNECTIONS // 16
            return
    raise AssertionError("there is always room")


def resp_port(server):
    return int(str(server.settings["server.resp"]).rpartition(":")[2])


def ends_well(server):
    """The audit counts nothing."""
    assert server.stop() == 0
    assert server.audit().stdout.splitlines()[-1] == "ok"


def goes_on(client):
    """An honest client's order, on the connection that he has."""
    shopper = Shopper(client, f"honest-{next(numbers)}")
    assert shopper.checkout({"S1": 1}).status == 201


@pytest.mark.parametrize("shards", [1, 2])
def test_ten_thousand_come_say_half_a_request_or_nothing_and_reset(new_server, crowd, shards):
    """Those for whom there is a place get it, the others an answer; who was there is served."""
    settings = {"capacity.connections": CONNECTIONS, "server.resp": free_address()}
    server = new_server(shards=shards, settings=settings).start()
    server.sell(S1=1000)
    honest, admin = server.client(), server.admin()
    goes_on(honest)
    assert admin.get("/admin/v1/stock/S1").status == 200
    files, memory = files_of(server), server.resident_kib()
    peers = crowd.open(server, PEERS)
    say(peers[::2], HALF_A_REQUEST)
    assert eventually(lambda: is_full(server))
    goes_on(honest)
    assert admin.get("/admin/v1/stock/S1").status == 200
    told = [newcomer(server) for _ in range(NEWCOMERS)]
    assert {(reply.status, reply.code) for reply in told} == {(503, "overloaded")}
    assert all(int(reply.headers["retry-after"]) > 0 for reply in told)
    assert server.admin().get("/admin/v1/stock/S1").status == 200
    fill_the_door_of_back_ends(server, crowd)
    assert server.admin().get("/admin/v1/stock/S1").status == 200
    assert server.resident_kib() - memory <= GROWTH_KIB_MAX
    reset(crowd.sockets)
    assert eventually(lambda: files_of(server) == files)
    assert newcomer(server).status == 200
    assert resp_says(server, b"PING\r\n") != b""
    goes_on(honest)
    assert server.resident_kib() - memory <= GROWTH_KIB_MAX
    ends_well(server)


def limit_files(server, count):
    """Of the running server."""
    hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (count, hard))


def cpu_seconds(server):
    fields = pathlib.Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def with_files(server, count, taken=0):
    """At most so many, of which the parent has left some open that nobody knows of."""
    server.launcher = [sys.executable, "-c", LEAVING_FILES, str(count), str(taken)]
    return server


@pytest.mark.parametrize("way", ["io_uring", "epoll"])
def test_without_descriptors_new_clients_wait_and_the_others_are_served(new_server, crowd, way):
    """It says so once, it sleeps while it waits, and then those who waited are served."""
    server = new_server(settings={"server.io": way, "capacity.connections": 4000})
    with_files(server, FEW_FILES, TAKEN_FILES).start()
    server.sell(S1=1000)
    honest, admin = server.client(), server.admin()
    goes_on(honest)
    assert admin.get("/admin/v1/stock/S1").status == 200
    peers = crowd.open(server, FEW_FILES)
    say(peers, QUESTION)
    assert eventually(lambda: KEPT_WAITING in server.log())
    began, used = time.monotonic(), cpu_seconds(server)
    while time.monotonic() < began + WATCHED_SECONDS:
        goes_on(honest)
        time.sleep(0.1)
    assert cpu_seconds(server) - used < CPU_SHARE_MAX * (time.monotonic() - began)
    served = answered(peers)
    waiting = [peer for peer in peers if peer not in served]
    assert served and waiting
    for peer in served:
        assert peer.recv(65536).startswith(b"HTTP/1.1 200 ")
    reset(served)
    assert eventually(lambda: len(answered(waiting)) == len(waiting))
    told = {peer.recv(65536)[:13] for peer in waiting}
    assert b"HTTP/1.1 200 " in told
    assert told <= {b"HTTP/1.1 200 ", b"HTTP/1.1 503 "}  # quicker than those who make room
    assert eventually(lambda: newcomer(server).status == 200)
    assert eventually(lambda: LET_IN in server.log())
    assert (server.log().count(KEPT_WAITING), server.log().count(LET_IN)) == (1, 1)
    reset(waiting)
    ends_well(server)


def test_without_descriptors_the_journal_waits_for_its_next_segment(new_server):
    """S5: no reply tells of what is not there, nothing that was told is lost."""
    server = new_server().start()
    server.sell(S1=10)
    shopper = server.shopper("ann")
    assert shopper.put("S1", 1).status == 200
    before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[0]
    limit_files(server, 3)
    replies, quantity = [], 1
    while not replies or replies[-1].status == 200:
        quantity = 1 + quantity % 2
        replies.append(shopper.put("S1", quantity))
    assert (replies[-1].status, replies[-1].code) == (503, "journal_full")
    assert shopper.cart().json["lines"][0]["quantity"] == 3 - quantity
    limit_files(server, before)
    assert eventually(lambda: shopper.put("S1", 3).status == 200)
    server.kill()
    server.start()
    assert server.shopper("ann").cart().json["lines"][0]["quantity"] == 3
    ends_well(server)


def test_fewer_descriptors_than_connections_are_told_and_reckoned_with(new_server, crowd):
    """As many clients as there is room for beside the server's own files; the next gets a 503."""
    server = with_files(new_server(settings={"capacity.connections": 4000}), FEW_FILES).start()
    said = re.search(r"hotshelf: (\d+) file descriptors: (\d+) connections instead of "
                     r"capacity.connections = 4000; raise the hard limit .* to (\d+)", server.log())
    assert said and int(said[1]) == FEW_FILES and int(said[3]) > 4000
    room = int(said[2])
    assert FEW_FILES // 2 < room < FEW_FILES
    server.sell(S1=10)
    honest, admin = server.client(), server.admin()
    assert admin.get("/admin/v1/stock/S1").status == 200
    goes_on(honest)
    peers = crowd.open(server, room)
    assert eventually(lambda: is_full(server))
    assert newcomer(server).code == "overloaded"
    # A client and the merchant were there before, and some places are not for everybody.
    assert len(answered(peers)) == 2 + 2 * room // 64
    rows = "sku,title,category,seller,price,currency,stock\nS2,t,c,s,1.00,GBP,5\n"
    told = admin.post("/admin/v1/import", rows, headers={"Content-Type": "text/csv"})
    assert (told.status, told.json["created"]) == (200, 1)
    server.process.send_signal(signal.SIGHUP)
    assert eventually(lambda: "were read anew" in server.log())
    assert KEPT_WAITING not in server.log()
    reset(peers)
    check = server.run("check")
    assert check.returncode == 1
    assert re.search(rf"^mend +open files +{FEW_FILES} at most, {said[3]} are needed", check.stdout,
                     re.MULTILINE), check.stdout
    ends_well(server)


def test_too_few_descriptors_for_one_client_end_the_start(new_server):
    said = with_files(new_server(), 40).refuses_to_start()
    assert re.fullmatch(r"hotshelf: 40 file descriptors are too few: raise the hard limit .* to "
                        r"\d+\n", said), said
