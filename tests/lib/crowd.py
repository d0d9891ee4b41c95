# SPDX-License-Identifier: Apache-2.0
"""A crowd whose carts hold one unit each, filled over a few connections, many requests at once."""

import concurrent.futures

from tests.lib.client import Wire

WIRES = 4
AT_ONCE = 32  # requests on their way on one connection
BODY = b'{"quantity":1}'


def fill_some(server, sku, names):
    wire = Wire(server.http_port)
    for begin in range(0, len(names), AT_ONCE):
        asked = names[begin:begin + AT_ONCE]
        wire.send(b"".join(
            b"PUT /v1/cart/items/%s HTTP/1.1\r\nHost: x\r\nX-Customer-Id: %s\r\n"
            b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (sku.encode(), name.encode(), len(BODY), BODY) for name in asked))
        for name in asked:
            reply = wire.read_reply()
            assert reply.status == 200, (name, reply)
    wire.close()


def hold_one_each(server, sku, count):
    """Customers crowd-0 to crowd-(count - 1) have one unit of the SKU each."""
    names = [f"crowd-{number}" for number in range(count)]
    with concurrent.futures.ThreadPoolExecutor(WIRES) as pool:
        list(pool.map(lambda first: fill_some(server, sku, names[first::WIRES]), range(WIRES)))
