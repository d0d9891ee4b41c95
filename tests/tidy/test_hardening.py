# SPDX-License-Identifier: Apache-2.0
"""The release that ./run builds is hardened: asked of the file, not of the build's options."""

import subprocess
import sys
import pathlib

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2]))
from tests.lib.server import HOTSHELF  # noqa: E402


def readelf(*options):
    return subprocess.run(["readelf", "-W", *options, HOTSHELF], check=True,
                          stdout=subprocess.PIPE, text=True).stdout


@pytest.fixture(scope="module")
def symbols():
    return readelf("--dyn-syms")


def test_the_program_can_be_loaded_anywhere():
    assert "DYN (Position-Independent Executable file)" in readelf("-h")


def test_the_relocations_are_read_only():
    assert "GNU_RELRO" in readelf("-l")
    assert "NOW" in readelf("-d")


def test_the_stack_is_guarded_and_not_executable(symbols):
    assert "__stack_chk_fail" in symbols
    stack = next(line for line in readelf("-l").splitlines() if "GNU_STACK" in line)
    assert "RWE" not in stack


def test_copies_are_checked_by_the_library(symbols):
    assert "_chk@" in symbols.replace("__stack_chk_fail@", "")
