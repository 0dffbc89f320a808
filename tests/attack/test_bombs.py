"""Bombs: what is small and costs much is refused, or costs no more than its length (CWE-400, CWE-1333)."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable
from pathlib import Path
from struct import pack

import pytest

from pressrun.address import AddressError, parse_address
from pressrun.check import check_issue
from pressrun.delivery.gist import gist_of
from pressrun.delivery.header import clean_line, write_phrase, write_text
from pressrun.delivery.html_line import break_lines
from pressrun.delivery.maillog import MailLog
from pressrun.delivery.outcome import one_line
from pressrun.delivery.reply import LONGEST, ReplyError, ReplyReader
from pressrun.delivery.table import plain
from pressrun.markdown import render_inline, render_markdown
from pressrun.plain import render_plain
from pressrun.source.loader import load_issue
from pressrun.source.text import split_front_matter
from pressrun.source.yamlfile import read_yaml
from pressrun.typography import typeset
from small_issue import write_small_issue

REPEATED = (
    *("a", " ", "\n", "<", "*", "_", "`", "[", "](", "![", "(", "&", "-", "- ", "> ", "|", "@", ".", "a@", "a.", '"'),
    *("“", "，", "林", "林 a", "\\", "{{", ":::", "https://a.", "<a href='", "=?", "a@b.", "0", "#", "~~", "'", "<!--"),
    *("a-", "\t", "\xa0", "\u200d", "e\u0301"),
)


def _take(take: Callable[[str], object]) -> Callable[[str], object]:
    def run(text: str) -> object:
        try:
            return take(text)
        except (AddressError, ValueError, ReplyError):
            return None

    return run


READERS: dict[str, Callable[[str], object]] = {
    "address": _take(parse_address),
    "gist": gist_of,
    "header": lambda text: write_text("Subject", text),
    "inline": render_inline,
    "line": clean_line,
    "log": lambda text: MailLog(["<a@example.com>"]).read(text.encode()),
    "long lines": break_lines,
    "front matter": _take(lambda text: split_front_matter(f"---\n{text}", "x.md")),
    "markdown": render_markdown,
    "phrase": write_phrase,
    "plain": render_plain,
    "reply": one_line,
    "table": plain,
    "typography": lambda text: typeset(text, "zh-CN", binding=True),
    "typography in English": lambda text: typeset(text, "en", binding=True),
}


def seconds_for(read: Callable[[str], object], text: str) -> float:
    """Of this process, whatever else the machine does."""
    began = time.process_time()
    read(text)
    return time.process_time() - began


@pytest.mark.parametrize("name", READERS)
def test_no_text_takes_much_longer_than_its_length(name: str) -> None:
    """Four times the text takes about four times as long; sixteen would be the square, which a bomb is made of."""
    read = READERS[name]
    for piece in REPEATED:
        for end in ("!", "\n"):
            short, long = (piece * (count // len(piece)) + end for count in (4_000, 16_000))
            took = seconds_for(read, short)
            if took > 0.004:  # below that nothing can be told, and nothing is to be feared
                bearable = 11 * took + 0.5
                assert any(seconds_for(read, long) < bearable for _ in range(3)), (piece, end)


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)),
        "&a [*a]",
        "[" * 100_000,
        "{a: " * 50_000,
        "- " * 50_000,
        "? " * 50_000,
        "!!python/object/apply:os.system [id]",
        "!!python/name:os.system",
        "&a " * 10_000 + "x",
        "x: " + "9" * 100_000,
        '"' + "\\U0010ffff" * 50_000 + '"',
    ],
    ids=lambda text: text[:12],
)
def test_a_yaml_bomb_is_a_finding_or_a_text(text: str) -> None:
    read = read_yaml(text, "x.yaml")
    assert read.findings or isinstance(read.data, str | dict | list)
    assert len(read.places) < 30_000


def _png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))

    packed = zlib.compress(b"\0" * 1_000_000)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", packed)
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(65_000, 65_000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1), (20_000, 20_000)])
def test_a_picture_bomb_is_a_finding(tmp_path: Path, size: tuple[int, int]) -> None:
    issue = write_small_issue(tmp_path)
    (issue / "media" / "cover.png").write_bytes(_png(*size))
    loaded = load_issue(issue)
    assert loaded.issue is None
    assert {finding.code for finding in loaded.findings} == {"bad-picture"}


def test_a_text_of_one_megabyte_in_one_line_is_checked(tmp_path: Path) -> None:
    for body in ("a" * 1_000_000, "林" * 300_000, "https://example.com/" * 20_000):
        loaded = load_issue(write_small_issue(tmp_path, first=f"---\ntitle: x\n---\n{body}\n"))
        if loaded.issue:
            list(check_issue(loaded.issue))


@pytest.mark.parametrize(
    "octets", [b"2" * 200_000, b"250-x\r\n" * 200_000, b"250 " + b"x" * 200_000, b"\n" * 10, b"\xff" * 200_000]
)
def test_a_server_that_never_stops_talking_is_cut_off(octets: bytes) -> None:
    reader = ReplyReader()
    with pytest.raises(ReplyError):
        for start in range(0, len(octets), 4096):
            list(reader.read(octets[start : start + 4096]))
    assert LONGEST < 200_000
