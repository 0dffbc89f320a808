"""What is wrong with an issue: the faults of loading it, then rules on what it says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pressrun.errors import RenderError
from pressrun.finding import Finding, Severity, in_order
from pressrun.render.theme import load_theme
from pressrun.source.issue import Issue
from pressrun.source.link import Link, links_in
from pressrun.source.loader import ISSUE_FILE, PUBLICATION_FILE, LoadedIssue, load_issue
from pressrun.source.model import Colophon
from pressrun.source.text import read_text
from pressrun.source.yamlfile import read_yaml

if TYPE_CHECKING:
    from pressrun.workspace import Workspace

_TRACKING = re.compile(r"list-manage\.com/track/|/track/(?:link|click)/|[?&]e=[0-9a-f]{8,}|/userid/", re.I)


def check(folder: Path, workspace: Workspace) -> list[Finding]:
    """Everything found in the issue in `folder`, with paths told from the workspace's root."""
    return list(examine(folder, workspace).findings)


def examine(folder: Path, workspace: Workspace) -> LoadedIssue:
    """The issue in `folder`, read once, with all that loading and the rules found in it."""
    loaded = load_issue(folder)
    findings = list(loaded.findings)
    if loaded.issue:
        findings += check_issue(loaded.issue)
        findings += _check_theme(loaded.issue, workspace)
    told = in_order(finding.relative_to(workspace.root) for finding in findings)
    return LoadedIssue(loaded.issue, tuple(told))


def _check_theme(issue: Issue, workspace: Workspace) -> Iterator[Finding]:
    file = issue.folder.parent / PUBLICATION_FILE
    try:
        load_theme(issue.publication.theme, workspace.template_folders)
    except RenderError as error:
        text, _ = read_text(file)
        place = read_yaml(text or "", str(file)).place_of(("theme",))
        link = Link(issue.publication.theme, place.line, place.column)
        yield _finding(file, link, Severity.ERROR, "bad-theme", error.message, error.remedy)


def check_issue(issue: Issue) -> Iterator[Finding]:
    """What the rules find in a sound issue's files and its publication's."""
    publication, own = issue.folder.parent / PUBLICATION_FILE, issue.folder / ISSUE_FILE
    for file in (publication, own, *(article.file for article in issue.articles)):
        for link in links_in(file):
            for code, message, hint in _faults_of(link.url):
                yield _finding(file, link, Severity.ERROR, code, message, hint)
    yield from _check_unsubscribe(issue, publication)
    yield from _check_website(issue.colophon, own if issue.meta.colophon else publication)


def _check_unsubscribe(issue: Issue, file: Path) -> Iterator[Finding]:
    """One-click unsubscribe takes an HTTPS address (RFC 8058 §3.1), and it begins with the publication's."""
    for link in links_in(file):
        if link.url == issue.publication.base_url and not link.url.startswith("https://"):
            what = "mail programs offer no one-click unsubscribe at an address without https"
            yield _finding(file, link, Severity.WARNING, "base-url-insecure", what, "write it with https://")
            return


def _check_website(colophon: Colophon, file: Path) -> Iterator[Finding]:
    """The web site's domain and the mail's should not be all but the same."""
    if not colophon.website or not colophon.mail:
        return
    site, mail = _host_of(colophon.website) or "", colophon.mail.rpartition("@")[2].lower()
    site_domain, mail_domain = (".".join(host.split(".")[-2:]) for host in (site, mail))
    if site_domain == mail_domain or SequenceMatcher(None, site_domain, mail_domain).ratio() < 0.8:
        return
    for link in links_in(file):
        if link.url == colophon.website:
            what = f"the web site is at {site}, but the mail at {mail}"
            yield _finding(file, link, Severity.WARNING, "domain-mismatch", what, "is one of them misspelt?")


def _finding(file: Path, link: Link, severity: Severity, code: str, message: str, hint: str) -> Finding:
    return Finding(
        path=str(file), line=link.line, column=link.column, severity=severity, code=code, message=message, hint=hint
    )


def _host_of(url: str) -> str | None:
    """The host `url` names, if any; None where it can't be read at all (`http://[`)."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return None


def _faults_of(url: str) -> Iterator[tuple[str, str, str]]:
    if _TRACKING.search(url):
        yield (
            "tracking-link",
            "this link carries somebody's subscriber id: every reader's click would count as theirs",
            "open it once and link to the page it ends at",
        )
    if not url or url == "#":
        yield "empty-link", "this link leads nowhere", "give its address, or take the brackets away"
    elif _host_of(url) is None or not re.match(r"(https?://[^\s/]+\.[^\s/]+|mailto:[^\s@]+@[^\s@]+$)", url):
        yield "bad-link", f"{url} is no address", "write it whole, with https://"
    elif url.endswith(")") and "(" not in url:
        yield "bad-link", f"{url} ends with a stray bracket", "take the ) away"
