# SPDX-License-Identifier: Apache-2.0
"""./run itself: from nothing to an open shop, the three lines it prints, and Ctrl-C."""

import os
import re
import shlex
import signal
import subprocess
import time

import pytest

from tests.lib.client import Client
from tests.lib.postgres import Database
from tests.lib.server import ROOT, eventually, free_port


class Run:
    """One ./run in a directory of its own, on ports of its own."""

    def __init__(self, directory, *arguments):
        self.directory = directory
        self.http_port, self.admin_port = free_port(), free_port()
        self.log_path = directory / "run.log"
        environment = {**os.environ, "HOTSHELF_VAR": str(directory / "var")}
        environment.pop("HOTSHELF_PG", None)
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [str(ROOT / "run"), *arguments, "--set", f"server.http=127.0.0.1:{self.http_port}",
                 "--set", f"server.admin=127.0.0.1:{self.admin_port}",
                 "--set", "server.resp=off"],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=environment,
                cwd="/", start_new_session=True)  # from anywhere, as in a terminal of its own

    def output(self):
        return self.log_path.read_text()

    def is_open(self):
        return "hotshelf is open" in self.output() and "/v1/orders'" in self.output()

    def wait_until_open(self):
        assert eventually(lambda: self.is_open() or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.output()

    def interrupt(self):
        """Ctrl-C reaches the whole foreground group; returns the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(60)


@pytest.fixture
def new_run(workspace, request):
    runs = []

    def make(*arguments):
        directory = workspace / f"run-{request.node.name[:20]}"
        directory.mkdir(exist_ok=True)
        runs.append(Run(directory, *arguments))
        return runs[-1]

    yield make
    for run in runs:
        if run.process.poll() is None:
            run.interrupt()


def processes_of(directory):
    """The processes whose command line names the directory."""
    found = []
    for pid in os.listdir("/proc"):
        if pid.isdigit() and int(pid) != os.getpid():
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as command:
                    if str(directory).encode() in command.read():
                        found.append(int(pid))
            except OSError:
                continue
    return found


def test_run_opens_a_shop_and_ctrl_c_closes_it(new_run):
    run = new_run()
    run.wait_until_open()
    lines = re.findall(r"^  (curl .*)$", run.output(), re.MULTILINE)
    assert len(lines) == 3
    answers = [subprocess.run(shlex.split(line), capture_output=True, text=True, timeout=20,
                              check=True).stdout for line in lines]
    assert '"available"' in answers[0]
    assert '"85123A"' in answers[1] and '"pending_payment"' in answers[1]
    order_id = re.search(r'"id":"([0-9a-f-]{36})"', answers[1])[1]
    assert order_id in answers[2]
    database = Database(re.search(r"psql '(.*)'", run.output())[1])
    assert eventually(lambda: database.rows("SELECT order_id::text FROM hotshelf.orders") ==
                      [(order_id,)])
    database.close()
    token_file = run.directory / "var" / "admin-tokens"
    assert token_file.stat().st_mode & 0o777 == 0o600
    token = token_file.read_text().strip().split(":")[2]
    assert token not in run.output()
    admin = Client(run.admin_port, {"Authorization": f"Bearer {token}"})
    assert admin.get("/admin/v1/stock/85123A").json["held"] == 1
    assert run.interrupt() == 0
    assert processes_of(run.directory) == []

    began = time.monotonic()
    again = new_run()
    again.wait_until_open()
    assert time.monotonic() - began < 15
    assert "nothing to load" in again.output()
    assert again.interrupt() == 0
    assert processes_of(run.directory) == []


def test_run_needs_no_postgres(new_run):
    run = new_run("--no-postgres")
    run.wait_until_open()
    assert "psql" not in run.output()
    assert not (run.directory / "var" / "postgres").exists()
    assert run.interrupt() == 0
    assert processes_of(run.directory) == []


def test_run_says_what_is_wrong(new_run):
    run = new_run("--no-postgres", "--set", "reservations.hold_second=5")
    assert run.process.wait(60) == 1
    assert "hold_seconds" in run.output()
    assert processes_of(run.directory) == []
