"""Where letters come from: a Maildir on this machine, or a folder of an IMAP server. None is taken away unread."""

from __future__ import annotations

import asyncio
import imaplib
import re
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from pressrun.errors import PressrunError, UsageError
from pressrun.inbox.letter import SIZE_LIMIT

_REMEDY = "write imaps://user:password@host/INBOX, imap://… (secured by STARTTLS), or maildir:///path"
_SECONDS = 60
_READ_AHEAD = SIZE_LIMIT + 1


class MailboxError(PressrunError):
    """A mailbox can't be read; the text never holds its password."""


class Mailbox(Protocol):
    """A mailbox. What was dealt with is marked as seen and stays, for people to look at."""

    def letters(self) -> AsyncIterator[tuple[str, bytes]]:
        """Each letter that nobody has seen, by a name of the mailbox's own, with at most its first 2 MiB."""

    async def mark(self, name: str) -> None:
        """Mark the letter as seen: its effects are in the store."""


@dataclass(frozen=True)
class MailboxAddress:
    """What the setting `inbox_url` says; the password stays out of texts."""

    scheme: str
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    folder: str = "INBOX"

    def __str__(self) -> str:
        return f"maildir {self.folder}" if self.scheme == "maildir" else f"{self.folder} of {self.user} at {self.host}"


def parse_mailbox(url: str) -> MailboxAddress:
    """The mailbox that `url` names. Raises UsageError, which holds no password."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        raise UsageError("inbox_url can't be read", _REMEDY) from None
    if parts.scheme == "maildir" and parts.path.strip("/") and not parts.netloc:
        return MailboxAddress("maildir", folder=unquote(parts.path))
    if parts.scheme not in ("imap", "imaps") or not (parts.hostname and parts.username and parts.password):
        raise UsageError("inbox_url can't be read", _REMEDY)
    if parts.query or parts.fragment:  # a password with a bare ? or #: the rest of it must not be told
        raise UsageError("inbox_url can't be read", _REMEDY)
    folder = unquote(parts.path.strip("/")) or "INBOX"
    if not re.fullmatch(r"[ -~]+", folder) or '"' in folder or "\\" in folder:
        raise UsageError("the folder in inbox_url can't be read", "name it in plain letters, as the server lists it")
    usual = 993 if parts.scheme == "imaps" else 143
    user, password = unquote(parts.username), unquote(parts.password)
    return MailboxAddress(parts.scheme, parts.hostname, port or usual, user, password, folder)


@asynccontextmanager
async def open_mailbox(address: MailboxAddress, security: ssl.SSLContext | None = None) -> AsyncIterator[Mailbox]:
    """The mailbox at `address`, open. Raises MailboxError where it can't be reached, or doesn't let us in."""
    if address.scheme == "maildir":
        yield _Maildir(Path(address.folder))
        return
    session = await asyncio.to_thread(_log_in, address, security or ssl.create_default_context())
    try:
        yield _Imap(session, str(address))
    finally:
        await asyncio.to_thread(_log_out, session)


class _Maildir:
    """Letters that a mail server delivers into files: `new` holds what nobody has seen."""

    def __init__(self, folder: Path) -> None:
        if not (folder / "new").is_dir():
            raise MailboxError(f"{folder} is no Maildir", "name the folder that holds new, cur and tmp")
        self._folder = folder

    async def letters(self) -> AsyncIterator[tuple[str, bytes]]:
        """See Mailbox."""
        for file in sorted((self._folder / "new").iterdir()):
            with suppress(FileNotFoundError):  # somebody else's program moved it meanwhile
                yield file.name, _read(file)

    async def mark(self, name: str) -> None:
        """See Mailbox: into `cur`, with the flag S."""
        with suppress(FileNotFoundError):
            (self._folder / "cur").mkdir(exist_ok=True)
            (self._folder / "new" / name).rename(self._folder / "cur" / f"{name.partition(':')[0]}:2,S")


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_READ_AHEAD)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise MailboxError(f"{file} can't be read: {error.strerror}", "let pressrun read the Maildir") from None


class _Imap:
    """An IMAP4rev1 session (RFC 3501). imaplib blocks, so that each command runs in a thread."""

    def __init__(self, session: imaplib.IMAP4, place: str) -> None:
        self._session, self._place = session, place

    async def letters(self) -> AsyncIterator[tuple[str, bytes]]:
        """See Mailbox."""
        found = await self._ask("SEARCH", "UNSEEN", "UNDELETED")
        for uid in b" ".join(part for part in found if isinstance(part, bytes)).split():
            # PEEK: only what has its effects in the store is marked (RFC 3501 §6.4.5).
            answer = await self._ask("FETCH", uid.decode("ascii"), f"(BODY.PEEK[]<0.{_READ_AHEAD}>)")
            raw = next(_literals(answer), None)
            if raw is not None:
                yield uid.decode("ascii"), raw

    async def mark(self, name: str) -> None:
        """See Mailbox: by the flag \\Seen."""
        await self._ask("STORE", name, "+FLAGS.SILENT", "(\\Seen)")

    async def _ask(self, command: str, *arguments: str) -> list[object]:
        try:
            status, answer = await asyncio.to_thread(self._session.uid, command, *arguments)
        except (imaplib.IMAP4.error, OSError) as error:
            raise _broken(self._place, error) from None
        if status != "OK":
            raise MailboxError(f"{self._place}: the server refused {command}", "look at the server's log")
        return list(answer)


def _literals(answer: list[object]) -> Iterator[bytes]:
    return (part[1] for part in answer if isinstance(part, tuple))


def _log_in(address: MailboxAddress, security: ssl.SSLContext) -> imaplib.IMAP4:
    place = str(address)
    try:
        if address.scheme == "imaps":
            session: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                address.host, address.port, ssl_context=security, timeout=_SECONDS
            )
        else:
            session = imaplib.IMAP4(address.host, address.port, timeout=_SECONDS)
            session.starttls(security)  # RFC 8314 §3: no password goes over an open line
    except (imaplib.IMAP4.error, OSError) as error:
        raise _broken(place, error) from None
    try:
        session.login(address.user, address.password)
        return _select(session, address)
    except MailboxError:
        _log_out(session)
        raise
    except (imaplib.IMAP4.error, OSError) as error:
        _log_out(session)
        # What a server says of a login may hold what was tried.
        said = "the login was refused" if isinstance(error, imaplib.IMAP4.error) else type(error).__name__
        raise MailboxError(f"{place}: {said}", "check user and password in inbox_url") from None


def _select(session: imaplib.IMAP4, address: MailboxAddress) -> imaplib.IMAP4:
    try:
        status, _ = session.select(f'"{address.folder}"')
    except (imaplib.IMAP4.error, OSError) as error:
        raise _broken(str(address), error) from None
    if status != "OK":
        raise MailboxError(f"{address}: there is no such folder", "name one in inbox_url, such as …/INBOX")
    return session


def _log_out(session: imaplib.IMAP4) -> None:
    with suppress(imaplib.IMAP4.error, OSError):
        session.logout()


def _broken(place: str, error: Exception) -> MailboxError:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return MailboxError(f"{place} can't be read: {reason}", "check inbox_url and that its server answers")
