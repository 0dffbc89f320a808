"""`pressrun up` as a process: what it starts can be looked at, and nothing of it is left when it ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from command import free_ports, plain_environment, run_here, run_process
from patience import HUNG, wait_for
from prefect_server import ask
from pressrun.sink import read_maildir
from pressrun.starter import init

pytestmark = pytest.mark.prefect
needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc to look for processes in")

ISSUE = "field-notes/2026-01"
PEOPLE = 5
OF_AN_ISSUE = {"publish-issue", "deliver-send", "send-test", "rehearse-send"}
OTHERS = {"import-subscribers", "send-due", "housekeeping", "read-inbox", "build-site", "notify"}
SERVED = {f"{flow}/here" for flow in OF_AN_ISSUE | OTHERS} | {f"{flow}/here-field-notes" for flow in OF_AN_ISSUE}


@dataclass
class Up:
    """A running `pressrun up` and its addresses."""

    folder: Path
    process: subprocess.Popen[bytes]
    server: int
    site: int
    sink: int

    @property
    def environment(self) -> dict[str, str]:
        """What a person sets who works with the running server."""
        return {
            "PREFECT_API_URL": f"http://127.0.0.1:{self.server}/api",
            "PREFECT_HOME": str(self.folder / ".pressrun" / "prefect"),
            "PRESSRUN_SMTP_URL": f"smtp://127.0.0.1:{self.sink}",
        }

    def find(self, what: str) -> list[dict[str, Any]]:
        """What the server has of deployments, flow_runs …"""
        rows: list[dict[str, Any]] = ask("POST", f"http://127.0.0.1:{self.server}/api/{what}/filter", {})
        return rows

    def find_deployments(self) -> dict[str, dict[str, Any]]:
        """The server's deployments by the names the UI and the command line call them."""
        flows = {flow["id"]: flow["name"] for flow in self.find("flows")}
        return {f"{flows[one['flow_id']]}/{one['name']}": one for one in self.find("deployments")}

    def find_runs(self) -> list[dict[str, Any]]:
        """The runs about the issue; send-due looks every minute beside them."""
        return [run for run in self.find("flow_runs") if ISSUE in run["name"]]

    @property
    def said(self) -> str:
        return (self.folder / "up.out").read_text()


def start(folder: Path, ports: list[int], workspace: Path | None = None) -> Up:
    """Start `pressrun up` in `folder` and come back at once."""
    names = ("PRESSRUN_SERVER_PORT", "PRESSRUN_SITE_PORT", "PRESSRUN_SINK_PORT")
    environment = plain_environment() | {name: str(port) for name, port in zip(names, ports, strict=True)}
    with (folder / "up.out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "pressrun", "--workspace", str(workspace or folder), "up"],
            cwd=folder,
            env=environment,
            stdout=out,
            stderr=out,
        )
    return Up(folder, process, *ports)


@contextmanager
def running(folder: Path, ports: list[int]) -> Iterator[Up]:
    """`pressrun up`, ready: the flows are registered."""
    up = start(folder, ports)
    try:
        wait_for(lambda: up.process.poll() is not None or "Ctrl-C" in up.said)
        assert up.process.poll() is None, up.said
        wait_for(lambda: sum(not one["paused"] for one in up.find("deployments")) >= len(SERVED))
        yield up
    finally:
        if up.process.poll() is None:
            up.process.send_signal(signal.SIGINT)
            up.process.wait(HUNG)


def processes_of(folder: Path) -> list[int]:
    """The processes that carry this workspace in their environment."""
    mark = f"PRESSRUN_WORKSPACE={folder}".encode()
    return [int(file.parent.name) for file in Path("/proc").glob("[0-9]*/environ") if mark in _read(file)]


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:  # ended meanwhile, or somebody else's
        return b""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace as `pressrun init` lays it down, with its list in the store."""
    folder = tmp_path_factory.mktemp("up") / "workspace"
    init(folder)
    file = folder / "subscribers" / "field-notes.csv"
    assert run_here(folder, "subscribers", "import", file, "--list", "news", "--basis", "written").status == 0
    return folder


@pytest.fixture(scope="module")
def ports() -> list[int]:
    return free_ports(3)


@pytest.fixture(scope="module")
def up(folder: Path, ports: list[int]) -> Iterator[Up]:
    """One that runs while the tests look at it."""
    with running(folder, ports) as up:
        yield up


def test_every_address_it_names_answers(up: Up) -> None:
    for address in (f"http://127.0.0.1:{up.server}", f"http://127.0.0.1:{up.site}", f"smtp://127.0.0.1:{up.sink}"):
        assert address in up.said
    page = httpx.get(f"http://127.0.0.1:{up.server}", follow_redirects=True, timeout=HUNG)
    assert "<html" in page.text
    ui = httpx.get(f"http://127.0.0.1:{up.server}/ui-settings", timeout=HUNG).json()
    assert ui["api_url"] == f"http://127.0.0.1:{up.server}/api"
    assert "Field Notes" in httpx.get(f"http://127.0.0.1:{up.site}/field-notes/", timeout=HUNG).text
    with socket.create_connection(("127.0.0.1", up.sink), 20) as client:
        assert client.recv(4).startswith(b"220 ")


def test_every_flow_can_be_started_from_the_ui(up: Up) -> None:
    assert set(up.find_deployments()) == SERVED


def test_a_second_one_is_told_in_a_line_and_leaves_the_first_alone(up: Up) -> None:
    second = start(up.folder.parent, [up.server, up.site, up.sink], workspace=up.folder)
    assert second.process.wait(HUNG) == 2
    assert second.said.count("\n") == 1
    assert str(up.server) in second.said
    assert httpx.get(f"http://127.0.0.1:{up.server}/api/health", timeout=HUNG).is_success


def test_a_run_started_from_the_ui_delivers_to_the_receiver(up: Up) -> None:
    deployment = up.find_deployments()["publish-issue/here"]
    body = {"parameters": {"issue": ISSUE, "lists": ["news"]}, "state": {"type": "SCHEDULED"}}
    address = f"http://127.0.0.1:{up.server}/api/deployments/{deployment['id']}/create_flow_run"
    ask("POST", address, body)
    wait_for(lambda: [run["state_type"] for run in up.find_runs()] in (["COMPLETED"], ["FAILED"], ["CRASHED"]))
    (run,) = up.find_runs()
    assert run["name"] == f"{ISSUE} → news list, {PEOPLE} people"
    assert run["state"]["message"] == f"{PEOPLE} of {PEOPLE} sent"
    assert len(read_maildir(up.folder / ".pressrun" / "maildir")) == PEOPLE
    assert up.said.count("received for ") == PEOPLE
    preview = httpx.get(f"http://127.0.0.1:{up.site}/preview/{ISSUE}/preview.html", timeout=HUNG)
    assert "Field Notes" in preview.text
    links = [one["data"] for one in up.find("artifacts") if one["key"].startswith("preview-")]
    assert f"http://127.0.0.1:{up.site}/preview/{ISSUE}/preview.html" in links[0]


def test_publish_runs_on_it_where_its_address_is_set_and_mails_nobody_again(up: Up) -> None:
    ended = run_process(up.folder, "publish", ISSUE, "--list", "news", env=up.environment)
    assert (ended.status, ended.out) == (0, f"{ISSUE}: {PEOPLE} of {PEOPLE} sent\n"), ended.err
    assert "temporary server" not in ended.err
    assert len(read_maildir(up.folder / ".pressrun" / "maildir")) == PEOPLE
    assert len(up.find_runs()) == 2


@needs_proc
def test_interrupt_ends_it_all_and_the_next_start_has_the_history(up: Up, ports: list[int]) -> None:
    before = {run["id"] for run in up.find_runs()}
    assert len(processes_of(up.folder)) >= 2
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(HUNG) == 0, up.said
    assert processes_of(up.folder) == []
    with running(up.folder, ports) as again:
        assert {run["id"] for run in again.find_runs()} == before
        assert set(again.find_deployments()) == SERVED
        again.process.kill()
        again.process.wait()
        wait_for(lambda: not processes_of(up.folder))


@needs_proc
def test_interrupt_while_it_is_starting_ends_it_too(tmp_path: Path) -> None:
    init(tmp_path / "workspace")
    up = start(tmp_path / "workspace", free_ports(3))
    wait_for(lambda: processes_of(up.folder))
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(HUNG) == 0, up.said
    assert processes_of(up.folder) == []
    assert "Prefect UI" not in up.said


@pytest.mark.parametrize("taken", ["SERVER", "SITE", "SINK"])
def test_a_taken_port_is_told_in_one_line_before_anything_is_begun(tmp_path: Path, taken: str) -> None:
    init(tmp_path / "workspace")
    names = ["SERVER", "SITE", "SINK"]
    ports = free_ports(3)
    with socket.create_server(("127.0.0.1", ports[names.index(taken)])):
        up = start(tmp_path / "workspace", ports)
        assert up.process.wait(HUNG) == 2
    assert up.said.count("\n") == 1, up.said
    assert f"127.0.0.1:{ports[names.index(taken)]}" in up.said
    assert f"PRESSRUN_{taken}_PORT" in up.said
    assert not (tmp_path / "workspace" / ".pressrun" / "prefect").exists()
