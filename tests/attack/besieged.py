"""The application under attack: every route it has, what may stand in their addresses, and what its store holds."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route

import pressrun.store.people_tables
from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.delivery.preferences_link import make_preferences_token
from pressrun.site.build import site
from pressrun.store.api_key import ApiScope, add_api_key
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import plan
from pressrun.store.tables import metadata
from pressrun.web import make_web_app
from pressrun.workspace import Workspace, open_workspace
from small_edition import NOW, addresses, fill_list, make_edition
from small_issue import PUBLICATION, write_small_issue

assert pressrun.store.people_tables  # its tables count as well

SITE = "https://small.example.com"
KNOWN, UNKNOWN = "lin@example.com", "nobody@example.com"
COUNTS = ("link_counts",)
"""What a GET may write: how often a link was followed (docs/tracking.md)."""
NOTES = {"events": "kind NOT IN ('clicked', 'opened')"}
WHEN_USED = {"api_keys": "used_at"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "X" * 100)


@dataclass(frozen=True)
class Door:
    """A route: where it is, and which methods it says it takes; empty where it takes any."""

    path: str
    methods: frozenset[str] = field(default_factory=frozenset)

    @property
    def names(self) -> list[str]:
        """What stands in its path."""
        return [name.partition(":")[0] for name in re.findall(r"{([^}]+)}", self.path)]


def walk(routes: Iterable[BaseRoute], above: str = "") -> Iterator[Door]:
    """Every route, those of applications within the application too."""
    for route in routes:
        if isinstance(route, Mount):
            inner = list(_routes_within(route.app))
            yield from walk(inner, above + route.path)
            if not inner:
                yield Door(f"{above}{route.path}/{{path}}")
        elif isinstance(route, Route):
            yield Door(above + route.path, frozenset(route.methods or ()))
        else:
            path = getattr(route, "path", None)
            assert path, f"what is {route!r}? Tell besieged.walk how to try it"
            yield Door(above + path)


def _routes_within(app: object) -> Iterable[BaseRoute]:
    """The routes of a mounted application, also of one in another's hands."""
    held = (app, *vars(app).values())
    return next((found for one in held if (found := getattr(one, "routes", None))), [])


@dataclass
class Besieged:
    """The application, its client, its store and its tokens."""

    app: Starlette
    client: httpx.AsyncClient
    workspace: Workspace
    database: Database
    tokens: Sequence[str]

    @property
    def doors(self) -> list[Door]:
        """All routes there are now."""
        return list(dict.fromkeys(walk(self.app.routes)))

    def paths(self, door: Door, odd: Sequence[str] = ()) -> Iterator[str]:
        """The addresses of a route, with values that are there, and with each of `odd` in their place."""
        known = {"publication": ["small"], "token": self.tokens, "id": ["1"], "path": [""], "issue": ["2026-01"]}
        values = [known.get(name, ["1", KNOWN, "small"]) for name in door.names]
        for chosen in product(*values):
            yield _fill(door.path, chosen)
        for number in range(len(values)):
            first = [each[0] for each in values]
            yield from (_fill(door.path, [*first[:number], one, *first[number + 1 :]]) for one in odd)

    async def read_store(self) -> dict[str, list[Any]]:
        """Every row of every table, but for what looking may leave behind."""
        found = {}
        async with self.database.read() as connection:
            for table in metadata.sorted_tables:
                if table.name in COUNTS:
                    continue
                columns = [column for column in table.c if column.name != WHEN_USED.get(table.name)]
                query = sa.select(*columns)
                if table.name in NOTES:
                    query = query.where(sa.text(NOTES[table.name]))
                found[table.name] = sorted((tuple(row) for row in await connection.execute(query)), key=repr)
        return found


def _fill(path: str, values: Sequence[str]) -> str:
    for value in values:
        path = re.sub(r"{[^}]+}", value.replace("\\", r"\\"), path, count=1)
    return path


@asynccontextmanager
async def besieged(folder: Path) -> AsyncIterator[Besieged]:
    """A workspace with a publication, its site and its people; the application runs while the block does."""
    write_small_issue(folder, publication=f"{PUBLICATION}lists: [small]\nsubscribing: {{}}\n")
    workspace = open_workspace(folder)
    site(workspace, workspace.site_folder)
    async with open_database(workspace.database_url) as database:
        await fill_list(database, "small", [KNOWN, *addresses(2)])
        await plan(database, make_edition(issue="small/2026-01"), "small", NOW)
        _, key = await add_api_key(database, "all", frozenset(ApiScope), NOW)
        app = make_web_app(workspace, lambda: NOW)
        transport = httpx.ASGITransport(app, client=("203.0.113.9", 50_000))  # from elsewhere, through no proxy
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=SITE, headers={"Authorization": f"Bearer {key}"}) as client,
        ):
            yield Besieged(app, client, workspace, database, list(make_tokens(workspace)))


def make_tokens(workspace: Workspace) -> Iterator[str]:
    """A true token of each purpose for somebody who is there."""
    keys = workspace.link_keys()
    yield make_leave_token(Leave(1, "small"), keys)
    yield make_preferences_token(1, keys)
    for purpose in (b"pressrun confirm v1", b"pressrun track v1", b"pressrun form v1"):
        yield keys.make_token(purpose, "1")
