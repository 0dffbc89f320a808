"""doctor, housekeeping and send-test: what they print, and the exit status scripts rely on."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path

import pytest

from command import Ended, run_here
from faulty_relay import Script, Step, say
from pressrun.cli.doctor import _DONE
from pressrun.housekeeping import Housekeeping
from relay_thread import relaying
from small_issue import PUBLICATION, write_small_issue

ISSUE = "small/2026-01"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_small_issue(tmp_path)
    return tmp_path


def set_relay(workspace: Path, url: str) -> None:
    (workspace / "pressrun.toml").write_text(f'smtp_url = "{url}?starttls=never"\n')


class TestDoctor:
    def test_all_well_ends_with_0_and_a_line_a_check(self, workspace: Path) -> None:
        with relaying() as relay:
            set_relay(workspace, relay.url)
            ended = run_here(workspace, "doctor")
        assert (ended.status, ended.err) == (0, "")
        lines = ended.out.splitlines()
        assert any(line.startswith("ok       store ") for line in lines)
        assert any(line.startswith("warning  dkim small ") for line in lines)
        assert any(line.lstrip().startswith("→ pressrun dkim keygen --domain small.example.com") for line in lines)

    def test_a_check_that_failed_ends_with_1(self, workspace: Path) -> None:
        with relaying() as relay:
            pass
        set_relay(workspace, relay.url)
        ended = run_here(workspace, "doctor")
        assert ended.status == 1
        assert f"failed   relay 127.0.0.1:{relay.port} " in ended.out

    def test_scripts_get_an_object_a_line(self, workspace: Path) -> None:
        with relaying() as relay:
            set_relay(workspace, relay.url)
            ended = run_here(workspace, "doctor", "--format", "json")
            rows = [json.loads(line) for line in ended.out.splitlines()]
            table = run_here(workspace, "doctor", "--format", "csv").out
        assert ended.status == 0
        assert all(set(row) == {"name", "verdict", "said", "remedy"} for row in rows)
        assert {row["verdict"] for row in rows} <= {"ok", "warning", "failed"}
        assert [row["name"] for row in csv.DictReader(io.StringIO(table))] == [row["name"] for row in rows]


class TestHousekeeping:
    def test_where_nothing_is_to_be_done_it_says_so(self, workspace: Path) -> None:
        ended = run_here(workspace, "housekeeping")
        assert (ended.status, ended.out) == (0, "all tidy\n")

    def test_what_was_done_is_told_and_scripts_get_every_figure(self, workspace: Path) -> None:
        old = workspace / ".pressrun" / "preview" / "small" / "2020-01" / "preview.html"
        old.parent.mkdir(parents=True)
        for arguments, expected in (
            ((), "1 old previews removed\n"),
            (("--format", "json"), json.dumps(Housekeeping(previews=1).counts) + "\n"),
        ):
            old.parent.mkdir(exist_ok=True)
            old.touch()
            os.utime(old, (0, 0))
            assert run_here(workspace, "housekeeping", *arguments).out == expected

    def test_every_figure_has_words(self) -> None:
        assert _DONE.keys() == Housekeeping().counts.keys()


class TestSendTest:
    def send(self, workspace: Path, *script: Script, to: tuple[str, ...] = ()) -> tuple[Ended, dict[str, int]]:
        with relaying(*script) as relay:
            named = [part for one in to for part in ("--to", one)]
            url = f"{relay.url}?starttls=never"
            ended = run_here(workspace, "send-test", ISSUE, "--smtp", url, *named)
        return ended, dict(relay.counts)

    def test_those_who_are_named_get_it_and_nothing_is_planned(self, workspace: Path) -> None:
        ended, counts = self.send(workspace, to=("ann@example.com", "bob@example.com"))
        assert (ended.status, ended.err) == (0, "")
        assert ended.out.splitlines()[0] == "ann@example.com: sent (250 2.0.0 taken)"
        assert counts == {"ann@example.com": 1, "bob@example.com": 1}
        assert json.loads(run_here(workspace, "status", ISSUE, "--format", "json").out)["planned"] == 0

    def test_without_names_the_publications_testers_get_it(self, workspace: Path) -> None:
        write_small_issue(workspace, publication=f"{PUBLICATION}testers: [desk@example.com]\n")
        ended, counts = self.send(workspace)
        assert (ended.status, counts) == (0, {"desk@example.com": 1})

    def test_what_was_not_taken_ends_with_1_and_says_why(self, workspace: Path) -> None:
        ended, _ = self.send(workspace, {Step.RCPT: say(b"550 5.1.1 no")}, to=("ann@example.com", "bob@example.com"))
        assert (ended.status, ended.err) == (1, "ann@example.com: permanent: 550 5.1.1 no\n")
        assert ended.out.startswith("bob@example.com: sent")

    @pytest.mark.parametrize(
        ("to", "said"), [((), "nobody is named"), (("ann",), "'ann' is no mail address")], ids=["nobody", "no address"]
    )
    def test_wrong_usage_ends_with_2_and_one_line(self, workspace: Path, to: tuple[str, ...], said: str) -> None:
        ended, counts = self.send(workspace, to=to)
        assert (ended.status, ended.out, counts) == (2, "", {})
        assert said in ended.err and len(ended.err.splitlines()) == 1

    def test_an_issue_with_errors_is_not_sent(self, workspace: Path) -> None:
        write_small_issue(workspace, first="no front matter")
        ended, counts = self.send(workspace, to=("ann@example.com",))
        assert (ended.status, counts) == (1, {})
