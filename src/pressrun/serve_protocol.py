"""uvicorn's HTTP protocol, but whoever takes too long over a request's head is hung up on."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.auto import AutoHTTPProtocol

HEAD_SECONDS = 20.0
"""From the opening of a connection, or a request's first octet, until its head is whole.

uvicorn itself waits without end: a few hundred connections that send an octet now and then would keep everybody out.
"""

_Base: Any = AutoHTTPProtocol  # h11's, or httptools' where that is installed


class ImpatientProtocol(_Base):  # type: ignore[misc]
    """Gives a head `HEAD_SECONDS`; how long a body may take is the application's to say."""

    _hanging_up: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        """A client came: it is to say what it wants."""
        super().connection_made(transport)
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Some octets came, which may have made the head whole."""
        super().data_received(data)
        if self._is_answering:
            self._stop_waiting()
        elif self._hanging_up is None:
            self._wait_for_head()

    def on_response_complete(self) -> None:
        """The answer left; uvicorn itself hangs up where no octet of a next request comes in time."""
        self._stop_waiting()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _wait_for_head(self) -> None:
        self._hanging_up = asyncio.get_running_loop().call_later(HEAD_SECONDS, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._hanging_up is not None:
            self._hanging_up.cancel()
            self._hanging_up = None

    def _hang_up(self) -> None:
        self._hanging_up = None
        self.transport.close()
