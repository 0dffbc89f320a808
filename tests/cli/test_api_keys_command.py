from __future__ import annotations

import asyncio
import datetime as dt
import json
from pathlib import Path

import pytest

from command import run_here
from pressrun.store.api_key import ApiScope, find_api_key
from pressrun.store.database import open_database
from pressrun.workspace import open_workspace
from small_issue import write_small_issue

NOW = dt.datetime.now(dt.UTC)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_small_issue(tmp_path)
    return tmp_path


def look(workspace: Path, text: str, now: dt.datetime = NOW) -> bool:
    async def find() -> bool:
        async with open_database(open_workspace(workspace).database_url) as database:
            return await find_api_key(database, text, now) is not None

    return asyncio.run(find())


def test_a_key_is_printed_once_listed_without_its_secret_and_revoked(workspace: Path) -> None:
    made = run_here(workspace, "api-keys", "add", "shop", "--scope", "subscribers:write", "--scope", "logs:read")
    assert made.status == 0, made.err
    text = made.out.strip()
    assert text.startswith("prk_")
    assert look(workspace, text)
    listed = run_here(workspace, "api-keys", "list", "--format", "json")
    row = json.loads(listed.out)
    assert (row["name"], row["state"], row["scopes"]) == ("shop", "good", "logs:read subscribers:write")
    assert text.rpartition("_")[2] not in listed.out
    assert run_here(workspace, "api-keys", "revoke", row["id"]).status == 0
    assert not look(workspace, text)
    assert json.loads(run_here(workspace, "api-keys", "list", "--format", "json").out)["state"] == "revoked"


def test_a_key_with_an_end_opens_nothing_after_it(workspace: Path) -> None:
    text = run_here(workspace, "api-keys", "add", "guest", "--scope", "issues:read", "--days", 2).out
    assert look(workspace, text.strip())
    assert not look(workspace, text.strip(), NOW + dt.timedelta(days=3))


def test_what_is_no_scope_name_or_key_is_told_with_a_remedy(workspace: Path) -> None:
    wrong = run_here(workspace, "api-keys", "add", "shop", "--scope", "subscriber:write")
    assert wrong.status == 2
    assert "did you mean subscribers:write?" in wrong.err
    unknown = run_here(workspace, "api-keys", "add", "shop", "--scope", "everything!")
    assert all(scope in unknown.err for scope in ApiScope)
    assert run_here(workspace, "api-keys", "add", " ", "--scope", "logs:read").status == 2
    assert run_here(workspace, "api-keys", "add", "shop").status == 2
    assert "pressrun api-keys list" in run_here(workspace, "api-keys", "revoke", "none").err
