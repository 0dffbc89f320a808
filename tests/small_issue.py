"""A small sound issue that a test writes and then spoils where it likes."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path

from PIL import Image

PUBLICATION = """\
title: Small News
description: News of small things.
language: en
timezone: Europe/Vienna
sender:
  name: Small News
  address: news@small.example.com
list_id: news.small.example.com
base_url: https://small.example.com/news
tag: small.example.com,2026
postal_address: 1 Small Street
issue_label: "Issue {number} of {year}, {total} in all"
colophon:
  mail: editor@small.example.com
  website: https://small.example.com
"""
ISSUE = """\
year: 2026
number: 1
total: 7
date: 2026-03-31
preheader: What is small this spring
cover:
  image: media/cover.png
  alt: A small house
sections:
  - title: News
    slug: news
    articles:
      - first
      - second
"""
FIRST = """\
---
title: The first
sources:
  - name: A source
    url: https://www.example.com/source
---
A text with **weight** and [a link](https://www.example.com/page).

:::figure
image: media/chart.png
alt: A small chart
:::

The end.
"""
SECOND = """\
---
title: 第二篇
---
**重点。**后文。
"""
FILES = {"issue.yaml": ISSUE, "first.md": FIRST, "second.md": SECOND}


def write_small_issue(folder: Path, **changes: str | bytes | None) -> Path:
    """Write the issue `issues/small/2026-01` below `folder` and give its folder.

    A change names a file by its stem (`publication`, `issue`, `first`, `second`, or a new article): its new
    text or bytes, or None to leave it out.
    """
    issue = folder / "issues" / "small" / "2026-01"
    (issue / "media").mkdir(parents=True, exist_ok=True)
    (folder / "pressrun.toml").touch()
    for name in ("cover.png", "chart.png"):
        (issue / "media" / name).write_bytes(_sharp_picture())
    texts = {"publication": PUBLICATION, "issue": ISSUE, "first": FIRST, "second": SECOND, **changes}
    for stem, text in texts.items():
        if text is not None:
            file = _file_of(issue, stem)
            file.write_bytes(text.encode() if isinstance(text, str) else text)
    return issue


def write_picture(file: Path, form: str | None = None) -> None:
    """Write a picture of a few pixels."""
    Image.new("RGB", (4, 3), "green").save(file, form)


@cache
def _sharp_picture() -> bytes:
    """A picture with as many pixels as the widest place in a mail needs."""
    picture = BytesIO()
    Image.new("L", (1280, 960), 128).save(picture, "PNG")
    return picture.getvalue()


def _file_of(issue: Path, stem: str) -> Path:
    if stem == "publication":
        return issue.parent / "publication.yaml"
    return issue / ("issue.yaml" if stem == "issue" else f"{stem}.md")
