# SPDX-License-Identifier: Apache-2.0
"""Node.js for clients that are written for it: the packages of tests/clients, installed once."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import tempfile

from tests.lib.server import ROOT

CLIENTS = ROOT / "tests" / "clients"
INSTALL_SECONDS_MAX = 300


def packages():
    """The directory with node_modules for the package-lock.json of today: a second call installs
    nothing, and of several at once one installs."""
    lock = CLIENTS / "package-lock.json"
    name = "clients-" + hashlib.sha256(lock.read_bytes()).hexdigest()[:12]
    place = ROOT / "var" / "node"
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w", encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (place / name).exists():
            install(place, name)
    return place / name


def install(place, name):
    half = pathlib.Path(tempfile.mkdtemp(prefix="half-", dir=place))
    for file in ("package.json", "package-lock.json"):
        shutil.copy(CLIENTS / file, half)
    done = subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=half,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=INSTALL_SECONDS_MAX, check=False)
    assert done.returncode == 0, done.stdout
    os.rename(half, place / name)


def run(script, *arguments, timeout=60):
    """node SCRIPT ARGUMENT..., a script of tests/clients: what it printed."""
    home = packages()
    shutil.copy(CLIENTS / script, home / script)  # imports are looked for beside the script
    done = subprocess.run(["node", str(home / script), *map(str, arguments)], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
