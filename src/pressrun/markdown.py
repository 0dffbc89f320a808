"""Markdown as pressrun reads it: CommonMark with tables, no HTML, and right in Chinese."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import nh3
from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline.state_inline import Scanned, StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType
from mdit_py_plugins.colon_fence import colon_fence_plugin

TAGS = frozenset(
    "p h2 h3 h4 h5 h6 ul ol li strong em a blockquote code pre br hr table thead tbody tr th td del s sup sub".split()
)
ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "th": {"style"}, "td": {"style"}}
SCHEMES = frozenset({"http", "https", "mailto"})

_CJK = re.compile(
    "[\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff"
    "\ufe30-\ufe4f\uff00-\uff60\uffe0-\uffe6\U00020000-\U0003fffd]"
)
_HANGUL = re.compile("[\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
# Quotation marks, dashes and dots that Chinese shares with English count as Chinese beside Chinese.
_SHARED_PUNCTUATION = "“”‘’—…·"


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
        if not (_leans_cjk(before) or _leans_cjk(after)):
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
    before = next((child.content for child in reversed(children[:at]) if child.content), "")
    after = next((child.content for child in children[at + 1 :] if child.content), "")
    if not (before and after and _leans_cjk(before[-1]) and _leans_cjk(after[0])):
        return False
    if _HANGUL.match(before[-1]) or _HANGUL.match(after[0]):  # Korean puts spaces between words
        return False
    return is_cjk(before[-1]) or is_cjk(after[0])


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
    parser.use(colon_fence_plugin)
    return parser


@cache
def parser() -> MarkdownIt:
    """The parser of article text."""
    return make_parser()


def render_markdown(text: str) -> str:
    """`text` as clean HTML blocks."""
    return clean_html(parser().render(text))


def render_inline(text: str) -> str:
    """`text` as clean HTML without a paragraph around it."""
    return clean_html(parser().renderInline(text))


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
