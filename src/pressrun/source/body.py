"""Parts an article's Markdown into prose and typed blocks, each fault placed in the file."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass

from markdown_it.token import Token

from pressrun.condition import ANYTHING, Vocabulary
from pressrun.finding import Finding
from pressrun.markdown import make_parser
from pressrun.source.block import DIRECTIVES, Block, Branch, Directive, Prose
from pressrun.source.branch import Fork, split_forks
from pressrun.source.personal import BLOCK, check_prose, check_texts
from pressrun.source.text import Locator
from pressrun.source.validation import validate
from pressrun.source.yamlfile import Path, Place, read_yaml

_lint_parser = make_parser(html=True, images=True)


@dataclass(frozen=True)
class PlacedDirective:
    """A typed block with where its keys stand, for checks that come later."""

    block: Directive
    line: int
    places: dict[Path, Place]


@dataclass(frozen=True)
class Body:
    """An article's blocks in order, and the places of the typed ones."""

    blocks: tuple[Block, ...]
    directives: tuple[PlacedDirective, ...]


def read_body(text: str, path: str, first_line: int, vocabulary: Vocabulary = ANYTHING) -> tuple[Body, list[Finding]]:
    """The blocks of `text`, which starts at `first_line` of `path`, and every fault found in it.

    Conditions may ask for what is in `vocabulary`, and are spelled out by it.
    """
    parts, faults = split_forks(text, vocabulary)
    findings = [_finding(path, first_line + f.line, f.code, f.message, f.hint, f.column) for f in faults]
    blocks: list[Block] = []
    directives: list[PlacedDirective] = []
    for part in parts:
        if isinstance(part, Fork):
            then, found = read_body(part.then.text, path, first_line + part.then.line, vocabulary)
            otherwise, more = _read_otherwise(part, path, first_line, vocabulary)
            blocks.append(Branch(part.condition, then.blocks, otherwise.blocks))
            directives += (*then.directives, *otherwise.directives)
            findings += (*found, *more)
            continue
        inner, found = _read_passage(part.text, path, first_line + part.line)
        blocks += inner.blocks
        directives += inner.directives
        findings += found
    return Body(tuple(blocks), tuple(directives)), findings


def _read_otherwise(part: Fork, path: str, first_line: int, vocabulary: Vocabulary) -> tuple[Body, list[Finding]]:
    if part.otherwise is None:
        return Body((), ()), []
    return read_body(part.otherwise.text, path, first_line + part.otherwise.line, vocabulary)


def _read_passage(text: str, path: str, first_line: int) -> tuple[Body, list[Finding]]:
    """The blocks of `text`, which has no conditional ones."""
    lines = text.split("\n")
    blocks: list[Block] = []
    directives: list[PlacedDirective] = []
    findings: list[Finding] = []
    tokens = _lint_parser.parse(text)
    done = 0
    locator = Locator(text)
    for token in tokens:
        findings += _lint(token, path, first_line, locator)
        if token.type != "colon_fence" or token.map is None or token.level > 0:
            continue
        _add_prose(blocks, lines, done, token.map[0], first_line)
        done = token.map[1]
        placed, faults = _read_directive(token, lines, path, first_line)
        findings += faults
        if placed:
            blocks.append(placed.block)
            directives.append(placed)
    _add_prose(blocks, lines, done, len(lines), first_line)
    for block in blocks:
        findings += check_prose(block.markdown, path, block.line) if isinstance(block, Prose) else ()
    return Body(tuple(blocks), tuple(directives)), findings


def _add_prose(blocks: list[Block], lines: list[str], start: int, end: int, first_line: int) -> None:
    while start < end and not lines[start].strip():
        start += 1
    if markdown := "\n".join(lines[start:end]).rstrip():
        blocks.append(Prose(markdown, first_line + start))


def _read_directive(
    token: Token, lines: list[str], path: str, first_line: int
) -> tuple[PlacedDirective | None, list[Finding]]:
    assert token.map is not None
    start, end = token.map
    line = first_line + start
    kind = token.info.strip().strip("{}")
    if kind.partition(" ")[0] in ("when", "otherwise"):
        what = f"::: {kind.partition(' ')[0]} has to begin its line"
        return None, [_finding(path, line, "block-misplaced", what, "take the blanks before it away")]
    if kind not in DIRECTIVES:
        return None, [_unknown_kind(kind, path, line)]
    last = lines[end - 1].strip()
    if last.strip(":") or len(last) < len(token.markup) or end - 1 == start:
        return None, [
            _finding(path, line, "block-unclosed", f":::{kind} opens here and never closes", "add a line :::")
        ]
    text = read_yaml(token.content, path, Place(line + 1, 1))
    block, findings = validate(DIRECTIVES[kind], text, path)
    findings += check_texts(text, BLOCK, token.content, line + 1, path)
    return (PlacedDirective(block, line, text.places) if block else None), findings


def _unknown_kind(kind: str, path: str, line: int) -> Finding:
    near = difflib.get_close_matches(kind, DIRECTIVES, n=1)
    hint = f"did you mean :::{near[0]}?" if near else f"known: {', '.join(DIRECTIVES)}, when, otherwise"
    return _finding(path, line, "unknown-block", f"no block is called {kind!r}", hint)


def _lint(token: Token, path: str, first_line: int, locator: Locator) -> Iterator[Finding]:
    line = first_line + (token.map[0] if token.map else 0)
    if token.type == "colon_fence" and token.level > 0:
        yield _finding(path, line, "block-nested", "a block can't stand inside a list or quote", "move it out")
    if token.type == "html_block":
        yield _finding(path, line, "raw-html", "HTML is not allowed", "write it in Markdown, or as a block")
    if token.type == "heading_open" and token.tag == "h1":
        yield _finding(path, line, "heading-level", "the title is the only first heading", "begin with ##")
    for child in token.children or ():
        if child.type == "html_inline":
            what = f"HTML is not allowed: {child.content}"
            line, column = _place_in(token, child.content, first_line, locator)
            yield _finding(path, line, "raw-html", what, "write it in Markdown, or put a backslash before <", column)
        if child.type == "image":
            line, column = _place_in(token, "![", first_line, locator)
            yield _finding(path, line, "markdown-image", "a picture needs a block", "write it as :::figure", column)


def _place_in(token: Token, piece: str, first_line: int, locator: Locator) -> tuple[int, int]:
    place = locator.find(piece, (token.map[0] if token.map else 0) + 1)
    return place.line + first_line - 1, place.column


def _finding(path: str, line: int, code: str, message: str, hint: str, column: int = 1) -> Finding:
    return Finding(path=path, line=line, column=column, code=code, message=message, hint=hint)
