"""send-test: send test copies of an issue to a few named people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect import flow, get_run_logger
from prefect.states import Completed, Failed, State

from flows.accounts import show_tests
from flows.blocks import open_with_secrets
from pressrun.delivery.keyring import signing_keys
from pressrun.delivery.policy import policy_from
from pressrun.delivery.relay import parse_relays
from pressrun.delivery.send_test import Tested
from pressrun.delivery.send_test import send_test as send_copies
from pressrun.errors import PressrunError
from pressrun.render.edition import Edition
from pressrun.render.mail import render
from pressrun.render.source import open_issue, require_size
from pressrun.workspace import Workspace


@flow(
    name="send-test",
    flow_run_name="{issue}: test copies",
    description="""Sends an issue to a few named people, to look at it in their mail program before anybody else does.

They are real messages by the real relay, with `[test]` before the subject. Nothing stands in the delivery log, nobody
counts as having had the issue, and the link to leave the list leads nowhere.

**When it fails**, the artifact `tests-…` has what the relay said to each. Mend what it names, and run it again.""",
)
async def send_test(issue: str, to: list[str] | None = None) -> State[Any]:
    """Send the test copies; the artifact says what became of each.

    Args:
        issue: The issue to send: publication/issue, such as spp/2026-02.
        to: Whom to send it to, 20 addresses at most. Empty: the testers of publication.yaml.
    """
    try:
        workspace = await open_with_secrets()
        opened = open_issue(workspace, issue)
        rendering = render(opened, workspace.template_folders)
        require_size(rendering)
        tested = await send_to(workspace, rendering.edition, to or opened.publication.testers)
    except PressrunError as error:
        get_run_logger().warning("%s", error)
        return Failed(message=str(error))
    await show_tests(rendering.edition, tested, f"Edition {rendering.edition.id[:12]}: {tell_tests(tested)}")
    ended = Completed if all(one.is_sent for one in tested) else Failed
    return ended(message=tell_tests(tested))


async def send_to(workspace: Workspace, edition: Edition, addresses: Sequence[str]) -> list[Tested]:
    """Send each address a test copy by the workspace's relays. Raises PressrunError where nobody can be sent one."""
    settings = workspace.settings
    tested = await send_copies(
        edition,
        addresses,
        parse_relays(settings.smtp_url.get_secret_value()),
        workspace.link_keys(),
        policy_from(settings),
        signing=signing_keys(workspace),
    )
    get_run_logger().info("%s: test copies: %s", edition.issue, tell_tests(tested))
    return tested


def tell_tests(tested: Sequence[Tested]) -> str:
    """How many test copies the relay took: `2 sent, 1 not`. Names nobody."""
    sent = sum(one.is_sent for one in tested)
    return f"{sent} sent" if sent == len(tested) else f"{sent} sent, {len(tested) - sent} not"
