"""What one recipient costs, measured here: the figures that the simulation of large sends goes by."""

from __future__ import annotations

import asyncio

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from benchmarks.edition import fill, make_edition
from benchmarks.engine import Run, deliver_planned, plan_send
from benchmarks.measure import Sample, Scale, begin, say
from benchmarks.receiver import receiver
from benchmarks.scaling import Costs
from benchmarks.server import ServerMeter, find_server, read_log_position, read_size
from benchmarks.store import Kind, Store, copied_store, filled_store

SIZE = 60
"""KB a message: a bulletin of some thirty articles."""

_SIGNATURES = 500


def measure_costs(scale: Scale) -> Costs:
    """Plan and deliver one send on PostgreSQL; make signatures beside."""
    recipients = scale.share(5)
    say(f"Scaling: what a recipient costs, from {recipients:,} of them")
    edition = make_edition(SIZE)
    with filled_store(Kind.POSTGRES, recipients) as filled, copied_store(filled) as store, receiver() as sink:
        before = read_log_position()
        planned = asyncio.run(plan_send(store, edition))
        run = Run(store.url, edition.issue, sink.port, scale.connections)
        sample, server = _deliver(run, recipients)
        return Costs(
            engine=sample.cpu / recipients,
            signature=_sign(),
            server=server / recipients,
            # The receiver beside answers at once: what a connection's turn takes is the wait for its mark.
            commit=sample.wall / recipients * scale.connections,
            planning=planned.wall / recipients,
            message=len(fill(edition)),
            log=(read_log_position() - before) / recipients,
            row=_row(store, recipients),
        )


def _deliver(run: Run, recipients: int) -> tuple[Sample, float]:
    """How long it took, and the server's CPU seconds meanwhile, 0 where they can't be read."""
    meter = ServerMeter("PostgreSQL", find_server())
    before = meter.read()
    sample, _ = deliver_planned(run, recipients)
    after = meter.read()
    return sample, 0.0 if before is None or after is None else after - before


def _row(store: Store, recipients: int) -> float:
    return read_size(store.url, "deliveries") / recipients


def _sign() -> float:
    """CPU seconds of a bare RSA-2048 signature."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    started = begin()
    for _ in range(_SIGNATURES):
        key.sign(bytes(32), PKCS1v15(), SHA256())
    return started.until_now(_SIGNATURES).cpu / _SIGNATURES
