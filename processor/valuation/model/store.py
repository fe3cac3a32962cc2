"""The model store: bundles by county, which of them serves, and the levels that pools of sales have shown.

``COUNTY/VERSION/`` is a bundle, ``COUNTY/serving.json`` names the one that serves, ``COUNTY/levels/`` holds the
residuals from which a result's level correction was computed, so that an old result can be computed again.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import orjson

from processor.valuation.model import bundle
from processor.valuation.model.bundle import MANIFEST, Bundle
from processor.valuation.model.county import CountyModel
from processor.valuation.model.errors import CorruptBundle, NoSuchBundle, Objected
from processor.valuation.model.levels import packed, unpacked
from processor.valuation.model.market import Level

SERVING: Final = "serving.json"
LEVELS: Final = "levels"
LEVELS_KEPT: Final = 50
"""Levels a county keeps; older ones are removed."""


class BundleStore(Protocol):
    """What a model store promises, wherever it lies.

    Writing is atomic; any number of processes may read meanwhile. Every method may raise ``StoreAway``, where the
    store is reached over a network.
    """

    @property
    def reachable(self) -> bool:
        """Whether the store answered when it was last asked."""
        ...

    def write(self, model: CountyModel, papers: Mapping[str, Any], trained_at: str) -> Bundle:
        """Write a bundle; it does not serve by that. One that is there already is left as it is."""
        ...

    def read(self, county_id: str, version: str | None = None) -> Bundle:
        """Read and verify a county's bundle of that version, of the serving one where None.

        Raises:
            NoSuchBundle, CorruptBundle: there is none, or it is refused.
        """
        ...

    def papers(self, county_id: str, version: str) -> Mapping[str, Any]:
        """Return a bundle's manifest without reading its arrays.

        Raises:
            NoSuchBundle, CorruptBundle: there is none, or it is refused.
        """
        ...

    def counties(self) -> list[str]:
        """Return the counties that have bundles."""
        ...

    def versions(self, county_id: str) -> list[str]:
        """Return a county's versions, the last trained first; unreadable ones last."""
        ...

    def serving(self, county_id: str) -> str | None:
        """Return the version that serves a county, None where none does."""
        ...

    def promote(self, county_id: str, version: str, *, force: bool = False) -> Bundle:
        """Let a version serve; it is read and verified first.

        Raises:
            NoSuchBundle, CorruptBundle: there is none, or it is damaged; the old one serves on.
            Objected: its study did not pass the gate, and ``force`` is not given.
        """
        ...

    def keep_level(self, county_id: str, version: str, level: Level) -> None:
        """Keep what a pool of sales showed to a version; only the last fifty of a county are kept."""
        ...

    def level(self, county_id: str, version: str, pool: str | None = None) -> Level | None:
        """Return what a pool showed to a version, the last pool where None is named; None where nothing is kept."""
        ...


@dataclass(frozen=True, slots=True)
class ModelStore:
    """A store that is a directory."""

    root: Path

    @property
    def reachable(self) -> bool:
        """Always, as far as anybody can tell."""
        return True

    def write(self, model: CountyModel, papers: Mapping[str, Any], trained_at: str) -> Bundle:
        """Write a bundle; it does not serve by that."""
        return bundle.write(self.root, model, papers, trained_at)

    def read(self, county_id: str, version: str | None = None) -> Bundle:
        """Read a county's bundle of that version, of the serving one where None.

        Raises:
            NoSuchBundle, CorruptBundle: there is none, or it is refused.
        """
        version = self.serving(county_id) if version is None else version
        if version is None:
            raise NoSuchBundle(f"no model serves county {county_id}: train one first")
        return bundle.read(self.directory(county_id, version))

    def directory(self, county_id: str, version: str) -> Path:
        """Return where a bundle lies or would lie.

        Raises:
            NoSuchBundle: the version or the county is no name of a directory.
        """
        for name in (county_id, version):
            if not name or name != Path(name).name or name.startswith("."):
                raise NoSuchBundle(f"{name!r} is no version of a model")
        return self.root / county_id / version

    def papers(self, county_id: str, version: str) -> Mapping[str, Any]:
        """Return a bundle's manifest without reading its arrays."""
        return bundle.papers(self.directory(county_id, version))

    def counties(self) -> list[str]:
        """Return the counties that have bundles."""
        return sorted(path.name for path in self.root.glob("*") if any(path.glob(f"*/{MANIFEST}")))

    def versions(self, county_id: str) -> list[str]:
        """Return a county's versions, the last trained first; unreadable ones last."""
        found = {path.parent.name: self._trained_at(path.parent) for path in self._manifests(county_id)}
        return sorted(found, key=lambda version: (found[version], version), reverse=True)

    def serving(self, county_id: str) -> str | None:
        """Return the version that serves a county, None where none does."""
        try:
            return str(orjson.loads((self.root / county_id / SERVING).read_bytes())["version"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def promote(self, county_id: str, version: str, *, force: bool = False) -> Bundle:
        """Let a version serve; it is read and verified first.

        Raises:
            NoSuchBundle, CorruptBundle: there is none, or it is damaged; the old one serves on.
            Objected: its study did not pass the gate, and ``force`` is not given.
        """
        found = self.read(county_id, version)
        if not force:
            require_passed(found)
        _replace(self.root / county_id / SERVING, orjson.dumps({"version": version}))
        return found

    def keep_level(self, county_id: str, version: str, level: Level) -> None:
        """Keep what a pool of sales showed to a version; only the last fifty are kept."""
        path = self._level_path(county_id, version, level.pool)
        if path.exists():
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        _replace(path, packed(level))
        older = sorted(path.parent.glob("*.level"), key=lambda one: one.stat().st_mtime, reverse=True)[LEVELS_KEPT:]
        for one in older:
            one.unlink(missing_ok=True)

    def level(self, county_id: str, version: str, pool: str | None = None) -> Level | None:
        """Return what a pool showed to a version, the last pool where None is named; None where nothing is kept."""
        if pool is None:
            kept = sorted(
                (self.root / county_id / LEVELS).glob(f"{version}@*.level"), key=lambda one: one.stat().st_mtime
            )
            if not kept:
                return None
            path, pool = kept[-1], kept[-1].stem.partition("@")[2]
        else:
            path = self._level_path(county_id, version, pool)
        try:
            return unpacked(path.read_bytes(), pool)
        except (OSError, ValueError):
            return None

    def _level_path(self, county_id: str, version: str, pool: str) -> Path:
        return self.root / county_id / LEVELS / f"{version}@{Path(pool).name}.level"

    def _manifests(self, county_id: str) -> list[Path]:
        return [path for path in (self.root / county_id).glob(f"*/{MANIFEST}") if not path.parent.name.startswith(".")]

    @staticmethod
    def _trained_at(directory: Path) -> str:
        try:
            return str(bundle.papers(directory).get("trained_at", ""))
        except (NoSuchBundle, CorruptBundle):
            return ""


def require_passed(bundle: Bundle) -> None:
    """Let a bundle pass whose study passed the gate.

    Raises:
        Objected: it did not.
    """
    if bundle.manifest["objections"]:
        raise Objected(f"{bundle.version} did not pass the gate: " + "; ".join(bundle.manifest["objections"]))


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as fresh:
        fresh.write(content)
    Path(fresh.name).chmod(0o644)
    Path(fresh.name).replace(path)
