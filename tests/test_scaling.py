"""The simulation of large sends: everybody is accounted for, and what binds is what is narrowest."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.delivery.backoff import next_try
from small_edition import NOW

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def scaling() -> Any:
    """The module, which is in no package that tests see."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        import benchmarks.scaling

        yield benchmarks.scaling


@pytest.fixture(scope="module")
def costs(scaling: Any) -> Any:
    return scaling.Costs(
        engine=200e-6,
        signature=900e-6,
        server=100e-6,
        commit=10e-3,
        planning=20e-6,
        message=60_000,
        log=4_000,
        row=1_000,
    )


@pytest.fixture(scope="module")
def plenty(scaling: Any) -> Any:
    """An installation where nothing binds before the workers' processors do."""
    return scaling.Installation(
        "plenty", machines=2, cores=4, store_cores=64, network=1e12, store_disk=1e12, connections=100_000, signed=False
    )


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("ENGINE", {}),
        ("SIGNING", {"signed": True}),
        ("WIRE", {"network": 1e6}),
        ("STORE", {"store_cores": 1}),
        ("LOG", {"store_disk": 1e6}),
        ("CONNECTIONS", {"connections": 1}),
        ("RATE", {"rate": 50.0}),
    ],
)
def test_what_is_narrowest_is_what_binds(
    scaling: Any, costs: Any, plenty: Any, part: str, change: dict[str, Any]
) -> None:
    has = replace(plenty, **change)
    course = scaling.simulate(costs, has, scaling.Load(1_000_000))
    assert course.narrowest is scaling.Part[part]
    rate = min(scaling.rates(costs, has, has.machines).values())
    assert course.seconds == pytest.approx(scaling.START + 1_000_000 * costs.planning + 1_000_000 / rate)


def test_twice_the_machines_halve_what_processors_take_and_nothing_else(scaling: Any, costs: Any, plenty: Any) -> None:
    def spent(machines: int, **changes: Any) -> dict[Any, float]:
        has = replace(plenty, machines=machines, **changes)
        return dict(scaling.simulate(costs, has, scaling.Load(1_000_000)).spent)

    assert spent(4)[scaling.Part.ENGINE] == pytest.approx(spent(2)[scaling.Part.ENGINE] / 2)
    assert spent(4)[scaling.Part.PLANNING] == spent(2)[scaling.Part.PLANNING]
    assert spent(4, rate=500)[scaling.Part.RATE] == pytest.approx(spent(2, rate=500)[scaling.Part.RATE])


def test_a_machine_that_is_lost_half_way_leaves_its_half_to_the_other(scaling: Any, costs: Any, plenty: Any) -> None:
    whole = scaling.simulate(costs, plenty, scaling.Load(1_000_000))
    half_way = whole.seconds - whole.spent[scaling.Part.ENGINE] / 2
    course = scaling.simulate(costs, plenty, scaling.Load(1_000_000, losses=(half_way,)))
    assert course.spent[scaling.Part.ENGINE] == pytest.approx(1.5 * whole.spent[scaling.Part.ENGINE], rel=0.01)
    assert course.sent == pytest.approx(1_000_000)


def test_where_the_last_machine_is_lost_nothing_is_pretended(scaling: Any, costs: Any, plenty: Any) -> None:
    with pytest.raises(ValueError, match="no machine"):
        scaling.simulate(costs, plenty, scaling.Load(1_000_000, losses=(40, 50)))


def test_what_is_put_off_comes_back_when_it_is_due(scaling: Any, costs: Any, plenty: Any) -> None:
    course = scaling.simulate(costs, plenty, scaling.Load(10_000, deferred=0.2))
    assert course.spent[scaling.Part.DEFERRAL] > sum(scaling.BACKOFF)
    assert course.nearly < course.seconds
    assert course.expired == pytest.approx(10_000 * 0.2**6)


@given(recipients=st.floats(1, 1e8), deferred=st.floats(0, 0.9), machines=st.integers(1, 50), rate=st.floats(1, 1e6))
def test_everybody_is_sent_to_or_expires(
    scaling: Any, recipients: float, deferred: float, machines: int, rate: float
) -> None:
    costs = scaling.Costs(200e-6, 900e-6, 100e-6, 10e-3, 20e-6, 60_000, 4_000, 1_000)
    has = scaling.Installation("any", machines, 4, 4, rate=rate)
    steps, scaling.STEPS = scaling.STEPS, 20
    try:
        course = scaling.simulate(costs, has, scaling.Load(recipients, deferred))
    finally:
        scaling.STEPS = steps
    assert course.sent + course.expired == pytest.approx(recipients)
    assert sum(course.spent.values()) == pytest.approx(course.seconds)
    assert course.nearly <= course.seconds


def test_finer_steps_make_no_difference_that_shows(scaling: Any, costs: Any, plenty: Any, monkeypatch: Any) -> None:
    load = scaling.Load(5_000_000, deferred=0.1, losses=(100,))
    coarse = scaling.simulate(costs, plenty, load)
    monkeypatch.setattr(scaling, "STEPS", scaling.STEPS * 4)
    assert coarse.seconds == pytest.approx(scaling.simulate(costs, plenty, load).seconds, rel=0.01)


def test_the_tables_tell_what_binds_and_what_a_task_for_each_would_cost(scaling: Any, costs: Any) -> None:
    _, courses, left = scaling.tabulate(costs, 60)
    assert courses.rows[0] == ("", "1 million", "10 million", "100 million")
    assert len(courses.rows) == 1 + len(scaling.INSTALLATIONS)
    assert ("one for each recipient", "6.7 h, 17.0 GB", "2.8 days, 170.0 GB", "27.8 days, 1.7 TB") in left.rows


@pytest.mark.parametrize(
    ("value", "told"), [(0.4, "0 s"), (89, "89 s"), (91, "1.5 min"), (5_401, "1.5 h"), (1e6, "11.6 days")]
)
def test_a_duration_is_told_in_the_unit_that_suits_it(scaling: Any, value: float, told: str) -> None:
    assert scaling.duration(value) == told


def test_deferrals_come_back_as_the_engine_has_it(scaling: Any) -> None:
    class Middle(random.Random):
        def uniform(self, a: float, b: float) -> float:
            return (a + b) / 2

    tries = range(1, len(scaling.BACKOFF) + 1)
    assert [(next_try(NOW, n, Middle()) - NOW).total_seconds() for n in tries] == list(scaling.BACKOFF)
