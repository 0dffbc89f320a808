"""Counted links: the mail is what it was but for its links, and those lead to the server."""

from __future__ import annotations

import datetime as dt
import re
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.agent import MANY, Agent, find_scanners, recognise
from pressrun.delivery.message import MessageTemplate
from pressrun.delivery.recipient import make_recipient as make_recipient_of
from pressrun.delivery.send_test import mark
from pressrun.hits import MOST, SETTLED, WaitingHits
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.render.edition import Edition
from pressrun.render.slot import SlotTokens
from pressrun.store.journal import Claimed
from pressrun.store.link import Hit, Link
from pressrun.tracking import (
    PURPOSE,
    LinkKind,
    Way,
    address_of,
    count_links,
    count_opens,
    find_links,
    link_id,
    read_id,
    way_of,
    write_id,
)
from small_edition import HTML, NONCE, NOW, TOKENS, make_edition, make_recipient

BASE = "https://spp.example.com"
ISSUE = "spp/2026-02"
KEYS = LinkKeys((LinkKey(b"a key for tests"),))
LINKS = (
    '<p><a href="https://example.org/report?a=1&amp;b=2">报告</a> '
    "<a class=x href='https://example.org/other'>two</a></p>"
    '<p><a href="https://example.org/shown">https://example.org/shown</a> '
    '<a href="mailto:editor@example.com">write</a></p>'
    f'<p><a href="https://example.org/?city={TOKENS["name"]}">own</a> <a href="{TOKENS["view_url"]}">view</a></p>'
)
COUNTED = ("https://example.org/report?a=1&b=2", "https://example.org/other")


def counted_edition(**changes: object) -> Edition:
    page = HTML.replace("<p>.点开头</p>", LINKS)
    values = {"html": page, "links": find_links(page, NONCE), "clicks": "total", "opens": "total"}
    return make_edition(**(values | changes))


def html_of(message: bytes) -> str:
    from email import message_from_bytes, policy

    part = message_from_bytes(message, policy=policy.default).get_body(("html",))  # type: ignore[attr-defined]
    return str(part.get_content())


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.pictures: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = dict(attributes)
        if tag == "a":
            self.links.append(told.get("href") or "")
        if tag == "img":
            self.pictures.append(told.get("src") or "")


def test_links_to_the_web_are_counted_and_those_of_one_reader_or_written_out_are_not() -> None:
    assert find_links(LINKS, NONCE) == COUNTED
    assert find_links(LINKS, NONCE, unless=COUNTED[:1]) == COUNTED[1:]


@pytest.mark.parametrize(
    "link",
    [
        '<a href="mailto:a@example.com">x</a>',
        '<a href="#part">x</a>',
        '<a href="javascript:alert(1)">x</a>',
        '<a href="cid:cover">x</a>',
        f'<a href="{TOKENS["unsubscribe_url"]}">x</a>',
        f'<a href="{TOKENS["preferences_url"]}">x</a>',
        '<a name="x">x</a>',
        '<a data-href="https://example.org/">x</a>',
        '<a href="https://example.org/"><b>www.example.org</b></a>',
        "<p>https://example.org/</p>",
        '<img src="https://example.org/a.png">',
    ],
)
def test_what_is_no_countable_link_stays_as_it_is(link: str) -> None:
    assert find_links(link, NONCE) == ()
    assert count_links(link, ISSUE, ["https://example.org/"], BASE) == link


def test_a_counted_link_differs_in_its_address_alone() -> None:
    text = count_links(LINKS, ISSUE, COUNTED, BASE)
    assert _Page(text).links[:2] == [address_of(BASE, link_id(ISSUE, LinkKind.CLICK, url)) for url in COUNTED]
    assert _Page(text).links[2:] == _Page(LINKS).links[2:]
    back = text
    for url in COUNTED:
        back = back.replace(address_of(BASE, link_id(ISSUE, LinkKind.CLICK, url)), url)
    assert unescape(back).replace('"', "'") == unescape(LINKS).replace('"', "'")


@given(st.integers(0, 2**60 - 1))
def test_an_id_is_read_as_it_was_written(number: int) -> None:
    assert read_id(write_id(number)) == number


@given(st.text(max_size=20))
def test_what_is_no_id_is_none(text: str) -> None:
    number = read_id(text)
    assert number is None or write_id(number) == text


def test_ids_differ_by_issue_kind_and_address_and_stay() -> None:
    made = {link_id(issue, kind, url) for issue in ("a/1", "a/2") for kind in LinkKind for url in ("", *COUNTED)}
    assert len(made) == 12
    assert all(0 <= number < 2**60 for number in made)


def test_opens_are_counted_by_one_picture_at_the_end() -> None:
    text = count_opens("<html><body><p>x</p></body></html>", ISSUE, BASE)
    assert text.endswith("</body></html>")
    assert re.findall(r'<img[^>]*width="1" height="1" alt=""', text)
    assert _Page(text).pictures == [f"{address_of(BASE, link_id(ISSUE, LinkKind.OPEN, ''))}.gif"]
    assert count_opens("no end", ISSUE, BASE).startswith("no end<img")


@pytest.mark.parametrize(
    ("attributes", "person", "way"),
    [
        ({}, "", Way.TOTAL),
        ({"tracking": "yes"}, "token", Way.PERSON),
        ({"tracking": "yes"}, "", Way.TOTAL),
        ({"tracking": "no"}, "", Way.PLAIN),
        ({"tracking": "maybe"}, "", Way.TOTAL),
    ],
)
def test_only_a_yes_counts_by_name_and_a_no_counts_nothing(attributes: dict[str, str], person: str, way: Way) -> None:
    assert way_of(attributes, person) is way


def test_a_mail_that_counts_nothing_is_byte_for_byte_what_it_was() -> None:
    edition = counted_edition(clicks="none", opens="none")
    plain = make_edition(html=edition.html)
    assert MessageTemplate(edition).fill(make_recipient()) == MessageTemplate(plain).fill(make_recipient())
    assert MessageTemplate(counted_edition()).fill(make_recipient(attributes={"tracking": "no"})) == MessageTemplate(
        plain
    ).fill(make_recipient())


@pytest.mark.parametrize("eight_bit", [False, True])
def test_everybody_gets_the_same_counted_links(eight_bit: bool) -> None:
    template = MessageTemplate(counted_edition(eight_bit=eight_bit), eight_bit=eight_bit)
    first = _Page(html_of(template.fill(make_recipient())))
    other = _Page(
        html_of(template.fill(make_recipient(address="wang@example.com", name="王", message_id="<2@x.test>")))
    )
    assert first.links[:2] == other.links[:2] == [address_of(BASE, link_id(ISSUE, LinkKind.CLICK, u)) for u in COUNTED]
    assert first.pictures == other.pictures
    assert "unsubscribe" in first.links[-1]


def row(**changes: object) -> Claimed:
    values: dict[str, object] = dict.fromkeys(Claimed._fields)
    known = {"id": 7, "subscriber_id": 3, "address": "lin@example.com", "name": "林晓", "message_id": "<1@x.test>"}
    return Claimed(**(values | known | {"created_at": NOW, "list": "spp", "attributes": {}} | changes))  # type: ignore[arg-type]


def test_only_who_agreed_gets_links_of_their_own() -> None:
    edition = counted_edition(clicks="person", opens="total")
    agreed = make_recipient_of(row(attributes={"tracking": "yes"}), edition, KEYS)
    page = _Page(html_of(MessageTemplate(edition).fill(agreed)))
    assert [link.rpartition("/")[2] for link in page.links[:2]] == [agreed.person] * 2
    assert KEYS.read_token(PURPOSE, agreed.person) == "7"
    assert agreed.person not in page.pictures[0]
    for attributes in ({}, {"tracking": "no"}, {"tracking": "Yes"}):
        assert make_recipient_of(row(attributes=attributes), edition, KEYS).person == ""
    assert make_recipient_of(row(attributes={"tracking": "yes"}), counted_edition(), KEYS).person == ""


def test_the_plain_text_and_the_headers_are_left_alone() -> None:
    plain = MessageTemplate(make_edition()).fill(make_recipient())
    counted = MessageTemplate(make_edition(opens="total")).fill(make_recipient())
    assert counted.partition(b"Content-Type: text/html")[0] == plain.partition(b"Content-Type: text/html")[0]


def test_a_test_copy_counts_nothing() -> None:
    assert not mark(counted_edition(clicks="person")).is_counted


def test_an_edition_from_before_counting_is_still_read() -> None:
    old = make_edition().model_dump(exclude={"clicks", "opens", "links"})
    assert not Edition.model_validate(old).is_counted
    assert Edition.from_bytes(counted_edition().to_bytes()) == counted_edition()
    assert SlotTokens(NONCE)["person"] not in counted_edition().html


FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.mark.parametrize(
    ("method", "headers", "agent"),
    [
        ("GET", {"user-agent": FIREFOX}, Agent.READER),
        ("GET", {"user-agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X)"}, Agent.READER),
        ("HEAD", {"user-agent": FIREFOX}, Agent.SCANNER),
        ("GET", {"user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}, Agent.SCANNER),
        ("GET", {"user-agent": "BarracudaCentral/1.0"}, Agent.SCANNER),
        ("GET", {"user-agent": "Mimecast URL Protect"}, Agent.SCANNER),
        ("GET", {"user-agent": "python-requests/2.32"}, Agent.SCANNER),
        ("GET", {"user-agent": f"{FIREFOX} (via ggpht.com GoogleImageProxy)"}, Agent.PREFETCH),
        ("GET", {"user-agent": "YahooMailProxy; https://help.yahoo.com/"}, Agent.PREFETCH),
        ("GET", {"user-agent": "Mozilla/5.0"}, Agent.PREFETCH),
        ("GET", {"user-agent": FIREFOX, "sec-purpose": "prefetch;prerender"}, Agent.PREFETCH),
        ("GET", {"user-agent": FIREFOX, "purpose": "prefetch"}, Agent.PREFETCH),
        ("GET", {"user-agent": FIREFOX, "x-moz": "prefetch"}, Agent.PREFETCH),
        ("GET", {"user-agent": ""}, Agent.UNKNOWN),
        ("GET", {}, Agent.UNKNOWN),
    ],
)  # fmt: skip
def test_programs_are_told_from_readers(method: str, headers: dict[str, str], agent: Agent) -> None:
    assert recognise(method, headers) is agent


def hit(number: int, after: float = 0, agent: Agent = Agent.READER, issue: str = ISSUE) -> Hit:
    return Hit(Link(number, issue, LinkKind.CLICK, "https://example.org/"), NOW + dt.timedelta(seconds=after), agent)


def test_a_network_that_asks_for_many_links_at_once_is_no_reader() -> None:
    asked = [("192.0.2.1", ISSUE, n) for n in range(MANY)] + [("192.0.2.2", ISSUE, 1)] * 9
    assert find_scanners(asked) == {("192.0.2.1", ISSUE)}
    assert find_scanners([(f"192.0.2.{n}", ISSUE, n) for n in range(9)]) == frozenset()
    assert find_scanners([("192.0.2.1", f"spp/{n}", n) for n in range(9)]) == frozenset()


def test_hits_wait_until_it_shows_whether_a_scanner_made_them() -> None:
    waiting = WaitingHits()
    for n in range(MANY):
        waiting.add("192.0.2.1", hit(n, after=n))
    waiting.add("192.0.2.2", hit(1))
    waiting.add("192.0.2.1", hit(9, agent=Agent.PREFETCH))
    assert waiting.take(NOW + SETTLED - dt.timedelta(seconds=1)) == []
    agents = [one.agent for one in waiting.take(NOW + SETTLED)]
    assert agents == [Agent.SCANNER, Agent.READER, Agent.PREFETCH]
    assert len(waiting.take()) == MANY - 1
    assert waiting.take() == []


def test_hits_wait_in_bounded_memory() -> None:
    waiting = WaitingHits()
    for _ in range(MOST + 10):
        waiting.add("192.0.2.1", hit(1))
    assert len(waiting.take()) == MOST
