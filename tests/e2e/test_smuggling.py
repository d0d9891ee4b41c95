# SPDX-License-Identifier: Apache-2.0
"""Requests hidden in requests, straight to the server: never run, and nothing is read behind what
is refused. Through proxies: test_proxies.py."""

import pytest

from tests.lib.client import HEAD, Wire, say_no_more
from tests.lib.smuggling import hidden, vectors

VICTIM = "victim"
SKU = "SECRET"
VECTORS = vectors(hidden(SKU, VICTIM))


@pytest.fixture(scope="module")
def server(new_shared_server):
    server = new_shared_server(shards=2, settings={"reservations.reserve_on": "cart"}).start()
    server.sell(**{SKU: 5})
    return server


def answers(port, data):
    """All that the server says to these bytes and the end of input: [(status, closes)]."""
    wire = Wire(port)
    wire.send(data)
    say_no_more(wire.socket)
    said = b""
    while more := wire.receive():
        said += more
    wire.close()
    found = []
    while said:
        head = HEAD.match(said)
        assert head, said
        fields = head[2].lower()
        length = int(fields.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        if data.startswith(b"HEAD") and int(head[1]) < 400:
            length = 0
        if head[1] != b"100":
            found.append((int(head[1]), b"connection: close" in fields))
        said = said[head.end() + length:]
    return found


def test_there_are_enough_of_them():
    assert len(VECTORS) >= 150
    assert len(set(VECTORS.values())) == len(VECTORS)


def test_the_hidden_request_is_one_that_would_be_run(server):
    """Alone it changes the cart: else no vector would prove anything."""
    assert answers(server.http_port, hidden(SKU, "control")) == [(200, False)]
    assert server.shopper("control").cart().json["lines"]


# Read one way by everybody who reads as RFC 9112 does: one answer, and the connection goes on.
CLEAN = {
    "te_plain": 400, "te_upper_case_value": 400, "te_odd_case_name": 400, "te_no_space": 400,
    "te_tabs_around": 400, "cl_te_underscore": 400, "length_leading_zeros": 400,
    "head_options_with_body": 204, "head_options_asterisk": 204, "head_delete_with_body": 401,
    "head_patch_with_body": 405, "head_upgrade_h2c": 415, "head_upgrade_websocket": 415,
    "head_absolute_with_other_host": 415, "head_target_with_encoded_line_end": 404,
    "head_keep_alive_in_http_1_0": 415,
}
# HTTP/1.0 ends a connection after its one answer; the others are refused.
CLOSED_AFTER_AN_ANSWER = {"head_expect_in_http_1_0": 415}


@pytest.mark.parametrize("name", VECTORS)
def test_a_hidden_request_is_not_run(server, name):
    """V5: what is refused is the connection's last word; what is read one way has one answer."""
    found = answers(server.http_port, VECTORS[name])
    assert server.shopper(VICTIM).cart().json["lines"] == []
    if name in CLEAN:
        assert found == [(CLEAN[name], False)]
    elif name in CLOSED_AFTER_AN_ANSWER:
        assert found == [(CLOSED_AFTER_AN_ANSWER[name], True)]
    else:
        assert len(found) == 1
        assert found[0][0] in (400, 413, 417, 431, 501, 505) and found[0][1]
