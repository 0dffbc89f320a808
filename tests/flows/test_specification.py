"""What the deployments' file says, and what Prefect makes of its schedules."""

from __future__ import annotations

import datetime as dt
import importlib
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]
FILE = REPOSITORY / "deployments" / "prefect.yaml"
SPRING, AUTUMN = dt.datetime(2026, 3, 28, tzinfo=dt.UTC), dt.datetime(2026, 10, 24, tzinfo=dt.UTC)


@pytest.fixture
def specification(prefect_set_up: None) -> ModuleType:
    """The module that reads the file."""
    return importlib.import_module("flows.specification")


def schedules_of(specification: ModuleType, seconds: float = 60) -> list[Any]:
    """Every schedule in the file."""
    return [one for each in specification.read_specifications(FILE, seconds) for one in each.schedules]


def test_the_file_says_to_us_what_it_says_to_prefect(specification: ModuleType) -> None:
    from prefect.cli.deploy._schedules import _schedule_config_to_deployment_schedule
    from prefect.client.schemas.actions import DeploymentScheduleCreate

    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    ours = {one.name: one for one in specification.read_specifications(FILE, 60)}
    for theirs in content["deployments"]:
        our = ours.pop(theirs["name"])
        assert our.full_name == f"{theirs['name']}/{theirs['name']}"
        assert (list(our.tags), our.queue) == (theirs["tags"], theirs["work_pool"]["work_queue_name"])
        read = [_schedule_config_to_deployment_schedule(one) for one in theirs.get("schedules", ())]
        assert list(our.schedules) == [DeploymentScheduleCreate(**one) for one in read]
        assert [dict(step) for step in our.pull_steps] == content["pull"]
    assert ours == {}


def test_the_three_kinds_of_schedule_are_in_the_file(specification: ModuleType) -> None:
    kinds = {type(one.schedule).__name__ for one in schedules_of(specification)}
    assert kinds == {"CronSchedule", "IntervalSchedule", "RRuleSchedule"}


def test_no_deployment_has_a_limit_whose_lease_a_restarted_server_forgets(specification: ModuleType) -> None:
    content = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    assert [one["name"] for one in content["deployments"] if "concurrency_limit" in one] == []


def test_the_setting_is_the_interval_of_send_due_and_of_no_other(specification: ModuleType) -> None:
    by_slug = {one.slug: one.schedule for one in schedules_of(specification, 15)}
    assert by_slug["send-due"].interval == dt.timedelta(seconds=15)
    assert by_slug["nightly"].cron == "17 3 * * *"


@pytest.mark.parametrize(
    "schedule",
    [
        {"slug": "a"},
        {"cron": "0 9 * * *"},
        {"slug": "a", "cron": "not a cron"},
        {"slug": "a", "rrule": "FREQ=NEVER"},
        {"slug": "a", "cron": "0 9 * * *", "interval": 60},
        {"slug": "a", "cron": "0 9 * * *", "timezone": "Europe/Atlantis"},
    ],
)
def test_a_schedule_that_is_wrong_is_told_with_its_deployment(
    specification: ModuleType, tmp_path: Path, schedule: dict[str, Any]
) -> None:
    from pressrun.errors import UsageError

    one = {"name": "build-site", "entrypoint": "flows/site.py:build_site", "schedules": [schedule]}
    file = tmp_path / "prefect.yaml"
    file.write_text(yaml.safe_dump({"deployments": [one]}), encoding="utf-8")
    with pytest.raises(UsageError, match="build-site"):
        specification.read_specifications(file, 60)


def test_a_schedule_is_switched_off_only_where_the_file_says_so(specification: ModuleType) -> None:
    said = [one.model_fields_set for one in schedules_of(specification)]
    assert said
    assert all("active" not in fields for fields in said)  # an update leaves it as the operator has it


async def dates(schedule: dict[str, Any], start: dt.datetime, count: int) -> list[str]:
    """When Prefect's scheduler runs it: `28 01:30`, in UTC."""
    from prefect.server.schemas.schedules import CronSchedule, RRuleSchedule

    kinds = {"cron": CronSchedule, "rrule": RRuleSchedule}
    (kind,) = schedule.keys() & kinds.keys()
    found = await kinds[kind](**schedule, timezone="Europe/Vienna").get_dates(n=count, start=start)
    return [f"{moment.astimezone(dt.UTC):%d %H:%M}" for moment in found]


@pytest.mark.parametrize(
    "schedule", [{"cron": "0 9 * * *"}, {"rrule": "FREQ=DAILY;BYHOUR=9;BYMINUTE=0;BYSECOND=0"}], ids=["cron", "rrule"]
)
async def test_a_time_of_the_day_is_kept_when_clocks_change(prefect_set_up: None, schedule: dict[str, Any]) -> None:
    assert await dates(schedule, SPRING, 3) == ["28 08:00", "29 07:00", "30 07:00"]
    assert await dates(schedule, AUTUMN, 3) == ["24 07:00", "25 08:00", "26 08:00"]


@pytest.mark.parametrize(
    "schedule", [{"cron": "30 2 * * *"}, {"rrule": "FREQ=DAILY;BYHOUR=2;BYMINUTE=30;BYSECOND=0"}], ids=["cron", "rrule"]
)
async def test_a_skipped_time_comes_an_hour_early_and_a_doubled_one_once(
    prefect_set_up: None, schedule: dict[str, Any]
) -> None:
    assert await dates(schedule, SPRING, 3) == ["28 01:30", "29 00:30", "30 00:30"]
    assert await dates(schedule, AUTUMN, 3) == ["24 00:30", "25 00:30", "26 01:30"]


async def test_send_due_looks_every_minute_of_an_hour_that_comes_twice(specification: ModuleType) -> None:
    from prefect.server.schemas.schedules import IntervalSchedule

    (ours,) = [one.schedule for one in schedules_of(specification) if one.slug == "send-due"]
    assert ours.timezone == "UTC"
    hour_of_change = dt.datetime(2026, 10, 25, 0, 30, tzinfo=dt.UTC)
    found = await IntervalSchedule(**ours.model_dump()).get_dates(n=90, start=hour_of_change)
    assert {(later - earlier).total_seconds() for earlier, later in pairwise(found)} == {60}
