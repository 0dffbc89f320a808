"""Rendering: an issue as mail, its MJML compiled, and the site of all publications."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.measure import Bar, Contender, Contest, Result, Sample, Scale, begin, hold
from benchmarks.report import seconds
from benchmarks.sender import node_environment
from benchmarks.ten_articles import ARTICLES, open_ten_articles
from pressrun.render import mail, writing
from pressrun.render.mjml import compile_mjml
from pressrun.site.build import site
from pressrun.source.issue import Issue
from pressrun.workspace import Workspace, open_workspace

WARM_BAR = 0.060  # seconds
_NAME = "mail.mjml.j2"
_NODE_SCRIPT = Path(__file__).with_name("mjml.cjs")
_COLD = """
import sys
from pathlib import Path
from benchmarks.ten_articles import open_ten_articles
from pressrun.render.mail import render
from pressrun.workspace import open_workspace
workspace = open_workspace(Path(sys.argv[1]))
render(open_ten_articles(workspace), workspace.template_folders)
"""


@dataclass(frozen=True)
class Job:
    """The workspace, and how often to do what takes milliseconds."""

    root: Path
    repeats: int


def measure(root: Path, scale: Scale) -> list[Result]:
    """Hold the contests on the issues of the workspace at `root`."""
    job = Job(root, scale.repeats)
    rendering = f"`render()` of {ARTICLES} articles, warm; against a first one, and all of it but compiling MJML."
    mjml = f"The MJML of the same {ARTICLES} articles, warm: pressrun's checks and mends with mjml-python, and npm's."
    contests = (
        Contest("Rendering an issue", "issue", rendering, job, RENDERERS),
        Contest("Compiling MJML", "issue", mjml, job, compilers()),
        Contest("Building the site", "site", "`site()`: pages, feeds and pictures of all publications.", job, SITES),
    )
    rendered, *others = [hold(contest, scale.rounds) for contest in contests]
    return [replace(rendered, bars=(_bar(rendered),)), *others]


def _bar(rendered: Result) -> Bar:
    warm = median(rendered.lines[0].walls)
    return Bar(f"rendering {ARTICLES} articles, warm", f"at most {seconds(WARM_BAR)}", seconds(warm), warm <= WARM_BAR)


def _open(job: Job) -> tuple[Workspace, Issue]:
    workspace = open_workspace(job.root)
    return workspace, open_ten_articles(workspace)


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
    subprocess.run([sys.executable, "-c", _COLD, str(job.root)], check=True, cwd=job.root)
    return started.until_now(1)


def render_compiled(job: Job) -> Sample:
    """`render()` with an MJML compiler that has the answer ready."""
    workspace, issue = _open(job)
    html = compile_mjml(catch_mjml(workspace, issue), _NAME)
    with _compiling_by(lambda source, name: html):
        started = begin()
        for _ in range(job.repeats):
            mail.render(issue, workspace.template_folders)
        return started.until_now(job.repeats)


def catch_mjml(workspace: Workspace, issue: Issue) -> str:
    """The MJML that `render()` compiles."""
    caught: list[str] = []

    def catch(source: str, name: str) -> str:
        caught.append(source)
        return compile_mjml(source, name)

    with _compiling_by(catch):
        mail.render(issue, workspace.template_folders)
    return caught[0]


@contextmanager
def _compiling_by(compiler: Callable[[str, str], str]) -> Iterator[None]:
    writing.compile_mjml = compiler
    try:
        yield
    finally:
        writing.compile_mjml = compile_mjml


def compile_here(job: Job) -> Sample:
    """`compile_mjml`."""
    source = catch_mjml(*_open(job))
    compile_mjml(source, _NAME)
    started = begin()
    for _ in range(job.repeats):
        compile_mjml(source, _NAME)
    return started.until_now(job.repeats)


def compile_in_node(job: Job) -> Sample:
    """npm's mjml, which measures itself: Node's start does not count."""
    command = ["node", str(_NODE_SCRIPT), str(job.repeats)]
    source = catch_mjml(*_open(job)).encode()
    told = subprocess.run(command, input=source, capture_output=True, check=True, env=node_environment()).stdout
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
    """Those that compile MJML."""
    name, missing = "npm's mjml", "Node.js is not installed"
    if shutil.which("node"):
        asked = subprocess.run(
            ["node", str(_NODE_SCRIPT), "0"], capture_output=True, text=True, check=False, env=node_environment()
        )
        name += f" {asked.stdout.strip()}".rstrip()
        missing = "it is not installed (`make bench` does that where npm is there)" if asked.returncode else ""
    return Contender("pressrun", compile_here), Contender(name, compile_in_node, missing)


RENDERERS = (
    Contender("`render()`, warm", render_warm),
    Contender("`render()`, cold: a new Python process", render_cold),
    Contender("all but compiling MJML, warm", render_compiled),
)
SITES = (Contender("`site()`", build_site), Contender("copying the same files", copy_site))
