"""A small publication written by the tests, and the repository's own issues where they load."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from written_issue import REPOSITORY, write_issue

from pressrun.finding import Severity
from pressrun.site.build import site
from pressrun.source.loader import load_issue
from pressrun.workspace import Workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A workspace with two issues of one publication; its templates are the repository's."""
    write_issue(tmp_path, "2025-04", 2025, 4, 9, "2025-12-31")
    write_issue(tmp_path, "2026-01", 2026, 1, 10, "2026-03-31")
    return open_workspace(tmp_path)


@pytest.fixture(scope="session")
def real_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site of the repository's own issues."""
    workspace = open_workspace(REPOSITORY)
    for folder in workspace.issue_folders():
        errors = [f for f in load_issue(folder).findings if f.severity is Severity.ERROR]
        if errors:
            pytest.skip(f"the repository's issues don't load: {errors[0]}")
    out = tmp_path_factory.mktemp("site") / "out"
    site(workspace, out)
    return out


@pytest.fixture(params=["written", "real"])
def any_site(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The site of the written issues, then that of the repository's."""
    if request.param == "real":
        real: Path = request.getfixturevalue("real_site")
        return real
    out = tmp_path / "out"
    site(request.getfixturevalue("workspace"), out)
    return out


@pytest.fixture
def build(workspace: Workspace, tmp_path: Path) -> Callable[[], Path]:
    """Build the written issues into `out`, which it gives."""

    def run() -> Path:
        site(workspace, tmp_path / "out")
        return tmp_path / "out"

    return run
