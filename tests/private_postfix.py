"""A Postfix of one's own: configuration, queue, log and port in a temporary folder, nothing of the machine's instance.

    with private_postfix(relayhost=("127.0.0.1", receiver.port)) as postfix:
        send_to(postfix.port)
        postfix.kill()      # kill -9, every process of it
        postfix.start()     # the same queue, log and port
        postfix.wait_until_empty(timeout=20)
        print(postfix.log)

All calls block; in a test that holds a receiver in the same loop, run them by `asyncio.to_thread`.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
_START = 20.0  # seconds that Postfix may take to open its port, on a machine with much else to do
_MASTER = """\
127.0.0.1:{port} inet n - n - {smtpd} smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n -  0 cleanup
qmgr      unix  n - n 300 1 qmgr
rewrite   unix  - - n -  - trivial-rewrite
bounce    unix  - - n -  0 bounce
defer     unix  - - n -  0 bounce
trace     unix  - - n -  0 bounce
verify    unix  - - n -  1 verify
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n -  - proxymap
smtp      unix  - - n -  - smtp
relay     unix  - - n -  - smtp
showq     unix  n - n -  - showq
error     unix  - - n -  - error
retry     unix  - - n -  - error
discard   unix  - - n -  - discard
anvil     unix  - - n -  1 anvil
scache    unix  - - n -  1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class PostfixError(Exception):
    """Postfix did not do what was asked; the text has the end of its log."""


@dataclass
class PrivatePostfix:
    """An instance in `folder` that takes mail on 127.0.0.1:`port` from this machine and hands it all to `relayhost`.

    Without `relayhost` what it takes is thrown away. `settings` override or add lines of main.cf.
    """

    folder: Path
    port: int
    relayhost: tuple[str, int] | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    connections: int = 100

    @property
    def log_file(self) -> Path:
        """Where it logs, as maillog does."""
        return self.folder / "log" / "mail.log"

    @property
    def log(self) -> str:
        """All it has logged."""
        return self.log_file.read_text(encoding="utf-8", errors="replace") if self.log_file.exists() else ""

    @property
    def url(self) -> str:
        """Its address as the setting smtp_url says it."""
        return f"smtp://127.0.0.1:{self.port}"

    @property
    def is_running(self) -> bool:
        """Whether its master process is there."""
        return self._run("postfix", "status").returncode == 0

    @property
    def queue_ids(self) -> list[str]:
        """Messages it has taken and not yet handed on."""
        listed = self._run("postqueue", "-j").stdout.splitlines()
        return [line.partition('"queue_id": "')[2].partition('"')[0] for line in listed]

    def start(self) -> None:
        """Start it, anew or again, and return when it answers on its port."""
        done = self._run("postfix", "start")
        if done.returncode:
            raise PostfixError(f"postfix start: {done.stderr}\n{self.log[-2_000:]}")
        self._wait(self._answers, "it answers", _START)

    def stop(self) -> None:
        """End it as an operator would; does nothing where it has ended."""
        if self.is_running:
            self._run("postfix", "stop")
            self._wait(lambda: not self.is_running, "it has ended", _START)

    def kill(self) -> None:
        """Kill -9 every process of it at once; the queue stays as it is."""
        master = int((self.folder / "queue" / "pid" / "master.pid").read_text())
        os.killpg(master, signal.SIGKILL)  # the master leads the group that all its processes are in
        self._wait(lambda: not self.is_running, "it is dead", _START)

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def flush(self) -> None:
        """Try now what is deferred."""
        self._run("postqueue", "-f")

    def wait_until_empty(self, timeout: float = 30) -> None:
        """Return when nothing is queued; raises PostfixError after `timeout` seconds."""
        self._wait(lambda: not self.queue_ids, "its queue is empty", timeout)

    def _run(self, *command: str) -> subprocess.CompletedProcess[str]:
        words = [command[0], "-c", str(self.folder / "etc"), *command[1:]]
        environment = {"PATH": _PATH, "LANG": "C.UTF-8"}
        # The daemons keep what they inherit open: a pipe would never end.
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            ended = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment, timeout=60)
            out.seek(0)
            err.seek(0)
            return subprocess.CompletedProcess(words, ended.returncode, out.read(), err.read())

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                return connection.recv(3) == b"220"
        except OSError:
            return False

    def _wait(self, holds: Callable[[], bool], what: str, timeout: float) -> None:
        until = time.monotonic() + timeout
        while not holds():
            if time.monotonic() > until:
                raise PostfixError(f"waited {timeout:g} s until {what}\n{self.log[-2_000:]}")
            time.sleep(0.05)

    def lay_down(self) -> None:
        """Write its configuration; called once, before the first start."""
        owner = pwd.getpwnam("postfix")
        for name in ("etc", "queue", "data", "log"):
            (self.folder / name).mkdir()
        self.log_file.touch()
        # What finds something to tell before postlogd runs, after a kill say, writes the log itself, as this user.
        for name in ("data", "log", "log/mail.log"):
            os.chown(self.folder / name, owner.pw_uid, owner.pw_gid)
        lines = [f"{name} = {value}\n" for name, value in (self._main() | dict(self.settings)).items()]
        (self.folder / "etc" / "main.cf").write_text("".join(lines))
        (self.folder / "etc" / "master.cf").write_text(_MASTER.format(port=self.port, smtpd=self.connections))

    def _main(self) -> dict[str, str]:
        return {
            "compatibility_level": "3.6",
            "queue_directory": str(self.folder / "queue"),
            "data_directory": str(self.folder / "data"),
            "maillog_file": str(self.log_file),
            "maillog_file_prefixes": str(self.folder / "log"),
            "mail_owner": "postfix",
            "setgid_group": "postdrop",
            "myhostname": "postfix.example.com",
            "mydestination": "",
            "local_recipient_maps": "",
            "alias_maps": "",
            "alias_database": "",
            "mynetworks": "127.0.0.0/8",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "relayhost": "[{}]:{}".format(*self.relayhost) if self.relayhost else "",
            "default_transport": "smtp" if self.relayhost else "discard",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_recipient_restrictions": "permit_mynetworks, reject",
            "smtpd_peername_lookup": "no",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_tls_security_level": "none",
            "smtp_tls_security_level": "none",
            "smtp_dns_support_level": "disabled",
            "default_process_limit": str(self.connections),
            "enable_long_queue_ids": "yes",  # never the same id twice: copies can be told from redeliveries
            "notify_classes": "",
            # A test has no patience: what a receiver deferred is tried again within seconds.
            "minimal_backoff_time": "1s",
            "maximal_backoff_time": "2s",
            "queue_run_delay": "1s",
        }


def skip_without_postfix() -> None:
    """Skip the test, with the reason, where no Postfix can be started."""
    if shutil.which("postfix", path=_PATH) is None:
        pytest.skip("no Postfix is installed")
    if os.geteuid() != 0:
        pytest.skip("Postfix starts only as root")


@contextmanager
def private_postfix(
    relayhost: tuple[str, int] | None = None, *, settings: Mapping[str, str] | None = None, connections: int = 100
) -> Iterator[PrivatePostfix]:
    """A running Postfix that hands all mail to `relayhost`; it and its folder are gone at the end.

    Skips the test where Postfix can't be started. `settings` are lines of main.cf that differ.
    """
    skip_without_postfix()
    folder = Path(tempfile.mkdtemp(prefix="pressrun-postfix-"))
    folder.chmod(0o755)  # its processes run as the user postfix
    postfix = PrivatePostfix(folder, _free_port(), relayhost, settings or {}, connections)
    try:
        postfix.lay_down()
        postfix.start()
        yield postfix
    finally:
        try:
            postfix.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
