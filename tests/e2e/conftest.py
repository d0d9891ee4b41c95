# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.lib.fixtures import (  # noqa: F401  (pytest finds fixtures by their names here)
    database,
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

# What these are about happens on a disk. The others would only wait for it, with a thousand starts.
ON_DISK = {f"test_{name}" for name in (
    "added_postgres", "audit", "burst", "contract", "crowd", "damage", "fixture", "full_journal",
    "memory", "old_directories", "recovery", "restating", "salvage", "shards", "tools")}


@pytest.fixture(scope="module")
def home(request, workspace, memory_workspace):
    module = request.module.__name__.rpartition(".")[2]
    return workspace if module in ON_DISK else memory_workspace
