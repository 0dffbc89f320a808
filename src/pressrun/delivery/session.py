"""One SMTP connection: opened by aiosmtplib, then driven a transaction at a time so that every loss has its place.

`sendmail()` can't tell a connection lost before the final dot from one lost after it. Here the message goes out
without its final dot, the caller is asked to record the row, and only then the dot leaves.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from pressrun.delivery.outcome import Kind, Outcome, one_line, outcome_of_reply
from pressrun.delivery.relay import Relay, Starttls
from pressrun.errors import PressrunError

_LINE_END = re.compile(rb"\r\n|\r|\n")
_LOST = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, aiosmtplib.SMTPConnectError, OSError)


class RelayError(PressrunError):
    """The relay can't be reached, secured or logged in to: nothing was sent on this connection."""


@dataclass(frozen=True)
class Envelope:
    """Who a message is from and for, as MAIL and RCPT name them."""

    sender: str
    recipient: str
    smtputf8: bool = False


class Session:
    """A connection to a relay that takes one message after another."""

    def __init__(self, relay: Relay, timeout: float, final_reply_timeout: float) -> None:
        self._relay = relay
        self._timeout = timeout
        self._final_reply_timeout = final_reply_timeout
        self._client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            use_tls=relay.implicit_tls,
            start_tls={Starttls.AUTO: None, Starttls.ALWAYS: True, Starttls.NEVER: False}[relay.starttls],
            validate_certs=relay.verify,
            timeout=timeout,
        )

    @property
    def is_open(self) -> bool:
        """Whether another message may be handed over."""
        return self._client.is_connected

    async def open(self) -> None:
        """Connect, secure, log in. Raises RelayError, which never holds the password."""
        try:
            await self._client.connect()
            await self._greet()
            if self._relay.username is not None:
                await self._client.login(self._relay.username, self._relay.password or "")
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            self.abort()
            message = f"the relay {self._relay} can't be used: {_reason(error)}"
            raise RelayError(message, "check PRESSRUN_SMTP_URL") from None
        except BaseException:
            self.abort()
            raise

    async def deliver(
        self, envelope: Envelope, message: bytes, before_dot: Callable[[], Awaitable[bool]]
    ) -> Outcome | None:
        """Hand one message over and tell what came of it.

        `before_dot` is asked when all but the final dot has left; where it says no, the connection is cut, the
        relay drops the message, and the answer is None. After anything but a clear reply the connection is closed.
        Raises RelayError where the relay refuses the sender for good.
        """
        try:
            return await self._deliver(envelope, message, before_dot)
        except BaseException:  # cancelled, or the log failed: whatever stands on the line has lost its order
            self.abort()
            raise

    async def _deliver(
        self, envelope: Envelope, message: bytes, before_dot: Callable[[], Awaitable[bool]]
    ) -> Outcome | None:
        try:
            refusal = await self._open_transaction(envelope)
        except _LOST as error:
            self.abort()
            return Outcome(Kind.NOT_SENT, text=f"connection lost before the message: {_reason(error)}")
        except aiosmtplib.SMTPResponseException as error:
            self.abort()
            return Outcome(Kind.NOT_SENT, text=f"unreadable reply before the message: {_reason(error)}")
        if refusal:
            return refusal
        try:
            self._protocol.write(_stuff_dots(message))
            may_leave = await before_dot()
        except _LOST as error:
            self.abort()
            return Outcome(Kind.NOT_SENT, text=f"connection lost within the message: {_reason(error)}")
        if not may_leave:
            self.abort()
            return None
        return await self._send_dot()

    async def close(self) -> None:
        """Say QUIT where that is still possible."""
        try:
            await self._client.quit(timeout=5)
        except (aiosmtplib.SMTPException, OSError):
            self.abort()

    def abort(self) -> None:
        """Cut the connection: the relay drops whatever had no final dot (RFC 5321 §4.1.1.4)."""
        if self._client.transport is not None:
            cast(asyncio.WriteTransport, self._client.transport).abort()
        self._client.close()

    async def _greet(self) -> None:
        if self._client.is_ehlo_or_helo_needed:
            try:
                await self._client.ehlo()
            except aiosmtplib.SMTPHeloError:  # RFC 5321 §3.2: an old server knows only HELO
                await self._client.helo()

    @property
    def _protocol(self) -> aiosmtplib.protocol.SMTPProtocol:
        protocol = self._client.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("connection lost")
        return protocol

    async def _open_transaction(self, envelope: Envelope) -> Outcome | None:
        """MAIL, RCPT and DATA; None when the relay waits for the message, else its refusal."""
        options: tuple[bytes, ...] = ()
        if envelope.smtputf8:
            if not self._client.supports_extension("smtputf8"):
                text = "the address needs SMTPUTF8, which this relay does not offer (RFC 6531)"
                return Outcome(Kind.PERMANENT, 553, "5.6.7", text)
            options = (b"SMTPUTF8", b"BODY=8BITMIME")
        for command in (
            (b"MAIL", f"FROM:<{envelope.sender}>".encode(), *options),
            (b"RCPT", f"TO:<{envelope.recipient}>".encode()),
            (b"DATA",),
        ):
            reply = await self._client.execute_command(*command, timeout=self._timeout)
            wanted = 3 if command == (b"DATA",) else 2
            if reply.code // 100 != wanted:
                if command[0] == b"MAIL" and reply.code // 100 == 5 and not options:
                    raise self._sender_refused(envelope.sender, reply.code, reply.message)
                return await self._refused(reply.code, reply.message)
        return None

    def _sender_refused(self, sender: str, code: int, text: str) -> RelayError:
        """It says nothing of the recipient: without a login, say, every row would end failed for good."""
        self.abort()
        reason = outcome_of_reply(code, text).text
        message = f"the relay {self._relay} refuses the sender {sender}: {code} {reason}"
        return RelayError(message, "check its login, and the sender in publication.yaml")

    async def _refused(self, code: int, text: str) -> Outcome:
        outcome = outcome_of_reply(code, text)
        if outcome.kind not in (Kind.TEMPORARY, Kind.PERMANENT):
            self.abort()
            return Outcome(Kind.NOT_SENT, code, text=f"unexpected reply before the message: {outcome.text}")
        if code == 421:  # RFC 5321 §3.8: the server is closing
            self.abort()
        else:
            await self._reset()
        return outcome

    async def _reset(self) -> None:
        # Whatever comes of it, the refusal stands; unless all is well the next message gets a new connection.
        try:
            reply = await self._client.execute_command(b"RSET", timeout=self._timeout)
        except (aiosmtplib.SMTPException, OSError):
            self.abort()
        else:
            if reply.code // 100 != 2:
                self.abort()

    async def _send_dot(self) -> Outcome:
        """The final dot and what the relay says to it; from here on a loss leaves the row in doubt."""
        try:
            protocol = self._protocol
            if self._has_unasked_reply:  # it would be taken for the answer to the dot
                self.abort()
                return Outcome(Kind.NOT_SENT, text="the relay answered before the message had ended")
            protocol.write(b".\r\n")
        except aiosmtplib.SMTPServerDisconnected as error:
            self.abort()
            return Outcome(Kind.NOT_SENT, text=f"connection lost before the final dot: {_reason(error)}")
        try:
            reply = await protocol.read_response(timeout=self._final_reply_timeout)
        except _LOST as error:
            self.abort()
            return Outcome(Kind.IN_DOUBT, text=f"connection lost after the final dot: {_reason(error)}")
        except aiosmtplib.SMTPResponseException as error:
            self.abort()
            return Outcome(Kind.IN_DOUBT, text=f"unreadable reply to the final dot: {_reason(error)}")
        outcome = outcome_of_reply(reply.code, reply.message)
        if outcome.kind is Kind.IN_DOUBT or reply.code == 421 or self._has_unasked_reply:
            self.abort()
        return outcome

    @property
    def _has_unasked_reply(self) -> bool:
        """Whether the relay said more than it was asked: the next reply read would be none to the next command."""
        return bool(self._client.protocol and self._client.protocol._buffer)


def _stuff_dots(message: bytes) -> bytes:
    """The message as DATA carries it, without the final dot (RFC 5321 §4.5.2).

    A bare CR or LF, which some receivers take for the end of a line, becomes CRLF (RFC 5321 §2.3.8): what stands
    around a dot can't end the message early.
    """
    within_lines = message.replace(b"\r\n", b"")
    if b"\r" in within_lines or b"\n" in within_lines:
        message = _LINE_END.sub(b"\r\n", message)
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def _reason(error: BaseException) -> str:
    return one_line(str(getattr(error, "message", "") or error)) or type(error).__name__
