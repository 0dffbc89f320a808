import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from command import run_here
from pressrun.delivery.leave_link import Leave, make_leave_token
from pressrun.delivery.outcome import State
from pressrun.inbox.mailbox import MailboxAddress, open_mailbox
from pressrun.inbox.read_inbox import InboxReport, Rules, read_inbox
from pressrun.store.database import Database, open_database
from pressrun.store.delivery_log import plan
from pressrun.store.tables import deliveries, subscribers
from pressrun.workspace import open_workspace
from quoted_letters import complaint_quoting, reply
from returned_letters import CHINESE, POSTFIX, QMAIL, bounce, complaint, wish
from small_edition import KEY, NOW, addresses, fill_list, make_edition
from small_inbox import Inbox, open_inbox
from small_issue import write_small_issue


@pytest.fixture
async def inbox(database: Database, tmp_path: Path) -> Inbox:
    return await open_inbox(database, tmp_path / "box")


@pytest.mark.parametrize("form", [POSTFIX, QMAIL, CHINESE])
async def test_an_address_that_nobody_has_is_suppressed_with_the_reason(inbox: Inbox, form: str) -> None:
    inbox.put(bounce(form, return_path=await inbox.return_path(2)))
    assert (await inbox.read()).read == {"bounce hard": 1}
    suppressed = await inbox.suppressed()
    assert list(suppressed) == [addresses(5)[2]]
    assert suppressed[addresses(5)[2]].startswith("bounced: 5.1.1")
    assert await inbox.kinds() == ["bounced", "suppressed"]
    assert inbox.unseen == 0


async def test_what_was_sent_stays_sent_in_the_log(inbox: Inbox) -> None:
    await _settle(inbox, State.SENT)
    inbox.put(bounce(POSTFIX, return_path=await inbox.return_path(0)))
    await inbox.read()
    assert (await inbox.row(0)).state == State.SENT.value


async def test_a_letter_counts_once_however_often_it_is_there(inbox: Inbox) -> None:
    raw = bounce(POSTFIX, return_path=await inbox.return_path(2))
    inbox.put(raw, raw)
    assert await inbox.read() == InboxReport({"bounce hard": 1}, 0, 1)
    inbox.put(raw)
    assert await inbox.read() == InboxReport({}, 0, 1)
    assert await inbox.kinds() == ["bounced", "suppressed"]


async def test_a_bounce_without_proof_does_nothing_and_stays(inbox: Inbox) -> None:
    address = addresses(5)[0]
    forged = f"bounces+{(await inbox.row(0)).id}-aaaaaaaa@example.com"
    inbox.put(bounce(POSTFIX, address=address), bounce(POSTFIX, address=address, return_path=forged))
    assert await inbox.read() == InboxReport({}, 2, 0)
    assert (await inbox.suppressed(), await inbox.kinds(), inbox.unseen) == ({}, [], 2)


async def test_refusals_for_what_we_are_or_sent_suppress_nobody(inbox: Inbox) -> None:
    path = await inbox.return_path(0)
    inbox.put(bounce(POSTFIX, return_path=path, status="5.7.1", said="554 5.7.1 blocked"))
    assert (await inbox.read()).read == {"bounce block": 1}
    assert (await inbox.suppressed(), await inbox.kinds()) == ({}, ["bounced"])


async def test_a_full_mailbox_is_suppressed_after_so_many_issues(inbox: Inbox) -> None:
    soft = {"status": "5.2.2", "said": "552 5.2.2 the mailbox is full"}
    for number in range(3):
        issue = f"spp/2026-{number + 10}"
        await plan(inbox.database, make_edition(id=f"{number + 1:064x}", issue=issue), "all", NOW)
        inbox.put(bounce(POSTFIX, return_path=await inbox.return_path(0, issue), **soft))
        await inbox.read(rules=Rules(soft_limit=3, soft_days=30))
        assert bool(await inbox.suppressed()) == (number == 2)


async def test_who_asks_by_mail_leaves_the_list(inbox: Inbox) -> None:
    inbox.put(wish(f"leave {await inbox.token(1)}"))
    assert (await inbox.read()).read == {"leave": 1}
    assert (await inbox.members(), await inbox.kinds(), await inbox.suppressed()) == (4, ["left"], {})


async def test_who_only_says_so_stays_and_the_letter_waits_for_a_person(inbox: Inbox) -> None:
    inbox.put(wish("unsubscribe"), wish("About your article"))
    assert await inbox.read() == InboxReport({"other": 1}, 1, 0)
    assert (await inbox.members(), inbox.unseen) == (5, 2)


@pytest.mark.parametrize("subject", ["Re: Leave no one behind", "Re: 退订", "unsubscribe"])
async def test_what_a_reader_answers_the_editor_above_the_quoted_mail_takes_nobody_off_and_stays_unseen(
    inbox: Inbox, subject: str
) -> None:
    inbox.put(reply(subject, await inbox.token(1)))
    report = await inbox.read()
    assert (report.total, await inbox.members(), await inbox.kinds(), inbox.unseen) == (1, 5, [], 1)


async def test_who_complains_leaves_and_is_not_mailed_again(inbox: Inbox) -> None:
    inbox.put(complaint(await inbox.headers(3)))
    assert (await inbox.read()).read == {"complaint": 1}
    assert list((await inbox.suppressed()).items()) == [(addresses(5)[3], "complained: abuse")]
    assert (await inbox.members(), await inbox.kinds()) == (4, ["left", "complained", "suppressed"])


async def test_a_complaint_that_proves_nothing_harms_nobody(inbox: Inbox) -> None:
    row = await inbox.row(3)
    inbox.put(
        complaint(f"Message-ID: {row.message_id}\nTo: {row.address}"),
        complaint_quoting(await inbox.token(3), f"Message-ID: {row.message_id}"),
    )
    assert await inbox.read() == InboxReport({}, 2, 0)
    assert (await inbox.suppressed(), await inbox.members()) == ({}, 5)


async def test_a_dry_run_says_the_same_and_does_nothing(inbox: Inbox) -> None:
    inbox.put(bounce(POSTFIX, return_path=await inbox.return_path(2)), wish(f"leave {await inbox.token(1)}"))
    assert (await inbox.read(dry_run=True)).read == {"bounce hard": 1, "leave": 1}
    assert (await inbox.suppressed(), await inbox.members(), inbox.unseen) == ({}, 5, 2)


async def test_what_a_crash_left_half_done_is_done_the_next_time(inbox: Inbox) -> None:
    inbox.put(bounce(POSTFIX, return_path=await inbox.return_path(2)))
    async with open_mailbox(MailboxAddress("maildir", folder=str(inbox.folder))) as mailbox:

        async def crash(name: str) -> None:
            raise RuntimeError("killed before the letter was marked")

        mailbox.mark = crash  # type: ignore[method-assign]
        with pytest.raises(RuntimeError):
            await read_inbox(inbox.database, mailbox, KEY, NOW, Rules())
    assert await inbox.read() == InboxReport({}, 0, 1)
    assert (await inbox.kinds(), inbox.unseen) == (["bounced", "suppressed"], 0)


def test_the_command_reads_the_mailbox_that_is_set(tmp_path: Path) -> None:
    write_small_issue(tmp_path)
    assert "inbox_url is not set" in run_here(tmp_path, "read-inbox").err
    box = tmp_path / "box"
    for part in ("new", "cur", "tmp"):
        (box / part).mkdir(parents=True)
    with (tmp_path / "pressrun.toml").open("a", encoding="utf-8") as file:
        file.write(f'inbox_url = "maildir://{box}"\n')
    assert run_here(tmp_path, "read-inbox").out == "no letters\n"
    (box / "new" / "1.host").write_bytes(wish(f"leave {asyncio.run(_join(tmp_path))}"))
    (box / "new" / "2.host").write_bytes(wish("unsubscribe me"))
    for arguments in (("--dry-run",), ()):
        ended = run_here(tmp_path, "read-inbox", *arguments)
        assert (ended.status, ended.out) == (0, "1 leave\n")
        assert "1 without proof" in ended.err
    assert run_here(tmp_path, "subscribers", "export", "--list", "all").out.splitlines()[1:] == []


async def _join(folder: Path) -> str:
    """Put a person on the list; the token they leave by."""
    workspace = open_workspace(folder)
    async with open_database(workspace.database_url) as database:
        await fill_list(database, "all", ["ann@example.com"])
        async with database.read() as connection:
            person = (await connection.scalars(sa.select(subscribers.c.id))).one()
    return make_leave_token(Leave(person, "all"), workspace.link_keys())


async def _settle(inbox: Inbox, state: State) -> None:
    async with inbox.database.write() as connection:
        await connection.execute(sa.update(deliveries).values(state=state.value, code=250))
