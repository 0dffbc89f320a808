"""What SpamAssassin makes of a message by its own rules, without asking the network."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from patience import HUNG

_PROGRAM = shutil.which("spamassassin")
_SCORE = re.compile(r"^Content analysis details:\s+\((-?[\d.]+) points", re.MULTILINE)
_TEST = re.compile(r"^\s*(-?\d+(?:\.\d)?) ([A-Z0-9_]{3,})", re.MULTILINE)

needs_spamassassin = [pytest.mark.judged, pytest.mark.skipif(not _PROGRAM, reason="no SpamAssassin here")]
"""The marks of tests that ask SpamAssassin: `pytestmark = needs_spamassassin`."""


@dataclass(frozen=True)
class Verdict:
    """The points of a message, and of each rule it met."""

    score: float
    rules: Mapping[str, float]


def judge_message(message: bytes, home: Path) -> Verdict:
    """The verdict on `message`; `home` is an empty folder, so that nothing it has learnt before counts."""
    assert _PROGRAM
    command = [_PROGRAM, "--local", "--test-mode", "--nocreate-prefs"]
    environment = {"HOME": str(home), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"}
    done = subprocess.run(command, input=message, capture_output=True, check=True, timeout=HUNG, env=environment)
    report = done.stdout.decode(errors="replace")
    found = _SCORE.findall(report)
    assert found, report
    return Verdict(float(found[-1]), {rule: float(points) for points, rule in _TEST.findall(report)})
