"""Reads YAML 1.2 text into plain values, keeping where each key and value stands."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from pressrun.finding import Finding

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """A 1-based line and column, counted in characters."""

    line: int
    column: int


@dataclass
class YamlText:
    """What a YAML text says: `data`, the places of its parts, and its faults; `origin` is where it starts."""

    data: Any = None
    origin: Place = Place(1, 1)
    places: dict[Path, Place] = field(default_factory=dict)
    key_places: dict[Path, Place] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def place_of(self, path: Path) -> Place:
        """Where `path` stands, or the nearest part above it that does."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, self.origin)

    def key_place_of(self, path: Path) -> Place:
        """Where the key of `path` stands, or its value."""
        return self.key_places.get(path) or self.place_of(path)


def each_text(data: object, at: Path = ()) -> Iterator[tuple[Path, str]]:
    """Every text in `data`, by the keys that lead to it."""
    if isinstance(data, str):
        yield at, data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from each_text(value, (*at, key))
    elif isinstance(data, list | tuple):
        for n, value in enumerate(data):
            yield from each_text(value, (*at, n))


class _Loader(yaml.SafeLoader):
    """Knows null only: every other scalar stays the text it was written as, and the models decide its type."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - yaml's own class attribute


# What no source file comes near: it bounds what aliases of aliases unfold to, and what recursion costs.
_DEPTH_LIMIT, _PARTS_LIMIT = 40, 20_000
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_NULL = "tag:yaml.org,2002:null"
_NULL_FORM = (re.compile(r"^(?:~|null|)$"), ["~", "n", ""])
_Loader.add_implicit_resolver(_NULL, *_NULL_FORM)
# Where the two readers differ: tabs, tags, keys after a question mark, marks of documents, what is no plain character.
_DIFFERENT = re.compile(r"[!\t\r\x85\u2028\u2029\ufeff]|\?(?:\s|$)|[|>][-+0-9]*#|^(?:---|\.\.\.|%)", re.MULTILINE)
# libyaml's reader has no bound of its own: nested deep enough, a text ends the whole process (CWE-674). Brackets in
# quotes count too, and so do blanks: what is far from deep goes to the slow reader at worst.
_MOST_BRACKETS = 1_000
_DEEP_LINE = re.compile(r"^[ -]{400}", re.MULTILINE)
_FastLoader: Any = None
if yaml.__with_libyaml__:  # ten times as fast, and most files have no fault; whose words for one are fewer

    class _LibyamlLoader(yaml.CSafeLoader):
        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - yaml's own class attribute

    _LibyamlLoader.add_implicit_resolver(_NULL, *_NULL_FORM)
    _FastLoader = _LibyamlLoader


def read_yaml(text: str, path: str, first: Place | None = None) -> YamlText:
    """Read `text`, which starts at `first` in the file `path`; syntax faults become findings."""
    origin = first or Place(1, 1)
    result = YamlText(origin=origin)
    if (node := _compose_sound(text)) is not None:
        try:
            result.data = _build(node, (), result, path, origin, frozenset())
            return result
        except yaml.MarkedYAMLError:  # told below
            result = YamlText(origin=origin)
    try:
        loader = _Loader(text)
    except yaml.reader.ReaderError as error:
        what = f"the character U+{int(error.character):04X} can't stand in YAML"
        result.findings.append(_finding(path, _offset(text, error.position, origin), "yaml-syntax", what, "remove it"))
        return result
    try:
        node = loader.get_single_node()
        if node is not None:
            result.data = _build(node, (), result, path, origin, frozenset())
    except yaml.MarkedYAMLError as error:
        result.findings.append(_syntax_finding(error, path, origin))
        result.data = None
    except RecursionError:
        result.findings.append(_finding(path, origin, "yaml-syntax", "this is nested too deep", "nest less"))
        result.data = None
    except (ValueError, OverflowError):  # an escape such as "\UFFFFFFFF", or a version of 5,000 digits
        place = _place(loader.get_mark(), origin)
        what = "a number here stands for no character or version"
        result.findings.append(_finding(path, place, "yaml-syntax", what, "look at the backslashes in this line"))
        result.data = None
    finally:
        loader.dispose()
    return result


def _compose_sound(text: str) -> yaml.Node | None:
    """What `text` is made of, from the fast reader; None where that can't tell, for whatever reason."""
    if _FastLoader is None or _DIFFERENT.search(text) or _may_be_deep(text):
        return None
    try:
        loader = _FastLoader(text)
        try:
            node: yaml.Node | None = loader.get_single_node()
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return None
    return node


def _may_be_deep(text: str) -> bool:
    return text.count("[") + text.count("{") > _MOST_BRACKETS or _DEEP_LINE.search(text) is not None


def _build(node: yaml.Node, at: Path, result: YamlText, path: str, origin: Place, above: frozenset[int]) -> Any:
    if id(node) in above:
        raise yaml.MarkedYAMLError(problem="an alias that holds itself", problem_mark=node.start_mark)
    if len(at) > _DEPTH_LIMIT or len(result.places) > _PARTS_LIMIT:
        raise yaml.MarkedYAMLError(problem="this is nested too deep, or too much", problem_mark=node.start_mark)
    result.places[at] = _place(node.start_mark, origin)
    inside = above | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*at, n), result, path, origin, inside) for n, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, at, result, path, origin, inside)
    return None if node.tag == _NULL else _visible(node.value, result, path, result.places[at])


def _visible(value: str, result: YamlText, path: str, place: Place) -> str:
    """`value` without what an escape such as "\\x0b" brought in: it breaks HTML, XML and file names."""
    if found := _INVISIBLE.search(value):
        what = f"an escape stands for an invisible control character (U+{ord(found[0]):04X})"
        result.findings.append(_finding(path, place, "control-character", what, "delete the escape"))
    return _INVISIBLE.sub("", value)


def _build_mapping(
    node: yaml.MappingNode,
    at: Path,
    result: YamlText,
    path: str,
    origin: Place,
    above: frozenset[int],
) -> dict[Hashable, Any]:
    values: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        place = _place(key_node.start_mark, origin)
        if not isinstance(key_node, yaml.ScalarNode):
            what = "a list or mapping can't be a key"
            result.findings.append(_finding(path, place, "yaml-syntax", what, "put quotes around a text with brackets"))
            continue
        key = _visible(key_node.value, result, path, place)
        if key in values:
            result.findings.append(
                _finding(path, place, "duplicate-key", f"{key!r} stands here twice", "keep one of the two")
            )
            continue
        result.key_places[(*at, key)] = place
        values[key] = _build(value_node, (*at, key), result, path, origin, above)
    return values


def _offset(text: str, position: int, origin: Place) -> Place:
    before = text[:position]
    line = before.count("\n")
    column = position - (before.rfind("\n") + 1)
    return Place(line + origin.line, column + (origin.column if line == 0 else 1))


def _place(mark: yaml.Mark, origin: Place) -> Place:
    return Place(mark.line + origin.line, mark.column + (origin.column if mark.line == 0 else 1))


def _syntax_finding(error: yaml.MarkedYAMLError, path: str, origin: Place) -> Finding:
    mark = error.problem_mark or error.context_mark
    place = _place(mark, origin) if mark else origin
    what = " ".join(part for part in (error.context, error.problem) if part) or "this is not YAML"
    return _finding(path, place, "yaml-syntax", what, _syntax_hint(what))


def _syntax_hint(what: str) -> str:
    if "\\t" in what or "tab" in what:
        return "indent with spaces, not tabs"
    if "mapping values are not allowed" in what:
        return "put quotes around a text that holds ': '"
    if "nested too deep" in what:
        return "nest less, and write out what an alias repeats"
    if "alias" in what or "anchor" in what:
        return "put quotes around a text that starts with * or &"
    return "check indentation, quotes and brackets here and in the line before"


def _finding(path: str, place: Place, code: str, message: str, hint: str) -> Finding:
    return Finding(path=path, line=place.line, column=place.column, code=code, message=message, hint=hint)
