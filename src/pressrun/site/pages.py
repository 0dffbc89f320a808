"""The archive's pages as text: its index, a page for each issue and each article, and the list of publications."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial

from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from pressrun.event_time import tell_event_time
from pressrun.markdown import render_markdown
from pressrun.render.environment import make_html_environment, render_template
from pressrun.render.public import show_public
from pressrun.render.tabular import figure_columns
from pressrun.site.archive import Archive, Reading, readings
from pressrun.site.correction import corrections_of, updated
from pressrun.site.feed_entry import excerpt
from pressrun.site.metadata import describe_archive, describe_article, describe_issue, write_facts
from pressrun.site.prose import feed_prose, page_prose
from pressrun.site.search import Bodies, write_search_index
from pressrun.site.sitemap import ROBOTS, SITEMAP, write_robots, write_sitemap
from pressrun.source.issue import Article, Issue
from pressrun.source.model import Publication
from pressrun.wording import words
from pressrun.workspace import Workspace

INDEX = "index.html"
STYLE = "style.css"
SEARCH = "search.js"
SEARCH_INDEX = "search-index.js"
_REMEMBERED = 8192


def make_environment(workspace: Workspace) -> ImmutableSandboxedEnvironment:
    """The environment of archive and feed templates. It remembers Markdown: a text stands on two pages and in feeds."""
    environment = make_html_environment(workspace.template_folders)

    @lru_cache(maxsize=_REMEMBERED)
    def markdown(text: str, of: str = "") -> Markup:
        return Markup(show_public(text, lambda public: render_markdown(public, of)))

    environment.filters["markdown"] = markdown
    environment.filters["figure_columns"] = figure_columns
    environment.filters["page_prose"] = page_prose
    environment.filters["feed_prose"] = feed_prose
    return environment


def make_pages(archive: Archive, environment: ImmutableSandboxedEnvironment) -> dict[str, str]:
    """Every page, script and style sheet of `archive`, by its path below the publication's folder."""
    pages = make_shared(archive, environment)
    for issue in archive.shown:
        pages |= make_issue_pages(archive, issue, environment)
    return pages


def make_shared(archive: Archive, environment: ImmutableSandboxedEnvironment) -> dict[str, str]:
    """What stands above the issues, and rests on all of them."""
    facts = write_facts(describe_archive(archive))
    index = render_template(environment, "site/archive.html.j2", **_common(archive), facts=facts, up="")
    bodies: Bodies = {
        (issue.id, article.slug): make_body(issue, article, environment)
        for issue in archive.issues
        for article in issue.articles
    }
    return {
        INDEX: index,
        STYLE: make_style(environment),
        SEARCH: render_template(environment, f"site/{SEARCH}"),
        SEARCH_INDEX: write_search_index(archive, bodies),
        SITEMAP: write_sitemap(archive),
        ROBOTS: write_robots([archive.url + SITEMAP]),
    }


def make_issue_pages(archive: Archive, issue: Issue, environment: ImmutableSandboxedEnvironment) -> dict[str, str]:
    """The page of `issue` with all its text, and a page for each article."""
    pages = {f"{issue.id}/{INDEX}": _make_issue_page(archive, issue, environment)}
    for reading in readings(issue):
        pages[f"{issue.id}/{reading.article.slug}/{INDEX}"] = _make_article_page(archive, issue, reading, environment)
    return pages


def make_body(issue: Issue, article: Article, environment: ImmutableSandboxedEnvironment, at: str = "../") -> str:
    """The HTML of an article's text; `at` leads from its page to the issue's folder."""
    own = article.meta.language or issue.publication.language
    tell = partial(tell_event_time, language=own, zone=issue.publication.zone)
    values = {"blocks_of": article.blocks, "issue": issue, "own": own, "at": at, "event_time": tell}
    return render_template(environment, "site/body.html.j2", **values, words=words(issue.publication.language))


def _make_issue_page(archive: Archive, issue: Issue, environment: ImmutableSandboxedEnvironment) -> str:
    previous, following = archive.neighbours(issue)
    values = {
        "issue": issue,
        "bodies": {article.slug: Markup(make_body(issue, article, environment, "")) for article in issue.articles},
        "corrected": archive.corrected_by(issue),
        "previous": previous,
        "next": following,
        "updated": updated(issue),
        "facts": write_facts(describe_issue(archive, issue)),
        "up": "../",
    }
    return render_template(environment, "site/issue.html.j2", **_common(archive), **values)


def _make_article_page(
    archive: Archive, issue: Issue, reading: Reading, environment: ImmutableSandboxedEnvironment
) -> str:
    body = Markup(make_body(issue, reading.article, environment))
    description = reading.article.meta.summary or excerpt(body)
    values = {
        "issue": issue,
        "reading": reading,
        "body": body,
        "description": description,
        "updated": updated(issue, reading.article.slug),
        "facts": write_facts(describe_article(archive, issue, reading, description)),
        "up": "../../",
    }
    return render_template(environment, "site/article.html.j2", **_common(archive), **values)


def _common(archive: Archive) -> dict[str, object]:
    language = archive.publication.language
    return {
        "archive": archive,
        "publication": archive.publication,
        "language": language,
        "words": words(language),
        "corrections_of": corrections_of,
    }


def make_front_page(publications: Sequence[tuple[str, Publication]], environment: ImmutableSandboxedEnvironment) -> str:
    """The page above all publications, each given with its folder's name."""
    languages = {publication.language for _, publication in publications}
    language = languages.pop() if len(languages) == 1 else "en"
    values = {"publications": publications, "language": language, "words": words(language), "up": "", "facts": None}
    return render_template(environment, "site/publications.html.j2", **values)


def make_style(environment: ImmutableSandboxedEnvironment) -> str:
    """The style sheet of all pages."""
    return render_template(environment, f"site/{STYLE}")
