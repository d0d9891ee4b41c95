# SPDX-License-Identifier: Apache-2.0
import collections

import pytest

from tests.lib.fixtures import (  # noqa: F401  (pytest finds fixtures by their names here)
    database,
    home,
    living,
    memory_workspace,
    name,
    new_server,
    new_shared_server,
    no_server_dies,
    postgres,
    sku,
    sku2,
    workspace,
)
from tests.lib.server import ROOT

TABLE = ROOT / "var" / "test" / "crashes.txt"


class Summary:
    """What was done to servers, by kind; told at the end and kept in var/test/crashes.txt."""

    def __init__(self):
        self.counts = collections.Counter()

    def count(self, kind, number=1):
        self.counts[kind] += number

    def text(self):
        return "\n".join(f"{number:8} {kind}" for kind, number in self.counts.items())


def pytest_configure(config):
    config.crashes = Summary()


def pytest_terminal_summary(terminalreporter, config):
    text = config.crashes.text()
    terminalreporter.write_line(text)
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    TABLE.write_text(text + "\n")


@pytest.fixture
def summary(pytestconfig):
    return pytestconfig.crashes
