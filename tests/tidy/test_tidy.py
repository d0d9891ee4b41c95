# SPDX-License-Identifier: Apache-2.0
"""The whole tree keeps every rule of rules.py."""

import pathlib
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import rules  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


def project_files():
    """What is in the repository or about to be; never what is ignored."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}",
         "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    return sorted({path for path in listed.stdout.splitlines() if (ROOT / path).is_file()})


@pytest.fixture(scope="module")
def texts():
    return {path: (ROOT / path).read_text(encoding="utf-8", errors="replace")
            for path in project_files()}


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule, texts):
    complaints = [f"{path}:{line}: {words}"
                  for path, text in texts.items() for line, words in rule(path, text)]
    assert not complaints, f"{len(complaints)} complaints\n" + "\n".join(complaints)


def test_the_tree_has_something_to_check(texts):
    assert any(path.startswith("core/") and path.endswith(".c") for path in texts)
