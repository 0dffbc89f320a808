"""What an operator does in Prefect's UI, from the run's form to its report, on the real server with a worker."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from browser_page import CHROMIUM
from gated_relay import gated_relay
from operator_desk import ISSUE, PEOPLE, Desk, key_of, open_desk
from small_edition import addresses

pytestmark = [
    pytest.mark.prefect,
    pytest.mark.chromium,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here"),
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory, prefect_environment: dict[str, str]) -> AsyncIterator[Desk]:
    """The publication wants approval."""
    async with open_desk(tmp_path_factory.mktemp, prefect_environment, approval=True) as opened:
        yield opened


async def test_an_issue_is_published_and_approved_in_forms(desk: Desk) -> None:
    async with gated_relay() as relay:
        with desk.working(relay):
            await fill_in_the_form(desk, ISSUE)
            await desk.page.wait_for_label("Suspended")
            await look_at_what_is_asked(desk)
            await approve(desk)
            await desk.page.wait_for_label("Running")
            await relay.wait_for(2)
            await desk.see_artifact("progress", f"0 of {PEOPLE} settled")
            relay.let(8)
            await desk.see_artifact("progress", f"8 of {PEOPLE} settled")
            await desk.keep_picture("progress")
            relay.let(PEOPLE)
            await desk.see_artifact("report", f"{PEOPLE} of {PEOPLE} sent: finished")
            await desk.keep_picture("report")
    assert sorted(relay.taken) == sorted(addresses(PEOPLE))


async def fill_in_the_form(desk: Desk, issue: str) -> str:
    """Run, Custom run, the issue from the choices, Submit; gives the address of the run's page."""
    page = desk.page
    await desk.open_deployment(f"publish-issue/{issue.partition('/')[0]}")
    await page.click("button", "Run")
    await page.click("menuitem", "Custom run")
    await page.click("button", "Select issue")
    await page.click("option", issue)
    await page.wait_for("button", "Submit")
    await desk.keep_picture("form")
    await page.click("button", "Submit")
    await page.click("button", "View run")
    return await page.wait_for_address("/runs/flow-run/")


async def look_at_what_is_asked(desk: Desk) -> None:
    """The findings and the preview are among the run's artifacts."""
    page = desk.page
    await page.click("tab", "Artifacts")
    for kind in ("findings", "preview", "text", "desktop", "phone"):
        await page.wait_for_text(key_of(kind))


async def approve(desk: Desk) -> None:
    """Resume asks whether; above its form stands whom it goes to."""
    page = desk.page
    await desk.choose_in_menu("Resume")
    await page.wait_for_text(f"to {PEOPLE} people on field-notes ({PEOPLE})")
    await page.click("button", "Select Decision")
    await page.click("option", "approve")
    await page.type("textbox", "Your name", "Ann Example")
    await desk.keep_picture("approval")
    await desk.press("Resume")
