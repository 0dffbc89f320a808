"""`pressrun demo`, as a person runs it in a workspace of their own."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import feedparser
import pytest

from command import Ended, run_process
from pressrun.delivery.outcome import State
from pressrun.demo import DemoReport, choose_issue
from pressrun.errors import UsageError
from pressrun.sink import read_maildir
from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace
from small_issue import FIRST, ISSUE, write_small_issue

PEOPLE = ["ann@example.com", "Bo@Example.com", "o'brien+tag@example.com"]
LIST = "email,name,city\n" + "".join(f"{address},Person {n},\n" for n, address in enumerate(PEOPLE))


def write_workspace(folder: Path) -> None:
    """A workspace with an issue and a sample list of its publication."""
    write_small_issue(folder)
    (folder / "subscribers").mkdir(exist_ok=True)
    (folder / "subscribers" / "small.csv").write_text(LIST, encoding="utf-8")


@dataclass(frozen=True)
class Demo:
    """The demo run twice, and what it left."""

    folder: Path
    out: Path
    first: Ended
    second: Ended
    after_first: list[bytes]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    write_workspace(folder)
    out = folder / "made here"
    # A database and a relay that somebody works with are none of the demo's business.
    env = {"PRESSRUN_DATABASE_URL": f"sqlite:///{folder}/mine.db", "PRESSRUN_SMTP_URL": "smtp://127.0.0.1:9"}
    first = run_process(folder, "demo", "--out", "made here", env=env)
    after_first = read_maildir(out / "maildir")
    second = run_process(folder, "demo", "--out", out, env=env)
    return Demo(folder, out, first, second, after_first)


def parse(raw: bytes) -> EmailMessage:
    return message_from_bytes(raw, policy=policy.default)  # type: ignore[return-value]


@pytest.mark.prefect
def test_it_ends_well_and_says_what_was_made(demo: Demo) -> None:
    assert demo.first.status == 0, demo.first.err
    assert "3 sent on the list small" in demo.first.out
    for place in ("render/preview.html", "site/small/index.html", "site/small/rss.xml", "maildir/new"):
        assert place in demo.first.out
        assert (demo.out / place).exists()


@pytest.mark.prefect
def test_it_leaves_mail_archive_feeds_messages_and_log_in_its_folder(demo: Demo) -> None:
    for name in ("email.html", "email.txt", "message.eml"):
        assert (demo.out / "render" / name).stat().st_size > 100
    assert feedparser.parse(str(demo.out / "site" / "small" / "rss.xml")).entries
    with sqlite3.connect(demo.out / "pressrun.db") as database:
        rows = database.execute("SELECT address, state, code FROM deliveries").fetchall()
    assert sorted(rows) == sorted((address, "sent", 250) for address in PEOPLE)


@pytest.mark.prefect
def test_everybody_on_the_sample_list_has_one_message(demo: Demo) -> None:
    messages = [parse(raw) for raw in demo.after_first]
    assert Counter(message["Delivered-To"] for message in messages) == dict.fromkeys(PEOPLE, 1)
    assert len({message["Message-ID"] for message in messages}) == 3
    for message in messages:
        body = message.get_body(("plain",))
        assert body is not None
        assert "重点。后文" in body.get_content().replace("*", "")


@pytest.mark.prefect
def test_the_second_run_mails_nobody_and_ends_well(demo: Demo) -> None:
    assert demo.second.status == 0, demo.second.err
    assert sorted(read_maildir(demo.out / "maildir")) == sorted(demo.after_first)
    assert "3 sent" in demo.second.out


@pytest.mark.prefect
def test_nothing_is_written_outside_of_its_folder_but_prefects_history(demo: Demo) -> None:
    assert not (demo.folder / "mine.db").exists()
    state = {file.name for file in (demo.folder / ".pressrun").iterdir()}
    assert state == {"prefect", "secret-key", "fence.json", "fence.lock"}


@pytest.mark.prefect
def test_no_address_is_in_what_prefect_logs(demo: Demo) -> None:
    for ended in (demo.first, demo.second):
        assert "Person" not in ended.err + ended.out
        assert [address for address in PEOPLE if address in ended.err + ended.out] == []


def report(tmp_path: Path, **changes: object) -> DemoReport:
    """A demo that went well, unless `changes` say otherwise."""
    issue = load_issue(write_small_issue(tmp_path)).issue
    assert issue is not None
    well = DemoReport(
        issue=issue,
        list_name="small",
        out=tmp_path,
        counts=dict.fromkeys(State, 0) | {State.SENT: 2},
        sent_ids=frozenset({"<1@example.com>", "<2@example.com>"}),
        received={"<1@example.com>": 1, "<2@example.com>": 1},
        flow_message="2 of 2 sent",
        flow_completed=True,
        seconds=1.0,
    )
    return replace(well, **changes)  # type: ignore[arg-type]


def test_a_demo_that_went_well_falls_short_of_nothing(tmp_path: Path) -> None:
    assert report(tmp_path).shortfalls == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"received": {"<1@example.com>": 1}}, "1 sent messages are not in the Maildir"),
        ({"received": {"<1@example.com>": 1, "<2@example.com>": 2}}, "1 messages are in the Maildir more than once"),
        ({"counts": dict.fromkeys(State, 0)}, "0 of 0 deliveries were sent"),
        ({"counts": dict.fromkeys(State, 0) | {State.SENT: 2, State.IN_DOUBT: 1}}, "2 of 3 deliveries were sent"),
        ({"flow_completed": False, "flow_message": "why"}, "the flow did not complete: why"),
    ],
)
def test_a_demo_tells_what_it_fell_short_of(tmp_path: Path, changes: dict[str, object], told: str) -> None:
    assert report(tmp_path, **changes).shortfalls == [told]


def test_a_broken_issue_is_told_before_anything_is_begun(tmp_path: Path) -> None:
    write_workspace(tmp_path)
    write_small_issue(tmp_path, first=FIRST + "\n[nowhere](http:www.example.com)\n")
    ended = run_process(tmp_path, "demo", "small/2026-01", "--out", tmp_path / "out")
    assert (ended.status, ended.out) == (1, "")
    assert "first.md:16:1" in ended.err
    assert ended.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_broken_issue_that_is_the_newest_is_told_too(tmp_path: Path) -> None:
    write_workspace(tmp_path)
    write_small_issue(tmp_path, first=FIRST + "\n[nowhere](http:www.example.com)\n")
    ended = run_process(tmp_path, "demo", "--out", tmp_path / "out")
    assert (ended.status, ended.err.count("\n")) == (1, 1)
    assert "first.md:16:1" in ended.err


def test_an_issue_without_a_sample_list_is_wrong_usage(tmp_path: Path) -> None:
    write_small_issue(tmp_path)
    for arguments in (["demo"], ["demo", "small/2026-01"]):
        ended = run_process(tmp_path, *arguments)
        assert (ended.status, ended.out, ended.err.count("\n")) == (2, "", 1)
        assert "small.csv" in ended.err or "PUBLICATION.csv" in ended.err


def test_a_faulty_row_of_the_sample_list_is_told_by_line(tmp_path: Path) -> None:
    write_workspace(tmp_path)
    (tmp_path / "subscribers" / "small.csv").write_text(LIST + "nobody,,\n")
    ended = run_process(tmp_path, "demo")
    assert (ended.status, ended.err.count("\n")) == (1, 1)
    assert "small.csv:5" in ended.err


def test_the_newest_issue_with_a_sample_list_is_chosen(tmp_path: Path) -> None:
    write_workspace(tmp_path)
    issue = tmp_path / "issues" / "small" / "2026-01"
    for name, date in (("older", "2025-12-31"), ("newer", "2026-06-30")):
        shutil.copytree(issue, issue.parent / name)
        text = ISSUE.replace("2026-03-31", date).replace("total: 7", f"total: {8 + len(date)}")
        (issue.parent / name / "issue.yaml").write_text(text)
    shutil.copytree(issue.parent, issue.parent.parent / "unlisted")
    later = ISSUE.replace("2026-03-31", "2026-12-31")
    (issue.parent.parent / "unlisted" / "2026-01" / "issue.yaml").write_text(later)
    assert choose_issue(open_workspace(tmp_path)).key == "small/newer"


def test_no_sample_list_at_all_is_wrong_usage(tmp_path: Path) -> None:
    write_small_issue(tmp_path)
    with pytest.raises(UsageError, match="sample list"):
        choose_issue(open_workspace(tmp_path))
