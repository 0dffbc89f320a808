"""The doctor: each fault is found and told with its remedy, and looking changes nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
import shutil
from collections import namedtuple
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from command import plain_environment
from faulty_relay import STALL, Step, Then, faulty_relay, say
from pressrun import doctor as module
from pressrun.delivery.dkim_key import Algorithm, make_key
from pressrun.delivery.keyring import write_keys
from pressrun.delivery.relay import Starttls
from pressrun.doctor import (
    Check,
    Verdict,
    check_disk,
    check_notices,
    check_prefect,
    check_relay,
    check_relays,
    check_secret_key,
    check_signing,
    check_store,
    doctor,
)
from pressrun.source.loader import load_publication
from pressrun.store.database import open_database
from pressrun.store.fence import pass_fence
from pressrun.workspace import Workspace, open_workspace
from small_edition import NOW
from small_issue import write_small_issue
from tls_relay import make_certificate, tls_relay

SENDER = "small.example.com"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in os.environ.keys() - plain_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    write_small_issue(tmp_path)
    return open_workspace(tmp_path)


def with_settings(workspace: Workspace, **settings: object) -> Workspace:
    return replace(workspace, settings=workspace.settings.model_copy(update=_secret(settings)))


def _secret(settings: dict[str, object]) -> dict[str, object]:
    from pydantic import SecretStr

    secrets = {"smtp_url", "database_url", "secret_key", "notify_url", "dkim_keys"}
    return {name: SecretStr(str(value)) if name in secrets else value for name, value in settings.items()}


def only(checks: Iterable[Check]) -> Check:
    (check,) = checks
    return check


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


async def test_a_fresh_workspace_with_its_receiver_has_nothing_that_failed(workspace: Workspace) -> None:
    before = everything_in(workspace.root)
    async with faulty_relay() as relay:
        checks = await doctor(with_settings(workspace, smtp_url=f"{relay.url}?starttls=never"), now())
    assert [check for check in checks if check.verdict is Verdict.FAILED] == []
    assert {check.name.split()[0] for check in checks} >= {"publication", "store", "relay", "dkim", "secret", "disk"}
    assert all(check.remedy for check in checks if check.verdict is not Verdict.OK)
    assert everything_in(workspace.root) == before
    assert (relay.accepted, [line for line in relay.commands if line.startswith(b"MAIL")]) == ([], [])


async def test_whatever_is_wrong_is_told_together(workspace: Workspace) -> None:
    (workspace.root / "issues" / "small" / "publication.yaml").write_text("title: 7\n")
    broken = with_settings(
        workspace,
        smtp_url="http://example.com",
        database_url="mysql://example.com/x",
        secret_key="short",
        notify_mail="ops",
    )
    checks = {check.name: check for check in await doctor(broken, now())}
    failed = {name for name, check in checks.items() if check.verdict is Verdict.FAILED}
    assert failed == {"publication small", "store", "relays", "secret key", "notices"}
    assert all(checks[name].remedy for name in failed)


async def test_a_workspace_without_publications_is_warned_of(tmp_path: Path) -> None:
    (tmp_path / "issues").mkdir()
    (tmp_path / "pressrun.toml").write_text('smtp_url = "smtp://127.0.0.1:1"\n')
    checks = {check.name: check for check in await doctor(open_workspace(tmp_path), now())}
    assert checks["publications"].verdict is Verdict.WARNING


class TestStore:
    async def test_one_in_use_is_well(self, workspace: Workspace) -> None:
        async with open_database(workspace.database_url):
            checks = await check_store(workspace, now)
        assert [(check.name, check.verdict) for check in checks] == [("store", Verdict.OK), ("fence", Verdict.OK)]

    async def test_one_that_was_moved_is_fenced(self, workspace: Workspace) -> None:
        async with open_database(workspace.database_url) as database:
            await pass_fence(database, workspace.witness, NOW)
        file = Path(workspace.database_url.removeprefix("sqlite:///"))
        shutil.copy(file, file.with_suffix(".copy"))
        file.with_suffix(".copy").replace(file)
        _, fence = await check_store(workspace, now)
        assert (fence.name, fence.verdict) == ("fence", Verdict.FAILED)
        assert "pressrun fence --confirm pressrun.db" in fence.remedy

    async def test_a_memory_of_it_that_is_torn_is_told(self, workspace: Workspace) -> None:
        async with open_database(workspace.database_url) as database:
            await pass_fence(database, workspace.witness, NOW)
        workspace.witness.write_text("{")
        assert [check.verdict for check in await check_store(workspace, now)] == [Verdict.OK, Verdict.FAILED]

    async def test_one_that_is_not_there_yet_is_not_made(self, workspace: Workspace) -> None:
        assert only(await check_store(workspace, now)).verdict is Verdict.OK
        assert not (workspace.state / "pressrun.db").exists()

    async def test_what_is_no_database_failed(self, workspace: Workspace) -> None:
        workspace.state.mkdir()
        (workspace.state / "pressrun.db").write_text("Dear reader, " * 100)
        check = only(await check_store(workspace, now))
        assert check.verdict is Verdict.FAILED and "pressrun.db" in check.said and check.remedy

    @pytest.mark.parametrize(
        ("revision", "verdict"), [("0001", Verdict.WARNING), ("9999", Verdict.FAILED)], ids=["older", "newer"]
    )
    async def test_one_of_another_version_is_told_and_left_as_it_is(
        self, workspace: Workspace, revision: str, verdict: Verdict
    ) -> None:
        async with open_database(workspace.database_url) as database, database.write() as connection:
            await connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
        for _ in range(2):
            check = only(await check_store(workspace, now))
            assert check.verdict is verdict and f"revision {revision}" in check.said

    @pytest.mark.postgres
    async def test_one_that_takes_no_writes_failed(self, workspace: Workspace, postgres_url: str) -> None:
        async with open_database(postgres_url) as database, database.connect() as connection:
            await connection.execution_options(isolation_level="AUTOCOMMIT")
            name = postgres_url.rpartition("/")[2]
            await connection.exec_driver_sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
        store, _ = await check_store(with_settings(workspace, database_url=postgres_url), now)
        assert store.verdict is Verdict.FAILED and "takes no writes" in store.said

    @pytest.mark.postgres
    @pytest.mark.parametrize(
        ("seconds", "verdict"), [(0, Verdict.OK), (-5, Verdict.WARNING), (5, Verdict.WARNING), (90, Verdict.FAILED)]
    )
    async def test_a_clock_that_differs_from_the_stores_is_told(
        self, workspace: Workspace, postgres_url: str, seconds: int, verdict: Verdict
    ) -> None:
        async with open_database(postgres_url):
            shared = with_settings(workspace, database_url=postgres_url)
            store, clock, _ = await check_store(shared, lambda: now() + dt.timedelta(seconds=seconds))
        assert (store.verdict, clock.name, clock.verdict) == (Verdict.OK, "clock", verdict)
        if seconds:
            assert ("ahead of" if seconds > 0 else "behind") in clock.said

    async def test_no_password_of_a_store_is_told(self, workspace: Workspace) -> None:
        shared = with_settings(workspace, database_url="postgresql://me:geheim@127.0.0.1:1/news")
        check = only(await check_store(shared, now))
        assert check.verdict is Verdict.FAILED and "geheim" not in str(check)


class TestRelays:
    async def test_each_is_asked_and_told_by_its_name(self, workspace: Workspace) -> None:
        async with faulty_relay() as one, faulty_relay() as gone:
            urls = [f"{one.url}?starttls=never&name=first", f"{gone.url}?starttls=never&name=second"]
            async with faulty_relay([{Step.CONNECT: say(b"554 5.7.1 no", Then.CLOSE)}]) as refuses:
                urls.append(f"smtp://me:geheim@127.0.0.1:{refuses.port}?starttls=never&name=third")
                checks = await check_relays(with_settings(workspace, smtp_url=" ".join(urls)).settings)
        assert [check.name for check in checks] == ["relay first", "relay second", "relay third"]
        assert [check.verdict for check in checks] == [Verdict.OK, Verdict.OK, Verdict.FAILED]
        assert checks[0].said.startswith(f"127.0.0.1:{one.port} answers")
        assert "geheim" not in str(checks)

    async def test_one_that_says_nothing_is_not_waited_for_long(self) -> None:
        async with faulty_relay([{Step.CONNECT: STALL}]) as relay:
            check = await check_relay(relay.relay, seconds=0.05)
        assert check.verdict is Verdict.FAILED

    async def test_what_it_offers_is_told(self) -> None:
        async with faulty_relay(extensions=(b"PIPELINING", b"SMTPUTF8")) as relay:
            assert (await check_relay(relay.relay)).said == "answers; PIPELINING, SMTPUTF8"
        async with faulty_relay(extensions=()) as relay:
            assert (await check_relay(relay.relay)).said.endswith("; offers nothing beyond plain SMTP")

    async def test_the_login_is_tried(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        certificate = make_certificate(tmp_path)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
        async with tls_relay(certificate, login=("me", "geheim")) as relay:
            secured = replace(relay.relay, starttls=Starttls.ALWAYS, username="me")
            right = await check_relay(replace(secured, password="geheim"))
            wrong = await check_relay(replace(secured, password="falsch"))
        assert (right.verdict, wrong.verdict) == (Verdict.OK, Verdict.FAILED)
        assert "login accepted; PIPELINING, 8BITMIME, TLS" in right.said
        assert "falsch" not in str(wrong)

    async def test_a_line_that_others_can_read_is_warned_of_beyond_this_machine(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "_is_here", lambda host: False)
        async with faulty_relay() as plain:
            open_line = await check_relay(plain.relay)
        async with tls_relay(make_certificate(tmp_path)) as relay:
            unchecked = await check_relay(replace(relay.relay, starttls=Starttls.ALWAYS, verify=False))
        assert (open_line.verdict, unchecked.verdict) == (Verdict.WARNING, Verdict.WARNING)
        assert "unencrypted" in open_line.said and "any certificate" in unchecked.said

    @pytest.mark.parametrize(
        ("host", "is_here"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("relay.example.com", False)]
    )
    def test_this_machine_is_known(self, host: str, is_here: bool) -> None:
        assert module._is_here(host) is is_here


class TestSigning:
    def check(self, workspace: Workspace) -> Check:
        publication, _ = load_publication(workspace.issues / "small")
        assert publication
        return only(check_signing(workspace, {"small": publication}))

    def write(self, workspace: Workspace, domain: str, algorithm: Algorithm = Algorithm.RSA_SHA256) -> Path:
        file = workspace.dkim_folder / f"{domain}.pem"
        write_keys(file, [make_key(domain, "s1", algorithm)])
        return file

    def test_a_key_of_the_senders_domain_is_well(self, workspace: Workspace) -> None:
        self.write(workspace, SENDER)
        check = self.check(workspace)
        assert (check.name, check.verdict) == ("dkim small", Verdict.OK)
        assert f"s1._domainkey.{SENDER}" in check.said

    def test_no_key_or_only_one_for_another_domain_is_warned_of(self, workspace: Workspace) -> None:
        assert self.check(workspace).verdict is Verdict.WARNING
        self.write(workspace, "other.example.com")
        check = self.check(workspace)
        assert check.verdict is Verdict.WARNING and f"--domain {SENDER}" in check.remedy

    def test_ed25519_alone_is_warned_of(self, workspace: Workspace) -> None:
        self.write(workspace, SENDER, Algorithm.ED25519_SHA256)
        assert self.check(workspace).verdict is Verdict.WARNING

    def test_a_short_key_is_warned_of(self, workspace: Workspace) -> None:
        short = replace(make_key(SENDER, "s1", Algorithm.RSA_SHA256), private_key=generate_private_key(65_537, 1024))
        write_keys(workspace.dkim_folder / "short.pem", [short])
        check = self.check(workspace)
        assert check.verdict is Verdict.WARNING and "1024 bits" in check.said

    def test_a_key_that_others_may_read_failed(self, workspace: Workspace) -> None:
        file = self.write(workspace, SENDER)
        file.chmod(0o644)
        check = self.check(workspace)
        assert check.verdict is Verdict.FAILED and f"chmod 600 {file}" in check.remedy


class TestSecretKey:
    @pytest.mark.parametrize(
        ("key", "verdict"),
        [
            ("hunter2", Verdict.FAILED),
            ("a" * 64, Verdict.FAILED),
            ("correct horse battery", Verdict.WARNING),
            ("Jx3vE0o3rMZ9uPqT1bYw5sKd7hLfNaGc", Verdict.OK),
        ],
    )
    def test_a_key_is_judged_by_its_length_and_variety_and_never_shown(
        self, workspace: Workspace, key: str, verdict: Verdict
    ) -> None:
        check = only(check_secret_key(with_settings(workspace, secret_key=key)))
        assert check.verdict is verdict and key not in str(check)

    def test_each_of_several_is_judged(self, workspace: Workspace) -> None:
        key = "Jx3vE0o3rMZ9uPqT1bYw5sKd7hLfNaGc"
        checks = list(check_secret_key(with_settings(workspace, secret_key=f"{key} short")))
        assert [check.verdict for check in checks] == [Verdict.OK, Verdict.FAILED]
        assert "key 2 of 2" in str(checks[1])

    def test_the_one_made_on_first_use_is_well(self, workspace: Workspace) -> None:
        assert only(check_secret_key(workspace)).verdict is Verdict.OK
        assert not (workspace.state / "secret-key").exists()
        workspace.secret_key()
        assert only(check_secret_key(workspace)).verdict is Verdict.OK

    def test_one_that_others_may_read_is_warned_of(self, workspace: Workspace) -> None:
        workspace.secret_key()
        (workspace.state / "secret-key").chmod(0o644)
        assert only(check_secret_key(workspace)).verdict is Verdict.WARNING

    def test_a_store_that_machines_share_needs_one_key_for_all(self, workspace: Workspace) -> None:
        shared = with_settings(workspace, database_url="postgresql://127.0.0.1/news")
        assert [check.verdict for check in check_secret_key(shared)] == [Verdict.WARNING, Verdict.OK]
        key = "Jx3vE0o3rMZ9uPqT1bYw5sKd7hLfNaGc"
        assert [one.verdict for one in check_secret_key(with_settings(shared, secret_key=key))] == [Verdict.OK]


Usage = namedtuple("Usage", "total used free")  # as shutil.disk_usage gives it


@pytest.mark.parametrize(
    ("free", "verdict"), [(50 << 20, Verdict.FAILED), (500 << 20, Verdict.WARNING), (5 << 30, Verdict.OK)]
)
def test_a_disk_that_is_nearly_full_is_told(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, free: int, verdict: Verdict
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage(1 << 40, 0, free))
    assert [check.verdict for check in check_disk(workspace)] == [verdict]


class TestPrefect:
    @asynccontextmanager
    async def answering(self, status: bytes) -> AsyncIterator[str]:
        async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            right = status if head.startswith(b"GET /api/health ") else b"404 Not Found"
            writer.write(b"HTTP/1.1 " + right + b"\r\nContent-Length: 4\r\nConnection: close\r\n\r\ntrue")
            writer.close()

        async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"

    async def test_without_a_server_flows_run_by_themselves(self, workspace: Workspace) -> None:
        check = only(await check_prefect(workspace))
        assert (check.verdict, "none named" in check.said) == (Verdict.OK, True)

    @pytest.mark.parametrize(
        ("status", "verdict"), [(b"200 OK", Verdict.OK), (b"503 Service Unavailable", Verdict.FAILED)]
    )
    async def test_the_one_that_is_named_is_asked_for_its_health(
        self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, status: bytes, verdict: Verdict
    ) -> None:
        async with self.answering(status) as url:
            monkeypatch.setenv("PREFECT_API_URL", url)
            assert only(await check_prefect(workspace)).verdict is verdict

    async def test_one_that_is_gone_failed(self, workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
        async with self.answering(b"200 OK") as url:
            pass
        monkeypatch.setenv("PREFECT_API_URL", url)
        check = only(await check_prefect(workspace))
        assert check.verdict is Verdict.FAILED and check.remedy


@pytest.mark.parametrize(
    ("settings", "verdict"),
    [
        ({}, Verdict.WARNING),
        ({"notify_mail": "ops@example.com"}, Verdict.OK),
        ({"notify_url": "https://hooks.example.com/geheim"}, Verdict.OK),
        ({"notify_url": "hooks.example.com/geheim"}, Verdict.FAILED),
        ({"notify_mail": "ops@example.com, chef"}, Verdict.FAILED),
    ],
)
def test_notices_need_somewhere_to_go(workspace: Workspace, settings: dict[str, str], verdict: Verdict) -> None:
    check = only(check_notices(with_settings(workspace, **settings).settings))
    assert check.verdict is verdict and "geheim" not in str(check)


@pytest.mark.postgres
async def test_the_stores_clock_is_compared_with_the_time_it_is_by_then(
    workspace: Workspace, postgres_url: str
) -> None:
    """`now` is given once; what has gone by since is counted by the timer."""
    seconds = iter((0.0, 100.0))
    async with faulty_relay() as relay, open_database(postgres_url):
        shared = with_settings(workspace, database_url=postgres_url, smtp_url=f"{relay.url}?starttls=never")
        checks = await doctor(shared, now(), timer=lambda: next(seconds))
    clock = only(check for check in checks if check.name == "clock")
    assert clock.verdict is Verdict.FAILED and "ahead of" in clock.said
