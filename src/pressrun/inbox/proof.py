"""Proof of whom a letter is about: what only we and they can have, as anybody can write a bounce."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from pressrun.delivery.leave_link import Leave, read_leave_token
from pressrun.delivery.recipient import read_verp
from pressrun.inbox.letter import Letter, Part, read_fields
from pressrun.inbox.understanding import LetterKind
from pressrun.inbox.wish import find_tokens
from pressrun.link_keys import LinkKeys

_TOKEN = re.compile(r"(?<![\w~-])\d{1,19}~[\w~-]{10,400}", re.ASCII)
_MESSAGE_ID = re.compile(r"^message-id:[ \t]*(<[^<>\s]{3,500}>)", re.IGNORECASE | re.MULTILINE)
_ADDRESSED = ("delivered-to", "x-original-to", "envelope-to", "to")
_MOST_TOKENS = 20


@dataclass(frozen=True)
class Proven:
    """Whom a letter is about: the row of the log that a return path names, or who can leave which list by a token."""

    row_id: int | None = None
    leave: Leave | None = None
    message_id: str = ""

    @property
    def is_proven(self) -> bool:
        """Whether it names anybody."""
        return self.row_id is not None or self.leave is not None


def prove(letter: Letter, kind: LetterKind, keys: LinkKeys) -> Proven:
    """Whom the letter is about, as far as one of its `kind` can prove it.

    A wish to leave has its token in the subject. A bounce came to the return path of one message, which is signed
    (VERP); a complaint, and a bounce that returns the message's headers, holds the link by which its recipient leaves.
    Addresses that are only named are no proof, nor are Message-IDs, which can be guessed from one's own.
    """
    match kind:
        case LetterKind.LEAVE:
            # Not from its text: whoever answers a mail quotes their own link, and whoever passes one on somebody's.
            return Proven(leave=_leave_of(find_tokens(letter.header("subject")), keys))
        case LetterKind.COMPLAINT:
            # Not from its words, which quote anything: what is complained of is enclosed (RFC 5965 §2).
            links = [_link_of(part) for part in letter.enclosed]
            return Proven(_find_row(letter, keys), _leave_in(links, keys), _find_id(letter.enclosed))
        case LetterKind.BOUNCE:
            parts = (*letter.enclosed, *letter.parts)  # many servers return what they return as plain text
            return Proven(_find_row(letter, keys), _leave_in([part.text for part in parts], keys), _find_id(parts))
    return Proven()


def _find_row(letter: Letter, keys: LinkKeys) -> int | None:
    return next((row for name in _ADDRESSED if (row := _row_of(letter.header(name), keys)) is not None), None)


def _row_of(header: str, keys: LinkKeys) -> int | None:
    found = (read_verp(address.strip(" <>\t"), keys) for address in header.split(",")[:_MOST_TOKENS])
    return next((row for row in found if row is not None), None)


def _link_of(part: Part) -> str:
    headers = next(iter(read_fields(part.text)), {})
    return headers.get("list-unsubscribe", "")


def _leave_in(texts: Iterable[str], keys: LinkKeys) -> Leave | None:
    found = (match[0] for text in texts for match in _TOKEN.finditer(text))
    return _leave_of(islice(found, _MOST_TOKENS), keys)


def _leave_of(tokens: Iterable[str], keys: LinkKeys) -> Leave | None:
    return next((leave for token in tokens if (leave := read_leave_token(token, keys))), None)


def _find_id(parts: Iterable[Part]) -> str:
    ids = (found for part in parts if (found := _MESSAGE_ID.search(part.text)))
    return next((found[1] for found in ids), "")
