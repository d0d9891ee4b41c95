# SPDX-License-Identifier: Apache-2.0
"""Every rule has a test that names it, and no test names a rule that there is not."""

import re

import pytest

from tests.lib import rule_ids

PROMISES = rule_ids.ROOT.parent / "shared" / "rules.md"


def test_every_rule_is_named_by_a_table_or_a_test():
    rules, later = rule_ids.listed()
    proved = rule_ids.proofs()
    missing = [f"{name} ({words})" for name, words in rules.items()
               if name not in later and not proved.get(name)]
    assert not missing, "no test proves " + ", ".join(missing)


def test_no_test_names_a_rule_that_is_not_listed():
    rules, _ = rule_ids.listed()
    strangers = {name: tests for name, tests in rule_ids.proofs().items() if name not in rules}
    assert not strangers


def test_every_promise_is_listed():
    """Where the page of promises lies beside the repository, the list has all of them."""
    if not PROMISES.is_file():
        return  # a checkout of its own: the list is all there is
    promised = re.findall(r"^- \*\*([A-Z]\d+)\*\*", PROMISES.read_text(encoding="utf-8"), re.M)
    rules, _ = rule_ids.listed()
    assert len(promised) > 50
    assert sorted(set(promised) - set(rules)) == []
    assert sorted(set(rules) - set(promised)) == []


@pytest.mark.parametrize("comment, ids", [
    ("/* L6 */", ["L6"]),
    ("/* O1: a customer cancels; K2: by role */", ["O1", "K2"]),
    ("/* A4, A6, L2 and L3 */", ["A4", "A6", "L2", "L3"]),
    ("/* units of S1 and S3 are held */", []),
    ("/* P3: first\n * P4: second */", ["P3"]),
    ("P2.", ["P2"]),
    ("O3; an authorization confirms and is not paid.", ["O3"]),
    ("Q1 to Q3: a limit", ["Q1", "Q3", "Q2"]),
])
def test_ids_are_read_where_a_comment_names_them(comment, ids):
    assert sorted(rule_ids.ids_in(comment)) == sorted(ids)
