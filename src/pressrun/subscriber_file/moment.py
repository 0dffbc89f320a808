"""Moments as other programs write them, and network addresses, for the record of consent."""

from __future__ import annotations

import datetime as dt
import ipaddress
import re
from functools import lru_cache

# listmonk writes what Go prints: 2024-03-05 10:20:30.123456 +0000 UTC; Mailchimp 2024-03-05 10:20:30, in UTC; Substack
# and Ghost ISO 8601, Substack with nine digits of a second.
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,9}))?)?"
    r"(?: ?(?:Z|([+-])(\d\d):?(\d\d)))?(?: [A-Z+-][A-Za-z0-9+-]*)?",
    re.ASCII,
)


def read_moment(text: str) -> dt.datetime | None:
    """The moment in `text`, in UTC where it names no zone; None where it is none."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        return None
    date, time, fraction, sign, hours, minutes = found.groups()
    try:
        moment = dt.datetime.fromisoformat(f"{date} {time or '00:00'}")
        moment = moment.replace(microsecond=int((fraction or "0").ljust(6, "0")[:6]), tzinfo=dt.UTC)
        offset = dt.timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
        return moment + offset if sign == "-" else moment - offset
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=4_096)  # many come from one, and a million of them take 10 seconds
def read_network(text: str) -> str | None:
    """The network address in `text`, in its shortest form; None where it is none."""
    try:
        return str(ipaddress.ip_address(text.strip()))
    except ValueError:
        return None
