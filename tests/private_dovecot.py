"""A Dovecot of one's own: an IMAP server with one user, in a temporary folder, nothing of the machine's instance."""

from __future__ import annotations

import datetime as dt
import getpass
import grp
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from patience import wait_for
from tls_relay import make_certificate

PASSWORD = "a-password"
_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin"
_NAMES = count()
_OWNER = pwd.getpwuid(os.getuid() or pwd.getpwnam("nobody").pw_uid)  # Dovecot lets no mail be root's
_CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{certificate}
ssl_key = <{certificate}
mail_location = maildir:{folder}/mail
default_internal_user = {inner}
default_login_user = {outer}
default_internal_group = {group}
first_valid_uid = 0
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}
}}
"""


@dataclass(frozen=True)
class PrivateDovecot:
    """A running server; its user `me` has the Maildir `folder`/mail."""

    folder: Path
    port: int
    certificate: Path

    @property
    def url(self) -> str:
        """The mailbox as the setting inbox_url says it."""
        return f"imaps://me:{PASSWORD}@127.0.0.1:{self.port}"

    @property
    def security(self) -> ssl.SSLContext:
        """What trusts its certificate."""
        return ssl.create_default_context(cafile=str(self.certificate))

    def put(self, *letters: bytes) -> None:
        """Deliver letters into the mailbox."""
        for raw in letters:
            name = f"{dt.datetime.now(dt.UTC).timestamp():.0f}.{next(_NAMES)}.host"
            (self.folder / "mail" / "tmp" / name).write_bytes(raw)
            os.chown(self.folder / "mail" / "tmp" / name, _OWNER.pw_uid, _OWNER.pw_gid)
            (self.folder / "mail" / "tmp" / name).rename(self.folder / "mail" / "new" / name)


@contextmanager
def private_dovecot() -> Iterator[PrivateDovecot]:
    """A server that runs while the block does; without Dovecot the test is skipped."""
    program = shutil.which("dovecot", path=_PATH)
    if program is None:
        pytest.skip("Dovecot is not installed: install dovecot-imapd")
    with tempfile.TemporaryDirectory(prefix="dovecot-") as name:
        running = _prepare(Path(name))
        configuration = running.folder / "dovecot.conf"
        subprocess.run([program, "-c", configuration], check=True)
        try:
            wait_for(lambda: _answers(running.port))
            yield running
        finally:
            subprocess.run([program, "-c", configuration, "stop"], check=False)


def _prepare(folder: Path) -> PrivateDovecot:
    for part in ("new", "cur", "tmp"):
        (folder / "mail" / part).mkdir(parents=True)
    certificate = make_certificate(folder).file
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Root's processes must be others', which Debian's package made; anybody else's can only be their own.
    own = getpass.getuser(), getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    inner, outer, group = ("dovecot", "dovenull", "dovecot") if os.getuid() == 0 else own
    text = _CONFIGURATION.format(
        folder=folder, certificate=certificate, port=port, password=PASSWORD,
        inner=inner, outer=outer, group=group, uid=_OWNER.pw_uid, gid=_OWNER.pw_gid,
    )  # fmt: skip
    for part in (folder / "mail", *(folder / "mail").iterdir()):
        os.chown(part, _OWNER.pw_uid, _OWNER.pw_gid)
    folder.chmod(0o755)  # its processes are other users
    (folder / "dovecot.conf").write_text(text, encoding="utf-8")
    return PrivateDovecot(folder, port, certificate)


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
