"""JSON Schema of the source files, for editors that complete and check while one types."""

from __future__ import annotations

import json

from pydantic import BaseModel

from pressrun.source.model import ArticleFile, IssueFile, Publication

MODELS: dict[str, type[BaseModel]] = {"issue": IssueFile, "article": ArticleFile, "publication": Publication}


def schema(kind: str) -> str:
    """The schema of `issue`, `article` or `publication` as JSON text."""
    described = MODELS[kind].model_json_schema()
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **described}, indent=2) + "\n"
