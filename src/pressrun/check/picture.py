"""Rules on pictures: what they say to those who don't see them, and their size against how they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from lxml import html

from pressrun.check.manuscript import Manuscript
from pressrun.check.page import Page
from pressrun.check.rule import Fault, Stage, rule
from pressrun.finding import Severity
from pressrun.render.inline import content_id, hosted_url
from pressrun.source.yamlfile import Path as KeyPath
from pressrun.source.yamlfile import Place, YamlText

HEAVY_OCTETS = 1024 * 1024
# Pixels for each one shown: what a phone's screen has, with how few nobody sees the difference, and half as many again.
_SHARP, _SHARP_ENOUGH, _WASTE = 2, 1.75, 3
_LIGHT_OCTETS = 200 * 1024  # what is light may have more pixels: the archive shows it larger
_LONGEST_ALT = 250
_FILE_NAME = re.compile(
    r"\S+\.(?:png|jpe?g|gif|webp|svg|bmp|tiff?)|(?:img|dsc|dscn|image|photo|pic|screenshot)[ _-]?\d+", re.I
)
_NO_WORDS = frozenset(
    "image picture photo photograph graphic figure chart cover logo icon 图 图片 照片 图像 插图 配图 封面 صورة".split()
)
_INTRODUCED = re.compile(
    r"(?:an? |the )?(?:image|picture|photo|photograph|graphic|icon) (?:of|showing|shows)\b|"
    r"(?:一张|这是)?(?:图片|照片|图像)(?:：|:|显示|展示|是)|^صورة (?:ل|توضح)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Use:
    """A picture where a source file uses it, with the keys beside it."""

    page: Page
    place: Place
    name: str
    beside: Mapping[str, Any]
    alt_place: Place


def _uses_in(manuscript: Manuscript) -> Iterator[_Use]:
    for page in manuscript.pages:
        for text in (page.head, *(block for _, block in page.blocks)):
            yield from _uses_below(page, text, text.data, ())


def _uses_below(page: Page, text: YamlText, data: object, at: KeyPath) -> Iterator[_Use]:
    if isinstance(data, dict):
        for key in ("image", "cover"):
            if isinstance(name := data.get(key), str) and name.startswith("media/"):
                yield _Use(page, text.place_of((*at, key)), name, data, text.place_of((*at, "alt")))
        for key, value in data.items():
            yield from _uses_below(page, text, value, (*at, key))
    elif isinstance(data, list):
        for n, value in enumerate(data):
            yield from _uses_below(page, text, value, (*at, n))


@rule("alt-text", Severity.WARNING, "An alt text says what the picture says.")
def find_poor_alt_texts(manuscript: Manuscript) -> Iterator[Fault]:
    """File names, words such as "image of", and what is read out twice because the caption says it too."""
    for use in _uses_in(manuscript):
        alt = use.beside.get("alt")
        if isinstance(alt, str) and (fault := _alt_fault(alt.strip(), use)):
            yield Fault(use.page.file, use.alt_place, *fault)


def _alt_fault(alt: str, use: _Use) -> tuple[str, str] | None:
    say = "say what it shows, as to somebody on the telephone"
    if _FILE_NAME.fullmatch(alt) or alt in (PurePosixPath(use.name).name, PurePosixPath(use.name).stem):
        return f"the alt text {alt} is a file's name", say
    if alt.casefold() in _NO_WORDS:
        return f"the alt text {alt} says nothing of what the picture shows", say
    for key in ("caption", "title"):
        if str(use.beside.get(key, "")).strip().casefold() == alt.casefold():
            return f"the alt text is the {key} again: who listens hears it twice", "say what the picture adds to it"
    if found := _INTRODUCED.match(alt):
        return (
            f"the alt text begins with “{found[0]}”: screen readers say that it is a picture",
            "begin with what it shows",
        )
    if len(alt) > _LONGEST_ALT:
        return f"the alt text has {len(alt)} letters", f"keep to {_LONGEST_ALT}, and tell the rest in the text"
    return None


@rule("picture-heavy", Severity.WARNING, "A picture has at most 1 MB.")
def find_heavy_pictures(manuscript: Manuscript) -> Iterator[Fault]:
    """Pictures that take long to load, and cost readers abroad money."""
    for use in _once(_uses_in(manuscript)):
        picture = manuscript.issue.pictures.get(use.name)
        if picture and picture.octets > HEAVY_OCTETS:
            what = f"{use.name} has {picture.octets / 1024 / 1024:.1f} MB"
            yield Fault(use.page.file, use.place, what, "save it smaller, or a photograph as JPEG")


@rule(
    "picture-size", Severity.WARNING, "A picture has two to three times the pixels that it is shown with.", Stage.MAIL
)
def find_misfit_pictures(manuscript: Manuscript) -> Iterator[Fault]:
    """Pictures that blur on phones, and pictures of which half is thrown away."""
    shown = widths_in(manuscript)
    for use in _once(_uses_in(manuscript)):
        picture, width = manuscript.issue.pictures.get(use.name), shown.get(use.name)
        if not picture or not width:
            continue
        told = f"{use.name} is {picture.width} pixels wide and shown at {width}"
        if picture.width < _SHARP_ENOUGH * width:
            yield Fault(use.page.file, use.place, f"{told}: it blurs on phones", f"save it {_SHARP * width} wide")
        elif picture.width > _WASTE * width and picture.octets > _LIGHT_OCTETS:
            hint = f"save it {_SHARP * width} wide"
            yield Fault(use.page.file, use.place, f"{told}: the rest is loaded for nothing", hint)


def _once(uses: Iterator[_Use]) -> Iterator[_Use]:
    """The first use of each picture."""
    seen: set[str] = set()
    for use in uses:
        if use.name not in seen:
            seen.add(use.name)
            yield use


def widths_in(manuscript: Manuscript) -> dict[str, int]:
    """How wide the mail shows each picture, in pixels of CSS; the widest, where it shows one twice."""
    edition, issue = manuscript.rendering.edition, manuscript.issue
    sent = {f"cid:{content_id(name, edition.list_id)}": name for name in issue.pictures}
    sent |= {hosted_url(issue, name): name for name in issue.pictures}
    shown: dict[str, int] = {}
    for image in html.document_fromstring(edition.html).iter("img"):
        name, width = sent.get(str(image.get("src", ""))), str(image.get("width", ""))
        if name and width.isdigit():
            shown[name] = max(shown.get(name, 0), int(width))
    return shown
