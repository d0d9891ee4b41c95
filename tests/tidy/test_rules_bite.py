# SPDX-License-Identifier: Apache-2.0
"""Each rule of rules.py finds a bad sample and leaves a good one alone."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import rules  # noqa: E402

LONG_FUNCTION = "int f(void)\n{\n" + "    step();\n" * 58 + "}\n"
JUST_FITS = "int f(void)\n{\n" + "    step();\n" * 57 + "}\n"
CONTRACT = ("/*\n * x - y\n *\n * Ownership  a\n * Threads    b\n * Units      c\n"
            " * Errors     d\n{} */\n#ifndef X\n")
DEFAULT = "    default:\n        break;\n"


def in_function(line):
    return f"void f(void)\n{{\n    {line}\n    go();\n}}\n"


def a_switch(label, rest):
    cases = f"    case {label}:\n        break;\n{rest}"
    return f"void f(void)\n{{\n    switch (s) {{\n{cases}    }}\n}}\n"


BAD = [
    (rules.arrows, "core/a.c", '#include "persist/journal.h"\n'),
    (rules.arrows, "core/a.c", '#include "net/io.h"\n'),
    (rules.arrows, "persist/a.c", '#include "net/io.h"\n'),
    (rules.arrows, "loadtest/a.c", '#include "core/bytes.h"\n'),
    (rules.arrows, "loadtest/a.c", '  #  include "persist/journal.h"\n'),
    (rules.arrows, "net/a.c", '#include "loadtest/buyer.h"\n'),
    (rules.arrows, "net/a.c", '#include "../core/bytes.h"\n'),
    (rules.arrows, "core/a.c", "#include <stdlib.h>\n"),
    (rules.arrows, "core/a.c", "#include <pthread.h>\n"),
    (rules.arrows, "persist/a.c", "#include <liburing.h>\n"),
    (rules.banned_functions, "core/a.c", "p = malloc(4);\n"),
    (rules.banned_functions, "core/a.c", "free (p);\n"),
    (rules.banned_functions, "core/a.c", 'printf("x");\n'),
    (rules.banned_functions, "core/a.c", "t = time(0);\n"),
    (rules.banned_functions, "core/a.c", "pthread_mutex_lock(&m);\n"),
    *[(rules.banned_functions, "net/a.c", f"x = {name}(a);\n")
      for name in ("strcpy", "strcat", "sprintf", "gets", "strtok", "atoi", "alloca")],
    (rules.one_door_to_the_disk, "persist/a.c", "#include <fcntl.h>\n"),
    *[(rules.one_door_to_the_disk, "persist/a.c", f"x = {name}(a);\n")
      for name in ("open", "pread", "pwritev2", "fsync", "flock", "rename", "fopen", "unlink")],
    (rules.function_length, "net/a.c", LONG_FUNCTION),
    (rules.function_length, "net/a.h", "static inline " + LONG_FUNCTION),
    (rules.file_length, "net/a.c", "\n" * 501),
    (rules.line_length, "net/a.c", "x" * 101 + "\n"),
    (rules.licence, "net/a.c", "int x;\n"),
    (rules.licence, "run", "#!/bin/bash\n"),
    (rules.contract, "net/a.h", CONTRACT.format("")),
    (rules.contract, "net/a.h", "#ifndef X\n/* Ownership Threads Units Errors Cost */\n"),
    (rules.no_default, "net/a.c", a_switch("STATE_A", DEFAULT)),
    (rules.file_scope_state, "net/a.c", "static int counter;\n"),
    (rules.file_scope_state, "net/a.c", "int counter = 4;\n"),
    (rules.file_scope_state, "net/a.c", "static struct shard shards[4];\n"),
    (rules.file_scope_state, "net/a.c", "static const char *names[] = {\"a\"};\n"),
    (rules.file_scope_state, "net/a.c", "static _Thread_local int depth;\n"),
    (rules.file_scope_state, "net/a.c", "static volatile sig_atomic_t stop = 0;\n"),
    (rules.file_scope_state, "net/a.c", in_function("static int calls;")),
    (rules.root_files, "notes.txt", ""),
    (rules.root_files, "scripts/x.sh", ""),
    (rules.empty_names, "net/util.c", ""),
    (rules.empty_names, "core/common.h", ""),
]

GOOD = [
    (rules.arrows, "core/a.c", '#include "core/bytes.h"\n#include <stdint.h>\n'),
    (rules.arrows, "net/a.c", '#include "persist/journal.h"\n#include <liburing.h>\n'),
    (rules.arrows, "loadtest/a.c", '#include "csv.h"\n'),
    (rules.banned_functions, "core/a.c", "/* no malloc(4), no printf() */ x->free(p);\n"),
    (rules.banned_functions, "core/a.c", "stock_free(p); deadline_time(q);\n"),
    (rules.banned_functions, "net/a.c", 'log("strcpy(a)"); snprintf(a, b, c);\n'),
    (rules.one_door_to_the_disk, "persist/disk.c", "#include <fcntl.h>\nx = open(a);\n"),
    (rules.one_door_to_the_disk, "persist/a.c", "disk_open(a); write(fd); r->open(b);\n"),
    (rules.one_door_to_the_disk, "net/a.c", "#include <fcntl.h>\nx = open(a);\n"),
    (rules.function_length, "net/a.c", JUST_FITS),
    (rules.file_length, "net/a.c", "\n" * 500),
    (rules.line_length, "net/a.c", "x" * 100 + "\n"),
    (rules.licence, "net/a.c", "/* SPDX-License-Identifier: Apache-2.0 */\n"),
    (rules.contract, "net/a.h", CONTRACT.format(" * Cost       e\n")),
    (rules.no_default, "net/a.c", a_switch("STATE_A", "    case STATE_B:\n        break;\n")),
    (rules.no_default, "net/a.c", a_switch("EAGAIN", DEFAULT)),
    (rules.no_default, "net/a.c", a_switch("'x'", DEFAULT)),
    (rules.file_scope_state, "net/a.c", "static const char *const names[] = {\"a\", \"b\"};\n"),
    (rules.file_scope_state, "net/a.c", "static const struct row rows[] = {{1, 2}, {3, 4}};\n"),
    (rules.file_scope_state, "net/a.c",
     "struct s;\nenum { A = 1, B };\nstruct x {\n    int y;\n};\n"),
    (rules.file_scope_state, "net/a.c",
     "static int f(int a,\n    int b);\n" + in_function("int x = 1;")),
    (rules.file_scope_state, "net/a.c", in_function("static const int table[] = {1};")),
    (rules.file_scope_state, "net/a.c",
     "typedef int (*handler)(void *);\n_Static_assert(A, \"x\");\n"),
    (rules.root_files, "run", ""),
    (rules.root_files, "core/a.c", ""),
    (rules.empty_names, "core/bytes.h", ""),
]


def rule_name(value):
    return getattr(value, "__name__", None)


@pytest.mark.parametrize("rule, path, text", BAD, ids=rule_name)
def test_the_rule_finds_a_bad_sample(rule, path, text):
    assert rule(path, text)


@pytest.mark.parametrize("rule, path, text", GOOD, ids=rule_name)
def test_the_rule_leaves_a_good_sample_alone(rule, path, text):
    assert rule(path, text) == []


def test_every_rule_has_a_bad_sample():
    assert {rule for rule, _, _ in BAD} == set(rules.RULES)


def test_functions_are_found_with_their_whole_signature():
    text = "static int\nlong_name(int a,\n    int b)\n{\n    return a;\n}\n"
    assert rules.functions(text) == [(1, 6, "long_name")]
