"""A FaultyRelay behind TLS, STARTTLS or implicit, with a certificate made for the test, and a login if wanted."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from faulty_relay import FaultyRelay, _ClosedError, _Conversation, say


@dataclass(frozen=True)
class Certificate:
    """A certificate that signs itself, and its key, in one PEM file."""

    file: Path

    @property
    def context(self) -> ssl.SSLContext:
        """What a server secures with it."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        return context


def make_certificate(folder: Path, host: str = "127.0.0.1") -> Certificate:
    """For `host`, an IP address or a name."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "relay.example.com")])
    now = dt.datetime.now(dt.UTC)
    try:
        host_name: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        host_name = x509.DNSName(host)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([host_name]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{host}.pem"
    file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return Certificate(file)


@dataclass
class TlsRelay(FaultyRelay):
    """A FaultyRelay that says STARTTLS unless it is secured from the start, and then takes a login if it has one."""

    context: ssl.SSLContext | None = None
    implicit: bool = False
    login: tuple[str, str] | None = None
    secured: list[bool] = field(default_factory=list)
    """For each message, whether it came over TLS."""

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with suppress(OSError, asyncio.IncompleteReadError, _ClosedError):
            await _SecureConversation(self, reader, writer).hold()
        writer.close()


class _SecureConversation(_Conversation):
    relay: TlsRelay
    is_known = False

    @property
    def is_secure(self) -> bool:
        return self.writer.get_extra_info("sslcontext") is not None

    async def obey(self, line: bytes) -> None:
        word = line.split(b" ")[0].upper()
        if word == b"EHLO":
            await self.say(say(b"250-relay.example.com\r\n" + b"\r\n".join(self.offers())))
        elif word == b"STARTTLS" and not self.is_secure:
            await self.say(say(b"220 2.0.0 go on"))
            await self.writer.start_tls(self.relay.context)  # type: ignore[arg-type]
        elif word == b"AUTH":
            await self.let_in(line)
        elif word == b"MAIL" and self.relay.login and not self.is_known:
            await self.say(say(b"530 5.7.0 authentication required"))
        else:
            await super().obey(line)

    def offers(self) -> list[bytes]:
        names = list(self.relay.extensions)
        if not self.is_secure:
            names.append(b"STARTTLS")
        elif self.relay.login:
            names.append(b"AUTH PLAIN")
        return [b"250-" + name for name in names[:-1]] + [b"250 " + names[-1]]

    async def let_in(self, line: bytes) -> None:
        said = base64.b64decode(line.split(b" ")[2]).decode().split("\0")
        self.is_known = self.is_secure and self.relay.login == (said[1], said[2])
        await self.say(say(b"235 2.7.0 welcome" if self.is_known else b"535 5.7.8 no"))

    async def take_message(self) -> None:
        self.relay.secured.append(self.is_secure)
        await super().take_message()


@asynccontextmanager
async def tls_relay(certificate: Certificate, **changes: object) -> AsyncIterator[TlsRelay]:
    """A TlsRelay that listens on 127.0.0.1 while the block runs, with PIPELINING unless told otherwise."""
    values = {"extensions": (b"PIPELINING", b"8BITMIME", b"SIZE 50000000")} | changes
    relay = TlsRelay(context=certificate.context, **values)  # type: ignore[arg-type]
    secured = certificate.context if relay.implicit else None
    tasks: set[asyncio.Task[None]] = set()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        await relay.take(reader, writer)

    server = await asyncio.start_server(take, "127.0.0.1", 0, limit=1 << 23, ssl=secured)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
