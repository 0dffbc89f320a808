import asyncio
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from pressrun.errors import UsageError
from pressrun.inbox.mailbox import MailboxAddress, MailboxError, open_mailbox, parse_mailbox
from private_dovecot import PASSWORD, PrivateDovecot, private_dovecot


@pytest.fixture(scope="module")
def dovecot() -> Iterator[PrivateDovecot]:
    """An IMAP server of one's own, with one user."""
    with private_dovecot() as running:
        yield running


async def read_all(
    address: MailboxAddress, *, mark: bool = False, security: ssl.SSLContext | None = None
) -> list[bytes]:
    async with open_mailbox(address, security) as mailbox:
        found = []
        async for name, raw in mailbox.letters():
            found.append(raw)
            if mark:
                await mailbox.mark(name)
        return found


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("imaps://me:secret@mail.example.com", MailboxAddress("imaps", "mail.example.com", 993, "me", "secret")),
        (
            "imap://me%40example.com:s%2Fe@h.example.com:1143/In%20box",
            MailboxAddress("imap", "h.example.com", 1143, "me@example.com", "s/e", "In box"),
        ),
        ("maildir:///var/mail/bounces", MailboxAddress("maildir", folder="/var/mail/bounces")),
    ],
)  # fmt: skip
def test_an_address_is_read(url: str, address: MailboxAddress) -> None:
    assert parse_mailbox(url) == address


@pytest.mark.parametrize(
    "url",
    [
        "", "pop3://me:geheim@h.example.com", "imaps://h.example.com", "imaps://me@h.example.com",
        "imaps://me:ge?heim@h.example.com", "imaps://me:geheim@h.example.com/a%0d%0ab", "maildir://host/path",
        'imaps://me:geheim@h.example.com/a"b', "imaps://me:geheim@h.example.com:port", "maildir:///",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_mailbox(url)
    assert "heim" not in str(error.value)


def test_no_text_about_a_mailbox_holds_its_password() -> None:
    address = parse_mailbox("imaps://me:geheim@h.example.com")
    assert "geheim" not in f"{address} {address!r}"


def make_maildir(folder: Path, *letters: bytes) -> MailboxAddress:
    for part in ("new", "cur", "tmp"):
        (folder / part).mkdir(parents=True)
    for number, raw in enumerate(letters):
        (folder / "new" / f"{number}.host").write_bytes(raw)
    return MailboxAddress("maildir", folder=str(folder))


async def test_a_maildir_gives_what_is_new_and_keeps_what_was_seen(tmp_path: Path) -> None:
    address = make_maildir(tmp_path / "box", b"Subject: one\n\n", b"Subject: two\n\n")
    assert await read_all(address) == [b"Subject: one\n\n", b"Subject: two\n\n"]
    assert len(await read_all(address, mark=True)) == 2
    assert await read_all(address) == []
    assert sorted(file.name for file in (tmp_path / "box" / "cur").iterdir()) == ["0.host:2,S", "1.host:2,S"]


async def test_what_is_no_maildir_is_told(tmp_path: Path) -> None:
    with pytest.raises(MailboxError, match="no Maildir"):
        await read_all(MailboxAddress("maildir", folder=str(tmp_path)))


async def test_a_letter_that_somebody_takes_away_meanwhile_is_passed_over(tmp_path: Path) -> None:
    address = make_maildir(tmp_path / "box", b"one", b"two")
    async with open_mailbox(address) as mailbox:
        found = []
        async for _, raw in mailbox.letters():
            found.append(raw)
            (tmp_path / "box" / "new" / "1.host").unlink(missing_ok=True)
    assert found == [b"one"]


@pytest.mark.postfix
async def test_an_imap_folder_gives_what_is_unseen_and_marks_only_what_was_dealt_with(dovecot: PrivateDovecot) -> None:
    dovecot.put(b"Subject: one\r\n\r\nx\r\n", b"Subject: two\r\n\r\ny\r\n")
    address = parse_mailbox(dovecot.url)
    assert len(await read_all(address, security=dovecot.security)) == 2
    found = await read_all(address, mark=True, security=dovecot.security)
    assert [raw.partition(b"\r\n")[0] for raw in found] == [b"Subject: one", b"Subject: two"]
    assert await read_all(address, security=dovecot.security) == []


@pytest.mark.postfix
async def test_a_login_goes_over_tls_only_and_a_wrong_password_is_not_told(dovecot: PrivateDovecot) -> None:
    with pytest.raises(MailboxError, match="can't be read"):  # its certificate is nobody's
        await read_all(parse_mailbox(dovecot.url))
    wrong = dovecot.url.replace(PASSWORD, "geheim")
    with pytest.raises(MailboxError, match="login was refused") as error:
        await read_all(parse_mailbox(wrong), security=dovecot.security)
    assert "geheim" not in str(error.value)


@pytest.mark.postfix
async def test_a_folder_that_is_not_there_is_told(dovecot: PrivateDovecot) -> None:
    with pytest.raises(MailboxError, match="no such folder"):
        await read_all(parse_mailbox(f"{dovecot.url}/Elsewhere"), security=dovecot.security)


async def test_a_server_that_does_not_answer_is_told() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(MailboxError, match="can't be read"):
            await read_all(parse_mailbox(f"imaps://me:geheim@127.0.0.1:{port}"))
