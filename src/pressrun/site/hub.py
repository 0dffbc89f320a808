"""WebSub: who reads a feed is told of its hub, and the hub that the feed has something new."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pressrun.errors import UsageError
from pressrun.site.feed_entry import as_uri
from pressrun.site.feed_name import SECTIONS, is_live
from pressrun.source.loader import PUBLICATION_FILE, load_publication
from pressrun.source.model import Publication
from pressrun.workspace import Workspace

if TYPE_CHECKING:
    import httpx

SECONDS = 10.0
"""How long a hub has for an answer."""
AT_ONCE = 4
"""How many feeds are told of at the same time."""


@dataclass(frozen=True)
class Pinged:
    """A feed the hub was told of, and why it did not take that; empty where it did."""

    url: str
    fault: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether the hub took it."""
        return not self.fault


class HubLinks:
    """The `Link` headers of feeds (WebSub §4), by their paths in the folder that holds the publications' sites.

    `folders` gives the publications' folders; their files are read again when they change.
    """

    def __init__(self, folders: Callable[[], Sequence[Path]]) -> None:
        self._folders = folders
        self._read: dict[str, tuple[int, str | None, str]] = {}

    def __call__(self, path: str) -> str | None:
        """The header's value; None where the file is no live feed, or its publication has no hub."""
        name, _, rest = path.partition("/")
        if not is_live(rest.rpartition("/")[2]):
            return None
        hub, base = self._look(name)
        return f'<{hub}>; rel="hub", <{base}{rest}>; rel="self"' if hub else None

    def _look(self, name: str) -> tuple[str | None, str]:
        folder = next((folder for folder in self._folders() if folder.name == name), None)
        if folder is None:
            return None, ""
        changed = (folder / PUBLICATION_FILE).stat().st_mtime_ns
        if self._read.get(name, (None,))[0] != changed:
            publication, _ = load_publication(folder)
            hub = as_uri(publication.hub) if publication and publication.hub else None
            base = as_uri(base_of(publication)) if publication else ""
            self._read[name] = (changed, hub, base)
        return self._read[name][1:]


def base_of(publication: Publication) -> str:
    """The address below which the feeds of `publication` are."""
    return f"{publication.base_url.rstrip('/')}/"


async def ping_hub(workspace: Workspace, publication: str, site: Path | None = None) -> list[Pinged]:
    """Tell the hub of `publication` of each live feed that stands in the folder `site`, or else where flows write it.

    Empty where the publication names no hub. Never raises for what a hub does. Raises UsageError for a publication that
    is not there, or whose feeds are not.
    """
    folders = {folder.name: folder for folder in workspace.publication_folders()}
    if publication not in folders:
        known = ", ".join(folders) or "none"
        raise UsageError(f"no publication is called {publication!r}", f"known: {known}")
    found, _ = load_publication(folders[publication])
    if found is None:
        raise UsageError(f"{folders[publication]} has errors", "pressrun check tells them")
    if found.hub is None:
        return []
    folder = (site or workspace.site_folder) / publication
    urls = [base_of(found) + path for path in find_feeds(folder)]
    if not urls:
        raise UsageError(f"{folder} holds no feed", "write the site first, or name another --site")
    return await ping(found.hub, urls)


def find_feeds(folder: Path) -> list[str]:
    """The live feeds of the publication whose built site is `folder`, by their paths below it."""
    files = [*folder.glob("*"), *folder.glob(f"{SECTIONS}/*/*")]
    return sorted(file.relative_to(folder).as_posix() for file in files if is_live(file.name))


async def ping(hub: str, urls: Sequence[str], *, seconds: float = SECONDS) -> list[Pinged]:
    """Tell `hub` that the feeds at `urls` have something new; the answers in their order.

    Each has `seconds` for its answer, and all of them three times as long.
    """
    import httpx  # takes long

    turns = asyncio.Semaphore(AT_ONCE)
    clock = asyncio.get_running_loop().time
    end = clock() + 3 * seconds
    async with httpx.AsyncClient(timeout=seconds) as client:

        async def tell(url: str) -> Pinged:
            async with turns:
                return Pinged(url, await _post(client, hub, url, min(seconds, end - clock())))

        return list(await asyncio.gather(*(tell(url) for url in urls)))


async def _post(client: httpx.AsyncClient, hub: str, url: str, seconds: float) -> str:
    """What is wrong with the hub's answer; empty where it took the news."""
    import httpx

    form = {"hub.mode": "publish", "hub.url": url}  # what hubs agree on; WebSub §1 leaves it to them
    try:
        async with asyncio.timeout(seconds):  # httpx's own bound is for each step
            answer = await client.post(hub, data=form)
    except (TimeoutError, httpx.TimeoutException):
        return "no answer in time"
    except httpx.InvalidURL:
        return "the hub's address can't be read"
    except httpx.HTTPError as error:
        return " ".join(str(error).split()) or type(error).__name__
    return "" if answer.is_success else f"answered {answer.status_code}"
