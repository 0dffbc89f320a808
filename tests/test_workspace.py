"""A workspace is found from where one stands, and an issue by its name or the shortest one that is clear."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pressrun.errors import UsageError
from pressrun.workspace import Workspace, open_workspace
from small_issue import ISSUE, PUBLICATION, write_small_issue


@pytest.fixture(autouse=True)
def no_workspace_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment of the tests names none."""
    monkeypatch.delenv("PRESSRUN_WORKSPACE", raising=False)
    monkeypatch.delenv("PRESSRUN_SECRET_KEY", raising=False)
    monkeypatch.delenv("PRESSRUN_DATABASE_URL", raising=False)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """Two publications: small/2026-01, small/2026-02, tall/2026-01."""
    issue = write_small_issue(tmp_path)
    for name in ("small/2026-02", "tall/2026-01"):
        folder = issue.parent.parent / name
        folder.mkdir(parents=True)
        (folder / "issue.yaml").write_text(ISSUE)
        (folder.parent / "publication.yaml").write_text(PUBLICATION)
    return open_workspace(tmp_path)


class TestFinding:
    @pytest.mark.parametrize("mark", ["pressrun.toml", "pyproject.toml"])
    def test_the_nearest_one_above_is_taken(self, mark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "issues" / "deep" / "er").mkdir(parents=True)
        (tmp_path / mark).write_text("[tool.pressrun]\n" if mark == "pyproject.toml" else "")
        monkeypatch.chdir(tmp_path / "issues" / "deep" / "er")
        assert open_workspace().root == tmp_path

    def test_a_project_of_something_else_is_passed_by(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write_small_issue(tmp_path)
        for name, text in (("a", "[tool.ruff]\n"), ("a/b", "tool = 3\n"), ("a/b/c", "= broken")):
            (tmp_path / name).mkdir()
            (tmp_path / name / "pyproject.toml").write_text(text)
        monkeypatch.chdir(tmp_path / "a" / "b" / "c")
        assert open_workspace().root == tmp_path

    def test_the_environment_names_one_and_an_option_another(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "one" / "issues").mkdir(parents=True)
        (tmp_path / "two" / "issues").mkdir(parents=True)
        monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path / "one"))
        assert open_workspace().root == tmp_path / "one"
        assert open_workspace(tmp_path / "two").root == tmp_path / "two"

    def test_where_there_is_none_the_error_says_what_is_missing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "issues").mkdir()
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UsageError, match=r"neither pressrun\.toml nor .*pressrun init"):
            open_workspace()

    def test_a_folder_without_issues_is_none(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="no folder issues/"):
            open_workspace(tmp_path)


class TestIssueNames:
    @pytest.mark.parametrize("name", ["small/2026-02", "2026-02"])
    def test_a_whole_name_or_a_clear_short_one_is_enough(self, name: str, workspace: Workspace) -> None:
        assert workspace.issue_folder(name) == workspace.issues / "small" / "2026-02"

    def test_a_short_name_of_two_issues_is_refused_with_both(self, workspace: Workspace) -> None:
        with pytest.raises(UsageError, match="small/2026-01 or tall/2026-01"):
            workspace.issue_folder("2026-01")

    @pytest.mark.parametrize("name", ["2026-20", "smal/2026-02", "issues/small/2026-02", "small/2026-2"])
    def test_a_near_miss_is_told(self, name: str, workspace: Workspace) -> None:
        with pytest.raises(UsageError, match=r"did you mean .*2026-02"):
            workspace.issue_folder(name)

    @pytest.mark.parametrize("name", ["", "/", "*", "..", "small/..", "../small/2026-02", "small/*"])
    def test_a_name_is_no_path_and_no_pattern(self, name: str, workspace: Workspace) -> None:
        with pytest.raises(UsageError, match="no issue is called"):
            workspace.issue_folder(name)

    def test_without_issues_nothing_is_suggested(self, tmp_path: Path) -> None:
        (tmp_path / "issues").mkdir()
        with pytest.raises(UsageError, match="known: none"):
            open_workspace(tmp_path).issue_folder("2026-01")

    def test_issues_come_in_order(self, workspace: Workspace) -> None:
        names = [f"{folder.parent.name}/{folder.name}" for folder in workspace.issue_folders()]
        assert names == ["small/2026-01", "small/2026-02", "tall/2026-01"]
        assert [folder.name for folder in workspace.issue_folders("tall")] == ["2026-01"]
        assert [folder.name for folder in workspace.publication_folders()] == ["small", "tall"]


class TestSecretKey:
    def test_it_is_made_once_and_kept_for_the_owner_alone(self, workspace: Workspace) -> None:
        key = workspace.secret_key()
        file = workspace.state / "secret-key"
        assert len(key) >= 32
        assert workspace.secret_key() == key == file.read_bytes()
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert [each.name for each in workspace.state.iterdir()] == ["secret-key"]

    def test_many_at_once_get_the_same(self, workspace: Workspace) -> None:
        with ThreadPoolExecutor(16) as pool:
            keys = set(pool.map(lambda _: workspace.secret_key(), range(64)))
        assert len(keys) == 1
        assert all(keys)

    def test_an_empty_file_is_no_key(self, workspace: Workspace) -> None:
        workspace.state.mkdir()
        (workspace.state / "secret-key").touch()
        with pytest.raises(UsageError, match="is empty"):
            workspace.secret_key()

    def test_several_are_parted_by_blanks_the_newest_first(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for text, keys in (
            ("a-newer-one-of-ours short", ["a-newer-one-of-ours", "short"]),
            ("a-newer-one-of-ours\nthe-one-before-that-one\n the-first-of-all-of-them", 3),
            ("correct horse battery staple", ["correct horse battery staple"]),  # a passphrase, as it always was
            ("short", ["short"]),
        ):
            monkeypatch.setenv("PRESSRUN_SECRET_KEY", text)
            found = [key.secret.decode() for key in open_workspace(workspace.root).link_keys().keys]
            assert found == keys or len(found) == keys

    def test_the_setting_comes_first(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PRESSRUN_SECRET_KEY", "from-the-environment")
        assert open_workspace(workspace.root).secret_key() == b"from-the-environment"
        assert not workspace.state.exists()


def test_the_store_is_in_the_state_folder_unless_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    assert workspace.database_url == f"sqlite:///{workspace.root}/.pressrun/pressrun.db"
    monkeypatch.setenv("PRESSRUN_DATABASE_URL", "postgresql://db.example.com/news")
    assert open_workspace(workspace.root).database_url == "postgresql://db.example.com/news"


def test_own_templates_come_before_the_starters(workspace: Workspace) -> None:
    (starter,) = workspace.template_folders
    (workspace.root / "templates").mkdir()
    assert workspace.template_folders == [workspace.root / "templates", starter]
