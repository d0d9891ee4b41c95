# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL fails in every way under load, and receives every event exactly once (S1, S5).

Each fault is given while buyers buy: they must go on, and when it is healed the stream must, too.
At the end the buyers' book, the server, and PostgreSQL's rows and outbox are equal.
"""

import os
import random
import shutil

import pytest

from tests.lib.buyers import SETTINGS, Buyers
from tests.lib.cutting_proxy import CuttingProxy, Plan
from tests.lib.server import eventually
from tests.lib.streamed import everything_arrived, stream_is_whole

LONG = bool(os.environ.get("HOTSHELF_LONG"))
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1_000_000)))
ROUNDS = 20 if LONG else 1
PARTS = 80 if LONG else 1
TERMINATIONS = 40 if LONG else 10
PAUSE_MAX = 0.01
# None of the orders is ever forgotten, and many wait for their payment.
ROOM = {**SETTINGS, "data.journal_bytes": (2 << 30) if LONG else (256 << 20)}
ANSWERS_DURING = 60  # of the buyers, while a fault lasts
REQUEST_BYTES = 6000  # about those of one order's batch
REPLY_BYTES = 260  # and more than PostgreSQL answers to it
REPLY_STEP = 1 if LONG else 9
REQUEST_CUTS = 5000 if LONG else 10
CONTACT_BYTES = 18  # what it answers to a COMMIT
CONTACT_STEP = 1 if LONG else 5

OURS = "application_name LIKE 'hotshelf node%%' AND datname = current_database()"


class Faults:
    """What can be done to PostgreSQL; each method does it, lets buyers buy, and heals it."""

    def __init__(self, postgres, database, server, buyers, chance):
        self.postgres = postgres
        self.database = database
        self.server = server
        self.buyers = buyers
        self.chance = chance

    def away(self, end, start=None):
        self.database.close()
        end()
        self.buyers.wait_for_answers(ANSWERS_DURING)
        (start or self.postgres.start)()

    def stopped(self):
        self.away(lambda: self.postgres.stop("fast"))

    def stopped_at_once(self):
        self.away(lambda: self.postgres.stop("immediate"))

    def killed(self):
        self.away(self.postgres.kill)

    def our_backend_killed(self):
        """PostgreSQL then takes down every other backend, too, and recovers."""
        pid = self.database.value(f"SELECT pid FROM pg_stat_activity WHERE {OURS}")
        os.kill(pid, 9)
        assert eventually(self.is_taken_down, 30)
        self.buyers.wait_for_answers(ANSWERS_DURING)
        assert eventually(self.answers, 30)

    def is_taken_down(self):
        """Until then it answers as if nothing had happened."""
        try:
            self.database.value("SELECT 1")
            return False
        except Exception:  # pylint: disable=broad-except  (the connection is gone)
            self.database.close()
            return True

    def answers(self):
        try:
            return self.database.value("SELECT NOT pg_is_in_recovery()")
        except Exception:  # pylint: disable=broad-except  (whatever it says while it recovers)
            self.database.close()
            return False

    def read_only(self):
        said = len(self.server.log())
        self.database.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        self.database.execute("SELECT pg_reload_conf()")
        try:
            self.buyers.wait_for_answers(2 * ANSWERS_DURING)
            assert eventually(lambda: "stream:" in self.server.log()[said:], 30)
        finally:
            self.database.execute("ALTER SYSTEM RESET default_transaction_read_only")
            self.database.execute("SELECT pg_reload_conf()")

    def in_recovery(self):
        """A standby is asked to stand in, and promoted later."""
        self.away(lambda: self.postgres.stop("fast"), self.postgres.start_standby)
        self.buyers.wait_for_answers(ANSWERS_DURING)
        self.database.execute("SELECT pg_promote()")

    def backends_terminated(self):
        for _ in range(TERMINATIONS):
            self.signal_backends("pg_terminate_backend")
            self.buyers.wait_for_answers(self.chance.randrange(1, 60))

    def backends_cancelled(self):
        for _ in range(TERMINATIONS):
            self.signal_backends("pg_cancel_backend")
            self.buyers.wait_for_answers(self.chance.randrange(1, 30))

    def signal_backends(self, function):
        """As soon as there is one."""
        query = f"SELECT {function}(pid) FROM pg_stat_activity WHERE {OURS}"
        assert eventually(lambda: self.database.rows(query), 30)

    def commits_lost(self):
        """A failover to what another server had some orders ago: rows and position go back."""
        self.database.close()
        self.postgres.stop("fast")
        data = self.postgres.data()
        older = data.with_name("older")
        shutil.copytree(data, older)
        owner = data.stat()
        for path in [older, *older.rglob("*")]:
            os.chown(path, owner.st_uid, owner.st_gid)
        self.postgres.start()
        self.streams_on()
        self.database.close()
        self.postgres.stop("immediate")
        shutil.rmtree(data)
        older.rename(data)
        self.buyers.wait_for_answers(ANSWERS_DURING)
        self.postgres.start()

    def position(self):
        return self.database.value("SELECT coalesce(sum(seq), 0) FROM hotshelf.stream_position")

    def streams_on(self):
        """Events that are not yet made arrive."""
        before = self.position()
        assert eventually(lambda: self.position() > before, 30), self.server.log()[-2000:]


FAULTS = [Faults.stopped, Faults.stopped_at_once, Faults.killed, Faults.our_backend_killed,
          Faults.read_only, Faults.in_recovery, Faults.backends_terminated,
          Faults.backends_cancelled, Faults.commits_lost]

UNNOTICED = [Faults.backends_cancelled]  # when it meets no statement under way


def prove(server, database, buyers):
    buyers.stop()
    buyers.check()
    everything_arrived(database, buyers.orders())
    assert server.stop() == 0
    stream_is_whole(database)
    server.audit()


@pytest.mark.parametrize("number", range(ROUNDS))
def test_postgres_fails_in_every_way_and_receives_everything_once(
        new_server, postgres, database, summary, number):
    """V7, S1, S2, S3, S5."""
    chance = random.Random(SEED + number)
    print(f"SEED={SEED}")
    server = new_server(shards=2 + number % 3, dsn=database.dsn, settings=ROOM).start()
    buyers = Buyers(server, SEED, pause_max=PAUSE_MAX).open_shop().start()
    faults = Faults(postgres, database, server, buyers, chance)
    try:
        for fault in chance.sample(FAULTS, len(FAULTS)):
            said = len(server.log())
            fault(faults)
            faults.streams_on()
            buyers.assert_content()
            assert fault in UNNOTICED or "stream:" in server.log()[said:], fault.__name__
            summary.count(f"PostgreSQL: {fault.__name__.replace('_', ' ')}")
        prove(server, database, buyers)
    finally:
        buyers.end()
        postgres.start()


def plans(chance):
    """Every byte of what PostgreSQL answers to a batch and to a COMMIT, or as many as there is time
    for; the end of what it is asked, where the transaction commits; and places before it.
    """
    batches = [Plan("reply", byte)
               for byte in range(chance.randrange(REPLY_STEP), REPLY_BYTES, REPLY_STEP)]
    batches += [Plan("request", byte) for byte in range(8)]
    batches += [Plan("request", byte)
                for byte in chance.sample(range(8, REQUEST_BYTES), REQUEST_CUTS)]
    contacts = [Plan(where, byte, contact=True) for where in ("reply", "request")
                for byte in range(chance.randrange(CONTACT_STEP), CONTACT_BYTES, CONTACT_STEP)]
    for plan in batches:
        plan.passes = chance.randrange(1, 4)
    chance.shuffle(batches)
    # A contact that fails makes the next one wait longer, until a batch has come through.
    for number, contact in enumerate(contacts):
        batches.insert(2 * number + 1, contact)
    return batches


@pytest.mark.parametrize("part", range(PARTS))
def test_a_connection_cut_at_any_byte_around_a_commit_changes_nothing(
        new_server, postgres, database, summary, part):
    """S1: whichever side has heard of the commit, each event is there once."""
    print(f"SEED={SEED}")
    proxy = CuttingProxy(postgres.base, plans(random.Random(SEED))[part::PARTS])
    server = new_server(shards=2, dsn=proxy.dsn(database.dsn), settings=ROOM)
    buyers = Buyers(server.start(), SEED, pause_max=PAUSE_MAX).open_shop().start()
    try:
        assert eventually(lambda: not proxy.plans or buyers.complaints, 120)
        buyers.assert_content()
        prove(server, database, buyers)
    finally:
        buyers.end()
        server.end()
        proxy.stop()
    summary.count("PostgreSQL: connection cut", proxy.cuts)
