"""Parts: encoding what never changes only once gives what encoding the whole would."""

from __future__ import annotations

import base64
import quopri

from hypothesis import given, settings
from hypothesis import strategies as st

from pressrun.delivery.part import Part
from pressrun.render.slot import Slot, cut_html, cut_plain
from small_edition import TOKENS

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=130)
LINES = st.lists(
    st.one_of(TEXT, st.sampled_from(["\n", "\r\n", "\r", " \n", "\t\n", ".\n", "=\n", "x" * 57, "重" * 19])), max_size=8
).map("".join)
FILLING = st.fixed_dictionaries({slot: TEXT for slot in Slot})
SLOTTED = st.lists(st.tuples(LINES, st.sampled_from(list(Slot))), max_size=4)


@settings(max_examples=80, deadline=None)
@given(
    pieces=SLOTTED,
    end=LINES,
    values=st.lists(st.fixed_dictionaries({slot: TEXT for slot in Slot}), min_size=2, max_size=3),
)
def test_a_part_decodes_to_its_filled_text(
    pieces: list[tuple[str, Slot]], end: str, values: list[dict[Slot, str]]
) -> None:
    source = "".join(f"{literal}{TOKENS[slot]} " for literal, slot in pieces) + end
    for slotted in (cut_plain(source, TOKENS), cut_html(source, TOKENS)):
        part = Part("plain", slotted)
        for filling in values:
            body = part.fill(filling)
            assert all(len(line) <= 76 for line in body.split(b"\r\n"))
            wanted = "".join(
                literal.replace("\r\n", "\n").replace("\r", "\n")
                + slotted.escape(filling[slot]).replace("\r\n", "\n").replace("\r", "\n")
                for literal, slot in zip(slotted.literals, slotted.slots, strict=False)
            ) + slotted.literals[-1].replace("\r\n", "\n").replace("\r", "\n")
            octets = wanted.replace("\n", "\r\n").encode()
            if b"base64" in part.header:
                whole = base64.b64encode(octets)
                assert body == b"\r\n".join(whole[n : n + 76] for n in range(0, len(whole), 76))
            else:
                assert quopri.decodestring(body.replace(b"\r\n", b"\n")) == octets.replace(b"\r\n", b"\n")
                assert not any(line.endswith((b" ", b"\t")) for line in body.split(b"\r\n"))


def test_a_long_constant_is_encoded_once_for_each_place_in_a_line() -> None:
    part = Part("html", cut_html(f"{TOKENS['name']}{'重点' * 10_000}", TOKENS))
    bodies = {len(name): part.fill({Slot.NAME: name}) for name in ("x" * n for n in range(200))}
    assert base64.b64decode(bodies[7]).decode() == "x" * 7 + "重点" * 10_000
    assert len(part._cuts) <= 58


def test_a_space_at_the_end_of_a_line_finds_room() -> None:
    for length in range(60, 160):
        part = Part("plain", cut_plain("x" * length + f" \n{'y' * length}\t\n" + TOKENS["name"], TOKENS))
        body = part.fill({Slot.NAME: "z" * length})
        assert b"quoted-printable" in part.header
        assert all(len(line) <= 76 for line in body.split(b"\r\n"))
        assert quopri.decodestring(body) == b"x" * length + b" \r\n" + b"y" * length + b"\t\r\n" + b"z" * length
