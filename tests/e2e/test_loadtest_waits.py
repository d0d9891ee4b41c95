# SPDX-License-Identifier: Apache-2.0
"""Whatever hotshelf-loadtest is pointed at: it tells what it waits for, and ends, in a sentence."""

import subprocess

import pytest

from tests.lib.mute import Mute
from tests.lib.server import LOADTEST

PATIENCE = 3

SHELF = r"the products of http://127.0.0.1:%d cannot be read: "
WAITS = {  # what is mute, how, what is said at the end, and whether it is waited for
    "shelf-silent": ("--url", "says nothing", SHELF + "no whole answer came within 3 s; is", True),
    "shelf-body": ("--url", "drips a body", SHELF + "no whole answer came within 3 s; is", True),
    "shelf-head": ("--url", "drips a head", SHELF + "no whole answer came within 3 s; is", True),
    "shelf-still": ("--url", "stands still", SHELF + "its pages do not end: after 2 of them, with "
                    "0 products, the next cursor is still \"abc\"; is", False),
    "shelf-on": ("--url", "goes on", SHELF + "its pages do not end: after ", True),
    "admin-silent": ("--admin", "says nothing",
                     "the admin listener at http://127.0.0.1:%d gave no answer within 3 s: no "
                     "whole answer came; is", True),
    "admin-body": ("--admin", "drips a body",
                   "the admin listener at http://127.0.0.1:%d gave no answer within 3 s: no "
                   "whole answer came; is", True),
    "admin-still": ("--admin", "stands still",
                    "the pages of counters of http://127.0.0.1:%d do not end: after 0 counters",
                    False),
    "admin-other": ("--admin", "is another", "the admin listener at http://127.0.0.1:%d answered "
                    "404: <html>  [31m<p>pppp", False),
    "admin-on": ("--admin", "goes on",
                 "the pages of counters of http://127.0.0.1:%d do not end: after 0 counters", True),
    "postgres": ("--pg", "says nothing",
                 "waited 3 s for PostgreSQL at 127.0.0.1, port %d, to accept a connection", True),
    "shelf-full": ("--url", "takes nobody", SHELF + "no whole answer came within 3 s; is", True),
    "admin-full": ("--admin", "takes nobody", "the admin listener at http://127.0.0.1:%d gave no "
                   "answer within 3 s: no whole answer came; is", True),
    "postgres-full": ("--pg", "takes nobody", "waited 3 s for PostgreSQL at 127.0.0.1, port %d, "
                      "to accept a connection", True),
    "crowd-full": ("--url", "takes nobody", "http://127.0.0.1:%d answered nothing for 3 s", False),
    "crowd-http": ("--url", "says nothing", "http://127.0.0.1:%d answered nothing for 3 s", False),
    "crowd-drip": ("--url", "drips a body", "http://127.0.0.1:%d answered nothing for 3 s", False),
    "crowd-resp": ("--resp", "says nothing", "127.0.0.1:%d answered nothing for 3 s", False),
}
PLACE = {"--url": "http://127.0.0.1:%d", "--admin": "http://127.0.0.1:%d", "--resp": "127.0.0.1:%d",
         "--pg": "host=127.0.0.1 port=%d user=nobody dbname=none sslmode=disable"}


class Waiting:
    """One run against one that is mute."""

    def __init__(self, case):
        option, way, says, self.is_waited_for = WAITS[case]
        self.mute = Mute(way)
        self.says = says % self.mute.port
        skus = [] if case.startswith("shelf") else ["--skus", "A"]
        self.process = subprocess.Popen(
            [LOADTEST, "run", "steady", option, PLACE[option] % self.mute.port, "--patience",
             str(PATIENCE), "--seconds", "1", "--rate", "5", *skus],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.mute.stop()


@pytest.fixture(scope="module")
def waiting():
    """All at once: what each of them does is wait."""
    runs = {case: Waiting(case) for case in WAITS}
    yield runs
    for run in runs.values():
        run.end()


@pytest.mark.parametrize("case", WAITS)
def test_it_ends_and_says_why(waiting, case):
    run = waiting[case]
    _, told = run.process.communicate(timeout=120)
    assert run.process.returncode == 1, told
    assert told.count(run.says) == 1, told
    assert max(map(len, told.splitlines())) < 500, told
    if run.is_waited_for:
        lines = told.splitlines()
        assert lines[0].startswith("waiting for "), told
        assert str(run.mute.port) in lines[0] and run.says in lines[-1], told
