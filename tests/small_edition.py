"""An edition and a list small enough to read, for tests of what comes after rendering."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from pressrun.address import parse_address
from pressrun.delivery.message import Recipient
from pressrun.render.edition import Edition
from pressrun.render.slot import SlotTokens
from pressrun.store.database import Database
from pressrun.store.subscriber import Row
from pressrun.store.subscriber_import import import_subscribers

NOW = dt.datetime(2026, 2, 20, 9, tzinfo=dt.UTC)
NONCE = "s0123456789ab"
TOKENS = SlotTokens(NONCE)
KEY = b"a key for tests"

HTML = (
    f"<!doctype html>\n<html lang=zh-CN><body>\n<p title='{TOKENS['name']}'>{TOKENS['greeting']}</p>\n"
    f"<h2>重点。后文</h2>\n<p>绿色采购让公共资金买得更好。</p>\n<p>.点开头</p>\n"
    f'<p>{TOKENS["address"]} · <a href="{TOKENS["unsubscribe_url"]}">退订</a></p>\n</body></html>\n'
)
TEXT = (
    f"{TOKENS['greeting']}\n\n重点。后文\n\n绿色采购让公共资金买得更好。\n.\n.点开头\n..两点\n\n"
    f"寄给 {TOKENS['address']}\n退订：{TOKENS['unsubscribe_url']}\n"
)


def make_edition(**changes: object) -> Edition:
    """A Chinese edition of the issue spp/2026-02, unless `changes` say otherwise."""
    values: dict[str, object] = {
        "id": "e0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "nonce": NONCE,
        "issue": "spp/2026-02",
        "title": "可持续公共采购通讯 2026 年第 2 期",
        "subject": "可持续公共采购通讯 2026 年第 2 期（总第 24 期）",
        "language": "zh-CN",
        "sender_name": "可持续公共采购",
        "sender_address": "bulletin@spp.example.com",
        "reply_to": "editor@spp.example.com",
        "list_id": "bulletin.spp.example.com",
        "list_title": "可持续公共采购通讯",
        "unsubscribe_mail": "leave@spp.example.com",
        "base_url": "https://spp.example.com",
        "url": "https://spp.example.com/2026-02/",
        "greeting": "尊敬的{name}，您好！",
        "greeting_anonymous": "尊敬的读者，您好！",
        "published": NOW,
        "html": HTML,
        "text": TEXT,
    }
    return Edition.model_validate(values | changes)


def make_recipient(**changes: object) -> Recipient:
    """林晓 at example.com, unless `changes` say otherwise."""
    values: dict[str, object] = {
        "address": "lin@example.com",
        "name": "林晓",
        "message_id": "<e0123456789abcdef0123456.7@spp.example.com>",
        "planned_at": NOW,
        "unsubscribe_url": "https://spp.example.com/unsubscribe/7~c3Bw~abc",
        "unsubscribe_mail": "leave@spp.example.com",
    }
    return Recipient(**(values | changes))  # type: ignore[arg-type]


def addresses(count: int, start: int = 0) -> list[str]:
    return [f"reader{n:04}@example.com" for n in range(start, start + count)]


async def fill_list(database: Database, list_name: str, people: Iterable[str]) -> None:
    """Put `people` on the list, each with a name."""
    rows = [Row(n, parse_address(text), f"读者{n}") for n, text in enumerate(people, start=2)]
    await import_subscribers(database, rows, list_name, NOW)
