"""The account of an issue, for people: how many got it, how fast, who refused it and why, written as Markdown."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pressrun.delivery.breaker import Trip
from pressrun.delivery.enhanced import explain
from pressrun.delivery.gist import gist_of
from pressrun.delivery.link_report import write_link_counts
from pressrun.delivery.outcome import OPEN_STATES, State
from pressrun.delivery.table import plain, table
from pressrun.store.control import Wish, read_reason, read_wish
from pressrun.store.database import Database
from pressrun.store.link import LinkCount, read_link_counts
from pressrun.store.tally import DomainTally, Tally, read_replies, tally_domains, tally_rows

LARGEST, SLOWEST = 20, 5
"""How many recipient domains are named: those with most rows, and those that needed most second tries."""

MOST_REFUSALS = 30
"""How many kinds of refusals a report shows."""

Counts = Mapping[State, int]

_TEXTS = ("how many", "what it means", "what it means, and what to do", "for example", "last one sent")

_UNSENT = (State.FAILED, State.EXPIRED, State.DEFERRED, State.IN_DOUBT)
_IN_DOUBT = "Nobody knows whether the relay took the message. Ask its log, or decide: pressrun resolve."


@dataclass(frozen=True)
class Domain:
    """A recipient domain's rows by state, how many needed more than one try, and when the last one was sent."""

    name: str
    counts: Counts
    retried: int
    last: dt.datetime | None


@dataclass(frozen=True)
class Refusal:
    """Rows that were not, or not yet, sent for one reason: `example` is what was said to one, without addresses."""

    code: int | None
    enhanced: str | None
    counts: Counts
    example: str
    explanation: str

    @property
    def count(self) -> int:
        """How many rows there are in all."""
        return sum(self.counts.values())


@dataclass(frozen=True)
class Account:
    """Where an issue stands. Moments are UTC; states without rows are left out of all counts.

    `first` and `last` are when the first and the last message was sent so far; `rate` is in messages a second, over the
    minutes in which most of them were. `others` are the rows of the `other_domains` that `domains` doesn't name.
    """

    issue: str
    lists: Mapping[str, Counts] = field(default_factory=dict)
    domains: tuple[Domain, ...] = ()
    slowest: tuple[Domain, ...] = ()
    others: Counts = field(default_factory=dict)
    other_domains: int = 0
    refusals: tuple[Refusal, ...] = ()
    relays: Mapping[str, Counts] = field(default_factory=dict)
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    rate: float | None = None
    next_due: dt.datetime | None = None
    wish: Wish = Wish.RUN
    reason: str | None = None
    counted: tuple[LinkCount, ...] = ()

    @property
    def counts(self) -> Counts:
        """All rows by state; the sum is the plan (promise 5)."""
        return _add(self.lists.values())

    @property
    def planned(self) -> int:
        """How many rows there are."""
        return sum(self.counts.values())

    @property
    def open(self) -> int:
        """How many rows are not settled yet."""
        return _open(self.counts)

    @property
    def fell_short(self) -> bool:
        """Whether the work is not all done and well."""
        return any(self.counts.get(state) for state in (*OPEN_STATES, State.FAILED, State.EXPIRED, State.IN_DOUBT))


async def read_account(database: Database, issue: str) -> Account:
    """The account of `issue` as the log has it now; one without lists where nothing was planned yet."""
    async with database.read() as connection:
        tallies = await tally_rows(connection, issue)
        domains = await tally_domains(connection, issue, LARGEST, SLOWEST)
        groups = _group_refusals(tallies)
        replies = await read_replies(connection, [rows[0].example for rows in groups])
    sent = [one for one in tallies if one.state is State.SENT]
    lists = _gather((one.list, one) for one in tallies)
    largest = [one for one in domains if one.by_size <= LARGEST]
    return Account(
        issue=issue,
        lists=lists,
        domains=tuple(map(_domain, largest)),
        slowest=tuple(map(_domain, _slowest(domains))),
        others=_subtract(_add(lists.values()), (one.counts for one in largest)),
        other_domains=largest[0].domains - len(largest) if largest else 0,
        refusals=tuple(_refusal(rows, *replies[rows[0].example]) for rows in groups),
        relays=_gather((one.relay, one) for one in tallies if one.relay is not None),
        first=min((one.first for one in sent), default=None),
        last=max((one.last for one in sent), default=None),
        rate=rate_of(sent),
        next_due=min((one.due for one in tallies if one.state is State.DEFERRED), default=None),
        wish=await read_wish(database, issue),
        reason=await read_reason(database, issue),
        counted=tuple(await read_link_counts(database, issue)),
    )


def rate_of(sent: Iterable[Tally]) -> float | None:
    """Messages a second over the busy minutes, those with half as many as the busiest; None for fewer than two.

    So neither a pause nor deferred mail that lands hours later makes a send look slow.
    """
    minutes: dict[object, list[Tally]] = defaultdict(list)
    for one in sent:
        minutes[one.minute].append(one)
    counts = {minute: sum(one.rows for one in rows) for minute, rows in minutes.items()}
    most = max(counts.values(), default=0)
    if most < 2:
        return None
    busy = [minute for minute, count in counts.items() if 2 * count >= most]
    return sum(counts[minute] for minute in busy) / sum(_seconds(minutes[minute]) for minute in busy)


def _seconds(rows: Sequence[Tally]) -> float:
    """From the first to the last of them, but no less than one."""
    return max((max(one.last for one in rows) - min(one.first for one in rows)).total_seconds(), 1.0)


def _group_refusals(tallies: Iterable[Tally]) -> list[list[Tally]]:
    """What was not sent after a try, by enhanced code, else by code; the most frequent first, in each group too."""
    groups: dict[object, list[Tally]] = defaultdict(list)
    for one in tallies:
        if one.state in _UNSENT and one.tried:
            groups[State.IN_DOUBT if one.state is State.IN_DOUBT else one.enhanced or one.code].append(one)
    ordered = [sorted(rows, key=lambda one: -one.tried) for rows in groups.values()]
    return sorted(ordered, key=lambda rows: (-sum(one.tried for one in rows), rows[0].example))


def _refusal(rows: Sequence[Tally], reply: str, address: str) -> Refusal:
    counts: Counter[State] = Counter()
    for one in rows:
        counts[one.state] += one.tried
    first = rows[0]
    explanation = _IN_DOUBT if first.state is State.IN_DOUBT else explain(first.enhanced, first.code)
    return Refusal(first.code, first.enhanced, dict(counts), gist_of(reply, address), explanation)


def _gather(tallies: Iterable[tuple[str, Tally]]) -> dict[str, Counts]:
    """How many rows each name has in each state, by name."""
    counts: dict[str, Counter[State]] = defaultdict(Counter)
    for name, one in tallies:
        counts[name][one.state] += one.rows
    return {name: _in_order(counts[name]) for name in sorted(counts)}


def _slowest(domains: Iterable[DomainTally]) -> list[DomainTally]:
    delayed = (one for one in domains if one.retried and one.by_delay <= SLOWEST)
    return sorted(delayed, key=lambda one: one.by_delay)


def _domain(tally: DomainTally) -> Domain:
    return Domain(tally.domain, _in_order(tally.counts), tally.retried, tally.last)


def _add(parts: Iterable[Counts]) -> Counts:
    total: Counter[State] = Counter()
    for counts in parts:
        total.update(counts)
    return _in_order(total)


def _subtract(counts: Counts, parts: Iterable[Counts]) -> Counts:
    known = _add(parts)
    return _in_order({state: count - known.get(state, 0) for state, count in counts.items()})


def _in_order(counts: Counts) -> Counts:
    """The states in their own order, without those that have no rows."""
    return {state: counts[state] for state in State if counts.get(state)}


def _open(counts: Counts) -> int:
    return sum(counts.get(state, 0) for state in OPEN_STATES)


def write_report(account: Account, zone: dt.tzinfo, links: Mapping[str, str]) -> str:
    """The account as Markdown, moments in `zone`; `links` are addresses by what they are called. Names no recipient."""
    parts = [f"# {plain(account.issue)}", _summary(account, zone), _pause(account), _links(links)]
    if account.planned:
        parts += [
            _section("By list", _states_table("list", account.lists)),
            _section("By recipient domain", _states_table("domain", _named_domains(account))),
            _section("Domains that kept us waiting", _slowest_table(account.slowest, zone)),
            _section("What was not sent, and why", _refusals_table(account.refusals)),
            _section("By relay", _states_table("relay", account.relays)),
            _section("Clicks and opens", write_link_counts(account.counted)),
        ]
    return "\n\n".join(filter(None, parts)) + "\n"


def write_trip(trip: Trip) -> str:
    """Why a send stopped itself, with what servers said, as Markdown. Names no recipient."""
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in trip.counts.items())
    rows = [
        (_codes(one.code, one.enhanced), f"{one.count:,}", plain(explain(one.enhanced, one.code)), plain(one.text))
        for one in trip.examples
    ]
    replies = table(("reply", "how many", "what it means", "for example"), rows, _TEXTS)
    return f"# Stopped itself\n\n{plain(trip.reason)}.\n\n{counts}.\n\n{replies}\n"


def _summary(account: Account, zone: dt.tzinfo) -> str:
    counts = account.counts
    if not account.planned:
        return "Nothing was planned yet."
    shares = [f"**{counts.get(State.SENT, 0):,} of {account.planned:,} sent**"]
    shares += [f"{count:,} {_words(state)}" for state, count in counts.items() if state is not State.SENT]
    lines = [f"{', '.join(shares)}: {'not finished' if account.open else 'finished'}."]
    if account.next_due is not None:
        lines.append(f"The next deferred one is due at {_moment(account.next_due, zone)}.")
    if account.first is not None and account.last is not None:
        lines.append(f"Sent from {_moment(account.first, zone)} to {_moment(account.last, zone)}.")
    if account.rate is not None:
        lines.append(f"In its busy minutes {account.rate:,.{0 if account.rate >= 10 else 1}f} messages a second.")
    return "\n".join(lines)


def _pause(account: Account) -> str:
    match account.wish:
        case Wish.PAUSE:
            why = f": {plain(account.reason)}" if account.reason else ""
            return f"> **Paused**{why}. It goes on with `pressrun resume {account.issue}`."
        case Wish.CANCEL:
            return "> **Cancelled.**"
        case _:
            return ""


def _links(links: Mapping[str, str]) -> str:
    return " · ".join(f"[{plain(name)}](<{address}>)" for name, address in links.items())


def _named_domains(account: Account) -> dict[str, Counts]:
    named = {one.name: one.counts for one in account.domains}
    if account.other_domains:
        named[f"{account.other_domains:,} others"] = account.others
    return named


def _states_table(what: str, counts: Mapping[str, Counts]) -> str:
    states = list(_add(counts.values()))
    rows = [
        (plain(name), f"{sum(one.values()):,}", *(f"{one.get(state, 0):,}" for state in states))
        for name, one in counts.items()
    ]
    return table((what, "planned", *map(_words, states)), rows)


def _slowest_table(domains: Iterable[Domain], zone: dt.tzinfo) -> str:
    rows = [
        (plain(one.name), f"{one.retried:,}", f"{_open(one.counts):,}", _moment(one.last, zone) if one.last else "none")
        for one in domains
    ]
    return table(("domain", "more than one try", "still open", "last one sent"), rows, _TEXTS)


def _refusals_table(refusals: Sequence[Refusal]) -> str:
    rows = [
        (
            _codes(one.code, one.enhanced),
            ", ".join(f"{count:,} {_words(state)}" for state, count in one.counts.items()),
            plain(one.explanation),
            plain(one.example),
        )
        for one in refusals[:MOST_REFUSALS]
    ]
    shown = table(("reply", "how many", "what it means, and what to do", "for example"), rows, _TEXTS)
    left = refusals[MOST_REFUSALS:]
    return f"{shown}\n\n{sum(one.count for one in left):,} more of {len(left):,} other kinds." if left else shown


def _codes(code: int | None, enhanced: str | None) -> str:
    return " ".join(str(one) for one in (code, enhanced) if one is not None) or "none"


def _section(title: str, content: str) -> str:
    return f"## {title}\n\n{content}" if content else ""


def _words(state: State) -> str:
    return str(state).replace("_", " ")


def _moment(moment: dt.datetime, zone: dt.tzinfo) -> str:
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M %Z}"
