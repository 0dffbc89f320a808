"""What the Nu Html Checker, the checker of the HTML standard, says of files.

assert check_html([file, ...]) == []
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from judged.npm import find_file

_JAVA = shutil.which("java")
_CHECKER = find_file("vnu-jar/build/dist/vnu.jar")
_PATIENCE = 300

needs_nu = [
    pytest.mark.judged,
    pytest.mark.skipif(not _JAVA, reason="no Java here"),
    pytest.mark.skipif(not _CHECKER, reason="vnu-jar is not installed (make test-marked does that where npm is)"),
]
"""The marks of tests that ask the checker: `pytestmark = needs_nu`."""


@dataclass(frozen=True)
class Message:
    """An error, or a warning, with its place and the markup there."""

    file: Path
    line: int
    kind: str
    text: str
    extract: str


def check_html(files: Iterable[Path], *, css: bool = False) -> list[Message]:
    """All errors and warnings of `files`: HTML, and with `css` style sheets too. One start of Java for all of them."""
    assert _JAVA and _CHECKER
    options = [
        "--format",
        "json",
        "--stdout",
        "--exit-zero-always",
        "--skip-info-messages",
        *(["--also-check-css"] if css else []),
    ]
    command = [_JAVA, "-Xss1m", "-jar", str(_CHECKER), *options, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_PATIENCE)
    return [_read(message) for message in json.loads(done.stdout)["messages"]]


def _read(message: dict[str, object]) -> Message:
    return Message(
        file=Path(unquote(urlsplit(str(message.get("url", ""))).path)),
        line=int(str(message.get("lastLine", 0))),
        kind=str(message.get("subType", message["type"])),
        text=str(message["message"]),
        extract=str(message.get("extract", "")).strip(),
    )
