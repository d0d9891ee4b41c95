# SPDX-License-Identifier: Apache-2.0
"""The tables of tests/core/rules against a real server over HTTP; tests/core/rules.c runs the same
files against the engine in memory. Scenarios that are configured alike share a server."""

import itertools
import shutil

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


def by_server(scenario):
    return sorted((key, str(value)) for key, value in scenario.settings().items())


@pytest.fixture(scope="module")
def server_for(new_shared_server, clock):
    """A running server with these settings, one at a time: dozens would take gigabytes. Those that
    follow and want the same share it, unless its tables are small. Each ends with an audit."""
    servers = {}

    def end():
        for name in list(servers):
            server = servers.pop(name)
            server.stop()
            server.audit()
            shutil.rmtree(server.data)

    def find(settings):
        name = tuple(sorted(settings.items()))
        small = any(key.startswith("capacity.") for key in settings)
        if find.spoilt or small or name not in servers:
            find.spoilt = False
            end()
            shards = int(settings.get("server.shards", SHARDS))
            server = new_shared_server(shards=shards, settings={**CONFIGURED, **settings})
            server.environment = clock.environment()
            try:
                servers[name] = server.start()
            except AssertionError:
                server.end_is_expected = True  # it has been told, once
                raise
        return servers[name]

    find.spoilt = False
    yield find
    end()


@pytest.mark.parametrize("scenario", sorted(scenarios(), key=by_server),
                         ids=lambda scenario: scenario.name)
def test_the_server_keeps_the_rule(server_for, clock, scenario):
    server = server_for(scenario.settings())
    try:
        Shop(server, clock, next(numbers)).play(scenario)
    except BaseException:
        server_for.spoilt = True  # those that follow shall not fail for this one's sake
        raise
