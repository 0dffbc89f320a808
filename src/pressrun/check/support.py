"""Which mail program supports which feature, by the data of caniemail.com."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files


@dataclass(frozen=True)
class Feature:
    """A feature, the marks it is known by in a mail, and a letter a client: y, n, a (in part), u (unknown)."""

    id: str
    title: str
    marks: frozenset[str]
    support: str


@dataclass(frozen=True)
class Share:
    """How many of the asked clients show a feature, if only in part, and the names of those that don't."""

    known: int
    failing: tuple[str, ...]

    @property
    def percent(self) -> int:
        """The share of clients that show it, each weighing the same; 100 where nothing is known."""
        return round(100 * (self.known - len(self.failing)) / self.known) if self.known else 100


@dataclass(frozen=True)
class Support:
    """The whole table: `clients` are (family, platform), `families` and `platforms` what people call both."""

    source: str
    clients: tuple[tuple[str, str], ...]
    families: Mapping[str, str]
    platforms: Mapping[str, str]
    features: tuple[Feature, ...]

    def share_of(self, feature: Feature, families: Collection[str]) -> Share:
        """How a feature fares with the clients of `families`."""
        asked = [
            (client, letter)
            for client, letter in zip(self.clients, feature.support, strict=True)
            if client[0] in families and letter != "u"
        ]
        failing = (self.name_of(client) for client, letter in asked if letter == "n")
        return Share(len(asked), tuple(failing))

    def name_of(self, client: tuple[str, str]) -> str:
        """What people call a client: Gmail on iOS."""
        family, platform = client
        return f"{self.families[family]} on {self.platforms[platform]}"


@cache
def read_support() -> Support:
    """The table that comes with pressrun."""
    data = json.loads(files(__package__).joinpath("caniemail", "support.json").read_text(encoding="utf-8"))
    features = (
        Feature(id, one["title"], frozenset(one["marks"].split(", ")), one["support"])
        for id, one in data["features"].items()
    )
    clients = tuple((family, platform) for family, _, platform in (name.partition("/") for name in data["clients"]))
    return Support(data["source"], clients, data["families"], data["platforms"], tuple(features))
