# SPDX-License-Identifier: Apache-2.0
"""Real nginx and HAProxy on free ports, with the sample configurations of net/proxy and nothing of
the machine's own: only addresses, and for nginx an identity service, are put in."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import signal
import subprocess
import time

from tests.lib.client import Client
from tests.lib.server import ROOT, eventually, free_port

SECRET = "secret-of-the-tests"
SAMPLES = ROOT / "net" / "proxy"
STOP_SECONDS_MAX = 20

# nginx as a whole: the sample is a file for conf.d. The identity service believes a cookie.
AROUND_NGINX = """
daemon off;
worker_processes 1;
user {user};
pid {home}/nginx.pid;
error_log {home}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    include {home}/hotshelf.conf;
    server {{
        listen 127.0.0.1:{identity};
        location / {{
            add_header X-Customer-Id $cookie_session;
            return 204;
        }}
    }}
}}
"""


class Gateway:
    """One proxy in front of two nodes."""

    def __init__(self, home, nodes):
        self.home = pathlib.Path(home)
        self.home.mkdir(parents=True)
        self.nodes = nodes
        self.port = free_port()
        self.process = None
        self.changes = {}  # of the samples' text

    def narrow(self):
        """Keeps one idle connection to each node: who comes next comes over it."""
        self.changes = {"keepalive 64;": "keepalive 1;", "pool-max-conn 64": "pool-max-conn 1",
                        "\nglobal\n": "\nglobal\n    nbthread 1\n"}
        return self

    def sample(self, name, **more):
        """The sample with the addresses of this test in the place of its own."""
        text = (SAMPLES / name).read_text()
        for sample, change in self.changes.items():
            text = text.replace(sample, change)
        ports = {8080: self.port, 8081: self.nodes[0].http_port, 8082: self.nodes[1].http_port,
                 **more.get("ports", {})}
        for sample, port in ports.items():
            assert f"127.0.0.1:{sample}" in text
            text = text.replace(f"127.0.0.1:{sample}", f"127.0.0.1:<{port}>")
        return text.replace("<", "").replace(">", "")

    def launch(self, command, **environment):
        with open(self.home / "output.log", "ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.home,
                                            env={**os.environ, **environment})
        assert eventually(self.serves), self.log()
        return self

    def serves(self):
        client = Client(self.port)
        try:
            return client.get("/openapi.json").status == 200
        except OSError:
            return False
        finally:
            client.close()

    def log(self):
        return "".join(path.read_text(errors="replace") for path in self.home.glob("*.log"))

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(STOP_SECONDS_MAX)

    def client(self, customer=None):
        return Client(self.port, self.identity(customer) if customer else None)


class Nginx(Gateway):
    def start(self):
        identity = free_port()
        sample = self.sample("nginx.conf", ports={8090: identity})
        (self.home / "hotshelf.conf").write_text(sample)
        user = "root" if os.getuid() == 0 else "nobody"
        (self.home / "nginx.conf").write_text(
            AROUND_NGINX.format(home=self.home, identity=identity, user=user))
        return self.launch(["/usr/sbin/nginx", "-p", str(self.home), "-e",
                            str(self.home / "error.log"), "-c", str(self.home / "nginx.conf")])

    @staticmethod
    def identity(customer):
        return {"Cookie": f"session={customer}"}


class Haproxy(Gateway):
    def start(self):
        sample = self.sample("haproxy.cfg").replace("maxconn 8000", "maxconn 400")  # file handles
        (self.home / "haproxy.cfg").write_text(sample)
        return self.launch(["/usr/sbin/haproxy", "-db", "-f", str(self.home / "haproxy.cfg")],
                           JWT_SECRET=SECRET)

    @staticmethod
    def identity(customer):
        return {"Authorization": f"Bearer {token(customer)}"}


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def token(customer, algorithm="HS256", secret=SECRET, expires_in=600):
    """A JSON web token as the login of a shop signs them."""
    head = encoded(json.dumps({"alg": algorithm, "typ": "JWT"}).encode())
    body = encoded(json.dumps({"sub": customer, "exp": int(time.time()) + expires_in}).encode())
    signature = hmac.new(secret.encode(), head + b"." + body, hashlib.sha256).digest()
    return (head + b"." + body + b"." + encoded(signature)).decode()
