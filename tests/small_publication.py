"""A publication as a value, for tests of what it says of time."""

from __future__ import annotations

import yaml

from pressrun.source.model import Publication
from small_issue import PUBLICATION


def make_publication(**changes: object) -> Publication:
    """The small publication, unless `changes` say otherwise."""
    return Publication.model_validate(yaml.safe_load(PUBLICATION) | changes)
