"""Makes `support.json` from the npm package caniemail: `python update.py PACKAGE_FOLDER` (see docs/checks.md)."""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SEMANTIC = "article aside details figcaption figure footer header main mark nav section summary time"
# How a feature is known in a mail, where its title doesn't say it in one of the usual ways.
SPECIAL = {
    "html-lists": "element ul, element ol, element dl",
    "html-h1-h6": ", ".join(f"element h{level}" for level in range(1, 7)),
    "html-semantics": ", ".join(f"element {name}" for name in SEMANTIC.split()),
    "html-srcset": "attribute srcset, attribute sizes",
    "html-address": "element address",
    "html-base": "element base",
    "html-anchor-links": "link #",
    "html-mailto-links": "link mailto",
    "html-meta-color-scheme": "attribute meta name=color-scheme",
    "html-image-maps": "element map",
    "html-svg": "element svg",
    "css-column-layout-properties": "property columns, property column-width, property column-rule",
    "css-grid-template": "property grid-template, property grid-template-columns, property grid-template-rows",
    "css-font": "property font",
    "css-important": "important",
    "css-variables": "function var",
    "css-unit-calc": "function calc",
    "css-unit-percent": "unit %",
    "css-unit-initial": "",
    "css-modern-color": "function lch, function oklch, function lab, function oklab",
    "css-at-media-device-pixel-ratio": "media -webkit-device-pixel-ratio",
    "css-at-media-hover": "media hover",
    "css-border-image": "property border-image",
    "css-border-radius-logical": "property border-start-start-radius, property border-end-end-radius",
    "css-border-inline-block-individual": "property border-inline-start, property border-inline-end, "
    "property border-block-start, property border-block-end",
    "css-border-inline-block-longhand": "property border-inline-width, property border-block-width",
    "css-color-scheme": "property color-scheme",
    "css-sytem-ui": "",
    "css-intrinsic-size": "",
    "image-base64": "image base64",
    "image-apng": "",
    "image-mp4": "image mp4",
}


def main(package: Path) -> None:
    """Write our file, and the licence beside it."""
    version = json.loads((package / "package.json").read_text(encoding="utf-8"))["version"]
    source = json.loads((package / "dist" / "data" / "caniemail.json").read_text(encoding="utf-8"))
    clients = sorted({(family, at) for one in source["data"] for family, ats in one["stats"].items() for at in ats})
    features = {one["slug"]: _feature(one, clients) for one in source["data"] if _marks(one)}
    names = source["nicenames"]
    compact = {
        "source": f"caniemail {version}, data of {source['last_update_date'][:10]}",
        "families": names["family"],
        "platforms": names["platform"],
        "clients": [f"{family}/{platform}" for family, platform in clients],
        "features": features,
    }
    text = json.dumps(compact, ensure_ascii=False, indent=0, separators=(",", ":"))
    (HERE / "support.json").write_text(text + "\n", encoding="utf-8")
    shutil.copyfile(package / "LICENSE", HERE / "LICENSE")


def _feature(one: dict[str, Any], clients: list[tuple[str, str]]) -> dict[str, str]:
    """Title, marks, and a letter a client for its newest version: y, n, a (in part) or u (unknown)."""
    letters = (_newest(one["stats"].get(family, {}).get(platform, {})) for family, platform in clients)
    return {"title": one["title"], "marks": ", ".join(_marks(one)), "support": "".join(letters)}


def _newest(versions: dict[str, str]) -> str:
    return next(iter(reversed(versions.values())), "u")[:1] or "u"


def _marks(one: dict[str, Any]) -> list[str]:
    slug, title = one["slug"], one["title"].strip()
    if slug in SPECIAL:
        return [mark for mark in SPECIAL[slug].split(", ") if mark]
    if slug.startswith("image-"):
        return [f"image {slug.removeprefix('image-')}"]
    if slug.startswith("html-"):
        return _html_marks(title)
    if slug.startswith("css-") and not slug.startswith("css-selector-"):
        return _css_marks(title)
    return []


def _html_marks(title: str) -> list[str]:
    if found := re.fullmatch(r"<(\w+)> element", title):
        return [f"element {found[1]}"]
    if found := re.fullmatch(r'<(\w+) type="(\w+)"> element', title):
        return [f"attribute {found[1]} type={found[2]}"]
    if found := re.fullmatch(r"([\w-]+) attribute", title):
        return [f"attribute {found[1]}"]
    return []


def _css_marks(title: str) -> list[str]:
    if found := re.fullmatch(r"@media \(([\w-]+)\)", title):
        return [f"media {found[1]}"]
    if found := re.fullmatch(r"@([\w-]+)", title):
        return [f"at {found[1]}"]
    if found := re.fullmatch(r"(\w+) unit", title):
        return [f"unit {found[1]}"]
    if title.startswith(":"):
        return [f"pseudo {title.removesuffix('()')}"]
    if found := re.fullmatch(r"([\w-]+)\(\)", title):
        return [f"function {found[1]}"]
    if found := re.fullmatch(r"([\w-]+):\s*([\w-]+)", title):
        return [f"declaration {found[1]}:{found[2]}"]
    names = re.split(r"\s*[,&]\s*", re.sub(r" property$", "", title))
    return [f"property {name}" for name in names] if all(re.fullmatch(r"[a-z-]+", name) for name in names) else []


if __name__ == "__main__":
    main(Path(sys.argv[1]))
