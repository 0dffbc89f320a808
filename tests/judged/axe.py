"""What axe-core finds on a page that hinders people with impairments.

page = ...  # a BrowserPage that shows something
assert await find_violations(page) == []
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from dataclasses import dataclass

import pytest

from browser_page import CHROMIUM, BrowserPage
from judged.npm import find_file

_SCRIPT = find_file("axe-core/axe.min.js")
_PATIENCE = 180
_ASK = """
window.axeSays = null;
axe.run(document, {rules: %s, resultTypes: ['violations']})
  .then(says => ({violations: says.violations}), fault => ({fault: String(fault)}))
  .then(says => { window.axeSays = JSON.stringify(says); });
0"""

needs_axe = [
    pytest.mark.judged,
    pytest.mark.chromium,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium here"),
    pytest.mark.skipif(not _SCRIPT, reason="axe-core is not installed (make test-marked does that where npm is)"),
]
"""The marks of tests that ask axe: `pytestmark = needs_axe`."""


@dataclass(frozen=True)
class Violation:
    """A rule of axe that a page breaks: its name, what it demands, and the elements that break it."""

    rule: str
    demand: str
    elements: tuple[str, ...]


async def find_violations(page: BrowserPage, without: Collection[str] = ()) -> list[Violation]:
    """What all of axe's rules but `without` find on `page`, as it stands; each rule left out needs its reason."""
    assert _SCRIPT
    await page.measure(f"{_SCRIPT.read_text(encoding='utf-8')}; 0")
    rules = json.dumps({rule: {"enabled": False} for rule in without})
    await page.measure(_ASK % rules)
    async with asyncio.timeout(_PATIENCE):
        while not await page.measure("Boolean(window.axeSays)"):
            await asyncio.sleep(0.05)
    said = json.loads(await page.measure("window.axeSays"))
    assert "violations" in said, said
    return [
        Violation(each["id"], each["help"], tuple(node["html"][:200] for node in each["nodes"]))
        for each in said["violations"]
    ]
