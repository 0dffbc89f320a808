"""The table of a run, for people at a terminal and for docs/torture.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torture.account import Account
from torture.case import Case, Group

HEAD = ("recipients", "received", "lost", "duplicated", "unflagged", "in doubt", "bound")
BEGIN, END = "<!-- measured -->", "<!-- end of what was measured -->"


@dataclass(frozen=True)
class Result:
    """What came of a case: its account, or why there is none."""

    case: Case
    account: Account | None
    seconds: float = 0.0
    skipped: str = ""
    error: str = ""

    @property
    def has_failed(self) -> bool:
        """Whether the plan fails with it."""
        return self.case.is_judged and bool(self.error or (self.account and self.account.faults))

    @property
    def verdict(self) -> str:
        """In words."""
        if self.skipped:
            return f"skipped: {self.skipped}"
        if self.error:
            return f"BROKEN: {self.error}"
        assert self.account
        if self.account.faults:
            return ("FAILED: " if self.case.is_judged else "") + "; ".join(self.account.faults)
        return "holds"

    @property
    def figures(self) -> tuple[int, ...]:
        """The columns of `HEAD`."""
        one = self.account
        if not one:
            return ()
        return (one.recipients, one.received, one.lost, one.duplicated, one.unflagged, one.in_doubt, one.bound)


def as_line(result: Result) -> str:
    """One case for a terminal, its remarks below."""
    figures = "".join(f"{figure:>11,}" for figure in result.figures) or " " * 11 * len(HEAD)
    remarks = result.account.remarks if result.account else ()
    line = f"{_name(result.case):<46}{figures}  {result.seconds:5.1f} s  {result.verdict}"
    return "\n".join([line, *(f"    {remark}" for remark in remarks)])


def head_line() -> str:
    """What stands above the lines."""
    return f"{'case':<46}" + "".join(f"{name:>11}" for name in HEAD)


def _name(case: Case) -> str:
    return case.name if case.is_judged else f"baseline: {case.name}"


def as_markdown(results: Sequence[Result]) -> str:
    """The tables: what the engine did, and the baseline beside it."""
    parts = []
    for title, wanted in (("pressrun", True), ("Log after send, for comparison", False)):
        rows = [result for result in results if result.case.is_judged is wanted]
        if rows:
            parts.append("\n".join([f"### {title}", "", _table_head(), *map(_row, _gathered(rows))]))
    return "\n\n".join(parts) + "\n"


def _table_head() -> str:
    return f"| case | {' | '.join(HEAD)} | verdict |\n| --- |{' ---: |' * len(HEAD)} --- |"


def _row(named: tuple[str, Sequence[Result]]) -> str:
    name, results = named
    figures = [sum(column) for column in zip(*(result.figures for result in results if result.figures), strict=True)]
    verdicts = dict.fromkeys(result.verdict for result in results)
    cells = [f"{figure:,}" for figure in figures] or [""] * len(HEAD)
    return f"| {name} | {' | '.join(cells)} | {'; '.join(verdicts)} |"


def _gathered(results: Sequence[Result]) -> list[tuple[str, Sequence[Result]]]:
    """Faults at one step are one row of the page; every other case has its own."""
    rows: dict[str, list[Result]] = {}
    for result in results:
        step, _, kind = result.case.name.partition(": ")
        name = f"{step}: each fault" if kind and result.case.group is Group.LINE else result.case.name
        rows.setdefault(name, []).append(result)
    return [(f"{name} ({len(found)} cases)" if len(found) > 1 else name, found) for name, found in rows.items()]


def write_into(page: str, tables: str, said: str) -> str:
    """The page with what was measured put between its marks."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{said}\n\n{tables}\n{END}{after}"
