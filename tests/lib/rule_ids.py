# SPDX-License-Identifier: Apache-2.0
"""rule_ids.py: prints for each rule the tests that prove it, as the tests themselves say.

A test names its rules in front: the title of a scenario (# L2 A6: ..), the comment before or in a
test function of C (/* L2, A6: .. */), the docstring of a test in Python or a comment in it.
"""

import ast
import io
import pathlib
import re
import tokenize

ROOT = pathlib.Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"
LISTED = TESTS / "rules.txt"
ID = r"[VALCKIPOQWTMS]\d{1,2}"
# Ids that open a comment or a clause of it; a SKU that is spoken of does not stand there.
BETWEEN = r"(?:,\s*|\s+and\s+|\s+to\s+|\s+|-)"
OPENING = re.compile(rf"(?:^|[;.:]\s+)({ID}(?:{BETWEEN}{ID})*)(?=$|[\s,;:.])")
TITLE = re.compile(rf"# ((?:{ID} )*{ID}): (.*)")
C_TOKENS = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.DOTALL)
C_FUNCTION = re.compile(r"^(?:static )?(?:void|int) (\w+)\(", re.MULTILINE)


def listed():
    """{id: words} of the rules that are kept, and the set of ids that are not yet."""
    rules, later = {}, set()
    for line in LISTED.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        name, words = line.split(None, 1)
        rules[name] = words
        if words.startswith("later:"):
            later.add(name)
    return rules, later


def ids_in(comment):
    lines = comment.strip("/* \n").splitlines()
    text = " ".join(line.strip().lstrip("*#").strip() for line in lines)
    found = []
    for match in OPENING.finditer(text.strip()):
        group = match[1]
        names = re.findall(ID, group)
        for first, last in re.findall(rf"({ID})(?:\s+to\s+|-)({ID})", group):
            if first[0] == last[0]:
                names += [f"{first[0]}{n}" for n in range(int(first[1:]) + 1, int(last[1:]))]
        found += names
    return found


def of_table(path):
    text = path.read_text(encoding="utf-8")
    return [(name, f"{path.name}:{number} {match[2]}")
            for number, line in enumerate(text.splitlines(), 1)
            for match in [TITLE.fullmatch(line)] if match for name in match[1].split()]


def of_c(path):
    """A comment belongs to the function it stands in, else to the one that follows."""
    text = path.read_text(encoding="utf-8")
    starts = [(match.start(), match[1]) for match in C_FUNCTION.finditer(text)]
    found = []
    for match in C_TOKENS.finditer(text):
        ids = ids_in(match[0]) if match[0].startswith("/") else []
        if not ids:
            continue
        inside = text[text.rfind("\n", 0, match.start()) + 1] in " \t"
        before = [name for at, name in starts if at < match.start()]
        after = [name for at, name in starts if at > match.start()]
        names = before[-1:] if inside else after[:1]
        found += [(rule, f"{path.relative_to(TESTS)} {name}") for rule in ids for name in names]
    return found


def of_python(path):
    text = path.read_text(encoding="utf-8")
    comments = [(token.start[0], token.string)
                for token in tokenize.generate_tokens(io.StringIO(text).readline)
                if token.type == tokenize.COMMENT]
    found = []
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        said = [ast.get_docstring(node) or ""]
        said += [words for line, words in comments if node.lineno - 1 <= line <= node.end_lineno]
        found += [(rule, f"{path.relative_to(TESTS)} {node.name}")
                  for words in said for rule in ids_in(words)]
    return found


def proofs():
    """{id: [test, ..]} of all that tests say."""
    readers = {".txt": of_table, ".c": of_c, ".py": of_python}
    folders = [TESTS / "core" / "rules"] + [TESTS / name for name in (
        "core", "persist", "net", "e2e", "crash", "simulate", "races")]
    found = {}
    for folder in folders:
        for path in sorted(folder.glob("*")) if folder.is_dir() else []:
            read = readers.get(path.suffix)
            for rule, test in read(path) if read else []:
                found.setdefault(rule, [])
                if test not in found[rule]:
                    found[rule].append(test)
    return found


def main():
    rules, _ = listed()
    proved = proofs()
    for name, words in rules.items():
        print(f"{name:4} {words}")
        for test in proved.get(name, []):
            print(f"       {test}")


if __name__ == "__main__":
    main()
