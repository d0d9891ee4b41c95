# SPDX-License-Identifier: Apache-2.0
"""Every program and every verb of it tells on stdout how it is called, and that is no failure."""

import re
import subprocess

import pytest

from tests.lib.server import BUILD, HOTSHELF, LOADTEST, ROOT

BENCH = str(BUILD / "bench" / "hotshelf-bench")


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def words_at_the_margin(*command):
    """The verbs that a help names: each line of them begins with one, two spaces in."""
    return re.findall(r"^  ([a-z]+) ", run(*command, "--help").stdout, re.MULTILINE)


def calls():
    yield from ((program,) for program in (HOTSHELF, LOADTEST, BENCH))
    yield from ((HOTSHELF, verb) for verb in words_at_the_margin(HOTSHELF))
    yield from ((BENCH, module) for module in words_at_the_margin(BENCH))
    yield LOADTEST, "replay"
    yield HOTSHELF, "journal", "dump"
    yield HOTSHELF, "import", "nothing.csv", "-c", "nowhere.ini"


@pytest.mark.parametrize("asked", ["--help", "-h"])
def test_help_is_told_and_nothing_done(asked):
    told = list(calls())
    assert {call[1] for call in told if len(call) > 1} >= {
        "serve", "check", "import", "orders", "audit", "floor", "journal", "replay"}
    for call in told:
        done = run(*call, asked)
        assert (done.returncode, done.stderr) == (0, ""), call
        program = call[0].rpartition("/")[2]
        assert re.search(rf"^(usage: )?{program}\b", done.stdout), done.stdout
        assert call[1:2] == () or call[1] in done.stdout, done.stdout


@pytest.mark.parametrize("program", [HOTSHELF, LOADTEST, BENCH])
def test_no_word_at_all_is_usage(program):
    done = run(program)
    assert done.returncode == 2
    assert "hotshelf" in done.stdout + done.stderr


def test_the_settings_it_tells_are_the_defaults(tmp_path):
    told = re.findall(r"^  ([a-z]+)\.([a-z_]+) = ([0-9]+ [KMG]iB|[^ ]*) ",
                      run(HOTSHELF, "--help").stdout, re.MULTILINE)
    named = {name for _, name, _ in told}
    table = (ROOT / "net/config_keys.c").read_text()
    listed = re.findall(r'^    (?:CAPACITY\(|SECONDS\("[a-z]+", |[A-Z]+\("[a-z]+", "|\{"[a-z]+", ")'
                        r"([a-z_]+)", table, re.MULTILINE)
    assert len(listed) == len(told) > 70 and named == set(listed)
    file = tmp_path / "hotshelf.ini"
    file.write_text("".join(f"[{section}]\n{name} = {value}\n" for section, name, value in told))
    plan = run(HOTSHELF, "plan", "-c", str(file), "--json")
    assert (plan.returncode, plan.stderr) == (0, "")
    assert plan.stdout == run(HOTSHELF, "plan", "--json").stdout


def test_the_suites_are_named():
    suites = run(str(ROOT / "test"), "--help").stdout
    for suite in ("tidy", "unit", "e2e", "epoll", "compare"):
        assert suite in suites.rpartition("SUITE:")[2].split()


@pytest.mark.parametrize("program", [LOADTEST, BENCH])
def test_what_is_told_and_cannot_be_written_is_a_failure(program):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([program, "--help"], stdout=full, stderr=subprocess.PIPE, text=True,
                              timeout=60, check=False)
    assert done.returncode == 1 and "stdout cannot be written" in done.stderr
