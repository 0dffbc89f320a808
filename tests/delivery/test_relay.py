"""Relay URLs: read whole, refused with a remedy, and the password never told."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pressrun.delivery.relay import MESSAGES, Relay, Starttls, Warmup, parse_relay, parse_relays
from pressrun.errors import UsageError

DOCS = Path(__file__).parents[2] / "docs" / "relays.md"


@pytest.mark.parametrize(
    ("url", "relay"),
    [
        ("smtp://127.0.0.1:1025", Relay("127.0.0.1", 1025)),
        ("smtp://mail.example.com", Relay("mail.example.com", 25)),
        ("smtp://mail.example.com/", Relay("mail.example.com", 25)),
        ("smtp://me:pw@mail.example.com", Relay("mail.example.com", 587, username="me", password="pw")),
        ("smtps://mail.example.com", Relay("mail.example.com", 465, implicit_tls=True)),
        ("smtp://m%40x:p%2F%3A@[::1]:26", Relay("::1", 26, username="m@x", password="p/:")),
        ("smtp://h.example.com?starttls=never&verify=no", Relay("h.example.com", 25, False, Starttls.NEVER, False)),
        (
            "smtp://h.example.com?name=first&weight=3&connections=4&messages=50",
            Relay("h.example.com", 25, name="first", weight=3, connections=4, messages=50),
        ),
        (
            "smtp://h.example.com?warmup=2026-11-20:200,0,1000",
            Relay("h.example.com", 25, warmup=Warmup(dt.date(2026, 11, 20), (200, 0, 1000))),
        ),
    ],
)
def test_a_url_names_a_relay(url: str, relay: Relay) -> None:
    assert parse_relay(url) == relay


@pytest.mark.parametrize(
    ("said", "a_second"),
    [("100/s", 100), ("6000/min", 100), ("50000/h", 50000 / 3600), ("1e5/day", 1e5 / 86400), ("0.5/s", 0.5)],
)
def test_a_rate_is_so_many_in_a_time(said: str, a_second: float) -> None:
    assert parse_relay(f"smtp://h.example.com?rate={said}").rate == pytest.approx(a_second)


def test_a_relay_without_options_is_called_by_its_address_and_has_no_limits() -> None:
    relay = parse_relay("smtp://h.example.com")
    assert (relay.name, relay.weight, relay.connections, relay.messages) == ("h.example.com:25", 1, None, MESSAGES)
    assert not relay.is_limited
    assert parse_relay("smtp://[::1]:26").name == "[::1]:26"


@pytest.mark.parametrize("option", ["rate=1/s", "warmup=2026-11-20:5"])
def test_a_relay_with_a_rate_or_a_plan_is_limited(option: str) -> None:
    assert parse_relay(f"smtp://h.example.com?{option}").is_limited


def test_a_relay_tells_its_name_and_where_it_is() -> None:
    assert str(parse_relay("smtp://h.example.com?name=first")) == "first (h.example.com:25)"
    assert str(parse_relay("smtp://h.example.com")) == "h.example.com:25"


@pytest.mark.parametrize(
    "url",
    [
        "", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://h:99999", "smtp://h:x", "smtp://[::1",
        "smtp://h?starttls=maybe", "smtp://h?verify=perhaps", "smtp://h?tls=1", "smtp://h/path", "smtp://h#part",
    ],
)  # fmt: skip
def test_a_url_that_names_none_is_refused_with_a_remedy(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_relay(url)
    assert raised.value.remedy


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("starttls", "starttls="), ("starttls=", "starttls="), ("verify=0", "verify=0"),
        ("name=", "name="), ("name=a%20b", "name=a b"), ("name=" + "n" * 101, "name=n"),
        ("weight=0", "weight=0"), ("weight=1.5", "weight=1.5"), ("weight=1001", "weight=1001"),
        ("connections=0", "connections=0"), ("connections=-1", "connections=-1"), ("connections=٣", "connections=٣"),
        ("messages=0", "messages=0"), ("messages=1e3", "messages=1e3"), ("messages=" + "9" * 5000, "messages=9"),
        ("rate=100", "rate=100"), ("rate=100/m", "rate=100/m"), ("rate=0/s", "rate=0/s"), ("rate=nan/s", "rate=nan"),
        ("rate=-5/s", "rate=-5/s"), ("rate=1e99/s", "rate=1e99/s"), ("rate=1e7/s", "rate=1e7/s"),
        ("warmup=200,500", "warmup=200"), ("warmup=2026-02-30:1", "warmup=2026-02-30"),
        ("warmup=2026-11-20:", "warmup="), ("warmup=2026-11-20:1,,2", "warmup="), ("warmup=20261120:1", "warmup="),
    ],
)  # fmt: skip
def test_an_option_that_cant_be_read_is_named_with_what_to_say(option: str, told: str) -> None:
    with pytest.raises(UsageError, match=re.escape(told)) as raised:
        parse_relay(f"smtp://h.example.com?{option}")
    assert raised.value.remedy.startswith(("say ", "use "))


def test_an_option_that_isnt_known_gets_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="no option conections — did you mean connections"):
        parse_relay("smtp://h.example.com?conections=5")
    with pytest.raises(UsageError, match="no option zzz — it takes starttls, verify, name"):
        parse_relay("smtp://h.example.com?zzz=5")


def test_an_option_stands_once() -> None:
    with pytest.raises(UsageError, match="says weight twice"):
        parse_relay("smtp://h.example.com?weight=1&weight=2")


def test_several_urls_are_parted_by_blanks_and_newlines() -> None:
    relays = parse_relays("  smtp://a.example.com?weight=3\nsmtps://b.example.com \t smtp://a.example.com?name=again\n")
    assert [relay.name for relay in relays] == ["a.example.com:25", "b.example.com:465", "again"]
    assert parse_relays("smtp://a.example.com") == (Relay("a.example.com", 25),)


@pytest.mark.parametrize("text", ["smtp://a smtp://a:25", "smtp://a?name=x smtp://b?name=x"])
def test_two_relays_of_one_name_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"two relays are called \S+ — give one of them another name"):
        parse_relays(text)


def test_the_url_that_is_wrong_is_told_by_its_place() -> None:
    with pytest.raises(UsageError, match="SMTP URL 2 of 3 has no option wieght — did you mean weight"):
        parse_relays("smtp://a.example.com smtp://b.example.com?wieght=2 smtp://c.example.com")


def test_no_relay_at_all_is_refused() -> None:
    with pytest.raises(UsageError, match="no relay"):
        parse_relays(" \n")


def test_no_text_about_a_relay_holds_its_password() -> None:
    relay = parse_relay("smtp://me:geheim@h.example.com:25?name=first")
    assert "geheim" not in f"{relay} {relay!r} {relay.name}"


@example("?", "\r", "")
@example("?weight=", " ", "")
@given(st.text(max_size=8), st.text(max_size=8), st.sampled_from(["", "?weight=2", " smtp://h.example.com"]))
def test_no_error_holds_a_password_however_it_was_written(before: str, after: str, more: str) -> None:
    try:
        relays = parse_relays(f"smtp://me:{before}geheim{after}@h.example.com{more}")
    except UsageError as error:
        assert "geheim" not in str(error)
    else:
        assert all("geheim" not in f"{relay} {relay!r}" for relay in relays)


@pytest.mark.parametrize(
    "url",
    [
        "smtp://me:geheim@h:port", "smtp://me:geheim/1@h.example.com", "ftp://me:geheim@h", "smtp://me:geheim@",
        "smtp://me:12?geheim@h", "smtp://me:12?x=geheim@h", "smtp://me:12#geheim@h", "smtp://me:12/geheim@h",
    ],
)  # fmt: skip
def test_a_password_that_breaks_the_url_is_not_told(url: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_relay(url)
    assert "geheim" not in str(raised.value)


def test_a_plan_says_how_many_on_each_day() -> None:
    plan = Warmup(dt.date(2026, 11, 20), (200, 500))
    days = [dt.date(2026, 11, day) for day in (19, 20, 21, 22)]
    assert [plan.most_on(day) for day in days] == [0, 200, 500, None]


def test_every_option_is_explained() -> None:
    with pytest.raises(UsageError) as raised:
        parse_relay("smtp://h.example.com?zzz=5")
    explained = re.findall(r"^\| `(\w+)=", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert raised.value.remedy == f"it takes {', '.join(explained)}"


def test_the_urls_in_the_docs_are_read() -> None:
    shown = re.findall(r"^smtps?://\S+", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(shown) >= 3
    for url in shown:
        parse_relay(url)
