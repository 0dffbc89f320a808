"""The faults of the links in the first publication's texts are each found by rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from rule_findings import article, find, hints
from small_issue import PUBLICATION

COPIED = (
    "https://oneplanetnetwork.us19.list-manage.com/track/click?u=34ec809327c2e2137b74725c0&id=18445af59d&e=5e456e5846",
    "https://un.mdrtor.com/track/link/key/118163-58-851-1-283-4082/signature/8a6c5519192e6a0910720c196dabcb16/userid/"
    "e23d7f986ccd9c7b7ee467d01539",
)


@pytest.mark.parametrize("url", COPIED)
def test_a_link_that_counts_as_the_copiers_is_an_error(url: str, tmp_path: Path) -> None:
    assert hints("tracking-link", tmp_path, second=article(f"见[报告]({url})。")) == [
        "open it once and link to the page it ends at"
    ]


def test_an_address_without_slashes_is_an_error(tmp_path: Path) -> None:
    assert hints("bad-link", tmp_path, second=article("网址：http:www.mepcec.com")) == [
        "did you mean http://www.mepcec.com?"
    ]


def test_a_bracket_too_many_is_an_error(tmp_path: Path) -> None:
    body = "（[同一个地球网络](<http://www.oneplanetnetwork.org)>)）"
    assert hints("bad-link", tmp_path, second=article(body)) == ["take the ) away"]


def test_a_web_site_a_letter_away_from_the_mails_domain_is_warned_of(tmp_path: Path) -> None:
    publication = PUBLICATION.replace("editor@small.example.com", "wangj@mepcec.example")
    publication = publication.replace("https://small.example.com\n", "http://www.meecec.example\n")
    (finding,) = find("domain-mismatch", tmp_path, publication=publication)
    assert finding.message == "the web site is at www.meecec.example, but the mail at mepcec.example"
