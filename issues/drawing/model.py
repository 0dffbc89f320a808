"""What a `drawings.yaml` may hold, and one line for what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails

Motif = Literal["skyline", "hills", "circle", "waves", "leaves", "network"]
PaletteName = Literal["forest", "ocean", "earth", "dusk", "leaf"]
FileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(?:[-.][a-z0-9]+)*\.png$")]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class DrawingError(Exception):
    """Something in a drawings file, or on this machine, that a person has to mend."""


class Value(BaseModel):
    """A part of a drawings file: keys are known, values don't change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Drawing(Value):
    """What every picture states: its file, and a palette where it is not the issue's."""

    file: FileName
    palette: PaletteName | None = None


class Cover(Drawing):
    """An abstract landscape with masthead, title and number."""

    kind: Literal["cover"]
    motif: Motif
    lines: list[Words] = Field(min_length=2, max_length=4)
    slogan: Words | None = None


class Band(Drawing):
    """A wide low band that opens a section."""

    kind: Literal["band"]
    motif: Motif
    title: Words


class Report(Drawing):
    """An upright book cover."""

    kind: Literal["report"]
    motif: Motif
    title: Words
    publisher: Words | None = None


class Scene(Drawing):
    """A picture without words that leads an article."""

    kind: Literal["scene"]
    motif: Motif


class BarValue(Value):
    """One bar: a value from zero, or a range from `low` to `high`."""

    label: Words
    value: Amount | None = None
    low: Amount | None = None
    high: Amount | None = None

    @model_validator(mode="after")
    def _value_or_range(self) -> Self:
        if (self.value is None) == (self.low is None) or (self.low is None) != (self.high is None):
            raise ValueError(f"bar {self.label!r} needs either value, or both low and high")
        if self.start > self.end:
            raise ValueError(f"bar {self.label!r} has low above high")
        return self

    @property
    def start(self) -> float:
        """Where the bar begins."""
        return self.low or 0.0

    @property
    def end(self) -> float:
        """Where the bar ends."""
        return self.value or self.high or 0.0


class BarChart(Drawing):
    """Horizontal bars on a scale that begins at zero."""

    kind: Literal["bar"]
    title: Words
    unit: str = ""
    max: Annotated[float, Field(gt=0)] | None = None
    bars: list[BarValue] = Field(min_length=1, max_length=16)

    @model_validator(mode="after")
    def _fits_the_scale(self) -> Self:
        largest = max(bar.end for bar in self.bars)
        if largest == 0:
            raise ValueError("every bar is zero")
        if self.max is not None and largest > self.max:
            raise ValueError(f"a bar's {largest:g} is above max {self.max:g}")
        return self

    @property
    def scale_end(self) -> float:
        """The figure at the far end of the scale."""
        return self.max if self.max is not None else max(bar.end for bar in self.bars)


class RingChart(Drawing):
    """One share of a whole; the whole is 100 unless `max` says otherwise."""

    kind: Literal["ring"]
    title: Words
    value: Amount
    unit: str = "%"
    max: Annotated[float, Field(gt=0)] = 100
    label: Words | None = None

    @model_validator(mode="after")
    def _is_a_share(self) -> Self:
        if self.value > self.max:
            raise ValueError(f"value {self.value:g} is above the whole, {self.max:g}")
        return self


AnyDrawing = Annotated[Cover | Band | Report | Scene | BarChart | RingChart, Field(discriminator="kind")]


class DrawingList(Value):
    """A whole `drawings.yaml`."""

    seed: int
    palette: PaletteName
    drawings: list[AnyDrawing] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_file_once(self) -> Self:
        names = [drawing.file for drawing in self.drawings]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"listed twice: {', '.join(twice)}")
        return self

    def palette_of(self, drawing: Drawing) -> PaletteName:
        """The palette `drawing` is drawn with."""
        return drawing.palette or self.palette


def read_drawings(path: Path) -> DrawingList:
    """The drawings that `path` lists; raises DrawingError with its first fault."""
    try:
        source = yaml.safe_load(path.read_text(encoding="utf-8"))
        return DrawingList.model_validate(source)
    except ValidationError as error:
        raise DrawingError(f"{path}: {_told_in_one_line(error, source)}") from None
    except yaml.YAMLError as error:
        raise DrawingError(f"{path}: {' '.join(str(error).split())}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DrawingError(f"{path}: {error}") from None


def _told_in_one_line(error: ValidationError, source: Any) -> str:
    fault = error.errors(include_url=False)[0]
    place, said = list(fault["loc"]), _said(fault)
    if len(place) < 2 or place[0] != "drawings":
        return f"{_dotted(place)}{said}"
    position = int(place[1])
    listed = source["drawings"][position]
    name = (isinstance(listed, dict) and listed.get("file")) or f"drawing {position + 1}"
    # Pydantic puts the kind into the place of a drawing; a reader knows the drawing by its file.
    return f"{name}: {_dotted(place[3:])}{said}"


def _dotted(place: Sequence[int | str]) -> str:
    return ".".join(map(str, place)) + " " if place else ""


def _said(fault: ErrorDetails) -> str:
    """A fault in words that follow the key's name."""
    given, context = fault["input"], fault.get("ctx", {})
    match fault["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return "is not a key of this kind of drawing"
        case "literal_error":
            return f"must be {context['expected']}, not {given!r}"
        case "union_tag_invalid":
            return f"kind must be one of {context['expected_tags']}, not {context['tag']!r}"
        case "union_tag_not_found":
            return "kind is missing"
        case "string_pattern_mismatch":
            return f"must be lower-case letters, digits and hyphens that end in .png, not {given!r}"
        case "model_type" | "model_attributes_type":
            return "must hold keys and values"
        case _:
            return fault["msg"].removeprefix("Value error, ")
