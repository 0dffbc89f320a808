"""What goes wrong on the line, and how often: values only, which travel to the receiver's process as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from enum import StrEnum


class Step(StrEnum):
    """Where in a connection or a transaction something goes wrong."""

    CONNECT = "connect"
    EHLO = "EHLO"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "body"  # somewhere within the message
    DOT = "dot"


class Kind(StrEnum):
    """What goes wrong there."""

    REFUSE = "refuse"  # the connection is reset, the command not known
    TEMPORARY = "4xx"
    PERMANENT = "5xx"
    CLOSING = "421"  # RFC 5321 §3.8: said, then closed
    CLOSE = "close"
    CLOSE_ACCEPTED = "close, accepted"  # the message is kept, the answer never sent
    STALL = "stall"  # no answer until the sender gives up
    STALL_ACCEPTED = "stall, accepted"
    GARBAGE = "garbage"
    GARBAGE_ACCEPTED = "garbage, accepted"
    BYTEWISE = "single bytes"  # the right answer, an octet at a time


_BREAKING = frozenset(Kind) - {Kind.TEMPORARY, Kind.PERMANENT, Kind.BYTEWISE}

ACCEPTING = frozenset({Kind.CLOSE_ACCEPTED, Kind.STALL_ACCEPTED, Kind.GARBAGE_ACCEPTED, Kind.BYTEWISE})
"""Faults at the dot with which the message is taken all the same."""

_EVERYWHERE = (Kind.TEMPORARY, Kind.PERMANENT, Kind.CLOSING, Kind.CLOSE, Kind.STALL, Kind.GARBAGE, Kind.BYTEWISE)
_ALSO = {
    Step.CONNECT: (Kind.REFUSE,),
    Step.EHLO: (Kind.REFUSE,),
    Step.DOT: (Kind.CLOSE_ACCEPTED, Kind.STALL_ACCEPTED, Kind.GARBAGE_ACCEPTED),
}


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong at one step."""

    step: Step
    kind: Kind

    def __str__(self) -> str:
        return f"{self.step}: {self.kind}"

    @property
    def may_leave_doubt(self) -> bool:
        """Whether a message on this connection may rightly be in doubt: something was unanswered when it broke.

        Not before the first message; and not where an odd answer to a command follows a clear one to the dot before.
        """
        if self.step in (Step.CONNECT, Step.EHLO):
            return False
        if self.step in (Step.MAIL, Step.RCPT, Step.DATA):
            return self.kind in _BREAKING - {Kind.GARBAGE}
        return self.kind in _BREAKING or self.step is Step.BODY


def all_faults() -> Iterator[Fault]:
    """Every fault there is: each kind at each step where it means something."""
    for step in Step:
        for kind in (*_EVERYWHERE, *_ALSO.get(step, ())):
            if (step, kind) != (Step.BODY, Kind.BYTEWISE):  # nothing is answered within the body
                yield Fault(step, kind)


@dataclass(frozen=True)
class FaultPlan:
    """How a receiver behaves: at each step one of the `faults` for it strikes with the probability `rate`.

    After `most` faults all goes well. `delay` is the longest time in seconds, drawn evenly, between the moment a
    message is safe and its answer. `hold_every`: at each so many-th dot the receiver reports `held` and answers
    nothing to it until it is told to go on.
    """

    seed: int = 0
    faults: tuple[Fault, ...] = ()
    rate: float = 0.0
    most: int = 1_000_000
    pipelining: bool = True
    takes_data_unasked: bool = False  # DATA behind a refused RCPT gets 354 and its dot 554, instead of 503 at once
    delay: float = 0.0
    hold_every: int = 0

    def changed(self, **changes: object) -> FaultPlan:
        """The plan with other values."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def to_json(self) -> str:
        """The plan as one line."""
        return json.dumps(asdict(self))


def plan_from_json(text: str) -> FaultPlan:
    """The plan that `to_json` wrote."""
    values = json.loads(text)
    faults = tuple(Fault(Step(one["step"]), Kind(one["kind"])) for one in values.pop("faults"))
    return FaultPlan(**values, faults=faults)
