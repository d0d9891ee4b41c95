# SPDX-License-Identifier: Apache-2.0
"""hotshelf-bench: what it measures is there, and adds up."""

import json
import subprocess

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


@pytest.mark.parametrize("arguments, named", [
    (["journal", "--orders", 5], "--orders"), (["floor", "--rounds"], "--rounds"),
    (["floor", "--speed", 5], "--speed"), (["journal", "--seconds", "a"], "--seconds")])
def test_an_option_that_cannot_be_is_named(arguments, named):
    done = bench(*arguments)
    assert done.returncode == 2
    assert named in done.stderr.splitlines()[0]
    assert f"usage: hotshelf-bench {arguments[0]}" in done.stderr
