"""Connections that are secured: by STARTTLS or from the start, certificates checked or not, on either event loop."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from faulty_relay import CLOSE, STALL, Answer, Step, Then
from pressrun.delivery.connection import Connection, Envelope, stuff_dots
from pressrun.delivery.event_loop import run as run_in_our_loop
from pressrun.delivery.outcome import Kind, Outcome
from pressrun.delivery.relay import Relay, Starttls
from pressrun.errors import RelayError
from tls_relay import Certificate, TlsRelay, make_certificate, tls_relay

LOGIN = ("bulletin", "geheim:4711 é")
SMALL = b"Message-ID: <1@example.com>\r\n\r\nfirst\r\n.\r\nlast\r\n"
BIG = b"Message-ID: <2@example.com>\r\n\r\n" + b"".join(b".%06d%s\r\n" % (n, b"x" * 60) for n in range(16_000))
TIMEOUT = 5.0

Run = Callable[[Coroutine[Any, Any, None]], None]


def run_in_asyncio(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner() as runner:
        runner.run(main)


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs a coroutine on asyncio's own loop, or on the one that commands run in."""
    if request.param == "asyncio":
        yield run_in_asyncio
        return
    pytest.importorskip("uvloop")
    threshold = gc.get_threshold()
    yield run_in_our_loop
    gc.unfreeze()
    gc.set_threshold(*threshold)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def trusted(certificate: Certificate, monkeypatch: pytest.MonkeyPatch) -> None:
    """The certificate's own signature is among those this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))


def relay_of(relay: TlsRelay, **changes: object) -> Relay:
    secured = replace(relay.relay, implicit_tls=relay.implicit, starttls=Starttls.ALWAYS)
    return replace(secured, **changes)  # type: ignore[arg-type]


async def may_leave() -> bool:
    return True


async def deliver_all(connection: Connection, messages: list[bytes]) -> list[Outcome | None]:
    """Each on the open connection, the next envelope behind each dot."""
    people = [Envelope("bulletin@spp.example.com", f"reader{n}@example.com") for n in range(len(messages))]
    following = [*people[1:], None]
    return [
        await connection.deliver(envelope, stuff_dots(message), may_leave, lambda ahead=ahead: ahead)
        for envelope, message, ahead in zip(people, messages, following, strict=True)
    ]


def opened(certificate: Certificate, **changes: object) -> AbstractAsyncContextManager[TlsRelay]:
    return tls_relay(certificate, **changes)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
def test_messages_of_any_size_are_pipelined_over_tls_after_a_login(
    run: Run, certificate: Certificate, implicit: bool
) -> None:
    messages = [SMALL, BIG, SMALL, BIG, BIG, SMALL]

    async def exchange() -> None:
        async with opened(certificate, implicit=implicit, login=LOGIN) as relay:
            connection = Connection(relay_of(relay, username=LOGIN[0], password=LOGIN[1]), TIMEOUT, TIMEOUT)
            await connection.open()
            assert connection.offers_pipelining
            outcomes = await deliver_all(connection, messages)
            await connection.close()
        assert [outcome and outcome.kind for outcome in outcomes] == [Kind.ACCEPTED] * 6
        assert relay.connections == 1 and relay.secured == [True] * 6
        assert [one.content for one in relay.accepted] == messages
        words = [command[:4] for command in relay.commands]
        assert words[-19:] == [b"MAIL", b"RCPT", b"DATA"] * 6 + [b"QUIT"]

    run(exchange())


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
def test_a_certificate_nobody_vouches_for_is_refused_and_no_login_told(
    run: Run, certificate: Certificate, implicit: bool
) -> None:
    async def exchange() -> None:
        async with opened(certificate, implicit=implicit, login=LOGIN) as relay:
            connection = Connection(relay_of(relay, username=LOGIN[0], password=LOGIN[1]), TIMEOUT, TIMEOUT)
            with pytest.raises(RelayError, match=r"(?i)certificate") as raised:
                await connection.open()
            assert not connection.is_open
        assert "geheim" not in f"{raised.value!r} {raised.value}"
        assert not any(command.startswith((b"AUTH", b"MAIL")) for command in relay.commands)

    run(exchange())


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
def test_where_certificates_are_not_to_be_checked_any_will_do(
    run: Run, certificate: Certificate, implicit: bool
) -> None:
    async def exchange() -> None:
        async with opened(certificate, implicit=implicit) as relay:
            connection = Connection(relay_of(relay, verify=False), TIMEOUT, TIMEOUT)
            await connection.open()
            (outcome,) = await deliver_all(connection, [SMALL])
            await connection.close()
        assert outcome is not None and outcome.kind is Kind.ACCEPTED
        assert relay.secured == [True]

    run(exchange())


@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
async def test_a_certificate_for_another_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, implicit: bool
) -> None:
    other = make_certificate(tmp_path, "mx.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.file))
    async with opened(other, implicit=implicit) as relay:
        with pytest.raises(RelayError, match=r"(?i)certificate"):
            await Connection(relay_of(relay), TIMEOUT, TIMEOUT).open()


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(
    ("starttls", "secured"), [(Starttls.AUTO, True), (Starttls.ALWAYS, True), (Starttls.NEVER, False)]
)
async def test_a_plain_connection_is_secured_as_the_relay_says(
    certificate: Certificate, starttls: Starttls, secured: bool
) -> None:
    async with opened(certificate) as relay:
        connection = Connection(relay_of(relay, starttls=starttls), TIMEOUT, TIMEOUT)
        await connection.open()
        await deliver_all(connection, [SMALL])
        await connection.close()
    assert relay.secured == [secured]


@pytest.mark.usefixtures("trusted")
async def test_a_wrong_password_over_tls_is_a_relay_error_with_the_replys_code(certificate: Certificate) -> None:
    async with opened(certificate, login=LOGIN) as relay:
        wrong = relay_of(relay, username=LOGIN[0], password="geheim-falsch")
        with pytest.raises(RelayError) as raised:
            await Connection(wrong, TIMEOUT, TIMEOUT).open()
    assert raised.value.code == 535
    assert "geheim" not in f"{raised.value!r} {raised.value}"


@pytest.mark.usefixtures("trusted")
async def test_implicit_tls_to_a_port_that_speaks_plainly_is_a_relay_error(certificate: Certificate) -> None:
    async with opened(certificate) as relay:
        with pytest.raises(RelayError):
            await Connection(relay_of(relay, implicit_tls=True), 0.5, 0.5).open()


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("implicit", [False, True], ids=["STARTTLS", "implicit"])
@pytest.mark.parametrize(
    ("answer", "kinds"),
    [
        ({Step.DOT: CLOSE}, {Kind.IN_DOUBT}),
        ({Step.DOT: Answer(then=Then.CLOSE, keeps=True)}, {Kind.IN_DOUBT}),
        ({Step.DOT: STALL}, {Kind.IN_DOUBT}),
        ({Step.MAIL: CLOSE}, {Kind.NOT_SENT}),
        ({Step.MAIL: STALL}, {Kind.NOT_SENT}),
        ({Step.BODY: Answer(then=Then.STALL)}, {Kind.IN_DOUBT, Kind.NOT_SENT}),
        ({Step.BODY: CLOSE}, {Kind.IN_DOUBT, Kind.NOT_SENT}),
    ],
    ids=["dot: drop", "dot: accept", "dot: stall", "MAIL: close", "MAIL: stall", "body: stall", "body: close"],
)  # fmt: skip
def test_losses_over_tls_have_their_place(
    run: Run, certificate: Certificate, implicit: bool, answer: dict[Step, Answer], kinds: set[Kind]
) -> None:
    async def exchange() -> None:
        async with opened(certificate, implicit=implicit, script=iter([answer])) as relay:
            connection = Connection(relay_of(relay), 0.3, 0.3)
            await connection.open()
            (outcome,) = await deliver_all(connection, [BIG])
            assert outcome is not None and outcome.kind in kinds
            assert not connection.is_open
            if outcome.kind is Kind.NOT_SENT:
                assert relay.accepted == []

    run(exchange())
