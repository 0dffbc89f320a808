"""Builds the web archive and the feeds of publications into a folder, and no more of them than has to be."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2.sandbox import ImmutableSandboxedEnvironment

from pressrun.errors import UsageError
from pressrun.site.archive import FEED_FILES
from pressrun.site.choice import Choice, Judgement, Withheld, choose
from pressrun.site.digest import digest_makers
from pressrun.site.folder import FRONT_PAGE, MARKER, holding, is_ours, left_in, put, remove, staging, swap, write_tree
from pressrun.site.make import Made, Opened, make, open_choice, require_sound
from pressrun.site.pages import STYLE, make_environment, make_front_page, make_style
from pressrun.site.record import Record, is_whole, read_record
from pressrun.site.sitemap import ROBOTS, SITEMAP, write_robots
from pressrun.site.withheld import Standing
from pressrun.source.loader import load_publication
from pressrun.source.model import Publication
from pressrun.workspace import Workspace


@dataclass(frozen=True)
class PublicationReport:
    """What stands there of one publication: counts, and each feed's address by kind (rss, atom, json).

    `changed` of the `files` are not as they were; what is `withheld` has no page.
    """

    id: str
    title: str
    pages: int
    entries: int
    files: int
    feeds: Mapping[str, str]
    changed: int = 0
    withheld: tuple[Withheld, ...] = ()


@dataclass(frozen=True)
class SiteReport:
    """What `site` wrote, and where; `front_page` lists the publications."""

    out: Path
    publications: tuple[PublicationReport, ...]

    @property
    def front_page(self) -> Path:
        """The page to open first."""
        return self.out / FRONT_PAGE

    @property
    def withheld(self) -> tuple[Withheld, ...]:
        """Every issue that has no page, and why."""
        return tuple(issue for one in self.publications for issue in one.withheld)


def utc_now() -> dt.datetime:
    """This moment."""
    return dt.datetime.now(dt.UTC)


@dataclass
class _Build:
    """One publication on its way: what is shown of it, what the last build noted, and what is made now."""

    choice: Choice
    record: Record | None
    opened: Opened | None = None
    made: Made | None = None
    changed: int = 0

    @property
    def name(self) -> str:
        return self.choice.folder.name


@dataclass(frozen=True)
class _Site:
    workspace: Workspace
    out: Path
    environment: ImmutableSandboxedEnvironment
    publications: dict[str, Publication] = field(default_factory=dict)


def site(
    workspace: Workspace,
    out: Path,
    publications: Sequence[str] | None = None,
    *,
    clock: Callable[[], dt.datetime] = utc_now,
    ask: Callable[[], Standing] = Standing,
    shown: Collection[str] = (),
) -> SiteReport:
    """Write archive pages, feeds and pictures of `publications` (all without) into `out/<publication>/`.

    The same sources give the same bytes, and a file that does not change stays the file it is. Each publication's
    folder is built aside and swapped in, so that a reader never meets a half-written one.

    What is not out by `clock`, or not approved, is withheld; `ask` gives what the store knows of it, and is called only
    where that matters. The issues `shown` (`publication/issue`) are not withheld: whoever names them publishes them.

    Raises PressrunError where an issue that is shown has errors, and UsageError for an unknown publication or an `out`
    that holds something else.
    """
    folders = _issue_folders(workspace, publications) | _emptied(workspace, out, publications)
    judgement = Judgement(clock(), ask, shown)
    makers = digest_makers(workspace.root, workspace.template_folders)
    here = _Site(workspace, out, make_environment(workspace))
    with holding(out, [folder.name for folder in folders]):
        builds = [_begin(out, folder, issues, makers, judgement) for folder, issues in folders.items()]
        _make_all(here, builds)
        with staging(out) as stage:
            for build in builds:
                _place(here, build, stage)
            put(stage, out, _make_front(here, builds))
    return SiteReport(out, tuple(_report(here, build) for build in builds))


def _issue_folders(workspace: Workspace, publications: Sequence[str] | None) -> dict[Path, list[Path]]:
    known: dict[str, list[Path]] = {}
    for folder in workspace.issue_folders():
        known.setdefault(folder.parent.name, []).append(folder)
    for name in publications or ():
        if name not in known:
            raise UsageError(f"no publication with issues is called {name!r}", f"known: {', '.join(known) or 'none'}")
    if not known:
        raise UsageError(f"{workspace.issues} holds no issue", "write one; see docs/writing.md")
    return {issues[0].parent: issues for name, issues in known.items() if not publications or name in publications}


def _emptied(workspace: Workspace, out: Path, publications: Sequence[str] | None) -> dict[Path, list[Path]]:
    """The publications that are gone, or whose last issue is: what an earlier build left of them goes too.

    A build of one publication takes away nothing of another.
    """
    here = {folder.name for folder in workspace.publication_folders() if is_ours(out / folder.name)}
    left = (name for name in sorted(here.union(left_in(out))) if not publications or name in publications)
    return {workspace.issues / name: [] for name in left if not workspace.issue_folders(name)}


def _begin(out: Path, folder: Path, issues: Sequence[Path], makers: str, judgement: Judgement) -> _Build:
    record = read_record(out / folder.name)
    return _Build(choose(folder, issues, record, makers, judgement), record)


def _make_all(here: _Site, builds: Sequence[_Build]) -> None:
    """Read and make what changed; all that is shown must be sound before anything is made."""
    changed = [build for build in builds if build.choice.shown and not _is_done(here.out / build.name, build)]
    for build in changed:
        build.opened = open_choice(build.choice, build.record)
    require_sound(here.workspace.root, [build.opened for build in changed if build.opened])
    for build in changed:
        if build.opened:
            build.made = make(build.opened, here.out / build.name, here.environment)


def _is_done(folder: Path, build: _Build) -> bool:
    record = build.record
    return record is not None and record.made_from == build.choice.made_from and is_whole(folder, record)


def _place(here: _Site, build: _Build, stage: Path) -> None:
    """Put what was made where readers look, and take away what is not shown any more."""
    place, new = here.out / build.name, stage / build.name
    if build.made:
        names, build.changed = write_tree(build.made.files, new, place)
        gone = build.record.files.keys() - names.keys() if build.record else ()
        build.changed += len(gone)
        build.record = build.made.record(names)
        (new / MARKER).write_text(build.record.model_dump_json(), encoding="utf-8")
        swap(new, place)
    elif not build.choice.shown and place.exists():
        build.changed = len(build.record.files) if build.record else 0
        remove(place, stage)


def _make_front(here: _Site, builds: Sequence[_Build]) -> dict[str, bytes]:
    """The page above the publications built now and those an earlier build left, and what belongs to it."""
    for folder in here.workspace.publication_folders():
        if is_ours(here.out / folder.name) and (publication := load_publication(folder)[0]):
            here.publications[folder.name] = publication
    listed = sorted(here.publications.items())
    sitemaps = [f"{publication.base_url.rstrip('/')}/{SITEMAP}" for _, publication in listed]
    texts = {
        FRONT_PAGE: make_front_page(listed, here.environment),
        STYLE: make_style(here.environment),
        ROBOTS: write_robots(sitemaps),
    }
    return {name: text.encode() for name, text in texts.items()}


def _report(here: _Site, build: _Build) -> PublicationReport:
    publication, record = here.publications.get(build.name), build.record
    base = f"{publication.base_url.rstrip('/')}/" if publication else ""
    is_there = bool(build.choice.shown and record)
    return PublicationReport(
        id=build.name,
        title=publication.title if publication else build.name,
        pages=record.pages if record and is_there else 0,
        entries=record.entries if record and is_there else 0,
        files=len(record.files) if record and is_there else 0,
        feeds={kind: base + file for kind, file in FEED_FILES.items()} if is_there else {},
        changed=build.changed,
        withheld=build.choice.withheld,
    )
