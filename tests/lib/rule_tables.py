# SPDX-License-Identifier: Apache-2.0
"""Reads the tables of tests/core/rules; tests/core/rules/README.md tells the language."""

import re

from tests.lib.server import ROOT

FOLDER = ROOT / "tests" / "core" / "rules"
TITLE = re.compile(r"# ((?:[VALCKIPOQWTMS]\d+ )*[VALCKIPOQWTMS]\d+): (.*)")
REMARK = re.compile(r"(^|\s)#.*")
DURATION = re.compile(r"[+-]?(\d+(ms|d|h|m|s))+")
UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


class Mistake(Exception):
    """A line that is not understood, or is answered otherwise."""


def duration(word):
    """Milliseconds, or None when it is no length of time."""
    if not DURATION.fullmatch(word):
        return None
    parts = re.findall(r"(\d+)(ms|d|h|m|s)", word)
    total = sum(int(number) * UNITS[unit] for number, unit in parts)
    return -total if word.startswith("-") else total


class Line:
    """One line: words that are taken one by one, and the answer that it must have."""

    def __init__(self, file, number, text):
        self.place = f"{file}:{number}"
        self.text = text
        do, arrow, answer = REMARK.sub("", text).partition("->")
        self.words = do.split()
        self.answer = answer.split()
        if arrow and not self.answer:
            raise Mistake(f"{self.place}: no answer stands behind the arrow")

    def fail(self, words):
        raise Mistake(f"{self.place}: {self.text}\n    {words}")

    def word(self):
        if not self.words:
            self.fail("a word is missing")
        return self.words.pop(0)

    def option(self, name):
        if name not in self.words[:-1]:
            return None
        at = self.words.index(name)
        value = self.words[at + 1]
        del self.words[at:at + 2]
        return value

    def options(self, name):
        """Of an option that may stand more than once."""
        values = []
        while name in self.words[:-1]:
            values.append(self.option(name))
        return values

    def flag(self, name):
        if name not in self.words:
            return False
        self.words.remove(name)
        return True

    def end(self):
        if self.words:
            self.fail(f"{self.words[0]!r} is not understood")

    def named(self):
        """The name behind `as` in the answer."""
        return self.answer[self.answer.index("as") + 1] if "as" in self.answer else None


class Scenario:
    def __init__(self, file, number, rules, title):
        self.file = file
        self.number = number
        self.rules = rules
        self.title = title
        self.texts = []

    @property
    def name(self):
        return f"{self.file} {' '.join(self.rules)}: {self.title}"

    def lines(self):
        """Fresh ones: they are used up as they are carried out."""
        return [Line(self.file, number, text) for number, text in self.texts]

    def settings(self):
        """What its `config` lines say."""
        lines = (line.words for line in self.lines() if line.words[0] == "config")
        return {name: value for _, name, value in lines}


def read(path):
    scenarios = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        title = TITLE.fullmatch(text)
        if title:
            scenarios.append(Scenario(path.name, number, title[1].split(), title[2]))
        elif REMARK.sub("", text).strip():
            assert scenarios, f"{path.name}:{number}: a line before the first scenario"
            scenarios[-1].texts.append((number, text))
    return scenarios


def scenarios():
    return [scenario for path in sorted(FOLDER.glob("*.txt")) for scenario in read(path)]


class Seen:
    """What a line was answered: how it went, and names with values, all as words."""

    def __init__(self, word=None, success=True, replayed=False, fields=None):
        self.word = word
        self.success = success
        self.replayed = replayed
        self.fields = {name: str(value) for name, value in (fields or {}).items()
                       if value is not None}

    def __str__(self):
        fields = " ".join(f"{name} {value}" for name, value in self.fields.items())
        return f"it was {self.word or 'seen'}{' replayed' * self.replayed} {fields}"

    def is_one_of(self, said):
        return any(word == self.word or (word == "ok" and self.success)
                   for word in said.split("|"))

    def compare(self, line, kept):
        """kept: values that the table has given names, `version =v1`."""
        answer = list(line.answer)
        if self.word is not None and not (self.is_one_of(answer.pop(0)) if answer
                                          else self.success):
            line.fail(f"another outcome: {self}")
        said_replayed = "replayed" in answer
        if said_replayed:
            answer.remove("replayed")
        if said_replayed != self.replayed:
            line.fail(f"replayed or not: {self}")
        if len(answer) % 2:
            line.fail(f"{answer[-1]!r} has no value")
        for name, value in zip(answer[::2], answer[1::2]):
            if name == "as":
                continue
            if value.startswith("="):
                value = kept.setdefault(value[1:], self.fields.get(name, value))
            ms = duration(value)
            if self.fields.get(name, "none") != (value if ms is None else str(ms)):
                line.fail(f"{name}: {self}")
