"""What holds for every request, whichever door it is for."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from pressrun.public import guard
from pressrun.public.meter import Meter
from pressrun.workspace import Workspace
from small_web import browser, leave_path, make_workspace

PATHS = ("/health", "/nothing", "/small/unsubscribe/x", "/metrics", "/api/v1/nothing", "/small/subscribe")


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    return make_workspace(tmp_path, monkeypatch, trusted_proxies="10.0.0.1 2001:db8::/32")


async def test_every_answer_is_strict_and_sets_no_cookie(workspace: Workspace) -> None:
    async with browser(workspace) as client:
        for path in (*PATHS, leave_path(workspace)):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff", path
            assert "default-src 'none'" in headers["content-security-policy"], path
            assert "unsafe" not in headers["content-security-policy"], path
            assert not {"set-cookie", "server", "access-control-allow-origin", "strict-transport-security"} & set(
                headers
            )


@pytest.mark.parametrize(
    ("peer", "said", "base", "is_secure"),
    [
        ("10.0.0.1", {"x-forwarded-proto": "https"}, "http://web", True),
        ("2001:db8::7", {"x-forwarded-proto": "https"}, "http://web", True),
        ("10.0.0.2", {"x-forwarded-proto": "https"}, "http://web", False),  # anybody may say so
        ("10.0.0.1", {"x-forwarded-proto": "http"}, "http://web", False),
        ("10.0.0.2", {}, "https://web", True),
    ],
)
async def test_only_who_came_by_https_is_told_to_stay_with_it(
    workspace: Workspace, peer: str, said: dict[str, str], base: str, is_secure: bool
) -> None:
    async with browser(workspace, peer=peer, base=base) as client:
        answer = await client.get("/health", headers=said)
    assert ("strict-transport-security" in answer.headers) is is_secure


@pytest.mark.parametrize("host", ["evil.example", "web", "evil.example:80", "EVIL.example"])
async def test_a_redirect_names_no_host(workspace: Workspace, host: str) -> None:
    (workspace.site_folder / "small").mkdir(parents=True)
    (workspace.site_folder / "small" / "index.html").write_text("archive")
    async with browser(workspace) as client:
        answer = await client.get("/small", headers={"host": host})
        assert answer.headers["location"] == "/small/"
        assert (await client.get("/small/", headers={"host": host})).text == "archive"


@pytest.mark.parametrize("path", ["//evil.example", "/%2Fevil.example", "/\\evil.example", "//evil.example/%2e%2e"])
async def test_no_path_leads_to_another_host(workspace: Workspace, path: str) -> None:
    (workspace.site_folder / "evil.example").mkdir(parents=True)
    (workspace.site_folder / "evil.example" / "index.html").write_text("ours")
    async with browser(workspace) as client:
        location = (await client.get(f"http://web{path}")).headers.get("location", "/")
    assert location.startswith("/") and not location.startswith(("//", "/\\"))


async def test_behind_a_proxy_that_gives_it_a_part_of_a_site_all_stays_in_that_part(workspace: Workspace) -> None:
    (workspace.site_folder / "small").mkdir(parents=True)
    (workspace.site_folder / "small" / "index.html").write_text("archive")
    (workspace.preview_folder / "small").mkdir(parents=True)
    (workspace.preview_folder / "small" / "preview.html").write_text("a mail")
    async with browser(workspace, root_path="/letters") as client:
        assert (await client.get("/letters/small")).headers["location"] == "/letters/small/"
        assert (await client.get("/letters/health")).text == "ok\n"
        page = await client.get(f"/letters{leave_path(workspace)}")
        assert page.status_code == 200 and 'href="/' not in page.text and 'action="/' not in page.text
        assert (await client.get("/letters/preview/small/preview.html")).headers["x-robots-tag"] == "noindex"


@pytest.mark.parametrize("host", ["evil.example/x", "a, b", "a@b", "a b", "a?b", "é"])
async def test_a_host_that_is_none_is_refused(workspace: Workspace, host: str) -> None:
    async with browser(workspace) as client:
        answer = await client.get("/health", headers={"host": host.encode("latin-1")})  # type: ignore[dict-item]
    assert answer.status_code == 400


async def test_paths_beyond_all_measure_are_refused(workspace: Workspace) -> None:
    async with browser(workspace) as client:
        assert (await client.get("/" + "a" * 9_000)).status_code == 414
        assert (await client.get("/health?" + "a" * 9_000)).status_code == 414
        assert (await client.get("/health?" + "a" * 5_000)).status_code == 200


async def test_a_fault_of_ours_is_told_without_its_cause(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise KeyError("lin@example.com")

    monkeypatch.setattr("pressrun.public.unsubscribe.read_language", fail)
    async with browser(workspace) as client:
        answer = await client.get(leave_path(workspace))
    assert (answer.status_code, answer.text) == (500, "Internal Server Error")
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_body_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.05)
    read: list[dict[str, object]] = []

    async def app(scope: object, receive: object, send: object) -> None:
        for _ in range(3):
            read.append(await receive())  # type: ignore[operator]

    sent = iter([{"type": "http.request", "body": b"a", "more_body": True}])

    async def receive() -> dict[str, object]:
        if found := next(sent, None):
            return found
        await asyncio.Event().wait()
        raise AssertionError

    scope = {"type": "http", "path": "/", "query_string": b"", "headers": [], "scheme": "http", "method": "POST"}
    await guard.Guard(app, [], "/preview")(scope, receive, app)  # type: ignore[arg-type]
    assert [one["type"] for one in read] == ["http.request", "http.disconnect", "http.disconnect"]


async def test_after_the_body_a_client_may_be_waited_for_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.01)
    said = [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]

    async def receive() -> dict[str, object]:
        await asyncio.sleep(0 if len(said) == 2 else 0.05)
        return said.pop(0)

    in_time = guard._in_time(receive)  # type: ignore[arg-type]
    assert (await in_time())["type"] == "http.request"
    assert (await in_time())["type"] == "http.disconnect" and not said


async def test_requests_are_counted_by_route_and_never_by_path(workspace: Workspace) -> None:
    async with browser(workspace) as client:
        for method in ("GET", "POST", "BREW"):
            await client.request(method, leave_path(workspace))
        await client.get("/nothing/at/all")
        text = (await client.get("/metrics")).text
    token = leave_path(workspace).rpartition("/")[2]
    assert token not in text and "nothing" not in text and "BREW" not in text
    route = 'route="/{publication}/unsubscribe/{token}"'
    assert f'pressrun_http_requests_total{{method="GET",{route},status="200"}} 1.0' in text
    assert f'pressrun_http_requests_total{{method="other",{route},status="405"}} 1.0' in text
    assert 'pressrun_http_requests_total{method="GET",route="site",status="404"} 1.0' in text
    assert f"pressrun_http_request_seconds_count{{{route}}} 3.0" in text
    assert 'pressrun_departures_total{source="page"} 1.0' in text


def test_each_application_counts_for_itself() -> None:
    first, second = Meter(), Meter()
    first.count_departure("page")
    assert b'source="page"' in first.write() and b'source="page"' not in second.write()
