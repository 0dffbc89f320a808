"""Days and the time of an event as readers write them, in their language."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pressrun.language import primary
from pressrun.schedule.moment import local_moment
from pressrun.source.block import Event

_MONTHS = {
    "ar": "يناير فبراير مارس أبريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر",
    "en": "January February March April May June July August September October November December",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}
_COMMA = {"ar": "، "}
# Abbreviations that mean one zone to whoever reads them; CST or IST mean several, and for those the offset is told.
_CLEAR = frozenset(
    "UTC GMT BST CET CEST WET WEST EET EEST MSK EAT SAST EDT PDT AKST AKDT JST KST AEST AEDT ACST NZST NZDT".split()
)
_CHINESE_ZONES = {
    "Africa/Nairobi": "内罗毕时间",
    "America/New_York": "纽约时间",
    "Asia/Hong_Kong": "香港时间",
    "Asia/Macau": "澳门时间",
    "Asia/Seoul": "首尔时间",
    "Asia/Shanghai": "北京时间",
    "Asia/Singapore": "新加坡时间",
    "Asia/Taipei": "台北时间",
    "Asia/Tokyo": "东京时间",
    "Asia/Urumqi": "新疆时间",
    "Europe/Berlin": "柏林时间",
    "Europe/Brussels": "布鲁塞尔时间",
    "Europe/Geneva": "日内瓦时间",
    "Europe/London": "伦敦时间",
    "Europe/Paris": "巴黎时间",
    "Europe/Rome": "罗马时间",
    "Europe/Vienna": "维也纳时间",
    "Europe/Zurich": "苏黎世时间",
}


def tell_date(day: dt.date, language: str) -> str:
    """`day` as a person writes it in `language`: 2026年6月30日, 30 June 2026; 2026-06-30 where it isn't known."""
    return _words_of(language).day(day)


def tell_event_time(event: Event, language: str, zone: ZoneInfo) -> str:
    """When `event`, whose times are those of `zone`, takes place: 30 June 2026, 09:00–17:00 (BST).

    Clocks are those of the publication, jumps and all: a time that they skip is told as the one that they show then.
    """
    words = _words_of(language)
    if not isinstance(event.starts, dt.datetime):
        return words.days(event.starts, event.ends or event.starts)
    starts = _on_clocks(event.starts, zone)
    ends = _on_clocks(event.ends, zone) if isinstance(event.ends, dt.datetime) else starts
    named, named_at_end = _name_zone(starts, language), _name_zone(ends, language)
    first = f"{words.day(starts)}{words.comma}{starts:%H:%M}"
    if ends <= starts:
        return f"{first}{words.bracket(named)}"
    if starts.date() == ends.date() and named == named_at_end:
        return f"{first}{words.dash}{ends:%H:%M}{words.bracket(named)}"
    first += words.bracket(named) if named != named_at_end else ""
    last = f"{words.day_after(starts, ends)}{words.comma}{ends:%H:%M}{words.bracket(named_at_end)}"
    return f"{first}{words.long_dash}{last}"


def _on_clocks(local: dt.datetime, zone: ZoneInfo) -> dt.datetime:
    return local_moment(local, zone).astimezone(zone)


def _name_zone(moment: dt.datetime, language: str) -> str:
    offset = _tell_offset(moment)
    if primary(language) == "zh":
        place = _CHINESE_ZONES.get(str(moment.tzinfo))
        return place if place == "北京时间" else f"{place}，{offset}" if place else offset
    name = moment.tzname() or ""
    return name if name in _CLEAR else offset


def _tell_offset(moment: dt.datetime) -> str:
    minutes = round((moment.utcoffset() or dt.timedelta()).total_seconds() / 60)
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours}" + (f":{rest:02}" if rest else "")


@dataclass(frozen=True)
class _Western:
    """Days with the month's name in the middle: 30 June 2026."""

    months: tuple[str, ...]
    comma: str = ", "
    dash: str = "–"
    long_dash: str = " – "

    def day(self, day: dt.date) -> str:
        return f"{self._day_of_month(day)} {day.year}"

    def day_after(self, _first: dt.date, day: dt.date) -> str:
        return self.day(day)

    def days(self, first: dt.date, last: dt.date) -> str:
        if first == last:
            return self.day(first)
        if (first.year, first.month) == (last.year, last.month):
            return f"{first.day}{self.dash}{self.day(last)}"
        told = self._day_of_month(first) if first.year == last.year else self.day(first)
        return f"{told}{self.long_dash}{self.day(last)}"

    def bracket(self, zone: str) -> str:
        return f" ({zone})"

    def _day_of_month(self, day: dt.date) -> str:
        return f"{day.day} {self.months[day.month - 1]}"


@dataclass(frozen=True)
class _EastAsian:
    """Days by 年, 月 and 日; what the first of two days has told, the second one doesn't repeat."""

    dash: str
    comma: str = " "

    @property
    def long_dash(self) -> str:
        return self.dash

    def day(self, day: dt.date) -> str:
        return f"{day.year}年{day.month}月{day.day}日"

    def day_after(self, first: dt.date, day: dt.date) -> str:
        return self.day(day) if first.year != day.year else f"{day.month}月{day.day}日"

    def days(self, first: dt.date, last: dt.date) -> str:
        if first == last:
            return self.day(first)
        same_month = (first.year, first.month) == (last.year, last.month)
        return f"{self.day(first)}{self.dash}{f'{last.day}日' if same_month else self.day_after(first, last)}"

    def bracket(self, zone: str) -> str:
        return f"（{zone}）"


@dataclass(frozen=True)
class _Plain:
    """Days as ISO 8601 has them, for languages whose months aren't known here."""

    comma: str = " "
    dash: str = "–"
    long_dash: str = " – "

    def day(self, day: dt.date) -> str:
        return f"{day:%Y-%m-%d}"

    def day_after(self, _first: dt.date, day: dt.date) -> str:
        return self.day(day)

    def days(self, first: dt.date, last: dt.date) -> str:
        return self.day(first) if first == last else f"{self.day(first)}{self.long_dash}{self.day(last)}"

    def bracket(self, zone: str) -> str:
        return f" ({zone})"


def _words_of(language: str) -> _Western | _EastAsian | _Plain:
    tag = primary(language)
    if tag in ("zh", "ja"):
        return _EastAsian("—" if tag == "zh" else "～")
    if months := _MONTHS.get(tag):
        return _Western(tuple(months.split()), _COMMA.get(tag, ", "))
    return _Plain()
