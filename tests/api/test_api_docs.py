"""The commands of docs/api.md do what it says."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest

from api_desk import Desk
from api_server import serving
from patience import HUNG
from pressrun.api.app import OPERATIONS
from pressrun.store.api_key import ApiScope

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
COMMANDS = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_every_command_of_the_page_succeeds(desk: Desk) -> None:
    async with serving(desk.app) as address:
        script = COMMANDS.replace("curl -sS", "curl -sS --fail-with-body -w '\\n'")
        environment = {"API": address, "KEY": (await desk.make_key())[1], "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
        ran = await asyncio.create_subprocess_exec(
            *("bash", "-euc", script), env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await asyncio.wait_for(ran.communicate(), HUNG)
    assert ran.returncode == 0, err.decode() + out.decode()
    answers = [json.loads(line) for line in out.decode().splitlines() if line]
    assert len(answers) == COMMANDS.count("curl -sS")
    assert {"id": 4, "is_new": True, "joined": {"news": "added"}} in answers
    assert {"id": 4, "lists": ["news"]} in answers


def test_the_page_names_every_scope_and_no_other() -> None:
    table = re.findall(r"^\| `(\w+:\w+)` \|", PAGE, re.MULTILINE)
    assert table == list(ApiScope)


def test_the_page_names_no_path_that_is_not_there() -> None:
    paths = {one.path for one in OPERATIONS}
    named = re.findall(r"`(?:GET|POST|PATCH|PUT|DELETE) (/[^`?]*)`", PAGE)
    assert named
    assert [path for path in named if path not in paths] == []
