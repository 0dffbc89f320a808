from __future__ import annotations

import importlib

import pytest


@pytest.mark.parametrize(
    ("lists", "people", "name"),
    [
        (["spp"], 12_431, "spp/2026-02 → spp list, 12,431 people"),
        (["news", "board"], 2, "spp/2026-02 → news and board lists, 2 people"),
        (["news"], 1, "spp/2026-02 → news list, 1 person"),
    ],
)
def test_a_run_is_called_by_its_issue_and_audience(
    prefect_set_up: None, lists: list[str], people: int, name: str
) -> None:
    assert importlib.import_module("flows.naming").tell_run("spp/2026-02", lists, people) == name
