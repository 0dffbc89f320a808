"""What runs do about hubs: they tell them of what changed, and a hub that fails fails no run."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from pressrun.errors import PressrunError
from pressrun.site.hub import Pinged
from pressrun.workspace import Workspace
from small_issue import PUBLICATION, write_small_issue

pytestmark = pytest.mark.prefect


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose publication has a hub."""
    write_small_issue(tmp_path, publication=f"{PUBLICATION}hub: https://hub.example.com/\n")
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    return tmp_path


@pytest.fixture
def ping(server: str) -> ModuleType:
    return importlib.import_module("flows.ping")


async def test_a_hub_is_told_of_what_changed_and_of_nothing_else(
    ping: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    async def refuse(workspace: Workspace, publication: str) -> list[Pinged]:
        assert (workspace.site_folder / publication / "atom.xml").is_file()  # the hub fetches what it is told of
        told.append(publication)
        return [Pinged("https://small.example.com/news/atom.xml", "answered 503")]

    monkeypatch.setattr(ping, "ping_hub", refuse)
    build_site = importlib.import_module("flows.site").build_site
    for _ in range(2):
        assert (await build_site(return_state=True)).type.value == "COMPLETED"
    assert told == ["small"]


async def test_a_hub_that_cannot_be_told_fails_no_run(
    ping: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(workspace: Workspace, publication: str) -> list[Pinged]:
        raise PressrunError("no feed", "write the site first")

    monkeypatch.setattr(ping, "ping_hub", fail)
    assert (await importlib.import_module("flows.site").build_site(return_state=True)).type.value == "COMPLETED"
