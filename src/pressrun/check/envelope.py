"""Rules on what an inbox shows: the subject and the line beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pressrun.check.manuscript import Manuscript
from pressrun.check.rule import Fault, rule
from pressrun.check.width import columns_of
from pressrun.finding import Severity
from pressrun.source.field import write_fields
from pressrun.source.yamlfile import Place

LONGEST_SUBJECT = 60
SHORTEST_PREHEADER, LONGEST_PREHEADER = 25, 130
_SHOUTED = 8  # letters; shorter words in capitals are names
_SPAM = (
    (re.compile(r"[!！]{2,}|[?？]{2,}|[!！][?？]|[?？][!！]"), "several marks in a row"),
    (re.compile(r"[$€£¥￥]{2,}"), "several currency signs in a row"),
    (
        re.compile(
            r"\b(?:100% free|free (?:gift|money|trial|offer)|act now|buy now|click (?:here|now)|limited time|order now|"
            r"risk[- ]free|no obligation|you(?:'|’)?(?:ve| have) won|winner|cash bonus|earn \$|double your)\b|"
            r"^free\b|\bfree!",
            re.IGNORECASE,
        ),
        "words that spam is known by",
    ),
    (
        re.compile(
            r"免费[!！]|完全免费|免费领取|限时(?:优惠|抢购)|立即(?:购买|抢购|领取)|点击领取|中奖|恭喜您|赚钱|发票代开|代开发票|最后机会"
        ),
        "words that spam is known by",
    ),
)


def _shown(text: str) -> str:
    """`text` as somebody reads it of whom nothing is known."""
    return write_fields(text, lambda use: use.fallback)


def _place_of(manuscript: Manuscript) -> Place:
    """Where the subject comes from: its own key, the title, or the issue as a whole."""
    own = manuscript.own.head
    return next((own.places[key,] for key in ("subject", "title") if (key,) in own.places), Place(1, 1))


@rule("subject-long", Severity.WARNING, "The subject is at most 60 columns wide; a Chinese letter takes two.")
def find_long_subject(manuscript: Manuscript) -> Iterator[Fault]:
    """Phones show some 40 columns, desktops some 60."""
    width = columns_of(_shown(manuscript.issue.subject))
    if width > LONGEST_SUBJECT:
        what = f"the subject is {width} columns wide; inboxes cut it off at about {LONGEST_SUBJECT}"
        hint = "write a shorter subject:, with what matters first"
        yield Fault(manuscript.own.file, _place_of(manuscript), what, hint)


@rule("preheader", Severity.WARNING, "The preheader adds to the subject, in 25 to 130 columns.")
def find_poor_preheader(manuscript: Manuscript) -> Iterator[Fault]:
    """A line too short is filled up by mail programs with what comes next; one too long is cut."""
    meta, place = manuscript.issue.meta, manuscript.own.place_of("preheader")
    width = columns_of(_shown(meta.preheader))
    if repeated := _repeated(manuscript):
        what, hint = f"the preheader repeats the {repeated}", "tell two or three of the topics"
        yield Fault(manuscript.own.file, place, what, hint)
    elif width < SHORTEST_PREHEADER:
        what = f"the preheader is {width} columns wide, and inboxes have room for more"
        yield Fault(manuscript.own.file, place, what, "add another topic: inboxes fill the room with what comes next")
    elif width > LONGEST_PREHEADER:
        what = f"the preheader is {width} columns wide; inboxes show {LONGEST_PREHEADER} at most"
        yield Fault(manuscript.own.file, place, what, "keep the topics that matter most")


def _repeated(manuscript: Manuscript) -> str | None:
    issue = manuscript.issue
    beside = {"subject, which stands beside it": issue.subject, "title, which the mail shows too": issue.title}
    said = _shown(issue.meta.preheader).casefold()
    return next((what for what, text in beside.items() if _shown(text).casefold() == said), None)


@rule("spam-pattern", Severity.WARNING, "Subject and preheader don't shout.")
def find_spam_patterns(manuscript: Manuscript) -> Iterator[Fault]:
    """What filters count against a message, and readers too."""
    shown = {"subject": manuscript.issue.subject, "preheader": manuscript.issue.meta.preheader}
    for key, text in shown.items():
        place = _place_of(manuscript) if key == "subject" else manuscript.own.place_of(key)
        for what, found in _patterns_in(_shown(text)):
            message = f"the {key} has {what}: {found}"
            yield Fault(manuscript.own.file, place, message, "say it plainly: filters and readers distrust it")


def _patterns_in(text: str) -> Iterator[tuple[str, str]]:
    for pattern, what in _SPAM:
        if found := pattern.search(text):
            yield what, found[0]
    letters = [letter for letter in text if letter.isalpha() and letter.lower() != letter.upper()]
    if len(letters) >= _SHOUTED and all(letter.isupper() for letter in letters):
        yield "nothing but capitals", text
