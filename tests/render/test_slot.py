"""Slots take any value safely, and nothing but a slot is one."""

from __future__ import annotations

import html
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from full_issue import write_full_issue
from pressrun.render.slot import Slot, SlotTokens, cut_html, cut_plain
from rendered_issue import render_folder

TOKENS = SlotTokens("s0123456789ab")
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.fixed_dictionaries(dict.fromkeys(Slot, ANY_TEXT))


def template(tokens: SlotTokens) -> str:
    return "".join(f"[{slot}]{tokens[slot]}[/{slot}]" for slot in Slot)


@given(VALUES)
def test_any_value_is_escaped_in_html(values: dict[Slot, str]) -> None:
    filled = cut_html(template(TOKENS), TOKENS).fill(values)
    for slot in Slot:
        inside = filled.partition(f"[{slot}]")[2].rpartition(f"[/{slot}]")[0]
        assert html.unescape(inside) == html.unescape(html.escape(values[slot]))
        assert not set(inside) & set("<>\"'")


@given(VALUES)
@example(dict.fromkeys(Slot, "a\r\nBcc: b@example.com\x0b\x0c\x85\u2028\u2029c"))
def test_any_value_is_one_line_in_plain_text(values: dict[Slot, str]) -> None:
    filled = cut_plain("before\n" + template(TOKENS) + "\nafter", TOKENS).fill(values)
    first, line, last = filled.splitlines()
    assert (first, last) == ("before", "after")
    assert "".join("".join(values[Slot.NAME]).split()) in "".join(line.split())


@given(VALUES, st.sampled_from(Slot))
def test_a_value_that_looks_like_a_slot_stays_as_it_is(values: dict[Slot, str], inner: Slot) -> None:
    hostile = values | {Slot.NAME: TOKENS[inner]}
    filled = cut_html(f"<p>{TOKENS['name']}</p>", TOKENS).fill(hostile)
    assert filled == f"<p>{html.escape(TOKENS[inner])}</p>"


@given(st.lists(st.one_of(ANY_TEXT, st.sampled_from(Slot)), max_size=8))
def test_cutting_finds_every_slot_and_keeps_every_other_character(parts: list[str | Slot]) -> None:
    source = "".join(TOKENS[part] if isinstance(part, Slot) else part for part in parts)
    cut = cut_plain(source, TOKENS)
    assert [*cut.slots] == [part for part in parts if isinstance(part, Slot)]
    assert len("".join(cut.literals)) == sum(len(part) for part in parts if not isinstance(part, Slot))


@pytest.mark.parametrize("around", ['"{}"', "'{}'", "<{}>", "({})", "{}", " {}?", "={}&x=1"])
@pytest.mark.parametrize("slot", Slot)
def test_a_slot_is_found_whatever_stands_around_it(slot: Slot, around: str) -> None:
    cut = cut_html(around.format(TOKENS[slot]), TOKENS)
    assert cut.slots == (slot,)
    assert "".join(cut.literals) == around.format("")


@pytest.mark.parametrize("nonce", ["s0123456789ac", "s0123456789a", "S0123456789AB", ""])
def test_a_slot_of_another_edition_is_text(nonce: str) -> None:
    other = template(SlotTokens(nonce))
    assert cut_html(other, TOKENS).literals == (other,)


def test_an_unknown_slot_is_a_key_error_as_templates_expect() -> None:
    with pytest.raises(KeyError):
        TOKENS["salutation"]


def test_an_issue_whose_text_looks_like_slots_has_only_those_of_its_theme(tmp_path: Path) -> None:
    edition = render_folder(write_full_issue(tmp_path)).edition
    tokens = SlotTokens(edition.nonce)
    assert "@@s0123456789ab.name@@" in edition.html
    for cut in (cut_html(edition.html, tokens), cut_plain(edition.text, tokens)):
        assert cut.slots == (Slot.GREETING, Slot.UNSUBSCRIBE_URL)


def test_text_that_guesses_the_nonce_of_its_own_edition_would_need_its_own_hash(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    nonce = render_folder(folder).edition.nonce
    third = folder / "third.md"
    third.write_text(third.read_text(encoding="utf-8").replace("s0123456789ab", nonce), encoding="utf-8")
    again = render_folder(folder).edition
    assert again.nonce != nonce
    assert len(cut_html(again.html, SlotTokens(again.nonce)).slots) == 2
