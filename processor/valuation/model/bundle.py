"""Bundles: one immutable directory per county and training, whose version is the hash of its content.

``manifest.json`` says what the model is made of and how it fared; ``arrays.bin`` holds the arrays one behind the other,
mapped into memory when read, so that workers on one machine share them. A directory appears whole or not at all.
"""

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from processor.valuation.model.county import CountyModel
from processor.valuation.model.errors import CorruptBundle, NoSuchBundle
from processor.valuation.model.packing import Array, pack, unpack

FORMAT: Final = 2
_ALIGNMENT: Final = 64
MANIFEST: Final = "manifest.json"
ARRAYS: Final = "arrays.bin"
_UNHASHED: Final = ("version", "sha256", "trained_at")
_DIGITS: Final = 12


@dataclass(frozen=True, slots=True)
class Bundle:
    """A county model with its papers: ``manifest`` holds version, sha256, trained_at, study, and what it came from."""

    model: CountyModel
    manifest: Mapping[str, Any]
    directory: Path

    @property
    def version(self) -> str:
        """What results name as ``model_version``."""
        return str(self.manifest["version"])


def write(store: Path, model: CountyModel, papers: Mapping[str, Any], trained_at: str) -> Bundle:
    """Write a bundle under ``store/COUNTY/VERSION`` and return it; one that lies there already is left as it is.

    ``papers`` are hashed with the content, ``trained_at`` is not: training twice gives one version.
    """
    arrays: dict[str, Array] = {}
    content = pack(model, arrays)
    blob, table = _laid_out(arrays)
    manifest = {
        "format": FORMAT,
        "county_id": model.county_id,
        **papers,
        "content": content,
        "arrays": table,
        "arrays_sha256": hashlib.sha256(blob).hexdigest(),
    }
    digest = _digest(manifest)
    manifest |= {"version": f"{model.county_id.lower()}-{digest[:_DIGITS]}", "sha256": digest, "trained_at": trained_at}
    directory = store / model.county_id / str(manifest["version"])
    if not directory.exists():
        _place(directory, blob, orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS))
    return read(directory)


def read(directory: Path) -> Bundle:
    """Read and verify a bundle; its arrays are mapped, not copied.

    Raises:
        NoSuchBundle: there is none.
        CorruptBundle: its content is not what its version says, or cannot be read.
    """
    manifest, sha256 = _papers(directory)
    path = directory / ARRAYS
    if not path.is_file() or sha256 != manifest.get("sha256") or sha256[:_DIGITS] not in str(manifest.get("version")):
        raise CorruptBundle(f"{directory}: the manifest is not the one its version names")
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != manifest["arrays_sha256"]:
            raise CorruptBundle(f"{directory}: the arrays are not those its version names")
    blob = np.memmap(path, dtype=np.uint8, mode="r")
    arrays = {name: _view(blob, *entry) for name, entry in manifest["arrays"].items()}
    return Bundle(unpack(CountyModel, manifest["content"], arrays), manifest, directory)


def papers(directory: Path) -> Mapping[str, Any]:
    """Read a bundle's manifest alone, without its arrays.

    Raises:
        NoSuchBundle, CorruptBundle: as ``read``.
    """
    return _papers(directory)[0]


def _papers(directory: Path) -> tuple[dict[str, Any], str]:
    path = directory / MANIFEST
    if not path.is_file():
        raise NoSuchBundle(f"{directory}: no model lies there")
    try:
        manifest: dict[str, Any] = orjson.loads(path.read_bytes())
        known = manifest["format"]
    except (ValueError, KeyError, TypeError) as wrong:
        raise CorruptBundle(f"{directory}: the manifest cannot be read") from wrong
    if known != FORMAT:
        raise CorruptBundle(f"{directory}: written in format {known}, this version reads {FORMAT}; train again")
    return manifest, _digest(manifest)


def _digest(manifest: Mapping[str, Any]) -> str:
    hashed = {name: value for name, value in manifest.items() if name not in _UNHASHED}
    return hashlib.sha256(orjson.dumps(hashed, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _laid_out(arrays: Mapping[str, Array]) -> tuple[bytes, dict[str, list[object]]]:
    """Return the arrays one behind the other, and for each where it starts, its type and shape."""
    parts, table, at = [], {}, 0
    for name in sorted(arrays):
        array = arrays[name]
        table[name] = [at, array.dtype.str, list(array.shape)]
        content = array.tobytes()
        padding = -len(content) % _ALIGNMENT
        parts += [content, bytes(padding)]
        at += len(content) + padding
    return b"".join(parts), table


def _view(blob: Array, at: int, kind: str, shape: list[int]) -> Array:
    dtype = np.dtype(kind)
    size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
    return np.asarray(blob[at : at + size]).view(dtype).reshape(shape) if size else np.empty(shape, dtype)


def _place(directory: Path, blob: bytes, manifest: bytes) -> None:
    directory.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=directory.parent))
    try:
        (fresh / ARRAYS).write_bytes(blob)
        (fresh / MANIFEST).write_bytes(manifest)
        fresh.chmod(0o755)
        fresh.replace(directory)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if not (directory / MANIFEST).is_file():
            raise
