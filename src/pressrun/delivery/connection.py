"""One SMTP connection: opened by aiosmtplib, then driven on the open transport so that every loss has its place.

Where the relay takes pipelined commands (RFC 2920), the next envelope rides behind a message's final dot: one round
trip a message. Where it does not, each command waits for its reply. Either way the caller is asked to record the row
before the message and its dot leave.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NamedTuple, cast

from pressrun.delivery.line import Line, LostError, TimeOutError
from pressrun.delivery.opening import open_client
from pressrun.delivery.outcome import Kind, Outcome, one_line, outcome_of_reply
from pressrun.delivery.relay import Relay
from pressrun.delivery.reply import Reply
from pressrun.errors import RelayError

NO_SMTPUTF8 = "5.6.7"
"""The enhanced code of an address that needs SMTPUTF8 where it isn't offered (RFC 6531 §3.5)."""

_DOT = b".\r\n"
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f<>]")


class Envelope(NamedTuple):
    """Who a message is from and for, as MAIL and RCPT name them."""

    sender: str
    recipient: str
    smtputf8: bool = False
    eight_bit: bool = False


class Connection:
    """A connection to a relay that takes one message after another."""

    def __init__(self, relay: Relay, timeout: float, final_reply_timeout: float) -> None:
        self.relay = relay
        self.offers_pipelining = self.offers_8bitmime = self.offers_smtputf8 = False
        self.is_secured = False  # by TLS, from the start or by STARTTLS
        self.most_octets = 0  # RFC 1870: what SIZE says; 0: it says nothing
        self.handed_over = 0  # messages begun
        self._timeout = timeout
        self._final_reply_timeout = final_reply_timeout
        self._line: Line | None = None
        self._ahead: Envelope | None = None  # written behind the last dot; its replies are to come
        self._needs_reset = False

    @property
    def is_open(self) -> bool:
        """Whether another message may be handed over."""
        return self._line is not None and self._line.is_open

    async def open(self) -> None:
        """Connect, secure, log in. Raises RelayError, which never holds the password."""
        client = await open_client(self.relay, self._timeout)
        self.offers_pipelining = client.supports_extension("pipelining")
        self.offers_8bitmime = client.supports_extension("8bitmime")
        self.offers_smtputf8 = client.supports_extension("smtputf8")
        size = client.esmtp_extensions.get("size", "")
        self.most_octets = int(size) if size.isascii() and size.isdigit() else 0
        transport = cast(asyncio.Transport, client.transport)
        self.is_secured = transport.get_extra_info("sslcontext") is not None
        self._line = Line(transport)

    async def deliver(
        self,
        envelope: Envelope,
        message: bytes,
        before_dot: Callable[[], Awaitable[bool]],
        ahead: Callable[[], Envelope | None] = lambda: None,
    ) -> Outcome | None:
        """Hand one message over and tell what came of it.

        `message` is as DATA carries it: whole lines ended by CRLF, dots stuffed (`stuff_dots`). `before_dot` is asked
        when the relay waits for it; where it says no, the connection is cut and the answer is None. The envelope that
        `ahead` names then is sent along, and must be the next one delivered here. After anything but a clear reply the
        connection is closed. Raises RelayError where the relay refuses the sender for good.
        """
        self.handed_over += 1
        try:
            refusal = await self._open_transaction(envelope)
            if refusal:
                return refusal
            may_leave = await before_dot()
            line = self._open_line()
            if not may_leave:
                self.abort()
                return None
            if not line.is_open:
                return Outcome(Kind.NOT_SENT, text="connection lost before the message")
            if line.has_replies:  # it would be taken for the answer to the dot
                self.abort()
                return Outcome(Kind.NOT_SENT, text="the relay answered before the message had ended")
            return await self._send_message(line, message, ahead() if self.offers_pipelining else None)
        except BaseException:  # cancelled, or the log failed: whatever stands on the line has lost its order
            self.abort()
            raise

    async def close(self) -> None:
        """Say QUIT where that is still possible."""
        line = self._line
        if line is None or not line.is_open:
            return
        try:
            if self._ahead is None:
                line.write(b"QUIT\r\n")
                with suppress(LostError):
                    await line.reply(5)
        finally:
            self.abort()

    def abort(self) -> None:
        """Cut the connection: the relay drops whatever had no final dot (RFC 5321 §4.1.1.4)."""
        self._ahead = None
        if self._line is not None:
            self._line.abort()

    def refuse_unasked(self, envelope: Envelope) -> Outcome | None:
        """The outcome where this relay, or any, can't be asked to take the envelope."""
        if envelope.smtputf8 and not self.offers_smtputf8:
            text = "the address needs SMTPUTF8, which this relay does not offer (RFC 6531)"
            return Outcome(Kind.PERMANENT, 553, NO_SMTPUTF8, text)
        if envelope.eight_bit and not self.offers_8bitmime:
            text = "the message must go as 8bit, as it did at first, and this relay does not offer 8BITMIME"
            return Outcome(Kind.TEMPORARY, 451, "4.6.3", text)
        if _FORBIDDEN.search(envelope.recipient):  # it would end the command and begin one of its own
            return Outcome(Kind.PERMANENT, 553, "5.1.3", "the address holds characters no envelope can")
        return None

    async def _open_transaction(self, envelope: Envelope) -> Outcome | None:
        """MAIL, RCPT and DATA; None when the relay waits for the message, else why it won't have it."""
        try:
            line = self._open_line()
            if self._ahead is not None:
                assert self._ahead is envelope, "another envelope was sent ahead"
                self._ahead = None
                return await self._read_group(line, envelope)
            if line.has_replies:
                raise LostError("the relay spoke unasked")
            if refusal := self.refuse_unasked(envelope):
                return refusal
            if not self.offers_pipelining:
                return await self._take_turns(line, envelope)
            await self._write_group(line, envelope)
            return await self._read_group(line, envelope)
        except LostError as error:
            self.abort()
            return Outcome(Kind.NOT_SENT, text=f"connection lost before the message: {one_line(str(error))}")

    async def _write_group(self, line: Line, envelope: Envelope) -> None:
        if not self._needs_reset:
            line.write(_commands(envelope))
            return
        line.write(b"RSET\r\n" + _commands(envelope))
        self._needs_reset = False
        if (await line.reply(self._timeout)).code // 100 != 2:
            raise LostError("RSET was refused")

    async def _read_group(self, line: Line, envelope: Envelope) -> Outcome | None:
        """The replies to MAIL, RCPT and DATA that went out together; all three are read, whatever the first say."""
        mail = line.take_reply() or await line.reply(self._timeout)
        refused = None if mail.code // 100 == 2 else mail
        try:
            recipient = line.take_reply() or await line.reply(self._timeout)
            if refused is None and recipient.code // 100 != 2:
                refused = recipient
            data = line.take_reply() or await line.reply(self._timeout)
            if data.code // 100 == 3:
                if refused is None:
                    return None
                line.write(_DOT)  # RFC 2920 §3.1: it waits for a message; it gets none
                await line.reply(self._final_reply_timeout)
        except LostError:
            if refused is None:
                raise
            return self._refused(envelope, refused, at_mail=refused is mail)  # said before it closed
        return self._refused(envelope, refused or data, at_mail=refused is mail)

    async def _take_turns(self, line: Line, envelope: Envelope) -> Outcome | None:
        for number, command in enumerate(_commands(envelope).splitlines(keepends=True)):
            line.write(command)
            reply = await line.reply(self._timeout)
            if reply.code // 100 != (3 if number == 2 else 2):
                outcome = self._refused(envelope, reply, at_mail=number == 0)
                if self.is_open:
                    await self._reset(line)
                return outcome
        return None

    def _refused(self, envelope: Envelope, reply: Reply, *, at_mail: bool) -> Outcome:
        outcome = outcome_of_reply(reply.code, reply.text)
        if at_mail and outcome.kind is Kind.PERMANENT and not envelope.smtputf8:
            # It says nothing of the recipient: without a login, say, every row would end failed for good.
            self.abort()
            message = f"the relay {self.relay} refuses the sender {envelope.sender}: {reply.code} {outcome.text}"
            raise RelayError(message, "check its login, and the sender in publication.yaml", reply.code)
        if outcome.kind not in (Kind.TEMPORARY, Kind.PERMANENT):
            self.abort()
            return Outcome(Kind.NOT_SENT, reply.code, text=f"unexpected reply before the message: {outcome.text}")
        self._needs_reset = self.offers_pipelining
        if reply.code == 421:  # RFC 5321 §3.8: the server is closing
            self.abort()
        return outcome

    async def _reset(self, line: Line) -> None:
        # Whatever comes of it, the refusal stands; unless all is well the next message gets a new connection.
        line.write(b"RSET\r\n")
        try:
            reply = await line.reply(self._timeout)
        except LostError:
            self.abort()
        else:
            if reply.code // 100 != 2:
                self.abort()

    async def _send_message(self, line: Line, message: bytes, ahead: Envelope | None) -> Outcome:
        """The message, its dot and what the relay says to it; from here on a loss leaves the row in doubt."""
        following = _commands(ahead) if ahead is not None else b""
        line.write_all((message, _DOT + following))
        self._ahead = ahead
        try:
            reply = await line.reply(self._final_reply_timeout)
        except TimeOutError as error:
            self.abort()
            if error.unsent > len(following) + 1024:  # the dot never left this machine (1024: what TLS adds)
                return Outcome(Kind.NOT_SENT, text="the relay stopped reading before the final dot")
            return Outcome(Kind.IN_DOUBT, text="no answer to the final dot: timed out")
        except LostError as error:
            self.abort()
            return Outcome(Kind.IN_DOUBT, text=f"connection lost after the final dot: {one_line(str(error))}")
        outcome = outcome_of_reply(reply.code, reply.text)
        if outcome.kind is Kind.ACCEPTED and line.unsent > len(following) + 1024:
            outcome = Outcome(Kind.IN_DOUBT, reply.code, text="the relay answered before the message had ended")
        surplus = ahead is None and line.has_replies  # the next reply read would be none to the next command
        if outcome.kind is Kind.IN_DOUBT or reply.code == 421 or surplus:
            self.abort()
        return outcome

    def _open_line(self) -> Line:
        if self._line is None:
            raise LostError("connection lost")
        return self._line


def _commands(envelope: Envelope) -> bytes:
    """MAIL, RCPT and DATA in one group (RFC 2920 §3.1)."""
    options = ""
    if envelope.smtputf8:
        options = " SMTPUTF8 BODY=8BITMIME"
    elif envelope.eight_bit:
        options = " BODY=8BITMIME"  # RFC 6152 §3
    return f"MAIL FROM:<{envelope.sender}>{options}\r\nRCPT TO:<{envelope.recipient}>\r\nDATA\r\n".encode()


def stuff_dots(message: bytes) -> bytes:
    """The message as DATA carries it, without the final dot (RFC 5321 §4.5.2).

    A bare CR or LF, which some receivers take for the end of a line, becomes CRLF (RFC 5321 §2.3.8): what stands
    around a dot can't end the message early.
    """
    ends = message.count(b"\n")
    if message.count(b"\r") != ends or message.count(b"\r\n") != ends:
        message = _LINE_END.sub(b"\r\n", message)
    if not message.endswith(b"\r\n"):
        message += b"\r\n"
    if b"\n." in message:
        message = message.replace(b"\r\n.", b"\r\n..")
    return b"." + message if message.startswith(b".") else message


_LINE_END = re.compile(rb"\r\n|\r|\n")
