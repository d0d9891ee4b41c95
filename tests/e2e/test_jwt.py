# SPDX-License-Identifier: Apache-2.0
"""auth.mode = jwt: who is believed, for whom he may act, and every way to be refused."""

import http.client
import json
import time

import pytest

from tests.lib.jwt import HS256, SECRET, claims, openssl, part, sign, sign_ec, sign_rsa
from tests.lib.server import Server


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    directory = tmp_path_factory.mktemp("jwt")
    public = b"two keys, the second one to come\n"
    for name, options in (("rsa", ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
                          ("ec", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
                          ("other", ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"])):
        openssl("genpkey", *options, "-out", str(directory / name))
        if name != "other":
            public += openssl("pkey", "-in", str(directory / name), "-pubout")
    (directory / "public").write_bytes(public)
    (directory / "secret").write_text(f"# storefront\n{SECRET}\n")
    server = Server(directory, {
        "auth.mode": "jwt", "auth.jwt_secret_file": directory / "secret",
        "auth.jwt_public_key_file": directory / "public", "auth.jwt_audience": "shop",
        "auth.jwt_issuer": "login", "auth.jwt_leeway_seconds": 5})
    server.start()
    yield server
    server.stop()
    assert SECRET not in server.log()


class Answer:
    def __init__(self, server, token, **fields):
        connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=30)
        fields = {name.replace("_", "-"): value for name, value in fields.items()}
        if token is not None:
            fields["Authorization"] = f"Bearer {token}"
        connection.request("GET", "/v1/cart", headers=fields)
        reply = connection.getresponse()
        self.status, self.challenge = reply.status, reply.getheader("WWW-Authenticate")
        self.body = reply.read().decode()
        connection.close()
        assert SECRET not in self.body
        assert token is None or len(token) < 40 or token not in self.body


def test_check_reads_the_keys(shop):
    def said():
        check = shop.run("check")
        return next(line for line in check.stdout.splitlines() if " customers " in line)
    path = shop.directory / "secret"
    whole = path.read_text()
    assert said().split() == ["ok", "customers", "tokens", "of", "3", "keys"]
    path.write_text(whole + "a-short-one\n")
    assert f"{path}:3 " in said() and said().startswith("mend") and "a-short-one" not in said()
    path.write_text(whole)


def test_each_algorithm_is_believed_first_and_remembered(shop):
    for token in (sign(HS256, claims()), sign({"alg": "HS256"}, claims(aud=["x", "shop"])),
                  sign_rsa(str(shop.directory / "rsa"), claims()),
                  sign_ec(str(shop.directory / "ec"), claims())):
        assert [Answer(shop, token).status for _ in range(3)] == [200, 200, 200]


def forgeries(shop):
    now = int(time.time())
    good = claims()
    public = (shop.directory / "public").read_text()
    pem = public[public.index("-----BEGIN"):]
    first = pem[:pem.index("-----END PUBLIC KEY-----") + 25]
    yield "confused with the public key", sign(HS256, good, first)
    yield "confused with the file", sign(HS256, good, public)
    yield "another secret", sign(HS256, good, SECRET + "x")
    yield "another key", sign_ec(str(shop.directory / "other"), good)
    for alg in ("none", "None", "HS384", "HS512", "hs256", "", None, 256):
        yield f"alg {alg}", sign({"alg": alg}, good)
    yield "none, unsigned", f"{part({'alg': 'none'})}.{part(good)}."
    yield "unsigned", f"{part(HS256)}.{part(good)}."
    yield "no alg", sign({"typ": "JWT"}, good)
    yield "alg twice", sign('{"alg":"none","alg":"HS256"}', good)
    yield "crit", sign({**HS256, "crit": ["exp"]}, good)
    yield "typ", sign({"alg": "HS256", "typ": "JWE"}, good)
    yield "sub twice", sign(HS256, json.dumps(good)[:-1] + ',"sub":"bob"}')
    for sub in (None, "", "a" * 128, "a\nb", "\u00e9", 7):
        yield f"sub {sub}", sign(HS256, claims(sub=sub))
    for exp in (None, now - 6, 0, -1, str(now + 600), now + 600.5, True, 1e30):
        yield f"exp {exp}", sign(HS256, claims(exp=exp))
    yield "exp 9e9", sign(HS256, json.dumps(claims(exp=1)).replace('"exp": 1', '"exp":9e9'))
    yield "nbf", sign(HS256, claims(nbf=now + 60))
    yield "iat", sign(HS256, claims(iat=now + 60))
    for aud in (None, "other", ["other"], [], 7, "Shop"):
        yield f"aud {aud}", sign(HS256, claims(aud=aud))
    for iss in (None, "else", 7):
        yield f"iss {iss}", sign(HS256, claims(iss=iss))
    for role in ("operator", "SERVICE", 1, ""):
        yield f"role {role}", sign(HS256, claims(role=role))
    yield "too long", sign(HS256, claims(more="x" * 4096))
    token = sign(HS256, good)
    yield "cut", token[:-1]
    yield "longer", token + "A"
    yield "padded", token + "="
    yield "four parts", token + ".AAAA"
    yield "payload of another", ".".join([token.split(".")[0], part(claims(sub="bob")),
                                          token.split(".")[2]])
    for other in ("x", "..", "a.b.c", "a..c", "."):
        yield f"text {other}", other


def test_forgeries_are_refused(shop):
    for name, token in forgeries(shop):
        answer = Answer(shop, token)
        assert answer.status == 401, f"{name}: {answer.status} {answer.body}"
        assert answer.challenge == 'Bearer error="invalid_token"', name


def test_the_leeway_is_given(shop):
    now = int(time.time())
    assert Answer(shop, sign(HS256, claims(exp=now + 2))).status == 200
    assert Answer(shop, sign(HS256, claims(nbf=now + 2, iat=now + 2))).status == 200


def test_a_remembered_token_ends(shop):
    ends = int(time.time()) - 2  # with the leeway, in three seconds at most
    token = sign(HS256, claims(exp=ends))
    assert Answer(shop, token).status in (200, 401)
    while time.time() < ends + 5.1:
        time.sleep(0.05)
    assert Answer(shop, token).status == 401


def test_a_customer_acts_for_himself_and_a_service_for_whom_it_names(shop):
    own, service = sign(HS256, claims()), sign(HS256, claims(sub="erp", role="service"))
    assert Answer(shop, own, X_Customer_Id="ann").status == 200
    assert Answer(shop, own, X_Customer_Id="bob").status == 403
    assert Answer(shop, own, X_Role="service").status == 403
    assert Answer(shop, service, X_Customer_Id="bob").status == 200
    assert Answer(shop, service).status == 401
    without = Answer(shop, None, X_Customer_Id="ann")
    assert (without.status, without.challenge) == (401, "Bearer")


def test_a_guest_shows_his_token(shop):
    connection = http.client.HTTPConnection("127.0.0.1", shop.http_port, timeout=30)
    connection.request("POST", "/v1/guests")
    guest = json.loads(connection.getresponse().read())["guest_token"]
    connection.close()
    assert Answer(shop, guest).status == 200
    assert Answer(shop, guest[:-1] + ("A" if guest[-1] != "A" else "B")).status == 401
    assert Answer(shop, guest, X_Customer_Id="ann").status == 403


def test_a_flood_of_bad_tokens_takes_no_memory_and_hinders_nobody(shop):
    def resident():
        text = (shop.directory / f"/proc/{shop.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0])

    good = sign(HS256, claims())
    key = str(shop.directory / "other")
    bad = sign_ec(key, claims())
    assert Answer(shop, good).status == 200

    def flood(count):
        for number in range(count):
            assert Answer(shop, sign(HS256, claims(sub=f"x{number}"), "y" * 40)).status == 401
            assert Answer(shop, bad).status == 401
    flood(50)
    before = resident()
    flood(400)
    assert resident() - before <= 64, "KiB"
    assert Answer(shop, good).status == 200
