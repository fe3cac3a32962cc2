"""One way to compile the numeric kernels: cached on disk where that can be written, in memory where it cannot."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")


def _can_cache() -> bool:
    """Say whether compiled code can be kept: beside the sources, or where NUMBA_CACHE_DIR points."""
    place = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(__file__).parent / "__pycache__")
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return True
    except OSError:
        return False


_CACHE = _can_cache()


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile ``function`` on first use, without the interpreter lock and without re-ordering any arithmetic."""
    return cast("Callable[_P, _R]", numba.njit(cache=_CACHE, nogil=True, fastmath=False)(function))
