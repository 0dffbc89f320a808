"""Webhooks: which addresses may have one, what is said of an event, how it is signed, and when it is said again.

The form is Standard Webhooks' (https://www.standardwebhooks.com, version 1): whatever verifies that verifies ours.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pressrun.delivery.seal import seal
from pressrun.errors import UsageError
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.store.event import Event, EventKind

_PURPOSE = b"pressrun webhook v1"
_MOST_URL = 2_000

FIRST, LONGEST, TRIED = dt.timedelta(seconds=10), dt.timedelta(hours=8), dt.timedelta(days=3)
"""How long after a failed post the next one is, at first and at most, and how long a post is tried in all."""

TYPES: Mapping[EventKind, str] = {
    EventKind.JOINED: "subscriber.joined",
    EventKind.LEFT: "subscriber.left",
    EventKind.PAUSED: "subscriber.paused",
    EventKind.RESUMED: "subscriber.resumed",
    EventKind.CHANGED: "subscriber.changed",
    EventKind.TAGGED: "subscriber.tagged",
    EventKind.UNTAGGED: "subscriber.untagged",
    EventKind.SUPPRESSED: "subscriber.suppressed",
    EventKind.UNSUPPRESSED: "subscriber.unsuppressed",
    EventKind.FORGOTTEN: "subscriber.forgotten",
    EventKind.IMPORTED: "list.imported",
    EventKind.BOUNCED: "delivery.bounced",
    EventKind.COMPLAINED: "delivery.complained",
    EventKind.OPENED: "delivery.opened",
    EventKind.CLICKED: "delivery.clicked",
    EventKind.SENT: "delivery.sent",
    EventKind.FINISHED: "send.finished",
}
"""What a post calls each kind of event. They never change."""

TEST = "webhook.test"
"""What a post is called that somebody asked for, to see whether it arrives."""


@dataclass(frozen=True)
class Webhook:
    """An address that events are posted to; of all kinds where `kinds` is empty.

    Everything up to `last_event` is queued. Where it is disabled, `reason` says why.
    """

    id: str
    url: str
    kinds: tuple[EventKind, ...]
    last_event: int
    created_at: dt.datetime
    disabled_at: dt.datetime | None = None
    reason: str | None = None

    @property
    def host(self) -> str:
        """What may be named of the address: the rest of it may hold a secret."""
        return urlsplit(self.url).hostname or ""


def check_url(url: str, *, private: bool) -> str:
    """`url`, fit to be posted to. Raises UsageError where it is not; `private` networks may do without TLS."""
    schemes = ("https", "http") if private else ("https",)
    remedy = "write it as https://host/path"
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for what is none
    except ValueError:
        raise UsageError("the webhook's address can't be read", remedy) from None
    if parts.scheme not in schemes or not parts.hostname:
        more = "" if private else "; setting webhook_private allows http:// and private networks"
        raise UsageError("the webhook's address must begin with https:// and name a host", f"{remedy}{more}")
    if "@" in parts.netloc:
        raise UsageError("the webhook's address holds a login, which would stand in lists", "put a key into its path")
    if len(url) > _MOST_URL or not url.isascii() or not url.isprintable() or " " in url:
        message = "the webhook's address holds what no address does, or is too long"
        raise UsageError(message, f"percent-encode it, within {_MOST_URL:,} characters")
    return url


def parse_kind(text: str) -> EventKind:
    """The kind of event that `text` names, as `left` or as `subscriber.left`. Raises UsageError for no such kind."""
    for kind, name in TYPES.items():
        if text in (kind.value, name):
            return kind
    raise UsageError(f"no kind of event is called {text!r}", f"known: {', '.join(TYPES.values())}")


def secret_of(webhook_id: str, key: LinkKey) -> str:
    """The secret that a webhook's posts are signed with: made of the workspace's key, so that it is stored nowhere."""
    return f"whsec_{base64.b64encode(seal(key.secret, _PURPOSE, webhook_id.encode())).decode('ascii')}"


def sign(webhook_id: str, keys: LinkKeys, message_id: str, moment: dt.datetime, body: bytes) -> dict[str, str]:
    """The headers that show who posts `body`: a signature by each of the keys, so that a secret may be changed."""
    timestamp = str(int(moment.timestamp()))
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    signatures = (
        hmac.digest(seal(key.secret, _PURPOSE, webhook_id.encode()), signed, hashlib.sha256) for key in keys.keys
    )
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode('ascii')}" for one in signatures),
    }


def message_id_of(webhook_id: str, event_id: int) -> str:
    """What names a post, the same each time it is tried: receivers know by it what they have already."""
    return f"msg_{webhook_id}_{event_id}"


def write_body(event: Event, address: str | None) -> bytes:
    """What is posted of `event`; `address` is its person's now, None where there is no such person (any more)."""
    data: dict[str, Any] = {}
    if event.subscriber_id is not None:
        data["subscriber"] = {"id": event.subscriber_id, "address": address}
    named = {"list": event.list, "issue": event.issue, "delivery_id": event.delivery_id}
    data |= {name: value for name, value in named.items() if value is not None}
    return _write(TYPES[event.kind], event.at, data | {"detail": dict(event.detail)})


def write_test_body(moment: dt.datetime) -> bytes:
    """What is posted to see whether it arrives."""
    return _write(TEST, moment, {"detail": {"text": "This is a test. Nothing has happened."}})


def _write(kind: str, moment: dt.datetime, data: Mapping[str, Any]) -> bytes:
    at = moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    content = {"type": kind, "timestamp": at, "data": data}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def next_post(
    now: dt.datetime, attempts: int, queued_at: dt.datetime, chance: random.Random, asked: float = 0
) -> dt.datetime | None:
    """When a post that failed `attempts` times is tried again, None for never: the doubled wait, give or take a fifth.

    `asked` are the seconds that the receiver asked for; what it asks for beyond the longest wait is not heard.
    """
    wait = min(FIRST * 2 ** min(attempts - 1, 20), LONGEST) * chance.uniform(0.8, 1.2)
    due = now + max(wait, dt.timedelta(seconds=min(asked, LONGEST.total_seconds())))
    return due if due < queued_at + TRIED else None
