"""Every fault of a source file is found at its place, with a remedy, all at once and without a traceback."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import Image

from pressrun.finding import Finding
from pressrun.source.loader import load_issue
from small_issue import FIRST, ISSUE, PUBLICATION, SECOND, write_picture, write_small_issue

FOLDER = Path("issues/small/2026-01")


def faults(issue: Path) -> list[tuple[str, int, int, str]]:
    """What loading finds, by file name, line, column and code."""
    return [(Path(f.path).name, f.line, f.column, f.code) for f in found(issue)]


def found(issue: Path) -> list[Finding]:
    loaded = load_issue(issue)
    assert (loaded.issue is None) == bool(loaded.findings)
    for finding in loaded.findings:
        assert finding.message and finding.hint
        assert finding.line >= 1 and finding.column >= 1
    return list(loaded.findings)


def test_a_sound_issue_loads_without_findings(tmp_path: Path) -> None:
    loaded = load_issue(write_small_issue(tmp_path))
    assert loaded.findings == ()
    assert loaded.issue is not None
    assert loaded.issue.key == "small/2026-01"
    assert loaded.issue.label == "Issue 1 of 2026, 7 in all"
    assert [article.slug for article in loaded.issue.articles] == ["first", "second"]
    assert set(loaded.issue.pictures) == {"media/cover.png", "media/chart.png"}


ISSUE_FAULTS = {
    "an unknown key": (ISSUE + "tittle: x\n", [(15, 1, "unknown-key")]),
    "an unknown key within": (
        ISSUE.replace("    slug: news", "    slug: news\n    slugg: x"),
        [(12, 5, "unknown-key")],
    ),
    "a missing field": (ISSUE.replace("total: 7\n", ""), [(1, 1, "missing-field")]),
    "a missing field within": (ISSUE.replace("  alt: A small house\n", ""), [(7, 3, "missing-field")]),
    "a number that is none": (ISSUE.replace("total: 7", "total: seven"), [(3, 8, "wrong-type")]),
    "a text where a list belongs": (ISSUE + "inferred: date\n", [(15, 11, "wrong-type")]),
    "a text where keys belong": (
        ISSUE.replace("cover:\n  image: media/cover.png\n  alt: A small house\n", "cover: media/cover.png\n"),
        [(6, 8, "wrong-type")],
    ),
    "a word that is not of the choice": (ISSUE + "inferred: [date, moon]\n", [(15, 18, "bad-value")]),
    "a number out of range": (ISSUE.replace("number: 1", "number: 0"), [(2, 9, "bad-value")]),
    "a number of 5,000 digits": (ISSUE.replace("total: 7", f"total: {'9' * 5000}"), [(3, 8, "bad-value")]),
    "a day that is none": (ISSUE.replace("2026-03-31", "2026-02-30"), [(4, 7, "bad-date")]),
    "a date in another form": (ISSUE.replace("2026-03-31", "31.3.2026"), [(4, 7, "bad-date")]),
    "a date that is a number": (ISSUE.replace("2026-03-31", "20260331"), [(4, 7, "bad-date")]),
    "a time with seconds": (ISSUE + "lists: [all]\nsend_at: 2026-03-31 09:00:00\n", [(16, 10, "bad-date")]),
    "a time with a zone": (ISSUE + "lists: [all]\nsend_at: 2026-03-31T09:00Z\n", [(16, 10, "bad-date")]),
    "a time of no day": (ISSUE + "lists: [all]\nsend_at: 2026-02-30 09:00\n", [(16, 10, "bad-date")]),
    "a time but no hour": (ISSUE + "lists: [all]\nsend_at: 2026-03-31\n", [(16, 10, "bad-date")]),
    "a time but no list": (ISSUE + "send_at: 2026-03-31 09:00\n", [(15, 1, "lists-missing")]),
    "a tab": (ISSUE.replace("  image:", "\timage:"), [(7, 1, "yaml-syntax")]),
    "a bracket that never closes": (ISSUE + "inferred: [date\n", [(16, 1, "yaml-syntax")]),
    "a colon in a text": (ISSUE + "title: News: today\n", [(15, 12, "yaml-syntax")]),
    "an alias without an anchor": (ISSUE + "title: *bold* news\n", [(15, 13, "yaml-syntax")]),
    "an alias that holds itself": (ISSUE + "title: &a [*a]\n", [(15, 8, "yaml-syntax")]),
    "a second document": (ISSUE + "---\nyear: 2026\n", [(15, 1, "yaml-syntax")]),
    "a key twice": (ISSUE + "year: 2027\n", [(15, 1, "duplicate-key")]),
    "a list as a key": (ISSUE + "[a, b]: c\n", [(15, 1, "yaml-syntax")]),
    "an escape for no character": (ISSUE + 'title: "\\U00110000"\n', [(15, 11, "yaml-syntax")]),
    "an escape for a control character": (ISSUE + 'title: "a\\x0bb"\n', [(15, 8, "control-character")]),
    "an escape for half a character": (ISSUE + 'title: "\\ud800"\n', None),
    "a NUL in a picture's name": (
        ISSUE.replace("media/cover.png", r'"media/\0cover.png"'),
        [(7, 10, "control-character")],
    ),
    "an article listed twice": (ISSUE + "      - first\n", [(15, 9, "duplicate-slug")]),
    "a section named like an article": (ISSUE.replace("slug: news", "slug: first"), [(13, 9, "duplicate-slug")]),
    "an article whose name is none": (ISSUE + "      - Third one\n", [(15, 9, "bad-value")]),
    "a correction of an article that is not there": (
        ISSUE + "corrections:\n  - {date: 2026-04-02, article: frist, what: A figure.}\n",
        [(16, 33, "unknown-article")],
    ),
    "a silence in a file that is not there": (
        ISSUE + "silence:\n  - {rule: link-text, file: frist.md, why: Meant so.}\n",
        [(16, 29, "unknown-file")],
    ),
    "an article that is not there": (ISSUE + "      - third\n", [(15, 9, "missing-file")]),
    "a picture that is not there": (ISSUE.replace("cover.png", "caver.png"), [(7, 10, "missing-file")]),
    "a picture outside of media/": (ISSUE.replace("media/cover.png", "media/../issue.yaml"), [(7, 10, "bad-value")]),
    "a picture that is a folder": (ISSUE.replace("media/cover.png", "media/."), [(7, 10, "missing-file")]),
    "a picture whose name is too long": (ISSUE.replace("cover.png", "c" * 5000), [(7, 10, "missing-file")]),
    "a line of control characters": (ISSUE + "title: a\x0b\x0cb\n", [(15, 9, "control-character")]),
    "a line separator": (ISSUE.replace("What is", "What\u2028is"), [(5, 16, "control-character")]),
    "nothing at all": ("", None),
    "only a comment": ("# later\n", None),
    "only a word": ("later", [(1, 1, "wrong-type")]),
    "10,000 open brackets": ("a: " + "[" * 10_000, [(1, 1, "yaml-syntax")]),
    "1,000 closed brackets": ("a: " + "[" * 1_000 + "]" * 1_000, [(1, 1, "yaml-syntax")]),
    "a hundred brackets": (ISSUE + "title: " + "[" * 100 + "]" * 100 + "\n", [(15, 48, "yaml-syntax")]),
}


@pytest.mark.parametrize("name", ISSUE_FAULTS)
def test_a_fault_in_issue_yaml_is_found_at_its_place(name: str, tmp_path: Path) -> None:
    text, expected = ISSUE_FAULTS[name]
    seen = [fault for fault in faults(write_small_issue(tmp_path, issue=text)) if fault[3] != "article-unlisted"]
    if expected is None:
        assert seen
        assert all(file == "issue.yaml" for file, *_ in seen)
    else:
        assert seen == [("issue.yaml", *place) for place in expected]


ARTICLE_FAULTS = {
    "no front matter": ("A text.\n", (1, 1, "front-matter-missing")),
    "an empty file": ("", (1, 1, "front-matter-missing")),
    "front matter that never closes": ("---\ntitle: x\n\nA text.\n", (1, 1, "front-matter-unclosed")),
    "front matter with nothing in it": ("---\n---\nA text.\n", (2, 1, "missing-field")),
    "front matter with a comment in it": ("---\n# title\n---\nA text.\n", (2, 1, "missing-field")),
    "an unknown key": ("---\ntitle: x\nlabel: y\n---\n", (3, 1, "unknown-key")),
    "a YAML fault": ("---\ntitle: x: y\n---\n", (2, 9, "yaml-syntax")),
    "an address that is none": (
        "---\ntitle: x\nsources: [{name: a, url: http:www.a.com}]\n---\n",
        (3, 26, "bad-value"),
    ),
    "a picture without alt": ("---\ntitle: x\nimage: {image: media/cover.png}\n---\n", (3, 8, "missing-field")),
    "an unknown block": ("---\ntitle: x\n---\n\n:::figur\na: b\n:::\n", (5, 1, "unknown-block")),
    "a block that never closes": ("---\ntitle: x\n---\n:::quote\ntext: b\n", (4, 1, "block-unclosed")),
    "a block closed by too few colons": ("---\ntitle: x\n---\n::::quote\ntext: b\n:::\n", (4, 1, "block-unclosed")),
    "a block with nothing in it": ("---\ntitle: x\n---\n\nA.\n\n:::quote\n:::\n", (8, 1, "missing-field")),
    "a block with a fault": ("---\ntitle: x\n---\n:::quote\ntext: b\nbye: c\n:::\n", (6, 1, "unknown-key")),
    "a block with a list": ("---\ntitle: x\n---\n:::quote\n- b\n:::\n", (5, 1, "wrong-type")),
    "a block in a list": ("---\ntitle: x\n---\n- a\n\n  :::quote\n  text: b\n  :::\n", (6, 1, "block-nested")),
    "a cover without alt": (
        "---\ntitle: x\n---\n:::report\ntitle: b\nsummary: c\ncover: media/cover.png\n:::\n",
        (5, 1, "bad-value"),
    ),
    "a block's picture that is not there": (
        "---\ntitle: x\n---\n:::figure\nimage: media/none.png\nalt: c\n:::\n",
        (5, 8, "missing-file"),
    ),
    "an HTML block": ("---\ntitle: x\n---\nA.\n\n<div>\nx\n</div>\n", (6, 1, "raw-html")),
    "HTML in a line": ("---\ntitle: x\n---\nOne line,\nthen a <b>.\n", (5, 8, "raw-html")),
    "a Markdown picture": ("---\ntitle: x\n---\nOne line,\nthen ![a](media/cover.png).\n", (5, 6, "markdown-image")),
    "a first heading": ("---\ntitle: x\n---\n\n# Title\n", (5, 1, "heading-level")),
    "a control character": ("---\ntitle: x\n---\n\nA\x07.\n", (5, 2, "control-character")),
    "a second byte order mark": ("\ufeff\ufeff---\ntitle: x\n---\n", (1, 1, "control-character")),
    "a byte that is not UTF-8": ("---\ntitle: é\n".encode() + b"\xe9a", (3, 1, "not-utf8")),
    "Latin-1": ("---\ntitle: Österreich\n---\n".encode("latin-1"), (2, 8, "not-utf8")),
    "GB18030": ("---\ntitle: 采购\n---\n".encode("gb18030"), (2, 8, "not-utf8")),
    "UTF-16": ("---\ntitle: x\n---\n".encode("utf-16"), (1, 1, "not-utf8")),
}


@pytest.mark.parametrize("name", ARTICLE_FAULTS)
def test_a_fault_in_an_article_is_found_at_its_place(name: str, tmp_path: Path) -> None:
    text, expected = ARTICLE_FAULTS[name]
    assert faults(write_small_issue(tmp_path, second=text)) == [("second.md", *expected)]


PUBLICATION_FAULTS = {
    "a time zone that is none": (PUBLICATION.replace("Europe/Vienna", "Europe/Wien"), (4, 11, "bad-value")),
    "an hour that is none": (PUBLICATION + "publish_time: 25:00\n", (16, 15, "bad-date")),
    "a list-id without a dot": (PUBLICATION.replace("news.small.example.com", "news"), (8, 10, "bad-value")),
    **{
        f"the label {label}": (
            PUBLICATION.replace("Issue {number} of {year}, {total} in all", label),
            (12, 14, "bad-value"),
        )
        for label in ("{nummer}", "{", "{}", "{0}", "{year.real}", "{year[0]}", "{year:999999999999}", "{year!r}")
    },
}


@pytest.mark.parametrize("name", PUBLICATION_FAULTS)
def test_a_fault_in_publication_yaml_is_found_at_its_place(name: str, tmp_path: Path) -> None:
    text, expected = PUBLICATION_FAULTS[name]
    assert faults(write_small_issue(tmp_path, publication=text)) == [("publication.yaml", *expected)]


def test_an_issue_label_may_give_a_width_and_braces(tmp_path: Path) -> None:
    text = PUBLICATION.replace("Issue {number} of {year}, {total} in all", "{{{year}-{number:02}}}")
    issue = load_issue(write_small_issue(tmp_path, publication=text)).issue
    assert issue is not None
    assert issue.label == "{2026-01}"


@pytest.mark.parametrize("stem", ["publication", "issue"])
def test_a_missing_file_is_named(stem: str, tmp_path: Path) -> None:
    changes: dict[str, None] = {stem: None}
    assert (f"{stem}.yaml", 1, 1, "missing-file") in faults(write_small_issue(tmp_path, **changes))


def test_an_article_that_is_gone_is_found_where_it_is_listed(tmp_path: Path) -> None:
    assert faults(write_small_issue(tmp_path, second=None)) == [("issue.yaml", 14, 9, "missing-file")]


def test_the_listing_is_checked_whatever_else_is_wrong(tmp_path: Path) -> None:
    text = ISSUE.replace("2026-03-31", "soon") + "      - second\n      - fourth\n"
    assert sorted(faults(write_small_issue(tmp_path, issue=text, third=SECOND))) == [
        ("issue.yaml", 4, 7, "bad-date"),
        ("issue.yaml", 15, 9, "duplicate-slug"),
        ("issue.yaml", 16, 9, "missing-file"),
        ("third.md", 1, 1, "article-unlisted"),
    ]


def test_an_article_that_no_section_lists_is_found(tmp_path: Path) -> None:
    assert faults(write_small_issue(tmp_path, third=SECOND)) == [("third.md", 1, 1, "article-unlisted")]


def test_corrections_and_silences_may_name_whatever_the_issue_has(tmp_path: Path) -> None:
    more = (
        "corrections:\n  - {date: 2026-04-02, article: second, what: A figure.}\n"
        "  - {date: 2026-04-03, what: A name.}\n"
        "silence:\n  - {rule: link-text, file: second.md, why: Meant so.}\n"
        "  - {rule: subject-length, file: issue.yaml, why: Meant so.}\n  - {rule: alt-text, why: Meant so.}\n"
    )
    assert faults(write_small_issue(tmp_path, issue=ISSUE + more)) == []


def test_many_faults_in_many_files_come_at_once(tmp_path: Path) -> None:
    issue = write_small_issue(
        tmp_path,
        publication=PUBLICATION.replace("Europe/Vienna", "Moon").replace("language: en", "language: English"),
        issue=ISSUE.replace("2026-03-31", "tomorrow").replace("number: 1", "number: one") + "tittle: x\n",
        first=FIRST.replace("media/chart.png", "media/none.png").replace("The end", "The <b>end</b>"),
        second=SECOND.replace("title", "titel") + "\n:::quote\ntxt: a\n:::\n\x07\n",
        third=b"\xff",
    )
    assert sorted(faults(issue)) == [
        ("first.md", 10, 8, "missing-file"),
        ("first.md", 14, 5, "raw-html"),
        ("first.md", 14, 11, "raw-html"),
        ("issue.yaml", 2, 9, "wrong-type"),
        ("issue.yaml", 4, 7, "bad-date"),
        ("issue.yaml", 15, 1, "unknown-key"),
        ("publication.yaml", 3, 11, "bad-value"),
        ("publication.yaml", 4, 11, "bad-value"),
        ("second.md", 2, 1, "missing-field"),
        ("second.md", 2, 1, "unknown-key"),
        ("second.md", 7, 1, "missing-field"),
        ("second.md", 7, 1, "unknown-key"),
        ("second.md", 9, 1, "control-character"),
        ("third.md", 1, 1, "article-unlisted"),
        ("third.md", 1, 1, "not-utf8"),
    ]


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"issue": ISSUE + "preheeder: x\n"}, "did you mean preheader?"),
        ({"issue": ISSUE.replace("preheader: What is small this spring\n", "")}, "an inbox shows beside the subject"),
        ({"issue": ISSUE + "title: News: today\n"}, "put quotes around"),
        ({"issue": ISSUE.replace("  image:", "\timage:")}, "spaces, not tabs"),
        ({"issue": ISSUE.replace("2026-03-31", "31 March")}, "2026-02-28"),
        (
            {"issue": ISSUE.replace("\n  image: media/cover.png\n  alt: A small house", " media/cover.png")},
            "image, alt,",
        ),
        (
            {"issue": ISSUE + "corrections: [{date: 2026-04-02, article: frist, what: A figure.}]\n"},
            "did you mean first?",
        ),
        (
            {"issue": ISSUE + "silence: [{rule: link-text, file: frist.md, why: Meant so.}]\n"},
            "did you mean first.md?",
        ),
        ({"second": SECOND + "\n:::figur\na: b\n:::\n"}, "did you mean :::figure?"),
        ({"second": SECOND + "\n:::quote\nbay: b\ntext: a\n:::\n"}, "did you mean by?"),
    ],
)
def test_the_remedy_says_what_to_write(changes: dict[str, str], remedy: str, tmp_path: Path) -> None:
    assert any(remedy in finding.hint for finding in found(write_small_issue(tmp_path, **changes)))


def test_no_message_speaks_of_python(tmp_path: Path) -> None:
    article = "---\ntitle: [a]\nimage: media/cover.png\nlabels: a\nsources: {}\n---\n:::timeline\nmoments: a\n:::\n"
    messages = " ".join(finding.message for finding in found(write_small_issue(tmp_path, second=article)))
    assert not any(word in messages for word in ("tuple", "dictionary", "instance", "ArticleFile", "Traceback"))


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_of_other_systems_move_no_place(ends: str, tmp_path: Path) -> None:
    issue = write_small_issue(
        tmp_path, issue=(ISSUE + "tittle: x\n").replace("\n", ends), second=(SECOND + "\n<br>\n").replace("\n", ends)
    )
    assert sorted(faults(issue), reverse=True) == [
        ("second.md", 6, 1, "raw-html"),
        ("issue.yaml", 15, 1, "unknown-key"),
    ]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    issue = write_small_issue(tmp_path, issue="\ufeff" + ISSUE + "tittle: x\n", first="\ufeff" + FIRST)
    assert faults(issue) == [("issue.yaml", 15, 1, "unknown-key")]


def test_a_column_counts_characters_not_bytes(tmp_path: Path) -> None:
    article = "---\ntitle: x\nlabels: [精买, '', 久用]\n---\n"
    assert faults(write_small_issue(tmp_path, second=article)) == [("second.md", 3, 14, "bad-value")]


def test_aliases_that_unfold_to_a_billion_are_refused(tmp_path: Path) -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    codes = {code for *_, code in faults(write_small_issue(tmp_path, issue=bomb))}
    assert "yaml-syntax" in codes


def test_an_alias_stands_for_what_it_names(tmp_path: Path) -> None:
    text = ISSUE.replace("preheader: What", "preheader: &pre What") + "title: *pre\n"
    issue = load_issue(write_small_issue(tmp_path, issue=text)).issue
    assert issue is not None
    assert issue.title == "What is small this spring"


@pytest.mark.parametrize("word", ["no", "on", "1e3", "2026-02-28", "0x10", "1_000", "12:30"])
def test_a_text_stays_as_it_was_written(word: str, tmp_path: Path) -> None:
    issue = load_issue(write_small_issue(tmp_path, issue=ISSUE + f"title: {word}\n")).issue
    assert issue is not None
    assert issue.title == word


@pytest.mark.parametrize("name", ["issue.yaml", "second.md"])
def test_a_folder_where_a_file_is_expected_is_a_finding(name: str, tmp_path: Path) -> None:
    issue = write_small_issue(tmp_path)
    (issue / name).unlink()
    (issue / name).mkdir()
    assert (name, 1, 1) in [fault[:3] for fault in faults(issue)]


def test_a_file_name_that_is_not_utf8_is_a_finding(tmp_path: Path) -> None:
    issue = write_small_issue(tmp_path)
    Path(os.fsdecode(os.fsencode(issue) + b"/\xff.md")).write_text(SECOND)
    (finding,) = found(issue)
    assert finding.code == "article-unlisted"
    assert finding.model_dump_json()


class TestPictures:
    def test_one_that_is_a_link_out_of_media_is_refused(self, tmp_path: Path) -> None:
        issue = write_small_issue(tmp_path)
        write_picture(tmp_path / "secret.png")
        (issue / "media" / "cover.png").unlink()
        (issue / "media" / "cover.png").symlink_to(tmp_path / "secret.png")
        assert faults(issue) == [("issue.yaml", 7, 10, "bad-value")]

    def test_one_that_is_a_link_within_media_is_taken(self, tmp_path: Path) -> None:
        issue = write_small_issue(tmp_path)
        (issue / "media" / "cover.png").unlink()
        (issue / "media" / "cover.png").symlink_to("chart.png")
        assert faults(issue) == []

    def test_one_that_links_to_itself_is_missing(self, tmp_path: Path) -> None:
        issue = write_small_issue(tmp_path)
        (issue / "media" / "cover.png").unlink()
        (issue / "media" / "cover.png").symlink_to("cover.png")
        assert faults(issue) == [("issue.yaml", 7, 10, "missing-file")]

    def test_a_media_folder_that_is_elsewhere_is_taken(self, tmp_path: Path) -> None:
        issue = write_small_issue(tmp_path)
        (issue / "media").rename(tmp_path / "pictures")
        (issue / "media").symlink_to(tmp_path / "pictures")
        assert faults(issue) == []

    @pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"<svg/>"])
    def test_one_that_is_none_is_found(self, content: bytes, tmp_path: Path) -> None:
        issue = write_small_issue(tmp_path)
        (issue / "media" / "cover.png").write_bytes(content)
        assert faults(issue) == [("issue.yaml", 7, 10, "bad-picture")]

    @pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF"])
    def test_one_whose_end_is_missing_is_found(self, form: str, tmp_path: Path) -> None:
        issue = write_small_issue(tmp_path)
        cover = issue / "media" / "cover.png"
        Image.effect_noise((64, 64), 80).save(cover, form)
        cover.write_bytes(cover.read_bytes()[: cover.stat().st_size // 2])
        assert faults(issue) == [("issue.yaml", 7, 10, "bad-picture")]

    @pytest.mark.parametrize("form", ["WEBP", "BMP", "TIFF"])
    def test_one_that_mail_programs_do_not_show_is_found(self, form: str, tmp_path: Path) -> None:
        issue = write_small_issue(tmp_path)
        write_picture(issue / "media" / "cover.png", form)
        (finding,) = found(issue)
        assert finding.code == "bad-picture"
        assert form in finding.message

    @pytest.mark.parametrize(("form", "mime"), [("PNG", "image/png"), ("JPEG", "image/jpeg"), ("GIF", "image/gif")])
    def test_its_kind_is_told_by_its_bytes_not_its_name(self, form: str, mime: str, tmp_path: Path) -> None:
        folder = write_small_issue(tmp_path)
        write_picture(folder / "media" / "cover.png", form)
        issue = load_issue(folder).issue
        assert issue is not None
        picture = issue.pictures["media/cover.png"]
        assert (picture.mime_type, picture.width, picture.height) == (mime, 4, 3)
        assert picture.octets == (folder / "media" / "cover.png").stat().st_size


class TestAFoldersName:
    @pytest.mark.parametrize("name", ["2026 01", "Spring", "2026_01", "-1"])
    def test_that_cannot_stand_in_an_address_is_found(self, name: str, tmp_path: Path) -> None:
        issue = write_small_issue(tmp_path)
        assert faults(issue.rename(issue.parent / name)) == [("issue.yaml", 1, 1, "bad-name")]

    def test_is_looked_at_for_the_publication_too(self, tmp_path: Path) -> None:
        issue = write_small_issue(tmp_path)
        renamed = issue.parent.rename(issue.parent.parent / "Small News")
        assert [finding.code for finding in found(renamed / issue.name)] == ["bad-name"]

    @pytest.mark.parametrize("name", ["preview", "health"])
    def test_that_the_web_server_needs_for_itself_is_refused(self, name: str, tmp_path: Path) -> None:
        issue = write_small_issue(tmp_path)
        renamed = issue.parent.rename(issue.parent.parent / name)
        assert [finding.code for finding in found(renamed / issue.name)] == ["bad-name"]
