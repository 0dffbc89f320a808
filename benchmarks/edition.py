"""Makes an edition of a wanted size on the wire, with greeting, name and the link to leave in each part."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_left
from itertools import accumulate, cycle, takewhile

from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.delivery.message import MessageTemplate, Recipient
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.render.edition import Edition
from pressrun.render.slot import SlotTokens

NOW = dt.datetime(2026, 6, 30, 9, tzinfo=dt.UTC)
LIST = "readers"
KEY = LinkKeys((LinkKey(b"a key for the benchmarks' links"),))
_NONCE = "s0123456789ab"
_TOKENS = SlotTokens(_NONCE)
_SENTENCES = (
    "可持续公共采购把环境、社会与经济目标写进每一份合同。",
    "各国采购机构今年公布了新的绿色目录，涵盖纺织品、建筑材料与办公用品。",
    "报告指出，采购额约占国内生产总值的百分之十二，影响遍及整个供应链。",
    "下一期将介绍日内瓦会议的成果，欢迎来信讨论。",
)


def address(number: int) -> str:
    """The address of one of the readers, of whom 50 domains have a share each; `store.fill` writes the same."""
    return f"reader{1_000_000 + number}@d{number % 50}.example.com"


def name(number: int) -> str:
    """The name of one of the readers."""
    return f"读者 {1_000_000 + number}"


def make_edition(kilobytes: int) -> Edition:
    """An edition whose filled message is as near to `kilobytes` (of 1,024 octets) as whole letters allow."""
    wanted = kilobytes * 1024
    return _compose(bisect_left(range(wanted), wanted, key=lambda letters: len(fill(_compose(letters)))))


def fill(edition: Edition, number: int = 0) -> bytes:
    """The message one reader gets, as `deliver` makes it."""
    token = make_leave_token(Leave(number + 1, LIST), KEY)
    person = Recipient(
        address=address(number),
        name=name(number),
        message_id=f"<{edition.id[:24]}.{number + 1}@example.com>",
        planned_at=NOW,
        unsubscribe_url=f"{edition.base_url}/unsubscribe/{token}",
        unsubscribe_mail=edition.unsubscribe_mail,
    )
    return MessageTemplate(edition).fill(person)


def _compose(letters: int) -> Edition:
    paragraphs = _write(letters)
    return Edition(
        id="b" * 64,
        nonce=_NONCE,
        issue="bench/1",
        title="采购通讯",
        subject="采购通讯",
        language="zh-CN",
        sender_name="采购通讯",
        sender_address="bulletin@example.com",
        reply_to=None,
        list_id="bulletin.example.com",
        list_title="采购通讯",
        unsubscribe_mail=None,
        base_url="https://example.com",
        url="https://example.com/1/",
        greeting="{name}，您好！",
        greeting_anonymous="您好！",
        published=NOW,
        html=_write_html(paragraphs),
        text=_write_text(paragraphs),
    )


def _write_html(paragraphs: list[str]) -> str:
    body = "".join(f"<p>{text}</p>\n" for text in paragraphs)
    link = f'<a href="{_TOKENS["unsubscribe_url"]}">退订</a>'
    return f"<!doctype html>\n<p>{_TOKENS['greeting']}</p>\n{body}<p>{_TOKENS['name']}，{link}</p>\n"


def _write_text(paragraphs: list[str]) -> str:
    body = "".join(f"{text}\n\n" for text in paragraphs)
    return f"{_TOKENS['greeting']}\n\n{body}{_TOKENS['name']}，退订：{_TOKENS['unsubscribe_url']}\n"


def _write(letters: int) -> list[str]:
    """So many letters, as paragraphs of one sentence; the last one may break off."""
    if not letters:
        return []
    ends = takewhile(lambda end: end < letters, accumulate(len(text) for text in cycle(_SENTENCES)))
    whole = sum(1 for _ in ends)
    texts = [text for text, _ in zip(cycle(_SENTENCES), range(whole + 1), strict=False)]
    return [*texts[:-1], texts[-1][: letters - sum(len(text) for text in texts[:-1])]]
