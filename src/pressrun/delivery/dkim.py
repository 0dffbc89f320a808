"""DKIM: signs messages (RFC 6376, relaxed/relaxed), with all that is the same for every recipient done once."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pressrun.delivery.dkim_key import Algorithm, SigningKey, keys_for, read_signing_keys

__all__ = ["Algorithm", "HeaderSigner", "SigningKey", "canonicalize_body", "keys_for", "read_signing_keys"]

SIGNED = frozenset(
    (b"from", b"to", b"subject", b"date", b"message-id", b"mime-version", b"reply-to", b"feedback-id"),
)
SIGNED_FAMILIES = (b"content-", b"list-")
OVERSIGNED = (b"from", b"to", b"subject", b"list-unsubscribe", b"list-unsubscribe-post")
"""Named once more than they are there: a second one added on the way breaks the signature (RFC 6376 §8.15)."""

_BLANKS = re.compile(rb"[ \t]+")
_LINE = 78  # RFC 5322 §2.1.1
_PIECE = 72  # characters of the signature in a line
_FORMS = 64  # sets of header names that are remembered; a send has one or two
_Header = tuple[bytes, bytes]
"""A header's name in lower case, and the whole of it in canonical form, with CRLF."""


@dataclass(frozen=True)
class _SignatureForm:
    """A key's DKIM-Signature for one set of header names: on the wire, and as it is hashed (b= empty, one line)."""

    key: SigningKey
    wire: bytes
    canonical: bytes

    def write(self, headers: bytes, moment: int, body_hash: bytes) -> bytes:
        """The header for a message whose canonical signed headers are `headers`."""
        digest = hashlib.sha256(headers + self.canonical % (moment, body_hash)).digest()
        signature = base64.b64encode(self.key.sign(digest))
        folded = b"\r\n ".join(signature[n : n + _PIECE] for n in range(0, len(signature), _PIECE))
        return b"%b%b\r\n" % (self.wire % (moment, body_hash), folded)


class HeaderSigner:
    """Signs messages that share `constant`: headers as they stand on the wire, folded, each ended by CRLF.

    A message is what `sign` gives, then the recipient's own headers, then `constant`, an empty line and the body.
    """

    def __init__(self, keys: Sequence[SigningKey], constant: bytes) -> None:
        self._keys = tuple(keys)
        signed = _select(constant)
        self._constant = b"".join(canonical for _, canonical in signed)
        self._names = tuple(name for name, _ in signed)
        self._forms: dict[tuple[bytes, ...], tuple[_SignatureForm, ...]] = {}

    def sign(self, varying: bytes, body_hash: bytes, moment: dt.datetime) -> bytes:
        """The DKIM-Signature headers, to stand first in the message; nothing without keys.

        `varying` are the recipient's headers, folded, each ended by CRLF; `body_hash` the SHA-256 digest of the
        canonical body; `moment`, aware, becomes t=. The same arguments give the same octets.
        """
        signed = _select(varying)
        headers = b"".join((self._constant, *[canonical for _, canonical in signed]))
        names = tuple([name for name, _ in signed])
        forms = self._forms.get(names) or self._remember(names)
        encoded, seconds = base64.b64encode(body_hash), int(moment.timestamp())
        return b"".join([form.write(headers, seconds, encoded) for form in forms])

    def _remember(self, varying: tuple[bytes, ...]) -> tuple[_SignatureForm, ...]:
        if len(self._forms) >= _FORMS:
            self._forms.clear()
        # As many of a name as there are, and one more, so that the last is looked for and must be missing.
        names = b":".join((*self._names, *varying, *OVERSIGNED)).decode()
        self._forms[varying] = tuple(_make_form(key, names) for key in self._keys)
        return self._forms[varying]


def canonicalize_body(body: bytes) -> bytes:
    """The body, its lines ended by CRLF, in relaxed canonical form (RFC 6376 §3.4.4)."""
    body = body.replace(b"\t", b" ")
    while b"  " in body:
        body = body.replace(b"  ", b" ")
    body = body.replace(b" \r\n", b"\r\n").removesuffix(b" ")
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    return body[:end] + b"\r\n" if end else b""


def _select(headers: bytes) -> list[_Header]:
    """What is signed of `headers`, the last first: verifiers take headers of one name from below (RFC 6376 §5.4.2)."""
    chosen = []
    for header in _unfold(headers).split(b"\r\n"):
        raw, _, value = header.partition(b":")
        if name := _signed_name(raw):
            chosen.append((name, b"%b:%b\r\n" % (name, value.strip(b" "))))
    chosen.reverse()
    return chosen


@lru_cache(maxsize=256)
def _signed_name(raw: bytes) -> bytes:
    """The name in lower case, where a header called so is signed; else nothing."""
    name = raw.rstrip(b" ").lower()
    return name if name in SIGNED or name.startswith(SIGNED_FAMILIES) else b""


def _unfold(headers: bytes) -> bytes:
    """Headers on one line each, every run of blanks one space (RFC 6376 §3.4.2)."""
    unfolded = headers.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    return _BLANKS.sub(b" ", unfolded) if b"\t" in unfolded or b"  " in unfolded else unfolded


def _make_form(key: SigningKey, names: str) -> _SignatureForm:
    """The header but for time, body hash and signature; `%d` and `%b` stand where those go."""
    time, body_hash = "#" * 10, "@" * 44  # as long as what will stand there, for folding
    tags = ["v=1;", f"a={key.algorithm};", "c=relaxed/relaxed;", f"d={key.domain};", f"s={key.selector};"]
    tags += [f"t={time};", f"bh={body_hash};"]
    listed = [f"{name}:" for name in names.split(":")]
    listed[0], listed[-1] = f"h={listed[0]}", f"{listed[-1][:-1]};"
    lines = [*_fill("DKIM-Signature:", tags, " "), *_fill("", listed, ""), " b="]
    wire = "\r\n".join(lines).replace(time, "%d").replace(body_hash, "%b").encode("ascii")
    name, _, value = _unfold(wire).partition(b": ")
    return _SignatureForm(key, wire, b"%b:%b" % (name.lower(), value))


def _fill(begun: str, words: Iterable[str], gap: str) -> Iterator[str]:
    """Lines of at most 78 characters where words allow; those after `begun` begin with a space."""
    line = begun
    for word in words:
        if line and len(line + gap + word) > _LINE:
            yield line
            line = ""
        line = f"{line}{gap}{word}" if line else f" {word}"
    yield line
