"""JSON lines: one object a line, each good or rejected by itself."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pressrun.store.subscriber import RejectedRow, Row, Subscriber
from pressrun.subscriber_file import JsonWriter, open_subscribers


def read(tmp_path: Path, text: str) -> list[Row | RejectedRow]:
    path = tmp_path / "people.jsonl"
    path.write_text(text, encoding="utf-8")
    return list(open_subscribers(path).rows())


def test_keys_beside_the_known_ones_are_attributes(tmp_path: Path) -> None:
    first = {"email": " ann@example.com", "name": "Ann", "tags": ["vip", "vip", "two words"], "attributes": {"a": 1}}
    lines = [
        first | {"city": "Bath", "yes": True, "none": None, "part": 1.5, "list": [1, "x"]},
        {"E-Mail": "b@example.com"},
    ]
    ann, bo = read(tmp_path, "\n\n".join(json.dumps(line) for line in lines))
    assert isinstance(ann, Row) and isinstance(bo, Row)
    assert (ann.line, ann.address.address, ann.name, ann.tags) == (1, "ann@example.com", "Ann", ("vip", "two words"))
    assert ann.attributes == {"a": "1", "city": "Bath", "yes": "true", "none": "", "part": "1.5", "list": '[1,"x"]'}
    assert (bo.line, bo.name, bo.attributes, bo.tags) == (3, None, {}, ())


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "this is no JSON object"),
        ("[]", "this is no JSON object"),
        ('{"email": "a@example.com"} x', "this is no JSON object"),
        ('{"name": "Ann"}', "no address"),
        ('{"email": null}', "no address"),
        ('{"email": 5}', "email is no text"),
        ('{"email": "a@example.com", "name": ["x"]}', "name is no text"),
        ('{"email": "a@example.com", "email": "b@example.com"}', "a key stands in this JSON object twice"),
        ('{"email": "a@example.com", "x": NaN}', "NaN is no JSON"),
        ('{"email": "a@example.com", "x": 1e999}', "x is no number that can be kept"),
        ('{"email": "a@example.com", "x": ' + "9" * 5_000 + "}", "this is no JSON object"),
        ('{"email": "a@example.com", "tags": "vip"}', "tags is no list of texts"),
        ('{"email": "a@example.com", "tags": [" x"]}', "' x' can't be a tag"),
        ('{"email": "a@example.com", "attributes": []}', "attributes is no JSON object"),
        ('{"email": "a@example.com", "attributes": "x"}', "attributes is no JSON object"),
        ('{"email": "a@example.com", "a\\u0000": "x"}', "'a\\x00' can't name an attribute"),
        (
            '{"email": "a@example.com", "name": "A\\r\\nBcc: x"}',
            "a line break or control character can't stand in a name",
        ),
        ('{"email": "a@example.com", "x": "\\ud800"}', "a control character can't stand in 'x'"),
        ('{"email": "\\ud800@example.com"}', "the email address contains unsafe characters: U+D800"),
        ('{"a":' * 100_000, "this JSON is nested too deep"),
    ],
)
def test_a_line_that_cannot_be_taken_is_rejected_and_the_next_is_read(tmp_path: Path, line: str, reason: str) -> None:
    first, rejected, last = read(tmp_path, f'{{"email": "x@example.com"}}\n{line}\n{{"email": "y@example.com"}}\n')
    assert isinstance(first, Row) and isinstance(last, Row)
    assert isinstance(rejected, RejectedRow)
    assert (rejected.line, rejected.reason) == (2, reason)


texts = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp", "Cf")), max_size=20)
names = texts.map(str.strip)
keys = names.filter(lambda key: bool(key) and key.isprintable())
known = {"email", "e-mail", "邮箱", "address", "name", "姓名", "tags", "attributes"}
people = st.builds(
    Subscriber,
    address=st.sampled_from(["a@example.com", "o'neill+x@example.com", "李@例子.example"]),
    name=names,
    attributes=st.dictionaries(keys.filter(lambda key: key.casefold() not in known), texts.filter(bool), max_size=4),
    tags=st.lists(keys, unique=True, max_size=3).map(tuple),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(people, min_size=1, max_size=4))
def test_what_is_written_is_read_the_same(tmp_path: Path, subscribers: list[Subscriber]) -> None:
    stream = io.StringIO()
    for subscriber in subscribers:
        JsonWriter(stream).write(subscriber)
    rows = read(tmp_path, stream.getvalue())
    assert [
        Subscriber(row.address.address, row.name or "", dict(row.attributes), tags=row.tags)
        for row in rows
        if isinstance(row, Row)
    ] == subscribers
