from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.errors import UsageError
from pressrun.rehearsal.faults import USUAL, Blow, Faults


@given(st.integers())
def test_without_faults_nothing_is_ever_struck(seed: int) -> None:
    assert Faults().draw(random.Random(seed)) is None


@pytest.mark.parametrize(
    ("faults", "wanted"),
    [
        (Faults(temporary=1), {Blow.TEMPORARY}),
        (Faults(permanent=1), {Blow.PERMANENT}),
        (Faults(dropped=1), {Blow.CUT_BEFORE, Blow.CUT_AFTER}),
    ],
)
def test_a_share_of_one_strikes_every_try(faults: Faults, wanted: set[Blow]) -> None:
    chance = random.Random(1)
    assert {faults.draw(chance) for _ in range(200)} == wanted


def test_tries_are_struck_about_as_often_as_the_shares_say() -> None:
    chance, faults = random.Random(1), Faults(temporary=0.2, permanent=0.1, dropped=0.1)
    counts = Counter(faults.draw(chance) for _ in range(20_000))
    shares = {Blow.TEMPORARY: 0.2, Blow.PERMANENT: 0.1, Blow.CUT_BEFORE: 0.05, Blow.CUT_AFTER: 0.05, None: 0.6}
    for blow, share in shares.items():
        assert counts[blow] / 20_000 == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize("name", ["temporary", "permanent", "dropped", "slow"])
@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_a_share_outside_of_0_to_1_is_wrong_usage(name: str, share: float) -> None:
    with pytest.raises(UsageError, match=name):
        Faults(**{name: share})


def test_shares_over_1_together_are_wrong_usage() -> None:
    with pytest.raises(UsageError, match="together"):
        Faults(temporary=0.5, permanent=0.3, dropped=0.3)


@pytest.mark.parametrize("seconds", [-1, 11, float("nan")])
def test_answers_may_be_slow_by_ten_seconds_at_most(seconds: float) -> None:
    with pytest.raises(UsageError, match="slow_seconds"):
        Faults(slow_seconds=seconds)


@given(st.text(min_size=1))
def test_a_domain_is_slow_by_its_name_alone_in_either_case(domain: str) -> None:
    assert not Faults(slow=0).is_slow(domain)
    assert Faults(slow=1).is_slow(domain)


def test_about_the_share_of_domains_is_slow() -> None:
    faults = Faults(slow=0.3)
    slow = [n for n in range(3_000) if faults.is_slow(f"d{n}.example.com")]
    assert len(slow) / 3_000 == pytest.approx(0.3, abs=0.04)
    assert [n for n in range(3_000) if faults.is_slow(f"D{n}.Example.com")] == slow


def test_the_usual_rehearsal_has_some_of_everything() -> None:
    assert USUAL.kill
    assert min(USUAL.temporary, USUAL.permanent, USUAL.dropped, USUAL.slow) > 0
