"""What an operator may choose from: each publication's issues, lists and segments, and the forms that offer them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pressrun.segment import read_segments
from pressrun.source.loader import load_publication
from pressrun.source.model import Publication
from pressrun.store.database import Database
from pressrun.store.subscribers import count_lists
from pressrun.workspace import Workspace

MOST_ISSUES = 200
"""How many issues a form offers, the newest: a longer list can't be read, and the general form takes any."""

MOST_SEGMENTS = 200
"""How many segments of lists a form offers, for the same reason."""


@dataclass(frozen=True)
class Choices:
    """What a publication's forms offer: its issues (`publication/issue`), newest first, and lists, its own first.

    Among the lists are segments of them, as `LIST:SEGMENT`.
    """

    publication: str
    issues: tuple[str, ...]
    lists: tuple[str, ...]


async def read_choices(workspace: Workspace, database: Database) -> list[Choices]:
    """The choices of every publication. One that is faulty is offered all the same: its issues say what is wrong."""
    known = [one.name for one in await count_lists(database)]
    segments = read_segments(workspace.root).segments
    return [
        Choices(
            folder.name, _issues_of(workspace, folder.name), _audiences_of(load_publication(folder)[0], known, segments)
        )
        for folder in workspace.publication_folders()
    ]


def _issues_of(workspace: Workspace, publication: str) -> tuple[str, ...]:
    names = sorted((folder.name for folder in workspace.issue_folders(publication)), key=_by_number, reverse=True)
    return tuple(f"{publication}/{name}" for name in names[:MOST_ISSUES])


def _by_number(name: str) -> list[tuple[int, str]]:
    """`2026-9` before `2026-10`."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", name)]


def _audiences_of(publication: Publication | None, known: list[str], segments: Collection[str]) -> tuple[str, ...]:
    """The lists, and the segments of the publication's own."""
    own = [name for name in publication.lists if name in known] if publication else []
    parts = [f"{name}:{segment}" for name in own or known for segment in segments]
    return tuple(dict.fromkeys([*own, *known, *parts[:MOST_SEGMENTS]]))


def offer(schema: Mapping[str, Any], choices: Choices) -> dict[str, Any]:
    """The form's JSON Schema with `issue`, `list_name` and `lists` turned into choices; what is unknown stays as it is.

    A form with no choice could not be filled in: a field that nothing is known for stays free.
    """
    offered = {
        "issue": _one_of(choices.issues),
        "list_name": _one_of(choices.lists),
        "lists": {"type": "array", "items": _one_of(choices.lists), "uniqueItems": True} if choices.lists else {},
    }
    fields = {
        name: _narrow(field, offered[name]) if offered.get(name) else field
        for name, field in schema.get("properties", {}).items()
    }
    return {**schema, "properties": fields}


def _one_of(values: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "string", "enum": list(values)} if values else {}


def _narrow(field: Mapping[str, Any], to: Mapping[str, Any]) -> dict[str, Any]:
    """The field, less its type and an empty default: left out of the form, the flow's own default holds."""
    kept = {name: value for name, value in field.items() if name not in ("type", "anyOf", "items")}
    if kept.get("default") is None:
        kept.pop("default", None)
    return {**kept, **to}
