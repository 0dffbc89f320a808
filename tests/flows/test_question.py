from __future__ import annotations

import datetime as dt
import importlib
from types import ModuleType

import pytest

NOW = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)


@pytest.fixture
def question(prefect_set_up: None) -> ModuleType:
    return importlib.import_module("flows.question")


def test_keys_tell_questions_apart_and_the_newest_is_found_again(question: ModuleType) -> None:
    first = question.key_for("approval", "abc123", None, NOW)
    second = question.key_for("approval", "abc123", question.newest([first], "approval"), NOW)
    tenth = "approval-10-def456-20260302080000000000"
    assert len({first, second, tenth}) == 3
    found = question.newest([tenth, second, first, "stopped-11-abc-1", "a key of somebody else"], "approval")
    assert (found.key, found.number, found.about) == (tenth, 10, "def456")


def test_a_run_that_has_not_asked_has_no_question(question: ModuleType) -> None:
    assert question.newest([], "approval") is None
    assert question.newest(["stopped-1-abc-1"], "approval") is None


def test_the_same_question_asked_later_has_another_key(question: ModuleType) -> None:
    later = NOW + dt.timedelta(microseconds=1)
    assert question.key_for("approval", "abc", None, NOW) != question.key_for("approval", "abc", None, later)


def test_outside_of_a_run_nothing_can_be_asked(question: ModuleType) -> None:
    assert not question.can_ask()
