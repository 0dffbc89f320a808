"""Settles rows in doubt: by what a relay's log says, or by what a person decides."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import io
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from pressrun.address import ParsedAddress
from pressrun.delivery.maillog import MailLog, moment_of
from pressrun.delivery.outcome import one_line
from pressrun.errors import UsageError
from pressrun.store.claim import recover
from pressrun.store.control import require_not_cancelled
from pressrun.store.database import Database
from pressrun.store.resolution import InDoubt, list_in_doubt, queue_again, settle_in_doubt, state_of

_LONGEST = 65_536  # octets; a line of no log is longer, and a file without line ends must fit into memory


@dataclass(frozen=True)
class Choice:
    """What a person decided: who has the message, who is to get it (again), and why. A name comes before `all`."""

    accept: Sequence[ParsedAddress] = ()
    resend: Sequence[ParsedAddress] = ()
    accept_all: bool = False
    resend_all: bool = False
    note: str = ""


@dataclass(frozen=True)
class LogFindings:
    """What logs say, by Message-ID: of what was taken, how it is known; and what was begun and not taken."""

    taken: Mapping[str, str] = field(default_factory=dict)
    unfinished: Collection[str] = frozenset()


@dataclass(frozen=True)
class Decision:
    """What becomes of the rows in doubt, by their id."""

    by_log: Mapping[int, str]
    by_hand: Mapping[int, str]
    again: Collection[int]
    left: Sequence[InDoubt]


@dataclass(frozen=True)
class Resolution:
    """What was settled, and what is still in doubt; `unfinished` are Message-IDs that the logs know as not taken."""

    by_log: int
    by_hand: int
    again: int
    left: Sequence[InDoubt]
    unfinished: Collection[str]


async def resolve(
    database: Database,
    issue: str,
    now: dt.datetime,
    *,
    logs: Sequence[Path] = (),
    choice: Choice | None = None,
) -> Resolution:
    """Settle the rows of `issue` that are in doubt, by `logs` first, then by `choice`; without either, tell them.

    Rows of workers that are gone count too. Raises UsageError where a log can't be read or the choice doesn't fit the
    rows; nothing is settled then.
    """
    choice = choice or Choice()
    _require_clear(choice)
    await recover(database, now)
    async with database.read() as connection:
        rows = await list_in_doubt(connection, issue)
        await _require_in_doubt(connection, issue, choice, rows)
    findings = await asyncio.to_thread(read_logs, logs, [row.message_id for row in rows], now)
    async with database.write() as connection:
        if choice.resend or choice.resend_all:
            await require_not_cancelled(connection, issue)
        decision = decide(await list_in_doubt(connection, issue, lock=True), findings, choice)
        await settle_in_doubt(connection, {**decision.by_log, **decision.by_hand}, now)
        await queue_again(connection, decision.again, now)
    counts = (len(decision.by_log), len(decision.by_hand), len(decision.again))
    return Resolution(*counts, decision.left, findings.unfinished)


def decide(rows: Sequence[InDoubt], findings: LogFindings, choice: Choice) -> Decision:
    """What becomes of `rows`: a log's word counts before a person's, a name before `all`."""
    accept, resend = ({one.key for one in named} for named in (choice.accept, choice.resend))
    by_log: dict[int, str] = {}
    by_hand: dict[int, str] = {}
    again: list[int] = []
    left: list[InDoubt] = []
    for row in rows:
        if row.message_id in findings.taken:
            by_log[row.id] = findings.taken[row.message_id]
        elif row.address_key in resend or (choice.resend_all and row.address_key not in accept):
            again.append(row.id)
        elif row.address_key in accept or choice.accept_all:
            by_hand[row.id] = f"settled by hand: {one_line(choice.note) or 'taken for sent, no note'}"
        else:
            left.append(row)
    return Decision(by_log, by_hand, again, left)


def read_logs(files: Sequence[Path], message_ids: Collection[str], now: dt.datetime) -> LogFindings:
    """What the logs in `files`, plain or gzip, say of the messages; oldest first, in whatever order they are named."""
    log = MailLog(message_ids)
    taken: dict[str, str] = {}
    begins = {file: _begin_of(file, now) for file in files}
    latest = dt.datetime.max.replace(tzinfo=dt.UTC)
    for file in sorted(begins if message_ids else (), key=lambda file: begins[file] or latest):
        with _open_log(file) as lines:
            for line in lines:
                log.read(line)
        for message_id, queue_id in log.accepted.items():
            taken.setdefault(message_id, f"queued as {queue_id}, by the log {one_line(file.name)}")
    return LogFindings(taken, log.unfinished)


def _begin_of(file: Path, now: dt.datetime) -> dt.datetime | None:
    if file.exists() and not file.is_file():  # a pipe can be read only once
        return None
    with _open_log(file) as lines:
        return next((moment for line in lines if (moment := moment_of(line, now))), None)


@contextmanager
def _open_log(file: Path) -> Iterator[Iterator[bytes]]:
    """The lines of a log, plain or gzip."""
    try:
        with file.open("rb") as raw:
            packed = raw.peek(2)[:2] == b"\x1f\x8b"  # RFC 1952 §2.3.1; a name may lie, and a pipe has none
            stream = io.BufferedReader(gzip.GzipFile(fileobj=raw)) if packed else raw
            yield iter(lambda: stream.readline(_LONGEST), b"")
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{file}: can't be read: {reason}", "name a mail log, plain or .gz") from None


def _require_clear(choice: Choice) -> None:
    if choice.accept_all and choice.resend_all:
        raise UsageError("--accept-all and --resend-all contradict each other", "say one of them")
    both = {one.key for one in choice.accept} & {one.key for one in choice.resend}
    if both:
        raise UsageError(f"{min(both)} is to be accepted and sent again", "say one of them")


async def _require_in_doubt(connection: AsyncConnection, issue: str, choice: Choice, rows: Sequence[InDoubt]) -> None:
    keys = {row.address_key for row in rows}
    for one in (*choice.accept, *choice.resend):
        if one.key not in keys:
            state = await state_of(connection, issue, one.key)
            what = f"{one} is {state}, not in doubt" if state else f"{issue} has no row for {one}"
            raise UsageError(what, f"pressrun resolve {issue} lists the rows in doubt")
