"""What a reader does, from the form to the farewell, in a browser without scripts and out of mail that really came."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from browser_page import CHROMIUM, BrowserPage, open_browser
from gated_relay import gated_relay
from patience import HUNG
from pressrun.delivery.policy import Policy
from pressrun.delivery.relay import parse_relays
from pressrun.delivery.send import send
from pressrun.public.form import QUICKEST
from pressrun.render.edition import Edition
from pressrun.serve import listen, serving
from pressrun.sink import read_maildir, sink
from pressrun.store.database import Database, open_database
from pressrun.workspace import Workspace, open_workspace
from rendered_issue import render_folder
from small_edition import addresses, fill_list
from small_issue import PUBLICATION, write_small_issue

pytestmark = [pytest.mark.chromium, pytest.mark.skipif(not CHROMIUM, reason="no Chromium here")]

ONE_CONNECTION = Policy(connections=1)
CLAIMED = 450
"""More people than a run claims at once: whoever comes after them is looked at again while it runs."""


@dataclass
class Town:
    """A house that publishes, its server at `base`, everybody's mailbox, and a browser."""

    workspace: Workspace
    database: Database
    page: BrowserPage
    base: str
    relay: str
    box: Path

    async def wait_for_mail(self, subject: str, to: str = "ann@example.com") -> EmailMessage:
        """The mail whose subject holds `subject`, once it is there."""
        async with asyncio.timeout(HUNG):
            while True:
                for mail in self.mails(to):
                    if subject in mail["Subject"]:
                        return mail
                await asyncio.sleep(0.05)

    def mails(self, to: str) -> list[EmailMessage]:
        kept = [message_from_bytes(raw, policy=policy.default) for raw in read_maildir(self.box)]
        return [mail for mail in kept if mail["Delivered-To"] == to]

    def edition(self, number: int) -> Edition:
        """The issue rendered, under a number of its own."""
        folder = self.workspace.root / "issues" / "small" / "2026-01"
        edition = render_folder(folder).edition
        named = {"issue": f"small/2026-{number:02}", "subject": f"Issue {number}", "id": f"{number:064x}"}
        return edition.model_copy(update=named)

    async def send(self, number: int, url: str = "") -> None:
        """Send an issue to the list."""
        relays = parse_relays(url or self.relay)
        await send(self.database, self.edition(number), "news", relays, self.workspace.link_keys(), ONE_CONNECTION)


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    listening = listen("127.0.0.1", 0, "--port")
    base = f"http://127.0.0.1:{listening.getsockname()[1]}/small"
    publication = PUBLICATION.replace("https://small.example.com/news", base)
    write_small_issue(tmp_path, publication=f"{publication}lists: [news]\nsubscribing: {{}}\n")
    async with sink(tmp_path / "box") as port:
        url = f"smtp://127.0.0.1:{port}"
        (tmp_path / "pressrun.toml").write_text(f'smtp_url = "{url}"\n', encoding="utf-8")
        workspace = open_workspace(tmp_path)
        async with (
            serving(workspace, listening, previews=False),
            open_database(workspace.database_url) as database,
            open_browser(tmp_path / "profile") as page,
        ):
            await page.switch_scripts_off()
            yield Town(workspace, database, page, base, url, tmp_path / "box")


def links(mail: EmailMessage) -> list[str]:
    """The addresses in the mail's text."""
    body = mail.get_body(("plain",))
    assert body
    return re.findall(r"http://\S+", body.get_content())


def link(mail: EmailMessage, part: str) -> str:
    return next(url for url in links(mail) if part in url)


async def subscribe(town: Town) -> None:
    """Fill in the form, find the mail, and press the button it leads to."""
    page = town.page
    await page.open(f"{town.base}/subscribe")
    await page.type("textbox", "Mail address", "ann@example.com")
    await asyncio.sleep(QUICKEST.total_seconds() + 1)  # as a person takes
    await page.click("button", "Subscribe")
    await page.wait_for_text("Please look into your mailbox")
    mail = await town.wait_for_mail("Please confirm")
    await page.open(link(mail, "/confirm/"))
    await page.click("button", "Confirm")
    await page.wait_for_text("You are on the list")


async def test_a_reader_subscribes_reads_settles_and_leaves(town: Town) -> None:
    page = town.page
    await subscribe(town)
    await town.send(2)
    issue = await town.wait_for_mail("Issue 2")

    await page.open(link(issue, "/preferences/"))
    await page.wait_for_text("They hold for a…@example.com.")
    await page.type("combobox", "Pause", "")
    await page.measure("document.querySelector('#pause').value = '1'")
    await page.click("button", "Save")
    await page.wait_for_text("Your settings are saved.")
    await town.send(3)
    await page.measure("document.querySelector('#pause').value = 'none'")
    await page.click("button", "Save")
    await page.wait_for_text("Your settings are saved.")
    assert len(town.mails("ann@example.com")) == 2  # of the pause's issue there is nothing

    one_click = re.search(r"<(http[^>]+)>", issue["List-Unsubscribe"])
    assert one_click and issue["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    async with httpx.AsyncClient(trust_env=False) as client:  # as her mail program does
        answer = await client.post(one_click[1], data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    await town.send(4)
    assert len(town.mails("ann@example.com")) == 2


async def test_a_reader_who_leaves_by_the_page_is_left_out_of_the_send_that_is_running(town: Town) -> None:
    await fill_list(town.database, "news", addresses(CLAIMED))
    await subscribe(town)
    await town.send(2)
    issue = await town.wait_for_mail("Issue 2")
    async with gated_relay() as relay:
        sending = asyncio.create_task(town.send(3, f"{relay.url}?connections=1"))
        await relay.wait_for(1)
        await town.page.open(link(issue, "/unsubscribe/"))
        await town.page.click("button", "Unsubscribe")
        await town.page.wait_for_text("You have left the list")
        relay.let(CLAIMED + 1)
        await sending
    assert sorted(relay.taken) == sorted(addresses(CLAIMED))
