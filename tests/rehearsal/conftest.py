"""A rehearsal's own store, which is always SQLite."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pressrun.store.database import Database, open_database


@pytest.fixture
async def replica(tmp_path: Path) -> AsyncIterator[Database]:
    """An open SQLite database with its tables."""
    async with open_database(f"sqlite:///{tmp_path}/replica/pressrun.db") as opened:
        yield opened
