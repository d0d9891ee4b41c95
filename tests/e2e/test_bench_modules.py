# SPDX-License-Identifier: Apache-2.0
"""hotshelf-bench modules: each is measured alone, and its instructions are held."""

import json

import pytest

from tests.e2e.test_bench import bench


def test_each_module_of_the_core_is_timed_alone(workspace):
    told = workspace / "modules.json"
    done = bench("modules", "--rounds", 1, "--warm", "--json", told)
    assert done.returncode == 0, done.stderr
    figures = {figure["name"]: figure for figure in json.loads(told.read_text())["figures"]}
    assert {name.partition(".")[0] for name in figures} == {
        "stock", "tables", "commands", "parsers", "json", "records", "mailbox", "requests"}
    assert {"stock.alone.take", "stock.contended", "mailbox.hop_sleeping",
            "commands.checkout.decide+apply", "requests.checkout.all"} <= set(figures)
    for name, figure in figures.items():
        assert figure["ns_least"] <= figure["ns"] <= figure["ns_most"], name
        assert name in done.stdout
    assert figures["stock.contended"]["retries"] >= 0


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Instructions of one module, as a file of them says it."""
    path = tmp_path_factory.mktemp("bench") / "figures.json"
    done = bench("stock", "--rounds", 1, "--instructions", "--json", path)
    assert done.returncode == 0, done.stderr
    return {figure["name"]: figure["instructions"]
            for figure in json.loads(path.read_text())["figures"] if "instructions" in figure}


def hold(workspace, recorded, *arguments):
    path = workspace / "recorded.txt"
    path.write_text("# a comment\n" + "".join(
        f"{name} {count:.1f}\n" for name, count in recorded.items()))
    return bench("stock", "--hold", path, *arguments)


def test_instructions_are_the_same_each_time(workspace, recorded):
    assert recorded["stock.alone.take"] > 5
    done = hold(workspace, recorded)
    assert done.stdout.endswith(f"{len(recorded)} passed, 0 failed\n"), done.stdout
    assert done.returncode == 0 and done.stdout.count("\n") == 1


def test_a_rise_of_instructions_fails_and_is_named(workspace, recorded):
    done = hold(workspace, recorded, "--slowed", "look")
    assert done.returncode == 1
    assert "rose: stock.look takes" in done.stdout
    assert "hotshelf-bench modules --record" in done.stdout
    assert done.stdout.endswith(f"{len(recorded) - 1} passed, 1 failed\n"), done.stdout


def test_what_is_recorded_and_what_is_measured_are_the_same_things(workspace, recorded):
    other = dict(recorded)
    del other["stock.refuse"]
    other |= {"stock.gone": 7, "tables.of_another_module": 7,
              "stock.look": 2 * recorded["stock.look"]}
    done = hold(workspace, other)
    assert done.returncode == 1
    assert "new: stock.refuse" in done.stdout and "missing: stock.gone" in done.stdout
    assert "fell: stock.look" in done.stdout and "another_module" not in done.stdout
    assert done.stdout.endswith(f"{len(recorded) - 1} passed, 2 failed\n"), done.stdout


@pytest.mark.parametrize("arguments, named", [
    (["stock", "--record", "x"], "--record is for all modules"),
    (["tables", "--rounds", 0], "--rounds: 0 is not a whole number from 1 up to"),
    (["tables", "--rounds", "nan"], "--rounds: nan is not a whole number from 1 up to"),
    (["tables", "--rounds", 1.7], "--rounds: 1.7 is not a whole number from 1 up to"),
    (["tables", "--rounds"], "--rounds: a value is missing"),
    (["stock", "--only", "nobody"], "no case is called nobody"),
    (["modules", "--quickly"], "--quickly: no such option")])
def test_an_option_that_cannot_be_is_named(arguments, named):
    done = bench(*arguments)
    assert done.returncode == 2
    assert named in done.stderr.splitlines()[0]
    assert f"usage: hotshelf-bench {arguments[0]}" in done.stderr
