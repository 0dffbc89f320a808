from __future__ import annotations

import datetime as dt
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from pressrun.service_mail import ServiceKind, ServiceMail, write_message, write_service_mail
from pressrun.source.loader import load_publication
from pressrun.workspace import open_workspace
from rendered_issue import REPOSITORY
from signed_message import ask_dkimpy, both_keys

FOLDERS = open_workspace(REPOSITORY).template_folders
URL = "https://news.example.com/confirm/12~abcd~efgh"
WRITTEN = dt.datetime(2026, 2, 20, 9, tzinfo=dt.UTC)


def make_mail(kind: ServiceKind = ServiceKind.CONFIRM, name: str = "field-notes", **changes: object) -> ServiceMail:
    publication, _ = load_publication(REPOSITORY / "issues" / name)
    assert publication
    values: dict[str, object] = {
        "kind": kind,
        "publication": publication,
        "language": publication.language,
        "address": "ann@example.com",
        "url": URL,
        "message_id": "<confirm-1@example.com>",
        "written_at": WRITTEN,
        "good_until": dt.date(2026, 2, 27),
    }
    return ServiceMail(**{**values, **changes})  # type: ignore[arg-type]


def read(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)


def body_of(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part
    return str(part.get_content())


@pytest.mark.parametrize("name", ["field-notes", "spp", "daira"])
@pytest.mark.parametrize("kind", ServiceKind)
def test_each_mail_says_one_thing_and_has_one_link_to_it(kind: ServiceKind, name: str) -> None:
    mail = make_mail(kind, name)
    message = read(write_message(mail, write_service_mail(mail, FOLDERS)))
    html, text = body_of(message, "html"), body_of(message, "plain")
    assert html.count(f'href="{URL}"') == text.count(URL) == 1
    assert message["Auto-Submitted"] == "auto-generated" and "List-Id" not in message
    assert message["Subject"].endswith(mail.publication.title)
    assert mail.publication.postal_address in text
    assert f'lang="{mail.language}"' in html and ('dir="rtl"' in html) is (name == "daira")


def test_lines_are_short_and_ended_as_mail_is() -> None:
    mail = make_mail(name="spp")
    raw = write_message(mail, write_service_mail(mail, FOLDERS))
    lines = raw.split(b"\r\n")
    assert raw.endswith(b"\r\n") and b"\n" not in raw.replace(b"\r\n", b"") and b"\r" not in raw.replace(b"\r\n", b"")
    assert max(map(len, lines)) <= 78
    assert raw.isascii()


def test_the_same_mail_is_the_same_octets() -> None:
    mail = make_mail()
    assert write_message(mail, write_service_mail(mail, FOLDERS)) == write_message(
        mail, write_service_mail(mail, FOLDERS)
    )


def test_it_is_signed_as_other_mail_is() -> None:
    mail = make_mail()
    keys = both_keys()
    sender = mail.publication.sender.model_copy(update={"address": f"letter@{keys[0].domain}"})
    mail = replace(mail, publication=mail.publication.model_copy(update={"sender": sender}))
    raw = write_message(mail, write_service_mail(mail, FOLDERS), keys)
    assert ask_dkimpy(raw, keys) == [True, True]
    assert ask_dkimpy(raw.replace(b"To: ann@", b"To: bob@"), keys) == [False, False]


def test_a_language_without_words_gets_english_that_says_so() -> None:
    mail = make_mail(language="fr")
    message = read(write_message(mail, write_service_mail(mail, FOLDERS)))
    assert message["Content-Language"] == "en" and 'lang="en"' in body_of(message, "html")
    assert message["Subject"] == "Please confirm: Field Notes"
