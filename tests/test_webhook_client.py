"""One post: within bounds, never led elsewhere, and whatever comes of it is an answer."""

from __future__ import annotations

import asyncio

import pytest

from patience import HUNG
from pressrun.webhook_client import MOST_OCTETS, Answer, Posted, clean_reply, open_client
from webhook_receiver import OK, answer, receiver

HEADERS = {"webhook-id": "msg_1"}


async def post(script: bytes, seconds: float = HUNG) -> Answer:
    async with receiver([script]) as there, open_client(private=True, seconds=seconds) as client:
        return await client.post(there.url, HEADERS, b"{}")


async def test_what_is_posted_arrives_as_it_is() -> None:
    async with receiver() as there, open_client(private=True) as client:
        assert await client.post(there.url, HEADERS, b'{"a":1}') == Answer(Posted.TAKEN, 200, "ok")
    (request,) = there.requests
    assert request.line == "POST /hook HTTP/1.1"
    assert request.body == b'{"a":1}'
    assert request.headers["content-type"] == "application/json"
    assert request.headers["webhook-id"] == "msg_1"


@pytest.mark.parametrize(
    ("code", "posted"),
    [(204, Posted.TAKEN), (400, Posted.REFUSED), (410, Posted.GONE), (500, Posted.REFUSED), (301, Posted.REFUSED)],
)
async def test_only_success_is_taken(code: int, posted: Posted) -> None:
    assert (await post(answer(code))).posted is posted


async def test_a_redirect_is_not_followed() -> None:
    async with receiver() as elsewhere, receiver([answer(307, f"Location: {elsewhere.url}")]) as there:
        async with open_client(private=True) as client:
            answered = await client.post(there.url, HEADERS, b"{}")
        assert (answered.posted, answered.code) == (Posted.REFUSED, 307)
        assert elsewhere.requests == []


async def test_a_receiver_that_does_not_answer_is_left_in_time() -> None:
    assert (await post(b"", seconds=0.3)) == Answer(Posted.REFUSED, None, "no answer in 0.3 s")


@pytest.mark.parametrize("said", [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort"])
async def test_an_answer_that_is_none_is_a_refusal(said: bytes) -> None:
    assert (await post(said)).posted is Posted.REFUSED


async def test_an_endless_answer_is_read_no_further_than_its_beginning() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 1_000)
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, asyncio.timeout(HUNG), open_client(private=True) as client:
        port = server.sockets[0].getsockname()[1]
        answered = await client.post(f"http://127.0.0.1:{port}/", HEADERS, b"")
    assert answered.posted is Posted.TAKEN
    assert len(answered.text) <= MOST_OCTETS


async def test_nobody_there_is_a_refusal() -> None:
    async with receiver() as gone:
        url = gone.url
    async with open_client(private=True) as client:
        answered = await client.post(url, HEADERS, b"{}")
    assert (answered.posted, answered.code) == (Posted.REFUSED, None)
    assert answered.text


async def test_unless_it_is_allowed_nothing_goes_to_this_machine() -> None:
    async with receiver() as there, open_client(private=False) as client:
        for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0"):
            answered = await client.post(there.url.replace("127.0.0.1", host), HEADERS, b"{}")
            assert answered.posted is Posted.REFUSED
    assert there.requests == []


async def test_a_receiver_may_ask_to_be_left_alone() -> None:
    assert (await post(answer(429, "Retry-After: 120"))).asked == 120
    for nonsense in ("Wed, 21 Oct 2026 07:28:00 GMT", "-1", "9" * 30, ""):
        assert (await post(answer(503, f"Retry-After: {nonsense}"))).asked == 0


def test_a_reply_is_kept_on_one_line_and_short() -> None:
    assert clean_reply("a\r\nb\x00\x1b[31m\u2028c") == "a b [31m c"
    assert len(clean_reply("x" * 10_000)) == 500
    assert OK.endswith(b"ok")
