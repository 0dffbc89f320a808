"""What a relay's own log says of a message: whether the relay took it. Knows Postfix, sendmail and Exim.

Logs of any size are read a line at a time; only what is said of the messages asked for is kept.
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import takewhile

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

# RFC 5424 §6.2.3 (ISO 8601) or RFC 3164 §4.1.2, the latter perhaps with the year or a fraction.
_MOMENT = (
    r"(?:[A-Z][a-z]{2} )?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: ?(?:Z|[+-]\d\d:?\d\d|[A-Z]{2,5}))?"
    r"|[A-Z][a-z]{2} +\d{1,2}(?: \d{4})? \d\d:\d\d:\d\d(?:\.\d+)?(?: \d{4})?"
)
_PRIORITY = r"(?:<\d{1,3}>(?:1 )?)?"

# Anchored at the line's begin: what a client says of itself stands further on and proves nothing.
_LINE = re.compile(
    rf"{_PRIORITY}(?:{_MOMENT}) (?P<host>\S+) (?P<tag>[\w.\-/]+)"
    r"(?:\[\d+\]:?| (?:\d+|-) \S+ (?:-|(?:\[[^\]]*\])+)|:) "
    r"(?:\[ID \d+ [\w.]+\] )?(?P<queue>[0-9A-Za-z]{5,24}): (?P<said>.*)"
)
_EXIM = re.compile(
    rf"(?:{_PRIORITY}(?:{_MOMENT}) \S+ exim4?(?:\[\d+\]:|:) )?(?:(?:{_MOMENT}) )?(?:\[\d+\] )?"
    r"(?P<queue>\w{6}-\w{6,11}-\w{2,4}) <= \S+ .*? id=(?P<id>\S+)"
)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,]\d+)?(?: ?(Z|[+-]\d\d:?\d\d))?")
_BSD = re.compile(r"([A-Z][a-z]{2}) +(\d{1,2})(?: (\d{4}))? (\d\d):(\d\d):(\d\d)")
_POSTFIX_ID = re.compile(r"message-id=(?P<id><[^>]*>?)")
_SENDMAIL_ID = re.compile(r"from=.*\bmsgid=(?P<id><[^>]*>)")
_SENDMAIL_TRY = re.compile(r"to=.*\bstat=(?:Sent|Deferred|queued)\b", re.IGNORECASE)
_FOLD = re.compile(r"\?(?=[ \t])|\s")  # Postfix shows a line break inside a header as a question mark


class MailLog:
    """What logs say of the messages with the Message-IDs `wanted`, each `<…>` as it stands in the message."""

    def __init__(self, wanted: Iterable[str]) -> None:
        self._wanted = sorted(set(wanted))
        self._octets = {message_id.encode() for message_id in self._wanted}
        self._queues: set[bytes] = set()  # the queue ids below, of whichever host
        self._begun: dict[tuple[str, str, str], str] = {}  # host, instance and queue id to Message-ID
        self._seen: set[str] = set()
        self._accepted: dict[str, str] = {}

    @property
    def accepted(self) -> Mapping[str, str]:
        """The Message-IDs of what a relay took, each with the queue id it got there."""
        return self._accepted

    @property
    def unfinished(self) -> frozenset[str]:
        """The Message-IDs of what a relay began to receive and, as far as the logs go, never took."""
        return frozenset(self._seen - self._accepted.keys())

    def read(self, line: bytes) -> None:
        """Take in one line; lines of one relay come in the order they were written."""
        if not self._may_concern(line):
            return
        text = line.decode("utf-8", "replace").rstrip("\r\n\0")
        if match := _LINE.match(text):
            self._read_syslog(match)
        elif match := _EXIM.match(text):
            # Exim §53.5: the line is written when the message has been received, and only then.
            self._accept(self._known(f"<{match['id'].strip('<>')}>"), match["queue"])

    def _may_concern(self, line: bytes) -> bool:
        """Whether the line may be about a message asked for, or about the next with its queue id.

        Reading one takes ten times as long as finding out that it needn't be read, as nearly all needn't.
        """
        if (at := line.find(b": message-id=")) >= 0:
            end = line.find(b">", at)
            shown = line[at + 13 : end + 1]
            return end < 0 or shown in self._octets or b" " in shown or self._is_begun(line, at)
        if b"(queue active)" in line or b" stat=" in line:
            return self._is_begun(line, line.find(b": from=")) or self._is_begun(line, line.find(b": to="))
        if (at := line.find(b" msgid=<")) >= 0:
            shown = line[at + 7 : line.find(b">", at) + 1]
            return shown in self._octets or self._is_begun(line, line.find(b": from="))
        if b" <= " in line and (at := line.find(b" id=")) >= 0:
            return b"<%b>" % line[at + 4 :].partition(b" ")[0].strip(b"<>\r\n") in self._octets
        return False

    def _is_begun(self, line: bytes, at: int) -> bool:
        """Whether the queue id that ends at `at` is one of a message that a relay began to receive."""
        return at > 0 and line[line.rfind(b" ", 0, at) + 1 : at] in self._queues

    def _read_syslog(self, match: re.Match[str]) -> None:
        instance, _, service = match["tag"].partition("/")
        place = (match["host"], instance, match["queue"])
        said, service = match["said"], service.rpartition("/")[2]
        if service == "cleanup" and (begun := _POSTFIX_ID.match(said)):
            self._begin(place, begun["id"])
        elif service in ("qmgr", "nqmgr") and said.endswith("(queue active)"):
            # cleanup logs the Message-ID while the message still comes in; the queue manager gets only what was
            # taken. A short queue id is soon another message's: that one's Message-ID would have come in between.
            self._accept(self._begun.pop(place, None), match["queue"])
        elif not service and (begun := _SENDMAIL_ID.match(said)):
            self._begin(place, begun["id"])
        elif not service and _SENDMAIL_TRY.match(said):
            self._accept(self._begun.pop(place, None), match["queue"])

    def _begin(self, place: tuple[str, str, str], shown: str) -> None:
        self._begun.pop(place, None)
        if message_id := self._known(_FOLD.sub("", shown)):
            self._begun[place] = message_id
            self._queues.add(place[2].encode())
            self._seen.add(message_id)

    def _accept(self, message_id: str | None, queue_id: str) -> None:
        if message_id is not None:
            self._seen.add(message_id)
            self._accepted.setdefault(message_id, queue_id)

    def _known(self, shown: str) -> str | None:
        """The wanted Message-ID that `shown` is, or is the begin of where a log cut it off."""
        start = bisect_left(self._wanted, shown)
        if shown.endswith(">"):
            return shown if self._wanted[start : start + 1] == [shown] else None
        if "@" not in shown:  # cut off inside the number that tells one recipient from the next
            return None
        near = list(takewhile(lambda wanted: wanted.startswith(shown), self._wanted[start : start + 2]))
        return near[0] if len(near) == 1 else None


def moment_of(line: bytes, now: dt.datetime) -> dt.datetime | None:
    """When `line` was written, to bring logs into order; in UTC where it says so, else as if it were.

    Where the year is missing, it is the last one in which the day was not after `now`.
    """
    text = line[:100].decode("ascii", "replace")
    try:
        if match := _ISO.search(text):
            zone = match[7] or "Z"
            stamp = f"{match[1]}-{match[2]}-{match[3]}T{match[4]}:{match[5]}:{match[6]}{zone}"
            return dt.datetime.fromisoformat(stamp).astimezone(dt.UTC)
        if match := _BSD.search(text):
            return _without_year(match, now)
    except (ValueError, OverflowError):
        return None  # the 31st of February
    return None


def _without_year(match: re.Match[str], now: dt.datetime) -> dt.datetime:
    month, day = _MONTHS.index(match[1]) + 1, int(match[2])
    hour, minute, second = (int(part) for part in match.groups()[3:6])
    clock = dt.time(hour, minute, second, tzinfo=dt.UTC)
    latest = now.astimezone(dt.UTC) + dt.timedelta(days=1)  # the log's zone may be ahead of ours
    # Eight years back there has been a 29th of February.
    years = [int(match[3])] if match[3] else range(latest.year, latest.year - 9, -1)
    for year in years:
        try:
            moment = dt.datetime.combine(dt.date(year, month, day), clock)
        except ValueError:
            continue
        if match[3] or moment <= latest:
            return moment
    raise ValueError("no such day")
