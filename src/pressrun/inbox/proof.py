"""Proof of whom a letter is about: what only we and they can have, as anybody can write a bounce."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pressrun.delivery.leave_link import Leave, read_leave_token
from pressrun.delivery.recipient import read_verp
from pressrun.inbox.letter import Letter
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


def prove(letter: Letter, keys: LinkKeys) -> Proven:
    """Whom the letter is about, as far as it can prove it.

    A bounce came to the return path of one message, which is signed (VERP); a complaint, and a bounce that returns the
    message's headers, holds the link by which its recipient leaves. Addresses that are only named are no proof, nor are
    Message-IDs, which can be guessed from one's own.
    """
    row = next((row for name in _ADDRESSED if (row := _row_of(letter.header(name), keys)) is not None), None)
    leave = next((leave for token in _tokens_of(letter) if (leave := read_leave_token(token, keys))), None)
    ids = (found for part in letter.parts if (found := _MESSAGE_ID.search(part.text)))
    return Proven(row, leave, next((found[1] for found in ids), ""))


def _row_of(header: str, keys: LinkKeys) -> int | None:
    found = (read_verp(address.strip(" <>\t"), keys) for address in header.split(",")[:_MOST_TOKENS])
    return next((row for row in found if row is not None), None)


def _tokens_of(letter: Letter) -> Iterator[str]:
    """What looks like a token: in the subject first, where a wish to leave has it, then in what was returned."""
    count = 0
    for text in (letter.header("subject"), *(part.text for part in letter.parts)):
        for found in _TOKEN.finditer(text):
            yield found[0]
            count += 1
            if count == _MOST_TOKENS:
                return
