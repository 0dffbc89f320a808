"""What tests share: a fresh, migrated database of each kind."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import hypothesis
import pytest

from postgres_database import fresh_postgres, migrated_template, run_apart
from pressrun.last_minute import note_status
from pressrun.store.database import Database, open_database

hypothesis.settings.register_profile("pressrun", deadline=None)  # how fast anything is is not a test's matter
hypothesis.settings.load_profile("pressrun")


@pytest.fixture
async def postgres_url() -> AsyncIterator[str]:
    """The URL of an empty PostgreSQL database."""
    async with fresh_postgres() as url:
        yield url


BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
async def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database that holds nothing yet, not even tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/store/pressrun.db"
        return
    async with fresh_postgres() as url:
        yield url


@pytest.fixture(params=BOTH)
async def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a database with its tables, and nothing in them: a copy of one that was migrated once."""
    if request.param == "sqlite":
        file = tmp_path / "store" / "pressrun.db"
        file.parent.mkdir()
        shutil.copyfile(request.getfixturevalue("migrated_file"), file)
        yield f"sqlite:///{file}"
        return
    async with fresh_postgres(request.getfixturevalue("migrated_postgres")) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with all tables; nobody writes to it."""
    file = tmp_path_factory.mktemp("migrated") / "pressrun.db"
    run_apart(_migrate(f"sqlite:///{file}"))
    return file


@pytest.fixture(scope="session")
def migrated_postgres() -> Iterator[str]:
    """The name of a PostgreSQL database with all tables; nobody connects to it."""
    with migrated_template(_migrate) as name:
        yield name


async def _migrate(url: str) -> None:
    async with open_database(url):
        pass


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database with its tables, and nothing in them."""
    async with open_database(database_url) as opened:
        yield opened


@pytest.fixture(scope="session")
def prefect_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What Prefect runs with in tests: a home for the session, and only the background service that records tasks."""
    services = (
        *("SCHEDULER", "LATE_RUNS", "CANCELLATION_CLEANUP", "FOREMAN", "PAUSE_EXPIRATIONS", "TRIGGERS"),
        *("EVENT_PERSISTER", "EVENT_LOGGER", "REPOSSESSOR", "DB_VACUUM"),
    )
    return {
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "600",
        **{f"PREFECT_SERVER_SERVICES_{name}_ENABLED": "false" for name in services},
    }


def pytest_sessionfinish(exitstatus: int) -> None:
    note_status(int(exitstatus))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--regenerate-golden", action="store_true", help="write tests/golden anew from what is rendered")
