"""Connections go to public addresses only, whatever a name's server says."""

from __future__ import annotations

from collections.abc import Sequence

import httpcore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pressrun.public_network import PublicNetwork, is_public, resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "255.255.255.255", "224.0.0.1", "192.0.2.1", "198.18.0.1", "192.0.0.8", "192.88.99.1", "240.0.0.1",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00::1", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::", "2001:0:a00:1::",
        "", "example.com", "127.1", "0x7f000001", "2130706433",
    ],
)  # fmt: skip
def test_what_not_everybody_could_reach_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_what_everybody_could_reach_is_public(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=6, network="::ffff:0:0/96"))
def test_an_address_within_another_is_judged_by_itself(address: object) -> None:
    inner = getattr(address, "ipv4_mapped")  # noqa: B009 - the strategy gives addresses of both kinds
    assert is_public(str(address)) is is_public(str(inner))


def answers(*found: Sequence[str] | OSError) -> PublicNetwork:
    """A network in which a name has these addresses, one answer after the other."""
    said = list(found)

    async def find(host: str, port: int) -> Sequence[str]:
        now = said.pop(0)
        if isinstance(now, OSError):
            raise now
        return now

    return PublicNetwork(find)


@pytest.mark.parametrize("found", [["127.0.0.1"], ["8.8.8.8", "10.0.0.1"], ["::1"], [], OSError("no such name")])
async def test_no_connection_where_any_address_is_private_or_none_is_known(found: Sequence[str] | OSError) -> None:
    with pytest.raises(httpcore.ConnectError):
        await answers(found).connect_tcp("hook.example.com", 443, 1)


async def test_a_name_is_looked_up_once_so_that_no_second_answer_counts() -> None:
    connected: list[str] = []

    class Backend(httpcore.AnyIOBackend):
        async def connect_tcp(self, host: str, *_: object, **__: object) -> httpcore.AsyncNetworkStream:  # type: ignore[override]
            connected.append(host)
            return httpcore.AsyncMockStream([])

    network = answers(["8.8.8.8"], ["127.0.0.1"])  # what a rebinding name server would say
    network._backend = Backend()
    await network.connect_tcp("hook.example.com", 443)
    assert connected == ["8.8.8.8"]
    with pytest.raises(httpcore.ConnectError):
        await network.connect_tcp("hook.example.com", 443)
    assert connected == ["8.8.8.8"]


async def test_a_socket_in_the_file_system_is_not_public() -> None:
    with pytest.raises(httpcore.ConnectError):
        await PublicNetwork().connect_unix_socket("/run/docker.sock")


async def test_the_machine_itself_is_found_by_its_names() -> None:
    assert "127.0.0.1" in await resolve("127.0.0.1", 80)
