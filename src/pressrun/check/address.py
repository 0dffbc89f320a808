"""Rules on addresses: whole, reachable from outside, and what they look like."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from collections.abc import Iterator

from pressrun.check.host import decode_host, host_of, registered_domain
from pressrun.check.manuscript import Manuscript
from pressrun.check.page import Page
from pressrun.check.rule import Fault, rule
from pressrun.finding import Severity
from pressrun.source.field import MADE, fields_in, write_fields
from pressrun.source.link import Link
from pressrun.source.yamlfile import Place

_ADDRESS = re.compile(r"(https?://[^\s/]+\.[^\s/]+|mailto:[^\s@]+@[^\s@]+$)")
_FIELD_IN_HOST = re.compile(r"https?://[^/?#\s]*\{\{")
_BRACKETS = {
    ")": "(",
    "]": "[",
    "}": "{",
    "）": "（",
    "】": "【",
    "》": "《",
    "」": "「",
    "』": "『",
    "”": "“",
    "’": "‘",
}
_WIDE_ENDS = "，。；：、！？…"
_ENDS = ".,;:!?'\"*_|"
# Words that look like an address; Node.js and the like are names.
_HOST_LIKE = re.compile(
    r"(?:(?:https?://|(?=www\.))(?P<whole>(?:[\w-]+\.)+[a-z]{2,})"
    r"|(?P<short>(?:[\w-]+\.)+(?:com|org|net|int|gov|edu|eu|info|cn|de|uk|fr|ch|nl)))(?:/\S*)?",
    re.IGNORECASE,
)
_NEARBY = ("localhost", "local", "internal", "lan", "home", "corp")
_EXAMPLE = re.compile(r"(^|\.)(example\.(com|net|org)|example|test|invalid)$")
_ALIKE_SCRIPTS = ("LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE")


def fault_at(page: Page, link: Link, message: str, hint: str, severity: Severity | None = None) -> Fault:
    """A fault where `link` stands."""
    return Fault(page.file, Place(link.line, link.column), message, hint, severity)


@rule("empty-link", Severity.ERROR, "A link leads somewhere.")
def find_empty_links(manuscript: Manuscript) -> Iterator[Fault]:
    """Brackets with nothing, or nothing but `#`, for an address."""
    for page, link in manuscript.links:
        if not link.url or link.url == "#":
            yield fault_at(page, link, "this link leads nowhere", "give its address, or take the brackets away")


@rule("bad-link", Severity.ERROR, "An address is whole, and ends where it ends.")
def find_bad_links(manuscript: Manuscript) -> Iterator[Fault]:
    """Addresses that no mail program could follow."""
    for page, link in manuscript.links:
        if link.url and link.url != "#" and (fault := _fault_of(link.url)):
            yield fault_at(page, link, *fault)


def _fault_of(url: str) -> tuple[str, str] | None:
    if _FIELD_IN_HOST.match(url):
        return f"{url} lets each reader's data choose the site", "name the site, and put fields after it"
    if host_of(url) in _NEARBY:
        return None  # private-link tells
    if not is_address(url):
        return f"{url} is no address", _mend(url)
    if url[-1] in _BRACKETS and url.count(_BRACKETS[url[-1]]) < url.count(url[-1]):
        return f"{url} ends with a stray bracket", f"take the {url[-1]} away"
    if url[-1] in _WIDE_ENDS:
        return f"{url} ends with the {url[-1]} of its sentence", "put a blank before it, or write [words](address)"
    return None


def _mend(url: str) -> str:
    """What it could have been."""
    if re.fullmatch(r"(?:\./|/)?[\w./-]+\.md", url):
        return "write the whole address of the article's page in the archive"
    broken = re.match(r"(https?)[:：]?[/／\\]*(?=[^:/\s]+\.)", url, re.IGNORECASE)
    if broken and " " not in url:
        return f"did you mean {broken[1].lower()}://{url[broken.end() :]}?"
    if re.fullmatch(r"[^@\s/:]+@[^@\s/]+\.[^@\s/]+", url):
        return f"write mailto:{url}"
    if " " in url.strip():
        return "write it without blanks (%20 stands for one), with https://"
    return (
        f"write https://{url}" if re.match(r"(?:[\w-]+\.)+[a-z]{2,}(?:/|$)", url) else "write it whole, with https://"
    )


def is_address(url: str) -> bool:
    """Whether `url` is a whole address; a field may stand in it, or for all of it."""
    if _is_field(url):
        return all(not use.fallback or is_address(use.fallback) for _, use in fields_in(url))
    filled = write_fields(url, lambda use: "x@example.com" if url.startswith("mailto:") else "x")
    return host_of(filled) is not None and bool(_ADDRESS.match(filled)) and " " not in filled


def _is_field(url: str) -> bool:
    """Whether `url` is a field and nothing else."""
    return len(list(fields_in(url))) == 1 and not write_fields(url, lambda use: "").strip()


@rule("link-punctuation", Severity.WARNING, "No punctuation of the sentence stands at an address's end.")
def find_stray_punctuation(manuscript: Manuscript) -> Iterator[Fault]:
    """Dots and commas that an address could end with, but seldom does."""
    for page, link in manuscript.links:
        if link.url[-1:] and link.url[-1] in _ENDS and is_address(link.url):
            what = f"the address ends with {link.url[-1]}"
            yield fault_at(page, link, what, f"take it away, unless {link.url} is meant so")


@rule("private-link", Severity.ERROR, "An address can be reached from outside.")
def find_private_links(manuscript: Manuscript) -> Iterator[Fault]:
    """Addresses of this machine or a house's own network."""
    for page, link in manuscript.links:
        host = host_of(link.url) or ""
        if link.url != manuscript.issue.publication.base_url and _is_private(host):
            what = f"{host} is a name or number of your own machine or network: no reader gets there"
            yield fault_at(page, link, what, "give the address that the public uses")


def _is_private(host: str) -> bool:
    if host.rpartition(".")[2] in _NEARBY:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return not address.is_global


@rule("example-link", Severity.INFO, "Addresses kept for examples are replaced before anything is sent.")
def find_example_links(manuscript: Manuscript) -> Iterator[Fault]:
    """Addresses under names that belong to nobody (RFC 2606)."""
    for page, link in manuscript.links:
        if _EXAMPLE.search(host_of(link.url) or ""):
            what = f"{host_of(link.url)} belongs to nobody: it is kept for examples"
            yield fault_at(page, link, what, "replace it before you send this to anybody")


@rule("misleading-link", Severity.WARNING, "An address is what it looks like.")
def find_misleading_links(manuscript: Manuscript) -> Iterator[Fault]:
    """What phishing does and filters look for: another site before an @, letters of two scripts, words that lie."""
    for page, link in manuscript.links:
        if fault := _disguise_of(link):
            yield fault_at(page, link, *fault)


def _disguise_of(link: Link) -> tuple[str, str] | None:
    host = host_of(link.url)
    if not host:
        return None
    user, at, _ = link.url.partition("://")[2].partition("/")[0].rpartition("@")
    if at and ("." in user or ":" in user):
        return f"it looks like {user} but leads to {host}: filters take it for a trick", f"take {user}@ away"
    if mixed := next(filter(_mixes_scripts, decode_host(host).split(".")), None):
        return f"{mixed} mixes letters of two scripts that look alike", "type the name again"
    named = _HOST_LIKE.fullmatch((link.text or "").strip())
    words = (named["whole"] or named["short"]).lower() if named else ""
    if words and registered_domain(words) != registered_domain(decode_host(host)):
        return f"the words say {words}, but the link leads to {host}", "make the two agree, or write other words"
    return None


def _mixes_scripts(label: str) -> bool:
    names = {unicodedata.name(letter, "").split(" ")[0] for letter in label if letter.isalpha()}
    return len(names & set(_ALIKE_SCRIPTS)) > 1


@rule("link-without-fallback", Severity.WARNING, "A link that is a field has a fallback.")
def find_links_without_fallback(manuscript: Manuscript) -> Iterator[Fault]:
    """Links that lead nowhere for those of whom the field isn't known."""
    for page, link in manuscript.links:
        if _is_field(link.url) and all(not use.fallback and use.name not in MADE for _, use in fields_in(link.url)):
            what = f"{link.url} has no fallback"
            yield fault_at(page, link, what, "give an address for those who have none of their own")


@rule("base-url-insecure", Severity.WARNING, "The publication's own address begins with https.")
def find_insecure_base(manuscript: Manuscript) -> Iterator[Fault]:
    """One-click unsubscribe takes an HTTPS address (RFC 8058 §3.1), and it begins with the publication's."""
    for link in manuscript.publication.links:
        if link.url == manuscript.issue.publication.base_url and not link.url.startswith("https://"):
            what = "mail programs offer no one-click unsubscribe at an address without https"
            yield fault_at(manuscript.publication, link, what, "write it with https://")
            return
