"""build-site: it asks the store that the secrets name, and tells what it can't do."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pressrun.store.database import open_database
from pressrun.store.tables import deliveries
from small_issue import PUBLICATION, write_small_issue
from small_world import prepare

pytestmark = pytest.mark.prefect


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace whose publication wants approval, and whose environment names no store."""
    write_small_issue(tmp_path, publication=f"{PUBLICATION}approval: required\n")
    monkeypatch.setenv("PRESSRUN_WORKSPACE", str(tmp_path))
    monkeypatch.setenv("PRESSRUN_DATABASE_URL", "")
    return tmp_path


@pytest.fixture
async def store_in_a_block(server: str, folder: Path) -> AsyncIterator[None]:
    """The store's address is kept in Prefect; messages of the issue have left."""
    blocks, url = importlib.import_module("flows.blocks"), f"sqlite:///{folder}/elsewhere.db"
    async with open_database(url) as database:
        await prepare(database, 1, issue="small/2026-01")
        async with database.write() as connection:
            await connection.execute(sa.update(deliveries).values(attempts=1))
    await blocks.PressrunSecrets(database_url=url).asave(blocks.NAME)
    yield
    await blocks.PressrunSecrets.adelete(blocks.NAME)


async def test_what_was_sent_is_on_the_site_where_the_stores_address_is_in_a_block(
    folder: Path, store_in_a_block: None
) -> None:
    build_site = importlib.import_module("flows.site").build_site
    assert (await build_site(return_state=True)).type.value == "COMPLETED"
    assert list((folder / ".pressrun" / "site").rglob("2026-01/index.html"))


async def test_what_can_not_be_built_is_told_in_a_line(server: str, folder: Path) -> None:
    build_site = importlib.import_module("flows.site").build_site
    state = await build_site(publications=["smal"], return_state=True)
    assert (state.type.value, state.name) == ("FAILED", "Failed")
    assert state.message == "no publication with issues is called 'smal' — known: small"
