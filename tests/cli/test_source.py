"""What `init`, `check`, `schema` and `settings` print, on which stream, and with which exit status."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from pressrun import __version__
from pressrun.cli import main
from pressrun.source.schema import schema
from small_issue import ISSUE, SECOND, write_small_issue


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str


class Shell:
    """Runs commands in this process, as the `pressrun` script does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: str) -> Ended:
        self._monkeypatch.setattr(sys, "argv", ["pressrun", *arguments])
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        captured = self._capsys.readouterr()
        return Ended(ended.value.code if isinstance(ended.value.code, int) else 0, captured.out, captured.err)


@pytest.fixture
def pressrun(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    """The command, in a workspace of one sound issue."""
    import os

    for name in [name for name in os.environ if name.upper().startswith("PRESSRUN_")]:
        monkeypatch.delenv(name)
    write_small_issue(tmp_path)
    monkeypatch.chdir(tmp_path)
    return Shell(monkeypatch, capsys)


def assert_refused(ended: Ended, *words: str) -> None:
    """One line on standard error, nothing on the other, exit status 2."""
    assert ended.status == 2
    assert ended.out == ""
    assert ended.err.startswith("pressrun: ")
    assert ended.err.count("\n") == 1
    assert all(word in ended.err for word in words), ended.err


class TestCheck:
    def test_a_sound_issue_ends_with_0_and_prints_nothing_to_standard_output(self, pressrun: Shell) -> None:
        ended = pressrun("check")
        assert (ended.status, ended.out) == (0, "")
        assert "0 errors" in ended.err

    def test_an_error_ends_with_1_and_is_one_line(self, pressrun: Shell, tmp_path: Path) -> None:
        write_small_issue(tmp_path, second=SECOND + "\n[a]()\n")
        ended = pressrun("check", "2026-01")
        assert ended.status == 1
        assert ended.out.startswith("issues/small/2026-01/second.md:6:3: empty-link ")
        assert " — " in ended.out
        assert ended.out.count("\n") == 1
        assert "1 error," in ended.err

    def test_a_warning_alone_ends_with_0(self, pressrun: Shell, tmp_path: Path) -> None:
        colophon = "colophon: {mail: a@example.com, website: 'https://exmaple.com'}\n"
        write_small_issue(tmp_path, issue=ISSUE + colophon)
        ended = pressrun("check")
        assert ended.status == 0
        assert "domain-mismatch" in ended.out
        assert "1 warning" in ended.err

    def test_strict_makes_a_warning_count(self, pressrun: Shell, tmp_path: Path) -> None:
        write_small_issue(tmp_path, second=SECOND + "\n[here](https://www.example.com/a)\n")
        assert pressrun("check").status == 0
        ended = pressrun("check", "--strict")
        assert (ended.status, ended.out.count("\n")) == (1, 1)

    def test_what_is_good_to_know_is_counted_and_told_if_asked(self, pressrun: Shell) -> None:
        ended = pressrun("check", "--strict")
        assert (ended.status, ended.out) == (0, "")
        assert " good to know (--info shows them)" in ended.err
        ended = pressrun("check", "--info")
        assert ": example-link " in ended.out
        assert "(--info" not in ended.err

    def test_what_is_silenced_is_counted(self, pressrun: Shell, tmp_path: Path) -> None:
        silence = "silence: [{rule: link-text, why: Meant so.}]\n"
        write_small_issue(tmp_path, issue=ISSUE + silence, second=SECOND + "\n[here](https://www.example.com/a)\n")
        ended = pressrun("check")
        assert (ended.status, ended.out) == (0, "")
        assert "0 warnings, 1 silenced" in ended.err

    def test_github_gets_annotations(self, pressrun: Shell, tmp_path: Path) -> None:
        write_small_issue(tmp_path, second=SECOND + "\n[a]()\n")
        ended = pressrun("check", "--format", "github")
        assert (ended.status, ended.err) == (1, "")
        place = "file=issues/small/2026-01/second.md,line=6,col=3,title=empty-link"
        assert ended.out.startswith(f"::error {place}::this link leads nowhere — ")
        assert ended.out.count("\n") == 1

    def test_rules_are_listed_a_line_each(self, pressrun: Shell) -> None:
        from pressrun.check import RULES

        ended = pressrun("check", "--rules")
        assert (ended.status, ended.err) == (0, "")
        assert [line.split()[0] for line in ended.out.splitlines()] == list(RULES)

    def test_json_is_a_line_a_finding_with_the_promised_keys(self, pressrun: Shell, tmp_path: Path) -> None:
        write_small_issue(tmp_path, issue=ISSUE + "标题: x\n", second=SECOND + "\n<br>\n")
        ended = pressrun("check", "small/2026-01", "--format", "json")
        findings = [json.loads(line) for line in ended.out.splitlines()]
        assert ended.status == 1
        assert ended.err == ""
        assert len(findings) == 2
        for finding in findings:
            assert list(finding) == ["path", "line", "column", "severity", "code", "message", "hint"]
        assert {finding["severity"] for finding in findings} == {"error"}
        assert "标题" in ended.out
        assert findings[0]["path"] == "issues/small/2026-01/issue.yaml"
        assert (findings[0]["line"], findings[0]["column"], findings[0]["code"]) == (15, 1, "unknown-key")

    def test_a_fault_of_the_publication_is_told_once_for_all_its_issues(self, pressrun: Shell, tmp_path: Path) -> None:
        issue = write_small_issue(tmp_path, publication="title: x\n")
        (issue.parent / "2026-02").mkdir()
        (issue.parent / "2026-02" / "issue.yaml").write_text(ISSUE)
        lines = pressrun("check").out.splitlines()
        assert sum("publication.yaml" in line and "sender is missing" in line for line in lines) == 1

    def test_an_unknown_issue_is_refused_with_a_near_miss(self, pressrun: Shell) -> None:
        assert_refused(pressrun("check", "2026-10"), "no issue is called '2026-10'", "did you mean", "small/2026-01")

    def test_a_name_of_two_issues_is_refused(self, pressrun: Shell, tmp_path: Path) -> None:
        other = tmp_path / "issues" / "tall" / "2026-01"
        other.mkdir(parents=True)
        (other / "issue.yaml").touch()
        assert_refused(pressrun("check", "2026-01"), "small/2026-01 or tall/2026-01")

    def test_the_workspace_may_be_named(self, pressrun: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir("/")
        assert pressrun("--workspace", str(tmp_path), "check", "2026-01").status == 0
        monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
        assert pressrun("check", "2026-01").status == 0

    def test_outside_of_a_workspace_it_says_what_to_do(
        self, pressrun: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert_refused(pressrun("--workspace", str(tmp_path / "issues"), "check"), "no workspace", "pressrun init")


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "word"),
        [
            (["chekc"], "chekc"),
            (["check", "--fromat", "json"], "--fromat"),
            (["check", "--format", "xml"], "xml"),
            (["schema"], "kind"),
            (["schema", "moon"], "moon"),
            (["init"], "DIR"),
        ],
    )
    def test_a_wrong_command_is_one_line_and_2(self, arguments: list[str], word: str, pressrun: Shell) -> None:
        assert_refused(pressrun(*arguments), word)

    def test_a_wrong_setting_is_one_line_and_2(self, pressrun: Shell, tmp_path: Path) -> None:
        (tmp_path / "pressrun.toml").write_text("conections = 3\n")
        assert_refused(pressrun("check"), "conections", "connections?")

    def test_a_traceback_is_shown_under_debug_only(self, pressrun: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        def break_down(*_: object) -> None:
            raise LookupError("a fault\nof ours")

        monkeypatch.setattr("pressrun.cli.source.workspace_of", break_down)
        ended = pressrun("check")
        assert (ended.status, ended.out) == (1, "")
        assert (
            ended.err
            == "pressrun: internal error: LookupError: a fault of ours — run it again with --debug and report it\n"
        )
        monkeypatch.setattr(sys, "argv", ["pressrun", "--debug", "check"])
        with pytest.raises(LookupError):
            main()

    def test_an_interruption_is_one_line(self, pressrun: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr("pressrun.cli.source.workspace_of", interrupt)
        assert pressrun("check") == Ended(130, "", "pressrun: interrupted\n")

    def test_version_and_help_end_with_0(self, pressrun: Shell) -> None:
        assert pressrun("--version") == Ended(0, f"pressrun {__version__}\n", "")
        helped = pressrun("--help")
        assert helped.status == 0
        assert all(verb in helped.out for verb in ("init", "check", "schema", "settings", "render", "send"))


class TestSchema:
    @pytest.mark.parametrize("kind", ["issue", "article", "publication"])
    def test_it_prints_the_schema_alone(self, kind: str, pressrun: Shell) -> None:
        assert pressrun("schema", kind) == Ended(0, schema(kind), "")


class TestSettings:
    def test_each_has_value_origin_and_description_and_no_secret(
        self, pressrun: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PRESSRUN_SMTP_URL", "smtp://me:s3cret@relay.example.com")
        for form in ("table", "csv", "json"):
            ended = pressrun("settings", "--format", form)
            assert ended.status == 0
            assert "s3cret" not in ended.out
            assert "smtp://me:********@relay.example.com" in ended.out

    def test_json_is_a_line_a_setting(self, pressrun: Shell) -> None:
        rows = [json.loads(line) for line in pressrun("settings", "--format", "json").out.splitlines()]
        assert {"name": "connections", "value": "8", "origin": "default"}.items() <= next(
            row.items() for row in rows if row["name"] == "connections"
        )

    def test_csv_has_a_header(self, pressrun: Shell) -> None:
        rows = list(csv.DictReader(io.StringIO(pressrun("settings", "--format", "csv").out)))
        assert list(rows[0]) == ["name", "value", "origin", "description"]

    def test_a_table_in_a_pipe_breaks_no_cell(self, pressrun: Shell) -> None:
        lines = pressrun("settings").out.splitlines()
        assert all(line.split()[0].replace("_", "").isalpha() for line in lines)


class TestInit:
    def test_what_it_lays_down_passes_the_check(self, pressrun: Shell, tmp_path: Path) -> None:
        ended = pressrun("init", str(tmp_path / "news"))
        assert ended.status == 0
        assert f"cd {tmp_path / 'news'}" in ended.out
        assert pressrun("--workspace", str(tmp_path / "news"), "check").status == 0

    def test_a_folder_with_something_in_it_is_refused(self, pressrun: Shell, tmp_path: Path) -> None:
        assert_refused(pressrun("init", str(tmp_path)), "is not empty")


class TestProcess:
    """The real command in a process of its own."""

    def test_findings_go_to_standard_output_and_the_count_to_standard_error(self, tmp_path: Path) -> None:
        write_small_issue(tmp_path, second=SECOND + "\n[a]()\n")
        ended = run("-m", "pressrun", "check", folder=tmp_path)
        assert ended.returncode == 1
        assert ended.stdout.startswith("issues/small/2026-01/second.md:6:3: empty-link")
        assert "Traceback" not in ended.stderr

    def test_a_reader_that_leaves_early_causes_no_noise(self, tmp_path: Path) -> None:
        write_small_issue(tmp_path, second=SECOND + "\n[a]()\n" * 5000)
        process = subprocess.Popen(
            [sys.executable, "-m", "pressrun", "check"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert b"Traceback" not in process.stderr.read()
        process.wait(10)
        process.stderr.close()


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Python with `arguments`, in `folder`."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=30, check=False
    )
