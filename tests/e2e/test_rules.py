# SPDX-License-Identifier: Apache-2.0
"""The tables of tests/core/rules against a real server over HTTP; tests/core/rules.c runs the same
files against the engine in memory. One server for all scenarios that are configured alike."""

import itertools

import pytest

from tests.lib.clock import Clock
from tests.lib.rule_shop import Shop
from tests.lib.rule_tables import scenarios

# As the shop in memory: a SKU reserves in the cart unless its line says otherwise.
# All scenarios of one setting share a journal.
CONFIGURED = {"reservations.reserve_on": "cart", "data.journal_bytes": 160 << 20,
              "capacity.text_bytes": 1 << 20}
SHARDS = 3

numbers = itertools.count(1)


@pytest.fixture(scope="module")
def clock(workspace):
    return Clock(workspace)


@pytest.fixture(scope="module")
def server_for(new_shared_server, clock):
    """A running server with these settings; one for each set of them. Ends with an audit."""
    servers = {}

    def find(settings):
        name = tuple(sorted(settings.items()))
        if name not in servers:
            shards = int(settings.get("server.shards", SHARDS))
            server = new_shared_server(shards=shards, settings={**CONFIGURED, **settings})
            server.environment = clock.environment()
            try:
                servers[name] = server.start()
            except AssertionError:
                server.end_is_expected = True  # it has been told, once
                raise
        return servers[name]

    yield find
    for server in servers.values():
        server.stop()
        server.audit()


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda scenario: scenario.name)
def test_the_server_keeps_the_rule(server_for, clock, scenario):
    Shop(server_for(scenario.settings()), clock, next(numbers)).play(scenario)
