# SPDX-License-Identifier: Apache-2.0
"""openapi.yaml as a C array of JSON: openapi.py INPUT.yaml OUTPUT.c"""

import json
import sys

import yaml

LINE = 16


def main(source, target):
    with open(source, encoding="utf-8") as file:
        text = json.dumps(yaml.safe_load(file), separators=(",", ":"), ensure_ascii=True).encode()
    rows = (", ".join(str(byte) for byte in text[start:start + LINE])
            for start in range(0, len(text), LINE))
    hash_ = 14695981039346656037  # FNV-1a, 64 bits
    for byte in text:
        hash_ = (hash_ ^ byte) * 1099511628211 % 2 ** 64
    with open(target, "w", encoding="ascii") as file:
        file.write("/* Made from openapi.yaml by openapi.py. */\n"
                   '#include "net/http/openapi.h"\n\n'
                   "static const uint8_t text[] = {\n" + ",\n".join(rows) + "};\n\n"
                   "struct bytes openapi_json(void)\n"
                   "{\n    return bytes_of(text, sizeof(text));\n}\n\n"
                   f"uint64_t openapi_hash(void)\n{{\n    return {hash_}ull;\n}}\n")


main(*sys.argv[1:])
