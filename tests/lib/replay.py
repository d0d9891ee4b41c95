# SPDX-License-Identifier: Apache-2.0
"""Runs hotshelf-loadtest replay against a server of the tests and reads its verdict."""

import json
import pathlib
import subprocess

from tests.lib.server import ADMIN_TOKEN, LOADTEST, ORDERS

# A sale of real size: 3,013 products, and baskets of up to 512 lines.
SALE = {"capacity.skus": 8192, "capacity.lines": 262144, "capacity.holds": 65536,
        "capacity.orders": 8192, "capacity.claims": 32768, "capacity.text_bytes": 16777216,
        "data.journal_bytes": 268435456}


class Replay:
    """One run of the replay program, alongside the test that kills the server under it."""

    def __init__(self, server, orders, connections=64, dsn=None, more=()):
        self.report_path = server.directory / "replay.json"
        self.log_path = server.directory / "replay.log"
        token = server.directory / "replay-token"
        token.write_text(ADMIN_TOKEN + "\n")
        token.chmod(0o600)
        arguments = [LOADTEST, "replay", str(ORDERS),
                     "--url", f"http://127.0.0.1:{server.http_port}",
                     "--admin", f"http://127.0.0.1:{server.admin_port}",
                     "--admin-token-file", str(token), "--connections", str(connections),
                     "--orders-max", str(orders), "--json", str(self.report_path), *more]
        if dsn:
            arguments += ["--pg", dsn]
        self.output = open(self.log_path, "wb")
        self.process = subprocess.Popen(arguments, stdout=self.output, stderr=self.output,
                                        stdin=subprocess.DEVNULL, cwd=server.directory)

    def peak_bytes(self):
        """The most memory it had in use so far (VmHWM); 0 when it has ended."""
        try:
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return 0
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        return 0

    def is_over(self):
        return self.process.poll() is not None

    def wait(self, seconds):
        """The exit code: 0 when all ledgers are equal."""
        try:
            return self.process.wait(seconds)
        finally:
            self.end()

    def end(self):
        if not self.is_over():
            self.process.kill()
            self.process.wait()
        self.output.close()

    def told(self):
        return self.log_path.read_text(errors="replace")[-6000:]

    def report(self):
        return json.loads(self.report_path.read_text())
