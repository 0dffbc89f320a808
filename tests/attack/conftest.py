"""A web part with people, lists and tokens, for those who attack it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from besieged import Besieged, besieged

from pressrun.public import doors
from pressrun.public.limit import Limiter, make_limits


@pytest.fixture
async def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Besieged]:
    """The application as it runs, with everything in it that a route may ask for."""
    for name in ("DATABASE_URL", "SITE_FOLDER", "PREVIEW_FOLDER", "SECRET_KEY", "SMTP_URL"):
        monkeypatch.delenv(f"PRESSRUN_{name}", raising=False)
    # The API's own limit is tried elsewhere; here it would keep most of what is tried from being read.
    monkeypatch.setattr(doors, "make_limits", lambda clock: replace(make_limits(clock), api=Limiter(1e6, 1e6, clock)))
    async with besieged(tmp_path) as opened:
        yield opened
