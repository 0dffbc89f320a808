"""Values: what stands in a slot is one line, and the fast way to it gives what the slow one does."""

from __future__ import annotations

import html

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pressrun.delivery.value import CALM, SlotValues, greet, read_facts, read_values, settle, slot_readers
from pressrun.render.edition import Field
from pressrun.render.slot import Slot, cut_header, cut_html, cut_plain
from small_edition import PERSONAL_HTML, PERSONAL_TEXT, TOKENS, make_edition, make_personal_edition, make_recipient

EDITION = make_personal_edition()
BLOCKS = [TOKENS[name] for name in ("if0", "end0", "if1", "end1")]


def without_blocks(text: str) -> str:
    for token in BLOCKS:
        text = text.replace(token, "")
    return text


TEXTS = cut_plain(without_blocks(PERSONAL_TEXT), TOKENS), cut_html(without_blocks(PERSONAL_HTML), TOKENS)
ANY = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(["|", "&", "<b>", '"', "'", "\r\n", "  ", "林", "\ud800", "a", " ", "\u3000", "%", "\0"])
    ).map("".join),
)


@given(name=ANY, city=ANY, role=ANY, list_name=ANY)
@example(name="林晓", city="北京", role="编辑", list_name="readers")
@example(name="林|晓", city="北京", role="编辑", list_name="readers")
@example(name="林晓", city="O'Fallon", role="编辑", list_name="readers")
def test_values_are_escaped_one_by_one_or_all_at_once_alike(name: str, city: str, role: str, list_name: str) -> None:
    attributes = {"city": city, "role": role}
    # Without angle brackets, which have to be escaped, so that the fast way is gone as well.
    recipient = make_recipient(name=name, list=list_name, attributes=attributes, message_id="e.7@spp.example.com")
    values = SlotValues(TEXTS, slot_readers(EDITION))
    found = values.read(recipient)
    known = read_values(EDITION, recipient)
    for text in TEXTS:
        for slot, escape in zip(text.slots, text.escapes, strict=True):
            octets = found[values.places[slot, escape]]
            assert octets == escape(known[slot]).encode()
            assert not set(octets) & set(b"\r\n\0")


@pytest.mark.parametrize("address", ["lin@example.com\r\nx", "lin\u2028@example.com", "\ud800@example.com"])
def test_a_value_is_one_line_even_where_an_address_should_not_have_been_taken(address: str) -> None:
    values = SlotValues(TEXTS, slot_readers(EDITION))
    found = values.read(make_recipient(address=address, message_id=address))
    assert not any(set(octets.decode()) & set("\r\n\u2028") for octets in found)


def test_the_escapes_that_are_skipped_leave_calm_lines_alone() -> None:
    calm = "Aa 0.~ é 林 %/?=:@+,;#$*()[]{}^`!_-\\🎉 \u202e x"
    assert html.escape in CALM
    assert {cut(TOKENS[Slot.NAME], TOKENS).escapes[0] for cut in (cut_plain, cut_header)} <= CALM
    assert all(escape(calm) == calm for escape in CALM)


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("city", "北京"),
        ("name", "林晓"),
        ("address", "lin@example.com"),
        ("domain", "example.com"),
        ("list", "readers"),
    ],
)
def test_a_field_is_an_attribute_or_what_is_known_of_everybody(attribute: str, value: str) -> None:
    edition = make_edition(fields=(Field(attribute=attribute, fallback="?"),))
    recipient = make_recipient(list="readers", attributes={"city": "北京", "name": "another", "domain": "another"})
    assert read_values(edition, recipient)["field0"] == value


@pytest.mark.parametrize("attributes", [{}, {"city": ""}, {"city": " \r\n "}])
def test_who_has_no_such_attribute_gets_the_fallback(attributes: dict[str, str]) -> None:
    edition = make_edition(fields=(Field(attribute="city", fallback="your city"),))
    assert read_values(edition, make_recipient(attributes=attributes))["field0"] == "your city"


def test_every_slot_has_a_value() -> None:
    assert set(read_values(make_edition(), make_recipient())) == set(Slot)
    assert read_values(make_edition(), make_recipient())[Slot.VIEW_URL] == "https://spp.example.com/2026-02/"


def test_a_slot_that_is_the_same_for_everybody_is_filled_once() -> None:
    text = cut_html(f"<a href='{TOKENS['view_url']}'>{TOKENS['name']}</a>{TOKENS['view_url']}", TOKENS)
    settled = settle(text, Slot.VIEW_URL, "https://example.com/?a&b")
    assert settled.slots == (Slot.NAME,)
    assert settled.fill({Slot.NAME: "Li"}) == text.fill({Slot.NAME: "Li", Slot.VIEW_URL: "https://example.com/?a&b"})


def test_facts_are_the_attributes_and_what_is_known_of_everybody() -> None:
    recipient = make_recipient(name=" \r\n", list="readers", attributes={"city": "北京", "list": "press"})
    expected = {"city": "北京", "name": "", "address": "lin@example.com", "domain": "example.com", "list": "readers"}
    assert read_facts(recipient) == expected


def test_a_greeting_fills_in_every_name_and_does_without() -> None:
    edition = make_edition(greeting="{name}, hello {name}!", greeting_anonymous="Hello!")
    assert greet(edition, "{name}") == "{name}, hello {name}!"
    assert greet(edition, "Li") == "Li, hello Li!"
    assert greet(edition, "\0") == "Hello!"
    assert greet(make_edition(greeting=None, greeting_anonymous="Hello {name}"), "Li") == "Hello Li"
