"""The flows around a send: housekeeping, import-subscribers, rehearse-send, notify, and the block of secrets."""

from __future__ import annotations

import asyncio
import datetime as dt
import importlib
import json
from collections.abc import AsyncIterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import ModuleType

import pytest

from pressrun.notify import Notified
from pressrun.store.consent import ConsentBasis
from pressrun.store.database import open_database
from pressrun.store.subscribers import count_lists
from pressrun.workspace import open_workspace
from returned_letters import wish
from run_artifacts import artifacts_of
from small_edition import addresses, fill_list
from small_issue import ISSUE, write_small_issue

pytestmark = pytest.mark.prefect

CSV = "email,name,city\nann@example.com,Ann,Leeds\nnobody,,\nbob@example.com,Bob,Ulm\n"


@pytest.fixture
async def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Path]:
    """A workspace with an issue, and 20 people on its list."""
    write_small_issue(tmp_path, issue=f"{ISSUE}lists: [news]\n")
    (tmp_path / "subscribers").mkdir()
    (tmp_path / "subscribers" / "people.csv").write_text(CSV, encoding="utf-8")
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    async with open_database(open_workspace(tmp_path).database_url) as database:
        await fill_list(database, "news", addresses(20))
    yield tmp_path


def load(module: str) -> ModuleType:
    return importlib.import_module(f"flows.{module}")


async def test_an_import_says_what_became_of_each_row_and_shows_nobodys_address(server: str, folder: Path) -> None:
    state = await load("subscribers").import_subscribers(
        file="people.csv", list_name="press", basis=ConsentBasis.WRITTEN, return_state=True
    )
    assert (state.type.value, state.name, state.message) == ("FAILED", "FellShort", "2 added, 1 not taken")
    shown = (await artifacts_of(state.state_details.flow_run_id))["import-subscribers"]
    assert [row["line"] for row in json.loads(shown.data)] == [3]
    assert "@example.com" not in str(shown.data)
    async with open_database(open_workspace(folder).database_url) as database:
        assert {one.name: one.members for one in await count_lists(database)} == {"news": 20, "press": 2}


@pytest.mark.parametrize(
    ("file", "hint"),
    [("peple.csv", "did you mean people.csv"), ("../pressrun.toml", "known: people.csv"), ("/etc/hostname", "known")],
)
async def test_only_files_for_subscribers_are_opened(server: str, folder: Path, file: str, hint: str) -> None:
    state = await load("subscribers").import_subscribers(
        file=file, list_name="press", basis=ConsentBasis.WRITTEN, return_state=True
    )
    assert state.type.value == "FAILED"
    assert hint in state.message


async def test_housekeeping_tidies_and_fails_where_a_send_would(
    server: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PRESSRUN_SMTP_URL", "smtp://127.0.0.1:9")
    well = await load("housekeeping").housekeeping(with_checks=False, return_state=True)
    assert (well.type.value, well.message) == ("COMPLETED", "nothing")
    ill = await load("housekeeping").housekeeping(return_state=True)
    assert (ill.type.value, ill.name) == ("FAILED", "NeedsAttention")
    shown = json.loads((await artifacts_of(ill.state_details.flow_run_id))["doctor"].data)
    assert {"failed"} <= {row["verdict"] for row in shown}


async def test_a_rehearsal_ends_sound_with_its_report_and_mails_nobody(server: str, folder: Path) -> None:
    state = await load("rehearse").rehearse_send(
        issue="small/2026-01", temporary=0, permanent=0, dropped=0, slow=0, kill=False, return_state=True
    )
    assert (state.type.value, state.message) == ("COMPLETED", "sound: 20 planned, 20 received, none lost")
    report = (await artifacts_of(state.state_details.flow_run_id))["rehearsal-small-2026-01"]
    assert report.data.startswith("# Rehearsal of small/2026-01: sound")
    assert report.description.endswith("all is well")
    assert "@example.com" not in report.data


async def test_a_part_of_the_audience_is_not_what_an_approval_asks_for(server: str, folder: Path) -> None:
    state = await load("rehearse").rehearse_send(issue="small/2026-01", sample=5, kill=False, return_state=True)
    report = (await artifacts_of(state.state_details.flow_run_id))["rehearsal-small-2026-01"]
    assert report.description == "A part of the audience, 5"


async def test_a_rehearsal_answers_a_wrong_name_with_the_nearest(server: str, folder: Path) -> None:
    state = await load("rehearse").rehearse_send(issue="small/2026-02", return_state=True)
    assert "did you mean small/2026-01" in state.message
    state = await load("rehearse").rehearse_send(issue="small/2026-01", lists=["nwes"], return_state=True)
    assert "nwes" in state.message


async def test_a_notice_reaches_the_webhook_and_links_to_the_run(
    server: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[dict[str, str]] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            return

    hook = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    Thread(target=hook.serve_forever, daemon=True).start()
    monkeypatch.setenv("PRESSRUN_NOTIFY_URL", f"http://127.0.0.1:{hook.server_port}/a-secret")
    run = "00000000-0000-0000-0000-000000000002"
    try:
        told = {"subject": "small/2026-01: late", "text": "publish it", "run": run}
        state = await load("notices").notify(**told, return_state=True)
    finally:
        await asyncio.to_thread(hook.shutdown)
        hook.server_close()
    assert (state.type.value, state.message) == ("COMPLETED", "1 of 1 told")
    assert got[0]["subject"] == "small/2026-01: late"
    assert got[0]["body"].startswith("publish it\n\nhttp")
    assert run in got[0]["body"]


async def test_a_notice_without_anybody_to_tell_says_so(server: str, folder: Path) -> None:
    state = await load("notices").notify(subject="anything", return_state=True)
    assert (state.type.value, state.name) == ("COMPLETED", "NobodyToTell")


def test_a_notice_that_reached_some_names_no_address(prefect_set_up: None) -> None:
    told = [
        Notified("ops@example.com", "550 no"),
        Notified("webhook at hook.example.com", "answered 500"),
        Notified("a"),
    ]
    state = load("notices").conclude_notice(told)
    assert state.type.value == "FAILED"
    assert state.message == "1 of 3 told; a mail address: 550 no; webhook at hook.example.com: answered 500"


async def test_the_blocks_secrets_are_taken_where_the_environment_says_nothing(server: str) -> None:
    blocks = load("blocks")
    assert await blocks.take_secrets({}) == []  # there is no block
    kept = blocks.PressrunSecrets(smtp_url="smtp://u:secret@relay.example.com", secret_key="k" * 40)
    await kept.asave(blocks.NAME)
    try:
        environment = {"PRESSRUN_SECRET_KEY_FILE": "/run/secrets/secret_key", "PRESSRUN_DKIM_KEYS": ""}
        assert await blocks.take_secrets(environment) == ["PRESSRUN_SMTP_URL"]
        assert environment["PRESSRUN_SMTP_URL"] == "smtp://u:secret@relay.example.com"
        set_already = {"PRESSRUN_SMTP_URL": "smtp://own.example.com", "PRESSRUN_SECRET_KEY": "mine"}
        assert await blocks.take_secrets(set_already) == []
        assert "secret@" not in repr(kept)
    finally:
        await blocks.PressrunSecrets.adelete(blocks.NAME)


async def test_looks_that_were_missed_are_cancelled_and_old_ones_forgotten(server: str, folder: Path) -> None:
    from prefect import get_client
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName
    from prefect.states import Completed, Scheduled

    looks, now = load("looks"), dt.datetime.now(dt.UTC)
    await (await load("due").send_due.ato_deployment("piled")).aapply()
    async with get_client() as client:
        deployment = await client.read_deployment_by_name("send-due/piled")
        for minutes in (-3, -2, -1, 30):
            state = Scheduled(scheduled_time=now + dt.timedelta(minutes=minutes))
            await client.create_flow_run_from_deployment(deployment.id, state=state)
        own = await client.create_flow_run_from_deployment(deployment.id)

        assert await looks.cancel_missed_looks(own, now) == 3
        which = FlowFilter(name=FlowFilterName(any_=["send-due"]))
        runs = [run for run in await client.read_flow_runs(flow_filter=which) if run.deployment_id == deployment.id]
        assert sorted(run.state_name for run in runs) == ["Cancelled"] * 3 + ["Scheduled"] * 2

        await client.set_flow_run_state(own.id, Completed(), force=True)
        assert await looks.forget_looks(now) == 0
        assert await looks.forget_looks(now + looks.KEPT + dt.timedelta(minutes=1)) >= 4
        left = [run for run in await client.read_flow_runs(flow_filter=which) if run.deployment_id == deployment.id]
        assert [run.state_name for run in left] == ["Scheduled"]
        await client.delete_deployment(deployment.id)


async def test_read_inbox_says_what_the_letters_were_and_nobodys_address(
    server: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = await load("inbox").read_inbox(return_state=True)
    assert (state.type.value, state.message) == ("COMPLETED", "nothing new")  # no mailbox is set
    for part in ("new", "cur", "tmp"):
        (folder / "box" / part).mkdir(parents=True)
    (folder / "box" / "new" / "1.host").write_bytes(wish("unsubscribe"))
    monkeypatch.setenv("PRESSRUN_INBOX_URL", f"maildir://{folder}/box")
    state = await load("inbox").read_inbox(return_state=True)
    assert state.message == "1 without proof"
    assert "@" not in str((await artifacts_of(state.state_details.flow_run_id))["read-inbox"].data)
    monkeypatch.setenv("PRESSRUN_INBOX_URL", "maildir:///nowhere")
    state = await load("inbox").read_inbox(return_state=True)
    assert state.type.value == "FAILED"
    assert "no Maildir" in str(state.message)
