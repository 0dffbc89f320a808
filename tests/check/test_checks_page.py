"""docs/checks.md names every rule with its severity; each finds its bad examples and leaves the good ones alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from PIL import Image

from pressrun.check import RULES, review
from pressrun.check.online import Asker
from pressrun.check.rule import Stage
from pressrun.check.support import read_support
from pressrun.finding import Severity
from pressrun.source.model import Publication
from pressrun.workspace import open_workspace
from small_issue import ISSUE, PUBLICATION, write_small_issue

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^### `([\w-]+)`\n(.*?)(?=^### `|\Z)", PAGE, re.MULTILINE | re.DOTALL))
_FENCE = re.compile(r"^```(\w+) (bad|good)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Example:
    """What one example writes: pieces of text, each of a kind (markdown, yaml, jinja, text)."""

    rule: str
    is_bad: bool
    pieces: tuple[tuple[str, str], ...]


def examples() -> Iterator[Example]:
    """The page's examples: a YAML piece and the text piece after it are one."""
    for rule, section in SECTIONS.items():
        pieces: list[tuple[str, str, str]] = _FENCE.findall(section)
        for n, (kind, verdict, text) in enumerate(pieces):
            if kind == "text" and n and pieces[n - 1][:2] == ("yaml", verdict):
                continue
            follows = pieces[n + 1 : n + 2] if kind == "yaml" else []
            more = [(one, said) for one, same, said in follows if one == "text" and same == verdict]
            yield Example(rule, verdict == "bad", ((kind, text), *more))


def write(folder: Path, example: Example) -> Path:
    """Write the small issue with what the example says."""
    issue = write_small_issue(folder)
    writers = {"markdown": write_article, "yaml": write_yaml, "text": write_file, "jinja": write_template}
    for kind, text in example.pieces:
        writers[kind](issue, text)
    return issue


def write_article(issue: Path, text: str) -> None:
    head = "" if text.startswith("---\n") else "---\ntitle: An article\nauthors: [Ann]\n---\n"
    (issue / "first.md").write_text(head + text, encoding="utf-8")


def write_yaml(issue: Path, text: str) -> None:
    """Change keys of the files that the comments name."""
    for name, changes in re.findall(r"^# (\S+)\n((?:[^#\n].*\n|\n)*)", text, re.MULTILINE):
        file = issue.parent / name if "/" in name or name == "publication.yaml" else issue / name
        base: dict[str, Any] = yaml.load(PUBLICATION if name == "publication.yaml" else ISSUE, yaml.BaseLoader)
        base |= yaml.load(changes, yaml.BaseLoader)
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(base, allow_unicode=True, sort_keys=False), encoding="utf-8")


def write_file(issue: Path, text: str) -> None:
    """A file of some size, or an article."""
    if found := re.match(r"an article of (\d+) KB", text):
        paragraph = "One more line about a workshop that took place somewhere, and what was said there.\n\n"
        write_article(issue, paragraph * (int(found[1]) * 1024 // len(paragraph)))
        return
    name, size = text.strip().split(": ")
    file = issue / name
    if found := re.match(r"(\d+) × (\d+) pixels", size):
        Image.new("L", (int(found[1]), int(found[2])), 128).save(file)
        return
    octets = int(re.match(r"\d+", size)[0]) * 1024 * 1024  # type: ignore[index]
    before = file.read_bytes() if file.exists() else b"%PDF-1.4\n"
    file.write_bytes(before + b"\0" * (octets - len(before)))


def write_template(issue: Path, text: str) -> None:
    """A template in the workspace, before the one that comes with pressrun."""
    name = re.match(r"\{# (\S+) #\}\n", text)
    assert name
    file = issue.parents[2] / name[1]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text[name.end() :], encoding="utf-8")


class Net(httpx.AsyncBaseTransport):
    """Answers as its paths are called."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/gone":
                return httpx.Response(404)
            case "/broken":
                raise httpx.ConnectError("no route to the host")
            case "/moved":
                return httpx.Response(301, headers={"Location": "https://www.example.com/report"})
        return httpx.Response(200)


def can_be_silenced(example: Example) -> bool:
    rule = RULES[example.rule]
    return rule.can_be_silenced and rule.stage is not Stage.ONLINE


def test_every_rule_has_its_section_with_its_severity() -> None:
    assert list(SECTIONS) == list(RULES)
    for rule in RULES.values():
        assert SECTIONS[rule.id].startswith(f"**{rule.severity.title()}.** "), rule.id


def test_every_rule_has_a_bad_example_and_a_good_one() -> None:
    shown = {(example.rule, example.is_bad) for example in examples()}
    assert shown == {(rule, is_bad) for rule in RULES for is_bad in (True, False)}


def test_every_example_is_one_that_this_test_reads() -> None:
    assert PAGE.count(" bad\n") + PAGE.count(" good\n") == sum(len(example.pieces) for example in examples())


@pytest.mark.parametrize("example", [*examples()], ids=lambda one: f"{one.rule}-{'bad' if one.is_bad else 'good'}")
def test_an_example_is_found_or_left_alone(example: Example, tmp_path: Path) -> None:
    issue = write(tmp_path, example)
    rule = RULES[example.rule]
    asker = Asker(transport=Net(), pause=0) if rule.stage is Stage.ONLINE else None
    told = review(issue, open_workspace(tmp_path), asker).findings
    told = [one for one in told if one.severity is not Severity.INFO or rule.severity is Severity.INFO]
    if rule.id == "example-link":  # the small issue's own addresses are such
        told = [one for one in told if one.path.endswith("first.md")]
    assert (rule.id in {finding.code for finding in told}) == example.is_bad, "\n".join(map(str, told))


@pytest.mark.parametrize(
    "example", [one for one in examples() if one.is_bad and can_be_silenced(one)], ids=lambda one: one.rule
)
def test_a_bad_example_can_be_silenced(example: Example, tmp_path: Path) -> None:
    issue = write(tmp_path, example)
    file = issue / "issue.yaml"
    silence = f"silence: [{{rule: {example.rule}, why: It is meant so.}}]\n"
    file.write_text(file.read_text(encoding="utf-8") + silence, encoding="utf-8")
    told = review(issue, open_workspace(tmp_path))
    assert example.rule not in {finding.code for finding in told.findings}
    assert told.silenced > 0


def test_the_page_names_every_mail_program_that_can_be_asked_for() -> None:
    part = PAGE.partition("## Mail programs")[2].partition("## Links")[0]
    used = {family for family, _ in read_support().clients}
    assert [family for family in used if family not in part] == []
    defaults = ", ".join(Publication.model_fields["clients"].default)
    assert f"clients: [{defaults}]" in part
