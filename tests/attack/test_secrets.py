"""Secrets: whatever is run, fails or is shown, at any level of logging, none of them comes out."""

from __future__ import annotations

import asyncio
import logging
import os
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from command import free_ports, run_here
from pressrun.cli import main
from pressrun.delivery.connection import Connection
from pressrun.delivery.relay import parse_relays
from pressrun.errors import RelayError
from pressrun.notify import notify
from pressrun.settings import Settings
from pressrun.workspace import open_workspace
from small_issue import write_small_issue

MARK = "q7MARKq7"
SECRETS = sorted(name for name, field in Settings.model_fields.items() if field.annotation is SecretStr)
ISSUE = "small/2026-01"
COMMANDS = (
    *(("settings", "--format", form) for form in ("table", "csv", "json")),
    ("check", ISSUE), ("check", "nothing"), ("doctor",), ("doctor", "--format", "json"),
    ("render", ISSUE, "--out", "mail"),
    ("subscribers", "add", "lin@example.com", "--list", "small"), ("subscribers", "list"), ("subscribers", "export"),
    ("send", ISSUE, "--list", "small", "--dry-run"), ("send", ISSUE, "--list", "small"),
    ("send", ISSUE, "--list", "none"),
    ("send-test", ISSUE, "--to", "lin@example.com"), ("status", ISSUE), ("log", ISSUE), ("report", ISSUE),
    ("show-message", ISSUE, "nobody@example.com"), ("resolve", ISSUE), ("housekeeping",), ("calendar",), ("fence",),
    ("dkim", "list"), ("approve", ISSUE), ("site",), ("read-inbox",), ("webhooks", "list"), ("webhooks", "post"),
    ("api-keys", "list"), ("segments", "list"), ("schema", "settings"), ("ping-hub", "small"),
)  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    write_small_issue(tmp_path)
    return tmp_path


def marked(port: int) -> dict[str, str]:
    """Every secret that can be set, with the mark in it, leading to where nobody listens."""
    values = {
        "smtp_url": f"smtp://user:{MARK}@127.0.0.1:{port}",
        "notify_url": f"http://127.0.0.1:{port}/{MARK}",
        "inbox_url": f"imap://user:{MARK}@127.0.0.1:{port}/INBOX",
        "dkim_keys": f"news._domainkey.small.example.com\n-----BEGIN PRIVATE KEY-----\n{MARK}\n",
        "secret_key": f"{MARK}-a-key-that-is-long-enough-to-be-one",
    }
    return {f"PRESSRUN_{name.upper()}": values.get(name, MARK) for name in SECRETS if name != "database_url"}


def check_nothing_told(text: str) -> None:
    assert MARK not in text
    assert b64encode(MARK.encode()).decode() not in text
    assert b64encode(b"\0user\0" + MARK.encode()).decode() not in text


@pytest.mark.parametrize("signs", [True, False], ids=["with a bad key", "unsigned"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_command_tells_a_secret(
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    command: tuple[str, ...],
    signs: bool,
) -> None:
    assert run_here(workspace, "subscribers", "add", "robin@example.com", "--list", "small").status == 0
    for name in os.environ:
        if name.startswith("PRESSRUN_"):
            monkeypatch.delenv(name)
    for name, value in marked(free_ports(1)[0]).items():
        if signs or name != "PRESSRUN_DKIM_KEYS":
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("PRESSRUN_SMTP_TIMEOUT", "1")
    monkeypatch.chdir(workspace)
    monkeypatch.setattr("sys.argv", ["pressrun", *command])
    with caplog.at_level(logging.DEBUG), pytest.raises(SystemExit):
        main()
    out, err = capfd.readouterr()
    check_nothing_told(out + err + caplog.text)
    for file in workspace.rglob("*"):
        if file.is_file() and file.name not in ("secret-key",):
            assert MARK.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("value", ["\n{}", "postgresql://u:{}@:x", "http://u:{}@[", " {} ", "u:{}@host", "\udc80{}"])
@pytest.mark.parametrize("name", SECRETS)
def test_a_faulty_value_is_told_without_it(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], name: str, value: str
) -> None:
    monkeypatch.chdir(workspace)
    monkeypatch.setenv(f"PRESSRUN_{name.upper()}", value.format(MARK))
    for command in (("settings",), ("status", ISSUE)):
        monkeypatch.setattr("sys.argv", ["pressrun", *command])
        with pytest.raises(SystemExit):
            main()
        check_nothing_told("".join(capfd.readouterr()))


def test_a_broken_file_of_settings_is_told_without_what_stands_in_it(workspace: Path) -> None:
    for text in (f'smtp_url = "{MARK}', f"secret_key = {MARK}", f'smtp_url = ["{MARK}"]', f'smtp_uri = "{MARK}"'):
        (workspace / "pressrun.toml").write_text(text)
        ended = run_here(workspace, "settings")
        assert ended.status == 2
        check_nothing_told(ended.out + ended.err)


def test_nothing_that_holds_secrets_shows_them(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in marked(1).items():
        monkeypatch.setenv(name, value)
    opened = open_workspace(workspace)
    (relay,) = parse_relays(opened.settings.smtp_url.get_secret_value())
    keys = opened.link_keys()
    for one in (opened, opened.settings, opened.settings.model_dump(mode="json"), keys, keys.newest, relay):
        check_nothing_told(repr(one) + str(one))


@asynccontextmanager
async def spiteful() -> AsyncIterator[int]:
    """A relay that says the password back, plain and as it came."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n")
        while line := await reader.readline():
            if line.startswith(b"EHLO"):
                writer.write(b"250-x\r\n250 AUTH PLAIN\r\n")
            elif line.startswith(b"AUTH"):
                said = line.split()[-1]
                writer.write(b"535 5.7.8 no: " + said + b" " + b64decode(said).replace(b"\0", b" ") + b"\r\n")
            else:
                writer.write(b"221 bye\r\n")
                break
        writer.close()

    server = await asyncio.start_server(converse, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_a_relay_that_says_the_password_back_gets_it_no_further(caplog: pytest.LogCaptureFixture) -> None:
    async with spiteful() as port:
        (relay,) = parse_relays(f"smtp://user:{MARK}@127.0.0.1:{port}?starttls=never")
        with caplog.at_level(logging.DEBUG), pytest.raises(RelayError) as raised:
            await Connection(relay, 5, 5).open()
        url = SecretStr(f"smtp://user:{MARK}@127.0.0.1:{port}?starttls=never")
        settings = Settings(smtp_url=url, notify_mail="a@example.com")
        told = await notify(settings, "x", "y")
    check_nothing_told(f"{raised.value} {raised.value!r} {told} {caplog.text}")


@pytest.fixture
def listed() -> Iterator[list[str]]:
    """The names of what counts as secret."""
    yield SECRETS


def test_what_must_be_secret_is(listed: list[str]) -> None:
    telling = ("password", "secret", "token", "key", "smtp_url", "database_url", "inbox_url", "notify_url")
    open_ones = [name for name in Settings.model_fields if any(part in name for part in telling) and name not in listed]
    assert open_ones == []


def test_the_key_that_is_made_is_readable_by_nobody_else(workspace: Path) -> None:
    open_workspace(workspace).secret_key()
    file = workspace / ".pressrun" / "secret-key"
    assert file.stat().st_mode & 0o077 == 0
    assert len(file.read_text()) >= 43  # 256 bits
