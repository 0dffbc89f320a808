"""What `publication.yaml`, `issue.yaml` and an article's front matter may hold."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
DOT_ATOM = r"^[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+$"

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\r\n]*$")]
Markdown = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Slug = Annotated[str, StringConstraints(pattern=SLUG)]
Url = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^(https?://|mailto:)\S+$")]
WebUrl = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^https?://\S+$")]
MailAddress = Annotated[str, StringConstraints(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+\.[^@\s<>,;]+$")]
MediaPath = Annotated[str, StringConstraints(pattern=r"^media/[^\\]+$")]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"no time zone is called {name!r}")
    return name


def _written_as(pattern: str, kind: str) -> BeforeValidator:
    """Only the written form: pydantic alone would take `20260228` for seconds since 1970."""

    def look(value: Any) -> Any:
        if isinstance(value, str) and not re.fullmatch(pattern, value):
            raise PydanticCustomError(f"{kind}_form", "not written as a {kind}", {"kind": kind})
        return value

    return BeforeValidator(look)


Date = Annotated[dt.date, _written_as(r"\d{4}-\d\d-\d\d", "date")]
Time = Annotated[
    dt.time,
    _written_as(r"\d\d:\d\d(:\d\d)?", "time"),
    WithJsonSchema({"type": "string", "pattern": r"^\d\d:\d\d(:\d\d)?$"}),  # format "time" would ask for a zone
]
TimeZone = Annotated[str, AfterValidator(_known_zone)]


class SourceModel(BaseModel):
    """A part of a source file: keys are known, values don't change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Image(SourceModel):
    """A picture in the issue's `media/` folder."""

    image: MediaPath = Field(description="The picture's file, from the issue's folder: media/name.png")
    alt: Line = Field(description="What the picture says, for those who don't see it")
    caption: Line | None = Field(None, description="A line below the picture")
    credit: Line | None = Field(None, description="Who made the picture, or how")


class Source(SourceModel):
    """Where an article's matter comes from."""

    name: Line = Field(description="The source's name as readers see it")
    url: Url | None = Field(None, description="Its address; leave out what has none")
    relation: Literal["excerpt", "source", "via"] = Field(
        "source", description="excerpt: taken from it (摘自); source: based on it (来源); via: found there"
    )


class Colophon(SourceModel):
    """Who made it, and what the content rests on."""

    compiled_by: Line | None = Field(None, description="The body that compiled the issue")
    editors: tuple[Line, ...] = Field((), description="The editors' names")
    mail: MailAddress | None = Field(None, description="The editors' mail address")
    website: WebUrl | None = Field(None, description="The web site of the compiling body")
    statement: Markdown | None = Field(None, description="What the content rests on, in Markdown")


class Sender(SourceModel):
    """Whose name and address stand in `From`."""

    name: Line = Field(description="The name readers see")
    address: MailAddress = Field(description="The address in From")


class Publication(SourceModel):
    """A newsletter with its own identity (`publication.yaml`)."""

    title: Line = Field(description="The newsletter's title")
    masthead: Line | None = Field(None, description="The line above the title: the house or programme")
    slogan: Line | None = Field(None, description="The masthead's slogan; an issue may have its own")
    description: Line = Field(description="What it is about, in a sentence (feeds and archive show it)")
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = Field(
        description="BCP 47 language tag, such as zh-CN or en"
    )
    timezone: TimeZone = Field(description="IANA time zone of all its dates, such as Asia/Shanghai")
    publish_time: Time = Field(dt.time(9), description="The hour an issue of a given date counts as published")
    sender: Sender = Field(description="Whose name and address stand in From")
    reply_to: MailAddress | None = Field(None, description="Where answers go, if not to the sender")
    list_id: Annotated[str, StringConstraints(pattern=DOT_ATOM)] = Field(
        description="RFC 2919 list identifier, such as news.example.com"
    )
    base_url: WebUrl = Field(description="The address the archive and feeds are published under")
    tag: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]+,\d{4}(-\d{2}){0,2}$")] = Field(
        description="RFC 4151 authority of feed ids: a domain and when it was yours (example.com,2021). Never change it"
    )
    unsubscribe_mail: MailAddress | None = Field(None, description="Address for unsubscribing by mail, beside the link")
    postal_address: Line = Field(description="The postal address the footer must show")
    theme: Slug = Field("bulletin", description="The theme's folder in templates/themes")
    greeting: Line | None = Field(None, description="A greeting for readers whose name is known; {name} is filled in")
    greeting_anonymous: Line | None = Field(None, description="The greeting for readers whose name is not known")
    issue_label: Line = Field(
        description="How an issue is numbered for readers; {year}, {number} and {total} are filled in"
    )
    colophon: Colophon = Field(
        default_factory=Colophon, description="The colophon of every issue that has none of its own"
    )
    copyright: Line | None = Field(None, description="The copyright line of issues that have none")

    @property
    def zone(self) -> ZoneInfo:
        """The zone of all dates people see."""
        return ZoneInfo(self.timezone)


class SectionFile(SourceModel):
    """A section of an issue: a heading and its articles in order."""

    title: Line = Field(description="The section's heading")
    slug: Slug = Field(description="The section's name in addresses")
    band: Image | None = Field(None, description="A band picture above the section")
    articles: Annotated[tuple[Slug, ...], Field(min_length=1)] = Field(
        description="The articles' file names without .md, in order"
    )


class IssueFile(SourceModel):
    """One numbered issue (`issue.yaml`)."""

    year: int = Field(ge=1900, le=2999, description="The year it is numbered in")
    number: int = Field(ge=1, description="Its number in that year")
    total: int = Field(ge=1, description="Its running number since the first issue")
    inferred: tuple[Literal["year", "number", "total", "date"], ...] = Field(
        (), description="Which of these the original does not state, so that they were worked out"
    )
    date: Date = Field(description="The day it is published, in the publication's time zone")
    title: Line | None = Field(None, description="A title of its own, if it has one")
    subject: Line | None = Field(None, description="The mail's subject; publication and number without it")
    preheader: Line = Field(description="The line an inbox shows beside the subject")
    slogan: Line | None = Field(None, description="The masthead's slogan, if not the publication's")
    intro: Markdown | None = Field(None, description="A lead before the sections, in Markdown")
    cover: Image = Field(description="The cover picture")
    sections: Annotated[tuple[SectionFile, ...], Field(min_length=1)] = Field(description="The sections in order")
    colophon: Colophon | None = Field(None, description="The colophon, where it differs from the publication's")
    copyright: Line | None = Field(None, description="The copyright line, where it differs from the publication's")


class ArticleFile(SourceModel):
    """An article's front matter."""

    title: Line = Field(description="The article's title")
    short_title: Line | None = Field(None, description="A shorter title for the table of contents")
    kicker: Line | None = Field(None, description="A line above the title")
    labels: tuple[Line, ...] = Field((), description="Labels such as 精买 or 久用")
    summary: Line | None = Field(None, description="What it says in a sentence (feeds, archive, link previews)")
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] | None = Field(
        None, description="BCP 47 language tag, where it differs from the publication's"
    )
    authors: tuple[Line, ...] = Field((), description="Who wrote it")
    image: Image | None = Field(None, description="The picture that leads the article")
    sources: tuple[Source, ...] = Field((), description="Where it comes from")
    updated: Date | None = Field(None, description="The day it was last changed after the issue came out")
