"""Names what a site is made of by its bytes: sources, templates, program. Times of files count for nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

_TEMPLATES = ("site", "feed")
_LIBRARIES = ("feedgen", "icalendar", "jinja2", "lxml", "markdown-it-py", "mdit-py-plugins", "nh3")


def digest_of(octets: bytes) -> str:
    """The name of `octets`."""
    return hashlib.sha256(octets).hexdigest()


def join_digests(parts: Iterable[str]) -> str:
    """The name of several things in their order."""
    return digest_of("\0".join(parts).encode())


def digest_folder(folder: Path) -> str:
    """The name of all files in `folder`, by their paths and bytes; those with a dot before their name are nobody's."""
    return join_digests(part for file in _files_in(folder) for part in _told(file, folder))


def digest_makers(templates: Sequence[Path]) -> str:
    """The name of what makes pages of sources: the site's and feeds' templates in these folders, and the program."""
    folders = [(folder, folder / name) for folder in templates for name in _TEMPLATES]
    told = (part for root, folder in folders for file in _files_in(folder) for part in _told(file, root))
    return join_digests((_digest_program(), *told))


@cache
def _digest_program() -> str:
    # A process keeps the code it began with, so this is looked at once.
    package = Path(__file__).parents[1]
    code = (part for file in sorted(package.rglob("*.py")) for part in _told(file, package))
    return join_digests((*map(version, _LIBRARIES), *code))


def _told(file: Path, root: Path) -> tuple[str, str]:
    return file.relative_to(root).as_posix(), digest_of(file.read_bytes())


def _files_in(folder: Path) -> Iterator[Path]:
    for name, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        yield from (Path(name, file) for file in sorted(files) if not file.startswith("."))
