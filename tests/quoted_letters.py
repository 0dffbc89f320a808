"""Letters that hold somebody's link to leave without asking for it, and complaints that enclose it in other forms."""

from __future__ import annotations

from returned_letters import complaint, wish


def reply(subject: str, token: str, to: str = "editor@example.com") -> bytes:
    """What a reader writes to the editor, above the whole mail that they answer."""
    quoted = f"> You get this as you are on the list.\n> Leave: https://example.com/unsubscribe/{token}\n"
    return wish(subject, to, f"Thank you, that was a good read!\n\n{quoted}")


def complaint_quoting(text: str, headers: str) -> bytes:
    """A complaint whose text for people has `text` as well."""
    return complaint(headers).replace(b"email abuse report.", b"email abuse report about " + text.encode() + b" .")


def complaint_enclosing(kind: str, headers: str) -> bytes:
    """A complaint that encloses these headers as a part of this kind."""
    return complaint(headers).replace(b"Content-Type: message/rfc822\n", f"Content-Type: {kind}\n".encode())
