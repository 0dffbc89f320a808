"""Shows how far a delivery is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pressrun.cli.screen import unguarded
from pressrun.delivery.outcome import Kind, Outcome

_PLAIN_SECONDS = 5.0


Tellers = tuple[Callable[[int], None], Callable[[Outcome], None]]


@contextmanager
def show_progress(clock: Callable[[], float] = time.monotonic) -> Iterator[Tellers]:
    """Two functions: one to tell how many rows are open, one to tell each outcome."""
    if sys.stderr.isatty():
        yield from _show_bar()
    else:
        yield _PlainLines(clock).functions


def _show_bar() -> Iterator[Tellers]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=unguarded(sys.stderr)), transient=True) as bar:
        task = bar.add_task("delivering", total=None)
        yield (
            lambda open_rows: bar.update(task, total=open_rows),
            lambda outcome: bar.advance(task) if outcome.kind is not Kind.NOT_SENT else None,
        )


class _PlainLines:
    """A line every few seconds, so that a log stays readable."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._shown = clock, clock()
        self._total = self._done = 0

    @property
    def functions(self) -> Tellers:
        """What `show_progress` gives."""
        return self._take_total, self._take_outcome

    def _take_total(self, open_rows: int) -> None:
        self._total = open_rows

    def _take_outcome(self, outcome: Outcome) -> None:
        self._done += outcome.kind is not Kind.NOT_SENT
        if self._clock() - self._shown >= _PLAIN_SECONDS:
            self._shown = self._clock()
            print(f"delivering: {self._done} of {self._total}", file=sys.stderr, flush=True)  # noqa: T201
