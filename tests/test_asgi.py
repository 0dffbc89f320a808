"""The application under a plain uvicorn, and what `pressrun serve` adds: it hangs up on who sends no whole request."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from command import free_ports, plain_environment
from patience import HUNG, wait_for
from pressrun import serve_protocol
from pressrun.serve import running
from small_issue import write_small_issue


@pytest.mark.parametrize("what", [["--factory", "pressrun.asgi:make_app"], ["pressrun.asgi:app"]])
def test_it_runs_under_a_plain_uvicorn(tmp_path: Path, what: list[str]) -> None:
    write_small_issue(tmp_path)
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "uvicorn", *what, "--port", str(port), "--root-path", "/letters"]
    environment = plain_environment() | {"PRESSRUN_WORKSPACE": str(tmp_path)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def is_there() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/health", trust_env=False).text == "ok\n"
        except httpx.TransportError:
            return False

    try:
        wait_for(is_there)
        answer = httpx.get(f"http://127.0.0.1:{port}/small/unsubscribe/x", trust_env=False)
        assert answer.status_code == 404 and "content-security-policy" in answer.headers
    finally:
        process.kill()
        process.wait()


async def test_who_sends_no_whole_head_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_protocol, "HEAD_SECONDS", 0.2)

    async def app(scope: dict[str, object], receive: object, send: object) -> None:
        if scope["type"] == "lifespan":
            await receive()  # type: ignore[operator]
            await send({"type": "lifespan.startup.complete"})  # type: ignore[operator]
            await receive()  # type: ignore[operator]
            await send({"type": "lifespan.shutdown.complete"})  # type: ignore[operator]
            return
        await asyncio.sleep(0.5)  # an answer may take longer than a head
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b"ok"})  # type: ignore[operator]

    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    async with running(app, listening, "the test's server", public=True), asyncio.timeout(HUNG):  # type: ignore[arg-type]
        for sent in (b"", b"GET / HTTP/1.1\r\nHost: a\r\nX-A: "):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            assert await reader.read() == b""
            writer.close()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        writer.write(b"GET / HT")
        assert await reader.read() == b""
        writer.close()
