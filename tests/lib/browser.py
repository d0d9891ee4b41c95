# SPDX-License-Identifier: Apache-2.0
"""Opens a page in a real browser without a window, and tells what became of it."""

import html.parser
import json
import subprocess
import tempfile

CHROMIUM = "chromium"
QUIET = ("--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-domain-reliability", "--disable-sync",
         "--disable-extensions", "--no-default-browser-check",
         "--host-resolver-rules=MAP * ~NOTFOUND")  # for what the browser itself would like to know
# A sandbox needs rights that a container may not give.
BARE = ("--no-sandbox", "--disable-dev-shm-usage")
NOBODY = "not an origin"
VOID = {"meta", "link", "br", "img", "input", "hr", "source"}


class Element:
    def __init__(self, tag, attributes, parent):
        self.tag, self.attributes, self.parent = tag, dict(attributes), parent
        self.children = []

    def all(self, tag, name=None):
        """Every element below with this tag, and this word in its class."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                classes = (child.attributes.get("class") or "").split()
                if child.tag == tag and (name is None or name in classes):
                    found.append(child)
                found += child.all(tag, name)
        return found

    def text(self):
        return "".join(child if isinstance(child, str) else child.text() for child in self.children)


class Tree(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.root = self.at = Element("", (), None)
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        element = Element(tag, attrs, self.at)
        self.at.children.append(element)
        if tag not in VOID:
            self.at = element

    def handle_startendtag(self, tag, attrs):
        self.at.children.append(Element(tag, attrs, self.at))

    def handle_endtag(self, tag):
        element = self.at
        while element.parent is not None and element.tag != tag:
            element = element.parent
        if element.parent is not None:
            self.at = element.parent

    def handle_data(self, data):
        self.at.children.append(data)


def requests_of_pages(log):
    """The URLs that documents asked the network for; what the browser asks for has no origin."""
    with open(log, encoding="utf-8") as file:
        events = json.load(file)["events"]
    asked = (event.get("params", {}) for event in events)
    return sorted({params["url"] for params in asked
                   if "url" in params and params.get("initiator", NOBODY) != NOBODY})


class Page:
    """The document after its scripts have run, what it said, and whom it asked."""

    def __init__(self, path, width=1280):
        with tempfile.TemporaryDirectory(prefix="hotshelf-browser-") as home:
            log = home + "/net.json"
            done = subprocess.run(
                [CHROMIUM, *QUIET, *BARE, f"--user-data-dir={home}/profile",
                 f"--window-size={width},2000", "--enable-logging=stderr", f"--log-net-log={log}",
                 "--dump-dom", f"file://{path}"],
                capture_output=True, text=True, timeout=120, check=True)
            self.asked = requests_of_pages(log)
        self.document = Tree(done.stdout).root
        self.console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]

    def plots(self):
        """Title of each plot -> what its paths draw."""
        return {figure.all("h3")[0].text(): [
            path.attributes["d"] for frame in figure.all("div", "frame") for svg in frame.all("svg")
            for kind in ("line", "area", "bar", "range") for path in svg.all("path", kind)]
            for figure in self.document.all("figure", "plot")}

    def result(self):
        return json.loads(self.document.all("script")[0].text())
