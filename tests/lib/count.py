# SPDX-License-Identifier: Apache-2.0
"""count.py meson|sanitized LOG_DIRECTORY OUT | junit REPORT.xml OUT: writes "PASSED FAILED" to OUT.

cmocka programs hold many tests each; their own closing lines are counted, not the programs. A
skipped test counts as failed, but in a sanitizer's build: there is no jemalloc in one, so what
tests our use of it has nothing to test.
"""

import glob
import json
import re
import sys
import xml.etree.ElementTree as ElementTree

PASSED = re.compile(r"\[  PASSED  \] (\d+) test\(s\)")
FAILED = re.compile(r"\[  FAILED  \].*?(\d+) test\(s\)")
SKIPPED = re.compile(r"\[  SKIPPED \].*?(\d+) test\(s\)")


def count_program(result, may_skip):
    """One entry of meson's test log: (passed, failed)."""
    output = result.get("stdout", "") + result.get("stderr", "")
    passed = sum(int(number) for number in PASSED.findall(output))
    failed = sum(int(number) for number in FAILED.findall(output))
    skipped = sum(int(number) for number in SKIPPED.findall(output))
    failed += 0 if may_skip else skipped
    if result["result"] == "OK" and passed + failed + skipped == 0:
        return 0, 1  # a program that ran no test proves nothing
    if result["result"] != "OK" and failed == 0:
        return passed, 1  # crashed, timed out, or a sanitizer spoke up at the end
    return passed, failed


def count_meson(directory, may_skip=False):
    passed = failed = 0
    for path in glob.glob(directory + "/testlog*.json"):
        with open(path, encoding="utf-8") as log:
            for line in log:
                good, bad = count_program(json.loads(line), may_skip)
                passed, failed = passed + good, failed + bad
    return passed, failed


def count_sanitized(directory):
    return count_meson(directory, may_skip=True)


def count_junit(path):
    """Skipped tests count as failed: nothing here may be skipped in silence."""
    passed = failed = 0
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        bad = sum(int(suite.get(kind, 0)) for kind in ("failures", "errors", "skipped"))
        failed += bad
        passed += max(0, int(suite.get("tests", 0)) - bad)
    return passed, failed


def main(arguments):
    kind, source, out = arguments
    counters = {"meson": count_meson, "sanitized": count_sanitized, "junit": count_junit}
    passed, failed = counters[kind](source)
    with open(out, "w", encoding="utf-8") as file:
        file.write(f"{passed} {failed}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
