"""An address named by a label anywhere in an article serves the links of all of it, whatever stands between."""

from __future__ import annotations

import pytest

from pressrun.finding import Finding, Severity
from pressrun.markdown import render_markdown
from pressrun.source.block import Block, Branch, Prose
from pressrun.source.body import read_body

QUOTE = ":::quote\ntext: Words.\n:::"
REPORT = '<a href="https://www.example.com/report">'


def read(text: str) -> tuple[tuple[Block, ...], list[Finding]]:
    body, findings = read_body(text, "x.md", 4)
    return body.blocks, findings


def html_of(blocks: tuple[Block, ...]) -> str:
    """The prose of `blocks` as HTML, that of branches too."""
    return "\n".join(
        html_of((*block.blocks, *block.otherwise)) if isinstance(block, Branch) else render_markdown(block.markdown)
        for block in blocks
        if isinstance(block, Prose | Branch)
    )


@pytest.mark.parametrize(
    "text",
    [
        f"See [the report][r].\n\n{QUOTE}\n\nMore.\n\n[r]: https://www.example.com/report",
        f"[r]: https://www.example.com/report\n\n{QUOTE}\n\nSee [the report][r].",
        f"See [the report][R ].\n\n{QUOTE}\n\n[r]: https://www.example.com/report",
        f"See [r].\n\n{QUOTE}\n\n- a list\n\n  [r]: <https://www.example.com/report>",
        f"See [the report][r].\n\n{QUOTE}\n\n> [r]: https://www.example.com/report",
        f"{QUOTE}\n\nSee [the report][r].\n{QUOTE}\n[r]: https://www.example.com/report\n{QUOTE}",
        'See [the report][r].\n\n::: when city == "x"\nText.\n:::\n\n[r]: https://www.example.com/report',
        '::: when city == "x"\n[The report][r].\n:::\n::: otherwise\nText.\n:::\n[r]: https://www.example.com/report',
        '::: when city == "x"\nText.\n:::\n::: otherwise\n[The report][r].\n:::\n[r]: https://www.example.com/report',
        'See [the report][r].\n\n::: when city == "x"\n[r]: https://www.example.com/report\n:::',
        f"See [the report][r].\n\n{QUOTE}\n\n```\ncode\n```\n[r]: https://www.example.com/report\n\n```\nopen",
        f"[r]: https://www.example.com/report\n\n{QUOTE}\n\n[The report][r].\n\n```\nopen",
    ],
)
def test_a_link_finds_its_address_across_blocks_and_branches(text: str) -> None:
    blocks, findings = read(text)
    assert findings == [] and html_of(blocks).count(REPORT) == 1


def test_an_address_is_handed_on_as_it_is_written() -> None:
    url = "https://www.example.com/a_(b)?q=1&copy=2&c={{ city | b > c }}"
    title = 'A "title" \\& more\nin two lines &lt; three'
    blocks, findings = read(f"See [it][r].\n\n{QUOTE}\n\n[r]: <{url.replace('> c', 'c')}> '{title}'")
    assert findings == []
    whole = render_markdown(f"See [it][r].\n\n[r]: <{url.replace('> c', 'c')}> '{title}'")
    assert html_of(blocks) == whole and "&amp;copy=2" in whole


def test_a_field_may_stand_in_an_address_that_is_named() -> None:
    (prose, *_), findings = read(f"[x][r]\n\n{QUOTE}\n\n[r]: https://www.example.com/?c={{{{ city | a b }}}}")
    assert findings == [] and isinstance(prose, Prose) and "{{ city | a b }}" in prose.markdown


def test_a_run_is_as_it_is_written_where_it_names_nothing_from_elsewhere() -> None:
    (first, _, second), _ = read(
        f"One [a](https://www.example.com/) [b].\n\n{QUOTE}\n\nTwo.\n\n[r]: https://x.example/"
    )
    assert first == Prose("One [a](https://www.example.com/) [b].", 4)
    assert second == Prose("Two.\n\n[r]: https://x.example/", 10)


def test_a_run_of_nothing_but_addresses_is_no_block() -> None:
    blocks, _ = read(f"See [r].\n\n{QUOTE}\n\n[r]: https://www.example.com/report\n")
    assert [type(block).__name__ for block in blocks] == ["Prose", "Quote"]


def test_of_two_addresses_with_one_label_the_first_counts_and_the_other_is_warned_of() -> None:
    text = f"[r]: https://www.example.com/report\n\n{QUOTE}\n\nSee [r].\n\n[R]: https://www.example.com/other"
    blocks, (finding,) = read(text)
    assert html_of(blocks).count(REPORT) == 1
    assert (finding.line, finding.code, finding.severity) == (12, "link-named-twice", Severity.WARNING)
    assert "[R]" in finding.message and "line 4" in finding.message and finding.hint


def test_the_same_address_twice_is_no_fault() -> None:
    same = "[r]: https://www.example.com/report"
    blocks, findings = read(f"See [r].\n\n{same}\n\n{QUOTE}\n\nSee [r].\n\n{same}")
    assert findings == [] and html_of(blocks).count(REPORT) == 2


def test_faults_keep_their_places_beside_addresses_from_elsewhere() -> None:
    text = f"[r]: https://www.example.com/\n\n{QUOTE}\n\nSee [r],\n{{{{ a | b | c }}}} and <b>.\n\n# One"
    _, findings = read(text)
    assert [(finding.line, finding.column, finding.code) for finding in findings] == [
        (11, 21, "raw-html"),
        (13, 1, "heading-level"),
        (11, 1, "bad-field"),
    ]


def test_a_picture_named_by_a_label_from_elsewhere_is_found_too() -> None:
    _, findings = read(f"A ![chart][c].\n\n{QUOTE}\n\n[c]: /c.png")
    assert [(finding.line, finding.code) for finding in findings] == [(4, "markdown-image")]
    _, findings = read('A ![chart][c].\n\n::: when a == "x"\n![two][c]\n:::\n\n[c]: /c.png')
    assert [(finding.line, finding.code) for finding in findings] == [(4, "markdown-image"), (7, "markdown-image")]


def test_a_blocks_keys_have_addresses_of_their_own_and_others_are_warned_of() -> None:
    text = (
        ":::callout\ntext: |\n  See [one][r] and [two][s].\n\n  [s]: https://www.example.com/s\n:::\n\n"
        ":::quote\ntext: '[r] is meant so'\n:::\n\n:::report\ntitle: '[r]'\nsummary: No [q] here\n:::\n\n"
        "[r]: https://www.example.com/report\n\n[s]: https://www.example.com/t"
    )
    _, (finding,) = read(text)
    assert (finding.line, finding.code, finding.severity) == (5, "link-unnamed", Severity.WARNING)
    assert "[R]" in finding.message and "line 20" in finding.message and finding.hint
