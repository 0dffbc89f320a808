"""Which issues stand in which feed file, however many there are and however they are numbered."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from written_issue import write_issue

from pressrun.site.feed_document import ISSUES_IN_FEED, Document, Family, Group, make_documents
from pressrun.site.feed_entry import Entry
from pressrun.source.issue import Issue
from pressrun.source.loader import load_issue

TOTALS = st.lists(st.integers(1, 60), min_size=1, max_size=40, unique=True)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Issue:
    issue = load_issue(write_issue(tmp_path_factory.mktemp("one"), "2024-01")).issue
    assert issue
    return issue


def make_family(sample: Issue, totals: list[int]) -> Family:
    """A feed of issues with these running numbers, each a day after the one before, with an entry each."""
    groups = []
    for total in sorted(totals, reverse=True):
        day = dt.date(2024, 1, 1) + dt.timedelta(days=total)
        issue = replace(sample, id=f"i-{total}", meta=sample.meta.model_copy(update={"total": total, "date": day}))
        moment = issue.published
        entry = Entry(f"tag:{total}", issue.url, "T", None, "c", ("A",), (), moment, moment, "en", None, ())
        groups.append(Group(issue, (entry,)))
    return Family("tag:x", "X", tuple(groups))


def ids(document: Document) -> list[str]:
    return [entry.id for entry in document.entries]


@given(totals=TOTALS)
def test_following_what_is_earlier_meets_every_issue_once_at_least(sample: Issue, totals: list[int]) -> None:
    documents = {document.number: document for document in make_documents(make_family(sample, totals))}
    found, at = set[str](), None
    while True:
        found |= set(ids(documents[at]))
        if documents[at].earlier is None:
            break
        later, at = at, documents[at].earlier
        assert documents[at].later == later
    assert found == {f"tag:{total}" for total in totals}
    assert len(ids(documents[None])) == min(len(totals), ISSUES_IN_FEED)


@given(totals=TOTALS, more=st.integers(1, 12))
def test_a_document_with_one_after_it_is_the_same_when_issues_come(sample: Issue, totals: list[int], more: int) -> None:
    newer = [*totals, *range(max(totals) + 1, max(totals) + 1 + more)]
    before = {one.number: one for one in make_documents(make_family(sample, totals))}
    after = {one.number: one for one in make_documents(make_family(sample, newer))}
    for number, document in before.items():
        if document.later is not None:
            assert ids(after[number]) == ids(document)
            assert (after[number].earlier, after[number].later) == (document.earlier, document.later)


def test_few_issues_have_no_archive_documents(sample: Issue) -> None:
    (live,) = make_documents(make_family(sample, list(range(1, ISSUES_IN_FEED + 1))))
    assert (live.number, live.earlier) == (None, None)
