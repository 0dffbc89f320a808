"""Tables in Markdown show what was said, and nothing that was said becomes Markdown."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pressrun.delivery.table import plain, table

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


def test_a_table_has_a_rule_that_says_which_columns_are_numbers() -> None:
    written = table(("a", "n", "text"), [("x", "1", "y")], ("text",))
    assert written == "| a | n | text |\n| --- | ---: | --- |\n| x | 1 | y |"


def test_no_rows_make_no_table() -> None:
    assert table(("a",), []) == ""


@given(st.text(alphabet=st.sampled_from("ab <>&|`*_[]()#~\\!{}\n1."), min_size=1, max_size=40))
def test_whatever_a_server_says_stays_one_cell_of_text(said: str) -> None:
    tokens = PARSER.parse(table(("a", "b"), [(f"x{plain(said)}", "end")]))
    cells = [tokens[n + 1] for n, token in enumerate(tokens) if token.type == "td_open"]
    assert len(cells) == 2 and cells[1].content == "end"
    assert {child.type for child in cells[0].children or []} <= {"text", "text_special"}
