"""Moments and network addresses as other programs write them."""

from __future__ import annotations

import datetime as dt

import pytest

from pressrun.subscriber_file.moment import read_moment, read_network


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024-03-05 10:20:30.123456 +0000 UTC", "2024-03-05T10:20:30.123456+00:00"),
        ("2024-03-05 10:20:30 +0530 IST", "2024-03-05T04:50:30+00:00"),
        ("2024-03-05 10:20:30.5 -0300 -03", "2024-03-05T13:20:30.500000+00:00"),
        ("2015-03-16 14:40:47", "2015-03-16T14:40:47+00:00"),
        ("2026-05-01T10:00:00.000000001+00:00", "2026-05-01T10:00:00+00:00"),
        ("2026-01-05T10:00:00.123Z", "2026-01-05T10:00:00.123000+00:00"),
        (" 2024-01-01 ", "2024-01-01T00:00:00+00:00"),
    ],
)
def test_each_programs_moments_are_read_in_utc(text: str, iso: str) -> None:
    assert read_moment(text) == dt.datetime.fromisoformat(iso)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2024-02-30", "2024-03-05 25:00", "0001-01-01 00:00 +2300", "１２", "5"]
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert read_moment(text) is None


def test_network_addresses_are_read_in_their_shortest_form() -> None:
    assert read_network(" 192.0.2.1 ") == "192.0.2.1"
    assert read_network("2001:0DB8:0:0:0:0:0:1") == "2001:db8::1"
    assert [read_network(text) for text in ("", "192.0.2", "example.com", "192.0.2.1/24")] == [None] * 4
