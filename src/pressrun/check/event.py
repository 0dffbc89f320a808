"""The rule on events: each has a calendar file of its own."""

from __future__ import annotations

from collections.abc import Iterator

from pressrun.check.manuscript import Manuscript
from pressrun.check.rule import Fault, rule
from pressrun.finding import Severity


@rule("event-twice", Severity.ERROR, "No two events of an issue have the same slug.")
def find_events_with_one_slug(manuscript: Manuscript) -> Iterator[Fault]:
    """Events whose calendar files would overwrite each other."""
    seen: set[str] = set()
    for page in manuscript.articles:
        for kind, block in page.blocks:
            slug = block.data.get("slug") if isinstance(block.data, dict) else None
            if kind != "event" or not isinstance(slug, str):
                continue
            if slug in seen:
                what = f"another event of this issue is called {slug}"
                yield Fault(page.file, block.place_of(("slug",)), what, "give this one another slug")
            seen.add(slug)
