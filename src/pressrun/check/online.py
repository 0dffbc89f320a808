"""Asks web addresses whether they are there: few at a time, a pause for each host, and says who asks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import httpx

from pressrun import __version__
from pressrun.check.address import fault_at, is_address
from pressrun.check.host import host_of
from pressrun.check.manuscript import Manuscript
from pressrun.check.rule import Rule, Stage, look_nowhere
from pressrun.check.wrapping import read_wrapping
from pressrun.finding import Finding, Severity
from pressrun.source.field import fields_in
from pressrun.source.link import Link

USER_AGENT = f"pressrun/{__version__} (looks whether the links of a newsletter work, once before it goes out)"
TIMEOUT = httpx.Timeout(20, connect=10)
AT_ONCE = 8
PAUSE_SECONDS = 1.0

_GONE = (404, 410)
_REFUSES = (401, 403, 429, 451, 999)  # those who refuse programs may well show the page to people
_FOR_GOOD = (301, 308)

DEAD = Rule("link-dead", Severity.ERROR, "The page a link leads to is there.", look_nowhere, Stage.ONLINE)
UNANSWERED = Rule("link-unanswered", Severity.WARNING, "The site a link leads to answers.", look_nowhere, Stage.ONLINE)
MOVED = Rule("link-moved", Severity.INFO, "A link leads to where the page is now.", look_nowhere, Stage.ONLINE)


class Standing(StrEnum):
    """What became of asking an address."""

    THERE = "there"
    MOVED = "moved"
    GONE = "gone"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True)
class Answer:
    """What an address answered; `said` is where it moved to, or what went wrong."""

    standing: Standing
    said: str = ""


@dataclass
class Asker:
    """Asks each address once, however often it is met. `sleep` and `transport` stand in for the real ones in tests."""

    transport: httpx.AsyncBaseTransport | None = None
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    pause: float = PAUSE_SECONDS
    answers: dict[str, Answer] = field(default_factory=dict)

    def ask(self, urls: Iterable[str]) -> Mapping[str, Answer]:
        """What each of `urls` answers."""
        wanted = list(dict.fromkeys(urls))
        if new := [url for url in wanted if url not in self.answers]:
            asyncio.run(self._ask_all(new))
        return {url: self.answers[url] for url in wanted}

    async def _ask_all(self, urls: Iterable[str]) -> None:
        """Ask hosts side by side, and each host one address after another."""
        by_host: dict[str, list[str]] = {}
        for url in urls:
            by_host.setdefault(host_of(url) or "", []).append(url)
        slots = asyncio.Semaphore(AT_ONCE)
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*"}
        async with (
            httpx.AsyncClient(
                transport=self.transport, headers=headers, timeout=TIMEOUT, follow_redirects=True, max_redirects=8
            ) as client,
            asyncio.TaskGroup() as group,
        ):
            for of_host in by_host.values():
                group.create_task(self._ask_host(client, of_host, slots))

    async def _ask_host(self, client: httpx.AsyncClient, urls: list[str], slots: asyncio.Semaphore) -> None:
        for n, url in enumerate(urls):
            if n:
                await self.sleep(self.pause)
            async with slots:
                self.answers[url] = await ask_one(client, url)


async def ask_one(client: httpx.AsyncClient, url: str) -> Answer:
    """What `url` answers: to HEAD, and where it doesn't like that to GET, of which only the beginning is read."""
    answer = Answer(Standing.FAILED)
    for method in ("HEAD", "GET"):
        try:
            async with client.stream(method, url) as response:
                answer = _judge(url, response)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
            answer = Answer(Standing.FAILED, _explain(error))
        if answer.standing in (Standing.THERE, Standing.MOVED):
            return answer
    return answer


def _explain(error: Exception) -> str:
    if isinstance(error, httpx.TooManyRedirects):
        return "it sends on in a circle"
    if isinstance(error, httpx.TimeoutException):
        return "it didn't answer in time"
    return " ".join(str(error).split()) or type(error).__name__


def _judge(url: str, response: httpx.Response) -> Answer:
    status = response.status_code
    if response.is_success:
        end = str(response.url)
        is_other = end.partition("#")[0].rstrip("/") != url.partition("#")[0].rstrip("/")
        for_good = all(step.status_code in _FOR_GOOD for step in response.history)
        return Answer(Standing.MOVED, end) if response.history and for_good and is_other else Answer(Standing.THERE)
    said = f"{status} {response.reason_phrase}".strip()
    if status in _GONE:
        return Answer(Standing.GONE, said)
    return Answer(Standing.REFUSED if status in _REFUSES else Standing.FAILED, said)


def addresses_to_ask(manuscript: Manuscript) -> list[str]:
    """The issue's web addresses that can be asked: whole ones, and none that counts a reader's presses."""
    return list(dict.fromkeys(link.url for _, link in manuscript.links if _can_ask(manuscript, link)))


def _can_ask(manuscript: Manuscript, link: Link) -> bool:
    wrapping = read_wrapping(link.url)
    return (
        link.url.startswith(("http://", "https://"))
        and is_address(link.url)
        and not any(fields_in(link.url))
        and (wrapping is None or wrapping.kind != "reader")
        # What comes out with the issue is not there yet.
        and not link.url.startswith(manuscript.issue.publication.base_url)
    )


def find_online(manuscript: Manuscript, asker: Asker) -> Iterator[Finding]:
    """What the net says of the issue's links."""
    answers = asker.ask(addresses_to_ask(manuscript))
    for page, link in manuscript.links:
        answer = answers.get(link.url)
        if answer is None or answer.standing is Standing.THERE:
            continue
        rule, message, hint, severity = _tell(link.url, answer)
        yield rule.tell(fault_at(page, link, message, hint, severity))


def _tell(url: str, answer: Answer) -> tuple[Rule, str, str, Severity | None]:
    match answer.standing:
        case Standing.GONE:
            return DEAD, f"{url} isn't there: {answer.said}", "look where it is now, or take the link away", None
        case Standing.MOVED:
            return MOVED, f"{url} has moved", f"write {answer.said}", None
        case Standing.REFUSED:
            hint = "open it in a browser: it may be there for people"
            return UNANSWERED, f"{url} answers no programs: {answer.said}", hint, Severity.INFO
        case _:
            return UNANSWERED, f"{url} can't be had: {answer.said}", "open it in a browser, and try again later", None
