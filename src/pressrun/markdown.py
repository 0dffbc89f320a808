"""Markdown as pressrun reads it: CommonMark with tables, no HTML, right in Chinese, and set as its language is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline.state_inline import Scanned, StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType
from mdit_py_plugins.colon_fence import colon_fence_plugin

from pressrun.language import primary
from pressrun.typography import set_line
from pressrun.typography.line import BREAK, Line, Piece, cut_text, hold_code
from pressrun.typography.spacing import KEPT_TOGETHER

TAGS = frozenset(
    "p h2 h3 h4 h5 h6 ul ol li strong em a blockquote code pre br hr table thead tbody tr th td del s sup sub".split()
) | {"span"}
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "th": {"style"}, "td": {"style"}, "span": {"class"}}
SCHEMES = frozenset({"http", "https", "mailto"})
NOWRAP = '<span class="nowrap">'
"""What stands, with `</span>`, around a number and what it counts: the only spans there are."""

_CJK = re.compile(
    "[\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff"
    "\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\U00020000-\U0003fffd]"
)
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
# Quotation marks, dashes and dots that Chinese shares with English count as Chinese beside Chinese.
_SHARED_PUNCTUATION = "“”‘’—…·"
_FIELD = "@@"  # what a reader's value stands between until it is filled in: punctuation for Markdown, words for readers


def is_cjk(character: str) -> bool:
    """Whether `character` is Chinese, Japanese or Korean script or full-width punctuation."""
    return bool(_CJK.match(character))


class _CjkStateInline(StateInline):
    """Emphasis that opens and closes beside Chinese, where no space stands between words.

    CommonMark asks a closing `**` after punctuation to be followed by a space or punctuation, which Chinese
    never has: `**重点。**后文` stays literal. The rule here is that of the markdown-cjk-friendly specification.
    """

    def scanDelims(self, start: int, canSplitWord: bool) -> Scanned:  # noqa: N802, N803 - markdown-it's name
        scanned = super().scanDelims(start, canSplitWord)
        before = self.src[start - 1] if start else " "
        after_at = start + scanned.length
        after = self.src[after_at] if after_at < self.posMax else " "
        beside_field = self.src.endswith(_FIELD, 0, start) or self.src.startswith(_FIELD, after_at)
        if not (_leans_cjk(before) or _leans_cjk(after) or beside_field):
            return scanned
        opens, closes = not after.isspace(), not before.isspace()
        if not canSplitWord:  # an underscore inside a word stays an underscore
            return scanned
        return Scanned(opens, closes, scanned.length)


def _leans_cjk(character: str) -> bool:
    return is_cjk(character) or character in _SHARED_PUNCTUATION


class _CjkParserInline(ParserInline):
    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = _CjkStateInline(src, md, env, tokens)
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


def _join_cjk_lines(state: StateCore) -> None:
    """Drop a line break inside a paragraph between Chinese characters: it is no space there."""
    for token in state.tokens:
        if token.children:
            token.children = [child for n, child in enumerate(token.children) if not _is_cjk_break(token.children, n)]


def _is_cjk_break(children: Sequence[Token], at: int) -> bool:
    if children[at].type != "softbreak":
        return False
    before = _next_text(children[n] for n in range(at - 1, -1, -1))
    after = _next_text(children[n] for n in range(at + 1, len(children)))
    if not (before and after and _is_cjk_side(before, before[-1]) and _is_cjk_side(after, after[0])):
        return False
    if _HANGUL.match(before[-1]) or _HANGUL.match(after[0]):  # Korean puts spaces between words
        return False
    return is_cjk(before[-1]) or is_cjk(after[0])


def _next_text(tokens: Iterable[Token]) -> str:
    """The first text among `tokens` on this line."""
    return next((token.content for token in tokens if token.content or token.type == "softbreak"), "")


def _is_cjk_side(text: str, edge: str) -> bool:
    return _leans_cjk(edge) or (edge == "@" and (text.endswith(_FIELD) or text.startswith(_FIELD)))


def _typeset(state: StateCore) -> None:
    """Set each paragraph, heading and cell as the language in `env` is; with `plain` there as plain text has it."""
    language, plain = state.env.get("language"), state.env.get("plain", False)
    if not language:
        return
    before = ""
    for token in state.tokens:
        if token.children:
            prose = not (state.inlineMode or before in _LINES)
            pieces = [_read_pieces(child) for child in token.children]
            set_line(Line(piece for some in pieces for piece in some), language, prose=prose, binding=not plain)
            children = _write_pieces(token.children, pieces)
            held = primary(language) == "zh" and not plain
            token.children = [part for child in children for part in _hold_numbers(child)] if held else children
        before = token.type


_LINES = frozenset({"heading_open", "th_open", "td_open"})  # what is no running text


def _read_pieces(token: Token) -> list[Piece]:
    match token.type:
        case "text":
            return list(cut_text(token.content, token.level))
        case "softbreak":
            return [Piece("\n", token.level)]
        case "hardbreak":
            return [Piece("\n", token.level, BREAK)]
        case "code_inline":
            return [hold_code(token.content, token.level)]
        case _:
            return [Piece("", token.level)] if token.nesting < 0 else []  # where a space may come between two elements


def _write_pieces(tokens: Sequence[Token], pieces: Sequence[Sequence[Piece]]) -> list[Token]:
    """`tokens` with what has become of their pieces; texts that meet are one."""
    written: list[Token] = []
    for token, some in zip(tokens, pieces, strict=True):
        text = "".join(piece.text for piece in some)
        is_text = token.type == "text" or (token.type == "softbreak" and text != "\n")
        if not is_text:
            written.append(token)
        if is_text or (token.nesting < 0 and text):
            if written and written[-1].type == "text":
                written[-1].content += text
            else:
                written.append(_make_token(token, "text", text))
    return written


def _hold_numbers(token: Token) -> Iterator[Token]:
    """`token` with each number and what it counts in a span that doesn't break: Chinese has no space there to hold."""
    done = 0
    for found in KEPT_TOGETHER.finditer(token.content) if token.type == "text" else ():
        if found.start() > done:
            yield _make_token(token, "text", token.content[done : found.start()])
        yield _make_token(token, "html_inline", NOWRAP)
        yield _make_token(token, "text", found[0])
        yield _make_token(token, "html_inline", "</span>")
        done = found.end()
    if not done:
        yield token
    elif done < len(token.content):
        yield _make_token(token, "text", token.content[done:])


def _make_token(beside: Token, kind: str, content: str) -> Token:
    return Token(kind, "", 0, level=beside.level, content=content)


def strip_controls(text: str) -> str:
    """`text` without control characters, which `&#12;` makes and XML, and so MJML and feeds, can't hold."""
    return _CONTROL.sub("", text)


def make_parser(*, html: bool = False, images: bool = False) -> MarkdownIt:
    """A new parser; the checks ask for `html` and `images` to find what mail can't have."""
    parser = MarkdownIt("commonmark", {"html": html, "linkify": False})
    parser.inline = _CjkParserInline()
    parser.enable(["table", "strikethrough"])
    if not images:
        parser.disable("image")
    parser.core.ruler.push("join_cjk_lines", _join_cjk_lines)
    parser.core.ruler.push("typeset", _typeset)
    parser.use(colon_fence_plugin)
    return parser


@cache
def parser() -> MarkdownIt:
    """The parser of article text."""
    return make_parser()


def render_markdown(text: str, language: str = "") -> str:
    """`text` as clean HTML blocks, set as its `language` is; as written without one."""
    return clean_html(parser().render(text, {"language": language}))


def render_inline(text: str, language: str = "") -> str:
    """`text` as clean HTML without a paragraph around it, set as its `language` is."""
    return clean_html(parser().renderInline(text, {"language": language}))


def clean_html(html: str) -> str:
    """`html` with nothing but the tags, attributes and schemes that every medium shows."""
    return nh3.clean(
        strip_controls(html),
        tags=set(TAGS),
        attributes=ATTRIBUTES,
        url_schemes=set(SCHEMES),
        filter_style_properties={"text-align"},
        link_rel=None,
    )
