"""Serves the files of a site as caches, feed readers and browsers like them: validators, compression, types, lifetimes.

Starlette finds the files and answers for pictures; text is read whole, so that header and body are of one file even
while the site is being exchanged, and is named by its bytes, so that a build that changes nothing changes no ETag.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import cached_property
from pathlib import Path

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response
from starlette.staticfiles import NotModifiedResponse, PathLike, StaticFiles
from starlette.types import Scope

from pressrun.site.feed_name import MEDIA_TYPES, Kind, kind_of

KEPT_OCTETS = 64 * 1024 * 1024
"""How much text, as it is and compressed, is kept in memory; beyond it what was asked for longest ago goes."""
LARGEST = 8 * 1024 * 1024
"""Above this a text is handed on as pictures are: from the disk, as it is."""
WORTH_PACKING = 500
"""Below this, compressed text is hardly smaller, with its headers rather larger."""

_TEXT = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".xml": "application/xml; charset=utf-8",
}
_FEED_SECONDS, _TEXT_SECONDS, _PICTURE_SECONDS = 300, 60, 86_400
_OPEN = (".", ".well-known")
_NO_GZIP = re.compile(r"^0(\.0{0,3})?$")


@dataclass(frozen=True)
class Text:
    """A text file as it was at one moment; `signature` tells whether the file on the disk is still the same."""

    signature: tuple[int, ...]
    octets: bytes
    modified: str

    @cached_property
    def name(self) -> str:
        """Its name by its bytes."""
        return hashlib.blake2b(self.octets, digest_size=12).hexdigest()

    @cached_property
    def packed(self) -> bytes | None:
        """It compressed, always to the same bytes; None where that makes it no smaller."""
        if len(self.octets) < WORTH_PACKING:
            return None
        packed = gzip.compress(self.octets, 6, mtime=0)
        return packed if len(packed) < len(self.octets) else None


class SiteFiles(StaticFiles):
    """The files below `directory`; `links` gives the `Link` header of a file by its path, where it has one."""

    def __init__(self, directory: Path, links: Callable[[str], str | None] = lambda path: None) -> None:
        super().__init__(directory=directory, html=True)
        self._links = links
        self._kept = _Kept(KEPT_OCTETS)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The answer for the file at `path`; raises HTTPException where there is none."""
        if any(part.startswith(".") and part not in _OPEN for part in Path(path).parts):
            raise HTTPException(404)  # a build's own notes, and what it has not finished yet
        try:
            return await self._answer(path, scope)
        except FileNotFoundError:  # exchanged between finding it and opening it
            try:
                return await self._answer(path, scope)
            except FileNotFoundError:
                raise HTTPException(404) from None

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """The file that was found, before anything is said of it."""
        return FileResponse(full_path, status_code=status_code, stat_result=stat_result)

    async def _answer(self, path: str, scope: Scope) -> Response:
        found = await super().get_response(path, scope)
        if not isinstance(found, FileResponse):  # a redirect to the folder's page
            return found
        file, asked = Path(found.path), Headers(scope=scope)
        kind = kind_of(file.name)
        if file.suffix in _TEXT and found.stat_result and found.stat_result.st_size <= LARGEST:
            text = await anyio.to_thread.run_sync(self._kept.read, file)
            answer = await anyio.to_thread.run_sync(_answer_text, text, file, asked, found.status_code)
        else:
            answer = found
            if file.suffix in _TEXT:
                answer.headers["Content-Type"] = _media_type(file, Headers())[0]
        if answer.status_code != 200:  # the site's own page for what is not there
            answer.headers["Cache-Control"] = "no-cache"
            return answer
        seconds = _FEED_SECONDS if kind else _TEXT_SECONDS if file.suffix in _TEXT else _PICTURE_SECONDS
        answer.headers["Cache-Control"] = f"public, max-age={seconds}"
        if kind and (links := await anyio.to_thread.run_sync(self._links, path)):
            answer.headers["Link"] = links
        if asked.get("if-none-match", "").strip() == "*" or self.is_not_modified(answer.headers, asked):
            return NotModifiedResponse(answer.headers)
        return _without_body(answer) if scope["method"] == "HEAD" and not isinstance(answer, FileResponse) else answer


def _answer_text(text: Text, file: Path, asked: Headers, status: int) -> Response:
    """The representation of `text` that was asked for. Each has an ETag of its own (RFC 9110 §8.8.3)."""
    media_type, variant = _media_type(file, asked)
    packed = text.packed if accepts_gzip(asked.get("accept-encoding", "")) else None
    vary = ["Accept-Encoding"] if text.packed else []
    headers = {"Content-Type": media_type, "Last-Modified": text.modified}
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
        variant += "-gz"
    if kind_of(file.name) in (Kind.RSS, Kind.ATOM):
        vary.append("Accept")
    if vary:
        headers["Vary"] = ", ".join(vary)
    headers["ETag"] = f'"{text.name}{variant}"'
    return Response(text.octets if packed is None else packed, status, headers)


def _media_type(file: Path, asked: Headers) -> tuple[str, str]:
    """The type to call it by, and what the ETag says of that.

    A person's browser shows a feed's style sheet only where the type is plain XML: Chromium writes
    `application/rss+xml` out as text, Firefox saves it. Who asks for HTML is such a browser.
    """
    kind = kind_of(file.name)
    if kind in (Kind.RSS, Kind.ATOM) and "text/html" in asked.get("accept", ""):
        return _TEXT[".xml"], "-xml"
    if kind is Kind.JSON:
        return MEDIA_TYPES[kind], ""
    return f"{MEDIA_TYPES[kind]}; charset=utf-8" if kind else _TEXT[file.suffix], ""


def accepts_gzip(header: str) -> bool:
    """Whether an `Accept-Encoding` header takes gzip (RFC 9110 §12.5.3)."""
    weights: dict[str, str] = {}
    for part in header.lower().split(","):
        coding, _, parameter = part.partition(";")
        weights[coding.strip()] = parameter.strip().removeprefix("q=") or "1"
    weight = weights.get("gzip", weights.get("*", "0"))
    return not _NO_GZIP.match(weight)


def _without_body(answer: Response) -> Response:
    """The answer to HEAD: its headers, with the length that the body would have."""
    headless = Response(status_code=answer.status_code)
    headless.raw_headers = answer.raw_headers
    return headless


class _Kept:
    """Texts that were read, as long as their files stay as they are, and no more than `most` octets of them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._texts: OrderedDict[Path, Text] = OrderedDict()
        self._octets = 0
        self._lock = threading.Lock()

    def read(self, file: Path) -> Text:
        """What stands in `file`; raises FileNotFoundError."""
        with file.open("rb") as opened:
            status = os.fstat(opened.fileno())
            signature = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            with self._lock:
                kept = self._texts.get(file)
                if kept and kept.signature == signature:
                    self._texts.move_to_end(file)
                    return kept
            text = Text(signature, opened.read(), formatdate(status.st_mtime, usegmt=True))
        self._keep(file, text)
        return text

    def _keep(self, file: Path, text: Text) -> None:
        with self._lock:
            if old := self._texts.pop(file, None):
                self._octets -= _weight(old)
            self._texts[file] = text
            self._octets += _weight(text)
            while self._octets > self._most:
                self._octets -= _weight(self._texts.popitem(last=False)[1])


def _weight(text: Text) -> int:
    return 2 * len(text.octets)  # with what it is compressed, which is never more
