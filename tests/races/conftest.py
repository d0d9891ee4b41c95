# SPDX-License-Identifier: Apache-2.0
from tests.lib.fixtures import (  # noqa: F401  (pytest finds fixtures by their names here)
    living,
    new_server,
    new_shared_server,
    no_server_dies,
    workspace,
)
