"""Lists over the API, and how many people are on each."""

from __future__ import annotations

from fastapi import Request
from pydantic import Field

from pressrun.api.guard import doors_of
from pressrun.api.shape import Outgoing
from pressrun.store.subscribers import count_lists


class MailingList(Outgoing):
    """A list."""

    name: str
    members: int = Field(description="How many people are on it now")


class Lists(Outgoing):
    """All lists."""

    items: list[MailingList]


async def list_lists(request: Request) -> Lists:
    """Read all lists, by name, with how many people are on each."""
    return Lists(items=[MailingList.model_validate(one) for one in await count_lists(doors_of(request).database)])
