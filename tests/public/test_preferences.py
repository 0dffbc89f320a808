from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator
from html import unescape
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from pressrun.address import parse_address
from pressrun.delivery.leave_link import Leave
from pressrun.public.mailing import preferences_token
from pressrun.store.amendment import Amendment, amend
from pressrun.store.confirmation import Asked, ask, claim_due, confirm
from pressrun.store.consent import ConsentBasis, read_consents
from pressrun.store.database import Database
from pressrun.store.departure import depart
from pressrun.store.move import move_subscriber
from pressrun.store.people_tables import events
from pressrun.store.roster import Entry, read_entry
from pressrun.store.subscribers import suppress_address
from pressrun.store.tables import lists
from small_reader import MANY, NOW, Reader, fields_of, hidden, link_in, reader

SCHEMA = """\
city: {label: {en: City, zh: 城市}, editable: yes}
since: {type: date, label: Since, editable: yes}
role: {type: choice, choices: [buyer, other], editable: yes}
badge: {type: text}
"""


@pytest.fixture
async def ann(tmp_path: Path, database: Database) -> AsyncIterator[Reader]:
    """Ann, who is on the list `news`, in a workspace that lets people change some attributes."""
    async with reader(tmp_path, database, MANY) as opened:
        (tmp_path / "subscribers").mkdir()
        (tmp_path / "subscribers/attributes.yaml").write_text(SCHEMA, encoding="utf-8")
        await add(opened, "ann@example.com", "news")
        yield opened


async def add(someone: Reader, address: str, *list_names: str) -> int:
    """Somebody who subscribed and confirmed; their id."""
    asked = Asked("small", parse_address(address), list_names, "en", attributes={"badge": "7"})
    await ask(someone.database, asked, someone.now)
    (request,) = await claim_due(someone.database, someone.now, dt.timedelta(days=99), 1)
    person = await confirm(someone.database, someone.doors.keys, request.id, someone.now, None, welcome=False)
    assert person is not None
    return person


def settings(someone: Reader, person: int = 1) -> str:
    """The path of a person's settings."""
    return f"/small/preferences/{preferences_token(someone.doors.keys, person)}"


async def save(someone: Reader, **changes: str | list[str]) -> httpx.Response:
    """Send the form as it is shown, but for `changes`."""
    page = (await someone.client.get(settings(someone))).text
    return await someone.client.post(settings(someone), data={**as_shown(page), **changes})


def as_shown(page: str) -> dict[str, str | list[str]]:
    """What a browser would send of the page's first form."""
    form = page.partition("<form")[2].partition("</form>")[0]
    data: dict[str, str | list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form):
        data[name] = [*data.get(name, []), unescape(value)]
    data["list"] = re.findall(r'name="list" value="([^"]*)" checked', form)
    for name, options in re.findall(r'<select id="[^"]*" name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL):
        chosen = re.findall(r'<option value="([^"]*)"[^>]* selected', options)
        data[name] = chosen[0] if chosen else re.findall(r'<option value="([^"]*)"', options)[0]
    data |= dict(re.findall(r'<input id="[^"]*" name="([^"]*)"[^>]* value="([^"]*)"', form))
    data |= dict(re.findall(r'type="radio" name="([^"]*)" value="([^"]*)" checked', form))
    return data


async def person_of(someone: Reader, number: int = 1) -> Entry:
    person = await read_entry(someone.database, number)
    assert person
    return person


async def on_lists(someone: Reader, number: int = 1) -> list[str]:
    return [one.list for one in (await person_of(someone, number)).lists if one.left_at is None]


async def happened(someone: Reader) -> list[tuple[str, str | None]]:
    """What happened since Ann joined."""
    async with someone.database.read() as connection:
        rows = (await connection.execute(sa.select(events.c.kind, events.c.list).order_by(events.c.id))).all()
    return [(row.kind, row.list) for row in rows][1:]


async def test_the_page_shows_what_is_so_and_names_nobody_in_full(ann: Reader) -> None:
    page = await ann.client.get(settings(ann))
    assert page.status_code == 200 and "a…@example.com" in page.text and "ann@example.com" not in page.text
    asked = {"action", "ticked", "unticked", "list", "pause", "language", "email"}
    assert set(fields_of(page.text)) == asked | {"attribute.city", "attribute.since", "attribute.role"}
    assert 'value="news" checked' in page.text and 'value="extra">' in page.text
    assert "badge" not in page.text


async def test_sending_the_form_as_it_is_changes_nothing(ann: Reader) -> None:
    before = await person_of(ann)
    answer = await save(ann)
    assert answer.status_code == 200 and "Your settings are saved" in answer.text
    assert await person_of(ann) == before
    assert await happened(ann) == []


async def test_lists_are_joined_and_left_and_consent_goes_with_them(ann: Reader) -> None:
    answer = await save(ann, list="extra")
    assert 'value="extra" checked' in answer.text
    assert await on_lists(ann) == ["extra"]
    news, extra = await read_consents(ann.database, 1)
    assert news.withdrawn_at and not extra.withdrawn_at
    assert (extra.basis, extra.source) == (ConsentBasis.SINGLE_OPT_IN, "preferences")
    assert await happened(ann) == [("left", "news"), ("joined", "extra")]


async def test_a_list_the_page_did_not_show_stays_as_it_is(ann: Reader) -> None:
    page = as_shown((await ann.client.get(settings(ann))).text)
    await save(ann, list=["news", "extra"])
    await ann.client.post(settings(ann), data={**page, "unticked": [], "list": []})
    assert await on_lists(ann) == ["extra"]


async def test_a_page_from_before_brings_nobody_back_who_left_since(ann: Reader) -> None:
    page = as_shown((await ann.client.get(settings(ann))).text)
    await depart(ann.database, [Leave(1, "news")], NOW, "one-click")
    answer = await ann.client.post(settings(ann), data={**page, "attribute.city": "Leeds"})
    assert answer.status_code == 200 and (await person_of(ann)).attributes["city"] == "Leeds"
    assert await on_lists(ann) == []
    assert all(consent.withdrawn_at for consent in await read_consents(ann.database, 1))


async def test_a_page_from_before_takes_nobody_off_a_list_that_they_joined_since(ann: Reader) -> None:
    page = as_shown((await ann.client.get(settings(ann))).text)
    await save(ann, list=["news", "extra"])
    await ann.client.post(settings(ann), data=page)
    assert await on_lists(ann) == ["extra", "news"]


async def test_a_page_from_before_neither_ends_a_pause_nor_begins_one_anew(ann: Reader) -> None:
    page = as_shown((await ann.client.get(settings(ann))).text)
    await save(ann, pause="6")
    paused = as_shown((await ann.client.get(settings(ann))).text)
    await ann.client.post(settings(ann), data=page)
    assert (await person_of(ann)).lists[0].paused_until == NOW + dt.timedelta(days=182)
    await save(ann, pause="none")
    await ann.client.post(settings(ann), data=paused)
    assert [kind for kind, _ in await happened(ann)] == ["paused", "resumed"]


@pytest.mark.parametrize("wanted", [[], ["extra"]])
async def test_a_list_that_is_ticked_off_is_left_also_where_its_people_were_moved_since(
    ann: Reader, wanted: list[str]
) -> None:
    page = as_shown((await ann.client.get(settings(ann))).text)
    await move_subscriber(ann.database, parse_address("ann@example.com"), "news", "extra", NOW)
    await ann.client.post(settings(ann), data={**page, "list": wanted})
    assert await on_lists(ann) == wanted
    assert [one.list for one in await read_consents(ann.database, 1) if not one.withdrawn_at] == wanted


async def test_a_list_that_nobody_offers_can_be_left_but_not_joined(ann: Reader) -> None:
    person = await add(ann, "bo@example.com", "staff")
    page = await ann.client.get(settings(ann, person))
    assert 'value="staff" checked' in page.text
    await ann.client.post(settings(ann, person), data={**as_shown(page.text), "list": []})
    assert await on_lists(ann, person) == []
    await ann.client.post(settings(ann), data={"action": "save", "unticked": ["staff"], "list": ["staff"]})
    assert await on_lists(ann) == ["news"]


async def test_a_template_of_ones_own_may_tell_only_what_it_shows(ann: Reader) -> None:
    form = {"action": "save", "shown": ["news", "extra"]}
    await ann.client.post(settings(ann), data={**form, "list": ["extra"]})
    assert await on_lists(ann) == ["extra"]
    await ann.client.post(settings(ann), data={**form, "list": ["extra", "news"]})
    assert await on_lists(ann) == ["extra", "news"]


async def test_mail_is_paused_for_months_and_comes_again(ann: Reader) -> None:
    answer = await save(ann, pause="3")
    assert "until 22 May 2026" in answer.text and await happened(ann) == [("paused", "news")]
    (news,) = (await person_of(ann)).lists
    assert news.paused_until == NOW + dt.timedelta(days=91)
    await save(ann)  # the pause as it is shown: kept
    assert (await person_of(ann)).lists == (news,)
    await save(ann, pause="none")
    assert (await person_of(ann)).lists[0].paused_until is None
    assert [kind for kind, _ in await happened(ann)] == ["paused", "resumed"]


async def test_attributes_that_people_may_change_are_changed_and_no_others(ann: Reader) -> None:
    answer = await save(
        ann,
        language="zh-CN",
        **{"attribute.city": "北京", "attribute.role": "buyer", "attribute.badge": "1", "tracking": "yes"},
    )
    assert '<html lang="zh-CN"' in answer.text and "设置已保存" in answer.text
    person = await person_of(ann)
    assert person.attributes == {"badge": "7", "language": "zh-CN", "city": "北京", "role": "buyer"}
    assert await happened(ann) == [("changed", None)]
    await save(ann, **{"attribute.city": ""})
    assert "city" not in (await person_of(ann)).attributes


async def test_a_value_that_can_not_be_taken_is_told_where_it_was_written(ann: Reader) -> None:
    before = await person_of(ann)
    answer = await save(ann, list=[], **{"attribute.since": "some day", "attribute.city": "<b>"})
    assert answer.status_code == 422 and 'aria-invalid="true"' in answer.text
    assert 'value="some day"' in answer.text and 'value="&lt;b&gt;"' in answer.text
    assert await person_of(ann) == before


@pytest.mark.parametrize("value", ["a\x07b", "Leeds \u202e", "a\u2066b", "x" * 501, "a\x9bb"])
async def test_a_value_that_every_other_door_refuses_is_refused_here(ann: Reader, value: str) -> None:
    answer = await save(ann, **{"attribute.city": value})
    assert answer.status_code == 422
    assert re.search(
        r'name="attribute.city"[^>]* aria-invalid="true" aria-describedby="attribute-1-fault"', answer.text
    )
    assert "city" not in (await person_of(ann)).attributes
    assert await happened(ann) == []


async def test_as_much_as_the_form_says_is_taken_and_what_was_longer_before_stays(ann: Reader) -> None:
    assert (await save(ann, **{"attribute.city": "市" * 500})).status_code == 200
    await amend(ann.database, 1, Amendment(attributes={"city": "x" * 600}), NOW)
    assert (await save(ann, **{"attribute.role": "buyer"})).status_code == 200
    assert (await person_of(ann)).attributes["city"] == "x" * 600


async def test_what_was_chosen_stands_on_the_page_that_tells_what_is_wrong(ann: Reader) -> None:
    wrong = await save(ann, list=["extra"], pause="3", language="zh-CN", **{"attribute.since": "some day"})
    assert wrong.status_code == 422 and await on_lists(ann) == ["news"]
    again = as_shown(wrong.text)
    assert (again["list"], again["pause"], again["language"]) == (["extra"], "3", "zh-CN")
    answer = await ann.client.post(settings(ann), data={**again, "attribute.since": "2026-01-01"})
    assert answer.status_code == 200 and await on_lists(ann) == ["extra"]
    person = await person_of(ann)
    assert person.attributes["language"] == "zh-CN" and {one.paused_until for one in person.lists} != {None}


async def test_all_lists_are_left_with_one_button(ann: Reader) -> None:
    await save(ann, list=["news", "extra"])
    answer = await ann.client.post(settings(ann), data={"action": "leave"})
    assert "left all lists" in answer.text and await on_lists(ann) == []
    assert "Leave all lists" not in answer.text  # there is nothing left to leave


async def test_the_address_changes_once_whoever_reads_mail_at_the_new_one_says_so(ann: Reader) -> None:
    answer = await ann.client.post(settings(ann), data={"action": "address", "email": "ann@new.example"})
    assert answer.status_code == 200 and "on its way to the new address" in answer.text
    await ann.post()
    mail = ann.newest()
    assert (mail["To"], mail["Subject"]) == ("ann@new.example", "Please confirm your new address: Small News")
    path = link_in(mail)
    assert "a…@new.example" in (await ann.client.get(path)).text
    assert (await person_of(ann)).address == "ann@example.com"
    for _ in range(2):
        done = await ann.client.post(path)
        assert done.status_code == 200 and "Your address is changed" in done.text
    person = await person_of(ann)
    assert person.address == "ann@new.example" and await on_lists(ann) == ["news"]


@pytest.mark.parametrize("taken", ["somebody's", "suppressed"])
async def test_what_is_said_of_a_new_address_is_the_same_whoever_has_it(ann: Reader, taken: str) -> None:
    free = await ann.client.post(settings(ann), data={"action": "address", "email": "free@new.example"})
    await ann.post()
    if taken == "somebody's":
        await add(ann, "bo@example.com", "news")
    else:
        await suppress_address(ann.database, parse_address("bo@example.com"), "bounced", NOW)
    answer = await ann.client.post(settings(ann), data={"action": "address", "email": "bo@example.com"})
    assert answer.content == free.content
    await ann.post()
    assert [mail["To"] for mail in ann.mails()] == ["free@new.example"]


async def test_an_address_that_was_taken_meanwhile_is_refused(ann: Reader) -> None:
    await ann.client.post(settings(ann), data={"action": "address", "email": "ann@new.example"})
    await ann.post()
    path = link_in(ann.newest())
    await add(ann, "ann@new.example", "news")
    answer = await ann.client.post(path)
    assert answer.status_code == 409 and "can&#39;t be taken" in answer.text
    assert (await person_of(ann)).address == "ann@example.com"


async def test_what_is_no_address_is_told(ann: Reader) -> None:
    answer = await ann.client.post(settings(ann), data={"action": "address", "email": "nobody"})
    assert answer.status_code == 422 and 'value="nobody"' in answer.text and 'aria-invalid="true"' in answer.text


async def test_who_is_suppressed_is_told_whom_to_write_to(ann: Reader) -> None:
    await suppress_address(ann.database, parse_address("ann@example.com"), "bounced", NOW)
    page = await ann.client.get(settings(ann))
    assert "No mail goes to this address" in page.text and "mailto:news@small.example.com" in page.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_changes_nothing(ann: Reader, method: str) -> None:
    before = await person_of(ann)
    data = {"action": "leave", "list": "extra", "shown": "extra"}
    answer = await ann.client.request(method, settings(ann), params=data, data=data)
    assert answer.status_code == 200
    assert await person_of(ann) == before and await happened(ann) == []


async def test_links_of_nobody_and_of_another_purpose_open_nothing(ann: Reader) -> None:
    keys = ann.doors.keys
    tokens = [
        preferences_token(keys, 99),
        preferences_token(keys, 1)[:-1],
        keys.make_token(b"pressrun confirm v1", "1"),
    ]
    pages = [await ann.client.get(f"/small/preferences/{token}") for token in [*tokens, "1", "~", "%00"]]
    pages += [await ann.client.post(f"/small/preferences/{token}", data={"action": "leave"}) for token in tokens]
    assert {(page.status_code, page.content) for page in pages} == {(404, pages[0].content)}
    assert await on_lists(ann) == ["news"]


async def test_two_publications_keep_their_lists_apart(ann: Reader, tmp_path: Path) -> None:
    other = tmp_path / "issues" / "other"
    other.mkdir()
    text = (tmp_path / "issues/small/publication.yaml").read_text(encoding="utf-8").partition("subscribing:")[0]
    (other / "publication.yaml").write_text(text.replace("lists: [news]", "lists: [others]"), encoding="utf-8")
    person = await add(ann, "bo@example.com", "news", "others")
    token = preferences_token(ann.doors.keys, person)
    assert 'value="others"' not in (await ann.client.get(f"/small/preferences/{token}")).text
    page = (await ann.client.get(f"/other/preferences/{token}")).text
    assert 'value="others" checked' in page and 'value="news"' not in page


async def test_a_name_of_a_list_is_shown_as_text(ann: Reader) -> None:
    async with ann.database.write() as connection:
        await connection.execute(sa.update(lists).values(name='<script>"x"'))
    page = await ann.client.get(settings(ann))
    assert "<script" not in page.text and "&lt;script&gt;" in page.text
    assert hidden(page.text)["ticked"] == '<script>"x"'


async def test_counting_by_person_is_asked_about_where_the_publication_does_it(ann: Reader, tmp_path: Path) -> None:
    file = tmp_path / "issues/small/publication.yaml"
    file.write_text(f"{file.read_text(encoding='utf-8')}tracking: {{clicks: person}}\n", encoding="utf-8")
    page = await ann.client.get(settings(ann))
    assert re.search(r'name="tracking" value="no" checked', page.text)  # silence is no consent
    await save(ann, tracking="yes")
    assert (await person_of(ann)).attributes["tracking"] == "yes"
    await save(ann, tracking="no")
    assert (await person_of(ann)).attributes["tracking"] == "no"


async def test_a_page_from_before_does_not_have_somebody_counted_who_said_no_since(ann: Reader, tmp_path: Path) -> None:
    file = tmp_path / "issues/small/publication.yaml"
    file.write_text(f"{file.read_text(encoding='utf-8')}tracking: {{clicks: person}}\n", encoding="utf-8")
    await save(ann, tracking="yes")
    page = as_shown((await ann.client.get(settings(ann))).text)
    assert page["tracking"] == "yes"
    await save(ann, tracking="no")
    await ann.client.post(settings(ann), data=page)
    assert (await person_of(ann)).attributes["tracking"] == "no"


async def test_a_time_zone_is_asked_for_where_it_matters(ann: Reader, tmp_path: Path) -> None:
    file = tmp_path / "issues/small/publication.yaml"
    file.write_text(f"{file.read_text(encoding='utf-8')}recipient_local: true\n", encoding="utf-8")
    await save(ann, timezone="Asia/Tokyo")
    assert (await person_of(ann)).attributes["timezone"] == "Asia/Tokyo"
    answer = await save(ann, timezone="Moon/Base")
    assert answer.status_code == 422
    await save(ann, timezone="")
    assert "timezone" not in (await person_of(ann)).attributes
