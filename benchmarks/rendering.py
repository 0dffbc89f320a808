"""Rendering: an issue as mail, its MJML compiled, and the site of all publications."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Contender, Contest, Result, Sample, Scale, begin, hold
from pressrun.render import mail
from pressrun.render.mjml import compile_mjml
from pressrun.render.slot import SlotTokens
from pressrun.render.theme import load_theme
from pressrun.site.build import site
from pressrun.source.issue import Issue
from pressrun.source.loader import load_issue
from pressrun.workspace import Workspace, open_workspace

ISSUE = "spp/2026-02"
_NODE_SCRIPT = Path(__file__).with_name("mjml.cjs")
_COLD = """
import sys
from pathlib import Path
from pressrun.render.mail import render
from pressrun.source.loader import load_issue
from pressrun.workspace import open_workspace
workspace = open_workspace(Path(sys.argv[1]))
render(load_issue(workspace.issue_folder(sys.argv[2])).issue, workspace.template_folders)
"""


@dataclass(frozen=True)
class Job:
    """The workspace, and how often to do what takes milliseconds."""

    root: Path
    repeats: int


def measure(root: Path, scale: Scale) -> list[Result]:
    """Hold the contests on the issues of the workspace at `root`."""
    job = Job(root, scale.repeats)
    rendering = f"`render()` of {ISSUE}, warm; against a first one, and against what of it is text and templates."
    mjml = f"The MJML of {ISSUE}, warm: pressrun's preflight and mends with mjml-python, against npm's mjml."
    contests = (
        Contest("Rendering an issue", "issue", rendering, job, RENDERERS),
        Contest("Compiling MJML", "issue", mjml, job, compilers()),
        Contest("Building the site", "site", "`site()`: pages, feeds and pictures of all publications.", job, SITES),
    )
    return [hold(contest, scale.rounds) for contest in contests]


def _open(job: Job) -> tuple[Workspace, Issue]:
    workspace = open_workspace(job.root)
    issue = load_issue(workspace.issue_folder(ISSUE)).issue
    assert issue
    return workspace, issue


def render_warm(job: Job) -> Sample:
    """`render()` again and again, after a first time."""
    workspace, issue = _open(job)
    mail.render(issue, workspace.template_folders)
    started = begin()
    for _ in range(job.repeats):
        mail.render(issue, workspace.template_folders)
    return started.until_now(job.repeats)


def render_cold(job: Job) -> Sample:
    """A new Python that imports, loads the issue and renders it once."""
    started = begin()
    subprocess.run([sys.executable, "-c", _COLD, str(job.root), ISSUE], check=True)
    return started.until_now(1)


def fill_templates(job: Job) -> Sample:
    """Only Markdown and Jinja2, as far as the MJML."""
    workspace, issue = _open(job)
    make_mjml(workspace, issue)
    started = begin()
    for _ in range(job.repeats):
        make_mjml(workspace, issue)
    return started.until_now(job.repeats)


def make_mjml(workspace: Workspace, issue: Issue) -> str:
    """The MJML that `render()` compiles."""
    theme = load_theme(issue.publication.theme, workspace.template_folders)
    values = mail._values(issue, theme, SlotTokens("s0123456789ab"))
    return mail._render_mjml(issue, theme, workspace.template_folders, values)


def compile_here(job: Job) -> Sample:
    """`compile_mjml`."""
    source = make_mjml(*_open(job))
    compile_mjml(source, ISSUE)
    started = begin()
    for _ in range(job.repeats):
        compile_mjml(source, ISSUE)
    return started.until_now(job.repeats)


def compile_in_node(job: Job) -> Sample:
    """npm's mjml, which measures itself: Node's start does not count."""
    command = ["node", str(_NODE_SCRIPT), str(job.repeats)]
    source = make_mjml(*_open(job)).encode()
    told = subprocess.run(command, input=source, capture_output=True, check=True).stdout
    return Sample(units=job.repeats, **json.loads(told))


def build_site(job: Job) -> Sample:
    """`site()` into a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        started = begin()
        site(open_workspace(job.root), Path(folder) / "site")
        return started.until_now(1)


def copy_site(job: Job) -> Sample:
    """The same files, copied."""
    with tempfile.TemporaryDirectory() as folder:
        site(open_workspace(job.root), Path(folder) / "site")
        started = begin()
        shutil.copytree(Path(folder) / "site", Path(folder) / "copy")
        return started.until_now(1)


def compilers() -> tuple[Contender, ...]:
    """Those that compile MJML; NODE_PATH may say where npm's is."""
    name, missing = "npm's mjml", "Node.js is not installed"
    if shutil.which("node"):
        asked = subprocess.run(["node", str(_NODE_SCRIPT), "0"], capture_output=True, text=True, check=False)
        name += f" {asked.stdout.strip()}".rstrip()
        missing = "it is not installed (`npm install --prefix benchmarks mjml`)" if asked.returncode else ""
    return Contender("pressrun", compile_here), Contender(name, compile_in_node, missing)


RENDERERS = (
    Contender("`render()`, warm", render_warm),
    Contender("`render()`, cold: a new Python process", render_cold),
    Contender("Markdown and Jinja2 alone, warm", fill_templates),
)
SITES = (Contender("`site()`", build_site), Contender("copying the same files", copy_site))
