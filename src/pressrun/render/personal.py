"""Makes of what differs from reader to reader the tokens that stand for it in a rendered mail."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pressrun.condition import parse_condition
from pressrun.render.edition import Field
from pressrun.render.slot import Slot, SlotTokens, select_blocks
from pressrun.source.block import Block, Branch, Prose, map_text
from pressrun.source.branch import fold_forks
from pressrun.source.field import MADE, FieldUse, write_fields
from pressrun.source.issue import Article, Issue, Section
from pressrun.source.model import Colophon, Publication


@dataclass(frozen=True)
class MailSlots(SlotTokens):
    """The tokens as templates have them: the greeting may be written out, where it holds fields."""

    greeting: str = ""


class Personal:
    """Gathers the fields and conditions of one issue, in the order in which they are met."""

    def __init__(self, tokens: SlotTokens) -> None:
        self._tokens = tokens
        self._fields: dict[Field, int] = {}
        self._conditions: dict[str, int] = {}

    @property
    def nonce(self) -> str:
        """What marks this edition's slots."""
        return self._tokens.nonce

    @property
    def block_pattern(self) -> str:
        """What matches a token where a block begins or ends, without groups."""
        return re.sub(r"\((?!\?)", "(?:", self._tokens.block_pattern.pattern)

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields so far: the first is slot `field0`."""
        return tuple(self._fields)

    @property
    def conditions(self) -> tuple[str, ...]:
        """The conditions so far: `if0` and `end0` enclose what only those see who meet the first."""
        return tuple(self._conditions)

    def begin(self, condition: str | None) -> str:
        """What stands before that which only those see who meet `condition`; nothing where it is for everybody."""
        return self._tokens[f"if{self._number_of(condition)}"] if condition else ""

    def end(self, condition: str | None) -> str:
        """What stands after it."""
        return self._tokens[f"end{self._number_of(condition)}"] if condition else ""

    def write(self, text: str) -> str:
        """`text` with tokens for its fields."""
        return write_fields(text, self._token_of)

    def write_markdown(self, text: str) -> str:
        """Markdown with tokens for its fields, and around its conditional blocks."""
        return self.write(fold_forks(text, self._enclose))

    def write_issue(self, issue: Issue) -> Issue:
        """`issue` with tokens in all texts that may hold fields; its branches are blocks between tokens."""
        meta = issue.meta.model_copy(
            update={
                "subject": self.write(issue.meta.subject) if issue.meta.subject else None,
                "preheader": self.write(issue.meta.preheader),
                "intro": self.write_markdown(issue.meta.intro) if issue.meta.intro else None,
                "colophon": self._write_colophon(issue.meta.colophon) if issue.meta.colophon else None,
            }
        )
        colophon = self._write_colophon(issue.publication.colophon)
        publication = issue.publication.model_copy(update={"colophon": colophon})
        sections = tuple(self._write_section(section) for section in issue.sections)
        return replace(issue, publication=publication, meta=meta, sections=sections)

    def has_fields_in_greeting(self, publication: Publication) -> bool:
        """Whether the greeting is more than a slot: one with fields is written into the texts."""
        return "{{" in f"{publication.greeting}{publication.greeting_anonymous}"

    def slots(self, publication: Publication) -> MailSlots:
        """What templates write for slots; the greeting is `slots.greeting`."""
        known, anonymous = publication.greeting, publication.greeting_anonymous
        if not self.has_fields_in_greeting(publication):
            return MailSlots(self._tokens.nonce, self._tokens[Slot.GREETING])
        known = self.write(known).replace("{name}", self._tokens[Slot.NAME]) if known else ""
        anonymous = self.write(anonymous) if anonymous else ""
        return MailSlots(self._tokens.nonce, self._choose('name != ""', known or anonymous, anonymous))

    def free_html(self, html: str) -> str:
        """`html` with tokens that Markdown took for paragraphs out of these."""
        return re.sub(rf"<p(?: [^<>]*)?>\s*({self.block_pattern})\s*</p>\s*", r"\1", html)

    def free_plain(self, text: str) -> str:
        """Plain text with tokens that stand for a paragraph taken out of their lines, and the empty ones after."""
        return re.sub(rf"^({self.block_pattern})\n\n", r"\1", text, flags=re.MULTILINE)

    def select(self, text: str, facts: Mapping[str, str]) -> str:
        """`text` as those see it of whom `facts` are known."""
        met = [parse_condition(condition).holds(facts) for condition in self._conditions]
        return select_blocks(text, self._tokens, met)

    def _choose(self, condition: str, text: str, otherwise: str) -> str:
        contrary = _not(condition)
        first = f"{self.begin(condition)}{text}{self.end(condition)}"
        return first + (f"{self.begin(contrary)}{otherwise}{self.end(contrary)}" if otherwise else "")

    def _enclose(self, condition: str, text: str, otherwise: str) -> str:
        parts = [self.begin(condition), text, self.end(condition)]
        if otherwise:
            contrary = _not(condition)
            parts += (self.begin(contrary), otherwise, self.end(contrary))
        return "\n\n".join(parts)

    def _write_section(self, section: Section) -> Section:
        articles = (replace(article, blocks=self._write_blocks(article.blocks)) for article in section.articles)
        return replace(section, articles=tuple[Article, ...](articles))

    def _write_blocks(self, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        written: list[Block] = []
        for block in blocks:
            if isinstance(block, Branch):
                written += self._write_branch(block.condition, block.blocks)
                written += self._write_branch(_not(block.condition), block.otherwise) if block.otherwise else ()
            else:
                written.append(map_text(block, self.write))
        return tuple(written)

    def _write_branch(self, condition: str, blocks: tuple[Block, ...]) -> tuple[Block, ...]:
        first, last = Prose(self.begin(condition), 0), Prose(self.end(condition), 0)
        return first, *self._write_blocks(blocks), last

    def _write_colophon(self, colophon: Colophon) -> Colophon:
        statement = self.write_markdown(colophon.statement) if colophon.statement else None
        return colophon.model_copy(update={"statement": statement})

    def _number_of(self, condition: str) -> int:
        return self._conditions.setdefault(condition, len(self._conditions))

    def _token_of(self, use: FieldUse) -> str:
        if use.name in MADE:
            return self._tokens[use.name]
        field = Field(attribute=use.name, fallback=use.fallback)
        return self._tokens[f"field{self._fields.setdefault(field, len(self._fields))}"]


def _not(condition: str) -> str:
    return f"not ({condition})"
