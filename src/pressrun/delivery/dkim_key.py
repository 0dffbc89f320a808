"""DKIM keys: read from PEM text, made anew, chosen for a sender, and told as the DNS records verifiers look for."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import idna
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from pressrun.errors import UsageError

GOOD_BITS = 2048  # RFC 8301 §3.2: what signers should use at least
_FEWEST_BITS, _MOST_BITS = 1024, 4096  # RFC 8301 §3.2: what signers must use, what verifiers must be able to check
_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_SELECTOR = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")  # RFC 6376 §3.1
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")
_STRING = 255  # octets that a string of a TXT record can hold (RFC 1035 §3.3.14)
_PADDING, _HASH = PKCS1v15(), Prehashed(SHA256())


class Algorithm(StrEnum):
    """How a key signs, as the tag a= names it."""

    RSA_SHA256 = "rsa-sha256"
    ED25519_SHA256 = "ed25519-sha256"


@dataclass(frozen=True)
class SigningKey:
    """A private key and where verifiers find its public half: `selector._domainkey.domain` in DNS."""

    domain: str
    selector: str
    algorithm: Algorithm
    private_key: RSAPrivateKey | Ed25519PrivateKey = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """The DNS name of its record, without a final dot."""
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """The value of its TXT record (RFC 6376 §3.6.1), as one string."""
        kind = "rsa" if isinstance(self.private_key, RSAPrivateKey) else "ed25519"
        return f"v=DKIM1; k={kind}; p={base64.b64encode(self._public_octets()).decode()}"

    @property
    def zone_line(self) -> str:
        """Its record as a line of a zone file, in strings of at most 255 octets."""
        value = self.record
        strings = " ".join(f'"{value[n : n + _STRING]}"' for n in range(0, len(value), _STRING))
        return f"{self.name}. 3600 IN TXT ( {strings} )"

    @property
    def bits(self) -> int:
        """The key's length; 256 for Ed25519."""
        return self.private_key.key_size if isinstance(self.private_key, RSAPrivateKey) else 256

    @property
    def pem(self) -> str:
        """The key as `read_signing_keys` reads it: **a secret**."""
        octets = self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return f"{self.name}\n{octets.decode()}"

    def sign(self, digest: bytes) -> bytes:
        """The signature over a SHA-256 digest."""
        if isinstance(self.private_key, RSAPrivateKey):
            return self.private_key.sign(digest, _PADDING, _HASH)
        return self.private_key.sign(digest)  # RFC 8463 §3: the hash is what Ed25519 signs

    def _public_octets(self) -> bytes:
        public = self.private_key.public_key()
        if isinstance(self.private_key, RSAPrivateKey):
            return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return public.public_bytes(Encoding.Raw, PublicFormat.Raw)  # RFC 8463 §4: the bare 32 octets


def read_signing_keys(text: str, origin: str) -> tuple[SigningKey, ...]:
    """The keys in `text`: PEM blocks, each with its DNS name on the line before it; lines that begin with # are notes.

    Line ends may also be written `\\n`, as one-line variables hold them. Raises UsageError, which names `origin` (the
    file or setting) and the line, and never shows what the text holds.
    """
    text = text.replace("\\n", "\n")
    keys = tuple(_read_blocks(text, origin))
    if not keys:
        raise UsageError(f"{origin} holds no DKIM key", "make one with pressrun dkim keygen")
    return join_keys([(origin, keys)])


def join_keys(sources: Iterable[tuple[str, Iterable[SigningKey]]]) -> tuple[SigningKey, ...]:
    """The keys of all sources, each once, in their order; UsageError where two different ones have one DNS name."""
    found: dict[str, SigningKey] = {}
    for origin, keys in sources:
        for key in keys:
            if found.setdefault(key.name, key).record != key.record:
                raise UsageError(
                    f"{origin}: {key.name} names another key too",
                    "give each key a selector of its own: one record, one key",
                )
    return tuple(found.values())


def keys_for(keys: Iterable[SigningKey], sender_address: str) -> tuple[SigningKey, ...]:
    """The keys that sign what `sender_address` sends: at most one RSA key, then at most one Ed25519 key.

    Their domain is the sender's or one above it (relaxed alignment, RFC 7489 §3.1.1); the nearest domain wins, and
    among its keys the one that comes last.
    """
    domain = _plain_domain(sender_address.rpartition("@")[2])
    chosen: dict[Algorithm, SigningKey] = {}
    for key in keys:
        if domain != key.domain and not domain.endswith(f".{key.domain}"):
            continue
        if key.algorithm not in chosen or len(key.domain) >= len(chosen[key.algorithm].domain):
            chosen[key.algorithm] = key
    return tuple(chosen[algorithm] for algorithm in Algorithm if algorithm in chosen)


def make_key(domain: str, selector: str, algorithm: Algorithm) -> SigningKey:
    """A new key from the system's randomness; RSA with 2048 bits. Raises UsageError for a wrong domain or selector."""
    plain, chosen = _plain_domain(domain), selector.lower()
    if not _DOMAIN.fullmatch(plain):
        raise UsageError(f"{domain!r} is no domain", "write it as news.example.com")
    if not _SELECTOR.fullmatch(chosen):
        raise UsageError(f"{selector!r} is no selector", "use letters, digits and hyphens, as in pr202611")
    if len(f"{chosen}._domainkey.{plain}") > 253:
        raise UsageError(f"selector and domain are too long together: {selector}, {domain}", "take a shorter selector")
    made = (
        generate_private_key(65_537, GOOD_BITS) if algorithm is Algorithm.RSA_SHA256 else Ed25519PrivateKey.generate()
    )
    return SigningKey(plain, chosen, algorithm, made)


def make_keys(
    domain: str, selector: str | None, algorithms: Sequence[Algorithm], today: dt.date
) -> tuple[SigningKey, ...]:
    """A new key for each algorithm; without `selector` named by today's month, so that later ones come last by name.

    One record holds one key, so an Ed25519 key beside an RSA key has a selector of its own, which ends in -ed25519.
    """
    return tuple(
        make_key(domain, _choose_selector(selector, algorithm, len(algorithms), today), algorithm)
        for algorithm in algorithms
    )


def _choose_selector(selector: str | None, algorithm: Algorithm, count: int, today: dt.date) -> str:
    if selector and count == 1:
        return selector
    return (selector or f"pr{today:%Y%m}") + ("-ed25519" if algorithm is Algorithm.ED25519_SHA256 else "")


def _read_blocks(text: str, origin: str) -> Iterator[SigningKey]:
    end = 0
    for block in _BLOCK.finditer(text):
        where = f"{origin}, line {text.count(chr(10), 0, block.start()) + 1}"
        selector, domain = _split_name(text[end : block.start()], where)
        yield _read_key(block[0], selector, domain, where)
        end = block.end()
    if "-----BEGIN" in text[end:]:
        line = text.count("\n", 0, text.index("-----BEGIN", end)) + 1
        raise UsageError(
            f"{origin}, line {line}: the key has no end", "put the whole PEM block there, with its END line"
        )


def _split_name(above: str, where: str) -> tuple[str, str]:
    lines = [line.strip() for line in above.splitlines()]
    named = [line for line in lines if line and not line.startswith("#")]
    selector, mark, domain = (named[-1] if named else "").lower().rstrip(".").partition("._domainkey.")
    domain = _plain_domain(domain)
    if not mark or not _SELECTOR.fullmatch(selector) or not _DOMAIN.fullmatch(domain):
        remedy = "write its DNS name on the line before it: selector._domainkey.news.example.com"
        raise UsageError(f"{where}: the key has no name", remedy)
    return selector, domain


def _read_key(pem: str, selector: str, domain: str, where: str) -> SigningKey:
    try:
        key = load_pem_private_key(pem.encode(), None)
    except TypeError:
        raise UsageError(f"{where}: the key is encrypted", "decrypt it: openssl pkey -in FILE -out FILE") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(
            f"{where}: this is no private key", "put a PKCS#8 PEM block there, whole and unchanged"
        ) from None
    if isinstance(key, Ed25519PrivateKey):
        return SigningKey(domain, selector, Algorithm.ED25519_SHA256, key)
    if not isinstance(key, RSAPrivateKey):
        raise UsageError(f"{where}: DKIM knows no keys of this kind", "use RSA or Ed25519: pressrun dkim keygen")
    if not _FEWEST_BITS <= key.key_size <= _MOST_BITS:
        message = f"{where}: an RSA key of {key.key_size} bits: verifiers take {_FEWEST_BITS} to {_MOST_BITS}"
        raise UsageError(message, "make one with pressrun dkim keygen")
    return SigningKey(domain, selector, Algorithm.RSA_SHA256, key)


def _plain_domain(domain: str) -> str:
    """`domain` in lower case as A-labels; as it is where it can't be written so."""
    plain = domain.strip().lower().rstrip(".")
    if plain.isascii():
        return plain
    try:
        return idna.encode(plain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return plain
