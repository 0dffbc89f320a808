"""Parts Markdown at its conditional blocks: `::: when city == "Beijing"` … `::: otherwise` … `:::`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from pressrun.condition import ANYTHING, ConditionError, Vocabulary, spell_out

WHEN_FENCE = re.compile(r":{3,}[ \t]*when(?:[ \t]+(?P<condition>.*))?$")
_OTHERWISE = re.compile(r":{3,}[ \t]*otherwise[ \t]*$")
_OPENING = re.compile(r"(:{3,})[ \t]*(?P<kind>[^\s:].*)$")
_CLOSING = re.compile(r"(:{3,})[ \t]*$")
_CODE = re.compile(r" {0,3}(`{3,}|~{3,})")
_DEPTH_LIMIT = 10
_FORM = '::: when city == "Beijing"'

WriteFork = Callable[[str, str, str], str]


@dataclass(frozen=True)
class Passage:
    """A run of Markdown without conditional blocks at its top; `line` is the 0-based one it starts at."""

    text: str
    line: int


@dataclass(frozen=True)
class Fork:
    """What those see who meet `condition`, and what the others see, if anything."""

    condition: str
    then: Passage
    otherwise: Passage | None


@dataclass(frozen=True)
class ForkFault:
    """What is wrong at a 0-based line and 1-based column of a text."""

    line: int
    column: int
    code: str
    message: str
    hint: str


def split_forks(text: str, vocabulary: Vocabulary = ANYTHING) -> tuple[list[Passage | Fork], list[ForkFault]]:
    """`text` as passages and conditional blocks in order; those inside of blocks are left to another call.

    A faulty block is left out. Conditions may ask for what is in `vocabulary`, and are spelled out by it.
    """
    if ":::" not in text:
        return [Passage(text, 0)], []
    splitter = _Splitter(text.split("\n"), vocabulary)
    splitter.run()
    return splitter.parts, splitter.faults


def without_forks(text: str) -> str:
    """`text` with empty lines in place of the fences of conditional blocks: the Markdown of all of them together."""
    parts, _ = split_forks(text)
    lines = [""] * (text.count("\n") + 1)
    for part in parts:
        for passage in (part,) if isinstance(part, Passage) else filter(None, (part.then, part.otherwise)):
            inner = (passage.text if isinstance(part, Passage) else without_forks(passage.text)).split("\n")
            if passage.text:
                lines[passage.line : passage.line + len(inner)] = inner
    return "\n".join(lines)


class _Splitter:
    """Goes through the lines once, a fence at a time."""

    def __init__(self, lines: list[str], vocabulary: Vocabulary = ANYTHING) -> None:
        self._lines, self._vocabulary = lines, vocabulary
        self.parts: list[Passage | Fork] = []
        self.faults: list[ForkFault] = []

    def run(self) -> None:
        done = at = 0
        while at < len(self._lines):
            line = self._lines[at]
            if WHEN_FENCE.match(line):
                self._add(done, at)
                done = at = self._read_fork(at)
                continue
            if _OTHERWISE.match(line):
                self._fault(at, 1, "block-misplaced", "no ::: when stands before this", f"open one: {_FORM}")
            at = self.after_fence(at)
        self._add(done, len(self._lines))

    def _add(self, start: int, end: int) -> None:
        if any(line.strip() for line in self._lines[start:end]):
            self.parts.append(Passage("\n".join(self._lines[start:end]), start))

    def _read_fork(self, start: int) -> int:
        """Read the block that opens at `start`, and what the others see; gives the line after it."""
        end = last = self._find_end(start)
        opening, otherwise = end if self._is_otherwise(end) else self._next_line(end), None
        if self._is_otherwise(opening):
            last = self._find_end(opening)
            otherwise = self._passage(opening + 1, last)
        condition = self._read_condition(start)
        if condition and last < len(self._lines):
            self.parts.append(Fork(condition, self._passage(start + 1, end), otherwise))
        return last + 1

    def _is_otherwise(self, at: int) -> bool:
        return at < len(self._lines) and bool(_OTHERWISE.match(self._lines[at]))

    def _next_line(self, at: int) -> int:
        """The next line after `at` that is not empty."""
        return next((n for n in range(at + 1, len(self._lines)) if self._lines[n].strip()), len(self._lines))

    def _fault(self, line: int, column: int, code: str, message: str, hint: str) -> None:
        self.faults.append(ForkFault(line, column, code, message, hint))

    def _passage(self, start: int, end: int) -> Passage:
        return Passage("\n".join(self._lines[start:end]), start)

    def _read_condition(self, at: int) -> str | None:
        fence = WHEN_FENCE.match(self._lines[at])
        condition = (fence["condition"] or "").rstrip() if fence else ""
        if fence is None or not condition:
            self._fault(at, 1, "bad-condition", "the block says no condition", f"say for whom it is: {_FORM}")
            return None
        try:
            return spell_out(condition, self._vocabulary)
        except ConditionError as error:
            self._fault(at, fence.start("condition") + error.column, "bad-condition", error.message, error.remedy)
            return None

    def _find_end(self, start: int) -> int:
        """The line that ends what opens at `start`, `:::` or `::: otherwise`; blocks inside of it end first."""
        inner: list[bool] = []  # the open ones inside; whether an otherwise may follow
        at, own = start + 1, -1  # where an otherwise is that of the inner block just closed
        while at < len(self._lines):
            line = self._lines[at]
            if WHEN_FENCE.match(line) or (self._is_otherwise(at) and at == own):
                inner.append(not self._is_otherwise(at))
            elif not inner and (self._is_otherwise(at) or _CLOSING.match(line)):
                return at
            elif self._is_otherwise(at):
                inner[-1] = False
            elif _CLOSING.match(line):
                own = self._next_line(at) if inner.pop() else -1
            else:
                at = self.after_fence(at)
                continue
            if len(inner) >= _DEPTH_LIMIT:
                self._fault(at, 1, "block-nested", "blocks are nested too deep here", "nest less")
                return len(self._lines)
            at += 1
        opened = self._lines[start].strip()
        self._fault(start, 1, "block-unclosed", f"{opened} opens here and never closes", "add a line :::")
        return len(self._lines)

    def after_fence(self, at: int) -> int:
        """The line after `at`, or after the code or typed block that opens there."""
        line = self._lines[at]
        code, block = _CODE.match(line), _OPENING.match(line)
        if code:
            closing = re.compile(rf" {{0,3}}{re.escape(code[1])}{code[1][0]}*[ \t]*$")
        elif block and not _OTHERWISE.match(line):
            closing = re.compile(rf":{{{len(block[1])},}}[ \t]*$")
        else:
            return at + 1
        end = next((n for n in range(at + 1, len(self._lines)) if closing.match(self._lines[n])), None)
        return len(self._lines) if end is None else end + 1  # what never closes goes on to the end


def fold_forks(text: str, write: WriteFork) -> str:
    """`text` with what `write` makes of each conditional block, of its condition and two texts; inner ones first."""
    parts, _ = split_forks(text)
    return "\n\n".join(filter(None, (_fold(part, write) for part in parts)))


def _fold(part: Passage | Fork, write: WriteFork) -> str:
    if isinstance(part, Passage):
        return part.text
    otherwise = fold_forks(part.otherwise.text, write) if part.otherwise else ""
    return write(part.condition, fold_forks(part.then.text, write), otherwise)


def spell_out_forks(text: str, vocabulary: Vocabulary) -> str:
    """`text` with the conditions of its blocks as they say the same without a vocabulary; a faulty one stays."""
    return "\n".join(_spell_out_fence(line, vocabulary) for line in text.split("\n")) if ":::" in text else text


def _spell_out_fence(line: str, vocabulary: Vocabulary) -> str:
    fence = WHEN_FENCE.match(line)
    condition = (fence["condition"] or "").rstrip() if fence else ""
    try:
        return line.replace(condition, spell_out(condition, vocabulary)) if condition else line
    except ConditionError:  # told where the text is checked
        return line


def fork_faults(text: str, vocabulary: Vocabulary = ANYTHING) -> Iterator[ForkFault]:
    """Every fault of the conditional blocks of `text`, those inside of others too; it may hold no other blocks."""
    parts, faults = split_forks(text, vocabulary)
    yield from faults
    for part in parts:
        if isinstance(part, Passage):
            yield from (replace(fault, line=fault.line + part.line) for fault in _stray_fences(part.text))
        for inner in filter(None, (part.then, part.otherwise)) if isinstance(part, Fork) else ():
            yield from (replace(fault, line=fault.line + inner.line) for fault in fork_faults(inner.text, vocabulary))


def _stray_fences(text: str) -> Iterator[ForkFault]:
    lines = text.split("\n")
    splitter, at = _Splitter(lines), 0
    while at < len(lines):
        if re.match(r" {0,3}:::", lines[at]) and not _OTHERWISE.match(lines[at]):
            what = "only ::: when and ::: otherwise stand here" if lines[at].strip(": ") else "nothing is open here"
            yield ForkFault(at, 1, "block-misplaced", what, "take the line away, or move the block into an article")
            at += 1
        else:
            at = splitter.after_fence(at)
