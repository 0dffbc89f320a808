"""Import: a list from CSV into the store, against the shortest script that puts the same rows into a table."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import Contender, Contest, Result, Sample, Scale, begin, hold
from pressrun.link_keys import LinkKey, LinkKeys
from pressrun.store.consent import ConsentBasis
from pressrun.store.database import open_database
from pressrun.store.subscriber import ImportTerms
from pressrun.store.subscriber_import import import_subscribers
from pressrun.subscriber_file import read_subscribers

_TERMS = ImportTerms("readers", ConsentBasis.DOUBLE_OPT_IN)
_KEYS = LinkKeys((LinkKey(b"a key for benchmarks"),))
_COUNTRIES = ("中国", "Kenya", "Brasil", "日本", "France")


@dataclass(frozen=True)
class Job:
    """The file, and how many rows it has."""

    file: Path
    rows: int


def measure(root: Path, scale: Scale) -> list[Result]:
    """Hold the contest on a file made for it."""
    note = (
        f"{scale.rows:,} new people with name and two attributes. pressrun checks each address, tells what is wrong by "
        "line, keeps the first of two with one address, merges attributes, enters memberships and records consents; "
        "the peer does none of this, in a table without an index."
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "readers.csv"
        _write(file, scale.rows)
        contest = Contest("Importing subscribers", "row", note, Job(file, scale.rows), CONTENDERS)
        return [hold(contest, scale.rounds)]


def _write(file: Path, rows: int) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("email", "name", "country", "organisation"))
        for n in range(rows):
            country = _COUNTRIES[n % len(_COUNTRIES)]
            writer.writerow((f"reader{n:06}@example.com", f"读者 {n}", country, f"Office {n % 700}"))


def by_pressrun(job: Job) -> Sample:
    """What `pressrun subscribers import` does, the tables being there."""
    return asyncio.run(_import(job))


async def _import(job: Job) -> Sample:
    with tempfile.TemporaryDirectory() as folder:
        async with open_database(f"sqlite:///{folder}/pressrun.db") as database:
            started = begin()
            rows = read_subscribers(job.file)
            report = await import_subscribers(database, rows, _TERMS, _KEYS, dt.datetime.now(dt.UTC))
            sample = started.until_now(job.rows)
    if report.added != job.rows:
        raise RuntimeError(f"not all was imported: {report.added}")
    return sample


def by_script(job: Job) -> Sample:
    """csv.DictReader and executemany."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "bare.db")
        connection.execute("CREATE TABLE reader (email TEXT, name TEXT, country TEXT, organisation TEXT)")
        started = begin()
        with job.file.open(encoding="utf-8", newline="") as stream, connection:
            rows = csv.DictReader(stream)
            connection.executemany("INSERT INTO reader VALUES (:email, :name, :country, :organisation)", rows)
        sample = started.until_now(job.rows)
        connection.close()
    return sample


CONTENDERS = (Contender("pressrun", by_pressrun), Contender("csv.DictReader + executemany", by_script))
