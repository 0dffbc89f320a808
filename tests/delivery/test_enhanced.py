"""What servers' replies mean, in plain words, and what is to be done."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.enhanced import explain

REGISTERED = {0: 0, 1: 10, 2: 4, 3: 6, 4: 7, 5: 6, 6: 10, 7: 30}
"""The last detail that the registry has of each subject."""


@pytest.mark.parametrize(
    ("enhanced", "code", "said"),
    [
        ("5.1.1", 550, "There is no such mailbox. Remove the address, or ask the reader for the right one."),
        (
            "4.2.2",
            452,
            "The mailbox is full. It is tried again by itself; if it lasts, take it for abandoned and remove the"
            " address.",
        ),
        (None, 535, "The login was refused. Check the name and password in PRESSRUN_SMTP_URL."),
    ],
)
def test_a_reply_is_explained_with_what_to_do(enhanced: str | None, code: int | None, said: str) -> None:
    assert explain(enhanced, code) == said


@pytest.mark.parametrize("subject", REGISTERED)
def test_every_registered_code_has_a_meaning_of_its_own(subject: int) -> None:
    for detail in range(1, REGISTERED[subject] + 1):
        said = explain(f"5.{subject}.{detail}", 550)
        assert said != explain(f"5.{subject}.999", 550)


def test_a_code_that_nobody_registered_is_explained_by_its_subject() -> None:
    assert explain("5.2.77", 550) == explain("5.2.99", 550)
    assert "mailbox" in explain("5.2.77", 550)


@pytest.mark.parametrize("enhanced", ["5.0.0", "5.0.9", "5.42.1", None])
def test_an_enhanced_code_that_tells_nothing_gives_way_to_the_replys_own(enhanced: str | None) -> None:
    assert "null MX" in explain(enhanced, 556)


def test_no_answer_points_to_settling_by_hand() -> None:
    assert "pressrun resolve" in explain(None, None)


def test_what_is_temporary_is_said_to_be_tried_again() -> None:
    assert "tried again by itself" in explain("4.7.1", 451)
    assert "tried again by itself" in explain(None, 451)
    assert "tried again" not in explain("5.7.1", 550)


@given(
    st.none() | st.from_regex(r"[245]\.\d{1,3}\.\d{1,3}", fullmatch=True),
    st.none() | st.integers(200, 599),
)
def test_whatever_a_server_says_becomes_sentences(enhanced: str | None, code: int | None) -> None:
    assert re.fullmatch(r"[A-Z][^\n]+\. [A-Z][^\n]+\.", explain(enhanced, code))
