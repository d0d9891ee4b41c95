# SPDX-License-Identifier: Apache-2.0
"""Races over the real server: what tests/races/*.c does to it, and what is true after each.

Each test runs one race of hotshelf-races on a server of two shards and again on one of three. Its
rounds are dealt to several programs that run at once, so that a slow disk is waited for by all of
them together. After the last race of a server it is stopped, and `hotshelf audit`
proves V1 to V4 and V7 from its journal. The table of all races is printed at the end and kept in
var/test/races.txt.
"""

import collections
import os
import random
import subprocess

import pytest

from tests.lib.server import ADMIN_TOKEN, ROOT

RACES = ROOT / os.environ.get("HOTSHELF_TEST_BUILD", "build-debug") / "tests" / "hotshelf-races"
TABLE = ROOT / "var" / "test" / "races.txt"
SHARDS = (2, 3)
ROUNDS = 1000
ROUNDS_OF_SWITCHES = 160  # of kills, which wait for every shard's sweep, and of everything
REPEATS = 5 if os.environ.get("HOTSHELF_LONG") else 1
SEED = int(os.environ.get("SEED", 0)) or random.SystemRandom().randrange(1, 1 << 31)
RACE_SECONDS_MAX = 300
PROGRAMS = 4

LARGE = {
    "data.journal_bytes": 1 << 30,
    "capacity.skus": 65536,
    "capacity.customers": 262144,
    "capacity.orders": 131072,
    "capacity.holds": 262144,
    "capacity.lines": 262144,
    "capacity.text_bytes": 8 << 20,
    "capacity.idempotency_keys": 262144,
    "capacity.claims": 524288,
    "capacity.allowances": 65536,
    "capacity.connections": 4096,
    "capacity.requests": 4096,
    "limits.max_open_orders": 1000,
}


@pytest.fixture(scope="module")
def table():
    """The rows of all races; printed and kept when the last is over."""
    rows = []
    yield rows
    cells = [["race", "shards", "rounds", "questions", "outcomes"], *rows]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    text = "\n".join("  ".join([*(cell.ljust(width) for cell, width in zip(line, widths)), line[4]])
                     for line in cells)
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(text + "\n")
    print("\n" + text)


@pytest.fixture(scope="module", params=range(REPEATS))
def repetition(request):
    """Each has servers of its own: a thousand rounds fill a good part of their tables."""
    return request.param


def servers_until_audited(new_shared_server, repetition, **settings):
    """One for each number of shards; after the last race each is stopped and its journal proven."""
    servers = {shards: new_shared_server(shards=shards, settings={**LARGE, **settings})
               for shards in SHARDS}
    for server in servers.values():
        server.first_seed = SEED + repetition * 2 * PROGRAMS
    yield servers
    for server in servers.values():
        if server.process is not None:
            assert server.stop() == 0
            server.audit()


@pytest.fixture(scope="module")
def servers(new_shared_server, repetition):
    yield from servers_until_audited(new_shared_server, repetition)


@pytest.fixture(scope="module")
def hasty_servers(new_shared_server, repetition):
    """Whose unpaid orders expire after a second, the least that can be set."""
    yield from servers_until_audited(
        new_shared_server, repetition, **{"reservations.payment_seconds": 1})


@pytest.fixture(scope="module")
def switched_servers(new_shared_server, repetition):
    """Where merchants pause, freeze and kill: nobody else sells there."""
    yield from servers_until_audited(new_shared_server, repetition)


def launch(name, server, rounds, seed):
    return subprocess.Popen(
        [str(RACES), name, f"http=http://127.0.0.1:{server.http_port}",
         f"admin=http://127.0.0.1:{server.admin_port}", f"token={ADMIN_TOKEN}",
         f"rounds={rounds}", f"shards={server.settings['server.shards']}", f"seed={seed}",
         f"server={server.process.pid}"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def outcomes_of(cell):
    """"201 x 5, 409 sold_out x 7" as a counter."""
    pairs = (outcome.rsplit(" x ", 1) for outcome in cell.split(", ") if outcome)
    return collections.Counter({words: int(count) for words, count in pairs})


def sum_of(rows):
    """One row of the table from those of several programs."""
    cells = [row.split(" | ") for row in rows]
    counts = sum((outcomes_of(line[4]) for line in cells), collections.Counter())
    told = ", ".join(f"{words} x {count}" for words, count in sorted(counts.items()))
    return [cells[0][0], cells[0][1], *(str(sum(int(line[column]) for line in cells))
                                        for column in (2, 3)), told]


def run_race(name, server, table, rounds=ROUNDS, programs=PROGRAMS):
    if server.process is None:
        server.start()
    running = [launch(name, server, rounds // programs, server.first_seed + number)
               for number in range(programs)]
    try:
        told = [program.communicate(timeout=RACE_SECONDS_MAX) for program in running]
    finally:
        for program in running:
            program.kill()  # one that has ended is left alone
    rows = []
    for program, (said, complained) in zip(running, told):
        assert program.returncode == 0, complained
        rows += said.splitlines()
    table.append(sum_of(rows))


@pytest.mark.parametrize("shards", SHARDS)
def test_two_tabs_get_exactly_the_limit(servers, table, shards):
    """Q1, Q2, Q3, K8."""
    run_race("two-tabs", servers[shards], table)


@pytest.mark.parametrize("shards", SHARDS)
def test_no_tab_passes_a_limit_and_no_allowance_is_lost(servers, table, shards):
    """Q1 to Q4, K2, V5."""
    run_race("limits", servers[shards], table)


@pytest.mark.parametrize("shards", SHARDS)
def test_one_key_at_once_on_many_connections_is_one_effect(servers, table, shards):
    """I1 to I4."""
    run_race("double-clicks", servers[shards], table)


@pytest.mark.parametrize("shards", SHARDS)
def test_of_two_hundred_who_want_the_last_unit_one_gets_it(servers, table, shards):
    """V3, V4, A4, K3."""
    run_race("last-unit", servers[shards], table)


@pytest.mark.parametrize("shards", SHARDS)
def test_confirm_or_expiry_wins_and_the_loser_hears_the_final_state(hasty_servers, table, shards):
    """L2, L3, L4, C6, P3, P5, P6."""
    run_race("expiry", hasty_servers[shards], table)


@pytest.mark.parametrize("shards", SHARDS)
def test_a_cancel_that_races_a_payment_loses_no_money(servers, table, shards):
    """O2, O3, P7."""
    run_race("cancel", servers[shards], table)


@pytest.mark.parametrize("shards", SHARDS)
def test_of_equal_baskets_in_any_order_one_wins(servers, table, shards):
    """K1, K2, V4."""
    run_race("baskets", servers[shards], table)


@pytest.mark.parametrize("shards", SHARDS)
def test_nothing_is_taken_beyond_a_lowered_allotment(servers, table, shards):
    """T1, T2, T3, V1."""
    run_race("lowering", servers[shards], table)


@pytest.mark.parametrize("shards", SHARDS)
def test_a_unit_of_merged_carts_is_in_one_order_or_one_cart(servers, table, shards):
    """C4, K6, V4, Q1, Q4."""
    run_race("merge", servers[shards], table, programs=2 * PROGRAMS)


@pytest.mark.parametrize("shards", SHARDS)
def test_nothing_is_taken_after_the_reply_of_a_pause(switched_servers, table, shards):
    """W3, W6."""
    run_race("pause", switched_servers[shards], table, programs=2 * PROGRAMS)


@pytest.mark.parametrize("shards", SHARDS)
def test_a_kill_tells_exactly_what_came_back(switched_servers, table, shards):
    """W5, W6, P7."""
    run_race("kill", switched_servers[shards], table, ROUNDS_OF_SWITCHES)


@pytest.mark.parametrize("shards", SHARDS)
def test_everything_stands_still_and_goes_on(switched_servers, table, shards):
    """W3 to W6: what is set on everything is set by one program."""
    run_race("freeze", switched_servers[shards], table, ROUNDS_OF_SWITCHES, programs=1)
