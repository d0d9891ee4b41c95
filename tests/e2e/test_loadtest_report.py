# SPDX-License-Identifier: Apache-2.0
"""What is told of a run: a JSON result, a page in a real browser, two runs side by side."""

import json
import re
import subprocess

import pytest

from tests.lib.browser import Page
from tests.lib.lying_proxy import LyingProxy
from tests.lib.page_parts import page_of
from tests.lib.replay import SALE, SCHEMA, Replay, Run
from tests.lib.server import CATALOG, LOADTEST

HOSTILE = ("</script><script>document.title='owned'</script>"
           "<!--<img src=http://127.0.0.1:9/x>\"'&\u2028")
PLOTS = {
    "Throughput: requests", "Throughput: visits", "Latency over time", "Latency by percentile",
    "Stock burn-down", "What visits became", "Refused", "How busy the generator was",
    "Visits at once"}


def compare(*arguments):
    return subprocess.run([LOADTEST, "compare", *map(str, arguments)], capture_output=True,
                          text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def run(new_shared_server, tmp_path_factory):
    """A second's replay of a part of the sale, with counters and without PostgreSQL."""
    server = new_shared_server(shards=1, settings=SALE).start()
    assert server.run("import", CATALOG).returncode == 0
    html = tmp_path_factory.mktemp("run") / "run.html"
    replay = Replay(server, orders=900, more=["--html", html, "--rate", 900])
    assert replay.wait(120) == 0, replay.told()
    return replay, html


@pytest.fixture(scope="module")
def small(new_shared_server):
    return new_shared_server(shards=1).start()


@pytest.fixture(scope="module")
def page(run):
    return Page(run[1])


def test_the_parts_of_a_result_agree(run):
    """(That it keeps its schema is looked at wherever a test reads one.)"""
    result = run[0].report()
    assert result["settings"]["scenario.give_up_seconds"] == 0  # a replay never does
    series, rows = result["series"], len(result["series"]["requests"])
    assert {len(column) for name, column in series.items() if name != "step_seconds"} == {rows}
    assert (rows - 1) * series["step_seconds"] <= result["seconds"] + 0.5
    ended = [sum(kind[name] for kind in result["requests"].values())
             for name in ("ok", "refused", "pushed_back", "failed")]
    assert ended == [sum(series[name]) for name in ("ok", "refused", "pushed_back", "failed")]
    assert sum(ended) == sum(series["requests"])
    assert sum(series["begun"]) == sum(result["outcomes"].values()) == result["baskets"]
    assert series["units_sold"][-1] == result["units_sold"] > 0
    assert result["units_sold"] <= result["units_in_reach"]
    for kind, latency in result["latency_us"].items():
        percents, times = zip(*latency["curve"])
        assert list(percents) == sorted(percents) and percents[-1] == 100, kind
        assert list(times) == sorted(times) and times[-1] == latency["max"], kind
        assert latency["count"] == sum(
            result["requests"][kind][name] for name in ("ok", "refused")), kind


def test_a_verdict_says_what_was_compared(run):
    """V1, V3: the exit code, the four numbers and the sentence are one."""
    verdict = run[0].report()["verdict"]
    assert verdict["correct"] and verdict["finished"]
    assert verdict["compared"] == {"server": True, "postgres": False}
    assert [verdict[name] for name in ("oversold", "stranded", "lost", "duplicated")] == [0] * 4
    assert "--pg" in verdict["says"] and verdict["says"] in run[0].told()


class LyingCounters(LyingProxy):
    """An admin listener whose counters are wrong from the second reading on."""

    def __init__(self, port, lie):
        super().__init__(port, lie)
        self.readings = 0

    def answer(self, handler, body):
        status, told, data = self.ask(handler, handler.command, handler.path, body, dict(
            handler.headers))
        page = json.loads(data)
        self.readings += 1
        for item in page["items"] if self.readings > 1 else ():
            if item["sold"] > 3:
                self.lies += 1
                item.update(self.lie(item))
        return status, told, json.dumps(page).encode()


@pytest.mark.parametrize("number, lie", [
    ("oversold", lambda item: {"allotment": item["sold"] - 3, "available": 0}),
    ("stranded", lambda item: {"held": item["held"] + 3, "available": item["available"] - 3}),
    ("lost", lambda item: {"sold": item["sold"] - 3, "available": item["available"] + 3}),
    ("duplicated", lambda item: {"sold": item["sold"] + 3, "available": item["available"] - 3})],
    ids=("oversold", "stranded", "lost", "duplicated"))
def test_each_of_the_four_numbers_is_counted_in_units(small, number, lie):
    """V1, V2, V3: the test of the test, with counters that lie about one product."""
    sku = f"LIED-{number}"
    small.sell(**{sku: 1000})
    proxy = LyingCounters(small.admin_port, lie)
    try:
        crowd = Run(small, "checkout_only", skus=sku, rate=100, seconds=0.5, mode="deferred",
                    admin=proxy.url)
        assert crowd.wait(60) == 1, crowd.told()
    finally:
        proxy.stop()
    assert proxy.lies
    verdict = crowd.report()["verdict"]
    assert not verdict["correct"] and verdict["finished"]
    assert verdict[number] == 3, verdict
    others = {"oversold", "stranded", "lost", "duplicated"} - {number}
    assert all(verdict[other] == 0 for other in others), verdict
    assert f"3 {number}" in crowd.told() and "NOT CORRECT" in crowd.told()


def test_a_page_draws_every_plot_and_asks_nobody(run, page):
    assert (page.console, page.asked) == ([], [])
    drawn = page.plots()
    assert PLOTS <= set(drawn), drawn.keys()
    for title in PLOTS:
        assert any(len(path) > 20 for path in drawn[title]), (title, drawn[title])
    result = run[0].report()
    assert page.result() == result
    told = page.document.all("main")[0].text()
    assert "No difference in what was compared" in told
    assert f"{result['orders_acknowledged']:,}" in told


def test_each_plot_says_the_same_as_a_table(page):
    for figure in page.document.all("figure", "plot"):
        (details,) = figure.all("details", "data")
        heads = details.all("thead")[0].all("th")
        rows = details.all("tbody")[0].all("tr")
        assert all(head.text() for head in heads), figure.all("h3")[0].text()
        assert all(len(row.children) == len(heads) for row in rows)
        assert all(frame.all("svg")[0].attributes["aria-label"]
                   for frame in figure.all("div", "frame"))


def spoil(result):
    """The same result as of an enemy: every text, and every name that he could choose."""
    result = json.loads(json.dumps(result))
    for name in ("scenario", "url", "protocol", "run", "mode", "what"):
        result[name] = HOSTILE
    result["settings"] = {HOSTILE: HOSTILE}
    result["generator"] |= {"says": HOSTILE, "limited": True}
    result["verdict"] |= {"says": HOSTILE, "correct": False, "lost": 7,
                          "differences": {HOSTILE: 7}}
    for name in ("refused", "sent_again", "latency_us", "service_us", "requests"):
        result[name] = {**result[name], HOSTILE: list(result[name].values() or [3])[0]}
    return result


def test_hostile_names_are_only_text(run, tmp_path):
    """Twice: in a comparison they stand in warnings and as the names of files, too."""
    result = run[0].report()
    hostile = tmp_path / "a <img src=x onerror=alert(1)>.json"
    hostile.write_text(json.dumps(spoil(result)))
    html = tmp_path / "compare.html"
    done = compare(run[0].report_path, hostile, "--html", html, "--json", tmp_path / "compare.json")
    assert done.returncode == 0, done
    page = Page(html)
    assert (page.console, page.asked) == ([], [])
    document = page.document
    assert [len(document.all(tag)) for tag in ("script", "img", "iframe")] == [2, 0, 0]
    assert document.all("title")[0].text() == "two runs side by side, hotshelf load test"
    told = document.all("main")[0].text()
    assert HOSTILE in told and "onerror=alert(1)" in told
    assert page.result()["b"]["result"] == spoil(result)


READER = """{
const [requests, latency, , , curve] = document.querySelectorAll(".frame svg[tabindex]");
const box = requests.getBoundingClientRect();
requests.dispatchEvent(new PointerEvent("pointermove",
  { clientX: box.left + box.width / 2, clientY: box.top + 50 }));
for (const key of ["ArrowRight", "ArrowRight", "ArrowLeft"]) {
  latency.dispatchEvent(new KeyboardEvent("keydown", { key }));
}
curve.closest("figure").querySelector(".legend button").click();
}"""


def test_a_reader_reads_values_and_hides_lines_of_a_hostile_result(run, tmp_path):
    """By pointer, by key and by the legend; all names are what an enemy would choose."""
    html = tmp_path / "run.html"
    html.write_text(page_of(["result.js", "run.js"], spoil(run[0].report()), READER))
    page = Page(html, width=500)
    assert (page.console, page.asked) == ([], [])
    assert [len(page.document.all(tag)) for tag in ("script", "img")] == [2, 0]
    told = page.document.all("main")[0].text()
    assert told.count(HOSTILE) > 8 and "Not correct" in told
    assert "Mind the generator" in told
    requests, latency, *_ = (figure.all("div", "tip")[0] for figure in
                             page.document.all("figure", "plot") if figure.all("div", "tip"))
    for tip, names in ((requests, ("ok", "refused", "all requests")), (latency, ("p50", "p99"))):
        assert "hidden" not in tip.attributes
        assert all(name in tip.text() for name in names), tip.text()
    (curve,) = (figure for figure in page.document.all("figure", "plot")
                if figure.all("h3")[0].text() == "Latency by percentile")
    *kinds, sent = (button.attributes["aria-pressed"] == "true" for button in curve.all("button"))
    assert not kinds[0] and all(kinds[1:])
    drawn = curve.all("div", "frame")[0].all("path", "line")
    assert len(drawn) == len(kinds) - 1 + (len(kinds) if sent else 0)



def test_two_runs_stand_side_by_side(run, tmp_path):
    a = run[0].report()
    b = json.loads(json.dumps(a))
    b["requests_per_second"] = a["requests_per_second"] * 2
    for name in ("p50", "max"):
        b["latency_us"]["checkout"][name] = a["latency_us"]["checkout"][name] * 3
    other = tmp_path / "b.json"
    other.write_text(json.dumps(b))
    told = tmp_path / "told.json"
    done = compare(run[0].report_path, other, f"--json={told}")
    assert (done.returncode, done.stderr) == (0, ""), done
    result = json.loads(told.read_text())
    assert (result["format"], result["same_load"]) == ("hotshelf-loadtest-compare 2", True)
    assert (result["a"]["result"], result["b"]["result"]) == (a, b)
    rows = {row["figure"]: (row["ratio"], row["judged"]) for row in result["rows"]}
    assert rows["requests per second"] == (pytest.approx(2, rel=0.01), "better")
    assert rows["checkout, p50"] == (pytest.approx(3, rel=0.01), "worse")
    assert rows["checkout, longest"] == (pytest.approx(3, rel=0.01), "")  # it is one request
    assert rows["orders"] == (1, "")
    assert "both ran with the same settings" in done.stdout
    for line in ("requests per second", "checkout, p50 (us)", "orders per second"):
        assert line in done.stdout


def test_a_comparison_is_not_written_over_what_it_compares(run, tmp_path):
    kept = tmp_path / "kept.json"
    kept.write_text(run[0].report_path.read_text())
    for more in (f"--json={kept}", f"--html={kept}"):
        done = compare(kept, run[0].report_path, more)
        assert done.returncode == 2 and "would be written over another" in done.stderr, done
    assert kept.read_text() == run[0].report_path.read_text()


def test_another_load_is_warned_of_and_nothing_is_judged(run, tmp_path):
    b = run[0].report()
    b |= {"connections": 7, "rate": 1.5, "requests_per_second": b["requests_per_second"] * 9}
    b["generator"]["limited"] = True
    b["verdict"] |= {"correct": False, "says": "all\nis \x1b[31mwell"}
    b["scenario"] = "\x1b]0;a title\x07"
    other = tmp_path / "b.json"
    other.write_text(json.dumps(b))
    done = compare(run[0].report_path, other)
    assert done.returncode == 0, done
    assert "B NOT CORRECT: all is  [31mwell\n" in done.stdout
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", done.stdout), done.stdout
    for words in ("not the same load: scenario (orders.csv,  ]0;a title ), connections (64, 7), "
                  "rate (900, 1.5)\n",
                  "in B the generator, not the server, was the limit", "B was not correct"):
        assert "WARNING: " in done.stdout and words in done.stdout, (words, done.stdout)
    assert "better" not in done.stdout and "worse" not in done.stdout


def test_what_is_no_result_is_refused_by_name(run, tmp_path):
    good = run[0].report_path
    old = tmp_path / "old.json"
    old.write_text('{"run": "x", "orders_acknowledged": 3}')
    strange = tmp_path / "strange.json"
    strange.write_text('{"format": "hotshelf-bench 2"}')
    cut = tmp_path / "cut.json"
    cut.write_text(good.read_text()[:-200])
    for other, words in ((old, "an earlier hotshelf-loadtest"), (strange, '"hotshelf-bench 2"'),
                         (cut, "cut short"), (tmp_path / "none.json", "No such file")):
        done = compare(good, other)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert str(other) in done.stderr and words in done.stderr, done.stderr
    for usage in ((good,), (good, good, good), (good, good, "--html"), (good, good, "--what=x")):
        assert compare(*usage).returncode == 2, usage
    done = compare(good, good, "--html", tmp_path / "no" / "where.html")
    assert done.returncode == 1 and "where.html" in done.stderr


def put(result, path, value):
    """The result with this at a member, or without it."""
    result = json.loads(json.dumps(result))
    *names, last = path.split("/")
    place = result
    for name in names:
        place = place[name]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return result


NO_FIGURES = [
    ("latency_us", 5, "latency_us is 5, not an object"),
    ("latency_us", [], "latency_us is a list, not an object"),
    ("latency_us/checkout", "fast", "latency_us.checkout is a text, not an object"),
    ("latency_us/checkout/p99", -1, "latency_us.checkout.p99 is -1, not a whole number"),
    ("latency_us/checkout/p50", 1e308, "latency_us.checkout.p50 is 1e+308, not a whole number"),
    ("latency_us/checkout/p50", 10 ** 19, "latency_us.checkout.p50 is 10000000000000000000, not"),
    ("latency_us/checkout/max", 0.5, "latency_us.checkout.max is 0.5, not a whole number"),
    ("latency_us/checkout/p99.9", None, "latency_us.checkout.p99.9 is not there"),
    ("latency_us/checkout/curve", [[50, 1]], "latency_us.checkout.curve is a list, not a list of "),
    ("latency_us/checkout/curve", [[50, 1], [99, -1]], "latency_us.checkout.curve is -1, not"),
    ("service_us/checkout/count", "7", "service_us.checkout.count is a text, not a whole number"),
    ("requests_per_second", 1e300, "requests_per_second is 1e+300, not a number from 0 to 1e15"),
    ("requests_per_second", float("nan"), "not a JSON file"),
    ("orders_acknowledged", -1, "orders_acknowledged is -1, not a whole number"),
    ("seconds", {}, "seconds is an object, not a number"),
    ("seconds", None, "seconds is not there"),
    ("seed", -5, "seed is -5, not a whole number of 64 bits"),
    ("verdict/correct", "yes", "verdict.correct is a text, not true or false"),
    ("verdict/lost", 1e308, "verdict.lost is 1e+308, not a whole number"),
    ("generator", 5, "generator is 5, not an object"),
    ("series/ok", [1] * 257, "series.ok is a list, not a list of at most 256 numbers"),
    ("series/ok", [1, -2], "series.ok is -2, not numbers"),
    ("series/step_seconds", 0, "series.step_seconds is 0, not a number above 0"),
    ("settings/arrivals.kind", {}, "settings.arrivals.kind is an object, not a text"),
    ("refused/\x7f", -1, "refused.? is -1, not"),
]


@pytest.fixture(scope="module")
def result(run):
    return run[0].report()


@pytest.mark.parametrize("path, value, why", NO_FIGURES)
def test_what_is_no_figure_is_refused_by_file_and_member(run, result, tmp_path, path, value, why):
    """On either side, and before anything is told or written."""
    good = run[0].report_path
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(put(result, path, value), ensure_ascii=False))
    html = tmp_path / "compare.html"
    for pair in ((good, bad), (bad, good)):
        done = compare(*pair, "--html", html)
        assert (done.returncode, done.stdout) == (1, ""), done
        assert done.stderr.startswith(f"hotshelf-loadtest: {bad}: ") and why in done.stderr, done
        assert done.stderr.count("\n") == 1 and not html.exists()


def test_every_member_that_a_result_must_have_is_asked_for(run, result, tmp_path):
    """The schema is the measure: what it requires may not be missing, nor be of another type."""
    good = run[0].report_path
    bad = tmp_path / "bad.json"
    for name in SCHEMA["required"]:
        if name == "format":
            continue
        for value in (None, [[]]):
            bad.write_text(json.dumps(put(result, name, value)))
            done = compare(good, bad)
            assert done.returncode == 1 and f": {name} is " in done.stderr, (name, done)


def test_a_seed_may_have_64_bits(run, tmp_path):
    other = tmp_path / "other.json"
    other.write_text(json.dumps(put(run[0].report(), "seed", 2 ** 64 - 1)))
    assert compare(run[0].report_path, other).returncode == 0


def test_the_browser_of_these_tests_sees_errors_and_requests(tmp_path):
    """The test of the test."""
    path = tmp_path / "page.html"
    path.write_text("<img src='http://127.0.0.1:9/x.png'><script>nothing()</script>")
    page = Page(path)
    assert page.asked == ["http://127.0.0.1:9/x.png"]
    assert len(page.console) == 1 and "nothing is not defined" in page.console[0]
