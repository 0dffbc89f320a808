"""Runs the benchmarks, prints their tables and writes docs/performance.md."""

from __future__ import annotations

import argparse
import datetime as dt
import time
from importlib import import_module
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.measure import Result, Scale
from benchmarks.report import as_markdown, as_text

ROOT = Path(__file__).resolve().parent.parent
CONTESTS = ("delivery", "rendering", "importing", "start_up")
"""Modules with a `measure(root, scale)`, imported when wanted only: each contender's process reads this file too."""


def main() -> None:
    """Hold the contests asked for."""
    options = _read_options()
    scale = Scale(options.recipients, options.connections, options.rows, options.repeats, options.rounds)
    started = time.monotonic()
    results: list[Result] = []
    for name in options.contest or CONTESTS:
        held = import_module(f"benchmarks.{name}").measure(ROOT, scale)
        print(*(f"\n{as_text(result)}\n" for result in held), sep="", flush=True)
        results += held
    out = options.out or (None if options.contest else ROOT / "docs" / "performance.md")
    if out:
        today = dt.datetime.now(dt.UTC).date()
        out.write_text(as_markdown(results, describe(), scale, today), encoding="utf-8")
        print(f"written to {out}")
    print(f"{time.monotonic() - started:.0f} s in all")


def _read_options() -> argparse.Namespace:
    usual = Scale()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("contest", nargs="*", help=f"only these: {', '.join(CONTESTS)}; then only --out writes a page")
    for name, value in vars(usual).items():
        parser.add_argument(f"--{name}", type=int, default=value, metavar="N", help=f"(default {value:,})")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page (default docs/performance.md)")
    options = parser.parse_args()
    if unknown := set(options.contest) - set(CONTESTS):
        parser.error(f"no contest is called {', '.join(sorted(unknown))}")
    if min(getattr(options, name) for name in vars(usual)) < 1:
        parser.error("each number must be 1 or more")
    return options


if __name__ == "__main__":
    main()
