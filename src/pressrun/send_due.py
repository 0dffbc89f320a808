"""Finds what is due: every scheduled or open issue with what is to be done about it, and expected ones that lack."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pressrun.check import examine
from pressrun.finding import Severity, count_of
from pressrun.schedule.cadence import Candidate, Gap, Lack, belongs_to, find_gaps, near_days, within
from pressrun.schedule.due import BEGINS, FORGOTTEN, GOES_ON, Judgement, Standing, Timing, Verdict, judge
from pressrun.schedule.timetable import Entry, Timetable, read_timetable
from pressrun.schedule.wave import REACH, all_waves
from pressrun.schedule.window import common_window_of, window_of
from pressrun.segment import SegmentFile, read_segments
from pressrun.source.model import Publication
from pressrun.store.database import Database
from pressrun.store.delivery_log import zones_of
from pressrun.store.standing import occasion_for, read_sends, read_standing
from pressrun.store.subscribers import count_lists
from pressrun.workspace import Workspace

_NEEDS_SOURCE = BEGINS | {Verdict.WAITING, Verdict.OUTSIDE, Verdict.LATE_ASKS, Verdict.LATE_HELD}
"""Verdicts after which the issue's text is read: faults in it are told before its time, not after."""


@dataclass(frozen=True)
class Due:
    """An issue with its lists, and what is to be done about it now. `fault` tells what keeps it from going out.

    A start is claimed by `occasion` (`store.start`), which is empty where nothing is to be started.
    """

    issue: str
    lists: tuple[str, ...]
    judgement: Judgement
    occasion: str
    fault: str = ""

    @property
    def is_to_start(self) -> bool:
        """Whether something is to be started now, by whoever wins the claim."""
        return not self.fault and bool(self.occasion) and self.judgement.verdict in BEGINS | GOES_ON


@dataclass(frozen=True)
class _Look:
    """What one look at everything works with. `sends`: issue to its lists, and whether rows through them are open."""

    workspace: Workspace
    database: Database
    now: dt.datetime
    sends: Mapping[str, Mapping[str, bool]]
    lists: frozenset[str]
    segments: SegmentFile


async def find_due(workspace: Workspace, database: Database, now: dt.datetime) -> list[Due]:
    """Every issue that has a time or open rows, by name, with what is to be done about it.

    What went out by itself more than a week ago is left out. Issues that can't be read are in it with their fault.
    Rows through lists that the issue does not name are a send of their own, without a time.
    """
    timetable = read_timetable(workspace)
    look = await _look(workspace, database, now)
    found = [due for entry in timetable.entries for due in await _due_of_entry(look, entry)]
    return sorted([*found, *await _due_of_others(look, timetable)], key=lambda due: (due.issue, due.lists))


def looked_after(workspace: Workspace, issue: str, lists: Sequence[str], now: dt.datetime) -> list[tuple[str, ...]]:
    """The lists of a send of `issue` as `find_due` asks for its starts: its own together, each other one by itself.

    Its own only where its time has come and the send is to all of them: before that it is still to be begun, and
    whoever sends it to some has not begun the others.
    """
    timed = [entry for entry in read_timetable(workspace).entries if entry.issue == issue and entry.send_at]
    own = timed[0].lists if timed else ()
    others: list[tuple[str, ...]] = [(name,) for name in lists if name not in own]
    has_begun = any(entry.send_at and entry.send_at <= now for entry in timed) and set(own) <= set(lists)
    return [own, *others] if has_begun else others


async def find_missing(workspace: Workspace, database: Database, now: dt.datetime) -> list[Gap]:
    """The expected days near `now` that have no issue, or one that can't go out as it stands."""
    timetable = read_timetable(workspace)
    look = await _look(workspace, database, now)
    gaps: list[Gap] = []
    for name, publication in timetable.publications.items():
        if publication.cadence is None:
            continue
        reaches = [
            belongs_to(publication.cadence, day) for day in near_days(publication.cadence, publication.zone, now)
        ]
        own = [entry for entry in timetable.entries if entry.publication_id == name]
        near = [one for one in own if one.date and any(within(one.date, reach) for reach in reaches)]
        candidates = [await _candidate(look, entry) for entry in near]
        gaps += find_gaps(name, publication.cadence, publication.zone, now, candidates)
    return gaps


async def _look(workspace: Workspace, database: Database, now: dt.datetime) -> _Look:
    lists = frozenset(known.name for known in await count_lists(database))
    return _Look(workspace, database, now, await read_sends(database), lists, read_segments(workspace.root))


async def _due_of_entry(look: _Look, entry: Entry) -> list[Due]:
    if entry.fault:
        return [_faulty(entry.issue, entry.fault)]
    if entry.send_at is None or _is_long_done(look, entry):
        return []
    return [await _judge_entry(look, entry)]


def _is_long_done(look: _Look, entry: Entry) -> bool:
    sent = look.sends.get(entry.issue, {})
    assert entry.send_at is not None
    return (
        look.now - entry.send_at > FORGOTTEN
        and all(name in sent for name in entry.lists)
        and not any(sent[name] for name in entry.lists)
    )


async def _judge_entry(look: _Look, entry: Entry) -> Due:
    assert entry.publication is not None
    fault = _list_fault(entry, look)
    standing = await read_standing(look.database, entry.issue, entry.lists, look.now)
    timing = _timing_of(look, entry, entry.publication)
    if entry.publication.recipient_local and not fault:
        timing = await _begin_with_first_wave(look, entry, entry.publication, timing, standing)
        standing = replace(standing, approved_send_at=None)
    due = _judge(entry.issue, entry.lists, timing, standing, look.now)
    if fault or due.judgement.verdict not in _NEEDS_SOURCE or not _is_near(due.judgement, timing, look.now):
        return replace(due, fault=fault)
    return replace(due, fault=_source_fault(look.workspace, entry))


def _is_near(judgement: Judgement, timing: Timing, now: dt.datetime) -> bool:
    return judgement.at is None or judgement.at - now <= timing.ask_before


def _judge(issue: str, lists: tuple[str, ...], timing: Timing, standing: Standing, now: dt.datetime) -> Due:
    judgement = judge(timing, standing, now)
    return Due(issue, lists, judgement, occasion_for(lists, judgement.occasion))


async def _due_of_others(look: _Look, timetable: Timetable) -> list[Due]:
    """What is open without being in the timetable: sent by hand, or to lists that the issue does not name."""
    timed = {(entry.issue, name) for entry in timetable.entries if entry.send_at for name in entry.lists}
    others = [
        (issue, name)
        for issue, lists in look.sends.items()
        for name, is_open in lists.items()
        if is_open and (issue, name) not in timed
    ]
    return [await _due_of_other(look, timetable, issue, name) for issue, name in others]


async def _due_of_other(look: _Look, timetable: Timetable, issue: str, name: str) -> Due:
    folder, _, number = issue.partition("/")
    publication = timetable.publications.get(folder)
    if publication is None or not (look.workspace.issues / folder / number).is_dir():
        what = f"rows to {name} are open, but issues/{issue} is not there or its publication can't be read"
        return _faulty(issue, what, (name,))
    standing = await read_standing(look.database, issue, (name,), look.now)
    standing = replace(standing, approved_send_at=None)  # that is about the issue's own lists
    return _judge(issue, (name,), Timing(None, common_window_of(publication), publication.late), standing, look.now)


def _faulty(issue: str, fault: str, lists: tuple[str, ...] = ()) -> Due:
    return Due(issue, lists, Judgement(Verdict.UNSCHEDULED, None, "it can't be read"), "", fault)


def _list_fault(entry: Entry, look: _Look) -> str:
    if not entry.lists:
        return "send_at is set, but neither issue.yaml nor publication.yaml names a list"
    return next(filter(None, (_audience_fault(name, look) for name in entry.lists)), "")


def _audience_fault(name: str, look: _Look) -> str:
    """Why `name` is no list, and no segment of one."""
    list_name, _, segment = name.rpartition(":")
    if name in look.lists or (list_name in look.lists and segment in look.segments.segments):
        return ""
    if list_name in look.lists:
        fault = look.segments.faulty.get(segment)
        return f"the segment {segment!r} is faulty: {fault.message}" if fault else f"there is no segment {segment!r}"
    missing = list_name or name
    near = difflib.get_close_matches(missing, look.lists, n=1)
    return f"there is no list {missing!r}" + (f": did you mean {near[0]}?" if near else "; import it first")


def _source_fault(workspace: Workspace, entry: Entry) -> str:
    findings = examine(entry.folder, workspace).findings
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    return f"{count_of(len(errors), 'error')}; the first: {errors[0]}" if errors else ""


def _timing_of(look: _Look, entry: Entry, publication: Publication) -> Timing:
    return Timing(
        send_at=entry.send_at,
        window=window_of(publication),
        late=publication.late,
        needs_approval=publication.approval == "required",
        ask_before=dt.timedelta(hours=look.workspace.settings.approval_hours),
    )


async def _begin_with_first_wave(
    look: _Look, entry: Entry, publication: Publication, timing: Timing, standing: Standing
) -> Timing:
    """The timing of a send that begins where the clock first shows its time, or the approver's."""
    at = standing.approved_send_at or entry.send_at
    assert at is not None
    if look.now >= at - 2 * REACH:
        local = at.astimezone(publication.zone).replace(tzinfo=None) if standing.approved_send_at else entry.local
        assert local is not None
        zones = {
            zone
            for name in entry.lists
            for zone in await zones_of(look.database, name, look.now, look.segments.segments, entry.issue)
        }
        at = min(all_waves(local, zones, publication.zone, timing.window).values())
    return replace(timing, send_at=at, window=common_window_of(publication))


async def _candidate(look: _Look, entry: Entry) -> Candidate:
    """An issue near an expected day, with what keeps it from going out."""
    assert entry.date is not None
    lack, said = await _lack_of(look, entry)
    return Candidate(entry.issue, entry.date, lack, said)


async def _lack_of(look: _Look, entry: Entry) -> tuple[Lack | None, str]:
    if entry.fault:
        return Lack.FAULTY, entry.fault
    if entry.send_at is None:
        if entry.issue in look.sends:  # somebody sends it by hand
            return None, ""
        fault = _source_fault(look.workspace, entry)
        return (Lack.FAULTY, fault) if fault else (Lack.UNSCHEDULED, "it has no send_at, and was not sent")
    if _is_long_done(look, entry):
        return None, ""
    due = await _judge_entry(look, entry)
    if due.fault:
        return Lack.FAULTY, due.fault
    if due.judgement.verdict in (Verdict.UNAPPROVED, Verdict.REJECTED):
        return Lack.UNAPPROVED, due.judgement.reason
    return None, ""
