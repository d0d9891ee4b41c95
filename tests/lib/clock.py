# SPDX-License-Identifier: Apache-2.0
"""Time in the hands of a test: a server started under a Clock sees it stand still until moved."""

import os
import struct
import subprocess
import threading
import time

from tests.lib.server import HOTSHELF, ROOT

SOURCE = ROOT / "tests" / "lib" / "clock.c"


def sanitizer():
    """The runtime of AddressSanitizer, which wants to be loaded before anything else."""
    told = subprocess.run(["ldd", HOTSHELF], capture_output=True, text=True, check=True).stdout
    return [line.split()[2] for line in told.splitlines() if line.strip().startswith("libasan.so")]


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
        self.moving = threading.Lock()
        self.runner = None
        self.show()

    def show(self):
        with open(self.path, "r+b") as file:
            file.write(struct.pack("<QQ", self.monotonic_ms, self.wall_ms))

    def pass_ms(self, ms):
        with self.moving:
            self.monotonic_ms += ms
            self.wall_ms += ms
            self.show()

    def run(self):
        """From now on time passes by itself, too, until stop()."""
        self.runner = threading.Event()
        threading.Thread(target=self.tick, args=(self.runner,), daemon=True).start()

    def tick(self, stopped):
        seen = time.monotonic()
        while not stopped.wait(0.002):
            passed = int((time.monotonic() - seen) * 1000)
            seen += passed / 1000
            self.pass_ms(passed)

    def stop(self):
        if self.runner is not None:
            self.runner.set()

    def environment(self):
        """For a server that shall see this clock."""
        return {**os.environ, "LD_PRELOAD": ":".join([*sanitizer(), str(self.library)]),
                "HOTSHELF_TEST_CLOCK": str(self.path)}
