"""Reads an inbox: believes what is proven, does what it says, and leaves the rest for a person."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pressrun.delivery.leave_link import Leave
from pressrun.errors import UsageError
from pressrun.inbox.letter import Letter, read_letter
from pressrun.inbox.mailbox import Mailbox, open_mailbox, parse_mailbox
from pressrun.inbox.proof import Proven, prove
from pressrun.inbox.understanding import Gravity, LetterKind, Understood, understand
from pressrun.link_keys import LinkKeys
from pressrun.store.database import Database
from pressrun.store.departure import depart
from pressrun.store.event import Event, EventKind
from pressrun.store.inbox import Row, Suppressing, find_row, find_row_of, note_letter, was_read
from pressrun.workspace import Workspace

MOST = 5_000
"""How many letters one reading takes: what is left comes next time."""


@dataclass(frozen=True)
class Rules:
    """From how many issues that bounced softly, in how many days, an address is suppressed."""

    soft_limit: int = 5
    soft_days: int = 30


@dataclass(frozen=True)
class InboxReport:
    """How many letters were of which kind (`leave`, `bounce hard`, `complaint`, …), and how many nobody could prove."""

    read: Mapping[str, int] = field(default_factory=dict)
    unproven: int = 0
    again: int = 0

    @property
    def total(self) -> int:
        """How many letters there were."""
        return sum(self.read.values()) + self.unproven + self.again


async def read_inbox(
    database: Database, mailbox: Mailbox, keys: LinkKeys, now: dt.datetime, rules: Rules, *, dry_run: bool = False
) -> InboxReport:
    """Read every letter that nobody has seen and do what it says, each once, whatever is restarted.

    Letters that ask something and prove nothing stay as they are, for a person to look at. With `dry_run` all do.
    Raises MailboxError and StoreError; what was done until then stays done.
    """
    read: Counter[str] = Counter()
    unproven = again = taken = 0
    async for name, raw in mailbox.letters():
        letter = read_letter(raw)
        said = understand(letter)
        proven = prove(letter, said.kind, keys)
        if await was_read(database, letter.id):
            again += 1
        elif _needs_proof(said) and not proven.is_proven:
            unproven += 1
            continue
        else:
            read[_called(said)] += 1
        if not dry_run:
            about = _About(proven.leave, await _find(database, keys, proven))
            await _act(database, letter, said, about, now, rules)
            await _mark(mailbox, name, said)
        taken += 1
        if taken == MOST:
            break
    return InboxReport(dict(read), unproven, again)


def _needs_proof(said: Understood) -> bool:
    return said.kind in (LetterKind.LEAVE, LetterKind.BOUNCE, LetterKind.COMPLAINT) and not (
        said.kind is LetterKind.BOUNCE and said.gravity is Gravity.NONE
    )


def _called(said: Understood) -> str:
    return f"{said.kind} {said.gravity}" if said.kind is LetterKind.BOUNCE else str(said.kind)


async def _mark(mailbox: Mailbox, name: str, said: Understood) -> None:
    if said.kind is not LetterKind.OTHER:  # somebody wrote it to somebody: it stays unseen
        await mailbox.mark(name)


@dataclass(frozen=True)
class _About:
    """What a letter proves to be about: what its link leaves, and the row of the log, or the person, if there is one.

    There is none of somebody who was forgotten.
    """

    leave: Leave | None
    row: Row | None


async def _find(database: Database, keys: LinkKeys, proven: Proven) -> Row | None:
    if proven.row_id is not None:
        return await find_row(database, proven.row_id)
    if proven.leave:
        return await find_row_of(database, keys, proven.leave.subscriber_id, proven.message_id)
    return None


async def _act(
    database: Database, letter: Letter, said: Understood, about: _About, now: dt.datetime, rules: Rules
) -> None:
    match said.kind:
        case LetterKind.LEAVE if about.leave:
            await depart(database, [about.leave], now, "mail")  # a second time changes nothing
            await note_letter(database, letter.id, said.kind, now)
        case LetterKind.BOUNCE if said.gravity is not Gravity.NONE:
            await _take_bounce(database, letter, said, about, now, rules)
        case LetterKind.COMPLAINT:
            await _take_complaint(database, letter, said, about, now)
        case LetterKind.OTHER:
            pass
        case _:
            await note_letter(database, letter.id, said.kind, now)


async def _take_bounce(
    database: Database, letter: Letter, said: Understood, about: _About, now: dt.datetime, rules: Rules
) -> None:
    detail = {"status": said.status, "gravity": said.gravity.value, "text": said.text, "by": "mail"}
    reason = f"bounced: {said.status} {said.text}".strip()[:300]
    suppressing = {
        Gravity.HARD: Suppressing(reason),
        Gravity.SOFT: Suppressing(reason, rules.soft_limit, dt.timedelta(days=rules.soft_days)),
    }.get(said.gravity)
    happened = _event(EventKind.BOUNCED, about.row, now, detail) if about.row else None
    await note_letter(database, letter.id, said.kind, now, happened=happened, suppressing=suppressing)


async def _take_complaint(
    database: Database, letter: Letter, said: Understood, about: _About, now: dt.datetime
) -> None:
    """Who calls it spam gets nothing more: they leave the list, and the address that was mailed is suppressed.

    They leave wherever they are mailed by now: whoever has the mail could do so by its link.
    """
    row = about.row
    leave = about.leave or (Leave(row.subscriber_id, row.list) if row and row.list else None)
    if leave:
        await depart(database, [leave], now, "complaint")
    happened = _event(EventKind.COMPLAINED, row, now, {"kind": said.text}) if row else None
    reason = Suppressing(f"complained: {said.text}")
    await note_letter(database, letter.id, said.kind, now, happened=happened, suppressing=reason)


def _event(kind: EventKind, row: Row, now: dt.datetime, detail: dict[str, str]) -> Event:
    return Event(kind, now, row.subscriber_id, row.list, row.issue, row.id, detail)


async def open_and_read(
    database: Database, workspace: Workspace, now: dt.datetime, *, dry_run: bool = False
) -> InboxReport:
    """Read the mailbox that the workspace's settings name. Raises UsageError where they name none."""
    settings = workspace.settings
    url = settings.inbox_url.get_secret_value()
    if not url:
        raise UsageError("inbox_url is not set", "name the mailbox that bounces come to: see docs/inbox.md")
    rules = Rules(settings.bounce_soft_limit, settings.bounce_soft_days)
    async with open_mailbox(parse_mailbox(url)) as mailbox:
        return await read_inbox(database, mailbox, workspace.link_keys(), now, rules, dry_run=dry_run)
