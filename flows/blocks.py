"""Secrets in a Prefect block, for those who keep them there; what stands in the environment comes first."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

from prefect.blocks.core import Block
from pydantic import Field, SecretStr

from pressrun.workspace import Workspace, open_workspace

NAME = "pressrun"
"""The block's name: one for a server, as each worker's environment is one."""


class PressrunSecrets(Block):
    """What pressrun must not read from git: relays, keys and the store's address. Fill in only what is kept here."""

    _block_type_name = "pressrun secrets"
    _block_type_slug = "pressrun-secrets"
    _description = "Relays, keys and the store's address for pressrun's flows. Name the block `pressrun`."

    smtp_url: SecretStr = Field(
        SecretStr(""), title="Relays", description="smtp://user:password@host:port; several are parted by blanks"
    )
    dkim_keys: SecretStr = Field(
        SecretStr(""), title="DKIM keys", description="As PEM, each below its name selector._domainkey.domain"
    )
    secret_key: SecretStr = Field(
        SecretStr(""), title="Secret key", description="Signs unsubscribe links; the same on every machine"
    )
    database_url: SecretStr = Field(
        SecretStr(""), title="Store", description="postgresql://user:password@host/name; empty: as the worker has it"
    )
    notify_url: SecretStr = Field(
        SecretStr(""), title="Notifications", description="Where they are posted as JSON; empty: nowhere"
    )

    def environment(self) -> dict[str, str]:
        """The variables that say what is filled in."""
        secrets = {name: getattr(self, name).get_secret_value() for name in SECRETS}
        return {f"PRESSRUN_{name.upper()}": value for name, value in secrets.items() if value}


SECRETS = ("smtp_url", "dkim_keys", "secret_key", "database_url", "notify_url")


async def take_secrets(environment: MutableMapping[str, str] = os.environ) -> list[str]:
    """Put the block's secrets into the environment where it says nothing of them: the names that were put there."""
    try:
        block = await PressrunSecrets.aload(NAME)
    except ValueError:  # there is none: secrets are kept elsewhere
        return []
    taken = {
        name: value
        for name, value in block.environment().items()
        if not environment.get(name) and not environment.get(f"{name}_FILE")
    }
    environment.update(taken)
    return list(taken)


async def open_with_secrets(root: Path | None = None) -> Workspace:
    """The workspace, its settings read with the block's secrets. Raises UsageError like `open_workspace`."""
    await take_secrets()
    return open_workspace(root)
