"""How somebody wants to see the views, as the frame page's form and every view's address say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import urlencode

from pressrun.preview.reader import Reader
from pressrun.preview.scheme import Scheme

ABOUT = "about."
"""Before the name of an attribute, in the form's fields."""

_LONGEST = 200  # characters of an attribute's value


class View(StrEnum):
    """A form that readers get an issue in."""

    MAIL = "mail"
    TEXT = "text"
    ARCHIVE = "archive"
    FEED = "feed"


class Width(StrEnum):
    """How wide the views are, in CSS pixels."""

    PHONE = "375"
    DESKTOP = "640"


@dataclass(frozen=True)
class Look:
    """What is shown, how, and as whom it is read."""

    views: frozenset[View] = frozenset(View)
    width: Width = Width.DESKTOP
    scheme: Scheme = Scheme.LIGHT
    images: bool = True
    reader: Reader = field(default_factory=Reader)

    @property
    def query(self) -> str:
        """What a view's address says of it."""
        fields = {"scheme": self.scheme, "images": "on" if self.images else "off"}
        fields["reader"] = "named" if self.reader.named else "anonymous"
        return urlencode(fields | {ABOUT + name: value for name, value in self.reader.about.items()})


def read_look(fields: Iterable[tuple[str, str]]) -> Look:
    """The look that a query's `fields` say; what they don't say, or say wrongly, is as in `Look()`."""
    said = list(fields)
    last = dict(said)
    views = frozenset(View(value) for name, value in said if name == "show" and value in set(View))
    about = {name[len(ABOUT) :]: value.strip()[:_LONGEST] for name, value in last.items() if name.startswith(ABOUT)}
    width, scheme = last.get("width", ""), last.get("scheme", "")
    return Look(
        views=views or frozenset(View),
        width=Width(width) if width in set(Width) else Width.DESKTOP,
        scheme=Scheme(scheme) if scheme in set(Scheme) else Scheme.LIGHT,
        images=last.get("images") != "off",
        reader=Reader(last.get("reader") != "anonymous", {name: value for name, value in about.items() if value}),
    )
