"""Compiles MJML to HTML, around what mjml-python (Rust mrml 6) lets pass or gets wrong."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator

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
_REQUIRED = {"mj-image": ("src", "alt"), "img": ("src", "alt"), "mj-class": ("name",), "mj-button": ("href",)}
_CLASS_ON = frozenset({"mj-wrapper", "mj-section", "mj-column", "mj-text", "mj-image", "mj-button", "mj-divider"})
_HTML_INSIDE = frozenset({"mj-text", "mj-button", "mj-raw"})
_TEXT_INSIDE = _HTML_INSIDE | {"mj-style", "mj-title"}
# Where a tag may stand; elsewhere mrml drops it, or makes a layout that falls apart.
_IN_BODY = frozenset({"mj-body", "mj-wrapper"})
_IN_COLUMN = frozenset({"mj-column", "mj-attributes"})
_PARENTS: dict[str, frozenset[str]] = {
    "mj-head": frozenset({"mjml"}),
    "mj-body": frozenset({"mjml"}),
    **dict.fromkeys(("mj-title", "mj-breakpoint", "mj-attributes", "mj-style"), frozenset({"mj-head"})),
    **dict.fromkeys(("mj-all", "mj-class"), frozenset({"mj-attributes"})),
    "mj-wrapper": frozenset({"mj-body", "mj-attributes"}),
    "mj-section": _IN_BODY | {"mj-attributes"},
    "mj-group": frozenset({"mj-section", "mj-attributes"}),
    "mj-column": frozenset({"mj-section", "mj-group", "mj-attributes"}),
    **dict.fromkeys(("mj-text", "mj-image", "mj-button", "mj-divider", "mj-spacer"), _IN_COLUMN),
    "mj-raw": _IN_BODY | {"mj-head", "mj-section", "mj-column"},
}
_VOID = frozenset({"br", "hr", "img", "wbr", "col", "meta", "link", "input"})
_IN_LINE = frozenset("a abbr b bdi cite code del em i img s small span strong sub sup u".split())
_OPEN_VOID = re.compile(r'<(br|hr|wbr)((?: [\w-]+="[^"<]*")*)>')
_STYLE_SHEET = re.compile(r"<style[^>]*>.*?</style>", re.DOTALL)
_PLAIN = re.compile(r"[ -\[\]-~]*")  # what needs no second look: printable ASCII but for the backslash
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
    compiled = _compile(_HELD.sub(r"&#x\1;", etree.tostring(root, encoding="unicode")), name)
    # mrml keeps XML's escapes in style sheets, where no browser reads them: `a &gt; b` matches nothing.
    return _STYLE_SHEET.sub(lambda sheet: html.unescape(sheet[0]), compiled)


def _compile(document: str, name: str) -> str:
    try:
        return str(mjml2html(document, fonts={}))  # by default mrml links Google's font for Roboto and others
    except ValueError as error:
        raise RenderError(f"{name}: mrml refuses it: {error}", "mend the theme's template") from error
    except BaseException as error:  # a panic in Rust is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise RenderError(f"{name}: mrml fails on it: {error}", "mend the theme's template") from error


def _parse(source: str, name: str) -> etree._Element:
    document = _OPEN_VOID.sub(r"<\1\2/>", source).replace("&nbsp;", "&#160;")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_pis=True)
    try:
        return etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        around = _article_above(document, line)
        # lxml says the place once more at the end of its message.
        what = (error.msg or "it is not well-formed").removesuffix(f", line {line}, column {column}")
        raise RenderError(f"{name}{around}: line {line}, column {column}: {what}", "mend the markup") from error
    except ValueError as error:  # an XML declaration, or a character no encoding has
        raise RenderError(f"{name}: {error}", "mend the theme's template") from error


def _article_above(document: str, line: int) -> str:
    """Which part of the issue `line` belongs to, by the marks that templates leave."""
    above = "\n".join(document.split("\n")[:line])
    marks = re.findall(r"<!--(?:part|article) ([\w-]+)-->", above)
    return f" ({marks[-1]})" if marks else ""


def _faults(root: etree._Element) -> list[str]:
    faults = []
    if root.getroottree().docinfo.internalDTD is not None:
        faults.append("line 1: a document type, which can bring in other files, is not to be used here")
    if root.tag != "mjml" or [child.tag for child in root.iterchildren("mj-head", "mj-body")] not in (
        ["mj-head", "mj-body"],
        ["mj-body"],
    ):
        faults.append("line 1: a mail is one <mjml> with one <mj-body>, and one <mj-head> before it")
    for element in root.iter(etree.Element):
        faults += [f"line {element.sourceline}: {fault}" for fault in _element_faults(element)]
    return faults


def _element_faults(element: etree._Element) -> Iterator[str]:
    tag, parent = str(element.tag), element.getparent()
    is_default = parent is not None and parent.tag == "mj-attributes"
    if not is_default or tag == "mj-class":
        yield from (f"<{tag}> needs {name}" for name in _REQUIRED.get(tag, ()) if name not in element.attrib)
    if not tag.startswith("mj"):
        if not any(above.tag in _HTML_INSIDE for above in element.iterancestors()):
            yield f"<{tag}> stands outside of mj-text and mj-raw"
        return
    if tag not in ALLOWED:
        yield f"<{tag}> is not to be used here"
        return
    if parent is not None and tag in _PARENTS and parent.tag not in _PARENTS[tag]:
        yield f"<{tag}> can't stand in <{parent.tag}>"
    allowed = ALLOWED[tag] | ({"mj-class"} if tag in _CLASS_ON and not is_default else set())
    yield from (f"<{tag}> takes no {name}" for name in map(str, element.attrib) if name not in allowed)
    if tag not in _TEXT_INSIDE:
        yield from _loose_text(element)


def _loose_text(element: etree._Element) -> Iterator[str]:
    """Text where only tags may stand, and the comments that mrml can't take."""
    texts = (element.text, *(child.tail for child in element))
    yield from (f"text stands in <{element.tag}>: {text.split()[0]}" for text in texts if text and text.strip())
    if element.tag == "mj-attributes" and any(True for _ in element.iterchildren(etree.Comment)):
        yield "a comment can't stand in <mj-attributes>"


def _mend(element: etree._Element) -> None:
    """Hold what mrml would write in Rust's debug escapes; keep empty elements open, and words apart."""
    for attribute, value in element.attrib.items():
        text = re.sub(r"\s*\n\s*", " ", str(value)) if attribute == "style" else str(value)
        if text != value or not _PLAIN.fullmatch(text):
            element.set(attribute, "".join(map(_hold, text)))
    if element.tag == "mj-title" and element.text:
        # mrml repeats it in an attribute of <body>'s first element, where a quote would end the attribute.
        element.text = "".join(map(_hold, element.text)).replace('"', "\ue00022\ue001")
    if not str(element.tag).startswith("mj") and element.tag not in _VOID and len(element) == 0 and not element.text:
        element.text = ""
    following = element.getnext()
    # mrml drops a line end that stands alone between two tags, and with it the space between two words.
    if element.tag in _IN_LINE and following is not None and following.tag in _IN_LINE:
        element.tail = re.sub(r"^\s*\n\s*$", " ", element.tail or "")


def _hold(character: str) -> str:
    plain = character.isprintable() and character != "\\" and not unicodedata.category(character).startswith("M")
    return character if plain or character == " " else f"\ue000{ord(character):x}\ue001"
