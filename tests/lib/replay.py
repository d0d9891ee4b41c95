# SPDX-License-Identifier: Apache-2.0
"""Runs hotshelf-loadtest against a server of the tests and reads its verdict."""

import json
import pathlib
import subprocess

import jsonschema

from tests.lib.server import ADMIN_TOKEN, LOADTEST, ORDERS, ROOT

SCHEMA = json.loads((ROOT / "loadtest" / "result.schema.json").read_text())

# A sale of real size: 3,013 products, and baskets of up to 512 lines.
SALE = {"capacity.skus": 8192, "capacity.lines": 262144, "capacity.holds": 65536,
        "capacity.orders": 8192, "capacity.claims": 32768, "capacity.text_bytes": 16777216,
        "data.journal_bytes": 268435456}


class LoadTest:
    """One run of hotshelf-loadtest, alongside the test that does things to the server under it."""

    def __init__(self, server, verb, subject, dsn=None, more=()):
        self.report_path = server.directory / f"{verb}.json"
        self.log_path = server.directory / f"{verb}.log"
        self.report_path.unlink(missing_ok=True)
        token = server.directory / "replay-token"
        token.write_text(ADMIN_TOKEN + "\n")
        token.chmod(0o600)
        arguments = [LOADTEST, verb, str(subject),
                     "--url", f"http://127.0.0.1:{server.http_port}",
                     "--admin", f"http://127.0.0.1:{server.admin_port}",
                     "--admin-token-file", str(token), "--json", str(self.report_path),
                     *(str(word) for word in more)]
        if dsn:
            arguments += ["--pg", dsn]
        self.output = open(self.log_path, "wb")
        self.process = subprocess.Popen(arguments, stdout=self.output, stderr=self.output,
                                        stdin=subprocess.DEVNULL, cwd=server.directory)

    def seen(self):
        """Its most memory so far (VmHWM, in bytes) and its open files; zeros when it has ended."""
        process = pathlib.Path(f"/proc/{self.process.pid}")
        try:
            lines = (process / "status").read_text().splitlines()
            files = len(list((process / "fd").iterdir()))
        except OSError:
            return 0, 0
        peak = [int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")]
        return (peak or [0])[0], files

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
        """The result, which keeps its schema whatever the run was."""
        result = json.loads(self.report_path.read_text())
        jsonschema.validate(result, SCHEMA)
        return result


class Replay(LoadTest):
    """The first orders of the sample sale, or of another file."""

    def __init__(self, server, orders, connections=64, dsn=None, more=(), path=ORDERS):
        super().__init__(server, "replay", path, dsn,
                         ["--connections", connections, "--orders-max", orders, *more])


class Run(LoadTest):
    """A scenario, with what the test puts over it: Run(server, "drop", seconds=2)."""

    def __init__(self, server, scenario, dsn=None, **more):
        words = [word for name, value in more.items() for word in (f"--{name}", value)]
        super().__init__(server, "run", scenario, dsn, words)
