# SPDX-License-Identifier: Apache-2.0
"""embed.py FILE NAME: prints C that holds the file's bytes as `const char NAME[]`, with a NUL."""

import sys

path, name = sys.argv[1:]
with open(path, "rb") as file:
    data = file.read() + b"\0"
print(f"extern const char {name}[];")
print(f"const char {name}[] = {{")
for start in range(0, len(data), 20):
    numbers = (byte if byte < 128 else byte - 256 for byte in data[start:start + 20])
    print(" " + "".join(f" {number}," for number in numbers))
print("};")
