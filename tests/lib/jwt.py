# SPDX-License-Identifier: Apache-2.0
"""Makes JSON Web Tokens, good ones and others."""

import base64
import hashlib
import hmac
import json
import subprocess
import time

SECRET = "the-secret-of-the-storefront-in-tests"


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def part(value):
    return b64((value if isinstance(value, str) else json.dumps(value)).encode())


def sign(header, claims, secret=SECRET):
    text = f"{part(header)}.{part(claims)}"
    return f"{text}.{b64(hmac.new(secret.encode(), text.encode(), hashlib.sha256).digest())}"


def openssl(*arguments, **options):
    return subprocess.run(
        ["openssl", *arguments], check=True, capture_output=True, **options).stdout


def sign_rsa(key, claims):
    text = f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{part(claims)}"
    return f"{text}.{b64(openssl('dgst', '-sha256', '-sign', key, input=text.encode()))}"


def sign_ec(key, claims):
    text = f"{part({'alg': 'ES256'})}.{part(claims)}"
    der = openssl("dgst", "-sha256", "-sign", key, input=text.encode())
    numbers, at = [], 2
    for _ in range(2):
        size = der[at + 1]
        numbers.append(int.from_bytes(der[at + 2:at + 2 + size], "big").to_bytes(32, "big"))
        at += 2 + size
    return f"{text}.{b64(b''.join(numbers))}"


HS256 = {"alg": "HS256", "typ": "JWT"}


def claims(**changes):
    made = {"sub": "ann", "exp": int(time.time()) + 600, "aud": "shop", "iss": "login", **changes}
    return {name: value for name, value in made.items() if value is not None}
