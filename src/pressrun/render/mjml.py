"""Compiles MJML to HTML, around what mjml-python (Rust mrml 6) lets pass or gets wrong."""

from __future__ import annotations

import re
import unicodedata

from lxml import etree
from mjml import mjml2html

from pressrun.errors import RenderError

_BOX = frozenset(
    "background-color border border-bottom border-left border-radius border-right border-top css-class direction "
    "inner-background-color padding padding-bottom padding-left padding-right padding-top text-align "
    "vertical-align width".split()
)
_TEXT = frozenset(
    "align color container-background-color css-class font-family font-size font-style font-weight height "
    "letter-spacing line-height padding padding-bottom padding-left padding-right padding-top "
    "text-decoration text-transform".split()
)
_PICTURE = frozenset(
    "align alt border border-radius container-background-color css-class fluid-on-mobile height href padding "
    "padding-bottom padding-left padding-right padding-top rel src target title width".split()
)
# mrml takes unknown tags, attributes and values silently; these are the ones that work and that themes may use.
ALLOWED: dict[str, frozenset[str]] = {
    "mjml": frozenset({"lang", "dir"}),
    "mj-head": frozenset(),
    "mj-title": frozenset(),
    "mj-breakpoint": frozenset({"width"}),
    "mj-attributes": frozenset(),
    "mj-all": _TEXT,
    "mj-class": _TEXT | _BOX | _PICTURE | {"name"},
    "mj-style": frozenset(),
    "mj-body": frozenset({"width", "background-color", "css-class"}),
    "mj-wrapper": _BOX | {"full-width"},
    "mj-section": _BOX | {"full-width"},
    "mj-group": _BOX,
    "mj-column": _BOX,
    "mj-text": _TEXT,
    "mj-image": _PICTURE,
    "mj-button": _TEXT | _PICTURE | {"background-color", "inner-padding"},
    "mj-divider": _BOX | {"border-color", "border-style", "border-width", "container-background-color", "align"},
    "mj-spacer": frozenset({"height", "css-class", "padding"}),
    "mj-raw": frozenset(),
}
_CLASS_ON = frozenset({"mj-wrapper", "mj-section", "mj-column", "mj-text", "mj-image", "mj-button", "mj-divider"})
_HTML_INSIDE = ("mj-text", "mj-button", "mj-raw", "mj-style")
_VOID = frozenset({"br", "hr", "img", "wbr", "col", "meta", "link", "input"})
_OPEN_VOID = re.compile(r"<(br|hr|wbr)>")
_HELD = re.compile("\ue000([0-9a-f]+)\ue001")


def compile_mjml(source: str, name: str) -> str:
    """The HTML of the MJML document `source`, which came from the template `name`.

    Raises RenderError with line and column where the document is not well-formed, or has a tag or attribute
    that mail programs or mrml don't honour.
    """
    root = _parse(source, name)
    faults = list(_faults(root))
    if faults:
        raise RenderError(f"{name}: {'; '.join(faults)}", "mend the theme's template")
    for element in root.iter(etree.Element):
        _mend(element)
    document = _HELD.sub(r"&#x\1;", etree.tostring(root, encoding="unicode"))
    try:
        return str(mjml2html(document))
    except ValueError as error:
        raise RenderError(f"{name}: mrml refuses it: {error}", "mend the theme's template") from error


def _parse(source: str, name: str) -> etree._Element:
    document = _OPEN_VOID.sub(r"<\1/>", source).replace("&nbsp;", "&#160;")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_pis=True)
    try:
        return etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        around = _article_above(document, line)
        raise RenderError(f"{name}{around}: line {line}, column {column}: {error.msg}", "mend the markup") from error


def _article_above(document: str, line: int) -> str:
    """Which part of the issue `line` belongs to, by the marks that templates leave."""
    above = "\n".join(document.split("\n")[:line])
    marks = re.findall(r"<!--(?:part|article) ([\w-]+)-->", above)
    return f" ({marks[-1]})" if marks else ""


def _faults(root: etree._Element) -> list[str]:
    faults = []
    for element in root.iter(etree.Element):
        tag = str(element.tag)
        if not tag.startswith("mj"):
            if not any(parent.tag in _HTML_INSIDE for parent in element.iterancestors()):
                faults.append(f"line {element.sourceline}: <{tag}> stands outside of mj-text and mj-raw")
            continue
        if tag not in ALLOWED:
            faults.append(f"line {element.sourceline}: <{tag}> is not to be used here")
            continue
        allowed = ALLOWED[tag] | ({"mj-class"} if tag in _CLASS_ON else set())
        faults += [
            f"line {element.sourceline}: <{tag}> takes no {attribute}"
            for attribute in map(str, element.attrib)
            if attribute not in allowed
        ]
    return faults


def _mend(element: etree._Element) -> None:
    """Hold what mrml would write in Rust's debug escapes, and keep empty elements open."""
    for attribute, value in element.attrib.items():
        text = str(value).replace("\n", " ") if attribute == "style" else str(value)
        element.set(attribute, "".join(map(_hold, text)))
    if not str(element.tag).startswith("mj") and element.tag not in _VOID and len(element) == 0 and not element.text:
        element.text = ""


def _hold(character: str) -> str:
    plain = character.isprintable() and character != "\\" and not unicodedata.category(character).startswith("M")
    return character if plain or character == " " else f"\ue000{ord(character):x}\ue001"
