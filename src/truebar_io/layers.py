"""YAML files and environment variables as layers of settings; each value remembers where it was given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from truebar.errors import ConfigurationError

Path = tuple[str, ...]
"""Keys from the top of a file to a value."""

SEPARATOR: Final = "__"

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The safe loader in C where PyYAML has it: each step reads the configuration."""


@dataclass(frozen=True)
class Layer:
    """Settings of one file, and the place where each was given.

    Attributes:
        values: the nested mapping.
        origins: path of a key → file and line, or environment variable.
    """

    values: Mapping[str, Any]
    origins: Mapping[Path, str]

    def origin(self, path: Path) -> str:
        """Return where `path`, or else the nearest section above it, was given."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return self.origins.get((), "the defaults")


def read_layer(text: str, name: str) -> Layer:
    """Return the settings of a YAML text.

    Args:
        text: the YAML; an empty one gives nothing.
        name: what messages call it.

    Raises:
        ConfigurationError: no YAML, no mapping at its top, a key that is given twice or is no text, an alias.
    """
    node, value = _parse(text, name)
    if node is None or value is None:
        return Layer({}, {(): name})
    if not isinstance(node, yaml.MappingNode):
        raise ConfigurationError(
            f"{name}: expected keys and values at its top, found {type(value).__name__}."
        )
    origins: dict[Path, str] = {(): name}
    for path, mark in _keys(node, (), name, set()):
        if path in origins:
            raise ConfigurationError(
                f"{name} line {mark.line + 1}: {dotted(path)} is given twice, first at {origins[path]}; "
                "keep one."
            )
        origins[path] = f"{name} line {mark.line + 1}"
    return Layer(value, origins)


def parse_value(text: str, name: str) -> Any:
    """Return one YAML value.

    Raises:
        ConfigurationError: no YAML; the message names `name` and never shows `text`.
    """
    try:
        return yaml.load(text, _LOADER)  # noqa: S506 - safe, both of them
    except (yaml.YAMLError, ValueError):
        # Not chained: the cause quotes the text, which may be a secret that was put in the wrong variable.
        raise ConfigurationError(f"{name}: its value is no YAML; quote it if it is a text.") from None


def overlay(base: Layer, above: Layer) -> Layer:
    """Return `base` with every value that `above` gives; sections are merged, anything else is replaced."""
    return Layer(_merged(base.values, above.values), {**base.origins, **above.origins})


def dotted(path: Path) -> str:
    """Return a path as people write it.

    >>> dotted(("labels", "vol_threshold", "k"))
    'labels.vol_threshold.k'
    """
    return ".".join(path)


def environment_layer(
    file: str, base: Mapping[str, Any], environment: Mapping[str, str], prefix: str
) -> Layer:
    """Return the settings that variables `<prefix>_<FILE>__<SECTION>__<KEY>` give for one file.

    Letter case does not count, and a dash in a key is an underscore in the variable. An empty value gives
    nothing. A key that `base` does not have is kept in lower case, for validation to name.

    Args:
        file: its name without suffix.
        base: what the layers below give.
        environment: names and values.
        prefix: what the names begin with.

    Raises:
        ConfigurationError: a value is no YAML.
    """
    start = f"{prefix}_{file}{SEPARATOR}".upper()
    layer = Layer({}, {})
    for name in sorted(environment):
        if not name.upper().startswith(start) or not environment[name].strip():
            continue
        path = _spelled(name[len(start) :].split(SEPARATOR), base)
        origin = f"environment variable {name}"
        value = parse_value(environment[name], origin)
        for key in reversed(path):
            value = {key: value}
        layer = overlay(layer, Layer(value, dict.fromkeys(_paths(value), origin)))
    return layer


def _paths(value: Any, above: Path = ()) -> Iterator[Path]:
    """Yield the path of every key below `value`."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield (*above, str(key))
            yield from _paths(inner, (*above, str(key)))


def _spelled(parts: list[str], base: Mapping[str, Any]) -> Path:
    """Return the keys of `base` that the parts of a variable's name stand for."""
    path: list[str] = []
    section: Any = base
    for part in parts:
        keys = section if isinstance(section, Mapping) else {}
        matching = [key for key in keys if key.replace("-", "_").upper() == part.upper()]
        path.append(matching[0] if matching else part.lower())
        section = keys.get(path[-1])
    return tuple(path)


def _merged(base: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in above.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = _merged(below, value)
        elif not (isinstance(below, Mapping) and value is None):  # a section with every line commented out
            merged[key] = value
    return merged


def _parse(text: str, name: str) -> tuple[yaml.Node | None, Any]:
    loader = _LOADER(text)
    try:
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f" line {mark.line + 1}" if mark else ""
        raise ConfigurationError(f"{name}{line}: no YAML: {error.problem or error.context}.") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"{name}: no YAML: {error}.") from error
    finally:
        loader.dispose()


def _keys(node: yaml.MappingNode, above: Path, name: str, seen: set[int]) -> Iterator[tuple[Path, yaml.Mark]]:
    """Yield the path and place of every key below `node`."""
    if id(node) in seen:
        raise ConfigurationError(f"{name}: {dotted(above)} is an alias (*); write its values out.")
    seen.add(id(node))
    for key, value in node.value:
        line = key.start_mark.line + 1
        if key.tag != "tag:yaml.org,2002:str":
            raise ConfigurationError(f"{name} line {line}: key {key.value!r} is no text; quote it.")
        path = (*above, str(key.value))
        yield path, key.start_mark
        if isinstance(value, yaml.MappingNode):
            yield from _keys(value, path, name, seen)
