# SPDX-License-Identifier: Apache-2.0
"""hotshelf-bench growth: what a request costs in a full shop, of a large crowd, with two shards."""

import json

import pytest

from tests.e2e.test_bench import bench


@pytest.mark.parametrize("only, sizes", [
    ("tables", [1, 50, 95]), ("connections", [1, 10, 100]), ("shards", [1, 2])])
def test_growth_is_measured_beside_the_smallest(workspace, only, sizes):
    told = workspace / "growth.json"
    done = bench("growth", "--only", only, "--places", 10000, "--connections", 100, "--seconds",
                 0.2, "--rounds", 1, "--dir", workspace, "--json", told)
    assert done.returncode == 0, done.stderr
    result = json.loads(told.read_text())
    rows = result[only]
    kinds = ["availability", "cart", "checkout"] if only != "connections" else [
        "availability", "cart"]
    assert [(row["name"], row["size"]) for row in rows] == [
        (kind, size) for kind in kinds for size in sizes]
    for row in rows:
        beside = next(other for other in rows if other["name"] == row["name"] and
                      other["size"] == (100 if only == "connections" else 1))
        assert row["ratio"] == pytest.approx(row["cpu_us"] / beside["cpu_us"], 0.02)
    assert result["hop_polling_ns"] > 0 and result["contended_ns"] > 0
    assert "more cores" in done.stdout or only == "connections"
    assert not list(workspace.glob("hotshelf-bench-*")), "it takes its data away"


def test_a_size_that_cannot_be_is_named():
    done = bench("growth", "--places", 5)
    assert done.returncode == 2 and "--places" in done.stderr.splitlines()[0]
    assert "usage: hotshelf-bench growth" in done.stderr
