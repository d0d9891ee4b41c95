# SPDX-License-Identifier: Apache-2.0
"""Crowds that scenarios describe, against a real server and against one that lies."""

import os
import re
import signal
import subprocess
import threading
import time

import psycopg2
import pytest

from tests.e2e.test_switches import switch
from tests.lib.lying_proxy import LyingProxy
from tests.lib.replay import Run
from tests.lib.server import LOADTEST, eventually, free_port

SETTINGS = {"capacity.holds": 16384, "capacity.connections": 512, "data.journal_bytes": 134217728,
            "capacity.idempotency_keys": 32768, "capacity.claims": 32768}


@pytest.fixture(scope="module")
def shop(new_shared_server):
    server = new_shared_server(shards=2, settings={
        **SETTINGS, "server.resp": f"127.0.0.1:{free_port()}"})
    return server.start()


@pytest.fixture(scope="module")
def streaming_shop(new_shared_server, postgres):
    """One with PostgreSQL behind it, whose books are audited at the end."""
    postgres.start()
    database = postgres.database()
    server = new_shared_server(shards=2, dsn=database.dsn, settings=SETTINGS).start()
    yield server, database.dsn
    assert server.stop() == 0
    server.audit()
    database.close()


def sell(server, prefix, count, stock):
    """New products, as the value of --skus."""
    skus = [f"{prefix}-{number}" for number in range(count)]
    server.sell(**{name: stock for name in skus})
    return ",".join(skus)


def run(server, scenario, dsn=None, expected=0, **more):
    """The result of a run that ended as it should."""
    crowd = Run(server, scenario, dsn, **more)
    assert crowd.wait(90) == expected, crowd.told()
    return crowd.report()


def requests(report, kind):
    return sum(report["requests"].get(kind, {}).values())


def test_a_drop_comes_at_once_and_all_books_agree(streaming_shop):
    """V1, V3, V4, V7, S1: hot products, double clicks, hang-ups, bots, carts left behind."""
    server, dsn = streaming_shop
    skus = sell(server, "DROP", 12, 30)
    report = run(server, "drop", dsn, skus=skus, seconds=2, visits=700, connections=200)
    assert report["verdict"]["correct"] and report["verdict"]["compared"]["postgres"], report
    assert report["scenario"] == "drop" and report["what"] == "run"
    assert report["settings"]["arrivals.kind"] == "drop"
    assert sum(report["visitors"].values()) == 700 and report["visitors"]["bot"] > 10
    planned = report["series"]["planned"]
    assert sum(planned) == sum(report["series"]["begun"]) == 700
    steps = int(2 * 0.15 / report["series"]["step_seconds"])  # the first 3 of 20 s are 80 % of it
    assert sum(planned[:steps + 1]) > 500, planned
    assert report["answers_replayed"] > 0
    assert report["outcomes"]["nothing_left"] > 100


def test_a_kill_in_the_middle_leaves_the_books_equal(streaming_shop):
    """W5, P7: orders die while their customers reach for the purse; the money has to go back."""
    server, dsn = streaming_shop
    scenario = server.directory / "purse.ini"
    scenario.write_text("[arrivals]\nkind = constant\nrate = 150\nseconds = 1\n"
                        "[visitors]\nbuyer = 1\n[think]\nkind = constant\nms = 400\n"
                        "[buyer]\nlook_percent = 0\ncart_percent = 0\ncancel_percent = 0\n")
    skus = sell(server, "KILL", 1, 1000)
    crowd = Run(server, scenario, dsn, skus=skus, mode="external")
    assert eventually(lambda: server.stock("KILL-0")["held"] > 20)
    assert switch(server, "kill", "sku:KILL-0").json["cancelled"] > 0
    assert switch(server, "resume", "sku:KILL-0").status == 200
    assert crowd.wait(90) == 0, crowd.told()
    report = crowd.report()
    assert report["verdict"]["correct"], report
    assert report["refused"]["refund_required"] > 0
    assert report["outcomes"]["ordered"] > 0


@pytest.mark.parametrize("way", ["http", "resp"])
def test_bots_hold_and_give_back_so_that_nothing_is_stranded(shop, way):
    """V2, V4, L8: their orders are pending_payment as long as the crowd is there."""
    skus = sell(shop, f"BOTS-{way}", 4, 100)
    more = {"resp": shop.settings["server.resp"]} if way == "resp" else {}
    report = run(shop, "bots", skus=skus, seconds=1, rate=300, connections=100, **more)
    assert report["protocol"] == way
    assert report["verdict"]["correct"], report
    assert report["outcomes"]["cancelled"] > 20
    assert all(shop.stock(name)["held"] == 0 for name in skus.split(","))


def test_the_tail_of_a_sale_hears_that_it_is_sold_out(shop):
    """V3, K2: a handful of units, hundreds who want them."""
    skus = sell(shop, "TAIL", 3, 10)
    report = run(shop, "sold_out_tail", skus=skus, seconds=1, rate=500, connections=100)
    assert report["verdict"]["correct"], report
    assert 20 < report["units_sold"] <= 30
    assert report["outcomes"]["nothing_left"] + report["outcomes"]["looked"] > 300
    assert report["refused"]["sold_out"] + report["refused"].get("held_by_others", 0) > 30


def test_a_refresh_storm_ends_when_all_is_sold_out(shop):
    """A2: whoever looks again and again is told when it is over, and stops."""
    skus = sell(shop, "STORM", 2, 3)
    report = run(shop, "refresh_storm", skus=skus, seconds=1.5, rate=150, connections=200)
    assert report["verdict"]["correct"], report
    assert 0 < report["units_sold"] <= 6
    assert report["outcomes"]["looked"] > 50
    assert requests(report, "availability") > 1.5 * report["outcomes"]["looked"]


def test_searchers_see_only_what_can_be_bought(shop):
    """A3: only_available answers the purchasable ones in order."""
    sell(shop, "SEARCH", 60, 2)
    report = run(shop, "search", seconds=1, rate=150, connections=100)
    assert report["verdict"]["correct"], report
    assert report["outcomes"]["looked"] > 60
    assert requests(report, "products") > 2 * report["outcomes"]["looked"]


CLICKS = """[arrivals]
kind = constant
rate = 60
seconds = 1
[visitors]
impatient = 1
[impatient]
hang_up_percent = %d
hang_up_ms = 0
[buyer]
cart_percent = %d
cancel_percent = 0
"""


def clicks(server, hang_up_percent, cart_percent):
    scenario = server.directory / "clicks.ini"
    scenario.write_text(CLICKS % (hang_up_percent, cart_percent))
    return scenario


def test_an_order_is_one_however_often_it_is_sent(shop):
    """I3: clicked twice, or hung up on and sent again over another connection."""
    skus = sell(shop, "CLICKS", 2, 1000)
    report = run(shop, clicks(shop, 50, 30), skus=skus)
    assert report["verdict"]["correct"], report
    assert report["outcomes"]["ordered"] == 60
    hung_up = report["sent_again"]["hung_up"]
    assert 10 < hung_up < 50
    assert 60 - hung_up <= report["answers_replayed"] <= 60


def test_a_name_that_was_used_before_buys_nothing_and_is_told(shop):
    """I3: the second run hears of the orders of the first, and no book is there to say so."""
    asked = ["steady", "--url", f"http://127.0.0.1:{shop.http_port}", "--run", "mine",
             "--skus", sell(shop, "NAME", 1, 1000), "--seconds", "0.5", "--rate", "40"]
    assert words(*asked).returncode == 0
    again = words(*asked)
    assert again.returncode == 1 and "NOT CORRECT" in again.stdout, again.stdout
    assert "was a run named mine here before? take another --run\n" in again.stderr


AGAIN = """[arrivals]
kind = poisson
rate = 300
seconds = 1
[visitors]
buyer = 4
abandoner = 3
bot = 3
impatient = 2
[baskets]
customers = 20
lines_max = 4
[bot]
customers = 4
cart_percent = 50
"""


def test_customers_who_come_again_find_their_cart_and_their_limit(shop):
    """K8, O1: carts that were left are emptied first; a bot has max_open_orders and no more."""
    scenario = shop.directory / "again.ini"
    scenario.write_text(AGAIN)
    skus = sell(shop, "AGAIN", 10, 200)
    report = run(shop, scenario, skus=skus, mode="external")
    assert report["verdict"]["correct"], report
    assert report["outcomes"]["abandoned"] > 40
    assert report["refused"]["limit_exceeded"] == report["outcomes"]["gave_up"] > 10


@pytest.mark.parametrize("lie, found", [
    ("loses", "lost"), ("duplicates", "duplicated"), ("renames", "wrong_order")])
def test_a_server_that_lies_is_found_out(shop, lie, found):
    """The test of the test: one order of the run is not as it was acknowledged."""
    skus = sell(shop, f"LIES-{lie}", 1, 1000)
    proxy = LyingProxy(shop.http_port, lie)
    try:
        report = run(shop, clicks(shop, 0, 0), expected=1, url=proxy.url, skus=skus,
                     mode="deferred")
    finally:
        proxy.stop()
    assert proxy.lies == 1
    verdict = report["verdict"]
    assert not verdict["correct"] and verdict["finished"]
    assert verdict.get(found) or verdict["differences"].get(found) == 1, verdict


def test_a_postgresql_that_stops_in_a_query_is_not_waited_for_without_end(streaming_shop):
    """The back end that the crowd asks is stopped; those of the server are not."""
    server, dsn = streaming_shop
    skus = sell(server, "STOPPED", 1, 1000)
    crowd = Run(server, "steady", f"{dsn} application_name=the-crowd", skus=skus, rate=50,
                seconds=1.5, patience=2)
    assert eventually(lambda: server.stock("STOPPED-0")["sold"] > 3)
    with psycopg2.connect(dsn) as other, other.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'the-crowd'")
        (pid,), = cursor.fetchall()
    os.kill(pid, signal.SIGSTOP)
    try:
        assert crowd.wait(90) == 1, crowd.told()
    finally:
        os.kill(pid, signal.SIGCONT)
    assert re.search("waiting for PostgreSQL at .*, to answer a query: 1 s of 2 s", crowd.told())
    assert len(re.findall("waited 2 s for PostgreSQL at .*, in vain", crowd.told())) == 1
    assert crowd.report()["verdict"]["differences"] == {"ledger_unreadable": 1}


def test_a_hold_of_before_may_end_during_a_run(shop):
    """V2: its units are for sale again; fewer held than at first is nothing stranded."""
    skus = sell(shop, "BEFORE", 1, 1000)
    early = shop.service("early")
    order = early.checkout({"BEFORE-0": 3}, key="early")
    assert order.status == 201 and shop.stock("BEFORE-0")["held"] == 3, order
    crowd = Run(shop, "checkout_only", skus=skus, rate=50, seconds=1)
    assert eventually(lambda: shop.stock("BEFORE-0")["sold"] > 0)
    assert early.cancel(order.json["id"], key="bye").status == 200
    assert crowd.wait(60) == 0, crowd.told()
    assert shop.stock("BEFORE-0")["held"] == 0


def test_waiting_for_a_stalled_server_counts_from_when_a_visit_was_due(shop):
    """No coordinated omission: visits that could not begin meanwhile waited, too."""
    skus = sell(shop, "STALL", 1, 1000)
    crowd = Run(shop, "checkout_only", skus=skus, rate=100, seconds=2, connections=4)
    assert eventually(lambda: shop.stock("STALL-0")["sold"] > 20)
    shop.process.send_signal(signal.SIGSTOP)
    time.sleep(0.8)  # the stall itself
    shop.process.send_signal(signal.SIGCONT)
    assert crowd.wait(90) == 0, crowd.told()
    report = crowd.report()
    intended, service = report["latency_us"]["checkout"], report["service_us"]["checkout"]
    assert intended["count"] == service["count"] > 150
    assert intended["p90"] > 200_000 > service["p90"], (intended, service)
    assert max(count or 0 for count in report["series"]["waiting"]) > 20
    says = report["generator"]["says"]
    few = service["p50"] > 10_000  # on a machine that slow four connections carry no such rate
    assert few or "found none of its 4 connections free" not in says, says
    assert says in crowd.told()


def test_a_generator_with_too_few_connections_says_so(shop):
    """Visitors think on the only two there are, and the server has nothing to do."""
    scenario = shop.directory / "thinkers.ini"
    scenario.write_text("[scenario]\nconnections = 2\n[arrivals]\nkind = constant\nrate = 20\n"
                        "seconds = 0.5\n[visitors]\nabandoner = 1\n"
                        "[think]\nkind = constant\nms = 300\n[baskets]\nlines_max = 1\n")
    report = run(shop, scenario, skus=sell(shop, "FEW", 1, 1000))
    assert report["verdict"]["correct"], report
    says = report["generator"]["says"]
    assert re.search(r"[1-9][0-9.]* % of visits .* 2 connections ", says), says
    slow = report["service_us"]["cart"]["p90"] > 20_000  # the server had to do something else, too
    assert slow or report["generator"]["limited"], says
    assert slow or "found none of its 2 connections free" in says


def test_who_is_turned_away_for_long_gives_up(new_server):
    """L8: bots fill the tables; nobody waits for ever, and what is held is given back."""
    server = new_server(settings={"capacity.customers": 64, "capacity.orders": 64}).start()
    scenario = server.directory / "full.ini"
    scenario.write_text("[scenario]\nmode = external\ngive_up_seconds = 1\nconnections = 40\n"
                        "[arrivals]\nkind = constant\nrate = 200\nseconds = 0.6\n"
                        "[visitors]\nbot = 1\n[baskets]\nlines_max = 1\n")
    report = run(server, scenario, skus=sell(server, "FULL", 2, 1000))
    assert report["verdict"]["correct"], report
    assert report["outcomes"]["gave_up"] > 10 and report["outcomes"]["cancelled"] > 10, report
    assert report["refused"]["capacity_exhausted"] == report["outcomes"]["gave_up"]
    assert report["requests"]["checkout"]["pushed_back"] > 10
    assert server.stock("FULL-0")["held"] == 0


def test_an_interrupted_run_ends_orderly(shop):
    """SIGINT: nobody comes any more, who is there finishes, the books agree, exit 1."""
    skus = sell(shop, "STOP", 2, 100000)
    crowd = Run(shop, "mixed", skus=skus, seconds=300, rate=100, connections=100)
    assert eventually(lambda: shop.stock("STOP-0")["sold"] > 10)
    crowd.process.send_signal(signal.SIGINT)
    assert crowd.wait(60) == 1, crowd.told()
    assert "interrupted" in crowd.told()
    report = crowd.report()
    verdict = report["verdict"]
    assert verdict["finished"] and verdict["compared"]["server"] and not verdict["differences"]
    assert not verdict["correct"] and verdict["says"].startswith("interrupted"), verdict
    assert report["interrupted"] and sum(report["series"]["begun"]) < 30000
    assert shop.stock("STOP-0")["held"] == 0


class Sulky(LyingProxy):
    """One that answers nothing to paths with `sulks_at` in them, which may be said later."""

    def __init__(self, port, sulks_at=None):
        super().__init__(port, "nothing", lies_at=-1)
        self.sulks_at = sulks_at
        self.sulks = threading.Event()
        self.over = threading.Event()

    def answer(self, handler, body):
        if self.sulks_at and self.sulks_at in handler.path:
            self.sulks.set()
            self.over.wait()
            return 503, [], b""  # who asked has gone
        return super().answer(handler, body)

    def stop(self):
        self.over.set()
        super().stop()


def test_a_run_that_is_interrupted_while_it_gives_back_reports_what_was_measured(shop):
    scenario = shop.directory / "sulks.ini"
    scenario.write_text("[arrivals]\nkind = constant\nrate = 20\nseconds = 0.5\n"
                        "[visitors]\nbot = 1\n[bot]\ncart_percent = 0\n")
    skus = sell(shop, "SULKS", 1, 1000)
    proxy = Sulky(shop.http_port, "/cancel")
    crowd = Run(shop, scenario, url=proxy.url, skus=skus, mode="external")
    try:
        assert proxy.sulks.wait(30), crowd.told()
        crowd.process.send_signal(signal.SIGINT)
        assert crowd.wait(30) == 1, crowd.told()
    finally:
        crowd.end()
        proxy.stop()
    report = crowd.report()
    assert report["interrupted"] and report["orders_acknowledged"] == 10, report
    verdict = report["verdict"]
    assert not verdict["finished"] and not verdict["compared"]["server"], verdict
    assert "the books were not compared" in verdict["says"] and not verdict["correct"], verdict


def test_counters_that_are_awaited_in_vain_can_be_left(shop):
    """SIGINT while the books are awaited: the report tells what was measured."""
    sell(shop, "VAIN", 1, 1000)
    proxy = Sulky(shop.admin_port)
    crowd = Run(shop, "steady", admin=proxy.url, skus="VAIN-0", rate=20, seconds=1)
    try:
        assert eventually(lambda: shop.stock("VAIN-0")["sold"] > 0), crowd.told()
        proxy.sulks_at = "/stock"
        assert proxy.sulks.wait(30), crowd.told()
        crowd.process.send_signal(signal.SIGINT)
        assert crowd.wait(30) == 1, crowd.told()
    finally:
        crowd.end()
        proxy.stop()
    was_left(crowd, server=False, postgres=False)


def was_left(crowd, **compared):
    report, told = crowd.report(), crowd.told()
    verdict = report["verdict"]
    assert "are not waited for" in told and "\nverdict        interrupted: " in told, told
    assert report["interrupted"] and report["orders_acknowledged"] > 0, report
    assert verdict["finished"] and not verdict["correct"] and not verdict["differences"], verdict
    assert "not all books were compared" in verdict["says"], verdict
    assert verdict["compared"] == compared, verdict


def words(*arguments):
    return subprocess.run([LOADTEST, "run", *arguments], capture_output=True, text=True,
                          timeout=60, check=False)


def test_scenarios_are_listed_and_mistakes_named(tmp_path):
    listed = words("--list")
    assert listed.returncode == 0
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    assert {"drop", "steady", "ramp", "sold_out_tail", "refresh_storm", "bots", "search", "carts",
            "checkout_only", "mixed", "real_baskets"} == set(names)
    unknown = words("setady")
    assert unknown.returncode == 2 and "did you mean steady?" in unknown.stderr
    broken = tmp_path / "broken.ini"
    broken.write_text("[arrivals]\nratte = 5\n")
    told = words(str(broken))
    assert told.returncode == 2
    assert f"{broken}:2: unknown key ratte in [arrivals]; did you mean rate?" in told.stderr
    assert words("steady", "--orders", "5").returncode == 2
    assert words().returncode == 2
    assert words("search", "--resp", "127.0.0.1:1").returncode == 2
    near = words("steady", "--rat", "5")
    assert near.returncode == 2 and "--rat: no such option; did you mean --rate?" in near.stderr


@pytest.mark.parametrize("option, value, why", [
    ("--url", "ftp://x", "is neither http://HOST:PORT nor unix:PATH"),
    ("--url", "http://127.0.0.1:83646", "no port from 1 to 65535"),
    ("--admin", "http://127.0.0.1:0", "no port from 1 to 65535"),
    ("--resp", "127.0.0.1:65536", "no port from 1 to 65535"),
    ("--pg", "host=/tmp port=70000", "a port is not from 1 to 65535"),
    ("--pg", "nonsense", 'missing "="'),
    ("--skus", ",".join(f"SKU-{number}" for number in range(30)), "at most 191 characters"),
    ("--sale", "s" * 64, "at most 63 characters"),
    ("--seed", "-5", "not a whole number from 0 to 18446744073709551615"),
    ("--seed", "18446744073709551616", "not a whole number from 0 to 18446744073709551615"),
    ("--seed", "0x", "not a whole number from 0 to 18446744073709551615")])
def test_a_value_that_cannot_be_is_a_mistake_of_the_command_line(option, value, why):
    told = words("steady", "--skus", "A", option, value)
    assert told.returncode == 2 and why in told.stderr and told.stderr.count("\n") == 1, told
    assert told.stdout == ""


@pytest.mark.parametrize("option", ["--json", "--html", "--log"])
def test_a_file_that_cannot_be_written_is_told_before_the_run(tmp_path, option):
    told = words("steady", option, tmp_path / "nowhere" / "file")
    assert told.returncode == 2 and "nowhere/file: No such file or directory" in told.stderr
    kept = tmp_path / "kept"
    kept.write_text("an earlier result")
    new = ("--json", tmp_path / "new") if option != "--json" else ()
    assert "no scenario setady" in words("setady", option, kept, *new).stderr
    assert kept.read_text() == "an earlier result" and not (tmp_path / "new").exists()


@pytest.mark.parametrize("one, other", [("--json", "--html"), ("--json", "--log"),
                                        ("--html", "--log")])
def test_a_file_for_two_things_is_told_before_the_run(tmp_path, one, other):
    kept = tmp_path / "kept"
    for here in (kept, tmp_path / "new"):
        kept.write_text("an earlier log")
        told = words("steady", "--skus", "A", one, here, other, here)
        assert told.returncode == 2 and f"{here}: one file for two things" in told.stderr, told
    assert kept.read_text() == "an earlier log" and not (tmp_path / "new").exists()


def test_products_that_the_shop_does_not_have_are_named(shop):
    none = Run(shop, "steady", skus="NOT-HERE,NOR-HERE", seconds=1)
    assert none.wait(30) == 1
    assert "not know 2 of the 2 SKUs that are wanted; the first is NOT-HERE\n" in none.told()
    bookless = words("steady", "--url", f"http://127.0.0.1:{shop.http_port}", "--skus", "NOT-HERE",
                     "--seconds", "0.2", "--rate", "40")
    assert "of products that the server does not know" in bookless.stdout, bookless
    some = Run(shop, "steady", skus=f"{sell(shop, 'HERE', 1, 9)},NOT-HERE", seconds=0.1)
    assert some.wait(30) == 0, some.told()
    assert "not know 1 of the 2 SKUs that are wanted; the first is NOT-HERE\n" in some.told()
