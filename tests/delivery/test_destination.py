"""Windows: small at first, wider while a domain takes mail, halved by 4xx, and shut for a while by nothing else."""

from __future__ import annotations

import random
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.destination import COHORT, INITIAL, REST, Destinations
from pressrun.delivery.outcome import Kind

D = "example.com"


def begin(destinations: Destinations, domain: str = D, now: float = 0.0) -> int:
    """Begin as many as may be; how many."""
    count = 0
    while destinations.may_start(domain, now):
        destinations.start(domain)
        count += 1
    return count


def end(destinations: Destinations, kind: Kind, times: int = 1, now: float = 0.0, domain: str = D) -> None:
    for _ in range(times):
        destinations.end(domain, kind, now, random.Random(7))


def make_rest(destinations: Destinations, now: float = 0.0) -> float:
    """4xx until the domain rests; the end of the rest."""
    for _ in range(50):
        if destinations.rests_until(D) is not None:
            break
        destinations.start(D)
        end(destinations, Kind.TEMPORARY, now=now)
    until = destinations.rests_until(D)
    assert until is not None
    return until


def test_a_domain_starts_with_a_small_window() -> None:
    assert begin(Destinations()) == INITIAL


def test_the_first_window_is_no_wider_than_the_widest() -> None:
    assert begin(Destinations(initial=5, most=3)) == 3
    assert begin(Destinations(initial=5, most=0)) == 1


def test_success_widens_the_window_by_one_up_to_the_most() -> None:
    destinations = Destinations(most=12)
    open_now = begin(destinations)
    widths = []
    for _ in range(12):
        end(destinations, Kind.ACCEPTED)
        open_now += begin(destinations) - 1
        widths.append(open_now)
    assert widths == [6, 7, 8, 9, 10, 11, 12, 12, 12, 12, 12, 12]


def test_a_window_that_is_not_used_does_not_grow() -> None:
    destinations = Destinations()
    destinations.start(D)
    for _ in range(30):
        destinations.start(D)
        end(destinations, Kind.ACCEPTED)
    assert begin(destinations) <= 2 * INITIAL


def test_a_4xx_halves_the_window_and_never_closes_it() -> None:
    destinations = Destinations(initial=8)
    begin(destinations)
    end(destinations, Kind.TEMPORARY)
    end(destinations, Kind.PERMANENT, 7)
    assert begin(destinations) == 4
    end(destinations, Kind.TEMPORARY, 3)
    end(destinations, Kind.PERMANENT, 1)
    assert begin(destinations) == 1


@pytest.mark.parametrize("kind", [Kind.PERMANENT, Kind.NOT_SENT, Kind.IN_DOUBT])
def test_other_outcomes_leave_the_window_as_it_is(kind: Kind) -> None:
    destinations = Destinations(initial=8)
    begin(destinations)
    end(destinations, Kind.TEMPORARY)
    end(destinations, kind, 3)  # four are under way, which is the window now
    for _ in range(40):
        assert begin(destinations) == 0
        end(destinations, kind, 2)
        assert begin(destinations) == 2


def test_a_domain_that_answers_only_4xx_rests_for_about_five_minutes() -> None:
    destinations = Destinations()
    begin(destinations)
    end(destinations, Kind.TEMPORARY, COHORT - 1, now=10.0)
    assert destinations.rests_until(D) is None
    end(destinations, Kind.TEMPORARY, now=10.0)
    until = destinations.rests_until(D)
    assert until is not None
    assert 0.8 * REST <= until - 10.0 <= 1.2 * REST
    assert not destinations.may_start(D, 10.0)
    assert not destinations.may_start(D, until - 0.001)


def test_a_wide_window_needs_a_whole_cohort_of_4xx() -> None:
    destinations = Destinations(initial=10)
    begin(destinations)
    end(destinations, Kind.TEMPORARY, 9)
    assert destinations.rests_until(D) is None
    end(destinations, Kind.TEMPORARY)
    assert destinations.rests_until(D) is not None


@pytest.mark.parametrize("kind", [Kind.ACCEPTED, Kind.PERMANENT])
def test_an_answer_that_is_no_4xx_begins_the_count_again(kind: Kind) -> None:
    destinations = Destinations()
    for _ in range(20):
        for _ in range(COHORT - 1):
            destinations.start(D)
            end(destinations, Kind.TEMPORARY)
        destinations.start(D)
        end(destinations, kind)
    assert destinations.rests_until(D) is None


def test_a_broken_connection_is_no_answer_and_does_not_interrupt_the_count() -> None:
    destinations = Destinations()
    for _ in range(COHORT):
        destinations.start(D)
        end(destinations, Kind.TEMPORARY)
        if destinations.may_start(D, 0.0):
            destinations.start(D)
            end(destinations, Kind.NOT_SENT)
    assert destinations.rests_until(D) is not None


def test_messages_under_way_when_the_rest_begins_do_not_lengthen_it() -> None:
    destinations = Destinations(initial=10)
    for _ in range(12):
        destinations.start(D)
    end(destinations, Kind.TEMPORARY, 10, now=0.0)
    until = destinations.rests_until(D)
    end(destinations, Kind.TEMPORARY, 2, now=20.0)
    assert destinations.rests_until(D) == until


def test_after_the_rest_one_message_tries_and_the_window_grows_from_there() -> None:
    destinations = Destinations()
    until = make_rest(destinations)
    assert begin(destinations, now=until) == 1
    end(destinations, Kind.ACCEPTED, now=until)
    assert destinations.rests_until(D) is None
    assert begin(destinations, now=until) == 2


def test_a_try_after_the_rest_that_is_put_off_again_begins_another_rest() -> None:
    destinations = Destinations()
    until = make_rest(destinations)
    assert begin(destinations, now=until) == 1
    end(destinations, Kind.TEMPORARY, now=until)
    again = destinations.rests_until(D)
    assert again is not None and again >= until + 0.8 * REST
    assert not destinations.may_start(D, until)


def test_a_try_after_the_rest_that_breaks_lets_another_one_try() -> None:
    destinations = Destinations()
    until = make_rest(destinations)
    begin(destinations, now=until)
    end(destinations, Kind.NOT_SENT, now=until)
    assert begin(destinations, now=until) == 1


def test_domains_have_windows_of_their_own() -> None:
    destinations = Destinations()
    until = make_rest(destinations)
    assert destinations.may_start("other.example.com", until - 1)


def test_domains_that_are_well_and_idle_are_forgotten() -> None:
    destinations = Destinations()
    for number in range(1000):
        destinations.start(f"d{number}.example.com")
        end(destinations, Kind.ACCEPTED if number % 2 else Kind.PERMANENT, domain=f"d{number}.example.com")
    assert len(destinations) == 0


def test_of_idle_domains_in_trouble_the_longest_idle_is_forgotten_first() -> None:
    destinations = Destinations(initial=1, remembered=3)
    destinations.start("busy.example.com")
    for number in range(10):
        destinations.start(f"d{number}.example.com")
        end(destinations, Kind.TEMPORARY, domain=f"d{number}.example.com")
    assert len(destinations) == 4
    assert not destinations.may_start("busy.example.com", 0.0)
    end(destinations, Kind.ACCEPTED, domain="busy.example.com")


def test_a_domain_that_is_at_work_again_is_not_forgotten() -> None:
    destinations = Destinations(initial=2, remembered=1)
    destinations.start("first.example.com")
    end(destinations, Kind.TEMPORARY, domain="first.example.com")
    destinations.start("first.example.com")
    destinations.start("second.example.com")
    end(destinations, Kind.TEMPORARY, domain="second.example.com")
    destinations.start("third.example.com")
    end(destinations, Kind.TEMPORARY, domain="third.example.com")
    assert not destinations.may_start("first.example.com", 0.0)
    assert destinations.may_start("third.example.com", 0.0)
    end(destinations, Kind.ACCEPTED, domain="first.example.com")
    assert len(destinations) == 1


def test_memory_stays_bounded_where_60_thousand_domains_put_everything_off() -> None:
    destinations, chance = Destinations(), random.Random(7)
    tracemalloc.start()
    for number in range(60_000):
        domain = f"d{number}.example.com"
        destinations.start(domain)
        destinations.end(domain, Kind.TEMPORARY, 0.0, chance)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 12e6


@given(
    st.integers(1, 12),
    st.integers(1, 30),
    st.lists(st.tuples(st.sampled_from(Kind), st.sampled_from(["a", "b", "c"]), st.floats(0, 200)), max_size=200),
)
def test_no_domain_ever_has_more_under_way_than_the_most_and_none_is_shut_for_good(
    initial: int, most: int, events: list[tuple[Kind, str, float]]
) -> None:
    destinations, chance, now = Destinations(initial, most, remembered=2), random.Random(7), 0.0
    busy = dict.fromkeys("abc", 0)
    for kind, domain, seconds in events:
        now += seconds
        busy[domain] += begin(destinations, domain, now)
        assert busy[domain] <= most
        if busy[domain]:
            destinations.end(domain, kind, now, chance)
            busy[domain] -= 1
    for domain, count in busy.items():
        end(destinations, Kind.NOT_SENT, count, domain=domain)
        assert destinations.may_start(domain, now + 2 * REST)
    assert len(destinations) <= 2
