"""All rules, by their ids."""

from __future__ import annotations

from pressrun.check import (
    address,
    client,
    credit,
    date,
    domain,
    envelope,
    event,
    fallback,
    heading,
    link_text,
    numbering,
    online,
    picture,
    punctuation,
    silence,
    theme,
    tracking,
    weight,
)
from pressrun.check.rule import Rule

_MODULES = (
    *(address, tracking, domain, link_text, online, picture, heading, fallback, envelope, punctuation),
    *(numbering, date, credit, event, weight, client, theme, silence),
)

RULES: dict[str, Rule] = {
    rule.id: rule for module in _MODULES for rule in vars(module).values() if isinstance(rule, Rule)
}
"""Every rule by its id, in the order of docs/checks.md."""

SILENCEABLE = frozenset(rule.id for rule in RULES.values() if rule.can_be_silenced)
