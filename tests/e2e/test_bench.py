# SPDX-License-Identifier: Apache-2.0
"""hotshelf-bench: what it measures is there, and adds up."""

import json
import os
import pathlib
import subprocess
import tempfile

import pytest

from tests.lib.server import BUILD

BENCH = BUILD / "bench" / "hotshelf-bench"


def bench(*arguments):
    return subprocess.run([BENCH, *map(str, arguments)], capture_output=True, text=True,
                          timeout=120, check=False)


def test_the_floor_is_measured_in_turns(workspace):
    told = workspace / "floor.json"
    done = bench("floor", "--seconds", 0.1, "--rounds", 1, "--dir", workspace, "--json", told)
    assert done.returncode == 0, done.stderr
    cases = {case["name"]: case for case in json.loads(told.read_text())["cases"]}
    assert set(cases) == {"availability", "cart", "cart_hold", "checkout", "resp_availability",
                          "resp_checkout", "resp_checkout_16", "resp_checkout_64"}
    for case in cases.values():
        assert case["server_cpu_us"] > 0 and case["server_requests_per_second"] > 0
        assert case["ratio"] == pytest.approx(case["server_cpu_us"] / case["floor_cpu_us"], 0.01)
        assert case["name"] in done.stdout
    assert not list(workspace.glob("hotshelf-bench-*")), "it takes its data away"


def test_others_are_measured_beside_an_attack(workspace):
    told = workspace / "fairness.json"
    done = bench("fairness", "--seconds", 1, "--rounds", 1, "--attack", "pipeline", "--dir",
                 workspace, "--json", told)
    assert done.returncode == 0, done.stderr
    cases = json.loads(told.read_text())["cases"]
    assert [case["others"] for case in cases] == ["availability", "cart"]
    for case in cases:
        assert case["attack"] == "pipeline" and case["bytes"] > 0
        assert case["ratio"] == pytest.approx(case["attacked_us"] / case["alone_us"], 0.01)
    assert not list(workspace.glob("hotshelf-bench-*")), "it takes its data away"


# PostgreSQL's cluster takes its time.
PEERS = ["redis,nginx"] + (["postgres,copy"] if os.environ.get("HOTSHELF_LONG") else [])


@pytest.mark.parametrize("peers", PEERS)
def test_peers_are_compared_in_turns_and_what_they_sold_is_counted(peers, workspace):
    told, page = workspace / "compare.json", workspace / "compare.html"
    with tempfile.TemporaryDirectory(dir="/var/tmp") as directory:
        os.chmod(directory, 0o755)  # PostgreSQL is another user
        done = bench("compare", "--only", peers, "--seconds", 0.05, "--rounds", 1, "--dir",
                     directory, "--json", told, "--html", page)
        assert not list(pathlib.Path(directory).iterdir()), "it takes its data away"
    assert done.returncode == 0, done.stderr + done.stdout
    result = json.loads(told.read_text())
    assert result["format"] == "hotshelf-bench 2" and result["rounds"] == 1
    for name in peers.split(","):
        assert any(name in row["peer"].lower() for row in result["rows"])
    for row in result["rows"]:
        assert row["not_measured"] is None and row["ours_us"] > 0 and row["peer_us"] > 0
        measure = "per_second" if row["measure"] == "rate" else "us"
        times = row[f"ours_{measure}"] / row[f"peer_{measure}"]
        is_times = (row["target_kind"] == "at_most") == (row["measure"] != "rate")
        assert row["ratio"] == pytest.approx(times if is_times else 1 / times, 0.02)
        good = row["ratio"] >= (row["target"] or 0)
        assert row["met"] == (None if row["target"] is None else good)
        assert row["job"] in done.stdout
    assert page.read_text().startswith("<!DOCTYPE html>")


def test_rows_that_cannot_be_measured_say_why_and_fail(workspace):
    told = workspace / "compare.json"
    nowhere = workspace / "nowhere"
    done = bench("compare", "--only", "redis", "--job", "RESP", "--seconds", 0.05, "--rounds", 1,
                 "--dir", workspace, "--server", nowhere, "--json", told)
    assert done.returncode == 1
    rows = json.loads(told.read_text())["rows"]
    assert rows and all(row["not_measured"] for row in rows)
    assert "not measured: our server does not start" in done.stdout


def test_who_is_asked_for_must_be_somebody(workspace):
    done = bench("compare", "--only", "redis,memcached", "--dir", workspace)
    assert done.returncode == 2
    assert "nobody is called memcached" in done.stderr.splitlines()[0]


def test_half_load_is_half_of_what_was_measured(workspace):
    told = workspace / "latency.json"
    done = bench("latency", "--seconds", 0.2, "--rounds", 1, "--dir", "/var/tmp", "--json", told)
    assert done.returncode == 0, done.stderr
    result = json.loads(told.read_text())
    for load, share in zip(result["loads"], (0.5, 0.8), strict=True):
        assert load["share"] == share
        due = share * result["limit_per_second"]
        assert load["due_per_second"] == pytest.approx(due, abs=1) and load["per_second"] > 0
        assert 0 < load["p50_us"] <= load["p99_us"] <= load["p99.9_us"]
        apart = load["sync_p99_us"] + load["floor_p99_us"]
        assert load["ratio"] == pytest.approx(load["p99_us"] / apart, 0.02)


@pytest.mark.parametrize("arguments, named", [
    (["journal", "--orders", 5], "--orders"), (["floor", "--rounds"], "--rounds"),
    (["floor", "--speed", 5], "--speed"), (["journal", "--seconds", "a"], "--seconds")])
def test_an_option_that_cannot_be_is_named(arguments, named):
    done = bench(*arguments)
    assert done.returncode == 2
    assert named in done.stderr.splitlines()[0]
    assert f"usage: hotshelf-bench {arguments[0]}" in done.stderr
