"""Tells a shell how to reach the database that a variable names, with no password on any command line.

    eval "$(python3 connection.py PRESSRUN_DATABASE_URL)"

Sets `kind` to `postgresql` and exports what libpq reads (PGHOST, PGPASSWORD …), or to `sqlite` and `file` to the
path. VARIABLE_FILE may name a file that holds the URL. Standard library only: backups run where little is installed.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit


def main() -> None:
    """Print the lines, or say what is missing and end with status 2."""
    variable = sys.argv[1]
    url = os.environ.get(variable) or read_file(os.environ.get(f"{variable}_FILE", ""))
    if not url:
        sys.exit(f"{variable} is not set")
    print("\n".join(lines_of(url)))  # noqa: T201


def read_file(name: str) -> str:
    """What the file says; empty where none is named."""
    return Path(name).read_text(encoding="utf-8").strip() if name else ""


def lines_of(url: str) -> list[str]:
    """The lines for the shell; a URL of another kind of database ends the script."""
    scheme = url.partition(":")[0].partition("+")[0]
    if scheme == "sqlite":
        path = url.partition("?")[0].partition(":///")[2]
        return ["kind=sqlite", f"file={shlex.quote(unquote(path))}"]
    if scheme not in {"postgresql", "postgres"}:
        sys.exit(f"a database of the kind {scheme!r} can't be saved")
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    values = {
        "PGHOST": parts.hostname or query.get("host", ["localhost"])[0],
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
        "PGSSLMODE": (query.get("sslmode") or query.get("ssl") or [""])[0],
    }
    return ["kind=postgresql", *(_export(name, value) for name, value in values.items())]


def _export(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}" if value else f"unset {name}"


if __name__ == "__main__":
    main()
