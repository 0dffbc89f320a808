"""Rules on the words that are links: they say where a press on them leads."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pressrun.check.address import fault_at, is_address
from pressrun.check.manuscript import Manuscript
from pressrun.check.page import Page
from pressrun.check.rule import Fault, rule
from pressrun.check.wrapping import unwrap
from pressrun.finding import Severity
from pressrun.source.field import fields_in
from pressrun.source.link import Link

_EMPTY_WORDS = frozenset(
    "click here|click|here|this|this link|this page|link|the link|more|read more|learn more|see more|find out more|"
    "more info|more information|details|website|web site|go|go here|"
    "点击|点击这里|点击此处|点这里|点此|这里|此处|此|链接|此链接|该链接|网址|更多|查看更多|了解更多|详情|查看详情|阅读更多|原文链接|"
    "點擊這裡|這裡|此處|連結|更多資訊|"
    "اضغط هنا|انقر هنا|هنا|الرابط|المزيد|اقرأ المزيد".split("|")
)
_OTHERWISE = re.compile(r"^:{3,}[ \t]*otherwise", re.MULTILINE)
_EDGES = re.compile(r"^[\W_]+|[\W_]+$")


def _plain(words: str) -> str:
    return " ".join(_EDGES.sub("", words).casefold().split())


def _texts(manuscript: Manuscript) -> Iterator[tuple[Page, Link, str]]:
    for page, link in manuscript.links:
        if link.text is not None and is_address(link.url):
            yield page, link, link.text.strip()


def _is_open(text: str, url: str) -> bool:
    """Whether the words are an address with a path, which nobody likes to read or hear."""
    shown = re.sub(r"^https?:/*", "", text).rstrip("/")
    return text.startswith(("http:", "https:")) or (bool(shown) and "/" in shown and url.rstrip("/").endswith(shown))


@rule("link-text", Severity.WARNING, "The words of a link say where it leads.")
def find_empty_words(manuscript: Manuscript) -> Iterator[Fault]:
    """Links that say "here", and addresses in the open; a screen reader reads links out without what is around."""
    for page, link, text in _texts(manuscript):
        if not text:
            what = "this link has no words"
            yield fault_at(page, link, what, "write what it leads to between the brackets")
        elif _plain(text) in _EMPTY_WORDS:
            what = f"“{text}” doesn't say where the link leads"
            yield fault_at(page, link, what, "make the words that name the page the link")
        elif _is_open(text, link.url):
            what = "an address stands here for readers to read"
            yield fault_at(page, link, what, f"write [what it is]({unwrap(link.url)})")


def _page_of(url: str) -> str:
    """The page an address means, however it is written."""
    return re.sub(r"^https?://(?:www\.)?", "", unwrap(url)).rstrip("/")


@rule("link-text-repeated", Severity.WARNING, "The same words lead to the same page.")
def find_repeated_words(manuscript: Manuscript) -> Iterator[Fault]:
    """Links with the same words and different addresses."""
    seen: dict[str, str] = {}
    for page, link, text in _texts(manuscript):
        if _OTHERWISE.search(page.text):  # one reader sees one of the two
            continue
        words = _plain(text)
        if not words or words in _EMPTY_WORDS or _is_open(text, link.url) or any(fields_in(link.url)):
            continue
        first = seen.setdefault(words, link.url)
        if _page_of(first) != _page_of(link.url):
            what = f"“{text}” leads to {link.url} here, and to {first} before"
            yield fault_at(page, link, what, "say in the words what sets the two apart")
