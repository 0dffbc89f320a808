"""schemathesis asks the API all that its description allows, and what it doesn't, and holds each answer against it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from api_desk import open_desk
from api_server import serving
from patience import HUNG

EXAMPLES = 30
"""Of each operation, in each of the phases."""

# Valid but refused: what a schema can't tell, such as a list that is not there or a state that changed.
CONFIG = """\
[checks]
positive_data_acceptance.expected-statuses = ["2xx", 401, 403, 404, 409, 412, 422]

[[operations]]
include-path-regex = "^/sends/.*"
parameters = { "path.publication" = "small", "path.issue" = "2026-01" }

[[operations]]
include-path = "/issues/{publication}/{issue}"
parameters = { "path.publication" = "small", "path.issue" = "2026-01" }
"""


class _NeverTwice:
    """Makes every Idempotency-Key another: an answer that is given again names what somebody may have removed since."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._count += 1
        headers = [(name, self._renamed(name, value)) for name, value in scope["headers"]]
        await self._app({**scope, "headers": headers}, receive, send)

    def _renamed(self, name: bytes, value: bytes) -> bytes:
        is_good = name == b"idempotency-key" and 0 < len(value) < 240
        return b"%b%d" % (value, self._count) if is_good else value


@pytest.mark.judged
async def test_every_answer_is_as_the_description_says(tmp_path: Path) -> None:
    (tmp_path / "schemathesis.toml").write_text(CONFIG, encoding="utf-8")
    async with (
        open_desk(tmp_path, f"sqlite:///{tmp_path}/pressrun.db") as desk,
        serving(_NeverTwice(desk.app)) as address,
    ):
        key = (await desk.make_key())[1]
        options = ["--checks", "all", "--max-examples", str(EXAMPLES), "--seed", "1", "--generation-deterministic"]
        options += ["--continue-on-failure", "--no-color", "--warnings", "off"]
        asked = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{address}/openapi.json", "--url", address),
            *("-H", f"Authorization: Bearer {key}", *options),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(asked.communicate(), 10 * HUNG)
    assert asked.returncode == 0, said.decode()[-20_000:]
    assert "Failures:" not in said.decode()
