"""Segments: the filters over people that a workspace saves by name in `subscribers/segments.yaml`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from pressrun.attribute import ATTRIBUTES_FILE, AttributeSchema, AttributeType, read_attribute_schema
from pressrun.condition import (
    Condition,
    ConditionError,
    Day,
    Kind,
    OneOf,
    Subject,
    Term,
    Vocabulary,
    parse_condition,
    write_condition,
)
from pressrun.condition.literal import is_relative
from pressrun.condition.term import Leaf, leaves
from pressrun.condition.vocabulary import suggest
from pressrun.errors import UsageError
from pressrun.finding import Finding
from pressrun.source.text import read_text
from pressrun.source.validation import validate
from pressrun.source.yamlfile import Place, YamlText, read_yaml
from pressrun.workspace import Workspace

SEGMENTS_FILE = "subscribers/segments.yaml"
_NAME = re.compile(r"\w[\w.-]*")
_DEPTH_LIMIT = 10  # segments inside of segments

IN_ALL = {
    "address": Subject(Kind.ADDRESS),
    "domain": Subject(Kind.DOMAIN),
    "name": Subject(Kind.TEXT),
    "list": Subject(Kind.SEVERAL),
    "segment": Subject(Kind.SEGMENT),
}
"""What is known of everybody wherever a condition stands."""

IN_STORE = {
    "tag": Subject(Kind.SEVERAL),
    "joined": Subject(Kind.DATE),
    "confirmed": Subject(Kind.FLAG),
    "received": Subject(Kind.NUMBER),
    "opened": Subject(Kind.NUMBER),
    "clicked": Subject(Kind.NUMBER),
    "bounced": Subject(Kind.NUMBER),
    "last_sent": Subject(Kind.DATE),
    "last_opened": Subject(Kind.DATE),
    "last_clicked": Subject(Kind.DATE),
}
"""What only the store knows of a person, and no message does."""

_KINDS = {
    AttributeType.TEXT: Kind.TEXT,
    AttributeType.NUMBER: Kind.NUMBER,
    AttributeType.DATE: Kind.DATE,
    AttributeType.BOOLEAN: Kind.FLAG,
    AttributeType.CHOICE: Kind.CHOICE,
    AttributeType.LANGUAGE: Kind.LANGUAGE,
    AttributeType.TIMEZONE: Kind.TEXT,
}


class SegmentEntry(BaseModel):
    """A segment as the file has it; a text alone is its filter."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    filter: str = Field(min_length=1, description='Who belongs to it, such as: language == "zh"')
    description: str = Field("", description="What it is for, for whoever chooses it")


@dataclass(frozen=True)
class Segment:
    """A filter with a name: `filter` as written, `term` what it says with other segments written out."""

    name: str
    filter: str
    term: Term
    description: str = ""

    @property
    def told(self) -> str:
        """The filter without names of other segments: what it asks, whatever becomes of them."""
        return write_condition(self.term)


Segments = Mapping[str, Segment]
"""The segments of a workspace by name."""


@dataclass(frozen=True)
class SegmentFile:
    """The sound segments of a file in its order, and what is wrong in it; `faulty` tells it by segment."""

    segments: Segments = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    faulty: Mapping[str, Finding] = field(default_factory=dict)


def load_segments(workspace: Workspace) -> Segments:
    """The workspace's segments; none without the file. Raises UsageError with the first fault."""
    read = read_segments(workspace.root)
    for finding in read.findings:
        first = finding.relative_to(workspace.root)
        raise UsageError(f"{first.path}:{first.line}:{first.column}: {first.message}", first.hint)
    return read.segments


def segments_for(workspace: Workspace, audiences: Iterable[str]) -> Segments:
    """The segments that `audiences` may name as `LIST:SEGMENT`; where none does, their file is not even read."""
    return load_segments(workspace) if any(":" in name for name in audiences) else {}


def find_segment(workspace: Workspace, text: str) -> Segment:
    """The segment that `text` names, or the one without a name whose filter it is.

    Raises UsageError where it is neither, with the column of what is wrong.
    """
    segments = load_segments(workspace)
    if text in segments:
        return segments[text]
    if _NAME.fullmatch(text):
        raise UsageError(f"no segment is called {text!r}", f"{suggest(text, segments)}; or give a filter in quotes")
    try:
        condition = parse_condition(text, segment_vocabulary(_schema_of(workspace.root), segments))
    except ConditionError as error:
        raise UsageError(f"the filter, at character {error.column}: {error.message}", error.remedy) from None
    return Segment("", condition.text, condition.term)


def read_segments(root: Path) -> SegmentFile:
    """The segments of the workspace in `root`, and every fault of them."""
    file = root / SEGMENTS_FILE
    if not file.exists():
        return SegmentFile()
    raw, findings = read_text(file)
    text = read_yaml(raw or "", str(file))
    findings = [*findings, *text.findings]
    if not isinstance(text.data, dict | None):
        message, hint = "this is no list of segments", "write each name as a key, and below it its filter"
        findings.append(_finding(file, text.place_of(()), message, hint))
    reading = _Reading(file, text, _schema_of(root), raw or "")
    for name in text.data if isinstance(text.data, dict) else ():
        reading.read(name)
    return SegmentFile(reading.segments, (*findings, *reading.findings), reading.faulty)


class _Reading:
    """Reads the entries of one file, each after those that it names."""

    def __init__(self, file: Path, text: YamlText, schema: AttributeSchema, raw: str) -> None:
        self._file, self._text, self._schema, self._lines = file, text, schema, raw.split("\n")
        self._open: list[str] = []
        self.segments: dict[str, Segment] = {}
        self.findings: list[Finding] = []
        self.faulty: dict[str, Finding] = {}

    def read(self, name: str) -> None:
        """Read the entry `name`, unless that is done."""
        if name in self.segments or name in self.faulty or name in self._open:
            return
        self._open.append(name)
        entry = self._entry_of(name)
        if entry is not None and (condition := self._parse(name, entry.filter)) is not None:
            self.segments[name] = Segment(name, entry.filter, condition.term, entry.description)
        self._open.pop()

    def _entry_of(self, name: str) -> SegmentEntry | None:
        if not _NAME.fullmatch(name):
            hint = "use letters, digits, dots, hyphens and underscores, and no blanks"
            self._fail(name, _finding(self._file, self._text.key_place_of((name,)), f"{name!r} can't name one", hint))
            return None
        value = self._text.data[name]
        part = YamlText(
            data={"filter": value} if isinstance(value, str) else value,
            origin=self._text.key_place_of((name,)),
            places={at[1:]: place for at, place in self._text.places.items() if len(at) > 1 and at[0] == name},
            key_places={at[1:]: place for at, place in self._text.key_places.items() if len(at) > 1 and at[0] == name},
        )
        entry, found = validate(SegmentEntry, part, str(self._file))
        for finding in found:
            self._fail(name, finding)
        return entry if not found else None

    def _parse(self, name: str, text: str) -> Condition | None:
        barred: dict[str, tuple[str, str]] = {}
        for other in _named_in(text):
            if other in self._text.data and len(self._open) < _DEPTH_LIMIT:
                self.read(other)
            elif other in self._text.data and other not in self.segments:
                barred[other] = (f"segments are named {_DEPTH_LIMIT} deep here", "write a filter out")
        barred |= {one: (f"the segment {one} is faulty itself", "mend that first") for one in self.faulty}
        barred |= {one: (f"the segment {one} is made of itself", "write its filter out") for one in self._open}
        vocabulary = replace(segment_vocabulary(self._schema, self.segments), barred=barred)
        try:
            return parse_condition(text, vocabulary)
        except ConditionError as error:
            place = self._place_of(name, text, error.column)
            self._fail(name, _finding(self._file, place, error.message, error.remedy))
            return None

    def _place_of(self, name: str, text: str, column: int) -> Place:
        """Where that character of a filter stands, as far as the file writes the filter as it is."""
        place = self._text.place_of((name, "filter"))
        line = self._lines[place.line - 1] if place.line <= len(self._lines) else ""
        begins = line.find(text, place.column - 1)
        return Place(place.line, begins + column) if begins >= 0 else place

    def _fail(self, name: str, finding: Finding) -> None:
        self.findings.append(finding)
        self.faulty.setdefault(name, finding)


def _named_in(text: str) -> list[str]:
    """The segments that a filter may name: all its values, where it asks for segments at all."""
    try:
        return [value for leaf in leaves(parse_condition(text).term) for value in _names_of(leaf)]
    except ConditionError:
        return []


def _names_of(leaf: Leaf) -> tuple[str, ...]:
    return leaf.values if isinstance(leaf, OneOf) and leaf.name == "segment" else ()


def segment_vocabulary(schema: AttributeSchema, segments: Segments) -> Vocabulary:
    """What a segment's filter may ask for."""
    subjects = {**_attributes_of(schema), **IN_ALL, **IN_STORE}
    terms = {name: segment.term for name, segment in segments.items()}
    return Vocabulary(subjects, None if schema.declared else Subject(Kind.ANY), segments=terms)


def issue_vocabulary(root: Path) -> Vocabulary:
    """What a condition in an issue of the workspace in `root` may ask for: what a message knows of its reader."""
    schema, read = _schema_of(root), read_segments(root)
    hint = "ask for it in a segment, and send that part to LIST:SEGMENT as an issue of its own"
    absent = {name: (f"{name} is not known when a message is written", hint) for name in IN_STORE}
    barred = {name: (f"the segment {name} is faulty: {finding.message}", f"mend {SEGMENTS_FILE}")
              for name, finding in read.faulty.items()}  # fmt: skip
    barred |= {name: reason for name, segment in read.segments.items() if (reason := _unfit_for_issue(segment))}
    terms = {name: segment.term for name, segment in read.segments.items() if name not in barred}
    subjects = {
        **_attributes_of(schema),
        **IN_ALL,
        "address": Subject(Kind.TEXT),
        "list": Subject(Kind.TEXT),
    }
    others = None if schema.declared else Subject(Kind.ANY)
    fallbacks = {name: attribute.fallback for name, attribute in schema.attributes.items() if attribute.fallback}
    return Vocabulary(subjects, others, absent, terms, barred, fallbacks, has_today=False)


def _unfit_for_issue(segment: Segment) -> tuple[str, str] | None:
    hint = f"send to LIST:{segment.name} instead, or write out a condition on attributes"
    for leaf in leaves(segment.term):
        if leaf.name in IN_STORE:
            return f"the segment {segment.name} asks for {leaf.name}, which no message knows", hint
        if isinstance(leaf, Day) and is_relative(leaf.value):
            return f'the segment {segment.name} asks for "{leaf.value}", which changes from day to day', hint
    return None


def _schema_of(root: Path) -> AttributeSchema:
    """The declared attributes; where their file is faulty, which its own check tells, any are taken."""
    return read_attribute_schema(root / ATTRIBUTES_FILE)[0] or AttributeSchema()


def _attributes_of(schema: AttributeSchema) -> dict[str, Subject]:
    return {
        name: Subject(_KINDS[attribute.type], tuple(attribute.choices)) for name, attribute in schema.attributes.items()
    }


def _finding(file: Path, place: Place, message: str, hint: str) -> Finding:
    return Finding(path=str(file), line=place.line, column=place.column, code="segment", message=message, hint=hint)
