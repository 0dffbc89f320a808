"""A mailbox and the store behind it: one issue, planned for five people."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.delivery.recipient import envelope_sender
from pressrun.inbox.mailbox import MailboxAddress, open_mailbox
from pressrun.inbox.read_inbox import InboxReport, Rules, read_inbox
from pressrun.store.database import Database
from pressrun.store.delivery_log import plan
from pressrun.store.journal import Claimed
from pressrun.store.people_tables import events
from pressrun.store.tables import deliveries, memberships, suppressions
from small_edition import KEY, NOW, addresses, fill_list, make_edition

EDITION = make_edition(verp=True, return_path="bounces@example.com")


class Inbox:
    """A Maildir, and what is in the store behind it: one issue, planned for five people."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.folder = database, folder
        for part in ("new", "cur", "tmp"):
            (folder / part).mkdir(parents=True)
        self._count = 0

    def put(self, *letters: bytes) -> None:
        """Let these letters come."""
        for raw in letters:
            self._count += 1
            (self.folder / "new" / f"{self._count:04}.host").write_bytes(raw)

    async def read(self, *, dry_run: bool = False, rules: Rules | None = None) -> InboxReport:
        """Read what is unseen."""
        async with open_mailbox(MailboxAddress("maildir", folder=str(self.folder))) as mailbox:
            return await read_inbox(self.database, mailbox, KEY, NOW, rules or Rules(), dry_run=dry_run)

    @property
    def unseen(self) -> int:
        """How many letters nobody has dealt with."""
        return len(list((self.folder / "new").iterdir()))

    async def return_path(self, number: int, issue: str = EDITION.issue) -> str:
        """Where bounces of the message to the person with this number go."""
        return self.path_of(await self.row(number, issue))

    @staticmethod
    def path_of(row: sa.Row[tuple[object, ...]]) -> str:
        """Where bounces of the row's message go."""
        claimed = Claimed(row.id, 1, "all", row.subscriber_id, row.address, "", {}, row.message_id, 1, NOW)
        return envelope_sender(claimed, EDITION, KEY)

    async def headers(self, number: int) -> str:
        """Of their message, as much as names them."""
        row = await self.row(number)
        return f"Message-ID: {row.message_id}\nList-Unsubscribe: <https://example.com/u/{await self.token(number)}>"

    async def token(self, number: int) -> str:
        """What they leave the list by."""
        return make_leave_token(Leave((await self.row(number)).subscriber_id, "all"), KEY)

    async def row(self, number: int, issue: str = EDITION.issue) -> sa.Row[tuple[object, ...]]:
        """Their row in the log."""
        return await self.row_of(addresses(5)[number], issue)

    async def row_of(self, address: str, issue: str = EDITION.issue) -> sa.Row[tuple[object, ...]]:
        """The row of what was sent to this address."""
        query = sa.select(deliveries).where(deliveries.c.address == address, deliveries.c.issue == issue)
        async with self.database.read() as connection:
            return (await connection.execute(query)).one()

    async def suppressed(self) -> dict[str, str]:
        """Addresses that are not mailed any more, and why."""
        async with self.database.read() as connection:
            return {row.address_key: row.reason for row in await connection.execute(sa.select(suppressions))}

    async def members(self) -> int:
        """How many are on the list."""
        query = sa.select(sa.func.count()).select_from(memberships).where(memberships.c.left_at.is_(None))
        async with self.database.read() as connection:
            return int(await connection.scalar(query) or 0)

    async def kinds(self) -> list[str]:
        """What happened to people since they were put on the list."""
        query = sa.select(events.c.kind).where(events.c.subscriber_id.is_not(None)).order_by(events.c.id)
        async with self.database.read() as connection:
            return list(await connection.scalars(query))


async def open_inbox(database: Database, folder: Path) -> Inbox:
    """An empty mailbox, and the issue planned."""
    await fill_list(database, "all", addresses(5))
    await plan(database, EDITION, "all", NOW)
    return Inbox(database, folder)
