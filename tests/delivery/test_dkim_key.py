"""Keys are read from what operators have, told as DNS records, chosen by the sender's domain, and never shown."""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import re

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from pressrun.delivery.dkim_key import Algorithm, SigningKey, keys_for, make_key, make_keys, read_signing_keys
from pressrun.errors import UsageError
from signed_message import both_keys

TODAY = dt.date(2026, 11, 22)
RSA, EDWARDS = both_keys()
PEM = EDWARDS.pem.partition("\n")[2]
SECRET = PEM.splitlines()[1]


def pem_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, style: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return key.private_bytes(Encoding.PEM, style, NoEncryption()).decode()


def named(domain: str, selector: str = "s", algorithm: Algorithm = Algorithm.ED25519_SHA256) -> SigningKey:
    """A key that is told from others by its name only."""
    return SigningKey(domain, selector, algorithm, (RSA if algorithm is Algorithm.RSA_SHA256 else EDWARDS).private_key)


def test_a_key_is_read_as_it_was_written() -> None:
    read = read_signing_keys(RSA.pem + EDWARDS.pem, "keys")
    assert read == (RSA, EDWARDS)
    assert [key.record for key in read] == [RSA.record, EDWARDS.record]
    digest = bytes(32)
    assert [key.sign(digest) for key in read] == [RSA.sign(digest), EDWARDS.sign(digest)]


@pytest.mark.parametrize(
    "text",
    [
        f"# made in November\n\nTEST-ed25519._DOMAINKEY.spp.example.com.\n\n{PEM}",
        f"test-ed25519._domainkey.spp.example.com\r\n{PEM}".replace("\n", "\r\n"),
        EDWARDS.pem.replace("\n", "\\n"),
        f"  test-ed25519._domainkey.spp.example.com  \n# https://spp.example.com\n{PEM}\n# the end",
        EDWARDS.pem * 2,
    ],
)
def test_notes_case_line_ends_and_copies_do_not_matter(text: str) -> None:
    assert read_signing_keys(text, "keys") == (EDWARDS,)


def test_a_key_in_the_old_form_of_openssl_is_read() -> None:
    assert isinstance(RSA.private_key, rsa.RSAPrivateKey)
    text = f"{RSA.name}\n{pem_of(RSA.private_key, PrivateFormat.TraditionalOpenSSL)}"
    assert read_signing_keys(text, "keys") == (RSA,)


def test_a_domain_may_be_written_in_its_own_letters() -> None:
    (key,) = read_signing_keys(f"s._domainkey.采购.example.com\n{PEM}", "keys")
    assert key.domain == "xn--7n3ap4g.example.com"
    assert keys_for([key], "读者@采购.example.com") == (key,)


def encrypted() -> str:
    octets = EDWARDS.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word"))
    return f"{EDWARDS.name}\n{octets.decode()}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["keys holds no DKIM key", "pressrun dkim keygen"]),
        (f"nothing but {SECRET}", ["keys holds no DKIM key"]),
        (PEM, ["keys, line 1", "has no name", "selector._domainkey."]),
        (f"{EDWARDS.pem}{PEM}", ["keys, line 5", "has no name"]),
        (f"example.com\n{PEM}", ["keys, line 2", "has no name"]),
        (f"-s._domainkey.example.com\n{PEM}", ["has no name"]),
        (f"s._domainkey.com\n{PEM}", ["has no name"]),
        (f"\n\n{EDWARDS.pem.replace(SECRET, SECRET[:-8])}", ["keys, line 4", "is no private key"]),
        (EDWARDS.pem.partition("-----END")[0], ["keys, line 2", "has no end"]),
        (encrypted(), ["keys, line 2", "encrypted", "openssl"]),
        (f"{RSA.name}\n{pem_of(rsa.generate_private_key(65_537, 1024))}{RSA.pem}", ["names another key too"]),
        (f"{EDWARDS.name}\n{pem_of(ec.generate_private_key(ec.SECP256R1()))}", ["knows no keys of this kind"]),
    ],
    ids=itertools.count(1),  # the keys are new each time, the tests' names are not
)
def test_what_is_wrong_is_told_with_its_line_and_never_shown(text: str, said: list[str]) -> None:
    with pytest.raises(UsageError) as raised:
        read_signing_keys(text, "keys")
    told = str(raised.value)
    assert [word for word in said if word not in told] == [], told
    assert not any(line in told for line in text.splitlines() if len(line) > 40)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize(("first", "second", "bits"), [(521, 127, 648), (2281, 2203, 4484)])
def test_an_rsa_key_that_is_too_short_or_too_long_is_refused(first: int, second: int, bits: int) -> None:
    p, q, e = 2**first - 1, 2**second - 1, 65_537  # Mersenne's primes: keys of lengths that nobody makes any more
    d, n = pow(e, -1, (p - 1) * (q - 1)), rsa.RSAPublicNumbers(e, p * q)
    made = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), n).private_key(
        unsafe_skip_rsa_key_validation=True
    )
    with pytest.raises(UsageError, match=f"keys, line 2: an RSA key of {bits} bits: verifiers take 1024 to 4096"):
        read_signing_keys(f"{RSA.name}\n{pem_of(made)}", "keys")


def test_neither_repr_nor_equality_touches_the_private_key() -> None:
    assert "private" not in repr(RSA) and SECRET not in repr(EDWARDS)
    assert SigningKey(RSA.domain, RSA.selector, RSA.algorithm, EDWARDS.private_key) == RSA
    assert len({RSA, EDWARDS, RSA}) == 2


def test_the_record_holds_the_public_key() -> None:
    kind, _, value = RSA.record.rpartition(" p=")
    assert kind == "v=DKIM1; k=rsa;"
    public = load_der_public_key(base64.b64decode(value))
    assert isinstance(RSA.private_key, rsa.RSAPrivateKey) and isinstance(public, rsa.RSAPublicKey)
    assert public.public_numbers() == RSA.private_key.public_key().public_numbers()
    assert re.fullmatch(r"v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=", EDWARDS.record)


def test_a_zone_file_gets_strings_of_at_most_255_octets() -> None:
    name, _, rest = RSA.zone_line.partition(". 3600 IN TXT ")
    assert name == "test._domainkey.spp.example.com"
    strings = re.findall(r'"([^"]*)"', rest)
    assert (len(strings), max(map(len, strings))) == (2, 255)
    assert "".join(strings) == RSA.record
    assert rest == "( " + " ".join(f'"{string}"' for string in strings) + " )"


@pytest.mark.parametrize(
    ("sender", "domains"),
    [
        ("news@example.com", ["example.com"]),
        ("news@EXAMPLE.com", ["example.com"]),
        ("news@spp.example.com", ["spp.example.com"]),
        ("news@mail.spp.example.com", ["spp.example.com"]),
        ("news@other.example.com", ["example.com"]),
        ("news@xspp.example.com", ["example.com"]),
        ("news@example.org", []),
        ("news@com", []),
    ],
)
def test_the_nearest_domain_at_or_above_the_senders_signs(sender: str, domains: list[str]) -> None:
    for keys in ([named("example.com"), named("spp.example.com")], [named("spp.example.com"), named("example.com")]):
        assert [key.domain for key in keys_for(keys, sender)] == domains


def test_the_last_key_of_each_kind_signs_and_rsa_comes_first() -> None:
    keys = [
        named("example.com", "e1"),
        named("example.com", "r1", Algorithm.RSA_SHA256),
        named("example.com", "e2"),
        named("example.com", "r2", Algorithm.RSA_SHA256),
    ]
    assert [key.selector for key in keys_for(keys, "news@example.com")] == ["r2", "e2"]


@given(
    st.lists(st.tuples(st.sampled_from(["example.com", "a.example.com", "b.example.com"]), st.sampled_from(Algorithm)))
)
@settings(deadline=None)
def test_at_most_one_key_of_each_kind_signs_and_each_is_aligned(found: list[tuple[str, Algorithm]]) -> None:
    keys = [named(domain, f"s{n}", algorithm) for n, (domain, algorithm) in enumerate(found)]
    chosen = keys_for(keys, "news@a.example.com")
    assert len({key.algorithm for key in chosen}) == len(chosen)
    assert {key.algorithm for key in chosen} == {key.algorithm for key in keys if key.domain != "b.example.com"}


def test_keys_are_named_by_the_month_and_the_kind() -> None:
    def names(selector: str | None, *algorithms: Algorithm) -> list[str]:
        return [key.name for key in make_keys("Example.com.", selector, algorithms, TODAY)]

    edwards = Algorithm.ED25519_SHA256
    assert names(None, edwards) == ["pr202611-ed25519._domainkey.example.com"]
    assert names("S1", edwards) == ["s1._domainkey.example.com"]
    assert names(None, *Algorithm) == ["pr202611._domainkey.example.com", "pr202611-ed25519._domainkey.example.com"]
    assert names("s1", *Algorithm) == ["s1._domainkey.example.com", "s1-ed25519._domainkey.example.com"]


def test_a_new_rsa_key_has_2048_bits_and_no_two_are_alike() -> None:
    assert RSA.bits == 2048
    first, second = (make_key("example.com", "s", Algorithm.ED25519_SHA256) for _ in range(2))
    assert first.record != second.record


@pytest.mark.parametrize(
    ("domain", "selector"),
    [("com", "s"), ("", "s"), ("a..example.com", "s"), ("example.com/x", "s"), ("a b.example.com", "s"),
     ("example.com", "s_1"), ("example.com", ""), ("example.com", "."), ("example.com", "x" * 64),
     (".".join(["x" * 60] * 4), "long-enough")],
)  # fmt: skip
def test_a_wrong_domain_or_selector_is_refused(domain: str, selector: str) -> None:
    with pytest.raises(UsageError):
        make_key(domain, selector, Algorithm.ED25519_SHA256)
