"""Reads a source file as text and parts its front matter from its body."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from pressrun.finding import Finding
from pressrun.source.yamlfile import Place

# U+0085, U+2028 and U+2029 end a line for YAML but not for Markdown or most editors; lxml refuses U+FFFE.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def read_text(file: Path) -> tuple[str | None, list[Finding]]:
    """The text of `file` with plain line ends, all visible, or None; and what was wrong with its characters."""
    if _leads_out(file):
        reason = "it is a link to a file somewhere else"
        return None, [_finding(file, Place(1, 1), "unreadable", reason, "put the file itself here")]
    try:
        raw = file.read_bytes()
    except OSError as error:
        reason = error.strerror or "it can't be read"
        return None, [_finding(file, Place(1, 1), "unreadable", reason, "check the file and its permissions")]
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        return None, [_not_utf8(file, raw, error)]
    lines = enumerate(text.split("\n"), 1)
    findings = [_control_character(file, n, match) for n, line in lines if (match := _CONTROL.search(line))]
    return _CONTROL.sub("", text), findings


def _leads_out(file: Path) -> bool:
    """Whether `file` is a link out of the folder above its own: with one, any file here could be published."""
    return file.is_symlink() and not Path(os.path.realpath(file)).is_relative_to(os.path.realpath(file.parent.parent))


def _not_utf8(file: Path, raw: bytes, error: UnicodeDecodeError) -> Finding:
    before = raw[: error.start].decode("utf-8", "replace").removeprefix("\ufeff")
    what = f"the byte 0x{raw[error.start]:02x} is not UTF-8"
    return _finding(file, _end_of(before), "not-utf8", what, "save the file as UTF-8")


def _control_character(file: Path, line: int, match: re.Match[str]) -> Finding:
    what = f"an invisible control character (U+{ord(match[0]):04X}) stands here"
    return _finding(file, Place(line, match.start() + 1), "control-character", what, "delete it and type on")


def _end_of(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)


def _finding(file: Path, place: Place, code: str, message: str, hint: str) -> Finding:
    return Finding(path=str(file), line=place.line, column=place.column, code=code, message=message, hint=hint)


class Locator:
    """Finds where pieces of a text stand; a piece asked for twice is found at its next place."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._done: dict[str, int] = {}

    def find(self, piece: str, line: int, *, not_before: str = "") -> Place:
        """The place of `piece` from the 1-based `line` on, where nothing of the pattern `not_before` follows.

        The line itself where the text writes it otherwise.
        """
        start = max(self._line_starts[line - 1], self._done.get(piece, 0))
        match = re.compile(re.escape(piece) + (f"(?!{not_before})" if not_before else "")).search(self._text, start)
        if match is None:
            return Place(line, 1)
        self._done[piece] = match.end()
        return _end_of(self._text[: match.start()])


@dataclass(frozen=True)
class FrontMatter:
    """A text's YAML head and Markdown body, each with the line it starts at."""

    head: str
    head_line: int
    body: str
    body_line: int


def split_front_matter(text: str, file: Path) -> tuple[FrontMatter | None, list[Finding]]:
    """The two parts of `text`, which must begin with a line `---` and close it with another."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        hint = "begin the file with a line ---, the title and other keys, and another line ---"
        return None, [_finding(file, Place(1, 1), "front-matter-missing", "the file has no front matter", hint)]
    close = next((n for n, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), None)
    if close is None:
        what = "the front matter opens here and never closes"
        return None, [_finding(file, Place(1, 1), "front-matter-unclosed", what, "add a line --- before the text")]
    head, body = "\n".join(lines[1:close]), "\n".join(lines[close + 1 :])
    return FrontMatter(head, 2, body, close + 2), []
