"""Frozen dataclasses of arrays to one JSON document and a table of arrays, and back by their type hints."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar, cast, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
_T = TypeVar("_T")


def pack(value: object, arrays: dict[str, Array], path: str = "") -> object:
    """Return ``value`` as JSON-able data; its arrays go to ``arrays`` under their paths."""
    if isinstance(value, np.ndarray):
        arrays[path] = np.ascontiguousarray(value)
        return {"array": path}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [field.name for field in dataclasses.fields(value) if field.init]
        return {name: pack(getattr(value, name), arrays, f"{path}/{name}") for name in fields}
    if isinstance(value, tuple):
        return [pack(item, arrays, f"{path}/{at}") for at, item in enumerate(value)]
    return value


def unpack(kind: type[_T], data: object, arrays: Mapping[str, Array]) -> _T:
    """Return what ``pack`` took apart, as an instance of ``kind``."""
    return cast("_T", _unpack(kind, data, arrays))


def _unpack(kind: Any, data: Any, arrays: Mapping[str, Array]) -> object:
    if isinstance(data, dict) and data.keys() == {"array"}:
        return arrays[data["array"]]
    if data is None:
        return None
    if get_origin(kind) in {types.UnionType, typing.Union}:
        kind = next(option for option in get_args(kind) if option is not type(None))
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{name: _unpack(hints[name], item, arrays) for name, item in data.items()})
    if get_origin(kind) is tuple:
        options = get_args(kind)
        repeated = len(options) == 2 and options[1] is Ellipsis  # noqa: PLR2004 - tuple[X, ...]
        return tuple(_unpack(options[0] if repeated else options[at], item, arrays) for at, item in enumerate(data))
    return data
