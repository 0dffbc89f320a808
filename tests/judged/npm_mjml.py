"""What npm's mjml, the reference, makes of a document."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from judged.npm import MODULES, find_file
from patience import HUNG

_NODE = shutil.which("node")
_SCRIPT = """
const mjml2html = require('mjml').default || require('mjml');
const source = require('fs').readFileSync(0, 'utf8');
Promise.resolve(mjml2html(source, {validationLevel: 'skip', keepComments: true, fonts: {}})).then(made => {
  process.stdout.write(made.html);
});
"""

needs_npm_mjml = [
    pytest.mark.judged,
    pytest.mark.skipif(not _NODE, reason="no Node.js here"),
    pytest.mark.skipif(
        not find_file("mjml/package.json"), reason="mjml is not installed (make test-marked does that where npm is)"
    ),
]
"""The marks of tests that ask it: `pytestmark = needs_npm_mjml`."""


def compile_with_npm(mjml: str) -> str:
    """The HTML of the document `mjml`."""
    assert _NODE
    environment = os.environ | {"NODE_PATH": str(MODULES)}
    done = subprocess.run(
        [_NODE, "-e", _SCRIPT], input=mjml.encode(), capture_output=True, check=True, timeout=HUNG, env=environment
    )
    return done.stdout.decode()
