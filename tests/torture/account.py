"""Holds a delivery log against what the receiver took, recipient by recipient. Values in, values out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pressrun.delivery.outcome import OPEN_STATES, State

_NOT_MAILED = (State.FAILED, State.EXPIRED, State.CANCELLED, State.SUPPRESSED)


@dataclass(frozen=True)
class LogRow:
    """What the log says of one recipient; `repeated`: sent again while in doubt, as a policy may ask."""

    address: str
    message_id: str
    state: State
    repeated: bool = False
    worker_id: str | None = None

    @property
    def is_flagged(self) -> bool:
        """Whether the log says that this person may have the message twice."""
        return self.repeated or self.state is State.IN_DOUBT


@dataclass(frozen=True)
class Receipt:
    """A message that the receiver took; `queue` is the id under which a Postfix between held it, else empty.

    Copies with one queue id are Postfix's own (it was killed before it could note that one had left), not the sender's.
    """

    message_id: str
    recipient: str
    queue: str = ""
    digest: str = ""


@dataclass(frozen=True)
class Expected:
    """Who is on the list, how many may be in doubt, and who was unwanted before the row was claimed.

    `doubt_of_one` bounds the rows in doubt of one worker; None where workers are not told apart.
    """

    planned: Collection[str]
    bound: int
    doubt_of_one: int | None = None
    unwanted: Collection[str] = ()


@dataclass(frozen=True)
class Account:
    """What one case came to. `faults` says what is wrong, in words; empty is a pass."""

    recipients: int
    received: int
    lost: int
    duplicated: int
    unflagged: int
    in_doubt: int
    bound: int
    faults: tuple[str, ...] = ()
    remarks: tuple[str, ...] = field(default=())


def settle_account(rows: Sequence[LogRow], receipts: Iterable[Receipt], expected: Expected) -> Account:
    """Compare the log with the receipts."""
    copies = _count_copies(receipts)
    known = {(row.message_id, row.address): row for row in rows}
    counts = {key: len(found) for key, found in copies.items()}
    reached = {address for _, address in counts}
    rowless = set(expected.planned) - {row.address for row in rows} - reached
    lost = [row for key, row in known.items() if row.state is State.SENT and not counts.get(key)]
    twice = [row for key, row in known.items() if counts.get(key, 0) > 1]
    unflagged = [row for row in twice if not row.is_flagged]
    in_doubt = [row for row in rows if row.state is State.IN_DOUBT]
    mailed = [row for key, row in known.items() if counts.get(key)]
    faults = {
        "lost": len(lost) + len(rowless),
        "duplicated without a flag": len(unflagged),
        "more in doubt than the bound": max(0, len(in_doubt) - expected.bound),
        "more in doubt than one sender's connections": _excess_of_one(in_doubt, expected.doubt_of_one),
        "still open": sum(row.state in OPEN_STATES for row in rows),
        "received, though the log says they were not": sum(row.state in _NOT_MAILED for row in mailed),
        "received, though in no row": len(counts.keys() - known.keys()),
        "received, though unwanted by then": sum(row.address in expected.unwanted for row in mailed),
        "repeated with other bytes": sum(len(set(found.values())) > 1 for found in copies.values()),
    }
    return Account(
        recipients=len(expected.planned),
        received=sum(count > 0 for key, count in counts.items() if key in known),
        lost=len(lost) + len(rowless),
        duplicated=len(twice),
        unflagged=len(unflagged),
        in_doubt=len(in_doubt),
        bound=expected.bound,
        faults=tuple(f"{count} {what}" for what, count in faults.items() if count),
    )


def _count_copies(receipts: Iterable[Receipt]) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """The digest of each copy that the sender handed over, by message and recipient."""
    copies: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for number, receipt in enumerate(receipts):
        copies[receipt.message_id, receipt.recipient][receipt.queue or str(number)] = receipt.digest
    return copies


def _excess_of_one(in_doubt: Iterable[LogRow], most: int | None) -> int:
    if most is None:
        return 0
    of_each = Counter(row.worker_id for row in in_doubt if row.worker_id)
    return max(0, max(of_each.values(), default=0) - most)
