# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: other keys and tokens, and nobody who keeps his notices. And nothing is ever dumped."""

import hashlib
import hmac
import os
import signal
import subprocess
import threading
import time

import pytest

from tests.lib.jwt import HS256, claims, openssl, sign, sign_ec
from tests.lib.server import ADMIN_TOKEN, eventually

OLD = "the-first-secret-of-the-storefront"
NEW = "the-second-secret-of-the-storefront"
WEBHOOKS = ("secret-of-a-provider-one", "secret-of-a-provider-two")
READ = "keys and tokens were read anew"
KEPT = "keys and tokens stay as they were: "
# What starts a program without the rights that root has beyond being an owner.
POWERLESS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
GROWTH_KIB_MAX = 64  # of resident memory, as in test_memory.py


class Files:
    """The secrets of one server, and how they become others."""

    def __init__(self, server):
        self.server = server
        self.directory = server.directory
        self.write("secret", f"{OLD}\n")
        self.write("webhooks", f"{WEBHOOKS[0]}\n")
        self.write("services", "erp:token-of-a-service\n")
        openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-out", str(self.directory / "ec"))
        self.public = openssl("pkey", "-in", str(self.directory / "ec"), "-pubout").decode()
        self.write("public", self.public)

    def write(self, name, text):
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)

    def rotate(self, expected=READ):
        """SIGHUP; what the server says of it."""
        before = self.server.log()
        self.server.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: expected in self.server.log()[len(before):]), self.server.log()
        return self.server.log()[len(before):]


@pytest.fixture(name="files")
def make_files(new_server):
    server = new_server(shards=2)
    names = {"jwt_secret_file": "secret", "jwt_public_key_file": "public",
             "webhook_secret_file": "webhooks", "service_tokens_file": "services"}
    server.change(auth__mode="jwt", **{
        f"auth__{setting}": server.directory / name for setting, name in names.items()})
    files = Files(server)
    server.start()
    yield files
    assert server.process.poll() is None
    log = server.log()
    for secret in (OLD, NEW, *WEBHOOKS, ADMIN_TOKEN, "token-of-a-service", "another-token-of"):
        assert secret not in log


def status_of(client, token):
    return client.get("/v1/cart", headers={"Authorization": f"Bearer {token}"}).status


def test_a_removed_key_is_refused_even_for_remembered_tokens(files):
    client = files.server.client()
    old, new = sign(HS256, claims(), OLD), sign(HS256, claims(), NEW)
    assert [status_of(client, token) for token in (old, old, new)] == [200, 200, 401]
    files.write("secret", f"{OLD}\n{NEW}\n")
    files.rotate()
    assert [status_of(client, token) for token in (old, old, new)] == [200, 200, 200]
    files.write("secret", f"{NEW}\n")
    files.rotate()
    assert [status_of(client, token) for token in (old, new)] == [401, 200]
    token = sign_ec(str(files.directory / "ec"), claims())
    assert status_of(client, token) == 200
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-out", str(files.directory / "ec2"))
    files.write("public", openssl("pkey", "-in", str(files.directory / "ec2"), "-pubout").decode())
    files.rotate()
    assert status_of(client, token) == 401
    assert status_of(client, sign_ec(str(files.directory / "ec2"), claims())) == 200


def test_the_tokens_of_admins_and_the_key_of_webhooks_rotate_too(files):
    def signed(secret):
        moment, body = int(time.time()), b'{"type":"nothing"}'
        text = f"{moment}.".encode() + body
        made = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        return files.server.client().request(
            "POST", "/v1/payment-events", body, {"Content-Type": "application/json",
                                                "Hotshelf-Signature": f"t={moment},v1={made}"})
    assert files.server.admin().get("/admin/v1/switches").status == 200
    assert (signed(WEBHOOKS[0]).status == 401, signed(WEBHOOKS[1]).status == 401) == (False, True)
    files.write("admin-tokens", "second:operator:another-token-of-an-admin\n")
    files.write("webhooks", f"{WEBHOOKS[1]}\n")
    files.rotate()
    assert files.server.admin().get("/admin/v1/switches").status == 401
    assert files.server.admin("another-token-of-an-admin").get("/admin/v1/switches").status == 200
    assert (signed(WEBHOOKS[0]).status == 401, signed(WEBHOOKS[1]).status == 401) == (True, False)


def test_a_file_that_is_wrong_leaves_all_as_it_was(files):
    client = files.server.client()
    token = sign(HS256, claims(), OLD)
    files.write("secret", f"# next\n{NEW}\nshort-secret\n")
    files.write("admin-tokens", "second:operator:another-token-of-an-admin\n")
    said = files.rotate(KEPT)
    assert f"{files.directory / 'secret'}:3 " in said and "short-secret" not in said
    assert status_of(client, token) == 200
    assert status_of(client, sign(HS256, claims(), NEW)) == 401
    assert files.server.admin().get("/admin/v1/switches").status == 200
    for name, wrong, told in (("public", "-----BEGIN PUBLIC KEY-----\nAAAA\n", "public:1 "),
                              ("admin-tokens", "x:operator\n", "admin_tokens_file: line 1 "),
                              ("services", "\nerp\n", "service_tokens_file: line 2 "),
                              ("webhooks", "too-short\n", "webhooks")):
        whole = (files.directory / name).read_text()
        files.write("secret", f"{OLD}\n")
        files.write(name, wrong)
        assert told in files.rotate(KEPT)
        files.write(name, whole)
    (files.directory / "secret").unlink()
    assert "No such file" in files.rotate(KEPT)
    assert status_of(client, token) == 200


@pytest.mark.parametrize("name", ["secret", "public", "services", "webhooks", "admin-tokens"])
def test_what_is_no_file_is_refused_and_not_waited_for(files, name):
    """A FIFO without a writer, and what never ends."""
    path = files.directory / name
    whole = path.read_text()
    path.unlink()
    os.mkfifo(path, 0o600)
    assert f"{path}: is no regular file" in files.rotate(KEPT)
    path.unlink()
    path.symlink_to("/dev/zero")
    assert f"{path}: is no regular file" in files.rotate(KEPT)
    assert status_of(files.server.client(), sign(HS256, claims(), OLD)) == 200
    assert files.server.stop() == 0
    assert f"{path}: is no regular file" in files.server.refuses_to_start()
    path.unlink()
    files.write(name, whole)
    files.server.start()


def test_rotating_under_load_refuses_nobody_and_takes_no_memory(files):
    server = files.server
    guest = server.client().request("POST", "/v1/guests").json["guest_token"]
    tokens = [sign(HS256, claims(sub=f"customer-{number}"), OLD) for number in range(20)]
    tokens += [sign_ec(str(files.directory / "ec"), claims()), guest]
    over, told = threading.Event(), []

    def visit():
        client = server.client()
        while not over.is_set():
            told.extend(status_of(client, token) for token in tokens)
        client.close()

    threads = [threading.Thread(target=visit) for _ in range(4)]
    for thread in threads:
        thread.start()

    before = None
    for number in range(56):
        if number == 6:  # every thread has verified what it visits
            assert eventually(lambda: len(told) > 4 * len(tokens))
            before = server.resident_kib()
        files.write("secret", f"{OLD}\n{NEW}\n" if number % 2 else f"{NEW}\n{OLD}\n")
        seen = len(told)
        files.rotate()
        assert eventually(lambda seen=seen: len(told) > seen)
    over.set()
    for thread in threads:
        thread.join()
    assert set(told) == {200}
    assert server.resident_kib() - before <= GROWTH_KIB_MAX
    assert server.log().count(READ) == 56


def test_sighup_at_start_is_heard_when_the_doors_are_open(files):
    server = files.server
    server.stop()
    before = len(server.log())
    server.launch()
    assert caught(server)
    server.process.send_signal(signal.SIGHUP)
    assert eventually(server.is_ready_or_gone, 60)
    assert server.process.poll() is None, server.log()[before:]
    files.rotate()


def caught(server):
    """Whether the process has come so far that it holds SIGHUP back."""
    def blocked():
        with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
            mask = next(line.split()[1] for line in status if line.startswith("SigBlk"))
        return int(mask, 16) & 1 << signal.SIGHUP - 1
    return eventually(blocked, pause=0.001)


def may_read(process):
    """Whether another process of the same user, and with no other rights, may read its memory."""
    command = [*POWERLESS, "head", "-c0", f"/proc/{process.pid}/mem"]
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def test_no_core_is_ever_dumped(files):
    """What may not be read may not be dumped, into a file or a program (prctl(2), core(5))."""
    server = files.server
    server.stop()
    server.launcher = POWERLESS
    server.start()
    with subprocess.Popen([*POWERLESS, "sleep", "60"]) as other:
        assert eventually(lambda: may_read(other))
        other.kill()
    assert not may_read(server.process)
    with open(f"/proc/{server.process.pid}/limits", encoding="ascii") as limits:
        core = next(line for line in limits if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"]
    server.end_is_expected = True
    server.process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(server.process.pid, 0)
    server.process.returncode = -signal.SIGABRT
    assert os.WTERMSIG(status) == signal.SIGABRT and not os.WCOREDUMP(status)
    server.start()
