"""Verbs on DKIM keys: keygen, record, check."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pressrun.cli.app import app, workspace_of

if TYPE_CHECKING:
    from pressrun.delivery.dkim_key import SigningKey
    from pressrun.workspace import Workspace

dkim = typer.Typer(no_args_is_help=True, help="Make DKIM keys, print their DNS records, see who signs what.")
app.add_typer(dkim, name="dkim")


class KeyKind(StrEnum):
    """What keys are made."""

    RSA = "rsa"
    ED25519 = "ed25519"
    BOTH = "both"


@dkim.command()
def keygen(
    context: typer.Context,
    domain: Annotated[str, typer.Option(metavar="DOMAIN", help="The sender's domain, or one above it.")],
    selector: Annotated[
        str | None, typer.Option(metavar="NAME", help="The key's name below _domainkey; without, by the month.")
    ] = None,
    algorithm: Annotated[KeyKind, typer.Option(help="RSA is what everyone verifies.")] = KeyKind.RSA,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A new file for the keys; without, in the workspace's folder.")
    ] = None,
) -> None:
    """Make a key to sign with, and print the DNS record that verifiers need."""
    from pressrun.delivery.dkim_key import Algorithm, make_keys
    from pressrun.delivery.keyring import key_file, write_keys

    algorithms = [one for one in Algorithm if algorithm is KeyKind.BOTH or one.startswith(algorithm.value)]
    keys = make_keys(domain, selector, algorithms, dt.datetime.now(dt.UTC).date())
    files = {out: keys} if out else {key_file(workspace_of(context), key): (key,) for key in keys}
    for file, inside in files.items():
        write_keys(file, inside)
        typer.echo(f"wrote {file}: a secret, readable by you alone; keep a copy where secrets are kept")
    _print_records(keys)
    _print_next_steps(keys, [*files], out is not None)


def _print_records(keys: tuple[SigningKey, ...]) -> None:
    typer.echo("\nThe DNS record, as a line of a zone file:\n")
    for key in keys:
        typer.echo(key.zone_line)
    typer.echo("\nor, where a web form asks for a TXT record:")
    for key in keys:
        typer.echo(f"\nname   {key.name}\nvalue  {key.record}")


def _print_next_steps(keys: tuple[SigningKey, ...], files: list[Path], is_elsewhere: bool) -> None:
    from shlex import quote

    from pressrun.delivery.keyring import WAITING_SUFFIX

    typer.echo("\nNext:\n1. Put it into DNS, and wait until it can be seen everywhere:")
    for key in keys:
        typer.echo(f"     dig +short TXT {key.name}")
    waiting = [file for file in files if file.suffix == WAITING_SUFFIX]
    if is_elsewhere:
        typer.echo("2. Only then let pressrun sign with it:")
        typer.echo(f"     export PRESSRUN_DKIM_KEYS_FILE={quote(str(files[0].resolve()))}")
    elif waiting:
        typer.echo("2. Another key signs until then. Let the new one take over:")
        for file in waiting:
            typer.echo(f"     mv {quote(str(file))} {quote(str(file.with_suffix('')))}")
        typer.echo("   and leave the old record in DNS for a week: mails on their way are verified with it.")
    else:
        typer.echo("2. Send only then: from now on every mail is signed, and without the record it can't be verified.")


@dkim.command()
def record(context: typer.Context) -> None:
    """Print the DNS records of all keys, as lines of a zone file that say which of them sign."""
    from pressrun.delivery.keyring import is_in_use, signing_keys, waiting_keys
    from pressrun.errors import UsageError

    workspace = workspace_of(context)
    keys, waiting = signing_keys(workspace), waiting_keys(workspace)
    if not keys and not waiting:
        raise UsageError("there are no DKIM keys", "make one with pressrun dkim keygen --domain DOMAIN")
    for key in keys:
        does = "signs" if is_in_use(key, keys) else "no longer signs; a later one does"
        typer.echo(f"; {key.algorithm}, {key.bits} bits, {does}\n{key.zone_line}")
    for file, inside in waiting.items():
        for key in inside:
            typer.echo(f"; {key.algorithm}, {key.bits} bits, waits in {file}\n{key.zone_line}")


@dkim.command()
def check(
    context: typer.Context,
    publications: Annotated[
        list[str] | None, typer.Argument(metavar="[PUBLICATION]...", help="Publications; all without.")
    ] = None,
) -> int:
    """Tell which keys sign each publication's mail; nothing is looked up in DNS."""
    from pressrun.delivery.dkim_key import GOOD_BITS, Algorithm, keys_for
    from pressrun.delivery.keyring import signing_keys

    workspace = workspace_of(context)
    keys, unsigned = signing_keys(workspace), 0
    for name, sender in _senders(workspace, publications).items():
        signing = keys_for(keys, sender)
        unsigned += not signing
        names = " and ".join(f"{key.name} ({key.algorithm}, {key.bits} bits)" for key in signing)
        typer.echo(f"{name}: {sender} is signed by {names}" if signing else f"{name}: {sender} is signed by no key")
        if signing and signing[0].algorithm is not Algorithm.RSA_SHA256:
            typer.echo(f"{name}: many receivers verify no Ed25519: add an RSA key", err=True)
        elif signing and signing[0].bits < GOOD_BITS:
            typer.echo(f"{name}: an RSA key should have {GOOD_BITS} bits: make a new one", err=True)
    return 1 if unsigned else 0


def _senders(workspace: Workspace, publications: list[str] | None) -> dict[str, str]:
    """Each publication's sender address. Raises UsageError for one that is not there or can't be read."""
    from pressrun.errors import UsageError
    from pressrun.source.loader import load_publication

    folders = {folder.name: folder for folder in workspace.publication_folders()}
    senders = {}
    for name in publications or folders:
        if name not in folders:
            raise UsageError(f"no publication is called {name!r}", f"known: {', '.join(folders) or 'none'}")
        publication, findings = load_publication(folders[name])
        if publication is None:
            raise UsageError(str(findings[0]), "mend it; pressrun check tells all")
        senders[name] = publication.sender.address
    return senders
