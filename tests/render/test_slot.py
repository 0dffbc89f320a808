"""Slots take any value safely, and nothing but a slot is one."""

from __future__ import annotations

import html
import re
from pathlib import Path
from urllib.parse import unquote

import lxml.html
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from full_issue import write_full_issue
from pressrun.render.slot import Slot, SlotTokens, cut_header, cut_html, cut_plain, select_blocks
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
        assert cut.slots == (Slot.GREETING, Slot.PREFERENCES_URL, Slot.UNSUBSCRIBE_URL)


def test_text_that_guesses_the_nonce_of_its_own_edition_would_need_its_own_hash(tmp_path: Path) -> None:
    folder = write_full_issue(tmp_path)
    nonce = render_folder(folder).edition.nonce
    third = folder / "third.md"
    third.write_text(third.read_text(encoding="utf-8").replace("s0123456789ab", nonce), encoding="utf-8")
    again = render_folder(folder).edition
    assert again.nonce != nonce
    assert len(cut_html(again.html, SlotTokens(again.nonce)).slots) == 3


FIELD = TOKENS["field0"]


def filled(source: str, value: str) -> str:
    return cut_html(source, TOKENS).fill({"field0": value, **dict.fromkeys(Slot, value)})


@given(ANY_TEXT)
@example("\u202e\"><script>'&@@s0123456789ab.name@@\r\n.")
def test_any_value_in_an_attribute_is_only_its_value(value: str) -> None:
    for quote in "\"'":
        tag = filled(f"<p title={quote}a {FIELD} > b{quote} class={quote}{FIELD}{quote}>x</p>", value)
        match = re.fullmatch(rf"<p title={quote}([^{quote}]*) > b{quote} class={quote}([^{quote}]*){quote}>x</p>", tag)
        assert match and html.unescape(match[1]) == f"a {value}" and html.unescape(match[2]) == value


@given(ANY_TEXT)
def test_any_value_in_a_bare_attribute_ends_nothing(value: str) -> None:
    inside = filled(f"<p title={FIELD}>x</p>", value)[len("<p title=") : -len(">x</p>")]
    assert not set(inside) & set(" \t\r\n\f>\"'=`<")
    assert inside.isascii() and inside.replace(";", "&").count("&") == 2 * sum(
        not (c.isascii() and c.isalnum()) for c in value
    )


@given(ANY_TEXT, st.sampled_from(["href", "src", "HREF", "action"]))
@example("a b&c=d#e?f/../g", "href")
@example("javascript:alert(1)", "href")
def test_any_value_inside_an_address_is_percent_encoded(value: str, attribute: str) -> None:
    tag = filled(f'<a {attribute}="https://e.example.com/?a={FIELD}&amp;b={FIELD}#c">x</a>', value)
    address = html.unescape(tag[len(f'<a {attribute}="') : -len('">x</a>')])
    match = re.fullmatch(r"https://e\.example\.com/\?a=([A-Za-z0-9_.~%-]*)&b=([A-Za-z0-9_.~%-]*)#c", address)
    assert match and unquote(match[1]) == unquote(match[2]) == value


@pytest.mark.parametrize("slot", ["unsubscribe_url", "preferences_url", "view_url"])
def test_an_address_of_our_own_stays_as_it_is_but_for_html(slot: str) -> None:
    tag = filled(f'<a href="{TOKENS[slot]}">{TOKENS[slot]}</a>', "https://e.example.com/?a=1&b=%20é")
    assert tag == '<a href="https://e.example.com/?a=1&amp;b=%20é">https://e.example.com/?a=1&amp;b=%20é</a>'


@given(ANY_TEXT)
@example("java\tscript:alert(1)")
@example(" JavaScript:alert(1)")
@example("https:alert(1)")
@example("//evil.example.com")
def test_a_value_that_is_a_whole_address_leads_only_where_links_may(value: str) -> None:
    address = html.unescape(filled(f'<a href="{FIELD}">x</a>', value)[len('<a href="') : -len('">x</a>')])
    assert address == "" or re.match(r"(https?://|mailto:|tel:)", address, re.I)
    assert not set(address) & set("\"'<> \t\r\n")


def test_a_value_in_a_mail_address_keeps_its_at() -> None:
    assert (
        filled(f'<a href="mailto:{FIELD}">x</a>', "a b@e.example.com") == '<a href="mailto:a%20b@e.example.com">x</a>'
    )
    cut = cut_plain(f"<mailto:{FIELD}>", TOKENS)
    assert cut.fill({"field0": "a b@e.example.com"}) == "<mailto:a%20b@e.example.com>"


@pytest.mark.parametrize(
    ("before", "encoded"),
    [
        ("x <https://e.example.com/?a=", True),
        ("https://e.example.com/", True),
        (f"https://e.example.com/?a={FIELD}&b=", True),
        ("https://e.example.com/ ", False),
        ("https://e.example.com/, ", False),
        ("见https://e.example.com/。", False),
        ("<https://e.example.com/> ", False),
        ("a=", False),
    ],
)
def test_in_plain_text_only_an_address_is_percent_encoded(before: str, encoded: bool) -> None:
    text = cut_plain(f"{before}{FIELD}", TOKENS).fill({"field0": "a b"})
    assert text.endswith("a%20b" if encoded else "a b")


@given(ANY_TEXT)
@example("a\r\nBcc: b@example.com\x0b\x0c\x85\u2028\u2029\x00c")
def test_any_value_is_one_line_in_a_header(value: str) -> None:
    line = cut_header(f"A {FIELD} b", TOKENS).fill({"field0": value})
    assert [*line.split()] == ["A", *re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", value).split(), "b"]
    assert len(line.splitlines()) == 1 and not re.search(r"[\x00-\x1f\x7f-\x9f]", line)


@pytest.mark.parametrize(("met", "text"), [((0, 0), "ae"), ((1, 0), "abde"), ((0, 1), "ae"), ((1, 1), "abcde")])
def test_only_blocks_that_are_met_are_kept(met: tuple[int, ...], text: str) -> None:
    source = f"a{TOKENS['if0']}b{TOKENS['if1']}c{TOKENS['end1']}d{TOKENS['end0']}e"
    assert select_blocks(source, TOKENS, [bool(each) for each in met]) == text


@given(
    st.recursive(ANY_TEXT, lambda inner: st.tuples(st.integers(0, 3), st.lists(inner, max_size=4)), max_leaves=12),
    st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_blocks_nest_however_deep(tree: object, met: list[bool]) -> None:
    def write(node: object) -> str:
        if isinstance(node, str):
            return node
        number, inner = node  # type: ignore[misc]
        return TOKENS[f"if{number}"] + "".join(map(write, inner)) + TOKENS[f"end{number}"]

    def keep(node: object) -> str:
        if isinstance(node, str):
            return node
        number, inner = node  # type: ignore[misc]
        return "".join(map(keep, inner)) if met[number] else ""

    assert select_blocks(write(tree), TOKENS, met) == keep(tree)


@pytest.mark.parametrize("source", ["{if0}", "{end0}", "{if0}{if1}{end0}{end1}", "{if0}{end1}"])
def test_blocks_that_do_not_close_as_they_opened_are_an_error(source: str) -> None:
    text = re.sub(r"\{(\w+)\}", lambda match: TOKENS[match[1]], source)
    with pytest.raises(ValueError, match="block"):
        select_blocks(text, TOKENS, [True, True])


@pytest.mark.parametrize("name", ["field01", "field", "if", "iff0", "field-1", "field0x", "end 1"])
def test_a_slot_without_a_number_is_none(name: str) -> None:
    with pytest.raises(KeyError):
        TOKENS[name]


def test_a_slot_in_a_comment_of_outlooks_is_escaped_as_elsewhere() -> None:
    source = f'<!--[if mso]><a href="https://e.example.com/{FIELD}" title="{FIELD}"><![endif]-->'
    link = lxml.html.fromstring(filled(source, "a b").removeprefix("<!--[if mso]>").removesuffix("<![endif]-->"))
    assert (link.get("href"), link.get("title")) == ("https://e.example.com/a%20b", "a b")
