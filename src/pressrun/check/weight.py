"""Rules on weight: what mail programs cut off, and mail servers refuse."""

from __future__ import annotations

from collections.abc import Iterator

from pressrun.check.manuscript import Manuscript
from pressrun.check.rule import Fault, Stage, rule
from pressrun.finding import Severity
from pressrun.render.mail import BUDGET_OCTETS, LIMIT_OCTETS, Rendering
from pressrun.source.attachment import LIMIT_OCTETS as MESSAGE_LIMIT_OCTETS
from pressrun.source.attachment import WARN_OCTETS

_TOLD = 3


@rule(
    "message-large",
    Severity.ERROR,
    "Attachments and pictures in the message have at most 10 MB in all; over 1 MB is a warning.",
)
def find_large_messages(manuscript: Manuscript) -> Iterator[Fault]:
    """Pictures and attachments in the message weigh a third more on the way, and servers refuse big mail."""
    issue = manuscript.issue
    pictures = issue.pictures.values() if issue.publication.images == "inline" else ()
    octets = sum(file.octets for file in (*issue.attachments, *pictures))
    if octets <= WARN_OCTETS:
        return
    page, key = (manuscript.own, "attachments") if issue.attachments else (manuscript.publication, "images")
    what = "attachments" + (" and pictures in the message" if pictures else "") if issue.attachments else "the pictures"
    message = f"{what} have {octets / 1024 / 1024:.1f} MB in all"
    hint, severity = "link to what is large, or host it: it fills every reader's mailbox", Severity.WARNING
    if octets > MESSAGE_LIMIT_OCTETS:
        message, severity = f"{message}; mail servers refuse it", Severity.ERROR
        hint = f"keep below {MESSAGE_LIMIT_OCTETS // 1024 // 1024} MB, or link"
    yield Fault(page.file, page.head.key_place_of((key,)), message, hint, severity)


@rule("mail-large", Severity.ERROR, "The mail's HTML has at most 100 KB; over 90 KB is a warning.", Stage.MAIL)
def find_large_mail(manuscript: Manuscript) -> Iterator[Fault]:
    """Gmail cuts a mail off near 102 KB, and hides the link to unsubscribe with the rest."""
    octets = manuscript.rendering.octets
    if octets <= BUDGET_OCTETS:
        return
    severity = Severity.ERROR if octets > LIMIT_OCTETS else Severity.WARNING
    what = f"the mail has {octets // 1024} KB, and mail programs cut it off near {LIMIT_OCTETS // 1024}"
    hint = f"shorten the heaviest articles: {_heaviest(manuscript.rendering)}"
    if manuscript.issue.mail_text != "excerpt":
        hint += "; or write mail_text: excerpt"
    yield Fault(manuscript.own.file, manuscript.own.head.key_place_of(("sections",)), what, hint, severity)


def _heaviest(rendering: Rendering) -> str:
    articles = sorted((part for part in rendering.parts if part.level), key=lambda part: -part.octets)
    return ", ".join(f"{part.name} ({part.octets / 1024:.0f} KB)" for part in articles[:_TOLD])
