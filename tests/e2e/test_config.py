# SPDX-License-Identifier: Apache-2.0
"""A configuration that cannot be meant stops the start, with file, line and reason."""

import subprocess

import pytest

from tests.lib.server import HOTSHELF


def line_of(server, text):
    lines = server.configuration.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


@pytest.mark.parametrize("key, nearest", [
    ("reservations.hold_second", "hold_seconds"), ("server.htttp", "http"),
    ("capacity.order", "orders"), ("postgres.dns", "dsn"), ("data.directory", "dir")])
def test_a_typo_is_answered_with_the_nearest_name(new_server, key, nearest):
    server = new_server(settings={key: "5"})
    said = server.refuses_to_start()
    name = key.split(".")[1]
    assert f"hotshelf.ini:{line_of(server, name + ' = 5')}" in said, said
    assert name in said and nearest in said
    assert not server.data.exists() or not any(server.data.iterdir())


@pytest.mark.parametrize("key, value", [
    ("reservations.hold_seconds", "0"), ("reservations.hold_seconds", "-5"),
    ("reservations.hold_seconds", "ten"), ("reservations.hold_seconds", "99999999999999999999"),
    ("reservations.reserve_on", "tuesday"), ("capacity.orders", "0"), ("server.shards", "65"),
    ("server.http", "127.0.0.1"), ("server.http", "127.0.0.1:99999"), ("auth.mode", "open"),
    ("payment.mode", "later"), ("limits.lines_per_order", "513")])
def test_a_value_out_of_range_is_named(new_server, key, value):
    server = new_server(settings={key: value})
    said = server.refuses_to_start()
    name = key.split(".")[1]
    assert f"hotshelf.ini:{line_of(server, f'{name} = {value}')}" in said, said
    assert name in said


def test_an_unknown_section_is_named(new_server):
    server = new_server(settings={"reservation.hold_seconds": "5"})
    said = server.refuses_to_start()
    assert "reservation" in said and "reservations" in said


def test_a_line_that_is_no_setting_is_named(new_server):
    server = new_server()
    with open(server.configuration, "a", encoding="utf-8") as file:
        file.write("[server]\nnonsense\n")
    said = server.refuses_to_start()
    assert f"hotshelf.ini:{line_of(server, 'nonsense')}" in said


def test_a_setting_of_the_command_line_is_checked_too(new_server):
    server = new_server()
    for setting in ("reservations.hold_second=5", "reservations.hold_seconds=0"):
        told = subprocess.run([HOTSHELF, "serve", "-c", server.configuration, "--set", setting],
                              capture_output=True, text=True, timeout=20, check=False)
        assert told.returncode in (1, 2)
        assert "hold_seconds" in told.stderr


def test_a_setting_of_the_command_line_stands_over_the_file(new_server):
    server = new_server(settings={"capacity.orders": "512"})
    told = subprocess.run([HOTSHELF, "plan", "-c", server.configuration, "--set",
                           "capacity.orders=1024"], capture_output=True, text=True, timeout=20,
                          check=False)
    assert told.returncode == 0, told.stderr
    assert "1,024" in told.stdout or "1024" in told.stdout


@pytest.mark.parametrize("key", ["auth.admin_tokens_file", "data.dir"])
def test_a_path_that_cannot_be_used_is_named(new_server, key):
    server = new_server(settings={key: "/proc/nothing/here"})
    assert "/proc/nothing/here" in server.refuses_to_start()


def test_a_missing_file_is_named(new_server):
    server = new_server()
    server.configuration.unlink()
    assert "hotshelf.ini" in server.refuses_to_start()


def test_a_port_in_use_is_named(new_server):
    first = new_server().start()
    second = new_server(settings={"server.admin": f"127.0.0.1:{first.admin_port}"})
    said = second.refuses_to_start()
    assert str(first.admin_port) in said


def test_header_identity_is_for_loopback_only(new_server):
    """auth.mode = header trusts whoever connects; on an open address it is refused."""
    server = new_server(settings={"server.http": "0.0.0.0:0"})
    said = server.refuses_to_start()
    assert "header" in said


@pytest.mark.parametrize("address, is_near", [
    ("127.0.0.1:8080", True), ("127.9.8.7:8080", True), ("[::1]:8080", True),
    ("unix:/run/hotshelf", True), ("0.0.0.0:8080", False), ("192.0.2.7:8080", False),
    ("[::]:8080", False), ("[2001:db8::1]:8080", False), ("[::ffff:127.0.0.1]:8080", False)])
def test_header_identity_is_believed_from_afar_only_when_forced(new_server, address, is_near):
    """At both doors where customers are named."""
    server = new_server()
    for door in ("http", "resp"):
        near = server.run("plan", "--set", f"server.{door}={address}")
        assert (near.returncode == 0) == is_near, near.stderr
        assert ("header_anywhere" in near.stderr) == (not is_near)
        forced = server.run("plan", "--set", f"server.{door}={address}",
                            "--set", "auth.header_anywhere=yes")
        assert forced.returncode == 0, forced.stderr


def test_secrets_are_not_logged(new_server):
    server = new_server().start()
    server.sell(S1=1)
    server.admin("a-wrong-token").get("/admin/v1/stock/S1")
    assert server.stop() == 0
    assert "token-of-the-tests" not in server.log()
    assert "a-wrong-token" not in server.log()


def test_who_would_miss_what_is_not_built_yet_is_refused(new_server):
    said = new_server(settings={"redis.url": "redis://a:6379"}).refuses_to_start()
    assert "redis.url: " in said and "not built yet" in said


def test_what_nobody_needs_to_sell_is_only_told_of(new_server):
    server = new_server(settings={"server.demo": "yes"}).start()
    assert "server.demo: the demonstration pages are not built yet" in server.log()
