"""What a mail asks of mail programs: the HTML elements, attributes, styles and picture formats in it, as marks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import html

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_AT_RULE = re.compile(r"@([\w-]+)([^{;]*)")
_MEDIA_FEATURE = re.compile(r"\(\s*(?:any-|min-|max-)?([\w-]+)")
_PSEUDO = re.compile(r"::?[a-z-]+")
_RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
_UNIT = re.compile(r"(?<![\w#.-])-?(?:\d+\.?\d*|\.\d+)(%|[a-z]+)")
_FUNCTION = re.compile(r"([a-z-]+)\(")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'|url\([^)]*\)")


@dataclass(frozen=True)
class Marks:
    """What stands in the elements themselves, and what only style sheets have: there it is an addition."""

    firm: frozenset[str]
    added: frozenset[str]

    def __sub__(self, other: Marks) -> Marks:
        known = other.firm | other.added
        return Marks(self.firm - known, self.added - self.firm - known)


def read_marks(mail: str) -> Marks:
    """The marks of a mail's HTML, such as `element ul`, `attribute lang`, `property gap`, `unit em`, `at media`."""
    firm, added = set[str](), set[str]()
    for element in html.document_fromstring(mail).iter():
        if not isinstance(element.tag, str):  # a comment, and what stands in one for Outlook alone
            continue
        firm |= {*_of_element(element)}
        if element.tag == "style":
            added |= {*_of_sheet(element.text or "")}
    return Marks(frozenset(firm), frozenset(added - firm))


def _of_element(element: html.HtmlElement) -> Iterator[str]:
    yield f"element {element.tag}"
    for name, value in element.attrib.items():
        yield f"attribute {name}"
        if name in ("type", "name"):
            yield f"attribute {element.tag} {name}={value.lower()}"
        elif name == "href" and element.tag == "a":
            yield "link #" if value.startswith("#") else f"link {value.partition(':')[0]}"
        elif name == "src" and element.tag == "img":
            yield f"image {_format_of(value)}"
        elif name == "style":
            yield from _of_declarations(value)


def _format_of(source: str) -> str:
    if source.startswith("data:"):
        return "base64"
    name = source.partition("?")[0].rpartition(".")[2].lower()
    return {"jpeg": "jpg", "tif": "tiff", "heic": "heif"}.get(name, name)


def _of_sheet(sheet: str) -> Iterator[str]:
    plain = _QUOTED.sub('""', _COMMENT.sub("", sheet))
    for name, condition in _AT_RULE.findall(plain):
        yield f"at {name}"
        if name == "media":
            yield from (f"media {feature}" for feature in _MEDIA_FEATURE.findall(condition))
    for selector, declarations in _RULE.findall(plain):
        yield from (f"pseudo {pseudo}" for pseudo in _PSEUDO.findall(selector))
        yield from _of_declarations(declarations)


def _of_declarations(declarations: str) -> Iterator[str]:
    for declaration in _QUOTED.sub('""', declarations).split(";"):
        name, colon, value = (part.strip().lower() for part in declaration.partition(":"))
        if not colon:
            continue
        if name.startswith("--"):
            yield "function var"
            continue
        yield f"property {name}"
        yield f"declaration {name}:{value.removesuffix('!important').strip()}"
        yield from (f"unit {unit}" for unit in _UNIT.findall(value))
        yield from (f"function {function}" for function in _FUNCTION.findall(value))
        if "!important" in value:
            yield "important"
