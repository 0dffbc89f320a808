"""deployments/systemd: what the units name is there; with the real `systemd-analyze` where that is installed."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from installation import DEPLOYMENTS, ask_prefect, faults_of_pressrun, read_variables, unknown_settings

UNITS = sorted(file for file in (DEPLOYMENTS / "systemd").iterdir() if file.suffix in (".service", ".timer"))
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
EXAMPLES = sorted((DEPLOYMENTS / "systemd").glob("*.env.example"))
WORKSPACE = "/srv/pressrun/"


def _lines(unit: Path, *keys: str) -> Iterator[str]:
    for line in unit.read_text(encoding="utf-8").splitlines():
        key, equals, value = line.partition("=")
        if equals and key in keys:
            yield value


def _commands(program: str) -> list[list[str]]:
    """All commands of that program, by its path; without what a variable stands for."""
    lines = (line for unit in SERVICES for line in _lines(unit, "ExecStart", "ExecStartPre"))
    words = (line.split() for line in lines)
    return [[word for word in one[1:] if word[0] != "$"] for one in words if one[0] == program]


def _needed_files() -> set[str]:
    words = (word for unit in SERVICES for line in _lines(unit, "ExecStart") for word in line.split())
    return {word.removeprefix(WORKSPACE) for word in words if word.startswith(WORKSPACE)}


def test_there_are_units_for_every_part() -> None:
    assert {unit.name.removeprefix("pressrun-") for unit in UNITS} >= {
        *("prefect-server.service", "prefect-services.service", "worker@.service", "web.service"),
        *("backup.service", "backup.timer", "checkout.service", "checkout.timer", "previews.service"),
    }


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_a_unit_has_the_sections_of_its_kind(unit: Path) -> None:
    parser = configparser.RawConfigParser(strict=False, delimiters=("=",))
    parser.read_string(unit.read_text(encoding="utf-8"))
    assert (
        {"Unit", unit.suffix.lstrip(".").title()} <= set(parser.sections()) <= {"Unit", "Service", "Timer", "Install"}
    )
    assert parser["Unit"]["Description"]


def test_every_timer_has_its_service() -> None:
    for unit in UNITS:
        assert unit.suffix != ".timer" or unit.with_suffix(".service") in UNITS


def test_every_command_of_prefect_can_be_parsed() -> None:
    commands = [*_commands("/opt/prefect/bin/prefect"), *_commands("/opt/pressrun/bin/prefect")]
    assert len(commands) == 4
    faults, _ = ask_prefect(tuple(map(tuple, commands)))
    assert faults == []


def test_every_command_of_pressrun_is_there() -> None:
    commands = _commands("/opt/pressrun/bin/pressrun")
    assert len(commands) == 2
    assert [fault for words in commands for fault in faults_of_pressrun(words)] == []


def test_every_file_of_the_workspace_is_there() -> None:
    assert _needed_files() == {"deployments/backup.sh"}
    assert all((DEPLOYMENTS.parent / name).is_file() for name in _needed_files())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_every_setting_is_one_of_pressrun_or_prefect(example: Path) -> None:
    assert unknown_settings(read_variables(example)) == []


def test_every_environment_file_has_its_example() -> None:
    named = {line.lstrip("-") for unit in SERVICES for line in _lines(unit, "EnvironmentFile")}
    assert named == {f"/etc/pressrun/{example.name.removesuffix('.example')}" for example in EXAMPLES}


def test_every_variable_that_a_unit_uses_is_set() -> None:
    for unit in SERVICES:
        used = set(re.findall(r"\$\{?([A-Z_]+)", " ".join(_lines(unit, "ExecStart"))))
        given = set(re.findall(r"([A-Z_]+)=", " ".join(_lines(unit, "Environment"))))
        assert used <= given, unit.name


def test_the_server_and_its_services_read_the_same_file() -> None:
    files = {name: list(_lines(DEPLOYMENTS / "systemd" / name, "EnvironmentFile")) for name in _SERVER}
    assert set(map(tuple, files.values())) == {("/etc/pressrun/prefect-server.env",)}


_SERVER = ("pressrun-prefect-server.service", "pressrun-prefect-services.service")


def test_a_worker_may_finish_what_it_waits_for_at_most() -> None:
    from pressrun.settings import Settings

    (allowed,) = _lines(DEPLOYMENTS / "systemd" / "pressrun-worker@.service", "TimeoutStopSec")
    assert int(allowed) > Settings.model_fields["final_reply_timeout"].default


def test_systemd_takes_them(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    for unit in UNITS:
        (tmp_path / unit.name).write_text(_with_programs(unit.read_text(encoding="utf-8")), encoding="utf-8")
    command = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / unit.name) for unit in UNITS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if "pressrun" in line]) == (0, [])


def _with_programs(text: str) -> str:
    """The unit with a program that is there in place of each one: systemd-analyze looks for them."""
    return re.sub(r"(?<=[=\n])/(opt|usr)/\S*/(prefect|pressrun|git|python)(?= )", sys.executable, text)
