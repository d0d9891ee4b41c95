# SPDX-License-Identifier: Apache-2.0
"""hotshelf-bench leaves nothing behind, whatever ends it, and says before it measures what cannot
be written."""

import os
import pathlib
import signal
import subprocess
import tempfile

import pytest

from tests.e2e.test_bench import BENCH, bench
from tests.lib.server import eventually


@pytest.fixture
def directory():
    """On a disk, and open to PostgreSQL, another user."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="hotshelf-test-") as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


def start(directory, *arguments, **more):
    where = [] if "--instructions" in arguments else ["--dir", str(directory)]
    return subprocess.Popen([BENCH, *map(str, arguments), *where], text=True,
                            stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(directory)},
                            **more)


def processes_of(directory):
    """Whose command line names it: the run itself, and all that it has started."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if str(directory).encode() in (process / "cmdline").read_bytes():
                found.append(process)
        except OSError:
            continue  # it has ended
    return found


def has_many_connections(process):
    try:
        return len(list((process / "fd").iterdir())) > 64
    except OSError:
        return False


def is_in_a_turn(directory):
    return any(has_many_connections(process) for process in processes_of(directory))


def assert_nothing_is_left(directory):
    assert not list(directory.iterdir())
    assert not processes_of(directory)


ENDED = [
    (["growth", "--only", "shards", "--places", 10000, "--seconds", 0.1, "--rounds", 30],
     signal.SIGINT),
    (["fairness", "--attack", "reset", "--seconds", 0.1, "--rounds", 99], signal.SIGTERM)]
if os.environ.get("HOTSHELF_LONG"):
    ENDED += [(["journal", "--orders", 1000, "--seconds", 5, "--rounds", 1], signal.SIGHUP),
              (["latency", "--seconds", 0.1, "--rounds", 30], signal.SIGINT),
              (["floor", "--seconds", 1, "--rounds", 1], signal.SIGTERM)]


@pytest.mark.parametrize("arguments, number", ENDED, ids=[case[0][0] for case in ENDED])
def test_a_signal_ends_a_run_and_nothing_is_left(directory, arguments, number):
    with start(directory, *arguments, stdout=subprocess.DEVNULL) as run:
        assert run.stderr.readline()
        assert list(directory.iterdir())
        run.send_signal(number)
        run.stderr.read()  # until all have ended
    assert run.returncode == -number
    assert_nothing_is_left(directory)


# A turn takes a minute, and is not waited for.
def test_a_signal_ends_a_run_within_a_turn(directory):
    with start(directory, "compare", "--only", "nginx,floor", "--job", "availability",
               "--connections", 128, "--seconds", 60, "--rounds", 1,
               stdout=subprocess.DEVNULL) as run:
        eventually(lambda: is_in_a_turn(directory), 60)
        run.send_signal(signal.SIGINT)
        said = run.stderr.read()
    assert run.returncode == -signal.SIGINT
    assert said == "", "no turn has ended"
    assert_nothing_is_left(directory)


def test_instructions_are_counted_in_a_directory_that_goes(directory):
    with start(directory, "stock", "--rounds", 1, "--instructions",
               stdout=subprocess.DEVNULL) as run:
        eventually(lambda: len(processes_of(directory)) > 0, 60)  # valgrind
        run.send_signal(signal.SIGINT)
        run.stderr.read()
    assert run.returncode == -signal.SIGINT
    assert_nothing_is_left(directory)


def test_a_run_that_nobody_reads_any_more_ends_quietly(directory):
    reading, writing = os.pipe()
    with subprocess.Popen([BENCH, "growth", "--only", "shards", "--places", "10000", "--seconds",
                           "0.1", "--rounds", "30", "--dir", directory],
                          stdout=writing, stderr=writing) as run:
        os.close(writing)
        assert os.read(reading, 1)
        os.close(reading)
        run.wait(timeout=60)
    assert run.returncode == -signal.SIGPIPE
    assert_nothing_is_left(directory)


WRITES = [("compare", "--json"), ("compare", "--html"), ("latency", "--json"), ("floor", "--json"),
          ("growth", "--json"), ("journal", "--json"), ("fairness", "--json"), ("stock", "--json"),
          ("modules", "--record")]


@pytest.mark.parametrize("module, option", WRITES)
def test_a_file_that_cannot_be_written_is_told_before_anything_is_measured(module, option,
                                                                          directory):
    path = directory / "nowhere" / "x"
    where = [] if module in ("stock", "modules") else ["--dir", directory]
    done = bench(module, option, path, *where)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == (
        f"hotshelf-bench: {module}: {option}: {path}: No such file or directory")
    assert not list(directory.iterdir())


def test_a_file_that_a_full_disk_takes_nothing_of_is_told():
    done = bench("stock", "--rounds", 1, "--json", "/dev/full")
    assert done.returncode == 1
    assert "hotshelf-bench: /dev/full cannot be written: No space left on device" in done.stderr


def test_ratios_that_cannot_be_written_are_told_before_anything_is_measured(directory):
    done = bench("compare", "--short", "--record", "--ratios", directory, "--dir", directory)
    assert done.returncode == 2
    assert f"--ratios: {directory}: Is a directory" in done.stderr.splitlines()[0]


def test_a_file_is_left_as_it_was_by_a_run_that_does_not_come_to_its_end(directory):
    old, new = directory / "old.json", directory / "new.json"
    old.write_text("{}")
    for path in (old, new):
        done = bench("floor", "--json", path, "--dir", directory / "nowhere")
        assert done.returncode == 1
        assert done.stderr == (f"hotshelf-bench: no directory can be made in "
                               f"{directory / 'nowhere'}: No such file or directory\n")
    assert old.read_text() == "{}" and not new.exists()
