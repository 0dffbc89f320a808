"""What segments and attributes of the workspace stand for in an issue, from the source to one reader's mail."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from pressrun.condition import parse_condition
from pressrun.delivery.message import MessageTemplate
from pressrun.delivery.value import read_facts
from pressrun.render.edition import Edition, Field
from pressrun.source.loader import load_issue, load_publication
from rendered_issue import load_folder, render_folder
from small_edition import make_recipient
from small_issue import ISSUE, PUBLICATION, write_small_issue

SEGMENTS = 'chinese: language == "zh"\nloyal: received >= 3\nnear: segment == "chinese" and city in ("Graz", "Wien")\n'
ATTRIBUTES = "city: {fallback: your city}\nscore: {type: number}\nborn: {type: date}\nodd: {fallback: 'a | b'}\n"
CHINESE = 'language in ("zh", "zh-*")'


def write(folder: Path, body: str, *, segments: str = SEGMENTS, attributes: str = "", **changes: str) -> Path:
    issue = write_small_issue(folder, first=f"---\ntitle: The first\n---\n{body}\n", **changes)
    people = folder / "subscribers"
    people.mkdir(exist_ok=True)
    (people / "segments.yaml").write_text(segments, encoding="utf-8")
    if attributes:
        (people / "attributes.yaml").write_text(attributes, encoding="utf-8")
    return issue


def mail(edition: Edition, **attributes: str) -> str:
    return MessageTemplate(edition).fill(make_recipient(attributes=attributes)).decode()


def faults(issue: Path) -> list[str]:
    return [f"{Path(one.path).name}:{one.line}:{one.column} {one.message}" for one in load_issue(issue).findings]


def test_a_segment_stands_for_its_filter_wherever_an_issue_has_conditions(tmp_path: Path) -> None:
    block = '::: when segment == "{}"\nFor {}.\n:::'
    intro = 'intro: |\n  ::: when segment == "near"\n  Near.\n  :::\n'
    issue = ISSUE.replace("    articles:", '    when: segment != "chinese"\n    articles:') + intro
    statement = 'colophon:\n  statement: |\n    ::: when segment == "chinese"\n    Words.\n    :::\n'
    publication = PUBLICATION.partition("colophon:")[0] + statement
    loaded = load_folder(write(tmp_path, block.format("near", "those"), issue=issue, publication=publication))
    assert loaded.sections[0].meta.when == 'language not in ("zh", "zh-*")'
    assert f'::: when ({CHINESE}) and city in ("Graz", "Wien")' in (loaded.meta.intro or "") or CHINESE in (
        loaded.meta.intro or ""
    )
    assert CHINESE in (loaded.colophon.statement or "")
    edition = render_folder(loaded.folder).edition
    assert edition.conditions
    assert not [text for text in edition.conditions if "segment" in text]


def test_readers_of_a_segment_see_its_blocks(tmp_path: Path) -> None:
    edition = render_folder(
        write(tmp_path, '::: when segment == "near"\nInside.\n:::\n::: otherwise\nOutside.\n:::')
    ).edition
    seen = {
        (language, city): "Inside." in mail(edition, language=language, city=city)
        for language in ("zh", "zh-Hant", "zho", "en")
        for city in ("Graz", "Linz")
    }
    assert [reader for reader, inside in seen.items() if inside] == [("zh", "Graz"), ("zh-Hant", "Graz")]


def test_a_changed_segment_is_another_edition(tmp_path: Path) -> None:
    body = '::: when segment == "chinese"\nInside.\n:::'
    editions = {
        render_folder(write(tmp_path / name, body, segments=f'chinese: language == "{name}"\n')).edition.id
        for name in ("zh", "yue")
    }
    assert len(editions) == 2


@pytest.mark.parametrize("where", ["article", "section", "issue"])
def test_a_changed_segment_or_fallback_voids_what_was_rendered_before(tmp_path: Path, where: str) -> None:
    condition = 'when: segment == "chinese"\n'
    issue = ISSUE.replace("    articles:", f"    {condition}    articles:") if where == "section" else ISSUE
    issue += "intro: Hello {{ city }}\n" if where == "issue" else ""
    folder = write(tmp_path, "Text", issue=issue, attributes="city: {fallback: you}\n")
    if where == "article":
        (folder / "first.md").write_text(f"---\ntitle: The first\n{condition}---\nText\n")
    before = render_folder(folder).edition.id
    assert render_folder(folder).edition.id == before
    (tmp_path / "subscribers/segments.yaml").write_text('chinese: language == "yue"\n')
    (tmp_path / "subscribers/attributes.yaml").write_text("city: {fallback: friend}\n")
    assert render_folder(folder).edition.id != before


def test_without_segments_an_issues_conditions_stay_as_they_are_written(tmp_path: Path) -> None:
    body = '::: when  city=="Wien"   and(role != "x")\nInside.\n:::'
    edition = render_folder(write(tmp_path, body)).edition
    assert edition.conditions == ('city=="Wien"   and(role != "x")',)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('::: when joined < "2026-01-01"\nx\n:::', "first.md:4:10 joined is not known when a message is written"),
        (
            '::: when segment == "loyal"\nx\n:::',
            "first.md:4:21 the segment loyal asks for received, which no message knows",
        ),
        ('::: when segment == "chinse"\nx\n:::', "first.md:4:21 no segment is called chinse"),
        ('::: when born > "30 days ago"\nx\n:::', 'first.md:4:17 "30 days ago" changes from day to day'),
        ('::: when score > "3"\nx\n:::', "first.md:4:18 a number belongs here"),
        ('::: when ctiy == "x"\nx\n:::', "first.md:4:10 nothing is known as ctiy"),
    ],
)
def test_what_a_message_cannot_know_is_told_with_its_place(tmp_path: Path, body: str, told: str) -> None:
    issue = write(tmp_path, body, attributes=ATTRIBUTES)
    assert [fault for fault in faults(issue) if fault.startswith(told)], faults(issue)


def test_faults_stand_where_the_yaml_has_them(tmp_path: Path) -> None:
    issue = ISSUE.replace("    articles:", '    when: tag == "x"\n    articles:')
    issue += 'intro: |\n  Words.\n\n  ::: when city == "" and segment == "x"\n  More.\n  :::\n'
    told = faults(write(tmp_path, "Text", issue=issue))
    assert [fault.partition(" ")[0] for fault in told] == ["issue.yaml:12:11", "issue.yaml:19:38"]


def test_numbers_and_days_choose_what_a_reader_sees(tmp_path: Path) -> None:
    body = '::: when score >= 10 and born < "2000-01-01"\nInside.\n:::'
    edition = render_folder(write(tmp_path, body, attributes=ATTRIBUTES)).edition
    seen = [
        "Inside." in mail(edition, **about)
        for about in (
            {"score": "9.5", "born": "1999-12-31"},
            {"score": "10", "born": "1999-12-31"},
            {"score": "10"},
            {},
        )
    ]
    assert seen == [False, True, False, False]


def test_a_declared_fallback_stands_where_the_text_has_none(tmp_path: Path) -> None:
    body = "In {{ city }}, {{ city | the town }}, {{ odd }}.\n\n::: when score > 1\nHere: {{ city }}\n:::\n"
    issue = ISSUE + "subject: News for {{ city }}\nintro: Hello {{ city }}, \\{{ city }}\n"
    publication = f"{PUBLICATION}greeting: Dear {{name}} in {{{{ city }}}}\n"
    folder = write(tmp_path, body, attributes=ATTRIBUTES, issue=issue, publication=publication)
    edition = render_folder(folder).edition
    assert set(edition.fields) == {
        Field(attribute="city", fallback="your city"), Field(attribute="city", fallback="the town"),
        Field(attribute="odd"),
    }  # fmt: skip
    assert edition.shown_subject == "News for your city"
    published, _ = load_publication(folder.parent)
    assert published is not None
    assert published.greeting == "Dear {name} in {{ city | your city }}"
    assert load_folder(folder).meta.intro == "Hello {{ city | your city }}, \\{{ city }}"


@pytest.mark.parametrize(
    ("address", "condition", "holds"),
    [
        ("a@EXAMPLE.com", 'domain == "example.com"', True),
        ("a@bücher.example", 'domain == "xn--bcher-kva.example"', True),
        ("no address", 'domain == "qq.com"', False),
    ],
)
def test_domains_compare_however_they_are_written(address: str, condition: str, holds: bool) -> None:
    facts: Mapping[str, str] = read_facts(make_recipient(address=address))
    assert parse_condition(condition).holds(facts) is holds
