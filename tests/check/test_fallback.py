"""Fields that leave a gap are found where readers come upon them, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from rule_findings import article, places
from small_issue import ISSUE, PUBLICATION

RULE = "field-without-fallback"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("In {{ city }}.", [(4, 4)]),
        ("Line.\n\nIn {{ city | x }} and {{ name }}, {{ city }}", [(6, 23), (6, 35)]),
        ("{{ address }} {{ domain }} {{ list }} {{ view_url }}", []),
        ("[a](https://www.example.com/{{ city }})", []),
        ('::: when city != ""\n{{ city }}\n:::', []),
        ('::: when city == "Wien" and role == "x"\n{{ city }} {{ role }} {{ name }}\n:::', [(5, 23)]),
        ('::: when city == "Wien" or role == "x"\n{{ city }}\n:::', [(5, 1)]),
        ('::: when city == "Wien" or city contains "x"\n{{ city }}\n:::', []),
        ('::: when city == ""\nx\n:::\n::: otherwise\n{{ city }}\n:::', []),
        ('::: when not (city == "" or role == "x")\n{{ city }} {{ role }}\n:::', [(5, 12)]),
        ('::: when not (city == "" and role == "")\n{{ city }}\n:::', [(5, 1)]),
        ('::: when city in ("", "Wien")\n{{ city }}\n:::', [(5, 1)]),
        ("::: when not score > 3\n{{ score }}\n:::", [(5, 1)]),
        ("::: when not not score > 3\n{{ score }}\n:::", []),
        ("\\{{ city }}", []),
    ],
)
def test_a_gap_is_what_no_fallback_and_no_condition_closes(
    tmp_path: Path, body: str, found: list[tuple[int, int]]
) -> None:
    assert places(RULE, tmp_path, first=article(body)) == [("first.md", *place) for place in found]


def test_conditions_of_the_article_and_its_section_close_gaps_too(tmp_path: Path) -> None:
    issue = ISSUE.replace("    articles:", '    when: role != ""\n    articles:')
    text = article("{{ role }} {{ city }} {{ name }}", 'when: city == "Wien"\n')
    assert places(RULE, tmp_path, first=text, issue=issue) == [("first.md", 5, 23)]


def test_the_issues_and_publications_own_texts_are_looked_at(tmp_path: Path) -> None:
    issue = ISSUE + 'subject: For {{ city }}\nintro: |\n  ::: when city != ""\n  {{ city }}\n  :::\n'
    publication = f"{PUBLICATION}greeting: Dear {{{{ title }}}}\n"
    found = places(RULE, tmp_path, issue=issue, publication=publication)
    assert [(file, column) for file, _, column in found] == [("issue.yaml", 10), ("publication.yaml", 11)]


def test_the_schema_closes_gaps(tmp_path: Path) -> None:
    (tmp_path / "subscribers").mkdir()
    schema = "city: {fallback: your city}\nrole: {required: true}\ntitle: {}\n"
    (tmp_path / "subscribers" / "attributes.yaml").write_text(schema)
    found = places(RULE, tmp_path, first=article("{{ city }} {{ role }} {{ title }}"))
    assert found == [("first.md", 4, 23)]
