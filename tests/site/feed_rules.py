"""What feedvalidator (validator.w3.org/feed) would say of a feed, rule by rule, for what ours hold.

The validator itself is in no package registry, so its rules are written down here, each under the name it gives what
it finds. Where a rule is about the network or about things our feeds never have (iTunes, maps), it is not here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from lxml import etree, html

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
DC = "{http://purl.org/dc/elements/1.1/}"
XHTML = "{http://www.w3.org/1999/xhtml}"
LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
PREFIXES = {
    "http://www.w3.org/2005/Atom": (None, "atom"),
    "http://purl.org/dc/elements/1.1/": ("dc",),
    "http://purl.org/rss/1.0/modules/content/": ("content",),
    "http://purl.org/syndication/history/1.0": ("fh",),
    "http://www.w3.org/1999/xhtml": (None,),
}
HISTORY = {"current", "first", "last", "next", "next-archive", "prev-archive", "previous"}
RELATIONS = HISTORY | {"alternate", "enclosure", "hub", "license", "related", "replies", "self", "service", "up", "via"}
ELEMENTS = set(
    "a abbr address article aside b bdi blockquote br caption cite code col colgroup dd del details dfn div dl dt em "
    "figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i img ins kbd li mark ol p pre q rp rt ruby s samp section "
    "small span strong sub summary sup table tbody td tfoot th thead time tr u ul var wbr".split()
)
ATTRIBUTES = set(
    "abbr alt cite class colspan datetime dir headers height href hreflang id lang reversed rowspan scope span src "
    "start title translate type value width".split()
)
_URI = re.compile(r"[a-z][a-z0-9+.-]*:(//)?[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,#\[\]]+")
_TAG_URI = re.compile(r"tag:([a-z0-9.-]+@)?[a-z0-9.-]+,\d{4}(-\d\d(-\d\d)?)?:[0-9a-zA-Z;/?:@&=+$.\-_!~*'()%,]*")
_MARKUP = re.compile(r"<(/?)(a|b|br|div|em|i|img|p|span|strong)\b[^<>]*>|&(#\d+|#x[0-9a-f]+|[a-z]+);", re.IGNORECASE)
_RFC2822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d\d[03]0")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_BAD = re.compile("[\x80-\x9f\ufffd]")
_ONCE_IN_ITEM = (
    "title",
    "link",
    "description",
    f"{CONTENT}encoded",
    "guid",
    "pubDate",
    f"{DC}source",
    f"{ATOM}updated",
)


def judge(octets: bytes, url: str, now: dt.datetime) -> list[str]:
    """Every rule that the RSS or Atom feed in `octets`, served at `url`, breaks; empty where it is clean."""
    return sorted(set(_judge(octets, url, now)))


def _judge(octets: bytes, url: str, now: dt.datetime) -> Iterator[str]:
    root = etree.fromstring(octets)
    text = octets.decode("utf-8")  # raises where it is not: NotUTF8
    if _BAD.search(text):
        yield "BadCharacters"
    for element in root.iter(etree.Element):
        for prefix, namespace in element.nsmap.items():
            if prefix not in PREFIXES.get(namespace, ()):
                yield f"UnknownNamespace or NonstdPrefix: {prefix}={namespace}"
        if language := element.get(LANGUAGE):
            yield from [] if re.fullmatch(r"[a-z]{2,3}(-\w+)*", language) else [f"InvalidLanguage: {language}"]
    yield from _judge_rss(root, url, now) if root.tag == "rss" else _judge_atom(root, url, now)


def _judge_rss(root: Any, url: str, now: dt.datetime) -> Iterator[str]:
    channel = root.find("channel")
    if root.get("version") != "2.0":
        yield "InvalidRSSVersion"
    for name in ("title", "link", "description", "language"):
        yield from [] if channel.findtext(name) else [f"MissingElement: {name}"]
    tags = [child.tag for child in channel]
    if "item" in tags[: len(tags) - tags.count("item")]:
        yield "MisplacedItem"
    yield from _judge_links(channel, f"{ATOM}link", url, "application/rss+xml")
    yield from _judge_plain(channel, ("title", "description", "copyright", "generator"))
    yield from _judge_date(channel.findtext("lastBuildDate"), now)
    guids = Counter(channel.xpath("item/guid/text()"))
    yield from (f"DuplicateValue: guid {guid}" for guid, count in guids.items() if count > 1)
    for item in channel.iterfind("item"):
        yield from _judge_item(item, now)


def _judge_item(item: Any, now: dt.datetime) -> Iterator[str]:
    tags = [child.tag for child in item]
    yield from (f"DuplicateElement: {name}" for name in _ONCE_IN_ITEM if tags.count(name) > 1)
    if "description" not in tags[: tags.index(f"{CONTENT}encoded")]:
        yield "NeedDescriptionBeforeContent"
    guid = item.find("guid")
    if guid is None:
        yield "MissingGuid"
    elif guid.get("isPermaLink") != "false" or not _TAG_URI.fullmatch(guid.text):
        yield f"InvalidPermalink or InvalidTAG: {guid.text}"
    if tags.count("enclosure") > 1:
        yield "DuplicateEnclosure"
    for enclosure in item.iterfind("enclosure"):
        yield from _judge_enclosure(enclosure, "url")
    if "author" in tags or "source" in tags:
        yield "DuplicateItemSemantics"
    yield from [] if _is_uri(item.findtext("link")) else ["InvalidFullLink"]
    yield from _judge_plain(item, ("title", "category"))
    yield from _judge_links(item, f"{ATOM}link", "", "")
    yield from _judge_date(item.findtext("pubDate"), now)
    yield from _judge_moment(item.findtext(f"{ATOM}updated"), now)
    yield from _judge_html(item.findtext("description"))
    yield from _judge_html(item.findtext(f"{CONTENT}encoded"))


def _judge_atom(feed: Any, url: str, now: dt.datetime) -> Iterator[str]:
    children = [child.tag for child in feed]
    if f"{ATOM}entry" in children[: len(children) - children.count(f"{ATOM}entry")]:
        yield "MisplacedMetadata"
    if any(child.tag.startswith(XHTML) and child.tag != f"{XHTML}div" for child in feed):
        yield "MisplacedXHTMLContent"
    if not feed.get(LANGUAGE):
        yield "MissingDCLanguage"
    yield from _judge_links(feed, f"{ATOM}link", url, "application/atom+xml")
    yield from _judge_plain(feed, (f"{ATOM}title", f"{ATOM}subtitle", f"{ATOM}rights"))
    for name in ("id", "updated"):
        values = Counter(feed.xpath(f"a:entry/a:{name}/text()", namespaces={"a": ATOM[1:-1]}))
        yield from (f"Duplicate {name}: {value}" for value, count in values.items() if count > 1)
    for element in (feed, *feed.iterfind(f"{ATOM}entry")):
        for name in ("id", "title", "updated", "author"):
            yield from [] if element.find(ATOM + name) is not None else [f"MissingElement: {name}"]
        if not _TAG_URI.fullmatch(element.findtext(f"{ATOM}id")):
            yield "InvalidTAG"
        yield from _judge_moment(element.findtext(f"{ATOM}updated"), now)
    for entry in feed.iterfind(f"{ATOM}entry"):
        yield from _judge_links(entry, f"{ATOM}link", "", "")
        yield from _judge_plain(entry, (f"{ATOM}title", f"{ATOM}summary"))
        yield from _judge_moment(entry.findtext(f"{ATOM}published"), now)
        yield from _judge_html(entry.findtext(f"{ATOM}content"))


def _judge_links(parent: Any, tag: str, url: str, media_type: str) -> Iterator[str]:
    links = list(parent.iterfind(tag))
    keys = Counter((link.get("rel"), link.get("type"), link.get("hreflang")) for link in links)
    for link in links:
        relation, address = link.get("rel"), link.get("href")
        if relation not in RELATIONS:
            yield f"UnregisteredAtomLinkRel: {relation}"
        if not _is_uri(address):
            yield f"InvalidIRI: {address}"
        if not url and relation in HISTORY:
            yield "FeedHistoryRelInEntry"
        if "title" in link.attrib and (not link.get("title").strip() or _MARKUP.search(link.get("title"))):
            yield "AttrNotBlank or ContainsHTML: title"
        if relation == "enclosure":
            yield from _judge_enclosure(link, "href")
    if not url:
        yield from ["DuplicateAtomLink"] if sum(link.get("rel") == "alternate" for link in links) > 1 else []
        return
    yield from (f"DuplicateAtomLink: {key}" for key, count in keys.items() if count > 1)
    own = [(link.get("href"), link.get("type")) for link in links if link.get("rel") == "self"]
    if own != [(url, media_type)]:
        yield f"MissingSelf, SelfNotAtom or SelfDoesntMatchLocation: {own}"


def _judge_enclosure(enclosure: Any, attribute: str) -> Iterator[str]:
    if not enclosure.get("length", "").isdigit():
        yield "InvalidIntegerAttribute: length"
    if not re.fullmatch(r"[^\s;]+/[^\s;]+", enclosure.get("type", "")):
        yield "InvalidMIMEAttribute"
    if not re.match(r"https?://", enclosure.get(attribute, "")) or not _is_uri(enclosure.get(attribute)):
        yield "InvalidURLAttribute"


def _judge_plain(parent: Any, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        for element in parent.iterfind(name):
            if not (element.text or "").strip():
                yield f"NotBlank: {name}"
            elif element.get("type", "text") == "text" and _MARKUP.search(element.text):
                yield f"ContainsHTML: {element.text}"


def _judge_date(text: str | None, now: dt.datetime) -> Iterator[str]:
    if not text or not _RFC2822.fullmatch(text):
        yield f"InvalidRFC2822Date: {text}"
        return
    moment = parsedate_to_datetime(text)
    if not text.startswith(moment.strftime("%a")):
        yield "IncorrectDOW"
    yield from _judge_plausible(moment, now)


def _judge_moment(text: str | None, now: dt.datetime) -> Iterator[str]:
    if not text or not _RFC3339.fullmatch(text):
        yield f"InvalidRFC3339Date: {text}"
    else:
        yield from _judge_plausible(dt.datetime.fromisoformat(text), now)


def _judge_plausible(moment: dt.datetime, now: dt.datetime) -> Iterator[str]:
    if moment.year < 1990 or moment > now:
        yield f"ImplausibleDate: {moment}"


def _judge_html(text: str | None) -> Iterator[str]:
    if not text or not text.strip():
        yield "NotBlank: content"
        return
    for element in html.fragment_fromstring(text, create_parent="div").iter(etree.Element):
        if element.tag not in ELEMENTS:
            yield f"SecurityRisk: {element.tag}"
        for name, value in element.attrib.items():
            if name not in ATTRIBUTES:
                yield f"SecurityRiskAttr: {name}"
            if name in ("href", "src", "cite") and not _is_uri(value):
                yield f"ContainsRelRef or InvalidUriChar: {value}"


def _is_uri(address: str | None) -> bool:
    return bool(address and _URI.fullmatch(address))


def atom_schema() -> etree.RelaxNG:
    """RFC 4287's grammar."""
    return etree.RelaxNG(etree.parse(str(Path(__file__).with_name("atom.rng"))))
