"""The typed blocks an article's Markdown may hold between `:::kind` and `:::`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from pressrun.schedule.moment import local_moment
from pressrun.source.model import Image
from pressrun.source.value import Date, DateTime, Line, Markdown, MediaPath, Slug, SourceModel, Url


class Figure(Image):
    """A picture with caption and credit."""

    url: Url | None = Field(None, description="Where a press on the picture leads")


class Report(SourceModel):
    """A report card: cover beside title, publisher and summary."""

    title: Line = Field(description="The report's title")
    publisher: Line | None = Field(None, description="Who published it")
    cover: MediaPath | None = Field(None, description="Its cover: media/name.png")
    alt: Line | None = Field(None, description="What the cover shows; demanded with a cover")
    summary: Markdown = Field(description="What it says, in Markdown")
    url: Url | None = Field(None, description="Where it can be read")

    @model_validator(mode="after")
    def _cover_has_alt(self) -> Self:
        if self.cover and not self.alt:
            raise ValueError("a cover needs an alt text")
        return self


class Moment(SourceModel):
    """One entry of a timeline."""

    when: Line = Field(description="The month or day, as readers see it")
    title: Line | None = Field(None, description="What happened, in a few words")
    text: Markdown = Field(description="What happened, in Markdown")
    url: Url | None = Field(None, description="Where more can be read")


class Timeline(SourceModel):
    """What happened when."""

    title: Line | None = Field(None, description="A heading for the timeline")
    moments: Annotated[tuple[Moment, ...], Field(min_length=1)] = Field(description="The entries in order")


class Case(SourceModel):
    """A labelled case study."""

    labels: Annotated[tuple[Line, ...], Field(min_length=1)] = Field(description="Its labels, such as 精买 or 久用")
    title: Line = Field(description="The case's title")
    text: Markdown = Field(description="What it shows, in Markdown")
    url: Url | None = Field(None, description="Where it can be read")


class Quote(SourceModel):
    """A pull quote."""

    text: Line = Field(description="The words")
    by: Line | None = Field(None, description="Who said them")


class Callout(SourceModel):
    """A box that stands out from the text: a note, or a warning."""

    title: Line | None = Field(None, description="Its heading")
    text: Markdown = Field(description="What it says, in Markdown")
    tone: Literal["note", "warning"] = Field("note", description="note: good to know; warning: mind this")


class Event(SourceModel):
    """Something that takes place: date, place, and a file that puts it into the reader's calendar."""

    slug: Slug = Field(description="The name of its calendar file: events/<slug>.ics")
    title: Line = Field(description="What takes place")
    starts: DateTime | Date = Field(description="When, in the publication's time zone: 2026-06-30 09:00, or the day")
    ends: DateTime | Date | None = Field(None, description="Until when; without it, the hour or day it starts")
    place: Line | None = Field(None, description="Where: town and house, or online")
    text: Markdown | None = Field(None, description="More about it, in Markdown")
    url: Url | None = Field(None, description="Where more can be read, or a seat be had")

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.ends is None:
            return self
        if isinstance(self.ends, dt.datetime) is not isinstance(self.starts, dt.datetime):
            raise ValueError("starts and ends are both days, or both have an hour")
        if self.ends < self.starts:
            raise ValueError("it ends before it starts")
        return self

    def start_in(self, zone: ZoneInfo) -> str:
        """When it starts, as machines read it: the day, or the moment by clocks in `zone` with their offset."""
        if not isinstance(self.starts, dt.datetime):
            return self.starts.isoformat()
        return local_moment(self.starts, zone).astimezone(zone).isoformat()


class Button(SourceModel):
    """A link that asks for something, as a button."""

    text: Line = Field(description="What a press on it does, such as Read the report")
    url: Url = Field(description="Where it leads")


class DataTable(SourceModel):
    """Figures in rows and columns, with a caption; a small table without one may be plain Markdown."""

    caption: Line = Field(description="What the table shows")
    columns: Annotated[tuple[Line, ...], Field(min_length=2, max_length=6)] = Field(description="The columns' headings")
    rows: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)] = Field(
        description="The rows, each with a value a column; the first value heads its row"
    )
    source: Line | None = Field(None, description="Where the figures come from")

    @model_validator(mode="after")
    def _rows_fit(self) -> Self:
        for number, row in enumerate(self.rows, 1):
            if len(row) != len(self.columns):
                raise ValueError(f"row {number} has {len(row)} values for {len(self.columns)} columns")
        return self


@dataclass(frozen=True)
class Prose:
    """A run of plain Markdown between typed blocks; `line` is where it starts in its file.

    Addresses that its links name and that stand elsewhere in the article are before it.
    """

    markdown: str
    line: int


@dataclass(frozen=True)
class Branch:
    """Blocks for those who meet `condition`, and blocks for the others."""

    condition: str
    blocks: tuple[Block, ...]
    otherwise: tuple[Block, ...] = ()


@dataclass(frozen=True)
class Continuation:
    """Where the article called `title` goes on, which ends early in the mail; the size policy writes it, no editor."""

    title: str
    url: str


Directive = Figure | Report | Timeline | Case | Quote | Callout | Event | Button | DataTable
Block = Prose | Directive | Branch | Continuation

DIRECTIVES: dict[str, type[Directive]] = {
    "figure": Figure,
    "report": Report,
    "timeline": Timeline,
    "case": Case,
    "quote": Quote,
    "callout": Callout,
    "event": Event,
    "button": Button,
    "table": DataTable,
}

LINE_BLOCKS = frozenset({"quote", "button"})
"""Blocks whose `text` is a plain line and no Markdown."""

KINDS: dict[type[Prose | Continuation] | type[Directive], str] = {
    Prose: "prose",
    Continuation: "continuation",
    **{kind: name for name, kind in DIRECTIVES.items()},
}
"""What templates call each kind of block."""


def map_text(block: Block, change: Callable[[str], str]) -> Block:
    """`block` with its Markdown and its quoted words as `change` makes them; what a branch holds stays as it is."""
    match block:
        case Prose():
            return replace(block, markdown=change(block.markdown))
        case Report():
            return block.model_copy(update={"summary": change(block.summary)})
        case Case() | Quote() | Callout():
            return block.model_copy(update={"text": change(block.text)})
        case Event() if block.text:
            return block.model_copy(update={"text": change(block.text)})
        case Timeline():
            moments = (moment.model_copy(update={"text": change(moment.text)}) for moment in block.moments)
            return block.model_copy(update={"moments": tuple(moments)})
        case _:
            return block
