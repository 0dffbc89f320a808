"""Counted links: which links of a mail are counted, what they look like, and who asks for them.

A counted link leads to the server by an id, and the server alone knows where on: nobody can make one that leads
elsewhere. What it says of the reader is nothing, unless they agreed to it.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

PURPOSE = b"pressrun count v1"
"""What the tokens in links are made for that say whose they are."""

ATTRIBUTE = "tracking"
"""The attribute that says what a person wants: `yes` to be counted by name, `no` not to be counted at all."""


class LinkKind(StrEnum):
    """What is counted."""

    CLICK = "click"
    OPEN = "open"


class Way(StrEnum):
    """How one reader is counted."""

    PLAIN = "plain"
    TOTAL = "total"
    PERSON = "person"


def way_of(attributes: Mapping[str, str], person: str) -> Way:
    """How somebody with these attributes is counted; `person` is the token that is made for those who agreed to it."""
    if person:
        return Way.PERSON
    return Way.PLAIN if attributes.get(ATTRIBUTE) == "no" else Way.TOTAL


def link_id(issue: str, kind: LinkKind, url: str) -> int:
    """What a link is counted under: 60 bits that are the same for everybody, and whenever it is asked for."""
    digest = hashlib.sha256("\0".join((issue, kind, url)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 4


def write_id(number: int) -> str:
    """A link's id as it stands in addresses."""
    return f"{number:015x}"


def read_id(text: str) -> int | None:
    """The id that `text` is; None where it is none."""
    return int(text, 16) if re.fullmatch(r"[0-9a-f]{15}", text) else None


_LINK = re.compile(r"""<a\b((?:[^"'<>]|"[^"]*"|'[^']*')*)>(.*?)</a\s*>""", re.DOTALL | re.IGNORECASE)
_HREF = re.compile(r"""(?<![\w-])(href\s*=\s*)(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]*>")
_WEB = re.compile(r"https?://[^\s/?#]", re.IGNORECASE)
_LOOKS_LIKE_ADDRESS = re.compile(r"\s*(?:https?://|www\.)", re.IGNORECASE)


def find_links(text: str, nonce: str, unless: Sequence[str] = ()) -> tuple[str, ...]:
    """The addresses in the HTML `text` that are counted, each once, in their order.

    Not those that differ from reader to reader, `unless`, nor those that readers see written out: mail programs warn of
    a link that leads elsewhere than it says.
    """
    found = (url for url, shown in _links_in(text) if _is_countable(url, shown, nonce))
    return tuple(dict.fromkeys(url for url in found if url not in unless))


def count_links(text: str, issue: str, urls: Sequence[str], base: str, *, with_person: str = "") -> str:
    """The HTML `text` with its links to `urls` counted; `with_person` is the token that stands for whose they are."""
    counted = frozenset(urls)

    def replace_link(link: re.Match[str]) -> str:
        if _LOOKS_LIKE_ADDRESS.match(_shown(link[2])):
            return link[0]
        return f"<a{_HREF.sub(replace_href, link[1])}>{link[2]}</a>"

    def replace_href(href: re.Match[str]) -> str:
        url = html.unescape(href[2] or href[3] or "")
        if url not in counted:
            return href[0]
        address = address_of(base, link_id(issue, LinkKind.CLICK, url), with_person)
        return f'{href[1]}"{html.escape(address)}"'

    return _LINK.sub(replace_link, text) if counted else text


def count_opens(text: str, issue: str, base: str, *, with_person: str = "") -> str:
    """The HTML `text` with a picture of one pixel at its end, which is asked for where it is read."""
    address = f"{address_of(base, link_id(issue, LinkKind.OPEN, ''), with_person)}.gif"
    picture = f'<img src="{html.escape(address)}" width="1" height="1" alt="" style="display:block;border:0" />'
    before, end, after = text.rpartition("</body>")
    return f"{before}{picture}{end}{after}" if end else f"{text}{picture}"


def address_of(base: str, number: int, person: str = "") -> str:
    """A counted link's address; with `person`, which says whose it is."""
    address = f"{base.rstrip('/')}/t/{write_id(number)}"
    return f"{address}/{person}" if person else address


def _links_in(text: str) -> Iterator[tuple[str, str]]:
    for link in _LINK.finditer(text):
        for href in _HREF.finditer(link[1]):
            yield html.unescape(href[2] or href[3] or ""), _shown(link[2])


def _shown(content: str) -> str:
    return html.unescape(_TAG.sub("", content))


def _is_countable(url: str, shown: str, nonce: str) -> bool:
    return bool(_WEB.match(url)) and nonce not in url and not _LOOKS_LIKE_ADDRESS.match(shown)
