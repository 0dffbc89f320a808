"""Looks whether all that a send needs is there and fits together; mails nobody and changes nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path

from pressrun.address import AddressError, parse_address
from pressrun.delivery.connection import Connection
from pressrun.delivery.dkim_key import GOOD_BITS, Algorithm, SigningKey, keys_for
from pressrun.delivery.keyring import signing_keys
from pressrun.delivery.relay import Relay, parse_relays
from pressrun.errors import FencedError, PressrunError, RelayError, StoreError, UsageError
from pressrun.finding import count_errors, count_of
from pressrun.notify import host_of
from pressrun.orchestration import running_server
from pressrun.settings import Settings
from pressrun.source.loader import load_publication
from pressrun.source.model import Publication
from pressrun.store.database import Database, connect_database
from pressrun.store.fence import read_fence
from pressrun.store.inspection import Inspection, inspect_database
from pressrun.workspace import Workspace, split_keys

SECONDS = 10.0
"""How long a relay or a server is waited for."""

LEAST_KEY, GOOD_KEY = 16, 32
"""Octets that a secret key must have, and should have."""

LEAST_ROOM, GOOD_ROOM = 100 << 20, 1 << 30
"""Octets that must be free on a disk, and should be."""


class Verdict(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"  # works, but somebody should look
    FAILED = "failed"  # a send would fail, or go wrong


@dataclass(frozen=True)
class Check:
    """One thing that was looked at, what was seen, and what to do where that is not as it should be."""

    name: str
    verdict: Verdict
    said: str
    remedy: str = ""


async def doctor(workspace: Workspace, now: dt.datetime, *, timer: Callable[[], float] = time.monotonic) -> list[Check]:
    """Every check of a workspace, in the order in which to mend what they find; takes ten seconds or so at most.

    `now` is this machine's time, aware; `timer` counts seconds. What is wrong is told by a check, nothing is raised.
    """
    began = timer()
    publications, found = _load_publications(workspace)

    def clock() -> dt.datetime:
        return now + dt.timedelta(seconds=timer() - began)

    store, relays, prefect = await asyncio.gather(
        check_store(workspace, clock), check_relays(workspace.settings), check_prefect(workspace)
    )
    return [
        *found,
        *store,
        *relays,
        *check_signing(workspace, publications),
        *check_secret_key(workspace),
        *check_disk(workspace),
        *prefect,
        *check_notices(workspace.settings),
    ]


def _load_publications(workspace: Workspace) -> tuple[dict[str, Publication], list[Check]]:
    publications, checks = {}, []
    for folder in workspace.publication_folders():
        publication, findings = load_publication(folder)
        if publication is None:
            said = f"{count_of(count_errors(findings), 'error')}; the first: {findings[0]}"
            checks.append(Check(f"publication {folder.name}", Verdict.FAILED, said, "pressrun check tells all"))
        else:
            publications[folder.name] = publication
            checks.append(Check(f"publication {folder.name}", Verdict.OK, f"{publication.title}"))
    if not checks:
        checks.append(Check("publications", Verdict.WARNING, f"none in {workspace.issues}", "see docs/writing.md"))
    return publications, checks


async def check_store(workspace: Workspace, clock: Callable[[], dt.datetime]) -> list[Check]:
    """Whether the store can be reached, fits this version, takes writes, and agrees with `clock` on the time."""
    try:
        database = connect_database(workspace.database_url)
    except StoreError as error:
        return [_failed("store", error)]
    try:
        if _is_to_be_made(database):
            return [Check("store", Verdict.OK, f"{database.place}: not there yet, made when first used")]
        seen = await inspect_database(database)
        checks = [_judge_store(database, seen), *_check_clock(seen, clock(), workspace.settings)]
        if checks[0].verdict is Verdict.OK:
            checks.append(await _check_fence(database, workspace.witness))
    except StoreError as error:
        return [_failed("store", error)]
    finally:
        await database.engine.dispose()
    return checks


def _is_to_be_made(database: Database) -> bool:
    """Whether looking at it would make the file."""
    return database.dialect == "sqlite" and not Path(database.path).exists()


async def _check_fence(database: Database, witness: Path) -> Check:
    try:
        fence = await read_fence(database, witness)
    except FencedError as error:
        return _failed("fence", error)
    if fence.fault:
        return Check("fence", Verdict.FAILED, fence.fault, f"pressrun fence --confirm {fence.name} --by NAME")
    return Check("fence", Verdict.OK, f"{fence.name} is where it was, after {count_of(fence.epoch, 'run')}")


def _judge_store(database: Database, seen: Inspection) -> Check:
    place = f"{database.place}, revision {seen.revision or 'none'}"
    if not seen.is_known:
        said = f"{place}: this version of pressrun does not know it"
        return Check("store", Verdict.FAILED, said, "use the newer pressrun that wrote it")
    if not seen.takes_writes:
        return Check("store", Verdict.FAILED, f"{place}: takes no writes", "name the primary, or mend its permissions")
    if not seen.is_current:
        remedy = "back it up; any command that uses it brings it up to date"
        return Check("store", Verdict.WARNING, f"{place}: an older version's", remedy)
    return Check("store", Verdict.OK, place)


def _check_clock(seen: Inspection, now: dt.datetime, settings: Settings) -> Iterator[Check]:
    """Workers judge each other's leases by their clocks: those must agree."""
    if seen.clock is None:
        return
    skew = (now - seen.clock).total_seconds()
    said = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} the store's"
    if abs(skew) < min(2, settings.lease_seconds / 4):
        yield Check("clock", Verdict.OK, said)
        return
    verdict = Verdict.FAILED if abs(skew) > settings.lease_seconds / 2 else Verdict.WARNING
    yield Check("clock", verdict, said, "set the clocks by NTP on this machine and the store's")


async def check_relays(settings: Settings) -> list[Check]:
    """Whether each relay can be reached, secured and logged in to; nothing is mailed."""
    try:
        relays = parse_relays(settings.smtp_url.get_secret_value())
    except UsageError as error:
        return [_failed("relays", error)]
    return list(await asyncio.gather(*(check_relay(relay, min(settings.smtp_timeout, SECONDS)) for relay in relays)))


async def check_relay(relay: Relay, seconds: float = SECONDS) -> Check:
    """Whether the relay greets, is secured and takes the login within `seconds` for each step."""
    name = f"relay {relay.name}"
    connection = Connection(relay, seconds, seconds)
    try:
        await connection.open()
    except RelayError as error:
        return _failed(name, error)
    await connection.close()
    where = "" if relay.name == relay.address else f"{relay.address} "
    said = f"{where}answers{', login accepted' if relay.username is not None else ''}; {_offers(connection)}"
    if not connection.is_secured and not _is_here(relay.host):
        return Check(name, Verdict.WARNING, f"{said}, unencrypted", "use smtps:// or ?starttls=always if it can")
    if not relay.verify and not _is_here(relay.host):
        return Check(name, Verdict.WARNING, f"{said}, any certificate accepted", "leave verify=no out of its address")
    return Check(name, Verdict.OK, said)


def _offers(connection: Connection) -> str:
    offers = {
        "PIPELINING": connection.offers_pipelining,
        "8BITMIME": connection.offers_8bitmime,
        "SMTPUTF8": connection.offers_smtputf8,
        "TLS": connection.is_secured,
    }
    return ", ".join(name for name, offered in offers.items() if offered) or "offers nothing beyond plain SMTP"


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_signing(workspace: Workspace, publications: Mapping[str, Publication]) -> Iterator[Check]:
    """Whether the DKIM keys can be read, and sign what each publication sends."""
    try:
        keys = signing_keys(workspace)
    except UsageError as error:
        yield _failed("dkim", error)
        return
    for name, publication in publications.items():
        sender = publication.sender.address
        yield _judge_signing(f"dkim {name}", sender, keys_for(keys, sender))


def _judge_signing(name: str, sender: str, keys: Sequence[SigningKey]) -> Check:
    domain = sender.rpartition("@")[2]
    if not keys:
        remedy = f"pressrun dkim keygen --domain {domain}; see docs/signing.md"
        return Check(name, Verdict.WARNING, f"{sender} is signed by no key", remedy)
    said = f"{sender} is signed by {' and '.join(key.name for key in keys)}"
    if keys[0].algorithm is not Algorithm.RSA_SHA256:
        return Check(name, Verdict.WARNING, f"{said}: many receivers verify no Ed25519", "add an RSA key")
    if keys[0].bits < GOOD_BITS:
        return Check(name, Verdict.WARNING, f"{said}: {keys[0].bits} bits", f"make one with {GOOD_BITS} bits")
    return Check(name, Verdict.OK, said)


def check_secret_key(workspace: Workspace) -> Iterator[Check]:
    """Whether the key that signs links is there, long enough, and this machine's users can't read it."""
    configured, file = workspace.settings.secret_key.get_secret_value(), workspace.state / "secret-key"
    if configured:
        yield from _judge_keys(configured.encode(), "setting secret_key")
        return
    if workspace.database_url.startswith("postgres"):
        said = "every machine makes its own: links in mail from one can't be read by another"
        yield Check("secret key", Verdict.WARNING, said, "set secret_key to the same text on all of them")
    if not file.exists():
        yield Check("secret key", Verdict.OK, f"{file}: not there yet, made when first used")
    elif file.stat().st_mode & 0o077:
        yield Check("secret key", Verdict.WARNING, f"{file}: other users may read it", f"run: chmod 600 {file}")
    else:
        yield from _judge_keys(file.read_bytes(), str(file))


def _judge_keys(text: bytes, origin: str) -> Iterator[Check]:
    """Each of the keys in `text`, which stand there newest first."""
    keys = split_keys(text.strip())
    for number, key in enumerate(keys, start=1):
        yield _judge_key(key, origin if len(keys) == 1 else f"{origin}, key {number} of {len(keys)}")


def _judge_key(key: bytes, origin: str) -> Check:
    remedy = "put a long random one before it: openssl rand -base64 32; docs/web.md tells how keys are changed"
    if len(key) < LEAST_KEY or len(set(key)) < LEAST_KEY // 2:
        return Check("secret key", Verdict.FAILED, f"{origin} can be guessed: anyone could make links", remedy)
    if len(key) < GOOD_KEY:
        return Check("secret key", Verdict.WARNING, f"{origin} has fewer than {GOOD_KEY} characters", remedy)
    return Check("secret key", Verdict.OK, f"{origin}, {len(key)} characters")


def check_disk(workspace: Workspace) -> Iterator[Check]:
    """Whether there is room where the store, the state, the site and the previews are; each disk once."""
    folders = [workspace.state, workspace.site_folder, workspace.preview_folder]
    if store := workspace.database_url.partition("sqlite:///")[2]:
        folders.append(Path(store.partition("?")[0]).parent)
    there = [next(folder for folder in (one.absolute(), *one.absolute().parents) if folder.exists()) for one in folders]
    for folder in {folder.stat().st_dev: folder for folder in reversed(there)}.values():
        yield _judge_room(folder, shutil.disk_usage(folder).free)


def _judge_room(folder: Path, free: int) -> Check:
    said = f"{free / (1 << 30):.1f} GB free at {folder}"
    if free >= GOOD_ROOM:
        return Check("disk", Verdict.OK, said)
    return Check("disk", Verdict.FAILED if free < LEAST_ROOM else Verdict.WARNING, said, "make room: the log needs it")


async def check_prefect(workspace: Workspace) -> list[Check]:
    """Whether the Prefect server answers that PREFECT_API_URL names, or that `pressrun up` runs here."""
    url = os.environ.get("PREFECT_API_URL", "")
    if not url:
        url = (await asyncio.to_thread(running_server, workspace)).get("PREFECT_API_URL", "")
        said = f"the server of pressrun up answers at {host_of(url)}" if url else "none named: flows run by themselves"
        return [Check("prefect", Verdict.OK, said)]
    fault = await _ask_health(url)
    if fault:
        return [Check("prefect", Verdict.FAILED, f"{host_of(url)}: {fault}", "start it, or mend PREFECT_API_URL")]
    return [Check("prefect", Verdict.OK, f"the server at {host_of(url)} answers")]


async def _ask_health(url: str) -> str:
    """Why the server is not well; empty where it is."""
    import httpx  # takes long

    try:
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            answer = await client.get(f"{url.rstrip('/')}/health")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"no answer: {error or type(error).__name__}"
    return "" if answer.is_success else f"answered {answer.status_code}"


def check_notices(settings: Settings) -> Iterator[Check]:
    """Whether notifications have somewhere to go that can be read; nothing is sent there."""
    url, people = settings.notify_url.get_secret_value(), settings.notify_mail.split()
    wrong = [*(_fault_of_url(url) if url else ()), *(one for one in people if not _is_address(one))]
    if wrong:
        said = f"{' and '.join(wrong)} can't be read"
        yield Check("notices", Verdict.FAILED, said, "mend notify_url and notify_mail")
    elif url or people:
        where = [f"webhook at {host_of(url)}"] * bool(url) + people
        yield Check("notices", Verdict.OK, f"go to {', '.join(where)}")
    else:
        yield Check(
            "notices", Verdict.WARNING, "nobody is told when a send goes wrong", "set notify_mail or notify_url"
        )


def _fault_of_url(url: str) -> Iterable[str]:
    return () if host_of(url) else ("notify_url",)


def _is_address(text: str) -> bool:
    try:
        parse_address(text)
    except AddressError:
        return False
    return True


def _failed(name: str, error: PressrunError) -> Check:
    return Check(name, Verdict.FAILED, error.message, error.remedy)
