"""The report of a rehearsal: Markdown for an artifact and whoever approves the send, figures for scripts."""

from __future__ import annotations

from collections.abc import Iterator

from pressrun.delivery.outcome import State
from pressrun.delivery.table import plain
from pressrun.rehearsal.expectation import Bound, Expectation
from pressrun.rehearsal.faults import Blow, Faults
from pressrun.rehearsal.rehearsal import Defect, Rehearsal

_STRUCK = {
    Blow.TEMPORARY: "tries refused for now (4xx)",
    Blow.PERMANENT: "tries refused for good (5xx)",
    Blow.CUT_BEFORE: "connections cut before the message",
    Blow.CUT_AFTER: "connections cut after it, without an answer",
    "slow": "answers of slow domains",
    "no room": "messages that the disk had no room for",
}
_BOUND = {
    Bound.PACE: "no limits of the relays hold it back; their own pace is not known, this is the rehearsal's",
    Bound.RATE: "held back by the relays' rates",
    Bound.WARMUP: "held back by the relays' warm-up plans",
}


def write_rehearsal(rehearsal: Rehearsal) -> str:
    """The report; it holds no address and no secret."""
    return "\n".join(_write(rehearsal)) + "\n"


def summarize(rehearsal: Rehearsal) -> dict[str, object]:
    """The rehearsal in figures, as scripts read it."""
    account, expectation = rehearsal.account, rehearsal.expectation
    return {
        "issue": rehearsal.issue,
        "edition": rehearsal.edition_id,
        "lists": list(rehearsal.lists),
        "sound": rehearsal.is_sound,
        "planned": account.planned,
        **{str(state): count for state, count in account.states.items()},
        "received": account.received,
        "lost": account.lost,
        "twice": account.twice,
        "flagged": account.flagged,
        "before": account.before,
        "messages": rehearsal.sizes.count,
        "octets": rehearsal.sizes.total,
        "kills": rehearsal.kills,
        "struck": dict(rehearsal.struck),
        "findings": [{"what": defect.what, "count": defect.count} for defect in rehearsal.findings],
        "seconds": round(rehearsal.seconds, 1),
        "expected_seconds": None if expectation.seconds is None else round(expectation.seconds, 1),
        "bound": str(expectation.bound),
    }


def _write(rehearsal: Rehearsal) -> Iterator[str]:
    yield f"# Rehearsal of {rehearsal.issue}: {'sound' if rehearsal.is_sound else 'not sound'}"
    yield ""
    lists = ", ".join(map(plain, rehearsal.lists))
    yield f"{plain(rehearsal.subject)}, edition `{rehearsal.edition_id[:12]}`, to {lists}."
    yield _say_audience(rehearsal)
    yield f"Begun {rehearsal.started_at:%Y-%m-%d %H:%M} UTC; delivering took {_span(rehearsal.seconds)}."
    yield ""
    yield from _write_findings(rehearsal)
    yield from _write_account(rehearsal)
    yield from _write_messages(rehearsal)
    yield from _write_faults(rehearsal)
    yield "## The real send"
    yield ""
    yield _say_expectation(rehearsal.expectation)


def _say_audience(rehearsal: Rehearsal) -> str:
    people = f"{rehearsal.audience:,} people"
    if rehearsal.sample is not None:
        return f"A sample: {people}, by chance."
    return f"The whole audience: {people}."


def _write_findings(rehearsal: Rehearsal) -> Iterator[str]:
    yield "## Findings"
    yield ""
    if rehearsal.is_sound:
        yield "None: everybody is accounted for, and every message is as it should be."
    else:
        yield "| how many | what | messages |"
        yield "| ---: | --- | --- |"
        for defect in rehearsal.findings:
            yield f"| {defect.count:,} | {defect.what} | {_say_numbers(defect)} |"
    yield ""


def _say_numbers(defect: Defect) -> str:
    more = ", …" if defect.messages and defect.count > len(defect.messages) else ""
    return ", ".join(map(str, defect.messages)) + more


def _write_account(rehearsal: Rehearsal) -> Iterator[str]:
    account = rehearsal.account
    yield "## Account"
    yield ""
    yield "| | people |"
    yield "| --- | ---: |"
    yield f"| planned | {account.planned:,} |"
    yield from (f"| {str(state).replace('_', ' ')} | {count:,} |" for state, count in account.states.items() if count)
    yield f"| received a message | {account.received:,} |"
    yield f"| lost | {account.lost:,} |"
    yield f"| received it twice | {account.twice:,} |"
    yield f"| of these flagged in the log | {account.flagged:,} |"
    if account.before:
        yield f"| settled before the rehearsal, sent nothing | {account.before:,} |"
    yield ""
    if in_doubt := account.states.get(State.IN_DOUBT, 0):
        yield f"{in_doubt:,} in doubt: their answers were cut off on purpose, and the log says so, as it is to."
        yield ""


def _write_messages(rehearsal: Rehearsal) -> Iterator[str]:
    sizes = rehearsal.sizes
    yield "## Messages"
    yield ""
    signed = "signatures checked" if rehearsal.is_signed else "not signed: there is no DKIM key for the sender"
    yield (
        f"{sizes.count:,} messages opened: MIME, headers, links to leave by, slots, texts, files; {signed}. "
        f"{_kilobytes(sizes.mean)} each, {_kilobytes(sizes.smallest)} to {_kilobytes(sizes.largest)}."
    )
    if rehearsal.kept_in is not None:
        yield f"They are in `{rehearsal.kept_in}`, a few of each kind of faulty ones in its folder `faulty`."
    yield ""


def _write_faults(rehearsal: Rehearsal) -> Iterator[str]:
    yield "## What went wrong on purpose"
    yield ""
    yield f"Asked for: {_say_faults(rehearsal.faults)}."
    yield ""
    rows = [(what, rehearsal.struck[kind]) for kind, what in _STRUCK.items() if rehearsal.struck.get(kind)]
    rows += [("sending processes killed (kill -9)", rehearsal.kills)] if rehearsal.kills else []
    if rows:
        yield "| what | how often |"
        yield "| --- | ---: |"
        yield from (f"| {what} | {count:,} |" for what, count in rows)
        yield ""


def _say_faults(faults: Faults) -> str:
    shares = {
        "of tries refused for now": faults.temporary,
        "of tries refused for good": faults.permanent,
        "of connections cut": faults.dropped,
        f"of domains slow by {faults.slow_seconds:g} s": faults.slow,
    }
    said = [f"{100 * share:g} % {what}" for what, share in shares.items() if share]
    said += ["a kill -9 in the middle"] if faults.kill else []
    return ", ".join(said) or "nothing"


def _say_expectation(expectation: Expectation) -> str:
    people = f"{expectation.messages:,} messages"
    if expectation.seconds is None:
        return f"{people} take over a year at the relays' limits: {_BOUND[expectation.bound]}."
    until = f", until {expectation.end:%Y-%m-%d %H:%M} UTC if begun when this was" if expectation.seconds > 3600 else ""
    took = f"{people} take {_span(expectation.seconds)}{until}: {_BOUND[expectation.bound]}."
    return f"{took} What is deferred comes later, after five minutes at least."


def _span(seconds: float) -> str:
    """Seconds as people say them: 42 s, 5 min, 3.5 h, 2.1 days."""
    if seconds < 120:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86400:.1f} days"


def _kilobytes(octets: float) -> str:
    return f"{octets / 1024:.1f} KB"
