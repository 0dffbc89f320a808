"""Markdown as plain text for the mail's text part: lists, tables and links as a person would type them."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from pressrun.markdown import parser, strip_controls


def render_plain(text: str, language: str = "") -> str:
    """`text` as plain text, set as its `language` is: paragraphs apart by an empty line, each one line."""
    lines = _blocks(SyntaxTreeNode(parser().parse(text, _environment(language))).children).split("\n")
    return "\n".join(line.rstrip() for line in lines).strip("\n")


def render_plain_inline(text: str, language: str = "") -> str:
    """`text` as one run of plain text, set as its `language` is."""
    return "".join(_inline(token.children or []) for token in parser().parseInline(text, _environment(language)))


def _environment(language: str) -> dict[str, object]:
    return {"language": language, "plain": True}


def display_width(text: str) -> int:
    """Columns that `text` takes in a fixed-width font: two for a full-width character."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def _blocks(nodes: Iterable[SyntaxTreeNode]) -> str:
    return "\n\n".join(filter(None, (_block(node) for node in nodes)))


def _block(node: SyntaxTreeNode) -> str:
    match node.type:
        case "paragraph":
            return _content(node)
        case "heading":
            return f"{'#' * max(1, int(node.tag[1:]) - 1)} {_content(node)}"
        case "bullet_list" | "ordered_list":
            return _list(node)
        case "blockquote":
            return _indent(_blocks(node.children), "> ", "> ")
        case "fence" | "code_block" | "colon_fence":
            return _indent(strip_controls(node.content).rstrip("\n"), "    ", "    ")
        case "table":
            return _table(node)
        case "hr":
            return "* * *"
        case _:
            return _blocks(node.children)


def _content(node: SyntaxTreeNode) -> str:
    inline = node.children[0] if node.children else None
    token = inline.token if inline else None
    return _inline(token.children or []) if token else ""


def _list(node: SyntaxTreeNode) -> str:
    number = int(node.attrs.get("start", 1))
    items = []
    for n, item in enumerate(node.children):
        mark = f"{number + n}. " if node.type == "ordered_list" else "- "
        body = "\n".join(filter(None, (_block(child) for child in item.children)))
        items.append(_indent(body, mark, " " * len(mark)))
    return "\n".join(items)


def _indent(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    return "\n".join((first if n == 0 else rest) + line for n, line in enumerate(lines))


def _table(node: SyntaxTreeNode) -> str:
    rows = [[_content(cell) for cell in row.children] for part in node.children for row in part.children]
    widths = [max(display_width(row[n]) for row in rows) for n in range(len(rows[0]))]
    lines = ["  ".join(_pad(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _pad(cell: str, width: int) -> str:
    return cell + " " * (width - display_width(cell))


@dataclass
class _Run:
    """A run of inline text being written; links wait until they close."""

    parts: list[str] = field(default_factory=list)
    links: list[tuple[str, int]] = field(default_factory=list)

    def close_link(self) -> None:
        href, start = self.links.pop()
        label = "".join(self.parts[start:])
        if href.removeprefix("mailto:") != label:
            self.parts.append(f" <{href}>")


def _inline(tokens: Sequence[Token]) -> str:
    run = _Run()
    for token in tokens:
        match token.type:
            case "link_open":
                run.links.append((str(token.attrs.get("href", "")), len(run.parts)))
            case "link_close":
                run.close_link()
            case "softbreak":
                run.parts.append(" ")
            case "hardbreak":
                run.parts.append("\n")
            case _:
                run.parts.append(token.content)
    return strip_controls("".join(run.parts))
