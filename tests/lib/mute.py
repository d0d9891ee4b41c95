# SPDX-License-Identifier: Apache-2.0
"""A listener that never comes to an end with what it says, or does not begin with it."""

import json
import socket
import socketserver
import threading

PAUSE_SECONDS = 0.05  # between the bytes of one that drips


def page(cursor):
    """Of products or of counters: nothing in it, and there is more."""
    body = json.dumps({"items": [], "next_cursor": cursor}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


class Mute:
    """way: what it does.

    "takes nobody"   the kernel drops every further attempt to connect
    "is another"     a page of some other server's: lines, and what a terminal obeys
    "says nothing"   but keeps the connection
    "drips a body"   byte by byte, of an answer that it has begun
    "drips a head"   that has no empty line
    "stands still"   the next cursor of every page is the same
    "goes on"        the next cursor of every page is another one, and there is nothing on any
    """

    def __init__(self, way):
        self.over = threading.Event()
        self.pages = 0
        self.held = []
        self.server = None
        if way == "takes nobody":
            self.port = self.fill_a_queue()
            return
        mute = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self):
                try:
                    mute.speak(way, self.request)
                except OSError:
                    pass  # whoever asked has had enough

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 256

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def fill_a_queue(self):
        """Of a listener that nobody accepts from: it has room for one connection or two."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.held.append(listener)
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            self.held.append(client)
        return listener.getsockname()[1]

    def speak(self, way, connection):
        if way == "says nothing":
            self.over.wait()
        elif way == "is another":
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4000\r\n\r\n"
                               + b"<html>\n\x1b[31m<p>".ljust(4000, b"p"))
        elif way == "drips a body":
            self.drip(connection, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b" ")
        elif way == "drips a head":
            self.drip(connection, b"HTTP/1.1 200 OK\r\nX-Head: ", b"y")
        else:
            while connection.recv(65536):
                self.pages += 1
                connection.sendall(page("abc" if way == "stands still" else f"c{self.pages}"))

    def drip(self, connection, begins, byte):
        connection.recv(65536)
        connection.sendall(begins)
        while not self.over.wait(PAUSE_SECONDS):
            connection.sendall(byte)

    def stop(self):
        self.over.set()
        for held in self.held:
            held.close()
        if self.server is None:
            return
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
