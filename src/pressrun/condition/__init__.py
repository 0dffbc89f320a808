"""Conditions on what is known of a person: `city == "Beijing" and not (role in ("press", "guest"))`.

One language says who belongs to a segment and who sees a part of an issue; docs/segments.md describes it whole.
"""

from pressrun.condition.notation import write_condition
from pressrun.condition.parser import ConditionError, parse_condition, spell_out
from pressrun.condition.probe import probes
from pressrun.condition.term import Both, Condition, Contains, Day, Either, Facts, Not, Number, OneOf, Sign, Term
from pressrun.condition.vocabulary import ANYTHING, Kind, Subject, Vocabulary

__all__ = [
    "ANYTHING", "Both", "Condition", "ConditionError", "Contains", "Day", "Either", "Facts", "Kind", "Not", "Number",
    "OneOf", "Sign", "Subject", "Term", "Vocabulary", "parse_condition", "probes", "spell_out", "write_condition",
]  # fmt: skip
