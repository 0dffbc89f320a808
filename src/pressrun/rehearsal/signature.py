"""Whether DKIM signatures hold: checks them as a receiver does (RFC 6376), by other code than what made them."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from pressrun.delivery.dkim_key import SigningKey

_FIELD = re.compile(rb"([!-9;-~]+)[ \t]*:((?:[^\r\n]|\r\n[ \t])*)\r\n")
_VALUE_OF_B = re.compile(rb"((?:^|;)[ \t\r\n]*b[ \t\r\n]*=)[^;]*")
_BLANKS = re.compile(rb"[ \t]+")
_MANY_BLANKS = re.compile(rb"  +")  # what begins with a plain character is found ten times as fast
_BLANKS_AT_END = re.compile(rb" (?=\r\n|\Z)")
_Field = tuple[bytes, bytes]
"""A header's name in lower case, and its value as it came, folds and all."""


def verified_by(message: bytes, keys: Sequence[SigningKey]) -> set[str]:
    """The names of those `keys` (`selector._domainkey.domain`) that signed the message as it is."""
    head, _, body = message.partition(b"\r\n\r\n")
    fields = [(name.lower(), value) for name, value in _FIELD.findall(head + b"\r\n")]
    known = {key.name: key for key in keys}
    held = set()
    for number, (name, value) in enumerate(fields):
        if name == b"dkim-signature":
            tags = _read_tags(value)
            key = known.get(f"{tags.get('s')}._domainkey.{tags.get('d')}")
            others = fields[:number] + fields[number + 1 :]
            if key is not None and _holds(tags, value, others, body, key):
                held.add(key.name)
    return held


def _read_tags(value: bytes) -> Mapping[str, str]:
    """RFC 6376 §3.2; blanks mean nothing in the values that are asked for."""
    pairs = (part.partition("=") for part in value.decode("ascii", "replace").split(";"))
    return {name.strip(): "".join(text.split()) for name, _, text in pairs}


def _holds(tags: Mapping[str, str], value: bytes, fields: Sequence[_Field], body: bytes, key: SigningKey) -> bool:
    if tags.get("v") != "1" or tags.get("c") != "relaxed/relaxed" or tags.get("a") != key.algorithm or "l" in tags:
        return False
    if tags.get("bh") != base64.b64encode(hashlib.sha256(_relax_body(body)).digest()).decode():
        return False
    own = _relax_header(b"dkim-signature", _VALUE_OF_B.sub(rb"\1", value)).removesuffix(b"\r\n")
    signed = b"".join(_choose(tags.get("h", ""), fields)) + own
    try:
        return _check(key, base64.b64decode(tags.get("b", ""), validate=True), signed)
    except (ValueError, InvalidSignature):
        return False


def _check(key: SigningKey, signature: bytes, signed: bytes) -> bool:
    public = key.private_key.public_key()
    if isinstance(public, RSAPublicKey):
        public.verify(signature, signed, PKCS1v15(), SHA256())
    else:
        public.verify(signature, hashlib.sha256(signed).digest())  # RFC 8463 §3
    return True


def _choose(names: str, fields: Sequence[_Field]) -> Iterator[bytes]:
    """The signed fields: each name stands for the lowest one not yet taken, or for none (RFC 6376 §5.4.2)."""
    left = list(fields)
    for name in names.lower().encode().split(b":"):
        for at in reversed(range(len(left))):
            if left[at][0] == name:
                yield _relax_header(*left.pop(at))
                break


def _relax_header(name: bytes, value: bytes) -> bytes:
    """RFC 6376 §3.4.2."""
    return b"%b:%b\r\n" % (name, _BLANKS.sub(b" ", value.replace(b"\r\n", b"")).strip(b" "))


def _relax_body(body: bytes) -> bytes:
    """RFC 6376 §3.4.4."""
    relaxed = _BLANKS_AT_END.sub(b"", _MANY_BLANKS.sub(b" ", body.replace(b"\t", b" ")))
    end = len(relaxed)
    while relaxed.endswith(b"\r\n", 0, end):
        end -= 2
    return relaxed[:end] + b"\r\n" if end else b""
