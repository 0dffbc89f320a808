"""Rules on the theme: it is there and sound, and its templates make a mail."""

from __future__ import annotations

from collections.abc import Iterator

from pressrun.check.manuscript import Manuscript
from pressrun.check.rule import Fault, Rule, Stage, look_nowhere, rule
from pressrun.errors import RenderError
from pressrun.finding import Severity
from pressrun.render.theme import load_theme


@rule(
    "bad-theme",
    Severity.ERROR,
    "The publication's theme is there, and its tokens are sound.",
    Stage.THEME,
    can_be_silenced=False,
)
def find_bad_theme(manuscript: Manuscript) -> Iterator[Fault]:
    """A theme that can't be read."""
    try:
        load_theme(manuscript.issue.publication.theme, list(manuscript.template_folders))
    except RenderError as error:
        yield _fault_of(manuscript, error)


BAD_TEMPLATE = Rule(
    "bad-template",
    Severity.ERROR,
    "The theme's templates make a mail of the issue.",
    look_nowhere,
    Stage.MAIL,
    can_be_silenced=False,
)


def prove(manuscript: Manuscript) -> Iterator[Fault]:
    """What keeps the issue from being rendered; rules that look at the mail wait for this."""
    try:
        _ = manuscript.rendering
    except RenderError as error:
        yield _fault_of(manuscript, error)


def _fault_of(manuscript: Manuscript, error: RenderError) -> Fault:
    page = manuscript.publication
    return Fault(page.file, page.place_of("theme"), error.message, error.remedy)
