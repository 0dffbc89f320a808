from __future__ import annotations

import json
from pathlib import Path

import pytest

from command import run_process
from pressrun.store.database import open_database
from small_edition import addresses, fill_list
from small_issue import ISSUE, write_small_issue


@pytest.fixture
async def workspace(tmp_path: Path) -> Path:
    """A workspace with an issue that names its list, with 30 people on it."""
    write_small_issue(tmp_path, issue=ISSUE + "lists: [all]\n")
    (tmp_path / "pressrun.toml").write_text('smtp_url = "smtp://me:secret@relay.example.com?rate=5/s"\n')
    async with open_database(f"sqlite:///{tmp_path}/.pressrun/pressrun.db") as database:
        await fill_list(database, "all", addresses(30))
    return tmp_path


def test_it_prints_the_report_and_ends_well(workspace: Path) -> None:
    ended = run_process(workspace, "rehearse-send", "2026-01", "--slow", 0, "--seed", 3)
    assert ended.status == 0, ended.err + ended.out
    assert ended.out.startswith("# Rehearsal of small/2026-01: sound\n")
    assert "| planned | 30 |" in ended.out
    assert "held back by the relays' rates" in ended.out
    assert "30 messages to send" in ended.err
    assert "killed the sending process" in ended.err
    assert "secret" not in ended.out + ended.err
    assert addresses(1)[0] not in ended.out + ended.err


def test_as_json_it_prints_one_object_and_what_falls_short_is_status_1(workspace: Path) -> None:
    article = (workspace / "issues" / "small" / "2026-01" / "first.md").read_text()
    write_small_issue(workspace, first=article + "\n{{ city }}\n", issue=ISSUE + "lists: [all]\n")
    options = ("--no-kill", "--temporary", 0, "--permanent", 0, "--dropped", 0, "--slow", 0, "--sample", 7)
    ended = run_process(workspace, "rehearse-send", "small/2026-01", *options, "--format", "json", "--keep", "out")
    assert ended.status == 1
    summary = json.loads(ended.out)
    assert (summary["planned"], summary["sent"], summary["received"], summary["sound"]) == (7, 7, 7, False)
    assert [finding["count"] for finding in summary["findings"]] == [7]
    assert (workspace / "out" / "messages").exists()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--list", "nowhere"), "nowhere"),
        (("--temporary", 2), "temporary"),
        (("--keep", "issues"), "not empty"),
    ],
)
def test_wrong_usage_is_told_in_one_line(workspace: Path, arguments: tuple[object, ...], told: str) -> None:
    ended = run_process(workspace, "rehearse-send", "small/2026-01", *arguments)
    assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
    assert told in ended.err


def test_an_issue_without_lists_needs_one_named(workspace: Path) -> None:
    write_small_issue(workspace)
    ended = run_process(workspace, "rehearse-send", "small/2026-01")
    assert (ended.status, ended.err.count("\n")) == (2, 1)
    assert "--list" in ended.err
