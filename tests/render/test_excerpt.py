"""Where a mail would be too large, the longest articles end early, at the end of a paragraph; else nothing does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from command import run_here
from pressrun.markdown import parser
from pressrun.render.excerpt import excerpt, excerpted
from pressrun.render.mail import BUDGET_OCTETS, Rendering
from pressrun.source.block import Block, Branch, Callout, Continuation, Figure, Prose, Quote
from pressrun.source.body import read_body
from pressrun.source.issue import Article, Issue
from rendered_issue import fill, load_folder, render_folder
from small_issue import ISSUE, PUBLICATION, write_small_issue

PARAGRAPH = "Public money buys roads, meals and screens, and what it buys it should keep in use for as long as it can."
LIST = "- one thing\n- another\n\n  with more to it\n- a third"
TABLE = "| Land | Share |\n| --- | --- |\n| Here | 3 % |\n| There | 4 % |"
QUOTE = "> said here\n>\n> and said there"
HEADING = "## What follows"
PASSAGES = (PARAGRAPH, LIST, TABLE, QUOTE, HEADING, "These are the steps:", "***", "```\ncode\n\nmore\n```")


def issue_of(tmp_path: Path, *bodies: tuple[Block, ...]) -> Issue:
    """An issue whose articles have these blocks."""
    issue = load_folder(write_small_issue(tmp_path))
    (section,) = issue.sections
    articles = tuple(
        Article(f"a{n}", section.articles[0].file, section.articles[0].meta, blocks) for n, blocks in enumerate(bodies)
    )
    return replaced(issue, articles)


def replaced(issue: Issue, articles: tuple[Article, ...]) -> Issue:
    return replace(issue, sections=(replace(issue.sections[0], articles=articles),))


def prose(*passages: str) -> Prose:
    return Prose("\n\n".join(passages), 1)


def passages_of(blocks: tuple[Block, ...]) -> Iterator[Block | str]:
    """The blocks, and for prose its passages: what is never cut inside."""
    for block in blocks:
        if not isinstance(block, Prose):
            yield block
            continue
        lines = block.markdown.split("\n")
        tops = (token for token in parser().parse(block.markdown) if token.level == 0 and token.map)
        yield from ("\n".join(lines[slice(*token.map)]).rstrip() for token in tops)  # type: ignore[misc]


def bodies(issue: Issue) -> list[tuple[Block, ...]]:
    return [article.blocks for article in issue.articles]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Issue:
    return load_folder(write_small_issue(tmp_path_factory.mktemp("excerpt")))


proses = st.lists(st.sampled_from(PASSAGES), min_size=1, max_size=6).map(lambda passages: prose(*passages))
branches = st.builds(lambda one, other: Branch('city == "Beijing"', (one,), (other,)), proses, proses)
typed = st.sampled_from([Quote(text="Words"), Callout(text="Mind"), Figure(image="media/chart.png", alt="A chart")])
articles = st.lists(st.one_of(proses, branches, typed), min_size=1, max_size=8).map(tuple)
weights = st.integers(min_value=0, max_value=120_000)


@given(st.lists(st.tuples(articles, weights), min_size=1, max_size=5), st.integers(min_value=-5_000, max_value=200_000))
@settings(deadline=None)
def test_what_stays_of_an_article_is_its_beginning_with_its_first_paragraph(
    base: Issue, given_articles: list[tuple[tuple[Block, ...], int]], over: int
) -> None:
    first = base.sections[0].articles[0]
    whole = replaced(
        base, tuple(Article(f"a{n}", first.file, first.meta, blocks) for n, (blocks, _) in enumerate(given_articles))
    )
    octets = {f"a{n}": weight for n, (_, weight) in enumerate(given_articles)}
    short = excerpt(whole, octets, over)
    if over <= 0:
        assert short is whole
    for article, before in zip(short.articles, whole.articles, strict=True):
        if article.slug not in excerpted(short):
            assert article == before
            continue
        *kept, last = article.blocks
        assert last == Continuation(before.meta.title, f"{whole.url}{article.slug}/")
        stay, all_of_it = list(passages_of(tuple(kept))), list(passages_of(before.blocks))
        assert 0 < len(stay) < len(all_of_it)
        assert stay == all_of_it[: len(stay)]
        assert (
            PARAGRAPH in stay
            or "These are the steps:" in stay
            or not {PARAGRAPH, "These are the steps:"} & {passage for passage in all_of_it if isinstance(passage, str)}
        )


@given(st.lists(articles, min_size=1, max_size=4), st.integers(min_value=1, max_value=50_000), st.data())
@settings(deadline=None)
def test_the_more_has_to_go_the_less_stays(
    base: Issue, given_bodies: list[tuple[Block, ...]], over: int, data: st.DataObject
) -> None:
    first = base.sections[0].articles[0]
    whole = replaced(base, tuple(Article(f"a{n}", first.file, first.meta, b) for n, b in enumerate(given_bodies)))
    octets = {f"a{n}": data.draw(weights) for n in range(len(given_bodies))}
    some, more = excerpt(whole, octets, over), excerpt(whole, octets, over * 2)
    for little, less in zip(bodies(some), bodies(more), strict=True):
        assert len([*passages_of(less)]) <= len([*passages_of(little)]) + 1  # the link


def test_the_longest_article_gives_way_and_the_others_stay(tmp_path: Path) -> None:
    long, short = (prose(*[PARAGRAPH] * 40),), (prose(*[PARAGRAPH] * 4),)
    cut = excerpt(issue_of(tmp_path, short, long, short), {"a0": 2_000, "a1": 12_000, "a2": 2_000}, 3_000)
    assert excerpted(cut) == ("a1",)
    assert 24 <= len([*passages_of(bodies(cut)[1][:1])]) <= 30


def test_two_long_articles_give_way_to_about_the_same_length(tmp_path: Path) -> None:
    one, other = (prose(*[PARAGRAPH] * 40),), (prose(*[PARAGRAPH] * 30),)
    cut = excerpt(issue_of(tmp_path, one, other), {"a0": 12_000, "a1": 9_000}, 7_000)
    left = [len([*passages_of(blocks[:1])]) for blocks in bodies(cut)]
    assert excerpted(cut) == ("a0", "a1")
    assert abs(left[0] - left[1]) <= 2


def test_an_article_never_ends_on_what_leads_on(tmp_path: Path) -> None:
    body = (prose(PARAGRAPH, PARAGRAPH, HEADING, "These are the steps:", LIST, "***", HEADING, PARAGRAPH),)
    for over in range(100, 20_000, 300):
        cut = excerpt(issue_of(tmp_path, body), {"a0": 20_000}, over)
        *_, last = passages_of(bodies(cut)[0][:1])
        assert last in (PARAGRAPH, LIST)


def test_addresses_that_links_name_from_further_down_stay(tmp_path: Path) -> None:
    body = (prose("Read [the rules][rules].", *[PARAGRAPH] * 9, "[rules]: https://www.example.com/rules"),)
    cut = excerpt(issue_of(tmp_path, body), {"a0": 9_000}, 8_000)
    kept = bodies(cut)[0][0]
    assert isinstance(kept, Prose) and PARAGRAPH not in kept.markdown
    assert 'href="https://www.example.com/rules"' in parser().render(kept.markdown)


def test_an_address_from_beyond_a_block_stays_with_the_link_that_names_it(tmp_path: Path) -> None:
    text = "\n\n".join(("Read [the rules][rules].", ":::quote\ntext: Words.\n:::", *[PARAGRAPH] * 9))
    body, _ = read_body(f"{text}\n\n[rules]: https://www.example.com/rules", "x.md", 1)
    cut = excerpt(issue_of(tmp_path, body.blocks), {"a0": 9_000}, 8_000)
    kept = bodies(cut)[0][0]
    assert excerpted(cut) == ("a0",) and isinstance(kept, Prose)
    assert 'href="https://www.example.com/rules"' in parser().render(kept.markdown)


def test_conditions_stay_whole_or_go_whole(tmp_path: Path) -> None:
    branch = Branch('city == "Beijing"', (prose(*[PARAGRAPH] * 5),), (prose(PARAGRAPH),))
    body = (prose(PARAGRAPH), branch, prose(*[PARAGRAPH] * 9))
    kept = bodies(excerpt(issue_of(tmp_path, body), {"a0": 5_000}, 1_500))[0]
    assert branch in kept and isinstance(kept[-1], Continuation)
    gone = bodies(excerpt(issue_of(tmp_path, body), {"a0": 5_000}, 4_000))[0]
    assert [type(block) for block in gone] == [Prose, Continuation]


def test_an_article_without_paragraphs_keeps_what_its_heading_leads_to(tmp_path: Path) -> None:
    body = (prose(HEADING, LIST, TABLE, LIST, TABLE),)
    (kept, link) = bodies(excerpt(issue_of(tmp_path, body), {"a0": 9_000}, 9_000))[0]
    assert [*passages_of((kept,))] == [HEADING, LIST] and isinstance(link, Continuation)


def test_an_article_of_one_paragraph_is_not_cut(tmp_path: Path) -> None:
    issue = issue_of(tmp_path, (prose(PARAGRAPH * 99),))
    assert excerpt(issue, {"a0": 99_000}, 50_000) == issue


LONG = "\n\n".join(f"{PARAGRAPH} This is paragraph {n} of many." for n in range(700))
ARTICLE = f"---\ntitle: The long one\nsources:\n  - name: A source\n---\n{LONG}\n"


def write_long(folder: Path, policy: str, **changes: str) -> Path:
    return write_small_issue(folder, issue=f"{ISSUE}mail_text: {policy}\n", first=ARTICLE, **changes)


@pytest.fixture(scope="module", params=["bulletin", "letter"])
def short(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rendering:
    publication = f"{PUBLICATION}theme: {request.param}\n"
    return render_folder(write_long(tmp_path_factory.mktemp("long"), "excerpt", publication=publication))


def test_a_mail_over_the_budget_is_cut_until_it_fits_and_not_much_further(short: Rendering) -> None:
    assert short.excerpted == ("first",)
    assert 0.95 * BUDGET_OCTETS < short.octets <= BUDGET_OCTETS


def test_html_and_text_end_at_the_same_paragraph_and_say_where_the_rest_is(short: Rendering) -> None:
    html, text = fill(short)
    url = "https://small.example.com/news/2026-01/first/"
    assert f'href="{url}"' in html and f"<{url}>" in text
    assert html.count("This is paragraph") == text.count("This is paragraph") > 300
    assert "Continue online: The first" not in text and "Continue online: The long one" in text
    assert "Continue online: The long one" in html
    assert html.index("Continue online") < html.index("A source")


def test_with_the_policy_full_all_of_it_stays(tmp_path: Path) -> None:
    rendering = render_folder(write_long(tmp_path, "full"))
    assert rendering.excerpted == () and rendering.octets > BUDGET_OCTETS
    assert rendering.heaviest[0].name == "first"


def test_the_publications_policy_holds_where_the_issue_has_none(tmp_path: Path) -> None:
    folder = write_small_issue(tmp_path, publication=f"{PUBLICATION}mail_text: excerpt\n", first=ARTICLE)
    assert render_folder(folder).excerpted == ("first",)


def test_a_mail_that_fits_is_the_same_under_both_policies(tmp_path: Path) -> None:
    full, cut = (
        render_folder(write_small_issue(tmp_path / policy, issue=f"{ISSUE}mail_text: {policy}\n"))
        for policy in ("full", "excerpt")
    )
    assert cut.excerpted == ()
    assert cut.edition.text.replace(cut.edition.nonce, full.edition.nonce) == full.edition.text


def test_what_only_some_readers_see_counts_for_them_alone(tmp_path: Path) -> None:
    half = "\n\n".join([PARAGRAPH] * 400)
    body = f'{PARAGRAPH}\n\n::: when city == "Beijing"\n{half}\n::: otherwise\n{half}\n:::\n'
    rendering = render_folder(
        write_small_issue(tmp_path, issue=f"{ISSUE}mail_text: excerpt\n", first=f"---\ntitle: T\n---\n{body}")
    )
    assert len(rendering.edition.html.encode()) > BUDGET_OCTETS > rendering.octets
    assert rendering.excerpted == ()


def test_the_command_says_which_articles_end_early(tmp_path: Path) -> None:
    write_long(tmp_path, "excerpt")
    done = run_here(tmp_path, "render", "small/2026-01", "--out", tmp_path / "out")
    assert done.status == 0
    assert "these end early, with a link to the whole: first" in done.out


def test_the_command_names_the_heaviest_articles_of_a_mail_over_the_budget(tmp_path: Path) -> None:
    write_long(tmp_path, "full", second=f"---\ntitle: Other\n---\n{PARAGRAPH}\n")
    done = run_here(tmp_path, "render", "small/2026-01", "--out", tmp_path / "out")
    assert "over the budget; the heaviest articles are first (" in done.err
    assert "mail_text: excerpt" in done.err
