"""What docs/writing.md shows can be written as it stands there, and every block and key is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pressrun.source.block import DIRECTIVES, Directive, Moment
from pressrun.source.body import read_body
from pressrun.source.loader import load_issue
from small_issue import ISSUE, PUBLICATION, write_picture, write_small_issue

TEXT = (Path(__file__).parents[2] / "docs" / "writing.md").read_text(encoding="utf-8")
MARKDOWN = re.findall(r"^```markdown\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
YAML = re.findall(r"^```yaml\n# ((?:issue|publication)\.yaml).*?\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
BLOCKS = TEXT.partition("### Blocks\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("example", MARKDOWN)
def test_every_article_and_block_shown_loads_without_a_finding(example: str, tmp_path: Path) -> None:
    article = example if example.startswith("---") else f"---\ntitle: An example\n---\n{example}"
    folder = write_small_issue(tmp_path, second=article)
    for picture in set(re.findall(r"media/[\w-]+\.png", article)):
        write_picture(folder / picture)
    assert load_issue(folder).findings == ()


@pytest.mark.parametrize(("file", "example"), YAML)
def test_every_piece_of_issue_and_publication_shown_loads_without_a_finding(
    file: str, example: str, tmp_path: Path
) -> None:
    text = PUBLICATION if file == "publication.yaml" else ISSUE
    changed = yaml.safe_dump({**yaml.safe_load(text), **yaml.load(example, yaml.BaseLoader)}, allow_unicode=True)
    folder = write_small_issue(tmp_path, **{file.removesuffix(".yaml"): changed}, housing="---\ntitle: Housing\n---\n")
    (folder / "issue.yaml").write_text(_with_housing((folder / "issue.yaml").read_text(encoding="utf-8")))
    for attachment in re.findall(r"media/[\w-]+\.pdf", example):
        (folder / attachment).write_bytes(b"%PDF-1.7")
    assert load_issue(folder).findings == ()


def _with_housing(issue: str) -> str:
    data = yaml.load(issue, yaml.BaseLoader)
    data["sections"][0]["articles"].append("housing")
    return yaml.safe_dump(data, allow_unicode=True)


def _example(kind: str) -> str:
    return next(example for example in MARKDOWN if example.startswith(f":::{kind}\n"))


@pytest.mark.parametrize(("kind", "model"), DIRECTIVES.items())
def test_every_key_of_a_block_is_shown_and_starred_where_it_is_demanded(kind: str, model: type[Directive]) -> None:
    passage = BLOCKS[BLOCKS.index(_example(kind)) + len(_example(kind)) :].partition("\n```markdown")[0]
    fields = {**model.model_fields, **(Moment.model_fields if kind == "timeline" else {})}
    for name, field in fields.items():
        assert re.search(rf"(^|[- ]){name}: ", _example(kind).replace(":\n", ": \n"), re.MULTILINE), name
        if field.is_required() and name != "url":
            assert f"`{name}`\\*" in passage, name


def test_the_blocks_stand_in_the_order_in_which_they_are_known() -> None:
    shown = [match[1] for example in MARKDOWN if (match := re.match(r":::(\w+)\n", example))]
    assert shown[: len(DIRECTIVES)] == list(DIRECTIVES)
    body, findings = read_body("\n".join(_example(kind) for kind in DIRECTIVES), "x.md", 1)
    assert findings == []
    assert [type(block) for block in body.blocks] == list(DIRECTIVES.values())
