# SPDX-License-Identifier: Apache-2.0
"""The parts of a page as C arrays: embed.py OUTPUT.c shell.html page.css SCRIPTS"""

import base64
import hashlib
import pathlib
import re
import sys

LINE = 20
PLACES = re.compile("@(?:TITLE|DESCRIPTION|RESULT)@")


def text_of(path):
    return pathlib.Path(path).read_text(encoding="utf-8")


def hash_of(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


def parts(shell, style, script):
    """Nothing but this very style and script: no network, no other script, no form, no frame."""
    policy = (f"default-src 'none'; script-src {hash_of(script)}; style-src {hash_of(style)}; "
              "img-src data:; base-uri 'none'; form-action 'none'")
    for name, value in (("@POLICY@", policy), ("@STYLE@", style), ("@SCRIPT@", script)):
        assert shell.count(name) == 1, name
        shell = shell.replace(name, value)
    found = PLACES.split(shell)
    assert PLACES.findall(shell) == ["@TITLE@", "@DESCRIPTION@", "@RESULT@"], PLACES.findall(shell)
    return found


def array(name, text):
    data = text.encode()
    rows = (", ".join(str(byte) for byte in data[start:start + LINE])
            for start in range(0, len(data), LINE))
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(rows) + "};\n\n"


def main(target, shell, style, *scripts):
    """--shared FILE.. --kind FILE.. --kind FILE..: a kind is named by the last of its files."""
    groups = [group.split() for group in " ".join(scripts).split("--")[1:]]
    (_, *shared), *kinds = groups
    arrays, table = [], []
    for number, (_, *files) in enumerate(kinds):
        script = "".join(text_of(path) for path in [*shared, *files])
        assert "</script" not in script.lower() and "<!--" not in script
        row = []
        for at, text in enumerate(parts(text_of(shell), text_of(style), script)):
            arrays.append(array(f"part_{number}_{at}", text))
            row.append(f"{{(const char *)part_{number}_{at}, sizeof part_{number}_{at}}}")
        name = pathlib.Path(files[-1]).stem.upper()
        table.append(f"        [PAGE_{name}] = {{{', '.join(row)}}},\n")
    with open(target, "w", encoding="ascii") as file:
        file.write("/* Made by embed.py. */\n#include \"page/parts.h\"\n\n" + "".join(arrays) +
                   "const struct part *parts_of(enum page_kind kind)\n{\n"
                   "    static const struct part part[PAGE_KINDS][PARTS_OF_A_PAGE] = {\n" +
                   "".join(table) + "    };\n    return part[kind];\n}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
