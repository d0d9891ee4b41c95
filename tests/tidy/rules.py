# SPDX-License-Identifier: Apache-2.0
"""The rules of tidiness, each a function from (path, text) to a list of complaints.

A complaint is (line, words). Paths are relative to the root, with slashes. The rules read C with
regular expressions and the project's own formatting; what they cannot see, a reviewer must.
"""

import re

SOURCE_FOLDERS = ("core", "persist", "net", "page", "loadtest", "bench", "tests")

# An include may name only these folders: arrows point one way, net -> persist -> core.
MAY_INCLUDE = {
    "core": {"core"},
    "persist": {"core", "persist"},
    "net": {"core", "persist", "net"},
    "page": {"page"},
    "loadtest": {"loadtest", "page"},
    "bench": {"core", "persist", "net", "page", "bench"},
    "tests": {"core", "persist", "net", "page", "bench", "loadtest", "tests"},
}

# Memory and arithmetic, and nothing that could reach the kernel or the heap.
CORE_HEADERS = {
    "assert.h", "inttypes.h", "limits.h", "stdalign.h", "stdatomic.h", "stdbool.h", "stddef.h",
    "stdint.h", "stdnoreturn.h", "string.h", "xxhash.h", "immintrin.h",
}

CORE_FUNCTIONS = """
    malloc calloc realloc free aligned_alloc posix_memalign strdup strndup mmap munmap brk sbrk
    printf fprintf dprintf snprintf vsnprintf vprintf vfprintf puts fputs putchar perror
    time clock gettimeofday clock_gettime clock_nanosleep nanosleep sleep usleep localtime gmtime
    strftime rand srand random srandom getrandom getenv setenv exit _exit abort signal raise
    open openat close read write pread pwrite lseek fsync fdatasync ftruncate rename unlink stat
    fstat ioctl fopen fclose fread fwrite fflush socket bind listen accept connect send recv poll
    select syscall
""".split()
CORE_CALL = re.compile(
    r"(?<![\w.>])(" + "|".join(CORE_FUNCTIONS) + r"|pthread_\w+|io_uring_\w+)\s*\(")

BANNED_CALL = re.compile(
    r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|gets|strtok|atoi|atol|atoll|atof|alloca)\s*\(")

# What touches the files of a journal: persist/disk.c alone, so that a simulated disk can stand in.
DISK_DOOR = "persist/disk.c"
DISK_HEADERS = {"dirent.h", "fcntl.h", "ftw.h", "sys/file.h", "sys/stat.h", "sys/statfs.h",
                "sys/statvfs.h", "sys/uio.h"}
DISK_CALL = re.compile(r"""(?<![\w.>])(
    open|openat|creat|fopen|fdopen|freopen|opendir|pread|pwrite|preadv2?|pwritev2?|lseek|
    ftruncate|truncate|fallocate|posix_fallocate|posix_fadvise|flock|fsync|fdatasync|syncfs|
    rename|renameat|link|unlink|unlinkat|remove|rmdir|mkdir|stat|fstat|lstat|statx|access
    )\s*\(""", re.VERBOSE)

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
FUNCTION_LINES_MAX = 60
FILE_LINES_MAX = 500
COLUMNS_MAX = 100
CONTRACT_WORDS = ("Ownership", "Threads", "Units", "Errors", "Cost")
SPDX = "SPDX-License-Identifier: Apache-2.0"
EMPTY_NAMES = re.compile(r"(^|/)(utils?|common|helpers?|misc)\.(c|h|py)$")

ROOT_FILES = {"README.md", "ARCHITECTURE.md", "LICENSE", "meson.build", "meson_options.txt",
              "run", "test"}
ROOT_FOLDERS = {*SOURCE_FOLDERS, ".ci", "docs"}

# Enumerations of others: new members may appear there, so a default is right.
FOREIGN_ENUM = re.compile(
    r"^(E[A-Z0-9]+|SIG[A-Z0-9]+|AF_\w+|JSMN_\w+|PGRES_\w+|CONNECTION_\w+|PQ\w+)$")

NO_CODE = re.compile(
    r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def code_only(text):
    """The text without the content of comments, strings and characters; lines and columns stay."""

    def blank(match):
        token = match.group(0)
        if token[0] in "\"'":
            return token[0] + "x" * (len(token) - 2) + token[0]
        return re.sub(r"[^\n]", " ", token)

    return NO_CODE.sub(blank, text)


def without_includes(text):
    return re.sub(r"^[ \t]*#[ \t]*include[^\n]*", "", text, flags=re.MULTILINE)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


def is_c(path):
    return path.endswith((".c", ".h"))


def folder_of(path):
    return path.split("/")[0]


def arrows(path, text):
    """Includes point down the layers, and are written from the root."""
    if not is_c(path):
        return []
    complaints = []
    folder = folder_of(path)
    for match in INCLUDE.finditer(text):
        quote, name = match.groups()
        line = line_of(text, match.start())
        target = folder_of(name)
        if quote == '"' and "/" in name and target not in SOURCE_FOLDERS:
            complaints.append((line, f'include "{name}" is not written from the root'))
        elif target in SOURCE_FOLDERS and "/" in name and target not in MAY_INCLUDE.get(folder, ()):
            complaints.append((line, f"{folder}/ may not include {name}"))
        elif quote == "<" and folder == "core" and name not in CORE_HEADERS:
            complaints.append((line, f"core/ may not include <{name}>"))
        elif name.startswith("liburing") and folder in ("core", "persist"):
            complaints.append((line, f"{folder}/ may not speak io_uring"))
    return complaints


def banned_functions(path, text):
    """Functions that cannot be used safely, and for core all that reach out of it."""
    if not is_c(path):
        return []
    code = without_includes(code_only(text))
    patterns = [BANNED_CALL] + ([CORE_CALL] if folder_of(path) == "core" else [])
    return [(line_of(code, match.start()), f"calls {match.group(1)}()")
            for pattern in patterns for match in pattern.finditer(code)]


def one_door_to_the_disk(path, text):
    """Only disk.c of persist/ reaches files."""
    if not is_c(path) or folder_of(path) != "persist" or path == DISK_DOOR:
        return []
    includes = [(line_of(text, match.start()), f"<{match.group(2)}> is for {DISK_DOOR} alone")
                for match in INCLUDE.finditer(text) if match.group(2) in DISK_HEADERS]
    code = without_includes(code_only(text))
    return includes + [(line_of(code, match.start()), f"calls {match.group(1)}() past {DISK_DOOR}")
                       for match in DISK_CALL.finditer(code)]


def functions(text):
    """(first line of the signature, line of the closing brace, name) of each function."""
    lines = code_only(text).split("\n")
    found = []
    opened = None
    for number, line in enumerate(lines, 1):
        if line.rstrip() == "{" or re.match(r"^\w[^=;]*\)\s*\{\s*$", line):
            first = number if line.rstrip() != "{" else number - 1
            while first > 1 and not re.match(r"^\S", lines[first - 1]):
                first -= 1
            # A return type of its own line, attributes and storage words belong to the signature.
            while first > 1 and re.match(r"^[A-Za-z_][\w \t*()]*$", lines[first - 2]):
                first -= 1
            opened = first
        elif line.startswith("}") and opened is not None:
            name = re.search(r"(\w+)\s*\(", " ".join(lines[opened - 1:number]))
            found.append((opened, number, name.group(1) if name else "?"))
            opened = None
    return found


def function_length(path, text):
    if not is_c(path):
        return []
    return [(first, f"{name}() has {last - first + 1} lines, {FUNCTION_LINES_MAX} are allowed")
            for first, last, name in functions(text) if last - first + 1 > FUNCTION_LINES_MAX]


def file_length(path, text):
    if not is_c(path) and not path.endswith(".py"):
        return []
    count = text.count("\n")
    if count <= FILE_LINES_MAX:
        return []
    return [(count, f"the file has {count} lines, {FILE_LINES_MAX} are allowed")]


def line_length(path, text):
    if not is_c(path) and not path.endswith(".py"):
        return []
    return [(number, f"{len(line)} columns, {COLUMNS_MAX} are allowed")
            for number, line in enumerate(text.split("\n"), 1) if len(line) > COLUMNS_MAX]


def licence(path, text):
    """One SPDX line near the top of what is written here; data keep the licence of their source."""
    data = ("docs/", "loadtest/data/", "tests/fixture/0", "tests/clients/package-lock.json")
    if path == "LICENSE" or path.startswith(data) or "/corpus/" in path:
        return []
    if SPDX in "\n".join(text.split("\n")[:5]):
        return []
    return [(1, f"no line with {SPDX}")]


def contract(path, text):
    """A header opens with its contract, in the words that every header uses."""
    if not path.endswith(".h"):
        return []
    head = text.split("#ifndef")[0]
    missing = [word for word in CONTRACT_WORDS
               if not re.search(rf"^ \* {word}\b", head, re.MULTILINE)]
    return [(1, "the contract does not speak of " + ", ".join(missing))] if missing else []


def block_end(code, start):
    """The offset just past the brace that closes the one at start."""
    depth = 0
    for offset in range(start, len(code)):
        depth += {"{": 1, "}": -1}.get(code[offset], 0)
        if depth == 0:
            return offset + 1
    return len(code)


def inner_switches_blanked(body):
    """The body of a switch without the bodies of the switches inside it."""
    while True:
        match = re.search(r"\bswitch\s*\(", body)
        if not match:
            return body
        brace = body.find("{", match.start())
        if brace < 0:
            return body
        end = block_end(body, brace)
        body = body[:match.start()] + " " * (end - match.start()) + body[end:]


def no_default(path, text):
    """A switch over an enum of ours names every member, so that the compiler finds a new one."""
    if not is_c(path):
        return []
    code = code_only(text)
    complaints = []
    for match in re.finditer(r"\bswitch\s*\(", code):
        brace = code.find("{", match.start())
        if brace < 0:
            continue
        body = inner_switches_blanked(code[brace + 1:block_end(code, brace)])
        labels = re.findall(r"\bcase\s+([^:]+):", body)
        ours = labels and all(re.fullmatch(r"[A-Z][A-Z0-9_]*", label.strip()) and
                              not FOREIGN_ENUM.match(label.strip()) for label in labels)
        if ours and re.search(r"\bdefault\s*:", body):
            line = line_of(code, match.start())
            complaints.append((line, "default: in a switch over our own enum"))
    return complaints


# A CHECK that fails has nobody to be told by whether it is tried: persist/attempt.h.
MAY_CHANGE = {("persist/attempt.c", "static _Thread_local struct attempt *innermost")}


def is_mutable(declaration):
    """Whether this file-scope or static declaration is a variable that can change."""
    declared = declaration.split("=")[0]
    if re.match(r"(typedef|extern|_Static_assert|static_assert)\b", declared):
        return False
    if re.search(r"\)\s*(__attribute__.*)?$", declared.strip()) or "{" in declared:
        return False  # a function, or the definition of a type
    # `struct name;` and `enum name;` declare types, everything else two words or more long a thing.
    if re.match(r"(struct|enum|union)\s+\w+\s*$", declared):
        return False
    if not re.match(r"[\w\s*\[\],]+$", declared):
        return False
    if len(re.findall(r"\w+", declared.split("[")[0])) < 2:
        return False
    if "*" in declared:
        return not re.search(r"\*\s*const\b[^*]*$", declared)
    return not re.search(r"\bconst\b", declared)


def file_scope_state(path, text):
    """State belongs to somebody and is passed on; only constants live at file scope."""
    if not path.endswith(".c") or folder_of(path) == "tests":
        return []
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", lambda m: re.sub(r"[^\n]", " ", m.group(0)),
                  code_only(text), flags=re.MULTILINE)
    complaints = []
    outside = []
    offset = 0
    while offset < len(code):  # functions, initializers and types become {} and keep their lines
        if code[offset] == "{":
            end = block_end(code, offset)
            inside = code[offset:end]
            for match in re.finditer(r"(?<=[;{}])\s*(static\s[^;{]*)[;{]", inside):
                if is_mutable(match.group(1)):
                    complaints.append((line_of(code, offset + match.start(1)),
                                       "a static variable that can change"))
            tail = code[end:end + 1]
            outside.append("{" + "\n" * inside.count("\n") + "}" + ("" if tail in ";, " else ";"))
            offset = end
        else:
            outside.append(code[offset])
            offset += 1
    flat = "".join(outside)
    start = 0
    for match in re.finditer(r";", flat):
        declaration = flat[start:match.start()]
        lead = len(declaration) - len(declaration.lstrip())
        words = " ".join(declaration.split())
        if is_mutable(words) and (path, words) not in MAY_CHANGE:
            line = line_of(flat, start + lead)
            complaints.append((line, "a file-scope variable that can change"))
        start = match.end()
    return complaints


def root_files(path, _text):
    """The root holds what a newcomer needs first, and nothing else."""
    first = path.split("/")[0]
    if "/" not in path and (path in ROOT_FILES or path.startswith(".")):
        return []
    if "/" in path and (first in ROOT_FOLDERS or first.startswith(".")):
        return []
    return [(1, "does not belong at the root")]


def empty_names(path, _text):
    return [(1, "a name that says nothing")] if EMPTY_NAMES.search(path) else []


RULES = [arrows, banned_functions, one_door_to_the_disk, function_length, file_length,
         line_length, licence, contract, no_default, file_scope_state, root_files, empty_names]
