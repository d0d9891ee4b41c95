# SPDX-License-Identifier: Apache-2.0
"""A page as the programs write it, with a script of the test behind its own."""

import json
import sys

from tests.lib.server import ROOT

PAGE = ROOT / "page"
sys.path.insert(0, str(PAGE))
import embed  # noqa: E402

SHARED = ("dom.js", "scale.js", "plot.js", "bars.js")


def page_of(kind, result, more=""):
    """The text of the page of kind ("result.js", "run.js") that shows this result."""
    script = "".join(embed.text_of(PAGE / name) for name in (*SHARED, *kind)) + more
    start, title, middle, end = embed.parts(
        embed.text_of(PAGE / "shell.html"), embed.text_of(PAGE / "page.css"), script)
    return (start + "a title" + title + "a description" + middle +
            json.dumps(result).replace("<", "\\u003c") + end)
