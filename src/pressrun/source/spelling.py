"""Writes an issue out: what segments and fallbacks stood for when it was read is the issue's own from then on."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from pressrun.condition import ConditionError, Vocabulary, spell_out
from pressrun.source.block import Block, Branch, map_text
from pressrun.source.branch import spell_out_forks
from pressrun.source.field import add_fallbacks
from pressrun.source.model import ArticleFile, Colophon, IssueFile, Publication


def spell_out_publication(publication: Publication, vocabulary: Vocabulary) -> Publication:
    """`publication` with its conditions as they say the same without a vocabulary, and its fields' fallbacks."""
    fill = _filler(vocabulary)
    return publication.model_copy(
        update={
            "colophon": _spell_out_colophon(publication.colophon, vocabulary),
            "greeting": publication.greeting and fill(publication.greeting),
            "greeting_anonymous": publication.greeting_anonymous and fill(publication.greeting_anonymous),
        }
    )


def spell_out_issue(meta: IssueFile, vocabulary: Vocabulary) -> IssueFile:
    """`meta` likewise."""
    fill = _filler(vocabulary)
    sections = tuple(
        section.model_copy(update={"when": spell_out(section.when, vocabulary)}) if section.when else section
        for section in meta.sections
    )
    return meta.model_copy(
        update={
            "sections": sections,
            "subject": meta.subject and fill(meta.subject),
            "preheader": fill(meta.preheader),
            "intro": meta.intro and fill(spell_out_forks(meta.intro, vocabulary)),
            "colophon": meta.colophon and _spell_out_colophon(meta.colophon, vocabulary),
        }
    )


def spell_out_article(meta: ArticleFile, vocabulary: Vocabulary) -> ArticleFile:
    """`meta` likewise; a faulty condition stays as it is."""
    with suppress(ConditionError):
        return meta.model_copy(update={"when": spell_out(meta.when, vocabulary)}) if meta.when else meta
    return meta


def spell_out_blocks(blocks: tuple[Block, ...], vocabulary: Vocabulary) -> tuple[Block, ...]:
    """`blocks` with their fields' fallbacks; their conditions were spelled out as they were parted."""
    fill = _filler(vocabulary)
    return tuple(_fill_block(block, fill) for block in blocks) if vocabulary.fallbacks else blocks


def _fill_block(block: Block, fill: Callable[[str], str]) -> Block:
    if not isinstance(block, Branch):
        return map_text(block, fill)
    then, otherwise = (tuple(_fill_block(one, fill) for one in part) for part in (block.blocks, block.otherwise))
    return Branch(block.condition, then, otherwise)


def _spell_out_colophon(colophon: Colophon, vocabulary: Vocabulary) -> Colophon:
    if not colophon.statement:
        return colophon
    statement = _filler(vocabulary)(spell_out_forks(colophon.statement, vocabulary))
    return colophon.model_copy(update={"statement": statement})


def _filler(vocabulary: Vocabulary) -> Callable[[str], str]:
    return lambda text: add_fallbacks(text, vocabulary.fallbacks)
