"""Puts a mail's pictures into the message itself: `cid:` addresses (RFC 2392) in place of public ones."""

from __future__ import annotations

import hashlib
import html
import re
from urllib.parse import quote

from pressrun.render.edition import File
from pressrun.source.issue import Issue

_SOURCE = re.compile(r'(<img\b[^<>]*?\ssrc=")([^"]*)(")')
_DOT_ATOM = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


def put_inline(mail: str, issue: Issue) -> tuple[str, tuple[File, ...]]:
    """`mail` with its pictures at `cid:` addresses, and the pictures it shows, in the order of their first showing."""
    hosted = {hosted_url(issue, name): name for name in issue.pictures}
    files: dict[str, File] = {}

    def point(source: re.Match[str]) -> str:
        name = hosted.get(html.unescape(source[2]))
        if name is None:
            return source[0]
        file = files.setdefault(name, _read(issue, name))
        return f"{source[1]}cid:{file.content_id}{source[3]}"

    return _SOURCE.sub(point, mail), tuple(files.values())


def hosted_url(issue: Issue, name: str) -> str:
    """Where the archive has the picture called `name`, such as `media/cover.png`: encoded (RFC 3986 §2.1)."""
    return f"{issue.url}{quote(name)}"


def _read(issue: Issue, name: str) -> File:
    picture = issue.pictures[name]
    return File(
        name=name.rpartition("/")[2],
        media_type=picture.mime_type,
        content=picture.file.read_bytes(),
        content_id=content_id(name, issue.publication.list_id),
    )


def content_id(name: str, list_id: str) -> str:
    """The picture's content id: its path below `media/` where that can stand in one, else a name made of it."""
    path = name.removeprefix("media/")
    if not _DOT_ATOM.fullmatch(path):
        path = f"picture.{hashlib.sha256(path.encode()).hexdigest()[:16]}"
    return f"{path}@{list_id}"
