"""The embedded receiver: an SMTP server that keeps what it gets in a Maildir and delivers it to nobody."""

from __future__ import annotations

import asyncio
import mailbox
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope
from aiosmtpd.smtp import Session as ServerSession

from pressrun.errors import UsageError

SIZE_LIMIT = 32 * 1024 * 1024  # octets, as the server announces it


@dataclass(frozen=True)
class Kept:
    """A message the receiver kept."""

    sender: str
    recipient: str
    subject: str
    octets: int


class _Handler:
    """Answers 250 only once the message is in the Maildir and on the disk."""

    def __init__(self, folder: Path, kept: Callable[[Kept], None]) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for part in ("tmp", "new", "cur"):
                (folder / part).mkdir(exist_ok=True)
            self._mailbox = mailbox.Maildir(folder)
        except OSError as error:
            raise UsageError(f"no mail can be kept in {folder}: {error.strerror}", "name another --maildir") from error
        self._kept = kept

    async def handle_DATA(self, server: SMTP, session: ServerSession, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        sender = envelope.mail_from or ""
        for recipient in envelope.rcpt_tos:
            # RFC 5321 §4.4: the final delivery notes the envelope's sender in Return-Path.
            trace = f"Return-Path: <{sender}>\r\nDelivered-To: {recipient}\r\n".encode()
            try:
                self._mailbox.add(trace + content)
            except OSError as error:
                return f"451 4.3.0 can't be kept: {error.strerror}"
            self._kept(Kept(sender, recipient, _subject_of(content), len(content)))
        return "250 2.0.0 kept"


def _subject_of(content: bytes) -> str:
    head = content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    return str(message_from_bytes(head, policy=policy.default).get("Subject", ""))


@asynccontextmanager
async def sink(
    folder: Path, host: str = "127.0.0.1", port: int = 0, kept: Callable[[Kept], None] = lambda kept: None
) -> AsyncIterator[int]:
    """Receive at `host` and `port` (0: any free one) into the Maildir at `folder`; gives the port."""
    handler = _Handler(folder, kept)
    loop = asyncio.get_running_loop()
    sessions: weakref.WeakSet[SMTP] = weakref.WeakSet()

    def begin_session() -> SMTP:
        session = SMTP(
            handler,
            data_size_limit=SIZE_LIMIT,
            enable_SMTPUTF8=True,
            hostname="sink.localhost",
            ident="pressrun sink",
            loop=loop,
        )
        sessions.add(session)
        return session

    try:
        server = await loop.create_server(begin_session, host, port)
    except OSError as error:
        raise UsageError(f"nothing can listen at {host}:{port}: {error.strerror}", "choose another --port") from error
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for session in tuple(sessions):  # from Python 3.12 on, wait_closed waits for clients that never go
            if session.transport is not None:
                session.transport.close()
        await server.wait_closed()


def read_maildir(folder: Path) -> list[bytes]:
    """Every message in the Maildir, as it was received."""
    if not folder.is_dir():
        return []
    return [file.read_bytes() for part in ("new", "cur") for file in sorted((folder / part).glob("*"))]
