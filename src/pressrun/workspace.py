"""Finds the workspace and what is in it: publications, issues, templates, state."""

from __future__ import annotations

import contextlib
import difflib
import os
import secrets
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from pressrun.errors import UsageError
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.settings import Settings, load_settings
from pressrun.starter import starter_folder

STATE = ".pressrun"
_LEAST_KEY = 16  # characters of a key that others may stand behind


@dataclass(frozen=True)
class Workspace:
    """A folder with issues/, and beside it what overrides the starter: templates/, flows/, deployments/."""

    root: Path
    settings: Settings

    @property
    def issues(self) -> Path:
        """Where the publications are."""
        return self.root / "issues"

    @property
    def state(self) -> Path:
        """Where pressrun keeps what is not in git."""
        return self.root / STATE

    @property
    def database_url(self) -> str:
        """The store's address: the setting, or the embedded SQLite file."""
        return self.settings.database_url.get_secret_value() or f"sqlite:///{self.state / 'pressrun.db'}"

    @property
    def witness(self) -> Path:
        """Where this machine keeps how far it saw each store come: see `store/fence.py`."""
        return self.state / "fence.json"

    @property
    def site_folder(self) -> Path:
        """Where flows write archive and feeds."""
        return self.settings.site_folder or self.state / "site"

    @property
    def preview_folder(self) -> Path:
        """Where flows lay rendered mails down for a person to look at."""
        return self.settings.preview_folder or self.state / "preview"

    @property
    def dkim_folder(self) -> Path:
        """Where the DKIM keys are."""
        return self.settings.dkim_folder or self.state / "dkim"

    def preview_address(self, issue: str) -> str:
        """The address of the preview of `issue`: on the preview server if one is set, else on this disk."""
        if base := self.settings.preview_url:
            return f"{base.rstrip('/')}/{issue}/preview.html"
        return (self.preview_folder / issue / "preview.html").resolve().as_uri()

    @property
    def template_folders(self) -> list[Path]:
        """Where templates are looked for: the workspace's own come first, file by file."""
        folders = [self.root / "templates", starter_folder() / "templates"]
        return [folder for n, folder in enumerate(folders) if folder.is_dir() and folder not in folders[:n]]

    def publication_folders(self) -> list[Path]:
        """Every publication's folder."""
        return sorted(file.parent for file in self.issues.glob("*/publication.yaml"))

    def issue_folders(self, publication: str = "*") -> list[Path]:
        """Every issue's folder, oldest name first."""
        return sorted(file.parent for file in self.issues.glob(f"{publication}/*/issue.yaml"))

    def issue_folder(self, name: str) -> Path:
        """The folder of the issue called `publication/issue`, or `issue` where only one is called so."""
        folders = {f"{folder.parent.name}/{folder.name}": folder for folder in self.issue_folders()}
        if name in folders:
            return folders[name]
        same = [key for key in folders if key.partition("/")[2] == name]
        if len(same) == 1:
            return folders[same[0]]
        if same:
            raise UsageError(f"{name!r} could be {' or '.join(same)}", "name the publication too")
        near = difflib.get_close_matches(name, [*folders, *(key.partition("/")[2] for key in folders)], n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(dict.fromkeys(near))}?" if near else f"known: {', '.join(folders) or 'none'}"
        raise UsageError(f"no issue is called {name!r}", hint)

    def issue_key(self, name: str) -> str:
        """The same issue's name in full: `publication/issue`."""
        folder = self.issue_folder(name)
        return f"{folder.parent.name}/{folder.name}"

    def secret_key(self) -> bytes:
        """What signs links, as it is set, or made on first use and kept in the state folder: see `link_keys`."""
        if configured := self.settings.secret_key.get_secret_value():
            return configured.encode()
        file = self.state / "secret-key"
        if not file.exists():
            self.state.mkdir(parents=True, exist_ok=True)
            _write_once(file, secrets.token_urlsafe(32))
        if key := file.read_bytes().strip():
            return key
        raise UsageError(f"{file} is empty", "put the key back, or delete the file to get a new one")

    def link_keys(self) -> LinkKeys:
        """The keys of links and tokens: `secret_key` may hold several parted by blanks, the newest first."""
        return LinkKeys(tuple(map(LinkKey, split_keys(self.secret_key()))))


def open_workspace(root: Path | None = None) -> Workspace:
    """The workspace at `root` or PRESSRUN_WORKSPACE, else the nearest one at or above this folder."""
    named = root or (Path(os.environ["PRESSRUN_WORKSPACE"]) if os.environ.get("PRESSRUN_WORKSPACE") else None)
    folder = named.resolve() if named else _nearest(Path.cwd())
    remedy = "run pressrun init DIR, or name one with --workspace"
    if folder is None:
        what = f"{Path.cwd()} is in no workspace: neither pressrun.toml nor [tool.pressrun] in pyproject.toml is there"
        raise UsageError(what, remedy)
    if not (folder / "issues").is_dir():
        raise UsageError(f"{folder} is no workspace: it has no folder issues/", remedy)
    return Workspace(folder, load_settings(folder))


def split_keys(text: bytes) -> list[bytes]:
    """The keys in `text`, which are parted by blanks; after a short word, it is a passphrase: one key."""
    parts = text.split()
    return parts if len(parts) > 1 and len(parts[0]) >= _LEAST_KEY else [text]


def _write_once(file: Path, text: str) -> None:
    """Write `file` unless another process was first; nobody ever sees half of it."""
    descriptor, own = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")  # readable by nobody else
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(own)
    finally:
        Path(own).unlink()


def _nearest(start: Path) -> Path | None:
    return next((folder for folder in (start, *start.parents) if _is_workspace(folder)), None)


def _is_workspace(folder: Path) -> bool:
    if (folder / "pressrun.toml").is_file():
        return True
    project = folder / "pyproject.toml"
    if not project.is_file():
        return False
    try:
        tools = tomllib.loads(project.read_text(encoding="utf-8")).get("tool", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
        return False
    return isinstance(tools, dict) and "pressrun" in tools
