"""The archive's pages as text: its index, a page for each issue, and the list of publications."""

from __future__ import annotations

from collections.abc import Sequence

from jinja2.sandbox import ImmutableSandboxedEnvironment

from pressrun.render.environment import make_html_environment, render_template
from pressrun.site.archive import Archive
from pressrun.site.prose import feed_prose, page_prose
from pressrun.source.issue import Issue
from pressrun.source.model import Publication
from pressrun.wording import words
from pressrun.workspace import Workspace

INDEX = "index.html"
STYLE = "style.css"
_RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


def make_environment(workspace: Workspace) -> ImmutableSandboxedEnvironment:
    """The environment of archive and feed templates."""
    environment = make_html_environment(workspace.template_folders)
    environment.filters["page_prose"] = page_prose
    environment.filters["feed_prose"] = feed_prose
    environment.filters["direction"] = direction
    return environment


def direction(language: str) -> str:
    """Which way text in `language` runs: ltr or rtl."""
    return "rtl" if language.split("-")[0].lower() in _RIGHT_TO_LEFT else "ltr"


def make_pages(archive: Archive, environment: ImmutableSandboxedEnvironment) -> dict[str, str]:
    """Every page and style sheet of `archive`, by its path below the publication's folder."""
    pages = {
        STYLE: make_style(environment),
        INDEX: render_template(environment, "site/archive.html.j2", **_common(archive), up=""),
    }
    for issue in archive.issues:
        pages[f"{issue.id}/{INDEX}"] = _make_issue_page(archive, issue, environment)
    return pages


def _make_issue_page(archive: Archive, issue: Issue, environment: ImmutableSandboxedEnvironment) -> str:
    previous, following = archive.neighbours(issue)
    values = _common(archive) | {"issue": issue, "previous": previous, "next": following, "up": "../"}
    return render_template(environment, "site/issue.html.j2", **values)


def _common(archive: Archive) -> dict[str, object]:
    language = archive.publication.language
    return {"archive": archive, "publication": archive.publication, "language": language, "words": words(language)}


def make_front_page(publications: Sequence[tuple[str, Publication]], environment: ImmutableSandboxedEnvironment) -> str:
    """The page above all publications, each given with its folder's name."""
    languages = {publication.language for _, publication in publications}
    language = languages.pop() if len(languages) == 1 else "en"
    values = {"publications": publications, "language": language, "words": words(language), "up": ""}
    return render_template(environment, "site/publications.html.j2", **values)


def make_style(environment: ImmutableSandboxedEnvironment) -> str:
    """The style sheet of all pages."""
    return render_template(environment, f"site/{STYLE}")
