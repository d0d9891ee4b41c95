# SPDX-License-Identifier: Apache-2.0
"""Disks and file systems of the tests' own: images, loop devices, FUSE. Mounting needs root.

Where the machine has no loop devices or no FUSE, a test that needs them fails and says so.
"""

import json
import os
import pathlib
import subprocess

from tests.lib.server import ROOT, eventually

TOOLS = ROOT / os.environ.get("HOTSHELF_TEST_BUILD", "build-debug") / "tests"
MKFS = {"ext4": ["mkfs.ext4", "-q", "-F", "-m", "0", "-E", "nodiscard"],
        "xfs": ["mkfs.xfs", "-q", "-f", "-K"]}
BYTES_MIN = {"ext4": 0, "xfs": 300 << 20}  # smaller ones mkfs refuses


def run_as_root(*command):
    """With sudo where we are not root; the finished process."""
    become = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
    return subprocess.run([*become, *map(str, command)], stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT, env=environment, timeout=60, check=False)


def as_root(*command):
    """The same for what must succeed; what it printed."""
    done = run_as_root(*command)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout}"
    return done.stdout.strip()


def unmount(directory):
    """The kernel closes the files of a process that has died a little after it is gone."""
    def try_it():
        done.append(run_as_root("umount", directory))
        return done[-1].returncode == 0 or "busy" not in done[-1].stdout

    done = []
    assert eventually(try_it), done[-1].stdout
    assert done[-1].returncode == 0, done[-1].stdout


def need(path, what):
    assert os.path.exists(path), f"this machine has no {path}: the test needs {what}"


def make_file_system(image, kind, size):
    """A file of that size at least, with an empty file system in it."""
    with open(image, "wb") as file:
        file.truncate(max(size, BYTES_MIN[kind]))
    as_root(*MKFS[kind], image)


class LoopMount:
    """A file with a file system in it, mounted over a loop device that is ours alone."""

    def __init__(self, file, directory, kind, options="defaults"):
        need("/dev/loop-control", "loop devices")
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        self.mounted = False
        self.device = as_root("losetup", "--find", "--show", file)
        try:
            as_root("mount", "-t", kind, "-o", options, self.device, self.directory)
            self.mounted = True
            as_root("chown", f"{os.geteuid()}:{os.getegid()}", self.directory)
        except BaseException:
            self.end()
            raise

    def end(self):
        """Also when the disk below does not answer any more."""
        if self.mounted:
            unmount(self.directory)
            self.mounted = False
        if self.device is not None:
            as_root("losetup", "--detach", self.device)
            self.device = None


class FuseMount:
    """One of our FUSE programs, tests/crash/*.c, and the directory it shows."""

    def __init__(self, program, source, directory, log, options=()):
        need("/dev/fuse", "FUSE")
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(exist_ok=True)
        become = [] if os.geteuid() == 0 else ["sudo", "-n"]
        with open(log, "ab") as output:
            self.process = subprocess.Popen(
                [*become, str(TOOLS / program), str(source), str(self.directory), *options],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        eventually(lambda: self.process.poll() is not None or os.path.ismount(self.directory), 20)
        assert self.process.poll() is None, f"{program}: {pathlib.Path(log).read_text()}"

    def end(self):
        if self.process.poll() is None:
            unmount(self.directory)
        self.process.wait(20)


class PowerDisk:
    """A file system on a disk whose power can be cut (tests/crash/power_disk.c).

    plug() mounts it, pull() unmounts it; in between cut() takes its power. What has been flushed
    stands in the image then, and of the rest as much as chance leaves.
    """

    def __init__(self, home, kind, size):
        self.home = pathlib.Path(home)
        self.home.mkdir()
        self.kind = kind
        self.directory = self.home / "mounted"
        self.image = self.home / "image"
        self.disk = self.mount = None
        self.log = self.home / "power_disk.log"
        make_file_system(self.image, kind, size)

    def plug(self):
        self.disk = FuseMount("hotshelf-power-disk", self.image, self.home / "disk", self.log)
        try:
            self.mount = LoopMount(self.disk.directory / "disk", self.directory, self.kind)
        except BaseException:
            self.pull()
            raise
        return self

    def control(self, words):
        (self.disk.directory / "control").write_text(words + "\n")

    def counts(self):
        return json.loads((self.disk.directory / "control").read_text())

    def cut(self, seed, keep, requests=0):
        """With that write or flush; from there on it keeps nothing and answers nobody."""
        self.control(f"cut {seed} {keep} {requests}")

    def pull(self):
        if self.mount is not None:
            self.mount.end()
            self.mount = None
        if self.disk is not None:
            self.disk.end()
            self.disk = None


class SickFiles:
    """A directory shown by tests/crash/sick_files.c, whose writes, syncs and reads can fail."""

    def __init__(self, home, direct=True):
        self.home = pathlib.Path(home)
        self.home.mkdir()
        self.direct = direct
        self.source = self.home / "source"
        self.source.mkdir()
        self.directory = self.home / "shown"
        self.log = self.home / "sick_files.log"
        self.mount = None

    def show(self):
        options = [] if self.direct else ["no-direct"]
        self.mount = FuseMount("hotshelf-sick-files", self.source, self.directory, self.log,
                               options)
        return self

    def fail(self, kind, error, requests):
        """With that write, short write, sync or read."""
        (self.directory / "control").write_text(f"{kind} {error} {requests}\n")

    def counts(self):
        return json.loads((self.directory / "control").read_text())

    def hide(self):
        if self.mount is not None:
            self.mount.end()
            self.mount = None
