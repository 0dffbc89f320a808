"""The description is sound, whole, and the one that stands in the docs."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

from api_desk import Desk
from command import run_here
from pressrun.api.app import OPERATIONS, make_app
from pressrun.api.description import describe, to_text
from pressrun.store.api_key import ApiScope

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return describe(make_app())


def test_the_description_in_the_docs_is_the_one_that_is_served(described: dict[str, Any]) -> None:
    assert (DOCS / "openapi.json").read_text(encoding="utf-8") == to_text(described), "make schemas writes it anew"


def test_the_command_prints_the_description(tmp_path: Path, described: dict[str, Any]) -> None:
    ended = run_here(tmp_path, "schema", "api")
    assert ended.status == 0
    assert json.loads(ended.out) == described


async def test_the_description_is_served_to_anybody(desk: Desk, described: dict[str, Any]) -> None:
    async with desk.client(None) as client:
        answer = await client.get("/openapi.json")
    assert answer.json() == described
    for page in ("/docs", "/redoc"):  # they would load programs from elsewhere
        async with desk.client(None) as client:
            assert (await client.get(page)).status_code == 404


def test_every_operation_is_described_with_its_scope_and_its_refusals(described: dict[str, Any]) -> None:
    for one in OPERATIONS:
        told = described["paths"][one.path][one.method.lower()]
        assert told["security"] == [{"key": list(one.scopes)}]
        assert told["description"]
        assert {"401", "403", "422", "429", "503"} <= set(told["responses"])
        assert all("description" in parameter for parameter in told.get("parameters", ())), one
    assert {scope for one in OPERATIONS for scope in one.scopes} == set(ApiScope)


def test_every_schema_is_sound_and_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    for schema in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(described)):
        place: Any = described
        for part in reference.split("/"):
            place = place[part]


def test_what_comes_in_is_known_to_the_last_name(described: dict[str, Any]) -> None:
    for methods in described["paths"].values():
        for operation in methods.values():
            if "requestBody" in operation:
                name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                assert described["components"]["schemas"][name]["additionalProperties"] is False


async def test_examples_are_good(client: httpx.AsyncClient, described: dict[str, Any]) -> None:
    example = described["components"]["schemas"]["NewSubscriber"]["examples"][0]
    schema = {"$ref": "#/components/schemas/NewSubscriber", "components": described["components"]}
    jsonschema.validate(example, schema)
