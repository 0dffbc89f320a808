"""Which feed files there are and what stands in each: live feeds, and archive documents as RFC 5005 §4 has them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pressrun.site.archive import Archive
from pressrun.site.feed_entry import Entry, feed_id
from pressrun.site.feed_name import ISSUES, SECTIONS, Kind, file_name
from pressrun.source.issue import Issue
from pressrun.wording import words

ISSUES_IN_FEED = 5
"""How many issues a live feed holds."""
ISSUES_IN_ARCHIVE = 5
"""How many numbered issues share an archive document. Another number would give every document other contents."""
ENTRIES_IN_SECTION = 50
"""How many entries the feed of a section holds; it has no archive documents, as the main feed's hold them too."""


@dataclass(frozen=True)
class Group:
    """An issue with its entries in one feed."""

    issue: Issue
    entries: tuple[Entry, ...]

    @property
    def number(self) -> int:
        """The archive document it belongs to: by its running number, so that it stays there whatever comes or goes."""
        return (self.issue.meta.total - 1) // ISSUES_IN_ARCHIVE + 1


@dataclass(frozen=True)
class Family:
    """A feed as readers know it, in whatever format: its groups are the issues it tells of, newest first."""

    id: str
    title: str
    groups: tuple[Group, ...]
    folder: str = ""
    prefix: str = ""

    def path(self, kind: Kind, number: int | None = None) -> str:
        """Where its live feed stands below the publication's folder, or its archive document `number`."""
        return self.folder + file_name(kind, self.prefix, number)


@dataclass(frozen=True)
class Document:
    """One file of a feed, in each format: the live feed, or the archive document `number`.

    `earlier` and `later` are the numbers of the archive documents before and after it.
    """

    family: Family
    newest: Issue
    entries: tuple[Entry, ...]
    number: int | None = None
    earlier: int | None = None
    later: int | None = None

    def path(self, kind: Kind) -> str:
        """Where it stands below the publication's folder."""
        return self.family.path(kind, self.number)

    @property
    def is_archive(self) -> bool:
        """Whether it is an archive document."""
        return self.number is not None


def make_families(archive: Archive, groups: tuple[Group, ...], issues: tuple[Group, ...]) -> list[Family]:
    """The feeds of a publication: an entry an article, an entry an issue, and one for each section of any issue."""
    publication = archive.publication
    say, name = words(publication.language), feed_id(publication, archive.id)
    every = f"{publication.title}{say['colon']}{say['all_issues']}"
    families = [Family(name, publication.title, groups), Family(f"{name}?issues", every, issues, prefix=ISSUES)]
    titles: dict[str, str] = {}
    for section in (section for group in groups for section in group.issue.sections):
        titles.setdefault(section.meta.slug, section.meta.title)
    for slug, title in sorted(titles.items()):
        of_it = tuple(
            Group(group.issue, entries)
            for group in groups
            if (entries := tuple(entry for entry in group.entries if entry.section == slug))
        )
        if not of_it:  # nothing in it is for everybody
            continue
        about = f"{publication.title}{say['colon']}{title}"
        families.append(Family(f"{name}?section={slug}", about, of_it, folder=f"{SECTIONS}/{slug}/"))
    return families


def make_documents(family: Family) -> Iterator[Document]:
    """The live feed of `family`, then its archive documents, oldest first."""
    if family.folder:
        entries = tuple(entry for group in family.groups for entry in group.entries)
        yield Document(family, family.groups[0].issue, entries[:ENTRIES_IN_SECTION])
        return
    live, older = family.groups[:ISSUES_IN_FEED], family.groups[ISSUES_IN_FEED:]
    numbers = sorted({group.number for group in older})
    since = live[-1].issue.published
    # RFC 5005 §4.1: who has read an archive document does not come back to it, so what changes in one comes out again.
    again = (entry for group in older for entry in group.entries if entry.is_changed and entry.updated > since)
    entries = (*(entry for group in live for entry in group.entries), *again)
    yield Document(family, live[0].issue, entries, earlier=numbers[-1] if numbers else None)
    for number, earlier, later in zip(numbers, [None, *numbers], [*numbers[1:], None], strict=False):
        groups = [group for group in family.groups if group.number == number]
        entries = tuple(entry for group in groups for entry in group.entries)
        yield Document(family, groups[0].issue, entries, number, earlier, later)
