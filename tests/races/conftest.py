# SPDX-License-Identifier: Apache-2.0
from tests.lib.fixtures import (  # noqa: F401  (pytest finds fixtures by their names here)
    home,
    living,
    memory_workspace,
    new_server,
    new_shared_server,
    no_server_dies,
    workspace,
)
