"""Counted mail from the issue's files to the reader's click: whoever agreed, refused, or said nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from lxml import html as lxml_html

from full_issue import write_full_issue
from pressrun.address import parse_address
from pressrun.delivery.deliver import deliver
from pressrun.delivery.show_message import show_message
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.render.edition import Edition
from pressrun.store.database import Database
from pressrun.store.link import find_link
from pressrun.store.planning import plan
from pressrun.store.tables import subscribers
from pressrun.tracking import PURPOSE, LinkKind, read_id
from rendered_issue import render_folder
from small_edition import KEY, NOW, addresses, fill_list
from small_world import HUNG, POLICY, World, pipelined

PEOPLE = dict(zip(addresses(3), ("yes", "no", None), strict=True))


def render_counted(folder: Path, tracking: str = "tracking: {clicks: person, opens: total}\n") -> Edition:
    issue = write_full_issue(folder)
    publication = issue.parent / "publication.yaml"
    publication.write_text(f"{publication.read_text(encoding='utf-8')}{tracking}", encoding="utf-8")
    return render_folder(issue).edition


def links_of(message: bytes) -> tuple[list[str], list[str]]:
    """The counted links of a message, and its counting pictures."""
    from email import message_from_bytes, policy

    part = message_from_bytes(message, policy=policy.default).get_body(("html",))  # type: ignore[attr-defined]
    page = lxml_html.fromstring(part.get_content())
    return [one for one in page.xpath("//a/@href") if "/t/" in one], [
        one for one in page.xpath("//img/@src") if one.endswith(".gif") and "/t/" in one
    ]


@pytest.fixture
async def received(tmp_path: Path, database: Database) -> Callable[[str], bytes]:
    """What each of the three people got."""
    edition = await asyncio.to_thread(render_counted, tmp_path)
    await fill_list(database, "all", PEOPLE)
    async with database.write() as connection:
        for address, tracking in PEOPLE.items():
            attributes = {"tracking": tracking} if tracking else {}
            mine = subscribers.c.address == address
            await connection.execute(sa.update(subscribers).where(mine).values(attributes=attributes))
    await plan(database, edition, "all", NOW)
    async with pipelined() as relay, asyncio.timeout(HUNG):
        await deliver(database, edition.issue, [relay.relay], KEY, POLICY, surroundings=World().surroundings)
    contents = {one.recipient: one.content for one in relay.accepted}
    rotated = LinkKeys((LinkKey(b"a newer key"), *KEY.keys))
    for address, content in contents.items():  # promise 6, also where keys were changed since
        shown = await show_message(database, edition.issue, parse_address(address), rotated)
        assert shown.content == content
    return contents.__getitem__


async def test_each_reader_gets_the_links_they_agreed_to(received: Callable[[str], bytes], database: Database) -> None:
    agreed, refused, silent = PEOPLE
    assert links_of(received(refused)) == ([], [])
    links, pictures = links_of(received(silent))
    assert links and len(pictures) == 1
    own, own_pictures = links_of(received(agreed))
    assert own_pictures == pictures  # opens are counted for all together
    assert [one.rpartition("/")[0] for one in own] == links
    tokens = {one.rpartition("/")[2] for one in own}
    assert len(tokens) == 1 and KEY.read_token(PURPOSE, tokens.pop()) is not None
    for link in links:
        found = await find_link(database, read_id(link.rpartition("/")[2]) or 0)
        assert found is not None and found.kind is LinkKind.CLICK and found.url.startswith("http")


def test_counting_makes_another_edition_and_changes_nothing_but_what_is_counted(tmp_path: Path) -> None:
    plain, counted = render_counted(tmp_path / "plain", ""), render_counted(tmp_path / "counted")
    assert plain.id != counted.id  # what was approved is what is sent (promise 8)
    assert (plain.html.replace(plain.nonce, ""), plain.text.replace(plain.nonce, "")) == (
        counted.html.replace(counted.nonce, ""),
        counted.text.replace(counted.nonce, ""),
    )
    assert (plain.links, plain.is_counted) == ((), False)
    assert counted.links and counted.url not in counted.links
