"""Runs the benchmarks, prints their tables and writes docs/performance.md."""

from __future__ import annotations

import argparse
import datetime as dt
import time
from importlib import import_module
from pathlib import Path

from benchmarks.machine import describe
from benchmarks.measure import Result, Scale, Table
from benchmarks.report import as_markdown, as_text, bars_of

ROOT = Path(__file__).resolve().parent.parent
CONTESTS = (
    "delivery",
    "distance",
    "signing",
    "memory",
    "planning",
    "chunking",
    "workers",
    "scaling",
    "rendering",
    "site",
    "importing",
    "start_up",
    "unsubscribe",
)
"""Modules with a `measure(root, scale)`, imported when wanted only: each contender's process reads this file too."""

_HELP = {
    "recipients": "of a delivery; slow peers and other contests take a share of them",
    "connections": "a sender's, in all",
    "planned": "rows in planning",
    "rows": "in importing",
    "repeats": "of what takes milliseconds",
    "rounds": "of each contest",
    "sizes": "KB a message",
    "memory": "recipients of the sends whose memory is measured",
}


def main() -> None:
    """Hold the contests asked for."""
    options = _read_options()
    scale = Scale(**{name: getattr(options, name) for name in vars(Scale())})
    started = time.monotonic()
    results: list[Result | Table] = []
    for name in options.contest or CONTESTS:
        held = import_module(f"benchmarks.{name}").measure(ROOT, scale)
        print(*(f"\n{as_text(result)}\n" for result in held), sep="", flush=True)
        results += held
    if bars := bars_of(results):
        print(f"\n{as_text(bars)}\n")
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
        several = isinstance(value, tuple)
        shown = ",".join(map(str, value)) if several else f"{value:,}"
        kind, metavar = (_read_numbers, "N,N…") if several else (_read_number, "N")
        parser.add_argument(
            f"--{name}", type=kind, default=value, metavar=metavar, help=f"{_HELP[name]} (default {shown})"
        )
    parser.add_argument("--out", type=Path, metavar="FILE", help="the page (default docs/performance.md)")
    options = parser.parse_args()
    if unknown := set(options.contest) - set(CONTESTS):
        parser.error(f"no contest is called {', '.join(sorted(unknown))}")
    return options


def _read_number(text: str) -> int:
    number = int(text.replace("_", ""))
    if number < 1:
        raise argparse.ArgumentTypeError("each number must be 1 or more")
    return number


def _read_numbers(text: str) -> tuple[int, ...]:
    return tuple(_read_number(part) for part in text.split(","))


if __name__ == "__main__":
    main()
