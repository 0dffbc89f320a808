"""What the panel beside the views says: how an inbox lists the mail, what it weighs, and what the check found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pressrun.finding import Finding, Severity, count_of
from pressrun.preview.board import Showing
from pressrun.preview.look import Look
from pressrun.preview.proof import Proof
from pressrun.preview.reader import Trait, read_line, read_subject, traits_of
from pressrun.render.mail import BUDGET_OCTETS, LIMIT_OCTETS, PartSize

HEAVIEST = 5
"""How many parts the panel names by what they weigh."""

_NOUNS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "remark"}
_GRAVITY = tuple(_NOUNS)


@dataclass(frozen=True)
class InboxLine:
    """What an inbox shows of a mail that is not open yet."""

    sender: str
    subject: str
    preheader: str


@dataclass(frozen=True)
class Weight:
    """What the HTML weighs, and the message with its pictures where these travel in it; in octets.

    `excerpted` are the articles that end early, as the mail would be over the budget with all of them.
    """

    octets: int
    message_octets: int | None
    parts: tuple[PartSize, ...]
    excerpted: tuple[str, ...] = ()
    budget: int = BUDGET_OCTETS
    limit: int = LIMIT_OCTETS

    @property
    def verdict(self) -> str:
        """What it means."""
        if self.octets > self.limit:
            return "too large: mail programs cut it off"
        return "over the budget" if self.octets > self.budget else "within the budget"


def panel_values(showing: Showing, look: Look) -> dict[str, object]:
    """What the panel's template needs."""
    proof = showing.proof
    return {
        "showing": showing,
        "look": look,
        "inbox": _inbox_line(proof, look) if proof else None,
        "weight": _weight(proof) if proof else None,
        "traits": traits_of(proof.rendering.edition) if proof else (),
        "counts": _count(showing.findings),
        "found": sorted(showing.findings, key=lambda found: (_GRAVITY.index(found.severity), found.path, found.line)),
    }


def _count(findings: Sequence[Finding]) -> str:
    """How many there are of each severity; of those that stop nothing, where there are any."""
    numbers = {severity: sum(found.severity is severity for found in findings) for severity in _GRAVITY}
    told = [(severity, number) for severity, number in numbers.items() if number or severity is Severity.ERROR]
    return ", ".join(count_of(number, _NOUNS[severity]) for severity, number in told)


def _inbox_line(proof: Proof, look: Look) -> InboxLine:
    edition, meta = proof.rendering.edition, proof.issue.meta
    return InboxLine(
        edition.sender_name, read_subject(edition, look.reader), read_line(meta.preheader, edition, look.reader)
    )


def _weight(proof: Proof) -> Weight:
    rendering = proof.rendering
    articles = sorted((part for part in rendering.parts if part.level), key=lambda part: -part.octets)
    return Weight(rendering.octets, rendering.message_octets, tuple(articles[:HEAVIEST]), rendering.excerpted)


def chosen(trait: Trait, about: Mapping[str, str]) -> str:
    """The value that is chosen for `trait`; the empty text where none is."""
    value = about.get(trait.name, "")
    return value if not trait.values or value in trait.values else ""
