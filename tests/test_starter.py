"""`init` lays down a workspace that works, and never into what is already there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.check import check
from pressrun.errors import UsageError
from pressrun.starter import FOLDERS, init, starter_folder
from pressrun.workspace import open_workspace


@pytest.fixture
def laid(tmp_path: Path) -> Path:
    """A workspace just laid down."""
    init(tmp_path / "news")
    return tmp_path / "news"


def test_it_is_a_workspace_with_one_publication_one_issue_and_one_list(laid: Path) -> None:
    workspace = open_workspace(laid)
    assert len(workspace.publication_folders()) == 1
    (issue,) = workspace.issue_folders()
    assert check(issue, workspace) == []
    assert len(list((laid / "subscribers").glob("*.csv"))) == 1
    assert workspace.template_folders[0] == laid / "templates"


def test_its_yaml_files_name_schemas_that_are_there(laid: Path) -> None:
    files = [laid / "issues" / "field-notes" / "publication.yaml", *laid.glob("issues/*/*/issue.yaml")]
    for file in files:
        first = file.read_text(encoding="utf-8").splitlines()[0]
        assert (file.parent / first.partition("$schema=")[2]).is_file()


def test_it_has_every_folder_and_says_so(tmp_path: Path) -> None:
    made = init(tmp_path / "news")
    assert {path.name for path in made} == {*FOLDERS, "pressrun.toml", ".gitignore"}
    assert all(path.exists() for path in made)


def test_it_brings_no_state_and_no_caches_along(laid: Path) -> None:
    names = {path.name for path in laid.rglob("*")}
    assert not names & {"__pycache__", ".pressrun", "spp", "spp.csv"}
    assert ".pressrun/" in (laid / ".gitignore").read_text()


def test_an_empty_folder_will_do(tmp_path: Path) -> None:
    init(tmp_path)
    assert (tmp_path / "pressrun.toml").is_file()


@pytest.mark.parametrize("name", ["file", "full", "file/below"])
def test_what_is_there_is_left_as_it_is(name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError):
        init(tmp_path / name)
    assert sorted(tmp_path.rglob("*")) == before


def test_the_starter_has_what_init_copies() -> None:
    assert all((starter_folder() / name).is_dir() for name in FOLDERS)
