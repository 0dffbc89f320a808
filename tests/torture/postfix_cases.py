"""Through a real Postfix, which hands on to the receiver; its queue ids tell what the sender handed over."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from pressrun.delivery.outcome import State
from private_postfix import PrivatePostfix, private_postfix
from torture.account import Account
from torture.arena import Arena, arena
from torture.broken_line import broken_line
from torture.case import Case, Group, Need
from torture.fault import FaultPlan
from torture.kill_cases import kill_senders

_KILLS = 10
POSTFIX_KILLS = 4
_SHORT = {"timeout": 3.0, "final_reply_timeout": 3.0}


def list_cases() -> Iterator[Case]:
    """All cases of this group."""
    for name, run in (
        (f"Postfix: sender killed, {_KILLS} times", kill_sender),
        ("Postfix: SIGTERM, 4 times", terminate_sender),
        (f"Postfix: Postfix killed, {POSTFIX_KILLS} times", kill_postfix),
        ("Postfix: the line to it breaks", break_line),
        ("Postfix: refuses one in ten", refuse_some),
    ):
        yield Case(name, Group.POSTFIX, run, 0.25, frozenset({Need.POSTFIX}))


@asynccontextmanager
async def behind_postfix(seed: str, recipients: int, **settings: str) -> AsyncIterator[tuple[Arena, PrivatePostfix]]:
    """An arena whose senders hand over to a Postfix with these lines of main.cf."""
    async with arena(seed, recipients, plan=FaultPlan()) as place:
        made = private_postfix(("127.0.0.1", place.receiver.port), settings=settings)
        postfix = await asyncio.to_thread(made.__enter__)
        try:
            place.target = postfix.port
            yield place, postfix
        finally:
            await place.leave()
            await asyncio.to_thread(made.__exit__, None, None, None)


async def settle(place: Arena, postfix: PrivatePostfix, bound: int) -> Account:
    """The account once Postfix has handed on all it has."""
    await asyncio.to_thread(postfix.flush)
    await asyncio.to_thread(postfix.wait_until_empty, 60)
    return await place.settle(bound)


async def kill_sender(seed: str, recipients: int) -> Account:
    """Kill the sender at moments by chance."""
    async with behind_postfix(seed, recipients) as (place, postfix):
        kills = await kill_senders(place, _KILLS, recipients)
        await place.finish()
        return await settle(place, postfix, kills * place.job.connections)


async def terminate_sender(seed: str, recipients: int) -> Account:
    """SIGTERM at moments by chance."""
    async with behind_postfix(seed, recipients) as (place, postfix):
        for _ in range(4):
            sender = place.start()
            await place.grow(sender, recipients // 6)
            sender.terminate()
            await place.ended(sender)
        await place.finish()
        return await settle(place, postfix, 0)


async def kill_postfix(seed: str, recipients: int) -> Account:
    """Kill every process of Postfix in the middle of the send, and start it again."""
    async with behind_postfix(seed, recipients) as (place, postfix):
        sender = place.start()
        kills = 0
        for _ in range(POSTFIX_KILLS):
            if sender.has_ended:
                await place.ended(sender)
                sender = place.start()
            await place.grow(sender, place.chance.randint(1, recipients // (POSTFIX_KILLS + 1)))
            kills += not sender.has_ended
            await asyncio.to_thread(postfix.kill)
            await asyncio.sleep(place.chance.uniform(0, 1))
            await asyncio.to_thread(postfix.start)
        await place.ended(sender)
        if kills < POSTFIX_KILLS:
            place.faults.append(f"only {kills} of the kills came while a sender ran")
        await place.finish()
        return await settle(place, postfix, kills * place.job.connections)


async def break_line(seed: str, recipients: int) -> Account:
    """Connections break after so many octets either way; the last answers are lost, or never come."""
    async with behind_postfix(seed, recipients) as (place, postfix), broken_line(place.target, place.chance) as line:
        place.target = line.port
        for _ in range(4):
            await place.run(**_SHORT, haste=10, lease=5.0, rounds=10)
        line.is_good = True
        await place.finish(**_SHORT)
        if line.broken < 10:
            place.faults.append(f"only {line.broken} connections broke")
        return await settle(place, postfix, line.broken)


async def refuse_some(seed: str, recipients: int) -> Account:
    """Postfix knows no address that ends in 7, and after twenty refusals on one connection says 421 and closes it."""
    with tempfile.NamedTemporaryFile("w", suffix=".regexp") as rules:
        rules.write("/7@/ 550 5.1.1 nobody here\n")
        rules.flush()
        Path(rules.name).chmod(0o644)
        refusals = f"check_recipient_access regexp:{rules.name}, permit_mynetworks, reject"
        async with behind_postfix(seed, recipients, smtpd_recipient_restrictions=refusals) as (place, postfix):
            await place.finish()
            unknown = {address for address in place.addresses if "7@" in address}
            failed = {row.address for row in await place.rows() if row.state is State.FAILED}
            if failed != unknown:
                place.faults.append(f"{len(failed)} failed where Postfix refuses {len(unknown)}")
            return await settle(place, postfix, 0)
