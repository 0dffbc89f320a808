"""The wheel, installed alone in an empty environment, far from the repository."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from command import plain_environment
from pressrun.sink import read_maildir

pytestmark = pytest.mark.wheel

REPOSITORY = Path(__file__).parents[1]
CONSTRAINTS = REPOSITORY / "constraints.txt"
STARTER = ("flows", "templates", "deployments")


def run(folder: Path, *command: str | Path, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    """Run the command in `folder`; nothing of the repository is on its path."""
    env = {name: value for name, value in plain_environment().items() if name not in {"PYTHONPATH", "VIRTUAL_ENV"}}
    arguments = [str(part) for part in command]
    return subprocess.run(arguments, cwd=folder, env=env, capture_output=True, text=True, timeout=timeout, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = run(folder, sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, REPOSITORY)
    assert built.returncode == 0, built.stderr
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of the commands of an environment that holds the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder, with_pip=True)
    constraints = ("-c", CONSTRAINTS) if CONSTRAINTS.is_file() else ()
    done = run(folder, folder / "bin" / "python", "-m", "pip", "install", "--quiet", wheel, *constraints)
    assert done.returncode == 0, done.stderr
    yield folder / "bin"


def test_the_starter_is_complete(names: set[str]) -> None:
    own = [file for folder in STARTER for file in (REPOSITORY / folder).rglob("*") if file.is_file()]
    own += [file for file in (REPOSITORY / "issues" / "field-notes").rglob("*") if file.is_file()]
    own += list((REPOSITORY / "issues" / ".schema").glob("*.json"))
    own += [REPOSITORY / "subscribers" / "field-notes.csv"]
    wanted = {f"pressrun/starter/{file.relative_to(REPOSITORY)}" for file in own if "__pycache__" not in file.parts}
    assert len(wanted) > 30
    assert wanted - names == set()


def test_every_module_and_migration_is_in(names: set[str]) -> None:
    source = REPOSITORY / "src"
    modules = {str(file.relative_to(source)) for file in (source / "pressrun").rglob("*.py")}
    assert modules - names == set()
    assert "pressrun/store/migrations/script.py.mako" in names


def test_nothing_else_is_in(names: set[str]) -> None:
    strange = ("tests/", "__pycache__", ".pyc", ".pressrun", "/spp", "benchmarks", ".db", "secret", "maildir", ".venv")
    assert [name for name in names if any(word in name for word in strange)] == []
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"pressrun"}


def test_the_licence_comes_with_it(names: set[str]) -> None:
    assert [name for name in names if name.endswith("licenses/LICENSE")]


@pytest.mark.prefect
def test_alone_it_lays_down_a_workspace_checks_it_and_runs_the_demo(installed: Path, tmp_path: Path) -> None:
    pressrun = installed / "pressrun"
    assert run(tmp_path, pressrun, "init", "mine").returncode == 0
    workspace = tmp_path / "mine"
    assert {folder.name for folder in (workspace / "issues").iterdir()} == {".schema", "field-notes"}
    assert {file.name for file in (workspace / "subscribers").iterdir()} == {"field-notes.csv"}

    checked = run(workspace, pressrun, "check")
    assert checked.returncode == 0, checked.stderr

    demo = run(workspace, pressrun, "demo")
    assert demo.returncode == 0, demo.stdout + demo.stderr
    people = len((workspace / "subscribers" / "field-notes.csv").read_text(encoding="utf-8").splitlines()) - 1
    assert len(read_maildir(workspace / ".pressrun" / "demo" / "maildir")) == people
    assert f"{people} sent" in demo.stdout
    assert "Traceback" not in demo.stderr


def test_alone_it_needs_no_repository(installed: Path, tmp_path: Path) -> None:
    said = run(tmp_path, installed / "python", "-c", "import pressrun; print(pressrun.__file__)").stdout
    assert str(REPOSITORY) not in said
    assert str(installed.parent) in said


def test_without_a_workspace_it_says_what_to_do(installed: Path, tmp_path: Path) -> None:
    ended = run(tmp_path, installed / "pressrun", "check")
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "pressrun init" in ended.stderr
