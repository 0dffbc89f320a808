"""Names what a site is made of by its bytes: sources, templates, program. Times of files count for nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

from pressrun.attribute import ATTRIBUTES_FILE
from pressrun.segment import SEGMENTS_FILE

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


def digest_makers(root: Path, templates: Sequence[Path]) -> str:
    """The name of what makes pages of sources: the site's and feeds' templates in these folders, and the program.

    What conditions and fields are spelled out by counts too: the segments and attributes of the workspace in `root`.
    """
    folders = [(folder, folder / name) for folder in templates for name in _TEMPLATES]
    told = (part for top, folder in folders for file in _files_in(folder) for part in _told(file, top))
    beside = [file for name in (SEGMENTS_FILE, ATTRIBUTES_FILE) if (file := root / name).is_file()]
    return join_digests((_digest_program(), *told, *(part for file in beside for part in _told(file, root))))


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
