"""Signing: what DKIM adds to a delivery, against the bare operation of `cryptography`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.edition import make_edition
from benchmarks.engine import Run, deliver_planned, planned_store
from benchmarks.measure import Bar, Contender, Contest, Line, Result, Sample, Scale, Table, begin, hold
from benchmarks.receiver import receiver
from benchmarks.report import as_table, seconds, times
from benchmarks.store import Kind, Store, filled_store
from pressrun.delivery.dkim_key import Algorithm, make_key, read_signing_keys
from pressrun.render.edition import Edition

SIZE = 20
BAR = 1.2
"""How many bare RSA operations a signature with RSA may cost in all."""

_RSA, _ED25519 = Algorithm.RSA_SHA256, Algorithm.ED25519_SHA256
_SIGNED = {"rsa-2048": (_RSA,), "ed25519": (_ED25519,), "rsa-2048 and ed25519": (_RSA, _ED25519)}
_BARE_RSA = "rsa-2048 operation alone"
_BARE = {_BARE_RSA: _RSA, "ed25519 operation alone": _ED25519}
_HASH = bytes(32)


@dataclass(frozen=True)
class Job:
    """What is sent, where to, and the private keys as `read_signing_keys` reads them."""

    edition: Edition
    recipients: int
    connections: int
    port: int
    store: Store
    keys: dict[Algorithm, str]


def measure(root: Path, scale: Scale) -> list[Table]:
    """Deliver unsigned and signed; measure the bare operations beside."""
    recipients = scale.share(5)
    with filled_store(Kind.SQLITE, recipients) as store, receiver() as sink:
        job = Job(make_edition(SIZE), recipients, scale.connections, sink.port, store, _make_keys())
        result = hold(Contest("Signing", "message", _note(recipients), job, contenders()), scale.rounds)
    return [_with_extra(result)]


def _note(recipients: int) -> str:
    return (
        f"The same delivery ({SIZE} KB, {recipients:,} recipients, SQLite) with DKIM signatures. *More CPU* is what a "
        "message takes above the unsigned one of the same round; in *operations* of `cryptography`'s RSA-2048 alone."
    )


def _make_keys() -> dict[Algorithm, str]:
    return {algorithm: make_key("example.com", f"s{algorithm[:3]}", algorithm).pem for algorithm in Algorithm}


def by_pressrun(job: Job, algorithms: tuple[Algorithm, ...]) -> Sample:
    """`deliver` with a signature by a key of each of `algorithms`."""
    keys = "".join(job.keys[algorithm] for algorithm in algorithms)
    with planned_store(job.store, job.edition) as planned:
        run = Run(planned.url, job.edition.issue, job.port, job.connections, signing_keys=keys)
        return deliver_planned(run, job.recipients)[0]


def sign_alone(job: Job, algorithm: Algorithm) -> Sample:
    """The key's operation alone, as often as there are recipients."""
    key = _read(job.keys[algorithm])
    sign = partial(key.sign, padding=PKCS1v15(), algorithm=SHA256()) if isinstance(key, RSAPrivateKey) else key.sign
    started = begin()
    for _ in range(job.recipients):
        sign(_HASH)
    return started.until_now(job.recipients)


def _read(key: str) -> RSAPrivateKey | Ed25519PrivateKey:
    return read_signing_keys(key, "the benchmark")[0].private_key


def contenders() -> tuple[Contender, ...]:
    """Deliveries and bare operations."""
    unsigned = Contender("unsigned", partial(by_pressrun, algorithms=()))
    signed = (Contender(name, partial(by_pressrun, algorithms=chosen)) for name, chosen in _SIGNED.items())
    bare = (Contender(name, partial(sign_alone, algorithm=algorithm)) for name, algorithm in _BARE.items())
    return unsigned, *signed, *bare


def _with_extra(result: Result) -> Table:
    """The result with what signing adds in place of ratios."""
    rows = (
        ("", "more CPU", "operations", "CPU per message", "wall per message"),
        *(_cells(result, one) for one in result.lines),
    )
    table = as_table(result)
    return replace(table, rows=tuple(rows), bars=tuple(_bars(result)))


def _cells(result: Result, line: Line) -> tuple[str, ...]:
    each = seconds(median(line.cpus)), seconds(median(line.walls))
    if line.name not in _SIGNED:
        return line.name, "", "", *each
    return line.name, seconds(median(_extra(result, line))), times(_operations(result, line)), *each


def _extra(result: Result, line: Line) -> list[float]:
    return [signed - bare for signed, bare in zip(line.cpus, result.lines[0].cpus, strict=True)]


def _operations(result: Result, line: Line) -> float:
    bare = result.line(_BARE_RSA)
    assert bare
    return median(more / one for more, one in zip(_extra(result, line), bare.cpus, strict=True))


def _bars(result: Result) -> Iterator[Bar]:
    line = result.line("rsa-2048")
    assert line
    more = _operations(result, line)
    yield Bar("an rsa-2048 signature's CPU, in bare operations", f"at most {BAR:.2f}", times(more), more <= BAR)
