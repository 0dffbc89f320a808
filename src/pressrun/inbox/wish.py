"""Wishes to leave: the subject that our own `List-Unsubscribe` writes, and what people write into one."""

from __future__ import annotations

import re

# As `delivery/message.py` writes it: `leave`, a space, the token. A program may have put marks of an answer before it,
# and not have read the space's %20 (RFC 6068 §5); the signature says whether the rest is a token.
_FORM = re.compile(r"(?<![A-Za-z0-9])leave(?:\s|%20)+(\d{1,19}~[\w~\s-]{1,600})", re.ASCII | re.IGNORECASE)
_MARKS = r"(?:[^\s:：]{1,12}\s?[:：]\s*){0,9}"  # Re: Fwd: AW: 回复：
_WORDS = re.compile(
    _MARKS + r"(?:please\s+)?(?:unsubscribe\b.*|(?:leave|remove)(?:\s+me\b.*)?|.{0,6}退订.{0,10})[\s.!。！]*",
    re.IGNORECASE,
)
_LONGEST = 2_000  # characters of a subject that are looked at


def find_tokens(subject: str) -> tuple[str, ...]:
    """What may be the token of a wish to leave; none where the subject has not the form that we give it."""
    found = _FORM.search(subject[:_LONGEST])
    if found is None:
        return ()
    pieces = found[1].split()  # whatever stands behind it, or it was folded where there is no space
    return pieces[0], "".join(pieces)


def is_wish(subject: str) -> bool:
    """Whether a subject asks to leave: in that form, or in words that are all it says, which prove nothing."""
    return bool(find_tokens(subject) or _WORDS.fullmatch(subject[:_LONGEST]))
