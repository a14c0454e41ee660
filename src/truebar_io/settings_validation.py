"""Layers of settings checked against their model; messages name the place, the key and what is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from truebar.config import Settings
from truebar.errors import ConfigurationError
from truebar_io.layers import Layer, dotted

_ModelT = TypeVar("_ModelT", bound=BaseModel)


def validated(model: type[_ModelT], layer: Layer, above: tuple[str, ...] = ()) -> _ModelT:
    """Return the settings of a layer as `model`.

    Args:
        model: what they must be.
        layer: values, and the origins of all keys of the file.
        above: where the values stand in the file.

    Raises:
        ConfigurationError: one line for each setting that is unknown, missing or out of bounds. Values that
            came from the environment are not shown.
    """
    try:
        return model.model_validate(layer.values)
    except ValidationError as error:
        found = [_complaint(model, problem, layer, above) for problem in error.errors(include_url=False)]
        # Not chained: pydantic's text quotes the input, which may be a secret put in the wrong place.
        raise ConfigurationError("\n".join(found)) from None


def _complaint(model: type[BaseModel], problem: Any, layer: Layer, above: tuple[str, ...]) -> str:
    inner = tuple(str(part) for part in problem["loc"])
    path = (*above, *inner)
    origin = layer.origin(path)
    where = f"{origin}: {dotted(path) or 'the file'}"
    if problem["type"] == "extra_forbidden":
        allowed = _allowed_keys(model, inner[:-1])
        return f"{where} is no setting.{meant(inner[-1], allowed)} Allowed here: {', '.join(allowed)}."
    if problem["type"] == "missing":
        return f"{where} is missing; it is required."
    hidden = origin.startswith("environment") or isinstance(problem["input"], Mapping)
    shown = "" if hidden else f", found {problem['input']!r}"
    wrong = problem["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{where}: {wrong}{shown}.{_described(model, inner)}"


def _allowed_keys(model: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    section = _walk(model, path)[0]
    return [] if section is None else list(section.model_fields)


def _described(model: type[BaseModel], path: tuple[str, ...]) -> str:
    """Return what the setting at `path` is, in the words of its model."""
    description = _walk(model, path)[1]
    return f" It is: {description}." if description else ""


def _walk(model: type[BaseModel], path: tuple[str, ...]) -> tuple[type[BaseModel] | None, str | None]:
    """Return the section at `path`, if one is there, and the nearest description on the way."""
    section: type[BaseModel] | None = model
    description, by_name = None, False
    for part in path:
        if by_name:  # a key of a mapping such as `overrides`, whose values are sections
            by_name = False
            continue
        field = None if section is None else section.model_fields.get(part)
        if field is None:
            return None, description
        description, section = field.description, _model_of(field.annotation)
        by_name = section is not None and get_origin(field.annotation) is dict
    return section, description


def _model_of(annotation: Any) -> type[BaseModel] | None:
    options = (annotation, *get_args(annotation))
    return next((o for o in options if isinstance(o, type) and issubclass(o, Settings)), None)


def meant(found: str, known: Sequence[str]) -> str:
    """Return a question that names the known word most like `found`, or nothing."""
    close = get_close_matches(found, known, n=1)
    return f" Did you mean {close[0]}?" if close else ""
