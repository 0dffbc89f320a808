"""What a page tells machines of itself in the words of schema.org: JSON-LD that can't end its script element."""

from __future__ import annotations

import json
from collections.abc import Mapping

from markupsafe import Markup

from pressrun.plain import render_plain_inline
from pressrun.render.inline import hosted_url
from pressrun.site.archive import Archive, Reading
from pressrun.site.correction import Note, corrections_of, updated
from pressrun.source.issue import Article, Issue
from pressrun.source.model import Publication

Fact = Mapping[str, object]

# Inside a script element only these can end it or open a comment (HTML §4.12.1.3); JSON takes them escaped.
_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def write_script_json(value: object) -> str:
    """`value` as JSON for a script element: compact, and with no character that HTML reads."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).translate(_ESCAPES)


def write_facts(facts: Fact) -> Markup:
    """`facts` as the text of an `application/ld+json` script; what is None is left out."""
    return Markup(write_script_json({"@context": "https://schema.org", **_clean(facts)}))


def describe_archive(archive: Archive) -> Fact:
    """A publication as a periodical with its issues."""
    issues = [{"@type": "PublicationIssue", "@id": issue.url, "name": issue.title} for issue in archive.issues]
    return {**_periodical(archive.publication, archive.url), "hasPart": issues}


def describe_issue(archive: Archive, issue: Issue) -> Fact:
    """An issue with its articles."""
    return {
        **_issue(issue),
        "description": issue.meta.preheader,
        "inLanguage": issue.publication.language,
        "datePublished": issue.published.isoformat(),
        "dateModified": updated(issue).isoformat(),
        "image": _picture(issue, issue.meta.cover.image),
        "publisher": _publisher(issue),
        "isPartOf": _periodical(archive.publication, archive.url),
        "correction": [_correction(note) for note in corrections_of(issue)] or None,
        "hasPart": [_article(issue, article) for article in issue.articles],
    }


def describe_article(archive: Archive, issue: Issue, reading: Reading, description: str) -> Fact:
    """An article of an issue; `description` is its summary, or how it begins."""
    meta, slug = reading.article.meta, reading.article.slug
    image = meta.image or issue.meta.cover
    sources = [{"@type": "CreativeWork", "name": one.name, "url": one.url} for one in meta.sources]
    return {
        **_article(issue, reading.article),
        "mainEntityOfPage": issue.article_url(slug),
        "description": description or None,
        "inLanguage": meta.language or issue.publication.language,
        "datePublished": issue.published.isoformat(),
        "dateModified": updated(issue, slug).isoformat(),
        "articleSection": reading.section.meta.title,
        "keywords": list(meta.labels) or None,
        "image": _picture(issue, image.image),
        "author": [{"@type": "Person", "name": name} for name in meta.authors] or _publisher(issue),
        "publisher": _publisher(issue),
        "isBasedOn": sources or None,
        "correction": [_correction(note) for note in corrections_of(issue, slug)] or None,
        "isPartOf": {**_issue(issue), "isPartOf": _periodical(archive.publication, archive.url)},
    }


def _periodical(publication: Publication, url: str) -> Fact:
    return {
        "@type": "Periodical",
        "@id": url,
        "url": url,
        "name": publication.title,
        "description": publication.description,
        "inLanguage": publication.language,
    }


def _issue(issue: Issue) -> Fact:
    return {
        "@type": "PublicationIssue",
        "@id": issue.url,
        "url": issue.url,
        "name": issue.title,
        "issueNumber": issue.meta.number,
    }


def _article(issue: Issue, article: Article) -> Fact:
    url = issue.article_url(article.slug)
    return {"@type": "NewsArticle", "@id": url, "url": url, "headline": article.meta.title}


def _correction(note: Note) -> Fact:
    text = render_plain_inline(" ".join(note.what.split()))
    return {"@type": "CorrectionComment", "text": text, "datePublished": note.moment.isoformat()}


def _publisher(issue: Issue) -> Fact:
    return {"@type": "Organization", "name": issue.colophon.compiled_by or issue.publication.sender.name}


def _picture(issue: Issue, name: str) -> Fact:
    picture = issue.pictures[name]
    url = hosted_url(issue, name)
    return {"@type": "ImageObject", "url": url, "width": picture.width, "height": picture.height}


def _clean(facts: Fact) -> Fact:
    return {key: _clean_value(value) for key, value in facts.items() if value is not None}


def _clean_value(value: object) -> object:
    if isinstance(value, Mapping):
        return _clean(value)
    return [_clean_value(each) for each in value] if isinstance(value, list) else value
