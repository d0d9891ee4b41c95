# SPDX-License-Identifier: Apache-2.0
"""Data directories that earlier versions wrote (tests/fixture) are read by this one, and go on."""

import json
import tarfile

import pytest

from tests.lib.server import ROOT
from tests.lib.story import Story, timeless

VERSIONS = sorted(path.name for path in (ROOT / "tests" / "fixture").iterdir() if path.is_dir())


@pytest.fixture
def new_heir(new_server):
    """A server that is given the directory of another, not started yet."""
    def make(version, **more):
        kept = ROOT / "tests" / "fixture" / version
        told = json.loads((kept / "told.json").read_text())
        server = new_server(**{"settings": told["settings"], "shards": told["shards"], **more})
        with tarfile.open(kept / "data.tar.xz") as archive:
            archive.extractall(server.directory)
        story = Story(server)
        story.keys = told["keys"]
        return server, story, told["told"]
    return make


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_version_wrote_is_told_by_this_one(new_heir, version):
    """V5, L7, I3."""
    server, story, told = new_heir(version)
    verify = server.run("journal", "verify")
    assert verify.returncode == 0, verify.stdout + verify.stderr
    server.audit()
    server.start()
    assert story.tell() == told
    for name, order in story.keys.items():
        again = story.buy_again(name)
        assert again.headers["idempotency-replayed"] == "true"
        assert again.json["id"] == order["id"]
    pending = timeless(server.shopper("pending").order(story.keys["pending"]["id"]).json)
    assert story.pay(pending)["status"] == "confirmed"
    assert server.stop() == 0
    server.audit()
