# SPDX-License-Identifier: Apache-2.0
"""The page of a comparison with peers, in a real browser. (Those of runs: test_loadtest_report.)"""

from tests.lib.browser import Page
from tests.lib.page_parts import page_of


def row(job, peer, **more):
    return {"job": job, "peer": peer, "measure": "cpu", "not_measured": None, "ours_us": 4.5,
            "peer_us": 3, "ours_per_second": 100000, "peer_per_second": 90000, "ratio": 1.5,
            "ratio_min": 1.4, "ratio_max": 1.7, "target": None, "target_kind": "at_most",
            "met": None, **more}


ROWS = [
    row("availability", "floor", target=2, met=True),
    row("checkout", "floor", ratio=3, target=2, met=False),
    row("checkout", "redis <b>", target_kind="at_least", ratio=0.01, ratio_min=0.005, target=4,
        met=False),
    row("checkout", "postgres", target_kind="at_least", ratio=None, ratio_min=None, ratio_max=None,
        peer_us=None, peer_per_second=None, not_measured="it is not installed")]


def test_peers_stand_beside_each_other(tmp_path):
    result = {"format": "hotshelf-bench 2", "started_at": "2026-11-27T08:21:03Z",
              "machine": {"cores": 2}, "rows": ROWS}
    path = tmp_path / "bench.html"
    path.write_text(page_of(["bench.js"], result))
    page = Page(path)
    assert (page.console, page.asked) == ([], [])
    floor, others = page.document.all("figure", "plot")
    assert len(floor.all("circle", "dot")) == 2 and len(floor.all("circle", "hollow")) == 1
    assert len(others.all("circle", "dot")) == 1 and len(floor.all("path", "target")) == 2
    assert all(path.attributes["d"] for path in floor.all("path", "range"))
    told = page.document.all("main")[0].text()
    for words in ("1 of 3 targets met", "redis <b>", "it is not installed", "1.50 ×", "0.01 ×"):
        assert words in told, told
