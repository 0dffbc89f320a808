"""Runs the fault plan and prints its table; ends with 1 when a verdict fails."""

from __future__ import annotations

import argparse
import asyncio
import datetime as dt
import random
import sys
import time
from pathlib import Path

from torture.case import Case, Group, why_not
from torture.plan import choose, list_cases
from torture.report import Result, as_line, as_markdown, head_line, write_into


def main() -> int:
    """Run the cases asked for."""
    options = _read_options()
    cases = choose(list_cases(), options.case)
    if options.list:
        print(*(f"{case.group:<10}{case.name}" for case in cases), sep="\n")
        return 0
    if not cases:
        print(f"no case is called {' or '.join(options.case)}; --list names them", file=sys.stderr)
        return 2
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(10**6)
    print(f"seed {seed}, {options.recipients:,} recipients\n{head_line()}", flush=True)
    started = time.monotonic()
    results = asyncio.run(run_all(cases, seed, options.recipients))
    failed = [result for result in results if result.has_failed]
    said = f"{len(results)} cases, {len(failed)} failed, {time.monotonic() - started:.0f} s"
    print(f"\n{said}; again with --seed {seed}")
    if options.out and not options.case:
        today = dt.datetime.now(dt.UTC).date()
        text = f"{today}, seed {seed}, {options.recipients:,} recipients: {said}."
        options.out.write_text(
            write_into(options.out.read_text(encoding="utf-8"), as_markdown(results), text), encoding="utf-8"
        )
    return 1 if failed else 0


async def run_all(cases: list[Case], seed: int, recipients: int) -> list[Result]:
    """One case after another, so that each has the machine for itself."""
    results = []
    for case in cases:
        results.append(await run_case(case, seed, recipients))
        print(as_line(results[-1]), flush=True)
    return results


async def run_case(case: Case, seed: int, recipients: int) -> Result:
    """What comes of a case; what it draws depends on the seed and its own name alone."""
    if reason := next(filter(None, map(why_not, sorted(case.needs))), ""):
        return Result(case, None, skipped=reason)
    started = time.monotonic()
    try:
        account = await case.run(f"{seed} {case.group} {case.name}", max(40, int(recipients * case.share)))
    except Exception as error:  # noqa: BLE001 - a case that breaks is a result, and the others still count
        return Result(case, None, time.monotonic() - started, error=f"{type(error).__name__}: {error}")
    return Result(case, account, time.monotonic() - started)


def _read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m torture", description=__doc__)
    groups = ", ".join(Group)
    parser.add_argument("case", nargs="*", help=f"only these: a group ({groups}) or a part of a case's name")
    parser.add_argument("--list", action="store_true", help="name the cases and do nothing")
    parser.add_argument("--recipients", type=int, default=3_000, metavar="N", help="(default 3,000)")
    parser.add_argument("--seed", type=int, metavar="N", help="what chance begins with (default: another each time)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="a page to write the tables of a whole run into")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
