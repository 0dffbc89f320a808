"""A reader before the public pages: a form to fill in, a mailbox to look into, a clock that moves when told."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from starlette.applications import Starlette

from pressrun.public import preferences, subscribe
from pressrun.public.doors import Doors
from pressrun.public.limit import make_limits
from pressrun.public.mailing import post_due
from pressrun.sink import read_maildir, sink
from pressrun.store.database import Database
from pressrun.workspace import Workspace, open_workspace
from small_issue import PUBLICATION, write_small_issue

NOW = dt.datetime(2026, 2, 20, 9, tzinfo=dt.UTC)
LISTED = PUBLICATION + "lists: [news]\n"
OPEN = f"{LISTED}subscribing: {{}}\n"
MANY = f"""{LISTED}subscribing:
  consent: I want small news, and may leave.
  languages: [en, zh-CN, ar]
  embed_on: ["https://www.example.com"]
  lists:
    - {{name: news, title: The news, about: Once a month}}
    - {{name: extra, title: Extras}}
"""


@dataclass
class Reader:
    """Somebody with a browser and a mailbox. `now` is what the server's clock says."""

    doors: Doors
    client: httpx.AsyncClient
    box: Path
    now: dt.datetime = NOW
    seconds: float = 0.0
    _read: int = field(default=0)

    @property
    def database(self) -> Database:
        """The store."""
        return self.doors.database

    def wait(self, **much: float) -> None:
        """Let time go by."""
        much_time = dt.timedelta(**much)
        self.now += much_time
        self.seconds += much_time.total_seconds()

    async def fill_in(self, address: str, path: str = "/small/subscribe", **fields: str | list[str]) -> httpx.Response:
        """Open the form, take a moment, and send it."""
        page = await self.client.get(path)
        self.wait(seconds=10)
        return await self.client.post(path, data={"email": address, **hidden(page.text), **fields})

    async def post(self) -> int:
        """Let the server post what is due now."""
        return await post_due(self.doors)

    def mails(self) -> list[EmailMessage]:
        """All that came, the oldest first."""
        kept = [message_from_bytes(raw, policy=policy.default) for raw in read_maildir(self.box)]
        return sorted(kept, key=lambda mail: str(mail["Date"]))

    def newest(self) -> EmailMessage:
        """The mail that came last; there are new ones each time."""
        mails = self.mails()
        assert len(mails) > self._read
        self._read = len(mails)
        return mails[-1]


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the page's first form."""
    form = page.partition("<form")[2].partition("</form>")[0]
    return {name: unescape(value) for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form)}


def link_in(mail: EmailMessage, part: str = "/confirm/") -> str:
    """The path of the link in the mail's text, below the publication's address, as the server knows it."""
    body = mail.get_body(("plain",))
    assert body is not None
    (url,) = [url for url in re.findall(r"https://\S+", body.get_content()) if part in url]
    return urlsplit(url).path.replace("/news/", "/small/", 1)


def house(folder: Path, publication: str = OPEN, **settings: object) -> Workspace:
    """A workspace with the publication `small`."""
    write_small_issue(folder, publication=publication)
    lines = [f"{name} = {value!r}".replace("True", "true") for name, value in settings.items()]
    (folder / "pressrun.toml").write_text("\n".join(lines), encoding="utf-8")
    return open_workspace(folder)


@asynccontextmanager
async def reader(
    folder: Path, database: Database, publication: str = OPEN, *, smtp_url: str = "", headers: Mapping[str, str] = {}
) -> AsyncIterator[Reader]:
    """A reader of the workspace in `folder`; mail comes to their box, unless `smtp_url` leads elsewhere."""
    async with sink(folder / "box") as port:
        workspace = house(folder, publication, smtp_url=smtp_url or f"smtp://127.0.0.1:{port}", smtp_timeout=5)
        one: Reader
        doors = Doors(
            workspace,
            workspace.link_keys(),
            lambda: one.now,
            random.Random(1),
            make_limits(lambda: one.seconds),
        )
        doors.open(database)
        app = Starlette(routes=[*subscribe.routes(doors), *preferences.routes(doors)])
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://web", headers=headers) as client:
            one = Reader(doors, client, folder / "box")
            yield one


def fields_of(page: str) -> Iterable[str]:
    """The names of all fields on the page."""
    return re.findall(r'<(?:input|select)[^>]* name="([^"]+)"', page)
