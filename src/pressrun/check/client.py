"""Rules on mail programs: what content and theme ask of them beyond MJML's own markup, and who doesn't know it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from functools import cache

from pressrun.check.feature import Marks, read_marks
from pressrun.check.manuscript import Manuscript
from pressrun.check.page import Page
from pressrun.check.rule import Fault, Stage, rule
from pressrun.check.support import Feature, Share, read_support
from pressrun.finding import Severity
from pressrun.render.mjml import compile_mjml
from pressrun.source.yamlfile import Place

WEAK_PERCENT = 50
_TOLD = 4
# Without these a mail looks a little plainer, and says the same: whoever knows them does better.
_GRACEFUL = frozenset(
    "element bdi,attribute meta name=color-scheme,attribute lang,attribute dir,attribute role,attribute hidden,"
    "attribute aria-hidden,attribute aria-label,attribute aria-labelledby,attribute aria-describedby,"
    "property overflow-wrap,property word-wrap,property word-break,property hyphens,property border-radius,"
    "property text-decoration-color,property text-decoration-line,property text-decoration-style,"
    "property text-decoration-thickness,property text-underline-offset,property text-wrap,property box-shadow".split(
        ","
    )
)
# The least mail that has each of MJML's parts: what these need is MJML's affair, and works.
_SKELETON = """\
<mjml lang="en"><mj-head><mj-title>a</mj-title><mj-attributes><mj-all font-family="Arial" /></mj-attributes>
<mj-style>a { color: #111111; }
@media only screen and (max-width: 479px) { a { color: #111111 !important; } }</mj-style>
</mj-head><mj-body background-color="#ffffff"><mj-section background-color="#ffffff" padding="1px"><mj-column>
<mj-text color="#111111" font-size="16px" line-height="1.6" align="left">
<h1 style="margin:0">a</h1><p style="margin:0">a</p><a href="https://a.example">a</a></mj-text>
<mj-image src="https://a.example/a.png" alt="a" width="100px" href="https://a.example" />
<mj-divider border-width="1px" /><mj-button href="https://a.example">a</mj-button>
</mj-column></mj-section></mj-body></mjml>"""


@cache
def _skeleton() -> Marks:
    return read_marks(compile_mjml(_SKELETON, "the skeleton"))


@rule("client-unknown", Severity.WARNING, "The publication's clients are names that caniemail knows.")
def find_unknown_clients(manuscript: Manuscript) -> Iterator[Fault]:
    """Names that nothing is known of."""
    known = read_support().families
    for n, name in enumerate(manuscript.issue.publication.clients):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known)}"
            place = manuscript.publication.place_of("clients", n)
            yield Fault(manuscript.publication.file, place, f"no mail program is called {name}", hint)


@rule(
    "client-support",
    Severity.WARNING,
    "What content and theme add is shown by at least half of the publication's clients; where some fail, it is told.",
    Stage.MAIL,
)
def find_weak_support(manuscript: Manuscript) -> Iterator[Fault]:
    """A line for each feature that one of the clients doesn't show."""
    marks, support = read_marks(manuscript.rendering.edition.html) - _skeleton(), read_support()
    for feature in support.features:
        share = support.share_of(feature, manuscript.issue.publication.clients)
        if not share.failing or not feature.marks & (marks.firm | marks.added):
            continue
        is_addition = not feature.marks & (marks.firm - _GRACEFUL)
        severity = Severity.WARNING if share.percent < WEAK_PERCENT and not is_addition else Severity.INFO
        page, place, whose = _find_user(manuscript, feature)
        hint = "it is an addition there: look at the mail without it" if is_addition else "see that nothing hangs on it"
        yield Fault(page.file, place, f"{feature.title}, used by {whose}: {_tell(share)}", hint, severity)


def _tell(share: Share) -> str:
    more = f" and {len(share.failing) - _TOLD} more" if len(share.failing) > _TOLD else ""
    return f"{share.percent} % of the clients show it; not {', '.join(share.failing[:_TOLD])}{more}"


def _find_user(manuscript: Manuscript, feature: Feature) -> tuple[Page, Place, str]:
    """Which file brings a feature in: the first text with such an element, else the theme."""
    for page in manuscript.pages:
        lines = [page.elements[mark.removeprefix("element ")] for mark in feature.marks if _is_in(page, mark)]
        if lines:
            return page, Place(min(lines), 1), "the text"
    return manuscript.publication, manuscript.publication.place_of("theme"), "the theme"


def _is_in(page: Page, mark: str) -> bool:
    return mark.startswith("element ") and mark.removeprefix("element ") in page.elements
