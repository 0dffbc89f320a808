"""When a send goes so badly that it stops itself, and what it says then."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.breaker import EXAMPLES, RUN, Breaker, Thresholds, Trip, Trouble, is_about_us, troubles_of
from pressrun.delivery.outcome import Kind, Outcome

TAKEN = Outcome(Kind.ACCEPTED, 250, "2.0.0", "2.0.0 taken")
LATER = Outcome(Kind.TEMPORARY, 450, "4.2.1", "4.2.1 later")
LOST = Outcome(Kind.NOT_SENT, text="connection lost before the message")
GONE = Outcome(Kind.PERMANENT, 550, "5.1.1", "5.1.1 <lin@example.com> no such user")
BLOCKED = Outcome(Kind.PERMANENT, 554, "5.7.1", "5.7.1 your address is blocked")
SLOWER = Outcome(Kind.TEMPORARY, 421, "4.7.28", "4.7.28 too much from you")
DOUBT = Outcome(Kind.IN_DOUBT, text="no answer to the final dot: timed out")
SMALL = Thresholds(after=10, refused=0.5, in_doubt=0.2, policy=0.3)


def feed(breaker: Breaker, outcomes: Iterable[Outcome]) -> list[Trip | None]:
    return [breaker.count(outcome) for outcome in outcomes]


def first_trip(breaker: Breaker, outcomes: Iterable[Outcome]) -> tuple[int, Trip] | None:
    """The number of the outcome that trips, from 1, and the trip."""
    return next(((n, trip) for n, trip in enumerate(feed(breaker, outcomes), start=1) if trip), None)


def test_a_good_send_never_stops() -> None:
    assert not any(feed(Breaker(SMALL), [TAKEN, LATER, LOST] * 300))


@pytest.mark.parametrize(
    ("bad", "count", "trouble"),
    [
        (GONE, 5, Trouble.REFUSED),
        (DOUBT, 2, Trouble.IN_DOUBT),
        (BLOCKED, 3, Trouble.POLICY),
        (SLOWER, 3, Trouble.POLICY),
    ],
)
def test_each_trouble_stops_a_send_at_its_share_and_not_before(bad: Outcome, count: int, trouble: Trouble) -> None:
    assert first_trip(Breaker(SMALL), [*[TAKEN] * (11 - count), *[bad] * (count - 1)]) is None
    tripped = first_trip(Breaker(SMALL), [*[TAKEN] * (10 - count), *[bad] * count])
    assert tripped is not None
    number, trip = tripped
    assert (number, trip.trouble, trip.share, trip.counts["tries"], trip.counts[trouble]) == (
        10, trouble, count / 10, 10, count
    )  # fmt: skip


def test_nothing_is_judged_before_there_is_enough_to_judge_by() -> None:
    assert not any(feed(Breaker(SMALL), [GONE] * 9))
    tripped = first_trip(Breaker(SMALL), [GONE] * 20)
    assert tripped is not None and tripped[0] == 10


def test_trouble_late_in_a_big_send_stops_it_as_soon_as_trouble_at_its_start() -> None:
    tripped = first_trip(Breaker(SMALL), [*[TAKEN] * 100_000, *[GONE] * 60])
    assert tripped is not None
    number, trip = tripped
    assert number == 100_000 + SMALL.after * RUN // 2
    assert trip.counts["tries"] == SMALL.after * RUN


def test_trouble_that_passed_is_forgotten() -> None:
    breaker = Breaker(SMALL)
    for _ in range(10):
        assert not any(feed(breaker, [*[TAKEN] * 40, *[GONE] * 20]))


def test_a_connection_that_broke_before_the_dot_is_no_try() -> None:
    assert not any(feed(Breaker(SMALL), [*[GONE] * 9, *[LOST] * 50]))
    assert first_trip(Breaker(SMALL), [*[LOST] * 50, *[GONE] * 9]) is None


def test_what_one_loss_of_all_connections_leaves_in_doubt_stops_nothing() -> None:
    """A relay that is restarted leaves a row in doubt for each connection, once."""
    assert not any(feed(Breaker(SMALL, at_once=8), [*[TAKEN] * 10, *[DOUBT] * 8, *[TAKEN] * 10]))
    tripped = first_trip(Breaker(SMALL, at_once=8), [*[TAKEN] * 10, *[DOUBT] * 8, *[TAKEN] * 10, DOUBT])
    assert tripped is not None and tripped[1].counts["in_doubt"] == 9


def test_a_trip_says_why_in_a_sentence_with_both_shares() -> None:
    tripped = first_trip(Breaker(Thresholds()), [*[TAKEN] * 170, *[GONE] * 30])
    assert tripped is not None
    assert tripped[1].reason == "30 of the last 200 tries (15%) were refused for good, 10% is the limit"


def test_being_blocked_is_told_as_that_and_not_as_being_refused() -> None:
    tripped = first_trip(Breaker(SMALL), [BLOCKED] * 10)
    assert tripped is not None
    assert tripped[1].trouble is Trouble.POLICY
    assert tripped[1].counts == {"tries": 10, "policy": 10, "refused": 10, "in_doubt": 0}


def test_examples_are_grouped_by_code_and_name_nobody() -> None:
    other = Outcome(Kind.PERMANENT, 552, "5.2.2", "5.2.2 mailbox lin.xiao is full")
    breaker, trips = Breaker(SMALL), []
    for n, outcome in enumerate([*[TAKEN] * 4, GONE, other, GONE, DOUBT, GONE, GONE]):
        trips.append(breaker.count(outcome, f"lin.xiao{'' if outcome is other else n}@example.com"))
    trip = trips[-1]
    assert trip is not None
    assert [(one.count, one.code, one.enhanced, one.text) for one in trip.examples] == [
        (4, 550, "5.1.1", "5.1.1 <…> no such user"),
        (1, 552, "5.2.2", "5.2.2 mailbox … is full"),
    ]
    assert "lin" not in json.dumps(asdict(trip))


def test_only_so_many_examples_are_shown_the_most_frequent() -> None:
    many = [Outcome(Kind.PERMANENT, 550, f"5.1.{n}", f"5.1.{n} no") for n in range(20)]
    tripped = first_trip(Breaker(Thresholds(after=21, refused=1)), [*many, many[-1]])
    assert tripped is not None
    assert len(tripped[1].examples) == EXAMPLES
    assert tripped[1].examples[0].enhanced == "5.1.19"


@pytest.mark.parametrize(
    ("code", "enhanced", "text"),
    [
        (550, "5.7.1", "5.7.1 not allowed"),
        (421, "4.7.0", "4.7.0 unusual rate of mail from you"),
        (550, "5.7.26", "5.7.26 unauthenticated"),
        (535, None, "login refused"),
        (530, None, "come in over TLS"),
        (554, None, "Service unavailable; Client host [192.0.2.1] blocked using dnsbl.example.com"),
        (550, "5.0.0", "5.0.0 rejected for policy reasons"),
        (554, None, "relay access denied"),
    ],
)
def test_a_reply_about_login_blocking_or_policy_is_about_us(code: int, enhanced: str | None, text: str) -> None:
    assert is_about_us(Outcome(Kind.PERMANENT, code, enhanced, text))


@pytest.mark.parametrize(
    ("code", "enhanced", "text"),
    [
        (550, "5.1.1", "5.1.1 user unknown; see our policy at https://example.com/spam"),
        (550, None, "no such user"),
        (452, "4.2.2", "4.2.2 mailbox full"),
        (451, "4.7.1", "4.7.1 Greylisting in action, come back in 5 minutes"),
        (450, None, "graylisted"),
        (550, "5.7.17", "5.7.17 the mailbox is another person's now"),
    ],
)
def test_a_reply_about_the_recipient_is_not_about_us(code: int, enhanced: str | None, text: str) -> None:
    assert not is_about_us(Outcome(Kind.PERMANENT, code, enhanced, text))


POOL = (TAKEN, TAKEN, TAKEN, TAKEN, LATER, LOST, GONE, BLOCKED, SLOWER, DOUBT)


@given(
    st.lists(st.sampled_from(POOL), max_size=120),
    st.integers(1, 8),
    st.tuples(*[st.sampled_from([0.05, 0.2, 0.5, 1.0])] * 3),
    st.integers(0, 3),
)
def test_the_breaker_says_what_counting_all_over_again_each_time_would(
    outcomes: list[Outcome], after: int, shares: tuple[float, float, float], at_once: int
) -> None:
    limits = dict(zip((Trouble.REFUSED, Trouble.IN_DOUBT, Trouble.POLICY), shares, strict=True))
    breaker = Breaker(Thresholds(after, *shares), at_once)
    answered: list[Outcome] = []
    for outcome in outcomes:
        if outcome.kind is not Kind.NOT_SENT:
            answered.append(outcome)
        run = answered[-RUN * after :]
        counts = {trouble: sum(trouble in troubles_of(one) for one in run) for trouble in Trouble}
        over = [
            trouble
            for trouble in Trouble
            if run and counts[trouble] / len(run) >= limits[trouble]
            and (trouble is not Trouble.IN_DOUBT or counts[trouble] > at_once)
        ]  # fmt: skip
        judged = len(answered) >= after and outcome.kind is not Kind.NOT_SENT and troubles_of(outcome)
        trip = breaker.count(outcome)
        assert (trip.trouble if trip else None) == (over[0] if over and judged else None)
        if trip:
            assert trip.counts == {"tries": len(run), **{str(trouble): count for trouble, count in counts.items()}}
