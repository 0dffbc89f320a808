from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.address import parse_address
from pressrun.delivery.show_message import show_message
from pressrun.rehearsal import audit as audit_module
from pressrun.rehearsal.audit import Audit, audit
from pressrun.rehearsal.box import Box
from pressrun.rehearsal.inspection import Inspector
from pressrun.rehearsal.receipts import draw_account, open_account
from pressrun.store.database import Database
from pressrun.store.delivery_log import load_editions, plan
from small_edition import KEY, NOW, addresses, fill_list, make_edition

ISSUE = "spp/2026-02"


async def prepare(replica: Database, count: int) -> None:
    await fill_list(replica, "a", addresses(count))
    await plan(replica, make_edition(), "a", NOW)
    await open_account(replica, ISSUE, repeats=False)


async def message_for(replica: Database, address: str) -> bytes:
    return (await show_message(replica, ISSUE, parse_address(address), KEY)).content


async def audit_all(replica: Database, folder: Path, messages: list[tuple[str, bytes]]) -> Audit:
    box = Box(folder / "messages")
    for recipient, content in messages:
        box.add(recipient, content)
    box.close()
    inspector = Inspector(await load_editions(replica, ISSUE), KEY, ())
    return await audit(replica, ISSUE, folder / "messages", inspector)


async def test_sound_messages_give_receipts_and_sizes(
    replica: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_module, "BATCH", 3)
    await prepare(replica, 8)
    messages = [(address, await message_for(replica, address)) for address in addresses(8)]
    audited = await audit_all(replica, tmp_path, messages)
    sizes = [len(content) for _, content in messages]
    assert audited.defects == ()
    assert (audited.sizes.count, audited.sizes.total) == (8, sum(sizes))
    assert (audited.sizes.smallest, audited.sizes.largest) == (min(sizes), max(sizes))
    assert (await draw_account(replica, ISSUE, ["a"])).received == 8
    assert not (tmp_path / "faulty").exists()


async def test_two_people_who_got_each_others_messages_are_found(replica: Database, tmp_path: Path) -> None:
    await prepare(replica, 3)
    first, second, third = addresses(3)
    swapped = [(first, await message_for(replica, second)), (second, await message_for(replica, first))]
    audited = await audit_all(replica, tmp_path, [*swapped, (third, await message_for(replica, third))])
    assert {defect.count for defect in audited.defects} == {2}
    assert {defect.messages for defect in audited.defects} == {(1, 2)}
    assert any("another person" in defect.what for defect in audited.defects)
    laid_out = {file.name for file in (tmp_path / "faulty").iterdir()}
    assert {"addressee-1.eml", "addressee-2.eml", "leave-link-1.eml"} <= laid_out


async def test_only_a_few_faulty_messages_of_a_kind_are_laid_out(replica: Database, tmp_path: Path) -> None:
    await prepare(replica, 7)
    messages = [
        (address, (await message_for(replica, address)).replace(b"\r\nDate: ", b"\r\nDated: "))
        for address in addresses(7)
    ]
    audited = await audit_all(replica, tmp_path, messages)
    assert [(defect.count, defect.messages) for defect in audited.defects] == [(7, (1, 2, 3))]
    assert len(list((tmp_path / "faulty").iterdir())) == 3


@pytest.mark.parametrize("recipient", ["nobody@example.com", "no address at all", ""])
async def test_messages_for_people_without_a_row_are_strangers(
    replica: Database, tmp_path: Path, recipient: str
) -> None:
    await prepare(replica, 1)
    audited = await audit_all(replica, tmp_path, [(recipient, b"Subject: a\r\n\r\n")])
    assert audited.sizes.count == 1
    account = await draw_account(replica, ISSUE, ["a"])
    assert (account.strangers, account.received) == (1, 0)


async def test_an_empty_box_has_nothing_wrong(replica: Database, tmp_path: Path) -> None:
    await prepare(replica, 1)
    audited = await audit_all(replica, tmp_path, [])
    assert (audited.sizes.count, audited.sizes.mean, audited.defects) == (0, 0.0, ())
