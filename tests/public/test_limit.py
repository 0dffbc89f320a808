from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pressrun.public.limit import Limiter, make_limits, network_key


class Clock:
    """Seconds that pass when the test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_allowed_and_then_one_at_a_time() -> None:
    clock = Clock()
    limiter = Limiter(rate=0.5, burst=3, clock=clock)
    assert [limiter.allow("a") for _ in range(4)] == [0, 0, 0, 2.0]
    clock.now += 1
    assert limiter.allow("a") == 1.0
    clock.now += 1
    assert [limiter.allow("a"), limiter.allow("a")] == [0, 2.0]


def test_keys_have_buckets_of_their_own() -> None:
    limiter = Limiter(rate=1, burst=1, clock=Clock())
    assert [limiter.allow("a"), limiter.allow("b"), limiter.allow("a")] == [0, 0, 1.0]


def test_what_is_refused_costs_nothing() -> None:
    clock = Clock()
    limiter = Limiter(rate=1, burst=2, clock=clock)
    limiter.allow("a", cost=2)
    for _ in range(50):
        assert limiter.allow("a") == 1.0
    clock.now += 1
    assert limiter.allow("a") == 0


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    clock = Clock()
    limiter = Limiter(rate=1, burst=2, clock=clock)
    limiter.allow("a")
    clock.now += 1_000_000
    assert [limiter.allow("a") for _ in range(3)] == [0, 0, 1.0]


def test_memory_is_bounded_and_who_was_seen_last_is_kept() -> None:
    limiter = Limiter(rate=1, burst=1, clock=Clock(), most=100)
    limiter.allow("busy")
    for number in range(1_000):
        limiter.allow(f"somebody {number}")
        assert limiter.allow("busy") > 0
    assert len(limiter._buckets) == 100


def test_keys_are_kept_as_hashes_only() -> None:
    limiter = Limiter(rate=1, burst=1, clock=Clock())
    limiter.allow("lin@example.com")
    assert "lin@" not in repr(limiter._buckets)


@given(st.text(), st.lists(st.floats(0, 5), max_size=30))
def test_no_more_is_allowed_than_burst_and_rate_give(key: str, pauses: list[float]) -> None:
    clock = Clock()
    limiter = Limiter(rate=0.5, burst=4, clock=clock)
    allowed = 0
    for pause in pauses:
        clock.now += pause
        allowed += limiter.allow(key) == 0
    assert allowed <= 4 + 0.5 * sum(pauses) + 1e-6


def test_a_client_is_known_by_what_it_can_hardly_change_of_its_address() -> None:
    assert network_key("192.0.2.7") == network_key("::ffff:192.0.2.7") == "192.0.2.7"
    assert network_key("2001:db8:1:2::1") == network_key("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
    assert network_key("2001:db8:1:3::1") != network_key("2001:db8:1:2::1")
    assert network_key("") == network_key("nonsense") == network_key("1.2.3.4, 5.6.7.8") == "unknown"


def test_an_address_gets_three_mails_a_day() -> None:
    clock = Clock()
    limits = make_limits(clock)
    assert [limits.address.allow("lin@example.com") > 0 for _ in range(4)] == [False, False, False, True]
    clock.now += 86_400 / 3 + 1
    assert limits.address.allow("lin@example.com") == 0
