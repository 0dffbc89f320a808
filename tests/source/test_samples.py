"""The repository's own issues load without findings, and their editors' schemas are those of the models."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from pressrun.check import check
from pressrun.source.issue import Issue
from pressrun.source.loader import load_issue
from pressrun.source.schema import schema
from pressrun.source.text import split_front_matter
from pressrun.workspace import open_workspace

REPOSITORY = Path(__file__).parents[2]
ISSUES = REPOSITORY / "issues"
ALL = sorted(file.parent for file in ISSUES.glob("*/*/issue.yaml"))
SEEDS = ["2021-01", "2023-04", "2025-01", "2025-02", "2026-02"]
# year, number, total, and which of them the original does not state
NUMBERS = {
    "2021-01": (2021, 1, 3, False),
    "2023-04": (2023, 4, 14, True),
    "2025-01": (2025, 1, 19, False),
    "2025-02": (2025, 2, 20, True),
    "2026-02": (2026, 2, 24, False),
}
_MODELINE = re.compile(r"^# yaml-language-server: \$schema=(\S+)$", re.M)


def load(folder: Path) -> Issue:
    loaded = load_issue(folder)
    assert [str(finding) for finding in loaded.findings] == []
    assert loaded.issue is not None
    return loaded.issue


def source_files() -> list[tuple[Path, str]]:
    """Every source file with the kind of its schema."""
    kinds = {"publication": ISSUES.glob("*/publication.yaml"), "issue": ISSUES.glob("*/*/issue.yaml")}
    kinds["article"] = ISSUES.glob("*/*/*.md")
    return sorted((file, kind) for kind, files in kinds.items() for file in files)


def yaml_part(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    if file.suffix != ".md":
        return text
    parts, _ = split_front_matter(text, file)
    assert parts is not None
    return parts.head


@pytest.mark.parametrize("folder", ALL, ids=lambda folder: f"{folder.parent.name}/{folder.name}")
def test_a_sample_issue_has_no_findings(folder: Path) -> None:
    load(folder)
    assert [str(finding) for finding in check(folder, open_workspace(REPOSITORY))] == []


def test_the_publication_of_the_seeds_has_its_five_issues_and_there_are_an_english_and_an_arabic_one() -> None:
    assert [folder.name for folder in ALL if folder.parent.name == "spp"] == SEEDS
    others = [load(folder).publication.language for folder in ALL if folder.parent.name != "spp"]
    assert sorted(set(others)) == ["ar", "en"] and others.count("ar") == 2


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_has_the_number_it_is_known_by(name: str) -> None:
    year, number, total, inferred = NUMBERS[name]
    issue = load(ISSUES / "spp" / name)
    assert (issue.meta.year, issue.meta.number, issue.meta.total) == (year, number, total)
    assert ("total" in issue.meta.inferred) == inferred
    assert issue.label == f"{year}年第{number}期（总第{total}期）"
    assert issue.published.utcoffset() is not None
    assert issue.meta.cover.image in issue.pictures
    assert len(issue.sections) >= 3


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_carries_nobodys_subscriber_id(name: str) -> None:
    texts = "".join(file.read_text(encoding="utf-8") for file in (ISSUES / "spp" / name).glob("*.*"))
    assert "list-manage.com/track" not in texts
    assert "/userid/" not in texts


@pytest.mark.parametrize("kind", ["issue", "article", "publication"])
def test_the_schema_beside_the_issues_is_the_models(kind: str) -> None:
    assert (ISSUES / ".schema" / f"{kind}.json").read_text(encoding="utf-8") == schema(kind)
    jsonschema.Draft202012Validator.check_schema(json.loads(schema(kind)))


@pytest.mark.parametrize("kind", ["issue", "article", "publication"])
def test_the_schema_describes_every_field(kind: str) -> None:
    described = json.loads(schema(kind))
    for part in (described, *described.get("$defs", {}).values()):
        assert part.get("additionalProperties") is False
        for name, field in part["properties"].items():
            assert field.get("description"), name


@pytest.mark.parametrize(("file", "kind"), source_files(), ids=lambda value: getattr(value, "stem", str(value)))
def test_a_sample_file_names_its_schema_and_keeps_to_it(file: Path, kind: str) -> None:
    text = yaml_part(file)
    named = _MODELINE.search(text)
    assert named is not None, file
    assert (file.parent / named[1]).resolve() == (ISSUES / ".schema" / f"{kind}.json").resolve()
    # Dates are texts in JSON: read them as an editor's YAML server does.
    value = yaml.load(text, Loader=_YamlServer)
    jsonschema.validate(value, json.loads(schema(kind)), format_checker=jsonschema.FormatChecker())


@pytest.mark.parametrize("change", [{"tittle": "x"}, {"year": "soon"}, {"cover": "media/cover.png"}, {"sections": []}])
def test_the_schema_finds_what_loading_finds(change: dict[str, object]) -> None:
    value = yaml.load((ISSUES / "spp/2026-02/issue.yaml").read_text(encoding="utf-8"), Loader=_YamlServer)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**value, **change}, json.loads(schema("issue")))


class _YamlServer(yaml.SafeLoader):
    """YAML 1.2's core schema: no dates, no `no`."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in rules if tag.rpartition(":")[2] in ("int", "float", "null", "str")]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
