"""The starter: the flows, templates, sample issue, list and deployments that come with pressrun."""

from __future__ import annotations

import shutil
from pathlib import Path

from pressrun.errors import UsageError

FOLDERS = ("flows", "templates", "issues", "subscribers", "deployments")
SETTINGS = """\
# Settings of this workspace; `pressrun settings` tells what holds and where it came from.
# Secrets belong into the environment (PRESSRUN_SMTP_URL) or a file it names (PRESSRUN_SMTP_URL_FILE).
connections = 8
"""
_PUBLICATION = "field-notes"


def starter_folder() -> Path:
    """Where the starter's folders are: in the installed package, or the checkout this runs from."""
    packaged = Path(__file__).parent / "starter"
    return packaged if packaged.is_dir() else Path(__file__).parents[2]


def init(folder: Path) -> list[Path]:
    """Lay a working workspace down in `folder`, which must be empty or new; gives what was made."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty", "name a new folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} can't be made: {error.strerror}", "name another folder") from error
    made = [_copy(name, folder) for name in FOLDERS]
    (folder / "pressrun.toml").write_text(SETTINGS, encoding="utf-8")
    (folder / ".gitignore").write_text(".pressrun/\n__pycache__/\n", encoding="utf-8")
    return [*made, folder / "pressrun.toml", folder / ".gitignore"]


def _copy(name: str, folder: Path) -> Path:
    source = starter_folder() / name
    # In a checkout the folders hold more than the starter; the wheel carries only this much.
    parts = {"issues": (".schema", _PUBLICATION), "subscribers": (f"{_PUBLICATION}.csv",)}.get(name, (".",))
    for part in parts:
        origin, target = source / part, folder / name / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if origin.is_dir():
            shutil.copytree(origin, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(origin, target)
    return folder / name
