"""Does between sends what nobody waits for: rows of dead workers, over-age rows, what is kept no longer."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pressrun.settings import Settings
from pressrun.store.api_call import drop_old_calls
from pressrun.store.claim import recover
from pressrun.store.database import Database
from pressrun.store.forget import compact
from pressrun.store.inbox import forget_letters
from pressrun.store.retention import Ages, let_go
from pressrun.store.upkeep import expire_deferred, forget_starts, read_open_issues, tidy_sqlite
from pressrun.workspace import Workspace

PREVIEW_AGE = dt.timedelta(days=90)
"""How long previews are kept after they were last written."""

START_AGE = dt.timedelta(days=30)
"""How long it is kept what was started when, beyond the first and the last time of each issue."""

LETTER_AGE = dt.timedelta(days=90)
"""How long it is kept which letters `read-inbox` has read; the mailbox itself holds them as seen."""


@dataclass(frozen=True)
class Housekeeping:
    """What was done. Of dead workers' rows so many were queued again, so many are in doubt; so many rows expired; so
    many previews, starts and notes of letters were old.

    Of what settings keep for a time, so many events and unconfirmed requests went, so many addresses were scrubbed from
    the delivery log, and so many network addresses from consents and requests. `compacted` is 1 where SQLite's file was
    written anew, so that nothing is left in it of people who were forgotten.
    """

    queued: int = 0
    in_doubt: int = 0
    expired: int = 0
    previews: int = 0
    starts: int = 0
    letters: int = 0
    events: int = 0
    addresses: int = 0
    confirmations: int = 0
    networks: int = 0
    compacted: int = 0

    @property
    def counts(self) -> Mapping[str, int]:
        """The figures by name."""
        return asdict(self)


async def housekeeping(database: Database, workspace: Workspace, now: dt.datetime) -> Housekeeping:
    """Tidy up; harmless at any time, while sends run and on several machines at once.

    Rows that are settled stay as they are, but for addresses that `retain_addresses_days` takes out. Raises StoreError
    where the store fails; what was done stays done.
    """
    queued, in_doubt = await recover(database, now)
    expired = await expire_deferred(database, dt.timedelta(days=workspace.settings.expire_days), now)
    starts = await forget_starts(database, now - START_AGE)
    letters = await forget_letters(database, now - LETTER_AGE)
    unfinished = await read_open_issues(database)
    previews = remove_previews(workspace.preview_folder, unfinished, now - PREVIEW_AGE)
    await drop_old_calls(database, now)
    gone = await let_go(database, workspace.link_keys(), _ages(workspace.settings), now)
    compacted = not unfinished and await compact(database)
    await tidy_sqlite(database)
    return Housekeeping(queued, in_doubt, expired, previews, starts, letters, **vars(gone), compacted=int(compacted))


def _ages(settings: Settings) -> Ages:
    return Ages(
        events=settings.retain_events_days,
        addresses=settings.retain_addresses_days,
        confirmations=settings.retain_confirmations_days,
        network=settings.retain_network_days,
    )


def remove_previews(folder: Path, keep: Collection[str], before: dt.datetime) -> int:
    """Remove the previews below `folder` that were last written before a moment, but for issues in `keep`: how many."""
    old = [preview for preview in _previews(folder) if _issue_of(preview) not in keep and _written(preview) < before]
    for preview in old:
        shutil.rmtree(preview.parent, ignore_errors=True)  # another machine may be doing the same
    return len(old)


def _previews(folder: Path) -> Iterator[Path]:
    """What flows laid down here: PUBLICATION/ISSUE/preview.html; whatever else is in the folder is somebody else's."""
    for preview in folder.glob("*/*/preview.html"):
        if not (preview.parent.is_symlink() or preview.parent.parent.is_symlink()):
            yield preview


def _issue_of(preview: Path) -> str:
    return f"{preview.parent.parent.name}/{preview.parent.name}"


def _written(preview: Path) -> dt.datetime:
    return dt.datetime.fromtimestamp(preview.stat().st_mtime, dt.UTC)
