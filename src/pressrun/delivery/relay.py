"""A relay as its URL names it: `smtp://user:password@host:port` or `smtps://…`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qs, unquote, urlsplit

from pressrun.errors import UsageError


class Starttls(StrEnum):
    """When a plain connection is secured: whenever offered, always or else not at all, or never."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


@dataclass(frozen=True)
class Relay:
    """Where messages are handed to, and as whom. The password shows in no representation."""

    host: str
    port: int
    implicit_tls: bool = False
    starttls: Starttls = Starttls.AUTO
    verify: bool = True
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def parse_relay(url: str) -> Relay:
    """The relay `url` names; `?starttls=auto|always|never` and `?verify=no` may follow. Raises UsageError."""
    remedy = "write smtp://user:password@host:port or smtps://…, with / @ : in name and password as %2F %40 %3A"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError("the SMTP URL can't be read", remedy) from None
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise UsageError("the SMTP URL can't be read", remedy)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    username, password = (unquote(part) if part else None for part in (parts.username, parts.password))
    return Relay(
        host=parts.hostname,
        port=port or (465 if parts.scheme == "smtps" else 587 if username else 25),
        implicit_tls=parts.scheme == "smtps",
        starttls=_read_starttls(query.pop("starttls", "auto")),
        verify=_read_verify(query.pop("verify", "yes"), query),
        username=username,
        password=password,
    )


def _read_starttls(value: str) -> Starttls:
    try:
        return Starttls(value)
    except ValueError:
        raise UsageError(f"the SMTP URL says starttls={value}", "say auto, always or never") from None


def _read_verify(value: str, others: dict[str, str]) -> bool:
    if others:
        raise UsageError(f"the SMTP URL says {', '.join(others)}", "it takes starttls and verify")
    if value not in ("yes", "no"):
        raise UsageError(f"the SMTP URL says verify={value}", "say yes or no")
    return value == "yes"
