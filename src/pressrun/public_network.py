"""Connections to public addresses only: what others name as a target never leads into our own networks."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

import httpcore

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
SocketOptions = Iterable[tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]]

# Networks that carry an IPv4 address, which may be anybody's: a gateway on the way would take it out again. And those
# that Python calls global, though they are nobody's.
_UNFIT = tuple(
    map(
        ipaddress.ip_network,
        (
            "2002::/16",  # 6to4, RFC 3056
            "2001::/32",  # Teredo, RFC 4380
            "64:ff9b::/96",  # NAT64, RFC 6052
            "64:ff9b:1::/48",  # NAT64 of one's own, RFC 8215
            "::/96",  # RFC 4291 §2.5.5.1
            "fec0::/10",  # site-local, RFC 3879
            "192.0.0.0/24",  # RFC 6890 §2.1
            "192.88.99.0/24",  # 6to4's relays, RFC 7526
        ),
    )
)


def is_public(address: str) -> bool:
    """Whether `address` is one that anybody on the Internet could reach; not where it is no address."""
    try:
        parsed: Address = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    if any(parsed in network for network in _UNFIT):
        return False
    return parsed.is_global and not parsed.is_multicast


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of `host`. Raises OSError where it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class PublicNetwork(httpcore.AsyncNetworkBackend):
    """Opens connections to hosts all of whose addresses are public.

    The name is looked up once, and the connection goes to what was checked: a second answer of the name's server, which
    may be another (DNS rebinding), is never asked for. TLS still asks for the name.
    """

    def __init__(self, find: Resolve = resolve) -> None:
        self._find = find
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore names it so
        local_address: str | None = None,
        socket_options: SocketOptions | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to one of the host's addresses. Raises httpcore.ConnectError."""
        try:
            addresses = await self._find(host, port)
        except (OSError, UnicodeError):
            raise httpcore.ConnectError("its host's name is not known") from None
        if not addresses or not all(map(is_public, addresses)):
            raise httpcore.ConnectError("its host is in a private network")
        failed: httpcore.ConnectError | None = None
        for address in addresses[:2]:
            try:
                return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)
            except httpcore.ConnectError as error:
                failed = error
        raise failed or httpcore.ConnectError("it can't be reached")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: SocketOptions | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Never. Raises httpcore.ConnectError."""
        raise httpcore.ConnectError("a socket in the file system is not public")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
