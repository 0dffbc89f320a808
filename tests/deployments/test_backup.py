"""backup.sh and restore.sh: what comes back is what was there, nothing is written over, and the store is fenced."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from command import Ended, plain_environment
from installation import DEPLOYMENTS
from postgres_database import fresh_postgres
from pressrun.delivery.outcome import State
from pressrun.errors import FencedError
from pressrun.store.database import open_database
from pressrun.store.delivery_log import count_states
from pressrun.store.fence import confirm_fence, name_of, pass_fence, read_fence
from small_edition import NOW
from small_issue import write_small_issue
from small_world import ISSUE, prepare

PROGRAMS = {"PYTHON": sys.executable, "PRESSRUN": str(Path(sys.executable).with_name("pressrun"))}


@dataclass(frozen=True)
class Place:
    """A workspace, where its store is, and where another one may be made."""

    root: Path
    store: str
    other: str

    def run(self, script: str, *arguments: object, store: str | None = None, **variables: str) -> Ended:
        """Run one of the scripts on `store`, else on the workspace's own."""
        environment = plain_environment() | PROGRAMS | variables
        environment |= {"PRESSRUN_WORKSPACE": str(self.root), "PRESSRUN_DATABASE_URL": store or self.store}
        command = ["sh", str(DEPLOYMENTS / script), *map(str, arguments)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    def back_up(self, **variables: str) -> Path:
        """Make a backup: its folder."""
        ended = self.run("backup.sh", self.root / "backups", **variables)
        assert ended.status == 0, ended.err
        return max((self.root / "backups").iterdir())

    @property
    def witness(self) -> Path:
        return self.root / "witness"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    write_small_issue(tmp_path)
    if request.param == "sqlite":
        yield Place(tmp_path, f"sqlite:///{tmp_path}/store.db", f"sqlite:///{tmp_path}/new/store.db")
        return
    for program in ("pg_dump", "pg_restore", "psql"):
        if not shutil.which(program):
            pytest.skip(f"{program} is not installed")
    async with fresh_postgres() as store, fresh_postgres() as other:
        yield Place(tmp_path, store, other)


async def fill(place: Place) -> None:
    """Ten rows planned, two of them sent, and a run that has passed the fence."""
    async with open_database(place.store) as database:
        await prepare(database, 10)
        await pass_fence(database, place.witness, NOW)
        async with database.write() as connection:
            await connection.execute(sa.text("UPDATE deliveries SET state = 'sent', code = 250 WHERE id <= 2"))


async def counts(url: str) -> dict[State, int]:
    async with open_database(url) as database:
        return {state: count for state, count in (await count_states(database, ISSUE)).items() if count}


async def test_what_was_saved_comes_back(place: Place) -> None:
    await fill(place)
    backup = place.back_up()
    assert await counts(place.store) == {State.SENT: 2, State.QUEUED: 8}
    ended = place.run("restore.sh", backup, store=place.other)
    assert ended.status == 0, ended.err
    assert await counts(place.other) == {State.SENT: 2, State.QUEUED: 8}


async def test_a_restored_store_sends_nothing_until_a_person_vouches_for_it(place: Place) -> None:
    await fill(place)
    place.run("restore.sh", place.back_up(), store=place.other)
    async with open_database(place.other) as database:
        with pytest.raises(FencedError, match="restored"):
            await pass_fence(database, place.witness, NOW)
        doubted = await confirm_fence(
            database, place.witness, await name_of(database), "an operator", NOW, in_doubt=True
        )
        await pass_fence(database, place.witness, NOW)
    assert doubted == 8


async def test_so_does_one_that_had_never_sent_when_it_was_saved(place: Place) -> None:
    async with open_database(place.store) as database:
        await prepare(database, 3)
    place.run("restore.sh", place.back_up(), store=place.other)
    async with open_database(place.other) as database:
        assert (await read_fence(database, place.witness)).fault


async def test_nothing_is_written_over(place: Place) -> None:
    await fill(place)
    backup = place.back_up()
    ended = place.run("restore.sh", backup)
    assert ended.status == 2
    assert "there already" in ended.err or "not empty" in ended.err
    async with open_database(place.store) as database:
        await pass_fence(database, place.witness, NOW)


async def test_a_damaged_backup_is_refused(place: Place) -> None:
    await fill(place)
    backup = place.back_up()
    (saved,) = backup.glob("pressrun.*")
    with saved.open("r+b") as file:
        file.seek(saved.stat().st_size // 2)
        file.write(b"\0\0damage\0\0")
    ended = place.run("restore.sh", backup, store=place.other)
    assert (ended.status, f"{backup} is damaged" in ended.err) == (2, True)


async def test_keys_are_saved_and_put_back_where_they_are_missing(place: Place) -> None:
    state = place.root / ".pressrun"
    (state / "dkim").mkdir(parents=True)
    (state / "secret-key").write_text("the key")
    (state / "dkim" / "s1._domainkey.example.com.pem").write_text("a DKIM key")
    await fill(place)
    backup = place.back_up()
    (state / "secret-key").unlink()
    (state / "dkim" / "s1._domainkey.example.com.pem").write_text("a newer one")
    place.run("restore.sh", backup, store=place.other)
    assert (state / "secret-key").read_text() == "the key"
    assert (state / "dkim" / "s1._domainkey.example.com.pem").read_text() == "a newer one"


KEYS_TEXT = "s2._domainkey.example.com\n-----BEGIN PRIVATE KEY-----\n"


@pytest.mark.parametrize("given", ["as text", "by a file"])
async def test_keys_that_a_variable_gives_are_saved_and_put_back_for_nobody_else_to_read(
    place: Place, given: str
) -> None:
    secrets = place.root / "secrets"
    secrets.mkdir()
    for name, text in (("secret_key", "the key"), ("dkim_keys", KEYS_TEXT)):
        (secrets / name).write_text(text)
        (secrets / name).chmod(0o444)  # as compose may mount them
    if given == "as text":
        variables = {"PRESSRUN_SECRET_KEY": "the key", "PRESSRUN_DKIM_KEYS": KEYS_TEXT.replace("\n", "\\n")}
    else:
        variables = {f"PRESSRUN_{name.upper()}_FILE": str(secrets / name) for name in ("secret_key", "dkim_keys")}
    await fill(place)
    ended = place.run("restore.sh", place.back_up(**variables), store=place.other)
    assert ended.status == 0, ended.err
    assert "the keys of PRESSRUN_DKIM_KEYS are in" in ended.err
    state = place.root / ".pressrun"
    assert (state / "secret-key").read_text() == "the key"
    saved = (state / "dkim-keys").read_text()
    assert saved.replace("\\n", "\n") == KEYS_TEXT
    assert {(state / name).stat().st_mode & 0o777 for name in ("secret-key", "dkim-keys")} == {0o600}


async def test_a_backup_without_the_keys_that_are_named_is_none(place: Place) -> None:
    await fill(place)
    missing = {"PRESSRUN_DKIM_KEYS_FILE": str(place.root / "nowhere")}
    ended = place.run("backup.sh", place.root / "backups", **missing)
    assert ended.status != 0
    assert list((place.root / "backups").iterdir()) == []


async def test_nobody_else_may_read_a_backup(place: Place) -> None:
    await fill(place)
    backup = place.back_up()
    assert {file.stat().st_mode & 0o077 for file in (backup, *backup.iterdir())} == {0}


@pytest.mark.postgres
def test_no_password_stands_on_a_command_line(tmp_path: Path) -> None:
    programs, seen = tmp_path / "programs", tmp_path / "seen"
    programs.mkdir()
    for name in ("pg_dump", "pg_restore"):
        _watch(programs / name, seen)
    place = Place(tmp_path, "postgresql://someone:sec%2Fret@127.0.0.1:1/nowhere", "")
    place.run("backup.sh", tmp_path / "backups", PATH=_path(programs))
    assert "--file" in seen.read_text()
    assert "sec" not in seen.read_text()


def _watch(program: Path, seen: Path) -> None:
    program.write_text(f'#!/bin/sh\necho "$0 $@" >>{seen}\nexec {shutil.which(program.name)} "$@"\n')
    program.chmod(0o755)


def _path(first: Path) -> str:
    return os.pathsep.join((str(first), os.environ["PATH"]))


@pytest.mark.parametrize("keep", [1, 3])
async def test_only_the_newest_backups_are_kept_and_nothing_else_is_touched(place: Place, keep: int) -> None:
    await fill(place)
    folder = place.root / "backups"
    for name in ("2026-01-01T000000Z", "2026-01-02T000000Z", "2026-01-03T000000Z", "notes"):
        (folder / name).mkdir(parents=True)
    newest = place.run("backup.sh", folder, BACKUP_KEEP=str(keep))
    assert newest.status == 0, newest.err
    left = sorted(one.name for one in folder.iterdir())
    assert left[-1] == "notes"
    assert [name for name in left if name.startswith("2026-01")] == [
        f"2026-01-0{n}T000000Z" for n in range(5 - keep, 4)
    ]


async def test_a_backup_that_fails_leaves_nothing_behind(place: Place) -> None:
    ended = place.run("backup.sh", place.root / "backups", store="postgresql://nobody@127.0.0.1:1/nowhere")
    assert ended.status != 0
    assert list((place.root / "backups").iterdir()) == []


def tell_shell(url: str) -> dict[str, str]:
    """What a shell knows after connection.py's lines."""
    script = f'eval "$({sys.executable} {DEPLOYMENTS}/connection.py URL)"; kind=$kind file=${{file-}} env'
    done = subprocess.run(["sh", "-ec", script], env={"URL": url, "PATH": os.environ["PATH"]}, capture_output=True)
    return dict(line.split("=", 1) for line in done.stdout.decode().splitlines())


def test_a_url_is_told_to_a_shell_whatever_is_in_it() -> None:
    told = tell_shell("postgresql+asyncpg://us%40er:p%27a%24%28id%29%2Fs@db.example.com:6543/na%20me?ssl=require")
    assert told["kind"] == "postgresql"
    assert {name: value for name, value in told.items() if name.startswith("PG")} == {
        "PGHOST": "db.example.com", "PGPORT": "6543", "PGUSER": "us@er", "PGPASSWORD": "p'a$(id)/s",
        "PGDATABASE": "na me", "PGSSLMODE": "require",
    }  # fmt: skip
    told = tell_shell("sqlite:////srv/a b/pressrun.db")
    assert (told["kind"], told["file"]) == ("sqlite", "/srv/a b/pressrun.db")
