"""One way to compile the numeric kernels: cached on disk where that can be written, in memory where it cannot.

A kernel is made of others, in other modules, and numba looks at a kernel's own file alone to tell whether what it kept
is still right. So what is kept lies in a directory named after all the sources: change one, and nothing old is found.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final, ParamSpec, TypeVar, cast

import numba

_P = ParamSpec("_P")
_R = TypeVar("_R")

_SOURCES: Final = Path(__file__).parents[1]


def stamp_of(sources: Path) -> str:
    """Return a text that changes with any of the Python files below a directory."""
    files = sorted(sources.rglob("*.py"))
    facts = [(str(file.relative_to(sources)), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr((numba.__version__, facts)).encode()).hexdigest()[:12]


def _place() -> Path | None:
    """Return where compiled code is kept: beside the sources, or where NUMBA_CACHE_DIR points; None if nowhere."""
    root = Path(os.environ.get("NUMBA_CACHE_DIR") or Path(__file__).parent / "__pycache__")
    place = root / f"kernels-{stamp_of(_SOURCES)}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place):
            return place
    except OSError:
        return None


_PLACE: Final = _place()
if _PLACE is not None:
    numba.config.CACHE_DIR = str(_PLACE)  # type: ignore[attr-defined] # numba has no types


def compiled(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """Compile ``function`` on first use, without the interpreter lock and without re-ordering any arithmetic."""
    keep = _PLACE is not None
    return cast("Callable[_P, _R]", numba.njit(cache=keep, nogil=True, fastmath=False)(function))
