"""A PostgreSQL cluster of one's own in a temporary folder, which may be torn down at any moment."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from command import free_ports

_SETTINGS = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
shared_buffers = 32MB
max_connections = 60
"""


class ClusterError(Exception):
    """PostgreSQL did not do what was asked."""


@dataclass(frozen=True)
class Cluster:
    """PostgreSQL in `folder`, on 127.0.0.1:`port`; fsync is on, as it is for everybody."""

    folder: Path
    port: int

    def url(self, name: str = "postgres") -> str:
        """The address of its database `name`."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def lay_down(self) -> None:
        """Make the cluster; called once."""
        self._run("initdb", "-D", self._data, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-U", "postgres")
        with (self.folder / "data" / "postgresql.conf").open("a") as file:
            file.write(_SETTINGS.format(port=self.port, folder=self.folder))

    def start(self) -> None:
        """Start it, anew or again; it repairs itself first where it must."""
        self._run("pg_ctl", "-D", self._data, "-l", str(self.folder / "log"), "-w", "-t", "60", "start")

    def stop(self, mode: str = "fast") -> None:
        """End it; `immediate` is as a power cut to it: no connection is told, nothing is written any more."""
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    def make(self, name: str) -> str:
        """A new database and its address."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "postgres", name)
        return self.url(name)

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def _run(self, program: str, *arguments: str) -> None:
        found = find_postgres(program)
        assert found
        user = "postgres" if os.geteuid() == 0 else None  # it refuses to run as root
        with tempfile.TemporaryFile("w+") as out:  # the server keeps what it inherits open: a pipe would never end
            done = subprocess.run(
                [found, *arguments], cwd="/", user=user, stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=120
            )
            out.seek(0)
            if done.returncode:
                raise ClusterError(f"{program}: {out.read()[-1_000:]}")


def find_postgres(program: str) -> str | None:
    """Where a program of PostgreSQL's is; Debian keeps the server's off everybody's PATH."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", ""), *map(str, folders))))


def why_no_cluster() -> str:
    """Why there can be none on this machine, or nothing."""
    if not (find_postgres("initdb") and find_postgres("pg_ctl")):
        return "no PostgreSQL server is installed"
    if os.geteuid() == 0 and "postgres" not in {user.pw_name for user in pwd.getpwall()}:
        return "there is no user postgres"
    return ""


@contextmanager
def private_cluster() -> Iterator[Cluster]:
    """A running cluster; it and its folder are gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pressrun-postgres-"))
    cluster = Cluster(folder, free_ports(1)[0])
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        cluster.lay_down()
        cluster.start()
        yield cluster
    finally:
        subprocess.run(
            [find_postgres("pg_ctl") or "pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "stop"],
            cwd="/", user="postgres" if os.geteuid() == 0 else None, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        shutil.rmtree(folder, ignore_errors=True)
