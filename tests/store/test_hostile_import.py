"""A file of 200 rows that mean harm: each has the fate that it must have, and what is stored is what was written."""

from __future__ import annotations

import asyncio
import csv
import datetime as dt
import io
from collections import Counter
from pathlib import Path

from hostile_rows import CHANGED, FORGOTTEN, HOSTILE_ROWS, LEFT, MEMBER, SUPPRESSED, HostileRow, hostile_file
from pressrun.address import parse_address
from pressrun.formula import is_formula
from pressrun.store.consent import ConsentBasis
from pressrun.store.database import Database
from pressrun.store.forget import forget
from pressrun.store.subscriber import ImportReport, ImportTerms, Subscriber
from pressrun.store.subscriber_import import import_subscribers
from pressrun.store.subscribers import add_subscriber, list_subscribers, remove_subscriber, suppress_address
from pressrun.subscriber_file import SubscriberWriter, open_subscribers
from small_edition import KEY

NOW = dt.datetime(2026, 2, 1, 8, 30, tzinfo=dt.UTC)
TERMS = ImportTerms("spp", ConsentBasis.UNKNOWN, "hostile.csv")
KNOWN = {LEFT, SUPPRESSED, FORGOTTEN, MEMBER, CHANGED}


async def know(database: Database) -> None:
    """Have people in the store who left, are suppressed, were forgotten, or are members."""
    for address in (LEFT, SUPPRESSED, FORGOTTEN, MEMBER, CHANGED):
        await add_subscriber(database, parse_address(address), "Mem Ber", {}, "spp", NOW)
    await remove_subscriber(database, parse_address(LEFT), "spp", NOW)
    await suppress_address(database, parse_address(SUPPRESSED), "complaint", NOW)
    await forget(database, KEY, parse_address(FORGOTTEN), NOW)


async def bring(database: Database, path: Path) -> ImportReport:
    return await import_subscribers(database, open_subscribers(path).rows(), TERMS, KEY, NOW)


async def people(database: Database) -> dict[str, Subscriber]:
    return {person.address: person async for person in list_subscribers(database)}


async def test_each_of_200_hostile_rows_has_its_fate(database: Database, tmp_path: Path) -> None:
    assert len(HOSTILE_ROWS) == 200
    await know(database)
    text, placed = hostile_file()
    path = tmp_path / "hostile.csv"
    path.write_text(text, encoding="utf-8", newline="")
    report = await bring(database, path)
    reasons = {row.line: ("rejected", row.reason) for row in report.rejected}
    reasons |= {row.line: ("doubled", row.reason) for row in report.duplicates}
    wrong = []
    for line, row in placed:
        fate, reason = reasons.pop(line, (row.fate if row.fate not in ("rejected", "doubled") else "taken", ""))
        if fate != row.fate or row.reason not in reason:
            wrong.append((line, row.text[:60], row.fate, row.reason, fate, reason))
    assert (wrong, reasons) == ([], {})
    counts = Counter(row.fate for row in HOSTILE_ROWS)
    names = ("added", "updated", "unchanged", "left", "suppressed", "forgotten")
    assert {name: getattr(report, name) for name in names} == {name: counts[name] for name in names}
    assert (len(report.rejected), len(report.duplicates)) == (counts["rejected"], counts["doubled"])


async def test_what_is_taken_is_stored_as_it_was_written_and_nobody_else_is(database: Database, tmp_path: Path) -> None:
    await know(database)
    before = await people(database)
    path = tmp_path / "hostile.csv"
    path.write_text(hostile_file()[0], encoding="utf-8", newline="")
    await bring(database, path)
    found = await people(database)
    for row in HOSTILE_ROWS:
        if row.fate == "added":
            person = found.pop(_address(row))
            assert (person.name, person.attributes.get("note", ""), person.tags) == (row.name, row.note, ())
    assert found.keys() == KNOWN - {FORGOTTEN}
    assert found.pop(CHANGED).name == "{{7*7}}"
    assert {address: found[address] for address in found} == {address: before[address] for address in found}


async def test_the_export_of_hostile_people_is_safe_and_comes_back_the_same(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "hostile.csv"
    path.write_text(hostile_file()[0], encoding="utf-8", newline="")
    await bring(database, path)
    found = await people(database)
    stream = io.StringIO(newline="")
    writer = SubscriberWriter(stream, ["note"])
    for person in found.values():
        writer.write(person)
    cells = [cell for row in csv.reader(io.StringIO(stream.getvalue(), newline="")) for cell in row]
    assert [cell for cell in cells if is_formula(cell) and not cell.startswith("'")] == []
    path.write_text(stream.getvalue(), encoding="utf-8", newline="")
    again = await bring(database, path)
    assert again == ImportReport(unchanged=len(found))


async def test_imports_of_hostile_rows_at_once_end_the_same(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "hostile.csv"
    path.write_text(hostile_file()[0], encoding="utf-8", newline="")
    reports = await asyncio.gather(*(bring(database, path) for _ in range(3)))
    assert len({report.added + report.unchanged for report in reports}) == 1
    assert len({report.rejected for report in reports}) == 1


def _address(row: HostileRow) -> str:
    return next(csv.reader([row.text]))[0].strip().removeprefix("'")
