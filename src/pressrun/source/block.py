"""The typed blocks an article's Markdown may hold between `:::kind` and `:::`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, model_validator

from pressrun.source.model import Image, Line, Markdown, MediaPath, SourceModel, Url


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


@dataclass(frozen=True)
class Prose:
    """A run of plain Markdown between typed blocks; `line` is where it starts in its file."""

    markdown: str
    line: int


Directive = Figure | Report | Timeline | Case | Quote
Block = Prose | Directive

DIRECTIVES: dict[str, type[Directive]] = {
    "figure": Figure,
    "report": Report,
    "timeline": Timeline,
    "case": Case,
    "quote": Quote,
}
