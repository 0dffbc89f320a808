"""Webhooks as values: which addresses are fit, what is said, what shows that we said it."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.errors import UsageError
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.store.event import Event, EventKind
from pressrun.webhook import (
    LONGEST,
    TRIED,
    TYPES,
    check_url,
    message_id_of,
    next_post,
    parse_kind,
    secret_of,
    sign,
    write_body,
    write_test_body,
)
from small_edition import NOW

OLD, NEW = LinkKey(b"an old key"), LinkKey(b"a new key")
BODY = b'{"type":"subscriber.left"}'


def verify(secret: str, headers: dict[str, str], body: bytes) -> bool:
    """As the standard has it, written down anew."""
    assert secret.startswith("whsec_")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = headers["webhook-id"].encode() + b"." + headers["webhook-timestamp"].encode() + b"." + body
    wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    return f"v1,{wanted}" in headers["webhook-signature"].split(" ")


def test_a_post_is_signed_as_the_standard_has_it() -> None:
    headers = sign("wh1", LinkKeys((NEW,)), "msg_wh1_7", NOW, BODY)
    assert headers["webhook-id"] == "msg_wh1_7"
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert verify(secret_of("wh1", NEW), headers, BODY)


@pytest.mark.parametrize(
    ("secret", "changes", "body"),
    [
        (secret_of("wh2", NEW), {}, BODY),
        (secret_of("wh1", OLD), {}, BODY),
        (secret_of("wh1", NEW), {"webhook-id": "msg_wh1_8"}, BODY),
        (secret_of("wh1", NEW), {"webhook-timestamp": "1"}, BODY),
        (secret_of("wh1", NEW), {}, BODY + b" "),
    ],
)
def test_what_was_changed_or_is_another_webhooks_does_not_verify(
    secret: str, changes: dict[str, str], body: bytes
) -> None:
    headers = sign("wh1", LinkKeys((NEW,)), "msg_wh1_7", NOW, BODY)
    assert not verify(secret, headers | changes, body)


def test_while_keys_are_changed_old_and_new_secrets_verify() -> None:
    headers = sign("wh1", LinkKeys((NEW, OLD)), "msg_wh1_7", NOW, BODY)
    assert verify(secret_of("wh1", NEW), headers, BODY)
    assert verify(secret_of("wh1", OLD), headers, BODY)
    assert not verify(secret_of("wh1", LinkKey(b"another key")), headers, BODY)


def test_the_secret_is_long_enough_and_says_nothing_of_the_key() -> None:
    raw = base64.b64decode(secret_of("wh1", NEW).removeprefix("whsec_"))
    assert 24 <= len(raw) <= 64  # as the standard asks for
    assert b"a new key" not in raw


def test_a_post_is_called_the_same_at_every_try_and_otherwise_for_every_webhook() -> None:
    assert message_id_of("wh1", 7) == message_id_of("wh1", 7)
    assert len({message_id_of("wh1", 7), message_id_of("wh1", 8), message_id_of("wh2", 7)}) == 3
    assert "." not in message_id_of("wh1", 7)  # what is signed is parted by them


def sample() -> Callable[..., None]:
    """What docs/webhooks.md gives receivers."""
    page = (Path(__file__).parents[1] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0], names)
    return names["verify"]  # type: ignore[no-any-return]


def test_the_sample_in_the_docs_takes_what_we_sign_and_nothing_else() -> None:
    now = dt.datetime.now(dt.UTC)
    headers = sign("wh1", LinkKeys((NEW, OLD)), "msg_wh1_7", now, BODY)
    for key in (NEW, OLD):
        sample()(secret_of("wh1", key), headers, BODY)
    late = sign("wh1", LinkKeys((NEW,)), "msg_wh1_7", now - dt.timedelta(hours=1), BODY)
    for secret, told, body in (
        (secret_of("wh2", NEW), headers, BODY),
        (secret_of("wh1", NEW), headers, BODY + b" "),
        (secret_of("wh1", NEW), late, BODY),
    ):
        with pytest.raises(ValueError, match=r"signed|old"):
            sample()(secret, told, body)


def test_the_docs_name_every_type() -> None:
    page = (Path(__file__).parents[1] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    assert [name for name in TYPES.values() if f"`{name}`" not in page] == ["delivery.sent"]


def test_a_body_tells_what_happened_to_whom() -> None:
    event = Event(EventKind.LEFT, NOW, 7, list="news", detail={"source": "page", "text": "回来\u2028"})
    assert json.loads(write_body(event, "lin@example.com")) == {
        "type": "subscriber.left",
        "timestamp": "2026-02-20T09:00:00Z",
        "data": {
            "subscriber": {"id": 7, "address": "lin@example.com"},
            "list": "news",
            "detail": {"source": "page", "text": "回来\u2028"},
        },
    }


def test_a_body_about_nobody_names_nobody() -> None:
    data = json.loads(write_body(Event(EventKind.FINISHED, NOW, issue="spp/2026-02", detail={"sent": 3}), None))["data"]
    assert data == {"issue": "spp/2026-02", "detail": {"sent": 3}}
    forgotten = json.loads(write_body(Event(EventKind.LEFT, NOW, 7), None))["data"]
    assert forgotten["subscriber"] == {"id": 7, "address": None}


def test_a_test_says_that_it_is_one() -> None:
    assert json.loads(write_test_body(NOW))["type"] == "webhook.test"


def test_every_kind_of_event_has_a_name_of_its_own() -> None:
    assert set(TYPES) == set(EventKind)
    assert len(set(TYPES.values())) == len(TYPES)


def test_a_kind_is_named_in_either_way() -> None:
    assert parse_kind("left") is parse_kind("subscriber.left") is EventKind.LEFT
    with pytest.raises(UsageError, match=r"send\.finished"):
        parse_kind("nothing")


@pytest.mark.parametrize(
    "url", ["https://example.com/hook", "https://example.com:8443/a?b=c", "https://[2001:db8::1]/"]
)
def test_an_address_with_tls_is_fit(url: str) -> None:
    assert check_url(url, private=False) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "https:///hook",
        "https://user:secret@example.com/",
        "https://example.com:99999/",
        "https://[::1/",
        "https://example.com/a b",
        "https://example.com/\r\nX: y",
        "https://例子.example.com/",
        "https://example.com/" + "a" * 2_000,
        "",
    ],
)
def test_another_is_refused_without_being_told(url: str) -> None:
    with pytest.raises(UsageError) as told:
        check_url(url, private=False)
    assert "secret" not in str(told.value).replace("may hold a secret", "")


def test_in_a_private_network_tls_may_be_missing() -> None:
    assert check_url("http://10.0.0.5:8080/", private=True)
    with pytest.raises(UsageError):
        check_url("ftp://10.0.0.5/", private=True)


@given(attempts=st.integers(1, 60), asked=st.floats(0, 1e9), seed=st.integers())
def test_a_failed_post_is_tried_again_later_and_not_for_ever(attempts: int, asked: float, seed: int) -> None:
    due = next_post(NOW, attempts, NOW, random.Random(seed), asked)
    assert due is not None
    assert dt.timedelta(seconds=8) <= due - NOW <= LONGEST * 1.2
    assert next_post(NOW + TRIED, attempts, NOW, random.Random(seed), asked) is None


def test_waits_grow() -> None:
    chance = random.Random(7)
    waits = [next_post(NOW, attempts, NOW, chance) for attempts in (1, 3, 5, 7)]
    assert waits == sorted(waits)  # type: ignore[type-var]
