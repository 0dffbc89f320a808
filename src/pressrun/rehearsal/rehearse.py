"""Rehearses a send: the real engine and the whole audience, to a receiver of its own, and an audit of all it took."""

from __future__ import annotations

import datetime as dt
import math
import random
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pressrun.delivery.dkim_key import SigningKey, keys_for
from pressrun.delivery.keyring import signing_keys
from pressrun.errors import UsageError
from pressrun.rehearsal.audit import Audit, audit
from pressrun.rehearsal.box import Box
from pressrun.rehearsal.delivery import Ran, run_senders
from pressrun.rehearsal.expectation import Expectation, Limits, expect, limits_in
from pressrun.rehearsal.faults import USUAL, Faults
from pressrun.rehearsal.folder import make_folder
from pressrun.rehearsal.inspection import Inspector
from pressrun.rehearsal.receipts import draw_account, open_account
from pressrun.rehearsal.receiver import Receiver, receive
from pressrun.rehearsal.rehearsal import Account, Defect, Rehearsal
from pressrun.rehearsal.replica import copy_store, plan_in_replica
from pressrun.rehearsal.report import summarize, write_rehearsal
from pressrun.rehearsal.sender import Job
from pressrun.render.edition import Edition
from pressrun.render.mail import render
from pressrun.render.source import open_issue, require_size
from pressrun.segment import segments_for
from pressrun.store.claim import recover
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import load_editions
from pressrun.workspace import Workspace

__all__ = ["USUAL", "Account", "Defect", "Faults", "Rehearsal", "rehearse_send", "summarize", "write_rehearsal"]

SPARE = 256 * 1024 * 1024
"""Octets of the disk that a rehearsal leaves free."""

_TELL = 5.0  # seconds between two words on how far it is


@dataclass(frozen=True)
class _Stage:
    """Where a rehearsal plays: its folder, the replica in it, and what is sent there."""

    workspace: Workspace
    folder: Path
    replica: Database
    edition: Edition
    lists: tuple[str, ...]
    signing: tuple[SigningKey, ...]
    needs_approval: bool

    @property
    def box(self) -> Path:
        """The file of all messages."""
        return self.folder / "messages"


@dataclass(frozen=True)
class _Delivered:
    ran: Ran
    kept: int
    struck: dict[str, int]
    seconds: float


async def rehearse_send(
    workspace: Workspace,
    issue: str,
    lists: Sequence[str],
    faults: Faults = USUAL,
    *,
    sample: int | None = None,
    chance: random.Random | None = None,
    keep: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> Rehearsal:
    """Send `issue` to everybody on `lists` who has not had it, or to `sample` of them by chance, and to nobody at all.

    The real store is read and not changed, the relays' addresses are not used: rows are planned in a copy, messages go
    to a receiver on 127.0.0.1. All that is made goes into a folder of its own and is removed, or stays in `keep`, a new
    folder. `say` is told in a line what goes on; no line holds an address. Raises UsageError for a wrong name or where
    the disk has no room, FaultyIssueError for an issue with errors, PressrunError where sending fails.
    """
    if not lists:
        raise UsageError(f"no list is named to rehearse {issue} with", "name one: --list LIST")
    if sample is not None and sample < 1:
        raise UsageError(f"a sample of {sample}", "say how many people to rehearse with, 1 at least")
    source = open_issue(workspace, issue)
    rendering = render(source, workspace.template_folders)
    require_size(rendering)
    signing, names = signing_keys(workspace), tuple(dict.fromkeys(lists))
    needs_approval = source.publication.approval == "required"
    with make_folder(workspace.state, keep) as folder:
        async with open_database(f"sqlite:///{folder / 'pressrun.db'}") as replica:
            stage = _Stage(workspace, folder, replica, rendering.edition, names, signing, needs_approval)
            rehearsal = await _play(stage, faults, sample, chance or random.Random(), say)
    return replace(rehearsal, kept_in=keep)


async def _play(
    stage: _Stage, faults: Faults, sample: int | None, chance: random.Random, say: Callable[[str], None]
) -> Rehearsal:
    edition, started_at = stage.edition, dt.datetime.now(dt.UTC)
    audience = await _set_up(stage, sample, chance, started_at)
    planned = (await draw_account(stage.replica, edition.issue, stage.lists)).open
    say(f"copied {audience:,} people; {planned:,} messages to send")
    _require_room(stage.folder, edition, planned)
    delivered = await _deliver(stage, faults, planned, chance, say)
    audited, account = await _account(stage, delivered, say)
    return Rehearsal(
        issue=edition.issue,
        subject=edition.shown_subject,
        edition_id=edition.id,
        lists=stage.lists,
        faults=faults,
        audience=audience,
        sample=sample,
        account=account,
        defects=audited.defects,
        sizes=audited.sizes,
        struck=delivered.struck,
        kills=delivered.ran.kills,
        rounds=delivered.ran.rounds,
        connections=stage.workspace.settings.connections,
        started_at=started_at,
        seconds=delivered.seconds,
        expectation=_expect(stage.workspace, planned, delivered, started_at),
        is_signed=bool(keys_for(stage.signing, edition.sender_address)),
    )


async def _set_up(stage: _Stage, sample: int | None, chance: random.Random, now: dt.datetime) -> int:
    """Copy the store and plan in the copy: how many people it holds."""
    issue, replica = stage.edition.issue, stage.replica
    segments = segments_for(stage.workspace, stage.lists)
    async with open_database(stage.workspace.database_url) as source:
        audience = await copy_store(
            source, replica, issue, stage.lists, now, segments=segments, sample=sample, chance=chance
        )
    await recover(replica, now)  # what workers hold in the real store nobody holds here
    await plan_in_replica(replica, stage.edition, stage.lists, now, held=stage.needs_approval)
    await open_account(replica, issue, repeats=stage.workspace.settings.in_doubt == "retry")
    return audience


def _require_room(folder: Path, edition: Edition, messages: int) -> None:
    """Raise UsageError where the messages would fill the disk."""
    texts = [len(text.encode()) for text in (edition.html, edition.text)]
    files = [len(file.content) for file in (*edition.inline, *edition.attachments)]
    needed = messages * (math.ceil(1.4 * sum((*texts, *files))) + 4_096)
    free = shutil.disk_usage(folder).free - SPARE
    if needed > free:
        what = f"{messages:,} messages of this issue take {needed / 2**30:.1f} GB, and {folder} has {free / 2**30:.1f}"
        raise UsageError(what, "rehearse with some of them, --sample 10000, or on another disk, --keep DIR")


async def _deliver(
    stage: _Stage, faults: Faults, planned: int, chance: random.Random, say: Callable[[str], None]
) -> _Delivered:
    box = Box(stage.box)
    receiver = Receiver(box, faults, random.Random(chance.getrandbits(64)))
    started = time.monotonic()
    try:
        async with receive(receiver) as port:
            most = planned * (1 - faults.permanent)  # about as many messages as will come
            kill_at = max(1, round(most * chance.uniform(0.25, 0.75))) if faults.kill and planned else None
            job = Job(
                str(stage.workspace.root), str(stage.replica.path), port, stage.edition.issue, stage.lists,
                seed=chance.getrandbits(32),
            )  # fmt: skip
            ran = await run_senders(job, receiver, stage.folder / "sender.log", kill_at=kill_at, say=say)
    finally:
        box.close()
    seconds = time.monotonic() - started
    say(f"received {receiver.kept:,} messages in {seconds:.1f} s; opening them")
    return _Delivered(ran, receiver.kept, dict(receiver.struck), seconds)


async def _account(stage: _Stage, delivered: _Delivered, say: Callable[[str], None]) -> tuple[Audit, Account]:
    issue, replica = stage.edition.issue, stage.replica
    inspector = Inspector(await load_editions(replica, issue), stage.workspace.link_keys(), stage.signing)
    told = time.monotonic()

    def tell(count: int) -> None:
        nonlocal told
        if time.monotonic() - told >= _TELL:
            told = time.monotonic()
            say(f"opened {count:,} of {delivered.kept:,} messages")

    audited = await audit(replica, issue, stage.box, inspector, opened=tell)
    say(f"opened all {audited.sizes.count:,} messages")
    return audited, await draw_account(replica, issue, stage.lists)


def _expect(workspace: Workspace, messages: int, delivered: _Delivered, start: dt.datetime) -> Expectation:
    """How long the real relays take; of the setting only their limits are read."""
    pace = max(delivered.kept, 1) / max(delivered.seconds, 0.001)
    try:
        limits = limits_in(workspace.settings.smtp_url.get_secret_value())
    except UsageError:  # it can't be read: `pressrun send` will tell
        limits = (Limits("unknown"),)
    return expect(messages, limits, pace, start)
