"""Parts an article's Markdown into prose and typed blocks, each fault placed in the file."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from markdown_it.token import Token

from pressrun.condition import ANYTHING, Vocabulary
from pressrun.finding import Finding, Severity
from pressrun.source.block import DIRECTIVES, LINE_BLOCKS, Block, Branch, Directive, Prose
from pressrun.source.branch import Fork, split_forks
from pressrun.source.flaw import find_flaws, parse_strictly
from pressrun.source.personal import BLOCK, LINES, check_prose, check_texts
from pressrun.source.reference import Reference, References, find_references, shows_nothing
from pressrun.source.text import Locator
from pressrun.source.validation import validate
from pressrun.source.yamlfile import Path, Place, YamlText, each_text, read_yaml


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


@dataclass(frozen=True)
class _Article:
    """What holds for every part of an article: its file, what conditions may ask for, addresses that links name."""

    path: str
    vocabulary: Vocabulary
    references: References


def read_body(text: str, path: str, first_line: int, vocabulary: Vocabulary = ANYTHING) -> tuple[Body, list[Finding]]:
    """The blocks of `text`, which starts at `first_line` of `path`, and every fault found in it.

    Conditions may ask for what is in `vocabulary`, and are spelled out by it.
    """
    references = find_references(text, first_line)
    body, findings = _read_part(text, first_line, _Article(path, vocabulary, references))
    return body, [*findings, *(_named_twice(other, references, path) for other in references.others)]


def _named_twice(other: Reference, references: References, path: str) -> Finding:
    first = references.known[other.label].line
    what = f"[{other.label}] has an address in line {first} already, which is the one that counts"
    hint = "give this one another label; capitals make no difference"
    return _finding(path, other.line, "link-named-twice", what, hint, severity=Severity.WARNING)


def _read_part(text: str, first_line: int, article: _Article) -> tuple[Body, list[Finding]]:
    """The blocks of a part of an article, conditional ones too."""
    parts, faults = split_forks(text, article.vocabulary)
    findings = [_finding(article.path, first_line + f.line, f.code, f.message, f.hint, f.column) for f in faults]
    blocks: list[Block] = []
    directives: list[PlacedDirective] = []
    for part in parts:
        if isinstance(part, Fork):
            then, found = _read_part(part.then.text, first_line + part.then.line, article)
            otherwise, more = _read_otherwise(part, first_line, article)
            blocks.append(Branch(part.condition, then.blocks, otherwise.blocks))
            directives += (*then.directives, *otherwise.directives)
            findings += (*found, *more)
            continue
        inner, found = _read_passage(part.text, first_line + part.line, article)
        blocks += inner.blocks
        directives += inner.directives
        findings += found
    return Body(tuple(blocks), tuple(directives)), findings


def _read_otherwise(part: Fork, first_line: int, article: _Article) -> tuple[Body, list[Finding]]:
    if part.otherwise is None:
        return Body((), ()), []
    return _read_part(part.otherwise.text, first_line + part.otherwise.line, article)


def _read_passage(text: str, first_line: int, article: _Article) -> tuple[Body, list[Finding]]:
    """The blocks of `text`, which has no conditional ones."""
    lines = text.split("\n")
    blocks: list[Block] = []
    directives: list[PlacedDirective] = []
    tokens = parse_strictly(text, article.references.environment())
    findings = _lint(tokens, text, first_line, article.path)
    done = 0
    for token in tokens:
        if token.type != "colon_fence" or token.map is None or token.level > 0:
            continue
        _add_prose(blocks, lines, done, token.map[0], first_line)
        done = token.map[1]
        placed, faults = _read_directive(token, lines, article, first_line)
        findings += faults
        if placed:
            blocks.append(placed.block)
            directives.append(placed)
    _add_prose(blocks, lines, done, len(lines), first_line)
    for block in blocks:
        findings += check_prose(block.markdown, article.path, block.line) if isinstance(block, Prose) else ()
    return Body(tuple(_lend(blocks, article.references)), tuple(directives)), findings


def _lend(blocks: Sequence[Block], references: References) -> Iterator[Block]:
    """`blocks`, each run of Markdown with the addresses it names; without runs that hold nothing else."""
    for block in blocks:
        if not isinstance(block, Prose):
            yield block
        elif not shows_nothing(block.markdown):
            own = range(block.line, block.line + block.markdown.count("\n") + 1)
            yield replace(block, markdown=references.lend(block.markdown, own))


def _add_prose(blocks: list[Block], lines: list[str], start: int, end: int, first_line: int) -> None:
    while start < end and not lines[start].strip():
        start += 1
    if markdown := "\n".join(lines[start:end]).rstrip():
        blocks.append(Prose(markdown, first_line + start))


def _read_directive(
    token: Token, lines: list[str], article: _Article, first_line: int
) -> tuple[PlacedDirective | None, list[Finding]]:
    assert token.map is not None
    start, end = token.map
    path, line = article.path, first_line + start
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
    keys = LINES if kind in LINE_BLOCKS else BLOCK
    findings += check_texts(text, keys, token.content, line + 1, path)
    findings += _find_far_addresses(text, keys.markdown, article)
    return (PlacedDirective(block, line, text.places) if block else None), findings


def _find_far_addresses(text: YamlText, keys: Collection[str], article: _Article) -> Iterator[Finding]:
    """Links in a block's Markdown whose address stands outside of it, where they can't find it."""
    for at, value in each_text(text.data):
        for one in article.references.lacking_in(value) if at and at[-1] in keys else ():
            place = text.place_of(at)
            what = f"[{one.label}] has its address in line {one.line}, which is outside of this block"
            hint = "write the address into the block, as [words](https://…)"
            yield _finding(
                article.path, place.line, "link-unnamed", what, hint, place.column, severity=Severity.WARNING
            )


def _unknown_kind(kind: str, path: str, line: int) -> Finding:
    near = difflib.get_close_matches(kind, DIRECTIVES, n=1)
    hint = f"did you mean :::{near[0]}?" if near else f"known: {', '.join(DIRECTIVES)}, when, otherwise"
    return _finding(path, line, "unknown-block", f"no block is called {kind!r}", hint)


def _lint(tokens: Sequence[Token], text: str, first_line: int, path: str) -> list[Finding]:
    locator = Locator(text)
    findings = []
    for flaw in find_flaws(tokens, has_blocks=True):
        place = locator.find(flaw.piece, flaw.line + 1) if flaw.piece else Place(flaw.line + 1, 1)
        line = place.line + first_line - 1
        findings.append(_finding(path, line, flaw.code, flaw.message, flaw.hint, place.column))
    return findings


def _finding(
    path: str,
    line: int,
    code: str,
    message: str,
    hint: str,
    column: int = 1,
    severity: Severity = Severity.ERROR,
) -> Finding:
    return Finding(path=path, line=line, column=column, severity=severity, code=code, message=message, hint=hint)
