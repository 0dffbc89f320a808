"""How a connection to a relay opens: by aiosmtplib, up to where the first envelope may be said."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from functools import partial
from typing import cast

import aiosmtplib

from pressrun.delivery.outcome import one_line
from pressrun.delivery.relay import Relay, Starttls
from pressrun.errors import RelayError


async def open_client(relay: Relay, seconds: float) -> aiosmtplib.SMTP:
    """Connect, greet, secure, log in, each within so many seconds; the client's transport is open.

    Raises RelayError, which never holds the password.
    """
    client = aiosmtplib.SMTP(
        hostname=relay.host,
        port=relay.port,
        use_tls=relay.implicit_tls,
        start_tls=False,
        validate_certs=relay.verify,
        timeout=None,  # it would count with asyncio.wait_for, which up to Python 3.11 loses who is cancelled
    )
    greet, secure, log_in = partial(_greet, client), partial(_secure, client, relay), partial(_log_in, client, relay)
    try:
        for step in (client.connect, greet, secure, log_in):
            async with asyncio.timeout(seconds):
                await step()
        if client.transport is None:
            raise aiosmtplib.SMTPServerDisconnected("connection lost")
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        _cut(client)
        message = f"the relay {relay} can't be used: {_hide_password(_reason(error), relay)}"
        raise RelayError(message, "check PRESSRUN_SMTP_URL", _code_of(error)) from None
    except BaseException:
        _cut(client)
        raise
    return client


async def _greet(client: aiosmtplib.SMTP) -> None:
    if client.is_ehlo_or_helo_needed:
        try:
            await client.ehlo()
        except aiosmtplib.SMTPHeloError:  # RFC 5321 §3.2: an old server knows only HELO
            await client.helo()


async def _secure(client: aiosmtplib.SMTP, relay: Relay) -> None:
    if relay.implicit_tls or relay.starttls is Starttls.NEVER:
        return
    if relay.starttls is Starttls.ALWAYS or client.supports_extension("starttls"):
        await client.starttls()
        await _greet(client)  # RFC 3207 §4.2: what was said before counts no more


async def _log_in(client: aiosmtplib.SMTP, relay: Relay) -> None:
    if relay.username is not None:
        await client.login(relay.username, relay.password or "")


def _cut(client: aiosmtplib.SMTP) -> None:
    if client.transport is not None:
        cast(asyncio.WriteTransport, client.transport).abort()
    client.close()


def _code_of(error: BaseException) -> int | None:
    code = getattr(error, "code", None)
    return code if isinstance(code, int) else None


def _hide_password(text: str, relay: Relay) -> str:
    """`text` without the password, plain or as a login says it (RFC 4616 §2): some relays repeat what they refuse."""
    user, password = (relay.username or "").encode(), (relay.password or "").encode()
    if not password:
        return text
    said = (b"\0" + user + b"\0" + password, user + b"\0" + user + b"\0" + password, password)
    for secret in (*(b64encode(each) for each in said), password):
        text = text.replace(one_line(secret.decode("utf-8", "replace")), "…")
    return text


def _reason(error: BaseException) -> str:
    if type(error) is TimeoutError and not str(error):
        return "timed out"
    return one_line(str(getattr(error, "message", "") or error)) or type(error).__name__
