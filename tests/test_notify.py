"""Notices: to a webhook and by mail, failures told, and the webhook's address nowhere to be read."""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

import pytest

from faulty_relay import FaultyRelay, Step, faulty_relay, say
from pressrun.delivery.policy import Surroundings
from pressrun.notify import Notified, host_of, notify
from pressrun.settings import Settings
from small_edition import NOW

SECRET = "T0-geheim-4711"
WORLD = Surroundings(clock=lambda: NOW, chance=random.Random(7))


@dataclass
class Hook:
    """A webhook that answers as told and keeps what came."""

    port: int = 0
    answer: bytes = b"200 OK"
    bodies: list[dict[str, str]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/services/{SECRET}"


@asynccontextmanager
async def hooked(answer: bytes = b"200 OK") -> AsyncIterator[Hook]:
    hook = Hook(answer=answer)

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            int(line.split(":")[1]) for line in head.splitlines() if line.lower().startswith("content-length")
        )
        hook.heads.append(head)
        hook.bodies.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 " + hook.answer + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        hook.port = server.sockets[0].getsockname()[1]
        yield hook


def settings_of(url: str = "", mail: str = "", relay: FaultyRelay | None = None) -> Settings:
    smtp = f"{relay.url}?starttls=never" if relay else "smtp://127.0.0.1:1"
    return Settings(notify_url=url, notify_mail=mail, smtp_url=smtp)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PRESSRUN_NOTIFY_URL", "PRESSRUN_NOTIFY_MAIL", "PRESSRUN_SMTP_URL", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


async def test_where_nobody_is_named_nobody_is_told() -> None:
    assert await notify(settings_of(), "subject", "text") == []


async def test_a_webhook_gets_subject_and_text_as_json() -> None:
    async with hooked() as hook:
        notified = await notify(settings_of(hook.url), "2 von 4 失败", "See the report.")
    assert notified == [Notified("webhook at 127.0.0.1")]
    assert hook.bodies == [
        {"subject": "2 von 4 失败", "body": "See the report.", "text": "2 von 4 失败\n\nSee the report."}
    ]
    assert hook.heads[0].startswith(f"POST /services/{SECRET} ")


async def test_a_webhook_that_refuses_or_is_gone_is_told() -> None:
    async with hooked(b"404 Not Found") as hook:
        assert await notify(settings_of(hook.url), "s", "t") == [Notified("webhook at 127.0.0.1", "answered 404")]
    (gone,) = await notify(settings_of(hook.url), "s", "t")
    assert not gone.is_reached


async def test_a_webhook_that_says_nothing_is_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pressrun.notify.SECONDS", 0.05)

    async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()  # until the other side gives up
        writer.close()

    async with await asyncio.start_server(stall, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        (told,) = await notify(settings_of(url), "s", "t")
    assert told.fault == "no answer in 0.05 s"


async def test_a_redirect_is_not_followed_with_what_was_said() -> None:
    async with hooked() as other, hooked(b"302 Found\r\nLocation: " + other.url.encode()) as hook:
        (told,) = await notify(settings_of(hook.url), "s", "t")
    assert (told.fault, other.bodies) == ("answered 302", [])


@pytest.mark.parametrize("url", [f"ftp://example.com/{SECRET}", SECRET, f"http://[{SECRET}", f"http://a:b{SECRET}/"])
async def test_an_address_that_is_none_is_told_without_being_shown(url: str) -> None:
    (told,) = await notify(settings_of(url), "s", "t")
    assert "notify_url" in told.fault
    assert SECRET not in str(told)


async def test_the_webhooks_address_is_in_no_log_and_in_no_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with hooked(b"500 Oh") as hook:
        told = [*await notify(settings_of(hook.url), "s", "t"), *await notify(settings_of(hook.url), "s", "t")]
    told += await notify(settings_of(hook.url), "s", "t")
    assert len(hook.bodies) == 2
    assert SECRET not in caplog.text + str(told)
    logging.getLogger("httpx").info("said after all")
    assert "said after all" in caplog.text


async def test_mail_goes_to_each_address_as_a_plain_message_nobody_answers_by_itself() -> None:
    async with faulty_relay() as relay:
        told = await notify(
            settings_of(mail="ops@example.com chef@example.com", relay=relay),
            "spp/2026-02 stopped\r\nBcc: all@example.com",
            f"重点。\n.\n{'long ' * 400}\n",
            sender="bulletin@spp.example.com",
            surroundings=WORLD,
        )
    assert told == [Notified("ops@example.com"), Notified("chef@example.com")]
    assert relay.counts == {"ops@example.com": 1, "chef@example.com": 1}
    message = relay.accepted[0].message
    assert (message["From"], message["To"]) == ("bulletin@spp.example.com", "ops@example.com")
    assert (message["Subject"], message["Bcc"]) == ("spp/2026-02 stopped Bcc: all@example.com", None)
    assert message["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(message["Date"]) == NOW
    assert message.get_content().replace("\r\n", "\n") == f"重点。\n.\n{'long ' * 400}\n"
    assert max(map(len, relay.accepted[0].content.split(b"\r\n"))) <= 78
    assert len({one.message_id for one in relay.accepted}) == 2


async def test_without_a_sender_mail_comes_from_the_first_it_goes_to() -> None:
    async with faulty_relay() as relay:
        await notify(settings_of(mail="ops@example.com chef@example.com", relay=relay), "s", "t")
    assert {one.sender for one in relay.accepted} == {"ops@example.com"}


async def test_an_address_beyond_ascii_asks_for_smtputf8_and_others_do_not() -> None:
    async with faulty_relay() as relay:
        told = await notify(settings_of(mail="ops@采购.example.com 晓@example.com", relay=relay), "题", "t")
    assert all(one.is_reached for one in told)
    mails = [line.decode() for line in relay.commands if line.startswith(b"MAIL")]
    assert ["SMTPUTF8" in line for line in mails] == [False, True]
    assert relay.accepted[0].content.isascii()


async def test_what_the_relay_refuses_is_told_for_each_address() -> None:
    async with faulty_relay([{Step.RCPT: say(b"550 5.1.1 no such user")}]) as relay:
        told = await notify(settings_of(mail="ops@example.com chef@example.com", relay=relay), "s", "t")
    assert [one.fault for one in told] == ["550 5.1.1 no such user", ""]


@pytest.mark.parametrize(
    ("mail", "smtp", "said"),
    [
        ("ops", "smtp://127.0.0.1:1", "'ops' is no mail address"),
        ("ops@example.com", "http://127.0.0.1:1", "SMTP URL"),
        ("ops@example.com", "smtp://me:geheim@127.0.0.1:1", "127.0.0.1:1 can't be used"),
    ],
)
async def test_wrong_settings_and_dead_relays_are_told_and_not_raised(mail: str, smtp: str, said: str) -> None:
    (told,) = await notify(Settings(notify_mail=mail, smtp_url=smtp), "s", "t")  # type: ignore[arg-type]
    assert said in told.fault
    assert "geheim" not in str(told)


async def test_a_webhook_that_fails_keeps_nobody_from_getting_mail() -> None:
    async with faulty_relay() as relay:
        told = await notify(settings_of("http://127.0.0.1:1/", "ops@example.com", relay), "s", "t")
    assert [one.is_reached for one in told] == [False, True]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://me:secret@hooks.example.com:8443/path?query", "hooks.example.com"),
        ("mailto:ops@example.com", ""),
        ("https://[broken", ""),
        ("", ""),
    ],
)
def test_of_an_address_only_the_host_is_told(url: str, host: str) -> None:
    assert host_of(url) == host
