"""Exports of other programs, as they write them: who is a member, who has left, and what shows their consent."""

from __future__ import annotations

import datetime as dt
import zipfile
from pathlib import Path

import pytest

from pressrun.attribute import AttributeSchema
from pressrun.errors import UsageError
from pressrun.store.subscriber import Facts, RejectedRow, Row, Standing
from pressrun.subscriber_file import FileFormat, SubscriberFile, open_subscribers

MAILCHIMP = (
    '"Email Address","First Name","Last Name",Address,"Phone Number",MEMBER_RATING,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,'
    "CONFIRM_IP,LATITUDE,LONGITUDE,GMTOFF,DSTOFF,TIMEZONE,CC,REGION,LAST_CHANGED,LEID,EUID,NOTES,TAGS"
)
MAILCHIMP_MEMBERS = f"""{MAILCHIMP}
ann@example.com,Ann,Lee,"1 High Street, Bath",,2,"2015-03-16 14:40:47",192.0.2.1,"2015-03-16 14:41:00",192.0.2.7,\
51.38,-2.36,0,1,Europe/London,GB,BAT,"2020-01-01 00:00:00",44877845,c2cb0681af,,"\"\"VIP\"\",\"\"Blog, two\"\""
wei@example.com,伟,李,,,2,,,"2016-01-02 03:04:05",,,,,,,,,"2016-01-02 03:04:05",44877846,c2cb0681b0,,
""".replace('"\\"', '"""').replace('\\"', '"')
UNSUBSCRIBED = MAILCHIMP.replace(
    ",NOTES", ",UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_CAMPAIGN_ID,NOTES"
)
GONE = f'gone@example.com,,,,,2{"," * 13}44877847,c2cb,"2021-05-06 07:08:09",Spring,81,NORMAL,81,,\n'
CLEANED = f'bad@example.com,,,,,1{"," * 13}44877848,c2cc,"2021-05-06 07:08:09",,\n'
LISTMONK = """uuid,email,name,attributes,status,created_at,updated_at
1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed,ann@example.com,Ann,\
"{""age"": 29, ""city"": ""Bath"", ""vip"": true, ""none"": null, ""x"": {""y"": [1.5]}}",enabled,\
2024-03-05 10:20:30.123456 +0530 IST,2024-03-06 00:00:00 +0000 UTC
1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bee,bad@example.com,Bad,{},blocklisted,2024-03-05 10:20:30 +0000 UTC,
1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bef,off@example.com,Off,{},disabled,2024-03-05 10:20:30 +0000 UTC,
1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bf0,odd@example.com,Odd,{},sleeping,2024-03-05 10:20:30 +0000 UTC,
1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bf1,list@example.com,List,[],enabled,2024-03-05 10:20:30 +0000 UTC,
"""
LISTMONK_SAMPLE = """email,name,attributes
user1@example.com,"User One","{""age"": 42, ""planet"": ""Mars""}"
user2@example.com,"User Two","{""age"": 24, ""job"": ""Time Traveller""}"
"""
SUBSTACK = """email,active_subscription,expiry,plan,email_disabled,created_at,first_payment_at
ann@example.com,false,,other,false,2026-01-05T10:00:00.123Z,
bo@example.com,true,2027-07-01T00:00:00.000Z,yearly,false,2026-06-01T00:00:00.000Z,2026-06-15T00:00:00.000Z
off@example.com,false,,other,true,2026-05-01T00:00:00.000Z,
"""
SUBSTACK_PANEL = """Email,Name,Stripe plan,Cancel date,Start date,Activity,Type
ann@example.com,Ann,,,2026-05-01T10:00:00.000000000+00:00,4,Free
"""
GHOST = """id,email,name,note,subscribed_to_emails,complimentary_plan,\
stripe_customer_id,created_at,deleted_at,labels,tiers
65a5,ann@example.com,Ann,"VIP, early",true,true,cus_ABC123,2024-01-15T10:00:00.000Z,,"vip,early bird",Gold
65a6,off@example.com,Off,,false,false,,2024-01-15T10:00:00.000Z,,,
65a7,gone@example.com,Gone,,true,false,,2024-01-15T10:00:00.000Z,2025-02-03T00:00:00.000Z,,
"""


def moment(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type,misc]


def opened(tmp_path: Path, text: str, name: str = "people.csv", **options: object) -> SubscriberFile:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return open_subscribers(path, **options)  # type: ignore[arg-type]


def good(file: SubscriberFile) -> dict[str, Row]:
    return {row.address.address: row for row in file.rows() if isinstance(row, Row)}


def bad(file: SubscriberFile) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in file.rows() if isinstance(row, RejectedRow)]


def test_members_of_mailchimp_keep_name_tags_and_what_shows_their_consent(tmp_path: Path) -> None:
    file = opened(tmp_path, MAILCHIMP_MEMBERS, "subscribed_members_export_3f2a.csv")
    assert file.format is FileFormat.MAILCHIMP and bad(file) == []
    ann, wei = good(file).values()
    assert (ann.name, ann.tags, wei.name) == ("Ann Lee", ("VIP", "Blog, two"), "李伟")
    assert ann.attributes == {"Address": "1 High Street, Bath", "Phone Number": ""}
    assert ann.standing is Standing.MEMBER
    proof = {
        "program": "Mailchimp",
        "confirm_time": "2015-03-16 14:41:00",
        "optin_time": "2015-03-16 14:40:47",
        "optin_ip": "192.0.2.1",
        "confirm_ip": "192.0.2.7",
    }
    assert ann.facts == Facts(moment(2015, 3, 16, 14, 41), "192.0.2.1", proof)
    assert wei.facts is not None and wei.facts.given_at == moment(2016, 1, 2, 3, 4, 5)


def test_what_mailchimp_guessed_of_people_stays_there(tmp_path: Path) -> None:
    columns = {str(column.heading): str(column) for column in opened(tmp_path, MAILCHIMP_MEMBERS).columns}
    assert {columns[name] for name in ("TIMEZONE", "CC", "LATITUDE", "EUID", "NOTES")} == {"left out"}
    assert (columns["First Name"], columns["Address"], columns["TAGS"]) == ("name", "attribute Address", "tags")
    assert columns["OPTIN_IP"] == "record of consent"


@pytest.mark.parametrize("name", ["unsubscribed_members_export_1.csv", "people.csv"])
def test_who_unsubscribed_in_mailchimp_has_left(tmp_path: Path, name: str) -> None:
    (row,) = good(opened(tmp_path, f"{UNSUBSCRIBED}\n{GONE}", name)).values()
    assert (row.standing, row.facts) == (Standing.LEFT, Facts(ended_at=moment(2021, 5, 6, 7, 8, 9)))


@pytest.mark.parametrize("name", ["cleaned_members_export_1.csv", "people.csv"])
def test_who_was_cleaned_is_never_mailed(tmp_path: Path, name: str) -> None:
    heading = MAILCHIMP.replace(",NOTES", ",CLEAN_TIME,NOTES")
    (row,) = good(opened(tmp_path, f"{heading}\n{CLEANED}", name)).values()
    assert row.standing is Standing.SUPPRESSED
    assert row.facts is not None and row.facts.reason == "cleaned by Mailchimp, as mail to it bounced"


def test_a_contact_that_never_subscribed_is_not_taken(tmp_path: Path) -> None:
    file = opened(tmp_path, MAILCHIMP_MEMBERS, "nonsubscribed_members_export_1.csv")
    assert bad(file) == [(2, "a contact that never subscribed in Mailchimp"), (3, bad(file)[0][1])]


def archive(tmp_path: Path, **files: str) -> Path:
    path = tmp_path / "audience.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(f"members_export/{name}.csv", text)
    return path


def test_an_archive_of_mailchimp_is_read_whole_the_departed_first(tmp_path: Path) -> None:
    path = archive(
        tmp_path,
        subscribed_members_export_1=f"{MAILCHIMP_MEMBERS}nobody\n",
        unsubscribed_members_export_1=f"{UNSUBSCRIBED}\n{GONE}",
        cleaned_members_export_1=f"{MAILCHIMP.replace(',NOTES', ',CLEAN_TIME,NOTES')}\n{CLEANED}",
        granular_activity="email,opened\nspy@example.com,1\n",
    )
    rows = list(open_subscribers(path).rows())
    assert [row.standing.value if isinstance(row, Row) else row.file for row in rows] == [
        *("suppressed", "left", "member", "member"),
        "members_export/subscribed_members_export_1.csv",
    ]


def test_an_archive_of_substack_gives_its_list_and_not_who_opened_what(tmp_path: Path) -> None:
    path = archive(
        tmp_path, **{"email_list.daira": SUBSTACK, "posts/1.opens": "email\nspy@example.com\n", "posts": "id\n"}
    )
    assert [row.address.address for row in open_subscribers(path).rows() if isinstance(row, Row)] == [
        *("ann@example.com", "bo@example.com", "off@example.com")
    ]


def test_an_archive_without_a_list_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no list of subscribers"):
        open_subscribers(archive(tmp_path, a="email\n", b="email\n"))
    path = archive(tmp_path, subscribed_1="email\n" + "a@example.com\n" * 1_000)
    raw = bytearray(path.read_bytes())
    at = raw.rindex(b"PK\x01\x02") + 24  # the size it declares to have, unpacked
    raw[at : at + 4] = (0x7FFFFFFF).to_bytes(4, "little")
    path.write_bytes(raw)
    with pytest.raises(UsageError, match="larger than 1 GiB"):
        open_subscribers(path)


def test_a_damaged_archive_is_a_usage_error(tmp_path: Path) -> None:
    path = archive(tmp_path, subscribed_1="email\n" + "".join(f"reader{n}@example.com\n" for n in range(9_999)))
    raw = bytearray(path.read_bytes())
    raw[200:260] = bytes(60)
    path.write_bytes(raw)
    with pytest.raises(UsageError, match="damaged"):
        list(open_subscribers(path).rows())


def test_listmonk_statuses_and_attributes(tmp_path: Path) -> None:
    file = opened(tmp_path, LISTMONK)
    assert file.format is FileFormat.LISTMONK
    rows = good(file)
    assert {address: row.standing.value for address, row in rows.items()} == {
        "ann@example.com": "member",
        "bad@example.com": "suppressed",
        "off@example.com": "left",
    }
    ann = rows["ann@example.com"]
    assert ann.attributes == {"age": "29", "city": "Bath", "vip": "true", "none": "", "x": '{"y":[1.5]}'}
    assert ann.facts is not None and ann.facts.given_at == moment(2024, 3, 5, 4, 50, 30, 123456)
    assert bad(file) == [(5, "listmonk has no status 'sleeping'"), (6, "this is no JSON object")]


def test_the_sample_that_listmonk_offers_to_download_is_read(tmp_path: Path) -> None:
    rows = good(opened(tmp_path, LISTMONK_SAMPLE))
    assert [(row.name, row.attributes["age"], row.standing) for row in rows.values()] == [
        ("User One", "42", Standing.MEMBER),
        ("User Two", "24", Standing.MEMBER),
    ]


def test_substack_lists_of_both_kinds(tmp_path: Path) -> None:
    file = opened(tmp_path, SUBSTACK, "email_list.csv")
    assert file.format is FileFormat.SUBSTACK
    rows = good(file)
    assert [row.standing.value for row in rows.values()] == ["member", "member", "left"]
    assert [row.attributes for row in rows.values()] == [{"plan": "other"}, {"plan": "yearly"}, {}]
    (ann,) = good(opened(tmp_path, SUBSTACK_PANEL)).values()
    assert (ann.name, ann.attributes) == ("Ann", {"plan": "Free"})
    assert ann.facts is not None and ann.facts.given_at == moment(2026, 5, 1, 10)


def test_ghost_members(tmp_path: Path) -> None:
    file = opened(tmp_path, GHOST)
    assert file.format is FileFormat.GHOST
    rows = good(file)
    assert [row.standing.value for row in rows.values()] == ["member", "left", "left"]
    ann = rows["ann@example.com"]
    assert (ann.tags, ann.attributes) == (("vip", "early bird"), {"note": "VIP, early", "tiers": "Gold"})
    assert rows["gone@example.com"].facts == Facts(ended_at=moment(2025, 2, 3))


def test_somebody_who_left_is_not_lost_for_a_name_that_cannot_be_stored(tmp_path: Path) -> None:
    file = opened(tmp_path, GHOST.replace("Off", '"O\x01ff"'))
    assert bad(file) == [] and good(file)["off@example.com"].name is None


def test_a_format_that_is_named_is_not_guessed(tmp_path: Path) -> None:
    file = opened(tmp_path, "email,status\nann@example.com,disabled\n")
    assert [row.standing for row in good(file).values()] == [Standing.MEMBER]
    named = opened(tmp_path, "email,status\nann@example.com,disabled\n", format=FileFormat.LISTMONK)
    assert [row.standing for row in good(named).values()] == [Standing.LEFT]


def test_columns_that_are_not_declared_are_refused_unless_left_out(tmp_path: Path) -> None:
    schema = AttributeSchema(declared=True)
    with pytest.raises(
        UsageError, match=r":1: subscribers/attributes.yaml doesn't declare City, Phone — .*--skip 'City'"
    ):
        opened(tmp_path, "email,City,Phone\na@example.com,Bath,1\n", schema=schema)
    file = opened(tmp_path, "email,City,Phone\na@example.com,Bath,1\n", schema=schema, skipped=("city", "PHONE"))
    assert [row.attributes for row in good(file).values()] == [{}]


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column is headed email"):
        opened(tmp_path, "")


def test_everybody_in_a_file_may_have_left(tmp_path: Path) -> None:
    file = opened(tmp_path, "email,name\na@example.com,A\nnobody\n", standing=Standing.LEFT)
    assert [(row.address.address, row.standing) for row in good(file).values()] == [("a@example.com", Standing.LEFT)]
    assert len(bad(file)) == 1
