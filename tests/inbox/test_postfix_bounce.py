"""A bounce as a real Postfix writes it, of a message that was really sent."""

from __future__ import annotations

import asyncio
import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import UnthreadedController
from aiosmtpd.smtp import SMTP, Envelope, Session

from patience import HUNG
from pressrun.delivery.deliver import deliver
from pressrun.delivery.policy import Policy
from pressrun.delivery.relay import parse_relay
from pressrun.inbox.mailbox import MailboxAddress, open_mailbox
from pressrun.inbox.read_inbox import Rules, read_inbox
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.tables import suppressions
from private_postfix import private_postfix
from small_edition import KEY, NOW, fill_list, make_edition

pytestmark = pytest.mark.postfix

GONE, THERE = "gone@example.com", "there@example.com"


class _Receiver:
    """Knows nobody called gone, and keeps what comes for bounces."""

    def __init__(self, maildir: Path) -> None:
        self._maildir = maildir
        self.bounced = asyncio.Event()

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == GONE:
            return "550 5.1.1 nobody here is called so"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if envelope.rcpt_tos[0].startswith("bounces+") and isinstance(envelope.content, bytes):
            (self._maildir / "new" / "1.host").write_bytes(envelope.content)
            self.bounced.set()
        return "250 2.0.0 kept"


async def test_an_address_that_postfix_could_not_deliver_to_is_suppressed(database: Database, tmp_path: Path) -> None:
    for part in ("new", "cur", "tmp"):
        (tmp_path / part).mkdir()
    receiver = _Receiver(tmp_path)
    controller = UnthreadedController(receiver, "127.0.0.1", 0, loop=asyncio.get_running_loop())
    edition = make_edition(verp=True, return_path="bounces@example.com")
    await fill_list(database, "all", [GONE, THERE])
    await plan(database, edition, "all", NOW)
    server = await asyncio.get_running_loop().create_server(controller.factory, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with private_postfix(("127.0.0.1", port)) as postfix:
            await deliver(database, edition.issue, [parse_relay(postfix.url)], KEY, Policy(connections=2))
            async with asyncio.timeout(HUNG):
                await receiver.bounced.wait()
    async with open_mailbox(MailboxAddress("maildir", folder=str(tmp_path))) as mailbox:
        report = await read_inbox(database, mailbox, KEY, NOW + dt.timedelta(hours=1), Rules())
    assert report.read == {"bounce hard": 1}
    async with database.read() as connection:
        assert list(await connection.scalars(sa.select(suppressions.c.address_key))) == [GONE]
