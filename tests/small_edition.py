"""An edition and a list small enough to read, for tests of what comes after rendering."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from pressrun.address import parse_address
from pressrun.delivery.message import Recipient
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.render.edition import Edition, Field, File
from pressrun.render.slot import SlotTokens
from pressrun.store.consent import ConsentBasis
from pressrun.store.database import Database
from pressrun.store.subscriber import ImportTerms, Row
from pressrun.store.subscriber_import import import_subscribers

NOW = dt.datetime(2026, 2, 20, 9, tzinfo=dt.UTC)
NONCE = "s0123456789ab"
TOKENS = SlotTokens(NONCE)
KEY = LinkKeys((LinkKey(b"a key for tests"),))
OTHER_KEY = LinkKeys((LinkKey(b"another key"),))

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


CONDITIONS = ('city == "北京"', 'not (city == "北京")')
PERSONAL_HTML = HTML.replace(
    "<p>.点开头</p>",
    f"{TOKENS['if0']}<p>北京的{TOKENS['field0']}</p>{TOKENS['if1']}<p>never</p>{TOKENS['end1']}{TOKENS['end0']}\n"
    f"{TOKENS['if1']}<p>{TOKENS['field1']}，{TOKENS['field2']}</p>{TOKENS['end1']}\n<p>.点开头</p>\n"
    f"<p><a href='https://example.com/?city={TOKENS['field1']}' title=\"{TOKENS['field1']}\">{TOKENS['list']}</a> "
    f'<a href="{TOKENS["view_url"]}">网页</a> <a href="{TOKENS["preferences_url"]}">设置</a>'
    f" {TOKENS['message_id']}</p>\n"
    "<img src='cid:cover@bulletin.spp.example.com' alt='封面'>",
)
PERSONAL_TEXT = TEXT.replace(
    ".点开头\n",
    f"{TOKENS['if0']}北京的{TOKENS['field0']}\n{TOKENS['end0']}{TOKENS['if1']}{TOKENS['field1']}\n{TOKENS['end1']}"
    f".点开头\n{TOKENS['field1']}\n{TOKENS['name']}{TOKENS['field0']}{TOKENS['field2']}\n{TOKENS['view_url']}\n"
    f"https://example.com/?city={TOKENS['field1']}\n{TOKENS['list']} {TOKENS['preferences_url']}\n",
)


def make_personal_edition(**changes: object) -> Edition:
    """One with everything that may differ from reader to reader, a picture in the message, and two attachments."""
    values: dict[str, object] = {
        "subject": f"{TOKENS['name']}，可持续公共采购通讯（{TOKENS['field1']}）第 2 期",
        "html": PERSONAL_HTML,
        "text": PERSONAL_TEXT,
        "fields": (Field(attribute="role", fallback="同事"), Field(attribute="city"), Field(attribute="domain")),
        "conditions": CONDITIONS,
        "inline": (
            File(
                name="cover.png",
                media_type="image/png",
                content=bytes(range(256)),
                content_id="cover@bulletin.spp.example.com",
            ),
        ),
        "attachments": (
            File(
                name="可持续公共采购通讯 2026 年第 2 期.pdf", media_type="application/pdf", content=b"%PDF-1.7\n" * 40
            ),
            File(name="data.csv", media_type="text/csv", content="城市,数\r\n北京,1\r\n".encode()),
        ),
    }
    return make_edition(**(values | changes))


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
    await import_subscribers(database, rows, ImportTerms(list_name, ConsentBasis.WRITTEN), KEY, NOW)
