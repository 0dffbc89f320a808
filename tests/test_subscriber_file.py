"""Reading subscribers from what people have, and writing them so that nothing changes on the way back."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pressrun.errors import UsageError
from pressrun.subscriber_file import RejectedRow, Row, Subscriber, read_subscribers, write_subscribers

TEXT = "email,name,城市\nli.wei@example.com,李伟,上海\n"


def read(tmp_path: Path, content: str | bytes) -> list[Row | RejectedRow]:
    path = tmp_path / "people.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_subscribers(path))


def fates(rows: list[Row | RejectedRow]) -> list[tuple[int, str]]:
    return [(row.line, row.address.address if isinstance(row, Row) else f"- {row.reason}") for row in rows]


def write(subscribers: list[Subscriber]) -> str:
    stream = io.StringIO(newline="")
    write_subscribers(subscribers, stream)
    return stream.getvalue()


def back(row: Row | RejectedRow) -> Subscriber:
    assert isinstance(row, Row), row
    return Subscriber(row.address.address, row.name or "", dict(row.attributes))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_delimiters_and_line_ends_are_found(tmp_path: Path, encoding: str, delimiter: str, end: str) -> None:
    (row,) = read(tmp_path, TEXT.replace(",", delimiter).replace("\n", end).encode(encoding))
    assert isinstance(row, Row)
    assert (row.line, row.address.address, row.name, row.attributes) == (
        2,
        "li.wei@example.com",
        "李伟",
        {"城市": "上海"},
    )


def test_big_endian_utf_16_is_read(tmp_path: Path) -> None:
    (row,) = read(tmp_path, b"\xfe\xff" + TEXT.encode("utf-16-be"))
    assert isinstance(row, Row) and row.name == "李伟"


@pytest.mark.parametrize("heading", ["email", "E-Mail", " EMAIL ", "address", "Address", "邮箱", '"email"', "'email"])
def test_the_address_column_is_known_by_its_heading(tmp_path: Path, heading: str) -> None:
    if heading == "'email":
        with pytest.raises(UsageError):
            read(tmp_path, f"{heading}\na@example.com\n")
        return
    assert fates(read(tmp_path, f"city,{heading}\nBath,a@example.com\n")) == [(2, "a@example.com")]


def test_an_address_beside_an_email_column_is_an_attribute(tmp_path: Path) -> None:
    (row,) = read(tmp_path, 'address,Email,姓名\n"1 High Street, Bath",a@example.com,Ann\n')
    assert isinstance(row, Row)
    assert (row.name, row.attributes) == ("Ann", {"address": "1 High Street, Bath"})


def test_without_a_name_column_and_in_short_rows_nothing_is_said(tmp_path: Path) -> None:
    first, second = read(tmp_path, "email,city,language\na@example.com,,en\nb@example.com\n")
    assert isinstance(first, Row) and isinstance(second, Row)
    assert (first.name, first.attributes) == (None, {"city": "", "language": "en"})
    assert (second.name, second.attributes) == (None, {})


@pytest.mark.parametrize("content", ["", "\n\n", "li.wei@example.com,Li\n", "name,city\nLi,Bath\n"])
def test_a_missing_heading_is_a_usage_error_with_file_line_and_remedy(tmp_path: Path, content: str) -> None:
    with pytest.raises(UsageError, match=r"people\.csv:[12]: no column is headed email — make the first line"):
        read(tmp_path, content)


def test_two_columns_of_one_heading_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"people\.csv:1: two columns are headed 'city'"):
        read(tmp_path, "email,city,city\n")


def test_a_column_without_heading_is_refused_unless_it_is_the_last_and_empty(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"people\.csv:1: a column has no heading"):
        read(tmp_path, "email,,city\n")
    assert fates(read(tmp_path, "email,city,,\na@example.com,Bath,,\n")) == [(2, "a@example.com")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"email,name\na@example.com,A\nb@example.com,\xff\xff\n", r":3: this is not UTF-8 or GB18030"),
        (b"\xff\xfee\x00m\x00", r":1: no column is headed email"),
        (b"\xff\xfee\x00m", r":1: this is not UTF-16, as its first bytes say"),
    ],
)
def test_bytes_of_no_encoding_are_a_usage_error(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read(tmp_path, content)


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.csv: can't be read: No such file"):
        list(read_subscribers(tmp_path / "none.csv"))


def test_rejected_rows_carry_their_physical_line_and_reason(tmp_path: Path) -> None:
    content = (
        "email,name,note\n"
        "\n"
        "a@example.com,A,\n"
        "b@example,B,\n"
        ',"nobody",\n'
        'c@example.com,C,"two\nlines"\n'
        "d@example.com,D,x,extra\n"
        '"e@example.com,E,\n'
        "f@example.com,F,\n"
        'g@example.com,"G\nh@example.com,"H",\n'
        "i@example.com,I\x00,\n"
        'j@example.com,"J" J,\n'
        "k@example.com,K,\n"
    )
    rows = read(tmp_path, content)
    assert fates(rows) == [
        (3, "a@example.com"),
        (4, "- the part after the @-sign is not valid. It should have a period"),
        (5, "- no address"),
        (6, "c@example.com"),
        (8, "- 4 cells under 3 headings"),
        (9, "- a quotation mark stands inside a quoted cell: write it twice"),
        (10, "f@example.com"),
        (11, "- a quotation mark stands inside a quoted cell: write it twice"),
        (12, "h@example.com"),
        (13, "- a line break or control character can't stand in a name"),
        (14, "- a quotation mark stands inside a quoted cell: write it twice"),
        (15, "k@example.com"),
    ]
    rejected = [row for row in rows if isinstance(row, RejectedRow)]
    assert rejected[0].text == "b@example,B,"
    assert rejected[3].text == '"e@example.com,E,'


def test_a_quotation_mark_that_is_never_closed_costs_one_row(tmp_path: Path) -> None:
    many = "".join(f"p{n}@example.com,P\n" for n in range(500))
    rows = read(tmp_path, f'email,name\na@example.com,"A\n{many}')
    assert fates(rows)[0] == (2, "- a quotation mark opens here and isn't closed")
    assert [row.line for row in rows] == list(range(2, 503))
    assert all(isinstance(row, Row) for row in rows[1:])
    assert fates(read(tmp_path, 'email,name\na@example.com,"A\nb@example.com,B'))[1:] == [(3, "b@example.com")]


def test_an_endless_cell_or_line_is_no_row(tmp_path: Path) -> None:
    rows = read(tmp_path, f"email,note\na@example.com,{'x' * 200_000}\nb@example.com,y\n")
    assert fates(rows) == [(2, "- a cell is longer than 131,072 characters"), (3, "b@example.com")]
    assert isinstance(rows[0], RejectedRow) and len(rows[0].text) == 1000
    with pytest.raises(UsageError, match=r"people\.csv:2: this line has no end"):
        read(tmp_path, "email\n" + "x" * (1 << 20))


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-x", '=HYPERLINK("a")'])
def test_no_cell_is_written_that_a_spreadsheet_would_run(tmp_path: Path, value: str) -> None:
    text = write([Subscriber("+a@example.com", "=name", {"note": value, "=note": "x"})])
    assert text.startswith("email,name,'=note,note\r\n'+a@example.com,'=name,x,")
    (row,) = read(tmp_path, text)
    assert back(row) == Subscriber("+a@example.com", "=name", {"note": value, "=note": "x"})


def test_a_quote_that_guards_nothing_stays(tmp_path: Path) -> None:
    (row,) = read(tmp_path, "email,name\na@example.com,'s-Gravenhage\n")
    assert back(row).name == "'s-Gravenhage"
    assert write([Subscriber("a@example.com", "'s-Gravenhage")]) == "email,name\r\na@example.com,'s-Gravenhage\r\n"


def test_the_columns_are_the_union_of_all_attributes_in_order() -> None:
    text = write([Subscriber("a@example.com", "A", {"z": "1"}), Subscriber("b@example.com", "B", {"a": "2"})])
    assert text == "email,name,a,z\r\na@example.com,A,,1\r\nb@example.com,B,2,\r\n"


printable = st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"))
starts = st.sampled_from(["", "'", "''", "=", "'=", "-", "@", "+", " ", '"', ";", ",", "＝"])
names = st.builds("{}{}{}".format, starts, st.text(printable, max_size=8), st.sampled_from(["", " ", '"', "'"]))
values = st.one_of(names, st.text(st.one_of(printable, st.sampled_from("\t\r\n'=")), max_size=12))
keys = st.builds("{}{}".format, starts, st.text(printable, min_size=1, max_size=6)).map(str.strip)
keys = keys.filter(lambda key: bool(key) and key.isprintable())
people = st.lists(
    st.builds(
        Subscriber,
        address=st.sampled_from(["a@example.com", "=a@example.com", "o'neill+x@example.com", "'=b@example.com"]),
        name=names,
        attributes=st.dictionaries(keys, values, max_size=4),
    ),
    max_size=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(people)
@example([Subscriber("a@example.com", "", {"email": "x", "name": "y", "address": "z", "邮箱": "w"})])
def test_export_import_export_is_the_identity(tmp_path: Path, subscribers: list[Subscriber]) -> None:
    text = write(subscribers)
    rows = read(tmp_path, text)
    assert write([back(row) for row in rows]) == text
    attributes = sorted({key for subscriber in subscribers for key in subscriber.attributes})
    assert [back(row) for row in rows] == [
        Subscriber(s.address, s.name, {key: s.attributes.get(key, "") for key in attributes}) for s in subscribers
    ]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.sampled_from("a@example.com,;'\n\r\t =é李\0"), max_size=120))
def test_every_line_that_holds_anything_has_one_fate(tmp_path: Path, body: str) -> None:
    rows = read(tmp_path, "email,name\n" + body)
    lines = body.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert [row.line for row in rows] == [n for n, line in enumerate(lines, start=2) if line.strip(",")]
