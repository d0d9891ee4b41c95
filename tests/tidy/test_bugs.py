# SPDX-License-Identifier: Apache-2.0
"""The seeded bugs of core/bugs.def: the release has none of them, and each one can be hunted."""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.lib.server import HOTSHELF  # noqa: E402

BUG = re.compile(r'BUG\((\d+),\s*(\w+),\s*"([^"]+)",\s*"([^"]+)"\)')
BUGS = BUG.findall((ROOT / "core" / "bugs.def").read_text(encoding="utf-8"))
SOURCES = "\n".join(path.read_text(encoding="utf-8") for folder in ("core", "persist", "net")
                    for path in sorted((ROOT / folder).rglob("*.c")))

# What only the wrong ways of the program say or read.
TRACES = [b"BUG\0", b"SET holder = $3 WHERE node", b"$4::bigint >= 0"]


def test_the_released_program_cannot_be_asked_for_a_bug():
    program = pathlib.Path(HOTSHELF).read_bytes()
    assert [trace for trace in TRACES if trace in program] == []
    symbols = subprocess.run(["readelf", "-sW", HOTSHELF], check=True, stdout=subprocess.PIPE,
                             text=True).stdout
    assert re.search(r"\smain$", symbols, re.MULTILINE)  # they are not stripped
    assert not re.search(r"\sbug$", symbols, re.MULTILINE)


@pytest.mark.parametrize("number, name, tests, sentence", BUGS, ids=[name for _, name, *_ in BUGS])
def test_a_bug_is_planted_once_and_its_tests_exist(number, name, tests, sentence):
    assert [bug[0] for bug in BUGS].count(number) == 1
    assert re.search(rf"\bbug\(BUG_{name}\)", SOURCES), "nothing asks for it"
    for test in tests.split():
        program, _, only = test.partition(":")
        if "/" not in program:  # a walk, and how
            program = "simulate/" + program.partition("-")[0]
        source = ROOT / "tests" / (program + ".c")
        if not source.is_file():  # one of pytest's
            source, only = source.with_suffix(".py"), only.partition("[")[0]
        assert source.is_file(), f"there is no {source}"
        only = only.removesuffix("_by_copy")  # STREAM_COPY_TEST() puts it behind the name
        assert not only or re.search(rf"\b{only}\b", source.read_text(encoding="utf-8"))
    assert sentence


def test_a_bug_is_nothing_to_the_compiler(tmp_path):
    """The wrong way of a program without seeded bugs leaves no instruction and no text."""
    made = []
    for wrong in ("", "if (bug(BUG_REPLY_BEFORE_DISK)) return wrong(\"a trace\");"):
        source = tmp_path / "asks.c"
        source.write_text('#include "core/bugs.h"\nint wrong(const char *how);\n'
                          f"int right(int x);\nint right(int x) {{ {wrong} return 2 * x; }}\n")
        made.append(subprocess.run(
            ["gcc", "-std=gnu17", "-O2", f"-I{ROOT}", "-S", "-o", "-", source], check=True,
            stdout=subprocess.PIPE, text=True).stdout)
    assert made[0] == made[1]
