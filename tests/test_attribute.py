"""The attribute schema that a workspace declares: read with places of its faults, and held against values."""

from __future__ import annotations

from pathlib import Path

import pytest

from pressrun.attribute import ATTRIBUTES_FILE, AttributeSchema, AttributeType, load_attribute_schema
from pressrun.errors import UsageError
from pressrun.workspace import open_workspace
from small_issue import write_small_issue

DECLARED = """\
city: {label: {en: City, zh: 城市}, editable: yes, fallback: your city}
score:
  type: number
plan:
  type: choice
  choices: {free: {en: Free, zh: 免费}, paid: Paid, guest: }
  label: Plan
joined_us: {type: date, required: yes}
language: {label: Language, editable: yes}
note:
"""


def load(tmp_path: Path, text: str | None) -> AttributeSchema:
    write_small_issue(tmp_path)
    if text is not None:
        (tmp_path / "subscribers").mkdir(exist_ok=True)
        (tmp_path / ATTRIBUTES_FILE).write_text(text, encoding="utf-8")
    return load_attribute_schema(open_workspace(tmp_path))


def test_without_a_file_any_attribute_is_text(tmp_path: Path) -> None:
    schema = load(tmp_path, None)
    assert not schema.declared
    assert schema.clean({"whatever": " 007 ", "z": ""}) == ({"whatever": " 007 ", "z": ""}, ())
    found = schema.find("whatever")
    assert found is not None and found.type is AttributeType.TEXT


def test_reserved_attributes_are_typed_always(tmp_path: Path) -> None:
    values, faults = load(tmp_path, None).clean({"language": "zh_cn", "timezone": "Mars", "tracking": "YES"})
    assert values == {"language": "zh-CN", "tracking": "yes"}
    assert [fault.name for fault in faults] == ["timezone"]


def test_values_come_out_in_their_canonical_form_and_faults_are_data(tmp_path: Path) -> None:
    schema = load(tmp_path, DECLARED)
    values, faults = schema.clean({"score": "+07.50", "plan": "PAID", "joined_us": "2026/2/8", "ctiy": "x", "city": ""})
    assert values == {"score": "7.5", "plan": "paid", "joined_us": "2026-02-08", "city": ""}
    (fault,) = faults
    assert str(fault) == "ctiy: subscribers/attributes.yaml declares no such attribute — did you mean city?"


def test_what_is_required_must_be_there_for_a_whole_person_and_never_empty(tmp_path: Path) -> None:
    schema = load(tmp_path, DECLARED)
    assert schema.clean({"city": "Bath"})[1] == ()
    assert [fault.name for fault in schema.clean({"city": "Bath"}, whole=True)[1]] == ["joined_us"]
    assert [fault.message for fault in schema.clean({"joined_us": ""})[1]] == ["joined_us: it is required, and empty"]


def test_people_read_labels_in_their_language(tmp_path: Path) -> None:
    schema = load(tmp_path, DECLARED)
    assert list(schema.editable) == ["city", "language"]
    city, plan = schema.attributes["city"], schema.attributes["plan"]
    assert [city.label_in(language, "city") for language in ("zh-CN", "en", "fr")] == ["城市", "City", "city"]
    assert [plan.choice_in(language, "free") for language in ("zh-TW", "fr")] == ["免费", "free"]
    assert (plan.choice_in("fr", "paid"), plan.choice_in("en", "guest")) == ("Paid", "guest")
    assert city.fallback == "your city"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("city: text\n", "1:1", "where keys and values belong"),
        ("a: {type: nummer}\n", "1:11", "'nummer'"),
        ("a:\n  typ: text\n", "2:3", "typ is not known here"),
        ("name: {}\n", "1:1", "name is what every subscriber has"),
        ("'a\tb': {}\n", "1:1", "can't name an attribute"),
        ("language: {type: text}\n", "1:1", "what language can be is fixed"),
        ("a: {type: choice}\n", "1:1", "choices belong to the type choice"),
        ("a: {choices: [x]}\n", "1:1", "choices belong to the type choice"),
        ("- a\n", "1:1", "this is no list of attributes"),
        ("a: {}\na: {}\n", "2:1", "'a' stands here twice"),
        ("a: [\n", "2:1", ""),
    ],
)
def test_a_fault_of_the_file_is_told_with_its_place(tmp_path: Path, text: str, place: str, message: str) -> None:
    with pytest.raises(UsageError) as found:
        load(tmp_path, text)
    assert found.value.message.startswith(f"subscribers/attributes.yaml:{place}: ")
    assert message in found.value.message
    assert found.value.remedy
