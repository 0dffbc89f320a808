"""The web archive and the feeds of 24 issues with ten articles each: from nothing, with one change, and with none."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.measure import Bar, Contender, Contest, Line, Result, Sample, Scale, begin, hold
from benchmarks.report import seconds
from pressrun.site.build import site
from pressrun.workspace import Workspace, open_workspace

ISSUES, ARTICLES = 24, 10
_MODEL = "spp"
_COLD, _CHANGED, _UNCHANGED = "from nothing", "one article changed", "nothing changed"
BARS = {_COLD: 1.5, _UNCHANGED: 0.3}
"""Seconds by the clock."""


@dataclass(frozen=True)
class Job:
    """The workspace that the made-up one takes its texts and pictures from."""

    root: Path


def measure(root: Path, scale: Scale) -> list[Result]:
    """Hold the contest."""
    what = f"`site()` for {ISSUES} issues of {ARTICLES} articles each: pages, search index, feeds, pictures."
    held = hold(Contest("The site of a big archive", "site", what, Job(root), BUILDS), scale.rounds)
    return [replace(held, bars=tuple(_bar(line) for line in held.lines if line.name in BARS))]


def _bar(line: Line) -> Bar:
    built, bar = median(line.walls), BARS[line.name]
    name = f"site of {ISSUES} issues with {ARTICLES} articles, {line.name}"
    return Bar(name, f"at most {seconds(bar)}", seconds(built), built <= bar)


@contextmanager
def big_workspace(root: Path) -> Iterator[Workspace]:
    """A workspace with articles and pictures of the real issues, dealt out anew; the site was built into `site/`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pressrun.toml").touch()
        publication = folder / "issues" / _MODEL
        publication.mkdir(parents=True)
        shutil.copyfile(root / "issues" / _MODEL / "publication.yaml", publication / "publication.yaml")
        models = sorted(file.parent for file in (root / "issues" / _MODEL).glob("*/issue.yaml"))
        for number in range(ISSUES):
            _write_issue(models, number, publication / f"{2002 + number}-01")
        workspace = open_workspace(folder)
        site(workspace, folder / "site")
        yield workspace


def _write_issue(models: list[Path], number: int, folder: Path) -> None:
    """An issue of ten articles, taken from the real ones in turn, with the pictures they need."""
    articles = [file for model in models for file in sorted(model.glob("*.md"))]
    chosen = [articles[(number * ARTICLES + n) % len(articles)] for n in range(ARTICLES)]
    (folder / "media").mkdir(parents=True)
    shutil.copyfile(models[number % len(models)] / "media" / "cover.png", folder / "media" / "cover.png")
    for n, file in enumerate(chosen):
        text = file.read_text(encoding="utf-8")
        for picture in set(re.findall(r"media/[\w.-]+", text)):
            shutil.copyfile(file.parent / picture, folder / "media" / f"{n}-{Path(picture).name}")
        (folder / f"article-{n}.md").write_text(text.replace("media/", f"media/{n}-"), encoding="utf-8")
    listed = ", ".join(f"article-{n}" for n in range(ARTICLES))
    (folder / "issue.yaml").write_text(
        f"year: {2002 + number}\nnumber: 1\ntotal: {number + 1}\ndate: {2002 + number}-03-31\npreheader: 本期要点\n"
        f"cover: {{image: media/cover.png, alt: 封面}}\nsections:\n"
        f"  - {{title: 进展, slug: progress, articles: [{listed}]}}\n",
        encoding="utf-8",
    )


def build_cold(job: Job) -> Sample:
    """Into a new folder."""
    with big_workspace(job.root) as workspace:
        started = begin()
        site(workspace, workspace.root / "new")
        return started.until_now(1)


def build_changed(job: Job) -> Sample:
    """After a change of one article."""
    with big_workspace(job.root) as workspace:
        article = workspace.issues / _MODEL / "2012-01" / "article-3.md"
        article.write_text(f"{article.read_text(encoding='utf-8')}\n新的一段。\n", encoding="utf-8")
        started = begin()
        site(workspace, workspace.root / "site")
        return started.until_now(1)


def build_unchanged(job: Job) -> Sample:
    """Where nothing changed."""
    with big_workspace(job.root) as workspace:
        started = begin()
        site(workspace, workspace.root / "site")
        return started.until_now(1)


BUILDS = (
    Contender(_COLD, build_cold),
    Contender(_CHANGED, build_changed),
    Contender(_UNCHANGED, build_unchanged),
)
