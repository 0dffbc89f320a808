"""One Prefect server for all tests of flows, and the flows themselves, which import Prefect only when asked for."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from command import plain_environment

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def prefect_set_up(prefect_environment: dict[str, str]) -> Iterator[None]:
    """Prefect reads its settings when it is imported: whoever imports it in this process comes after this."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ.keys() - plain_environment().keys():
            patch.delenv(name)
        for name, value in prefect_environment.items():
            patch.setenv(name, value)
        patch.syspath_prepend(str(REPOSITORY))
        yield


@pytest.fixture(scope="session")
def server(prefect_set_up: None) -> Iterator[str]:
    """The address of a running server's API, which flows in this process use."""
    from prefect.settings import PREFECT_API_URL
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=600):
        yield PREFECT_API_URL.value() or ""


@pytest.fixture
def publish(server: str) -> ModuleType:
    """The module of publish-issue."""
    return importlib.import_module("flows.publish")


@pytest.fixture
def deliver(server: str) -> ModuleType:
    """The module of deliver-send."""
    return importlib.import_module("flows.deliver")


@pytest.fixture
def delivery(server: str) -> ModuleType:
    """The module that both deliver with."""
    return importlib.import_module("flows.delivery")
