"""A domain that is a typing error away from another is found; neighbours with names of their own are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.check.domain import is_one_slip_away
from rule_findings import article, find, places
from small_issue import PUBLICATION


@pytest.mark.parametrize(
    ("website", "mail", "warned"),
    [
        ("https://www.exmaple.com", "a@example.com", True),
        ("https://example.con", "a@example.com", True),
        ("http://www.mepcep.example.com.cn", "a@example.com", False),
        ("http://www.mepcep.example", "a@mepcec.example", True),
        ("https://www.example.com", "a@example.com", False),
        ("https://news.example.com", "a@mail.example.com", False),
        ("https://one.example.com", "a@EXAMPLE.com", False),
        ("https://example.com", "a@small-town.test", False),
    ],
)
def test_a_web_site_whose_domain_is_all_but_the_mails_is_warned_of(
    website: str, mail: str, warned: bool, tmp_path: Path
) -> None:
    publication = PUBLICATION.replace("editor@small.example.com", mail).replace("https://small.example.com\n", website)
    found = find("domain-mismatch", tmp_path, publication=publication + "\n")
    assert [(f.line, f.column) for f in found] == ([(15, 12)] if warned else [])
    assert all(" is all but " in finding.message or " but the mail at " in finding.message for finding in found)


def test_of_two_links_the_rarer_is_found_at_its_first_place(tmp_path: Path) -> None:
    body = "[a](https://procure.example/1) [b](https://procrue.example/2)\n[c](https://procure.example/3)"
    assert places("domain-mismatch", tmp_path, second=article(body)) == [("second.md", 4, 36)]


def test_a_mail_address_in_a_text_counts_too(tmp_path: Path) -> None:
    body = "[a](https://procure.example/1) [b](https://procure.example/2) [write](mailto:ann@procur.example)"
    assert places("domain-mismatch", tmp_path, second=article(body)) == [("second.md", 4, 71)]


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("mepcec.com", "mepcep.com", True),
        ("mepcec.com", "mepcce.com", True),
        ("mepcec.com", "mepce.com", True),
        ("mepcec.com", "mepcecc.com", True),
        ("example.com", "example.con", True),
        ("example.co", "example.com", True),
        ("example.com", "example.org", False),
        ("unep.org", "undp.org", False),
        ("mepcec.com", "mepcec.com", False),
        ("mepcec.com", "mpecce.com", False),
    ],
)
def test_a_slip_is_one_letter(one: str, other: str, near: bool) -> None:
    assert is_one_slip_away(one, other) is is_one_slip_away(other, one) is near


@given(
    name=st.text(st.sampled_from("abcde"), min_size=5, max_size=9), at=st.integers(0, 7), letter=st.sampled_from("xyz")
)
def test_any_letter_put_in_or_mistyped_is_a_slip(name: str, at: int, letter: str) -> None:
    domain, at = f"{name}.org", min(at, len(name) - 1)
    assert is_one_slip_away(domain, domain[:at] + letter + domain[at:])
    assert is_one_slip_away(domain, domain[:at] + letter + domain[at + 1 :])
