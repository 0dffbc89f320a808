"""Silenced findings: what an issue says is meant so is left out, and counted."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pressrun.check.manuscript import Manuscript
from pressrun.check.rule import Fault, Rule, look_nowhere
from pressrun.finding import Finding, Severity
from pressrun.source.model import Silence

UNKNOWN = Rule(
    "silence-unknown",
    Severity.WARNING,
    "A silence names a rule that can be silenced.",
    look_nowhere,
    can_be_silenced=False,
)
UNUSED = Rule("silence-unused", Severity.WARNING, "A silence silences something.", look_nowhere, can_be_silenced=False)


@dataclass(frozen=True)
class Heard:
    """What is left to tell, and how many findings the issue silenced."""

    findings: tuple[Finding, ...]
    silenced: int


def apply_silences(
    manuscript: Manuscript, findings: Iterable[Finding], known: Collection[str], ran: Collection[str]
) -> Heard:
    """`findings` without the silenced ones, and with those about silences that name or silence nothing.

    `known` are the ids of the rules that can be silenced, `ran` those that have had their look.
    """
    kept, used, silenced = list[Finding](), set[int](), 0
    silences = manuscript.issue.meta.silence
    for finding in findings:
        matching = [n for n, silence in enumerate(silences) if silence.rule in known and _covers(silence, finding)]
        used |= {*matching}
        silenced += bool(matching)
        if not matching:
            kept.append(finding)
    for n, silence in enumerate(silences):
        kept += _judge(manuscript, n, silence, known, n in used or silence.rule not in ran)
    return Heard(tuple(kept), silenced)


def _covers(silence: Silence, finding: Finding) -> bool:
    return silence.rule == finding.code and silence.file in (None, Path(finding.path).name)


def _judge(
    manuscript: Manuscript, n: int, silence: Silence, known: Collection[str], is_used: bool
) -> Iterator[Finding]:
    place = manuscript.own.place_of("silence", n, "rule")
    if silence.rule not in known:
        near = difflib.get_close_matches(silence.rule, known, n=1)
        hint = (
            f"did you mean {near[0]}?"
            if near
            else "pressrun check --rules lists the rules; faults of loading can't be silenced"
        )
        what = f"no rule that can be silenced is called {silence.rule}"
        yield UNKNOWN.tell(Fault(manuscript.own.file, place, what, hint))
    elif not is_used:
        where = f" in {silence.file}" if silence.file else ""
        what = f"{silence.rule} finds nothing{where} that could be silenced"
        yield UNUSED.tell(Fault(manuscript.own.file, place, what, "take this entry away"))
