"""What `publication.yaml`, `issue.yaml` and an article's front matter may hold."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from pressrun.schedule.hours import open_hours
from pressrun.schedule.rule import check_rule, read_rule
from pressrun.source.value import (
    DOT_ATOM,
    Date,
    DateTime,
    LanguageTag,
    Line,
    MailAddress,
    Markdown,
    MediaPath,
    Origin,
    Slug,
    SourceModel,
    Time,
    TimeZone,
    Url,
    WebUrl,
    Weekday,
)

Counting = Literal["none", "total", "person"]
_COUNTING = "none; total, for all readers together; person, also for each who agreed to it"


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


class Quiet(SourceModel):
    """Hours in which no mail leaves; they may go over midnight."""

    start: Time = Field(description="When they begin, such as 22:00")
    end: Time = Field(description="When they end, such as 07:00")


class SendWindow(SourceModel):
    """The days and hours in which mail may leave, by the publication's clock."""

    not_before: Time | None = Field(None, description="Nothing leaves before this time of the day")
    not_after: Time | None = Field(None, description="Nothing begins to leave from this time of the day on")
    days: tuple[Weekday, ...] = Field((), description="The weekdays on which mail leaves; all without it")
    quiet: tuple[Quiet, ...] = Field((), description="Hours in which nothing leaves, besides")

    @model_validator(mode="after")
    def _opens(self) -> SendWindow:
        open_hours(self.not_before, self.not_after, ((quiet.start, quiet.end) for quiet in self.quiet))
        return self


class Late(SourceModel):
    """What becomes of an issue that could not be begun at its time."""

    after_minutes: int = Field(120, ge=0, le=10_000, description="Minutes after its time from which an issue is late")
    then: Literal["send", "hold", "ask"] = Field(
        "send", description="What to do when it is late: send it all the same, hold it, or ask for approval"
    )


class Tracking(SourceModel):
    """What is counted of what readers do with the mail."""

    clicks: Counting = Field("none", description=f"Whether clicks on links are counted: {_COUNTING}")
    opens: Counting = Field("none", description=f"Whether it is counted how often the mail was opened: {_COUNTING}")


class Cadence(SourceModel):
    """On which days issues are expected."""

    rule: Annotated[Line, StringConstraints(max_length=200), AfterValidator(check_rule)] = Field(
        description="The days as a recurrence rule (RFC 5545), such as FREQ=MONTHLY;BYMONTHDAY=-1"
    )
    since: Date = Field(description="The day from which the rule counts")
    warn_days: int = Field(3, ge=0, le=90, description="Days before an expected issue from which a gap is warned of")

    @model_validator(mode="after")
    def _gives_days(self) -> Cadence:
        read_rule(self.rule, self.since)
        return self


MailText = Literal["full", "excerpt"]
_MAIL_TEXT = "What becomes of a mail over the budget: full, as it is; excerpt, its longest articles end early"


class PublicList(SourceModel):
    """A list that anybody may join, as they read of it."""

    name: Line = Field(description="The list's name in the store")
    title: Line = Field(description="What it is called on the form")
    about: Line | None = Field(None, description="What comes by it, and how often")


class Subscribing(SourceModel):
    """How people subscribe by themselves; without it there is no form."""

    consent: Line | None = Field(None, description="What people agree to, as they read it on the form")
    lists: tuple[PublicList, ...] = Field((), description="The lists they choose from; the publication's without it")
    languages: tuple[LanguageTag, ...] = Field((), description="The languages they choose from, if there are several")
    welcome: bool = Field(False, description="Whether a mail welcomes whoever confirmed")
    embed_on: tuple[Origin, ...] = Field(
        (), description="The sites that may show the form in a frame, such as https://www.example.com"
    )


class Publication(SourceModel):
    """A newsletter with its own identity (`publication.yaml`)."""

    title: Line = Field(description="The newsletter's title")
    masthead: Line | None = Field(None, description="The line above the title: the house or programme")
    slogan: Line | None = Field(None, description="The masthead's slogan; an issue may have its own")
    description: Line = Field(description="What it is about, in a sentence (feeds and archive show it)")
    language: LanguageTag = Field(description="BCP 47 language tag, such as zh-CN or en")
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
    hub: WebUrl | None = Field(None, description="The WebSub hub that tells feed readers at once when an issue is out")
    unsubscribe_mail: MailAddress | None = Field(None, description="Address for unsubscribing by mail, beside the link")
    postal_address: Line = Field(description="The postal address the footer must show")
    return_path: MailAddress | None = Field(None, description="Where bounces go, if not to the sender")
    verp: bool = Field(
        False, description="Whether each message's return path says whose it is: bounces+…@ must then reach return_path"
    )
    eight_bit: bool = Field(
        False, description="Whether text may go as it is, unencoded, to a relay that takes it: shorter in Chinese"
    )
    images: Literal["hosted", "inline"] = Field(
        "hosted", description="Where mail has its pictures: hosted at base_url, or inline in the message itself"
    )
    mail_text: MailText = Field("full", description=_MAIL_TEXT)
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
    lists: tuple[Line, ...] = Field((), description="The lists its issues go to, if they name none of their own")
    subscribing: Subscribing | None = Field(None, description="How people subscribe by themselves; no form without it")
    approval: Literal["none", "required"] = Field(
        "none", description="Whether a person approves an issue before it leaves"
    )
    rehearsal: Literal["none", "required"] = Field(
        "none", description="Whether a rehearsal must have gone well before an issue is approved"
    )
    testers: tuple[MailAddress, ...] = Field((), description="Who gets the test copies before an approval")
    send_window: SendWindow | None = Field(None, description="The days and hours in which mail may leave")
    late: Late = Field(default_factory=Late, description="What becomes of an issue that could not be begun at its time")
    recipient_local: bool = Field(
        False, description="Whether send_at is a time where each reader is: the attribute timezone says where that is"
    )
    tracking: Tracking = Field(default_factory=Tracking, description="What is counted of what readers do with the mail")
    cadence: Cadence | None = Field(None, description="On which days issues are expected")
    clients: Annotated[tuple[Slug, ...], Field(min_length=1)] = Field(
        ("apple-mail", "gmail", "outlook", "samsung-email", "thunderbird", "yahoo"),
        description="The mail programs that the checks hold a mail against, by caniemail's names",
    )

    @property
    def zone(self) -> ZoneInfo:
        """The zone of all dates people see."""
        return ZoneInfo(self.timezone)


_WHEN = 'Only for those who meet this condition, such as: city == "Beijing"'


class Attachment(SourceModel):
    """A file that goes with the mail."""

    file: MediaPath = Field(description="The file, from the issue's folder: media/issue.pdf")
    name: Line | None = Field(None, description="What readers save it as, if not the file's own name")


class Correction(SourceModel):
    """What was put right after the issue came out."""

    date: Date = Field(description="The day it was put right")
    article: Slug | None = Field(None, description="The article it is in, by its file's name without .md")
    what: Markdown = Field(description="What was wrong and what is right, in Markdown")


class Silence(SourceModel):
    """A check's finding that is meant so."""

    rule: Slug = Field(description="The rule's id, such as link-text")
    file: Line | None = Field(None, description="Only in this file of the issue, such as housing.md")
    why: Line = Field(description="Why it is meant so, for whoever reads the issue next")


class SectionFile(SourceModel):
    """A section of an issue: a heading and its articles in order."""

    title: Line = Field(description="The section's heading")
    slug: Slug = Field(description="The section's name in addresses")
    when: Line | None = Field(None, description=_WHEN)
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
    send_at: DateTime | None = Field(
        None, description="When it goes out by itself, in the publication's time zone: 2026-06-30 09:00"
    )
    lists: tuple[Line, ...] | None = Field(None, description="The lists it goes to, if not the publication's")
    title: Line | None = Field(None, description="A title of its own, if it has one")
    subject: Line | None = Field(None, description="The mail's subject; publication and number without it")
    preheader: Line = Field(description="The line an inbox shows beside the subject")
    slogan: Line | None = Field(None, description="The masthead's slogan, if not the publication's")
    intro: Markdown | None = Field(None, description="A lead before the sections, in Markdown")
    cover: Image = Field(description="The cover picture")
    sections: Annotated[tuple[SectionFile, ...], Field(min_length=1)] = Field(description="The sections in order")
    attachments: tuple[Attachment, ...] = Field((), description="Files that go with the mail, such as the issue as PDF")
    mail_text: MailText | None = Field(None, description=f"{_MAIL_TEXT}; the publication's without it")
    archived: bool = Field(
        False, description="Whether it came out before pressrun: the site shows it, though nobody approved it here"
    )
    corrections: tuple[Correction, ...] = Field((), description="What was put right after it came out, oldest first")
    corrects: Slug | None = Field(
        None, description="The issue this is a correction of: the archive does not count it as one of its own"
    )
    silence: tuple[Silence, ...] = Field((), description="Findings of the checks that are meant so")
    colophon: Colophon | None = Field(None, description="The colophon, where it differs from the publication's")
    copyright: Line | None = Field(None, description="The copyright line, where it differs from the publication's")


class ArticleFile(SourceModel):
    """An article's front matter."""

    title: Line = Field(description="The article's title")
    short_title: Line | None = Field(None, description="A shorter title for the table of contents")
    kicker: Line | None = Field(None, description="A line above the title")
    labels: tuple[Line, ...] = Field((), description="Labels such as 精买 or 久用")
    summary: Line | None = Field(None, description="What it says in a sentence (feeds, archive, link previews)")
    language: LanguageTag | None = Field(
        None, description="BCP 47 language tag, where it differs from the publication's"
    )
    authors: tuple[Line, ...] = Field((), description="Who wrote it")
    image: Image | None = Field(None, description="The picture that leads the article")
    sources: tuple[Source, ...] = Field((), description="Where it comes from")
    when: Line | None = Field(None, description=_WHEN)
    updated: Date | None = Field(None, description="The day it was last changed after the issue came out")
