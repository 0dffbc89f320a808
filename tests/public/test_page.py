from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from pressrun.public.page import find_publication, show_notice, show_unknown
from pressrun.render.theme import load_theme
from pressrun.store.database import Database, open_database
from small_reader import LISTED, OPEN, Reader, reader


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """Pages ask nothing of it."""
    async with open_database(f"sqlite:///{tmp_path}/store/pressrun.db") as opened:
        yield opened


@pytest.fixture
async def someone(tmp_path: Path, database: Database) -> AsyncIterator[Reader]:
    async with reader(tmp_path, database) as opened:
        yield opened


async def test_the_style_has_the_themes_colours_and_is_kept_for_as_long_as_it_is_the_same(
    someone: Reader, tmp_path: Path
) -> None:
    page = (await someone.client.get("/small/subscribe")).text
    address = page.partition('rel="stylesheet" href="')[2].partition('"')[0]
    style = await someone.client.get(f"/small/{address}")
    theme = load_theme("bulletin", someone.doors.workspace.template_folders)
    assert theme.light.accent in style.text and theme.dark.accent in style.text
    assert "immutable" in style.headers["cache-control"]
    assert (await someone.client.get("/small/public.css")).headers["cache-control"] == "no-cache"
    file = tmp_path / "issues/small/publication.yaml"
    file.write_text(file.read_text() + "theme: letter\n")
    changed = (await someone.client.get("/small/subscribe")).text
    assert address not in changed
    assert "no-cache" in (await someone.client.get(f"/small/{address}")).headers["cache-control"]


async def test_pages_of_no_publication_have_a_style_too(someone: Reader) -> None:
    answer = show_notice(someone.doors, None, "not_found_title", "not_found_text", status=404, up="")
    assert answer.status_code == 404 and b'href="public.css?v=' in answer.body
    assert (await someone.client.get("/public.css")).status_code == 200


async def test_a_workspaces_own_templates_come_first(someone: Reader, tmp_path: Path) -> None:
    own = tmp_path / "templates" / "public"
    own.mkdir(parents=True)
    (own / "notice.html.j2").write_text("<p>{{ title }}</p>", encoding="utf-8")
    assert show_unknown(someone.doors, "small").body == b"<p>This link is not whole</p>"


async def test_a_publication_that_is_changed_or_spoilt_is_read_anew(someone: Reader, tmp_path: Path) -> None:
    file = tmp_path / "issues/small/publication.yaml"
    assert find_publication(someone.doors, "small")
    file.write_text(OPEN.replace("Small News", "Other News"))
    found = find_publication(someone.doors, "small")
    assert found and found.title == "Other News"
    file.write_text(f"{LISTED}unheard: of\n")
    assert find_publication(someone.doors, "small") is None
    assert (await someone.client.get("/small/subscribe")).status_code == 404


@pytest.mark.parametrize("name", ["..", "../small", "%2e%2e", "small/", "", "nothing", "\x00", "é"])
async def test_no_other_name_is_a_publication(someone: Reader, name: str) -> None:
    assert find_publication(someone.doors, name) is None
