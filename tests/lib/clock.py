# SPDX-License-Identifier: Apache-2.0
"""Time in the hands of a test: a server started under a Clock sees it stand still until moved."""

import os
import struct
import subprocess
import time

from tests.lib.server import ROOT

SOURCE = ROOT / "tests" / "lib" / "clock.c"


class Clock:
    """The two clocks of one server; see clock.c for how it comes to see them."""

    def __init__(self, directory):
        self.library = directory / "clock.so"
        self.path = directory / "clock"
        self.monotonic_ms = 10_000_000
        self.wall_ms = int(time.time()) * 1000
        subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", self.library,
                        SOURCE], check=True)
        self.path.write_bytes(b"\0" * 16)
        self.show()

    def show(self):
        with open(self.path, "r+b") as file:
            file.write(struct.pack("<QQ", self.monotonic_ms, self.wall_ms))

    def pass_ms(self, ms):
        self.monotonic_ms += ms
        self.wall_ms += ms
        self.show()

    def environment(self):
        """For a server that shall see this clock."""
        return {**os.environ, "LD_PRELOAD": str(self.library),
                "HOTSHELF_TEST_CLOCK": str(self.path)}
