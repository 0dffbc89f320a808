"""What the files in deployments/ may name: commands of pressrun and Prefect, settings of both."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import typer.main
from typer.core import TyperGroup

from command import plain_environment
from pressrun.cli import app
from pressrun.settings import PREFIX, Settings

DEPLOYMENTS = Path(__file__).parents[1] / "deployments"

REDIS_SETTINGS = {"PREFECT_REDIS_MESSAGING_URL", "PREFECT_REDIS_WORKER_CLEANUP_QUEUE_URL"}
"""prefect-redis's own (client.py, cleanup_queue.py of 0.3.0), which only the Prefect server's environment has."""

_ASK_PREFECT = """
import json, sys
from prefect.cli import app
from prefect.cli._app import _app
from prefect.settings import Settings
from prefect.settings.legacy import _get_settings_fields
faults = []
for words in json.load(sys.stdin):
    try:
        _app.parse_args(words, exit_on_error=False, print_error=False)
    except BaseException as error:
        faults.append([words, f"{type(error).__name__}: {error}"])
print(json.dumps({"faults": faults, "settings": sorted(_get_settings_fields(Settings))}))
"""


@cache
def ask_prefect(commands: tuple[tuple[str, ...], ...]) -> tuple[list[str], frozenset[str]]:
    """What is wrong with these commands, without `prefect` in front, and what settings there are."""
    done = subprocess.run(
        [sys.executable, "-c", _ASK_PREFECT], input=json.dumps(commands), env=plain_environment(),
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    _told.append(frozenset(told["settings"]))
    return [f"{' '.join(words)}: {fault}" for words, fault in told["faults"]], _told[-1]


def _settings_of_prefect() -> frozenset[str]:
    """As the last process told that was asked, if any was: each takes seconds to start."""
    return _told[-1] if _told else ask_prefect(())[1]


_told: list[frozenset[str]] = []


def faults_of_pressrun(words: list[str]) -> list[str]:
    """What is wrong with a command of pressrun's, without `pressrun` in front: unknown verbs and options."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    command = group.commands.get(words[0])
    if command is None:
        return [f"pressrun has no verb {words[0]}"]
    known = {option for param in command.params for option in (*param.opts, *param.secondary_opts)}
    used = [word.partition("=")[0] for word in words[1:] if word.startswith("-")]
    return [f"pressrun {words[0]} has no option {option}" for option in used if option not in known]


def unknown_settings(names: Iterable[str]) -> list[str]:
    """Those of the variables that neither pressrun nor Prefect reads."""
    of_prefect = _settings_of_prefect()
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | of_prefect | REDIS_SETTINGS
    known |= {f"{name}_FILE" for name in known if name.startswith(PREFIX)} | {"PRESSRUN_WORKSPACE"}
    return sorted({name for name in names if re.match("(PRESSRUN|PREFECT)_", name)} - known)


def read_variables(file: Path) -> dict[str, str]:
    """An environment file's variables, those that are commented out too."""
    return dict(re.findall(r"^#?([A-Z_]+)=(.*)$", file.read_text(encoding="utf-8"), re.MULTILINE))
