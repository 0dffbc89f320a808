"""Reads the settings: from `PRESSRUN_*`, secrets also from `PRESSRUN_*_FILE`, else from the workspace's TOML."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from pressrun.errors import UsageError

PREFIX = "PRESSRUN_"
_ADDRESSES = (
    "database_url",
    "smtp_url",
    "inbox_url",
)  # shown but for their passwords; a webhook's address is secret whole


class Settings(BaseSettings):
    """What an operator may set. Each field is also the name in TOML and, with PRESSRUN_, in the environment."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)

    database_url: SecretStr = Field(
        SecretStr(""), description="The store: sqlite:///path or postgresql://…; empty: .pressrun/pressrun.db"
    )
    smtp_url: SecretStr = Field(
        SecretStr("smtp://127.0.0.1:1025"), description="The relay: smtp://user:password@host:port, or smtps://…"
    )
    secret_key: SecretStr = Field(
        SecretStr(""), description="Signs unsubscribe links; empty: a key made once in .pressrun/secret-key"
    )
    dkim_keys: SecretStr = Field(
        SecretStr(""),
        description="DKIM keys as PEM, each below its name selector._domainkey.domain; see docs/signing.md",
    )
    dkim_folder: Path | None = Field(None, description="The folder of DKIM keys, *.pem; empty: .pressrun/dkim")
    connections: int = Field(8, ge=1, le=200, description="Connections a run holds open, over all its relays")
    smtp_timeout: float = Field(60, gt=0, description="Seconds to wait for an answer to a command")
    final_reply_timeout: float = Field(
        600, gt=0, description="Seconds to wait for the answer to a message (RFC 5321 §4.5.3.2.6: 10 minutes)"
    )
    lease_seconds: float = Field(30, ge=1, description="Seconds after which a silent worker's rows are taken over")
    expire_days: float = Field(3, gt=0, description="Days after which a deferred delivery expires")
    in_doubt: Literal["hold", "retry"] = Field(
        "hold", description="A message that may have been accepted: hold it for a person, or retry it once, flagged"
    )
    breaker_after: int = Field(200, ge=1, description="Outcomes before the circuit breaker judges a send")
    breaker_refused: float = Field(0.1, gt=0, le=1, description="Share of hard refusals at which a send stops itself")
    breaker_in_doubt: float = Field(0.02, gt=0, le=1, description="Share of rows in doubt at which a send stops itself")
    breaker_policy: float = Field(
        0.05, gt=0, le=1, description="Share of replies about login, blocking or policy at which a send stops itself"
    )
    send_due_seconds: float = Field(60, ge=5, description="Seconds between two looks for issues whose time has come")
    approval_hours: float = Field(
        72, gt=0, description="Hours an approval is waited for, and asked for before its time"
    )
    notify_url: SecretStr = Field(SecretStr(""), description="Where notifications are posted as JSON; empty: nowhere")
    notify_mail: str = Field("", description="Who gets notifications by mail: addresses parted by blanks")
    inbox_url: SecretStr = Field(
        SecretStr(""),
        description="The mailbox of bounces and wishes to leave: imaps://… or maildir:///path; empty: none",
    )
    bounce_soft_limit: int = Field(
        5, ge=2, description="Issues that must bounce softly before an address is suppressed"
    )
    bounce_soft_days: int = Field(30, ge=1, description="Days within which they must")
    service_mails_a_minute: int = Field(
        60, ge=1, description="The most confirmations and other service mails that one server sends in a minute"
    )
    webhook_private: bool = Field(
        False, description="Whether webhooks may lead into private networks, and do without TLS"
    )
    retain_events_days: float = Field(0, ge=0, description="Days after which events are deleted; 0: kept")
    retain_addresses_days: float = Field(
        0, ge=0, description="Days after which addresses are scrubbed from the log of finished issues; 0: kept"
    )
    retain_confirmations_days: float = Field(
        30, ge=0, description="Days after which requests that nobody confirmed are deleted; 0: kept"
    )
    retain_network_days: float = Field(
        0, ge=0, description="Days after which network addresses are taken out of consents; 0: kept, as proof"
    )
    log_addresses: bool = Field(False, description="Whether logs of runs may name people's addresses")
    work_pool: str = Field("pressrun", description="The Prefect work pool that deployments go to")
    site_folder: Path | None = Field(None, description="Where flows write archive and feeds; empty: .pressrun/site")
    preview_folder: Path | None = Field(None, description="Where flows lay previews down; empty: .pressrun/preview")
    preview_url: str = Field("", description="Where previews are served, for links in Prefect; empty: files on disk")
    trusted_proxies: str = Field(
        "127.0.0.1 ::1", description="Proxies whose X-Forwarded-For is believed: addresses, networks, parted by blanks"
    )
    metrics_token: SecretStr = Field(
        SecretStr(""), description="What /metrics asks for as Bearer; empty: only this machine may ask"
    )
    server_port: int = Field(4200, ge=1, le=65535, description="`pressrun up`: port of the Prefect server and UI")
    site_port: int = Field(8000, ge=1, le=65535, description="`pressrun up`: port of archive, feeds and preview")
    sink_port: int = Field(1025, ge=1, le=65535, description="`pressrun up`: port of the embedded receiver")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment first, then files the environment names, then what the workspace's TOML says."""
        return (env_settings, _FileSource(settings_cls), init_settings)


class _FileSource(PydanticBaseSettingsSource):
    """Secrets in files: PRESSRUN_SMTP_URL_FILE names the file that holds smtp_url."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        variable = f"{PREFIX}{field_name.upper()}_FILE"
        name = _environment(variable)
        if not name or field.annotation is not SecretStr:
            return None, field_name, False
        try:
            return Path(name).read_text(encoding="utf-8").strip(), field_name, False
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{variable}: {name} can't be read", "name a readable text file") from error

    def __call__(self) -> dict[str, Any]:
        found = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in found.items() if value is not None}


def _environment(variable: str) -> str:
    """What the environment says; names in lower case count too, as they do for pydantic-settings."""
    return next((value for key, value in os.environ.items() if key.upper() == variable and value), "")


@dataclass(frozen=True)
class Setting:
    """One effective setting, as it may be shown."""

    name: str
    value: str
    origin: str
    description: str


def load_settings(root: Path) -> Settings:
    """The settings that hold in the workspace at `root`."""
    values, file = _read_toml(root)
    for unknown in sorted(values.keys() - Settings.model_fields.keys()):
        near = difflib.get_close_matches(unknown, Settings.model_fields, n=1)
        raise UsageError(f"{file}: no setting is called {unknown}", _did_you_mean(near))
    try:
        return Settings(**values)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in fault["loc"])
        origin = _origin_of(name, values, file)
        raise UsageError(f"setting {name} ({origin}): {fault['msg']}", "see docs/settings.md") from None


def _did_you_mean(near: list[str]) -> str:
    return f"did you mean {near[0]}?" if near else "see docs/settings.md"


def describe_settings(root: Path) -> list[Setting]:
    """Each setting with its value (secrets masked) and where it came from."""
    values, file = _read_toml(root)
    settings = load_settings(root)
    return [
        Setting(
            name,
            _shown(getattr(settings, name), name in _ADDRESSES),
            _origin_of(name, values, file),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def _shown(value: object, is_address: bool = True) -> str:
    if not isinstance(value, SecretStr):
        return str(value)
    secret = value.get_secret_value()
    if "://" not in secret or not is_address:
        return "********" if secret else ""
    # Of an address only what stands between the name and the last @ is secret; a query may hold one too.
    scheme, _, rest = secret.partition("://")
    authority = re.split("[/?#]", rest, maxsplit=1)[0]
    if "@" in rest[len(authority) :]:  # a password with a bare slash or question mark: where it ends is a guess
        return f"{scheme}://********"
    return f"{scheme}://{re.sub('^(.*)@', _mask_login, re.split('[?#]', rest, maxsplit=1)[0])}"


def _mask_login(match: re.Match[str]) -> str:
    name, colon, _ = match[1].partition(":")
    return f"{name}:********@" if colon else f"{name}@"


def _origin_of(name: str, values: Mapping[str, Any], file: str) -> str:
    variable = f"{PREFIX}{name.upper()}"
    if _environment(variable):
        return variable
    if Settings.model_fields[name].annotation is SecretStr and _environment(f"{variable}_FILE"):
        return f"{variable}_FILE"
    return file if name in values else "default"


def _read_toml(root: Path) -> tuple[dict[str, Any], str]:
    """The workspace's own settings and the file they stand in: pressrun.toml, else pyproject.toml."""
    for file, table in ((root / "pressrun.toml", ()), (root / "pyproject.toml", ("tool", "pressrun"))):
        if not file.is_file():
            continue
        try:
            data: Any = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
            raise UsageError(f"{file}: {error}", "mend the TOML") from error
        for key in table:
            data = data.get(key, {}) if isinstance(data, dict) else {}
        if not isinstance(data, dict):
            raise UsageError(f"{file}: tool.pressrun is no table", "write [tool.pressrun] and keys below it")
        return data, file.name
    return {}, "default"
