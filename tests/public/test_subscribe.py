from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.delivery.leave_link import Leave
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.public.mailing import confirm_token, read_confirm_token
from pressrun.store.confirmation import Confirmation, read_confirmation
from pressrun.store.consent import ConsentBasis, read_consents
from pressrun.store.database import Database
from pressrun.store.departure import depart
from pressrun.store.event import EventKind
from pressrun.store.forget import address_hash
from pressrun.store.people_tables import confirmations, events, forgotten
from pressrun.store.roster import read_entry
from pressrun.store.subscribers import suppress_address
from small_reader import LISTED, MANY, NOW, Reader, fields_of, hidden, link_in, reader

THANKS = "Please look into your mailbox"


@pytest.fixture
async def ann(tmp_path: Path, database: Database) -> AsyncIterator[Reader]:
    """Ann before the form of a publication with one list."""
    async with reader(tmp_path, database) as opened:
        yield opened


@pytest.fixture
async def bo(tmp_path: Path, database: Database) -> AsyncIterator[Reader]:
    """Bo before the form of a publication with two lists and three languages."""
    async with reader(tmp_path, database, MANY) as opened:
        yield opened


async def on_lists(someone: Reader, subscriber_id: int = 1) -> list[str]:
    person = await read_entry(someone.database, subscriber_id)
    return [one.list for one in person.lists if one.left_at is None] if person else []


async def join(someone: Reader, address: str = "ann@example.com", **fields: str | list[str]) -> str:
    """Subscribe and confirm; the path of the confirmation."""
    await someone.fill_in(address, **fields)
    await someone.post()
    path = link_in(someone.newest())
    assert (await someone.client.post(path)).status_code == 200
    return path


async def count_requests(someone: Reader) -> int:
    async with someone.database.read() as connection:
        return await connection.scalar(sa.select(sa.func.count()).select_from(confirmations)) or 0


async def test_who_asks_and_confirms_is_on_the_list_with_what_shows_it(ann: Reader) -> None:
    thanks = await ann.fill_in("Ann@example.com", name="Ann")
    assert thanks.status_code == 200 and THANKS in thanks.text
    assert await on_lists(ann) == []
    assert await ann.post() == 1
    mail = ann.newest()
    assert (mail["To"], mail["Subject"]) == ("Ann@example.com", "Please confirm: Small News")
    path = link_in(mail)
    question = await ann.client.get(path)
    assert "A…@example.com" in question.text and await on_lists(ann) == []  # whoever opens a link is perhaps no person
    welcome = await ann.client.post(path)
    assert welcome.status_code == 200 and "You are on the list" in welcome.text
    assert await on_lists(ann) == ["news"]
    (consent,) = await read_consents(ann.database, 1)
    assert (consent.basis, consent.source, consent.network) == (ConsentBasis.DOUBLE_OPT_IN, "form", "127.0.0.1")
    assert consent.wording.startswith("I would like to get Small News by mail.")
    assert consent.form_version and consent.proof["message_id"] == mail["Message-ID"]
    async with ann.database.read() as connection:
        happened = (await connection.execute(sa.select(events.c.kind, events.c.list, events.c.detail))).all()
    assert [tuple(one) for one in happened] == [
        (EventKind.JOINED.value, "news", {"source": "form", "basis": "double-opt-in"})
    ]


async def test_a_second_yes_is_harmless_and_says_so(ann: Reader) -> None:
    path = await join(ann)
    await depart(ann.database, [Leave(1, "news")], ann.now, "page")
    for answer in (await ann.client.post(path), await ann.client.get(path)):
        assert answer.status_code == 200 and "confirmed already" in answer.text
    assert await on_lists(ann) == []  # an old link brings nobody back
    assert len(await read_consents(ann.database, 1)) == 1


async def test_a_link_is_good_for_a_week(ann: Reader) -> None:
    await ann.fill_in("ann@example.com")
    await ann.post()
    path = link_in(ann.newest())
    ann.wait(days=7)
    for answer in (await ann.client.get(path), await ann.client.post(path)):
        assert answer.status_code == 410 and "../subscribe" in answer.text
    assert await on_lists(ann) == []


@pytest.mark.parametrize("known", ["nobody", "member", "left", "suppressed", "forgotten", "asked before"])
async def test_the_answer_is_the_same_whoever_the_address_belongs_to(ann: Reader, known: str) -> None:
    address = parse_address("ann@example.com")
    stranger = await ann.fill_in("somebody.else@example.com")
    if known in ("member", "left"):
        await join(ann)
    if known == "left":
        await depart(ann.database, [Leave(1, "news")], ann.now, "page")
    if known == "suppressed":
        await suppress_address(ann.database, address, "bounced", ann.now)
    if known == "forgotten":
        await forget(ann, address.key)
    if known == "asked before":
        await ann.fill_in("ann@example.com")
    before = await count_requests(ann)
    answer = await ann.fill_in("ann@example.com")
    assert (answer.status_code, answer.content) == (stranger.status_code, stranger.content)
    assert dict(answer.headers) == dict(stranger.headers)
    assert await count_requests(ann) == before + 1  # the same work too


async def forget(someone: Reader, key: str) -> None:
    async with someone.database.write() as connection:
        row = {"address_hash": address_hash(someone.doors.keys, key), "created_at": NOW}
        await connection.execute(sa.insert(forgotten), row)


async def test_who_is_on_the_list_is_told_so_and_led_to_their_settings(ann: Reader) -> None:
    await join(ann)
    await ann.fill_in("ann@example.com")
    await ann.post()
    mail = ann.newest()
    assert mail["Subject"] == "You are on the list: Small News"
    assert (await ann.client.get(link_in(mail, "/preferences/"))).status_code == 200


async def test_who_is_suppressed_gets_nothing(ann: Reader) -> None:
    await suppress_address(ann.database, parse_address("ann@example.com"), "complained", NOW)
    await ann.fill_in("ann@example.com")
    assert await ann.post() == 1
    assert ann.mails() == []
    assert await ann.post() == 0


async def test_who_was_forgotten_comes_back_by_themselves(ann: Reader) -> None:
    await forget(ann, "ann@example.com")
    await join(ann)
    assert await on_lists(ann) == ["news"]
    async with ann.database.read() as connection:
        assert (await connection.execute(sa.select(forgotten))).first() is None


async def test_who_had_left_comes_back_and_what_is_known_of_them_stays(bo: Reader) -> None:
    await join(bo, "bo@example.com", name="Bo", list="news", language="ar")
    await depart(bo.database, [Leave(1, "news")], bo.now, "page")
    await join(bo, "BO@example.com", name="Somebody's joke", list="news", language="en")
    person = await read_entry(bo.database, 1)
    assert person and (person.name, person.address, person.attributes) == ("Bo", "bo@example.com", {"language": "ar"})
    assert await on_lists(bo) == ["news"]
    assert [one.withdrawn_at is None for one in await read_consents(bo.database, 1)] == [False, True]


async def test_people_choose_lists_and_their_language(bo: Reader) -> None:
    page = await bo.client.get("/small/subscribe")
    assert set(fields_of(page.text)) == {"email", "name", "language", "list", "website", "stamp"}
    await bo.fill_in("bo@example.com", list=["extra", "unheard of"], language="zh-CN")
    await bo.post()
    mail = bo.newest()
    assert mail["Subject"] == "请确认订阅：Small News" and mail["Content-Language"] == "zh-CN"
    answer = await bo.client.get(link_in(mail))
    assert 'lang="zh-CN"' in answer.text and "Extras" in answer.text and "The news" not in answer.text
    await bo.client.post(link_in(mail))
    assert await on_lists(bo) == ["extra"]
    person = await read_entry(bo.database, 1)
    assert person and person.attributes == {"language": "zh-CN"}


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-TW,zh;q=0.9,en;q=0.5", "zh-CN"),
        ("fr,ar;q=0.4,en;q=0.2", "ar"),
        ("de", "en"),
        ("en;q=0,ar;q=x,*", "en"),
        ("", "en"),
    ],
)
async def test_the_form_is_in_the_language_that_the_browser_prefers(bo: Reader, accepted: str, language: str) -> None:
    page = await bo.client.get("/small/subscribe", headers={"accept-language": accepted})
    assert f'<html lang="{language}"' in page.text
    assert ('dir="rtl"' in page.text.partition(">\n<head>")[0]) is (language == "ar")


async def test_a_form_on_another_site_is_shown_once_more_with_what_it_sent(ann: Reader) -> None:
    answer = await ann.client.post("/small/subscribe", data={"email": "ann@example.com", "name": 'A "quoted" <name>'})
    assert answer.status_code == 200 and "once more" in answer.text and 'value="ann@example.com"' in answer.text
    assert "&lt;name&gt;" in answer.text and "<name>" not in answer.text
    assert await count_requests(ann) == 0
    ann.wait(seconds=5)
    again = await ann.client.post("/small/subscribe", data={"email": "ann@example.com", **hidden(answer.text)})
    assert THANKS in again.text and await count_requests(ann) == 1


async def test_a_stamp_is_of_its_publication_and_its_time(ann: Reader) -> None:
    stamp = hidden((await ann.client.get("/small/subscribe")).text)["stamp"]
    for wait, stamped, counted in ((0.5, stamp, 0), (5, stamp[:-1] + "_", 0), (0, stamp, 1), (86_400, stamp, 1)):
        ann.wait(seconds=wait)
        await ann.client.post("/small/subscribe", data={"email": "ann@example.com", "stamp": stamped})
        assert await count_requests(ann) == counted, wait


async def test_a_program_that_fills_in_every_field_is_thanked_and_forgotten(ann: Reader) -> None:
    answer = await ann.fill_in("bot@example.com", website="https://www.example.com")
    assert THANKS in answer.text
    assert await count_requests(ann) == 0


@pytest.mark.parametrize("wrong", ["", "ann", "ann@", "ann@example.com\nBcc: bo@example.com", "<ann@example.com>"])
async def test_what_is_no_address_is_told_where_it_was_written(ann: Reader, wrong: str) -> None:
    answer = await ann.fill_in(wrong)
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text
    assert await count_requests(ann) == 0


async def test_at_least_one_list_is_to_be_chosen(bo: Reader) -> None:
    answer = await bo.fill_in("bo@example.com")
    assert answer.status_code == 422 and "choose at least one" in answer.text
    assert await count_requests(bo) == 0


async def test_a_name_is_kept_on_one_line_and_short(ann: Reader) -> None:
    await join(ann, name=f"  Ann\r\n\u202e<b>{'n' * 200}")
    person = await read_entry(ann.database, 1)
    assert person and person.name.startswith("Ann <b>nnn") and len(person.name) == 100


async def test_a_publication_without_the_key_has_no_form(tmp_path: Path, database: Database) -> None:
    async with reader(tmp_path, database, LISTED) as someone:
        for path in ("/small/subscribe", "/small/subscribe/embed", "/other/subscribe"):
            for answer in (
                await someone.client.get(path),
                await someone.client.post(path, data={"email": "a@b.example"}),
            ):
                assert answer.status_code == 404, path
        assert await count_requests(someone) == 0


async def test_a_network_can_ask_for_so_much_only(ann: Reader) -> None:
    statuses = [(await ann.client.post("/small/subscribe", data={})).status_code for _ in range(40)]
    assert statuses[0] == 422 and statuses[-1] == 429
    answer = await ann.client.post("/small/subscribe", data={})
    assert int(answer.headers["retry-after"]) >= 1
    ann.wait(minutes=2)
    assert (await ann.client.post("/small/subscribe", data={})).status_code == 422


async def test_the_frame_is_for_the_sites_that_are_named(bo: Reader) -> None:
    page = await bo.client.get("/small/subscribe")
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    frame = await bo.client.get("/small/subscribe/embed")
    assert "frame-ancestors 'self' https://www.example.com" in frame.headers["content-security-policy"]
    thanks = await bo.fill_in("bo@example.com", "/small/subscribe/embed", list="news")
    assert THANKS in thanks.text and "https://www.example.com" in thanks.headers["content-security-policy"]
    style = (await bo.client.get("/small/subscribe/" + _style(thanks.text))).headers["content-type"]
    assert style.startswith("text/css")


def _style(page: str) -> str:
    return page.partition('rel="stylesheet" href="')[2].partition('"')[0]


@pytest.mark.parametrize("path", ["/small/subscribe", "/small/subscribe/embed", "/small/confirm/1~abcd~efgh"])
async def test_no_page_sets_a_cookie_or_is_kept_by_a_cache(bo: Reader, path: str) -> None:
    answer = await bo.client.get(path)
    assert "set-cookie" not in answer.headers and answer.headers["cache-control"] == "no-store"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "form-action 'self'" in policy and "script" not in policy
    assert "<script" not in answer.text and "style=" not in answer.text


async def test_tokens_of_nobody_of_another_publication_or_purpose_open_nothing(ann: Reader, tmp_path: Path) -> None:
    await ann.fill_in("ann@example.com")
    keys = ann.doors.keys
    other = tmp_path / "issues" / "other"
    other.mkdir()
    (other / "publication.yaml").write_text((tmp_path / "issues/small/publication.yaml").read_text())
    good = confirm_token(keys, await first_request(ann))
    tokens = [good[:-1], good.swapcase(), keys.make_token(b"pressrun preferences v1", good.partition("~")[0]), "1"]
    for path in (f"/other/confirm/{good}", *(f"/small/confirm/{token}" for token in tokens)):
        for answer in (await ann.client.get(path), await ann.client.post(path)):
            assert answer.status_code == 404, path
    assert await on_lists(ann) == []


async def first_request(someone: Reader) -> Confirmation:
    request = await read_confirmation(someone.database, 1)
    assert request
    return request


async def test_head_of_a_link_changes_nothing(ann: Reader) -> None:
    await ann.fill_in("ann@example.com")
    path = f"/small/confirm/{confirm_token(ann.doors.keys, await first_request(ann))}"
    assert (await ann.client.head(path)).status_code == 200
    assert (await ann.client.request("OPTIONS", path)).status_code == 405
    assert await on_lists(ann) == []


async def test_links_outlive_a_change_of_keys(tmp_path: Path, database: Database) -> None:
    async with reader(tmp_path, database) as someone:
        await someone.fill_in("ann@example.com")
        old, request = someone.doors.keys, await first_request(someone)
        newer = replace(someone.doors, keys=LinkKeys((LinkKey(b"a newer key for tests"), *old.keys)))
        assert confirm_token(newer.keys, request) != confirm_token(old, request)
        said = read_confirm_token(newer.keys, confirm_token(old, request))
        assert said and said.is_of(newer.keys, request)


async def test_a_welcome_mail_comes_where_the_publication_has_one(tmp_path: Path, database: Database) -> None:
    async with reader(tmp_path, database, LISTED + "subscribing: {welcome: true}\n") as someone:
        await join(someone)
        someone.wait(seconds=1)  # else both mails have one Date, and which is the newest is chance
        assert await someone.post() == 1
        mail = someone.newest()
        assert mail["Subject"] == "Welcome: Small News"
        assert (await someone.client.get(link_in(mail, "/preferences/"))).status_code == 200
        someone.wait(days=1)
        assert await someone.post() == 0


async def test_without_one_nothing_comes_after_the_yes(ann: Reader) -> None:
    await join(ann)
    ann.wait(hours=1)
    assert await ann.post() == 0 and len(ann.mails()) == 1
