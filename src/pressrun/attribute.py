"""The attributes that a workspace declares in `subscribers/attributes.yaml`, and whether values agree with them."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pressrun.attribute_value import AttributeType, ValueFault, clean_choice, clean_value
from pressrun.errors import UsageError
from pressrun.finding import Finding
from pressrun.language import primary
from pressrun.source.text import read_text
from pressrun.source.validation import validate
from pressrun.source.yamlfile import YamlText, read_yaml
from pressrun.workspace import Workspace

__all__ = ["Attribute", "AttributeFault", "AttributeSchema", "AttributeType", "load_attribute_schema"]

ATTRIBUTES_FILE = "subscribers/attributes.yaml"
FIELDS = frozenset({"email", "name", "tags"})
"""What every subscriber has besides attributes, so that no attribute can be called so."""

_RESERVED = {
    "language": AttributeType.LANGUAGE,
    "timezone": AttributeType.TIMEZONE,
    "tracking": AttributeType.CHOICE,
}
_TRACKING = ("yes", "no")


class Attribute(BaseModel):
    """What an attribute is. Labels are by language tag; under "" stands the one for every other language."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: AttributeType = Field(
        AttributeType.TEXT, description="text, number, date, boolean, choice, language or timezone"
    )
    label: Mapping[str, str] = Field({}, description="How people read it: a text, or one for each language")
    choices: Mapping[str, Mapping[str, str]] = Field(
        {}, description="The values of a choice: a list, or each value with its label"
    )
    editable: bool = Field(False, description="yes: people may change it themselves in the preference centre")
    required: bool = Field(False, description="yes: nobody is taken in without it")
    fallback: str | None = Field(None, description="What a text says where somebody has no value")

    @field_validator("label", mode="before")
    @classmethod
    def _read_label(cls, value: object) -> object:
        return {"": value} if isinstance(value, str) else value

    @field_validator("choices", mode="before")
    @classmethod
    def _read_choices(cls, value: object) -> object:
        if isinstance(value, list):
            return {choice: {} for choice in value}
        if isinstance(value, dict):
            return {key: cls._read_label({} if label is None else label) for key, label in value.items()}
        return value

    @model_validator(mode="after")
    def _agrees(self) -> Attribute:
        if bool(self.choices) != (self.type is AttributeType.CHOICE):
            raise ValueError("choices belong to the type choice, and to it alone")
        return self

    def label_in(self, language: str, name: str) -> str:
        """How a reader of `language` (BCP 47) reads the attribute `name`."""
        return _in_language(self.label, language, name)

    def choice_in(self, language: str, choice: str) -> str:
        """How a reader of `language` (BCP 47) reads `choice`."""
        return _in_language(self.choices.get(choice, {}), language, choice)

    def clean(self, text: str) -> str:
        """`text`, which is not empty, in its canonical form. Raises `ValueFault`."""
        if self.type is AttributeType.CHOICE:
            return clean_choice(text, tuple(self.choices))
        return clean_value(self.type, text)


_TEXT = Attribute()


@dataclass(frozen=True)
class AttributeFault:
    """A value that can't be taken: of which attribute, what is wrong, and how to mend it."""

    name: str
    message: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.message} — {self.remedy}"


@dataclass(frozen=True)
class AttributeSchema:
    """What the workspace declares, the reserved attributes included; `declared` is False where it has no file."""

    attributes: Mapping[str, Attribute] = field(default_factory=lambda: _with_reserved({}))
    declared: bool = False

    def find(self, name: str) -> Attribute | None:
        """The attribute `name`; None where the workspace declares its attributes, and not this one."""
        return self.attributes.get(name) or (None if self.declared else _TEXT)

    @property
    def editable(self) -> Mapping[str, Attribute]:
        """What people may change themselves, in the order of the file."""
        return {name: attribute for name, attribute in self.attributes.items() if attribute.editable}

    def clean(
        self, attributes: Mapping[str, str], *, whole: bool = False
    ) -> tuple[dict[str, str], tuple[AttributeFault, ...]]:
        """The values in canonical form, and what is wrong with the others.

        An empty value stays empty: it clears a stored one. With `whole`, what is required must be there.
        """
        if not self.declared and _RESERVED.keys().isdisjoint(attributes):
            return dict(attributes), ()
        values: dict[str, str] = {}
        faults: list[AttributeFault] = []
        for name, text in attributes.items():
            try:
                values[name] = self._clean_one(name, text)
            except ValueFault as fault:
                faults.append(AttributeFault(name, f"{name}: {fault.message}", fault.remedy))
        if whole:
            faults += [_missing(name) for name in self._required if name not in attributes]
        return values, tuple(faults)

    @property
    def _required(self) -> list[str]:
        return [name for name, attribute in self.attributes.items() if attribute.required]

    def _clean_one(self, name: str, text: str) -> str:
        attribute = self.find(name)
        if attribute is None:
            raise ValueFault(f"{ATTRIBUTES_FILE} declares no such attribute", self.suggest(name))
        if text:
            return attribute.clean(text)
        if attribute.required:
            raise ValueFault("it is required, and empty", "give a value")
        return text

    def suggest(self, name: str) -> str:
        """What to do about a name that isn't declared: the nearest ones."""
        near = difflib.get_close_matches(name, self.attributes, n=3)
        return f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(self.attributes)}"


def load_attribute_schema(workspace: Workspace) -> AttributeSchema:
    """The workspace's schema; without the file, any attribute is text. Raises `UsageError` with the first fault."""
    schema, findings = read_attribute_schema(workspace.root / ATTRIBUTES_FILE)
    if schema is None:
        first = findings[0].relative_to(workspace.root)
        raise UsageError(f"{first.path}:{first.line}:{first.column}: {first.message}", first.hint)
    return schema


def read_attribute_schema(file: Path) -> tuple[AttributeSchema | None, list[Finding]]:
    """The schema in `file`, or None with what is wrong in it. A file that isn't there declares nothing."""
    if not file.exists():
        return AttributeSchema(), []
    raw, findings = read_text(file)
    text = read_yaml(raw or "", str(file))
    findings = [*findings, *text.findings]
    if not isinstance(text.data, dict | None):
        message, hint = "this is no list of attributes", "write each name as a key, and below it what it is"
        findings.append(_finding(text, file, (), message, hint))
    attributes: dict[str, Attribute] = {}
    for name in text.data if isinstance(text.data, dict) else ():
        attribute, found = _read_attribute(name, text, file)
        findings += found
        if attribute:
            attributes[name] = attribute
    return (None if findings else AttributeSchema(_with_reserved(attributes), declared=True)), findings


def _read_attribute(name: str, text: YamlText, file: Path) -> tuple[Attribute | None, list[Finding]]:
    if reason := _unfit(name):
        return None, [_finding(text, file, (name,), reason, "choose another name")]
    part = _part_of(text, name)
    if isinstance(part.data, dict) and name in _RESERVED:
        if part.data.keys() & {"type", "choices"}:
            message = f"what {name} can be is fixed: {_RESERVED[name]}"
            return None, [_finding(text, file, (name,), message, "leave out type and choices")]
        part.data = _reserved(name) | part.data
    return validate(Attribute, part, str(file))


def _unfit(name: str) -> str:
    if name in FIELDS:
        return f"{name} is what every subscriber has: no attribute can be called so"
    if not (name and name == name.strip() and name.isprintable()):
        return f"{name!r} can't name an attribute: use printable characters, without space around them"
    return ""


def _part_of(text: YamlText, name: str) -> YamlText:
    return YamlText(
        data=text.data[name],
        origin=text.key_place_of((name,)),
        places={at[1:]: place for at, place in text.places.items() if len(at) > 1 and at[0] == name},
        key_places={at[1:]: place for at, place in text.key_places.items() if len(at) > 1 and at[0] == name},
    )


def _with_reserved(attributes: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
    others = {name: Attribute.model_validate(_reserved(name)) for name in _RESERVED if name not in attributes}
    return {**attributes, **others}


def _reserved(name: str) -> dict[str, object]:
    kind = _RESERVED[name]
    return {"type": kind} | ({"choices": list(_TRACKING)} if kind is AttributeType.CHOICE else {})


def _in_language(labels: Mapping[str, str], language: str, otherwise: str) -> str:
    for tag in (language, primary(language), ""):
        if tag in labels:
            return labels[tag]
    return otherwise


def _missing(name: str) -> AttributeFault:
    return AttributeFault(name, f"{name} is required, and not given", f"give it: {ATTRIBUTES_FILE} asks for it")


def _finding(text: YamlText, file: Path, at: tuple[str, ...], message: str, hint: str) -> Finding:
    place = text.key_place_of(at)
    return Finding(path=str(file), line=place.line, column=place.column, code="attribute", message=message, hint=hint)
