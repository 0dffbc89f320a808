"""The docs say what there is: every command, option and setting; every link leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main
from typer.core import TyperGroup

from pressrun.cli import app
from pressrun.delivery.outcome import State
from pressrun.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]


def _commands(group: TyperGroup, above: str = "pressrun") -> Iterator[tuple[str, list[str]]]:
    for name, command in group.commands.items():
        called = f"{above} {name}"
        if isinstance(command, TyperGroup):
            yield from _commands(command, called)
        else:
            yield called, [option for param in command.params for option in param.opts if option.startswith("--")]


def _all_commands() -> list[tuple[str, list[str]]]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return list(_commands(group))


def _heading_of(command: str) -> str:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    return next((line for line in text.splitlines() if re.match(rf"### `{re.escape(command)}[ `]", line)), "")


@pytest.mark.parametrize(("command", "options"), _all_commands())
def test_every_command_and_option_has_its_heading_in_the_reference(command: str, options: list[str]) -> None:
    heading = _heading_of(command)
    assert heading, f"docs/cli.md has no heading for {command}"
    assert [option for option in options if option not in heading and option != "--help"] == []


def test_the_reference_names_no_command_that_is_not_there() -> None:
    text = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    named = re.findall(r"^### `(pressrun(?: [a-z]+(?:-[a-z]+)*)+)", text, re.MULTILINE)
    there = {command for command, _ in _all_commands()}
    assert [
        name for name in named if not any(name == command or name.startswith(f"{command} ") for command in there)
    ] == []


def test_every_setting_stands_in_the_table_with_its_default() -> None:
    text = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", text, re.MULTILINE))
    assert set(rows) == set(Settings.model_fields)
    for name, field in Settings.model_fields.items():
        if isinstance(field.default, bool):
            assert rows[name].strip() == str(field.default).lower(), name
        elif isinstance(field.default, int | float):
            assert rows[name].strip() == f"{field.default:g}", name


def test_every_state_is_explained() -> None:
    text = (ROOT / "docs" / "delivery.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == [str(state) for state in State]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_links_inside_the_project_lead_to_files(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```|`[^`\n]+`", "", text, flags=re.DOTALL | re.MULTILINE)  # what stands in code is no link
    targets = re.findall(r"\]\(([^)#\s]+)", prose)
    missing = [target for target in targets if "://" not in target and not (page.parent / target).exists()]
    assert missing == []


def test_ci_runs_the_commands_of_the_readmes_first_screen() -> None:
    first_screen = (ROOT / "README.md").read_text(encoding="utf-8").split("## ")[0]
    commands = re.findall(r"^(make \w+)", first_screen, re.MULTILINE)
    assert commands == ["make demo", "make test"]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    missing = [one for one in commands if not re.search(rf"^(?:within \d+ )?{one}\b", script, re.MULTILINE)]
    assert missing == []


def test_the_readmes_picture_is_there_and_small_enough_to_load_fast() -> None:
    picture = ROOT / "docs" / "images" / "issue.png"
    assert 20_000 < picture.stat().st_size < 500_000
