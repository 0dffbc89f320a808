from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from command import Ended, run_here
from pressrun.cli.subscriber_files import FormatName
from pressrun.cli.subscribers import BasisName
from pressrun.store.consent import ConsentBasis
from pressrun.subscriber_file import FileFormat
from small_issue import write_small_issue

PEOPLE = """\
email,name,city
ann@example.com,Ann Field,Leeds
林晓@example.com,林晓,杭州
o'brien+tag@Example.com,"O'Brien, Sean",
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_small_issue(tmp_path)
    return tmp_path


@pytest.fixture
def people(tmp_path: Path) -> Path:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, encoding="utf-8")
    return file


def members(folder: Path, list_name: str = "news") -> dict[str, dict[str, object]]:
    lines = run_here(folder, "subscribers", "list", "--list", list_name, "--format", "json").out.splitlines()
    return {row["address"]: row for row in map(json.loads, lines)}


def import_file(folder: Path, file: Path, list_name: str = "news") -> Ended:
    return run_here(folder, "subscribers", "import", file, "--list", list_name, "--basis", "written")


def test_import_puts_everybody_on_the_list_and_counts_them(folder: Path, people: Path) -> None:
    ended = import_file(folder, people)
    assert (ended.status, ended.out, ended.err) == (0, "news: 3 added, 0 updated, 0 unchanged\n", "")
    assert members(folder)["林晓@example.com"]["attributes"] == {"city": "杭州"}


def test_second_import_changes_nothing(folder: Path, people: Path) -> None:
    import_file(folder, people)
    before = members(folder)
    assert import_file(folder, people).out == "news: 0 added, 0 updated, 3 unchanged\n"
    assert members(folder) == before


def test_import_rejects_rows_by_line_on_standard_error_and_takes_the_others(folder: Path, people: Path) -> None:
    people.write_text(PEOPLE + "not an address,Nobody,\nzoe@example.com,Zoë,York\n,Empty,\n", encoding="utf-8")
    ended = import_file(folder, people)
    assert ended.status == 1
    assert ended.out == "news: 4 added, 0 updated, 0 unchanged\n"
    assert [line.split(": ")[0] for line in ended.err.splitlines()] == [f"{people}:5", f"{people}:7"]
    assert "not an address,Nobody" in ended.err
    assert "zoe@example.com" in members(folder)


def test_a_doubled_row_is_told_and_is_no_failure(folder: Path, people: Path) -> None:
    people.write_text(PEOPLE + "ANN@example.com,Another Ann,Bath\n", encoding="utf-8")
    ended = import_file(folder, people)
    assert ended.status == 0
    assert ended.err.startswith(f"{people}:5: ")
    assert members(folder)["ann@example.com"]["name"] == "Ann Field"


@pytest.mark.parametrize("content", [b"", b"name,city\nAnn,Leeds\n", b"\xff\xfe\x00\xd8,\n"])
def test_import_of_what_is_no_list_is_wrong_usage_in_one_line(folder: Path, people: Path, content: bytes) -> None:
    people.write_bytes(content)
    ended = import_file(folder, people)
    assert ended.status == 2
    assert ended.err.count("\n") == 1
    assert str(people) in ended.err


def test_import_of_a_missing_file_is_wrong_usage(folder: Path) -> None:
    ended = import_file(folder, folder / "nowhere.csv")
    assert (ended.status, ended.err.count("\n")) == (2, 1)


def test_a_wrong_list_name_is_wrong_usage_and_makes_no_list(folder: Path, people: Path) -> None:
    assert import_file(folder, people, " news").status == 2
    assert run_here(folder, "subscribers", "list").out == ""


def test_who_was_removed_stays_away_from_imports_until_added_by_name(folder: Path, people: Path) -> None:
    import_file(folder, people)
    assert run_here(folder, "subscribers", "remove", "ANN@example.com", "--list", "news").status == 0
    assert import_file(folder, people).out.splitlines() == [
        "news: 0 added, 0 updated, 2 unchanged",
        "1 had left the list and stay away",
    ]
    assert "ann@example.com" not in members(folder)
    added = run_here(folder, "subscribers", "add", "ann@example.com", "--list", "news")
    assert (added.status, added.out) == (0, "ann@example.com: returned on news\n")
    assert "ann@example.com" in members(folder)


def test_removing_somebody_who_is_not_there_falls_short(folder: Path, people: Path) -> None:
    import_file(folder, people)
    ended = run_here(folder, "subscribers", "remove", "stranger@example.com", "--list", "news")
    assert (ended.status, ended.out) == (1, "")


def test_add_stores_name_and_attributes(folder: Path) -> None:
    arguments = ("--name", "Bo", "--attribute", "city=Leeds", "--attribute", "note=a=b")
    ended = run_here(folder, "subscribers", "add", "bo@example.com", "--list", "news", *arguments)
    assert (ended.status, ended.out) == (0, "bo@example.com: added to news\n")
    assert members(folder)["bo@example.com"]["name"] == "Bo"
    assert members(folder)["bo@example.com"]["attributes"] == {"city": "Leeds", "note": "a=b"}


@pytest.mark.parametrize("verb", ["add", "remove"])
@pytest.mark.parametrize("address", ["nobody", "a@b@example.com", "Ann <ann@example.com>", "a@example.com\r\nX: y"])
def test_a_wrong_address_is_wrong_usage_in_one_line(folder: Path, verb: str, address: str) -> None:
    ended = run_here(folder, "subscribers", verb, address, "--list", "news")
    assert (ended.status, ended.err.count("\n"), ended.out) == (2, 1, "")


def test_an_attribute_without_a_value_is_wrong_usage(folder: Path) -> None:
    ended = run_here(folder, "subscribers", "add", "a@example.com", "--list", "news", "--attribute", "city")
    assert (ended.status, ended.err.count("\n")) == (2, 1)


@pytest.mark.parametrize("verb", ["list", "export"])
def test_an_unknown_list_is_wrong_usage(folder: Path, people: Path, verb: str) -> None:
    import_file(folder, people)
    ended = run_here(folder, "subscribers", verb, "--list", "nwes")
    assert (ended.status, ended.out) == (2, "")
    assert "nwes" in ended.err


def test_list_without_a_name_counts_the_members_of_each(folder: Path, people: Path) -> None:
    import_file(folder, people)
    import_file(folder, people, "other")
    run_here(folder, "subscribers", "remove", "ann@example.com", "--list", "other")
    lines = run_here(folder, "subscribers", "list", "--format", "json").out.splitlines()
    assert [json.loads(line) for line in lines] == [{"list": "news", "members": 3}, {"list": "other", "members": 2}]


def test_list_as_csv_can_be_read_back(folder: Path, people: Path) -> None:
    import_file(folder, people)
    text = run_here(folder, "subscribers", "list", "--list", "news", "--format", "csv").out
    rows = {row["address"]: row for row in csv.DictReader(text.splitlines())}
    assert json.loads(rows["林晓@example.com"]["attributes"]) == {"city": "杭州"}


def test_what_is_exported_and_imported_is_the_same_list(folder: Path, people: Path) -> None:
    people.write_text(PEOPLE + '=cmd@example.com,"=1+1",@SUM(A1)\n+t@example.com,-2,\'=x\n', encoding="utf-8")
    import_file(folder, people)
    out = folder / "out.csv"
    assert run_here(folder, "subscribers", "export", "--list", "news", "--out", out).status == 0
    assert import_file(folder, out, "copy").status == 0
    kept = [
        {address: (row["name"], row["attributes"]) for address, row in members(folder, name).items()}
        for name in ("news", "copy")
    ]
    assert kept[0] == kept[1]
    assert len(kept[0]) == 5
    again = folder / "again.csv"
    run_here(folder, "subscribers", "export", "--list", "copy", "--out", again)
    assert again.read_bytes() == out.read_bytes()


def test_export_never_writes_a_cell_a_spreadsheet_would_run(folder: Path) -> None:
    arguments = ("--name", "=1+1", "--attribute", "city=@SUM(A1)")
    run_here(folder, "subscribers", "add", "a@example.com", "--list", "news", *arguments)
    text = run_here(folder, "subscribers", "export", "--list", "news").out
    assert [cell for row in csv.reader(text.splitlines()) for cell in row if cell[:1] in "=+-@"] == []


def test_export_to_standard_output_and_to_a_file_are_the_same(folder: Path, people: Path) -> None:
    import_file(folder, people)
    run_here(folder, "subscribers", "export", "--out", folder / "all.csv")
    text = run_here(folder, "subscribers", "export").out
    assert text.encode() == (folder / "all.csv").read_bytes()


def test_export_to_a_folder_that_is_not_there_is_wrong_usage(folder: Path, people: Path) -> None:
    import_file(folder, people)
    ended = run_here(folder, "subscribers", "export", "--out", folder / "nowhere" / "all.csv")
    assert ended.status == 2
    assert "all.csv" in ended.err


def test_a_failed_export_leaves_an_earlier_file_alone(folder: Path, people: Path) -> None:
    import_file(folder, people)
    kept = folder / "kept.csv"
    kept.write_text("what was there")
    assert run_here(folder, "subscribers", "export", "--list", "nwes", "--out", kept).status == 2
    assert kept.read_text() == "what was there"


def test_an_import_asks_for_the_basis_of_consent(folder: Path, people: Path) -> None:
    ended = run_here(folder, "subscribers", "import", people, "--list", "news")
    assert (ended.status, ended.out) == (2, "")
    assert "--basis" in ended.err
    wrong = run_here(folder, "subscribers", "import", people, "--list", "news", "--basis", "guess")
    assert wrong.status == 2


def test_the_names_that_help_shows_are_those_of_the_library() -> None:
    assert [name.value for name in BasisName] == [basis.value for basis in ConsentBasis]
    assert [name.value for name in FormatName] == [format.value for format in FileFormat]


def test_a_trial_shows_columns_and_people_and_changes_nothing(folder: Path, people: Path) -> None:
    ended = run_here(folder, "subscribers", "import", people, "--list", "news", "--basis", "written", "--dry-run")
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["format:", "csv"] in lines
    assert ["city", "attribute", "city"] in lines
    assert ended.out.splitlines()[-1].startswith("a trial, nothing was changed: news: 3 added")
    assert run_here(folder, "subscribers", "list").out == ""


def test_rows_that_are_not_taken_stand_in_the_report_with_line_and_reason(folder: Path) -> None:
    file, out = folder / "bad.csv", folder / "report.csv"
    file.write_text("email,name\nann@example.com,Ann\n=1+1,Bo\nANN@example.com,\n", encoding="utf-8")
    arguments = ("--list", "news", "--basis", "written", "--report", out)
    ended = run_here(folder, "subscribers", "import", file, *arguments)
    assert ended.status == 1
    assert ended.err.splitlines() == [f"{file}: 2 rows were not taken: see {out}"]
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["line"], row["text"]) for row in rows] == [("3", "'=1+1,Bo"), ("4", "ANN@example.com")]
    assert rows[1]["reason"] == "the same address as in line 2"


def test_attributes_are_held_against_what_the_workspace_declares(folder: Path) -> None:
    (folder / "subscribers").mkdir(exist_ok=True)
    (folder / "subscribers" / "attributes.yaml").write_text("score: {type: number}\n", encoding="utf-8")
    file = folder / "scores.csv"
    file.write_text("email,score,city\na@example.com,007,Bath\nb@example.com,many,Bath\n", encoding="utf-8")
    refused = import_file(folder, file)
    assert refused.status == 2 and "--skip 'city'" in refused.err
    taken = run_here(folder, "subscribers", "import", file, "--list", "news", "--basis", "written", "--skip", "city")
    assert (taken.status, "score: 'many' is no number" in taken.err) == (1, True)
    assert {address: row["attributes"] for address, row in members(folder).items()} == {"a@example.com": {"score": "7"}}
    wrong = run_here(folder, "subscribers", "add", "c@example.com", "--list", "news", "--attribute", "score=x")
    assert wrong.status == 2


def test_json_lines_and_tags_come_back_the_same(folder: Path) -> None:
    file = folder / "people.jsonl"
    file.write_text(
        '{"email": "a@example.com", "name": "A", "tags": ["vip", "a, b"], "city": "Bath"}\n', encoding="utf-8"
    )
    assert import_file(folder, file).out.splitlines()[-1] == "2 tags were given"
    for form, name in (("json-lines", "all.jsonl"), ("csv", "all.csv")):
        out = folder / name
        assert run_here(folder, "subscribers", "export", "--format", form, "--out", out).status == 0
        assert (out.stat().st_mode & 0o777) == 0o600
        again = import_file(folder, out)
        assert again.out.splitlines() == ["news: 0 added, 0 updated, 1 unchanged"]
    assert "tags" in (folder / "all.csv").read_text(encoding="utf-8").splitlines()[0]


def test_a_segment_is_exported_by_its_filter(folder: Path, people: Path) -> None:
    import_file(folder, people)
    text = run_here(folder, "subscribers", "export", "--list", "news", "--segment", 'city == "杭州"').out
    assert [row["email"] for row in csv.DictReader(text.splitlines())] == ["林晓@example.com"]


def test_who_was_forgotten_is_not_added_by_hand(folder: Path) -> None:
    run_here(folder, "subscribers", "add", "ann@example.com", "--list", "news")
    assert run_here(folder, "subscribers", "forget", "ann@example.com", "--yes").status == 0
    ended = run_here(folder, "subscribers", "add", "ann@example.com", "--list", "news")
    assert (ended.status, "only they can come back" in ended.err) == (2, True)
