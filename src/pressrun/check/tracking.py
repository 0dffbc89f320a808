"""Rules on links that carry somebody else's counting: a subscriber's id, a campaign's, a page that only sends on."""

from __future__ import annotations

from collections.abc import Iterator

from pressrun.check.address import fault_at
from pressrun.check.manuscript import Manuscript
from pressrun.check.page import Page
from pressrun.check.rule import Fault, rule
from pressrun.check.wrapping import Kind, Wrapping, read_wrapping, unwrap
from pressrun.finding import Severity
from pressrun.source.link import Link


def _wrapped(manuscript: Manuscript, kind: Kind) -> Iterator[tuple[Page, Link, Wrapping]]:
    for page, link in manuscript.links:
        wrapping = read_wrapping(link.url)
        if wrapping and wrapping.kind == kind:
            yield page, link, wrapping


def _hint(url: str) -> str:
    """How to mend it: the address itself, where that can be seen."""
    bare = unwrap(url)
    ends = bare != url and read_wrapping(bare) is None
    return f"write {bare}" if ends else "open it once and link to the page it ends at"


@rule("tracking-link", Severity.ERROR, "No link carries somebody's subscriber id.")
def find_subscriber_ids(manuscript: Manuscript) -> Iterator[Fault]:
    """Links copied out of another newsletter or out of a mailbox that guards its owner."""
    for page, link, wrapping in _wrapped(manuscript, "reader"):
        what = f"this link carries somebody's subscriber id ({wrapping.by}): every reader's click would count as theirs"
        yield fault_at(page, link, what, _hint(link.url))


@rule("redirect-link", Severity.WARNING, "A link leads to its page, not to one that sends on.")
def find_redirects(manuscript: Manuscript) -> Iterator[Fault]:
    """Shortened links and search engines' passages: they hide the site, count, and break one day."""
    for page, link, wrapping in _wrapped(manuscript, "passage"):
        what = f"{wrapping.by} stands between the reader and the page, and filters distrust it"
        yield fault_at(page, link, what, _hint(link.url))


@rule("campaign-link", Severity.WARNING, "No link carries the marks of somebody's campaign.")
def find_campaign_marks(manuscript: Manuscript) -> Iterator[Fault]:
    """Parameters such as utm_source that say through whose letter or post the link was found."""
    for page, link, wrapping in _wrapped(manuscript, "campaign"):
        what = f"{wrapping.by} says through whose letter or post this link was found"
        yield fault_at(page, link, what, _hint(link.url))
