"""The workspace's DKIM keys on disk: finds and reads them, and writes new ones where nobody else can read them."""

from __future__ import annotations

import itertools
import os
import stat
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path

from pressrun.delivery.dkim_key import SigningKey, join_keys, keys_for, read_signing_keys
from pressrun.errors import UsageError
from pressrun.workspace import Workspace

KEY_SUFFIX = ".pem"
WAITING_SUFFIX = ".next"
"""What a key's file name ends with, after .pem, until its record is in DNS: such keys sign nothing."""
_Source = tuple[str, tuple[SigningKey, ...]]
"""Where keys were read, and the keys."""


def signing_keys(workspace: Workspace) -> tuple[SigningKey, ...]:
    """All keys there are to sign with: those in the key folder by file name, then those of the setting dkim_keys.

    Raises UsageError for a key that can't be read or that others may read or change, and where the folder that the
    setting names is not there.
    """
    return join_keys([*_read_folder(workspace), *_read_setting(workspace)])


def waiting_keys(workspace: Workspace) -> dict[Path, tuple[SigningKey, ...]]:
    """The keys that wait for their records to be in DNS, by file."""
    return {file: _read_file(file) for file in _key_files(workspace, KEY_SUFFIX + WAITING_SUFFIX)}


def key_file(workspace: Workspace, key: SigningKey) -> Path:
    """Where a new key belongs: with those that wait if it would take over from one whose record is in DNS already.

    Raises UsageError where a key of this name is there, and where the new one could never take over.
    """
    present = signing_keys(workspace)
    if key.name in {other.name for other in (*present, *itertools.chain(*waiting_keys(workspace).values()))}:
        raise UsageError(f"there is a key for {key.name} already", f"name another: --selector {key.selector}b")
    file = workspace.dkim_folder / f"{key.selector}.{key.domain}{KEY_SUFFIX}"
    former = next((other for other in keys_for(present, _sender(key)) if other.algorithm is key.algorithm), None)
    if former is None:
        return file
    then = [*sorted([*_read_folder(workspace), (str(file), (key,))], key=itemgetter(0)), *_read_setting(workspace)]
    if not is_in_use(key, join_keys(then)):
        remedy = "choose a --selector that comes later in the alphabet, or write it elsewhere with --out"
        raise UsageError(f"{former.name} comes after {key.name} and would go on signing", remedy)
    return file.with_name(file.name + WAITING_SUFFIX)


def write_keys(file: Path, keys: Iterable[SigningKey]) -> None:
    """Write a new file with the keys, readable and writable by its owner only; UsageError where one is there."""
    if file.parent.name and not file.parent.exists():
        file.parent.mkdir(mode=0o700, parents=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{file} is there already", "name another file, or another selector") from None
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write("".join(key.pem for key in keys))


def is_in_use(key: SigningKey, keys: Iterable[SigningKey]) -> bool:
    """Whether `key` is the one of its kind, among `keys`, that signs what its own domain sends."""
    return key in keys_for(keys, _sender(key))


def _sender(key: SigningKey) -> str:
    return f"postmaster@{key.domain}"


def _read_folder(workspace: Workspace) -> list[_Source]:
    folder = workspace.dkim_folder
    if workspace.settings.dkim_folder and not folder.is_dir():
        raise UsageError(f"setting dkim_folder: there is no folder {folder}", "make it, or mend the name")
    return [(str(file), _read_file(file)) for file in _key_files(workspace, KEY_SUFFIX)]


def _read_setting(workspace: Workspace) -> list[_Source]:
    configured, origin = workspace.settings.dkim_keys.get_secret_value(), "setting dkim_keys"
    return [(origin, read_signing_keys(configured, origin))] if configured else []


def _key_files(workspace: Workspace, suffix: str) -> list[Path]:
    return sorted(file for file in workspace.dkim_folder.glob(f"*{suffix}") if file.is_file())


def _read_file(file: Path) -> tuple[SigningKey, ...]:
    mode = file.stat().st_mode
    # A group may read: that is how container platforms hand secrets to a process. Nobody else has any business here.
    if mode & (stat.S_IWGRP | stat.S_IRWXO):
        raise UsageError(f"{file}: other users may read or change this key", f"run: chmod 600 {file}")
    try:
        return read_signing_keys(file.read_text(encoding="utf-8"), str(file))
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no text", "put a PKCS#8 PEM block there, with its DNS name above it") from None
