"""What a confirmation's link opens: the one request that its mail was about, and nothing once that is another's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.public.mailing import confirm_token, read_confirm_token
from pressrun.store.confirmation import Asked, Confirmation, ask, find_person, read_confirmation
from pressrun.store.database import Database
from pressrun.store.forget import forget
from pressrun.store.move import change_address
from pressrun.store.people_tables import confirmations
from pressrun.store.retention import Ages, let_go
from pressrun.store.roster import read_entry
from small_reader import LISTED, NOW, OPEN, Reader, link_in, reader

ANN, BO, CLEO = (parse_address(f"{name}@example.com") for name in ("ann", "bo", "cleo"))


@pytest.fixture
async def someone(tmp_path: Path, database: Database) -> AsyncIterator[Reader]:
    """Anybody before the form of a publication with one list."""
    async with reader(tmp_path, database) as opened:
        yield opened


async def asked_link(someone: Reader, address: str) -> str:
    """Ask for the list; the path of the link in the mail."""
    await someone.fill_in(address)
    await someone.post()
    return link_in(someone.newest())


async def expired_answer(someone: Reader) -> httpx.Response:
    """What is said to somebody whose own link has become too old."""
    link = await asked_link(someone, CLEO.address)
    someone.wait(days=7)
    return await someone.client.get(link)


async def request_number(someone: Reader, address_key: str) -> int:
    query = sa.select(confirmations.c.id).where(confirmations.c.address_key == address_key)
    async with someone.database.read() as connection:
        return (await connection.execute(query)).scalar_one()


async def change_request(someone: Reader, number: int, **values: object) -> None:
    async with someone.database.write() as connection:
        await connection.execute(sa.update(confirmations).where(confirmations.c.id == number).values(**values))


async def answers(someone: Reader, path: str) -> list[httpx.Response]:
    return [await someone.client.get(path), await someone.client.post(path), await someone.client.get(path)]


def assert_same(seen: list[httpx.Response], expected: httpx.Response) -> None:
    assert expected.status_code == 410
    for answer in seen:
        assert (answer.status_code, answer.content) == (expected.status_code, expected.content)
        assert dict(answer.headers) == dict(expected.headers)
        assert "/preferences/" not in answer.text


async def ann_is_forgotten(someone: Reader) -> None:
    await forget(someone.database, someone.doors.keys, ANN, someone.now)


async def anns_request_is_too_old_to_keep(someone: Reader) -> None:
    someone.wait(days=31)
    await let_go(someone.database, someone.doors.keys, Ages(confirmations=30), someone.now)


@pytest.mark.parametrize("gone", [ann_is_forgotten, anns_request_is_too_old_to_keep])
async def test_an_old_link_does_and_tells_nothing_once_its_number_is_a_strangers(
    someone: Reader, gone: Callable[[Reader], Awaitable[None]]
) -> None:
    """Also where a database was put back from a backup, which gives its numbers out once more."""
    expired = await expired_answer(someone)
    anns = await asked_link(someone, ANN.address)
    number = await request_number(someone, ANN.key)
    await gone(someone)
    assert_same(await answers(someone, anns), expired)
    bos = await asked_link(someone, BO.address)
    if (given := await request_number(someone, BO.key)) != number:
        await change_request(someone, given, id=number)
        confirmation = await read_confirmation(someone.database, number)
        assert confirmation
        bos = f"/small/confirm/{confirm_token(someone.doors.keys, confirmation)}"
    assert_same(await answers(someone, anns), expired)
    assert await find_person(someone.database, BO.key) is None
    welcome = await someone.client.post(bos)
    assert welcome.status_code == 200 and "../preferences/" in welcome.text
    assert_same(await answers(someone, anns), expired)  # nor whether it was confirmed, nor where their settings are


@pytest.mark.parametrize("what", ["address_key", "requested_at", "subscriber_id", "publication"])
async def test_a_link_is_of_its_address_its_moment_and_what_was_asked_for(someone: Reader, what: str) -> None:
    expired = await expired_answer(someone)
    bo = await join(someone, BO.address)
    link = await asked_link(someone, ANN.address)
    others = {
        "address_key": BO.key,
        "requested_at": someone.now.replace(microsecond=1),
        "subscriber_id": bo,
        "publication": "other",
    }
    await change_request(someone, await request_number(someone, ANN.key), **{what: others[what]})
    assert_same(await answers(someone, link), expired)
    assert await find_person(someone.database, ANN.key) is None


async def join(someone: Reader, address: str) -> int:
    """Subscribe and confirm; the person's number."""
    assert (await someone.client.post(await asked_link(someone, address))).status_code == 200
    person = await find_person(someone.database, parse_address(address).key)
    assert person is not None
    return person


async def test_a_token_that_names_a_number_alone_is_refused(someone: Reader) -> None:
    await asked_link(someone, ANN.address)
    number = await request_number(someone, ANN.key)
    for said in (str(number), f"{number}.", f".{number}", ".", "", f"{number}.x.y", "x.AAAAAAAAAAAAAAAA"):
        path = f"/small/confirm/{someone.doors.keys.make_token(b'pressrun confirm v1', said)}"
        for answer in await answers(someone, path):
            assert answer.status_code in (404, 410), said
    assert await find_person(someone.database, ANN.key) is None


def test_a_token_is_of_its_request_under_every_key_that_is_still_read() -> None:
    older, newer = LinkKey(b"an older key for tests"), LinkKey(b"a newer key for tests")
    asked = Asked("small", ANN, ("news",), "en")
    one, other = Confirmation(7, asked, NOW), Confirmation(8, asked, NOW)
    said = read_confirm_token(LinkKeys((newer, older)), confirm_token(LinkKeys((older,)), one))
    assert said and said.id == 7 and said.is_of(LinkKeys((newer, older)), one)
    assert not said.is_of(LinkKeys((newer, older)), other)
    assert not said.is_of(LinkKeys((newer,)), one)


async def test_the_link_is_short_enough_for_a_line_of_mail(someone: Reader) -> None:
    link = await asked_link(someone, ANN.address)
    assert len(link.rpartition("/")[2]) < 50


async def test_after_a_change_of_address_links_in_the_old_mailbox_lead_nowhere(someone: Reader) -> None:
    """The old mailbox may be somebody else's by then: it must not lead to the person's settings."""
    expired = await expired_answer(someone)
    confirmed = await asked_link(someone, ANN.address)
    await someone.client.post(confirmed)
    waiting = await asked_for_more(someone)
    new = parse_address("ann@new.example.com")
    await change_address(someone.database, someone.doors.keys, ANN, new, someone.now)
    for link in (confirmed, waiting):
        assert_same(await answers(someone, link), expired)


async def asked_for_more(someone: Reader) -> str:
    """Ann asks for a list that she is not on; the path of the link in the mail."""
    someone.wait(minutes=1)
    await ask(someone.database, Asked("small", ANN, ("extra",), "en"), someone.now)
    await someone.post()
    return link_in(someone.newest())


async def test_another_spelling_of_the_address_leaves_its_links_as_they_are(someone: Reader) -> None:
    person = await join(someone, ANN.address)
    waiting = await asked_for_more(someone)
    await change_address(someone.database, someone.doors.keys, ANN, parse_address("Ann@Example.com"), someone.now)
    assert (await someone.client.post(waiting)).status_code == 200
    entry = await read_entry(someone.database, person)
    assert entry and "extra" in [one.list for one in entry.lists]


async def test_who_changed_their_address_sees_it_said_again_at_a_second_press(someone: Reader) -> None:
    person = await join(someone, ANN.address)
    link = await asked_change(someone, person, "ann@new.example.com")
    for answer in [await someone.client.post(link), *await answers(someone, link)]:
        assert answer.status_code == 200 and "Your address is changed" in answer.text


async def test_of_two_new_addresses_that_were_asked_for_the_one_that_is_confirmed_holds(someone: Reader) -> None:
    """The other may have been a slip of the pen: whoever reads mail there gets nothing of the person's."""
    expired = await expired_answer(someone)
    person = await join(someone, ANN.address)
    slip = await asked_change(someone, person, "amn@new.example.com")
    right = await asked_change(someone, person, "ann@new.example.com")
    assert (await someone.client.post(right)).status_code == 200
    assert_same(await answers(someone, slip), expired)
    entry = await read_entry(someone.database, person)
    assert entry and entry.address == "ann@new.example.com"


async def asked_change(someone: Reader, person: int, address: str) -> str:
    """Ask for another address; the path of the link in the mail that goes there."""
    someone.wait(minutes=1)
    await ask(someone.database, Asked("small", parse_address(address), (), "en", subscriber_id=person), someone.now)
    await someone.post()
    return link_in(someone.newest())


async def test_a_welcome_does_not_go_to_an_address_that_was_given_up(tmp_path: Path, database: Database) -> None:
    async with reader(tmp_path, database, LISTED + "subscribing: {welcome: true}\n") as someone:
        await someone.client.post(await asked_link(someone, ANN.address))
        new = parse_address("ann@new.example.com")
        await change_address(database, someone.doors.keys, ANN, new, someone.now)
        await someone.post()
        assert [mail["Subject"] for mail in someone.mails()] == ["Please confirm: Small News"]


async def test_another_publications_door_does_not_open_to_a_link(someone: Reader, tmp_path: Path) -> None:
    link = await asked_link(someone, ANN.address)
    other = tmp_path / "issues" / "other"
    other.mkdir()
    (other / "publication.yaml").write_text(OPEN, encoding="utf-8")
    for answer in await answers(someone, link.replace("/small/", "/other/")):
        assert answer.status_code == 404
    assert (await someone.client.post(link)).status_code == 200
