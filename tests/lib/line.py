# SPDX-License-Identifier: Apache-2.0
"""A line between a gateway and a node: passes every byte on and remembers which of the gateway's
connections it came over."""

import selectors
import socket
import threading

from tests.lib.server import free_port

CHUNK = 65536


class Connection:
    """One of the gateway's connections to the node."""

    def __init__(self, gateway, node):
        self.gateway, self.node = gateway, node
        self.open = True

    def close(self):
        self.open = False
        self.gateway.close()
        self.node.close()


class Line:
    """Stands in the place of a node: http_port is what the gateway gets to know."""

    def __init__(self, node):
        self.node = node
        self.http_port = free_port()
        self.connections = []
        self.used = []  # by each piece that the gateway sent, in order
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", self.http_port))
        self.selector.register(self.listener, selectors.EVENT_READ)
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopping.is_set():
            for key, _ in self.selector.select(0.05):
                if key.fileobj is self.listener:
                    self.accept()
                elif key.data.open:
                    self.pass_on(key.data, key.fileobj)

    def accept(self):
        gateway, _ = self.listener.accept()
        node = socket.create_connection(("127.0.0.1", self.node.http_port))
        connection = Connection(gateway, node)
        self.connections.append(connection)
        for one in (gateway, node):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.selector.register(one, selectors.EVENT_READ, connection)

    def pass_on(self, connection, source):
        try:
            data = source.recv(CHUNK)
            if source is connection.gateway and data:
                self.used.append(connection)
                connection.node.sendall(data)
            elif data:
                connection.gateway.sendall(data)
        except OSError:
            data = b""
        if not data:
            for one in (connection.gateway, connection.node):
                self.selector.unregister(one)
            connection.close()

    def stop(self):
        self.stopping.set()
        self.thread.join()
        for connection in self.connections:
            if connection.open:
                connection.close()
        self.listener.close()
        self.selector.close()
