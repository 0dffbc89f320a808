from __future__ import annotations

import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from command import Ended, plain_environment, run_process
from pressrun.orchestration import flow_environment, flow_folder, run_flow, running_server, server_note
from pressrun.up import share_environment
from pressrun.workspace import Workspace, open_workspace
from small_issue import write_small_issue

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def own_flows() -> Iterator[None]:
    """Flows that a test loads from its own workspace are forgotten after it."""
    path, loaded = list(sys.path), {name for name in sys.modules if name.partition(".")[0] == "flows"}
    kept = {name: sys.modules.pop(name) for name in loaded}
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "flows"]:
        del sys.modules[name]
    sys.modules.update(kept)
    sys.path[:] = path


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """A workspace in an environment where nothing is set, of somebody who never used Prefect."""
    import os

    for name in os.environ.keys() - plain_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    write_small_issue(tmp_path)
    return open_workspace(tmp_path)


def test_history_is_kept_in_the_workspaces_state(workspace: Workspace) -> None:
    environment = flow_environment(workspace)
    assert environment["PREFECT_HOME"] == str(workspace.state / "prefect")
    assert environment["PRESSRUN_WORKSPACE"] == str(workspace.root)


@pytest.mark.parametrize("name", ["PREFECT_API_URL", "PREFECT_HOME", "PREFECT_PROFILE"])
def test_who_has_a_prefect_of_their_own_keeps_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "mine")
    assert "PREFECT_HOME" not in flow_environment(workspace)


def test_who_has_a_profile_keeps_it(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "home" / ".prefect").mkdir(parents=True)
    (tmp_path / "home" / ".prefect" / "profiles.toml").touch()
    assert "PREFECT_HOME" not in flow_environment(workspace)


def test_what_is_set_is_never_overridden_but_the_workspace(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "true")
    monkeypatch.setenv("PRESSRUN_WORKSPACE", "/elsewhere")
    environment = flow_environment(workspace)
    assert "PREFECT_SERVER_ANALYTICS_ENABLED" not in environment
    assert environment["PRESSRUN_WORKSPACE"] == str(workspace.root)


def test_the_workspaces_own_flows_come_first(workspace: Workspace) -> None:
    assert flow_folder(workspace) == REPOSITORY / "flows"
    own = workspace.root / "flows"
    own.mkdir()
    assert flow_folder(workspace) == REPOSITORY / "flows"  # an empty folder is no flows
    (own / "publish.py").touch()
    assert flow_folder(workspace) == own


@pytest.fixture
def own_flow(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace's own flow module, with the flows that were loaded before out of the way."""
    for name in [name for name in sys.modules if name == "flows" or name.startswith("flows.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "flows", raising=False)
    monkeypatch.setenv("PRESSRUN_WORKSPACE", "")
    file = workspace.root / "flows" / "publish.py"
    file.parent.mkdir()
    (file.parent / "__init__.py").touch()
    return file


async def test_a_flow_gets_its_parameters_and_gives_its_state(workspace: Workspace, own_flow: Path) -> None:
    own_flow.write_text("async def publish_issue(**parameters):\n    return parameters\n")
    state = await run_flow(workspace, "publish", "publish_issue", issue="small/2026-01")
    assert state == {"issue": "small/2026-01", "return_state": True}


async def test_other_errors_of_a_flow_pass_through(workspace: Workspace, own_flow: Path) -> None:
    own_flow.write_text("async def publish_issue(**parameters):\n    raise RuntimeError('something else')\n")
    with pytest.raises(RuntimeError, match="something else"):
        await run_flow(workspace, "publish", "publish_issue")


def assert_refused(ended: Ended, status: int, *words: str) -> None:
    assert ended.status == status, ended
    assert ended.err.count("\n") == 1, ended.err
    for word in words:
        assert word in ended.err
    assert "Traceback" not in ended.err
    assert "internal error" not in ended.err


@pytest.fixture
def trap(tmp_path: Path) -> dict[str, str]:
    """An environment in which importing Prefect ends the process."""
    (tmp_path / "trap").mkdir()
    (tmp_path / "trap" / "prefect.py").write_text("import os\nos._exit(99)\n")
    return {"PYTHONPATH": str(tmp_path / "trap")}


def test_publishing_an_unknown_issue_names_near_ones_before_prefect_is_loaded(
    tmp_path: Path, trap: dict[str, str]
) -> None:
    write_small_issue(tmp_path)
    ended = run_process(tmp_path, "publish", "small/2026-02", "--list", "news", env=trap)
    assert_refused(ended, 2, "small/2026-02", "did you mean small/2026-01")


def test_publishing_to_an_unknown_list_is_refused_before_prefect_is_loaded(
    tmp_path: Path, trap: dict[str, str]
) -> None:
    write_small_issue(tmp_path)
    assert_refused(run_process(tmp_path, "publish", "small/2026-01", "--list", "nwes", env=trap), 2, "nwes")


def test_publishing_without_a_list_is_refused_before_prefect_is_loaded(tmp_path: Path, trap: dict[str, str]) -> None:
    write_small_issue(tmp_path)
    assert_refused(run_process(tmp_path, "publish", "small/2026-01", env=trap), 2, "--list")


def test_the_trap_does_catch_prefect(tmp_path: Path, trap: dict[str, str]) -> None:
    write_small_issue(tmp_path)
    run_process(tmp_path, "subscribers", "add", "a@example.com", "--list", "news")
    assert run_process(tmp_path, "publish", "small/2026-01", "--list", "news", env=trap).status == 99


@pytest.mark.prefect
def test_a_server_that_is_not_there_is_told_in_one_line(tmp_path: Path) -> None:
    write_small_issue(tmp_path)
    run_process(tmp_path, "subscribers", "add", "a@example.com", "--list", "news")
    env = {"PREFECT_API_URL": "http://127.0.0.1:9/api", "PREFECT_HOME": str(tmp_path / "prefect")}
    ended = run_process(tmp_path, "publish", "small/2026-01", "--list", "news", env=env, timeout=40)
    assert_refused(ended, 1, "http://127.0.0.1:9/api", "PREFECT_API_URL")
    assert ended.out == ""


def test_a_relay_that_somebody_set_is_not_written_down(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"PREFECT_API_URL": "a", "PRESSRUN_PREVIEW_URL": "b", "PRESSRUN_SMTP_URL": "smtp://u:secret@c"}
    assert set(share_environment(workspace, environment)) == set(environment)
    monkeypatch.setenv("PRESSRUN_SMTP_URL", environment["PRESSRUN_SMTP_URL"])
    with_relay = open_workspace(workspace.root)
    assert share_environment(with_relay, environment) == {"PREFECT_API_URL": "a", "PRESSRUN_PREVIEW_URL": "b"}


def test_a_server_that_is_noted_but_gone_is_not_used(workspace: Workspace) -> None:
    workspace.state.mkdir(parents=True, exist_ok=True)
    server_note(workspace).write_text("PREFECT_API_URL=http://127.0.0.1:9/api\n")
    assert running_server(workspace) == {}


def test_the_server_of_a_running_up_is_used_where_it_answers(workspace: Workspace) -> None:
    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/api/health" else 404)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Health)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        workspace.state.mkdir(parents=True, exist_ok=True)
        address = f"http://127.0.0.1:{server.server_port}/api"
        server_note(workspace).write_text(f"PREFECT_API_URL={address}\nPRESSRUN_SMTP_URL=smtp://127.0.0.1:9\n")
        environment = flow_environment(workspace)
        assert environment["PREFECT_API_URL"] == address
        assert environment["PRESSRUN_SMTP_URL"] == "smtp://127.0.0.1:9"
    finally:
        server.shutdown()
        server.server_close()
